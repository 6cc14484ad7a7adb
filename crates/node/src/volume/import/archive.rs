//! The disk in an OVA: a tar archive of a description and what that describes. Source: DMTF's DSP0243, section 5.
//!
//! Nothing is unpacked: the disk is read where it stands in the archive, so no name in it leads anywhere.

use std::fs::File;
use std::os::unix::fs::FileExt;

use super::format::unread;
use super::invalid;
use crate::driver::DriverResult;

const BLOCK: u64 = 512;
/// The most members that are looked at; an OVA of a machine has a handful.
const MOST_MEMBERS: usize = 256;
/// The longest description that is read, in bytes.
const MOST_DESCRIPTION: u64 = 4 << 20;

struct Member {
    name: String,
    offset: u64,
    size: u64,
}

/// Where the archive's only disk is: where it begins, and how long it is.
pub(super) fn disk(file: &File, length: u64) -> DriverResult<(u64, u64)> {
    let members = members(file, length)?;
    let ends = |member: &&Member, end: &str| member.name.to_ascii_lowercase().ends_with(end);
    let description = members.iter().find(|member| ends(member, ".ovf"));
    let description = description.ok_or_else(|| invalid("the OVA has no description (.ovf)"))?;
    if description.size > MOST_DESCRIPTION {
        return Err(invalid("the description in the OVA is too long"));
    }
    let mut text = vec![0; usize::try_from(description.size).unwrap_or_default()];
    file.read_exact_at(&mut text, description.offset).map_err(unread)?;
    let text = String::from_utf8_lossy(&text);
    let mut disks = members.iter().filter(|member| ends(member, ".vmdk") || ends(member, ".vmdk.gz"));
    let (first, second) = (disks.next(), disks.next());
    let found = first.ok_or_else(|| invalid("the OVA has no disk (.vmdk)"))?;
    if let Some(second) = second {
        return Err(invalid(format!(
            "the OVA has several disks ({}, {}): import each of them by itself, and the image of their snapshots",
            found.name, second.name
        )));
    }
    if !text.contains(&format!("href=\"{}\"", found.name)) {
        return Err(invalid(format!("the description in the OVA doesn't name {}", found.name)));
    }
    if ends(&found, ".gz") || text.contains("ovf:compression=\"gzip\"") || text.contains("ovf:chunkSize=") {
        return Err(invalid("a disk that is compressed or cut in pieces within an OVA isn't imported"));
    }
    Ok((found.offset, found.size))
}

/// What is in the archive. Whatever is no plain file with a plain name is refused.
fn members(file: &File, length: u64) -> DriverResult<Vec<Member>> {
    let mut members = Vec::new();
    let (mut at, mut headers) = (0, 0);
    while at + BLOCK <= length {
        let mut header = [0; BLOCK as usize];
        file.read_exact_at(&mut header, at).map_err(unread)?;
        if header.iter().all(|byte| *byte == 0) {
            break;
        }
        check_sum(&header)?;
        headers += 1;
        if headers > MOST_MEMBERS {
            return Err(invalid(format!("the OVA has more than {MOST_MEMBERS} members")));
        }
        let size = number(&header[124..136]).ok_or_else(|| invalid("the OVA is damaged"))?;
        let name = text(&header[..100]);
        match header[156] {
            b'0' | 0 => {}
            // Attributes of the next member, such as longer times.
            b'x' | b'g' => {
                at = next(at, size, length)?;
                continue;
            }
            _ => return Err(invalid(format!("the OVA has a member that is no file: {name}"))),
        }
        let is_plain = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\']);
        if !is_plain || header[345] != 0 {
            return Err(invalid(format!("the OVA has a member whose name can't be one: {name}")));
        }
        let end = next(at, size, length)?;
        members.push(Member { name, offset: at + BLOCK, size });
        at = end;
    }
    if members.is_empty() { Err(invalid("it is no OVA file")) } else { Ok(members) }
}

/// Where the next member's header is.
fn next(at: u64, size: u64, length: u64) -> DriverResult<u64> {
    let end = size.checked_next_multiple_of(BLOCK).and_then(|size| (at + BLOCK).checked_add(size));
    let is_whole = (at + BLOCK).checked_add(size).is_some_and(|end| end <= length);
    end.filter(|_| is_whole).ok_or_else(|| invalid("the OVA breaks off before its end"))
}

/// That a header is one.
fn check_sum(header: &[u8]) -> DriverResult<()> {
    let bytes = header.iter().enumerate().map(|(at, byte)| if (148..156).contains(&at) { b' ' } else { *byte });
    let sum: u64 = bytes.map(u64::from).sum();
    if number(&header[148..156]) == Some(sum) { Ok(()) } else { Err(invalid("it is no OVA file, or a damaged one")) }
}

/// A number of a header: octal digits, or, where the first bit is set, a binary one.
fn number(field: &[u8]) -> Option<u64> {
    if field[0] & 0x80 != 0 {
        let (head, tail) = field.split_at(field.len() - 8);
        let is_small = head[0] == 0x80 && head[1..].iter().all(|byte| *byte == 0);
        return is_small.then(|| tail.iter().fold(0, |all, byte| all << 8 | u64::from(*byte)));
    }
    let text = text(field);
    u64::from_str_radix(text.trim(), 8).ok()
}

fn text(field: &[u8]) -> String {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    String::from_utf8_lossy(&field[..end]).into_owned()
}
