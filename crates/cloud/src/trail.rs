//! Trails: which events are delivered to which bucket.
//!
//! Events themselves aren't part of the value: they are lines of a log of their own. A trail is one account's; one of all
//! regions is seen in each, and changed in its home region alone.

use std::collections::BTreeMap;

use landfall_model::{
    AccountId, Arn, Delivery, DigestKey, EventSelector, Region, SelectedCalls, Silence, Timestamp, Trail,
};

use crate::fault::Fault;
use crate::tag;
use crate::tx::Tx;
use crate::value::{Cloud, Trails};
use crate::view::View;

/// Trails that are seen in a region, at most. Source: the CloudTrail User Guide, "Quotas in AWS CloudTrail".
const MOST: usize = 5;
/// Deleted trails of an account that still have something to deliver, at most: whoever makes more of them waits.
const MOST_DEPARTED: usize = 20;
/// Times of silence that are known of a trail whose delivery hasn't come to them. Of the oldest ones more is then delivered
/// than was asked, rather than less.
const SILENCES: usize = 32;
/// The longest folder within a bucket. Source: the CloudTrail API Reference, as are the others.
const PREFIX_CHARS: usize = 200;

/// What is asked of a trail; what isn't said stays, or is as CloudTrail has it.
#[derive(Clone, Debug, Default)]
pub struct TrailChange {
    /// The bucket.
    pub bucket: Option<String>,
    /// The folder within it; an empty one for none.
    pub prefix: Option<String>,
    /// Whether events that belong to no region are delivered.
    pub global_events: Option<bool>,
    /// Whether events of all regions are.
    pub multi_region: Option<bool>,
    /// Whether digests are.
    pub validates: Option<bool>,
}

/// The trail of that name or ARN, as this region sees it: its own, or another's of all regions.
pub fn seen<'v>(view: &View<'v>, named: &str) -> Result<&'v Trail, Fault> {
    let (region, name) = place(view, named)?;
    let found = find(view, region, name).filter(|row| row.multi_region || row.scope == view.scope());
    found.ok_or_else(|| no_such(view, named))
}

/// The trails that this region sees, by home region and name; with `also_others`, those too whose home is another.
pub fn all<'v>(view: &View<'v>, also_others: bool) -> impl Iterator<Item = &'v Trail> + use<'v> {
    let scope = view.scope();
    let own = move |row: &&Trail| row.scope == scope || (also_others && row.multi_region);
    view.tables().trails.by_account(&scope.account).filter(own)
}

/// All trails of an account, whatever their region.
pub fn of_account<'v>(view: &View<'v>) -> impl Iterator<Item = &'v Trail> + use<'v> {
    view.tables().trails.by_account(&view.scope().account)
}

/// Trails of all accounts that have something to deliver.
pub fn active(cloud: &Cloud) -> impl Iterator<Item = &Trail> {
    cloud.trails.by_activity(&true)
}

/// Makes a trail. It delivers nothing before it is started.
pub fn create(
    tx: &mut Tx<'_, '_>,
    name: &str,
    asked: TrailChange,
    tags: &BTreeMap<String, String>,
) -> Result<Trail, Fault> {
    check_name(name)?;
    let view = tx.view();
    let account = view.scope().account;
    if view.find::<Trails, _>(name.to_owned()).is_some() {
        return Err(taken(
            "TrailAlreadyExistsException",
            format!("Trail {name} already exists for customer: {account}"),
        ));
    }
    if all(&view, true).count() >= MOST {
        let message = format!("User: {account} already has {MOST} trails in {}.", view.scope().region);
        return Err(taken("MaximumNumberOfTrailsExceededException", message));
    }
    if view.tables().trails.by_departed(&account).count() >= MOST_DEPARTED {
        let message = format!("{MOST_DEPARTED} deleted trails of {account} still deliver what came before.");
        return Err(taken("ConflictException", message));
    }
    let mut row = Trail {
        scope: tx.scope(),
        name: name.to_owned(),
        bucket: String::new(),
        prefix: None,
        global_events: true,
        multi_region: false,
        validates: false,
        selectors: Vec::new(),
        is_logging: false,
        started_at: None,
        stopped_at: None,
        created_at: tx.now(),
        deleted_at: None,
        delivery: Delivery::default(),
    };
    change(&tx.view(), &mut row, asked)?;
    tag::put(tx, "trail", row.arn().as_str(), tags)?;
    tx.put::<Trails>(row.clone());
    Ok(row)
}

/// Changes a trail.
pub fn update(tx: &mut Tx<'_, '_>, named: &str, asked: TrailChange) -> Result<Trail, Fault> {
    let mut row = own(&tx.view(), named)?.clone();
    let validated = row.validates;
    change(&tx.view(), &mut row, asked)?;
    if row.validates != validated {
        let delivery = &mut row.delivery;
        match (row.validates, delivery.digested_until) {
            (false, Some(_)) => delivery.digest_ends = Some(tx.now()),
            // The last digest isn't there yet: the chain goes on.
            (true, Some(_)) => delivery.digest_ends = None,
            // A chain begins: what was delivered meanwhile is in none.
            (true, None) if row.is_logging => begin_chain(delivery, tx.now()),
            (_, None) => {}
        }
    }
    tx.put::<Trails>(row.clone());
    Ok(row)
}

/// Deletes a trail. What was delivered stays, and what came before is still delivered: nobody is to wipe out what was just
/// done.
pub fn delete(tx: &mut Tx<'_, '_>, named: &str) -> Result<(), Fault> {
    let mut row = own(&tx.view(), named)?.clone();
    tag::forget(tx, row.arn().as_str());
    tx.delete::<Trails>(&row.key());
    if row.delivery.is_open {
        if row.is_logging {
            row.is_logging = false;
            row.stopped_at = Some(tx.now());
        }
        let mut at = tx.now();
        row.deleted_at = Some(at);
        while tx.trails.get(&row.key()).is_some() {
            at = Timestamp(at.as_millis() + 1);
            row.deleted_at = Some(at);
        }
        tx.put::<Trails>(row);
    }
    Ok(())
}

/// Has a trail deliver the events that come from now on. What came before it was stopped it delivers too, if it hasn't yet:
/// nobody is to lose events by stopping and starting.
pub fn start(tx: &mut Tx<'_, '_>, named: &str) -> Result<(), Fault> {
    let mut row = own(&tx.view(), named)?.clone();
    if row.is_logging {
        return Ok(());
    }
    row.is_logging = true;
    let before = row.started_at.replace(tx.now());
    let delivery = &mut row.delivery;
    if delivery.is_open {
        let until = tx.now();
        // Rows of an older version don't say it.
        delivery.since = delivery.since.or(before);
        delivery.silences.extend(row.stopped_at.map(|from| Silence { from, until }));
        if delivery.silences.len() > SILENCES {
            delivery.silences.remove(0);
        }
    } else {
        delivery.is_open = true;
        delivery.since = row.started_at;
        delivery.done = None;
        delivery.silences.clear();
        delivery.failing_since = None;
        delivery.digest_ends = None;
        delivery.digested_until = None;
    }
    if row.validates && delivery.digested_until.is_none() {
        begin_chain(delivery, tx.now());
    }
    tx.put::<Trails>(row);
    Ok(())
}

fn begin_chain(delivery: &mut Delivery, now: Timestamp) {
    delivery.digested_until = Some(now);
    delivery.chains.clear();
    delivery.files.clear();
}

/// Has a trail deliver nothing that comes from now on.
pub fn stop(tx: &mut Tx<'_, '_>, named: &str) -> Result<(), Fault> {
    let mut row = own(&tx.view(), named)?.clone();
    if row.is_logging {
        row.is_logging = false;
        row.stopped_at = Some(tx.now());
        tx.put::<Trails>(row);
    }
    Ok(())
}

/// Says which events a trail delivers.
pub fn select(tx: &mut Tx<'_, '_>, named: &str, selectors: Vec<EventSelector>) -> Result<Trail, Fault> {
    let mut row = own(&tx.view(), named)?.clone();
    row.selectors = selectors;
    tx.put::<Trails>(row.clone());
    Ok(row)
}

/// Whether a trail delivers an event: of that region, of no region at all, that only looks, of that source.
pub fn delivers(row: &Trail, region: Region, is_global: bool, is_read: bool, source: &str) -> bool {
    let is_here = row.multi_region || row.scope.region == region || (is_global && row.global_events);
    if !is_here || (is_global && !row.global_events) {
        return false;
    }
    row.selectors.is_empty()
        || row.selectors.iter().any(|selector| {
            let is_call = match selector.calls {
                SelectedCalls::All => true,
                SelectedCalls::ReadOnly => is_read,
                SelectedCalls::WriteOnly => !is_read,
            };
            selector.management && is_call && !selector.without.iter().any(|without| without == source)
        })
}

/// Takes down how far a delivery came, unless the trail was changed under it.
pub fn advance(tx: &mut Tx<'_, '_>, before: &Trail, delivery: Delivery) -> bool {
    let key = before.key();
    let is_same = |row: &Trail| row.created_at == before.created_at && row.delivery == before.delivery;
    if !tx.trails.get(&key).is_some_and(is_same) {
        return false;
    }
    if before.deleted_at.is_some() && !delivery.is_open {
        tx.delete::<Trails>(&key);
    } else {
        tx.update::<Trails, _>(&key, |row| row.delivery = delivery);
    }
    true
}

/// The trail of that name or ARN, which must have this region for its home: only there it is changed.
fn own<'v>(view: &View<'v>, named: &str) -> Result<&'v Trail, Fault> {
    let (region, name) = place(view, named)?;
    if region.is_none_or(|region| region == view.scope().region)
        && let Some(row) = view.find::<Trails, _>(name.to_owned())
    {
        return Ok(row);
    }
    match find(view, region, name) {
        Some(row) if row.multi_region || region.is_some() => {
            let (arn, home) = (row.arn(), row.scope.region);
            Err(taken(
                "InvalidHomeRegionException",
                format!("The trail {} is changed in its home region, {home}.", arn.as_str()),
            ))
        }
        _ => Err(no_such(view, named)),
    }
}

/// The region that a name or ARN says, if it does, and the name.
fn place<'n>(view: &View<'_>, named: &'n str) -> Result<(Option<Region>, &'n str), Fault> {
    if !named.starts_with("arn:") {
        check_name(named)?;
        return Ok((None, named));
    }
    let malformed = || taken("CloudTrailARNInvalidException", format!("The ARN {named} is not one of a trail."));
    let parts: Vec<_> = named.splitn(6, ':').collect();
    let [_, _, "cloudtrail", region, account, resource] = parts[..] else { return Err(malformed()) };
    let name = resource.strip_prefix("trail/").ok_or_else(malformed)?;
    let region = region.parse().map_err(|_| malformed())?;
    let account: AccountId = account.parse().map_err(|_| malformed())?;
    check_name(name)?;
    if account == view.scope().account { Ok((Some(region), name)) } else { Err(no_such(view, named)) }
}

fn find<'v>(view: &View<'v>, region: Option<Region>, name: &str) -> Option<&'v Trail> {
    let scope = view.scope();
    let mut named =
        of_account(view).filter(|row| row.name == name && region.is_none_or(|region| row.scope.region == region));
    let first = named.next()?;
    // Regions may have trails of one name: this one's own comes first.
    Some(if first.scope == scope { first } else { named.find(|row| row.scope == scope).unwrap_or(first) })
}

fn change(view: &View<'_>, row: &mut Trail, asked: TrailChange) -> Result<(), Fault> {
    if asked.bucket.is_some() || asked.prefix.is_some() {
        // What failed may be well there, and is tried at once.
        row.delivery.failing_since = None;
    }
    if let Some(bucket) = asked.bucket {
        if !is_bucket_name(&bucket) {
            let message = format!("Bucket name {bucket} is not valid.");
            return Err(taken("InvalidS3BucketNameException", message));
        }
        if !view.provider().takes(&bucket, view.scope().account) {
            return Err(taken("S3BucketDoesNotExistException", format!("S3 bucket {bucket} does not exist!")));
        }
        row.bucket = bucket;
    }
    if let Some(prefix) = asked.prefix {
        check_prefix(&prefix)?;
        row.prefix = Some(prefix).filter(|prefix| !prefix.is_empty());
    }
    row.global_events = asked.global_events.unwrap_or(row.global_events);
    row.multi_region = asked.multi_region.unwrap_or(row.multi_region);
    row.validates = asked.validates.unwrap_or(row.validates);
    if row.multi_region && !row.global_events {
        let message = "Multi-Region trail must include global service events.";
        return Err(taken("InvalidParameterCombinationException", message.into()));
    }
    Ok(())
}

fn check_name(name: &str) -> Result<(), Fault> {
    let refuse = |why: &str| Err(taken("InvalidTrailNameException", why.into()));
    if name.is_empty() {
        return refuse("Trail name cannot be blank!");
    }
    if !(3..=128).contains(&name.len()) {
        return refuse("Trail name must be between 3 and 128 characters.");
    }
    let is_end = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    let is_doubled = name.as_bytes().windows(2).any(|pair| pair.iter().all(|byte| b"._-".contains(byte)));
    let is_address = name.parse::<std::net::Ipv4Addr>().is_ok();
    if !is_plain || is_doubled || is_address || !is_end(name.chars().next()) || !is_end(name.chars().last()) {
        return refuse(
            "Trail name must start and end with a letter or number, and have only letters, numbers, periods, underscores and dashes, no two of these side by side.",
        );
    }
    Ok(())
}

/// Whether a bucket can have that name. Source: "Bucket naming rules" in the Amazon S3 User Guide.
fn is_bucket_name(name: &str) -> bool {
    let is_plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b));
    is_plain && (3..=63).contains(&name.len()) && !name.contains("..")
}

/// A folder within a bucket must lead nowhere else.
fn check_prefix(prefix: &str) -> Result<(), Fault> {
    let is_plain = prefix.chars().all(|c| c.is_ascii_alphanumeric() || "!-_.*'()/".contains(c));
    // Folders with that name in them are for what is delivered: one trail must not make a folder where another's file goes.
    let is_reserved = |part: &str| part.eq_ignore_ascii_case("AWSLogs");
    let is_way = prefix.split('/').all(|part| !part.is_empty() && part != "." && part != ".." && !is_reserved(part));
    if prefix.is_empty() || (is_plain && is_way && prefix.len() <= PREFIX_CHARS) {
        return Ok(());
    }
    let message = format!(
        "The prefix {prefix:?} is not valid: it has at most {PREFIX_CHARS} plain characters, no slash at its ends, and no folder AWSLogs."
    );
    Err(taken("InvalidS3PrefixException", message))
}

fn no_such(view: &View<'_>, named: &str) -> Fault {
    let scope = view.scope();
    let arn = if named.starts_with("arn:") {
        named.to_owned()
    } else {
        format!("arn:{}:cloudtrail:{}:{}:trail/{named}", scope.region.partition(), scope.region, scope.account)
    };
    taken("TrailNotFoundException", format!("Unknown trail: {arn} for the user: {}", scope.account))
}

fn taken(code: &'static str, message: String) -> Fault {
    Fault::Taken { code, message }
}

/// When events of a trail are delivered from, and until when if it was stopped.
pub fn span(row: &Trail) -> (Timestamp, Option<Timestamp>) {
    let from = row.delivery.since.or(row.started_at).unwrap_or(row.created_at);
    (from, row.stopped_at.filter(|_| !row.is_logging))
}

/// The ARN of the trail that tags are asked of, which is named by it.
pub fn tagged(view: &View<'_>, arn: &str) -> Result<Arn, Fault> {
    if !arn.starts_with("arn:") {
        return Err(taken("CloudTrailARNInvalidException", format!("The ARN {arn} is not one of a trail.")));
    }
    match own(view, arn) {
        Ok(row) => Ok(row.arn()),
        Err(Fault::Taken { code: "TrailNotFoundException", message }) => {
            Err(taken("ResourceNotFoundException", message))
        }
        Err(fault) => Err(fault),
    }
}

/// The keys that this region's digests are signed with, by fingerprint.
pub fn keys<'v>(view: &View<'v>) -> impl Iterator<Item = &'v DigestKey> + use<'v> {
    view.tables().digest_keys.by_region(&view.scope().region)
}
