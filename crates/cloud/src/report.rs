//! What a host reports, taken into the value: the only place where an observed state is written.
//!
//! A report is level-triggered: it says how things are, under which boot. One that is about an earlier boot than was
//! asked for is passed over, so that a report that was under way while a user asked for a start can't stop it.
//! Looks across accounts: a host runs the instances of all.

use landfall_model::agent::{InstanceSeen, Phase, Reason, Report, VolumePhase, VolumeSeen};
use landfall_model::plan::Power;
use landfall_model::{HostId, Instance, InstanceState, ShutdownBehavior, Snapshot, Volume, VolumeState};

use crate::tx::Tx;
use crate::value::{Instances, Volumes};
use crate::{flow_log, import, interface_attachment, nat, power, snapshot, volume, vpn, vpn_remains};

/// Takes a host's report. Rows that it doesn't change are left as they are.
pub fn take(tx: &mut Tx<'_, '_>, host: HostId, report: &Report) {
    // Before the volumes: one that is gone ends the snapshots that aren't whole.
    for seen in &report.snapshots {
        let row = tx.snapshots.by_id(&seen.id).find(|row| is_made_on(tx, row, host)).cloned();
        if let Some(row) = row {
            snapshot::seen(&mut tx.scoped(row.scope), &row, seen);
        }
    }
    for seen in &report.volumes {
        let row = tx.volumes.by_id(&seen.id).find(|row| row.host == Some(host)).cloned();
        if let Some(row) = row {
            take_volume(&mut tx.scoped(row.scope), row, seen);
        }
    }
    for seen in &report.flow_logs {
        let row = tx.flow_logs.by_id(&seen.id).next().cloned();
        if let Some(row) = row {
            flow_log::take(&mut tx.scoped(row.scope), host, row, seen);
        }
    }
    for seen in &report.vpns {
        let row = tx.vpn_connections.by_id(&seen.id).find(|row| row.host == Some(host)).cloned();
        match row {
            Some(row) => vpn::seen(&mut tx.scoped(row.scope), row, seen),
            None if seen.gone => vpn_remains::gone(tx, host, seen.id),
            None => {}
        }
    }
    for seen in &report.nat_gateways {
        let row = tx.nat_gateways.by_id(&seen.id).find(|row| row.host == Some(host)).cloned();
        if let Some(row) = row {
            nat::seen(&mut tx.scoped(row.scope), host, row, *seen);
        }
    }
    for seen in &report.instances {
        let row = tx.instances.by_id(&seen.id).find(|row| row.status.host == Some(host)).cloned();
        if let Some(row) = row {
            take_instance(&mut tx.scoped(row.scope), row, seen);
        }
    }
}

fn is_made_on(tx: &Tx<'_, '_>, row: &Snapshot, host: HostId) -> bool {
    row.volume.is_some_and(|id| tx.volumes.by_id(&id).any(|volume| volume.host == Some(host)))
}

fn take_volume(tx: &mut Tx<'_, '_>, mut row: Volume, seen: &VolumeSeen) {
    if row.import.is_some() && row.state == VolumeState::Creating {
        return import::seen(tx, row, seen);
    }
    match (&seen.phase, row.state) {
        (VolumePhase::Gone, VolumeState::Deleting) => {
            volume::forget(tx, &row);
            return;
        }
        // A start tries again what couldn't be made before.
        (VolumePhase::Ready, VolumeState::Creating | VolumeState::Error) => row.state = VolumeState::Present,
        (VolumePhase::Ready, VolumeState::Present) => {
            volume::modification::grown(tx, &row, seen.size_bytes);
            return;
        }
        (VolumePhase::Failed(_), VolumeState::Creating) => row.state = VolumeState::Error,
        _ => return,
    }
    tx.put::<Volumes>(row);
}

fn take_instance(tx: &mut Tx<'_, '_>, before: Instance, seen: &InstanceSeen) {
    let mut row = before.clone();
    let gone = seen.phase == Phase::Gone && row.spec.power == Power::Gone;
    if seen.boot < row.spec.boot && !gone {
        return;
    }
    row.status.boot = seen.boot;
    row.status.reboots = seen.reboots;
    if row.status.machine.is_empty() {
        row.status.machine.clone_from(&seen.machine);
    }
    match (row.spec.power, seen.phase) {
        (_, Phase::Gone) if gone => power::terminated(tx, &mut row),
        (Power::On, Phase::Running) => {
            if row.status.state == InstanceState::Pending {
                row.status.state = InstanceState::Running;
                row.status.since = tx.now();
            }
            row.status.answered = seen.answered;
            if let Some(interfaces) = &seen.interfaces {
                interface_attachment::seen(tx, row.id, interfaces);
            }
            if let Some(disks) = &seen.disks {
                volume::attachment::seen(tx, row.id, disks);
            }
            // A reason while it runs is one to show, such as a full disk that has paused it.
            row.status.reason.clone_from(&seen.reason);
        }
        (Power::On, Phase::Stopped | Phase::Failed) => end_by_itself(tx, &mut row, seen),
        (Power::Off, Phase::Stopped | Phase::Failed) if row.status.state == InstanceState::Stopping => {
            row.status.since = tx.now();
            power::stopped(tx, &mut row);
        }
        _ => {}
    }
    if row != before {
        tx.put::<Instances>(row);
    }
}

/// An instance that was to run and doesn't: it powered itself off, died, or couldn't be started.
fn end_by_itself(tx: &mut Tx<'_, '_>, row: &mut Instance, seen: &InstanceSeen) {
    let reason = seen.reason.clone().unwrap_or_else(|| Reason {
        code: "Server.InternalError".into(),
        message: "Server.InternalError: Internal error on launch".into(),
    });
    // A launch that never ran is over, as on EC2; so is one whose owner said that its own power-off ends it. One that ran
    // and can't be brought back after its host's reboot is only stopped: its disks are all that is left of it.
    let never_ran = seen.phase == Phase::Failed && row.spec.boot == 1 && row.status.state == InstanceState::Pending;
    let ends = row.spec.shutdown_behavior == ShutdownBehavior::Terminate && seen.phase == Phase::Stopped;
    let now = tx.now();
    if never_ran || ends {
        power::leave(row, Power::Gone, InstanceState::ShuttingDown, now, &reason.code);
    } else {
        power::leave(row, Power::Off, InstanceState::Stopping, now, &reason.code);
        power::stopped(tx, row);
    }
    row.status.reason = Some(reason);
}
