//! What a QEMU process prints on standard error, bounded whether anybody reads it or not.
//!
//! A file would grow for ever under a QEMU that was taken over, and a pipe ends with its reader. This is anonymous
//! memory of fixed size, sealed so that it can't grow: a write past its end fails, and QEMU doesn't mind.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::FileExt;

const SIZE_BYTES: usize = 16 << 10;
/// What of it a sentence for people shows.
const LINES_SHOWN: usize = 4;
const SHOWN_BYTES: usize = 1024;

/// The memory that a process's standard error goes to.
#[derive(Debug)]
pub struct Words(File);

impl Words {
    /// Makes it.
    pub fn new() -> io::Result<Self> {
        // SAFETY: the name is NUL-terminated.
        let fd = unsafe { libc::memfd_create(c"words".as_ptr(), libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel has just made this descriptor for us, and nobody else knows it.
        let file = File::from(unsafe { OwnedFd::from_raw_fd(fd) });
        file.set_len(SIZE_BYTES as u64)?;
        let seals = libc::F_SEAL_GROW | libc::F_SEAL_SHRINK | libc::F_SEAL_SEAL;
        // SAFETY: a system call without pointers on a descriptor of ours.
        if unsafe { libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, seals) } < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Words(file))
    }

    /// A descriptor for the process.
    pub fn writer(&self) -> io::Result<File> {
        self.0.try_clone()
    }

    /// The last lines, for a sentence; empty if there are none.
    pub fn last(&self) -> String {
        let mut bytes = vec![0; SIZE_BYTES];
        let length = self.0.read_at(&mut bytes, 0).unwrap_or(0);
        let end = bytes[..length].iter().position(|byte| *byte == 0).unwrap_or(length);
        let text = String::from_utf8_lossy(&bytes[..end]);
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let joined = lines[lines.len().saturating_sub(LINES_SHOWN)..].join("; ");
        let skipped = joined.chars().count().saturating_sub(SHOWN_BYTES);
        joined.chars().skip(skipped).filter(|c| !c.is_control()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn the_last_lines_are_told_and_too_much_is_refused() {
        let words = Words::new().unwrap();
        assert_eq!(words.last(), "");
        let mut writer = words.writer().unwrap();
        for number in 0..10 {
            writeln!(writer, "qemu: line {number}\u{1b}[0m").unwrap();
        }
        assert!(words.last().starts_with("qemu: line 6[0m; ") && words.last().ends_with("line 9[0m"));
        let mut refused = false;
        for _ in 0..SIZE_BYTES {
            refused |= writer.write_all(b"0123456789abcdef").is_err();
        }
        assert!(refused);
        assert!(words.last().len() <= SHOWN_BYTES);
    }
}
