//! What an agent and the control plane say to each other when a network is between them: the calls of [`crate::agent`],
//! wrapped with who calls, and what only such an agent needs besides: to join, the terms of the cloud, files of images.
//!
//! A message is a frame: the length of its JSON and of the bytes that follow it, four bytes each, the greater first.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::address::Ipv4Cidr;
use crate::agent::{AgentCall, AgentReply};
use crate::id::HostId;
use crate::origin::Origin;

/// How long the head of a frame is, in bytes.
pub const HEAD_BYTES: usize = 8;
/// The longest message from somebody who isn't known yet, in bytes.
pub const STRANGER_BYTES: u32 = 16 << 10;
/// The longest message from a host's agent, in bytes: a report of all that is on a machine.
pub const CALL_BYTES: u32 = 64 << 20;
/// The longest answer, in bytes: a whole plan.
pub const REPLY_BYTES: u32 = 1 << 30;
/// How much of a file is sent at a time, in bytes.
pub const PIECE_BYTES: u32 = 1 << 20;

/// What an agent asks.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum LinkCall {
    /// Makes the caller's key that of the host that was registered with an invitation. Said again by the same key, it is
    /// answered the same.
    Join {
        /// The invitation's secret.
        secret: String,
    },
    /// Asks for the terms.
    Terms,
    /// A call of the protocol that is the same wherever the agent is.
    Agent {
        /// The machine that the agent is on, by a number that doesn't outlive a reboot and isn't copied with its files: so
        /// that two machines with one key are told apart.
        seat: String,
        /// The agent's process, by a number of its own: its connections are one session.
        run: u64,
        /// The call.
        call: AgentCall,
    },
    /// Asks for a part of a file that belongs to an image that this host's plan names.
    Image {
        /// The file's name.
        file: String,
        /// From where on, in bytes.
        offset: u64,
    },
    /// Hands on a connection that a guest made to the API within its network. Once it is taken, what follows on this
    /// connection in both directions is what the guest and the API say to each other.
    Guest {
        /// Where it came in.
        origin: Origin,
        /// The port there, which says what is spoken.
        port: u16,
        /// Who made it, as the network knows it.
        source: SocketAddr,
    },
}

/// What the control plane answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum LinkReply {
    /// To `Join`.
    Joined {
        /// Which host the agent's is now.
        host: HostId,
    },
    /// To `Terms`.
    Terms(Terms),
    /// To `Agent`.
    Agent(AgentReply),
    /// To `Image`. The bytes follow, none at the file's end.
    Image {
        /// The file's whole length, in bytes.
        size_bytes: u64,
        /// SHA-256 of the whole file, in hexadecimal.
        sha256: String,
    },
    /// To `Guest`: it is taken.
    Taken,
    /// Nothing of the kind is done for this caller.
    Refused {
        /// Why, for the log.
        reason: String,
    },
}

/// What all hosts of a cloud do alike, as the control plane is configured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Where public addresses come from.
    pub public_pool: Ipv4Cidr,
    /// The port that VXLAN is spoken on.
    pub vxlan_port: u16,
    /// Whether the outside routes public addresses to the hosts that have them.
    #[serde(default)]
    pub routed: bool,
}

/// The head of a frame.
pub fn head(json: usize, bytes: usize) -> Option<[u8; HEAD_BYTES]> {
    let (json, bytes) = (u32::try_from(json).ok()?, u32::try_from(bytes).ok()?);
    let mut head = [0; HEAD_BYTES];
    let (first, second) = head.split_at_mut(HEAD_BYTES / 2);
    first.copy_from_slice(&json.to_be_bytes());
    second.copy_from_slice(&bytes.to_be_bytes());
    Some(head)
}

/// The lengths that the head of a frame says, if they are within bounds.
pub fn lengths(head: [u8; HEAD_BYTES], most_json: u32, most_bytes: u32) -> Option<(u32, u32)> {
    let [a, b, c, d, e, f, g, h] = head;
    let (json, bytes) = (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]));
    (json <= most_json && bytes <= most_bytes).then_some((json, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_says_its_lengths_and_is_bounded() {
        let head = head(300, 70_000).unwrap();
        assert_eq!(head, [0, 0, 1, 44, 0, 1, 17, 112]);
        assert_eq!(lengths(head, 300, 70_000), Some((300, 70_000)));
        assert_eq!(lengths(head, 299, 70_000), None);
        assert_eq!(lengths(head, 300, 69_999), None);
        assert_eq!(super::head(1 << 33, 0), None);
    }
}
