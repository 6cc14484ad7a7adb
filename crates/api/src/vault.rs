//! The vault: seals secrets that rows keep, such as keys of access and of VPNs, with the root key, and opens them again.
//!
//! An operation seals outside its transaction, since sealing takes randomness of the system's; opening takes none.

use std::sync::Arc;

use landfall_model::{AccountId, UniqueId, UniqueKind};
use landfall_state::{RootKey, Sealed};

use crate::error::ApiError;

/// Seals and opens.
#[derive(Clone, Debug)]
pub struct Vault(Arc<RootKey>);

/// The characters of keys that are made here: those that every device takes.
const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

impl Vault {
    /// One that seals with that key.
    pub fn new(root_key: RootKey) -> Self {
        Self(Arc::new(root_key))
    }

    /// Seals a secret for a context.
    pub fn seal(&self, context: &str, secret: &str) -> String {
        self.0.seal(context, secret.as_bytes()).to_string()
    }

    /// Opens what was sealed for that context. The error is a sentence for the log.
    pub fn open(&self, context: &str, sealed: &str) -> Result<String, String> {
        let sealed: Sealed = sealed.parse().map_err(|_| "the sealed text is malformed".to_owned())?;
        let bytes = self.0.open(context, &sealed).map_err(|error| error.to_string())?;
        String::from_utf8(bytes).map_err(|_| "the secret is no text".to_owned())
    }

    /// A key for something else that is to be told from forgeries, such as page tokens.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        self.0.derive(purpose)
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
