//! A small client of the NBD protocol (github.com/NetworkBlockDevice/nbd, `doc/proto.md`): fixed newstyle, structured
//! replies, one context a connection. It reads what a `qemu-nbd` of ours or a guest's QEMU serves, asks which parts are
//! zeros, and writes. What comes over the socket is bounded, and believed only where it is an answer to what was asked.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// The name under which a `qemu-nbd` of ours exports a disk.
pub const EXPORT: &str = "disk";

const OPTION_MAGIC: u64 = 0x4948_4156_454f_5054;
const OPTION_REPLY_MAGIC: u64 = 0x0003_e889_0455_65a9;
const REQUEST_MAGIC: u32 = 0x2560_9513;
const SIMPLE_REPLY_MAGIC: u32 = 0x6744_6698;
const STRUCTURED_REPLY_MAGIC: u32 = 0x668e_33ef;

const FLAG_FIXED_NEWSTYLE: u16 = 1;
const FLAG_NO_ZEROES: u16 = 2;

const OPTION_GO: u32 = 7;
const OPTION_STRUCTURED_REPLY: u32 = 8;
const OPTION_SET_META_CONTEXT: u32 = 10;
const REPLY_ACK: u32 = 1;
const REPLY_INFO: u32 = 3;
const REPLY_META_CONTEXT: u32 = 4;
const REPLY_ERROR: u32 = 1 << 31;

const READ: u16 = 0;
const WRITE: u16 = 1;
const DISCONNECT: u16 = 2;
const FLUSH: u16 = 3;
const BLOCK_STATUS: u16 = 7;

const CHUNK_DONE: u16 = 1;
const CHUNK_NONE: u16 = 0;
const CHUNK_DATA: u16 = 1;
const CHUNK_HOLE: u16 = 2;
const CHUNK_BLOCK_STATUS: u16 = 5;
const CHUNK_ERROR: u16 = 1 << 15;

const STATUS_ZERO: u32 = 2;
const STATUS_DIRTY: u32 = 1;
/// The context that tells which parts are zeros.
pub const ALLOCATION: &str = "base:allocation";
/// How long an answer may take: a server that waits for its disk is slow, not silent.
const PATIENCE: Duration = Duration::from_secs(120);
/// The longest answer that is taken besides data, in bytes.
const ANSWER_BYTES: u32 = 1 << 20;

/// A run of bytes of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// How long, in bytes.
    pub bytes: u64,
    flags: u32,
}

impl Extent {
    /// Whether all of it reads as zeros, as [`ALLOCATION`] tells.
    pub fn is_zero(self) -> bool {
        self.flags & STATUS_ZERO != 0
    }

    /// Whether some of it may have changed, as the context of a bitmap tells.
    pub fn is_dirty(self) -> bool {
        self.flags & STATUS_DIRTY != 0
    }
}

/// A connection with an export.
pub struct Nbd {
    stream: UnixStream,
    size_bytes: u64,
    handle: u64,
    /// Whether the context that was asked for is there.
    has_context: bool,
}

impl Nbd {
    /// Begins to speak with a server of that export, about that context of it.
    pub fn connect(mut stream: UnixStream, export: &str, asked: &str) -> io::Result<Self> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut hello = [0; 18];
        stream.read_exact(&mut hello)?;
        let flags = u16::from_be_bytes([hello[16], hello[17]]);
        if &hello[..8] != b"NBDMAGIC" || be64(&hello[8..16]) != OPTION_MAGIC || flags & FLAG_FIXED_NEWSTYLE == 0 {
            return Err(wrong("its first words aren't those of NBD"));
        }
        let flags = u32::from(flags & (FLAG_FIXED_NEWSTYLE | FLAG_NO_ZEROES));
        stream.write_all(&flags.to_be_bytes())?;
        let mut nbd = Self { stream, size_bytes: 0, handle: 0, has_context: false };
        nbd.option(OPTION_STRUCTURED_REPLY, &[])?;
        let mut context = name(export);
        context.extend(1u32.to_be_bytes());
        context.extend(name(asked));
        nbd.option(OPTION_SET_META_CONTEXT, &context)?;
        if !nbd.has_context {
            return Err(wrong(&format!("it knows nothing of {asked}")));
        }
        let mut go = name(export);
        go.extend(0u16.to_be_bytes());
        nbd.option(OPTION_GO, &go)?;
        Ok(nbd)
    }

    /// The disk's size, in bytes.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Asks for an option, and reads answers until it is granted.
    fn option(&mut self, option: u32, data: &[u8]) -> io::Result<()> {
        let mut message = OPTION_MAGIC.to_be_bytes().to_vec();
        message.extend(option.to_be_bytes());
        message.extend((data.len() as u32).to_be_bytes());
        message.extend(data);
        self.stream.write_all(&message)?;
        loop {
            let mut head = [0; 20];
            self.stream.read_exact(&mut head)?;
            let (reply, length) = (be32(&head[12..16]), be32(&head[16..20]));
            if be64(&head[..8]) != OPTION_REPLY_MAGIC || be32(&head[8..12]) != option || length > ANSWER_BYTES {
                return Err(wrong("it doesn't answer what it was asked"));
            }
            let mut answer = vec![0; length as usize];
            self.stream.read_exact(&mut answer)?;
            match reply {
                REPLY_ACK => return Ok(()),
                // Of what is told of an export, only the size is needed.
                REPLY_INFO if answer.len() >= 10 && answer[..2] == [0, 0] => self.size_bytes = be64(&answer[2..10]),
                REPLY_META_CONTEXT => self.has_context = true,
                REPLY_INFO => {}
                refused if refused & REPLY_ERROR != 0 => {
                    let words = String::from_utf8_lossy(&answer).into_owned();
                    return Err(io::Error::other(format!("the export refuses an option ({refused:#x}): {words}")));
                }
                _ => return Err(wrong("it answers an option in a way that isn't known")),
            }
        }
    }

    fn send(&mut self, kind: u16, offset: u64, bytes: u32, data: &[u8]) -> io::Result<()> {
        self.handle += 1;
        let mut message = REQUEST_MAGIC.to_be_bytes().to_vec();
        message.extend(0u16.to_be_bytes());
        message.extend(kind.to_be_bytes());
        message.extend(self.handle.to_be_bytes());
        message.extend(offset.to_be_bytes());
        message.extend(bytes.to_be_bytes());
        message.extend(data);
        self.stream.write_all(&message)
    }

    /// Reads the next chunk of an answer; its payload is read by whoever knows what it is. Returns its kind, its length and
    /// whether it is the last one.
    fn chunk(&mut self) -> io::Result<(u16, u32, bool)> {
        let mut magic = [0; 4];
        self.stream.read_exact(&mut magic)?;
        if be32(&magic) == SIMPLE_REPLY_MAGIC {
            let mut rest = [0; 12];
            self.stream.read_exact(&mut rest)?;
            self.check_handle(be64(&rest[4..]))?;
            return match be32(&rest[..4]) {
                0 => Ok((CHUNK_NONE, 0, true)),
                error => Err(failed(error)),
            };
        }
        let mut head = [0; 16];
        self.stream.read_exact(&mut head)?;
        if be32(&magic) != STRUCTURED_REPLY_MAGIC {
            return Err(wrong("its answer begins with something else"));
        }
        self.check_handle(be64(&head[4..12]))?;
        let (flags, kind) = (u16::from_be_bytes([head[0], head[1]]), u16::from_be_bytes([head[2], head[3]]));
        let length = be32(&head[12..]);
        if kind & CHUNK_ERROR != 0 {
            let mut answer = vec![0; length.min(ANSWER_BYTES) as usize];
            self.stream.read_exact(&mut answer)?;
            return Err(failed(answer.get(..4).map_or(0, be32)));
        }
        Ok((kind, length, flags & CHUNK_DONE != 0))
    }

    fn check_handle(&self, handle: u64) -> io::Result<()> {
        if handle == self.handle { Ok(()) } else { Err(wrong("it answers another request")) }
    }

    /// Reads from a place of the disk.
    pub fn read(&mut self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        self.send(READ, offset, into.len() as u32, &[])?;
        let mut got = 0;
        loop {
            let (kind, length, is_last) = self.chunk()?;
            got += match kind {
                CHUNK_NONE if length == 0 => 0,
                CHUNK_DATA if length >= 8 => {
                    let part = self.part(offset, u64::from(length) - 8, into)?;
                    self.stream.read_exact(part)?;
                    part.len()
                }
                CHUNK_HOLE if length == 12 => {
                    let mut bytes = [0; 4];
                    // The place comes first, then how long it is.
                    let mut place = [0; 8];
                    self.stream.read_exact(&mut place)?;
                    self.stream.read_exact(&mut bytes)?;
                    let part = within(offset, be64(&place), u64::from(be32(&bytes)), into)?;
                    part.fill(0);
                    part.len()
                }
                _ => return Err(wrong("it answers a read with something else")),
            };
            if got > into.len() {
                return Err(wrong("it answers a read twice"));
            }
            if is_last {
                break;
            }
        }
        if got == into.len() { Ok(()) } else { Err(wrong("it answers a read only in part")) }
    }

    /// The part of a buffer that a chunk of data is for: its place is what it begins with.
    fn part<'b>(&mut self, offset: u64, bytes: u64, into: &'b mut [u8]) -> io::Result<&'b mut [u8]> {
        let mut place = [0; 8];
        self.stream.read_exact(&mut place)?;
        within(offset, be64(&place), bytes, into)
    }

    /// What the context says of the disk, from a place on: some runs, which begin there and may end before what was asked.
    pub fn extents(&mut self, offset: u64, bytes: u32) -> io::Result<Vec<Extent>> {
        self.send(BLOCK_STATUS, offset, bytes, &[])?;
        let mut extents = Vec::new();
        loop {
            let (kind, length, is_last) = self.chunk()?;
            match kind {
                CHUNK_NONE if length == 0 => {}
                CHUNK_BLOCK_STATUS if (12..=ANSWER_BYTES).contains(&length) && length % 8 == 4 => {
                    let mut answer = vec![0; length as usize];
                    self.stream.read_exact(&mut answer)?;
                    extents.extend(
                        answer[4..]
                            .chunks_exact(8)
                            .map(|pair| Extent { bytes: u64::from(be32(&pair[..4])), flags: be32(&pair[4..]) }),
                    );
                }
                _ => return Err(wrong("it doesn't say what is where")),
            }
            if extents.len() > ANSWER_BYTES as usize / 8 {
                return Err(wrong("it says too much of what is where"));
            }
            if is_last {
                break;
            }
        }
        if extents.is_empty() || extents.iter().any(|extent| extent.bytes == 0) {
            return Err(wrong("it says nothing of what is where"));
        }
        Ok(extents)
    }

    /// Writes to a place of the disk.
    pub fn write(&mut self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.send(WRITE, offset, data.len() as u32, data)?;
        self.done()
    }

    /// Has everything that was written be durable.
    pub fn flush(&mut self) -> io::Result<()> {
        self.send(FLUSH, 0, 0, &[])?;
        self.done()
    }

    fn done(&mut self) -> io::Result<()> {
        match self.chunk()? {
            (CHUNK_NONE, 0, true) => Ok(()),
            _ => Err(wrong("it answers a write with something else")),
        }
    }
}

impl Drop for Nbd {
    fn drop(&mut self) {
        // One that doesn't hear it notices that the connection is closed.
        let _ = self.send(DISCONNECT, 0, 0, &[]);
    }
}

/// The part of a buffer that begins at `offset` of the disk which is at that place.
fn within(offset: u64, place: u64, bytes: u64, into: &mut [u8]) -> io::Result<&mut [u8]> {
    let start = place.checked_sub(offset).and_then(|start| usize::try_from(start).ok());
    let part = start.and_then(|start| into.get_mut(start..)?.get_mut(..usize::try_from(bytes).ok()?));
    part.ok_or_else(|| wrong("it answers of another place"))
}

fn name(text: &str) -> Vec<u8> {
    let mut bytes = (text.len() as u32).to_be_bytes().to_vec();
    bytes.extend(text.as_bytes());
    bytes
}

fn wrong(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the disk's server makes no sense: {why}"))
}

fn failed(error: u32) -> io::Error {
    i32::try_from(error).map_or_else(|_| wrong("an error without a number"), io::Error::from_raw_os_error)
}

fn be32(bytes: &[u8]) -> u32 {
    bytes.iter().take(4).fold(0, |number, byte| number << 8 | u32::from(*byte))
}

fn be64(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}
