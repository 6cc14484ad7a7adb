//! iam:GetSSHPublicKey. Shows a user's public key, as OpenSSH or as PEM has it.

use landfall_cloud::View;
use landfall_cloud::identity::{ssh_public_key, user};
use serde::{Deserialize, Serialize};

use super::shape::demand::user_demand;
use super::shape::ssh_public_key::{KeyShape, shown};
use crate::ec2::key_material::PublicKey;
use crate::{Action, ApiError, Demands, Look, Read};

/// The form of a key.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
enum Encoding {
    #[serde(rename = "SSH")]
    Ssh,
    #[serde(rename = "PEM")]
    Pem,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetSSHPublicKey {
    user_name: String,
    #[serde(rename = "SSHPublicKeyId")]
    id: String,
    encoding: Encoding,
}

#[derive(Serialize)]
pub struct GetSSHPublicKeyResult<'v> {
    #[serde(rename = "SSHPublicKey")]
    key: KeyShape<'v>,
}

impl Read for GetSSHPublicKey {
    const ACTION: Action = Action::iam("GetSSHPublicKey");
    type Output<'v> = GetSSHPublicKeyResult<'v>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        user_demand(view, demands, Self::ACTION, &self.user_name);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<GetSSHPublicKeyResult<'v>, ApiError> {
        let row = user::need(&look.view, &self.user_name)?;
        let key = ssh_public_key::need(row, &self.id)?;
        let body = match self.encoding {
            Encoding::Ssh => key.body.clone(),
            Encoding::Pem => {
                let read = PublicKey::parse(key.body.as_bytes()).and_then(|key| key.to_pem());
                read.ok_or_else(ApiError::internal)?
            }
        };
        Ok(GetSSHPublicKeyResult { key: shown(row, key, body) })
    }
}
