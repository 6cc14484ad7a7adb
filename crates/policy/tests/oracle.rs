//! The evaluator against another implementation of the language, the crate `iam-rs`: random documents and requests,
//! and no disagreement that isn't explained below.
//!
//! Where the two differ by design, ours follows AWS's documentation, and the generator leaves the case out:
//! - the oracle compares ARN operators as plain strings; AWS checks the six fields apart, with wildcards in
//!   `ArnEquals` too;
//! - a variable without value is an empty string there; here it equals nothing and is like nothing;
//! - a variable's value may bring wildcards there; here it is text;
//! - `*` as the request's resource is no ARN there.
//!
//! The last test holds each of these, so that a new version of the oracle shows when it has changed its mind.

use iam_rs::{Arn, ContextValue, IAMPolicy, IAMRequest, Principal, PrincipalId};
use landfall_policy::{Attached, Context, Decision, Policy, PolicySet, PrincipalRef, Request, evaluate};
use proptest::prelude::*;

const USER: PrincipalRef<'_> =
    PrincipalRef::User { arn: "arn:aws:iam::123456789012:user/ann", account: "123456789012", id: "AIDAEXAMPLE0123456" };

/// A condition key's value, in both tongues.
#[derive(Clone, Debug)]
enum Value {
    Text(String),
    Many(Vec<String>),
    Number(i32),
    Truth(bool),
}

fn ours(document: &str, action: &str, resource: &str, keys: &[(String, Value)]) -> Decision {
    let mut context = Context::new();
    for (key, value) in keys {
        match value {
            Value::Text(text) => context.set(key, text.clone()),
            Value::Many(values) => context.set_many(key, values.iter().cloned()),
            Value::Number(number) => context.set(key, number.to_string()),
            Value::Truth(truth) => context.set(key, truth.to_string()),
        }
    }
    let policy = Policy::identity(document).expect(document);
    let identity = [Attached { label: "p", policy: &policy }];
    let set = PolicySet { identity: &identity, ..PolicySet::default() };
    evaluate(&set, &Request { principal: USER, action, resource, context: &context }).decision
}

fn theirs(document: &str, action: &str, resource: &str, keys: &[(String, Value)]) -> Result<Decision, String> {
    let policy = IAMPolicy::from_json(document).map_err(|error| error.to_string())?;
    let principal = Principal::Aws(PrincipalId::String("arn:aws:iam::123456789012:user/ann".into()));
    let mut request = IAMRequest::new(principal, action, Arn::parse(resource).map_err(|error| format!("{error:?}"))?);
    for (key, value) in keys {
        let value = match value {
            Value::Text(text) => ContextValue::String(text.clone()),
            Value::Many(values) => ContextValue::StringList(values.clone()),
            Value::Number(number) => ContextValue::Number(f64::from(*number)),
            Value::Truth(truth) => ContextValue::Boolean(*truth),
        };
        request.context.insert(key.clone(), value);
    }
    match iam_rs::evaluate_policy(&policy, &request).map_err(|error| error.to_string())? {
        iam_rs::Decision::Allow => Ok(Decision::Allow),
        iam_rs::Decision::Deny => Ok(Decision::ExplicitDeny),
        iam_rs::Decision::NotApplicable => Ok(Decision::ImplicitDeny),
    }
}

fn condition() -> impl Strategy<Value = String> {
    let text = prop::sample::select(vec![
        "StringEquals",
        "StringNotEquals",
        "StringEqualsIgnoreCase",
        "StringNotEqualsIgnoreCase",
        "StringLike",
        "StringNotLike",
        "StringEqualsIfExists",
        "StringNotLikeIfExists",
    ]);
    let set = prop::sample::select(vec![
        "ForAllValues:StringEquals",
        "ForAnyValue:StringEquals",
        "ForAllValues:StringLike",
        "ForAnyValue:StringLike",
        "ForAllValues:StringNotEquals",
        "ForAnyValue:StringNotEquals",
        "ForAnyValue:StringNotLike",
        "ForAllValues:StringEqualsIgnoreCase",
    ]);
    let number = prop::sample::select(vec![
        "NumericEquals",
        "NumericNotEquals",
        "NumericLessThan",
        "NumericLessThanEquals",
        "NumericGreaterThan",
        "NumericGreaterThanEqualsIfExists",
    ]);
    let date = prop::sample::select(vec![
        "DateEquals",
        "DateNotEquals",
        "DateLessThan",
        "DateLessThanEqualsIfExists",
        "DateGreaterThan",
        "DateGreaterThanEquals",
    ]);
    let values = || {
        prop::collection::vec(prop::sample::select(vec!["a", "B", "ab", "a*", "?", "*b"]), 1..4)
            .prop_map(|values| serde_json::to_string(&values).expect("text"))
    };
    let address = prop::sample::select(vec!["10.0.0.0/8", "10.1.2.3", "192.0.2.0/24", "0.0.0.0/0"]);
    prop_oneof![
        4 => (text, values()).prop_map(|(operator, values)| format!(r#"{{"{operator}":{{"App:Text":{values}}}}}"#)),
        3 => (set, values()).prop_map(|(operator, values)| format!(r#"{{"{operator}":{{"app:many":{values}}}}}"#)),
        2 => (number, -2i32..3).prop_map(|(operator, value)| format!(r#"{{"{operator}":{{"app:number":"{value}"}}}}"#)),
        1 => any::<bool>().prop_map(|truth| format!(r#"{{"Bool":{{"app:truth":"{truth}"}}}}"#)),
        1 => any::<bool>().prop_map(|truth| format!(r#"{{"Null":{{"app:text":"{truth}"}}}}"#)),
        1 => (any::<bool>(), address).prop_map(|(not, range)| {
            format!(r#"{{"{}":{{"app:address":"{range}"}}}}"#, if not { "NotIpAddress" } else { "IpAddress" })
        }),
        2 => (date, prop::sample::select(vec!["2026-01-01T00:00:00Z", "2025-12-31T23:59:59Z", "2026-01-01T02:00:00+02:00"]))
            .prop_map(|(operator, value)| format!(r#"{{"{operator}":{{"app:date":"{value}"}}}}"#)),
        2 => Just("{}".to_owned()),
    ]
}

fn statement() -> impl Strategy<Value = String> {
    let action = prop::sample::select(vec!["*", "ec2:*", "ec2:Run*", "EC2:runinstances", "s3:Get?bject", "s3:Get*"]);
    let resource = prop::sample::select(vec![
        "*",
        "arn:aws:ec2:*:*:instance/*",
        "arn:aws:ec2:us-*:123456789012:*",
        "arn:aws:ec2:*:*:instance/i-?",
        "arn:aws:s3:::home/${aws:username}/*",
        "arn:aws:s3:::home/*",
        "arn:aws:s3:::*/${app:none, 'key'}",
    ]);
    (prop::bool::weighted(0.3), prop::bool::weighted(0.2), prop::bool::weighted(0.2), action, resource, condition())
        .prop_map(|(deny, not_action, not_resource, action, resource, condition)| {
            format!(
                r#"{{"Effect":"{}","{}":"{action}","{}":"{resource}","Condition":{condition}}}"#,
                if deny { "Deny" } else { "Allow" },
                if not_action { "NotAction" } else { "Action" },
                if not_resource { "NotResource" } else { "Resource" },
            )
        })
}

fn keys() -> impl Strategy<Value = Vec<(String, Value)>> {
    let word = || prop::sample::select(vec!["a", "A", "b", "ab", "aab"]).prop_map(str::to_owned);
    let date = prop::sample::select(vec!["2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z", "2025-06-30T12:00:00Z"])
        .prop_map(str::to_owned);
    let address = prop::sample::select(vec!["10.1.2.3", "192.0.2.9", "198.51.100.1"]).prop_map(str::to_owned);
    (
        prop::option::of(word().prop_map(Value::Text)),
        prop::option::of(prop::collection::vec(word(), 1..4).prop_map(Value::Many)),
        prop::option::of((-2i32..3).prop_map(Value::Number)),
        prop::option::of(any::<bool>().prop_map(Value::Truth)),
        prop::option::of(address.prop_map(Value::Text)),
        prop::option::of(date.prop_map(Value::Text)),
    )
        .prop_map(|(text, many, number, truth, address, date)| {
            let named = [
                ("app:text", text),
                ("app:many", many),
                ("app:number", number),
                ("app:truth", truth),
                ("app:address", address),
                ("app:date", date),
            ];
            let mut keys: Vec<(String, Value)> =
                named.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect();
            keys.push(("aws:username".to_owned(), Value::Text("ann".to_owned())));
            keys
        })
}

proptest! {
    // LANDFALL_ORACLE_CASES asks for the long run.
    #![proptest_config(ProptestConfig::with_cases(
        std::env::var("LANDFALL_ORACLE_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(3_000)
    ))]
    #[test]
    fn agrees_with_iam_rs(
        statements in prop::collection::vec(statement(), 1..4),
        action in prop::sample::select(vec!["ec2:RunInstances", "s3:GetObject", "ec2:StopInstances"]),
        resource in prop::sample::select(vec![
            "arn:aws:ec2:us-east-1:123456789012:instance/i-1",
            "arn:aws:ec2:eu-west-1:210987654321:volume/vol-1",
            "arn:aws:s3:::home/ann/key",
            "arn:aws:s3:::home/bob/x",
        ]),
        keys in keys(),
    ) {
        let document = format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","));
        let expected = theirs(&document, action, resource, &keys);
        prop_assert_eq!(Ok(ours(&document, action, resource, &keys)), expected, "{} {:?}", document, keys);
    }
}

#[test]
fn known_disagreements() {
    let ask = |fields: &str, resource: &str, keys: &[(String, Value)]| {
        let document =
            format!(r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"*",{fields}}}]}}"#);
        (
            ours(&document, "s3:GetObject", resource, keys) == Decision::Allow,
            theirs(&document, "s3:GetObject", resource, keys) == Ok(Decision::Allow),
        )
    };
    let text = |key: &str, value: &str| vec![(key.to_owned(), Value::Text(value.to_owned()))];
    let object = "arn:aws:s3:::b/key";
    let source = text("aws:SourceArn", "arn:aws:sns:us-east-1:123456789012:topic");
    let fields = r#""Resource":"*","Condition":{"ArnEquals":{"aws:SourceArn":"arn:aws:sns:*:*:topic"}}"#;
    assert_eq!(ask(fields, object, &source), (true, false), "ArnEquals takes wildcards");
    let fields = r#""Resource":"*","Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:sns:*:topic"}}"#;
    assert_eq!(ask(fields, object, &source), (false, true), "a star stays within its field");
    let fields = r#""Resource":"arn:aws:s3:::b/${aws:PrincipalTag/none}*""#;
    assert_eq!(ask(fields, object, &[]), (false, true), "a variable without value is like nothing");
    let fields = r#""Resource":"arn:aws:s3:::b/${aws:PrincipalTag/t}""#;
    assert_eq!(ask(fields, object, &text("aws:PrincipalTag/t", "k*")), (false, true), "a value brings no wildcards");
    assert_eq!(ask(r#""Resource":"*""#, "*", &[]), (true, false), "actions without a resource");
}
