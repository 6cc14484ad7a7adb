//! Why a rule of parameters says no, in AWS's sentences where they are known.

/// Why a rule of parameters says no.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParameterFault {
    /// There is none of that name.
    #[error("Parameter {0} not found.")]
    NoSuch(String),
    /// It has no such version or label.
    #[error("Systems Manager could not find version {selector} of {name}. Verify the version and try again.")]
    NoSuchVersion {
        /// The parameter.
        name: String,
        /// The version's number or label.
        selector: String,
    },
    /// The name is taken.
    #[error("The parameter already exists. To overwrite this value, set the overwrite option in the request to true.")]
    Exists,
    /// A name, value or combination that isn't taken.
    #[error("{0}")]
    Invalid(String),
    /// A name that only the provider's parameters have.
    #[error("No access to reserved parameter name: {0}.")]
    Reserved(String),
    /// More levels than a name may have.
    #[error("The hierarchy of a parameter's name can have a maximum of {0} levels.")]
    Levels(usize),
    /// Another kind of value than the parameter has.
    #[error("The type of a parameter can't be changed. Create a new, unique parameter instead.")]
    Kind,
    /// A regular expression that isn't one.
    #[error("The allowed pattern is not a valid regular expression.")]
    Pattern,
    /// A value that the parameter's pattern doesn't allow.
    #[error("Parameter value, cannot be validated against allowedPattern: {0}")]
    Mismatch(String),
    /// Labels are in the way of the oldest version, which would have to go.
    #[error(
        "You attempted to create a new version of {name} by calling the PutParameter API with the overwrite flag. Version {version}, the oldest version, can't be deleted because it has a label associated with it. Move the label to another version of the parameter, and try again."
    )]
    Versions {
        /// The parameter.
        name: String,
        /// The oldest version.
        version: u64,
    },
    /// A version has as many labels as it may have.
    #[error(
        "A parameter version can have maximum 10 labels. Move one or more labels to another version and try again."
    )]
    Labels,
    /// The account has as many as it may have.
    #[error("You have reached the maximum number of {0} parameters for this account and Region.")]
    Limit(&'static str),
    /// Too many policies.
    #[error("You specified more than the maximum number of allowed policies for the parameter. The maximum is {0}.")]
    Policies(usize),
    /// A policy of a type that there isn't.
    #[error("The policy type {0} isn't supported.")]
    PolicyType(String),
    /// A policy whose attributes aren't taken.
    #[error("{0}")]
    PolicyAttribute(String),
    /// Policies that don't go together.
    #[error("{0}")]
    PolicyConflict(String),
}
