//! Key pairs.

use landfall_wire::Blob;

use crate::harness::{Case, Client, World, at, column, list, nothing, params};

/// An RSA key of 2,048 bits, made for these tests by `ssh-keygen`.
const RSA: &str = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDfwyhu4H0m43FR5cz+3/AUJxKwn7DR0QQ2sfAZ+WeEOQQZ7TSZn3voFIweP3IV4YI9w3JDrKTODYJek9Bjmf2pB1jx8gPIOv0LALSa+kLYYG81Nu201jQ/foKwmTLXK+8g6YUFIvGdAvQJJpiqWQrS3iUn2nZp5hBfqJve46TtiOnBm5atHsy4aoGS56uTcoomnziuc9cSQQbvfEBrYR2AbP/iridMP5z96jbtVRunC+0Ayus8EAUaR5gbt0WVNMzbcwKgjSzGxayftFHKXke/S6f4up/0TIK1JK+JePt4avx+O4I3WK4NJ7Uw0UIbPq5ubn3KhWLrOMFt9uzCe8Nl someone@somewhere";
/// Its fingerprint by `openssl pkey -pubin -outform DER | openssl md5 -c`.
const RSA_MD5: &str = "73:e0:72:e7:73:ed:a2:fc:3e:d6:e4:7f:7b:94:fa:5d";
const ED25519: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGpzr2IvTPLIYXbNXN6BtNy8uIvHCgTKdEgV4mVJEwJN someone@somewhere";
/// Its fingerprint by `ssh-keygen -l`, with base64's padding.
const ED25519_SHA256: &str = "BVwHRaus2ycKzAPc/0Fg+Far77uisAoDAaDPhLohg2M=";

/// The cases of key pairs.
pub const CASES: &[Case] = &[
    Case::ec2(
        "CreateKeyPair",
        |_| {
            params([
                ("KeyName", "deploy"),
                ("TagSpecification.1.ResourceType", "key-pair"),
                ("TagSpecification.1.Tag.1.Key", "Team"),
                ("TagSpecification.1.Tag.1.Value", "web"),
            ])
        },
        &[
            (&[], "MissingParameter"),
            (&[("KeyName", " x")], "InvalidParameterValue"),
            (&[("KeyName", "é")], "InvalidParameterValue"),
            (&[("KeyName", "x"), ("KeyType", "dsa")], "InvalidParameterValue"),
            (&[("KeyName", "x"), ("KeyFormat", "ppk")], "UnsupportedOperation"),
            (
                &[
                    ("KeyName", "x"),
                    ("TagSpecification.1.ResourceType", "key-pair"),
                    ("TagSpecification.1.Tag.1.Key", "aws:x"),
                ],
                "InvalidParameterValue",
            ),
        ],
    )
    .masking(&["keyFingerprint", "keyMaterial"]),
    Case::ec2(
        "ImportKeyPair",
        |_| params([("KeyName", "mine".to_owned()), ("PublicKeyMaterial", base64(RSA))]),
        &[
            (&[("KeyName", "mine")], "MissingParameter"),
            (&[("KeyName", "mine"), ("PublicKeyMaterial", "%%%")], "InvalidParameterValue"),
            (&[("KeyName", "mine"), ("PublicKeyMaterial", "c3NoLXJzYQ==")], "InvalidKey.Format"),
        ],
    ),
    Case::ec2(
        "DeleteKeyPair",
        |client| params([("KeyPairId", import(client, "mine"))]),
        &[
            (&[], "MissingParameter"),
            (&[("KeyPairId", "key-1")], "InvalidKeyPair.Malformed"),
            (&[("KeyPairId", "key-0123456789abcdef0"), ("KeyName", "x")], "InvalidParameterCombination"),
        ],
    ),
    Case::ec2(
        "DescribeKeyPairs",
        |client| params([("KeyPairId.1", import(client, "mine"))]),
        &[
            (&[("KeyName.1", "absent")], "InvalidKeyPair.NotFound"),
            (&[("KeyPairId.1", "key-1")], "InvalidKeyPair.Malformed"),
            (&[("Filter.1.Name", "key-name")], "InvalidParameterValue"),
        ],
    ),
];

fn base64(text: &str) -> String {
    Blob::from(text.as_bytes().to_vec()).to_base64()
}

fn import(client: &Client<'_>, name: &str) -> String {
    let made = client.ok("ImportKeyPair", &[("KeyName", name), ("PublicKeyMaterial", &base64(RSA))]);
    at(&made, "keyPairId").to_owned()
}

#[test]
fn fingerprints_are_of_their_kind() {
    let world = World::new();
    let client = world.root();
    import(&client, "rsa");
    client.ok("ImportKeyPair", &[("KeyName", "ed"), ("PublicKeyMaterial", &base64(ED25519))]);
    let made = client.ok("CreateKeyPair", &[("KeyName", "made")]);
    assert_eq!(at(&made, "keyFingerprint").len(), 59);
    assert!(at(&made, "keyMaterial").starts_with("-----BEGIN RSA PRIVATE KEY-----\n"));
    let made = client.ok("CreateKeyPair", &[("KeyName", "made-ed"), ("KeyType", "ed25519"), ("KeyFormat", "pem")]);
    assert!(at(&made, "keyMaterial").starts_with("-----BEGIN OPENSSH PRIVATE KEY-----\n"));
    let shown =
        client.ok("DescribeKeyPairs", &[("KeyName.1", "rsa"), ("KeyName.2", "ed"), ("IncludePublicKey", "true")]);
    assert_eq!(column(&shown, "keySet", "keyFingerprint"), [RSA_MD5, ED25519_SHA256]);
    assert_eq!(column(&shown, "keySet", "keyType"), ["rsa", "ed25519"]);
    let expected = RSA.replace("someone@somewhere", "rsa");
    assert_eq!(at(&shown, "keySet.0.publicKey"), expected);
}

#[test]
fn a_name_is_taken_once() {
    let world = World::new();
    let client = world.root();
    import(&client, "mine");
    let again = [("KeyName", "mine"), ("PublicKeyMaterial", &base64(RSA))];
    assert_eq!(client.refused("ImportKeyPair", &again), "InvalidKeyPair.Duplicate");
    assert_eq!(client.refused("CreateKeyPair", &again[..1]), "InvalidKeyPair.Duplicate");
    client.ok("DeleteKeyPair", &[("KeyName", "mine")]);
    client.ok("DeleteKeyPair", &[("KeyName", "mine")]);
    client.ok("CreateKeyPair", &again[..1]);
}

#[test]
fn a_policy_on_a_name_counts() {
    let world = World::new();
    let allow = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["ec2:ImportKeyPair","ec2:DeleteKeyPair"],"Resource":"arn:aws:ec2:*:*:key-pair/dev-*"}]}"#;
    let user = world.user("dev", allow);
    import(&user, "dev-1");
    let other = [("KeyName", "prod"), ("PublicKeyMaterial", &base64(RSA))];
    assert_eq!(user.refused("ImportKeyPair", &other), "UnauthorizedOperation");
    user.ok("DeleteKeyPair", &[("KeyName", "dev-1")]);
}

#[test]
fn filters_select_key_pairs() {
    let world = World::new();
    let client = world.root();
    let id = import(&client, "mine");
    client.ok("CreateTags", &[("ResourceId.1", &id), ("Tag.1.Key", "Team"), ("Tag.1.Value", "web")]);
    for (name, value, count) in [
        ("key-name", "m*", 1),
        ("key-pair-id", id.as_str(), 1),
        ("fingerprint", RSA_MD5, 1),
        ("fingerprint", "x", 0),
        ("tag:Team", "web", 1),
        ("tag-key", "Team", 1),
        ("tag-key", "team", 0),
    ] {
        let shown = client.ok("DescribeKeyPairs", &[("Filter.1.Name", name), ("Filter.1.Value.1", value)]);
        assert_eq!(list(&shown, "keySet").len(), count, "{name}={value}");
    }
    let all = world.other().send("ec2", "DescribeKeyPairs", &nothing(&client));
    assert!(!all.body.contains(&id));
}

#[test]
fn when_a_key_pair_was_made_is_told() {
    let world = World::new();
    let client = world.root();
    import(&client, "first");
    world.pass(90);
    import(&client, "second");
    let shown = client.ok("DescribeKeyPairs", &[("KeyName.1", "first"), ("KeyName.2", "second")]);
    let times = column(&shown, "keySet", "createTime");
    assert_eq!(times, ["2026-11-22T10:00:00.000Z", "2026-11-22T10:01:30.000Z"]);
}
