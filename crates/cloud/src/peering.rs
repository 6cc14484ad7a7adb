//! Peerings: connections of two VPCs, of one account or two, in one region or two.

use std::time::Duration;

use landfall_model::{AccountId, Peering, PeeringState, Timestamp};

use crate::tag;
use crate::tx::Tx;
use crate::value::Peerings;

/// How long a request waits for the accepter. This and the next: "VPC peering connection lifecycle", Amazon VPC Peering
/// Guide.
pub const PATIENCE: Duration = Duration::from_secs(7 * 86_400);
/// How long an ended peering is shown to who ended it.
const SHOWN_TO_ENDER: Duration = Duration::from_secs(2 * 3600);
/// How long it is shown to the other, and an expired one to both.
const SHOWN: Duration = Duration::from_secs(2 * 86_400);

/// Takes the peerings that are due, at most so many: each goes to its next state; a request that nobody accepted
/// expires; one that was shown long enough goes. Returns whether there may be more.
pub fn pass(tx: &mut Tx<'_, '_>, until: i64, most: usize) -> bool {
    let due: Vec<Peering> = tx.peerings.due_until(until).take(most).cloned().collect();
    for row in &due {
        let by = row.ended.map(|(account, _)| account);
        match (row.state.next(), row.state) {
            (Some(PeeringState::PendingAcceptance), _) => {
                tx.update::<Peerings, _>(&row.key(), |row| {
                    row.state = PeeringState::PendingAcceptance;
                    row.message = format!("Pending Acceptance by {}", row.accepter.scope.account);
                    row.expires_at = Some(row.created_at + PATIENCE);
                });
            }
            (Some(PeeringState::Deleted), _) => end(tx, row, PeeringState::Deleted, by),
            (Some(next), _) => {
                tx.update::<Peerings, _>(&row.key(), |row| {
                    row.state = next;
                    row.message = "Active".into();
                    row.expires_at = None;
                });
            }
            (None, PeeringState::PendingAcceptance) => end(tx, row, PeeringState::Expired, None),
            (None, _) => {
                tx.delete::<Peerings>(&row.key());
                for side in row.sides() {
                    tag::forget(&mut tx.scoped(side.scope), &row.id.to_string());
                }
            }
        }
    }
    due.len() == most
}

/// Ends a peering in that state, by that account or by time.
pub fn end(tx: &mut Tx<'_, '_>, row: &Peering, state: PeeringState, by: Option<AccountId>) {
    let now = tx.now();
    let message = match (state, by) {
        (PeeringState::Deleted, Some(by)) => format!("Deleted by {by}"),
        (PeeringState::Rejected, Some(by)) => format!("Rejected by {by}"),
        (PeeringState::Failed, _) => "Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range".to_owned(),
        _ => "Expired".to_owned(),
    };
    // Within one account nobody else is left to whom it is to be shown; nor is a request that was none shown to another.
    let alone = row.requester.scope.account == row.accepter.scope.account || state == PeeringState::Failed;
    let span = if alone && by.is_some() { SHOWN_TO_ENDER } else { SHOWN };
    tx.update::<Peerings, _>(&row.key(), |row| {
        row.state = state;
        row.message = message;
        row.ended = by.map(|by| (by, now));
        row.expires_at = Some(now + span);
    });
}

/// Whether an account still sees a peering of which it has a side.
pub fn is_shown(row: &Peering, account: AccountId, now: Timestamp) -> bool {
    match row.ended {
        Some((by, _)) if by != account => row.state != PeeringState::Failed,
        Some((_, at)) if matches!(row.state, PeeringState::Deleted | PeeringState::Rejected) => {
            now < at + SHOWN_TO_ENDER
        }
        _ => true,
    }
}
