//! What is due by time: tombstones and remembered answers that go. Looks across accounts: time passes for all.

use landfall_model::{ClientToken, Instance};

use crate::tx::Tx;
use crate::value::{ClientTokens, Instances};

/// How many rows one transaction takes, so that it stays short however many are due.
const BATCH: usize = 256;

/// Removes rows whose time has come, at most a batch of each kind. Returns whether there may be more.
pub fn expire(tx: &mut Tx<'_, '_>) -> bool {
    let now = tx.now_ms();
    let over: Vec<Instance> = tx.instances.due_until(now).take(BATCH).cloned().collect();
    for row in &over {
        let mut tx = tx.scoped(row.scope);
        tx.delete::<Instances>(&row.key());
        crate::tag::forget(&mut tx, &row.id.to_string());
        crate::instance::forget_user_data(&mut tx, row.spec.user_data.clone());
    }
    let tokens: Vec<_> = tx.client_tokens.due_until(now).take(BATCH).map(ClientToken::key).collect();
    for key in &tokens {
        tx.delete::<ClientTokens>(key);
    }
    over.len() == BATCH || tokens.len() == BATCH
}
