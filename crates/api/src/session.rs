//! Sessions: temporary credentials. Their token carries all that is known of them, sealed with the root key, so that no
//! row is kept of any. They end with their time, or with the principal that they stand on.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::OnceLock;

use landfall_model::{AccountId, Arn, Principal, Timestamp, UniqueId, VpcId};
use landfall_policy::{DocumentKind, Policy};
use serde::{Deserialize, Serialize};

use crate::vault::Vault;

/// What tokens are sealed for.
const TOKENS: &str = "session tokens";

/// A session.
#[derive(Debug, Serialize, Deserialize)]
pub struct Session {
    /// Its access key.
    pub access_key: String,
    /// Its secret.
    pub secret: String,
    /// Whose principal it stands on.
    pub account: AccountId,
    /// The role, user or root that it stands on.
    pub principal: UniqueId,
    /// How it came to be.
    pub kind: SessionKind,
    /// Documents that narrow what it may do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<String>,
    /// Managed policies that narrow what it may do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub managed: Vec<Arn>,
    /// Its tags, which come before those of its principal.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// The keys of tags that go on to the sessions made from it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub transitive: BTreeSet<String>,
    /// Who a chain of roles began with, in the words of the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_identity: Option<String>,
    /// The identity provider that vouched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Where it was delivered to, where it is an instance's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<Delivery>,
    /// What the provider's token said, by condition key.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub claims: BTreeMap<String, Vec<String>>,
    /// When a second factor was shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mfa_at: Option<Timestamp>,
    /// When it was made.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Its own policies, compiled at the first use.
    #[serde(skip)]
    compiled: OnceLock<Vec<Policy>>,
}

/// Where and how an instance's credentials were delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The instance's ARN.
    pub instance: Arn,
    /// The version of the metadata service: `1.0` or `2.0`.
    pub version: String,
    /// The network that it is in.
    pub vpc: VpcId,
    /// Its primary address.
    pub address: Option<Ipv4Addr>,
}

/// How a session came to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SessionKind {
    /// A role was taken, under that name.
    Role(String),
    /// A user or root vouched for somebody of that name (GetFederationToken).
    Federated(String),
    /// A user or root itself (GetSessionToken).
    Itself,
    /// The provider, by that principal of its own, entered the account.
    Provider(String),
}

/// What a session is made of; the rest is the same for all.
#[derive(Debug)]
pub struct NewSession {
    /// How it came to be.
    pub kind: SessionKind,
    /// Its access key.
    pub access_key: String,
    /// Its secret.
    pub secret: String,
    /// When it was made.
    pub issued_at: Timestamp,
    /// How long it lasts, in seconds.
    pub duration_s: u32,
}

impl Session {
    /// A session on a principal, which nothing narrows.
    pub fn new(principal: &Principal, new: NewSession) -> Self {
        Self {
            access_key: new.access_key,
            secret: new.secret,
            account: principal.account,
            principal: principal.id.clone(),
            kind: new.kind,
            policies: Vec::new(),
            managed: Vec::new(),
            tags: BTreeMap::new(),
            transitive: BTreeSet::new(),
            source_identity: None,
            provider: None,
            delivery: None,
            claims: BTreeMap::new(),
            mfa_at: None,
            issued_at: new.issued_at,
            expires_at: Timestamp(new.issued_at.as_millis() + i64::from(new.duration_s) * 1000),
            compiled: OnceLock::new(),
        }
    }

    /// Its token.
    pub fn seal(&self, vault: &Vault) -> String {
        // Text and numbers are always JSON.
        vault.issue(TOKENS, "", &serde_json::to_vec(self).unwrap_or_default())
    }

    /// The session of a token; `None` where it isn't one of ours.
    pub fn open(vault: &Vault, token: &str) -> Option<Self> {
        serde_json::from_slice(&vault.redeem(TOKENS, "", token)?).ok()
    }

    /// Its ARN, standing on that principal.
    pub fn arn(&self, principal: &Principal) -> Arn {
        let sts = |what: &str, name: &str| Arn::sts(self.account, format_args!("{what}/{name}"));
        match &self.kind {
            SessionKind::Role(name) => sts("assumed-role", &format!("{}/{name}", principal.name)),
            SessionKind::Federated(name) => sts("federated-user", name),
            SessionKind::Itself => principal.arn(),
            SessionKind::Provider(name) => sts("assumed-role", &format!("LandfallBreakGlass/{name}")),
        }
    }

    /// The id that the caller shows as.
    pub fn user_id(&self) -> String {
        match &self.kind {
            SessionKind::Role(name) => format!("{}:{name}", self.principal),
            SessionKind::Federated(name) => format!("{}:{name}", self.account),
            SessionKind::Itself => self.principal.to_string(),
            SessionKind::Provider(name) => format!("{}:{name}", self.account),
        }
    }

    /// Whether its own policies limit it: those of a federated user always do, even if there are none.
    pub fn is_limited(&self) -> bool {
        !self.policies.is_empty() || !self.managed.is_empty() || matches!(self.kind, SessionKind::Federated(_))
    }

    /// Its own documents, compiled. A token can only carry what was read before.
    pub fn policies(&self) -> &[Policy] {
        let read = |text: &String| Policy::parse_as(DocumentKind::Session, text).ok();
        self.compiled.get_or_init(|| self.policies.iter().filter_map(read).collect())
    }
}
