//! EFS's terms for what any operation may be refused with, and the member of errors that says its code once more.

use crate::error::ApiError;

const BAD_REQUEST: &str = "BadRequest";

/// Codes of EC2's, whose rules EFS shares, with its own.
const CODES: &[(&str, &str)] = &[
    ("AccessDenied", "AccessDeniedException"),
    ("InsufficientFreeAddressesInSubnet", "NoFreeAddressesInSubnet"),
    ("InternalError", "InternalServerError"),
    ("InvalidGroup.NotFound", "SecurityGroupNotFound"),
    ("InvalidGroupId.Malformed", BAD_REQUEST),
    ("InvalidIPAddress.InUse", "IpAddressInUse"),
    ("InvalidNextToken", BAD_REQUEST),
    ("InvalidParameter", BAD_REQUEST),
    ("InvalidParameterCombination", BAD_REQUEST),
    ("InvalidParameterValue", BAD_REQUEST),
    ("InvalidSubnetID.Malformed", BAD_REQUEST),
    ("InvalidSubnetID.NotFound", "SubnetNotFound"),
    ("MissingParameter", BAD_REQUEST),
    ("PrivateIpAddressLimitExceeded", "NetworkInterfaceLimitExceeded"),
    ("SecurityGroupsPerInterfaceLimitExceeded", "SecurityGroupLimitExceeded"),
    ("ServiceUnavailable", "ServiceUnavailableException"),
    ("TagLimitExceeded", BAD_REQUEST),
    ("UnsupportedOperation", BAD_REQUEST),
    ("ValidationException", BAD_REQUEST),
];

/// The error as EFS tells it. Source: the errors in botocore's model.
pub(crate) fn in_terms(mut error: ApiError) -> ApiError {
    if let Some((_, own)) = CODES.iter().find(|(code, _)| *code == error.code) {
        error.code = (*own).into();
    }
    error.status = match &*error.code {
        "AccessPointLimitExceeded" | "FileSystemLimitExceeded" => 403,
        "AccessPointNotFound" | "FileSystemNotFound" | "MountTargetNotFound" | "PolicyNotFound" => 404,
        "AccessPointAlreadyExists"
        | "FileSystemAlreadyExists"
        | "FileSystemInUse"
        | "IncorrectFileSystemLifeCycleState"
        | "IncorrectMountTargetState"
        | "IpAddressInUse"
        | "MountTargetConflict"
        | "NetworkInterfaceLimitExceeded"
        | "NoFreeAddressesInSubnet" => 409,
        "ThrottlingException" | "TooManyRequests" => 429,
        _ => error.status,
    };
    error.members.push(("ErrorCode", error.code.to_string()));
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_has_its_code_twice_and_its_status() {
        let told = |error: ApiError| {
            let error = in_terms(error);
            assert_eq!(error.members.last().unwrap(), &("ErrorCode", error.code.to_string()));
            (error.code.into_owned(), error.status)
        };
        assert_eq!(told(ApiError::invalid("Path", 1, "no")), (BAD_REQUEST.to_owned(), 400));
        assert_eq!(told(ApiError::new("InvalidParameter", "no")), (BAD_REQUEST.to_owned(), 400));
        assert_eq!(told(ApiError::new("FileSystemNotFound", "no")), ("FileSystemNotFound".to_owned(), 404));
        assert_eq!(told(ApiError::new("InvalidIPAddress.InUse", "no")), ("IpAddressInUse".to_owned(), 409));
        assert_eq!(told(ApiError::internal()), ("InternalServerError".to_owned(), 500));
        let full = ApiError::throttled(landfall_wire::Protocol::RestJson);
        assert_eq!(told(full), ("ThrottlingException".to_owned(), 429));
    }
}
