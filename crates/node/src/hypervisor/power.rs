//! Power: the button, the plug, the reset. The caller holds the guest's action.

use std::time::{Duration, Instant};

use landfall_model::InstanceId;
use nix::sys::signal::Signal;
use serde_json::json;

use super::cgroup;
use super::process::Process;
use super::qemu::{Cell, QemuHypervisor, retry};
use super::qmp::{Qmp, QmpError};
use super::record::{Folder, Phase, Record};
use super::state::{Status, query_status};
use crate::crash::crash_point;
use crate::driver::{DriverError, DriverResult};

/// How long a monitor may take over an action.
pub(super) const ACT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long QEMU may take to write its disks out, after `quit`, and after SIGTERM.
const QUIT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the kernel may take to end a process after SIGKILL; one that waits for a broken disk takes for ever.
const KILL_TIMEOUT: Duration = Duration::from_secs(10);

impl QemuHypervisor {
    pub(super) fn press(&self, id: InstanceId) -> DriverResult<()> {
        let Some((folder, _)) = self.runs(id)? else { return Ok(()) };
        let act = |qmp: &mut Qmp| qmp.execute("system_powerdown", json!({}), ACT_TIMEOUT).map(drop);
        self.act(id, &folder, "pressing the power button", act)
    }

    pub(super) fn reset(&self, id: InstanceId) -> DriverResult<()> {
        let Some((folder, record)) = self.runs(id)? else { return Ok(()) };
        let act = |qmp: &mut Qmp| match query_status(qmp, ACT_TIMEOUT)? {
            // It has to be started rather.
            Status::PoweredOff => Ok(false),
            _ => qmp.execute("system_reset", json!({}), ACT_TIMEOUT).map(|_| true),
        };
        if self.act(id, &folder, "pressing reset", act)? {
            crash_point!("power:reset");
            let next = Record { reboots: record.reboots + 1, ..record };
            folder.write_record(&next).map_err(retry("recording the reboot"))?;
        }
        Ok(())
    }

    pub(super) fn pull(&self, id: InstanceId, cell: &Cell) -> DriverResult<()> {
        let Some((folder, record)) = self.runs(id)? else { return Ok(()) };
        crash_point!("power:pull");
        self.fetch_console(id, cell);
        let mut record = record;
        let asked = Qmp::connect(&folder.act(), ACT_TIMEOUT).and_then(|mut qmp| {
            let status = query_status(&mut qmp, ACT_TIMEOUT)?;
            if matches!(record.phase, Phase::Started | Phase::Preparing) {
                record.phase = if status == Status::PoweredOff { Phase::PoweredOff } else { Phase::Pulled };
            }
            Ok(qmp)
        });
        if record.phase == Phase::Started || record.phase == Phase::Preparing {
            record.phase = Phase::Pulled;
        }
        folder.write_record(&record).map_err(retry("recording that the plug is pulled"))?;
        match asked.and_then(|mut qmp| qmp.execute("quit", json!({}), ACT_TIMEOUT)) {
            Ok(_) | Err(QmpError::Closed) => {
                crash_point!("power:quitting");
                if self.is_over(&folder, &record, QUIT_TIMEOUT)? {
                    crash_point!("power:over");
                    self.reap(cell);
                    return Ok(());
                }
            }
            Err(error) => {
                tracing::warn!(%id, %error, "a guest's monitor doesn't take orders; its process is signalled")
            }
        }
        for (signal, timeout) in [(Signal::SIGTERM, QUIT_TIMEOUT), (Signal::SIGKILL, KILL_TIMEOUT)] {
            for process in self.processes(&folder, &record)? {
                crash_point!("power:signal");
                process.signal(signal).map_err(retry("signalling the guest's process"))?;
            }
            if self.is_over(&folder, &record, timeout)? {
                self.reap(cell);
                return Ok(());
            }
        }
        Err(DriverError::Retry(format!(
            "the process of {id} doesn't end although it was killed; it may wait for a disk"
        )))
    }

    /// The guest's folder and record, if it runs.
    pub(super) fn runs(&self, id: InstanceId) -> DriverResult<Option<(Folder, Record)>> {
        let folder = self.folder(id);
        let Some(record) = folder.record().map_err(retry("reading what is recorded of the guest"))? else {
            return Ok(None);
        };
        let running = folder.running(Some(&record)).map_err(retry("looking for the guest's process"))?;
        Ok(running.map(|_| (folder, record)))
    }

    fn act<T>(
        &self,
        id: InstanceId,
        folder: &Folder,
        what: &str,
        then: impl FnOnce(&mut Qmp) -> Result<T, QmpError>,
    ) -> DriverResult<T> {
        let talk = Qmp::connect(&folder.act(), ACT_TIMEOUT).and_then(|mut qmp| then(&mut qmp));
        talk.map_err(|error| DriverError::Retry(format!("{what} of {id} failed: {error}")))
    }

    fn processes(&self, folder: &Folder, record: &Record) -> DriverResult<Vec<Process>> {
        let running = folder.running(Some(record)).map_err(retry("looking for the guest's process"))?;
        Ok(running.map(|running| running.processes).unwrap_or_default())
    }

    /// Waits until nothing of the guest runs.
    fn is_over(&self, folder: &Folder, record: &Record, timeout: Duration) -> DriverResult<bool> {
        let deadline = Instant::now() + timeout;
        loop {
            let running = folder.running(Some(record)).map_err(retry("looking for the guest's process"))?;
            let Some(running) = running else { return Ok(true) };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(false);
            }
            match running.processes.first() {
                Some(process) => drop(process.wait(left).map_err(retry("waiting for the guest's process"))?),
                None => std::thread::sleep(Duration::from_millis(5)),
            }
            // The end of a process is seen a moment before its lock is free and its group empty.
            if !cgroup::members(&record.groups).is_empty() {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
}
