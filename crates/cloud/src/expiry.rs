//! What is due by time: states that pass by themselves, tombstones and remembered answers that go. Looks across accounts:
//! time passes for all.
//!
//! AWS shows most gateways and attachments as pending or deleting first, although nothing but the cloud itself has a part
//! in them. An operation writes that state and answers with it; [`pass`] turns it into the next one before anybody asks
//! again, and undoes what a deleted thing held. What is deleted is shown for [`SHOWN`], and goes for good in [`expire`].

use std::time::Duration;

use landfall_model::{AT_ONCE, AttachedResource, ClientToken, EndpointKind, Instance, InterfacePurpose, LinkState};

use crate::tx::Tx;
use crate::value::{
    ClientTokens, CustomerGateways, Endpoints, Instances, RoleDeletions, TransitAttachments, TransitGateways,
    TransitTables, VpnConnections, VpnGateways,
};
use crate::{interface, nat, peering, tag};

/// How many rows of a kind one transaction takes, so that it stays short however many are due.
const BATCH: usize = 256;

/// How long a deleted thing is shown: AWS says about an hour.
pub const SHOWN: Duration = Duration::from_secs(3600);

/// Removes rows whose time has come, and does what [`pass`] does, at most a batch of each kind. Returns whether there may
/// be more.
pub fn expire(tx: &mut Tx<'_, '_>) -> bool {
    let now = tx.now_ms();
    let over: Vec<Instance> = tx.instances.due_until(now).take(BATCH).cloned().collect();
    for row in &over {
        let mut tx = tx.scoped(row.scope);
        tx.delete::<Instances>(&row.key());
        tag::forget(&mut tx, &row.id.to_string());
        crate::instance::forget_user_data(&mut tx, row.spec.user_data.clone());
    }
    let tokens: Vec<_> = tx.client_tokens.due_until(now).take(BATCH).map(ClientToken::key).collect();
    for key in &tokens {
        tx.delete::<ClientTokens>(key);
    }
    let deletions: Vec<_> = tx.role_deletions.due_until(now).take(BATCH).map(|row| row.id.clone()).collect();
    for key in &deletions {
        tx.delete::<RoleDeletions>(key);
    }
    let more = [
        deletions.len() == BATCH,
        crate::kms::life::pass(tx, now, BATCH),
        crate::parameter::expire(tx, now),
        crate::secret::expire(tx, now),
        crate::import::expire(tx, now, BATCH),
        links(tx, now),
        crate::account::pass(tx, now, BATCH),
    ];
    over.len() == BATCH || tokens.len() == BATCH || more.contains(&true)
}

/// Turns states that pass by themselves into the next ones, at most a batch of each kind. Returns whether there may be
/// more.
pub fn pass(tx: &mut Tx<'_, '_>) -> bool {
    let accounts = crate::account::pass(tx, AT_ONCE.as_millis(), BATCH);
    links(tx, AT_ONCE.as_millis()) || accounts
}

/// Takes the rows of a table that are due: each goes to its next state, or for good where it has none. `$deleted` undoes
/// what a row held once it is deleted.
macro_rules! link {
    ($tx:ident, $until:ident, $table:ident $field:ident, $deleted:expr) => {{
        let due: Vec<_> = $tx.$field.due_until($until).take(BATCH).cloned().collect();
        for row in &due {
            let mut tx = $tx.scoped(row.scope);
            let Some(next) = row.state.next() else {
                tx.delete::<$table>(&row.key());
                tag::forget(&mut tx, &row.id.to_string());
                continue;
            };
            let expires_at = Some(tx.now() + SHOWN).filter(|_| next == LinkState::Deleted);
            tx.update::<$table, _>(&row.key(), |row| {
                row.state = next;
                row.expires_at = expires_at;
            });
            if next == LinkState::Deleted {
                $deleted(&mut tx, row);
            }
        }
        due.len() == BATCH
    }};
}

fn links(tx: &mut Tx<'_, '_>, until: i64) -> bool {
    // An attachment's interfaces are found by what they are for; an endpoint names its own.
    let transit_attachments = link!(tx, until, TransitAttachments transit_attachments, |tx: &mut Tx<'_, '_>, row: &landfall_model::TransitGatewayAttachment| {
        let AttachedResource::Vpc { subnets, .. } = &row.resource else { return };
        let purpose = InterfacePurpose::TransitGateway(row.id);
        let of_subnets = subnets.iter().flat_map(|subnet| tx.interfaces.by_subnet(subnet));
        let ids: Vec<_> = of_subnets.filter(|row| row.purpose == purpose).map(|row| row.id).collect();
        ids.into_iter().for_each(|id| interface::delete(tx, id));
    });
    let endpoints = link!(tx, until, Endpoints endpoints, |tx: &mut Tx<'_, '_>, row: &landfall_model::Endpoint| {
        let EndpointKind::Interface { interfaces, .. } = &row.kind else { return };
        interfaces.iter().for_each(|id| interface::delete(tx, *id));
    });
    let more = [
        nat::pass(tx, until, BATCH),
        peering::pass(tx, until, BATCH),
        crate::insights::pass(tx, until, BATCH),
        crate::profile_association::pass(tx, until, BATCH),
        crate::launch_template::pass(tx, until, BATCH),
        crate::file_system::pass(tx, until, BATCH),
        transit_attachments,
        link!(tx, until, TransitTables transit_tables, |_: &mut Tx<'_, '_>, _| ()),
        link!(tx, until, TransitGateways transit_gateways, |_: &mut Tx<'_, '_>, _| ()),
        endpoints,
        link!(tx, until, VpnConnections vpn_connections, |_: &mut Tx<'_, '_>, _| ()),
        link!(tx, until, VpnGateways vpn_gateways, |_: &mut Tx<'_, '_>, _| ()),
        link!(tx, until, CustomerGateways customer_gateways, |_: &mut Tx<'_, '_>, _| ()),
    ];
    more.contains(&true)
}
