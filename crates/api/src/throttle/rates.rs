//! How often each operation may be called, as AWS does it.
//!
//! Sources, read in 2026: for EC2 the Developer Guide, "Request throttling for the Amazon EC2 API", by whose categories each
//! action that isn't among [`super::uncategorized`] has a bucket of its own; for KMS the Developer Guide, "Request quotas",
//! whose quotas a second are both the size of a bucket and what it gets back in a second; for STS the IAM User Guide, "IAM and
//! AWS STS quotas": 600 requests a second of an account in a region, whatever they ask. The quotas of SSM, Secrets
//! Manager and EBS's direct APIs are from memory of their pages "endpoints and quotas", which weren't at hand. IAM has no published rates, nor has S3 for
//! its one operation: there the rates are ours, at which none of AWS's tools is slowed down.

use landfall_model::Region;
use landfall_model::kms::SpecFamily;
use landfall_wire::Tree;

use super::bucket::Rate;
use super::uncategorized::EC2;
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

/// "Cryptographic operations (RSA)", and the same of "(ECC)".
const ASYMMETRIC: Rate = Rate::new(1_000, 1_000);
const NON_MUTATING: Rate = Rate::new(100, 20);
const UNFILTERED: Rate = Rate::new(50, 10);
/// Of resource-intensive ones, too.
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

/// "Resource token bucket sizes and refill rates".
const EC2_RESOURCES: &[(&str, Rate)] = &[
    ("RunInstances", Rate::new(1_000, 2)),
    ("StartInstances", Rate::new(1_000, 2)),
    ("StopInstances", Rate::new(1_000, 20)),
    ("TerminateInstances", Rate::new(1_000, 20)),
];

/// KMS's actions with rates of their own, a second. "Cryptographic operations" share theirs.
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
    ("GetKeyLastUsage", 5),
    ("GetKeyPolicy", 1_000),
    ("GetKeyRotationStatus", 1_000),
    ("GetParametersForImport", 1),
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

/// Of what kind a key of KMS is that a request calls so, as far as that is known.
pub type FamilyOf<'f> = &'f dyn Fn(&str) -> Option<SpecFamily>;

/// What a call costs: of requests, and of resources or of another kind of requests where these count too.
pub fn costs(action: Action, region: Region, input: &Tree, family: FamilyOf<'_>) -> [Option<Cost>; 2] {
    let one = |bucket, rate| Some(Cost { bucket, rate, tokens: 1 });
    let (service, name) = (action.service, action.name);
    match service {
        "ec2" => ec2(name, input),
        "iam" if is_read(name) => [one(Bucket::Requests(service, name), Rate::new(200, 50)), None],
        "iam" => [one(Bucket::Requests(service, name), Rate::new(100, 20)), None],
        "sts" => [one(Bucket::Requests(service, "all"), Rate::new(600, 600)), None],
        "kms" => kms(name, region, input, family),
        "ssm" if name.starts_with("GetParameter") => [one(Bucket::Requests(service, "get"), Rate::new(40, 40)), None],
        "ssm" => [one(Bucket::Requests(service, name), Rate::new(20, 10)), None],
        "secretsmanager" if matches!(name, "DescribeSecret" | "GetSecretValue") => {
            [one(Bucket::Requests(service, "get"), Rate::new(10_000, 10_000)), None]
        }
        "secretsmanager" => [one(Bucket::Requests(service, name), Rate::new(50, 50)), None],
        // "The rate of lookup requests is limited to two per second, per account, per Region." Source: the CloudTrail API
        // Reference on LookupEvents.
        "cloudtrail" if name == "LookupEvents" => [one(Bucket::Requests(service, name), Rate::new(2, 2)), None],
        "ebs" if name == "GetSnapshotBlock" => [one(Bucket::Requests(service, name), Rate::new(1_000, 1_000)), None],
        "ebs" => [one(Bucket::Requests(service, name), Rate::new(50, 50)), None],
        // EFS publishes no rates: it has those that EC2 has for most actions.
        "elasticfilesystem" if is_read(name) => [one(Bucket::Requests(service, name), NON_MUTATING), None],
        "elasticfilesystem" => [one(Bucket::Requests(service, name), MUTATING), None],
        // S3 has rates by the prefix, of thousands; tools that check a trail read object after object.
        "s3" if name == "GetObject" => [one(Bucket::Requests(service, name), Rate::new(1_000, 1_000)), None],
        "s3" => [one(Bucket::Requests(service, name), Rate::new(100, 100)), None],
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

fn kms(name: &'static str, region: Region, input: &Tree, family: FamilyOf<'_>) -> [Option<Cost>; 2] {
    let cost = |name, rate| Cost { bucket: Bucket::Requests("kms", name), rate, tokens: 1 };
    if let Ok(at) = KMS.binary_search_by(|(known, _)| (*known).cmp(name)) {
        return [Some(cost(name, Rate::new(KMS[at].1, KMS[at].1))), None];
    }
    if name.starts_with("GenerateDataKeyPair") {
        return [Some(key_pairs(input, cost)), None];
    }
    // Keys of a kind share a quota, whatever is done with them. A ciphertext that comes without its key is a symmetric one's.
    let of_key = |member: &str| match input.field(member).and_then(Tree::as_text).and_then(family) {
        Some(SpecFamily::Rsa) => cost("rsa", ASYMMETRIC),
        Some(SpecFamily::Ecc) => cost("ecc", ASYMMETRIC),
        Some(SpecFamily::Symmetric | SpecFamily::Hmac) | None => {
            let rate = symmetric(region);
            cost("symmetric", Rate::new(rate, rate))
        }
    };
    if name == "ReEncrypt" {
        let (from, to) = (of_key("SourceKeyId"), of_key("DestinationKeyId"));
        return [Some(from), Some(to).filter(|to| to.bucket != from.bucket)];
    }
    [Some(of_key("KeyId")), None]
}

/// Pairs of each kind have a quota of their own. What isn't a kind is refused later.
fn key_pairs(input: &Tree, cost: impl Fn(&'static str, Rate) -> Cost) -> Cost {
    match input.field("KeyPairSpec").and_then(Tree::as_text) {
        Some("RSA_2048") => cost("pairs of RSA_2048", Rate::new(20, 20)),
        Some("RSA_3072") => cost("pairs of RSA_3072", Rate::new(4, 4)),
        Some("RSA_4096") => cost("pairs of RSA_4096", Rate::new(1, 1)),
        Some("ECC_NIST_P384") => cost("pairs of ECC_NIST_P384", Rate::new(100, 100)),
        Some("ECC_NIST_P521") => cost("pairs of ECC_NIST_P521", Rate::new(100, 100)),
        Some("ECC_SECG_P256K1") => cost("pairs of ECC_SECG_P256K1", Rate::new(100, 100)),
        Some("ECC_NIST_EDWARDS25519") => cost("pairs of ECC_NIST_EDWARDS25519", Rate::new(100, 100)),
        _ => cost("pairs of ECC_NIST_P256", Rate::new(100, 100)),
    }
}

/// What symmetric keys share depends on the region.
fn symmetric(region: Region) -> u32 {
    match region.name() {
        "us-east-1" | "us-west-2" | "eu-west-1" => 100_000,
        "us-east-2" | "ap-southeast-1" | "ap-southeast-2" | "ap-northeast-1" | "eu-central-1" | "eu-west-2" => 20_000,
        _ => 10_000,
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
        let cost = |action: Action, query: &str| costs(action, Region::DEFAULT, &read(query), &|_| None);
        let first = |action, query: &str| cost(Action::ec2(action), &format!("Action=A&{query}"))[0];
        let requests = |name, rate| Some(Cost { bucket: Bucket::Requests("ec2", name), rate, tokens: 1 });
        assert_eq!(first("DescribeVpcs", ""), requests("DescribeVpcs", NON_MUTATING));
        assert_eq!(first("CreateVpc", ""), requests("CreateVpc", MUTATING));
        assert_eq!(first("DeleteVolume", ""), requests("DeleteVolume", Rate::new(100, 5)));
        assert_eq!(first("DescribeStaleSecurityGroups", ""), requests("DescribeStaleSecurityGroups", Rate::new(20, 5)));
        assert_eq!(first("RunInstances", ""), requests("RunInstances", Rate::new(5, 2)));
        let unfiltered = Some(Cost { bucket: Bucket::Unfiltered("DescribeVolumes"), rate: UNFILTERED, tokens: 1 });
        assert_eq!(first("DescribeVolumes", ""), unfiltered);
        for narrow in ["Filter.1.Name=a", "MaxResults=5", "NextToken=x", "VolumeId.1=vol-1"] {
            assert_eq!(first("DescribeVolumes", narrow), requests("DescribeVolumes", NON_MUTATING), "{narrow}");
        }
        let resources = |action, query: &str| cost(Action::ec2(action), query)[1].unwrap().tokens;
        assert_eq!(resources("RunInstances", "Action=A&MaxCount=40&MinCount=1"), 40);
        assert_eq!(resources("StopInstances", "Action=A&InstanceId.1=i-1&InstanceId.2=i-2"), 2);
        assert_eq!(resources("RunInstances", "Action=A&MaxCount=many"), 1);
    }
    #[test]
    fn keys_have_the_quotas_of_their_kinds_and_regions() {
        let size = |action, region: &str, spec: &str| {
            let input = Tree::Map(vec![("KeyPairSpec".into(), Tree::Text(spec.into()))]);
            let cost = costs(Action::kms(action), region.parse().unwrap(), &input, &|_| None)[0].unwrap();
            (cost.bucket, cost.rate.size)
        };
        let bucket = |name| Bucket::Requests("kms", name);
        assert_eq!(size("Encrypt", "us-east-1", ""), (bucket("symmetric"), 100_000));
        assert_eq!(size("Decrypt", "eu-central-1", ""), (bucket("symmetric"), 20_000));
        assert_eq!(size("GenerateMac", "sa-east-1", ""), (bucket("symmetric"), 10_000));
        assert_eq!(size("GetParametersForImport", "sa-east-1", ""), (bucket("GetParametersForImport"), 1));
        let pairs = size("GenerateDataKeyPairWithoutPlaintext", "sa-east-1", "RSA_4096");
        assert_eq!(pairs, (bucket("pairs of RSA_4096"), 1));
        assert_ne!(pairs.0, size("GenerateDataKeyPair", "sa-east-1", "RSA_2048").0);
    }
    #[test]
    fn keys_of_a_kind_share_a_quota_whatever_is_done_with_them() {
        let family = |key: &str| match key {
            "rsa" => Some(SpecFamily::Rsa),
            "ecc" => Some(SpecFamily::Ecc),
            "mac" => Some(SpecFamily::Hmac),
            "aes" => Some(SpecFamily::Symmetric),
            _ => None,
        };
        let shared = |action, members: &[(&str, &str)]| {
            let members = members.iter().map(|(name, key)| ((*name).into(), Tree::Text((*key).into())));
            let costs =
                costs(Action::kms(action), "sa-east-1".parse().unwrap(), &Tree::Map(members.collect()), &family);
            let name = |cost: Cost| match cost.bucket {
                Bucket::Requests("kms", name) => (name, cost.rate.size),
                other => panic!("{other:?}"),
            };
            costs.into_iter().flatten().map(name).collect::<Vec<_>>()
        };
        let (rsa, ecc, symmetric) = (("rsa", 1_000), ("ecc", 1_000), ("symmetric", 10_000));
        for action in ["Decrypt", "Encrypt", "Sign", "Verify"] {
            assert_eq!(shared(action, &[("KeyId", "rsa")]), [rsa], "{action}");
        }
        for action in ["DeriveSharedSecret", "Sign", "Verify"] {
            assert_eq!(shared(action, &[("KeyId", "ecc")]), [ecc], "{action}");
        }
        assert_eq!(shared("GenerateMac", &[("KeyId", "mac")]), [symmetric]);
        assert_eq!([shared("Decrypt", &[]), shared("Sign", &[("KeyId", "none")])], [[symmetric], [symmetric]]);
        let re_encrypt = |from, to| shared("ReEncrypt", &[("SourceKeyId", from), ("DestinationKeyId", to)]);
        assert_eq!(re_encrypt("rsa", "aes"), [rsa, symmetric]);
        assert_eq!(re_encrypt("aes", "aes"), [symmetric]);
    }
}
