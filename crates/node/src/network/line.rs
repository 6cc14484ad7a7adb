//! The line to the packet filter of one namespace.
//!
//! It is kept open: whoever closes one waits until the kernel has cleared away all that anybody took out of that packet
//! filter, which takes it as long as everything that may still look at it.

use std::fs;
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::MetadataExt as _;

use nix::sys::socket::{setsockopt, sockopt};
use nix::sys::time::{TimeVal, TimeValLike as _};
use rtnetlink::sys::protocols::NETLINK_NETFILTER;
use rtnetlink::sys::{Socket, SocketAddr};

use super::batch::Batch;
use crate::crash::crash_point;

/// What the kernel answers with: an error, which may be none.
const ERROR: u16 = 2;
const GET_GENERATION: u16 = 10 << 8 | 16;
const NEW_GENERATION: u16 = 10 << 8 | 15;

/// How long an answer is waited for, in seconds, before it counts as lost.
const ANSWERS_WITHIN_S: i64 = 10;

/// A socket to the packet filter of the namespace that it was opened in.
pub struct Line {
    socket: Socket,
    /// The number of the namespace. As long as the socket is there it is no other's.
    namespace: u64,
    /// That of the last request for a generation.
    sequence: u32,
}

impl Line {
    /// Opens one to the calling thread's namespace.
    pub fn open() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_NETFILTER)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        // Requests are numbered apart from those of transactions.
        let line = Self { socket, namespace: namespace()?, sequence: 1 << 31 };
        // The kernel answers before sending returns: what isn't there by then never comes.
        setsockopt(&line.socket_fd(), sockopt::ReceiveTimeout, &TimeVal::seconds(ANSWERS_WITHIN_S))?;
        Ok(line)
    }

    /// Whether it leads to the calling thread's namespace. Another may have its name by now.
    pub fn leads_here(&self) -> bool {
        namespace().is_ok_and(|here| here == self.namespace)
    }

    /// The socket, for requests that are answered before the next one.
    pub fn socket(&self) -> &Socket {
        &self.socket
    }

    /// The number of the packet filter's generation: it grows with every change that anyone makes to it.
    pub fn generation(&mut self) -> io::Result<u32> {
        const GENERATION: u16 = 1;
        self.sequence = self.sequence.wrapping_add(1) | 1 << 31;
        let mut bytes = Vec::with_capacity(20);
        bytes.extend(20u32.to_ne_bytes());
        bytes.extend(GET_GENERATION.to_ne_bytes());
        bytes.extend(1u16.to_ne_bytes());
        bytes.extend(self.sequence.to_ne_bytes());
        bytes.extend([0; 8]);
        self.socket.send(&bytes, 0)?;
        let answer = loop {
            let (answer, _) = self.socket.recv_from_full()?;
            if sequence(&answer) == Some(self.sequence) {
                break answer;
            }
        };
        let short = || io::Error::other("the packet filter's generation wasn't told");
        if kind(&answer) != Some(NEW_GENERATION) {
            return Err(short());
        }
        let mut rest = answer.get(20..).unwrap_or_default();
        while let Some([a, b, c, d]) = rest.first_chunk::<4>() {
            let (length, kind) = (usize::from(u16::from_ne_bytes([*a, *b])), u16::from_ne_bytes([*c, *d]));
            if let (GENERATION, Some(Ok(value))) = (kind, rest.get(4..8).map(<[u8; 4]>::try_from)) {
                return Ok(u32::from_be_bytes(value));
            }
            rest = rest.get(length.max(4).next_multiple_of(4)..).unwrap_or_default();
        }
        Err(short())
    }

    /// Makes a transaction.
    pub fn send(&self, batch: Batch) -> io::Result<()> {
        let (message, last) = batch.into_message();
        // The kernel takes no message that doesn't fit into what a socket may hold.
        let room = setsockopt(&self.socket_fd(), sockopt::SndBufForce, &(2 * message.len() + 4096));
        room.map_err(io::Error::from)?;
        crash_point!("filter:batch:send");
        self.socket.send(&message, 0)?;
        let result = self.acknowledged(last);
        crash_point!("filter:batch:sent");
        result
    }

    fn socket_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        // SAFETY: the descriptor is the socket's, which lives at least as long as what is returned.
        unsafe { std::os::fd::BorrowedFd::borrow_raw(self.socket.as_raw_fd()) }
    }

    /// Waits until that message of a transaction is acknowledged, or one before it or the transaction was refused.
    fn acknowledged(&self, last: u32) -> io::Result<()> {
        loop {
            let (bytes, _) = self.socket.recv_from_full()?;
            let mut rest = bytes.as_slice();
            while let Some(length) = rest.first_chunk::<4>().map(|length| u32::from_ne_bytes(*length) as usize) {
                let Some(message) = rest.get(..length).filter(|_| length >= 20) else { break };
                let code = message.get(16..20).and_then(|code| code.try_into().ok()).map_or(0, i32::from_ne_bytes);
                if kind(message) == Some(ERROR) && sequence(message).is_some_and(|number| 0 < number && number <= last)
                {
                    if code != 0 {
                        return Err(io::Error::from_raw_os_error(code.saturating_neg()));
                    }
                    if sequence(message) == Some(last) {
                        return Ok(());
                    }
                }
                rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
            }
        }
    }
}

fn kind(message: &[u8]) -> Option<u16> {
    Some(u16::from_ne_bytes(message.get(4..6)?.try_into().ok()?))
}

fn sequence(message: &[u8]) -> Option<u32> {
    Some(u32::from_ne_bytes(message.get(8..12)?.try_into().ok()?))
}

/// The number of the calling thread's network namespace.
fn namespace() -> io::Result<u64> {
    Ok(fs::metadata("/proc/thread-self/ns/net")?.ino())
}
