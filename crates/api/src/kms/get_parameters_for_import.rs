//! kms:GetParametersForImport. Gives out a public key to wrap material with, and the token that goes with it.

use std::time::Duration;

use landfall_cloud::kms::import::check_wrapping;
use landfall_cloud::{Tx, View};
use landfall_model::Arn;
use landfall_model::kms::{WrappingAlgorithm, WrappingKeySpec};
use landfall_wire::{Blob, Time};
use serde::{Deserialize, Serialize};

use super::crypto::material;
use super::shape::demand::on_key;
use super::shape::import_token::ImportToken;
use super::shape::key::own;
use super::shape::time;
use crate::{Action, ApiError, Call, Demands, Outside};

/// How long a token is good. Source: the KMS API Reference, GetParametersForImport.
const GOOD: Duration = Duration::from_secs(86_400);

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetParametersForImport {
    key_id: String,
    wrapping_algorithm: WrappingAlgorithm,
    wrapping_key_spec: WrappingKeySpec,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetParametersForImportResponse {
    key_id: Arn,
    import_token: Blob,
    public_key: Blob,
    parameters_valid_to: Time,
}

impl Call for GetParametersForImport {
    const ACTION: Action = Action::kms("GetParametersForImport");
    type Made = GetParametersForImportResponse;
    type Output<'t> = GetParametersForImportResponse;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let demand = on_key(view, demands, Self::ACTION, &self.key_id);
        demand.with("kms:WrappingAlgorithm", self.wrapping_algorithm);
        demand.with("kms:WrappingKeySpec", self.wrapping_key_spec);
    }

    async fn effect(&self, outside: &Outside, view: View<'_>) -> Result<GetParametersForImportResponse, ApiError> {
        let (algorithm, spec) = (self.wrapping_algorithm, self.wrapping_key_spec);
        let row = own(&view, &self.key_id)?;
        check_wrapping(row, algorithm, spec)?;
        let made = material::aside(move || Ok(material::make(spec.spec())?)).await?;
        let until = view.now() + GOOD;
        let token = ImportToken::new(row, algorithm, spec, until, made.secret);
        Ok(GetParametersForImportResponse {
            key_id: row.arn(),
            import_token: token.seal(&outside.vault)?,
            public_key: made.public_key.unwrap_or_default().into(),
            parameters_valid_to: time(until),
        })
    }

    fn run(self, made: Self::Made, tx: &mut Tx<'_, '_>) -> Result<GetParametersForImportResponse, ApiError> {
        check_wrapping(own(&tx.view(), &self.key_id)?, self.wrapping_algorithm, self.wrapping_key_spec)?;
        Ok(made)
    }
}
