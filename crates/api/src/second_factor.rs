//! Second factors as calls show them: the serial number of a device and a code that it shows now. A code is good once;
//! guesses are few.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use landfall_cloud::identity::mfa;
use landfall_cloud::{Tx, View};
use landfall_model::{MfaDevice, Principal};

use crate::error::ApiError;
use crate::outside::Outside;
use crate::totp;

/// The context that a device's seed is sealed under.
pub fn seed_context(serial: &impl std::fmt::Display) -> String {
    format!("mfa/{serial}")
}

/// The seed of a device.
pub fn seed(outside: &Outside, device: &MfaDevice) -> Result<[u8; totp::SEED_BYTES], ApiError> {
    let opened = outside.vault.open(&seed_context(&device.serial), &device.seed);
    opened.ok().and_then(|text| totp::from_base32(&text)).ok_or_else(|| {
        tracing::error!(serial = %device.serial, "the seed of a device can't be opened with the root key");
        ApiError::internal()
    })
}

/// A code that was shown and found right, and is yet to be taken.
#[derive(Clone, Debug)]
pub struct Shown {
    serial: String,
    step: i64,
}

impl Shown {
    /// Looks at what a call shows: nothing, or a device of the caller's and its code.
    pub fn look(
        outside: &Outside,
        view: &View<'_>,
        user: &Principal,
        serial: Option<&str>,
        code: Option<&str>,
    ) -> Result<Option<Self>, ApiError> {
        let (serial, code) = match (serial, code) {
            (None, None) => return Ok(None),
            (Some(serial), Some(code)) => (serial, code),
            _ => {
                return Err(failed(
                    "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.",
                ));
            }
        };
        let unknown = "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user.";
        let (device, enabled) = mfa::need_of(view, user, serial).map_err(|_| failed(unknown))?;
        let now_ms = view.now().as_millis();
        outside.guesses.check(serial, now_ms)?;
        let seed = seed(outside, device)?;
        let Some(step) = totp::step_of(&seed, code, now_ms, enabled.drift_steps, enabled.last_step) else {
            outside.guesses.count(serial, now_ms);
            return Err(wrong());
        };
        Ok(Some(Self { serial: serial.to_owned(), step }))
    }

    /// Takes the code, which nobody has taken meanwhile.
    pub fn take(&self, tx: &mut Tx<'_, '_>, user: &Principal) -> Result<(), ApiError> {
        mfa::take(tx, user, &self.serial, self.step).map_err(|_| wrong())
    }
}

fn wrong() -> ApiError {
    failed("MultiFactorAuthentication failed with invalid MFA one time pass code. ")
}

fn failed(message: &str) -> ApiError {
    ApiError::new("AccessDenied", message).with_status(403)
}

/// How often a device was shown wrong codes of late. In memory: whoever could restart the cloud needs no codes.
#[derive(Clone, Debug, Default)]
pub struct Guesses(Arc<Mutex<HashMap<String, (i64, u32)>>>);

/// Wrong codes of a device in a while, and how long that is, in milliseconds.
const GUESSES: u32 = 10;
const WHILE_MS: i64 = 5 * 60 * 1000;
/// Devices that are counted at once.
const COUNTED: usize = 4096;

impl Guesses {
    /// That there were few.
    pub fn check(&self, serial: &str, now_ms: i64) -> Result<(), ApiError> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match all.get(serial) {
            Some((since, count)) if now_ms - since < WHILE_MS && *count >= GUESSES => Err(failed(
                "MultiFactorAuthentication failed: too many wrong codes of this device. Wait a few minutes.",
            )),
            _ => Ok(()),
        }
    }

    /// Counts one.
    pub fn count(&self, serial: &str, now_ms: i64) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= COUNTED && !all.contains_key(serial) {
            all.retain(|_, (since, _)| now_ms - *since < WHILE_MS);
        }
        let entry = all.entry(serial.to_owned()).or_insert((now_ms, 0));
        if now_ms - entry.0 >= WHILE_MS {
            *entry = (now_ms, 0);
        }
        entry.1 += 1;
    }
}
