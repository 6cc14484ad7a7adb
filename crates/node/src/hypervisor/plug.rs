//! Interfaces of a guest that runs: plugged in and taken away over its monitor. The caller holds the guest's action.
//!
//! Any step may be the last that this process takes, and the next one finds out from QEMU how far it came:
//!
//! - A TAP serves one holder. What an attempt that was cut off has handed over keeps the interface busy, so that is
//!   closed before the TAP is opened again.
//! - Taking away begins with the TAP, whose absence QEMU doesn't tell, and ends with the device, whose absence it does.
//!   So as long as the device is there, everything is done again, and nothing is left once it is gone.
//! - A guest is asked to let a device go, and may not hear it while its system isn't up: the caller asks again. Where it
//!   isn't waited for, the record says that what is left is a device without an interface.

use std::collections::BTreeSet;
use std::os::fd::AsFd;
use std::time::Duration;

use landfall_model::{InstanceId, InterfaceId};
use serde_json::{Value, json};

use super::arguments::{device_options, nic};
use super::power::ACT_TIMEOUT;
use super::qemu::{QemuHypervisor, retry};
use super::qmp::{Qmp, QmpError, QmpResult};
use super::record::{Folder, Record};
use crate::crash::crash_point;
use crate::driver::{DriverError, DriverResult, OpenPort, OpenThePort};

/// How long all of it may take.
const PLUG_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a guest may take to let a device go before somebody else is served meanwhile.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(1);

impl QemuHypervisor {
    /// Plugs an interface in.
    pub(super) fn plug_port(&self, id: InstanceId, port: InterfaceId, open: &OpenThePort<'_>) -> DriverResult<()> {
        let Some((folder, mut record)) = self.runs(id)? else {
            return Err(DriverError::Retry(format!("{id} doesn't run")));
        };
        let failed = |error| DriverError::Retry(format!("plugging {port} into {id} failed: {error}"));
        let mut qmp = talk(&folder).map_err(failed)?;
        let device = device_of(&mut qmp, port, ACT_TIMEOUT).map_err(failed)?;
        if record.pulled.contains(&port) {
            if let Some(device) = device {
                ask_to_release(&mut qmp, &device).map_err(failed)?;
                let why = "the guest hasn't let go of what was pulled before";
                return Err(DriverError::Retry(format!("{port} can't be plugged into {id}: {why}")));
            }
            record.pulled.retain(|pulled| *pulled != port);
            folder.write_record(&record).map_err(retry("recording the guest's interfaces"))?;
        } else if device.is_some() {
            return Ok(());
        }
        crash_point!("plug:clear");
        cut_off(&mut qmp, port).map_err(failed)?;
        crash_point!("plug:open");
        let opened = open()?;
        hand_over(&mut qmp, &opened)
            .map_err(failed)?
            .ok_or_else(|| DriverError::Retry(format!("{port} can't be plugged into {id}: none of its slots is free")))
    }

    /// Takes an interface away.
    pub(super) fn unplug_port(&self, id: InstanceId, port: InterfaceId, pull: bool) -> DriverResult<()> {
        let Some((folder, mut record)) = self.runs(id)? else { return Ok(()) };
        let failed = |error| DriverError::Retry(format!("taking {port} from {id} failed: {error}"));
        let mut qmp = talk(&folder).map_err(failed)?;
        let device = device_of(&mut qmp, port, ACT_TIMEOUT).map_err(failed)?;
        crash_point!("unplug:cut");
        cut_off(&mut qmp, port).map_err(failed)?;
        let Some(device) = device else { return Ok(()) };
        if pull && !record.pulled.contains(&port) {
            crash_point!("unplug:pull");
            record.pulled.push(port);
            folder.write_record(&record).map_err(retry("recording the guest's interfaces"))?;
        }
        crash_point!("unplug:ask");
        ask_to_release(&mut qmp, &device).map_err(failed)?;
        if pull {
            return Ok(());
        }
        released(&mut qmp, &device).map(drop).map_err(failed)
    }
}

/// Waits for a moment until the guest has let a device go. Returns whether it has.
pub(super) fn released(qmp: &mut Qmp, device: &str) -> QmpResult<bool> {
    // Another event tells of the device's parts; only this one names it by its id.
    let gone = |event: &super::qmp::Event| {
        event.name == "DEVICE_DELETED" && event.data.get("device").and_then(Value::as_str) == Some(device)
    };
    match qmp.wait_event(gone, RELEASE_TIMEOUT) {
        Ok(_) => Ok(true),
        Err(QmpError::Timeout(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The interfaces that a guest has, but for what was pulled.
pub(super) fn ports(qmp: &mut Qmp, record: &Record, timeout: Duration) -> QmpResult<BTreeSet<InterfaceId>> {
    let all = devices(qmp, timeout)?.into_iter().map(|(_, port)| port);
    Ok(all.filter(|port| !record.pulled.contains(port)).collect())
}

pub(super) fn talk(folder: &Folder) -> QmpResult<Qmp> {
    Qmp::connect(&folder.act(), ACT_TIMEOUT).map(|qmp| qmp.bounded(PLUG_TIMEOUT))
}

/// A guest's network devices by their names, each with its interface.
fn devices(qmp: &mut Qmp, timeout: Duration) -> QmpResult<Vec<(String, InterfaceId)>> {
    let answer = qmp.execute("qom-list", json!({ "path": "/machine/peripheral" }), timeout)?;
    Ok(parse_devices(&answer))
}

fn parse_devices(answer: &Value) -> Vec<(String, InterfaceId)> {
    let children = answer.as_array().into_iter().flatten();
    let nics = children.filter(|child| child.get("type").and_then(Value::as_str) == Some("child<virtio-net-pci>"));
    let named = nics.filter_map(|child| {
        let name = child.get("name")?.as_str()?;
        Some((name.to_owned(), name.strip_prefix(nic::PREFIX)?.parse().ok()?))
    });
    named.collect()
}

fn device_of(qmp: &mut Qmp, port: InterfaceId, timeout: Duration) -> QmpResult<Option<String>> {
    Ok(devices(qmp, timeout)?.into_iter().find(|(_, its)| *its == port).map(|(name, _)| name))
}

/// Closes the TAP of an interface, whether a device uses it or not.
fn cut_off(qmp: &mut Qmp, port: InterfaceId) -> QmpResult<()> {
    let name = port.to_string();
    tolerant(qmp.execute("netdev_del", json!({ "id": name }), ACT_TIMEOUT))?;
    tolerant(qmp.execute("closefd", json!({ "fdname": name }), ACT_TIMEOUT))
}

/// Asks the guest to let a device go. It is asked again and again, which QEMU may refuse while it waits itself.
pub(super) fn ask_to_release(qmp: &mut Qmp, device: &str) -> QmpResult<()> {
    tolerant(qmp.execute("device_del", json!({ "id": device }), ACT_TIMEOUT))
}

/// That there is nothing to close, or that it is being done, is no failure.
pub(super) fn tolerant(result: QmpResult<Value>) -> QmpResult<()> {
    match result {
        Ok(_) | Err(QmpError::Refused { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Gives QEMU a TAP and makes a device of it; nothing where there is no room for one.
fn hand_over(qmp: &mut Qmp, port: &OpenPort) -> QmpResult<Option<()>> {
    let Some(tap) = &port.tap else { return Ok(None) };
    let Some(slot) = free_slot(qmp)? else { return Ok(None) };
    let name = port.interface.to_string();
    qmp.getfd(&name, tap.as_fd(), ACT_TIMEOUT)?;
    qmp.execute("netdev_add", json!({ "type": "tap", "id": name, "fd": name }), ACT_TIMEOUT)?;
    let added = qmp.execute("device_add", device_options(port, &slot), ACT_TIMEOUT);
    if added.is_err() {
        cut_off(qmp, port.interface)?;
    }
    added.map(|_| Some(()))
}

/// The first slot that no device is in. Asked of the bus itself: what the firmware sees of it comes later.
pub(super) fn free_slot(qmp: &mut Qmp) -> QmpResult<Option<String>> {
    let answer = qmp.execute("qom-list", json!({ "path": "/machine/peripheral" }), ACT_TIMEOUT)?;
    for slot in parse_slots(&answer) {
        let bus = json!({ "path": format!("/machine/peripheral/{slot}/{slot}") });
        let within = qmp.execute("qom-list", bus, ACT_TIMEOUT)?;
        let mut names = within.as_array().into_iter().flatten().filter_map(|it| it.get("name")?.as_str());
        if !names.any(|name| name.starts_with("child[")) {
            return Ok(Some(slot));
        }
    }
    Ok(None)
}

/// The slots of a machine, in order.
fn parse_slots(answer: &Value) -> Vec<String> {
    let children = answer.as_array().into_iter().flatten();
    let ports = children.filter(|child| child.get("type").and_then(Value::as_str) == Some("child<pcie-root-port>"));
    let numbers = ports.filter_map(|child| child.get("name")?.as_str()?.strip_prefix("slot")?.parse::<u32>().ok());
    let numbers: BTreeSet<u32> = numbers.collect();
    numbers.into_iter().map(|number| format!("slot{number}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_and_slots_are_read_from_what_qemu_lists() {
        let answer = json!([
            { "name": "type", "type": "string" },
            { "name": "slot10", "type": "child<pcie-root-port>" },
            { "name": "slot2", "type": "child<pcie-root-port>" },
            { "name": "sloth", "type": "child<pcie-root-port>" },
            { "name": "nic-eni-0123456789abcdef0", "type": "child<virtio-net-pci>" },
            { "name": "nic-strange", "type": "child<virtio-net-pci>" },
            { "name": "nic-eni-0123456789abcdef1", "type": "child<virtio-blk-pci>" },
            7,
        ]);
        let port: InterfaceId = "eni-0123456789abcdef0".parse().unwrap();
        assert_eq!(parse_devices(&answer), [(nic::name(port), port)]);
        assert_eq!(parse_slots(&answer), ["slot2", "slot10"]);
        assert!(parse_devices(&json!({})).is_empty() && parse_slots(&json!(null)).is_empty());
    }
}
