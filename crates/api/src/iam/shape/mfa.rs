//! The codes that a virtual device shows when somebody gets it or its clock is set.

use landfall_cloud::identity::IdentityFault;
use landfall_cloud::{Fault, View};
use landfall_model::MfaDevice;

use crate::second_factor::seed;
use crate::{ApiError, Outside, totp};

/// Two codes that follow one another.
pub struct Codes<'a> {
    /// The first.
    pub first: &'a str,
    /// The one after it.
    pub second: &'a str,
}

/// What two codes tell.
pub struct Found {
    /// How far the device's clock is ahead of ours, in steps.
    pub drift_steps: i64,
    /// The step of the second.
    pub last_step: i64,
}

impl Codes<'_> {
    /// What they tell, if they are the device's.
    pub fn find(&self, outside: &Outside, view: &View<'_>, device: &MfaDevice) -> Result<Found, ApiError> {
        let now_ms = view.now().as_millis();
        let guess = outside.guesses.begin(device.serial.as_str(), now_ms)?;
        let found = totp::drift_of(&seed(outside, device)?, self.first, self.second, now_ms);
        let Some((drift_steps, last_step)) = found else {
            let message = "Authentication codes for device are not valid.";
            return Err(Fault::from(IdentityFault::Codes(message.into())).into());
        };
        guess.was_right();
        Ok(Found { drift_steps, last_step })
    }
}
