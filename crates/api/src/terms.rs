//! A service's own terms for what any operation may be refused with.
//!
//! Dispatch and the rules say these things once, in EC2's words, since EC2 has a word for each. Services that speak JSON
//! have codes of their own, and clients match on those: what is translated here needs no thought in an operation.

use crate::error::ApiError;

/// Codes of EC2's, each with those of the services that speak JSON.
struct Term {
    ec2: &'static str,
    kms: &'static str,
    ssm: &'static str,
    secretsmanager: &'static str,
    cloudtrail: &'static str,
}

const fn term(ec2: &'static str, [kms, ssm, secretsmanager, cloudtrail]: [&'static str; 4]) -> Term {
    Term { ec2, kms, ssm, secretsmanager, cloudtrail }
}

const fn alike(ec2: &'static str, all: &'static str) -> Term {
    term(ec2, [all; 4])
}

/// What is invalid, in the services' words. Source: the lists of errors in botocore's models.
const INVALID: [&str; 4] =
    ["ValidationException", "ValidationException", "InvalidParameterException", "InvalidParameterCombinationException"];

const TERMS: &[Term] = &[
    term("InvalidParameterValue", INVALID),
    term("InvalidParameterCombination", INVALID),
    term("MissingParameter", INVALID),
    term(
        "UnsupportedOperation",
        [
            "UnsupportedOperationException",
            "UnsupportedOperationException",
            "InvalidRequestException",
            "UnsupportedOperationException",
        ],
    ),
    term(
        "InvalidNextToken",
        ["InvalidMarkerException", "InvalidNextToken", "InvalidNextTokenException", "InvalidNextTokenException"],
    ),
    term(
        "TagLimitExceeded",
        ["TagException", "TooManyTagsError", "LimitExceededException", "TagsLimitExceededException"],
    ),
    term("InternalError", ["KMSInternalException", "InternalServerError", "InternalServiceError", "InternalFailure"]),
    alike("DryRunOperation", "DryRunOperationException"),
    alike("ServiceUnavailable", "ServiceUnavailableException"),
];

/// What S3 calls an invalid argument.
const S3_INVALID: [&str; 4] =
    ["InvalidNextToken", "InvalidParameterCombination", "InvalidParameterValue", "MissingParameter"];

/// The error as that service tells it.
pub(crate) fn of_service(service: Option<&str>, mut error: ApiError) -> ApiError {
    if service == Some("s3") && S3_INVALID.contains(&error.code.as_ref()) {
        error.code = "InvalidArgument".into();
        return error;
    }
    if service == Some("dlm") {
        return crate::dlm::in_terms(error);
    }
    if service == Some("ebs") {
        return crate::ebs::in_terms(error);
    }
    if service == Some(crate::efs::SERVICE) {
        return crate::efs::in_terms(error);
    }
    if service == Some("iam") && error.code == "InvalidNextToken" {
        return ApiError::new("ValidationError", "Invalid Marker.");
    }
    let Some(term) = TERMS.iter().find(|term| term.ec2 == error.code) else { return error };
    error.code = match service {
        Some("kms") => term.kms,
        Some("ssm") => term.ssm,
        Some("secretsmanager") => term.secretsmanager,
        Some("cloudtrail") => term.cloudtrail,
        _ => return error,
    }
    .into();
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_have_terms_of_their_own() {
        let code = |service| of_service(service, ApiError::missing("KeyId")).code;
        assert_eq!(code(Some("kms")), "ValidationException");
        assert_eq!(code(Some("secretsmanager")), "InvalidParameterException");
        assert_eq!(code(Some("ec2")), "MissingParameter");
        assert_eq!(code(Some("s3")), "InvalidArgument");
        assert_eq!(code(None), "MissingParameter");
        let marker = of_service(Some("iam"), ApiError::new("InvalidNextToken", "no"));
        assert_eq!((&*marker.code, &*marker.message), ("ValidationError", "Invalid Marker."));
        let own = ApiError::new("NotFoundException", "no");
        assert_eq!(of_service(Some("kms"), own.clone()), own);
    }
}
