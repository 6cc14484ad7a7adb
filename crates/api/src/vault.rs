//! The vault: seals secrets that rows keep, such as keys of access and of VPNs, with the root key, and opens them again.
//!
//! An operation seals outside its transaction, since sealing takes randomness of the system's; opening takes none.

use std::sync::Arc;

use landfall_model::{AccountId, UniqueId, UniqueKind};
use landfall_state::{RootKey, Sealed, WrappingError, WrappingKeys};

use crate::error::ApiError;

/// Seals and opens.
#[derive(Clone, Debug)]
pub struct Vault(Arc<Keys>);

#[derive(Debug)]
struct Keys {
    root: RootKey,
    wrapping: WrappingKeys,
}

/// What wrapped secrets are sealed for. Each wrapping key has but one.
const WRAPPED: &str = "wrapped";

/// The characters of keys that are made here: those that every device takes.
const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

impl Vault {
    /// One that seals with that key, and keeps wrapping keys in memory.
    pub fn new(root_key: RootKey) -> Self {
        Self::with_wrapping(root_key, WrappingKeys::in_memory())
    }

    /// One that seals with that key, and keeps wrapping keys there.
    pub fn with_wrapping(root: RootKey, wrapping: WrappingKeys) -> Self {
        Self(Arc::new(Keys { root, wrapping }))
    }

    /// Seals a secret that is to be destroyed some day, with a wrapping key of its own, which is durable then. Gives the
    /// wrapping key's name with what was sealed.
    pub fn wrap(&self, secret: &[u8]) -> Result<(String, String), WrappingError> {
        let name = self.0.wrapping.make(&self.0.root)?;
        let sealed = self.0.wrapping.seal(&self.0.root, &name, WRAPPED, secret)?;
        Ok((name, sealed.to_string()))
    }

    /// Opens what was wrapped by the wrapping key of that name.
    pub fn unwrap(&self, name: &str, sealed: &str) -> Result<Vec<u8>, WrappingError> {
        self.0.wrapping.open(&self.0.root, name, WRAPPED, &sealed.parse()?)
    }

    /// Where wrapping keys are kept: for whoever destroys them.
    pub fn wrapping(&self) -> &WrappingKeys {
        &self.0.wrapping
    }

    /// Seals a secret for a context.
    pub fn seal(&self, context: &str, secret: &str) -> String {
        self.0.root.seal(context, secret.as_bytes()).to_string()
    }

    /// Opens what was sealed for that context. The error is a sentence for the log.
    pub fn open(&self, context: &str, sealed: &str) -> Result<String, String> {
        let sealed: Sealed = sealed.parse().map_err(|_| "the sealed text is malformed".to_owned())?;
        let bytes = self.0.root.open(context, &sealed).map_err(|error| error.to_string())?;
        String::from_utf8(bytes).map_err(|_| "the secret is no text".to_owned())
    }

    /// Seals what is handed out rather than kept, however often somebody asks for it: a purpose has keys of its own.
    pub fn issue(&self, purpose: &str, context: &str, text: &[u8]) -> String {
        self.0.root.issue(purpose, context, text)
    }

    /// Opens what was issued for that purpose and context, from whoever sends it; `None` where it wasn't.
    pub fn redeem(&self, purpose: &str, context: &str, issued: &str) -> Option<Vec<u8>> {
        self.0.root.redeem(purpose, context, issued).ok()
    }

    /// A key for something else that is to be told from forgeries, such as page tokens.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        self.0.root.derive(purpose)
    }

    /// The secret that an account's chunks are named by.
    pub fn chunk_secret(&self, domain: AccountId) -> [u8; 32] {
        self.derive(&format!("chunks of {domain}"))
    }

    /// The id of an access key of an account, which nobody is to foresee.
    pub fn make_id(&self, kind: UniqueKind, account: AccountId) -> Result<String, ApiError> {
        let mut bytes = [0; 16];
        aws_lc_rs::rand::fill(&mut bytes).map_err(|_| ApiError::internal())?;
        Ok(UniqueId::of_account(kind, account, u128::from_le_bytes(bytes)).to_string())
    }

    /// A secret of that many letters and digits, of which the first is a letter.
    pub fn make(&self, length: usize) -> Result<String, ApiError> {
        const LETTERS: usize = 52;
        let mut made = String::with_capacity(length);
        while made.len() < length {
            let choices = if made.is_empty() { LETTERS } else { ALPHABET.len() };
            let mut byte = [0];
            aws_lc_rs::rand::fill(&mut byte).map_err(|_| ApiError::internal())?;
            // What is too large to be shared out evenly is drawn again.
            let byte = usize::from(byte[0]);
            if byte < 256 / choices * choices {
                made.push(char::from(ALPHABET[byte % choices]));
            }
        }
        Ok(made)
    }
}
