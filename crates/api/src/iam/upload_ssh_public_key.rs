//! iam:UploadSSHPublicKey. Gives a user an RSA key to show to services that speak SSH.

use landfall_cloud::identity::{ssh_public_key, user};
use landfall_cloud::{Tx, View};
use serde::{Deserialize, Serialize};

use super::shape::demand::user_demand;
use super::shape::ssh_public_key::{KeyShape, shown};
use crate::ec2::key_material::PublicKey;
use crate::{Action, ApiError, Demands, Write};

/// The fewest bytes of a modulus: IAM takes no RSA key of less than 2048 bits.
const MODULUS_BYTES: usize = 256;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct UploadSSHPublicKey {
    user_name: String,
    #[serde(rename = "SSHPublicKeyBody")]
    body: String,
}

#[derive(Serialize)]
pub struct UploadSSHPublicKeyResult<'t> {
    #[serde(rename = "SSHPublicKey")]
    key: KeyShape<'t>,
}

impl Write for UploadSSHPublicKey {
    const ACTION: Action = Action::iam("UploadSSHPublicKey");
    type Output<'t> = UploadSSHPublicKeyResult<'t>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        user_demand(view, demands, Self::ACTION, &self.user_name);
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<UploadSSHPublicKeyResult<'t>, ApiError> {
        let user = user::need(&tx.view(), &self.user_name)?.id.clone();
        let unknown = || {
            ApiError::new(
                "UnrecognizedPublicKeyEncoding",
                "The public key encoding format is unsupported or unrecognized.",
            )
        };
        let key = PublicKey::parse(self.body.as_bytes()).ok_or_else(unknown)?;
        match &key {
            PublicKey::Rsa { modulus, .. } if modulus.len() >= MODULUS_BYTES => {}
            _ => {
                let message = "The public key is malformed or otherwise invalid: it is RSA of at least 2048 bits.";
                return Err(ApiError::new("InvalidPublicKey", message));
            }
        }
        let body = self.body.trim();
        // The comment is part of the body.
        let line = if body.starts_with("ssh-rsa ") { body.to_owned() } else { key.to_openssh("").trim().to_owned() };
        let id = ssh_public_key::add(tx, &user, line, key.fingerprint())?;
        let row = user::need(&tx.view(), &self.user_name)?;
        let key = ssh_public_key::need(row, id.as_str())?;
        Ok(UploadSSHPublicKeyResult { key: shown(row, key, key.body.clone()) })
    }
}
