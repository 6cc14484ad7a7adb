//! As much of ext2, ext3 and ext4 as it takes to look for a few files on a stranger's disk, without mounting anything.
//!
//! Whatever the disk says is bounded: sizes, depths, links, and how much is read altogether. Source: the kernel's
//! `Documentation/filesystems/ext4`.

use std::io;

/// Reads bytes of a disk.
pub(super) type ReadAt<'d> = dyn FnMut(u64, &mut [u8]) -> io::Result<()> + 'd;

const MAGIC: u16 = 0xef53;
const EXTENT_MAGIC: u16 = 0xf30a;
const INCOMPATIBLE_64BIT: u32 = 0x80;
/// What can't be read here: blocks of groups elsewhere, a journal alone, encryption. All else is known or harmless.
const INCOMPATIBLE_OTHERS: u32 = 0x10 | 0x8 | 0x10000;
const HAS_EXTENTS: u32 = 0x0008_0000;
const HAS_INLINE_DATA: u32 = 0x1000_0000;
const ROOT: u32 = 2;
const FOLDER: u16 = 0x4000;
const LINK: u16 = 0xa000;
const KIND: u16 = 0xf000;
const MOST_DEPTH: u16 = 5;
const MOST_LINKS: usize = 8;
/// How much is read of a folder, and of a disk altogether, in bytes.
const MOST_FOLDER: u64 = 1 << 20;
const MOST_BYTES: u64 = 64 << 20;

/// A file system.
pub(super) struct Ext4<'d> {
    read: &'d mut ReadAt<'d>,
    base: u64,
    block: u64,
    table: u64,
    descriptor: u64,
    inode_bytes: u64,
    inodes_per_group: u32,
    inodes: u32,
    left: u64,
}

/// A file, folder or link.
#[derive(Clone, Debug)]
struct Inode {
    mode: u16,
    size: u64,
    flags: u32,
    blocks: [u8; 60],
}

impl<'d> Ext4<'d> {
    /// The file system that begins there, if there is one.
    pub(super) fn open(read: &'d mut ReadAt<'d>, base: u64) -> io::Result<Option<Self>> {
        let mut head = [0; 1024];
        read(base.saturating_add(1024), &mut head)?;
        let (log, incompatible) = (le32(&head, 24), le32(&head, 96));
        if le16(&head, 56) != MAGIC || log > 6 || incompatible & INCOMPATIBLE_OTHERS != 0 {
            return Ok(None);
        }
        let block = 1024 << log;
        let inode_bytes = u64::from(le16(&head, 88)).max(128);
        let wide = incompatible & INCOMPATIBLE_64BIT != 0;
        let descriptor = if wide { u64::from(le16(&head, 254)).max(64) } else { 32 };
        let (inodes, inodes_per_group) = (le32(&head, 0), le32(&head, 40));
        if inodes_per_group == 0 || inode_bytes > block || descriptor > block {
            return Ok(None);
        }
        let table = (u64::from(le32(&head, 20)) + 1) * block;
        Ok(Some(Self { read, base, block, table, descriptor, inode_bytes, inodes_per_group, inodes, left: MOST_BYTES }))
    }

    /// What a text file begins with, if it is there.
    pub(super) fn text(&mut self, path: &str, most: u64) -> io::Result<Option<String>> {
        let Some(inode) = self.find(path)? else { return Ok(None) };
        let bytes = self.contents(&inode, most)?;
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// Whether something is there.
    pub(super) fn has(&mut self, path: &str) -> io::Result<bool> {
        Ok(self.find(path)?.is_some())
    }

    /// The names in a folder.
    pub(super) fn names(&mut self, path: &str) -> io::Result<Vec<String>> {
        let Some(inode) = self.find(path)? else { return Ok(Vec::new()) };
        let entries = self.entries(&inode)?;
        let names = entries.into_iter().map(|(name, _)| name).filter(|name| name != "." && name != "..");
        Ok(names.collect())
    }

    /// What a path leads to; links are followed within the file system.
    fn find(&mut self, path: &str) -> io::Result<Option<Inode>> {
        let mut left: Vec<String> = parts(path);
        let (mut above, mut links) = (vec![ROOT], 0);
        while let Some(part) = left.pop() {
            if part == ".." {
                above.truncate(above.len().saturating_sub(1).max(1));
                continue;
            }
            let folder = self.inode(above.last().copied().unwrap_or(ROOT))?;
            let found = self.entries(&folder)?.into_iter().find(|(name, _)| *name == part);
            let Some((_, number)) = found else { return Ok(None) };
            let inode = self.inode(number)?;
            if inode.mode & KIND != LINK {
                above.push(number);
                continue;
            }
            links += 1;
            if links > MOST_LINKS || inode.size > 1024 {
                return Ok(None);
            }
            let target = String::from_utf8_lossy(&self.target(&inode)?).into_owned();
            if target.starts_with('/') {
                above.truncate(1);
            }
            left.extend(parts(&target));
        }
        above.last().map(|number| self.inode(*number)).transpose()
    }

    fn target(&mut self, link: &Inode) -> io::Result<Vec<u8>> {
        if link.flags & HAS_EXTENTS == 0 && link.size < 60 {
            return Ok(link.blocks[..link.size as usize].to_vec());
        }
        self.contents(link, 1024)
    }

    fn inode(&mut self, number: u32) -> io::Result<Inode> {
        if number == 0 || number > self.inodes {
            return Err(io::Error::other("it names a file that can't be there"));
        }
        let (group, at) = ((number - 1) / self.inodes_per_group, (number - 1) % self.inodes_per_group);
        let mut descriptor = vec![0; self.descriptor as usize];
        self.bytes(self.table.saturating_add(u64::from(group) * self.descriptor), &mut descriptor)?;
        let high = if self.descriptor >= 64 { u64::from(le32(&descriptor, 40)) } else { 0 };
        let table = (high << 32 | u64::from(le32(&descriptor, 8))).saturating_mul(self.block);
        let mut inode = [0; 128];
        self.bytes(table.saturating_add(u64::from(at) * self.inode_bytes), &mut inode)?;
        let mut blocks = [0; 60];
        blocks.copy_from_slice(&inode[40..100]);
        let size = u64::from(le32(&inode, 108)) << 32 | u64::from(le32(&inode, 4));
        Ok(Inode { mode: le16(&inode, 0), size, flags: le32(&inode, 32), blocks })
    }

    /// Names and numbers of what is in a folder; of none where it isn't one. An index, where it has one, lies in its blocks
    /// as names that nobody has.
    fn entries(&mut self, folder: &Inode) -> io::Result<Vec<(String, u32)>> {
        if folder.mode & KIND != FOLDER {
            return Ok(Vec::new());
        }
        let bytes = self.contents(folder, MOST_FOLDER)?;
        let mut entries = Vec::new();
        for block in bytes.chunks(self.block as usize) {
            let mut at = 0;
            while let Some(head) = block.get(at..at + 8) {
                let (number, length, name) = (le32(head, 0), usize::from(le16(head, 4)), usize::from(head[6]));
                if length < 8 {
                    break;
                }
                if let Some(name) = block.get(at + 8..at + 8 + name).filter(|_| number != 0) {
                    entries.push((String::from_utf8_lossy(name).into_owned(), number));
                }
                at += length;
            }
        }
        Ok(entries)
    }

    /// What a file begins with.
    fn contents(&mut self, inode: &Inode, most: u64) -> io::Result<Vec<u8>> {
        if inode.flags & HAS_INLINE_DATA != 0 {
            return Ok(Vec::new());
        }
        let size = inode.size.min(most);
        let mut bytes = vec![0; usize::try_from(size).unwrap_or_default()];
        let runs = if inode.flags & HAS_EXTENTS != 0 {
            let mut runs = Vec::new();
            self.extents(&inode.blocks, MOST_DEPTH, &mut runs)?;
            runs
        } else {
            self.mapped(inode)?
        };
        for (logical, blocks, physical) in runs {
            let from = logical.saturating_mul(self.block);
            if from >= size {
                continue;
            }
            let length = blocks.saturating_mul(self.block).min(size - from);
            let part = &mut bytes[from as usize..(from + length) as usize];
            self.bytes(physical.saturating_mul(self.block), part)?;
        }
        Ok(bytes)
    }

    /// Where a file's blocks are: the first of each run, how many, and where they lie.
    fn extents(&mut self, node: &[u8], depth: u16, runs: &mut Vec<(u64, u64, u64)>) -> io::Result<()> {
        let (entries, below) = (usize::from(le16(node, 2)), le16(node, 6));
        if le16(node, 0) != EXTENT_MAGIC || below > depth || runs.len() > 4096 {
            return Err(io::Error::other("a file's extents are damaged"));
        }
        for entry in node[12..].chunks_exact(12).take(entries) {
            if below == 0 {
                let length = u64::from(le16(entry, 4));
                // What is longer than that is room that was never written.
                if length <= 32768 {
                    let physical = u64::from(le16(entry, 6)) << 32 | u64::from(le32(entry, 8));
                    runs.push((u64::from(le32(entry, 0)), length, physical));
                }
                continue;
            }
            let place = u64::from(le16(entry, 8)) << 32 | u64::from(le32(entry, 4));
            let mut next = vec![0; self.block as usize];
            self.bytes(place.saturating_mul(self.block), &mut next)?;
            self.extents(&next, below - 1, runs)?;
        }
        Ok(())
    }

    /// The same of files of ext2 and ext3: twelve blocks, and as many as one block names.
    fn mapped(&mut self, inode: &Inode) -> io::Result<Vec<(u64, u64, u64)>> {
        let mut places: Vec<u32> = inode.blocks[..48].chunks(4).map(|four| le32(four, 0)).collect();
        let more = le32(&inode.blocks, 48);
        if more != 0 && inode.size > 12 * self.block {
            let mut block = vec![0; self.block as usize];
            self.bytes(u64::from(more).saturating_mul(self.block), &mut block)?;
            places.extend(block.chunks(4).map(|four| le32(four, 0)));
        }
        let runs = (0u64..).zip(places).filter(|(_, place)| *place != 0);
        Ok(runs.map(|(logical, place)| (logical, 1, u64::from(place))).collect())
    }

    fn bytes(&mut self, at: u64, into: &mut [u8]) -> io::Result<()> {
        let left = self.left.checked_sub(into.len() as u64);
        self.left = left.ok_or_else(|| io::Error::other("its tables lead on and on"))?;
        (self.read)(self.base.saturating_add(at), into)
    }
}

/// The parts of a path, the last one first.
fn parts(path: &str) -> Vec<String> {
    let parts = path.split('/').filter(|part| !part.is_empty() && *part != ".");
    let mut parts: Vec<String> = parts.map(str::to_owned).collect();
    parts.reverse();
    parts
}

fn le16(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn le32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
