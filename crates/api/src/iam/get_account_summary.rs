//! iam:GetAccountSummary. Counts what an account has, and says how much of it it may have.

use std::collections::BTreeMap;

use landfall_cloud::View;
use landfall_cloud::identity::{
    access_key, group, holder, instance_profile, managed_policy, mfa, oidc_provider, role, user,
};
use landfall_model::UniqueId;
use landfall_policy::DocumentKind;
use serde::{Deserialize, Serialize};

use crate::{Action, ApiError, Look, Read};

/// Versions of policies that AWS lets an account have; here the other limits come first.
const VERSIONS: usize = 10_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GetAccountSummary {}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetAccountSummaryResult {
    summary_map: BTreeMap<&'static str, usize>,
}

impl Read for GetAccountSummary {
    const ACTION: Action = Action::iam("GetAccountSummary");
    type Output<'v> = GetAccountSummaryResult;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<GetAccountSummaryResult, ApiError> {
        let summary_map = counted(&look.view).into_iter().chain(limits()).collect();
        Ok(GetAccountSummaryResult { summary_map })
    }
}

/// What the account has.
fn counted(view: &View<'_>) -> Vec<(&'static str, usize)> {
    let root = UniqueId::root(view.scope().account);
    let root = user::by_id(view, &root);
    let root_keys = root.is_some_and(|root| access_key::of(view, root).next().is_some());
    let root_factor = root.is_some_and(|root| mfa::of(view, &root.id).next().is_some());
    vec![
        ("Users", user::all(view).count()),
        ("Groups", group::all(view).count()),
        ("Roles", role::all(view).count()),
        ("Policies", managed_policy::own(view).count()),
        ("PolicyVersionsInUse", managed_policy::own(view).map(|row| row.versions.len()).sum()),
        ("InstanceProfiles", instance_profile::all(view).count()),
        ("MFADevices", mfa::all(view).count()),
        ("MFADevicesInUse", mfa::all(view).filter(|row| row.enabled.is_some()).count()),
        ("AccountMFAEnabled", usize::from(root_factor)),
        ("AccountAccessKeysPresent", usize::from(root_keys)),
        ("Providers", oidc_provider::all(view).count()),
        // Root signs in nowhere, and nobody has certificates.
        ("AccountPasswordPresent", 0),
        ("AccountSigningCertificatesPresent", 0),
        ("ServerCertificates", 0),
    ]
}

/// What it may have.
fn limits() -> [(&'static str, usize); 20] {
    use holder::HolderKind::{Group, Role, User};
    [
        ("UsersQuota", user::LIMIT),
        ("GroupsQuota", group::LIMIT),
        ("RolesQuota", role::LIMIT),
        ("PoliciesQuota", managed_policy::LIMIT),
        ("InstanceProfilesQuota", instance_profile::LIMIT),
        ("VersionsPerPolicyQuota", managed_policy::VERSIONS),
        ("PolicyVersionsInUseQuota", VERSIONS),
        ("GroupsPerUserQuota", user::GROUPS),
        ("AccessKeysPerUserQuota", access_key::LIMIT),
        ("AttachedPoliciesPerUserQuota", holder::ATTACHED),
        ("AttachedPoliciesPerGroupQuota", holder::ATTACHED),
        ("AttachedPoliciesPerRoleQuota", holder::ATTACHED),
        ("UserPolicySizeQuota", User.inline().1),
        ("GroupPolicySizeQuota", Group.inline().1),
        ("RolePolicySizeQuota", Role.inline().1),
        ("PolicySizeQuota", DocumentKind::Managed.size_limit().1),
        ("AssumeRolePolicySizeQuota", DocumentKind::Trust.size_limit().1),
        ("ServerCertificatesQuota", 0),
        ("SigningCertificatesPerUserQuota", 0),
        // Tokens are good in every region.
        ("GlobalEndpointTokenVersion", 2),
    ]
}
