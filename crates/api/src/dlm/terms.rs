//! Data Lifecycle Manager's terms for what any operation may be refused with.

use crate::error::ApiError;

/// The error as the service tells it. Source: the errors in botocore's model.
pub(crate) fn in_terms(mut error: ApiError) -> ApiError {
    let (code, status) = match &*error.code {
        "InvalidParameterCombination"
        | "InvalidParameterValue"
        | "MissingParameter"
        | "UnsupportedOperation"
        | "ValidationException" => ("InvalidRequestException", 400),
        "ResourceNotFoundException" => ("ResourceNotFoundException", 404),
        "LimitExceededException" | "TagLimitExceeded" => ("LimitExceededException", 429),
        "AccessDeniedException" => ("AccessDeniedException", 403),
        "ThrottlingException" => ("ThrottlingException", 429),
        "InternalError" => ("InternalServerException", 500),
        "ServiceUnavailable" => ("ServiceUnavailableException", 503),
        _ => return error,
    };
    error.code = code.into();
    error.status = status;
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_has_its_code_and_its_status() {
        let told = |code: &'static str| {
            let error = in_terms(ApiError::new(code, "no"));
            (error.code.into_owned(), error.status)
        };
        assert_eq!(told("InvalidParameterValue"), ("InvalidRequestException".to_owned(), 400));
        assert_eq!(told("UnsupportedOperation"), ("InvalidRequestException".to_owned(), 400));
        assert_eq!(told("ResourceNotFoundException"), ("ResourceNotFoundException".to_owned(), 404));
        assert_eq!(told("LimitExceededException"), ("LimitExceededException".to_owned(), 429));
        assert_eq!(told("InternalError"), ("InternalServerException".to_owned(), 500));
        assert_eq!(told("Blocked"), ("Blocked".to_owned(), 400));
    }
}
