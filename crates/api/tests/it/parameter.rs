//! Parameter Store's operations, each with a call that goes through and calls that don't, and what parameters keep.

use crate::harness::{ACCOUNT, Case, Client, IMAGE, Params, World, at, column, find, list, params};

const SSM: &str = "ssm";
const DEBIAN: &str = "/aws/service/debian/release/12/latest/amd64";

/// The cases of Parameter Store.
pub const CASES: &[Case] = &[
    Case::of(
        SSM,
        "AddTagsToResource",
        |client| {
            put(client, "/prod/db", "String", "x");
            tagged(&[("Tags:", r#"[{"Key":"team","Value":"ops"}]"#)])
        },
        &[
            (&[("ResourceType", "Parameter"), ("ResourceId", "none"), ("Tags:", "[]")], "InvalidResourceId"),
            (&[("ResourceType", "Document"), ("ResourceId", "x"), ("Tags:", "[]")], "UnsupportedOperationException"),
            (&[("ResourceType", "Nonsense"), ("ResourceId", "x"), ("Tags:", "[]")], "ValidationException"),
        ],
    ),
    Case::of(
        SSM,
        "DeleteParameter",
        |client| {
            put(client, "/prod/db", "String", "x");
            params([("Name", "/prod/db")])
        },
        &[(&[("Name", "none")], "ParameterNotFound"), (&[("Name", DEBIAN)], "ParameterNotFound")],
    ),
    Case::of(
        SSM,
        "DeleteParameters",
        |client| {
            put(client, "/prod/db", "String", "x");
            params([("Names:", r#"["/prod/db","none"]"#)])
        },
        &[(&[("Names:", "[]")], "ValidationException")],
    ),
    Case::of(
        SSM,
        "DescribeParameters",
        |client| {
            put(client, "/prod/db", "SecureString", "hidden");
            put(client, "/prod/web", "String", "x");
            params([
                (
                    "ParameterFilters:",
                    r#"[{"Key":"Path","Values":["/prod"]},{"Key":"Type","Values":["SecureString"]}]"#,
                ),
                ("MaxResults:", "5"),
            ])
        },
        &[
            (&[("ParameterFilters:", r#"[{"Key":"Label","Values":["x"]}]"#)], "InvalidFilterKey"),
            (&[("ParameterFilters:", r#"[{"Key":"Name","Option":"x","Values":["x"]}]"#)], "InvalidFilterOption"),
            (&[("ParameterFilters:", r#"[{"Key":"Name","Values":[]}]"#)], "InvalidFilterValue"),
            (
                &[("ParameterFilters:", r#"[{"Key":"Name","Values":["x"]},{"Key":"Name","Values":["y"]}]"#)],
                "InvalidFilterKey",
            ),
            (&[("Shared:", "true")], "UnsupportedOperationException"),
            (&[("MaxResults:", "51")], "ValidationException"),
            (&[("NextToken", "x")], "InvalidNextToken"),
        ],
    ),
    Case::of(
        SSM,
        "GetParameter",
        |client| {
            put(client, "/prod/db", "SecureString", "hidden");
            params([("Name", "/prod/db:1"), ("WithDecryption:", "true")])
        },
        &[
            (&[("Name", "none")], "ParameterNotFound"),
            (&[("Name", "a b")], "ValidationException"),
            (&[("Name", "prod/db")], "ValidationException"),
            (&[("Name", "/aws/service/none")], "ParameterNotFound"),
            (&[("Name", "arn:aws:ssm:us-east-1:444455556666:parameter/x")], "ParameterNotFound"),
            (&[], "ValidationException"),
        ],
    ),
    Case::of(
        SSM,
        "GetParameterHistory",
        |client| {
            put(client, "db", "String", "x");
            over(client, "db", "y");
            params([("Name", "db")])
        },
        &[(&[("Name", "none")], "ParameterNotFound"), (&[("Name", "x"), ("MaxResults:", "51")], "ValidationException")],
    ),
    Case::of(
        SSM,
        "GetParameters",
        |client| {
            put(client, "web", "String", "x");
            put(client, "db", "StringList", "a,b");
            params([("Names:", format!(r#"["web","none","db","{DEBIAN}"]"#))])
        },
        &[(&[("Names:", "[]")], "ValidationException"), (&[], "ValidationException")],
    ),
    Case::of(
        SSM,
        "GetParametersByPath",
        |client| {
            put(client, "/prod/db", "SecureString", "hidden");
            put(client, "/prod/eu/db", "String", "x");
            params([("Path", "/prod"), ("Recursive:", "true"), ("WithDecryption:", "true")])
        },
        &[
            (&[("Path", "prod")], "ValidationException"),
            (&[("Path", "/a b")], "ValidationException"),
            (&[("Path", "/x"), ("ParameterFilters:", r#"[{"Key":"Name","Values":["x"]}]"#)], "InvalidFilterKey"),
            (&[("Path", "/x"), ("MaxResults:", "11")], "ValidationException"),
            (&[("Path", "/x"), ("NextToken", "x")], "InvalidNextToken"),
        ],
    ),
    Case::of(
        SSM,
        "LabelParameterVersion",
        |client| {
            put(client, "/prod/db", "String", "x");
            params([("Name", "/prod/db"), ("Labels:", r#"["live","1st"]"#)])
        },
        &[
            (&[("Name", "none"), ("Labels:", r#"["live"]"#)], "ParameterNotFound"),
            (&[("Name", "none"), ("Labels:", "[]")], "ValidationException"),
        ],
    ),
    Case::of(
        SSM,
        "ListTagsForResource",
        |client| {
            client.ok_of(
                SSM,
                "PutParameter",
                &[("Name", "/prod/db"), ("Value", "x"), ("Type", "String"), ("Tags:", r#"[{"Key":"a","Value":"b"}]"#)],
            );
            tagged(&[])
        },
        &[(&[("ResourceType", "Parameter"), ("ResourceId", "none")], "InvalidResourceId")],
    ),
    Case::of(
        SSM,
        "PutParameter",
        |_| params([("Name", "/prod/db"), ("Value", "x"), ("Type", "String"), ("Description", "of the database")]),
        PUT_BAD,
    ),
    Case::of(
        SSM,
        "RemoveTagsFromResource",
        |client| {
            put(client, "/prod/db", "String", "x");
            tagged(&[("TagKeys:", r#"["team"]"#)])
        },
        &[(&[("ResourceType", "Parameter"), ("ResourceId", "none"), ("TagKeys:", "[]")], "InvalidResourceId")],
    ),
    Case::of(
        SSM,
        "UnlabelParameterVersion",
        |client| {
            put(client, "/prod/db", "String", "x");
            client.ok_of(SSM, "LabelParameterVersion", &[("Name", "/prod/db"), ("Labels:", r#"["live"]"#)]);
            params([("Name", "/prod/db"), ("ParameterVersion:", "1"), ("Labels:", r#"["live","test"]"#)])
        },
        &[
            (&[("Name", "none"), ("ParameterVersion:", "1"), ("Labels:", r#"["x"]"#)], "ParameterNotFound"),
            (&[("Name", "none"), ("Labels:", r#"["x"]"#)], "ValidationException"),
        ],
    ),
];

type Bad = &'static [(&'static [(&'static str, &'static str)], &'static str)];

const PUT_BAD: Bad = &[
    (&[("Name", "x"), ("Value", "x")], "ValidationException"),
    (&[("Name", "x"), ("Value", ""), ("Type", "String")], "ValidationException"),
    (&[("Name", "x"), ("Value", "x"), ("Type", "Number")], "ValidationException"),
    (&[("Name", "a b"), ("Value", "x"), ("Type", "String")], "ValidationException"),
    (&[("Name", "a/b"), ("Value", "x"), ("Type", "String")], "ValidationException"),
    (&[("Name", "ssmx"), ("Value", "x"), ("Type", "SecureString")], "ValidationException"),
    (&[("Name", "/aws/x"), ("Value", "x"), ("Type", "String")], "AccessDeniedException"),
    (&[("Name", "x"), ("Value", "{{ssm:y}}"), ("Type", "String")], "ValidationException"),
    (&[("Name", "x"), ("Value", "x"), ("Type", "String"), ("KeyId", "alias/x")], "ValidationException"),
    (&[("Name", "x"), ("Value", "x"), ("Type", "SecureString"), ("KeyId", "alias/none")], "InvalidKeyId"),
    (&[("Name", "x"), ("Value", "x"), ("Type", "String"), ("AllowedPattern", "(")], "InvalidAllowedPatternException"),
    (
        &[("Name", "x"), ("Value", "x"), ("Type", "String"), ("AllowedPattern", r"^\d+$")],
        "ParameterPatternMismatchException",
    ),
    (&[("Name", "x"), ("Value", "x"), ("Type", "String"), ("DataType", "aws:ec2:image")], "ValidationException"),
    (&[("Name", "x"), ("Value", "x"), ("Type", "String"), ("DataType", "x")], "ValidationException"),
    (
        &[("Name", "x"), ("Value", "x"), ("Type", "String"), ("DataType", "aws:ssm:integration")],
        "UnsupportedOperationException",
    ),
    (&[("Name", "x"), ("Value", "x"), ("Type", "String"), ("Policies", "x")], "InvalidPolicyAttributeException"),
    (
        &[("Name", "x"), ("Value", "x"), ("Type", "String"), ("Policies", r#"[{"Type":"x"}]"#)],
        "InvalidPolicyTypeException",
    ),
    (
        &[("Name", "x"), ("Value", "x"), ("Type", "String"), ("Policies", r#"[{"Type":"NoChangeNotification"}]"#)],
        "UnsupportedOperationException",
    ),
    (
        &[
            ("Name", "x"),
            ("Value", "x"),
            ("Type", "String"),
            ("Overwrite:", "true"),
            ("Tags:", r#"[{"Key":"a","Value":"b"}]"#),
        ],
        "ValidationException",
    ),
    (
        &[("Name", "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p"), ("Value", "x"), ("Type", "String")],
        "HierarchyLevelLimitExceededException",
    ),
];

fn tagged(more: &[(&str, &str)]) -> Params {
    let own = [("ResourceType", "Parameter"), ("ResourceId", "/prod/db")];
    params(own.into_iter().chain(more.iter().copied()))
}

fn put(client: &Client<'_>, name: &str, kind: &str, value: &str) {
    client.ok_of(SSM, "PutParameter", &[("Name", name), ("Type", kind), ("Value", value)]);
}

fn over(client: &Client<'_>, name: &str, value: &str) {
    client.ok_of(SSM, "PutParameter", &[("Name", name), ("Value", value), ("Overwrite:", "true")]);
}

fn value(client: &Client<'_>, name: &str) -> String {
    let answer = client.ok_of(SSM, "GetParameter", &[("Name", name), ("WithDecryption:", "true")]);
    at(&answer, "Parameter.Value").to_owned()
}

#[test]
fn a_secret_value_is_nowhere_in_the_clear() {
    let world = World::new();
    let client = world.root();
    put(&client, "/prod/db", "SecureString", "correct horse battery staple");
    let sealed = client.ok_of(SSM, "GetParameter", &[("Name", "/prod/db")]);
    assert!(!at(&sealed, "Parameter.Value").contains("horse"));
    assert_eq!(value(&client, "/prod/db"), "correct horse battery staple");
    let snapshot = world.engine().read();
    for row in snapshot.parameter_versions.iter() {
        let body = serde_json::to_string(row).unwrap();
        assert!(!body.contains("horse") && !format!("{row:?}").contains(&row.value), "{body}");
    }
    let listed = client.ok_of(SSM, "DescribeParameters", &[]);
    assert_eq!(at(&listed, "Parameters.0.KeyId"), "alias/aws/ssm");
}

#[test]
fn a_ciphertext_is_bound_to_its_parameter() {
    let world = World::new();
    let client = world.root();
    put(&client, "/prod/db", "SecureString", "hidden");
    put(&client, "/mine", "SecureString", "known");
    world.transact(|tx| {
        let rows: Vec<_> = tx.parameter_versions.iter().cloned().collect();
        let hidden = rows.iter().find(|row| row.parameter == "/prod/db").unwrap().value.clone();
        let mine = rows.iter().find(|row| row.parameter == "mine").unwrap().key();
        tx.update::<landfall_cloud::value::ParameterVersions, _>(&mine, |row| row.value = hidden).unwrap();
    });
    let call = [("Name", "/mine"), ("WithDecryption:", "true")];
    assert_eq!(client.refused_of(SSM, "GetParameter", &call), "InvalidKeyId");
}

#[test]
fn whoever_may_not_decrypt_sees_no_secret() {
    let world = World::new();
    put(&world.root(), "/prod/db", "SecureString", "hidden");
    let user = world.user(
        "reader",
        r#"{"Statement":[{"Effect":"Allow","Action":"ssm:*","Resource":"*"},{"Effect":"Deny","Action":"kms:Decrypt","Resource":"*"}]}"#,
    );
    user.ok_of(SSM, "GetParameter", &[("Name", "/prod/db")]);
    for (action, call) in [
        ("GetParameter", vec![("Name", "/prod/db"), ("WithDecryption:", "true")]),
        ("GetParameters", vec![("Names:", r#"["/prod/db"]"#), ("WithDecryption:", "true")]),
        ("GetParametersByPath", vec![("Path", "/prod"), ("WithDecryption:", "true")]),
        ("GetParameterHistory", vec![("Name", "/prod/db"), ("WithDecryption:", "true")]),
    ] {
        assert_eq!(user.refused_of(SSM, action, &call), "AccessDeniedException", "{action}");
    }
}

#[test]
fn versions_are_found_by_number_and_label() {
    let world = World::new();
    let client = world.root();
    put(&client, "/prod/db", "String", "one");
    over(&client, "/prod/db", "two");
    let label = |version: &str| {
        let call = [("Name", "/prod/db"), ("ParameterVersion:", version), ("Labels:", r#"["live"]"#)];
        client.ok_of(SSM, "LabelParameterVersion", &call);
    };
    label("1");
    assert_eq!(value(&client, "/prod/db"), "two");
    assert_eq!(value(&client, "/prod/db:1"), "one");
    assert_eq!(value(&client, "/prod/db:live"), "one");
    label("2");
    assert_eq!(value(&client, "/prod/db:live"), "two");
    assert_eq!(value(&client, &format!("arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/prod/db:1")), "one");
    assert_eq!(client.refused_of(SSM, "GetParameter", &[("Name", "/prod/db:3")]), "ParameterVersionNotFound");
    assert_eq!(client.refused_of(SSM, "GetParameter", &[("Name", "/prod/db:old")]), "ParameterVersionNotFound");
    let again = [("Name", "/prod/db"), ("Value", "x"), ("Type", "String")];
    assert_eq!(client.refused_of(SSM, "PutParameter", &again), "ParameterAlreadyExists");
    let other = [("Name", "/prod/db"), ("Value", "x"), ("Type", "SecureString"), ("Overwrite:", "true")];
    assert_eq!(client.refused_of(SSM, "PutParameter", &other), "HierarchyTypeMismatchException");
}

#[test]
fn a_hundred_versions_are_kept_and_a_labelled_one_is_not_dropped() {
    let world = World::new();
    let client = world.root();
    put(&client, "db", "String", "v1");
    for version in 2..=101 {
        over(&client, "db", &format!("v{version}"));
    }
    let history = client.ok_of(SSM, "GetParameterHistory", &[("Name", "db")]);
    assert_eq!(list(&history, "Parameters").len(), 50);
    assert_eq!(at(&history, "Parameters.0.Value"), "v2");
    let token = at(&history, "NextToken").to_owned();
    let rest = client.ok_of(SSM, "GetParameterHistory", &[("Name", "db"), ("NextToken", &token)]);
    assert_eq!(at(&rest, "Parameters.49.Value"), "v101");
    assert!(find(&rest, "NextToken").is_none());
    let call = [("Name", "db"), ("ParameterVersion:", "2"), ("Labels:", r#"["keep"]"#)];
    client.ok_of(SSM, "LabelParameterVersion", &call);
    let call = [("Name", "db"), ("Value", "x"), ("Overwrite:", "true")];
    assert_eq!(client.refused_of(SSM, "PutParameter", &call), "ParameterMaxVersionLimitExceeded");
}

#[test]
fn a_path_is_walked_by_pages_at_one_level_or_all() {
    let world = World::new();
    let client = world.root();
    for name in ["top", "/a/1", "/a/2", "/a/b/3", "/a/b/c/4", "/a/z", "/ab/5"] {
        put(&client, name, "String", "x");
    }
    let names = |path: &str, recursive: &str| {
        let (mut all, mut token) = (Vec::new(), None::<String>);
        loop {
            let mut call = vec![("Path", path), ("Recursive:", recursive), ("MaxResults:", "2")];
            if let Some(token) = &token {
                call.push(("NextToken", token));
            }
            let page = client.ok_of(SSM, "GetParametersByPath", &call);
            all.extend(column(&page, "Parameters", "Name").into_iter().map(str::to_owned));
            token = find(&page, "NextToken").and_then(landfall_wire::Tree::as_text).map(str::to_owned);
            if token.is_none() {
                return all;
            }
        }
    };
    assert_eq!(names("/a", "false"), ["/a/1", "/a/2", "/a/z"]);
    assert_eq!(names("/a/", "true"), ["/a/1", "/a/2", "/a/b/3", "/a/b/c/4", "/a/z"]);
    assert_eq!(names("/", "false"), ["top"]);
    assert_eq!(names("/", "true").len(), 7);
    assert_eq!(names("/none", "true"), [""; 0]);
}

#[test]
fn a_parameter_ends_when_its_policy_says() {
    let world = World::new();
    let client = world.root();
    let policy = r#"[{"Type":"Expiration","Version":"1.0","Attributes":{"Timestamp":"2026-11-22T11:00:00.000Z"}}]"#;
    let call = [("Name", "db"), ("Value", "x"), ("Type", "String"), ("Policies", policy)];
    assert_eq!(client.refused_of(SSM, "PutParameter", &call), "ValidationException");
    let mut call = call.to_vec();
    call.push(("Tier", "Intelligent-Tiering"));
    let made = client.ok_of(SSM, "PutParameter", &call);
    assert_eq!(at(&made, "Tier"), "Advanced");
    let standard = [("Name", "db"), ("Value", "y"), ("Tier", "Standard"), ("Overwrite:", "true")];
    assert_eq!(client.refused_of(SSM, "PutParameter", &standard), "ValidationException");
    over(&client, "db", "y");
    let listed = client.ok_of(SSM, "DescribeParameters", &[]);
    assert_eq!(at(&listed, "Parameters.0.Policies.0.PolicyType"), "Expiration");
    world.pass(3599);
    world.transact(|tx| while landfall_cloud::expiry::expire(tx) {});
    assert_eq!(value(&client, "db"), "y");
    world.pass(2);
    world.transact(|tx| while landfall_cloud::expiry::expire(tx) {});
    assert_eq!(client.refused_of(SSM, "GetParameter", &[("Name", "db")]), "ParameterNotFound");
    assert_eq!(world.engine().read().parameter_versions.iter().count(), 0);
}

#[test]
fn public_parameters_name_the_images_that_there_are() {
    let world = World::new();
    let client = world.root();
    assert_eq!(value(&client, DEBIAN), IMAGE);
    let found = client.ok_of(SSM, "GetParameter", &[("Name", DEBIAN)]);
    assert_eq!(at(&found, "Parameter.ARN"), format!("arn:aws:ssm:us-east-1::parameter{DEBIAN}"));
    let path = [("Path", "/aws/service/ami-amazon-linux-latest"), ("Recursive:", "true")];
    let names = client.ok_of(SSM, "GetParametersByPath", &path);
    assert_eq!(list(&names, "Parameters").len(), 2);
    let described = client.ok_of(SSM, "DescribeParameters", &[]);
    assert!(list(&described, "Parameters").is_empty());
    let user = world.user(
        "narrow",
        r#"{"Statement":[{"Effect":"Allow","Action":"ssm:GetParameter","Resource":"arn:aws:ssm:*::parameter/aws/service/debian/*"}]}"#,
    );
    assert_eq!(value(&user, DEBIAN), IMAGE);
    let other = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-6.1-x86_64";
    assert_eq!(user.refused_of(SSM, "GetParameter", &[("Name", other)]), "AccessDeniedException");
}

#[test]
fn filters_find_what_they_name() {
    let world = World::new();
    let client = world.root();
    put(&client, "/prod/db", "SecureString", "x");
    put(&client, "/prod/eu/web", "StringList", "x");
    put(&client, "top", "String", "x");
    let tags = [("ResourceType", "Parameter"), ("ResourceId", "top"), ("Tags:", r#"[{"Key":"team","Value":"ops"}]"#)];
    client.ok_of(SSM, "AddTagsToResource", &tags);
    let names = |filter: &str| {
        let answer = client.ok_of(SSM, "DescribeParameters", &[("ParameterFilters:", &format!("[{filter}]"))]);
        column(&answer, "Parameters", "Name").into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(names(r#"{"Key":"Name","Values":["/top","/none"]}"#), ["top"]);
    assert_eq!(names(r#"{"Key":"Name","Option":"Contains","Values":["eu"]}"#), ["/prod/eu/web"]);
    assert_eq!(names(r#"{"Key":"Name","Option":"BeginsWith","Values":["/prod"]}"#).len(), 2);
    assert_eq!(names(r#"{"Key":"Path","Values":["/prod"]}"#), ["/prod/db"]);
    assert_eq!(names(r#"{"Key":"Path","Option":"Recursive","Values":["/prod"]}"#).len(), 2);
    assert_eq!(names(r#"{"Key":"KeyId","Values":["alias/aws/ssm"]}"#), ["/prod/db"]);
    assert_eq!(names(r#"{"Key":"tag:team","Values":["ops"]}"#), ["top"]);
    assert_eq!(names(r#"{"Key":"tag:team","Values":[]}"#), ["top"]);
    assert_eq!(names(r#"{"Key":"Tier","Values":["Advanced"]}"#), [""; 0]);
    let old = client.ok_of(SSM, "DescribeParameters", &[("Filters:", r#"[{"Key":"Type","Values":["StringList"]}]"#)]);
    assert_eq!(column(&old, "Parameters", "Name"), ["/prod/eu/web"]);
}

#[test]
fn a_launch_finds_its_image_by_a_parameter() {
    let world = World::new();
    let client = world.root();
    let call = [("Name", "/golden"), ("Type", "String"), ("Value", IMAGE), ("DataType", "aws:ec2:image")];
    client.ok_of(SSM, "PutParameter", &call);
    put(&client, "/secret", "SecureString", IMAGE);
    put(&client, "/word", "String", "debian");
    let launch = |client: &Client<'_>, image: &str| {
        let call = [("ImageId", image), ("InstanceType", "t3.micro"), ("MinCount", "1"), ("MaxCount", "1")];
        client.call("RunInstances", &call)
    };
    for name in ["/golden", "golden:1", DEBIAN] {
        let launched = launch(&client, &format!("resolve:ssm:{name}"));
        assert_eq!(at(&launched.tree(), "instancesSet.0.imageId"), IMAGE, "{}", launched.body);
    }
    for name in ["/none", "/golden:2", "/secret", "/word", "a b"] {
        assert_eq!(launch(&client, &format!("resolve:ssm:{name}")).code(), "InvalidParameterValue", "{name}");
    }
    assert_eq!(launch(&client, "nonsense").code(), "InvalidAMIID.Malformed");
    let user =
        world.user("launcher", r#"{"Statement":[{"Effect":"Allow","Action":["ec2:*","iam:*"],"Resource":"*"}]}"#);
    assert_eq!(launch(&user, IMAGE).status, 200);
    assert_eq!(launch(&user, "resolve:ssm:/golden").status, 403);
    let by_himself = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},
        {"Effect":"Deny","Action":"ssm:GetParameters","Resource":"*","Condition":{"Bool":{"aws:ViaAWSService":"true"}}}]}"#;
    let user = world.user("himself", by_himself);
    assert_eq!(launch(&user, "resolve:ssm:/golden").status, 403);
    user.ok_of("ssm", "GetParameters", &[("Names:", r#"["/golden"]"#)]);
}

#[test]
fn too_long_a_list_is_refused_before_anything_is_demanded_for_it() {
    let world = World::new();
    let nobody = world.user("nobody", r#"{"Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#);
    let names = |count: usize| serde_json::to_string(&(0..count).map(|n| format!("n{n}")).collect::<Vec<_>>()).unwrap();
    for (service, action, list, most, code) in [
        (SSM, "DeleteParameters", "Names:", 10, "ValidationException"),
        (SSM, "GetParameters", "Names:", 10, "ValidationException"),
        ("secretsmanager", "BatchGetSecretValue", "SecretIdList:", 20, "InvalidParameterException"),
    ] {
        assert_eq!(nobody.refused_of(service, action, &[(list, &names(most))]), "AccessDeniedException", "{action}");
        assert_eq!(nobody.refused_of(service, action, &[(list, &names(most + 1))]), code, "{action}");
    }
    let ids =
        |count: usize| -> Params { params((1..=count).map(|n| (format!("InstanceId.{n}"), format!("i-{n:017x}")))) };
    let code = |count| nobody.send("ec2", "TerminateInstances", &ids(count)).code();
    assert_eq!((code(1_000).as_str(), code(1_001).as_str()), ("UnauthorizedOperation", "InvalidParameterValue"));
}

#[test]
fn what_isnt_on_a_page_neednt_be_decrypted() {
    let world = World::new();
    for name in ["/p/a", "/p/b"] {
        put(&world.root(), name, "SecureString", "hidden");
    }
    let user = world.user(
        "half",
        r#"{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"kms:Decrypt","Resource":"*","Condition":{"StringLike":{"kms:EncryptionContext:PARAMETER_ARN":"*/p/b"}}}]}"#,
    );
    let page = [("Path", "/p"), ("WithDecryption:", "true"), ("MaxResults:", "1")];
    let first = user.ok_of(SSM, "GetParametersByPath", &page);
    assert_eq!(at(&first, "Parameters.0.Value"), "hidden");
    let next = [&page[..], &[("NextToken", at(&first, "NextToken"))]].concat();
    assert_eq!(user.refused_of(SSM, "GetParametersByPath", &next), "AccessDeniedException");
    assert_eq!(user.refused_of(SSM, "GetParametersByPath", &page[..2]), "AccessDeniedException");
}
