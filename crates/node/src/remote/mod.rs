//! An agent and a control plane with a network between them.
//!
//! TLS 1.3 with bare public keys (RFC 7250) on both sides: there are no certificates, no names and no dates that could be
//! wrong. The agent knows the hash of the control plane's key from its invitation, and talks to nobody else; the control
//! plane knows the hash of each host's key from the time that it joined. A private key never leaves its machine.
//!
//! On that stand frames ([`landfall_model::link`]), each a call or its answer, one at a time on a connection.

mod connection;
mod image;
mod key;
mod tls;

pub use connection::{Control, RemoteLink, seat};
pub use image::{FetchedVolumes, file_sha256};
pub use key::{Key, KeyError};
pub use tls::{peer_sha256, server_config};
