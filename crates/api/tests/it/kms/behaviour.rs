//! What keys keep, and whom they serve.

use landfall_wire::Blob;

use super::{deleted, encrypt, key, key_of, named, rotated};
use crate::harness::{ACCOUNT, World, at};

#[test]
fn a_ciphertext_opens_for_its_context_alone() {
    let world = World::new();
    let client = world.root();
    let (id, other) = (key(&client), key(&client));
    let blob = encrypt(&client, &id, r#"{"a":"1","b":"2"}"#);
    let decrypt =
        |pairs: &[(&str, &str)]| client.send("kms", "Decrypt", &crate::harness::params(pairs.iter().copied()));
    let opened = decrypt(&[("CiphertextBlob", &blob), ("EncryptionContext:", r#"{"b":"2","a":"1"}"#)]);
    assert_eq!(at(&opened.tree(), "Plaintext"), "c2VjcmV0");
    for context in ["{}", r#"{"a":"1"}"#, r#"{"a":"1","b":"3"}"#, r#"{"A":"1","b":"2"}"#] {
        let refused = decrypt(&[("CiphertextBlob", &blob), ("EncryptionContext:", context)]);
        assert_eq!(refused.code(), "InvalidCiphertextException", "{context}");
    }
    let wrong =
        decrypt(&[("CiphertextBlob", &blob), ("KeyId", &other), ("EncryptionContext:", r#"{"a":"1","b":"2"}"#)]);
    assert_eq!(wrong.code(), "IncorrectKeyException");
}

#[test]
fn a_ciphertext_that_was_changed_anywhere_is_refused() {
    let world = World::new();
    let client = world.root();
    let bytes = Blob::parse(&encrypt(&client, &key(&client), "{}")).unwrap().0;
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let code = client.refused_of("kms", "Decrypt", &[("CiphertextBlob", &Blob(changed).to_base64())]);
        // A changed region or key is another's or none; nothing changed ever opens.
        let codes = ["InvalidCiphertextException", "NotFoundException", "AccessDeniedException"];
        assert!(codes.contains(&code.as_str()), "{at}: {code}");
    }
}

#[test]
fn a_key_of_another_account_is_nobodys_but_its_owners() {
    let world = World::new();
    let (owner, stranger) = (world.root(), world.other());
    let id = key(&owner);
    let arn = format!("arn:aws:kms:us-east-1:{ACCOUNT}:key/{id}");
    let blob = encrypt(&owner, &id, "{}");
    assert_eq!(stranger.refused_of("kms", "DescribeKey", &[("KeyId", &id)]), "NotFoundException");
    let absent = format!("arn:aws:kms:us-east-1:{ACCOUNT}:key/{}", super::NO_KEY);
    for arn in [&arn, &absent] {
        assert_eq!(stranger.refused_of("kms", "DescribeKey", &[("KeyId", arn)]), "AccessDeniedException");
    }
    // Who has but a ciphertext isn't told whose key, nor which, it is.
    let own = key(&stranger);
    let calls = [
        ("Decrypt", vec![("CiphertextBlob", blob.as_str())]),
        ("ReEncrypt", vec![("CiphertextBlob", blob.as_str()), ("DestinationKeyId", own.as_str())]),
    ];
    for (action, call) in calls {
        let refused = stranger.send("kms", action, &crate::harness::params(call));
        assert_eq!(refused.code(), "AccessDeniedException");
        let words = "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.";
        assert_eq!(refused.message(), words, "{action}");
    }
    // Whatever he calls it, he isn't told whether it is there, nor which key an alias is of.
    owner.ok_of("kms", "CreateAlias", &[("AliasName", "alias/app"), ("TargetKeyId", &id)]);
    let alias = |name: &str| format!("arn:aws:kms:us-east-1:{ACCOUNT}:alias/{name}");
    let words: Vec<_> = [arn, absent, alias("app"), alias("none")]
        .iter()
        .map(|named| {
            let call = crate::harness::params([("CiphertextBlob", blob.as_str()), ("KeyId", named.as_str())]);
            let refused = stranger.send("kms", "Decrypt", &call);
            (refused.code(), refused.message())
        })
        .collect();
    assert!(words.iter().all(|word| *word == words[0]) && !words[0].1.contains(ACCOUNT), "{words:#?}");
    assert!(words[0].1.contains("the resource does not exist in this Region"), "{words:#?}");
    let seen = stranger.ok_of("kms", "ListKeys", &[]);
    assert_eq!(crate::harness::column(&seen, "Keys", "KeyId"), [own.as_str()]);
}

#[test]
fn a_key_whose_policy_lets_another_account_serves_it() {
    let world = World::new();
    let policy = r#"{"Statement":[
        {"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"},
        {"Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":"kms:Decrypt","Resource":"*",
         "Condition":{"StringEquals":{"kms:EncryptionContext:stage":"test"}}}]}"#;
    let made = world.root().ok_of("kms", "CreateKey", &[("Policy", policy)]);
    let id = at(&made, "KeyMetadata.KeyId");
    let decrypt = |context: &str| {
        let blob = encrypt(&world.root(), id, context);
        world.other().send(
            "kms",
            "Decrypt",
            &crate::harness::params([("CiphertextBlob", blob.as_str()), ("EncryptionContext:", context)]),
        )
    };
    assert_eq!(decrypt(r#"{"stage":"test"}"#).status, 200);
    assert_eq!(decrypt(r#"{"stage":"live"}"#).code(), "AccessDeniedException");
}

#[test]
fn a_users_policies_count_only_where_the_key_says_so() {
    let world = World::new();
    let user = world.user("kim", r#"{"Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*"}]}"#);
    let open = key(&world.root());
    assert_eq!(user.send("kms", "DescribeKey", &[("KeyId".into(), open)]).status, 200);
    let policy = r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/kim"},"Action":"kms:PutKeyPolicy","Resource":"*"}]}"#;
    let call = [("Policy", policy), ("BypassPolicyLockoutSafetyCheck:", "true")];
    let closed = at(&world.root().ok_of("kms", "CreateKey", &call), "KeyMetadata.KeyId").to_owned();
    assert_eq!(user.refused_of("kms", "DescribeKey", &[("KeyId", &closed)]), "AccessDeniedException");
    assert_eq!(world.root().refused_of("kms", "DescribeKey", &[("KeyId", &closed)]), "AccessDeniedException");
    let locked = world.root().refused_of("kms", "CreateKey", &[("Policy", policy)]);
    assert_eq!(locked, "MalformedPolicyDocumentException");
}

#[test]
fn a_services_own_key_is_made_when_it_is_first_looked_at() {
    let world = World::new();
    let client = world.root();
    let first = client.ok_of("kms", "DescribeKey", &[("KeyId", "alias/aws/ebs")]);
    let second = client.ok_of("kms", "DescribeKey", &[("KeyId", "alias/aws/ebs")]);
    assert_eq!(at(&first, "KeyMetadata.KeyId"), at(&second, "KeyMetadata.KeyId"));
    assert_eq!(at(&first, "KeyMetadata.KeyManager"), "AWS");
    let direct = client.refused_of("kms", "Encrypt", &[("KeyId", "alias/aws/ebs"), ("Plaintext", "c2VjcmV0")]);
    assert_eq!(direct, "AccessDeniedException");
}

#[test]
fn no_secret_of_a_key_is_in_its_row() {
    let world = World::new();
    let id = key(&world.root());
    let snapshot = world.engine().read();
    let row = snapshot.kms_keys.iter().find(|row| row.id.to_string() == id).unwrap();
    let material = row.material.as_ref().unwrap();
    assert!(material.sealed.starts_with("v1."));
    let opened = landfall_state::RootKey::from_bytes(&[7; 32]).open("wrapped", &material.sealed.parse().unwrap());
    assert!(opened.is_err(), "the root key alone must not open it");
}

const DAY: i64 = 86_400;

/// Lets what is due happen.
fn expire(world: &World) {
    world.transact(|tx| while landfall_cloud::expiry::expire(tx) {});
}

#[test]
fn what_was_encrypted_before_a_rotation_stays_readable() {
    let world = World::new();
    let client = world.root();
    let id = key(&client);
    let before = encrypt(&client, &id, "{}");
    client.ok_of("kms", "RotateKeyOnDemand", &[("KeyId", &id)]);
    client.ok_of("kms", "EnableKeyRotation", &[("KeyId", &id), ("RotationPeriodInDays:", "90")]);
    world.pass(90 * DAY);
    expire(&world);
    let after = encrypt(&client, &id, "{}");
    let material = |blob: &str| {
        let opened = client.ok_of("kms", "Decrypt", &[("CiphertextBlob", blob)]);
        assert_eq!(at(&opened, "Plaintext"), "c2VjcmV0");
        at(&opened, "KeyMaterialId").to_owned()
    };
    assert_ne!(material(&before), material(&after));
    let rotations = client.ok_of("kms", "ListKeyRotations", &[("KeyId", &id)]);
    assert_eq!(crate::harness::column(&rotations, "Rotations", "RotationType"), ["ON_DEMAND", "AUTOMATIC"]);
    let status = client.ok_of("kms", "GetKeyRotationStatus", &[("KeyId", &id)]);
    assert!(crate::harness::find(&status, "NextRotationDate").is_some());
}

#[test]
fn a_key_that_is_off_or_about_to_go_does_nothing() {
    let world = World::new();
    let client = world.root();
    let id = key(&client);
    let blob = encrypt(&client, &id, "{}");
    let open = || client.refused_of("kms", "Decrypt", &[("CiphertextBlob", &blob)]);
    client.ok_of("kms", "DisableKey", &[("KeyId", &id)]);
    assert_eq!(open(), "DisabledException");
    client.ok_of("kms", "ScheduleKeyDeletion", &[("KeyId", &id), ("PendingWindowInDays:", "7")]);
    assert_eq!(open(), "KMSInvalidStateException");
    for action in ["EnableKey", "DisableKey", "ScheduleKeyDeletion", "RotateKeyOnDemand"] {
        assert_eq!(client.refused_of("kms", action, &[("KeyId", &id)]), "KMSInvalidStateException", "{action}");
    }
    client.ok_of("kms", "CancelKeyDeletion", &[("KeyId", &id)]);
    assert_eq!(open(), "DisabledException");
    assert_eq!(client.refused_of("kms", "CancelKeyDeletion", &[("KeyId", &id)]), "KMSInvalidStateException");
    client.ok_of("kms", "EnableKey", &[("KeyId", &id)]);
    client.ok_of("kms", "Decrypt", &[("CiphertextBlob", &blob)]);
    for days in ["6", "31"] {
        let call = [("KeyId", id.as_str()), ("PendingWindowInDays:", days)];
        assert_eq!(client.refused_of("kms", "ScheduleKeyDeletion", &call), "ValidationException");
    }
}

#[test]
fn a_deleted_key_leaves_only_the_name_of_what_is_to_be_destroyed() {
    let world = World::new();
    let client = world.root();
    let id = named(&client, "alias/gone");
    let blob = encrypt(&client, &id, "{}");
    let wrapping = world.engine().read().kms_keys.iter().next().unwrap().material.clone().unwrap().wrapping;
    client.ok_of("kms", "TagResource", &[("KeyId", &id), ("Tags:", r#"[{"TagKey":"a","TagValue":"b"}]"#)]);
    client.ok_of("kms", "ScheduleKeyDeletion", &[("KeyId", &id), ("PendingWindowInDays:", "7")]);
    world.pass(7 * DAY - 1);
    expire(&world);
    assert_eq!(world.engine().read().kms_keys.len(), 1);
    world.pass(1);
    expire(&world);
    let cloud = world.engine().read();
    assert_eq!((cloud.kms_keys.len(), cloud.kms_aliases.len()), (0, 0));
    assert!(cloud.tags.iter().all(|row| row.kind != "kms-key"));
    assert_eq!(cloud.doomed_keys.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), [wrapping.as_str()]);
    assert_eq!(client.refused_of("kms", "DescribeKey", &[("KeyId", &id)]), "NotFoundException");
    assert_eq!(client.refused_of("kms", "Decrypt", &[("CiphertextBlob", &blob)]), "AccessDeniedException");
    assert_eq!(deleted(&client).len(), 36);
}

#[test]
fn signatures_of_every_kind_verify_and_nothing_else_does() {
    let world = World::new();
    let client = world.root();
    for (spec, algorithm) in [
        ("RSA_2048", "RSASSA_PSS_SHA_256"),
        ("RSA_2048", "RSASSA_PKCS1_V1_5_SHA_512"),
        ("ECC_NIST_P256", "ECDSA_SHA_256"),
        ("ECC_NIST_P384", "ECDSA_SHA_384"),
        ("ECC_NIST_P521", "ECDSA_SHA_512"),
        ("ECC_SECG_P256K1", "ECDSA_SHA_256"),
    ] {
        let id = key_of(&client, spec, "SIGN_VERIFY");
        let call = [("KeyId", id.as_str()), ("Message", "c2VjcmV0"), ("SigningAlgorithm", algorithm)];
        let made = client.ok_of("kms", "Sign", &call);
        let signature = at(&made, "Signature");
        let verify = |more: &[(&str, &str)]| {
            let all: Vec<_> = call[..1].iter().chain(&call[2..]).chain(more).copied().collect();
            client.send("kms", "Verify", &crate::harness::params(all))
        };
        assert_eq!(verify(&[("Message", "c2VjcmV0"), ("Signature", signature)]).status, 200, "{spec} {algorithm}");
        let wrong = verify(&[("Message", "c2VjcmV1"), ("Signature", signature)]);
        assert_eq!(wrong.code(), "KMSInvalidSignatureException", "{spec} {algorithm}");
        let digest = Blob(digest(algorithm, b"secret")).to_base64();
        let signed = [("Message", digest.as_str()), ("MessageType", "DIGEST"), ("Signature", signature)];
        assert_eq!(verify(&signed).status, 200, "{spec} {algorithm} of a digest");
    }
}

fn digest(algorithm: &str, message: &[u8]) -> Vec<u8> {
    use aws_lc_rs::digest::{SHA256, SHA384, SHA512, digest};
    let kind = if algorithm.ends_with("256") {
        &SHA256
    } else if algorithm.ends_with("384") {
        &SHA384
    } else {
        &SHA512
    };
    digest(kind, message).as_ref().to_vec()
}

#[test]
fn an_rsa_key_opens_what_its_public_half_encrypted() {
    let world = World::new();
    let client = world.root();
    let id = key_of(&client, "RSA_2048", "ENCRYPT_DECRYPT");
    for algorithm in ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"] {
        let call = [("KeyId", id.as_str()), ("Plaintext", "c2VjcmV0"), ("EncryptionAlgorithm", algorithm)];
        let made = client.ok_of("kms", "Encrypt", &call);
        let blob = at(&made, "CiphertextBlob");
        let call = [("KeyId", id.as_str()), ("CiphertextBlob", blob), ("EncryptionAlgorithm", algorithm)];
        assert_eq!(at(&client.ok_of("kms", "Decrypt", &call), "Plaintext"), "c2VjcmV0");
    }
    let call = [("KeyId", id.as_str()), ("Plaintext", "c2VjcmV0")];
    assert_eq!(client.refused_of("kms", "Encrypt", &call), "InvalidKeyUsageException");
    assert_eq!(
        client.refused_of("kms", "GenerateDataKey", &[("KeyId", &id), ("KeySpec", "AES_256")]),
        "InvalidKeyUsageException"
    );
}

#[test]
fn an_alias_is_another_name_and_conditions_see_it() {
    let world = World::new();
    let client = world.root();
    let id = named(&client, "alias/invoices");
    let by_name = client.ok_of("kms", "DescribeKey", &[("KeyId", "alias/invoices")]);
    assert_eq!(at(&by_name, "KeyMetadata.KeyId"), id);
    let again = [("TargetKeyId", id.as_str()), ("AliasName", "alias/invoices")];
    assert_eq!(client.refused_of("kms", "CreateAlias", &again), "AlreadyExistsException");
    for bad in ["alias/aws/mine", "alias/a b"] {
        let call = [("TargetKeyId", id.as_str()), ("AliasName", bad)];
        assert_eq!(client.refused_of("kms", "CreateAlias", &call), "InvalidAliasNameException", "{bad}");
    }
    assert_eq!(client.refused_of("kms", "DisableKey", &[("KeyId", "alias/invoices")]), "NotFoundException");
    let allow = |condition: &str| {
        format!(r#"{{"Statement":[{{"Effect":"Allow","Action":"kms:*","Resource":"*","Condition":{condition}}}]}}"#)
    };
    let other = rotated(&client);
    let user = world.user("kim", &allow(r#"{"ForAnyValue:StringEquals":{"kms:ResourceAliases":"alias/invoices"}}"#));
    assert_eq!(user.send("kms", "DescribeKey", &[("KeyId".into(), id.clone())]).status, 200);
    assert_eq!(user.refused_of("kms", "DescribeKey", &[("KeyId", &other)]), "AccessDeniedException");
    let user = world.user("lee", &allow(r#"{"StringEquals":{"kms:RequestAlias":"alias/invoices"}}"#));
    assert_eq!(user.refused_of("kms", "DescribeKey", &[("KeyId", &id)]), "AccessDeniedException");
    assert_eq!(user.send("kms", "DescribeKey", &[("KeyId".into(), "alias/invoices".into())]).status, 200);
    let call = [("TargetKeyId", other.as_str()), ("AliasName", "alias/invoices")];
    client.ok_of("kms", "UpdateAlias", &call);
    let by_name = client.ok_of("kms", "DescribeKey", &[("KeyId", "alias/invoices")]);
    assert_eq!(at(&by_name, "KeyMetadata.KeyId"), other);
}

#[test]
fn a_grant_lets_its_grantee_alone_and_for_its_contexts_alone_until_it_is_given_back() {
    let world = World::new();
    let client = world.root();
    let nothing = r#"{"Statement":[{"Effect":"Allow","Action":"iam:GetUser","Resource":"*"}]}"#;
    let (kim, lee) = (world.user("kim", nothing), world.user("lee", nothing));
    let id = key(&client);
    let blob = encrypt(&client, &id, r#"{"stage":"test","n":"1"}"#);
    let other = encrypt(&client, &id, r#"{"stage":"live"}"#);
    let call = [
        ("KeyId", id.as_str()),
        ("GranteePrincipal", "arn:aws:iam::111122223333:user/kim"),
        ("RetiringPrincipal", "arn:aws:iam::111122223333:user/lee"),
        ("Operations:", r#"["Decrypt"]"#),
        ("Constraints:", r#"{"EncryptionContextSubset":{"stage":"test"}}"#),
        ("Name", "nightly"),
    ];
    let made = client.ok_of("kms", "CreateGrant", &call);
    let again = client.ok_of("kms", "CreateGrant", &call);
    assert_eq!(at(&made, "GrantId"), at(&again, "GrantId"));
    let token = at(&made, "GrantToken").to_owned();
    let decrypt = |user: &crate::harness::Client<'_>, blob: &str, context: &str| {
        let call = [("CiphertextBlob", blob), ("EncryptionContext:", context)];
        user.send("kms", "Decrypt", &crate::harness::params(call)).status
    };
    let context = r#"{"stage":"test","n":"1"}"#;
    assert_eq!(decrypt(&kim, &blob, context), 200);
    assert_eq!(decrypt(&lee, &blob, context), 400);
    assert_eq!(decrypt(&kim, &other, r#"{"stage":"live"}"#), 400);
    assert_eq!(kim.refused_of("kms", "DescribeKey", &[("KeyId", &id)]), "AccessDeniedException");
    assert_eq!(kim.refused_of("kms", "RetireGrant", &[("GrantToken", &token)]), "AccessDeniedException");
    lee.ok_of("kms", "RetireGrant", &[("GrantToken", &token)]);
    assert_eq!(decrypt(&kim, &blob, context), 400);
}

#[test]
fn whoever_was_granted_to_grant_passes_on_what_he_has_at_most() {
    let world = World::new();
    let client = world.root();
    let nothing = r#"{"Statement":[{"Effect":"Allow","Action":"iam:GetUser","Resource":"*"}]}"#;
    let (kim, lee) = (world.user("kim", nothing), world.user("lee", nothing));
    let id = key(&client);
    let to = |name: &'static str| format!("arn:aws:iam::111122223333:user/{name}");
    let (to_kim, to_lee) = (to("kim"), to("lee"));
    let subset = r#"{"EncryptionContextSubset":{"stage":"test"}}"#;
    let own = [
        ("KeyId", id.as_str()),
        ("GranteePrincipal", to_kim.as_str()),
        ("Operations:", r#"["CreateGrant","Decrypt"]"#),
        ("Constraints:", subset),
    ];
    let grant = |operations: &str, constraints: &str| {
        let call = [
            ("KeyId", id.as_str()),
            ("GranteePrincipal", to_lee.as_str()),
            ("Operations:", operations),
            ("Constraints:", constraints),
        ];
        kim.send("kms", "CreateGrant", &crate::harness::params(call)).status
    };
    assert_eq!(grant(r#"["Decrypt"]"#, subset), 400, "nobody has let him yet");
    client.ok_of("kms", "CreateGrant", &own);
    for (operations, constraints) in [
        (r#"["Decrypt","Encrypt"]"#, subset),
        (r#"["Decrypt"]"#, "{}"),
        (r#"["Decrypt"]"#, r#"{"EncryptionContextSubset":{"stage":"live"}}"#),
        (r#"["Decrypt"]"#, r#"{"EncryptionContextEquals":{"other":"test"}}"#),
    ] {
        assert_eq!(grant(operations, constraints), 400, "{operations} {constraints}");
    }
    let blob = encrypt(&client, &id, r#"{"stage":"test","n":"1"}"#);
    let call = [("CiphertextBlob", blob.as_str()), ("EncryptionContext:", r#"{"stage":"test","n":"1"}"#)];
    assert_eq!(lee.refused_of("kms", "Decrypt", &call), "AccessDeniedException");
    assert_eq!(grant(r#"["Decrypt"]"#, r#"{"EncryptionContextSubset":{"stage":"test","n":"1"}}"#), 200);
    lee.ok_of("kms", "Decrypt", &call);
}

#[test]
fn a_deny_outweighs_a_grant() {
    let world = World::new();
    let client = world.root();
    let kim = world.user("kim", r#"{"Statement":[{"Effect":"Deny","Action":"kms:Decrypt","Resource":"*"}]}"#);
    let id = key(&client);
    let blob = encrypt(&client, &id, "{}");
    let call = [
        ("KeyId", id.as_str()),
        ("GranteePrincipal", "arn:aws:iam::111122223333:user/kim"),
        ("Operations:", r#"["Decrypt","DescribeKey"]"#),
    ];
    client.ok_of("kms", "CreateGrant", &call);
    kim.ok_of("kms", "DescribeKey", &[("KeyId", &id)]);
    assert_eq!(kim.refused_of("kms", "Decrypt", &[("CiphertextBlob", &blob)]), "AccessDeniedException");
}
