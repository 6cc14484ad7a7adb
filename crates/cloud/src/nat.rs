//! NAT gateways: one interface in a subnet, whose addresses many share.

use landfall_model::{LinkState, NatGateway};

use crate::expiry::SHOWN;
use crate::tx::Tx;
use crate::value::NatGateways;
use crate::{interface, tag};

/// Takes the gateways that are due, at most so many: one that is being made is there, or failed if its VPC has no way to
/// the internet; one that is being deleted gives its addresses back; one that was shown long enough goes. Returns whether
/// there may be more.
pub fn pass(tx: &mut Tx<'_, '_>, until: i64, most: usize) -> bool {
    let due: Vec<NatGateway> = tx.nat_gateways.due_until(until).take(most).cloned().collect();
    for row in &due {
        let mut tx = tx.scoped(row.scope);
        match row.state.next() {
            Some(LinkState::Available) if row.public && tx.internet_gateways.by_vpc.count(&row.vpc) == 0 => {
                let why = format!("Network {} has no Internet gateway attached", row.vpc);
                end(&mut tx, row, LinkState::Failed, Some(("Gateway.NotAttached".into(), why)));
            }
            Some(LinkState::Deleted) => end(&mut tx, row, LinkState::Deleted, None),
            Some(state) => {
                tx.update::<NatGateways, _>(&row.key(), |row| row.state = state);
            }
            None => {
                tx.delete::<NatGateways>(&row.key());
                tag::forget(&mut tx, &row.id.to_string());
            }
        }
    }
    due.len() == most
}

/// Ends a gateway: its interface goes, and its elastic addresses are free again.
fn end(tx: &mut Tx<'_, '_>, row: &NatGateway, state: LinkState, failure: Option<(String, String)>) {
    interface::delete(tx, row.interface);
    let now = tx.now();
    tx.update::<NatGateways, _>(&row.key(), |row| {
        row.state = state;
        row.failure = failure;
        row.deleted_at = row.deleted_at.or(Some(now));
        row.expires_at = Some(now + SHOWN);
        row.host = None;
    });
}
