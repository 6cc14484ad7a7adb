//! What the operations that take a role share: the demand of its trust policy, and that it was used.

use std::collections::BTreeMap;

use landfall_cloud::identity::{home, role};
use landfall_cloud::value::Principals;
use landfall_cloud::{Tx, View};
use landfall_model::{AccountId, Arn, Principal, PrincipalKind, RoleUse, TrustPolicy, UniqueId};
use serde::Serialize;

use crate::demand::{Demand, Owned, Veil};
use crate::{Action, ApiError, Demands};

/// How fine a role's last use is kept, in milliseconds.
const USE_MS: i64 = 15 * 60 * 1000;

/// Who a session of a role is.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AssumedRoleUser {
    /// The role's unique id with the session's name.
    pub assumed_role_id: String,
    /// The session's ARN.
    pub arn: Arn,
}

/// Refuses what can't be a role's ARN.
pub fn check_role_arn(arn: &str) -> Result<(), ApiError> {
    let invalid = |message: String| Err(ApiError::new("ValidationError", message));
    let side = match arn.chars().count() {
        0..20 => "greater than or equal to 20",
        2049.. => "less than or equal to 2048",
        _ if arn.parse::<Arn>().is_ok_and(|arn| arn.account().is_some()) => return Ok(()),
        _ => return invalid(format!("{arn} is invalid")),
    };
    let shown: String = arn.chars().take(2048).collect();
    invalid(format!(
        "1 validation error detected: Value '{shown}' at 'roleArn' failed to satisfy constraint: Member must have length {side}"
    ))
}

/// Whoever takes a role must be let by the role's trust policy; one that isn't there lets nobody.
pub fn trust_demand<'d>(view: &View<'_>, demands: &'d mut Demands, action: Action, role_arn: &str) -> &'d mut Demand {
    let arn: Option<Arn> = role_arn.parse().ok();
    let row = arn.as_ref().and_then(|arn| role::by_arn(view.tables(), arn));
    let trust = row.and_then(Principal::role).map(|role| role.trust.clone());
    let account = arn.and_then(|arn| arn.account());
    let resource_tags = row.map(|row| tags_of(view, row)).unwrap_or_default();
    let is_foreign = account != Some(demands.account());
    let demand = demands.resource(action, role_arn);
    demand.veil = is_foreign.then_some(Veil::Role);
    let nobody = r#"{"Statement":[{"Effect":"Allow","Principal":{"Service":"nobody.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    demand.owned = Some(Owned {
        policy: trust.unwrap_or_else(|| TrustPolicy::of(nobody)),
        owner: account.as_ref().map(AccountId::to_string).unwrap_or_default(),
        required: true,
    });
    for (key, value) in resource_tags {
        demand.with(&format!("aws:ResourceTag/{key}"), &value).with(&format!("iam:ResourceTag/{key}"), &value);
    }
    demand
}

/// Notes that a role was taken now.
pub fn note_use(tx: &mut Tx<'_, '_>, role: &UniqueId) {
    let (at, region) = (tx.now(), tx.scope().region);
    let used = tx.principals.get(role).and_then(Principal::role).and_then(|role| role.last_used);
    if used.is_none_or(|used| used.at.as_millis() + USE_MS <= at.as_millis()) {
        tx.update::<Principals, _>(role, |row| {
            if let PrincipalKind::Role(role) = &mut row.kind {
                role.last_used = Some(RoleUse { at, region });
            }
        });
    }
}

fn tags_of(view: &View<'_>, row: &Principal) -> BTreeMap<String, String> {
    let at_home = View::new(view.tables(), home(row.account), view.now());
    at_home.tags(row.id.as_str()).cloned().unwrap_or_default()
}
