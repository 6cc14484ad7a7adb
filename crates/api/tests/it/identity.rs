//! Who the caller is, and credentials for a while.

use crate::harness::{ACCOUNT, Answer, Case, Client, OTHER_ACCOUNT, World, at, nothing, params};

/// What comes from real randomness.
const CREDENTIALS: &[&str] = &["AccessKeyId", "SecretAccessKey", "SessionToken"];
const ROLE: &str = "arn:aws:iam::111122223333:role/deploy";

/// The cases of STS.
pub const CASES: &[Case] = &[
    Case {
        service: "sts",
        action: "AssumeRole",
        good: |client| {
            make_role(client, "deploy", r#"{"AWS":"*"}"#, "");
            params([
                ("RoleArn", ROLE),
                ("RoleSessionName", "build"),
                ("Tags.member.1.Key", "a"),
                ("Tags.member.1.Value", "b"),
            ])
        },
        bad: &[
            (&[("RoleArn", ROLE), ("RoleSessionName", "build")], "AccessDenied"),
            (&[("RoleArn", "deploy"), ("RoleSessionName", "build")], "ValidationError"),
            (&[("RoleArn", "arn:aws:iam::nobody:role/deploy"), ("RoleSessionName", "build")], "ValidationError"),
            (&[("RoleArn", ROLE)], "ValidationError"),
        ],
        masked: CREDENTIALS,
        by: |world| world.user("operator", ALL),
    },
    Case {
        service: "sts",
        action: "DecodeAuthorizationMessage",
        good: |client| {
            let nobody = client.world().user("nobody", &READS.replace("Vpcs", "Images"));
            let message = nobody.call("DescribeVpcs", &[]).message();
            params([("EncodedMessage", message.rsplit(' ').next().unwrap())])
        },
        bad: &[(&[("EncodedMessage", "x")], "InvalidAuthorizationMessageException")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "sts",
        action: "GetAccessKeyInfo",
        good: |client| params([("AccessKeyId", &client.access_key)]),
        bad: &[(&[("AccessKeyId", "AKIANOBODY")], "ValidationError"), (&[], "ValidationError")],
        masked: &[],
        by: World::root,
    },
    Case { service: "sts", action: "GetCallerIdentity", good: nothing, bad: &[], masked: &[], by: World::root },
    Case {
        service: "sts",
        action: "GetFederationToken",
        good: |_| params([("Name", "guest"), ("Policy", READS)]),
        bad: &[
            (&[("Name", "x")], "ValidationError"),
            (&[("Name", "guest"), ("Policy", "{")], "MalformedPolicyDocument"),
            (&[("Name", "guest"), ("DurationSeconds", "899")], "ValidationError"),
        ],
        masked: CREDENTIALS,
        by: World::root,
    },
    Case {
        service: "sts",
        action: "GetSessionToken",
        good: nothing,
        bad: &[(&[("DurationSeconds", "899")], "ValidationError"), (&[("TokenCode", "1")], "AccessDenied")],
        masked: CREDENTIALS,
        by: World::root,
    },
];

const READS: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:DescribeVpcs","Resource":"*"}]}"#;
const ALL: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// Makes a role that may do everything in EC2, with whom its trust policy names and under what condition.
fn make_role(client: &Client<'_>, name: &str, principal: &str, condition: &str) {
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{principal},"Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]{condition}}}]}}"#
    );
    let role = [("RoleName", name), ("AssumeRolePolicyDocument", trust.as_str())];
    let policy =
        [("RoleName", name), ("PolicyName", "all"), ("PolicyDocument", &ALL.replace("\"*\",\"R", "\"ec2:*\",\"R"))];
    for (action, pairs) in [("CreateRole", &role[..]), ("PutRolePolicy", &policy[..])] {
        let answer = client.send("iam", action, &params(pairs.iter().copied()));
        assert_eq!(answer.status, 200, "{action}: {}", answer.body);
    }
}

fn assume(client: &Client<'_>, pairs: &[(&str, &str)]) -> Answer {
    client.send("sts", "AssumeRole", &params(pairs.iter().copied()))
}

/// A client with the credentials of an answer.
fn with_credentials<'w>(world: &'w World, answer: &Answer, action: &str) -> Client<'w> {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let tree = answer.tree();
    let of = |member: &str| at(&tree, &format!("{action}Result.Credentials.{member}")).to_owned();
    world.client(&of("AccessKeyId"), &of("SecretAccessKey"), Some(&of("SessionToken")))
}

fn identity(client: &Client<'_>) -> String {
    let tree = client.send("sts", "GetCallerIdentity", &[]).tree();
    at(&tree, "GetCallerIdentityResult.Arn").to_owned()
}

#[test]
fn a_role_is_taken_and_given_up() {
    let world = World::new();
    let root = world.root();
    make_role(&root, "deploy", r#"{"AWS":"arn:aws:iam::111122223333:root"}"#, "");
    let user = world.user("alice", ALL);
    let role = [("RoleArn", ROLE), ("RoleSessionName", "build"), ("DurationSeconds", "900")];
    let session = with_credentials(&world, &assume(&user, &role), "AssumeRole");
    assert_eq!(identity(&session), format!("arn:aws:sts::{ACCOUNT}:assumed-role/deploy/build"));
    session.ok("DescribeVpcs", &[]);
    assert_eq!(
        session.send("iam", "ListUsers", &[]).code(),
        "AccessDenied",
        "the role's policies hold, not the user's"
    );
    let info = root.send("sts", "GetAccessKeyInfo", &params([("AccessKeyId", &session.access_key)])).tree();
    assert_eq!(at(&info, "GetAccessKeyInfoResult.Account"), ACCOUNT);
    let mut forged = world.client(&session.access_key, &session.secret, session.token.as_deref());
    forged.token = forged.token.map(|token| token[..token.len() - 2].to_owned() + "AA");
    assert_eq!(forged.call("DescribeVpcs", &[]).code(), "AuthFailure");
    let other_key = world.client("AKIAROOT", &session.secret, session.token.as_deref());
    assert_eq!(other_key.call("DescribeVpcs", &[]).code(), "AuthFailure", "a token is its key's");
    let without = world.client(&session.access_key, &session.secret, None);
    assert_eq!(without.call("DescribeVpcs", &[]).code(), "AuthFailure");
    world.pass(901);
    assert_eq!(session.call("DescribeVpcs", &[]).code(), "RequestExpired");
    let session = with_credentials(&world, &assume(&user, &role), "AssumeRole");
    let send = |action, pairs: &[(&str, &str)]| {
        assert_eq!(root.send("iam", action, &params(pairs.iter().copied())).status, 200, "{action}");
    };
    send("DeleteRolePolicy", &[("RoleName", "deploy"), ("PolicyName", "all")]);
    assert_eq!(
        session.call("DescribeVpcs", &[]).code(),
        "UnauthorizedOperation",
        "policies hold from the next call on"
    );
    send("DeleteRole", &[("RoleName", "deploy")]);
    assert_eq!(session.call("DescribeVpcs", &[]).code(), "AuthFailure", "a session ends with its role");
}

#[test]
fn nobody_takes_a_role_whom_its_trust_policy_does_not_let() {
    let world = World::new();
    let root = world.root();
    let role = [("RoleArn", ROLE), ("RoleSessionName", "build")];
    let other_root = format!(r#"{{"AWS":"arn:aws:iam::{OTHER_ACCOUNT}:root"}}"#);
    make_role(&root, "deploy", &other_root, r#","Condition":{"StringEquals":{"sts:ExternalId":"77"}}"#);
    let user = world.user("alice", ALL);
    assert_eq!(assume(&user, &role).code(), "AccessDenied", "its own account isn't named");
    let answer = assume(&root, &role);
    assert!(answer.status == 403 && answer.body.contains("is not authorized"), "{}", answer.body);
    // The other account's user, who may take every role as far as that account goes.
    let theirs = world.other();
    let make = |action: &str, pairs: &[(&str, &str)]| {
        let answer = theirs.send("iam", action, &params(pairs.iter().copied()));
        assert_eq!(answer.status, 200, "{action}: {}", answer.body);
        answer.tree()
    };
    make("CreateUser", &[("UserName", "bob")]);
    let key = make("CreateAccessKey", &[("UserName", "bob")]);
    let of = |member: &str| at(&key, &format!("CreateAccessKeyResult.AccessKey.{member}")).to_owned();
    let bob = world.client(&of("AccessKeyId"), &of("SecretAccessKey"), None);
    let with_id = [role[0], role[1], ("ExternalId", "77")];
    assert_eq!(assume(&bob, &with_id).code(), "AccessDenied", "its own account must let it, too");
    make("PutUserPolicy", &[("UserName", "bob"), ("PolicyName", "all"), ("PolicyDocument", ALL)]);
    assert_eq!(assume(&bob, &role).code(), "AccessDenied", "no external id: a confused deputy");
    let session = with_credentials(&world, &assume(&bob, &with_id), "AssumeRole");
    assert_eq!(identity(&session), format!("arn:aws:sts::{ACCOUNT}:assumed-role/deploy/build"));
    let missing = [("RoleArn", "arn:aws:iam::111122223333:role/none"), role[1], ("ExternalId", "77")];
    let (absent, refused) = (assume(&bob, &missing), assume(&bob, &role));
    assert_eq!(
        absent.body.replace("role/none", "role/deploy").len(),
        refused.body.len(),
        "nobody learns what is there"
    );
}

#[test]
fn a_session_is_narrowed_by_its_own_policies_and_tagged() {
    let world = World::new();
    let root = world.root();
    make_role(&root, "deploy", r#"{"AWS":"arn:aws:iam::111122223333:root"}"#, "");
    let user = world.user("alice", ALL);
    let narrow = [("RoleArn", ROLE), ("RoleSessionName", "build"), ("Policy", READS)];
    let session = with_credentials(&world, &assume(&user, &narrow), "AssumeRole");
    session.ok("DescribeVpcs", &[]);
    assert!(session.call("DescribeSubnets", &[]).body.contains("no session policy allows"));
    // A chain of roles: tags go on, the time is an hour at most, the first one's words stay.
    let may_chain = ALL.replace("\"*\",\"R", "[\"sts:*\",\"ec2:*\"],\"R");
    let put = [("RoleName", "deploy"), ("PolicyName", "all"), ("PolicyDocument", may_chain.as_str())];
    assert_eq!(root.send("iam", "PutRolePolicy", &params(put)).status, 200);
    make_role(
        &root,
        "second",
        r#"{"AWS":"arn:aws:iam::111122223333:role/deploy"}"#,
        r#","Condition":{"StringEquals":{"aws:PrincipalTag/team":"red","aws:SourceIdentity":"alice"}}"#,
    );
    let tags = [
        ("RoleArn", ROLE),
        ("RoleSessionName", "build"),
        ("SourceIdentity", "alice"),
        ("Tags.member.1.Key", "team"),
        ("Tags.member.1.Value", "red"),
        ("TransitiveTagKeys.member.1", "team"),
    ];
    let first = with_credentials(&world, &assume(&user, &tags), "AssumeRole");
    let second = [("RoleArn", "arn:aws:iam::111122223333:role/second"), ("RoleSessionName", "next")];
    let longer = [second[0], second[1], ("DurationSeconds", "3601")];
    assert_eq!(assume(&first, &longer).code(), "ValidationError");
    for key in ["team", "Team", "TEAM"] {
        let retagged = [second[0], second[1], ("Tags.member.1.Key", key), ("Tags.member.1.Value", "blue")];
        assert_eq!(assume(&first, &retagged).code(), "InvalidParameterValue", "{key}");
    }
    let chained = assume(&first, &second);
    assert!(chained.body.contains("<SourceIdentity>alice</SourceIdentity>"), "{}", chained.body);
    with_credentials(&world, &chained, "AssumeRole").ok("DescribeVpcs", &[]);
    let plain = with_credentials(&world, &assume(&user, &tags[..2]), "AssumeRole");
    assert_eq!(assume(&plain, &second).code(), "AccessDenied", "its tag is asked for");
}

/// What a chain of roles carries on is set anew, and each role has to let it.
#[test]
fn a_role_lets_in_what_a_chain_carries_on() {
    let world = World::new();
    let root = world.root();
    make_role(&root, "deploy", r#"{"AWS":"arn:aws:iam::111122223333:root"}"#, "");
    let user = world.user("alice", ALL);
    let put = [("RoleName", "deploy"), ("PolicyName", "all"), ("PolicyDocument", ALL)];
    assert_eq!(root.send("iam", "PutRolePolicy", &params(put)).status, 200);
    let (tag, source) = ("sts:TagSession", "sts:SetSourceIdentity");
    let trust = |more: &[&str], condition: &str| {
        let actions = serde_json::to_string(&[&["sts:AssumeRole"], more].concat()).unwrap();
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{ROLE}"}},"Action":{actions}{condition}}}]}}"#
        )
    };
    let with_tags: Vec<_> = vec![
        ("RoleArn", ROLE),
        ("RoleSessionName", "build"),
        ("Tags.member.1.Key", "team"),
        ("Tags.member.1.Value", "red"),
    ];
    let transitive = [&with_tags[..], &[("TransitiveTagKeys.member.1", "team")]].concat();
    let with_source = [&with_tags[..2], &[("SourceIdentity", "alice")]].concat();
    let of_alice = r#","Condition":{"StringEquals":{"sts:SourceIdentity":"alice"}}"#;
    for (number, (first, more, condition, missing)) in [
        (&with_tags[..], &[][..], "", None),
        (&transitive[..], &[][..], "", Some(tag)),
        (&transitive[..], &[tag][..], "", None),
        (&with_source[..], &[][..], "", Some(source)),
        (&with_source[..], &[source][..], "", None),
        (&with_source[..], &[source][..], of_alice, None),
        (&with_tags[..2], &[source][..], of_alice, Some("sts:AssumeRole")),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("next{number}");
        let role = [("RoleName", name.as_str()), ("AssumeRolePolicyDocument", &trust(more, condition))];
        assert_eq!(root.send("iam", "CreateRole", &params(role)).status, 200);
        let session = with_credentials(&world, &assume(&user, first), "AssumeRole");
        let arn = format!("arn:aws:iam::{ACCOUNT}:role/{name}");
        let answer = assume(&session, &[("RoleArn", &arn), ("RoleSessionName", "next")]);
        match missing {
            None => assert_eq!(answer.status, 200, "{first:?} {more:?}: {}", answer.body),
            Some(action) => assert!(answer.message().contains(&format!("perform: {action} on")), "{}", answer.body),
        }
    }
}

#[test]
fn a_role_of_another_account_is_told_of_in_the_same_words_whether_it_is_there_or_not() {
    let world = World::new();
    let nobody =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole"}]}"#;
    let role = [("RoleName", "there"), ("AssumeRolePolicyDocument", nobody)];
    assert_eq!(world.other().send("iam", "CreateRole", &params(role)).status, 200);
    let user = world.user("alice", ALL);
    let ask = |name: &str| {
        let arn = format!("arn:aws:iam::{OTHER_ACCOUNT}:role/{name}");
        let answer = assume(&user, &[("RoleArn", &arn), ("RoleSessionName", "build")]);
        (answer.status, answer.message().replace(name, ""))
    };
    assert_eq!(ask("there"), ask("absent"));
    let words = "is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::444455556666:role/";
    assert!(ask("there").1.ends_with(words), "{:?}", ask("there"));
}

#[test]
fn sessions_of_users_do_what_both_sides_allow() {
    let world = World::new();
    let user = world.user("alice", ALL);
    let get = |client: &Client<'_>, action: &str, pairs: &[(&str, &str)]| {
        client.send("sts", action, &params(pairs.iter().copied()))
    };
    let token = with_credentials(&world, &get(&user, "GetSessionToken", &[]), "GetSessionToken");
    assert_eq!(identity(&token), format!("arn:aws:iam::{ACCOUNT}:user/alice"));
    token.ok("DescribeVpcs", &[]);
    assert_eq!(token.send("iam", "ListUsers", &[]).code(), "InvalidClientTokenId", "not without a second factor");
    let nothing = world.user("nobody", &READS.replace("Vpcs", "Images"));
    assert_eq!(get(&nothing, "GetSessionToken", &[]).status, 200, "nobody needs a permission for it");
    assert_eq!(get(&token, "GetSessionToken", &[]).status, 403);
    let guest = get(&user, "GetFederationToken", &[("Name", "guest"), ("Policy", READS)]);
    let guest = with_credentials(&world, &guest, "GetFederationToken");
    assert_eq!(identity(&guest), format!("arn:aws:sts::{ACCOUNT}:federated-user/guest"));
    guest.ok("DescribeVpcs", &[]);
    assert_eq!(guest.call("DescribeSubnets", &[]).code(), "UnauthorizedOperation");
    let bare = with_credentials(&world, &get(&user, "GetFederationToken", &[("Name", "guest")]), "GetFederationToken");
    assert_eq!(bare.call("DescribeVpcs", &[]).code(), "UnauthorizedOperation", "no policy allows nothing");
    let guest = get(&world.root(), "GetFederationToken", &[("Name", "guest"), ("Policy", READS)]);
    let guest = with_credentials(&world, &guest, "GetFederationToken");
    guest.ok("DescribeVpcs", &[]);
    assert_eq!(guest.call("DescribeSubnets", &[]).code(), "UnauthorizedOperation", "root's guest has the policy alone");
    let bare = get(&world.root(), "GetFederationToken", &[("Name", "guest")]);
    let bare = with_credentials(&world, &bare, "GetFederationToken");
    assert_eq!(bare.call("DescribeVpcs", &[]).code(), "UnauthorizedOperation");
    let roots = with_credentials(&world, &get(&world.root(), "GetSessionToken", &[]), "GetSessionToken");
    roots.ok("DescribeVpcs", &[]);
    world.pass(3601);
    assert_eq!(roots.call("DescribeVpcs", &[]).code(), "RequestExpired", "root's last an hour");
    token.ok("DescribeVpcs", &[]);
}

#[test]
fn a_session_has_as_much_room_as_aws_gives() {
    let world = World::new();
    let root = world.root();
    let take = |tags: usize| {
        let mut pairs = vec![("Name".to_owned(), "guest".to_owned())];
        for number in 1..=tags {
            pairs.push((format!("Tags.member.{number}.Key"), format!("{number:0>128}")));
            pairs.push((format!("Tags.member.{number}.Value"), "v".repeat(256)));
        }
        root.send("sts", "GetFederationToken", &pairs)
    };
    let answer = take(10).tree();
    assert_eq!(at(&answer, "GetFederationTokenResult.PackedPolicySize"), "94");
    let answer = take(50);
    assert_eq!((answer.status, answer.code().as_str()), (400, "PackedPolicyTooLarge"), "{}", answer.body);
}

#[test]
fn an_explicit_deny_does_not_hide_who_one_is() {
    let world = World::new();
    let deny = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#;
    let answer = world.user("denied", deny).send("sts", "GetCallerIdentity", &[]);
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.body.contains(&format!("arn:aws:iam::{ACCOUNT}:user/denied")), "{}", answer.body);
}

type Headers = &'static [(&'static str, &'static str)];

#[test]
fn a_service_that_is_not_there_is_named_in_the_form_that_its_clients_read() {
    let world = World::new();
    let cases: [(&str, Headers, &str, u16, &str); 4] = [
        ("lambda", &[("content-type", "application/json")], "{}", 400, "UnknownOperationException"),
        ("route53", &[("content-type", "application/xml")], "<a/>", 405, "<Code>MethodNotAllowed</Code>"),
        ("monitoring", &[("smithy-protocol", "rpc-v2-cbor"), ("content-type", "application/cbor")], "", 400, "__type"),
        ("sns", &[("content-type", "application/x-www-form-urlencoded")], "Action=ListTopics", 400, "InvalidAction"),
    ];
    for (service, headers, body, status, code) in cases {
        let answer = world.root().post_with(service, headers, body.as_bytes());
        let text = String::from_utf8_lossy(&answer.body);
        assert_eq!(answer.status, status, "{text}");
        assert!(text.contains(code) && text.contains(&format!("does not have the service {service}")), "{text}");
        let media = headers[headers.len() - 1].1;
        assert!(service == "sns" || answer.content_type == media, "{}", answer.content_type);
    }
}

#[test]
fn what_was_meant_for_another_version_or_place_is_refused() {
    let world = World::new();
    let client = world.root();
    let send = |service: &str, method: &str, path: &str, body: &str| {
        let form = &[("content-type", "application/x-www-form-urlencoded")];
        let answer = client.send_to(service, method, path, form, body.as_bytes());
        (answer.status, String::from_utf8_lossy(&answer.body).into_owned())
    };
    for (service, action) in [("ec2", "DescribeVpcs"), ("iam", "ListUsers"), ("sts", "GetCallerIdentity")] {
        let (status, body) = send(service, "POST", "/", &format!("Action={action}&Version=2010-03-31"));
        assert_eq!(status, 400);
        assert!(body.contains("<Code>NoSuchVersion</Code>") && body.contains("(2010-03-31)"), "{body}");
        assert_eq!(send(service, "POST", "/", &format!("Action={action}")).0, 200, "none named");
    }
    assert_eq!(send("ec2", "POST", "/", "Action=DescribeVpcs&Version=2014-10-01").0, 200, "an older one");
    let good = "Action=DescribeVpcs&Version=2016-11-15";
    let (status, body) = send("ec2", "POST", "/ec2", good);
    assert!(status == 404 && body.contains("/ec2"), "{body}");
    let (status, body) = send("ec2", "PUT", "/", good);
    assert!(status == 405 && body.contains("MethodNotAllowed"), "{body}");
}

#[test]
fn a_query_string_says_nothing_else_than_the_body() {
    let world = World::new();
    let root = world.root();
    let form: &[(&'static str, &str)] = &[("content-type", "application/x-www-form-urlencoded")];
    let ask = |query: &str| {
        let body = b"Action=DescribeVpcs&Version=2016-11-15";
        let answer = world.deliver(&root.sign_query("ec2", "POST", "/", query, form, body));
        (answer.status, String::from_utf8_lossy(&answer.body).into_owned())
    };
    for query in ["", "Action=DescribeVpcs", "Action=DescribeVpcs&Version=2016-11-15"] {
        assert_eq!(ask(query).0, 200, "{query}");
    }
    for query in ["Action=DeleteVpc", "Action=DescribeVpcs&VpcId=vpc-1", "Version=2014-10-01"] {
        let (status, body) = ask(query);
        assert!(status == 404 && body.contains("<Code>MalformedQueryString</Code>"), "{query}: {body}");
    }
}
