//! Secrets Manager's operations, each with a call that goes through and calls that don't, and what secrets keep.

use crate::harness::{ACCOUNT, Case, Client, Params, World, at, column, find, list, params};

const SM: &str = "secretsmanager";
const ONE: &str = "00000000-0000-4000-8000-000000000001";
const TWO: &str = "00000000-0000-4000-8000-000000000002";
const THREE: &str = "00000000-0000-4000-8000-000000000003";
const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:root"},"Action":"secretsmanager:GetSecretValue","Resource":"*"}]}"#;
const PUBLIC: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"secretsmanager:GetSecretValue","Resource":"*"}]}"#;

type Bad = &'static [(&'static [(&'static str, &'static str)], &'static str)];

/// What every operation on one secret refuses.
const NONE: Bad = &[
    (&[("SecretId", "none")], "ResourceNotFoundException"),
    (&[("SecretId", "a b")], "ValidationException"),
    (&[], "ValidationException"),
];

/// A case whose good call names the secret `db`, which is there.
const fn on_db(action: &'static str, good: fn(&Client<'_>) -> Params, bad: Bad) -> Case {
    Case::of(SM, action, good, bad).masking(&["ARN"])
}

/// The cases of Secrets Manager.
pub const CASES: &[Case] = &[
    on_db(
        "BatchGetSecretValue",
        |client| {
            create(client);
            params([("SecretIdList:", r#"["db","none"]"#)])
        },
        &[
            (&[], "InvalidParameterException"),
            (
                &[("SecretIdList:", r#"["db"]"#), ("Filters:", r#"[{"Key":"name","Values":["x"]}]"#)],
                "InvalidParameterException",
            ),
            (&[("SecretIdList:", r#"["db"]"#), ("MaxResults:", "5")], "InvalidParameterException"),
            (&[("Filters:", r#"[{"Key":"x","Values":["x"]}]"#)], "ValidationException"),
        ],
    ),
    on_db(
        "CreateSecret",
        |_| {
            params([
                ("Name", "db"),
                ("SecretString", "hidden"),
                ("ClientRequestToken", ONE),
                ("Description", "of the database"),
            ])
        },
        &[
            (&[("Name", "db"), ("SecretString", "x")], "InvalidRequestException"),
            (&[("Name", "db"), ("ClientRequestToken", "short"), ("SecretString", "x")], "InvalidParameterException"),
            (&[("Name", "a b"), ("ClientRequestToken", ONE), ("SecretString", "x")], "ValidationException"),
            (&[("Name", "db"), ("ClientRequestToken", ONE), ("SecretString", "")], "ValidationException"),
            (
                &[("Name", "db"), ("ClientRequestToken", ONE), ("SecretString", "x"), ("SecretBinary", "eA==")],
                "InvalidParameterException",
            ),
            (
                &[("Name", "db"), ("ClientRequestToken", ONE), ("SecretString", "x"), ("KmsKeyId", "alias/none")],
                "EncryptionFailure",
            ),
            (
                &[("Name", "db"), ("ClientRequestToken", ONE), ("AddReplicaRegions:", r#"[{"Region":"eu-west-1"}]"#)],
                "InvalidRequestException",
            ),
            (&[("Name", "db"), ("ClientRequestToken", ONE), ("Type", "x")], "InvalidRequestException"),
        ],
    ),
    on_db("DeleteResourcePolicy", db, NONE),
    on_db(
        "DeleteSecret",
        |client| {
            create(client);
            params([("SecretId", "db"), ("RecoveryWindowInDays:", "7")])
        },
        &[
            (&[("SecretId", "none")], "ResourceNotFoundException"),
            (&[("SecretId", "none"), ("RecoveryWindowInDays:", "6")], "InvalidParameterException"),
            (
                &[("SecretId", "none"), ("RecoveryWindowInDays:", "7"), ("ForceDeleteWithoutRecovery:", "true")],
                "InvalidParameterException",
            ),
        ],
    ),
    on_db("DescribeSecret", db, NONE),
    Case::of(
        SM,
        "GetRandomPassword",
        |_| params([("PasswordLength:", "12"), ("ExcludePunctuation:", "true")]),
        &[
            (&[("PasswordLength:", "3")], "InvalidParameterException"),
            (&[("PasswordLength:", "4097")], "InvalidParameterException"),
        ],
    )
    .masking(&["RandomPassword"]),
    on_db(
        "GetResourcePolicy",
        |client| {
            create(client);
            client.ok_of(SM, "PutResourcePolicy", &[("SecretId", "db"), ("ResourcePolicy", POLICY)]);
            params([("SecretId", "db")])
        },
        NONE,
    ),
    on_db("GetSecretValue", db, NONE),
    on_db("ListSecretVersionIds", db, NONE),
    on_db(
        "ListSecrets",
        |client| {
            create(client);
            params([("SortBy", "name"), ("SortOrder", "desc")])
        },
        &[
            (&[("Filters:", r#"[{"Key":"x","Values":["x"]}]"#)], "ValidationException"),
            (&[("Filters:", r#"[{"Key":"name","Values":[]}]"#)], "InvalidParameterException"),
            (&[("MaxResults:", "101")], "InvalidParameterException"),
            (&[("NextToken", "x")], "InvalidNextTokenException"),
        ],
    ),
    on_db(
        "PutResourcePolicy",
        |client| {
            create(client);
            params([("SecretId", "db"), ("ResourcePolicy", POLICY), ("BlockPublicPolicy:", "true")])
        },
        &[(&[("SecretId", "none"), ("ResourcePolicy", POLICY)], "ResourceNotFoundException")],
    ),
    on_db(
        "PutSecretValue",
        |client| {
            create(client);
            params([("SecretId", "db"), ("SecretBinary", "aGlkZGVu"), ("ClientRequestToken", TWO)])
        },
        &[
            (&[("SecretId", "none"), ("SecretString", "x"), ("ClientRequestToken", ONE)], "ResourceNotFoundException"),
            (&[("SecretId", "none"), ("ClientRequestToken", ONE)], "InvalidRequestException"),
            (&[("SecretId", "none"), ("SecretString", "x")], "InvalidRequestException"),
            (&[("SecretId", "none"), ("SecretBinary", "???")], "SerializationException"),
            (&[("SecretId", "none"), ("RotationToken", "x")], "InvalidRequestException"),
        ],
    ),
    on_db(
        "RestoreSecret",
        |client| {
            create(client);
            client.ok_of(SM, "DeleteSecret", &[("SecretId", "db")]);
            params([("SecretId", "db")])
        },
        NONE,
    ),
    Case::of(
        SM,
        "TagResource",
        |client| {
            create(client);
            params([("SecretId", "db"), ("Tags:", r#"[{"Key":"team","Value":"ops"}]"#)])
        },
        &[(&[("SecretId", "none"), ("Tags:", "[]")], "ResourceNotFoundException")],
    ),
    Case::of(
        SM,
        "UntagResource",
        |client| {
            create(client);
            params([("SecretId", "db"), ("TagKeys:", r#"["team"]"#)])
        },
        &[(&[("SecretId", "none"), ("TagKeys:", "[]")], "ResourceNotFoundException")],
    ),
    on_db(
        "UpdateSecret",
        |client| {
            create(client);
            params([("SecretId", "db"), ("SecretString", "other"), ("ClientRequestToken", TWO), ("Description", "")])
        },
        &[
            (&[("SecretId", "none"), ("ClientRequestToken", ONE)], "ResourceNotFoundException"),
            (&[("SecretId", "none")], "InvalidRequestException"),
        ],
    ),
    on_db(
        "UpdateSecretVersionStage",
        |client| {
            create(client);
            params([("SecretId", "db"), ("VersionStage", "blue"), ("MoveToVersionId", ONE)])
        },
        &[(&[("SecretId", "none"), ("VersionStage", "x")], "ResourceNotFoundException")],
    ),
    Case::of(
        SM,
        "ValidateResourcePolicy",
        |client| {
            create(client);
            params([("SecretId", "db"), ("ResourcePolicy", PUBLIC)])
        },
        &[
            (&[("SecretId", "none"), ("ResourcePolicy", POLICY)], "ResourceNotFoundException"),
            (&[("ResourcePolicy", "{")], "MalformedPolicyDocumentException"),
        ],
    ),
];

fn create(client: &Client<'_>) -> String {
    let call = [("Name", "db"), ("SecretString", "hidden"), ("ClientRequestToken", ONE)];
    at(&client.ok_of(SM, "CreateSecret", &call), "ARN").to_owned()
}

fn db(client: &Client<'_>) -> Params {
    create(client);
    params([("SecretId", "db")])
}

fn put(client: &Client<'_>, token: &str, value: &str, stages: &str) {
    let call = [("SecretId", "db"), ("SecretString", value), ("ClientRequestToken", token), ("VersionStages:", stages)];
    client.ok_of(SM, "PutSecretValue", &call);
}

fn value(client: &Client<'_>, call: &[(&str, &str)]) -> String {
    at(&client.ok_of(SM, "GetSecretValue", call), "SecretString").to_owned()
}

fn stages(client: &Client<'_>, version: &str) -> Vec<String> {
    let described = client.ok_of(SM, "DescribeSecret", &[("SecretId", "db")]);
    let stages = list(&described, &format!("VersionIdsToStages.{version}")).iter();
    stages.map(|stage| stage.as_text().unwrap().to_owned()).collect()
}

#[test]
fn stages_move_as_versions_come() {
    let world = World::new();
    let client = world.root();
    create(&client);
    put(&client, TWO, "pending", r#"["AWSPENDING"]"#);
    assert_eq!(value(&client, &[("SecretId", "db")]), "hidden");
    assert_eq!(value(&client, &[("SecretId", "db"), ("VersionStage", "AWSPENDING")]), "pending");
    let call =
        [("SecretId", "db"), ("VersionStage", "AWSCURRENT"), ("MoveToVersionId", TWO), ("RemoveFromVersionId", ONE)];
    client.ok_of(SM, "UpdateSecretVersionStage", &call);
    assert_eq!(stages(&client, ONE), ["AWSPREVIOUS"]);
    assert_eq!(stages(&client, TWO), ["AWSCURRENT", "AWSPENDING"]);
    put(&client, THREE, "third", r#"["AWSCURRENT"]"#);
    assert!(stages(&client, ONE).is_empty());
    assert_eq!(stages(&client, TWO), ["AWSPREVIOUS"]);
    assert_eq!(stages(&client, THREE), ["AWSCURRENT"]);
    let versions = |more: &[(&str, &str)]| {
        let call: Vec<_> = [("SecretId", "db")].into_iter().chain(more.iter().copied()).collect();
        let answer = client.ok_of(SM, "ListSecretVersionIds", &call);
        column(&answer, "Versions", "VersionId").into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(versions(&[]), [TWO, THREE]);
    assert_eq!(versions(&[("IncludeDeprecated:", "true")]), [ONE, TWO, THREE]);
    let refused = |call: &[(&str, &str)]| client.refused_of(SM, "UpdateSecretVersionStage", call);
    let current = ("VersionStage", "AWSCURRENT");
    assert_eq!(refused(&[("SecretId", "db"), current, ("MoveToVersionId", ONE)]), "InvalidParameterException");
    assert_eq!(refused(&[("SecretId", "db"), current, ("RemoveFromVersionId", THREE)]), "InvalidParameterException");
    let both = [("SecretId", "db"), ("VersionId", THREE), ("VersionStage", "AWSPREVIOUS")];
    assert_eq!(client.refused_of(SM, "GetSecretValue", &both), "InvalidRequestException");
    let none = [("SecretId", "db"), ("VersionStage", "blue")];
    assert_eq!(client.refused_of(SM, "GetSecretValue", &none), "ResourceNotFoundException");
}

#[test]
fn the_same_token_makes_one_version() {
    let world = World::new();
    let client = world.root();
    let arn = create(&client);
    assert_eq!(create(&client), arn);
    let other = [("Name", "db"), ("SecretString", "other"), ("ClientRequestToken", ONE)];
    assert_eq!(client.refused_of(SM, "CreateSecret", &other), "ResourceExistsException");
    let other = [("Name", "db"), ("SecretString", "hidden"), ("ClientRequestToken", TWO)];
    assert_eq!(client.refused_of(SM, "CreateSecret", &other), "ResourceExistsException");
    put(&client, TWO, "second", r#"["AWSCURRENT"]"#);
    put(&client, TWO, "second", r#"["AWSCURRENT"]"#);
    let other = [("SecretId", "db"), ("SecretString", "third"), ("ClientRequestToken", TWO)];
    assert_eq!(client.refused_of(SM, "PutSecretValue", &other), "ResourceExistsException");
    assert_eq!(client.refused_of(SM, "UpdateSecret", &other), "ResourceExistsException");
    assert_eq!(world.engine().read().secret_versions.iter().count(), 2);
}

#[test]
fn a_secret_value_is_nowhere_in_the_clear() {
    let world = World::new();
    let client = world.root();
    let call = [("Name", "db"), ("SecretString", "correct horse"), ("ClientRequestToken", ONE)];
    client.ok_of(SM, "CreateSecret", &call);
    let snapshot = world.engine().read();
    let row = snapshot.secret_versions.iter().next().unwrap();
    assert!(!serde_json::to_string(row).unwrap().contains("horse"));
    assert!(!format!("{row:?}").contains(&row.value));
}

#[test]
fn a_deleted_secret_can_be_taken_back_until_it_goes() {
    let world = World::new();
    let client = world.root();
    create(&client);
    client.ok_of(SM, "DeleteSecret", &[("SecretId", "db"), ("RecoveryWindowInDays:", "7")]);
    for (action, call) in [
        ("GetSecretValue", vec![("SecretId", "db")]),
        ("DeleteSecret", vec![("SecretId", "db")]),
        ("TagResource", vec![("SecretId", "db"), ("Tags:", "[]")]),
        ("CreateSecret", vec![("Name", "db"), ("ClientRequestToken", TWO)]),
        ("PutSecretValue", vec![("SecretId", "db"), ("SecretString", "x"), ("ClientRequestToken", TWO)]),
    ] {
        assert_eq!(client.refused_of(SM, action, &call), "InvalidRequestException", "{action}");
    }
    assert!(list(&client.ok_of(SM, "ListSecrets", &[]), "SecretList").is_empty());
    let all = client.ok_of(SM, "ListSecrets", &[("IncludePlannedDeletion:", "true")]);
    assert!(find(&all, "SecretList.0.DeletedDate").is_some());
    client.ok_of(SM, "RestoreSecret", &[("SecretId", "db")]);
    assert_eq!(value(&client, &[("SecretId", "db")]), "hidden");
    client.ok_of(SM, "DeleteSecret", &[("SecretId", "db"), ("RecoveryWindowInDays:", "7")]);
    world.pass(7 * 24 * 3600 + 1);
    world.transact(|tx| while landfall_cloud::expiry::expire(tx) {});
    assert_eq!(client.refused_of(SM, "DescribeSecret", &[("SecretId", "db")]), "ResourceNotFoundException");
    assert_eq!(world.engine().read().secret_versions.iter().count(), 0);
    let first = create(&client);
    let force = [("SecretId", "db"), ("ForceDeleteWithoutRecovery:", "true")];
    client.ok_of(SM, "DeleteSecret", &force);
    client.ok_of(SM, "DeleteSecret", &force);
    assert_ne!(create(&client), first);
}

#[test]
fn a_secret_is_found_by_its_arn_whole_or_in_part() {
    let world = World::new();
    let client = world.root();
    let arn = create(&client);
    let (part, _) = arn.rsplit_once('-').unwrap();
    for id in [arn.as_str(), part, "db"] {
        assert_eq!(value(&client, &[("SecretId", id)]), "hidden", "{id}");
    }
    for id in [arn.replace("us-east-1", "eu-west-1").as_str(), &format!("{part}-AAAAAA")] {
        assert_eq!(client.refused_of(SM, "DescribeSecret", &[("SecretId", id)]), "ResourceNotFoundException");
    }
}

#[test]
fn only_whom_its_policy_names_reads_another_accounts_secret() {
    let world = World::new();
    let (owner, stranger) = (world.root(), world.other());
    let key_policy = r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":["111122223333","444455556666"]},"Action":"kms:*","Resource":"*"}]}"#;
    let key = owner.ok_of("kms", "CreateKey", &[("Policy", key_policy)]);
    let key = at(&key, "KeyMetadata.Arn").to_owned();
    let call = [("Name", "db"), ("SecretString", "hidden"), ("ClientRequestToken", ONE), ("KmsKeyId", key.as_str())];
    let arn = at(&owner.ok_of(SM, "CreateSecret", &call), "ARN").to_owned();
    let read = [("SecretId", arn.as_str())];
    assert_eq!(stranger.refused_of(SM, "GetSecretValue", &read), "AccessDeniedException");
    let absent = format!("arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:none-AAAAAA");
    assert_eq!(stranger.refused_of(SM, "GetSecretValue", &[("SecretId", &absent)]), "AccessDeniedException");
    owner.ok_of(SM, "PutResourcePolicy", &[("SecretId", "db"), ("ResourcePolicy", POLICY)]);
    assert_eq!(value(&stranger, &read), "hidden");
    assert_eq!(stranger.refused_of(SM, "DescribeSecret", &read), "AccessDeniedException");
    assert_eq!(stranger.refused_of(SM, "GetSecretValue", &[("SecretId", "db")]), "ResourceNotFoundException");
    let call = [("SecretId", "db"), ("KmsKeyId", ""), ("ClientRequestToken", TWO)];
    owner.ok_of(SM, "UpdateSecret", &call);
    assert_eq!(value(&owner, &read), "hidden");
    let refused = stranger.refused_of(SM, "GetSecretValue", &read);
    assert!(["AccessDeniedException", "InvalidRequestException"].contains(&refused.as_str()), "{refused}");
}

#[test]
fn a_policy_that_lets_everybody_in_can_be_refused() {
    let world = World::new();
    let client = world.root();
    create(&client);
    let call = [("SecretId", "db"), ("ResourcePolicy", PUBLIC), ("BlockPublicPolicy:", "true")];
    assert_eq!(client.refused_of(SM, "PutResourcePolicy", &call), "PublicPolicyException");
    client.ok_of(SM, "PutResourcePolicy", &call[..2]);
    let malformed = [("SecretId", "db"), ("ResourcePolicy", "{}")];
    assert_eq!(client.refused_of(SM, "PutResourcePolicy", &malformed), "MalformedPolicyDocumentException");
}

#[test]
fn a_user_whom_the_secrets_policy_names_needs_none_of_its_own() {
    let world = World::new();
    let client = world.root();
    create(&client);
    let user =
        world.user("app", r#"{"Statement":[{"Effect":"Allow","Action":"sts:GetCallerIdentity","Resource":"*"}]}"#);
    let read = [("SecretId", "db")];
    assert_eq!(user.refused_of(SM, "GetSecretValue", &read), "AccessDeniedException");
    let policy = POLICY.replace("arn:aws:iam::444455556666:root", "arn:aws:iam::111122223333:user/app");
    client.ok_of(SM, "PutResourcePolicy", &[("SecretId", "db"), ("ResourcePolicy", &policy)]);
    assert_eq!(value(&user, &read), "hidden");
}

#[test]
fn filters_and_pages_find_secrets() {
    let world = World::new();
    let client = world.root();
    for (name, description) in [("prod/db", "The database"), ("prod/web", "Front door"), ("test/db", "Another")] {
        let tags = format!(r#"[{{"Key":"stage","Value":"{}"}}]"#, name.split('/').next().unwrap());
        let call = [
            ("Name", name),
            ("Description", description),
            ("ClientRequestToken", ONE),
            ("SecretString", name),
            ("Tags:", &tags),
        ];
        client.ok_of(SM, "CreateSecret", &call);
        world.pass(1);
    }
    let names = |more: &[(&str, &str)]| {
        let answer = client.ok_of(SM, "ListSecrets", more);
        column(&answer, "SecretList", "Name").into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let filtered =
        |key: &str, value: &str| names(&[("Filters:", &format!(r#"[{{"Key":"{key}","Values":["{value}"]}}]"#))]);
    assert_eq!(filtered("name", "prod/"), ["prod/db", "prod/web"]);
    assert_eq!(filtered("name", "!prod/"), ["test/db"]);
    assert_eq!(filtered("description", "the"), ["prod/db"]);
    assert_eq!(filtered("tag-value", "te"), ["test/db"]);
    assert_eq!(filtered("all", "front"), ["prod/web"]);
    assert_eq!(names(&[("SortOrder", "desc")]), ["test/db", "prod/web", "prod/db"]);
    let page = client.ok_of(SM, "ListSecrets", &[("SortOrder", "desc"), ("MaxResults:", "2")]);
    let rest = names(&[("SortOrder", "desc"), ("MaxResults:", "2"), ("NextToken", at(&page, "NextToken"))]);
    assert_eq!(rest, ["prod/db"]);
    let call = [("Filters:", r#"[{"Key":"name","Values":["prod/"]}]"#), ("MaxResults:", "1")];
    let page = client.ok_of(SM, "BatchGetSecretValue", &call);
    assert_eq!(at(&page, "SecretValues.0.SecretString"), "prod/db");
    let token = at(&page, "NextToken").to_owned();
    let page = client.ok_of(SM, "BatchGetSecretValue", &[call[0], call[1], ("NextToken", &token)]);
    assert_eq!(at(&page, "SecretValues.0.SecretString"), "prod/web");
    assert!(find(&page, "NextToken").is_none());
}

#[test]
fn lists_are_sorted_and_pages_are_the_whole_of_them() {
    let world = World::new();
    let client = world.root();
    let make = |client: &Client<'_>, name: &str| {
        let call = [("Name", name), ("ClientRequestToken", ONE), ("SecretString", "s")];
        client.ok_of(SM, "CreateSecret", &call);
    };
    make(&world.other(), "b-theirs");
    // Some at the same moment, in no order of their names.
    for name in ["d", "a", "f"] {
        make(&client, name);
    }
    world.pass(60);
    for name in ["c", "b", "e"] {
        make(&client, name);
    }
    world.pass(60);
    client.ok_of(SM, "UpdateSecret", &[("SecretId", "f"), ("Description", "new"), ("ClientRequestToken", ONE)]);
    client.ok_of(SM, "GetSecretValue", &[("SecretId", "c")]);
    client.ok_of(SM, "GetSecretValue", &[("SecretId", "a")]);
    let paged = |by: &str, order: &str| {
        let (mut seen, mut token) = (Vec::new(), None::<String>);
        loop {
            let mut call = vec![("SortBy", by), ("SortOrder", order), ("MaxResults:", "2")];
            call.extend(token.as_deref().map(|token| ("NextToken", token)));
            let page = client.ok_of(SM, "ListSecrets", &call);
            seen.extend(column(&page, "SecretList", "Name").into_iter().map(str::to_owned));
            token = find(&page, "NextToken").and_then(|token| token.as_text()).map(str::to_owned);
            if token.is_none() {
                return seen.concat();
            }
        }
    };
    for (by, rising) in [
        ("name", "abcdef"),
        ("created-date", "adfbce"),
        ("last-changed-date", "adbcef"),
        ("last-accessed-date", "bdefac"),
    ] {
        assert_eq!(paged(by, "asc"), rising, "{by}");
        assert_eq!(paged(by, "desc"), rising.chars().rev().collect::<String>(), "{by}");
    }
}

#[test]
fn a_secret_that_may_not_be_read_keeps_none_of_the_others() {
    let world = World::new();
    let client = world.root();
    for name in ["open/a", "open/b", "closed"] {
        client.ok_of(SM, "CreateSecret", &[("Name", name), ("SecretString", name), ("ClientRequestToken", ONE)]);
    }
    let policy = r#"{"Statement":[
        {"Effect":"Allow","Action":["secretsmanager:*","kms:*"],"Resource":"*"},
        {"Effect":"Deny","Action":"secretsmanager:GetSecretValue","Resource":"arn:aws:secretsmanager:*:*:secret:closed-*"}]}"#;
    let user = world.user("reader", policy);
    let call = [("SecretIdList:", r#"["open/a","closed","none","open/b"]"#)];
    let read = user.ok_of(SM, "BatchGetSecretValue", &call);
    assert_eq!(crate::harness::column(&read, "SecretValues", "SecretString"), ["open/a", "open/b"]);
    assert_eq!(crate::harness::column(&read, "Errors", "SecretId"), ["closed", "none"]);
    let codes = crate::harness::column(&read, "Errors", "ErrorCode");
    assert_eq!(codes, ["AccessDeniedException", "ResourceNotFoundException"]);
    assert!(at(&read, "Errors.0.Message").contains("explicit deny"), "{}", at(&read, "Errors.0.Message"));
}

#[test]
fn rotation_and_replication_are_refused_by_name() {
    let world = World::new();
    let client = world.root();
    create(&client);
    for (action, what) in [
        ("RotateSecret", "rotation"),
        ("CancelRotateSecret", "rotation"),
        ("ReplicateSecretToRegions", "replication"),
        ("RemoveRegionsFromReplication", "replication"),
        ("StopReplicationToReplica", "replication"),
    ] {
        let refused = client.send(SM, action, &params([("SecretId", "db")]));
        assert_eq!((refused.status, refused.code().as_str()), (400, "InvalidRequestException"), "{action}");
        assert!(refused.message().contains(what), "{action}: {}", refused.message());
    }
}
