//! Launch templates: launches that are described once, in numbered versions, and made from then on by name.

use serde::{Deserialize, Serialize};

use crate::id::LaunchTemplateId;
use crate::scope::{Scope, Scoped};
use crate::time::Timestamp;

/// What a template says of a launch: RunInstances' parameters as requests spell them (`BlockDeviceMapping`, a list). A
/// template is a part of a request that is kept, unread: what a launch makes of it is seen when it is launched, as on EC2
/// ("Launch template parameters are not fully validated when you create the launch template").
pub type LaunchParameters = serde_json::Map<String, serde_json::Value>;

/// A launch template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaunchTemplate {
    /// Whose and where.
    pub scope: Scope,
    /// Which.
    pub id: LaunchTemplateId,
    /// Its name, of which there is one in a scope.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it, by ARN.
    pub created_by: String,
    /// The version that a launch takes unless it says another one.
    pub default_version: u64,
    /// The newest version that is there.
    pub latest_version: u64,
    /// The number that was given last: none is given twice, even when its version is gone.
    pub last_number: u64,
    /// How many versions there are.
    pub versions: u32,
}

/// A launch template that is gone, of which versions are left: there may be many, and they go by and by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DepartedTemplate {
    /// Whose and where.
    pub scope: Scope,
    /// Which.
    pub id: LaunchTemplateId,
}

impl DepartedTemplate {
    /// The key of its row.
    pub fn key(&self) -> Scoped<LaunchTemplateId> {
        self.scope.key(self.id)
    }
}

/// A version of a launch template, which never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaunchTemplateVersion {
    /// Whose and where.
    pub scope: Scope,
    /// Of which template.
    pub template: LaunchTemplateId,
    /// Its number, from 1.
    pub number: u64,
    /// What it is for.
    pub description: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it, by ARN.
    pub created_by: String,
    /// What it says of a launch.
    pub data: LaunchParameters,
}

impl LaunchTemplate {
    /// The key of its row.
    pub fn key(&self) -> Scoped<LaunchTemplateId> {
        self.scope.key(self.id)
    }
}

impl LaunchTemplateVersion {
    /// The key of its row.
    pub fn key(&self) -> Scoped<String> {
        self.scope.key(Self::place(self.template, self.number))
    }

    /// Its place among the versions of its scope: a template's are a range, from the newest, as answers list them.
    pub fn place(template: LaunchTemplateId, number: u64) -> String {
        format!("{template}/{:020}", u64::MAX - number)
    }
}
