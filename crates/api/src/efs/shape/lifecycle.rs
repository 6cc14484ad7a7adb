//! Rules of when files move between classes of storage, as requests and answers have them: each object says one thing.

use landfall_model::FileTransition;
use serde::{Deserialize, Serialize};

use super::bad;
use crate::ApiError;

/// The days after which files can be moved, by their words.
const DAYS: &[(&str, u16)] = &[
    ("AFTER_1_DAY", 1),
    ("AFTER_7_DAYS", 7),
    ("AFTER_14_DAYS", 14),
    ("AFTER_30_DAYS", 30),
    ("AFTER_60_DAYS", 60),
    ("AFTER_90_DAYS", 90),
    ("AFTER_180_DAYS", 180),
    ("AFTER_270_DAYS", 270),
    ("AFTER_365_DAYS", 365),
];
const WHEN_USED: &str = "AFTER_1_ACCESS";

/// A rule.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    #[serde(rename = "TransitionToIA", skip_serializing_if = "Option::is_none")]
    to_ia: Option<String>,
    #[serde(rename = "TransitionToPrimaryStorageClass", skip_serializing_if = "Option::is_none")]
    to_primary: Option<String>,
    #[serde(rename = "TransitionToArchive", skip_serializing_if = "Option::is_none")]
    to_archive: Option<String>,
}

impl Rule {
    /// What it says.
    pub fn read(&self) -> Result<FileTransition, ApiError> {
        match (&self.to_ia, &self.to_primary, &self.to_archive) {
            (Some(word), None, None) => days(word).map(FileTransition::ToInfrequentAccess),
            (None, None, Some(word)) => days(word).map(FileTransition::ToArchive),
            (None, Some(word), None) if word == WHEN_USED => Ok(FileTransition::BackWhenUsed),
            (None, Some(word), None) => Err(unknown(word)),
            _ => Err(bad("Each LifecyclePolicy object has a single transition.")),
        }
    }

    /// The rule that says so.
    pub fn of(policy: &FileTransition) -> Self {
        match policy {
            FileTransition::ToInfrequentAccess(days) => Self { to_ia: word(*days), ..Self::default() },
            FileTransition::ToArchive(days) => Self { to_archive: word(*days), ..Self::default() },
            FileTransition::BackWhenUsed => Self { to_primary: Some(WHEN_USED.into()), ..Self::default() },
        }
    }
}

fn days(word: &str) -> Result<u16, ApiError> {
    DAYS.iter().find(|(known, _)| *known == word).map(|(_, days)| *days).ok_or_else(|| unknown(word))
}

fn word(days: u16) -> Option<String> {
    DAYS.iter().find(|(_, known)| *known == days).map(|(word, _)| (*word).to_owned())
}

fn unknown(word: &str) -> ApiError {
    bad(format!("A transition can't be {}.", word.chars().take(64).collect::<String>().escape_debug()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_reads_back_as_it_is_shown() {
        for (word, days) in DAYS {
            for policy in [FileTransition::ToInfrequentAccess(*days), FileTransition::ToArchive(*days)] {
                assert_eq!(Rule::of(&policy).read().unwrap(), policy, "{word}");
            }
        }
        assert_eq!(Rule::of(&FileTransition::BackWhenUsed).read().unwrap(), FileTransition::BackWhenUsed);
        assert!(Rule::default().read().is_err());
        let word = |word: &str| Rule { to_ia: Some(word.into()), ..Rule::default() };
        assert!(word("AFTER_2_DAYS").read().is_err());
        assert!(Rule { to_primary: Some(WHEN_USED.into()), ..word("AFTER_7_DAYS") }.read().is_err());
    }
}
