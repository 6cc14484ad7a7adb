//! s3:GetBucketLocation. Tells where a bucket is: in whichever region it is asked for, since its folder is in none.

use landfall_cloud::View;
use landfall_model::Region;
use landfall_wire::ElementText;
use serde::Deserialize;

use super::bucket;
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GetBucketLocation {
    #[serde(rename = "Bucket")]
    bucket: String,
    #[serde(rename = "x-amz-expected-bucket-owner")]
    expected_owner: Option<String>,
}

impl Read for GetBucketLocation {
    const ACTION: Action = Action::s3("GetBucketLocation");
    type Output<'v> = ElementText;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        bucket::demand(view, demands, "GetBucketLocation", &self.bucket, None);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<ElementText, ApiError> {
        bucket::owner(&look.view, &self.bucket, self.expected_owner.as_deref())?;
        let region = look.view.scope().region;
        // The first region has no name here, as it has had none since there was but one.
        Ok(ElementText(if region == Region::DEFAULT { "" } else { region.name() }))
    }
}
