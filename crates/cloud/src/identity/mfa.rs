//! Second factors of users. What a device shows is checked outside, where its seed can be opened; here stands which steps
//! of its time were used, so that no code is good twice.

use landfall_model::{Arn, MfaDevice, MfaEnabled, Principal, UniqueId};

use super::fault::IdentityFault;
use super::naming;
use crate::fault::Fault;
use crate::tag;
use crate::tx::Tx;
use crate::value::MfaDevices;
use crate::view::View;

/// Virtual devices of an account, and devices of a user. Source: the IAM User Guide, "IAM and AWS STS quotas".
pub const LIMIT: usize = 5000;
const PER_USER: usize = 8;
/// The longest name of a device: what AWS's serial numbers leave.
const NAME_CHARS: usize = 226;

/// The device of a serial number, if it is the account's.
pub fn find<'a>(view: &View<'a>, serial: &str) -> Option<&'a MfaDevice> {
    let serial = serial.parse().ok()?;
    view.tables().mfa_devices.get(&serial).filter(|row| row.account == view.scope().account)
}

/// The device of a serial number, or that there is none.
pub fn need<'a>(view: &View<'a>, serial: &str) -> Result<&'a MfaDevice, Fault> {
    let no_such = || IdentityFault::NoSuch(format!("VirtualMFADevice with serial number {serial} doesn't exist."));
    Ok(find(view, serial).ok_or_else(no_such)?)
}

/// A device of a user, with what is known of it, or that the user doesn't have it.
pub fn need_of<'a>(view: &View<'a>, user: &Principal, serial: &str) -> Result<(&'a MfaDevice, &'a MfaEnabled), Fault> {
    let row = find(view, serial);
    let found = row.and_then(|row| Some((row, row.enabled.as_ref().filter(|enabled| enabled.user == user.id)?)));
    let no_such = || {
        let message = format!("MFA Device invalid for user: {serial} is not a device of {}.", user.name);
        IdentityFault::NoSuch(message)
    };
    Ok(found.ok_or_else(no_such)?)
}

/// An account's devices, by serial number.
pub fn all<'a>(view: &View<'a>) -> impl Iterator<Item = &'a MfaDevice> + use<'a> {
    view.tables().mfa_devices.by_account(&view.scope().account)
}

/// A user's devices, by serial number.
pub fn of<'a>(view: &View<'a>, user: &UniqueId) -> impl Iterator<Item = &'a MfaDevice> + use<'a> {
    view.tables().mfa_devices.by_user(user)
}

/// Makes a device that is nobody's yet. Its seed comes sealed.
pub fn create(tx: &mut Tx<'_, '_>, name: &str, path: &str, seed: String) -> Result<Arn, Fault> {
    naming::check_name("virtualMFADeviceName", name, NAME_CHARS)?;
    naming::check_path("path", path)?;
    let account = tx.scope().account;
    let serial = MfaDevice::serial(account, path, name);
    if tx.mfa_devices.contains(&serial) {
        let message = "MFADevice entity at the same path and name already exists.";
        return Err(IdentityFault::Exists(message.into()).into());
    }
    if all(&tx.view()).count() >= LIMIT {
        return Err(IdentityFault::Limit { quota: "VirtualMFADevicesPerAccount", limit: LIMIT }.into());
    }
    let created_at = tx.now();
    tx.put::<MfaDevices>(MfaDevice {
        account,
        serial: serial.clone(),
        seed,
        created_at,
        enabled: None,
        used_step: None,
    });
    Ok(serial)
}

/// That a device is there and nobody's.
pub fn need_free<'a>(view: &View<'a>, serial: &str) -> Result<&'a MfaDevice, Fault> {
    let row = need(view, serial)?;
    if row.enabled.is_some() {
        return Err(IdentityFault::Exists("MFA Device is already in use.".into()).into());
    }
    Ok(row)
}

/// Gives a device to a user who showed the codes of two steps, of which `last_step` was the second. Neither was taken before.
pub fn enable(
    tx: &mut Tx<'_, '_>,
    user: &Principal,
    serial: &str,
    drift_steps: i64,
    last_step: i64,
) -> Result<(), Fault> {
    let row = need_free(&tx.view(), serial)?;
    if row.used_step.is_some_and(|used| last_step - 1 <= used) {
        return Err(IdentityFault::Codes("Authentication codes for device are not valid.".into()).into());
    }
    let serial = row.serial.clone();
    if of(&tx.view(), &user.id).count() >= PER_USER {
        return Err(IdentityFault::Limit { quota: "MFADevicesPerUser", limit: PER_USER }.into());
    }
    let enabled = MfaEnabled { user: user.id.clone(), at: tx.now(), drift_steps, last_step };
    tx.update::<MfaDevices, _>(&serial, |row| row.enabled = Some(enabled));
    Ok(())
}

/// Sets how far a device's clock is off, after the codes of two steps that follow one another.
pub fn resync(
    tx: &mut Tx<'_, '_>,
    user: &Principal,
    serial: &str,
    drift_steps: i64,
    last_step: i64,
) -> Result<(), Fault> {
    let (row, enabled) = need_of(&tx.view(), user, serial)?;
    let serial = row.serial.clone();
    // A device that was set back shows codes again; those that were taken stay taken.
    let last_step = last_step.max(enabled.last_step);
    change(tx, &serial, |enabled| (enabled.drift_steps, enabled.last_step) = (drift_steps, last_step));
    Ok(())
}

/// Takes the code of a step, which nobody took before.
pub fn take(tx: &mut Tx<'_, '_>, user: &Principal, serial: &str, step: i64) -> Result<(), Fault> {
    let (row, enabled) = need_of(&tx.view(), user, serial)?;
    if step <= enabled.last_step {
        return Err(IdentityFault::Codes("The code was used before.".into()).into());
    }
    let serial = row.serial.clone();
    change(tx, &serial, |enabled| enabled.last_step = step);
    Ok(())
}

/// Takes a device from its user.
pub fn disable(tx: &mut Tx<'_, '_>, user: &Principal, serial: &str) -> Result<(), Fault> {
    let serial = need_of(&tx.view(), user, serial)?.0.serial.clone();
    tx.update::<MfaDevices, _>(&serial, |row| row.used_step = row.enabled.take().map(|enabled| enabled.last_step));
    Ok(())
}

/// Deletes a device that is nobody's.
pub fn delete(tx: &mut Tx<'_, '_>, serial: &str) -> Result<(), Fault> {
    let row = need(&tx.view(), serial)?;
    if row.enabled.is_some() {
        let message = "MFA VirtualDevice in use. Must deactivate first.";
        return Err(IdentityFault::Conflict(message.into()).into());
    }
    let serial = row.serial.clone();
    tag::forget(tx, serial.as_str());
    tx.delete::<MfaDevices>(&serial);
    Ok(())
}

fn change(tx: &mut Tx<'_, '_>, serial: &Arn, change: impl FnOnce(&mut MfaEnabled)) {
    tx.update::<MfaDevices, _>(serial, |row| {
        if let Some(enabled) = &mut row.enabled {
            change(enabled);
        }
    });
}
