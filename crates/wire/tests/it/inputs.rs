//! From bytes to an operation's input, and what is said about a wrong one.

use std::collections::BTreeMap;
use std::str::FromStr;

use landfall_wire::{
    Blob, DecodeError, FieldError, FieldProblem, Flat, ListName, Named, Number, Protocol, Time, Tree, coded_error,
    decode_json, decode_query, decode_query_string, from_tree, from_typed_tree, to_query, to_query_as,
};
use proptest::prelude::*;
use serde::{Deserialize, Deserializer, Serialize};

/// An id of the kind that the model has: parsed from a string, with an error code of its own.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct VpcId(String);

impl FromStr for VpcId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with("vpc-") {
            return Ok(Self(text.to_owned()));
        }
        Err(coded_error("InvalidVpcID.Malformed", &format!("Invalid id: \"{text}\" (expecting \"vpc-...\")")))
    }
}

impl<'de> Deserialize<'de> for VpcId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Filter {
    name: String,
    #[serde(default, rename = "Value")]
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Tenancy {
    Default,
    Dedicated,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Launch {
    min_count: u32,
    max_count: Option<i64>,
    ebs_optimized: Option<bool>,
    weight: Option<f64>,
    vpc_id: Option<VpcId>,
    tenancy: Option<Tenancy>,
    user_data: Option<Blob>,
    since: Option<Time>,
    #[serde(default, rename = "Filter")]
    filters: Vec<Filter>,
}

fn launch(body: &str) -> Result<Launch, FieldError> {
    let request = decode_query(format!("Action=RunInstances&Version=2016-11-15&{body}").as_bytes()).unwrap();
    assert_eq!((request.action.as_str(), request.version.as_deref()), ("RunInstances", Some("2016-11-15")));
    from_tree(&request.input)
}

fn refusal(body: &str) -> (String, String) {
    let refusal = launch(body).unwrap_err().refusal(Protocol::Ec2Query);
    (refusal.code.into_owned(), refusal.message)
}

#[test]
fn text_becomes_what_the_type_asks_for() {
    let read = launch(
        "MinCount=3&MaxCount=-7&EbsOptimized=TRUE&Weight=0.5&VpcId=vpc-1&Tenancy=dedicated&UserData=AP8%3D%0A\
         &Since=2026-11-22T10:00:00Z&Filter.3.Name=c&Filter.1.Name=a+b&Filter.1.Value.2=%C3%A9&Filter.1.Value.1=",
    )
    .unwrap();
    let filter = |name: &str, values: &[&str]| Filter {
        name: name.to_owned(),
        values: values.iter().map(|&value| value.to_owned()).collect(),
    };
    let expected = Launch {
        min_count: 3,
        max_count: Some(-7),
        ebs_optimized: Some(true),
        weight: Some(0.5),
        vpc_id: Some(VpcId("vpc-1".to_owned())),
        tenancy: Some(Tenancy::Dedicated),
        user_data: Some(Blob(vec![0, 255])),
        since: Some(Time(1_795_341_600_000)),
        filters: vec![filter("a b", &["", "é"]), filter("c", &[])],
    };
    assert_eq!(read, expected);
}

#[test]
fn errors_are_in_ec2s_words() {
    let said = |code: &str, message: &str| (code.to_owned(), message.to_owned());
    assert_eq!(refusal(""), said("MissingParameter", "The request must contain the parameter MinCount"));
    assert_eq!(
        refusal("MinCount=1&Filter.1.Value.1=x"),
        said("MissingParameter", "The request must contain the parameter Filter.1.Name")
    );
    assert_eq!(refusal("MinCount=1&Colour=x"), said("UnknownParameter", "The parameter Colour is not recognized"));
    assert_eq!(
        refusal("MinCount=1&Filter.1.Name=a&Filter.1.Colour=x"),
        said("UnknownParameter", "The parameter Filter.1.Colour is not recognized")
    );
    assert_eq!(
        refusal("MinCount=many"),
        said(
            "InvalidParameterValue",
            "Value (many) for parameter MinCount is invalid. It must be an integer that is not negative."
        )
    );
    assert_eq!(
        refusal("MinCount=1&EbsOptimized=perhaps").1,
        "Value (perhaps) for parameter EbsOptimized is invalid. It must be true or false."
    );
    assert_eq!(
        refusal("MinCount=1&Tenancy=shared").1,
        "Value (shared) for parameter Tenancy is invalid. Valid values are: default, dedicated."
    );
    assert_eq!(
        refusal("MinCount=1&VpcId=subnet-1"),
        said("InvalidVpcID.Malformed", "Invalid id: \"subnet-1\" (expecting \"vpc-...\")")
    );
    for (body, start) in [
        ("MinCount=1&Filter.1.Name.2=x", "Value () for parameter Filter.1.Name is invalid."),
        ("MinCount=1&Filter=x", "Value (x) for parameter Filter is invalid. It must be a list."),
        ("MinCount=1&Filter.1=x", "Value (x) for parameter Filter.1 is invalid. It must be a structure."),
        ("MinCount=1&Filter.Name=x", "Value () for parameter Filter is invalid. It must be a list."),
        ("MinCount=1&UserData=%25", "Value (%) for parameter UserData is invalid. It must be encoded in base64."),
        ("MinCount=1&Since=noon", "Value (noon) for parameter Since is invalid. It must be a timestamp"),
    ] {
        let (code, message) = refusal(body);
        assert_eq!(code, "InvalidParameterValue");
        assert!(message.starts_with(start), "{body}: {message}");
    }
}

#[test]
fn an_error_keeps_its_code_value_and_path() {
    let error = launch("MinCount=1&VpcId=x").unwrap_err();
    assert_eq!(error.path, "VpcId");
    let FieldProblem::Malformed { value, code, .. } = error.kind else { panic!("{error:?}") };
    assert_eq!((value.as_str(), code.as_deref()), ("x", Some("InvalidVpcID.Malformed")));
}

#[test]
fn what_is_no_request_is_refused() {
    let refused = |body: &str| decode_query(body.as_bytes()).unwrap_err();
    let name = |text: &str| text.to_owned();
    assert_eq!(refused(""), DecodeError::MissingAction);
    assert_eq!(refused("Action="), DecodeError::MissingAction);
    assert_eq!(refused("Action.1=A"), DecodeError::BadName(name("Action")));
    assert_eq!(refused("Action=A&Action=B"), DecodeError::Duplicate(name("Action")));
    assert_eq!(refused("Action=A&X=1&Y=2&X=1"), DecodeError::Duplicate(name("X")));
    assert_eq!(refused("Action=A&X=1&X.Y=2"), DecodeError::Conflict(name("X")));
    assert_eq!(refused("Action=A&X..Y=2"), DecodeError::BadName(name("X..Y")));
    assert_eq!(refused("Action=A&=2"), DecodeError::BadName(name("")));
    assert_eq!(refused("Action=A&X=%4"), DecodeError::BadEscape);
    assert_eq!(refused("Action=A&X=%zz"), DecodeError::BadEscape);
    assert_eq!(refused("Action=A&X=%FF"), DecodeError::NotUtf8);
    assert_eq!(refused("Action=A&X=%C0%80"), DecodeError::NotUtf8);
    for bad in ["%00", "%1B%5B31m", "%0B", "%EF%BF%BE", "%EF%BF%BF"] {
        assert_eq!(refused(&format!("Action=A&X=a{bad}")), DecodeError::BadCharacter(name("X")), "{bad}");
    }
    assert!(decode_query(b"Action=A&X=%09%0A%0D%7F%EF%BF%BD%F0%9F%98%80").is_ok());
    assert_eq!(DecodeError::BadCharacter(name("X")).refusal(Protocol::Ec2Query).code, "InvalidCharacter");
    assert_eq!(refused("Action=A&Filter.999999999.Name=x"), DecodeError::IndexTooLarge(name("Filter.999999999.Name")));
    let huge = "9".repeat(40);
    assert!(matches!(refused(&format!("Action=A&Filter.{huge}=x")), DecodeError::IndexTooLarge(_)));
    assert_eq!(refused(&format!("Action=A&X{}=x", ".Y".repeat(32))), DecodeError::TooDeep);
    assert_eq!(refused(&format!("Action=A&{}=x", "y".repeat(1_025))), DecodeError::TooLong);
    assert_eq!(refused(&format!("Action=A&X={}", "y".repeat(600_000))), DecodeError::TooLong);
    let many: String = (0..20_001).map(|at| format!("A{at}=&")).collect();
    assert_eq!(refused(&many), DecodeError::TooMany);
    let deep: String = (0..5_000).map(|at| format!("A{at}{}=&", ".b".repeat(30))).collect();
    assert_eq!(refused(&deep), DecodeError::TooMany);
    assert_eq!(DecodeError::MissingAction.refusal(Protocol::Ec2Query).code, "MissingAction");
    assert_eq!(DecodeError::NotUtf8.refusal(Protocol::Query).code, "MalformedQueryString");
    assert_eq!(DecodeError::TooDeep.refusal(Protocol::Json11).code, "SerializationException");
}

#[test]
fn lists_are_sparse_and_in_the_order_of_their_indexes() {
    let request = decode_query(b"Action=A&I.100000=c&I.10=b&I.9=a&J.01=x&M.1=x&M.y=z").unwrap();
    let text = |value: &str| Tree::Text(value.to_owned());
    assert_eq!(request.input.field("I"), Some(&Tree::List(vec![text("a"), text("b"), text("c")])));
    // An index has one spelling: this is a member called "01", which no list has.
    assert_eq!(request.input.field("J"), Some(&Tree::Map(vec![("01".into(), text("x"))])));
    assert!(matches!(request.input.field("M"), Some(Tree::Map(members)) if members.len() == 2));
}

#[test]
fn a_query_string_leaves_its_signature_to_others() {
    let request = decode_query_string("Action=GetCallerIdentity&X-Amz-Date=20261122T100000Z&Name=X-Amz-y").unwrap();
    assert_eq!(request.input, Tree::Map(vec![("Name".into(), Tree::Text("X-Amz-y".to_owned()))]));
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Groups;

impl ListName for Groups {
    const NEWTYPE: &'static str = "$wire:list:GroupName";
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Query {
    tags: Vec<Filter>,
    #[serde(default)]
    attributes: BTreeMap<String, u32>,
    flat: Option<Flat<Vec<u8>>>,
    named: Option<Named<Vec<String>, Groups>>,
}

#[test]
fn the_query_protocol_wraps_its_lists() {
    let body = "Action=A&Tags.member.1.Name=n&Tags.member.1.Value.member.1=v&Attributes.entry.1.key=k\
                &Attributes.entry.1.value=7&Flat.1=1&Flat.2=2&Named.GroupName.1=g";
    let request = decode_query(body.as_bytes()).unwrap();
    let read: Query = from_tree(&request.input).unwrap();
    assert_eq!(read.tags, [Filter { name: "n".to_owned(), values: vec!["v".to_owned()] }]);
    assert_eq!(read.attributes, BTreeMap::from([("k".to_owned(), 7)]));
    assert_eq!(read.flat, Some(Flat(vec![1, 2])));
    assert_eq!(read.named.as_ref().map(|named| named.0.len()), Some(1));
    let written = to_query_as(Protocol::Query, "A", "1", &read).unwrap();
    let again: Query = from_tree(&decode_query(written.as_bytes()).unwrap().input).unwrap();
    assert_eq!(again, read);
    assert!(written.contains("Named.GroupName.1=g") && written.contains("Flat.2=2"), "{written}");

    let empty = decode_query(b"Action=A&Tags=&Attributes=").unwrap();
    assert_eq!(from_tree::<Query>(&empty.input).unwrap().tags, []);
    let path = |body: &str| from_tree::<Query>(&decode_query(body.as_bytes()).unwrap().input).unwrap_err();
    assert_eq!(path("Action=A&Tags.member.2.Value=x").path, "Tags.member.1.Value");
    assert_eq!(path("Action=A&Tags=&Attributes.entry.1.key=k").path, "Attributes.entry.1.value");
    assert_eq!(
        path("Action=A&Tags=&Attributes.entry.1.key=k&Attributes.entry.1.value=x").path,
        "Attributes.entry.1.value"
    );
    let missing = path("Action=A").refusal(Protocol::Query);
    assert_eq!(missing.code, "ValidationError");
    assert!(missing.message.contains("Value null at 'tags' failed to satisfy constraint"), "{}", missing.message);
}

#[test]
fn json_keeps_its_types() {
    let read = |body: &str| {
        let request = decode_json("EC2_2016.RunInstances", body.as_bytes()).unwrap();
        assert_eq!((request.action.as_str(), request.version.as_deref()), ("RunInstances", Some("EC2_2016")));
        from_typed_tree::<Launch>(&request.input)
    };
    let launch =
        read(r#"{"MinCount":3,"Since":1763809200.5,"UserData":"AP8=","Weight":1,"MaxCount":null,"Gone":null}"#)
            .unwrap();
    assert_eq!((launch.min_count, launch.max_count, launch.weight), (3, None, Some(1.0)));
    assert_eq!(launch.since, Some(Time(1_763_809_200_500)));
    assert_eq!(launch.user_data, Some(Blob(vec![0, 255])));
    let refused = |body: &str| read(body).unwrap_err().refusal(Protocol::Json11);
    assert_eq!(refused(r#"{"MinCount":"3"}"#).code, "SerializationException");
    assert_eq!(refused(r#"{"MinCount":1,"Filter":[{"Name":7}]}"#).code, "SerializationException");
    assert!(refused(r#"{"MinCount":1,"Filter":[{"Name":7}]}"#).message.starts_with("Filter.1.Name: "));
    assert_eq!(refused("{}").code, "ValidationException");
    assert_eq!(refused(r#"{"MinCount":1,"VpcId":"x"}"#).code, "InvalidVpcID.Malformed");
    assert_eq!(read("").unwrap_err().kind, FieldProblem::Missing);
}

#[test]
fn json_is_bounded() {
    let refused = |body: &str| decode_json("T.A", body.as_bytes()).unwrap_err();
    assert!(matches!(refused("[]"), DecodeError::BadJson(_)));
    assert!(matches!(refused("{} {}"), DecodeError::BadJson(_)));
    assert!(matches!(refused("{"), DecodeError::BadJson(_)));
    assert_eq!(refused(r#"{"a":1,"b":2,"a":1}"#), DecodeError::Duplicate("a".to_owned()));
    assert_eq!(refused(&format!("{{\"a\":{}", "[".repeat(10_000))), DecodeError::TooDeep);
    assert_eq!(refused(&format!("{{\"a\":[{}0]}}", "0,".repeat(200_000))), DecodeError::TooMany);
    assert_eq!(decode_json("T.", b"{}").unwrap_err(), DecodeError::MissingAction);
    let numbers = decode_json("A", br#"{"a":-1,"b":18446744073709551615,"c":1.5}"#).unwrap().input;
    assert_eq!(numbers.field("a"), Some(&Tree::Number(Number::Integer(-1))));
    assert_eq!(numbers.field("b"), Some(&Tree::Number(Number::Unsigned(u64::MAX))));
    assert_eq!(numbers.field("c"), Some(&Tree::Number(Number::Float(1.5))));
}

fn launches() -> impl Strategy<Value = Launch> {
    // What XML can't carry is refused.
    let text = "[^\\p{Cc}\u{fffe}\u{ffff}]{0,8}";
    let filter = (text, proptest::collection::vec(text, 0..12)).prop_map(|(name, values)| Filter { name, values });
    let tenancy = prop_oneof![Just(Tenancy::Default), Just(Tenancy::Dedicated)];
    let leaves = (
        any::<u32>(),
        any::<Option<i64>>(),
        any::<Option<bool>>(),
        proptest::option::of(-1e9..1e9_f64),
        proptest::option::of("vpc-[^\\p{Cc}\u{fffe}\u{ffff}]{0,8}"),
        proptest::option::of(tenancy),
        any::<Option<Vec<u8>>>(),
        proptest::option::of(-62_135_596_800_000..253_402_207_000_000_i64),
    );
    (leaves, proptest::collection::vec(filter, 0..12)).prop_map(|(leaves, filters)| Launch {
        min_count: leaves.0,
        max_count: leaves.1,
        ebs_optimized: leaves.2,
        weight: leaves.3,
        vpc_id: leaves.4.map(VpcId),
        tenancy: leaves.5,
        user_data: leaves.6.map(Blob),
        since: leaves.7.map(Time),
        filters,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_clients_write_is_what_servers_read(launch in launches()) {
        for written in [
            to_query("RunInstances", "2016-11-15", &launch).unwrap(),
            to_query_as(Protocol::Query, "RunInstances", "2016-11-15", &launch).unwrap(),
        ] {
            let request = decode_query(written.as_bytes()).unwrap();
            prop_assert_eq!(&from_tree::<Launch>(&request.input).unwrap(), &launch);
        }
    }
}
