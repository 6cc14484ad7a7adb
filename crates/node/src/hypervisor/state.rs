//! How a guest is, asked from its QEMU, and what inspection sets right on the way.

use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use landfall_model::InstanceId;
use serde_json::{Value, json};

use super::qemu::{Cell, Look, QemuHypervisor, lock, retry};
use super::qmp::{Qmp, QmpError, QmpResult};
use super::record::{Folder, HoldRecord, Phase, Record};
use super::{cgroup, disk, plug};
use crate::driver::{Devices, DriverResult, GuestState, Hold};

/// How long a monitor may take over an inspection.
const LOOK_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a monitor that took longer is left alone, so that one such guest doesn't hold up all others each time.
const DEAF_FOR: Duration = Duration::from_secs(10);
/// How often a guest that waits for disk space is told to go on.
const RESUME_EVERY: Duration = Duration::from_secs(5);
/// How long it takes until a guest that found the disk still full is paused again.
const RESUME_SETTLES: Duration = Duration::from_millis(50);
/// How much of the console is asked for at once.
const PIECE_BYTES: usize = 64 << 10;

/// What QEMU says of a guest's processors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// They run.
    Running,
    /// They have not run yet.
    NotBegun,
    /// The guest powered itself off.
    PoweredOff,
    /// A disk is full.
    NoSpace,
    /// They are paused for another reason.
    Paused(String),
}

impl Status {
    /// Reads the answer to `query-status`. A status of a later version counts by whether it says that they run.
    pub(super) fn parse(answer: &Value) -> Self {
        let status = answer.get("status").and_then(Value::as_str).unwrap_or("unknown");
        let said: String = status.chars().filter(|c| c.is_ascii_graphic()).take(40).collect();
        match status {
            "running" | "suspended" => Status::Running,
            "prelaunch" => Status::NotBegun,
            "shutdown" => Status::PoweredOff,
            "io-error" => Status::NoSpace,
            "internal-error" => Status::Paused("The hypervisor hit an error inside and paused the instance".into()),
            "guest-panicked" => Status::Paused("The operating system of the instance crashed".into()),
            "paused" => Status::Paused("The instance was paused from outside".into()),
            _ if answer.get("running").and_then(Value::as_bool) == Some(true) => Status::Running,
            _ => Status::Paused(format!("The hypervisor paused the instance and says {said:?}")),
        }
    }
}

/// Asks for the state of the processors.
pub(super) fn query_status(qmp: &mut Qmp, timeout: Duration) -> QmpResult<Status> {
    Ok(Status::parse(&qmp.execute("query-status", json!({}), timeout)?))
}

impl QemuHypervisor {
    /// How a guest is whose start is over, and what is plugged into it, as far as it says.
    pub(super) fn state(
        &self,
        id: InstanceId,
        cell: &Arc<Cell>,
        folder: &Folder,
        record: &Record,
    ) -> DriverResult<(GuestState, Option<Devices>)> {
        let looking = retry("looking for the guest's process");
        if folder.running(Some(record)).map_err(&looking)?.is_none() {
            return Ok((self.end(cell, record), None));
        }
        let (state, devices) = self.look(id, cell, folder, record);
        // The process may have ended while it was asked.
        if folder.running(Some(record)).map_err(looking)?.is_none() {
            let last = folder.record().ok().flatten().unwrap_or_else(|| record.clone());
            return Ok((self.end(cell, &last), None));
        }
        if state == GuestState::PoweredOff
            && record.phase == Phase::Started
            && let Some(_action) = cell.try_act()
            && let Ok(Some(now)) = folder.record()
            && now.phase == Phase::Started
        {
            let next = Record { phase: Phase::PoweredOff, ..now };
            folder.write_record(&next).map_err(retry("recording that the guest powered itself off"))?;
        }
        Ok((state, devices))
    }

    /// Moves what the guest printed into the log, as far as its monitor answers.
    pub(super) fn fetch_console(&self, id: InstanceId, cell: &Cell) {
        self.converse(id, cell, &self.folder(id), |_, _| Ok(()));
    }

    fn look(&self, id: InstanceId, cell: &Cell, folder: &Folder, record: &Record) -> (GuestState, Option<Devices>) {
        let seen = self.converse(id, cell, folder, |qmp, look| {
            let ports = plug::ports(qmp, record, LOOK_TIMEOUT)?;
            let disks = disk::disks(qmp, record, LOOK_TIMEOUT)?;
            let hold = |(id, it): (&_, &HoldRecord)| (*id, Hold { volume: it.volume, whole: it.taken });
            let held = record.held.iter().map(hold).collect();
            Ok((self.look_closely(qmp, look)?, Some(Devices { ports, disks, held })))
        });
        // Without an answer there is only what is certain: its process is there.
        seen.unwrap_or((GuestState::Running, None))
    }

    fn look_closely(&self, qmp: &mut Qmp, look: &mut Look) -> QmpResult<GuestState> {
        match query_status(qmp, LOOK_TIMEOUT)? {
            Status::Running => Ok(GuestState::Running),
            Status::PoweredOff => Ok(GuestState::PoweredOff),
            Status::Paused(why) => Ok(GuestState::Suspended(why)),
            // Its start is recorded, but whoever recorded it died before it could say so.
            Status::NotBegun => qmp.execute("cont", json!({}), LOOK_TIMEOUT).map(|_| GuestState::Running),
            Status::NoSpace => {
                if look.resumed_at.is_none_or(|at| at.elapsed() >= RESUME_EVERY) {
                    look.resumed_at = Some(Instant::now());
                    qmp.execute("cont", json!({}), LOOK_TIMEOUT)?;
                    std::thread::sleep(RESUME_SETTLES);
                    if query_status(qmp, LOOK_TIMEOUT)? == Status::Running {
                        return Ok(GuestState::Running);
                    }
                }
                let why = "The disk of the host is full; the instance goes on by itself once there is room";
                Ok(GuestState::Suspended(why.into()))
            }
        }
    }

    /// Talks to the monitor for inspection: first fetches the console, then does what is asked. `None` without answer.
    fn converse<T>(
        &self,
        id: InstanceId,
        cell: &Cell,
        folder: &Folder,
        then: impl FnOnce(&mut Qmp, &mut Look) -> QmpResult<T>,
    ) -> Option<T> {
        let mut look = lock(&cell.look);
        if look.deaf_until.is_some_and(|until| Instant::now() < until) {
            return None;
        }
        let talk = Qmp::connect(&folder.look(), LOOK_TIMEOUT).and_then(|qmp| {
            let mut qmp = qmp.bounded(LOOK_TIMEOUT);
            self.move_console(id, &mut qmp)?;
            then(&mut qmp, &mut look)
        });
        match talk {
            Ok(answer) => {
                look.deaf_until = None;
                Some(answer)
            }
            // Its process has ended or ends now; the caller finds out.
            Err(QmpError::Connect(_) | QmpError::Closed) => None,
            Err(error) => {
                tracing::warn!(%id, %error, "a guest's monitor doesn't answer as it should");
                look.deaf_until = Some(Instant::now() + DEAF_FOR);
                None
            }
        }
    }

    fn move_console(&self, id: InstanceId, qmp: &mut Qmp) -> QmpResult<()> {
        let log = self.log(id);
        let ring = usize::try_from(self.console_ring_bytes()).unwrap_or(PIECE_BYTES);
        // A guest that prints faster than this reads doesn't hold it here.
        for _ in 0..ring.div_ceil(PIECE_BYTES) {
            let arguments = json!({ "device": "console", "size": PIECE_BYTES, "format": "base64" });
            let answer = qmp.execute("ringbuf-read", arguments, LOOK_TIMEOUT)?;
            let piece = answer.as_str().and_then(|text| BASE64.decode(text).ok()).unwrap_or_default();
            if let Err(error) = log.append(&piece) {
                tracing::warn!(%id, %error, "a guest's console couldn't be logged; that piece is lost");
            }
            if piece.len() < PIECE_BYTES {
                break;
            }
        }
        Ok(())
    }

    /// How a guest whose process is gone came to its end.
    fn end(&self, cell: &Cell, record: &Record) -> GuestState {
        self.reap(cell);
        match record.phase {
            Phase::PoweredOff => GuestState::PoweredOff,
            Phase::Pulled => GuestState::Dead(None),
            Phase::Preparing | Phase::Started => GuestState::Dead(Some(self.cause(cell, record))),
        }
    }

    fn cause(&self, cell: &Cell, record: &Record) -> String {
        if cgroup::ran_out_of_memory(&record.groups) {
            return "The process of the instance used more memory than it may have, and the kernel ended it".into();
        }
        let mut body = lock(&cell.body);
        let Some(body) = body.as_mut() else {
            return "The process of the instance has ended, and nobody saw how".into();
        };
        let status = match body.child.try_wait() {
            Ok(Some(status)) => status.to_string(),
            _ => "an unknown status".into(),
        };
        match body.words.last() {
            words if words.is_empty() => format!("The process of the instance ended with {status}"),
            words => format!("The process of the instance ended with {status}, and said: {words}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_also_from_versions_to_come() {
        let parse = |text: &str| Status::parse(&serde_json::from_str(text).unwrap());
        assert_eq!(parse(r#"{"status":"running","running":true,"singlestep":false}"#), Status::Running);
        assert_eq!(parse(r#"{"status":"shutdown","running":false}"#), Status::PoweredOff);
        assert_eq!(parse(r#"{"status":"io-error"}"#), Status::NoSpace);
        assert_eq!(parse(r#"{"status":"prelaunch"}"#), Status::NotBegun);
        assert_eq!(parse(r#"{"status":"novel","running":true}"#), Status::Running);
        for text in [r#"{"status":"novel"}"#, "{}", "7", r#"{"status":"no\u001b[vel","running":false}"#] {
            let Status::Paused(why) = parse(text) else { panic!("{text}") };
            assert!(!why.contains('\u{1b}'));
        }
    }
}
