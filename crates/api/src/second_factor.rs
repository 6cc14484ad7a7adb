//! Second factors as calls show them: the serial number of a device and a code that it shows now. A code is good once;
//! guesses are few.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
        let guess = outside.guesses.begin(serial, now_ms)?;
        let seed = seed(outside, device)?;
        let step = totp::step_of(&seed, code, now_ms, enabled.drift_steps, enabled.last_step).ok_or_else(wrong)?;
        guess.was_right();
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

/// A guess that is being made. It counts as wrong until it is known to be right, so that no more are made at once than one
/// after the other.
#[must_use]
pub struct Guess<'g> {
    all: &'g Guesses,
    serial: &'g str,
}

impl Guess<'_> {
    /// That it doesn't count.
    pub fn was_right(self) {
        if let Some((_, count)) = self.all.lock().get_mut(self.serial) {
            *count = count.saturating_sub(1);
        }
    }
}

impl Guesses {
    /// Counts one, if there were few.
    pub fn begin<'g>(&'g self, serial: &'g str, now_ms: i64) -> Result<Guess<'g>, ApiError> {
        let mut all = self.lock();
        if all.len() >= COUNTED && !all.contains_key(serial) {
            all.retain(|_, (since, _)| now_ms - *since < WHILE_MS);
        }
        let entry = all.entry(serial.to_owned()).or_insert((now_ms, 0));
        if now_ms - entry.0 >= WHILE_MS {
            *entry = (now_ms, 0);
        }
        if entry.1 >= GUESSES {
            return Err(failed(
                "MultiFactorAuthentication failed: too many wrong codes of this device. Wait a few minutes.",
            ));
        }
        entry.1 += 1;
        Ok(Guess { all: self, serial })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, (i64, u32)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_guesses_are_made_at_once_than_one_after_the_other() {
        let guesses = Guesses::default();
        let begun: Vec<_> = (0..2 * GUESSES).filter_map(|_| guesses.begin("device", 0).ok()).collect();
        assert_eq!(begun.len(), GUESSES as usize);
        begun.into_iter().for_each(Guess::was_right);
        let wrong = (0..2 * GUESSES).filter(|_| guesses.begin("device", 1).is_ok()).count();
        assert_eq!(wrong, GUESSES as usize, "right ones don't count");
        assert!(guesses.begin("other", 1).is_ok());
        assert!(guesses.begin("device", WHILE_MS).is_ok());
    }
}
