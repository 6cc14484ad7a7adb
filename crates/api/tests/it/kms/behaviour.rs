//! What keys keep, and whom they serve.

use landfall_wire::Blob;

use super::{encrypt, key};
use crate::harness::{ACCOUNT, World, at, list};

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
    assert_eq!(stranger.refused_of("kms", "Decrypt", &[("CiphertextBlob", &blob)]), "AccessDeniedException");
    assert!(list(&stranger.ok_of("kms", "ListKeys", &[]), "Keys").is_empty());
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
