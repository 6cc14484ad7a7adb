//! KMS's operations, each with a call that goes through and calls that don't; what keys keep and whom they serve is tried
//! in [`behaviour`].

mod behaviour;
mod grants;
mod import;

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
            (&[("Origin", "AWS_CLOUDHSM")], "ValidationException"),
            (&[("KeySpec", "ECC_SECG_P256K1"), ("KeyUsage", "KEY_AGREEMENT")], "ValidationException"),
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
    Case::kms("EnableKey", |client| params([("KeyId", key(client))]), OWN_BAD),
    Case::kms("DisableKey", |client| params([("KeyId", key(client))]), OWN_BAD),
    Case::kms("EnableKeyRotation", |client| params([("KeyId", key(client))]), OWN_BAD),
    Case::kms("DisableKeyRotation", |client| params([("KeyId", key(client))]), OWN_BAD),
    Case::kms("RotateKeyOnDemand", |client| params([("KeyId", key(client))]), OWN_BAD),
    Case::kms("GetKeyRotationStatus", |client| params([("KeyId", key(client))]), OWN_BAD),
    Case::kms("GetKeyPolicy", |client| params([("KeyId", key(client))]), OWN_BAD),
    Case::kms("ListKeyPolicies", |client| params([("KeyId", key(client))]), OWN_BAD),
    Case::kms("ListResourceTags", |client| params([("KeyId", key(client))]), OWN_BAD),
    Case::kms("CancelKeyDeletion", |client| params([("KeyId", deleted(client))]), OWN_BAD),
    Case::kms(
        "ScheduleKeyDeletion",
        |client| params([("KeyId", key(client)), ("PendingWindowInDays:", "7".into())]),
        &[(&[("KeyId", NO_KEY)], "NotFoundException"), (&[], "ValidationException")],
    ),
    Case::kms(
        "UpdateKeyDescription",
        |client| params([("KeyId", key(client)), ("Description", "of orders".into())]),
        &[
            (&[("KeyId", NO_KEY), ("Description", "x")], "NotFoundException"),
            (&[("KeyId", NO_KEY)], "ValidationException"),
        ],
    ),
    Case::kms(
        "ListKeyRotations",
        |client| params([("KeyId", rotated(client)), ("IncludeKeyMaterial", "ALL_KEY_MATERIAL".into())]),
        &[
            (&[("KeyId", NO_KEY)], "NotFoundException"),
            (&[("KeyId", NO_KEY), ("IncludeKeyMaterial", "x")], "ValidationException"),
        ],
    ),
    Case::kms(
        "PutKeyPolicy",
        |client| params([("KeyId", key(client)), ("Policy", OPEN.into()), ("PolicyName", "default".into())]),
        &[(&[("KeyId", NO_KEY), ("Policy", OPEN)], "NotFoundException"), (&[("KeyId", NO_KEY)], "ValidationException")],
    ),
    Case::kms(
        "CreateAlias",
        |client| params([("TargetKeyId", key(client)), ("AliasName", "alias/invoices".into())]),
        &[
            (&[("TargetKeyId", NO_KEY), ("AliasName", "alias/x")], "NotFoundException"),
            (&[("AliasName", "alias/x")], "ValidationException"),
        ],
    ),
    Case::kms(
        "UpdateAlias",
        |client| {
            named(client, "alias/invoices");
            params([("TargetKeyId", key(client)), ("AliasName", "alias/invoices".into())])
        },
        &[(&[("TargetKeyId", NO_KEY), ("AliasName", "alias/x")], "NotFoundException")],
    ),
    Case::kms(
        "DeleteAlias",
        |client| {
            named(client, "alias/invoices");
            params([("AliasName", "alias/invoices")])
        },
        &[
            (&[("AliasName", "alias/none")], "NotFoundException"),
            (&[("AliasName", "none")], "ValidationException"),
            (&[("AliasName", "alias/aws/ebs")], "InvalidAliasNameException"),
        ],
    ),
    Case::kms(
        "ListAliases",
        |client| {
            named(client, "alias/invoices");
            params([("Limit:", "2")])
        },
        &[(&[("Limit:", "101")], "ValidationException"), (&[("KeyId", NO_KEY)], "NotFoundException")],
    )
    .masking(&["NextMarker"]),
    Case::kms(
        "TagResource",
        |client| params([("KeyId", key(client)), ("Tags:", r#"[{"TagKey":"team","TagValue":"ops"}]"#.into())]),
        &[
            (&[("KeyId", NO_KEY), ("Tags:", "[]")], "NotFoundException"),
            (&[("KeyId", NO_KEY), ("Tags:", r#"[{"Key":"a"}]"#)], "ValidationException"),
        ],
    ),
    Case::kms(
        "UntagResource",
        |client| params([("KeyId", key(client)), ("TagKeys:", r#"["team"]"#.into())]),
        &[(&[("KeyId", NO_KEY), ("TagKeys:", r#"["team"]"#)], "NotFoundException")],
    ),
    Case::kms(
        "GenerateDataKey",
        |client| params([("KeyId", key(client)), ("KeySpec", "AES_256".into())]),
        DATA_KEY_BAD,
    )
    .masking(&["CiphertextBlob", "Plaintext"]),
    Case::kms(
        "GenerateDataKeyWithoutPlaintext",
        |client| params([("KeyId", key(client)), ("NumberOfBytes:", "64".into())]),
        DATA_KEY_BAD,
    )
    .masking(&["CiphertextBlob"]),
    Case::kms(
        "GenerateDataKeyPair",
        |client| params([("KeyId", key(client)), ("KeyPairSpec", "ECC_NIST_P256".into())]),
        PAIR_BAD,
    )
    .masking(&["PrivateKeyCiphertextBlob", "PrivateKeyPlaintext", "PublicKey"]),
    Case::kms(
        "GenerateDataKeyPairWithoutPlaintext",
        |client| params([("KeyId", key(client)), ("KeyPairSpec", "ECC_NIST_P384".into())]),
        PAIR_BAD,
    )
    .masking(&["PrivateKeyCiphertextBlob", "PublicKey"]),
    Case::kms(
        "GenerateRandom",
        |_| params([("NumberOfBytes:", "16")]),
        &[
            (&[], "ValidationException"),
            (&[("NumberOfBytes:", "1025")], "ValidationException"),
            (&[("NumberOfBytes:", "1"), ("CustomKeyStoreId", "x")], "UnsupportedOperationException"),
        ],
    )
    .masking(&["Plaintext"]),
    Case::kms(
        "ReEncrypt",
        |client| {
            let blob = encrypt(client, &key(client), r#"{"stage":"test"}"#);
            params([
                ("CiphertextBlob", blob),
                ("SourceEncryptionContext:", r#"{"stage":"test"}"#.into()),
                ("DestinationKeyId", key(client)),
            ])
        },
        &[
            (&[("CiphertextBlob", "c2VjcmV0")], "ValidationException"),
            (&[("CiphertextBlob", "c2VjcmV0"), ("DestinationKeyId", NO_KEY)], "InvalidCiphertextException"),
        ],
    )
    .masking(&["CiphertextBlob"]),
    Case::kms(
        "Sign",
        |client| {
            let id = key_of(client, "ECC_NIST_P256", "SIGN_VERIFY");
            params([("KeyId", id), ("Message", "c2VjcmV0".into()), ("SigningAlgorithm", "ECDSA_SHA_256".into())])
        },
        SIGN_BAD,
    )
    .masking(&["Signature"]),
    Case::kms(
        "Verify",
        |client| {
            let id = key_of(client, "ECC_NIST_P384", "SIGN_VERIFY");
            let call = [("KeyId", id.as_str()), ("Message", "c2VjcmV0"), ("SigningAlgorithm", "ECDSA_SHA_384")];
            let signature = at(&client.ok_of("kms", "Sign", &call), "Signature").to_owned();
            params(call).into_iter().chain(params([("Signature", signature)])).collect()
        },
        &[(&[("KeyId", NO_KEY), ("Message", "c2VjcmV0")], "ValidationException")],
    ),
    Case::kms("GetPublicKey", |client| params([("KeyId", key_of(client, "ECC_SECG_P256K1", "SIGN_VERIFY"))]), KEY_BAD)
        .masking(&["PublicKey"]),
    Case::kms(
        "GenerateMac",
        |client| {
            let id = key_of(client, "HMAC_256", "GENERATE_VERIFY_MAC");
            params([("KeyId", id), ("Message", "c2VjcmV0".into()), ("MacAlgorithm", "HMAC_SHA_256".into())])
        },
        &[
            (&[("KeyId", NO_KEY), ("Message", "c2VjcmV0")], "ValidationException"),
            (&[("KeyId", NO_KEY), ("Message", "c2VjcmV0"), ("MacAlgorithm", "HMAC_SHA_256")], "NotFoundException"),
        ],
    )
    .masking(&["Mac"]),
    Case::kms(
        "VerifyMac",
        |client| {
            let id = key_of(client, "HMAC_512", "GENERATE_VERIFY_MAC");
            let call = [("KeyId", id.as_str()), ("Message", "c2VjcmV0"), ("MacAlgorithm", "HMAC_SHA_512")];
            let code = at(&client.ok_of("kms", "GenerateMac", &call), "Mac").to_owned();
            params(call).into_iter().chain(params([("Mac", code)])).collect()
        },
        &[(&[("KeyId", NO_KEY), ("Message", "c2VjcmV0")], "ValidationException")],
    ),
    Case::kms(
        "GetParametersForImport",
        |client| {
            let (algorithm, spec) = ("RSAES_OAEP_SHA_256".into(), "RSA_2048".into());
            params([("KeyId", import::external(client)), ("WrappingAlgorithm", algorithm), ("WrappingKeySpec", spec)])
        },
        &[
            (&[("KeyId", NO_KEY), ("WrappingKeySpec", "RSA_2048")], "ValidationException"),
            (
                &[("KeyId", NO_KEY), ("WrappingAlgorithm", "RSAES_PKCS1_V1_5"), ("WrappingKeySpec", "RSA_2048")],
                "ValidationException",
            ),
            (
                &[("KeyId", NO_KEY), ("WrappingAlgorithm", "RSAES_OAEP_SHA_1"), ("WrappingKeySpec", "RSA_2048")],
                "NotFoundException",
            ),
        ],
    )
    .masking(&["ImportToken", "PublicKey"]),
    Case::kms(
        "ImportKeyMaterial",
        |client| {
            let id = import::external(client);
            let (token, wrapped) = import::wrapped(client, &id, &[5; 32]);
            params([
                ("KeyId", id),
                ("ImportToken", token),
                ("EncryptedKeyMaterial", wrapped),
                ("ExpirationModel", "KEY_MATERIAL_DOES_NOT_EXPIRE".into()),
            ])
        },
        &[
            (&[("KeyId", NO_KEY)], "ValidationException"),
            (&[("KeyId", NO_KEY), ("ImportToken", "eA=="), ("EncryptedKeyMaterial", "eA==")], "ValidationException"),
            (
                &[
                    ("KeyId", NO_KEY),
                    ("ImportToken", "eA=="),
                    ("EncryptedKeyMaterial", "eA=="),
                    ("ExpirationModel", "KEY_MATERIAL_DOES_NOT_EXPIRE"),
                ],
                "NotFoundException",
            ),
        ],
    )
    .masking(&["KeyMaterialId"]),
    Case::kms(
        "DeleteImportedKeyMaterial",
        |client| {
            let id = import::external(client);
            import::bring(client, &id, &[5; 32], &[]);
            params([("KeyId", id)])
        },
        OWN_BAD,
    )
    .masking(&["KeyMaterialId"]),
    Case::kms(
        "DeriveSharedSecret",
        |client| {
            let (own, theirs) =
                (key_of(client, "ECC_NIST_P256", "KEY_AGREEMENT"), key_of(client, "ECC_NIST_P256", "KEY_AGREEMENT"));
            let public = client.ok_of("kms", "GetPublicKey", &[("KeyId", &theirs)]);
            params([
                ("KeyId", own),
                ("KeyAgreementAlgorithm", "ECDH".into()),
                ("PublicKey", at(&public, "PublicKey").to_owned()),
            ])
        },
        &[
            (&[("KeyId", NO_KEY), ("KeyAgreementAlgorithm", "ECDH")], "ValidationException"),
            (&[("KeyId", NO_KEY), ("KeyAgreementAlgorithm", "DH"), ("PublicKey", "c2VjcmV0")], "ValidationException"),
            (&[("KeyId", NO_KEY), ("KeyAgreementAlgorithm", "ECDH"), ("PublicKey", "c2VjcmV0")], "NotFoundException"),
            (
                &[
                    ("KeyId", NO_KEY),
                    ("KeyAgreementAlgorithm", "ECDH"),
                    ("PublicKey", "c2VjcmV0"),
                    ("Recipient:", "{}"),
                ],
                "UnsupportedOperationException",
            ),
        ],
    )
    .masking(&["SharedSecret"]),
    Case::kms(
        "CreateGrant",
        |client| {
            params([
                ("KeyId", key(client)),
                ("GranteePrincipal", ROOT.into()),
                ("Operations:", r#"["Decrypt","Encrypt"]"#.into()),
                ("Constraints:", r#"{"EncryptionContextSubset":{"stage":"test"}}"#.into()),
            ])
        },
        &[
            (&[("KeyId", NO_KEY), ("GranteePrincipal", ROOT), ("Operations:", "[]")], "NotFoundException"),
            (&[("KeyId", NO_KEY), ("GranteePrincipal", ROOT), ("Operations:", r#"["Eat"]"#)], "ValidationException"),
            (&[("KeyId", NO_KEY)], "ValidationException"),
        ],
    ),
    Case::kms("ListGrants", |client| params([("KeyId", granted(client).0)]), OWN_BAD),
    Case::kms(
        "ListRetirableGrants",
        |client| {
            granted(client);
            params([("RetiringPrincipal", ROOT)])
        },
        &[(&[], "ValidationException"), (&[("RetiringPrincipal", "me")], "InvalidArnException")],
    ),
    Case::kms(
        "RevokeGrant",
        |client| {
            let (key, id) = granted(client);
            params([("KeyId", key), ("GrantId", id)])
        },
        &[(&[("KeyId", NO_KEY), ("GrantId", "x")], "NotFoundException"), (&[("KeyId", NO_KEY)], "ValidationException")],
    ),
    Case::kms(
        "RetireGrant",
        |client| {
            let (key, id) = granted(client);
            params([("KeyId", key), ("GrantId", id)])
        },
        &[
            (&[], "ValidationException"),
            (&[("GrantToken", "x")], "InvalidGrantTokenException"),
            (&[("KeyId", NO_KEY), ("GrantId", "x")], "NotFoundException"),
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

/// Calls of a key that isn't there, for what takes no alias.
const OWN_BAD: &[(&[(&str, &str)], &str)] = &[
    (&[], "ValidationException"),
    (&[("KeyId", NO_KEY)], "NotFoundException"),
    (&[("KeyId", "nonsense")], "NotFoundException"),
];

const DATA_KEY_BAD: &[(&[(&str, &str)], &str)] = &[
    (&[("KeyId", NO_KEY), ("KeySpec", "AES_256")], "NotFoundException"),
    (&[("KeyId", NO_KEY)], "ValidationException"),
    (&[("KeyId", NO_KEY), ("KeySpec", "AES_512")], "ValidationException"),
    (&[("KeyId", NO_KEY), ("NumberOfBytes:", "1025")], "ValidationException"),
    (&[("KeyId", NO_KEY), ("NumberOfBytes:", "16"), ("KeySpec", "AES_128")], "ValidationException"),
];

const PAIR_BAD: &[(&[(&str, &str)], &str)] = &[
    (&[("KeyId", NO_KEY), ("KeyPairSpec", "RSA_2048")], "NotFoundException"),
    (&[("KeyId", NO_KEY), ("KeyPairSpec", "SM2")], "ValidationException"),
    (&[("KeyId", NO_KEY), ("KeyPairSpec", "HMAC_256")], "ValidationException"),
];

const SIGN_BAD: &[(&[(&str, &str)], &str)] = &[
    (&[("KeyId", NO_KEY), ("Message", "c2VjcmV0")], "ValidationException"),
    (&[("KeyId", NO_KEY), ("Message", "c2VjcmV0"), ("SigningAlgorithm", "SM2DSA")], "ValidationException"),
    (&[("KeyId", NO_KEY), ("Message", ""), ("SigningAlgorithm", "ECDSA_SHA_256")], "ValidationException"),
    (
        &[("KeyId", NO_KEY), ("Message", "c2VjcmV0"), ("MessageType", "DIGEST"), ("SigningAlgorithm", "ECDSA_SHA_256")],
        "ValidationException",
    ),
    (&[("KeyId", NO_KEY), ("Message", "c2VjcmV0"), ("SigningAlgorithm", "ECDSA_SHA_256")], "NotFoundException"),
];

/// A policy that lets the account do anything.
const OPEN: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"kms:*","Resource":"*"}]}"#;

/// The account's root, to whom and by whom grants are made.
const ROOT: &str = "arn:aws:iam::111122223333:root";

/// Makes a grant of a new key; the ids of both.
pub fn granted(client: &Client<'_>) -> (String, String) {
    let id = key(client);
    let call = [
        ("KeyId", id.as_str()),
        ("GranteePrincipal", ROOT),
        ("RetiringPrincipal", ROOT),
        ("Operations:", r#"["Decrypt"]"#),
        ("Name", "first"),
    ];
    let made = client.ok_of("kms", "CreateGrant", &call);
    let grant = at(&made, "GrantId").to_owned();
    (id, grant)
}

/// Makes a key of that kind; its id.
pub fn key_of(client: &Client<'_>, spec: &str, usage: &str) -> String {
    let made = client.ok_of("kms", "CreateKey", &[("KeySpec", spec), ("KeyUsage", usage)]);
    at(&made, "KeyMetadata.KeyId").to_owned()
}

/// Makes a key of that name; its id.
pub fn named(client: &Client<'_>, alias: &str) -> String {
    let id = key(client);
    client.ok_of("kms", "CreateAlias", &[("TargetKeyId", &id), ("AliasName", alias)]);
    id
}

/// Makes a key that waits for its deletion; its id.
pub fn deleted(client: &Client<'_>) -> String {
    let id = key(client);
    client.ok_of("kms", "ScheduleKeyDeletion", &[("KeyId", &id)]);
    id
}

/// Makes a key that was rotated once; its id.
pub fn rotated(client: &Client<'_>) -> String {
    let id = key(client);
    client.ok_of("kms", "RotateKeyOnDemand", &[("KeyId", &id)]);
    id
}

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
