//! kms:VerifyMac. Tells whether a message's code is one that the key made.

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
pub struct VerifyMac {
    message: Blob,
    key_id: String,
    mac_algorithm: MacAlgorithm,
    mac: Blob,
    #[serde(default)]
    grant_tokens: GrantTokens,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct VerifyMacResponse {
    key_id: Arn,
    mac_valid: bool,
    mac_algorithm: MacAlgorithm,
}

impl Read for VerifyMac {
    const ACTION: Action = Action::kms("VerifyMac");
    type Output<'v> = VerifyMacResponse;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        on_key(view, demands, Self::ACTION, &self.key_id).with("kms:MacAlgorithm", self.mac_algorithm);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<VerifyMacResponse, ApiError> {
        check_tokens(&look.view, &self.grant_tokens)?;
        let row = usable(&look.view, &self.key_id, KeyUsage::GenerateVerifyMac)?;
        check_mac(row, self.mac_algorithm, &self.message.0)?;
        let secret = material::open(&look.outside.vault, row)?;
        if !mac::verify(&secret, self.mac_algorithm, &self.message.0, &self.mac.0) {
            return Err(ApiError::new("KMSInvalidMacException", ""));
        }
        Ok(VerifyMacResponse { key_id: row.arn(), mac_valid: true, mac_algorithm: self.mac_algorithm })
    }
}
