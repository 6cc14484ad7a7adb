//! The conversation between the agent, or a successor, and this process: over a socket in a folder that only root can
//! enter. Each message is its length in four bytes and then JSON.
//!
//! A successor asks for `Handover` and gets the listening sockets' descriptors; the old process then lets what it has
//! begun come to its end and exits, and the successor binds the control socket in its place. The lock file tells it when.

use std::collections::BTreeMap;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;

use landfall_model::delivery::RoleCredentials;
use landfall_model::{InstanceId, InterfaceId};
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::plan::{ServiceChange, ServicePlan};
use super::sockets::{Home, Key};

/// The largest message, in bytes.
pub const MAX_MESSAGE_BYTES: u32 = 64 << 20;
/// Descriptors in one packet; the kernel takes 253.
const DESCRIPTORS: usize = 128;

/// What is asked of the process.
#[derive(Debug, Serialize, Deserialize)]
pub enum Call {
    /// Who are you?
    Hello {
        /// The format of plans that the caller writes.
        format: u32,
    },
    /// Serve this and nothing else.
    Feed {
        /// What.
        plan: ServicePlan,
    },
    /// Change what is served.
    Change {
        /// The generation that the change starts from.
        from: u64,
        /// What.
        change: ServiceChange,
    },
    /// Which ports were heard?
    Heard,
    /// Forget that a port was heard.
    Forget {
        /// Which.
        port: InterfaceId,
    },
    /// Give guests these credentials of their roles.
    Lend {
        /// Whether these are all; otherwise only what changed.
        whole: bool,
        /// The credentials by instance; what is `None` goes.
        credentials: BTreeMap<InstanceId, Option<RoleCredentials>>,
    },
    /// Give me your sockets and go.
    Handover,
}

/// What the process answers.
#[derive(Debug, Serialize, Deserialize)]
pub enum Reply {
    /// To `Hello`.
    Hello {
        /// The format of plans that it writes to its disk.
        format: u32,
        /// Which binary it is.
        build: String,
        /// Its process id.
        pid: u32,
    },
    /// To `Feed` and `Change`: it is kept and, as far as the machine is ready for it, served.
    Taken {
        /// What a change starts from.
        generation: u64,
        /// What isn't served yet, and why. It is tried again without being asked.
        missing: Vec<String>,
    },
    /// To `Change`: it starts from something else than what is served. Feed the whole plan.
    Stale,
    /// To `Heard`.
    Heard {
        /// The ports.
        ports: Vec<InterfaceId>,
    },
    /// To `Forget`.
    Forgotten,
    /// To `Lend`.
    Lent,
    /// To `Handover`: so many descriptors follow, in this order.
    Handover {
        /// What they are.
        sockets: Vec<(Key, Home)>,
        /// The credentials that guests are given.
        #[serde(default)]
        credentials: BTreeMap<InstanceId, RoleCredentials>,
    },
    /// It couldn't be done.
    Refused {
        /// Why, for a person to read.
        reason: String,
    },
}

/// Writes a message.
pub fn send<T: Serialize>(stream: &mut impl Write, message: &T) -> io::Result<()> {
    let body = serde_json::to_vec(message)?;
    let size = u32::try_from(body.len()).ok().filter(|size| *size <= MAX_MESSAGE_BYTES);
    let size = size.ok_or_else(|| io::Error::other("the message is too large"))?;
    stream.write_all(&size.to_be_bytes())?;
    stream.write_all(&body)
}

/// Reads a message.
pub fn receive<T: DeserializeOwned>(stream: &mut impl Read) -> io::Result<T> {
    let mut size = [0; 4];
    stream.read_exact(&mut size)?;
    let size = u32::from_be_bytes(size);
    if size > MAX_MESSAGE_BYTES {
        return Err(io::Error::other("the message is too large"));
    }
    let mut body = Vec::new();
    stream.take(size.into()).read_to_end(&mut body)?;
    Ok(serde_json::from_slice(&body)?)
}

/// Sends descriptors.
pub fn send_descriptors(stream: &UnixStream, descriptors: &[OwnedFd]) -> io::Result<()> {
    for batch in descriptors.chunks(DESCRIPTORS) {
        let raw: Vec<RawFd> = batch.iter().map(|fd| fd.as_raw_fd()).collect();
        let rights = [ControlMessage::ScmRights(&raw)];
        sendmsg::<()>(stream.as_raw_fd(), &[IoSlice::new(&[0])], &rights, MsgFlags::MSG_NOSIGNAL, None)?;
    }
    Ok(())
}

/// Receives so many descriptors.
pub fn receive_descriptors(stream: &UnixStream, count: usize) -> io::Result<Vec<OwnedFd>> {
    let mut received = Vec::with_capacity(count);
    while received.len() < count {
        let mut byte = [0];
        let mut parts = [IoSliceMut::new(&mut byte)];
        let mut space = nix::cmsg_space!([RawFd; DESCRIPTORS]);
        let message = recvmsg::<()>(stream.as_raw_fd(), &mut parts, Some(&mut space), MsgFlags::MSG_CMSG_CLOEXEC)?;
        let before = received.len();
        for rights in message.cmsgs()? {
            if let ControlMessageOwned::ScmRights(descriptors) = rights {
                // SAFETY: the kernel has just put these descriptors into our table for us alone.
                received.extend(descriptors.into_iter().map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }));
            }
        }
        if received.len() == before {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(received)
}

/// Which binary this process is: version, and the file that it was started from. A binary that was replaced under the same
/// version is another one.
pub fn build() -> String {
    use std::os::unix::fs::MetadataExt as _;
    let version = env!("CARGO_PKG_VERSION");
    match std::fs::metadata("/proc/self/exe") {
        Ok(file) => format!("{version} {}:{}:{}.{:09}", file.dev(), file.ino(), file.mtime(), file.mtime_nsec()),
        Err(_) => version.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_is_too_large_is_not_read() {
        let mut bytes: &[u8] = &[0xff, 0xff, 0xff, 0xff, b'1'];
        assert!(receive::<u32>(&mut bytes).is_err());
        let mut sent = vec![];
        send(&mut sent, &Call::Handover).unwrap();
        assert!(matches!(receive(&mut sent.as_slice()), Ok(Call::Handover)));
        assert!(receive::<Call>(&mut &sent[..sent.len() - 1]).is_err(), "cut off");
    }

    #[test]
    fn many_descriptors_pass() {
        use std::os::unix::fs::MetadataExt as _;
        let (ours, theirs) = UnixStream::pair().unwrap();
        let file = tempfile::tempfile().unwrap();
        let sent: Vec<OwnedFd> = (0..300).map(|_| file.try_clone().unwrap().into()).collect();
        send_descriptors(&ours, &sent).unwrap();
        let received = receive_descriptors(&theirs, 300).unwrap();
        assert_eq!(received.len(), 300);
        let inode = file.metadata().unwrap().ino();
        assert!(received.into_iter().all(|fd| std::fs::File::from(fd).metadata().unwrap().ino() == inode));
        drop(ours);
        assert!(receive_descriptors(&theirs, 1).is_err());
    }
}
