//! Peerings: connections of two VPCs, of one account or two, in one region or two.
//!
//! A peering is one row, the requester's, which both sides see. What each side may do with it follows from its state.
//! Source: "VPC peering connection lifecycle", Amazon VPC Peering Guide.

use std::time::Duration;

use landfall_model::{AccountId, Peering, PeeringId, PeeringSide, PeeringState, Scope, Timestamp, Vpc, VpcId};

use crate::fault::{Fault, QuotaKind};
use crate::tag;
use crate::tx::Tx;
use crate::value::{Cloud, Peerings, Vpcs};
use crate::view::View;

/// How long a request waits for the accepter.
const PATIENCE: Duration = Duration::from_secs(7 * 86_400);
/// How long an ended peering is shown to who ended it.
const SHOWN_TO_ENDER: Duration = Duration::from_secs(2 * 3600);
/// How long it is shown to the other, and an expired one to both.
const SHOWN: Duration = Duration::from_secs(2 * 86_400);

/// Asks for a peering with a VPC of that account and region. Whether it can be is found out afterwards, so that nobody
/// learns here which VPCs others have.
pub fn create(tx: &mut Tx<'_, '_>, vpc: VpcId, peer: Scope, peer_vpc: VpcId) -> Result<PeeringId, Fault> {
    let (view, scope) = (tx.view(), tx.scope());
    view.need::<Vpcs, _>(vpc)?;
    if peer == scope {
        view.need::<Vpcs, _>(peer_vpc)?;
    }
    if vpc == peer_vpc {
        return Err(Fault::Refused(format!("The VPC {vpc} can't be peered with itself.")));
    }
    let joins =
        |row: &&Peering| row.state.is_live() && row.sides().iter().all(|side| [vpc, peer_vpc].contains(&side.vpc));
    if let Some(row) = tx.peerings.by_vpc(&vpc).find(joins) {
        let message = format!("A VPC peering connection between {vpc} and {peer_vpc} already exists: {}", row.id);
        return Err(Fault::Taken { code: "VpcPeeringConnectionAlreadyExists", message });
    }
    let limit = view.quotas().outstanding_peerings;
    let waits = |row: &&Peering| {
        row.requester.scope == scope
            && matches!(row.state, PeeringState::InitiatingRequest | PeeringState::PendingAcceptance)
    };
    if tx.peerings.by_scope(&scope).filter(waits).count() >= limit as usize {
        let kind = QuotaKind::Of("OutstandingVpcPeeringConnectionLimitExceeded", "outstanding VPC peering connections");
        return Err(Fault::Quota(kind, u64::from(limit)));
    }
    let (id, now) = (tx.new_id(), tx.now());
    tx.put::<Peerings>(Peering {
        scope,
        id,
        requester: PeeringSide { scope, vpc, dns: false },
        accepter: PeeringSide { scope: peer, vpc: peer_vpc, dns: false },
        state: PeeringState::InitiatingRequest,
        message: format!("Initiating Request to {}", peer.account),
        created_at: now,
        expires_at: Some(now + PATIENCE),
        ended: None,
    });
    Ok(id)
}

/// Accepts a peering that this side was asked for.
pub fn accept(tx: &mut Tx<'_, '_>, id: PeeringId) -> Result<(), Fault> {
    let row = asked(&tx.view(), id, "accept")?;
    check_state(&row, &[PeeringState::PendingAcceptance], "active")?;
    if !fits(tx, &row) {
        return Err(transition(&row, "active"));
    }
    let limit = tx.quotas().peerings_per_vpc;
    for side in row.sides() {
        let active = tx.peerings.by_vpc(&side.vpc).filter(|row| row.across(side.vpc).is_some()).count();
        if active >= limit as usize {
            let kind = QuotaKind::Of("ActiveVpcPeeringConnectionPerVpcLimitExceeded", "active VPC peering connections");
            return Err(Fault::Quota(kind, u64::from(limit)));
        }
    }
    tx.update::<Peerings, _>(&row.key(), |row| {
        row.state = PeeringState::Provisioning;
        row.message = "Provisioning".into();
        row.expires_at = None;
    });
    Ok(())
}

/// Refuses a peering that this side was asked for.
pub fn reject(tx: &mut Tx<'_, '_>, id: PeeringId) -> Result<(), Fault> {
    let row = asked(&tx.view(), id, "reject")?;
    check_state(&row, &[PeeringState::PendingAcceptance], "rejected")?;
    let account = tx.scope().account;
    end(tx, &row, PeeringState::Rejected, Some(account));
    Ok(())
}

/// Ends a peering: either side may once it is in use, before that the one that asked.
pub fn delete(tx: &mut Tx<'_, '_>, id: PeeringId) -> Result<(), Fault> {
    use PeeringState::{Active, InitiatingRequest, PendingAcceptance, Provisioning};
    let view = tx.view();
    let row = view.peering(id).ok_or_else(|| Fault::no_such(id))?.clone();
    check_state(&row, &[InitiatingRequest, PendingAcceptance, Provisioning, Active], "deleting")?;
    let account = tx.scope().account;
    if row.state == PendingAcceptance && row.requester.scope.account != account {
        return Err(not_permitted(format!("User {account} cannot delete peering {id}")));
    }
    let now = tx.now();
    tx.update::<Peerings, _>(&row.key(), |row| {
        row.state = PeeringState::Deleting;
        row.message = format!("Deleting by {account}");
        row.ended = Some((account, now));
    });
    Ok(())
}

/// Says on each side whether its public names resolve to private addresses from the other.
pub fn set_dns(
    tx: &mut Tx<'_, '_>,
    id: PeeringId,
    requester: Option<bool>,
    accepter: Option<bool>,
) -> Result<(), Fault> {
    let (view, scope) = (tx.view(), tx.scope());
    let row = view.peering(id).ok_or_else(|| Fault::no_such(id))?;
    if row.state != PeeringState::Active {
        return Err(not_permitted(format!(
            "Peering {id} is not active. Peering options can be added only to active peerings."
        )));
    }
    for (asked, side, noun) in [(requester, &row.requester, "requester"), (accepter, &row.accepter, "accepter")] {
        if asked.is_some() && side.scope != scope {
            return Err(not_permitted(format!(
                "User {} cannot modify {noun} peering options of {id} in {}",
                scope.account, scope.region
            )));
        }
    }
    let key = row.key();
    tx.update::<Peerings, _>(&key, |row| {
        row.requester.dns = requester.unwrap_or(row.requester.dns);
        row.accepter.dns = accepter.unwrap_or(row.accepter.dns);
    });
    Ok(())
}

/// The peering that this side was asked for, to answer.
fn asked(view: &View<'_>, id: PeeringId, verb: &str) -> Result<Peering, Fault> {
    let (row, scope) = (view.peering(id).ok_or_else(|| Fault::no_such(id))?, view.scope());
    if row.accepter.scope.account != scope.account {
        return Err(not_permitted(format!("User {} cannot {verb} peering {id}", scope.account)));
    }
    if row.accepter.scope != scope {
        return Err(not_permitted(format!(
            "Incorrect region ({}) specified for this request. VPC peering connection {id} must be {verb}ed in region {}",
            scope.region, row.accepter.scope.region
        )));
    }
    Ok(row.clone())
}

fn not_permitted(message: String) -> Fault {
    Fault::NotPermitted(message)
}

fn check_state(row: &Peering, allowed: &[PeeringState], to: &str) -> Result<(), Fault> {
    if allowed.contains(&row.state) { Ok(()) } else { Err(transition(row, to)) }
}

fn transition(row: &Peering, to: &str) -> Fault {
    let (id, from) = (row.id, row.state.name());
    let message = format!("Invalid state transition for {id}, attempted to transition from {from} to {to}");
    Fault::Taken { code: "InvalidStateTransition", message }
}

/// Whether both VPCs are there and have no address in common.
fn fits(cloud: &Cloud, row: &Peering) -> bool {
    let vpc = |side: &PeeringSide| cloud.vpcs.get(&side.scope.key(side.vpc));
    let (Some(one), Some(other)) = (vpc(&row.requester), vpc(&row.accepter)) else { return false };
    !overlap(one, other)
}

fn overlap(one: &Vpc, other: &Vpc) -> bool {
    let v4 = one.cidrs.iter().any(|(_, block)| other.cidrs.iter().any(|(_, theirs)| block.overlaps(*theirs)));
    v4 || one.ipv6.iter().any(|(_, block)| other.ipv6.iter().any(|(_, theirs)| block.overlaps(*theirs)))
}

/// Takes the peerings that are due, at most so many: each goes to its next state; a request that nobody accepted
/// expires; one that was shown long enough goes. Returns whether there may be more.
pub fn pass(tx: &mut Tx<'_, '_>, until: i64, most: usize) -> bool {
    let due: Vec<Peering> = tx.peerings.due_until(until).take(most).cloned().collect();
    for row in &due {
        let by = row.ended.map(|(account, _)| account);
        match (row.state.next(), row.state) {
            (Some(PeeringState::PendingAcceptance), _) if !fits(tx, row) => {
                end(tx, row, PeeringState::Failed, Some(row.scope.account));
            }
            (Some(PeeringState::PendingAcceptance), _) => {
                tx.update::<Peerings, _>(&row.key(), |row| {
                    row.state = PeeringState::PendingAcceptance;
                    row.message = format!("Pending Acceptance by {}", row.accepter.scope.account);
                });
            }
            (Some(PeeringState::Deleted), _) => end(tx, row, PeeringState::Deleted, by),
            (Some(next), _) => {
                tx.update::<Peerings, _>(&row.key(), |row| {
                    row.state = next;
                    row.message = "Active".into();
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
fn end(tx: &mut Tx<'_, '_>, row: &Peering, state: PeeringState, by: Option<AccountId>) {
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

/// Whether a side sees a peering: the one that was asked not before the request is one, and both for a while after the
/// end.
fn is_shown(row: &Peering, scope: Scope, now: Timestamp) -> bool {
    if !row.sides().iter().any(|side| side.scope == scope) {
        return false;
    }
    let has_asked = row.requester.scope == scope;
    match (row.state, row.ended) {
        (PeeringState::InitiatingRequest | PeeringState::Failed, _) => has_asked,
        (PeeringState::Deleted | PeeringState::Rejected, Some((by, at))) if by == scope.account => {
            now < at + SHOWN_TO_ENDER
        }
        _ => true,
    }
}

impl<'a> View<'a> {
    /// The peering of that id, if the scope has one of its sides and still sees it.
    pub fn peering(&self, id: PeeringId) -> Option<&'a Peering> {
        self.tables().peerings.by_id(&id).find(|row| is_shown(row, self.scope(), self.now()))
    }

    /// The peerings of which the scope has a side, by id.
    pub fn peerings(&self) -> Vec<&'a Peering> {
        let all = self.tables().peerings.by_scope(&self.scope());
        let mut rows: Vec<_> = all.filter(|row| is_shown(row, self.scope(), self.now())).collect();
        rows.sort_by_key(|row| row.id);
        rows
    }

    /// The VPC of a peering's side, whoever owns it.
    pub fn peered_vpc(&self, side: &PeeringSide) -> Option<&'a Vpc> {
        let cloud: &'a Cloud = self.tables();
        cloud.vpcs.get(&side.scope.key(side.vpc))
    }
}
