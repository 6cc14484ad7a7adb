//! What several operations of Parameter Store share: how parameters are demanded, opened and shown.

pub mod filter;
pub mod found;
pub mod tag;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use landfall_cloud::{View, parameter};
use landfall_model::{Parameter, ParameterKind, ParameterVersion, Timestamp};
use landfall_wire::Time;
use serde::Serialize;

use crate::demand::Demand;
use crate::encryption::{self, Context};
use crate::home::Home;
use crate::{Action, ApiError, Demands, Outside};

/// The service, as encryption through it is told.
pub const SERVICE: &str = "ssm";
/// The key that encrypts parameters unless another is asked for.
pub const DEFAULT_KEY: &str = "alias/aws/ssm";

/// The answer of operations that say nothing.
#[derive(Serialize)]
pub struct Nothing {}

/// A time as JSON has it.
pub fn time(at: Timestamp) -> Time {
    Time(at.as_millis())
}

/// What a parameter's ciphertext is bound to.
pub fn context(arn: impl ToString) -> Context {
    Context::from([("PARAMETER_ARN".to_owned(), arn.to_string())])
}

/// The demand of an action on an own parameter of that name, with its tags to look at.
pub fn demand<'d>(view: &View<'_>, demands: &'d mut Demands, action: Action, name: &str) -> &'d mut Demand {
    let name = name.trim();
    let demand = demands.resource(action, parameter::arn(view.scope(), name));
    for (key, value) in view.tags(&parameter::tag_id(name)).into_iter().flatten() {
        demand.with(&format!("aws:ResourceTag/{key}"), value).with(&format!("ssm:resourceTag/{key}"), value);
    }
    demand
}

/// The demand to decrypt a version of a parameter, where it is encrypted.
pub fn demand_open(view: &View<'_>, demands: &mut Demands, row: &Parameter, version: &ParameterVersion) {
    if row.kind == ParameterKind::SecureString {
        let ciphertext = STANDARD.decode(&version.value).unwrap_or_default();
        let arn = parameter::arn(row.scope, &row.name);
        encryption::demand_decrypt(&Home::own(view), demands, SERVICE, &ciphertext, &context(arn));
    }
}

/// The value of a version: opened, or as it is kept.
pub fn value(
    outside: &Outside,
    view: &View<'_>,
    row: &Parameter,
    version: &ParameterVersion,
    decrypts: bool,
) -> Result<String, ApiError> {
    if row.kind != ParameterKind::SecureString || !decrypts {
        return Ok(version.value.clone());
    }
    let ciphertext = STANDARD.decode(&version.value).map_err(|_| ApiError::internal())?;
    let context = context(parameter::arn(row.scope, &row.name));
    let (_, plaintext) = encryption::decrypt(outside, &Home::own(view), &ciphertext, &context).map_err(unusable_key)?;
    String::from_utf8(plaintext).map_err(|_| ApiError::internal())
}

/// A fault of a key, in Parameter Store's terms.
pub fn unusable_key(error: ApiError) -> ApiError {
    if error.status >= 500 {
        return error;
    }
    ApiError::new("InvalidKeyId", format!("The KMS key can't be used ({}): {}", error.code, error.message))
}

/// How many names a request may have.
const NAMES: usize = 10;

/// That a request has one name at least, and no more than it may.
pub fn names(names: &[String]) -> Result<(), ApiError> {
    let bound = match names.len() {
        0 => "greater than or equal to 1",
        1..=NAMES => return Ok(()),
        _ => "less than or equal to 10",
    };
    let message = format!(
        "1 validation error detected: Value '[{}]' at 'names' failed to satisfy constraint: Member must have length {bound}",
        names.join(", ")
    );
    Err(ApiError::new("ValidationException", message))
}

/// That a request has one label at least, and no more than a version may have.
pub fn check_labels(labels: &[String]) -> Result<(), ApiError> {
    if (1..=NAMES).contains(&labels.len()) {
        return Ok(());
    }
    let message = format!(
        "1 validation error detected: Value '[{}]' at 'labels' failed to satisfy constraint: Member must have length between 1 and 10",
        labels.join(", ")
    );
    Err(ApiError::new("ValidationException", message))
}
