//! kms:GenerateRandom. Gives random bytes of the system's.

use landfall_cloud::View;
use landfall_cloud::kms::KmsFault;
use landfall_wire::Blob;
use serde::{Deserialize, Serialize};

use super::shape::data_key::check_length;
use crate::unsupported::{Unsupported, refuse_parameters};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GenerateRandom {
    number_of_bytes: Option<usize>,
    custom_key_store_id: Option<Unsupported>,
    recipient: Option<Unsupported>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GenerateRandomResponse {
    plaintext: Blob,
}

impl Read for GenerateRandom {
    const ACTION: Action = Action::kms("GenerateRandom");
    type Output<'v> = GenerateRandomResponse;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demands.anything(Self::ACTION).with("kms:CallerAccount", view.scope().account);
    }

    fn run<'v>(self, _: &mut Look<'v, '_>) -> Result<GenerateRandomResponse, ApiError> {
        refuse_parameters!(self; custom_key_store_id, recipient);
        let unsaid = || KmsFault::Validation("NumberOfBytes is required.".into());
        let mut plaintext = vec![0; check_length(self.number_of_bytes.ok_or_else(unsaid)?)?];
        aws_lc_rs::rand::fill(&mut plaintext).map_err(|_| ApiError::internal())?;
        Ok(GenerateRandomResponse { plaintext: plaintext.into() })
    }
}
