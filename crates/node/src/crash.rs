//! Points at which a test may end this process: one beside each step that outlives it.
//!
//! This crate only says where it is. What happens there is hooked in by the binary, and only where it was built with the
//! feature `crash-points`: without it no point leaves anything in the program.

use std::fmt::Arguments;

/// Says that this process is at the step of that name.
macro_rules! crash_point {
    ($($name:tt)+) => {
        if cfg!(feature = "crash-points") {
            $crate::crash::pass(format_args!($($name)+));
        }
    };
}
pub(crate) use crash_point;

#[cfg(feature = "crash-points")]
static HOOK: std::sync::OnceLock<fn(Arguments<'_>)> = std::sync::OnceLock::new();

/// Has that called with the name of each point that is passed from now on. The first call decides.
#[cfg(feature = "crash-points")]
pub fn on_crash_point(hook: fn(Arguments<'_>)) {
    let _ = HOOK.set(hook);
}

#[cfg(feature = "crash-points")]
pub(crate) fn pass(name: Arguments<'_>) {
    if let Some(hook) = HOOK.get() {
        hook(name);
    }
}

#[cfg(not(feature = "crash-points"))]
pub(crate) fn pass(_: Arguments<'_>) {}

#[cfg(feature = "crash-points")]
static ASK: std::sync::OnceLock<fn(Arguments<'_>) -> bool> = std::sync::OnceLock::new();

/// Has that asked, where only another process can say when a point is passed, whether it is to end this one there.
#[cfg(feature = "crash-points")]
pub fn on_crash_ask(ask: fn(Arguments<'_>) -> bool) {
    let _ = ASK.set(ask);
}

#[cfg(feature = "crash-points")]
pub(crate) fn is_last(name: Arguments<'_>) -> bool {
    ASK.get().is_some_and(|ask| ask(name))
}
