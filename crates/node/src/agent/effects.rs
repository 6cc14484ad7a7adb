//! Doing a job with real drivers. Nothing is remembered here: what came of it is inspected afterwards.

use std::sync::Arc;

use landfall_model::plan::{DiskPlan, HostPlan, InstancePlan, SnapshotPlan, VolumePlan, VolumeSource};
use landfall_model::{InstanceId, SnapshotId, VolumeId};

use super::ledger::Job;
use super::reconcile::Step;
use super::volume::{Outcome, VolumeStep};
use crate::driver::{
    Device, DriverError, DriverResult, Hypervisor, Launch, Network, PowerAction, Tunnels, Volumes, Watch,
};

/// What touches the machine.
#[derive(Clone)]
pub struct Drivers {
    /// Runs machines.
    pub hypervisor: Arc<dyn Hypervisor>,
    /// Keeps volumes.
    pub volumes: Arc<dyn Volumes>,
    /// Connects ports.
    pub network: Arc<dyn Network>,
    /// Ends VPNs' tunnels.
    pub tunnels: Arc<dyn Tunnels>,
}

impl Drivers {
    /// Does a job as that plan has it. A piece that the plan lost in between is no longer wanted: nothing is done. Returns
    /// what came of it. What takes long tells meanwhile how far it is, and ends when nobody wants it any more.
    pub fn apply(&self, job: &Job, plan: &HostPlan, watch: &Watch<'_>) -> DriverResult<Outcome> {
        match job {
            Job::Volume(id, VolumeStep::Ensure) => {
                let piece = plan.volume(*id).ok_or_else(|| unplanned(id))?;
                if let VolumeSource::Import(_) = &piece.source {
                    return self.volumes.import(piece, watch).map(Outcome::Imported);
                }
                self.volumes.ensure(piece).map(Outcome::Volume)
            }
            Job::Volume(id, VolumeStep::Remove) => self.volumes.remove(*id).map(|()| Outcome::Done),
            Job::Volume(id, VolumeStep::Snapshot(snapshot, guest)) => {
                let piece = plan.volume(*id).ok_or_else(|| unplanned(id))?;
                let held = guest.map(|guest| self.hypervisor.held(guest, *snapshot)).transpose()?;
                let made = self.volumes.snapshot(piece, snapshot_of(piece, *snapshot)?, held, watch.tell)?;
                if let Some(Err(error)) = guest.map(|guest| self.hypervisor.stored(guest, *snapshot, &made.root)) {
                    tracing::warn!(%snapshot, %error, "the next snapshot of a running guest's volume will read all of it");
                }
                Ok(Outcome::Snapshot(made))
            }
            Job::Instance(id, step) => self.apply_to_guest(*id, step, plan).map(|()| Outcome::Done),
            Job::Volume(_, VolumeStep::Nothing | VolumeStep::Await | VolumeStep::WaitUntil(_)) => Ok(Outcome::Done),
        }
    }

    fn apply_to_guest(&self, id: InstanceId, step: &Step, plan: &HostPlan) -> DriverResult<()> {
        let hypervisor = &self.hypervisor;
        match step {
            Step::Start => self.start(plan.instance(id).ok_or_else(|| unplanned(&id))?, plan),
            Step::Press => hypervisor.power(id, PowerAction::Press),
            Step::Pull => hypervisor.power(id, PowerAction::Pull),
            Step::Reset => hypervisor.power(id, PowerAction::Reset),
            Step::Plug(Device::Port(port)) => hypervisor.plug(id, *port, &|| self.network.open(*port)),
            Step::Unplug { device: Device::Port(port), pull } => hypervisor.unplug(id, *port, *pull),
            Step::Plug(Device::Disk(volume)) => {
                let piece = plan.volume(*volume).ok_or_else(|| unplanned(volume))?;
                hypervisor.attach(id, disk_of(plan, id, *volume)?, &|| self.volumes.open(piece))
            }
            Step::Unplug { device: Device::Disk(volume), pull } => hypervisor.detach(id, *volume, *pull),
            Step::Tune(volume) => hypervisor.tune(id, disk_of(plan, id, *volume)?),
            Step::Hold { disks, .. } => {
                let piece = |volume: VolumeId| plan.volume(volume).ok_or_else(|| unplanned(&volume));
                let planned = disks.iter().map(|(volume, snapshot)| -> DriverResult<_> {
                    Ok((*volume, snapshot_of(piece(*volume)?, *snapshot)?))
                });
                let disks: Vec<_> = planned.collect::<DriverResult<_>>()?;
                hypervisor.hold(id, &disks, &|volume| self.volumes.fleece(piece(volume)?))
            }
            Step::Release(snapshot) => hypervisor.release(id, *snapshot),
            Step::Remove => hypervisor.remove(id),
            Step::Nothing | Step::Await | Step::WaitUntil(_) | Step::GiveUp(_) => Ok(()),
        }
    }

    /// Hands its disks and ports to a guest and starts it. What was opened closes by itself if that fails.
    fn start(&self, piece: &InstancePlan, plan: &HostPlan) -> DriverResult<()> {
        let mut disks = Vec::with_capacity(piece.disks.len());
        for disk in &piece.disks {
            let volume = plan.volume(disk.volume).ok_or_else(|| unplanned(&disk.volume))?;
            disks.push(self.volumes.open(volume)?);
        }
        let mut ports = Vec::with_capacity(piece.interfaces.len());
        for port in &piece.interfaces {
            self.network.forget(*port);
            ports.push(self.network.open(*port)?);
        }
        self.hypervisor.start(Launch { plan: piece, disks, ports })
    }
}

/// What to say of a piece that the plan lost.
pub(super) fn unplanned(what: &dyn std::fmt::Display) -> DriverError {
    DriverError::Retry(format!("{what} is no longer planned"))
}

/// A snapshot of a volume as planned.
pub(super) fn snapshot_of(piece: &VolumePlan, id: SnapshotId) -> DriverResult<&SnapshotPlan> {
    piece.snapshots.iter().find(|snapshot| snapshot.id == id).ok_or_else(|| unplanned(&id))
}

/// A disk of an instance as planned.
pub(super) fn disk_of(plan: &HostPlan, id: InstanceId, volume: VolumeId) -> DriverResult<&DiskPlan> {
    let piece = plan.instance(id).ok_or_else(|| unplanned(&id))?;
    piece.disks.iter().find(|disk| disk.volume == volume).ok_or_else(|| unplanned(&volume))
}
