//! s3:ListBuckets. Lists no bucket, for there is none, and tells the account's canonical id.

use landfall_cloud::View;
use landfall_model::Region;
use serde::{Deserialize, Serialize};

use super::canonical_id;
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ListBuckets {
    prefix: Option<String>,
    /// Selects among none.
    bucket_region: Option<Region>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListBucketsOutput {
    /// The element is there though nothing is in it, as in AWS's answer to an account that has none.
    buckets: [(); 0],
    owner: Owner,
    #[serde(skip_serializing_if = "Option::is_none")]
    prefix: Option<String>,
}

#[derive(Serialize)]
struct Owner {
    #[serde(rename = "ID")]
    id: String,
}

impl Read for ListBuckets {
    const ACTION: Action = Action::s3("ListBuckets");
    const PAGE_LIMIT: usize = 10_000;
    type Output<'v> = ListBucketsOutput;

    /// AWS calls the permission by what the operation was called at first.
    fn demands(&self, _: &View<'_>, demands: &mut Demands) {
        demands.anything(Action::s3("ListAllMyBuckets"));
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<ListBucketsOutput, ApiError> {
        if let Some(region) = self.bucket_region
            && region != look.view.scope().region
        {
            let why = "It must be the region that the request is made to.";
            return Err(ApiError::invalid("bucket-region", region, why));
        }
        let nothing = look.page.take(std::iter::empty::<()>(), |()| String::new())?;
        debug_assert!(nothing.is_empty());
        let owner = Owner { id: canonical_id(look.outside, look.view.scope().account) };
        Ok(ListBucketsOutput { buckets: [], owner, prefix: self.prefix })
    }
}
