//! Client tokens: the same request with the same token gives the same answer, another is refused. The token's row is
//! written by the transaction that it makes safe to repeat.

use std::time::Duration;

use aws_lc_rs::digest;
use landfall_cloud::Tx;
use landfall_cloud::value::ClientTokens;
use landfall_model::ClientToken;
use landfall_wire::Tree;

use crate::error::ApiError;
use crate::operation::Action;

/// How long an answer is remembered. EC2 says "at least 24 hours".
const REMEMBERED: Duration = Duration::from_secs(24 * 3600);
/// The longest token. Source: the EC2 API Reference, "Ensuring idempotency".
const MAX_CHARS: usize = 64;

/// A request that carries a client token.
#[derive(Debug)]
pub(crate) struct Token {
    key: String,
    request_sha256: String,
}

impl Token {
    /// The token of a request, with the hash of what the request says besides.
    pub(crate) fn new(action: Action, token: &str, input: &Tree) -> Result<Self, ApiError> {
        if token.chars().count() > MAX_CHARS || !token.bytes().all(|b| b.is_ascii_graphic() || b == b' ') {
            return Err(ApiError::invalid("ClientToken", token, "A token has up to 64 ASCII characters."));
        }
        let mut context = digest::Context::new(&digest::SHA256);
        hash(input, &mut context);
        let digest = context.finish();
        let request_sha256 = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        // A slash parts the key's text in the log; the token may have one.
        Ok(Self { key: format!("{}:{}:{}", action.service, action.name, token), request_sha256 })
    }

    /// The answer that the same request was given before.
    pub(crate) fn recall(&self, tx: &Tx<'_, '_>, request_id: &str) -> Result<Option<Vec<u8>>, ApiError> {
        let Some(row) = tx.view().find::<ClientTokens, _>(self.key.clone()) else { return Ok(None) };
        if row.expires_at <= tx.now() {
            return Ok(None);
        }
        if row.request_sha256 != self.request_sha256 {
            return Err(ApiError::new(
                "IdempotentParameterMismatch",
                "The client token was used before with other parameters.",
            ));
        }
        let answer = match (row.answer.find("<requestId>"), row.answer.find("</requestId>")) {
            (Some(start), Some(end)) => {
                format!("{}<requestId>{request_id}{}", &row.answer[..start], &row.answer[end..])
            }
            _ => row.answer.clone(),
        };
        Ok(Some(answer.into_bytes()))
    }

    /// Remembers the answer.
    pub(crate) fn remember(self, tx: &mut Tx<'_, '_>, answer: &[u8]) {
        let (scope, expires_at) = (tx.scope(), tx.now() + REMEMBERED);
        let answer = String::from_utf8_lossy(answer).into_owned();
        let row = ClientToken { scope, token: self.key, request_sha256: self.request_sha256, answer, expires_at };
        tx.put::<ClientTokens>(row);
    }
}

/// Hashes a tree so that different trees give different bytes: every part says its kind and length.
fn hash(tree: &Tree, context: &mut digest::Context) {
    let text = |context: &mut digest::Context, mark: u8, text: &str| {
        context.update(&[mark]);
        context.update(&(text.len() as u64).to_le_bytes());
        context.update(text.as_bytes());
    };
    match tree {
        Tree::Null => context.update(b"n"),
        Tree::Bool(value) => context.update(if *value { b"t" } else { b"f" }),
        Tree::Text(value) => text(context, b's', value),
        Tree::List(items) => {
            context.update(b"l");
            context.update(&(items.len() as u64).to_le_bytes());
            items.iter().for_each(|item| hash(item, context));
        }
        Tree::Map(fields) => {
            context.update(b"m");
            context.update(&(fields.len() as u64).to_le_bytes());
            // The same request may name its parameters in another order.
            let mut fields: Vec<_> = fields.iter().map(|(name, value)| (name, value)).collect();
            fields.sort_unstable_by_key(|(name, _)| *name);
            for (name, value) in fields {
                text(context, b'k', name);
                hash(value, context);
            }
        }
        other => text(context, b'o', &format!("{other:?}")),
    }
}
