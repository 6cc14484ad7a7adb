//! ec2:DisableImageBlockPublicAccess. Lets images be made public again.

use landfall_cloud::image::change;
use landfall_cloud::{Tx, View};
use serde::{Deserialize, Serialize};

use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DisableImageBlockPublicAccess {}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DisableImageBlockPublicAccessResult {
    image_block_public_access_state: &'static str,
}

/// What the answer says.
pub(super) const STATE: &str = "unblocked";

impl Write for DisableImageBlockPublicAccess {
    const ACTION: Action = Action::ec2("DisableImageBlockPublicAccess");
    type Output<'t> = DisableImageBlockPublicAccessResult;

    fn demands(&self, _: &View<'_>, demands: &mut Demands) {
        demands.anything(Self::ACTION);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<DisableImageBlockPublicAccessResult, ApiError> {
        change::block_public(tx, false);
        Ok(DisableImageBlockPublicAccessResult { image_block_public_access_state: STATE })
    }
}
