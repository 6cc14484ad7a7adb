//! Managed policies in answers.

use landfall_cloud::View;
use landfall_cloud::identity::managed_policy::{self, Managed};
use landfall_model::{Arn, PolicyVersion, Timestamp, UniqueId};
use landfall_wire::Time;
use serde::{Deserialize, Serialize};

use super::document::Document;
use super::tag::{TagShape, tags};
use super::time;
use crate::ApiError;

/// When the policies that come with the cloud were made: the day of the language's version.
const PROVIDED_AT: Timestamp = Timestamp(1_350_432_000_000);

/// What a policy is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Usage {
    /// It says what somebody may do.
    PermissionsPolicy,
    /// It bounds somebody.
    PermissionsBoundary,
}

impl Usage {
    /// Whether it is this use, or any where none is asked for.
    pub fn is_wanted(self, asked: Option<Self>) -> bool {
        asked.is_none_or(|asked| asked == self)
    }
}

/// A managed policy.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PolicyShape<'v> {
    policy_name: &'v str,
    policy_id: &'v UniqueId,
    arn: Arn,
    path: &'v str,
    default_version_id: String,
    attachment_count: usize,
    permissions_boundary_usage_count: usize,
    is_attachable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'v str>,
    create_date: Time,
    update_date: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy_version_list: Option<Vec<VersionShape<'v>>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<TagShape<'v>>,
}

/// A policy as the lists show it: without description and tags.
pub fn listed<'v>(view: &View<'v>, arn: Arn, policy: Managed<'v>) -> PolicyShape<'v> {
    let (policy_id, path, version, created_at, updated_at) = match policy {
        Managed::Own(row) => (&row.id, row.path.as_str(), row.default_version, row.created_at, row.updated_at),
        Managed::Provided(policy) => (&policy.id, policy.path.as_str(), 1, PROVIDED_AT, PROVIDED_AT),
    };
    PolicyShape {
        policy_name: policy.name(),
        policy_id,
        path,
        default_version_id: format!("v{version}"),
        attachment_count: managed_policy::attachments(view, &arn),
        permissions_boundary_usage_count: managed_policy::boundaries(view, &arn),
        arn,
        is_attachable: true,
        description: None,
        create_date: time(created_at),
        update_date: time(updated_at),
        policy_version_list: None,
        tags: Vec::new(),
    }
}

/// A policy with all there is.
pub fn shown<'v>(view: &View<'v>, arn: Arn, policy: Managed<'v>) -> PolicyShape<'v> {
    let (description, id) = match policy {
        Managed::Own(row) => (row.description.as_str(), &row.id),
        Managed::Provided(policy) => (policy.description.as_str(), &policy.id),
    };
    let description = Some(description).filter(|text| !text.is_empty());
    PolicyShape { description, tags: tags(view, id), ..listed(view, arn, policy) }
}

impl<'v> PolicyShape<'v> {
    /// The same with versions and without tags, as GetAccountAuthorizationDetails shows it.
    pub fn with_versions(self, versions: Vec<VersionShape<'v>>) -> Self {
        Self { tags: Vec::new(), policy_version_list: Some(versions), ..self }
    }
}

/// A version of a policy.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct VersionShape<'v> {
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<Document<&'v str>>,
    version_id: String,
    is_default_version: bool,
    create_date: Time,
}

/// A version without its document.
pub fn version(version: &PolicyVersion, default: u32) -> VersionShape<'_> {
    VersionShape {
        document: None,
        version_id: format!("v{}", version.number),
        is_default_version: version.number == default,
        create_date: time(version.created_at),
    }
}

/// A version with its document.
pub fn whole_version(row: &PolicyVersion, default: u32) -> VersionShape<'_> {
    VersionShape { document: Some(Document(&row.document)), ..version(row, default) }
}

/// The one version of a policy that comes with the cloud.
pub fn provided_version(document: Option<&str>) -> VersionShape<'_> {
    let document = document.map(Document);
    VersionShape { document, version_id: "v1".into(), is_default_version: true, create_date: time(PROVIDED_AT) }
}

/// Reads a version's id: `v3` is 3.
pub fn number(text: &str) -> Result<u32, ApiError> {
    let invalid = || {
        ApiError::new(
            "ValidationError",
            format!(
                "1 validation error detected: Value '{text}' at 'versionId' failed to satisfy constraint: Member must satisfy regular expression pattern: v[1-9][0-9]*(\\.[A-Za-z0-9-]*)?"
            ),
        )
    };
    text.strip_prefix('v')
        .filter(|rest| !rest.starts_with(['0', '+']))
        .and_then(|rest| rest.parse().ok())
        .ok_or_else(invalid)
}
