//! Which resources an event is about: ids and names in the parameters and in the answer.

/// A resource of an event.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Resource {
    /// Its type, such as `AWS::EC2::Instance`.
    pub kind: &'static str,
    /// Its id, name or ARN.
    pub name: String,
}

/// More of them aren't told of one event.
const MOST: usize = 32;

/// EC2's types by how ids begin. Source: the CloudFormation User Guide, as are the others.
const BY_ID: &[(&str, &str)] = &[
    ("acl", "AWS::EC2::NetworkAcl"),
    ("ami", "AWS::EC2::Ami"),
    ("cgw", "AWS::EC2::CustomerGateway"),
    ("dopt", "AWS::EC2::DHCPOptions"),
    ("eigw", "AWS::EC2::EgressOnlyInternetGateway"),
    ("eipalloc", "AWS::EC2::EIP"),
    ("eni", "AWS::EC2::NetworkInterface"),
    ("fl", "AWS::EC2::FlowLog"),
    ("i", "AWS::EC2::Instance"),
    ("igw", "AWS::EC2::InternetGateway"),
    ("lt", "AWS::EC2::LaunchTemplate"),
    ("nat", "AWS::EC2::NatGateway"),
    ("pcx", "AWS::EC2::VPCPeeringConnection"),
    ("pl", "AWS::EC2::PrefixList"),
    ("rtb", "AWS::EC2::RouteTable"),
    ("sg", "AWS::EC2::SecurityGroup"),
    ("snap", "AWS::EC2::Snapshot"),
    ("subnet", "AWS::EC2::Subnet"),
    ("tgw", "AWS::EC2::TransitGateway"),
    ("tgw-attach", "AWS::EC2::TransitGatewayAttachment"),
    ("tgw-rtb", "AWS::EC2::TransitGatewayRouteTable"),
    ("vgw", "AWS::EC2::VPNGateway"),
    ("vol", "AWS::EC2::Volume"),
    ("vpc", "AWS::EC2::VPC"),
    ("vpce", "AWS::EC2::VPCEndpoint"),
    ("vpn", "AWS::EC2::VPNConnection"),
];

/// Types by service and the member that names one.
const BY_MEMBER: &[(&str, &str, &str)] = &[
    ("cloudtrail", "name", "AWS::CloudTrail::Trail"),
    ("cloudtrail", "trailARN", "AWS::CloudTrail::Trail"),
    ("cloudtrail", "trailName", "AWS::CloudTrail::Trail"),
    ("ec2", "keyName", "AWS::EC2::KeyPair"),
    ("elasticfilesystem", "accessPointId", "AWS::EFS::AccessPoint"),
    ("elasticfilesystem", "fileSystemId", "AWS::EFS::FileSystem"),
    ("elasticfilesystem", "mountTargetId", "AWS::EFS::MountTarget"),
    ("iam", "accessKeyId", "AWS::IAM::AccessKey"),
    ("iam", "groupName", "AWS::IAM::Group"),
    ("iam", "instanceProfileName", "AWS::IAM::InstanceProfile"),
    ("iam", "policyArn", "AWS::IAM::Policy"),
    ("iam", "roleName", "AWS::IAM::Role"),
    ("iam", "serialNumber", "AWS::IAM::MFADevice"),
    ("iam", "userName", "AWS::IAM::User"),
    ("kms", "aliasName", "AWS::KMS::Alias"),
    ("kms", "keyId", "AWS::KMS::Key"),
    ("secretsmanager", "arn", "AWS::SecretsManager::Secret"),
    ("secretsmanager", "secretId", "AWS::SecretsManager::Secret"),
    ("ssm", "name", "AWS::SSM::Parameter"),
    ("sts", "accessKeyId", "AWS::IAM::AccessKey"),
    ("sts", "roleArn", "AWS::IAM::Role"),
];

/// The type of the resources whose own policies are asked for calls of that service, where records tell of them.
pub(super) fn owned_kind(service: &str) -> Option<&'static str> {
    match service {
        "sts" => Some("AWS::IAM::Role"),
        "kms" => Some("AWS::KMS::Key"),
        "secretsmanager" => Some("AWS::SecretsManager::Secret"),
        _ => None,
    }
}

/// The resources in JSON texts of a call of that service.
pub fn resources(service: &str, texts: &[&str]) -> Vec<Resource> {
    let mut found = Vec::new();
    for text in texts {
        // Pairs of names and texts: a text after a colon belongs to the name before it.
        let mut name = "";
        let mut rest = *text;
        while let Some((begin, end)) = string(rest) {
            let (before, value) = (&rest[..begin - 1], &rest[begin..end]);
            if rest[end + 1..].starts_with(':') {
                name = value;
            } else if before.ends_with([':', ',', '[']) {
                take(&mut found, service, name, value);
            }
            rest = &rest[end + 1..];
            if found.len() == MOST {
                return found;
            }
        }
    }
    found
}

fn take(found: &mut Vec<Resource>, service: &str, member: &str, value: &str) {
    let by_id = || {
        let (kind, digits) = value.rsplit_once('-').filter(|_| service == "ec2")?;
        let is_id = matches!(digits.len(), 8 | 17) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        BY_ID.iter().find(|(begin, _)| is_id && *begin == kind).map(|(_, kind)| *kind)
    };
    let by_member = || {
        let entry = BY_MEMBER.iter().find(|(of, name, _)| *of == service && *name == member);
        entry.map(|(.., kind)| *kind)
    };
    if let Some(kind) = by_id().or_else(by_member)
        && !value.contains('\\')
        && !found.iter().any(|known| known.kind == kind && known.name == value)
    {
        found.push(Resource { kind, name: value.to_owned() });
    }
}

/// Where the next string of a JSON text begins and ends, without its quotation marks.
fn string(text: &str) -> Option<(usize, usize)> {
    let begin = text.find('"')? + 1;
    let bytes = text.as_bytes();
    let mut at = begin;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return Some((begin, at)),
            _ => at += 1,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_names_are_found_once() {
        let parameters =
            r#"{"instancesSet":{"items":[{"instanceId":"i-0123456789abcdef0"}]},"force":false,"x":"a \"i-"}"#;
        let answer = r#"{"vpcId":"vpc-0123456789abcdef0","again":"i-0123456789abcdef0","list":["sg-01234567"],"n":1}"#;
        let names: Vec<_> = resources("ec2", &[parameters, answer]).into_iter().map(|r| (r.kind, r.name)).collect();
        let expected = [
            ("AWS::EC2::Instance", "i-0123456789abcdef0"),
            ("AWS::EC2::VPC", "vpc-0123456789abcdef0"),
            ("AWS::EC2::SecurityGroup", "sg-01234567"),
        ];
        assert_eq!(names, expected.map(|(kind, name)| (kind, name.to_owned())));
        let user = resources("iam", &[r#"{"userName":"alice","path":"/i-0123456789abcdef0"}"#, "null"]);
        assert_eq!(user, [Resource { kind: "AWS::IAM::User", name: "alice".into() }]);
    }
}
