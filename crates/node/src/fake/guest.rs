//! A simulated guest: what is remembered of it, and what it writes on its console.

use std::collections::BTreeMap;
use std::fmt::Write;

use landfall_model::agent::DiskSeen;
use landfall_model::{InstanceId, InterfaceId, SnapshotId, Timestamp, VolumeId};

use crate::driver::{Devices, Guest, GuestState, Hold};

/// A simulated guest.
pub(super) struct FakeGuest {
    pub boot: u64,
    pub reboots: u64,
    pub state: GuestState,
    /// Whether its process is there: also that of one that powered itself off is, until its plug is pulled.
    pub process: bool,
    pub machine: String,
    pub disks: BTreeMap<VolumeId, DiskSeen>,
    pub ports: Vec<InterfaceId>,
    /// What is held of its disks, by the snapshots that it is held for.
    pub held: BTreeMap<SnapshotId, VolumeId>,
    pub answers_at: Timestamp,
    pub off_at: Option<Timestamp>,
    log: Vec<(Timestamp, Line)>,
}

/// Something that a guest did.
#[derive(Clone, Copy)]
pub(super) enum Line {
    Booted(u64),
    Reset,
    PoweredOff,
    Ended,
}

/// How many lines a console keeps.
const LINES: usize = 64;

impl Default for FakeGuest {
    fn default() -> Self {
        Self {
            boot: 0,
            reboots: 0,
            state: GuestState::Dead(None),
            process: false,
            machine: String::new(),
            disks: BTreeMap::new(),
            ports: Vec::new(),
            held: BTreeMap::new(),
            answers_at: Timestamp::default(),
            off_at: None,
            log: Vec::new(),
        }
    }
}

impl FakeGuest {
    pub fn is_live(&self) -> bool {
        matches!(self.state, GuestState::Running | GuestState::Suspended(_))
    }

    pub fn answers(&self, now: Timestamp) -> bool {
        self.state == GuestState::Running && self.answers_at <= now
    }

    pub fn found(&self, id: InstanceId) -> Guest {
        Guest {
            id,
            boot: self.boot,
            reboots: self.reboots,
            state: self.state.clone(),
            machine: self.machine.clone(),
            devices: self.process.then(|| Devices {
                ports: self.ports.iter().copied().collect(),
                disks: self.disks.clone(),
                held: self.held.iter().map(|(id, volume)| (*id, Hold { volume: *volume, whole: true })).collect(),
            }),
        }
    }

    pub fn write(&mut self, at: Timestamp, line: Line) {
        if self.log.len() == LINES {
            self.log.remove(0);
        }
        self.log.push((at, line));
    }

    /// All that it wrote, and when the last of it came.
    pub fn console(&self, id: InstanceId) -> (Vec<u8>, Timestamp) {
        let mut text = String::new();
        for (at, line) in &self.log {
            let what = match line {
                Line::Booted(boot) => format!("boot {boot}: no system runs here, the hypervisor is simulated"),
                Line::Reset => "reset".to_owned(),
                Line::PoweredOff => "powered off".to_owned(),
                Line::Ended => "process ended".to_owned(),
            };
            // Writing to a string can't fail.
            let _ = write!(text, "landfall simulated console of {id}: {at} {what}\r\n");
        }
        let at = self.log.last().map_or_else(Timestamp::default, |(at, _)| *at);
        (text.into_bytes(), at)
    }
}
