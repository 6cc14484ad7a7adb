//! What holds for volumes unless it is said otherwise.

use crate::harness::{Case, nothing, params};
use crate::kms::key;

/// The cases of volumes' defaults.
pub const CASES: &[Case] = &[
    Case::ec2("DisableEbsEncryptionByDefault", enabled, BAD),
    Case::ec2("EnableEbsEncryptionByDefault", nothing, BAD),
    Case::ec2("GetEbsDefaultKmsKeyId", nothing, BAD),
    Case::ec2("GetEbsEncryptionByDefault", enabled, BAD),
    Case::ec2(
        "ModifyEbsDefaultKmsKeyId",
        |client| params([("KmsKeyId", key(client))]),
        &[(&[], "MissingParameter"), (&[("KmsKeyId", "alias/none")], "InvalidKmsKeyId.NotFound")],
    ),
    Case::ec2("ResetEbsDefaultKmsKeyId", nothing, BAD),
];

const BAD: &[(&[(&str, &str)], &str)] = &[(&[("VolumeId", "x")], "UnknownParameter")];

fn enabled(client: &crate::harness::Client<'_>) -> crate::harness::Params {
    client.ok("EnableEbsEncryptionByDefault", &[]);
    nothing(client)
}
