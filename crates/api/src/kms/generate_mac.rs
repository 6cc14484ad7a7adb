//! kms:GenerateMac. Makes the code of a message that authenticates it.

use landfall_cloud::View;
use landfall_model::Arn;
use landfall_model::kms::{KeyUsage, MacAlgorithm};
use landfall_wire::Blob;
use serde::{Deserialize, Serialize};

use super::crypto::{mac, material};
use super::shape::demand::on_key;
use super::shape::grant_token::{GrantTokens, check_tokens};
use super::shape::key::{check_mac, usable};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GenerateMac {
    message: Blob,
    key_id: String,
    mac_algorithm: MacAlgorithm,
    #[serde(default)]
    grant_tokens: GrantTokens,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GenerateMacResponse {
    mac: Blob,
    mac_algorithm: MacAlgorithm,
    key_id: Arn,
}

impl Read for GenerateMac {
    const ACTION: Action = Action::kms("GenerateMac");
    type Output<'v> = GenerateMacResponse;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        on_key(view, demands, Self::ACTION, &self.key_id).with("kms:MacAlgorithm", self.mac_algorithm);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<GenerateMacResponse, ApiError> {
        check_tokens(&look.view, &self.grant_tokens)?;
        let row = usable(&look.view, &self.key_id, KeyUsage::GenerateVerifyMac)?;
        check_mac(row, self.mac_algorithm, &self.message.0)?;
        let secret = material::open(&look.outside.vault, row)?;
        let code = mac::generate(&secret, self.mac_algorithm, &self.message.0);
        Ok(GenerateMacResponse { mac: code.into(), mac_algorithm: self.mac_algorithm, key_id: row.arn() })
    }
}
