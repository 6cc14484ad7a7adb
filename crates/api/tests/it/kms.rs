//! KMS's operations, each with a call that goes through and calls that don't; what keys keep and whom they serve is tried
//! in [`behaviour`].

mod behaviour;

use crate::harness::{Case, Client, at, params};

/// A key's id that nobody has.
const NO_KEY: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";

/// The cases of KMS.
pub const CASES: &[Case] = &[
    Case::kms(
        "CreateKey",
        |_| {
            params([
                ("Description", "of invoices"),
                ("KeyUsage", "ENCRYPT_DECRYPT"),
                ("Tags:", r#"[{"TagKey":"team","TagValue":"ops"}]"#),
            ])
        },
        &[
            (&[("KeySpec", "SM2")], "ValidationException"),
            (&[("KeySpec", "RSA_2048")], "ValidationException"),
            (&[("KeySpec", "HMAC_256"), ("KeyUsage", "ENCRYPT_DECRYPT")], "ValidationException"),
            (&[("MultiRegion:", "true")], "UnsupportedOperationException"),
            (&[("CustomKeyStoreId", "cks-1")], "UnsupportedOperationException"),
            (&[("Policy", "no policy")], "MalformedPolicyDocumentException"),
            (&[("Tags:", r#"[{"TagKey":"a","TagValue":""},{"TagKey":"a","TagValue":"1"}]"#)], "TagException"),
            (&[("Tags:", r#"[{"TagKey":"aws:a","TagValue":""}]"#)], "TagException"),
            (&[("Description:", "5")], "SerializationException"),
        ],
    ),
    Case::kms("DescribeKey", |client| params([("KeyId", key(client))]), KEY_BAD),
    Case::kms(
        "ListKeys",
        |client| {
            key(client);
            params([("Limit:", "5")])
        },
        &[
            (&[("Limit:", "1001")], "ValidationException"),
            (&[("Limit:", "0")], "ValidationException"),
            (&[("Marker", "x")], "InvalidMarkerException"),
        ],
    ),
    Case::kms(
        "Encrypt",
        |client| {
            params([
                ("KeyId", key(client)),
                ("Plaintext", "c2VjcmV0".into()),
                ("EncryptionContext:", r#"{"stage":"test"}"#.into()),
            ])
        },
        &[
            (&[("KeyId", NO_KEY), ("Plaintext", "c2VjcmV0")], "NotFoundException"),
            (&[("KeyId", "alias/none"), ("Plaintext", "c2VjcmV0")], "NotFoundException"),
            (&[("KeyId", NO_KEY)], "ValidationException"),
            (&[("KeyId", NO_KEY), ("Plaintext", "???")], "SerializationException"),
            (&[("KeyId", NO_KEY), ("Plaintext", "")], "ValidationException"),
            (
                &[("KeyId", NO_KEY), ("Plaintext", "c2VjcmV0"), ("GrantTokens:", r#"["x"]"#)],
                "InvalidGrantTokenException",
            ),
        ],
    )
    .masking(&["CiphertextBlob"]),
    Case::kms(
        "Decrypt",
        |client| {
            let blob = encrypt(client, &key(client), r#"{"stage":"test"}"#);
            params([("CiphertextBlob", blob), ("EncryptionContext:", r#"{"stage":"test"}"#.into())])
        },
        &[
            (&[], "ValidationException"),
            (&[("CiphertextBlob", "c2VjcmV0")], "InvalidCiphertextException"),
            (&[("CiphertextBlob", "c2VjcmV0"), ("Recipient:", "{}")], "UnsupportedOperationException"),
        ],
    ),
];

/// Calls of a key that isn't there, and of what is no key.
const KEY_BAD: &[(&[(&str, &str)], &str)] = &[
    (&[], "ValidationException"),
    (&[("KeyId", NO_KEY)], "NotFoundException"),
    (&[("KeyId", "nonsense")], "NotFoundException"),
    (&[("KeyId", "alias/none")], "NotFoundException"),
    (&[("KeyId", "arn:aws:ec2:us-east-1:111122223333:key/x")], "InvalidArnException"),
];

/// Makes a symmetric key; its id.
pub fn key(client: &Client<'_>) -> String {
    let made = client.ok_of("kms", "CreateKey", &[]);
    at(&made, "KeyMetadata.KeyId").to_owned()
}

/// Encrypts six bytes under a key, for a context.
pub fn encrypt(client: &Client<'_>, key: &str, context: &str) -> String {
    let call = [("KeyId", key), ("Plaintext", "c2VjcmV0"), ("EncryptionContext:", context)];
    at(&client.ok_of("kms", "Encrypt", &call), "CiphertextBlob").to_owned()
}
