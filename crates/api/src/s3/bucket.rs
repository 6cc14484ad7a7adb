//! What is asked of every call about a bucket: that it is there, and whose it is.

use landfall_cloud::View;
use landfall_model::{AccountId, TrustPolicy};

use crate::demand::{Demand, Owned};
use crate::{Action, ApiError, Demands};

/// The policy of every bucket: nobody puts any, so that other accounts are let in by none.
const NOBODY: &str = r#"{"Statement":[{"Effect":"Allow","Principal":{"Service":"nobody.amazonaws.com"},"Action":"s3:*","Resource":"*"}]}"#;

/// Demands an action on a bucket, or on what is in it by that key.
pub(crate) fn demand<'d>(
    view: &View<'_>,
    demands: &'d mut Demands,
    action: &'static str,
    bucket: &str,
    key: Option<&str>,
) -> &'d mut Demand {
    let arn = match key {
        Some(key) => format!("arn:aws:s3:::{bucket}/{key}"),
        None => format!("arn:aws:s3:::{bucket}"),
    };
    let demand = demands.resource(Action::s3(action), arn);
    if let Some(owner) = view.provider().bucket_owner(bucket) {
        demand.owned = Some(Owned { policy: TrustPolicy::of(NOBODY), owner: owner.to_string(), required: false });
    }
    demand
}

/// Whose a bucket is that a call has been let at. Who expects somebody else's is refused.
pub(super) fn owner(view: &View<'_>, bucket: &str, expected: Option<&str>) -> Result<AccountId, ApiError> {
    let owner = view.provider().bucket_owner(bucket).ok_or_else(no_such_bucket)?;
    match expected {
        Some(expected) if expected != owner.to_string() => Err(denied()),
        _ => Ok(owner),
    }
}

/// A bucket that isn't there, or whose folder isn't.
pub(super) fn no_such_bucket() -> ApiError {
    ApiError::new("NoSuchBucket", "The specified bucket does not exist").with_status(404)
}

/// A call that isn't allowed, and learns no more.
pub(super) fn denied() -> ApiError {
    ApiError::new("AccessDenied", "Access Denied").with_status(403)
}

/// What a bucket's folder can't be read for.
pub(super) fn unreadable(bucket: &str, error: &std::io::Error) -> ApiError {
    tracing::warn!(%error, bucket, "the folder of a bucket can't be read");
    match error.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => no_such_bucket(),
        _ => ApiError::internal(),
    }
}
