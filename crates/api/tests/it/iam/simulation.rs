//! The policy simulator: what it says of policies, and that it says what calls then get.

use super::{POLICY, prepare};
use crate::harness::{ACCOUNT, Case, Client, Params, World, at, column, find, list, params};
use landfall_wire::Tree;

const READER: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::team/*",
     "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}},
    {"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::team/secret/*"}
  ]
}"#;
const VARIABLE: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:PutObject","Resource":"arn:aws:s3:::home/${aws:username}/*","Condition":{"StringEquals":{"aws:PrincipalTag/Team":"ops"}}}]}"#;
const ALICE: &str = "arn:aws:iam::111122223333:user/people/alice";

/// The cases of the simulator.
pub const CASES: &[Case] = &[
    Case::iam(
        "GetContextKeysForCustomPolicy",
        |_| params([("PolicyInputList.member.1", READER), ("PolicyInputList.member.2", VARIABLE)]),
        &[(&[("PolicyInputList.member.1", "{")], "InvalidInput"), (&[], "ValidationError")],
    ),
    Case::iam(
        "GetContextKeysForPrincipalPolicy",
        |client| prepare(client, &[("PolicySourceArn", ALICE), ("PolicyInputList.member.1", VARIABLE)]),
        &[(&[("PolicySourceArn", ALICE)], "NoSuchEntity"), (&[("PolicySourceArn", "alice")], "InvalidInput")],
    ),
    Case::iam(
        "SimulateCustomPolicy",
        |_| {
            params([
                ("PolicyInputList.member.1", READER),
                ("ActionNames.member.1", "s3:GetObject"),
                ("ResourceArns.member.1", "arn:aws:s3:::team/a"),
                ("ResourceArns.member.2", "arn:aws:s3:::team/secret/b"),
                ("ContextEntries.member.1.ContextKeyName", "aws:SourceIp"),
                ("ContextEntries.member.1.ContextKeyValues.member.1", "10.1.2.3"),
                ("ContextEntries.member.1.ContextKeyType", "ip"),
                ("PermissionsBoundaryPolicyInputList.member.1", super::DOCUMENT),
            ])
        },
        &[
            (&[("PolicyInputList.member.1", "{"), ("ActionNames.member.1", "s3:GetObject")], "InvalidInput"),
            (&[("PolicyInputList.member.1", READER), ("ActionNames.member.1", "GetObject")], "InvalidInput"),
            (
                &[
                    ("PolicyInputList.member.1", READER),
                    ("ActionNames.member.1", "s3:GetObject"),
                    ("ResourceHandlingOption", "EC2-VPC-EBS"),
                ],
                "UnsupportedOperation",
            ),
            (
                &[
                    ("PolicyInputList.member.1", READER),
                    ("ActionNames.member.1", "s3:GetObject"),
                    ("ResourcePolicy", READER),
                ],
                "InvalidInput",
            ),
            (
                &[
                    ("PolicyInputList.member.1", READER),
                    ("ActionNames.member.1", "s3:GetObject"),
                    ("ContextEntries.member.1.ContextKeyName", "s3:max-keys"),
                    ("ContextEntries.member.1.ContextKeyValues.member.1", "many"),
                    ("ContextEntries.member.1.ContextKeyType", "numeric"),
                ],
                "InvalidInput",
            ),
        ],
    ),
    Case::iam(
        "SimulatePrincipalPolicy",
        |client| {
            prepare(
                client,
                &[
                    ("PolicySourceArn", ALICE),
                    ("ActionNames.member.1", "ec2:DescribeVpcs"),
                    ("ActionNames.member.2", "ec2:CreateVpc"),
                ],
            )
        },
        &[(&[("PolicySourceArn", ALICE), ("ActionNames.member.1", "ec2:DescribeVpcs")], "NoSuchEntity")],
    ),
];

fn simulate(client: &Client<'_>, action: &str, pairs: &[(&str, &str)]) -> Tree {
    let pairs: Params = params(pairs.iter().copied());
    let answer = client.send("iam", action, &pairs);
    assert_eq!(answer.status, 200, "{action} {pairs:?}: {}", answer.body);
    find(&answer.tree(), &format!("{action}Result")).unwrap().clone()
}

fn decisions(tree: &Tree) -> Vec<&str> {
    column(tree, "EvaluationResults", "EvalDecision")
}

#[test]
fn a_result_names_the_statement_that_decided_and_where_it_stands() {
    let world = World::new();
    let root = world.root();
    let base = [("PolicyInputList.member.1", READER), ("ActionNames.member.1", "s3:GetObject")];
    let secret = [&base[..], &[("ResourceArns.member.1", "arn:aws:s3:::team/secret/x")]].concat();
    let denied = simulate(&root, "SimulateCustomPolicy", &secret);
    assert_eq!(decisions(&denied), ["explicitDeny"]);
    let of = |member: &str| at(&denied, &format!("EvaluationResults.0.MatchedStatements.0.{member}")).to_owned();
    assert_eq!(of("SourcePolicyId"), "PolicyInputList.1");
    assert_eq!([of("StartPosition.Line"), of("StartPosition.Column")], ["6", "5"]);
    assert_eq!([of("EndPosition.Line"), of("EndPosition.Column")], ["6", "83"]);
    assert_eq!(list(&denied, "EvaluationResults.0.MatchedStatements").len(), 1, "the deny alone");

    let unknown = simulate(&root, "SimulateCustomPolicy", &base);
    assert_eq!(decisions(&unknown), ["implicitDeny"]);
    assert_eq!(at(&unknown, "EvaluationResults.0.MissingContextValues.0"), "aws:SourceIp", "as it is spelled");
    assert!(find(&unknown, "EvaluationResults.0.ResourceSpecificResults").is_none());
}

#[test]
fn a_boundary_limits_and_a_resources_policy_grants() {
    let world = World::new();
    let root = world.root();
    prepare(&root, &[]);
    let base = [("PolicySourceArn", ALICE), ("ActionNames.member.1", "ec2:DescribeVpcs")];
    let run = |more: &[(&str, &str)]| simulate(&root, "SimulatePrincipalPolicy", &[&base[..], more].concat());
    assert_eq!(decisions(&run(&[])), ["allowed"]);
    assert_eq!(at(&run(&[]), "EvaluationResults.0.MatchedStatements.0.SourcePolicyType"), "user");
    let bounded = run(&[("PermissionsBoundaryPolicyInputList.member.1", READER)]);
    assert_eq!(decisions(&bounded), ["implicitDeny"]);
    let detail = "EvaluationResults.0.PermissionsBoundaryDecisionDetail.AllowedByPermissionsBoundary";
    assert_eq!(at(&bounded, detail), "false");
    let answer = root.send(
        "iam",
        "PutUserPermissionsBoundary",
        &params([("UserName", "alice"), ("PermissionsBoundary", POLICY)]),
    );
    assert_eq!(answer.status, 200);
    assert_eq!(at(&run(&[]), detail), "true", "the one that is set");

    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{ALICE}"}},"Action":"sqs:SendMessage","Resource":"*"}}]}}"#
    );
    let queue = format!("arn:aws:sqs:us-east-1:{ACCOUNT}:q");
    let own = [
        ("PolicySourceArn", ALICE),
        ("ActionNames.member.1", "sqs:SendMessage"),
        ("ResourceArns.member.1", queue.as_str()),
        ("ResourcePolicy", policy.as_str()),
    ];
    let granted = simulate(&root, "SimulatePrincipalPolicy", &own);
    assert_eq!(decisions(&granted), ["allowed"], "in the same account the resource's policy suffices");
    assert_eq!(at(&granted, "EvaluationResults.0.MatchedStatements.0.SourcePolicyType"), "resource");
    let foreign = queue.replace(ACCOUNT, "444455556666");
    let theirs = [&own[..2], &[("ResourceArns.member.1", foreign.as_str()), own[3]]].concat();
    assert_eq!(
        decisions(&simulate(&root, "SimulatePrincipalPolicy", &theirs)),
        ["implicitDeny"],
        "not across accounts"
    );
}

#[test]
fn what_the_simulator_says_is_what_a_call_gets() {
    let world = World::new();
    let root = world.root();
    prepare(&root, &[]);
    let answer = root.send("iam", "CreateAccessKey", &params([("UserName", "alice")])).tree();
    let key = |member: &str| at(&answer, &format!("CreateAccessKeyResult.AccessKey.{member}")).to_owned();
    let alice = world.client(&key("AccessKeyId"), &key("SecretAccessKey"), None);
    for action in ["DescribeVpcs", "DescribeKeyPairs", "CreateVpc", "CreateInternetGateway"] {
        let name = format!("ec2:{action}");
        let pairs = [("PolicySourceArn", ALICE), ("ActionNames.member.1", name.as_str())];
        let said = simulate(&root, "SimulatePrincipalPolicy", &pairs);
        let arguments: &[(&str, &str)] = if action == "CreateVpc" { &[("CidrBlock", "10.0.0.0/16")] } else { &[] };
        let got = alice.call(action, arguments).status == 200;
        assert_eq!(decisions(&said) == ["allowed"], got, "{action}");
    }
}

#[test]
fn results_come_in_pages() {
    let world = World::new();
    let root = world.root();
    let base = [
        ("PolicyInputList.member.1", READER),
        ("ActionNames.member.1", "s3:GetObject"),
        ("ActionNames.member.2", "s3:PutObject"),
        ("ResourceArns.member.1", "arn:aws:s3:::a/1"),
        ("ResourceArns.member.2", "arn:aws:s3:::a/2"),
        ("MaxItems", "3"),
    ];
    let first = simulate(&root, "SimulateCustomPolicy", &base);
    assert_eq!(column(&first, "EvaluationResults", "EvalActionName"), ["s3:GetObject", "s3:GetObject", "s3:PutObject"]);
    let second = simulate(&root, "SimulateCustomPolicy", &[&base[..], &[("Marker", at(&first, "Marker"))]].concat());
    assert_eq!(column(&second, "EvaluationResults", "EvalResourceName"), ["arn:aws:s3:::a/2"]);
}

#[test]
fn a_simulation_costs_what_a_page_may() {
    let world = World::new();
    let root = world.root();
    let statement = r#"{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/*","Condition":{"StringEquals":{"aws:RequestTag/Kind":"x"}}}"#;
    let policy = format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, vec![statement; 500].join(","));
    let mut pairs = vec![("PolicyInputList.member.1".to_owned(), policy), ("MaxItems".into(), "1000".into())];
    for n in 1..=30 {
        pairs.push((format!("ActionNames.member.{n}"), format!("s3:Act{n}")));
        pairs.push((format!("ResourceArns.member.{n}"), format!("arn:aws:s3:::a/{n}")));
    }
    let shown = root.send("iam", "SimulateCustomPolicy", &pairs);
    let results = shown.body.matches("<EvalActionName>").count();
    assert!((100..500).contains(&results), "{} {results}", shown.status);
    assert!(shown.body.contains("<IsTruncated>true<"));
    // No page is short enough for this.
    pairs.push(("ContextEntries.member.1.ContextKeyName".into(), "aws:RequestTag/Kind".into()));
    pairs.push(("ContextEntries.member.1.ContextKeyType".into(), "string".into()));
    pairs.push(("ContextEntries.member.1.ContextKeyValues.member.1".into(), "x".repeat(100_000)));
    assert_eq!(root.send("iam", "SimulateCustomPolicy", &pairs).code(), "InvalidInput");
}
