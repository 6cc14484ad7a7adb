//! The operators, row by row after AWS's "Condition operators" and "Multivalued context keys" pages.

use super::*;

fn holds(operator: &str, key: &str, wanted: &[&str], context: &Context) -> bool {
    let wanted: Vec<String> = wanted.iter().map(|value| (*value).to_owned()).collect();
    Condition::parse(operator, key, &wanted, true).expect("valid").holds(context)
}

#[test]
fn single_values() {
    for (operator, wanted, value, expected) in [
        ("StringEquals", &["a", "b"][..], "b", true),
        ("StringEquals", &["a"], "A", false),
        ("StringEquals", &["a*"], "ab", false),
        ("StringEquals", &["a*"], "a*", true),
        ("StringNotEquals", &["a", "b"], "b", false),
        ("StringNotEquals", &["a", "b"], "c", true),
        ("StringEqualsIgnoreCase", &["ÄB"], "äb", true),
        ("StringNotEqualsIgnoreCase", &["AB"], "ab", false),
        ("StringLike", &["a*c", "z?"], "abc", true),
        ("StringLike", &["a*c", "z?"], "zz", true),
        ("StringLike", &["A*"], "abc", false),
        ("StringNotLike", &["a*"], "abc", false),
        ("StringNotLike", &["a*"], "xbc", true),
        ("NumericEquals", &["10"], "10.0", true),
        ("NumericNotEquals", &["10"], "11", true),
        ("NumericLessThan", &["10"], "9", true),
        ("NumericLessThan", &["10"], "10", false),
        ("NumericLessThanEquals", &["10"], "10", true),
        ("NumericGreaterThan", &["-1"], "0", true),
        ("NumericGreaterThanEquals", &["3600"], "3600", true),
        ("NumericGreaterThanEquals", &["3600"], "x", false),
        ("DateEquals", &["2020-04-01T00:00:00Z"], "1585699200", true),
        ("DateNotEquals", &["2020-04-01T00:00:00Z"], "2020-04-01T00:00:01Z", true),
        ("DateLessThan", &["2020-06-30T23:59:59Z"], "2020-06-30T23:59:58Z", true),
        ("DateLessThanEquals", &["2020-06-30"], "2020-06-30T00:00:00Z", true),
        ("DateGreaterThan", &["2020-04-01T00:00:00Z"], "2020-04-01T00:00:00Z", false),
        ("DateGreaterThanEquals", &["2020-04-01T00:00:00Z"], "2020-04-01T02:00:00+02:00", true),
        ("Bool", &["true"], "True", true),
        ("Bool", &["false"], "true", false),
        ("Bool", &["true"], "1", false),
        ("BinaryEquals", &["QmluYXJ5VmFsdWVJbkJhc2U2NA=="], "QmluYXJ5VmFsdWVJbkJhc2U2NA==", true),
        ("BinaryEquals", &["QUI="], "QUM=", false),
        ("IpAddress", &["203.0.113.0/24", "2001:DB8:1234:5678::/64"], "203.0.113.9", true),
        ("IpAddress", &["203.0.113.0/24", "2001:DB8:1234:5678::/64"], "2001:db8:1234:5678::1", true),
        ("IpAddress", &["203.0.113.7/24"], "203.0.113.9", true),
        ("IpAddress", &["203.0.113.7"], "203.0.113.9", false),
        ("IpAddress", &["203.0.113.0/24"], "::ffff:203.0.113.9", true),
        ("IpAddress", &["0.0.0.0/0"], "nonsense", false),
        ("NotIpAddress", &["203.0.113.0/24"], "203.0.113.9", false),
        ("NotIpAddress", &["203.0.113.0/24"], "198.51.100.1", true),
        ("ArnEquals", &["arn:aws:sns:*:123456789012:t*"], "arn:aws:sns:us-east-1:123456789012:topic", true),
        ("ArnLike", &["arn:aws:sns:*:topic"], "arn:aws:sns:us-east-1:123456789012:topic", false),
        ("ArnLike", &["arn:aws:iam::*:role/*"], "arn:aws:iam::123456789012:role/a/b", true),
        ("ArnLike", &["*"], "not an arn", true),
        ("ArnLike", &["arn:*"], "not an arn", false),
        ("ArnNotEquals", &["arn:aws:sns:*:*:x"], "arn:aws:sns:r:1:x", false),
        ("ArnNotLike", &["arn:aws:sns:*:*:x"], "arn:aws:sns:r:1:y", true),
        ("StringLike", &["${aws:username}/*"], "ann/x", false),
        ("StringLike", &["${aws:username}/*"], "ANN/x", true),
        ("StringEquals", &["${aws:username}"], "ANN", true),
        ("StringEqualsIgnoreCase", &["${aws:username}"], "Ann", true),
        ("StringEquals", &["${aws:PrincipalTag/none}"], "", false),
        ("StringNotEquals", &["${aws:PrincipalTag/none}"], "x", true),
        ("StringEquals", &["${aws:PrincipalTag/none, 'all'}"], "all", true),
        ("ArnLike", &["arn:aws:iam::*:user/${aws:username}"], "arn:aws:iam::1:user/ANN", true),
    ] {
        let context = Context::new().with("K", value).with("aws:username", "ANN");
        assert_eq!(holds(operator, "k", wanted, &context), expected, "{operator} {wanted:?} on {value}");
    }
}

#[test]
fn an_absent_key() {
    let nothing = Context::new();
    for (operator, expected) in [
        ("StringEquals", false),
        ("StringLike", false),
        ("StringNotEquals", true),
        ("StringNotLike", true),
        ("StringEqualsIgnoreCase", false),
        ("StringNotEqualsIgnoreCase", true),
        ("ArnLike", false),
        ("ArnNotLike", true),
        ("StringEqualsIfExists", true),
        ("StringNotEqualsIfExists", true),
        ("ForAllValues:StringEquals", true),
        ("ForAllValues:StringNotEquals", true),
        ("ForAnyValue:StringEquals", false),
        ("ForAnyValue:StringNotEquals", false),
        ("ForAnyValue:StringEqualsIfExists", true),
    ] {
        assert_eq!(holds(operator, "k", &["x"], &nothing), expected, "{operator}");
        let null = Context::new().with_many("k", Vec::<String>::new());
        assert_eq!(holds(operator, "k", &["x"], &null), expected, "{operator} on a null key");
    }
    for (operator, value, expected) in [
        ("NumericLessThan", "1", false),
        ("NotIpAddress", "10.0.0.0/8", true),
        ("Bool", "false", false),
        ("BoolIfExists", "true", true),
    ] {
        assert_eq!(holds(operator, "k", &[value], &nothing), expected, "{operator}");
    }
}

#[test]
fn null() {
    let here = Context::new().with("aws:TokenIssueTime", "2026-01-01T00:00:00Z");
    for (value, present, absent) in [("true", false, true), ("false", true, false)] {
        assert_eq!(holds("Null", "aws:TokenIssueTime", &[value], &here), present);
        assert_eq!(holds("Null", "aws:TokenIssueTime", &[value], &Context::new()), absent);
    }
}

#[test]
fn several_values() {
    for (operator, wanted, values, expected) in [
        ("ForAllValues:StringEquals", &["a", "b"][..], &["a", "b"][..], true),
        ("ForAllValues:StringEquals", &["a", "b", "c"], &["a"], true),
        ("ForAllValues:StringEquals", &["a", "b"], &["a", "x"], false),
        ("ForAllValues:StringEquals", &["a"], &[""], true),
        ("ForAnyValue:StringEquals", &["a", "b"], &["x", "b"], true),
        ("ForAnyValue:StringEquals", &["a", "b"], &["x", "y"], false),
        ("ForAllValues:StringNotEquals", &["a", "b"], &["x", "y"], true),
        ("ForAllValues:StringNotEquals", &["a", "b"], &["x", "a"], false),
        ("ForAnyValue:StringNotEquals", &["a", "b"], &["a", "x"], true),
        ("ForAnyValue:StringNotEquals", &["a", "b"], &["a", "b"], false),
        ("ForAnyValue:StringLike", &["a*"], &["x", "ab"], true),
        ("ForAllValues:StringLike", &["a*"], &["aa", "ab"], true),
        ("ForAnyValue:ArnLike", &["arn:aws:s3:::*"], &["arn:aws:s3:::b"], true),
        ("StringEquals", &["a"], &["x", "a"], true),
        ("StringNotEquals", &["a"], &["x", "a"], false),
    ] {
        let context = Context::new().with_many("aws:TagKeys", values.iter().copied());
        assert_eq!(holds(operator, "AWS:tagkeys", wanted, &context), expected, "{operator} {wanted:?} on {values:?}");
    }
}

#[test]
fn every_documented_operator_exists() {
    let kinds: [(&[&str], &str); 7] = [
        (
            &[
                "StringEquals",
                "StringNotEquals",
                "StringEqualsIgnoreCase",
                "StringNotEqualsIgnoreCase",
                "StringLike",
                "StringNotLike",
            ],
            "x",
        ),
        (
            &[
                "NumericEquals",
                "NumericNotEquals",
                "NumericLessThan",
                "NumericLessThanEquals",
                "NumericGreaterThan",
                "NumericGreaterThanEquals",
            ],
            "1",
        ),
        (
            &[
                "DateEquals",
                "DateNotEquals",
                "DateLessThan",
                "DateLessThanEquals",
                "DateGreaterThan",
                "DateGreaterThanEquals",
            ],
            "2026-01-01",
        ),
        (&["Bool"], "true"),
        (&["BinaryEquals"], "QUI="),
        (&["IpAddress", "NotIpAddress"], "10.0.0.0/8"),
        (&["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"], "arn:aws:s3:::b"),
    ];
    for (operators, value) in kinds {
        for operator in operators {
            for (prefix, suffix) in [("", ""), ("", "IfExists"), ("ForAllValues:", ""), ("ForAnyValue:", "IfExists")] {
                let name = format!("{prefix}{operator}{suffix}");
                assert!(Condition::parse(&name, "k", &[value.to_owned()], true).is_ok(), "{name}");
            }
        }
    }
    assert!(Condition::parse("Null", "k", &["true".to_owned()], true).is_ok());
}
