//! The way a request came: to the one path that there is, by a method that has a meaning, for a version of its service's
//! API that exists. What came another way was meant for somebody else.

use http::Method;

use crate::error::ApiError;
use crate::gateway::HttpRequest;

/// The versions of EC2's API that AWS's tools have spoken since 2014. All that they send is also in the newest, in which
/// they are answered. Source: botocore's models.
const EC2: &[&str] =
    &["2014-09-01", "2014-10-01", "2015-03-01", "2015-04-15", "2015-10-01", "2016-04-01", "2016-09-15", "2016-11-15"];
const STS: &[&str] = &["2011-06-15"];
const IAM: &[&str] = &["2010-05-08"];

/// What `X-Amz-Target` begins with, by the service that speaks JSON. CloudTrail has two spellings. Source: botocore's
/// models.
const TARGETS: &[(&str, &[&str])] = &[
    ("cloudtrail", &["CloudTrail_20131101", "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101"]),
    ("kms", &["TrentService"]),
    ("secretsmanager", &["secretsmanager"]),
    ("ssm", &["AmazonSSM"]),
];

/// That a request was sent to `/`, by `GET` or `POST`.
pub(crate) fn check(request: &HttpRequest<'_>) -> Result<(), ApiError> {
    if ![Method::GET, Method::POST].iter().any(|method| method.as_str() == request.method) {
        let message = format!("The method {} is not allowed; it is GET or POST.", request.method);
        return Err(ApiError::new("MethodNotAllowed", message).with_status(405));
    }
    if !matches!(request.path, "/" | "") {
        let message = format!("There is nothing at {}; requests go to /.", request.path);
        return Err(ApiError::new("UnknownOperationException", message).with_status(404));
    }
    Ok(())
}

/// Parameters of a request among which its action is looked for.
const SEARCHED: usize = 1_000;

/// What a request that can't be read calls its action, as far as it says so anywhere; otherwise how it came. It is good for
/// being shown, and nothing else.
pub(crate) fn name(request: &HttpRequest<'_>) -> String {
    let target = request.headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    let of_target = target.and_then(|target| target.rsplit('.').next());
    let pairs = [request.query.as_bytes(), request.body].into_iter().flat_map(|text| text.split(|byte| *byte == b'&'));
    let of_pairs = || pairs.take(SEARCHED).find_map(|pair| std::str::from_utf8(pair.strip_prefix(b"Action=")?).ok());
    match of_target.or_else(of_pairs).filter(|name| !name.is_empty()) {
        Some(name) => name.to_owned(),
        None => format!("{}:{}", request.method, request.path),
    }
}

/// That the query of a request with a body says nothing but what the body says: which of two actions was meant nobody knows.
/// Parameters of a signature belong to no action.
pub(crate) fn check_query(request: &HttpRequest<'_>, action: &str, version: Option<&str>) -> Result<(), ApiError> {
    if request.body.is_empty() {
        return Ok(());
    }
    let said = |pair: &str| match pair.split_once('=') {
        Some(("Action", value)) => value == action,
        Some(("Version", value)) => Some(value) == version,
        _ => pair.is_empty() || pair.starts_with("X-Amz-"),
    };
    match request.query.split('&').find(|pair| !said(pair)) {
        None => Ok(()),
        Some(pair) => {
            let name: String = pair.split('=').next().unwrap_or_default().chars().take(64).collect();
            let message = format!("The query string has {name}, and the request a body which has its parameters.");
            Err(ApiError::new("MalformedQueryString", message).with_status(404))
        }
    }
}

/// That a version, if one is named, is one of the service's. A service that isn't there is named by another error.
pub(crate) fn check_version(service: &str, version: Option<&str>) -> Result<(), ApiError> {
    let (name, known) = match service {
        "ec2" => ("AmazonEC2", EC2),
        "iam" => ("AWSIdentityManagementV20100508", IAM),
        "sts" => ("AWSSecurityTokenService", STS),
        _ => return Ok(()),
    };
    match version {
        Some(version) if !known.contains(&version) => {
            let message = format!("The requested version ({version}) of service {name} does not exist");
            Err(ApiError::new("NoSuchVersion", message))
        }
        _ => Ok(()),
    }
}

/// That a target, but for the action that it ends in, is the service's: a request that was meant for another one must not
/// be taken for this one's. A service that isn't there is named by another error.
pub(crate) fn check_target(service: &str, prefix: Option<&str>) -> Result<(), ApiError> {
    let known = TARGETS.iter().find(|(name, _)| *name == service);
    match known {
        Some((_, known)) if !prefix.is_some_and(|prefix| known.contains(&prefix)) => {
            let message = format!("The target is not one of {service}: it begins with {}.", known[0]);
            Err(ApiError::new("UnknownOperationException", message))
        }
        _ => Ok(()),
    }
}
