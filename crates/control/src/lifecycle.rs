//! Does what lifecycle policies say: a round of each that is awake, in the name of its role.
//!
//! What is due is decided by `landfall_cloud::lifecycle`, without effects. Each deed is a call of an operation, authorised by the
//! role's policies and on record, in a transaction of its own. A round that breaks off anywhere is taken up again by the next
//! one: what was done is seen by its tags, and the row says that the policy was looked at only once all is done.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use landfall_api::{ApiError, Errand, Gateway};
use landfall_cloud::lifecycle::{self, Deed, Outcome};
use landfall_cloud::{Entropy, Tx, View};
use landfall_model::{LifecyclePolicy, Timestamp};
use landfall_state::Refused;

/// The longest sleep: policies that are awake sooner may appear meanwhile.
const LONGEST: Duration = Duration::from_secs(1);
/// Policies of a round.
const BATCH: usize = 64;
/// What the role isn't allowed, as EC2 says it.
const DENIED: [&str; 2] = ["UnauthorizedOperation", "AccessDenied"];
/// That the account has called too often: it passes, and the call is made again in a moment.
const THROTTLED: &str = "RequestLimitExceeded";
/// What keeps one target from being backed up for a while only: it is tried again once all else is done.
const PASSING: [&str; 3] = ["ConcurrentSnapshotLimitExceeded", "IncorrectState", "IncorrectInstanceState"];

/// Runs until it is ended.
pub async fn run(gateway: &Gateway) {
    let entropy = Mutex::new(Entropy::from_system());
    loop {
        if let Err(refused) = round(gateway, &entropy).await {
            tracing::warn!(%refused, "lifecycle policies wait");
        }
        tokio::time::sleep(LONGEST).await;
    }
}

/// Looks at each policy that is awake by now.
pub async fn round(gateway: &Gateway, entropy: &Mutex<Entropy>) -> Result<(), Refused> {
    let engine = gateway.engine();
    let awake = engine.look(|cloud| lifecycle::awake(cloud, Timestamp(engine.now_ms()), BATCH));
    for row in awake {
        // No later than the transactions that are to come, and no earlier than those that were.
        let decided_at = Timestamp(engine.now_ms().max(engine.read().time_ms));
        let outcome = look_after(gateway, &row, decided_at).await;
        conclude(gateway, entropy, &row, decided_at, &outcome).await?;
    }
    Ok(())
}

async fn conclude(
    gateway: &Gateway,
    entropy: &Mutex<Entropy>,
    row: &LifecyclePolicy,
    decided_at: Timestamp,
    outcome: &Outcome,
) -> Result<(), Refused> {
    let engine = gateway.engine();
    // A policy may have made much. It is gone through before the transaction, which nobody else could write during.
    let upkeep_at = {
        let cloud = engine.read();
        let view = View::new(&cloud, row.scope, decided_at.max(Timestamp(cloud.time_ms)));
        if *outcome == Outcome::Done { lifecycle::upkeep_at(&view, row) } else { None }
    };
    let pending = engine.commit_essential(|head| {
        let done: Result<(), std::convert::Infallible> = head.transact(engine.now_ms(), None, |tx| {
            let mut entropy = entropy.lock().unwrap_or_else(PoisonError::into_inner);
            lifecycle::conclude(&mut Tx::new(tx, row.scope, &mut entropy), row, decided_at, outcome, upkeep_at);
            Ok(())
        });
        let Ok(()) = done;
    });
    pending.await
}

/// Makes the backups of a policy that are due, and then lets go what is too much by now.
async fn look_after(gateway: &Gateway, row: &LifecyclePolicy, decided_at: Timestamp) -> Outcome {
    let (mut errand, mut outcome) = (None, Outcome::Done);
    for decide in [lifecycle::due, lifecycle::upkeep] {
        let deeds = {
            let cloud = gateway.engine().read();
            let view = View::new(&cloud, row.scope, decided_at.max(Timestamp(cloud.time_ms)));
            decide(&view, row)
        };
        for deed in deeds {
            // What a user has changed meanwhile holds; the round of what it says now follows.
            if !is_current(gateway, row) {
                return Outcome::Done;
            }
            if errand.is_none() {
                match take_role(gateway, row) {
                    Ok(taken) => errand = Some(taken),
                    Err(outcome) => return outcome,
                }
            }
            let Some(errand) = &errand else { return Outcome::Later };
            let (action, parameters) = call(&deed);
            if let Err(error) = gateway.call_on_errand(errand, action, &parameters).await {
                tracing::info!(policy = %row.id, action, %error, "a lifecycle policy couldn't do something");
                match outcome_of(&error) {
                    // One target that can't be had keeps no other waiting.
                    Outcome::Done if PASSING.contains(&error.code.as_ref()) => outcome = Outcome::Later,
                    Outcome::Done => {}
                    other => return other,
                }
            }
        }
    }
    outcome
}

/// Whether a policy still says what it said, and still acts.
fn is_current(gateway: &Gateway, row: &LifecyclePolicy) -> bool {
    gateway.engine().look(|cloud| {
        let current = lifecycle::find(&View::new(cloud, row.scope, row.modified_at), row.id);
        current.is_some_and(|current| (current.modified_at, current.state) == (row.modified_at, row.state))
    })
}

fn take_role(gateway: &Gateway, row: &LifecyclePolicy) -> Result<Errand, Outcome> {
    let cloud = gateway.engine().read();
    let view = View::new(&cloud, row.scope, Timestamp(cloud.time_ms));
    let Some(role) = lifecycle::role_of(&view, &row.role, row.id) else { return Err(Outcome::Denied) };
    gateway.take_role(lifecycle::SERVICE, row.scope, role, &row.id.to_string()).map_err(|_| Outcome::Later)
}

/// What a refusal means for the round.
fn outcome_of(error: &ApiError) -> Outcome {
    match error.code.as_ref() {
        code if DENIED.contains(&code) => Outcome::Denied,
        code if code == THROTTLED || error.status >= 500 => Outcome::Later,
        _ => Outcome::Done,
    }
}

/// A deed as a call: its action, and its parameters in the query protocol.
fn call(deed: &Deed) -> (&'static str, Vec<(String, String)>) {
    let mut parameters = Vec::new();
    let mut say = |name: &str, value: &dyn std::fmt::Display| parameters.push((name.to_owned(), value.to_string()));
    let action = match deed {
        Deed::Snapshot { volume, description, tags } => {
            say("VolumeId", volume);
            say("Description", description);
            say_tags(&mut say, &["snapshot"], tags);
            "CreateSnapshot"
        }
        Deed::Snapshots { instance, without_root, without, copies_tags, description, tags } => {
            say("InstanceSpecification.InstanceId", instance);
            say("InstanceSpecification.ExcludeBootVolume", without_root);
            for (at, volume) in without.iter().enumerate() {
                say(&format!("InstanceSpecification.ExcludeDataVolumeId.{}", at + 1), volume);
            }
            if *copies_tags {
                say("CopyTagsFromSource", &"volume");
            }
            say("Description", description);
            say_tags(&mut say, &["snapshot"], tags);
            "CreateSnapshots"
        }
        Deed::Image { instance, name, reboots, description, tags } => {
            say("InstanceId", instance);
            say("Name", name);
            say("NoReboot", &!reboots);
            say("Description", description);
            say_tags(&mut say, &["image", "snapshot"], tags);
            "CreateImage"
        }
        Deed::Delete(id) => {
            say("SnapshotId", id);
            "DeleteSnapshot"
        }
        Deed::Deregister(id) => {
            say("ImageId", id);
            say("DeleteAssociatedSnapshots", &true);
            "DeregisterImage"
        }
        Deed::Share(id, accounts) | Deed::Unshare(id, accounts) => {
            let way = if matches!(deed, Deed::Share(..)) { "Add" } else { "Remove" };
            say("SnapshotId", id);
            say("Attribute", &"createVolumePermission");
            for (at, account) in accounts.iter().enumerate() {
                say(&format!("CreateVolumePermission.{way}.{}.UserId", at + 1), account);
            }
            "ModifySnapshotAttribute"
        }
        Deed::Deprecate(id, at) => {
            say("ImageId", id);
            say("DeprecateAt", at);
            "EnableImageDeprecation"
        }
    };
    (action, parameters)
}

fn say_tags(
    say: &mut impl FnMut(&str, &dyn std::fmt::Display),
    kinds: &[&str],
    tags: &std::collections::BTreeMap<String, String>,
) {
    for (at, kind) in kinds.iter().enumerate() {
        let name = format!("TagSpecification.{}", at + 1);
        say(&format!("{name}.ResourceType"), kind);
        for (tag, (key, value)) in tags.iter().enumerate() {
            say(&format!("{name}.Tag.{}.Key", tag + 1), key);
            say(&format!("{name}.Tag.{}.Value", tag + 1), value);
        }
    }
}
