//! What a simulated guest holds of its disks, and snapshots of simulated volumes.

use landfall_model::agent::SnapshotMade;
use landfall_model::plan::{SnapshotPlan, VolumePlan};
use landfall_model::{InstanceId, SnapshotId, VolumeId};

use super::FakeMachine;
use crate::driver::{DriverError, DriverResult};

impl FakeMachine {
    /// Holds what is on disks of a running guest.
    pub fn hold(&mut self, id: InstanceId, disks: &[(VolumeId, SnapshotId)]) -> DriverResult<()> {
        let late = self.faults.roll()?;
        let gone = || DriverError::Retry(format!("{id} doesn't run"));
        let guest = self.guests.get(&id).filter(|guest| guest.is_live()).ok_or_else(gone)?;
        if disks.iter().all(|(_, snapshot)| guest.held.contains_key(snapshot)) {
            return late.map_or(Ok(()), Err);
        }
        let held: Vec<_> = guest.held.values().copied().collect();
        for (volume, snapshot) in disks {
            if held.contains(volume) {
                return Err(self.violation(format!("{volume} was held for {snapshot}, which is held already")));
            }
            if self.attached.get(volume) != Some(&id) {
                return Err(self.violation(format!("{volume} was held for {snapshot} in {id}, which doesn't have it")));
            }
        }
        if let Some(guest) = self.guests.get_mut(&id) {
            guest.held.extend(disks.iter().map(|(volume, snapshot)| (*snapshot, *volume)));
        }
        late.map_or(Ok(()), Err)
    }

    /// Lets go of what is held for a snapshot.
    pub fn release(&mut self, id: InstanceId, snapshot: SnapshotId) -> DriverResult<()> {
        let late = self.faults.roll()?;
        if let Some(guest) = self.guests.get_mut(&id) {
            guest.held.remove(&snapshot);
        }
        late.map_or(Ok(()), Err)
    }

    /// That a disk of a guest isn't held: its chain stays as it is otherwise.
    pub(super) fn check_not_held(&self, id: InstanceId, volume: VolumeId) -> DriverResult<()> {
        let is_held = self.guests.get(&id).is_some_and(|guest| guest.held.values().any(|held| *held == volume));
        if is_held { Err(DriverError::Later(format!("{volume} is being read for a snapshot"))) } else { Ok(()) }
    }

    /// Makes a snapshot of a volume, or of what a guest holds of it. Nobody writes to a fake volume, so there is nothing in
    /// it.
    pub fn snapshot_volume(
        &mut self,
        plan: &VolumePlan,
        snapshot: &SnapshotPlan,
        guest: Option<InstanceId>,
    ) -> DriverResult<SnapshotMade> {
        let late = self.faults.roll()?;
        let (id, volume) = (snapshot.id, plan.id);
        if !self.volumes.contains_key(&volume) {
            return Err(self.violation(format!("{id} was made of {volume}, which isn't there")));
        }
        match guest {
            Some(guest) if self.guests.get(&guest).and_then(|guest| guest.held.get(&id)) != Some(&volume) => {
                return Err(DriverError::Retry(format!("{guest} holds nothing for {id}")));
            }
            None if self.attached.contains_key(&volume) => {
                return Err(self.violation(format!("{id} was made of {volume}, which a guest writes to")));
            }
            Some(_) | None => {}
        }
        let made = SnapshotMade { root: format!("simulated {:x} {volume}", snapshot.session), full_bytes: 0 };
        late.map_or(Ok(made), Err)
    }
}
