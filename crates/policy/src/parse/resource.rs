//! What a `Resource` may be, with IAM's words for what it may not.

use crate::malformed::Malformed;
use crate::variable::split_outside;

const PARTITIONS: [&str; 8] =
    ["aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc"];

const IAM_PATHS: [&str; 13] = [
    "user/",
    "federated-user/",
    "role/",
    "group/",
    "instance-profile/",
    "mfa/",
    "server-certificate/",
    "policy/",
    "sms-mfa/",
    "saml-provider/",
    "oidc-provider/",
    "report/",
    "access-report/",
];

/// Whether there is such a partition.
pub(super) fn is_partition(text: &str) -> bool {
    PARTITIONS.contains(&text)
}

/// Checks one resource. An ARN may stop after any field but the first two: the rest then matches everything.
pub(super) fn check(text: &str) -> Result<(), Malformed> {
    if text == "*" {
        return Ok(());
    }
    let fields = split_outside(text, ':', 6, true);
    let (Some(&scheme), Some(&partition)) = (fields.first(), fields.get(1)) else {
        return Err(Malformed::NotArn(text.to_owned()));
    };
    if partition != "*" && !is_partition(partition) {
        let rest = |at: usize| fields.get(at).copied().filter(|field| !field.is_empty() || fields.len() > 3);
        let completed = [rest(2), rest(3), rest(4), rest(5)].map(|field| field.unwrap_or("*")).join(":");
        return Err(Malformed::Partition {
            partition: partition.to_owned(),
            arn: format!("arn:{partition}:{completed}"),
        });
    }
    if scheme != "arn" {
        return Err(Malformed::NotArn(text.to_owned()));
    }
    let Some(&service) = fields.get(2) else { return Err(Malformed::ResourceVendor) };
    if service.is_empty() {
        return Err(Malformed::Legacy("an ARN without a service"));
    }
    if service.contains(['*', '?', '$']) {
        return Err(Malformed::ResourceVendor);
    }
    if fields.len() < 6 && text.contains("::") {
        return Err(Malformed::Legacy("an ARN with an empty field and too few fields"));
    }
    let has_region = fields.get(3).is_some_and(|region| !region.is_empty());
    let resource = fields.get(5).copied().unwrap_or("*");
    match service {
        "iam" if has_region => Err(Malformed::IamRegion(text.to_owned())),
        "iam" if resource != "*" && !IAM_PATHS.iter().any(|path| resource.starts_with(path)) => Err(Malformed::IamPath),
        "s3" if has_region && !resource.starts_with("accesspoint/") => Err(Malformed::S3Region(text.to_owned())),
        _ => Ok(()),
    }
}
