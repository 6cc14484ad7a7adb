//! Grants of keys across accounts.

use serde_json::{Value, json};

use super::encrypt;
use crate::harness::{ACCOUNT, Client, OTHER_ACCOUNT, World, at, column, params};

const OTHER_ROOT: &str = "arn:aws:iam::444455556666:root";

/// A key of the first account, by its ARN, whose policy lets the other account do that with grants.
fn key_open_for(world: &World, actions: &str) -> String {
    let policy = format!(
        r#"{{"Statement":[
        {{"Effect":"Allow","Principal":{{"AWS":"{ACCOUNT}"}},"Action":"kms:*","Resource":"*"}},
        {{"Effect":"Allow","Principal":{{"AWS":"{OTHER_ACCOUNT}"}},"Action":{actions},"Resource":"*"}}]}}"#
    );
    let made = world.root().ok_of("kms", "CreateKey", &[("Policy", policy.as_str())]);
    at(&made, "KeyMetadata.Arn").to_owned()
}

fn grant(client: &Client<'_>, key: &str, operations: &str) -> String {
    let call = [("KeyId", key), ("GranteePrincipal", OTHER_ROOT), ("Operations:", operations)];
    at(&client.ok_of("kms", "CreateGrant", &call), "GrantId").to_owned()
}

/// Whose events tell of that call, and what of it failed.
fn told(world: &World, action: &str) -> Vec<(String, Value)> {
    let kept = world.engine().bulk(landfall_api::audit::STREAM, 0, 10_000).unwrap();
    let records = kept.iter().map(|kept| serde_json::from_str::<Value>(&kept.record).unwrap());
    let of_action = records.filter(|record| record["eventName"] == action);
    of_action.map(|it| (it["recipientAccountId"].as_str().unwrap().to_owned(), it["errorCode"].clone())).collect()
}

#[test]
fn a_keys_policy_lets_another_account_grant_list_and_revoke() {
    let world = World::new();
    let (owner, other) = (world.root(), world.other());
    let key = key_open_for(&world, r#"["kms:CreateGrant","kms:ListGrants","kms:RevokeGrant"]"#);
    let id = grant(&other, &key, r#"["Decrypt"]"#);
    let listed = other.ok_of("kms", "ListGrants", &[("KeyId", &key)]);
    assert_eq!(column(&listed, "Grants", "GrantId"), [id.as_str()]);
    assert_eq!(column(&listed, "Grants", "KeyId"), [key.as_str()]);
    assert_eq!(column(&listed, "Grants", "IssuingAccount"), [OTHER_ROOT]);
    // It is the key's: its owner sees it, and it opens what the key encrypted.
    let of_owner = owner.ok_of("kms", "ListGrants", &[("KeyId", &key)]);
    assert_eq!(column(&of_owner, "Grants", "GrantId"), [id.as_str()]);
    let blob = encrypt(&owner, &key, "{}");
    other.ok_of("kms", "Decrypt", &[("CiphertextBlob", &blob)]);
    other.ok_of("kms", "RevokeGrant", &[("KeyId", &key), ("GrantId", &id)]);
    assert_eq!(other.refused_of("kms", "Decrypt", &[("CiphertextBlob", &blob)]), "AccessDeniedException");
    // Each of these shows in the caller's events, and in those of the key's account.
    for action in ["CreateGrant", "RevokeGrant"] {
        let both = [OTHER_ACCOUNT, ACCOUNT].map(|account| (account.to_owned(), Value::Null));
        assert_eq!(told(&world, action), both, "{action}");
    }
    // By its alias a key of whichever account isn't granted.
    let alias = key.replace(key.rsplit_once("key/").unwrap().1, "").replace("key/", "alias/theirs");
    owner.ok_of("kms", "CreateAlias", &[("AliasName", "alias/theirs"), ("TargetKeyId", &key)]);
    assert_eq!(other.refused_of("kms", "ListGrants", &[("KeyId", &alias)]), "NotFoundException");
}

#[test]
fn a_grant_lets_another_account_grant_on_and_give_back_what_it_holds_alone() {
    let world = World::new();
    let (owner, other) = (world.root(), world.other());
    let key = key_open_for(&world, r#""kms:DescribeKey""#);
    let on = [("KeyId", key.as_str()), ("GranteePrincipal", OTHER_ROOT), ("Operations:", r#"["Decrypt"]"#)];
    for (action, call) in [("CreateGrant", &on[..]), ("ListGrants", &on[..1]), ("RevokeGrant", &on[..1])] {
        let call = [call, &[("GrantId", "x")][..usize::from(action == "RevokeGrant")]].concat();
        assert_eq!(other.refused_of("kms", action, &call), "AccessDeniedException", "{action}");
        // What was refused is told where it was asked from, and nowhere else.
        assert_eq!(told(&world, action), [(OTHER_ACCOUNT.to_owned(), json!("AccessDeniedException"))], "{action}");
    }
    let first = grant(&owner, &key, r#"["CreateGrant","Decrypt","RetireGrant"]"#);
    assert_eq!(
        other.refused_of("kms", "CreateGrant", &[on[0], on[1], ("Operations:", r#"["Encrypt"]"#)]),
        "AccessDeniedException"
    );
    let second = grant(&other, &key, r#"["Decrypt"]"#);
    let retire = |id: &str| other.send("kms", "RetireGrant", &params([("KeyId", key.as_str()), ("GrantId", id)]));
    assert_eq!(retire(&second).code(), "AccessDeniedException", "it doesn't let its grantee retire it");
    assert_eq!(retire(&first).status, 200);
    let left = owner.ok_of("kms", "ListGrants", &[("KeyId", &key)]);
    assert_eq!(column(&left, "Grants", "GrantId"), [second.as_str()]);
}

#[test]
fn whoever_may_retire_grants_finds_those_of_all_accounts_keys() {
    let world = World::new();
    let (owner, other) = (world.root(), world.other());
    let own = at(&other.ok_of("kms", "CreateKey", &[]), "KeyMetadata.Arn").to_owned();
    let foreign = key_open_for(&world, r#""kms:DescribeKey""#);
    let grant = |client: &Client<'_>, key: &str| {
        let call = [
            ("KeyId", key),
            ("GranteePrincipal", "arn:aws:iam::111122223333:root"),
            ("RetiringPrincipal", OTHER_ROOT),
            ("Operations:", r#"["Decrypt"]"#),
        ];
        client.ok_of("kms", "CreateGrant", &call);
    };
    grant(&owner, &foreign);
    grant(&other, &own);
    grant(&other, &own);
    let mut seen = Vec::new();
    let mut marker = None::<String>;
    loop {
        let mut call = vec![("RetiringPrincipal", OTHER_ROOT), ("Limit:", "1")];
        call.extend(marker.as_deref().map(|marker| ("Marker", marker)));
        let page = other.ok_of("kms", "ListRetirableGrants", &call);
        seen.extend(column(&page, "Grants", "KeyId").into_iter().map(str::to_owned));
        marker = crate::harness::find(&page, "NextMarker").and_then(|next| next.as_text()).map(str::to_owned);
        if marker.is_none() {
            break;
        }
    }
    seen.sort_unstable();
    let mut expected = vec![foreign, own.clone(), own];
    expected.sort_unstable();
    assert_eq!(seen, expected);
    // Only its own principals' are an account's to know.
    let asked = [("RetiringPrincipal", OTHER_ROOT)];
    assert_eq!(owner.refused_of("kms", "ListRetirableGrants", &asked), "InvalidArnException");
}

/// A user of the other account, with that policy if it has one.
fn user_of_other<'w>(world: &'w World, name: &str, policy: Option<&str>) -> Client<'w> {
    let other = world.other();
    other.ok_of("iam", "CreateUser", &[("UserName", name)]);
    if let Some(policy) = policy {
        let call = [("UserName", name), ("PolicyName", "own"), ("PolicyDocument", policy)];
        other.ok_of("iam", "PutUserPolicy", &call);
    }
    let key = other.ok_of("iam", "CreateAccessKey", &[("UserName", name)]);
    world.client(
        at(&key, "CreateAccessKeyResult.AccessKey.AccessKeyId"),
        at(&key, "CreateAccessKeyResult.AccessKey.SecretAccessKey"),
        None,
    )
}

#[test]
fn a_grant_that_was_made_in_its_grantees_account_needs_no_policy_of_the_grantees() {
    let world = World::new();
    let (owner, other) = (world.root(), world.other());
    let key = key_open_for(&world, r#""kms:CreateGrant""#);
    let blob = encrypt(&owner, &key, "{}");
    let deny = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"kms:Decrypt","Resource":"*"}]}"#;
    let allow = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*"}]}"#;
    let bare = user_of_other(&world, "bare", None);
    let kept = user_of_other(&world, "kept", Some(deny));
    let free = user_of_other(&world, "free", Some(allow));
    let decrypts = |user: &Client<'_>| user.send("kms", "Decrypt", &params([("CiphertextBlob", blob.as_str())])).status;
    let grant_to = |by: &Client<'_>, name: &str| {
        let arn = format!("arn:aws:iam::{OTHER_ACCOUNT}:user/{name}");
        let call = [("KeyId", key.as_str()), ("GranteePrincipal", &arn), ("Operations:", r#"["Decrypt"]"#)];
        at(&by.ok_of("kms", "CreateGrant", &call), "GrantId").to_owned()
    };
    // What the key's owner grants is worth what its key's policy is: the grantee's account must let him, too.
    for name in ["bare", "kept", "free"] {
        grant_to(&owner, name);
    }
    assert_eq!([&bare, &kept, &free].map(decrypts), [400, 400, 200]);
    // What his own account grants lets him at once, and outweighs no deny.
    for name in ["bare", "kept"] {
        grant_to(&other, name);
    }
    assert_eq!([&bare, &kept].map(decrypts), [200, 400]);
    // Granting all of the account lets whom its policies let: as in the key's own policy.
    let last = user_of_other(&world, "last", None);
    grant(&other, &key, r#"["Decrypt"]"#);
    assert_eq!(decrypts(&last), 400);
}

#[test]
fn whom_a_grant_names_may_give_it_back_whatever_his_policies_allow() {
    let world = World::new();
    let owner = world.root();
    let key = key_open_for(&world, r#""kms:DescribeKey""#);
    let bare = user_of_other(&world, "bare", None);
    let arn = format!("arn:aws:iam::{OTHER_ACCOUNT}:user/bare");
    let call = [
        ("KeyId", key.as_str()),
        ("GranteePrincipal", OTHER_ROOT),
        ("RetiringPrincipal", &arn),
        ("Operations:", r#"["Decrypt"]"#),
    ];
    let id = at(&owner.ok_of("kms", "CreateGrant", &call), "GrantId").to_owned();
    bare.ok_of("kms", "RetireGrant", &[("KeyId", &key), ("GrantId", &id)]);
}

#[test]
fn who_is_gone_stands_in_a_grant_by_his_unique_id() {
    let world = World::new();
    let (owner, other) = (world.root(), world.other());
    let key = key_open_for(&world, r#""kms:DescribeKey""#);
    user_of_other(&world, "old", None);
    let named = |name: &str| format!("arn:aws:iam::{OTHER_ACCOUNT}:user/{name}");
    let call = [
        ("KeyId", key.as_str()),
        ("GranteePrincipal", &named("old")),
        ("RetiringPrincipal", &named("old")),
        ("Operations:", r#"["Decrypt"]"#),
    ];
    owner.ok_of("kms", "CreateGrant", &call);
    let shown = |more: &[(&str, &str)]| {
        let call = [&[("KeyId", key.as_str())], more].concat();
        let grants = owner.ok_of("kms", "ListGrants", &call);
        let both = ["GranteePrincipal", "RetiringPrincipal"].map(|member| column(&grants, "Grants", member).join(""));
        assert_eq!(both[0], both[1]);
        both[0].clone()
    };
    assert_eq!(shown(&[]), named("old"));
    // Who is called otherwise by now is shown so, and is found so.
    other.ok_of("iam", "UpdateUser", &[("UserName", "old"), ("NewUserName", "new")]);
    assert_eq!(shown(&[("GranteePrincipal", &named("new"))]), named("new"));
    let retirable = |name: &str| {
        let found = other.ok_of("kms", "ListRetirableGrants", &[("RetiringPrincipal", &named(name))]);
        crate::harness::list(&found, "Grants").len()
    };
    assert_eq!((retirable("new"), retirable("old")), (1, 0));
    let made = other.ok_of("iam", "GetUser", &[("UserName", "new")]);
    let id = at(&made, "GetUserResult.User.UserId").to_owned();
    let keys = other.ok_of("iam", "ListAccessKeys", &[("UserName", "new")]);
    let access_key = column(&keys, "ListAccessKeysResult.AccessKeyMetadata", "AccessKeyId").join("");
    other.ok_of("iam", "DeleteAccessKey", &[("UserName", "new"), ("AccessKeyId", &access_key)]);
    other.ok_of("iam", "DeleteUser", &[("UserName", "new")]);
    assert_eq!(shown(&[]), id);
    // Another one of that name is somebody else.
    user_of_other(&world, "new", None);
    assert_eq!(shown(&[]), id);
    assert_eq!(shown(&[("GranteePrincipal", &id)]), id);
    assert_eq!(shown(&[("GranteePrincipal", &named("new"))]), "");
    assert_eq!(retirable("new"), 0);
}
