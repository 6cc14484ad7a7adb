//! What dispatch takes out of a request before its operation sees it, by service: dry run, client token, page.

use std::fmt::Display;

use landfall_wire::{Refusal, Tree};

use crate::error::ApiError;
use crate::operation::{Action, Operation};

/// Names of the fields that dispatch handles, in a service's own spelling.
struct Names {
    dry_run: Option<&'static str>,
    client_token: &'static str,
    max_results: &'static str,
    next_token: &'static str,
    /// How the next page's token is called in an answer.
    next_token_out: &'static str,
}

const EC2: Names = Names {
    dry_run: Some("DryRun"),
    client_token: "ClientToken",
    max_results: "MaxResults",
    next_token: "NextToken",
    next_token_out: "nextToken",
};

const STS: Names = Names {
    dry_run: None,
    client_token: "ClientToken",
    max_results: "MaxItems",
    next_token: "Marker",
    next_token_out: "Marker",
};

const KMS: Names = Names {
    dry_run: Some("DryRun"),
    client_token: "ClientToken",
    max_results: "Limit",
    next_token: "Marker",
    next_token_out: "NextMarker",
};

const JSON: Names = Names {
    dry_run: None,
    client_token: "ClientToken",
    max_results: "MaxResults",
    next_token: "NextToken",
    next_token_out: "NextToken",
};

/// EFS's older operations that come in pages.
const EFS: Names = Names {
    dry_run: None,
    client_token: "ClientToken",
    max_results: "MaxItems",
    next_token: "Marker",
    next_token_out: "NextMarker",
};

const S3: Names = Names {
    dry_run: None,
    client_token: "ClientToken",
    max_results: "max-buckets",
    next_token: "continuation-token",
    next_token_out: "ContinuationToken",
};

fn names(action: Action) -> &'static Names {
    match action.service {
        "elasticfilesystem" if crate::efs::has_markers(action.name) => &EFS,
        "elasticfilesystem" => &JSON,
        "ec2" => &EC2,
        "kms" => &KMS,
        "cloudtrail" | "secretsmanager" | "ssm" => &JSON,
        "s3" => &S3,
        _ => &STS,
    }
}

/// The flag by which an answer of that service says that there are more pages, besides the token of the next.
pub(crate) fn more_name(service: &str) -> Option<&'static str> {
    match service {
        "iam" => Some("IsTruncated"),
        "kms" => Some("Truncated"),
        _ => None,
    }
}

/// How the next page's token is called in an answer of that service.
pub(crate) fn next_token_name(action: Action) -> &'static str {
    names(action).next_token_out
}

/// What was taken out of a request.
#[derive(Debug, Default)]
pub(crate) struct Prologue {
    pub(crate) dry_run: bool,
    pub(crate) client_token: Option<String>,
    pub(crate) max_results: Option<usize>,
    pub(crate) next_token: Option<String>,
}

impl Prologue {
    /// Takes the common fields out of an input, as far as its operation has them.
    pub(crate) fn take(operation: &Operation, input: &mut Tree) -> Result<Self, ApiError> {
        let names = names(operation.action);
        let mut prologue = Self::default();
        if let Some(name) = names.dry_run
            && let Some(value) = text(input, name)?
        {
            prologue.dry_run = match value.to_ascii_lowercase().as_str() {
                "true" => true,
                "false" => false,
                _ => return Err(ApiError::invalid(name, value, "It is true or false.")),
            };
        }
        if operation.client_token {
            prologue.client_token = text(input, names.client_token)?.filter(|token| !token.is_empty());
        }
        if operation.paged {
            prologue.next_token = text(input, names.next_token)?.filter(|token| !token.is_empty());
            if let Some(value) = text(input, names.max_results)? {
                let number = value.parse().ok().filter(|number| *number > 0);
                let refuse = || bad_page(operation.action, &value, Bound::Least(1));
                prologue.max_results = Some(number.ok_or_else(refuse)?);
            }
        }
        Ok(prologue)
    }
}

/// What a page's size misses.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bound {
    /// The least.
    Least(usize),
    /// The most.
    Most(usize),
}

/// The refusal of a page's size, in the words of the service: EC2's, or those of its validation.
pub(crate) fn bad_page(action: Action, value: impl Display, bound: Bound) -> ApiError {
    let names = names(action);
    if names.next_token_out == STS.next_token_out {
        let (side, number) = match bound {
            Bound::Least(least) => ("greater", least),
            Bound::Most(most) => ("less", most),
        };
        let message = format!(
            "1 validation error detected: Value '{value}' at 'maxItems' failed to satisfy constraint: Member must have value {side} than or equal to {number}"
        );
        return ApiError::new("ValidationError", message);
    }
    match bound {
        Bound::Least(1) => ApiError::invalid(names.max_results, value, "Expecting a number greater than 0."),
        Bound::Least(least) => {
            let why = format_args!("Expecting a value greater than {least}.");
            ApiError::invalid("maxResults", value, why)
        }
        Bound::Most(most) => ApiError::invalid("maxResults", value, format_args!("Expecting at most {most}.")),
    }
}

/// The longest list that anything that changes the value takes. Source: the EC2 API Reference, whose longest ones these are.
const LIST: usize = 1_000;

/// Refuses lists that no operation takes, before all of their elements are looked up in a transaction: everybody waits
/// for those.
pub(crate) fn check_lists(input: &Tree) -> Result<(), ApiError> {
    match input {
        Tree::List(list) if list.len() > LIST => {
            let message = format!("A list of this request has {} elements; there can be {LIST}.", list.len());
            Err(Refusal::new("InvalidParameterValue", message).into())
        }
        Tree::List(list) => list.iter().try_for_each(check_lists),
        Tree::Map(members) => members.iter().try_for_each(|(_, value)| check_lists(value)),
        _ => Ok(()),
    }
}

fn text(input: &mut Tree, name: &str) -> Result<Option<String>, ApiError> {
    match input.take(name) {
        None | Some(Tree::Null) => Ok(None),
        Some(Tree::Text(text)) => Ok(Some(text.to_string())),
        Some(Tree::Bool(value)) => Ok(Some(value.to_string())),
        Some(Tree::Number(number)) => Ok(Some(number.to_string())),
        Some(_) => Err(Refusal::new("InvalidParameterValue", format!("The parameter {name} takes one value")).into()),
    }
}
