//! Ends this process at a point that a test names, as `kill -9` would. Only in builds with the feature `crash-points`.
//!
//! `LANDFALL_CRASH=NAME:N` ends it at the N-th passing of that name; `LANDFALL_CRASH_LOG=FILE` gets a line for each
//! passing of any, so that a test knows which there are.

use std::collections::HashMap;
use std::fmt::Arguments;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::sync::{LazyLock, Mutex, PoisonError};

/// Has the points of all crates pass here.
pub fn install() {
    landfall_state::on_crash_point(pass);
    landfall_node::on_crash_point(pass);
    landfall_node::on_crash_ask(count);
}

/// What the environment asks for.
struct Asked {
    crash: Option<(String, u64)>,
    log: Option<File>,
}

static ASKED: LazyLock<Asked> = LazyLock::new(|| {
    let crash = std::env::var("LANDFALL_CRASH").ok().and_then(|text| {
        let (name, count) = text.rsplit_once(':')?;
        Some((name.to_owned(), count.parse().ok()?))
    });
    let log = std::env::var_os("LANDFALL_CRASH_LOG")
        .and_then(|path| OpenOptions::new().create(true).append(true).open(path).ok());
    Asked { crash, log }
});
static PASSED: LazyLock<Mutex<HashMap<String, u64>>> = LazyLock::new(Mutex::default);

/// This process is at the point of that name.
pub fn pass(name: Arguments<'_>) {
    if count(name) {
        let _ = nix::sys::signal::kill(nix::unistd::Pid::this(), nix::sys::signal::Signal::SIGKILL);
        loop {
            std::thread::park();
        }
    }
}

/// Counts a passing; whether it is the one that is asked for.
fn count(name: Arguments<'_>) -> bool {
    let name = name.to_string();
    let asked = &*ASKED;
    let count = {
        let mut passed = PASSED.lock().unwrap_or_else(PoisonError::into_inner);
        let count = passed.entry(name.clone()).or_insert(0);
        *count += 1;
        *count
    };
    let dies = asked.crash.as_ref().is_some_and(|(wanted, at)| *wanted == name && *at == count);
    if let Some(mut log) = asked.log.as_ref() {
        // One write: lines of several threads and processes don't mix.
        let line = if dies { format!("{name}\n!{name}\n") } else { format!("{name}\n") };
        let _ = log.write_all(line.as_bytes());
    }
    dies
}
