//! Tokens of blocks and of pages. Both are only proofs that they were given out: there is nothing to be learned from them.

use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use landfall_model::{Scope, SnapshotId, Timestamp};

use crate::vault::Vault;

/// How long a block may be read after it was listed. AWS publishes no span, only that the answer tells when it ends; it is
/// known to be seven days.
pub const LIFE: Duration = Duration::from_secs(7 * 86_400);

/// The number in a token, before its proof.
const NUMBER_BYTES: usize = 8;

/// Makes and reads tokens for an account in a region.
pub struct Tokens {
    key: hmac::Key,
    scope: Scope,
}

impl Tokens {
    /// Those of an account in a region: nobody else's are taken for them.
    pub fn new(vault: &Vault, scope: Scope) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, &vault.derive("tokens of blocks")), scope }
    }

    /// The token of a block, until that moment.
    pub fn of_block(&self, snapshot: SnapshotId, block: u64, until: Timestamp) -> String {
        self.seal(&block_context(snapshot, block), until.as_millis().cast_unsigned())
    }

    /// Until when a block's token is good; nothing if it isn't one of that block.
    pub fn open_block(&self, snapshot: SnapshotId, block: u64, token: &str) -> Option<Timestamp> {
        self.open(&block_context(snapshot, block), token).map(|until| Timestamp(until.cast_signed()))
    }

    /// The token of the page that begins with that block.
    pub fn of_page(&self, context: &str, next: u64) -> String {
        self.seal(&format!("page {context}"), next)
    }

    /// Where the page of a token begins; nothing if it isn't one of that listing.
    pub fn open_page(&self, context: &str, token: &str) -> Option<u64> {
        self.open(&format!("page {context}"), token)
    }

    fn proven(&self, context: &str, number: u64) -> Vec<u8> {
        let mut text = format!("{}\0{context}\0", self.scope).into_bytes();
        text.extend_from_slice(&number.to_be_bytes());
        text
    }

    fn seal(&self, context: &str, number: u64) -> String {
        let mut bytes = number.to_be_bytes().to_vec();
        bytes.extend_from_slice(hmac::sign(&self.key, &self.proven(context, number)).as_ref());
        STANDARD.encode(bytes)
    }

    fn open(&self, context: &str, token: &str) -> Option<u64> {
        let bytes = STANDARD.decode(token).ok()?;
        let (number, proof) = bytes.split_at_checked(NUMBER_BYTES)?;
        let number = u64::from_be_bytes(number.try_into().ok()?);
        hmac::verify(&self.key, &self.proven(context, number), proof).ok().map(|()| number)
    }
}

fn block_context(snapshot: SnapshotId, block: u64) -> String {
    format!("block {block} of {snapshot}")
}

#[cfg(test)]
mod tests {
    use landfall_model::Region;
    use landfall_state::RootKey;

    use super::*;

    #[test]
    fn a_token_is_good_for_one_block_of_one_snapshot_for_one_account() {
        let tokens = |account: &str, root: u8| {
            let scope = Scope { account: account.parse().unwrap(), region: Region::DEFAULT };
            Tokens::new(&Vault::new(RootKey::from_bytes(&[root; 32])), scope)
        };
        let [one, two]: [SnapshotId; 2] =
            ["snap-0123456789abcdef0", "snap-0123456789abcdef1"].map(|id| id.parse().unwrap());
        let own = tokens("111122223333", 7);
        let until = Timestamp(1_795_341_600_123);
        let token = own.of_block(one, 5, until);
        assert!(token.len() <= 256 && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte)));
        assert_eq!(own.open_block(one, 5, &token), Some(until));
        assert_eq!(own.open_block(one, 6, &token), None);
        assert_eq!(own.open_block(two, 5, &token), None);
        assert_eq!(tokens("444455556666", 7).open_block(one, 5, &token), None);
        assert_eq!(tokens("111122223333", 8).open_block(one, 5, &token), None);
        let mut later = STANDARD.decode(&token).unwrap();
        later[6] ^= 1;
        assert_eq!(own.open_block(one, 5, &STANDARD.encode(later)), None, "its end is proven too");
        for bad in ["", "AAAA", "?", &token[..20]] {
            assert_eq!(own.open_block(one, 5, bad), None, "{bad}");
        }
        let page = own.of_page("blocks of it", 700);
        assert_eq!(own.open_page("blocks of it", &page), Some(700));
        assert_eq!(own.open_page("blocks of another", &page), None);
        assert_eq!(own.open_page("5 of snap-0123456789abcdef0", &token), None);
    }
}
