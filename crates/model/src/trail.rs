//! Trails: where an account's events are delivered, and how far they are. The keys that digests are signed with.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::arn::Arn;
use crate::region::Region;
use crate::scope::{Scope, Scoped};
use crate::time::Timestamp;

/// A trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trail {
    /// Whose it is, and its home region.
    pub scope: Scope,
    /// Its name.
    pub name: String,
    /// The bucket.
    pub bucket: String,
    /// The folder within it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Whether events that belong to no region are delivered.
    pub global_events: bool,
    /// Whether events of all regions are delivered.
    pub multi_region: bool,
    /// Whether digests are delivered.
    pub validates: bool,
    /// Which events are delivered, where that was said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub selectors: Vec<EventSelector>,
    /// Whether events are delivered that come from now on.
    pub is_logging: bool,
    /// When that last began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When that last ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was deleted: it isn't seen any more, and stays until all is delivered that came before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
    /// How far it is.
    #[serde(default)]
    pub delivery: Delivery,
}

/// Which events a trail delivers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventSelector {
    /// Whether of calls that change, or look, or both.
    pub calls: SelectedCalls,
    /// Whether management events are delivered at all.
    pub management: bool,
    /// Services whose events aren't.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<String>,
}

/// Of which calls events are delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SelectedCalls {
    /// Of those that look.
    ReadOnly,
    /// Of those that change.
    WriteOnly,
    /// Of both.
    All,
}

/// How far a trail's delivery is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Whether there is something to deliver, or will be: also after it was stopped, until all is there that came before.
    #[serde(default)]
    pub is_open: bool,
    /// When that began: it may have been stopped and started since, faster than it delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// When it was stopped meanwhile, as far as it isn't past that: what came then isn't delivered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub silences: Vec<Silence>,
    /// The number of the last event that was dealt with; none before the first delivery since it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<u64>,
    /// When it was last tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tried_at: Option<Timestamp>,
    /// When a file was last delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<Timestamp>,
    /// Why the last attempt failed, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Why the last attempt at a digest failed, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest_error: Option<String>,
    /// Since when attempts have failed, if the last one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// When the time of the next digest begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digested_until: Option<Timestamp>,
    /// When digests were given up, until the last of them is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest_ends: Option<Timestamp>,
    /// When a digest was last delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest_at: Option<Timestamp>,
    /// Files that are in no digest yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<DeliveredFile>,
    /// The last digest of each region, to which the next one is chained.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub chains: BTreeMap<Region, ChainedDigest>,
}

/// A time in which a trail was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// When it was stopped.
    pub from: Timestamp,
    /// When it was started again.
    pub until: Timestamp,
}

/// A file of events that was delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveredFile {
    /// Whose events it holds.
    pub region: Region,
    /// The bucket.
    pub bucket: String,
    /// Its place there.
    pub object: String,
    /// SHA-256 of what it holds, before it was compressed, in hexadecimal digits.
    pub sha256: String,
    /// The time of its first event.
    pub oldest: Timestamp,
    /// The time of its last event.
    pub newest: Timestamp,
}

/// A digest that was delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainedDigest {
    /// The bucket.
    pub bucket: String,
    /// Its place there.
    pub object: String,
    /// SHA-256 of what it holds, before it was compressed, in hexadecimal digits.
    pub sha256: String,
    /// Its signature, in hexadecimal digits.
    pub signature: String,
}

impl Trail {
    /// The row's key: one that was deleted leaves its name to others.
    pub fn key(&self) -> Scoped<String> {
        self.scope.key(match self.deleted_at {
            None => self.name.clone(),
            // No name has a space.
            Some(at) => format!("{} {}", self.name, at.as_millis()),
        })
    }

    /// Its ARN.
    pub fn arn(&self) -> Arn {
        Arn::new("cloudtrail", self.scope, format_args!("trail/{}", self.name))
    }
}

/// A key that a region's digests are signed with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestKey {
    /// What it is known by: the beginning of the public key's SHA-256.
    pub fingerprint: String,
    /// The region.
    pub region: Region,
    /// The public key in DER as PKCS#1 has it, in base64.
    pub public: String,
    /// The private key in DER as PKCS#8 has it, in base64, sealed.
    pub private: String,
    /// From when on it signs.
    pub valid_from: Timestamp,
    /// Until when.
    pub valid_until: Timestamp,
}
