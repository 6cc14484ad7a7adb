//! A guest's console on disk: two files of bounded size, the older of which goes when the newer is full.
//!
//! QEMU itself keeps what the guest prints in a ring in its memory, of which the oldest is overwritten; whoever inspects
//! the guest moves it from there to the log. So a guest that prints for ever fills neither disk nor memory, whether
//! anybody is there to read or not, and there is no relay process that would have to outlive the agent. The price: what
//! a guest prints faster than it is fetched shows with gaps, and what it printed since the last inspection is lost if
//! its process is killed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use landfall_model::Timestamp;

use crate::crash::crash_point;

/// The console log of one guest.
#[derive(Clone, Debug)]
pub struct ConsoleLog {
    folder: PathBuf,
    limit_bytes: u64,
}

impl ConsoleLog {
    /// The log in that folder, of which each of the two files has at most that many bytes.
    pub fn new(folder: PathBuf, limit_bytes: u64) -> Self {
        ConsoleLog { folder, limit_bytes: limit_bytes.max(1) }
    }

    /// The folder that it is in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn newer(&self) -> PathBuf {
        self.folder.join("console.log")
    }

    fn older(&self) -> PathBuf {
        self.folder.join("console.log.1")
    }

    /// Adds what the guest printed. Of more than the limit only the end is kept.
    pub fn append(&self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let limit = usize::try_from(self.limit_bytes).unwrap_or(usize::MAX);
        let bytes = &bytes[bytes.len().saturating_sub(limit)..];
        crash_point!("console:append");
        fs::create_dir_all(&self.folder)?;
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(self.newer())?;
        if file.metadata()?.len() + bytes.len() as u64 > self.limit_bytes {
            fs::rename(self.newer(), self.older())?;
            file = OpenOptions::new().append(true).create(true).mode(0o600).open(self.newer())?;
        }
        file.write_all(bytes)
    }

    /// The end of it, at most that many bytes, and when it was written last; nothing where there is no log.
    pub fn tail(&self, bytes: usize) -> io::Result<(Vec<u8>, Timestamp)> {
        let mut end = read_tail(&self.newer(), bytes)?;
        let (mut text, mut at) = end.take().unwrap_or_default();
        if text.len() < bytes
            && let Some((mut before, before_at)) = read_tail(&self.older(), bytes - text.len())?
        {
            before.append(&mut text);
            text = before;
            at = at.max(before_at);
        }
        Ok((text, at))
    }

    /// Notes beside it the machine type that the guest was started with, which stays the guest's when a restart of the
    /// host has taken everything else that is known of it.
    pub fn note_machine(&self, machine: &str) -> io::Result<()> {
        crash_point!("console:note");
        fs::create_dir_all(&self.folder)?;
        fs::write(self.folder.join("machine"), machine)
    }

    /// The machine type that was noted; empty if none was.
    pub fn machine(&self) -> String {
        fs::read_to_string(self.folder.join("machine")).unwrap_or_default()
    }

    /// Removes it. None is no error.
    pub fn remove(&self) -> io::Result<()> {
        crash_point!("console:remove");
        match fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

fn read_tail(path: &Path, bytes: usize) -> io::Result<Option<(Vec<u8>, Timestamp)>> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let facts = file.metadata()?;
    let bytes = bytes as u64;
    file.seek(SeekFrom::Start(facts.len().saturating_sub(bytes)))?;
    let mut text = Vec::new();
    file.take(bytes).read_to_end(&mut text)?;
    let at = facts.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    Ok(Some((text, Timestamp(i64::try_from(at).unwrap_or(i64::MAX)))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_goes_across_the_rotation_and_the_disk_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let log = ConsoleLog::new(folder.path().join("i-1"), 100);
        assert_eq!(log.tail(10).unwrap(), (vec![], Timestamp(0)));
        let mut all = Vec::new();
        for number in 0..200 {
            let line = format!("line {number}\n");
            log.append(line.as_bytes()).unwrap();
            all.extend(line.into_bytes());
            let on_disk: u64 = fs::read_dir(log.folder()).unwrap().map(|e| e.unwrap().metadata().unwrap().len()).sum();
            assert!(on_disk <= 200 && log.machine().is_empty());
        }
        for bytes in [0, 1, 50, 99, 100] {
            assert_eq!(log.tail(bytes).unwrap().0, all[all.len() - bytes..]);
        }
        assert!(log.tail(usize::MAX).unwrap().0.len() > 90);
        assert!(log.tail(1).unwrap().1 > Timestamp(1_700_000_000_000));
        log.append(&[b'x'; 1000]).unwrap();
        assert!(log.tail(100).unwrap().0.iter().all(|byte| *byte == b'x'), "of too much the end is kept");
        log.remove().unwrap();
        log.remove().unwrap();
        assert!(!log.folder().exists());
    }
}
