//! Hashes of passwords: Argon2id (RFC 9106), with a salt of each one's own. A hash takes memory and time on purpose, so
//! that it is made outside transactions, and few at once.

use std::sync::Arc;

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use tokio::sync::Semaphore;

use crate::error::ApiError;

/// Memory in KiB and passes. Source: the OWASP Password Storage Cheat Sheet.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;
/// The most memory that a stored hash may ask for, in KiB.
const MOST_MEMORY_KIB: u32 = 1 << 18;
/// Hashes that are made at once.
const AT_ONCE: usize = 2;

/// Makes hashes and compares with them.
#[derive(Clone, Debug)]
pub struct Hasher(Arc<Semaphore>);

impl Default for Hasher {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

impl Hasher {
    /// The hash of a password, with its parameters and salt.
    pub async fn hash(&self, password: &str) -> Result<String, ApiError> {
        let mut salt = [0; SALT_BYTES];
        aws_lc_rs::rand::fill(&mut salt).map_err(|_| ApiError::internal())?;
        let password = password.to_owned();
        let hash = self.run(move || digest(&password, &salt, MEMORY_KIB, PASSES)).await?;
        let (salt, hash) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash));
        Ok(format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p=1${salt}${hash}"))
    }

    /// Whether a hash is that of a password.
    pub async fn is_of(&self, hash: &str, password: &str) -> Result<bool, ApiError> {
        let Some(Stored { salt, hash, memory_kib, passes }) = read(hash) else {
            tracing::error!("a stored hash of a password can't be read");
            return Err(ApiError::internal());
        };
        let password = password.to_owned();
        let made = self.run(move || digest(&password, &salt, memory_kib, passes)).await?;
        Ok(aws_lc_rs::constant_time::verify_slices_are_equal(&made, &hash).is_ok())
    }

    async fn run(
        &self,
        digest: impl FnOnce() -> Option<[u8; HASH_BYTES]> + Send + 'static,
    ) -> Result<[u8; HASH_BYTES], ApiError> {
        let _turn = self.0.acquire().await.map_err(|_| ApiError::internal())?;
        let made = tokio::task::spawn_blocking(digest).await.map_err(|_| ApiError::internal())?;
        made.ok_or_else(ApiError::internal)
    }
}

struct Stored {
    salt: Vec<u8>,
    hash: Vec<u8>,
    memory_kib: u32,
    passes: u32,
}

fn read(stored: &str) -> Option<Stored> {
    let (cost, rest) = stored.strip_prefix("$argon2id$v=19$m=")?.split_once(",p=1$")?;
    let (memory, passes) = cost.split_once(",t=")?;
    let (salt, hash) = rest.split_once('$')?;
    Some(Stored {
        salt: STANDARD_NO_PAD.decode(salt).ok()?,
        hash: STANDARD_NO_PAD.decode(hash).ok()?,
        memory_kib: memory.parse().ok().filter(|memory| *memory <= MOST_MEMORY_KIB)?,
        passes: passes.parse().ok()?,
    })
}

fn digest(password: &str, salt: &[u8], memory_kib: u32, passes: u32) -> Option<[u8; HASH_BYTES]> {
    let params = Params::new(memory_kib, passes, 1, Some(HASH_BYTES)).ok()?;
    let mut hash = [0; HASH_BYTES];
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon.hash_password_into(password.as_bytes(), salt, &mut hash).ok()?;
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_of_its_password_alone() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let hasher = Hasher::default();
        let hash = runtime.block_on(hasher.hash("correct horse")).unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(runtime.block_on(hasher.is_of(&hash, "correct horse")).unwrap());
        assert!(!runtime.block_on(hasher.is_of(&hash, "correct house")).unwrap());
        assert_ne!(runtime.block_on(hasher.hash("correct horse")).unwrap(), hash, "each has a salt of its own");
        assert!(runtime.block_on(hasher.is_of("$argon2id$v=19$m=99999999,t=2,p=1$AA$AA", "x")).is_err());
    }
}
