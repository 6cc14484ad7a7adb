//! secretsmanager:ListSecretVersionIds. Lists the versions of a secret, from the oldest.

use landfall_cloud::View;
use landfall_cloud::secret::{self, version};
use landfall_model::{Arn, SecretVersion};
use landfall_wire::Time;
use serde::{Deserialize, Serialize};

use super::shape::{demand, home, time};
use crate::{Action, ApiError, Demands, Look, Read};

/// What the service's own key is called here.
const OWN_KEY: &str = "DefaultEncryptionKey";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListSecretVersionIds {
    secret_id: String,
    #[serde(default)]
    include_deprecated: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListSecretVersionIdsResult<'v> {
    versions: Vec<VersionShape<'v>>,
    #[serde(rename = "ARN")]
    arn: Arn,
    name: &'v str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct VersionShape<'v> {
    version_id: &'v str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    version_stages: Vec<&'v str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_accessed_date: Option<Time>,
    created_date: Time,
    kms_key_ids: [&'v str; 1],
}

impl Read for ListSecretVersionIds {
    const ACTION: Action = Action::secretsmanager("ListSecretVersionIds");
    const PAGE_LIMIT: usize = 100;
    type Output<'v> = ListSecretVersionIdsResult<'v>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, &self.secret_id);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<ListSecretVersionIdsResult<'v>, ApiError> {
        let home = home(&look.view, &self.secret_id);
        let row = secret::need_alive(home.view(), &self.secret_id)?;
        let is_shown = |version: &&SecretVersion| self.include_deprecated || !version.stages.is_empty();
        let mut versions: Vec<_> = version::all(home.view(), &row.name).filter(is_shown).collect();
        let place = |version: &&SecretVersion| format!("{:020}:{}", version.created_at.as_millis(), version.id);
        versions.sort_by_key(place);
        look.page.bound(Self::PAGE_LIMIT);
        let versions = look.page.take(versions, place)?.into_iter().map(shape).collect();
        Ok(ListSecretVersionIdsResult { versions, arn: row.arn(), name: &row.name })
    }
}

fn shape(version: &SecretVersion) -> VersionShape<'_> {
    VersionShape {
        version_id: &version.id,
        version_stages: version.stages.iter().map(String::as_str).collect(),
        last_accessed_date: version.accessed_at.map(time),
        created_date: time(version.created_at),
        kms_key_ids: [version.kms_key.as_deref().unwrap_or(OWN_KEY)],
    }
}
