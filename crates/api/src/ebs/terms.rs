//! EBS's terms for what any operation may be refused with: a code, and the word for its reason.

use crate::error::ApiError;

const VALIDATION: &str = "ValidationException";

/// The error as EBS tells it. Source: the errors and their reasons in botocore's model.
pub(crate) fn in_terms(mut error: ApiError) -> ApiError {
    let (code, status, reason) = match &*error.code {
        "InvalidSnapshotID.Malformed" => (VALIDATION, 400, "INVALID_SNAPSHOT_ID"),
        "InvalidNextToken" => (VALIDATION, 400, "INVALID_PAGE_TOKEN"),
        "InvalidParameterCombination" | "InvalidParameterValue" | "MissingParameter" | VALIDATION => {
            (VALIDATION, 400, "INVALID_PARAMETER_VALUE")
        }
        "InvalidSnapshot.NotFound" => ("ResourceNotFoundException", 404, "SNAPSHOT_NOT_FOUND"),
        "AccessDeniedException" => ("AccessDeniedException", 403, "UNAUTHORIZED_ACCOUNT"),
        "ThrottlingException" => ("RequestThrottledException", 400, "ACCOUNT_THROTTLED"),
        "InternalError" => {
            error.code = "InternalServerException".into();
            return error;
        }
        "UnsupportedOperation" => {
            error.code = "UnsupportedOperationException".into();
            return error;
        }
        "ServiceUnavailable" => {
            error.code = "ServiceUnavailableException".into();
            return error;
        }
        _ => return error,
    };
    error.code = code.into();
    error.status = status;
    error.reason.get_or_insert(reason);
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_has_its_code_and_its_reason() {
        let told = |error: ApiError| {
            let error = in_terms(error);
            (error.code.into_owned(), error.status, error.reason)
        };
        let validation = |reason| (VALIDATION.to_owned(), 400, Some(reason));
        assert_eq!(told(ApiError::invalid("maxResults", 1, "no")), validation("INVALID_PARAMETER_VALUE"));
        assert_eq!(told(ApiError::new("InvalidNextToken", "no")), validation("INVALID_PAGE_TOKEN"));
        let own = ApiError::new(VALIDATION, "no").with_reason("INVALID_BLOCK_TOKEN");
        assert_eq!(told(own), validation("INVALID_BLOCK_TOKEN"));
        let gone = ("ResourceNotFoundException".to_owned(), 404, Some("SNAPSHOT_NOT_FOUND"));
        assert_eq!(told(ApiError::new("InvalidSnapshot.NotFound", "no")), gone);
        assert_eq!(told(ApiError::internal()), ("InternalServerException".to_owned(), 500, None));
        let full = ApiError::throttled(landfall_wire::Protocol::RestJson);
        assert_eq!(told(full), ("RequestThrottledException".to_owned(), 400, Some("ACCOUNT_THROTTLED")));
    }
}
