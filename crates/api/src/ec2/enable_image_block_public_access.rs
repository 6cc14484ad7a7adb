//! ec2:EnableImageBlockPublicAccess. Lets no image be made public any more.

use landfall_cloud::image::change;
use landfall_cloud::{Tx, View};
use serde::{Deserialize, Serialize};

use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct EnableImageBlockPublicAccess {
    image_block_public_access_state: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EnableImageBlockPublicAccessResult {
    image_block_public_access_state: &'static str,
}

/// What the answer says.
pub(super) const STATE: &str = "block-new-sharing";

impl Write for EnableImageBlockPublicAccess {
    const ACTION: Action = Action::ec2("EnableImageBlockPublicAccess");
    type Output<'t> = EnableImageBlockPublicAccessResult;

    fn demands(&self, _: &View<'_>, demands: &mut Demands) {
        demands.anything(Self::ACTION);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<EnableImageBlockPublicAccessResult, ApiError> {
        if self.image_block_public_access_state != STATE {
            let why = format!("It is '{STATE}'.");
            return Err(ApiError::invalid("ImageBlockPublicAccessState", &self.image_block_public_access_state, why));
        }
        change::block_public(tx, true);
        Ok(EnableImageBlockPublicAccessResult { image_block_public_access_state: STATE })
    }
}
