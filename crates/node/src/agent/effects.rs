//! Doing a job with real drivers. Nothing is remembered here: what came of it is inspected afterwards.

use std::sync::Arc;

use landfall_model::plan::{HostPlan, InstancePlan};

use super::ledger::Job;
use super::reconcile::Step;
use super::volume::VolumeStep;
use crate::driver::{DriverError, DriverResult, Hypervisor, Launch, Network, PowerAction, Tunnels, Volumes};

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
    /// Does a job as that plan has it. A piece that the plan lost in between is no longer wanted: nothing is done.
    pub fn apply(&self, job: &Job, plan: &HostPlan) -> DriverResult<()> {
        match job {
            Job::Volume(id, VolumeStep::Ensure) => match plan.volume(*id) {
                Some(piece) => self.volumes.ensure(piece),
                None => Err(DriverError::Retry(format!("{id} is no longer planned"))),
            },
            Job::Volume(id, VolumeStep::Remove) => self.volumes.remove(*id),
            Job::Instance(id, Step::Start) => match plan.instance(*id) {
                Some(piece) => self.start(piece, plan),
                None => Err(DriverError::Retry(format!("{id} is no longer planned"))),
            },
            Job::Instance(id, Step::Press) => self.hypervisor.power(*id, PowerAction::Press),
            Job::Instance(id, Step::Pull) => self.hypervisor.power(*id, PowerAction::Pull),
            Job::Instance(id, Step::Reset) => self.hypervisor.power(*id, PowerAction::Reset),
            Job::Instance(id, Step::Plug(port)) => self.hypervisor.plug(*id, *port, &|| self.network.open(*port)),
            Job::Instance(id, Step::Unplug { port, pull }) => self.hypervisor.unplug(*id, *port, *pull),
            Job::Instance(id, Step::Remove) => self.hypervisor.remove(*id),
            Job::Volume(_, VolumeStep::Nothing | VolumeStep::Await | VolumeStep::WaitUntil(_))
            | Job::Instance(_, Step::Nothing | Step::Await | Step::WaitUntil(_) | Step::GiveUp(_)) => Ok(()),
        }
    }

    /// Hands its disks and ports to a guest and starts it. What was opened closes by itself if that fails.
    fn start(&self, piece: &InstancePlan, plan: &HostPlan) -> DriverResult<()> {
        let missing = |what: String| DriverError::Retry(format!("{what} is no longer planned"));
        let mut disks = Vec::with_capacity(piece.disks.len());
        for disk in &piece.disks {
            let volume = plan.volume(disk.volume).ok_or_else(|| missing(disk.volume.to_string()))?;
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
