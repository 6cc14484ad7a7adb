//! How often each operation may be called, as AWS does it.
//!
//! EC2: "Request throttling for the Amazon EC2 API", whose categories each action belongs to by its name unless it is listed
//! with a rate of its own; each action has a bucket of its own. STS: "IAM and AWS STS quotas". KMS: "Request quotas", with
//! what its cryptographic operations share. SSM and Secrets Manager: "endpoints and quotas". For IAM, and for what these
//! pages leave out, AWS publishes nothing: there the rates are ours, at which none of its tools is slowed down.

use landfall_wire::Tree;

use super::bucket::Rate;
use crate::operation::Action;

/// What one call takes from a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Which of the bucket's owner's.
    pub bucket: Bucket,
    /// How it fills.
    pub rate: Rate,
    /// How many tokens.
    pub tokens: u32,
}

/// A bucket of an account in a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bucket {
    /// Of requests of an action, or of several that share it under a name of their own.
    Requests(&'static str, &'static str),
    /// Of requests of an action that name neither a filter nor a page.
    Unfiltered(&'static str),
    /// Of the resources that requests of an action are about.
    Resources(&'static str),
}

const NON_MUTATING: Rate = Rate::new(100, 20);
const UNFILTERED: Rate = Rate::new(50, 10);
const MUTATING: Rate = Rate::new(50, 5);

/// "Unfiltered and unpaginated non-mutating actions".
const COSTLY_UNFILTERED: &[&str] = &[
    "DescribeInstanceStatus",
    "DescribeInstances",
    "DescribeNetworkInterfaces",
    "DescribeSecurityGroups",
    "DescribeSnapshots",
    "DescribeSpotInstanceRequests",
    "DescribeVolumes",
];

/// EC2's actions with rates of their own ("Uncategorized actions"), sorted by name. Resource-intensive ones have the rate of
/// mutating ones and aren't listed.
const EC2: &[(&str, Rate)] = &[
    ("AssignIpv6Addresses", Rate::new(100, 5)),
    ("AssignPrivateIpAddresses", Rate::new(100, 5)),
    ("AssociateIamInstanceProfile", Rate::new(100, 5)),
    ("CopyImage", Rate::new(100, 1)),
    ("CreateDefaultSubnet", Rate::new(1, 1)),
    ("CreateDefaultVpc", Rate::new(1, 1)),
    ("CreateLaunchTemplateVersion", Rate::new(100, 5)),
    ("CreateNatGateway", Rate::new(10, 1)),
    ("CreateNetworkInterface", Rate::new(100, 5)),
    ("CreateSnapshot", Rate::new(100, 5)),
    ("CreateSnapshots", Rate::new(100, 5)),
    ("CreateSubnetCidrReservation", Rate::new(5, 1)),
    ("CreateTags", Rate::new(100, 10)),
    ("CreateVpcEndpoint", Rate::one_in_ms(4, 3_333)),
    ("DeleteTags", Rate::new(100, 10)),
    ("DeregisterImage", Rate::new(100, 5)),
    ("DescribeInstanceTopology", Rate::new(1, 1)),
    ("DescribeMovingAddresses", Rate::new(1, 1)),
    ("DisassociateIamInstanceProfile", Rate::new(100, 5)),
    ("ModifyImageAttribute", Rate::new(100, 5)),
    ("ModifyInstanceMetadataOptions", Rate::new(100, 5)),
    ("ModifyLaunchTemplate", Rate::new(100, 5)),
    ("ModifyNetworkInterfaceAttribute", Rate::new(100, 5)),
    ("ModifySnapshotAttribute", Rate::new(100, 5)),
    ("ModifyVpcEndpoint", Rate::one_in_ms(4, 3_333)),
    ("MoveAddressToVpc", Rate::new(1, 1)),
    ("RegisterImage", Rate::new(100, 5)),
    ("ReplaceIamInstanceProfileAssociation", Rate::new(100, 5)),
    ("RunInstances", Rate::new(5, 2)),
    ("StartInstances", Rate::new(5, 2)),
    ("TerminateInstances", Rate::new(100, 5)),
    ("UnassignPrivateIpAddresses", Rate::new(100, 5)),
];

/// "Resource token limits".
const EC2_RESOURCES: &[(&str, Rate)] = &[
    ("RunInstances", Rate::new(1_000, 2)),
    ("StartInstances", Rate::new(1_000, 2)),
    ("StopInstances", Rate::new(1_000, 20)),
    ("TerminateInstances", Rate::new(1_000, 20)),
];

/// KMS's actions with rates of their own, a second; "Cryptographic operations" share theirs.
const KMS: &[(&str, u32)] = &[
    ("CancelKeyDeletion", 5),
    ("CreateAlias", 5),
    ("CreateGrant", 50),
    ("CreateKey", 5),
    ("DeleteAlias", 15),
    ("DeleteImportedKeyMaterial", 15),
    ("DescribeKey", 2_000),
    ("DisableKey", 5),
    ("DisableKeyRotation", 5),
    ("EnableKey", 5),
    ("EnableKeyRotation", 15),
    ("GetKeyPolicy", 1_000),
    ("GetKeyRotationStatus", 1_000),
    ("GetPublicKey", 2_000),
    ("ImportKeyMaterial", 15),
    ("ListAliases", 500),
    ("ListGrants", 100),
    ("ListKeyPolicies", 100),
    ("ListKeyRotations", 100),
    ("ListKeys", 500),
    ("ListResourceTags", 2_000),
    ("ListRetirableGrants", 100),
    ("PutKeyPolicy", 15),
    ("RetireGrant", 50),
    ("RevokeGrant", 50),
    ("RotateKeyOnDemand", 5),
    ("ScheduleKeyDeletion", 15),
    ("TagResource", 10),
    ("UntagResource", 5),
    ("UpdateAlias", 5),
    ("UpdateKeyDescription", 5),
];

/// What a call costs: of requests, and of resources where these count too.
pub fn costs(action: Action, input: &Tree) -> [Option<Cost>; 2] {
    let one = |bucket, rate| Some(Cost { bucket, rate, tokens: 1 });
    let (service, name) = (action.service, action.name);
    match service {
        "ec2" => ec2(name, input),
        "iam" if is_read(name) => [one(Bucket::Requests(service, name), Rate::new(200, 50)), None],
        "iam" => [one(Bucket::Requests(service, name), Rate::new(100, 20)), None],
        "sts" => [one(Bucket::Requests(service, "all"), Rate::new(600, 600)), None],
        "kms" => [Some(kms(name)), None],
        "ssm" if name.starts_with("GetParameter") => [one(Bucket::Requests(service, "get"), Rate::new(40, 40)), None],
        "ssm" => [one(Bucket::Requests(service, name), Rate::new(20, 10)), None],
        "secretsmanager" if matches!(name, "DescribeSecret" | "GetSecretValue") => {
            [one(Bucket::Requests(service, "get"), Rate::new(10_000, 10_000)), None]
        }
        "secretsmanager" => [one(Bucket::Requests(service, name), Rate::new(50, 50)), None],
        // The provider's own operations.
        "landfall" => [None, None],
        _ => [one(Bucket::Requests(service, name), Rate::new(100, 20)), None],
    }
}

fn is_read(name: &str) -> bool {
    ["Describe", "Get", "List", "Search", "Simulate"].iter().any(|start| name.starts_with(start))
}

fn of(table: &[(&str, Rate)], name: &str) -> Option<Rate> {
    table.binary_search_by(|(known, _)| (*known).cmp(name)).ok().map(|at| table[at].1)
}

fn ec2(name: &'static str, input: &Tree) -> [Option<Cost>; 2] {
    let is_narrow = |member: &str| matches!(member, "Filter" | "MaxResults" | "NextToken") || member.ends_with("Id");
    let is_unfiltered = || match input {
        Tree::Map(members) => !members.iter().any(|(member, _)| is_narrow(member)),
        _ => true,
    };
    let (bucket, rate) = match of(EC2, name) {
        Some(rate) => (Bucket::Requests("ec2", name), rate),
        None if COSTLY_UNFILTERED.contains(&name) && is_unfiltered() => (Bucket::Unfiltered(name), UNFILTERED),
        None if is_read(name) => (Bucket::Requests("ec2", name), NON_MUTATING),
        None => (Bucket::Requests("ec2", name), MUTATING),
    };
    let resources = of(EC2_RESOURCES, name).map(|rate| {
        let tokens = if name == "RunInstances" { number(input, "MaxCount") } else { length(input, "InstanceId") };
        Cost { bucket: Bucket::Resources(name), rate, tokens: tokens.max(1) }
    });
    [Some(Cost { bucket, rate, tokens: 1 }), resources]
}

/// What isn't a number is refused later, with its own words.
fn number(input: &Tree, name: &str) -> u32 {
    input.field(name).and_then(Tree::as_text).and_then(|text| text.parse().ok()).unwrap_or(1)
}

fn length(input: &Tree, name: &str) -> u32 {
    match input.field(name) {
        Some(Tree::List(items)) => u32::try_from(items.len()).unwrap_or(u32::MAX),
        Some(Tree::Map(items)) => u32::try_from(items.len()).unwrap_or(u32::MAX),
        _ => 1,
    }
}

fn kms(name: &'static str) -> Cost {
    let cost = |name, rate| Cost { bucket: Bucket::Requests("kms", name), rate, tokens: 1 };
    match KMS.binary_search_by(|(known, _)| (*known).cmp(name)) {
        Ok(at) => cost(name, Rate::new(KMS[at].1, KMS[at].1)),
        Err(_) if name == "GetParametersForImport" => cost(name, Rate::one_in_ms(1, 4_000)),
        Err(_) if name.starts_with("GenerateDataKeyPair") => cost("key pairs", Rate::new(25, 25)),
        Err(_) if matches!(name, "DeriveSharedSecret" | "Sign" | "Verify") => {
            cost("asymmetric", Rate::new(1_000, 1_000))
        }
        Err(_) => cost("symmetric", Rate::new(20_000, 20_000)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_searched_is_sorted() {
        assert!(EC2.is_sorted_by_key(|row| row.0) && EC2_RESOURCES.is_sorted_by_key(|row| row.0));
        assert!(KMS.is_sorted_by_key(|row| row.0));
    }

    #[test]
    fn each_category_has_its_bucket() {
        let read = |query: &str| landfall_wire::decode_query_string(query).unwrap().input;
        let first =
            |action: &'static str, query: &str| costs(Action::ec2(action), &read(&format!("Action=A&{query}")))[0];
        let requests = |name, rate| Some(Cost { bucket: Bucket::Requests("ec2", name), rate, tokens: 1 });
        assert_eq!(first("DescribeVpcs", ""), requests("DescribeVpcs", NON_MUTATING));
        assert_eq!(first("CreateVpc", ""), requests("CreateVpc", MUTATING));
        assert_eq!(first("RunInstances", ""), requests("RunInstances", Rate::new(5, 2)));
        let unfiltered = Some(Cost { bucket: Bucket::Unfiltered("DescribeVolumes"), rate: UNFILTERED, tokens: 1 });
        assert_eq!(first("DescribeVolumes", ""), unfiltered);
        for narrow in ["Filter.1.Name=a", "MaxResults=5", "NextToken=x", "VolumeId.1=vol-1"] {
            assert_eq!(first("DescribeVolumes", narrow), requests("DescribeVolumes", NON_MUTATING), "{narrow}");
        }
        let resources = |action, query: &str| costs(Action::ec2(action), &read(query))[1].unwrap().tokens;
        assert_eq!(resources("RunInstances", "Action=A&MaxCount=40&MinCount=1"), 40);
        assert_eq!(resources("StopInstances", "Action=A&InstanceId.1=i-1&InstanceId.2=i-2"), 2);
        assert_eq!(resources("RunInstances", "Action=A&MaxCount=many"), 1);
    }
}
