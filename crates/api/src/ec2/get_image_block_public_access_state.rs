//! ec2:GetImageBlockPublicAccessState. Says whether images may be made public.

use landfall_cloud::View;
use serde::{Deserialize, Serialize};

use super::{disable_image_block_public_access as off, enable_image_block_public_access as on};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetImageBlockPublicAccessState {}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GetImageBlockPublicAccessStateResult {
    image_block_public_access_state: &'static str,
    managed_by: &'static str,
}

impl Read for GetImageBlockPublicAccessState {
    const ACTION: Action = Action::ec2("GetImageBlockPublicAccessState");
    type Output<'v> = GetImageBlockPublicAccessStateResult;

    fn demands(&self, _: &View<'_>, demands: &mut Demands) {
        demands.anything(Self::ACTION);
    }

    fn run(self, look: &mut Look<'_, '_>) -> Result<GetImageBlockPublicAccessStateResult, ApiError> {
        let state = if look.view.image_defaults().blocks_public { on::STATE } else { off::STATE };
        Ok(GetImageBlockPublicAccessStateResult { image_block_public_access_state: state, managed_by: "account" })
    }
}
