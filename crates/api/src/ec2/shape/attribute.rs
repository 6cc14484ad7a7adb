//! Attributes that are changed and shown one at a time, each wrapped in a `Value`.

use serde::{Deserialize, Serialize};

use crate::demand::Demand;
use crate::error::ApiError;

/// An attribute's value in a request.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ValueIn<T> {
    pub value: T,
}

/// An attribute's value in an answer.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ValueOut<T> {
    pub value: T,
}

/// Refuses a switch that can only be as it is.
pub fn only(parameter: &str, value: Option<ValueIn<bool>>, is: bool) -> Result<(), ApiError> {
    match value {
        Some(ValueIn { value }) if value != is => {
            Err(ApiError::unsupported(format_args!("the value '{value}' of the parameter {parameter}")))
        }
        _ => Ok(()),
    }
}

/// Attributes that a request may change, each with the text of its new value if it is to change.
pub type Given = Vec<(&'static str, Option<String>)>;

/// That a request changes exactly one attribute.
pub fn exactly_one(given: &Given) -> Result<(), ApiError> {
    match given.iter().filter(|(_, value)| value.is_some()).count() {
        1 => Ok(()),
        0 => Err(ApiError::new("MissingParameter", "The request must contain an attribute to modify.")),
        _ => Err(ApiError::combination("Fields for multiple attribute types specified")),
    }
}

/// Lets conditions look at the attribute that a request changes.
pub fn show_attribute(demand: &mut Demand, given: &Given) {
    for (name, value) in given {
        if let Some(value) = value {
            demand.with("ec2:Attribute", name).with(&format!("ec2:Attribute/{name}"), value);
        }
    }
}
