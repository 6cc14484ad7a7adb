//! Talking to a strongSwan daemon by its control protocol, over the socket in its folder.
//!
//! A packet is its length in four bytes, a type byte and, where the type has one, a name; then a message. A command's
//! answer may come after events that were asked for. The daemon is another program: its packets are bounded, and no call
//! waits for ever.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};

use super::section::Section;

const COMMAND: u8 = 0;
const ANSWER: u8 = 1;
const EVENT_REGISTER: u8 = 3;
const EVENT_CONFIRM: u8 = 5;
const EVENT: u8 = 7;
/// The longest packet: the daemon itself takes none longer.
const MOST_BYTES: u32 = 512 * 1024;
/// How long the daemon may take for an answer. It does what takes long, such as reaching the other side, by itself.
const PATIENCE: Duration = Duration::from_secs(5);

/// A connection with a daemon.
pub struct Vici(UnixStream);

impl Vici {
    /// Connects to the socket at that path.
    pub fn connect(path: &Path) -> io::Result<Self> {
        let stream = UnixStream::connect(path)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self(stream))
    }

    /// The number of the process that listens there.
    pub fn pid(&self) -> io::Result<i32> {
        Ok(getsockopt(&self.0.as_fd(), PeerCredentials)?.pid())
    }

    /// Gives a command. An error is the daemon's own sentence, unless it can't be reached.
    pub fn command(&mut self, name: &str, message: &Section) -> io::Result<Section> {
        self.send(COMMAND, name, &message.encode()?)?;
        loop {
            if let (ANSWER, message) = self.receive()? {
                return accepted(message);
            }
        }
    }

    /// Gives a command whose answer comes as events of that name.
    pub fn stream(&mut self, name: &str, event: &str) -> io::Result<Vec<Section>> {
        self.send(EVENT_REGISTER, event, &[])?;
        let (kind, _) = self.receive()?;
        if kind != EVENT_CONFIRM {
            return Err(io::Error::other(format!("strongSwan knows no events {event}")));
        }
        self.send(COMMAND, name, &[])?;
        let mut events = Vec::new();
        loop {
            match self.receive()? {
                (EVENT, message) => events.push(message),
                (ANSWER, message) => return accepted(message).map(|_| events),
                _ => {}
            }
        }
    }

    fn send(&mut self, kind: u8, name: &str, message: &[u8]) -> io::Result<()> {
        let name_length = u8::try_from(name.len()).map_err(io::Error::other)?;
        let length = u32::try_from(2 + name.len() + message.len()).map_err(io::Error::other)?;
        let mut packet = length.to_be_bytes().to_vec();
        packet.extend([kind, name_length]);
        packet.extend(name.as_bytes());
        packet.extend(message);
        self.0.write_all(&packet)
    }

    fn receive(&mut self) -> io::Result<(u8, Section)> {
        let mut length = [0; 4];
        self.0.read_exact(&mut length)?;
        let length = u32::from_be_bytes(length);
        if length == 0 || length > MOST_BYTES {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "strongSwan's packet has an impossible length"));
        }
        let mut packet = vec![0; length as usize];
        self.0.read_exact(&mut packet)?;
        let body = match packet[0] {
            ANSWER => &packet[1..],
            EVENT => {
                let name_length = packet.get(1).copied().map_or(0, usize::from);
                packet.get(2 + name_length..).unwrap_or_default()
            }
            _ => &[],
        };
        Ok((packet[0], Section::decode(body)?))
    }
}

fn accepted(answer: Section) -> io::Result<Section> {
    if answer.text("success") != Some("no") {
        return Ok(answer);
    }
    Err(io::Error::other(format!("strongSwan refused: {}", answer.text("errmsg").unwrap_or("without a reason"))))
}
