//! Accounts as the provider keeps them: made, suspended, closed, with limits of their own.
//!
//! A suspended or closed account is refused whatever it calls. What is to be done with its machines is done in short
//! transactions, however many they are: the row says that there is work left until there is none. Looks across accounts:
//! the provider serves all.

mod closing;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use landfall_model::plan::Power;
use landfall_model::{
    Account, AccountId, AccountState, HostId, Instance, InstanceState, LinkState, Principal, Quotas, Region, Scope,
    Standing, Timestamp, VpnConnection,
};

use self::closing::Left;
use crate::fault::Fault;
use crate::identity;
use crate::power;
use crate::tx::Tx;
use crate::value::*;
use crate::view::View;

/// Characters of a name. Source: the AWS Organizations API Reference on CreateAccount.
const NAME_CHARS: std::ops::RangeInclusive<usize> = 1..=50;
/// The most bytes of an address. Source: RFC 5321, section 4.5.3.1.3, less the brackets.
const EMAIL_BYTES: usize = 254;
/// How many days what a closed account has may be kept. Source of the default: the AWS Account Management Guide, "Close
/// an AWS account".
const WAITING_DAYS: std::ops::RangeInclusive<u32> = 1..=90;
/// How many days it is kept unless that is said.
pub const WAITING_DAYS_DEFAULT: u32 = 90;

impl<'a> View<'a> {
    /// The limits of the view's account: its own where the provider has set some.
    pub fn quotas(&self) -> Cow<'a, Quotas> {
        let account = self.tables().accounts.get(&self.scope().account);
        of_account(&self.provider().quotas, account)
    }
}

impl Tx<'_, '_> {
    /// The limits of the transaction's account.
    pub fn quotas(&self) -> Cow<'_, Quotas> {
        self.view().quotas()
    }
}

/// The limits of an account.
pub fn of_account<'a>(defaults: &'a Quotas, account: Option<&Account>) -> Cow<'a, Quotas> {
    let Some(account) = account.filter(|row| !row.quotas.is_empty()) else { return Cow::Borrowed(defaults) };
    let mut own = defaults.clone();
    for (name, limit) in &account.quotas {
        own.set(name, *limit);
    }
    Cow::Owned(own)
}

/// The account of that number, or that there is none.
pub fn need(view: &View<'_>, id: AccountId) -> Result<Account, Fault> {
    view.tables().accounts.get(&id).cloned().ok_or_else(|| Fault::NoSuch {
        code: "InvalidAccountId.NotFound",
        noun: "account",
        id: id.to_string(),
    })
}

/// Makes an account with its root.
pub fn create(tx: &mut Tx<'_, '_>, id: AccountId, name: &str, email: &str) -> Result<(), Fault> {
    let invalid = |name, value: &str, why: &str| Fault::Invalid { name, value: value.into(), why: why.into() };
    if !NAME_CHARS.contains(&name.chars().count()) || name.chars().any(char::is_control) {
        return Err(invalid("AccountName", name, "It has 1 to 50 characters."));
    }
    if !is_address(email) {
        return Err(invalid("Email", email, "It is no address."));
    }
    if tx.accounts.contains(&id) {
        let message = format!("There is an account {id} already.");
        return Err(Fault::Taken { code: "AccountAlreadyExists", message });
    }
    if tx.accounts.by_email.count(&email.to_lowercase()) > 0 {
        let message = format!("There is an account with the address {email} already.");
        return Err(Fault::Taken { code: "EmailAlreadyExists", message });
    }
    identity::ensure_account(tx, id);
    tx.update::<Accounts, _>(&id, |row| (row.name, row.email) = (name.into(), email.into()));
    Ok(())
}

/// Whether a text can be an e-mail address: somebody at a name of two labels or more.
fn is_address(text: &str) -> bool {
    let Some((who, at)) = text.split_once('@') else { return false };
    let is_name = at.contains('.') && at.split('.').all(|label| !label.is_empty()) && !at.contains('@');
    let is_odd = |c: char| c.is_whitespace() || c.is_control();
    !who.is_empty() && is_name && text.len() <= EMAIL_BYTES && !text.contains(is_odd)
}

/// Refuses whatever an account calls, until it is resumed. Its machines and gateways run on, or are stopped.
pub fn suspend(tx: &mut Tx<'_, '_>, id: AccountId, stop: bool) -> Result<(), Fault> {
    let row = need(&tx.view(), id)?;
    check_not_operator(tx, id)?;
    if !matches!(row.standing.state, AccountState::Active | AccountState::Suspended) {
        return Err(wrong_state(&row));
    }
    stand(tx, id, AccountState::Suspended, stop, None);
    Ok(())
}

/// Serves an account again that was suspended, or that was closed and still has what it had.
pub fn resume(tx: &mut Tx<'_, '_>, id: AccountId) -> Result<(), Fault> {
    let row = need(&tx.view(), id)?;
    if row.standing.state == AccountState::Closed {
        return Err(wrong_state(&row));
    }
    stand(tx, id, AccountState::Active, false, None);
    Ok(())
}

/// Closes an account: it is refused from now on, its machines are stopped, and what it has is deleted after so many days.
pub fn close(tx: &mut Tx<'_, '_>, id: AccountId, waiting_days: u32) -> Result<(), Fault> {
    let row = need(&tx.view(), id)?;
    check_not_operator(tx, id)?;
    if !WAITING_DAYS.contains(&waiting_days) {
        let why = format!("It is between {} and {}.", WAITING_DAYS.start(), WAITING_DAYS.end());
        return Err(Fault::Invalid { name: "WaitingDays", value: waiting_days.to_string(), why });
    }
    if matches!(row.standing.state, AccountState::PendingClosure | AccountState::Closed) {
        return Err(wrong_state(&row));
    }
    let ends_at = tx.now() + Duration::from_secs(u64::from(waiting_days) * 86_400);
    stand(tx, id, AccountState::PendingClosure, true, Some(ends_at));
    Ok(())
}

/// Sets a limit of an account; without a number it is everybody's again.
pub fn put_quota(tx: &mut Tx<'_, '_>, id: AccountId, name: &str, limit: Option<u64>) -> Result<(), Fault> {
    need(&tx.view(), id)?;
    let invalid = |name, value: String, why: &str| Fault::Invalid { name, value, why: why.into() };
    if !Quotas::NAMES.contains(&name) {
        return Err(invalid("QuotaName", name.chars().take(64).collect(), "There is no such quota."));
    }
    if let Some(limit) = limit
        && !Quotas::default().set(name, limit)
    {
        return Err(invalid("Value", limit.to_string(), "It is too large."));
    }
    tx.update::<Accounts, _>(&id, |row| match limit {
        Some(limit) => _ = row.quotas.insert(name.into(), limit),
        None => _ = row.quotas.remove(name),
    });
    Ok(())
}

fn stand(tx: &mut Tx<'_, '_>, id: AccountId, state: AccountState, has_work: bool, ends_at: Option<Timestamp>) {
    let since = tx.now();
    tx.update::<Accounts, _>(&id, |row| {
        let since = if row.standing.state == state { row.standing.since } else { since };
        let is_stopped = has_work || (state != AccountState::Active && row.standing.is_stopped);
        row.standing = Standing { state, since, has_work, is_stopped, ends_at };
    });
}

fn check_not_operator(tx: &Tx<'_, '_>, id: AccountId) -> Result<(), Fault> {
    if id == tx.provider().operator {
        return Err(Fault::NotPermitted("The operator's own account can't be suspended or closed.".into()));
    }
    Ok(())
}

fn wrong_state(row: &Account) -> Fault {
    Fault::WrongState(format!("The account {} is in the state {}.", row.id, row.standing.state.name()))
}

/// Does what is due about accounts, a batch of it. Returns whether there may be more.
pub(crate) fn pass(tx: &mut Tx<'_, '_>, until: i64, most: usize) -> bool {
    let Some(row) = tx.accounts.due_until(until).next().cloned() else { return false };
    match row.standing.state {
        AccountState::PendingClosure if !row.standing.has_work => {
            stand(tx, row.id, AccountState::Closed, true, None);
        }
        AccountState::Closed => {
            let left = closing::end(tx, row.id, most);
            let again = (left == Left::Waiting).then(|| tx.now() + closing::PAUSE);
            tx.update::<Accounts, _>(&row.id, |row| {
                row.standing.has_work = left == Left::More;
                row.standing.ends_at = again;
                (row.alias, row.password_policy) = (None, None);
            });
        }
        AccountState::Active | AccountState::Suspended | AccountState::PendingClosure => {
            let left = stop_machines(tx, row.id, most);
            tx.update::<Accounts, _>(&row.id, |row| row.standing.has_work = left);
        }
    }
    true
}

/// Stops machines of an account, whatever protects them. Returns whether there may be more.
fn stop_machines(tx: &mut Tx<'_, '_>, account: AccountId, most: usize) -> bool {
    let runs = |row: &&Instance| matches!(row.status.state, InstanceState::Pending | InstanceState::Running);
    change_machines(tx, account, most, runs, Power::Off, InstanceState::Stopping)
}

/// Terminates machines of an account, whatever protects them. Returns whether there may be more.
fn end_machines(tx: &mut Tx<'_, '_>, account: AccountId, most: usize) -> bool {
    change_machines(tx, account, most, |row| row.spec.power != Power::Gone, Power::Gone, InstanceState::ShuttingDown)
}

fn change_machines(
    tx: &mut Tx<'_, '_>,
    account: AccountId,
    most: usize,
    which: impl Fn(&&Instance) -> bool,
    power: Power,
    state: InstanceState,
) -> bool {
    let all = |cloud| {
        let scopes = Region::all().map(move |region| Scope { account, region });
        scopes.flat_map(move |scope| View::new(cloud, scope, Timestamp(0)).all::<Instances, _>())
    };
    let due: Vec<Instance> = all(tx).filter(which).take(most).cloned().collect();
    let now = tx.now();
    for mut row in due.iter().cloned() {
        power::leave(&mut row, power, state, now, "Server.AccountNotServed");
        tx.put::<Instances>(row);
    }
    due.len() == most
}

/// The hosts that have something of an account's, each with how many things: what a closed account had stays until they say that
/// it is gone.
pub fn hosts(view: &View<'_>, account: AccountId) -> BTreeMap<HostId, usize> {
    let mut counts = BTreeMap::new();
    for scope in Region::all().map(|region| Scope { account, region }) {
        let view = View::new(view.tables(), scope, view.now());
        let is_left = |row: &&Instance| row.status.state != InstanceState::Terminated;
        let instances = view.all::<Instances, _>().filter(is_left).filter_map(|row| row.status.host);
        let volumes = view.all::<Volumes, _>().filter_map(|row| row.host);
        let is_live = |row: &&VpnConnection| !matches!(row.state, LinkState::Deleted | LinkState::Failed);
        let vpns = view.all::<VpnConnections, _>().filter(is_live).filter_map(|row| row.host);
        for host in instances.chain(volumes).chain(vpns) {
            *counts.entry(host).or_default() += 1;
        }
    }
    counts
}

/// How many things of each kind an account has: kinds that it has none of aren't listed.
pub fn left(view: &View<'_>, account: AccountId) -> Vec<(&'static str, usize)> {
    let cloud = view.tables();
    let mut found: Vec<(&'static str, usize)> = Vec::new();
    macro_rules! count {
        ($($table:ident $kind:literal),* $(,)?) => {$(
            let scopes = Region::all().map(|region| Scope { account, region });
            let rows = scopes.map(|scope| View::new(cloud, scope, view.now()).all::<$table, _>().count());
            found.push(($kind, rows.sum()));
        )*};
    }
    count!(
        Volumes "volume", Vpcs "vpc", Subnets "subnet", SecurityGroups "security-group", Interfaces "network-interface",
        Addresses "elastic-ip", KeyPairs "key-pair", NatGateways "natgateway", TransitGateways "transit-gateway",
        Endpoints "vpc-endpoint", VpnConnections "vpn-connection", FlowLogs "vpc-flow-log", KmsKeys "kms-key",
        InternetGateways "internet-gateway", VpnGateways "vpn-gateway", PrefixLists "prefix-list",
        Parameters "parameter", Secrets "secret", Trails "trail",
        LaunchTemplates "launch-template", OwnImages "image", Snapshots "snapshot", LifecyclePolicies "lifecycle-policy",
        FileSystems "file-system", AccessPoints "access-point",
    );
    let scopes = Region::all().map(|region| Scope { account, region });
    let instances = scopes.flat_map(|scope| View::new(cloud, scope, view.now()).all::<Instances, _>());
    found.push(("instance", instances.filter(|row| !row.status.state.is_over()).count()));
    let kind = |is: fn(&Principal) -> bool| cloud.principals.by_account(&account).filter(|row| is(row)).count();
    found.push(("user", kind(|row| row.user().is_some())));
    found.push(("role", kind(|row| row.role().is_some())));
    found.push(("group", cloud.groups.by_account(&account).count()));
    found.push(("policy", cloud.managed_policies.by_account(&account).count()));
    found.push(("oidc-provider", cloud.oidc_providers.by_account(&account).count()));
    found.push(("instance-profile", cloud.instance_profiles.by_account(&account).count()));
    found.retain(|(_, count)| *count > 0);
    found.sort_unstable();
    found
}
