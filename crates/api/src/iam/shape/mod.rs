//! Shapes that several operations of IAM share.

pub mod demand;
pub mod document;
pub mod group;
pub mod holder;
pub mod login;
pub mod mfa;
pub mod policy;
pub mod profile;
pub mod qr_code;
pub mod role;
pub mod simulation;
pub mod ssh_public_key;
pub mod tag;
pub mod user;

use landfall_model::{Arn, Timestamp};
use landfall_wire::Time;
use serde::Serialize;

use crate::ApiError;

/// The answer of operations that say nothing.
#[derive(Serialize)]
pub struct Nothing {}

/// What bounds a user or role.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct BoundaryShape<'v> {
    permissions_boundary_type: &'static str,
    permissions_boundary_arn: &'v Arn,
}

/// The boundary of a row.
pub fn boundary(arn: &Arn) -> BoundaryShape<'_> {
    BoundaryShape { permissions_boundary_type: "Policy", permissions_boundary_arn: arn }
}

/// A time as IAM writes it.
pub fn time(at: Timestamp) -> Time {
    Time(at.as_millis())
}

/// Where something stands, if it isn't said.
pub fn root() -> String {
    "/".into()
}

/// Reads an ARN of a policy.
pub fn policy_arn(text: &str) -> Result<Arn, ApiError> {
    let invalid = || ApiError::new("InvalidInput", format!("ARN {text} is not valid."));
    text.parse().map_err(|_| invalid())
}
