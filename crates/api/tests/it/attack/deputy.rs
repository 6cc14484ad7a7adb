//! Services that act for their callers: none of them lends a caller an account, a name or a region that isn't its own.

use super::{ok, user};
use crate::harness::{ACCOUNT, Client, World, at};

const SM: &str = "secretsmanager";
const TOKEN: &str = "00000000-0000-4000-8000-00000000000a";
const NEXT: &str = "00000000-0000-4000-8000-00000000000b";
/// Everybody may work with the secret.
const OPEN: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"secretsmanager:*","Resource":"*"}]}"#;

/// A secret under that key that everybody may read, as far as its own policy goes.
fn secret(owner: &Client<'_>, name: &str, key: Option<&str>) -> String {
    let mut call = vec![("Name", name), ("SecretString", "hidden"), ("ClientRequestToken", TOKEN)];
    call.extend(key.map(|key| ("KmsKeyId", key)));
    let arn = at(&owner.ok_of(SM, "CreateSecret", &call), "ARN").to_owned();
    owner.ok_of(SM, "PutResourcePolicy", &[("SecretId", name), ("ResourcePolicy", OPEN)]);
    arn
}

#[test]
fn a_key_for_its_owners_callers_opens_nothing_for_those_of_others() {
    let world = World::new();
    let (owner, stranger) = (world.root(), world.other());
    // As AWS writes it for its own keys, and people for theirs.
    let policy = format!(
        r#"{{"Statement":[{{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*","Condition":{{"StringEquals":{{"kms:CallerAccount":"{ACCOUNT}"}}}}}}]}}"#
    );
    let key = owner.ok_of("kms", "CreateKey", &[("Policy", &policy)]);
    let arn = secret(&owner, "db", Some(at(&key, "KeyMetadata.Arn")));
    let read = [("SecretId", arn.as_str())];
    assert_eq!(at(&owner.ok_of(SM, "GetSecretValue", &read), "SecretString"), "hidden");
    assert_eq!(stranger.refused_of(SM, "GetSecretValue", &read), "AccessDeniedException");
    let put = [("SecretId", arn.as_str()), ("SecretString", "theirs"), ("ClientRequestToken", NEXT)];
    assert_eq!(stranger.refused_of(SM, "PutSecretValue", &put), "AccessDeniedException");
    assert_eq!(stranger.refused_of(SM, "UpdateSecret", &put), "AccessDeniedException");
    assert_eq!(at(&owner.ok_of(SM, "GetSecretValue", &read), "SecretString"), "hidden");
}

#[test]
fn the_services_own_key_is_for_its_account_alone_whatever_the_secret_calls_it() {
    let world = World::new();
    let (owner, stranger) = (world.root(), world.other());
    secret(&owner, "first", None);
    let own = owner.ok_of("kms", "DescribeKey", &[("KeyId", "alias/aws/secretsmanager")]);
    let (id, arn) = (at(&own, "KeyMetadata.KeyId"), at(&own, "KeyMetadata.Arn"));
    let alias = format!("arn:aws:kms:us-east-1:{ACCOUNT}:alias/aws/secretsmanager");
    for (name, key) in [("a", "alias/aws/secretsmanager"), ("b", alias.as_str()), ("c", id), ("d", arn)] {
        let secret = secret(&owner, name, Some(key));
        let read = [("SecretId", secret.as_str())];
        assert_eq!(stranger.refused_of(SM, "GetSecretValue", &read), "InvalidRequestException", "{key}");
        let put = [("SecretId", secret.as_str()), ("SecretString", "theirs"), ("ClientRequestToken", NEXT)];
        assert_eq!(stranger.refused_of(SM, "PutSecretValue", &put), "InvalidRequestException", "{key}");
    }
}

#[test]
fn a_fence_around_a_region_isnt_passed_by_an_arn() {
    let world = World::new();
    let root = world.root();
    let far = world.root().at("eu-west-1");
    let arn = secret(&far, "db", None);
    // The owner itself, who may do everything: what is elsewhere isn't here.
    for action in ["GetSecretValue", "DescribeSecret", "DeleteSecret", "GetResourcePolicy", "ListSecretVersionIds"] {
        let refused = root.refused_of(SM, action, &[("SecretId", &arn)]);
        assert_eq!(refused, "ResourceNotFoundException", "{action}");
    }
    let put = [("SecretId", arn.as_str()), ("SecretString", "x"), ("ClientRequestToken", NEXT)];
    assert_eq!(root.refused_of(SM, "PutSecretValue", &put), "ResourceNotFoundException");
    assert_eq!(at(&far.ok_of(SM, "GetSecretValue", &[("SecretId", &arn)]), "SecretString"), "hidden");
}

#[test]
fn a_grant_isnt_given_back_from_where_its_keys_policy_isnt_asked() {
    let world = World::new();
    let root = world.root();
    let far = world.root().at("eu-west-1");
    let key = far.ok_of("kms", "CreateKey", &[]);
    let id = at(&key, "KeyMetadata.KeyId");
    let call =
        [("KeyId", id), ("GranteePrincipal", "arn:aws:iam::444455556666:root"), ("Operations:", r#"["Decrypt"]"#)];
    let token = at(&far.ok_of("kms", "CreateGrant", &call), "GrantToken").to_owned();
    // Somebody else has the token, and may retire grants as far as his own policies go.
    for stranger in [world.other(), root] {
        let refused = stranger.refused_of("kms", "RetireGrant", &[("GrantToken", &token)]);
        assert_eq!(refused, "InvalidGrantTokenException");
    }
    let refused = world.other().at("eu-west-1").refused_of("kms", "RetireGrant", &[("GrantToken", &token)]);
    assert_eq!(refused, "AccessDeniedException");
    assert_eq!(crate::harness::list(&far.ok_of("kms", "ListGrants", &[("KeyId", id)]), "Grants").len(), 1);
}

/// A user's name is deleted and given to another one.
fn replace<'w>(root: &Client<'w>, world: &'w World, name: &str, key: &Client<'_>) -> Client<'w> {
    ok(root, "iam", "DeleteAccessKey", &[("UserName", name), ("AccessKeyId", &key.access_key)]);
    ok(root, "iam", "DeleteUserPolicy", &[("UserName", name), ("PolicyName", "own")]);
    ok(root, "iam", "DeleteUser", &[("UserName", name)]);
    newcomer(root, world, name)
}

/// A user who may do what the tests ask, as far as its own policies go.
fn newcomer<'w>(root: &Client<'w>, world: &'w World, name: &str) -> Client<'w> {
    let client = user(root, world, name);
    let all = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:*","Resource":"*"}]}"#;
    ok(root, "iam", "PutUserPolicy", &[("UserName", name), ("PolicyName", "own"), ("PolicyDocument", all)]);
    client
}

#[test]
fn whoever_takes_a_deleted_users_name_gets_none_of_its_trust_however_the_name_is_spelt() {
    let world = World::new();
    let root = world.root();
    let take = |client: &Client<'_>, role: &str| {
        let arn = format!("arn:aws:iam::{ACCOUNT}:role/{role}");
        client
            .send("sts", "AssumeRole", &crate::harness::params([("RoleArn", arn.as_str()), ("RoleSessionName", "one")]))
            .status
    };
    let bob = newcomer(&root, &world, "bob");
    // JSON may escape a solidus, and any letter; PHP does the first by default.
    let spellings = [
        ("plain", format!("arn:aws:iam::{ACCOUNT}:user/bob")),
        ("escaped", format!(r"arn:aws:iam::{ACCOUNT}:user\/bob")),
        ("coded", format!(r"arn:aws:iam::{ACCOUNT}:user\u002fb\u006fb")),
    ];
    for (role, name) in &spellings {
        let trust = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":["{name}"]}},"Action":"sts:AssumeRole"}}]}}"#
        );
        ok(&root, "iam", "CreateRole", &[("RoleName", role), ("AssumeRolePolicyDocument", &trust)]);
        assert_eq!(take(&bob, role), 200, "{role}");
    }
    let before = ok(&root, "iam", "GetUser", &[("UserName", "bob")]).tree();
    let id = at(&before, "GetUserResult.User.UserId").to_owned();
    let other = replace(&root, &world, "bob", &bob);
    for (role, _) in &spellings {
        assert_eq!(take(&other, role), 403, "{role}");
        let shown = ok(&root, "iam", "GetRole", &[("RoleName", role)]).body;
        assert!(shown.contains(&id) && !shown.contains("bob"), "{role}: {shown}");
    }
}

#[test]
fn a_deny_holds_for_a_name_that_was_deleted_and_made_anew() {
    let world = World::new();
    let root = world.root();
    let bob = newcomer(&root, &world, "bob");
    let arn = format!("arn:aws:iam::{ACCOUNT}:user/bob");
    // Bob is trusted by one statement; whoever is called so is denied by another one's condition.
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":["{arn}","{ACCOUNT}"]}},"Action":"sts:AssumeRole"}},{{"Effect":"Deny","Principal":{{"AWS":"*"}},"Action":"sts:AssumeRole","Condition":{{"ArnEquals":{{"aws:PrincipalArn":"{arn}"}}}}}}]}}"#
    );
    ok(&root, "iam", "CreateRole", &[("RoleName", "strong"), ("AssumeRolePolicyDocument", &trust)]);
    let role = format!("arn:aws:iam::{ACCOUNT}:role/strong");
    let call = [("RoleArn", role.as_str()), ("RoleSessionName", "one")];
    let refused = |client: &Client<'_>| client.send("sts", "AssumeRole", &crate::harness::params(call)).status;
    assert_eq!(refused(&bob), 403);
    let other = replace(&root, &world, "bob", &bob);
    assert_eq!(refused(&other), 403);
    let shown = ok(&root, "iam", "GetRole", &[("RoleName", "strong")]).body;
    assert_eq!(shown.matches("user%2Fbob").count(), 1, "the condition still says whom it denies: {shown}");
}

#[test]
fn a_secrets_policy_means_whom_it_named_and_not_whoever_takes_the_name() {
    let world = World::new();
    let root = world.root();
    let arn = secret(&root, "db", None);
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{ACCOUNT}:user\/bob"}},"Action":"secretsmanager:GetSecretValue","Resource":"*"}}]}}"#
    );
    let put = [("SecretId", "db"), ("ResourcePolicy", policy.as_str())];
    // Nobody is called so yet: then it would mean whoever is first.
    assert_eq!(root.refused_of(SM, "PutResourcePolicy", &put), "MalformedPolicyDocumentException");
    let bob = newcomer(&root, &world, "bob");
    root.ok_of(SM, "PutResourcePolicy", &put);
    let read = [("SecretId", arn.as_str())];
    assert_eq!(at(&bob.ok_of(SM, "GetSecretValue", &read), "SecretString"), "hidden");
    let shown = root.ok_of(SM, "GetResourcePolicy", &[("SecretId", "db")]);
    assert_eq!(at(&shown, "ResourcePolicy"), policy);
    let other = replace(&root, &world, "bob", &bob);
    assert_eq!(other.refused_of(SM, "GetSecretValue", &read), "AccessDeniedException");
    let shown = root.ok_of(SM, "GetResourcePolicy", &[("SecretId", "db")]);
    assert!(!at(&shown, "ResourcePolicy").contains("bob"), "{shown:?}");
}
