//! Why a request isn't believed, and what its sender is told.
//!
//! The families differ: EC2 says `AuthFailure` to nearly everything, the query services and the JSON services
//! have codes of their own. Codes from "Common errors" of each API reference; sentences as the services say them.

use crate::{Protocol, Refusal};

/// A request that isn't believed. The variants after [`AuthError::SignatureMismatch`] are for the callers, who
/// know which keys and regions there are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// Nothing is signed.
    #[error("Request is missing Authentication Token")]
    MissingToken,
    /// Both the header and the query string claim to hold the signature.
    #[error("Only one authentication mechanism is allowed")]
    TwoPlaces,
    /// Another scheme than `AWS4-HMAC-SHA256`.
    #[error("Unsupported AWS 'algorithm': only AWS4-HMAC-SHA256 is supported")]
    UnsupportedAlgorithm,
    /// A part of the authorization that is absent.
    #[error("Authorization header requires '{0}' parameter.")]
    MissingPart(&'static str),
    /// A part that isn't `name=value`, is unknown or comes twice.
    #[error("Invalid key=value pair (missing equal-sign or repeated) in Authorization header.")]
    MalformedPart,
    /// A credential that isn't of five parts with a date among them.
    #[error("Credential must have at least 5 slash-separated elements with a valid date.")]
    MalformedCredential,
    /// A credential scope that ends otherwise.
    #[error("Credential should be scoped with a valid terminator: 'aws4_request'.")]
    WrongTerminator,
    /// A list of signed headers that isn't sorted, repeats a name, or names none.
    #[error("SignedHeaders must be a sorted list of distinct header names in lower case.")]
    MalformedSignedHeaders,
    /// A signature that isn't 64 hexadecimal digits.
    #[error("Signature must be 64 hexadecimal digits.")]
    MalformedSignature,
    /// A header that may come once only came more often.
    #[error("The header '{0}' is given more than once.")]
    RepeatedHeader(&'static str),
    /// A header's value has characters that it can't have.
    #[error("The header '{0}' has characters that are not allowed.")]
    UnreadableHeader(&'static str),
    /// Neither `X-Amz-Date` nor `Date`.
    #[error("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")]
    MissingDate,
    /// A date that is none.
    #[error("Date must be in ISO-8601 'basic format'.")]
    BadDate,
    /// A presigned request that is valid for longer than a week, or for no time that can be read.
    #[error("X-Amz-Expires must be a number of seconds of at most a week.")]
    BadExpiry,
    /// The day in the scope isn't that of the request.
    #[error(
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{scope_date}' != '{request_date}'."
    )]
    DateMismatch {
        /// The day in the credential scope.
        scope_date: String,
        /// The day of the request's own date.
        request_date: String,
    },
    /// A header that the signature has to cover.
    #[error("'{0}' must be a 'SignedHeader' in the AWS Authorization.")]
    UnsignedHeader(String),
    /// A header that was signed and isn't there.
    #[error("The signed header '{0}' is not in the request.")]
    AbsentHeader(String),
    /// More parameters than are looked at.
    #[error("The query string has too many parameters.")]
    TooManyParameters,
    /// A way of signing the body that isn't supported for this service.
    #[error("The value '{0}' of x-amz-content-sha256 is not supported.")]
    UnsupportedPayload(String),
    /// The body isn't the one of `X-Amz-Content-Sha256`.
    #[error("The provided 'x-amz-content-sha256' header does not match what was computed.")]
    PayloadMismatch,
    /// Signed too long ago.
    #[error("Signature expired: {signed_at} is now earlier than {oldest} ({now} - 15 min.)")]
    Expired {
        /// When it was signed.
        signed_at: String,
        /// When it would have to have been.
        oldest: String,
        /// Now.
        now: String,
    },
    /// Signed in the future.
    #[error("Signature not yet current: {signed_at} is still later than {newest} ({now} + 15 min.)")]
    NotYetCurrent {
        /// When it was signed.
        signed_at: String,
        /// When it could have been at the latest.
        newest: String,
        /// Now.
        now: String,
    },
    /// Another secret, or another request.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
    )]
    SignatureMismatch,
    /// No such access key, or one that isn't active.
    #[error("The security token included in the request is invalid.")]
    UnknownAccessKey,
    /// A session token that isn't the key's, or is absent where the key needs one.
    #[error("The security token included in the request is invalid.")]
    InvalidSessionToken,
    /// A session that is over.
    #[error("The security token included in the request is expired")]
    ExpiredSessionToken,
    /// A scope for a region that isn't served.
    #[error("Credential should be scoped to a valid region.")]
    WrongRegion,
    /// A scope for a service that isn't served.
    #[error("Credential should be scoped to correct service: '{0}'.")]
    WrongService(String),
}

/// What errors are alike in all families.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Missing,
    Incomplete,
    Stale,
    Mismatch,
    UnknownKey,
    ExpiredToken,
}

impl AuthError {
    /// What the client is told, in the terms of its protocol.
    pub fn refusal(&self, protocol: Protocol) -> Refusal {
        let class = self.class();
        match protocol {
            Protocol::Ec2Query => self.ec2_refusal(class),
            Protocol::Query => {
                let (code, status) = match class {
                    Class::Missing => ("MissingAuthenticationToken", 403),
                    Class::Incomplete => ("IncompleteSignature", 400),
                    Class::Stale | Class::Mismatch => ("SignatureDoesNotMatch", 403),
                    Class::UnknownKey => ("InvalidClientTokenId", 403),
                    Class::ExpiredToken => ("ExpiredToken", 403),
                };
                Refusal::new(code, self.to_string()).with_status(status)
            }
            Protocol::Json10 | Protocol::Json11 | Protocol::RestJson => {
                let status = if protocol == Protocol::RestJson { 403 } else { 400 };
                let code = match class {
                    Class::Missing => {
                        return Refusal::new("MissingAuthenticationTokenException", "Missing Authentication Token")
                            .with_status(status);
                    }
                    Class::Incomplete => "IncompleteSignatureException",
                    Class::Stale | Class::Mismatch => "InvalidSignatureException",
                    Class::UnknownKey => "UnrecognizedClientException",
                    Class::ExpiredToken => "ExpiredTokenException",
                };
                Refusal::new(code, self.to_string()).with_status(status)
            }
            Protocol::RestXml => {
                let (code, status) = match class {
                    Class::Missing => ("AccessDenied", 403),
                    Class::Incomplete => ("AuthorizationHeaderMalformed", 400),
                    Class::Stale => ("RequestTimeTooSkewed", 403),
                    Class::Mismatch => ("SignatureDoesNotMatch", 403),
                    Class::UnknownKey => ("InvalidAccessKeyId", 403),
                    Class::ExpiredToken => ("ExpiredToken", 400),
                };
                Refusal::new(code, self.to_string()).with_status(status)
            }
        }
    }

    /// Whether whoever sent it tried to prove who he is, and couldn't: what is malformed or late isn't such an attempt.
    pub fn is_failed_proof(&self) -> bool {
        matches!(self.class(), Class::Mismatch | Class::UnknownKey)
    }

    fn ec2_refusal(&self, class: Class) -> Refusal {
        match class {
            Class::Missing => Refusal::new("MissingAuthenticationToken", self.to_string()).with_status(403),
            Class::Incomplete => Refusal::new("IncompleteSignature", self.to_string()),
            Class::Stale | Class::ExpiredToken => Refusal::new("RequestExpired", "Request has expired."),
            Class::Mismatch | Class::UnknownKey => {
                let message = "AWS was not able to validate the provided access credentials";
                Refusal::new("AuthFailure", message).with_status(401)
            }
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::MissingToken => Class::Missing,
            Self::TwoPlaces
            | Self::UnsupportedAlgorithm
            | Self::MissingPart(_)
            | Self::MalformedPart
            | Self::MalformedCredential
            | Self::MalformedSignedHeaders
            | Self::MalformedSignature
            | Self::RepeatedHeader(_)
            | Self::UnreadableHeader(_)
            | Self::MissingDate
            | Self::BadDate
            | Self::BadExpiry
            | Self::TooManyParameters => Class::Incomplete,
            Self::Expired { .. } | Self::NotYetCurrent { .. } => Class::Stale,
            Self::WrongTerminator
            | Self::DateMismatch { .. }
            | Self::UnsignedHeader(_)
            | Self::AbsentHeader(_)
            | Self::UnsupportedPayload(_)
            | Self::PayloadMismatch
            | Self::SignatureMismatch
            | Self::WrongRegion
            | Self::WrongService(_) => Class::Mismatch,
            Self::UnknownAccessKey | Self::InvalidSessionToken => Class::UnknownKey,
            Self::ExpiredSessionToken => Class::ExpiredToken,
        }
    }
}
