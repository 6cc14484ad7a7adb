//! Key pairs.

use crate::harness::{Case, nothing};

/// The cases of key pairs.
pub const CASES: &[Case] = &[Case::ec2(
    "DescribeKeyPairs",
    nothing,
    &[
        (&[("KeyName.1", "absent")], "InvalidKeyPair.NotFound"),
        (&[("KeyPairId.1", "key-1")], "InvalidKeyPair.Malformed"),
    ],
)];
