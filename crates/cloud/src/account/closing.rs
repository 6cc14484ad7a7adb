//! The end of what a closed account has, once its time is over.
//!
//! What a host has is ended first, and waited for: machines, their volumes, VPNs. Peerings end by their rule, since another
//! account has them too, and KMS keys wait out the shortest time that a key waits, for what they encrypted may be another
//! account's. All else is nobody's any more: its rows go, whatever hangs on whatever. It is done in short transactions; what
//! is left in the end is the account's own row, so that its number is never another's.

use std::time::Duration;

use landfall_model::kms::KmsKey;
use landfall_model::{
    AccessKey, AccountId, Group, Instance, InstanceProfile, InstanceState, LinkState, ManagedPolicy, MfaDevice,
    OidcProvider, OwnImage, Peering, PrincipalKind, Region, Scope, Snapshot, Volume, VolumeState, VpnConnection,
};
use landfall_state::Table;

use crate::identity::home;
use crate::tx::Tx;
use crate::value::*;
use crate::{kms, peering, tag, vpn};

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// There is nothing left.
    Nothing,
    /// There is more to do.
    More,
    /// What is left ends by itself: by a host's report, or with time.
    Waiting,
}

/// How soon an account is looked at again that waits for something.
pub(super) const PAUSE: Duration = Duration::from_secs(60);

/// Deletes the rows that an account has in tables, in all regions, at most so many of each table in each. Yields whether
/// there may be more.
macro_rules! sweep {
    ($tx:ident, $account:ident, $most:ident; $($table:ident),* $(,)?) => {{
        let mut more = false;
        for scope in scopes($account) {
            let mut tx = $tx.scoped(scope);
            $(
                let keys: Vec<_> = tx.view().all::<$table, _>().take($most).map(<$table as Table>::key).collect();
                more |= keys.len() == $most;
                keys.iter().for_each(|key| _ = tx.delete::<$table>(key));
            )*
        }
        more
    }};
}

/// Ends a batch of what an account has.
pub(super) fn end(tx: &mut Tx<'_, '_>, account: AccountId, most: usize) -> Left {
    for scope in scopes(account) {
        crate::import::end_all(&mut tx.scoped(scope));
    }
    let more = [
        super::end_machines(tx, account, most),
        end_identity(tx, account, most),
        end_shared(tx, account, most),
        sweep!(tx, account, most;
            KeyPairs, Parameters, ParameterVersions, Secrets, SecretVersions, Trails, FlowLogs, InsightsAnalyses,
            InsightsPaths, ImportImages, ImportSnapshots, EbsDefaultsTable, ImageDefaultsTable, ClientTokens, Endpoints,
            LaunchTemplates, LaunchTemplateVersions, LifecyclePolicies, MountTargets, AccessPoints, FileSystems,
        ),
    ];
    let waits = [end_volumes(tx, account), end_vpns(tx, account), end_peerings(tx, account), end_keys(tx, account)];
    if more.contains(&true) {
        return Left::More;
    }
    if has_machines(tx, account) || waits[..2].contains(&true) {
        return Left::Waiting;
    }
    let more = sweep!(tx, account, most;
        Instances, UserDataTable, ProfileAssociations, VpnConnections, VpnGateways, CustomerGateways, NatGateways,
        TransitAttachments, TransitTables, TransitGateways, Addresses, ReleasedAddresses, Interfaces, SecurityGroupRules, SecurityGroups,
        NetworkAcls, RouteTables, InternetGateways, EgressOnlyGateways, PrefixLists, Subnets, Vpcs, DhcpOptionsTable,
        Usages,
    );
    match (more, waits.contains(&true)) {
        (true, _) => Left::More,
        (false, true) => Left::Waiting,
        // Tags last: the rules that ended what was waited for looked at them.
        (false, false) if sweep!(tx, account, most; Tags) => Left::More,
        (false, false) => Left::Nothing,
    }
}

fn scopes(account: AccountId) -> impl Iterator<Item = Scope> {
    Region::all().map(move |region| Scope { account, region })
}

/// Whether a host still has a machine of the account's: one that is shutting down is there until its host says that it is
/// gone.
fn has_machines(tx: &mut Tx<'_, '_>, account: AccountId) -> bool {
    let is_left = |row: &Instance| row.status.state != InstanceState::Terminated;
    scopes(account).any(|scope| tx.scoped(scope).view().all::<Instances, _>().any(is_left))
}

/// Deletes what others saw and tagged too, with their tags. Returns whether there may be more.
fn end_shared(tx: &mut Tx<'_, '_>, account: AccountId, most: usize) -> bool {
    let mut more = false;
    for scope in scopes(account) {
        let mut tx = tx.scoped(scope);
        let images: Vec<_> = tx.view().all::<OwnImages, _>().take(most).map(OwnImage::key).collect();
        let snapshots: Vec<_> = tx.view().all::<Snapshots, _>().take(most).map(Snapshot::key).collect();
        more |= images.len() == most || snapshots.len() == most;
        for key in &images {
            tag::forget_all(&mut tx, &key.id.to_string());
            tx.delete::<OwnImages>(key);
        }
        for key in &snapshots {
            tag::forget_all(&mut tx, &key.id.to_string());
            tx.delete::<Snapshots>(key);
        }
    }
    more
}

/// Has hosts destroy the volumes that no machine has. Returns whether there are any.
fn end_volumes(tx: &mut Tx<'_, '_>, account: AccountId) -> bool {
    let mut any = false;
    for scope in scopes(account) {
        let mut tx = tx.scoped(scope);
        let rows: Vec<Volume> = tx.view().all::<Volumes, _>().cloned().collect();
        for mut row in rows {
            any |= row.host.is_some();
            if row.host.is_none() {
                tx.delete::<Volumes>(&row.key());
            } else if row.attachment.is_none() && row.state != VolumeState::Deleting {
                row.state = VolumeState::Deleting;
                tx.put::<Volumes>(row);
            }
        }
    }
    any
}

/// Ends VPNs. Returns whether a host still has one.
fn end_vpns(tx: &mut Tx<'_, '_>, account: AccountId) -> bool {
    let mut any = false;
    for scope in scopes(account) {
        let mut tx = tx.scoped(scope);
        let rows: Vec<VpnConnection> = tx.view().all::<VpnConnections, _>().cloned().collect();
        for row in rows.iter().filter(|row| row.state.is_live()) {
            // It is there, and live.
            let _ = vpn::delete(&mut tx, row.id);
        }
        any |= tx
            .view()
            .all::<VpnConnections, _>()
            .any(|row| !matches!(row.state, LinkState::Deleted | LinkState::Failed));
    }
    any
}

/// Ends peerings from the account's side. Returns whether it still has one; those that are over are shown to both for a
/// while.
fn end_peerings(tx: &mut Tx<'_, '_>, account: AccountId) -> bool {
    let mut any = false;
    for scope in scopes(account) {
        let mut tx = tx.scoped(scope);
        let rows: Vec<Peering> = tx.view().peerings().into_iter().cloned().collect();
        for row in &rows {
            // One that waits for this account to accept it can't be deleted by it, only rejected; one that is over neither.
            let _ = peering::reject(&mut tx, row.id).or_else(|_| peering::delete(&mut tx, row.id));
        }
        any |= !rows.is_empty();
    }
    any
}

/// Has keys be deleted as soon as keys are. Returns whether there are any.
fn end_keys(tx: &mut Tx<'_, '_>, account: AccountId) -> bool {
    let mut any = false;
    for scope in scopes(account) {
        let mut tx = tx.scoped(scope);
        let rows: Vec<KmsKey> = tx.view().all::<KmsKeys, _>().cloned().collect();
        for row in &rows {
            // One that is to be deleted already stays so.
            let _ = kms::life::schedule_deletion(&mut tx, row, *kms::life::WAITING_DAYS.start());
        }
        any |= !rows.is_empty();
    }
    any
}

/// Deletes who an account's users and roles are, and what they may. Returns whether there may be more.
fn end_identity(tx: &mut Tx<'_, '_>, account: AccountId, most: usize) -> bool {
    let principals: Vec<_> = tx.principals.by_account(&account).take(most).cloned().collect();
    for row in &principals {
        let keys: Vec<_> = tx.access_keys.by_principal(&row.id).map(|key: &AccessKey| key.id.clone()).collect();
        for key in keys {
            tx.delete::<AccessKeys>(&key);
        }
        if row.kind != PrincipalKind::Root {
            tag::forget(&mut tx.scoped(home(account)), row.id.as_str());
            tx.delete::<Principals>(&row.id);
        }
    }
    let mut more = principals.len() == most;
    macro_rules! delete {
        ($($table:ident $field:ident $row:ident),* $(,)?) => {$(
            let keys: Vec<_> = tx.$field.by_account(&account).take(most).map(|row: &$row| <$table as Table>::key(row)).collect();
            more |= keys.len() == most;
            keys.iter().for_each(|key| _ = tx.delete::<$table>(key));
        )*};
    }
    delete!(
        Groups groups Group, ManagedPolicies managed_policies ManagedPolicy, MfaDevices mfa_devices MfaDevice,
        InstanceProfiles instance_profiles InstanceProfile, OidcProviders oidc_providers OidcProvider,
    );
    more
}
