//! secretsmanager:GetSecretValue. Shows the value of a secret: of the version that counts, or of another.

use landfall_cloud::secret::{self, version};
use landfall_cloud::{Tx, View};
use landfall_model::Arn;
use landfall_wire::{Blob, Time};
use serde::{Deserialize, Serialize};

use super::shape::plain::{Plain, demand_open};
use super::shape::{at_home, demand, home, time};
use crate::{Action, ApiError, Call, Demands, Outside};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetSecretValue {
    secret_id: String,
    version_id: Option<String>,
    version_stage: Option<String>,
}

/// A value that was read.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ValueShape {
    #[serde(rename = "ARN")]
    arn: Arn,
    name: String,
    version_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_binary: Option<Blob>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_string: Option<String>,
    version_stages: Vec<String>,
    created_date: Time,
}

impl Call for GetSecretValue {
    const ACTION: Action = Action::secretsmanager("GetSecretValue");
    type Made = ValueShape;
    type Output<'t> = ValueShape;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand_read(view, demands, &self.secret_id, self.version_id.as_deref(), self.version_stage.as_deref());
    }

    async fn effect(&self, outside: &Outside, view: View<'_>) -> Result<ValueShape, ApiError> {
        read(outside, &view, &self.secret_id, self.version_id.as_deref(), self.version_stage.as_deref())
    }

    fn run(self, made: ValueShape, tx: &mut Tx<'_, '_>) -> Result<ValueShape, ApiError> {
        made.touch(tx, &self.secret_id);
        Ok(made)
    }
}

/// The demand to read a version of a secret, and to decrypt it.
pub fn demand_read(view: &View<'_>, demands: &mut Demands, id: &str, version_id: Option<&str>, stage: Option<&str>) {
    let own = demand(view, demands, GetSecretValue::ACTION, id);
    if let Some(version_id) = version_id {
        own.with("secretsmanager:VersionId", version_id);
    }
    // The stage that counts is meant where none is named.
    if let Some(stage) = stage.or(version_id.is_none().then_some(version::CURRENT)) {
        own.with("secretsmanager:VersionStage", stage);
    }
    let home = home(view, id);
    if let Ok(row) = secret::need_alive(home.view(), id)
        && let Ok(version) = version::pick(home.view(), &row.name, version_id, stage)
    {
        demand_open(&home, demands, row, version);
    }
}

/// Reads a version of a secret.
pub fn read(
    outside: &Outside,
    view: &View<'_>,
    id: &str,
    version_id: Option<&str>,
    stage: Option<&str>,
) -> Result<ValueShape, ApiError> {
    let home = home(view, id);
    let row = secret::need_alive(home.view(), id)?;
    let version = version::pick(home.view(), &row.name, version_id, stage)?;
    let asker = view.scope().account;
    let (secret_string, secret_binary) = Plain::open(outside, asker, &home, row, version)?.members()?;
    Ok(ValueShape {
        arn: row.arn(),
        name: row.name.clone(),
        version_id: version.id.clone(),
        secret_binary,
        secret_string,
        version_stages: version.stages.iter().cloned().collect(),
        created_date: time(version.created_at),
    })
}

impl ValueShape {
    /// Notes that it was read, by that name or ARN.
    pub fn touch(&self, tx: &mut Tx<'_, '_>, id: &str) {
        version::touch(&mut at_home(tx, id), &self.name, &self.version_id);
    }

    /// Its ARN.
    pub fn arn(&self) -> &Arn {
        &self.arn
    }
}
