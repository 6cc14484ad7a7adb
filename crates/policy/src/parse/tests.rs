//! Documents and what IAM says of them. The messages and their precedence are those that IAM has been seen to give.

use super::*;

fn statement(fields: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":{{{fields}}}}}"#)
}

fn managed(document: &str) -> Result<Policy, Malformed> {
    Policy::parse_as(DocumentKind::Managed, document)
}

const OK: &str = r#""Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::b""#;

#[test]
fn whole_documents() {
    const SYNTAX: &str = "Syntax errors in policy.";
    const VERSION: &str = "Policy document must be version 2012-10-17 or greater.";
    for (document, message) in [
        ("not json".to_owned(), SYNTAX),
        ("[]".to_owned(), SYNTAX),
        (format!(r#"["2012-10-17",null,{{{OK}}}]"#), SYNTAX),
        (r#"{"Version":"2012-10-17"}"#.to_owned(), SYNTAX),
        (r#"{"Version":"2012-10-17","Statement":[]}"#.to_owned(), SYNTAX),
        (r#"{"Version":"2012-10-17","Statement":["x"]}"#.to_owned(), SYNTAX),
        (format!(r#"{{"Version":"2013-10-17","Statement":{{{OK}}}}}"#), SYNTAX),
        (format!(r#"{{"Version":"2012-10-17","Extra":1,"Statement":{{{OK}}}}}"#), SYNTAX),
        (format!(r#"{{"Version":"2012-10-17","Id":[],"Statement":{{{OK}}}}}"#), SYNTAX),
        (format!(r#"{{"Statement":{{{OK}}}}}"#), VERSION),
        (format!(r#"{{"Version":"2008-10-17","Statement":{{{OK}}}}}"#), VERSION),
        (format!(r#"{{"Version":"2012-10-17","Statement":{{{OK}}}}} x"#), SYNTAX),
        (format!(r#"{{"Version":"2012-10-17","Version":"2012-10-17","Statement":{{{OK}}}}}"#), SYNTAX),
    ] {
        assert_eq!(managed(&document).map(|_| ()).unwrap_err().to_string(), message, "{document}");
    }
    assert!(
        Policy::identity(&format!(r#"{{"Statement":{{{OK}}}}}"#)).is_ok(),
        "inline policies may be of the old version"
    );
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(managed(&deep).is_err());
}

#[test]
fn refused_statements() {
    const SYNTAX: &str = "Syntax errors in policy.";
    const LEGACY: &str = "The policy failed legacy parsing";
    const ACTIONS: &str = "Policy statement must contain actions.";
    const RESOURCES: &str = "Policy statement must contain resources.";
    const PREFIX: &str = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.";
    for (fields, message) in [
        (r#""Effect":"Maybe","Action":"s3:x","Resource":"*""#, SYNTAX),
        (r#""Action":"s3:x","Resource":"*""#, SYNTAX),
        (r#""Effect":"denY","Action":"s3:x","Resource":"*""#, LEGACY),
        (r#""Effect":"Allow","Action":"s3:x","Resource":"*","Extra":1"#, SYNTAX),
        (r#""Effect":"Allow","Action":"s3:x","NotAction":"s3:y","Resource":"*""#, SYNTAX),
        (r#""Effect":"Allow","Action":"s3:x","Resource":"*","NotResource":[]"#, SYNTAX),
        (r#""Effect":"Allow","Action":"s3:x","Action":"s3:y","Resource":"*""#, SYNTAX),
        (r#""Effect":"Allow","Action":{},"Resource":"*""#, SYNTAX),
        (r#""Effect":"Allow","Action":[[]],"Resource":"*""#, SYNTAX),
        (r#""Sid":{},"Effect":"Allow","Action":"s3:x","Resource":"*""#, SYNTAX),
        (
            r#""Sid":"a b","Effect":"Allow","Action":"s3:x","Resource":"*""#,
            "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*",
        ),
        (r#""Effect":"Allow","Resource":"*""#, ACTIONS),
        (r#""Effect":"Allow","Action":[],"Resource":"*""#, ACTIONS),
        (r#""Effect":"Allow""#, ACTIONS),
        (r#""Effect":"Allow","Action":"s3:x""#, RESOURCES),
        (r#""Effect":"Allow","Action":"s3:x","Resource":[]"#, RESOURCES),
        (r#""Effect":"Allow","Action":"x","Resource":"*""#, PREFIX),
        (r#""Effect":"Allow","NotAction":"","Resource":"*""#, PREFIX),
        (r#""Effect":"Allow","Action":"invalid""#, PREFIX),
        (r#""Effect":"Allow","Action":"a b:x","Resource":"*""#, "Vendor a b is not valid"),
        (r#""Effect":"Allow","Action":"ec*:x","Resource":"*""#, "Vendor ec* is not valid"),
        (r#""Effect":"Allow","Action":"s3:a:b","Resource":"*""#, "Actions/Condition can contain only one colon."),
        (r#""Effect":"Allow","Action":"s:3:a","Resource":"x""#, r#"Resource x must be in ARN format or "*"."#),
        (r#""Effect":"Allow","Action":"s3:a","Resource":["x","*"]"#, r#"Resource x must be in ARN format or "*"."#),
        (r#""Effect":"Allow","Action":"s3:a","Resource":"""#, r#"Resource  must be in ARN format or "*"."#),
        (
            r#""Effect":"Allow","Action":"s3:a","Resource":"a:b""#,
            r#"Partition "b" is not valid for resource "arn:b:*:*:*:*"."#,
        ),
        (
            r#""Effect":"Allow","Action":"s3:a","Resource":"a:b:c:d:e:f:g:h""#,
            r#"Partition "b" is not valid for resource "arn:b:c:d:e:f:g:h"."#,
        ),
        (
            r#""Effect":"Allow","Action":"s3:a","Resource":"aws:s3:::x""#,
            r#"Partition "s3" is not valid for resource "arn:s3:::x:*"."#,
        ),
        (
            r#""Effect":"Allow","Action":"s3:a","Resource":"arn:error:s3:::x""#,
            r#"Partition "error" is not valid for resource "arn:error:s3:::x"."#,
        ),
        (
            r#""Effect":"Allow","Action":"s3:a","Resource":"arn:aws""#,
            "Resource vendor must be fully qualified and cannot contain regexes.",
        ),
        (
            r#""Effect":"Allow","Action":"s3:a","Resource":"arn:aws:*:::x""#,
            "Resource vendor must be fully qualified and cannot contain regexes.",
        ),
        (r#""Effect":"Allow","Resource":"arn:aws:s3::x""#, LEGACY),
        (r#""Effect":"Allow","Action":"s3:a","Resource":"arn:aws::::x""#, LEGACY),
        (r#""Effect":"Allow","Action":"s3:a","Resource":"arn:aws::x""#, LEGACY),
        (
            r#""Effect":"Allow","Action":"s3:a","Resource":"arn:aws:s3:us-east-1::x""#,
            "Resource arn:aws:s3:us-east-1::x can not contain region information.",
        ),
        (
            r#""Effect":"Allow","Action":"s3:a","Resource":"arn:aws:iam:us-east-1::x""#,
            "IAM resource arn:aws:iam:us-east-1::x cannot contain region information.",
        ),
        (r#""Effect":"Allow","Action":"s3:a","Resource":"arn:aws:s3:::${aws:username""#, LEGACY),
        (
            r#""Effect":"Allow","Principal":"*","Action":"s3:a","Resource":"*""#,
            "Policy document should not specify a principal.",
        ),
    ] {
        assert_eq!(managed(&statement(fields)).map(|_| ()).unwrap_err().to_string(), message, "{fields}");
    }
}

#[test]
fn refused_conditions() {
    for (condition, syntax) in [
        (r#"[]"#, true),
        (r#""a""#, true),
        (r#"{"a":"b"}"#, true),
        (r#"{"x":{"a":"1"}}"#, true),
        (r#"{"ForAnyValue::StringEqualsIfExists":{"a":"b"}}"#, true),
        (r#"{"ForSome:StringEquals":{"a":"b"}}"#, true),
        (r#"{"DateGreaterThan":{"a":{}}}"#, true),
        (r#"{"StringEquals":{"a":null}}"#, true),
        (r#"{"NullIfExists":{"a":"true"}}"#, true),
        (r#"{"StringEquals":{"a":"1"},"StringEquals":{"b":"1"}}"#, true),
        (r#"{"DateGreaterThan":{"a":"tomorrow"}}"#, false),
        (r#"{"DateLessThan":{"a":"9223372036854775808"}}"#, false),
        (r#"{"DateLessThanEquals":{"a":"2016-12-13t2:00:00.593194+1"}}"#, false),
        (r#"{"NumericEquals":{"a":"x"}}"#, false),
        (r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/33"}}"#, false),
        (r#"{"Bool":{"a":"yes"}}"#, false),
        (r#"{"BinaryEquals":{"a":"="}}"#, false),
        (r#"{"StringEquals":{"a":"${user}"}}"#, false),
    ] {
        let error = managed(&statement(&format!(r#"{OK},"Condition":{condition}"#))).unwrap_err();
        assert_eq!(matches!(error, Malformed::Syntax(_)), syntax, "{condition}: {error:?}");
        assert_eq!(matches!(error, Malformed::Legacy(_)), !syntax, "{condition}: {error:?}");
        assert_eq!(error.code(), "MalformedPolicyDocument");
    }
}

#[test]
fn accepted_statements() {
    for fields in [
        OK.to_owned(),
        r#""Effect":"Allow","Action":"iam: asdf ","Resource":"arn:aws:fdsasf""#.to_owned(),
        r#""Effect":"Allow","Action":"*","Resource":["*"]"#.to_owned(),
        r#""Sid":"","Effect":"Deny","NotAction":["a:b","*:*"],"NotResource":"arn:aws:iam:::user/x""#.to_owned(),
        r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:us-west-2:123456789012:accesspoint/a""#.to_owned(),
        r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${cognito-identity.amazonaws.com:sub}/*""#
            .to_owned(),
        format!(r#"{OK},"Condition":{{}}"#),
        format!(r#"{OK},"Condition":{{"a":{{}}}}"#),
        format!(r#"{OK},"Condition":{{"DateGreaterThan":{{"a":[]}}}}"#),
        format!(r#"{OK},"Condition":{{"Bool":{{"aws:SecureTransport":true}},"NumericLessThan":{{"a":[3600,"1.5"]}}}}"#),
        format!(r#"{OK},"Condition":{{"ForAllValues:StringLikeIfExists":{{"aws:TagKeys":["a*"]}}}}"#),
    ] {
        managed(&statement(&fields)).unwrap_or_else(|error| panic!("{fields}: {error:?}"));
    }
}

#[test]
fn sids_and_precedence() {
    let two = |first: &str, second: &str| {
        managed(&format!(r#"{{"Version":"2012-10-17","Statement":[{{{first}}},{{{second}}}]}}"#)).unwrap_err()
    };
    let named = format!(r#""Sid":"x",{OK}"#);
    assert_eq!(two(&named, r#""Sid":"x","Effect":"Allow""#), Malformed::DuplicateSid);
    assert!(matches!(two(&named, r#""Sid":"x","Effect":"allow""#), Malformed::Legacy(_)));
    assert!(matches!(two(&named, r#""Sid":"x","Effect":"no""#), Malformed::Syntax(_)));
}

#[test]
fn kinds() {
    let trust = |fields: &str| Policy::parse_as(DocumentKind::Trust, &statement(fields)).map(|_| ());
    let principal = r#""Principal":{"AWS":"arn:aws:iam::123456789012:root"}"#;
    assert_eq!(trust(&format!(r#""Effect":"Allow","Action":["sts:AssumeRole","sts:TagSession"],{principal}"#)), Ok(()));
    assert_eq!(trust(r#""Effect":"Allow","Action":"sts:AssumeRole""#), Err(Malformed::NoPrincipal));
    assert_eq!(trust(&format!(r#""Effect":"Allow","Action":"s3:x",{principal}"#)), Err(Malformed::TrustAction));
    assert_eq!(
        trust(&format!(r#""Effect":"Allow","Action":"sts:AssumeRole",{principal},"Resource":"*""#)),
        Err(Malformed::Prohibited("Resource"))
    );
    for bad in [
        r#"{"AWS":"arn:aws:iam::123456789012:user/*"}"#,
        r#"{"AWS":"arn:aws:iam::123456789012:group/x"}"#,
        r#"{"AWS":"bob"}"#,
        r#"{"AWS":"arn:aws:iam::1234:root"}"#,
        r#"{"Service":"ec2"}"#,
        r#"{"CanonicalUser":"79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"}"#,
    ] {
        let error = trust(&format!(r#""Effect":"Allow","Action":"sts:AssumeRole","Principal":{bad}"#)).unwrap_err();
        assert!(matches!(error, Malformed::Principal { .. }), "{bad}: {error:?}");
    }
    assert_eq!(
        Malformed::Principal { kind: "AWS".into(), value: "bob".into() }.to_string(),
        r#"Invalid principal in policy: "AWS":"bob""#
    );
    for good in [
        r#""*""#,
        r#"{"AWS":["*","123456789012","AROAEXAMPLE0123456789","arn:aws:sts::123456789012:assumed-role/r/s"]}"#,
        r#"{"Service":["ec2.amazonaws.com"],"Federated":["accounts.google.com","arn:aws:iam::123456789012:oidc-provider/x.y"]}"#,
    ] {
        trust(&format!(r#""Effect":"Allow","Action":"sts:AssumeRole","Principal":{good}"#)).expect(good);
    }
}

#[test]
fn sizes_and_places() {
    let long = statement(&format!(r#"{OK},"Condition":{{"StringEquals":{{"a":"{}"}}}}"#, "x".repeat(6_200)));
    let error = managed(&long).unwrap_err();
    assert_eq!(
        (error.code(), error.to_string().as_str()),
        ("LimitExceeded", "Cannot exceed quota for PolicySize: 6144")
    );
    assert!(Policy::identity(&long).is_ok());
    assert!(Policy::parse(&" ".repeat(200_000)).is_err());
    let spread = format!(
        "{{\"Version\":\"2012-10-17\",\"Id\":\"doc\",\n \"Statement\":[\n  {{{OK}}},\n  {{{OK}}}]}}{}",
        " ".repeat(7_000)
    );
    let policy = managed(&spread).expect("white space is free");
    assert_eq!((policy.id(), policy.len(), policy.is_empty()), (Some("doc"), 2, false));
    let start = policy.statements()[1].span.start;
    assert_eq!((start.line, start.column), (4, 3));
    let end = policy.statements()[1].span.end;
    assert_eq!((end.line, end.column), (4, 3 + OK.len() + 2));
}

proptest::proptest! {
    #[test]
    fn nothing_makes_the_parser_panic(text in ".{0,200}", resource in "[arn:*?${},' aws-]{0,30}") {
        let _ = Policy::parse(&text);
        let quoted = serde_json::to_string(&resource).expect("text");
        let condition = format!(r#""Condition":{{"ArnLike":{{"k":{quoted}}},"StringEquals":{{"k":{quoted}}}}}"#);
        let _ = Policy::parse(&statement(&format!(r#""Effect":"Allow","Action":{quoted},"Resource":{quoted},{condition}"#)));
        let _ = Policy::parse(&statement(&format!(r#""Effect":"Allow","Action":"a:b","Resource":"*",{condition}"#)));
    }
}
