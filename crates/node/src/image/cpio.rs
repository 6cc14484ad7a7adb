//! An initial file system for the kernel: a cpio archive in the `newc` format (Documentation/driver-api/
//! early-userspace/buffer-format.rst of Linux), compressed with gzip.
//!
//! Written here because it is forty lines, and the result then depends on nothing but its content: owners
//! are root, times are zero, the same files give the same bytes.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};

/// An archive that is being written.
pub(super) struct Archive {
    out: GzEncoder<Vec<u8>>,
    written_bytes: usize,
    inode: u32,
}

impl Archive {
    pub(super) fn new() -> Self {
        // The fastest level: unpacking time in the guest hardly differs, and the file is small anyway.
        Self { out: GzEncoder::new(Vec::new(), Compression::new(1)), written_bytes: 0, inode: 0 }
    }

    pub(super) fn folder(&mut self, path: &str) -> std::io::Result<()> {
        self.entry(path, 0o040_755, &[])
    }

    pub(super) fn file(&mut self, path: &str, mode: u32, content: &[u8]) -> std::io::Result<()> {
        self.entry(path, 0o100_000 | mode, content)
    }

    pub(super) fn link(&mut self, path: &str, target: &str) -> std::io::Result<()> {
        self.entry(path, 0o120_777, target.as_bytes())
    }

    pub(super) fn finish(mut self) -> std::io::Result<Vec<u8>> {
        self.entry("TRAILER!!!", 0, &[])?;
        self.out.finish()
    }

    fn entry(&mut self, path: &str, mode: u32, content: &[u8]) -> std::io::Result<()> {
        self.inode += 1;
        let size = u32::try_from(content.len()).map_err(std::io::Error::other)?;
        let links = 1;
        let name_size = u32::try_from(path.len() + 1).map_err(std::io::Error::other)?;
        let fields = [self.inode, mode, 0, 0, links, 0, size, 0, 0, 0, 0, name_size, 0];
        let mut header = String::from("070701");
        for field in fields {
            header.push_str(&format!("{field:08x}"));
        }
        self.put(header.as_bytes())?;
        self.put(path.as_bytes())?;
        self.put(&[0])?;
        self.pad()?;
        self.put(content)?;
        self.pad()
    }

    fn put(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.written_bytes += bytes.len();
        self.out.write_all(bytes)
    }

    fn pad(&mut self) -> std::io::Result<()> {
        let length = self.written_bytes.next_multiple_of(4) - self.written_bytes;
        self.put(&[0; 3][..length])
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn entries_are_aligned_and_end_with_the_trailer() {
        let mut archive = Archive::new();
        archive.folder("bin").expect("folder");
        archive.file("init", 0o755, b"#!/bin/sh\n").expect("file");
        archive.link("bin/sh", "busybox").expect("link");
        let packed = archive.finish().expect("finish");
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut plain).expect("gzip");
        assert_eq!(plain.len() % 4, 0);
        let headers: Vec<usize> = (0..plain.len() - 6).filter(|at| &plain[*at..at + 6] == b"070701").collect();
        assert_eq!(headers.len(), 4);
        assert!(headers.iter().all(|at| at % 4 == 0));
        let second = &plain[headers[1]..];
        assert_eq!(&second[14..22], b"000081ed");
        assert_eq!(&second[54..62], b"0000000a");
        assert_eq!(&second[110..115], b"init\0");
        assert_eq!(&second[116..126], b"#!/bin/sh\n");
    }
}
