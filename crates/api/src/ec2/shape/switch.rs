//! Switches that EC2 spells `enable` and `disable`.

use serde::Deserialize;

/// A switch in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Switch {
    /// On.
    Enable,
    /// Off.
    Disable,
}

impl Switch {
    /// Whether it is on.
    pub fn is_on(self) -> bool {
        self == Switch::Enable
    }
}

/// Whether a switch is on, where it was given.
pub fn is_on(given: Option<Switch>) -> Option<bool> {
    given.map(Switch::is_on)
}

/// A switch in an answer.
pub fn word(is_on: bool) -> &'static str {
    if is_on { "enable" } else { "disable" }
}
