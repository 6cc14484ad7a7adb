//! Amazon resource names, derived from kind, scope and id, never stored.

use std::fmt;
use std::str::FromStr;

use crate::id::{Id, Kind};
use crate::scope::{AccountId, Scope};

/// An ARN such as `arn:aws:ec2:us-east-1:012345678901:instance/i-0123456789abcdef0`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Arn(String);

/// The longest ARN, in bytes. Source: the IAM API Reference.
const LONGEST: usize = 2048;

impl Arn {
    /// An ARN of a service's resource in a scope.
    pub fn new(service: &str, scope: Scope, resource: impl fmt::Display) -> Self {
        Arn(format!("arn:{}:{service}:{}:{}:{resource}", scope.region.partition(), scope.region, scope.account))
    }

    /// An EC2 resource's ARN, from its typed id.
    pub fn ec2<K: Kind>(scope: Scope, id: Id<K>) -> Self {
        Self::new("ec2", scope, format_args!("{}/{id}", K::RESOURCE))
    }

    /// An image's or snapshot's ARN, which carries no account.
    pub fn ec2_public<K: Kind>(scope: Scope, id: Id<K>) -> Self {
        Arn(format!("arn:{}:ec2:{}::{}/{id}", scope.region.partition(), scope.region, K::RESOURCE))
    }

    /// The ARN of an image or snapshot that is yet to be made: it ends in `/*`.
    pub fn ec2_public_any<K: Kind>(scope: Scope) -> Self {
        Arn(format!("arn:{}:ec2:{}::{}/*", scope.region.partition(), scope.region, K::RESOURCE))
    }

    /// An EC2 resource that the provider keeps for everybody, whose ARN has `aws` for an account.
    pub fn ec2_provided<K: Kind>(scope: Scope, id: Id<K>) -> Self {
        Arn(format!("arn:{}:ec2:{}:aws:{}/{id}", scope.region.partition(), scope.region, K::RESOURCE))
    }

    /// An IAM resource's ARN, which carries no region.
    pub fn iam(account: AccountId, resource: impl fmt::Display) -> Self {
        Arn(format!("arn:aws:iam::{account}:{resource}"))
    }

    /// The ARN of a session, which carries no region.
    pub fn sts(account: AccountId, resource: impl fmt::Display) -> Self {
        Arn(format!("arn:aws:sts::{account}:{resource}"))
    }

    /// An IAM policy that comes with every cloud.
    pub fn provided_policy(path: &str, name: &str) -> Self {
        Arn(format!("arn:aws:iam::aws:policy{path}{name}"))
    }

    /// The account that it names, where it names one.
    pub fn account(&self) -> Option<AccountId> {
        self.0.split(':').nth(4)?.parse().ok()
    }

    /// What comes after the account, such as `user/alice`.
    pub fn resource(&self) -> &str {
        self.0.splitn(6, ':').nth(5).unwrap_or_default()
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text that is no ARN.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no ARN: {0:?}")]
pub struct MalformedArn(String);

impl FromStr for Arn {
    type Err = MalformedArn;
    fn from_str(text: &str) -> Result<Self, MalformedArn> {
        let mut fields = text.splitn(6, ':');
        let begins = fields.next() == Some("arn") && fields.next().is_some_and(|partition| !partition.is_empty());
        if begins && text.len() <= LONGEST && fields.nth(3).is_some_and(|resource| !resource.is_empty()) {
            return Ok(Arn(text.into()));
        }
        Err(MalformedArn(text.chars().take(64).collect()))
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
