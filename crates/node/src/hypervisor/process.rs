//! Processes told apart for certain: by number and start time, and signalled through a descriptor.
//!
//! A process's number alone is soon another's. With the time at which it started (field 22 of `/proc/PID/stat`) it is
//! unique until the machine restarts. A signal goes through a pidfd that is opened first and compared afterwards, so
//! that it can't hit a process that took the number in between.

use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;

/// A process, told apart from any later one with the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: i32,
    /// When it started, in ticks since the machine did.
    pub started: u64,
}

impl Process {
    /// Reads a line of `/proc/PID/stat`. Also says whether the process is more than a remnant (a zombie).
    pub fn parse(stat: &str) -> Option<(Self, bool)> {
        let pid = stat.split(' ').next()?.parse().ok()?;
        // The name stands in brackets and may hold anything, brackets and spaces included.
        let mut fields = stat.get(stat.rfind(')')? + 1..)?.split_ascii_whitespace();
        let state = fields.next()?;
        let started = fields.nth(18)?.parse().ok()?;
        Some((Process { pid, started }, !matches!(state, "Z" | "X" | "x")))
    }

    /// The living process that has that number now.
    pub fn with_pid(pid: i32) -> Option<Self> {
        let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
        Process::parse(&String::from_utf8_lossy(&stat)).filter(|(_, alive)| *alive).map(|(process, _)| process)
    }

    /// Whether it lives.
    pub fn is_alive(self) -> bool {
        Process::with_pid(self.pid) == Some(self)
    }

    /// Sends a signal to it and no other. False if it is gone.
    pub fn signal(self, signal: Signal) -> io::Result<bool> {
        let Some(handle) = self.open()? else { return Ok(false) };
        // SAFETY: a system call on a descriptor that we own; the null pointer stands for no further information.
        let result = unsafe {
            libc::syscall(
                libc::SYS_pidfd_send_signal,
                handle.as_raw_fd(),
                signal as libc::c_int,
                std::ptr::null::<libc::siginfo_t>(),
                0,
            )
        };
        match (result, io::Error::last_os_error()) {
            (0, _) => Ok(true),
            (_, error) if error.raw_os_error() == Some(libc::ESRCH) => Ok(false),
            (_, error) => Err(error),
        }
    }

    /// Waits until it has ended. False if it still lives when the time is over.
    pub fn wait(self, timeout: Duration) -> io::Result<bool> {
        let Some(handle) = self.open()? else { return Ok(true) };
        let timeout = PollTimeout::try_from(timeout).unwrap_or(PollTimeout::MAX);
        let mut ends = [PollFd::new(handle.as_fd(), PollFlags::POLLIN)];
        match poll(&mut ends, timeout) {
            Ok(ready) => Ok(ready > 0),
            Err(nix::errno::Errno::EINTR) => Ok(!self.is_alive()),
            Err(errno) => Err(errno.into()),
        }
    }

    /// A handle of it, if it lives.
    fn open(self) -> io::Result<Option<OwnedFd>> {
        // SAFETY: a system call without pointers.
        let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, self.pid, 0) };
        if fd < 0 {
            let error = io::Error::last_os_error();
            return if error.raw_os_error() == Some(libc::ESRCH) { Ok(None) } else { Err(error) };
        }
        let fd = i32::try_from(fd).map_err(io::Error::other)?;
        // SAFETY: the kernel has just made this descriptor for us, and nobody else knows it.
        let handle = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(self.is_alive().then_some(handle))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_full_of_brackets_hides_nothing() {
        let line =
            "77 (a) R 1 (b c) S 1 77 77 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4711 2 3 18446744073709551615 0 0\n";
        assert_eq!(Process::parse(line), Some((Process { pid: 77, started: 4711 }, true)));
        assert_eq!(Process::parse(&line.replace(") S ", ") Z ")).map(|(_, alive)| alive), Some(false));
        for broken in ["", "77", "77 (x", "77 (x) S 1 2 3", "x (y) S 1 77 77 0 -1 4 1 0 0 0 0 0 0 0 20 0 1 0 4711"] {
            assert_eq!(Process::parse(broken), None, "{broken}");
        }
    }

    #[test]
    fn only_the_very_process_is_signalled() {
        let mut child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let process = Process::with_pid(pid).unwrap();
        let other = Process { started: process.started + 1, ..process };
        assert!(!other.signal(Signal::SIGKILL).unwrap() && !other.is_alive());
        assert!(other.wait(Duration::from_secs(120)).unwrap());
        assert!(!process.wait(Duration::from_millis(20)).unwrap());
        assert!(process.signal(Signal::SIGKILL).unwrap());
        assert!(process.wait(Duration::from_secs(120)).unwrap());
        assert!(!process.is_alive(), "a zombie counts as gone");
        child.wait().unwrap();
        assert!(!process.signal(Signal::SIGKILL).unwrap());
    }
}
