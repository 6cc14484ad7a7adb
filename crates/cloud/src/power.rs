//! Starting, stopping, rebooting, terminating: which state accepts what, as one table, and what each does.

use landfall_model::agent::Reason;
use landfall_model::plan::Power;
use landfall_model::{BootMode, Instance, InstanceId, InstanceState, InstanceType, Timestamp};

use crate::fault::Fault;
use crate::tx::Tx;
use crate::value::Instances;
use crate::view::View;
use crate::{address, ebs, interface_attachment, placement, volume};

/// What can be asked of an instance's power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowerOrder {
    /// Start it.
    Start,
    /// Stop it: ask the guest, or pull the plug where forced.
    Stop {
        /// Whether to pull the plug.
        force: bool,
    },
    /// Reboot it.
    Reboot,
    /// End it for good.
    Terminate {
        /// Whether to pull the plug rather than give the guest a moment.
        force: bool,
    },
}

/// What an order does to an instance in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It changes.
    Change,
    /// It is so already: nothing happens, and it is no error.
    Already,
    /// It is refused, with the state that it would need.
    Refused(&'static str),
}

/// The table: what an order does in a state. Source: AWS's "Instance lifecycle" and what EC2 answers.
pub fn effect(state: InstanceState, order: PowerOrder) -> Effect {
    use InstanceState::{Pending, Running, ShuttingDown, Stopped, Stopping, Terminated};
    match (order, state) {
        (PowerOrder::Start, Stopped) | (PowerOrder::Terminate { .. }, Pending | Running | Stopping | Stopped) => {
            Effect::Change
        }
        (PowerOrder::Start, Pending | Running) | (PowerOrder::Terminate { .. }, ShuttingDown | Terminated) => {
            Effect::Already
        }
        (PowerOrder::Start, _) => Effect::Refused("stopped"),
        (PowerOrder::Stop { .. }, Pending | Running) => Effect::Change,
        (PowerOrder::Stop { force }, Stopping) => {
            if force {
                Effect::Change
            } else {
                Effect::Already
            }
        }
        (PowerOrder::Stop { .. }, Stopped) => Effect::Already,
        (PowerOrder::Stop { .. }, _) => Effect::Refused("running"),
        (PowerOrder::Reboot, Running) => Effect::Change,
        (PowerOrder::Reboot, Pending) => Effect::Already,
        (PowerOrder::Reboot, _) => Effect::Refused("running"),
    }
}

/// Carries out an order on one instance. Returns its states before and after.
pub fn order(tx: &mut Tx<'_, '_>, id: InstanceId, order: PowerOrder) -> Result<(InstanceState, InstanceState), Fault> {
    let mut instance = tx.view().need::<Instances, _>(id)?.clone();
    let before = instance.status.state;
    match effect(before, order) {
        Effect::Already => return Ok((before, before)),
        Effect::Refused(wants) => return Err(Fault::State { id: id.to_string(), state: before, wants }),
        Effect::Change => {}
    }
    match order {
        PowerOrder::Start if !has_keys(&tx.view(), &instance) => {
            // As on EC2, it is said to start, and is found stopped again.
            leave(&mut instance, Power::Off, InstanceState::Stopped, tx.now(), "Client.InternalError");
            tx.put::<Instances>(instance);
            return Ok((before, InstanceState::Pending));
        }
        PowerOrder::Start => start(tx, &mut instance)?,
        PowerOrder::Stop { force } => {
            if instance.spec.disable_api_stop {
                return Err(Fault::Protected { id: id.to_string(), attribute: "disableApiStop" });
            }
            instance.spec.forced = force;
            leave(&mut instance, Power::Off, InstanceState::Stopping, tx.now(), "Client.UserInitiatedShutdown");
        }
        PowerOrder::Reboot => instance.spec.reboots += 1,
        PowerOrder::Terminate { force } => {
            if instance.spec.disable_api_termination {
                return Err(Fault::Protected { id: id.to_string(), attribute: "disableApiTermination" });
            }
            // One whose plug is being pulled gets no grace again.
            instance.spec.forced |= force;
            leave(&mut instance, Power::Gone, InstanceState::ShuttingDown, tx.now(), "Client.UserInitiatedShutdown");
        }
    }
    let after = instance.status.state;
    tx.put::<Instances>(instance);
    Ok((before, after))
}

/// Whether the keys of all of an instance's volumes can be used now.
fn has_keys(view: &View<'_>, instance: &Instance) -> bool {
    view.volumes_of(instance).iter().all(|row| ebs::check_key(view, row.data_key.as_ref()).is_ok())
}

fn start(tx: &mut Tx<'_, '_>, instance: &mut Instance) -> Result<(), Fault> {
    let kind = InstanceType::find(&instance.spec.instance_type).ok_or_else(|| Fault::Invalid {
        name: "InstanceType",
        value: instance.spec.instance_type.clone(),
        why: "there is no such type".into(),
    })?;
    let root = instance.spec.root_device.clone();
    let view = tx.view();
    let has_root =
        view.volumes_of(instance).iter().filter_map(|row| row.attachment.as_ref()).any(|it| it.device == root);
    if !has_root {
        let message = format!("Instance '{}' does not have a volume attached at root ({root})", instance.id);
        return Err(Fault::Taken { code: "IncorrectInstanceState", message });
    }
    let boot = BootMode::current(tx.view().traits(instance).and_then(|traits| traits.boot_mode), Some(kind));
    let host = placement::choose(tx, kind, boot, instance.spec.zone, instance.status.host)?;
    placement::take(tx, host, kind)?;
    instance.spec.power = Power::On;
    instance.spec.boot += 1;
    instance.spec.forced = false;
    instance.spec.launched_at = tx.now();
    instance.status.host = Some(host);
    instance.status.holds_capacity = true;
    instance.status.state = InstanceState::Pending;
    instance.status.since = tx.now();
    instance.status.answered = false;
    instance.status.reason = None;
    instance.status.transition_reason.clear();
    // As on EC2, one with several interfaces gets no public address again.
    let interfaces: Vec<_> = tx.view().interfaces_of(instance.id).cloned().collect();
    if let [only] = interfaces.as_slice() {
        address::give(tx, only)?;
    }
    Ok(())
}

/// Marks an instance as on its way down.
pub(crate) fn leave(instance: &mut Instance, power: Power, state: InstanceState, now: Timestamp, code: &str) {
    instance.spec.power = power;
    instance.status.state = state;
    instance.status.since = now;
    let (message, words) = match code {
        "Client.UserInitiatedShutdown" => ("User initiated shutdown", "User initiated"),
        "Client.InstanceInitiatedShutdown" => ("Instance initiated shutdown", "Instance initiated"),
        // Source: the EC2 User Guide, "Troubleshoot Amazon EC2 instance termination issues".
        "Client.InternalError" => ("Client error on launch", "Client error"),
        "Server.AccountNotServed" => ("The account is suspended or closed", "Server initiated"),
        _ => ("Server internal error", "Server initiated"),
    };
    instance.status.reason = Some(Reason { code: code.into(), message: format!("{code}: {message}") });
    // As EC2 writes it: `User initiated (2026-11-22 10:00:00 GMT)`.
    let moment = now.to_string();
    let (day, rest) = moment.split_at(10);
    instance.status.transition_reason = format!("{words} ({day} {} GMT)", &rest[1..9]);
}

/// Settles an instance that has stopped: its room and the addresses that the start gave go back.
pub(crate) fn stopped(tx: &mut Tx<'_, '_>, instance: &mut Instance) {
    instance.status.state = InstanceState::Stopped;
    instance.status.answered = false;
    placement::give_back(tx, instance);
    interface_attachment::stopped(tx, instance.id);
    volume::attachment::stopped(tx, instance.id);
    let interfaces: Vec<_> = tx.view().interfaces_of(instance.id).cloned().collect();
    for each in &interfaces {
        address::take_back(tx, each);
    }
}

/// How long a terminated instance is shown.
pub const TOMBSTONE: std::time::Duration = std::time::Duration::from_secs(3600);

/// Settles an instance of which nothing is left on its host: what goes with it goes, and its row stays for an hour.
pub(crate) fn terminated(tx: &mut Tx<'_, '_>, instance: &mut Instance) {
    instance.status.state = InstanceState::Terminated;
    instance.status.answered = false;
    instance.status.since = tx.now();
    instance.status.expires_at = Some(tx.now() + TOMBSTONE);
    placement::give_back(tx, instance);
    instance.status.host = None;
    let interfaces: Vec<_> = tx.view().interfaces_of(instance.id).cloned().collect();
    for each in interfaces {
        if each.attachment.as_ref().is_some_and(|attachment| attachment.delete_on_termination) {
            crate::interface::delete(tx, each.id);
        } else {
            interface_attachment::part(tx, each);
        }
    }
    volume::attachment::part(tx, instance.id);
    crate::profile_association::forget(tx, instance.id);
}

#[cfg(test)]
mod tests {
    use super::*;
    use InstanceState::{Pending, Running, ShuttingDown, Stopped, Stopping, Terminated};

    const STATES: [InstanceState; 6] = [Pending, Running, ShuttingDown, Terminated, Stopping, Stopped];

    #[test]
    fn nothing_brings_a_terminated_instance_back() {
        for order in [
            PowerOrder::Start,
            PowerOrder::Stop { force: true },
            PowerOrder::Reboot,
            PowerOrder::Terminate { force: false },
        ] {
            for state in [ShuttingDown, Terminated] {
                assert_ne!(effect(state, order), Effect::Change, "{order:?} in {state:?}");
            }
        }
    }

    #[test]
    fn every_state_can_be_terminated() {
        for state in STATES {
            assert!(!matches!(effect(state, PowerOrder::Terminate { force: false }), Effect::Refused(_)), "{state:?}");
        }
    }

    #[test]
    fn a_forced_stop_hurries_one_that_is_stopping() {
        assert_eq!(effect(Stopping, PowerOrder::Stop { force: true }), Effect::Change);
        assert_eq!(effect(Stopping, PowerOrder::Stop { force: false }), Effect::Already);
    }

    #[test]
    fn transitions_are_told_as_ec2_tells_them() {
        let text = Timestamp(1_795_341_600_000).to_string();
        assert_eq!(&text[..19], "2026-11-22T10:00:00");
    }
}
