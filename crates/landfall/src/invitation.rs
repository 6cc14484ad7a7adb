//! An invitation: the one line that a machine needs to join, made by `landfall host add` and good once.
//!
//! It says where the control plane answers agents, which key is its, and a secret. The control plane keeps only the
//! secret's hash.

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use landfall_node::remote::Control;
use serde::{Deserialize, Serialize};

/// What an invitation begins with, so that people see what it is.
const PREFIX: &str = "landfall-join-1.";
const SHA256_DIGITS: usize = 64;

/// An invitation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// What the host is called.
    pub name: String,
    /// Where the control plane answers agents: a name or an address, and a port.
    pub control: String,
    /// SHA-256 of the control plane's public key, in hexadecimal.
    pub key_sha256: String,
    /// The secret.
    pub secret: String,
}

impl Invitation {
    /// As one line.
    pub fn to_line(&self) -> Result<String> {
        Ok(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(serde_json::to_vec(self)?)))
    }

    /// From a line.
    pub fn parse(line: &str) -> Result<Self> {
        let inner = line.trim().strip_prefix(PREFIX).context("an invitation begins with landfall-join-1.")?;
        let bytes = URL_SAFE_NO_PAD.decode(inner).context("this invitation is damaged")?;
        let invitation: Self = serde_json::from_slice(&bytes).context("this invitation is damaged")?;
        let is_hash = |text: &str| text.len() == SHA256_DIGITS && text.bytes().all(|b| b.is_ascii_hexdigit());
        ensure!(is_hash(&invitation.key_sha256), "this invitation is damaged");
        Ok(invitation)
    }

    /// The control plane that it names.
    pub fn to_control(&self) -> Control {
        Control { address: self.control.clone(), key_sha256: self.key_sha256.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invitation_is_one_line_and_a_damaged_one_is_refused() {
        let invitation = Invitation {
            name: "host-2".into(),
            control: "10.9.0.1:4567".into(),
            key_sha256: "ab".repeat(32),
            secret: "secret".into(),
        };
        let line = invitation.to_line().unwrap();
        assert!(!line.contains(char::is_whitespace));
        assert_eq!(Invitation::parse(&format!(" {line}\n")).unwrap(), invitation);
        for bad in [&line[1..], &line[..line.len() - 9], "landfall-join-1.", ""] {
            assert!(Invitation::parse(bad).is_err(), "{bad}");
        }
    }
}
