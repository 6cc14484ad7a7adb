//! Material that is imported: what travels, what a key takes and takes again, and when it forgets it. What is wrapped by
//! another implementation than ours is tried with OpenSSL's command.

use std::process::Command;

use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey};
use landfall_wire::Blob;

use super::{encrypt, key_of};
use crate::harness::{Client, World, at, column, find, params};

const DAY: i64 = 86_400;
const STAYS: (&str, &str) = ("ExpirationModel", "KEY_MATERIAL_DOES_NOT_EXPIRE");

/// Makes a symmetric key that waits for its material; its id.
pub fn external(client: &Client<'_>) -> String {
    let made = client.ok_of("kms", "CreateKey", &[("Origin", "EXTERNAL")]);
    assert_eq!(at(&made, "KeyMetadata.KeyState"), "PendingImport");
    at(&made, "KeyMetadata.KeyId").to_owned()
}

fn parameters(client: &Client<'_>, id: &str, algorithm: &str, spec: &str) -> (String, Vec<u8>) {
    let call = [("KeyId", id), ("WrappingAlgorithm", algorithm), ("WrappingKeySpec", spec)];
    let made = client.ok_of("kms", "GetParametersForImport", &call);
    (at(&made, "ImportToken").to_owned(), Blob::parse(at(&made, "PublicKey")).unwrap().0)
}

/// Material wrapped for a key, after its token.
pub fn wrapped(client: &Client<'_>, id: &str, material: &[u8]) -> (String, String) {
    let (token, public) = parameters(client, id, "RSAES_OAEP_SHA_256", "RSA_2048");
    let key = OaepPublicEncryptingKey::new(PublicEncryptingKey::from_der(&public).unwrap()).unwrap();
    let mut made = vec![0; key.ciphertext_size()];
    let made = key.encrypt(&OAEP_SHA256_MGF1SHA256, material, &mut made, None).unwrap().to_vec();
    (token, Blob(made).to_base64())
}

/// The code of an import of that material, or nothing where it went through.
fn import(client: &Client<'_>, id: &str, material: &[u8], more: &[(&str, &str)]) -> String {
    let (token, wrapped) = wrapped(client, id, material);
    let call = [("KeyId", id), ("ImportToken", token.as_str()), ("EncryptedKeyMaterial", wrapped.as_str())];
    let stays = if more.iter().any(|(name, _)| name.starts_with("ValidTo")) { &[][..] } else { &[STAYS] };
    let answer = client.send("kms", "ImportKeyMaterial", &params(call.iter().chain(stays).chain(more).copied()));
    if answer.status == 200 { String::new() } else { answer.code() }
}

/// Imports material.
pub fn bring(client: &Client<'_>, id: &str, material: &[u8], more: &[(&str, &str)]) {
    assert_eq!(import(client, id, material, more), "");
}

fn state(client: &Client<'_>, id: &str) -> String {
    at(&client.ok_of("kms", "DescribeKey", &[("KeyId", id)]), "KeyMetadata.KeyState").to_owned()
}

fn expire(world: &World) {
    world.transact(|tx| while landfall_cloud::expiry::expire(tx) {});
}

/// The names of wrapping keys that are to be destroyed.
fn doomed(world: &World) -> usize {
    world.engine().read().doomed_keys.len()
}

#[test]
fn deleted_material_opens_nothing_until_the_same_comes_back() {
    let world = World::new();
    let client = world.root();
    let id = external(&client);
    let refused = client.refused_of("kms", "Encrypt", &[("KeyId", &id), ("Plaintext", "c2VjcmV0")]);
    assert_eq!(refused, "KMSInvalidStateException");
    bring(&client, &id, &[1; 32], &[("KeyMaterialDescription", "of the vault: 2026")]);
    assert_eq!(state(&client, &id), "Enabled");
    let blob = encrypt(&client, &id, "{}");
    client.ok_of("kms", "DeleteImportedKeyMaterial", &[("KeyId", &id)]);
    assert_eq!((state(&client, &id).as_str(), doomed(&world)), ("PendingImport", 1));
    assert_eq!(client.refused_of("kms", "Decrypt", &[("CiphertextBlob", &blob)]), "KMSInvalidStateException");
    assert_eq!(import(&client, &id, &[2; 32], &[]), "IncorrectKeyMaterialException");
    assert_eq!(import(&client, &id, &[1; 31], &[]), "IncorrectKeyMaterialException");
    bring(&client, &id, &[1; 32], &[]);
    assert_eq!(at(&client.ok_of("kms", "Decrypt", &[("CiphertextBlob", &blob)]), "Plaintext"), "c2VjcmV0");
    let call = [("KeyId", id.as_str()), ("IncludeKeyMaterial", "ALL_KEY_MATERIAL")];
    let listed = client.ok_of("kms", "ListKeyRotations", &call);
    assert_eq!(column(&listed, "Rotations", "KeyMaterialDescription"), ["of the vault: 2026"]);
    for action in ["EnableKeyRotation", "DisableKeyRotation"] {
        assert_eq!(client.refused_of("kms", action, &[("KeyId", &id)]), "UnsupportedOperationException");
    }
}

#[test]
fn material_that_expires_goes_at_its_time() {
    let world = World::new();
    let client = world.root();
    let id = external(&client);
    let in_days = |days: i64| (world.now_ms() / 1000 + days * DAY).to_string();
    for (bad, days) in [("past", -1), ("beyond a year", 366)] {
        let code = import(&client, &id, &[1; 32], &[("ValidTo:", &in_days(days))]);
        assert_eq!(code, "ValidationException", "{bad}");
    }
    bring(&client, &id, &[1; 32], &[("ValidTo:", &in_days(2))]);
    let shown = client.ok_of("kms", "DescribeKey", &[("KeyId", &id)]);
    assert_eq!(at(&shown, "KeyMetadata.ExpirationModel"), "KEY_MATERIAL_EXPIRES");
    let blob = encrypt(&client, &id, "{}");
    world.pass(2 * DAY - 10);
    expire(&world);
    assert_eq!(state(&client, &id), "Enabled");
    // The same again gives it more time; what was sealed before is destroyed.
    bring(&client, &id, &[1; 32], &[("ValidTo:", &in_days(2))]);
    assert_eq!(doomed(&world), 1);
    world.pass(2 * DAY - 10);
    expire(&world);
    assert_eq!(state(&client, &id), "Enabled");
    world.pass(20);
    expire(&world);
    assert_eq!((state(&client, &id).as_str(), doomed(&world)), ("PendingImport", 2));
    assert_eq!(client.refused_of("kms", "Decrypt", &[("CiphertextBlob", &blob)]), "KMSInvalidStateException");
    assert!(find(&client.ok_of("kms", "DescribeKey", &[("KeyId", &id)]), "KeyMetadata.ValidTo").is_none());
}

#[test]
fn a_key_rotates_to_material_that_came_before_and_needs_all_that_it_used() {
    let world = World::new();
    let client = world.root();
    let id = external(&client);
    bring(&client, &id, &[1; 32], &[]);
    let before = encrypt(&client, &id, "{}");
    assert_eq!(client.refused_of("kms", "RotateKeyOnDemand", &[("KeyId", &id)]), "KMSInvalidStateException");
    let new = [("ImportType", "NEW_KEY_MATERIAL")];
    assert_eq!(import(&client, &id, &[1; 32], &new), "IncorrectKeyMaterialException");
    bring(&client, &id, &[2; 32], &new);
    assert_eq!(import(&client, &id, &[3; 32], &new), "KMSInvalidStateException");
    let all = || {
        let call = [("KeyId", id.as_str()), ("IncludeKeyMaterial", "ALL_KEY_MATERIAL")];
        client.ok_of("kms", "ListKeyRotations", &call)
    };
    assert_eq!(column(&all(), "Rotations", "KeyMaterialState"), ["CURRENT", "PENDING_ROTATION"]);
    client.ok_of("kms", "RotateKeyOnDemand", &[("KeyId", &id)]);
    assert_eq!(column(&all(), "Rotations", "KeyMaterialState"), ["NON_CURRENT", "CURRENT"]);
    let after = encrypt(&client, &id, "{}");
    for blob in [&before, &after] {
        client.ok_of("kms", "Decrypt", &[("CiphertextBlob", blob)]);
    }
    let listed = all();
    let ids = column(&listed, "Rotations", "KeyMaterialId");
    client.ok_of("kms", "DeleteImportedKeyMaterial", &[("KeyId", &id), ("KeyMaterialId", ids[0])]);
    assert_eq!(state(&client, &id), "PendingImport");
    assert_eq!(column(&all(), "Rotations", "ImportState"), ["PENDING_IMPORT", "IMPORTED"]);
    let wrong = [("KeyMaterialId", ids[1])];
    assert_eq!(import(&client, &id, &[1; 32], &wrong), "IncorrectKeyMaterialException");
    bring(&client, &id, &[1; 32], &[("KeyMaterialId", ids[0])]);
    client.ok_of("kms", "Decrypt", &[("CiphertextBlob", &before)]);
}

#[test]
fn a_token_is_good_for_its_key_and_a_day() {
    let world = World::new();
    let client = world.root();
    let (id, other) = (external(&client), external(&client));
    let (token, wrapped) = wrapped(&client, &id, &[1; 32]);
    let import = |id: &str, token: &str, wrapped: &str| {
        let call = [("KeyId", id), ("ImportToken", token), ("EncryptedKeyMaterial", wrapped), STAYS];
        client.refused_of("kms", "ImportKeyMaterial", &call)
    };
    assert_eq!(import(&other, &token, &wrapped), "InvalidImportTokenException");
    let bytes = Blob::parse(&token).unwrap().0;
    for at in (0..bytes.len()).step_by(97) {
        let mut changed = bytes.clone();
        changed[at] ^= 2;
        assert_eq!(import(&id, &Blob(changed).to_base64(), &wrapped), "InvalidImportTokenException", "{at}");
    }
    assert_eq!(import(&id, &token, &Blob(vec![1; 256]).to_base64()), "InvalidCiphertextException");
    world.pass(DAY + 1);
    assert_eq!(import(&id, &token, &wrapped), "ExpiredImportTokenException");
    let own = super::key(&client);
    let call = [("KeyId", own.as_str()), ("WrappingAlgorithm", "RSAES_OAEP_SHA_1"), ("WrappingKeySpec", "RSA_2048")];
    assert_eq!(client.refused_of("kms", "GetParametersForImport", &call), "UnsupportedOperationException");
}

#[test]
fn a_deleted_key_takes_all_that_was_imported_with_it() {
    let world = World::new();
    let client = world.root();
    let id = external(&client);
    bring(&client, &id, &[1; 32], &[]);
    bring(&client, &id, &[2; 32], &[("ImportType", "NEW_KEY_MATERIAL")]);
    client.ok_of("kms", "ScheduleKeyDeletion", &[("KeyId", &id), ("PendingWindowInDays:", "7")]);
    let call = [("KeyId", id.as_str()), ("WrappingAlgorithm", "RSAES_OAEP_SHA_1"), ("WrappingKeySpec", "RSA_2048")];
    assert_eq!(client.refused_of("kms", "GetParametersForImport", &call), "KMSInvalidStateException");
    world.pass(7 * DAY);
    expire(&world);
    assert_eq!((world.engine().read().kms_keys.len(), doomed(&world)), (0, 2));
}

/// What OpenSSL's command makes; `None` where it isn't there.
fn openssl(folder: &std::path::Path, arguments: &str) -> Option<Vec<u8>> {
    let output = Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output().ok()?;
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    Some(output.stdout)
}

fn folder() -> std::path::PathBuf {
    let name = format!("landfall-import-{}-{:?}", std::process::id(), std::thread::current().id());
    let folder = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Wraps the file `material` for that public key with OpenSSL, by an algorithm.
fn wrap_by_openssl(folder: &std::path::Path, public: &[u8], algorithm: &str) -> Vec<u8> {
    std::fs::write(folder.join("public.der"), public).unwrap();
    let digest = if algorithm.ends_with("SHA_1") { "sha1" } else { "sha256" };
    let oaep = |file: &str| {
        let arguments = format!(
            "pkeyutl -encrypt -pubin -keyform DER -inkey public.der -in {file} -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:{digest} -pkeyopt rsa_mgf1_md:{digest}"
        );
        openssl(folder, &arguments).unwrap()
    };
    if algorithm.starts_with("RSAES") {
        return oaep("material");
    }
    let key = [9_u8; 32];
    std::fs::write(folder.join("aes"), key).unwrap();
    let hex = "09".repeat(32);
    let inner = format!("enc -e -id-aes256-wrap-pad -K {hex} -iv A65959A6 -in material");
    [oaep("aes"), openssl(folder, &inner).unwrap()].concat()
}

/// Kinds of keys, how their material is made, and how it is wrapped.
const KINDS: [(&str, &str, &str, &str, &str); 6] = [
    ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", "rand 32", "RSAES_OAEP_SHA_1", "RSA_2048"),
    ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", "rand 32", "RSA_AES_KEY_WRAP_SHA_256", "RSA_3072"),
    ("HMAC_384", "GENERATE_VERIFY_MAC", "rand 48", "RSAES_OAEP_SHA_256", "RSA_4096"),
    (
        "RSA_2048",
        "SIGN_VERIFY",
        "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -outform DER",
        "RSA_AES_KEY_WRAP_SHA_256",
        "RSA_2048",
    ),
    (
        "ECC_NIST_P256",
        "SIGN_VERIFY",
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -outform DER",
        "RSAES_OAEP_SHA_256",
        "RSA_2048",
    ),
    (
        "ECC_NIST_P521",
        "SIGN_VERIFY",
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521 -outform DER",
        "RSA_AES_KEY_WRAP_SHA_1",
        "RSA_2048",
    ),
];

#[test]
fn material_of_every_kind_comes_in_as_openssl_wraps_it() {
    let folder = folder();
    if openssl(&folder, "version").is_none() {
        crate::skipping::skipped("material_of_every_kind_comes_in_as_openssl_wraps_it", "there is no openssl command");
        return;
    }
    let world = World::new();
    let client = world.root();
    for (spec, usage, make, algorithm, wrapping) in KINDS {
        let call = [("KeySpec", spec), ("KeyUsage", usage), ("Origin", "EXTERNAL")];
        let made = client.ok_of("kms", "CreateKey", &call);
        let id = at(&made, "KeyMetadata.KeyId").to_owned();
        let mut material = openssl(&folder, make).unwrap();
        if spec.starts_with("ECC") || spec.starts_with("RSA") {
            std::fs::write(folder.join("plain.der"), &material).unwrap();
            material = openssl(&folder, "pkcs8 -topk8 -nocrypt -inform DER -outform DER -in plain.der").unwrap();
        }
        std::fs::write(folder.join("material"), &material).unwrap();
        let (token, public) = parameters(&client, &id, algorithm, wrapping);
        let wrapped = Blob(wrap_by_openssl(&folder, &public, algorithm)).to_base64();
        let call = [
            ("KeyId", id.as_str()),
            ("ImportToken", token.as_str()),
            ("EncryptedKeyMaterial", wrapped.as_str()),
            STAYS,
        ];
        client.ok_of("kms", "ImportKeyMaterial", &call);
        assert_eq!(state(&client, &id), "Enabled", "{spec} {algorithm}");
        match spec {
            "SYMMETRIC_DEFAULT" => {
                let blob = encrypt(&client, &id, "{}");
                client.ok_of("kms", "Decrypt", &[("CiphertextBlob", &blob)]);
            }
            "HMAC_384" => {
                let call = [("KeyId", id.as_str()), ("Message", "c2VjcmV0"), ("MacAlgorithm", "HMAC_SHA_384")];
                let mac = Blob::parse(at(&client.ok_of("kms", "GenerateMac", &call), "Mac")).unwrap().0;
                let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA384, &material);
                assert_eq!(mac, aws_lc_rs::hmac::sign(&key, b"secret").as_ref());
            }
            _ => {
                let public = client.ok_of("kms", "GetPublicKey", &[("KeyId", &id)]);
                let expected = openssl(&folder, "pkey -inform DER -in material -pubout -outform DER").unwrap();
                assert_eq!(Blob::parse(at(&public, "PublicKey")).unwrap().0, expected, "{spec}");
            }
        }
        // A key of another kind takes none of it.
        if spec == "RSA_2048" {
            let call = [("KeySpec", "RSA_3072"), ("KeyUsage", usage), ("Origin", "EXTERNAL")];
            let made = client.ok_of("kms", "CreateKey", &call);
            let id = at(&made, "KeyMetadata.KeyId");
            let (token, public) = parameters(&client, id, algorithm, wrapping);
            let wrapped = Blob(wrap_by_openssl(&folder, &public, algorithm)).to_base64();
            let call =
                [("KeyId", id), ("ImportToken", token.as_str()), ("EncryptedKeyMaterial", wrapped.as_str()), STAYS];
            assert_eq!(client.refused_of("kms", "ImportKeyMaterial", &call), "IncorrectKeyMaterialException");
            let call = [("KeyId", id), ("WrappingAlgorithm", "RSAES_OAEP_SHA_256"), ("WrappingKeySpec", "RSA_4096")];
            assert_eq!(client.refused_of("kms", "GetParametersForImport", &call), "UnsupportedOperationException");
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn two_pairs_of_a_curve_agree_on_a_secret_and_openssl_agrees_with_them() {
    let world = World::new();
    let client = world.root();
    let public = |id: &str| at(&client.ok_of("kms", "GetPublicKey", &[("KeyId", id)]), "PublicKey").to_owned();
    let derive = |id: &str, public: &str| {
        let call = [("KeyId", id), ("KeyAgreementAlgorithm", "ECDH"), ("PublicKey", public)];
        client.send("kms", "DeriveSharedSecret", &params(call))
    };
    for spec in ["ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521"] {
        let (one, two) = (key_of(&client, spec, "KEY_AGREEMENT"), key_of(&client, spec, "KEY_AGREEMENT"));
        let (first, second) = (derive(&one, &public(&two)), derive(&two, &public(&one)));
        assert_eq!(at(&first.tree(), "SharedSecret"), at(&second.tree(), "SharedSecret"), "{spec}");
        let other = key_of(&client, "ECC_SECG_P256K1", "SIGN_VERIFY");
        assert_eq!(derive(&one, &public(&other)).code(), "ValidationException");
        assert_eq!(derive(&one, "c2VjcmV0").code(), "ValidationException");
        assert_eq!(derive(&other, &public(&one)).code(), "InvalidKeyUsageException");
    }
    let folder = folder();
    if openssl(&folder, "version").is_none() {
        crate::skipping::skipped("openssl's secret", "there is no openssl command");
        return;
    }
    let pem = openssl(&folder, "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384").unwrap();
    std::fs::write(folder.join("theirs.pem"), pem).unwrap();
    let theirs = openssl(&folder, "pkey -in theirs.pem -pubout -outform DER").unwrap();
    let own = key_of(&client, "ECC_NIST_P384", "KEY_AGREEMENT");
    let shared = derive(&own, &Blob(theirs).to_base64());
    std::fs::write(folder.join("own.der"), Blob::parse(&public(&own)).unwrap().0).unwrap();
    let expected = openssl(&folder, "pkeyutl -derive -inkey theirs.pem -peerform DER -peerkey own.der").unwrap();
    assert_eq!(Blob::parse(at(&shared.tree(), "SharedSecret")).unwrap().0, expected);
    std::fs::remove_dir_all(&folder).unwrap();
}
