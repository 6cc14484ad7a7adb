//! Parameters that AWS has and Landfall doesn't act on: read as whatever they are, and refused by name.

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use crate::error::ApiError;

/// The value of a parameter that is refused if it is there at all.
#[derive(Clone, Copy, Debug)]
pub struct Unsupported;

impl<'de> Deserialize<'de> for Unsupported {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Unsupported)
    }
}

/// Refuses a parameter by its field's name, as the API spells it.
pub fn refuse(field: &str, value: Option<Unsupported>) -> Result<(), ApiError> {
    match value {
        None => Ok(()),
        Some(Unsupported) => Err(ApiError::unsupported(format_args!("the parameter {}", pascal_case(field)))),
    }
}

fn pascal_case(field: &str) -> String {
    let words = field.split('_').map(|word| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_ascii_uppercase() + rest
    });
    words.collect()
}

/// Refuses each of these fields of a request if it is there.
macro_rules! refuse_parameters {
    ($request:expr; $($field:ident),* $(,)?) => {
        $( $crate::unsupported::refuse(stringify!($field), $request.$field)?; )*
    };
}

pub(crate) use refuse_parameters;

/// `{Enabled: false}`: a switch that can only be off.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Off {
    #[serde(default)]
    enabled: bool,
}

/// `{Configured: false}`: another spelling of the same.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Unconfigured {
    #[serde(default)]
    configured: bool,
}

impl Off {
    /// That it is off.
    pub fn check(this: Option<Self>, parameter: &str) -> Result<(), ApiError> {
        check(this.is_some_and(|off| off.enabled), parameter)
    }
}

impl Unconfigured {
    /// That it is off.
    pub fn check(this: Option<Self>, parameter: &str) -> Result<(), ApiError> {
        check(this.is_some_and(|off| off.configured), parameter)
    }
}

fn check(is_on: bool, parameter: &str) -> Result<(), ApiError> {
    if is_on {
        return Err(ApiError::unsupported(format_args!("the value 'true' of the parameter {parameter}")));
    }
    Ok(())
}
