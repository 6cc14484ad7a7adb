//! From answers to bytes: golden bytes, and what readers make of them.

use std::collections::BTreeMap;

use landfall_wire::{
    Blob, Flat, ListName, Named, Protocol, Time, Tree, encode_ec2, encode_json, encode_query, error_body, from_tree,
    read_xml,
};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

struct Instances;

impl ListName for Instances {
    const NEWTYPE: &'static str = "$wire:list:DBInstance";
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Instance {
    instance_id: String,
    launch_time: Option<Time>,
    ebs_optimized: bool,
    cores: u8,
    #[serde(default)]
    groups: Vec<String>,
    state_reason: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Output {
    instance_set: Vec<Instance>,
    empty: Vec<Instance>,
    absent: Option<Vec<Instance>>,
    weight: f64,
    data: Blob,
    flat: Flat<Vec<u8>>,
    named: Named<Vec<Vec<u8>>, Instances>,
    attributes: BTreeMap<String, i64>,
    letter: char,
}

fn instance() -> Instance {
    Instance {
        instance_id: "i-<1>&\"".to_owned(),
        launch_time: Some(Time(1_795_341_600_000)),
        ebs_optimized: true,
        cores: 2,
        groups: vec!["a".to_owned(), "b".to_owned()],
        state_reason: None,
    }
}

fn output() -> Output {
    Output {
        instance_set: vec![instance()],
        empty: Vec::new(),
        absent: None,
        weight: 0.5,
        data: Blob(vec![0, 255]),
        flat: Flat(vec![1, 2]),
        named: Named::new(vec![vec![3]]),
        attributes: BTreeMap::from([("k".to_owned(), -1)]),
        letter: 'é',
    }
}

#[test]
fn ec2_writes_items() {
    let bytes = encode_ec2("DescribeThings", "r-1", "http://ec2/", &output(), &[("nextToken", "a&b")]).unwrap();
    let expected = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
        <DescribeThingsResponse xmlns=\"http://ec2/\"><requestId>r-1</requestId>\
        <instanceSet><item><instanceId>i-&lt;1&gt;&amp;&quot;</instanceId>\
        <launchTime>2026-11-22T10:00:00.000Z</launchTime><ebsOptimized>true</ebsOptimized><cores>2</cores>\
        <groups><item>a</item><item>b</item></groups></item></instanceSet><empty/>\
        <weight>0.5</weight><data>AP8=</data><flat>1</flat><flat>2</flat>\
        <named><DBInstance><item>3</item></DBInstance></named>\
        <attributes><k>-1</k></attributes><letter>é</letter>\
        <nextToken>a&amp;b</nextToken></DescribeThingsResponse>";
    assert_eq!(String::from_utf8(bytes).unwrap(), expected);
}

#[test]
fn query_writes_members_in_a_result() {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Users {
        users: Vec<&'static str>,
        since: Option<Time>,
        is_truncated: bool,
    }
    let since = Some(Time(1_795_341_600_999));
    let users = Users { users: vec!["a", "b"], since, is_truncated: false };
    let bytes = encode_query("ListUsers", "r-1", "https://iam/", &users, &[("Marker", "m")]).unwrap();
    let expected = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
        <ListUsersResponse xmlns=\"https://iam/\"><ListUsersResult>\
        <Users><member>a</member><member>b</member></Users><Since>2026-11-22T10:00:00Z</Since><IsTruncated>false</IsTruncated><Marker>m</Marker>\
        </ListUsersResult><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></ListUsersResponse>";
    assert_eq!(String::from_utf8(bytes).unwrap(), expected);
}

#[test]
fn json_writes_epochs_and_leaves_out_what_is_absent() {
    let bytes = encode_json(&output(), &[("NextToken", "a\"b")], &[]).unwrap();
    let expected = "{\"instanceSet\":[{\"instanceId\":\"i-<1>&\\\"\",\"launchTime\":1795341600,\"ebsOptimized\":true,\
        \"cores\":2,\"groups\":[\"a\",\"b\"]}],\"empty\":[],\"weight\":0.5,\"data\":\"AP8=\",\"flat\":[1,2],\
        \"named\":[[3]],\"attributes\":{\"k\":-1},\"letter\":\"é\",\"NextToken\":\"a\\\"b\"}";
    assert_eq!(String::from_utf8(bytes).unwrap(), expected);
    assert_eq!(encode_json(&(), &[], &[]).unwrap(), b"{}");
    assert_eq!(encode_json(&(), &[("a", "b")], &[("c", true)]).unwrap(), b"{\"a\":\"b\",\"c\":true}");
    let times = BTreeMap::from([("a", Time(-1_500)), ("b", Time(1_007)), ("c", Time(0))]);
    assert_eq!(encode_json(&times, &[], &[]).unwrap(), b"{\"a\":-1.500,\"b\":1.007,\"c\":0}");
}

#[test]
fn what_is_no_structure_is_an_error() {
    assert!(encode_json(&1, &[], &[]).is_err());
    assert!(encode_json(&"{}", &[], &[]).is_err());
    assert!(encode_json(&[0], &[], &[]).is_err());
    assert!(encode_json(&BTreeMap::from([("a", f64::NAN)]), &[], &[]).is_err());
    assert!(encode_ec2("A", "r", "x", &vec![1], &[]).is_err());
    assert!(encode_ec2("A", "r", "x", &"text", &[]).is_err());
    assert!(encode_ec2("A", "r", "x", &(), &[]).is_ok());
}

#[test]
fn errors_are_in_each_protocols_envelope() {
    let body = |protocol| {
        let error = error_body(protocol, "Some.Code", "<no>", &[], true, "r-1");
        (error.content_type, String::from_utf8(error.body).unwrap(), error.headers)
    };
    let (content_type, text, _) = body(Protocol::Ec2Query);
    assert_eq!(content_type, "text/xml;charset=UTF-8");
    assert_eq!(
        text,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>Some.Code</Code>\
         <Message>&lt;no&gt;</Message></Error></Errors><RequestID>r-1</RequestID></Response>"
    );
    let (_, text, _) = body(Protocol::Query);
    assert!(text.ends_with(
        "<Error><Type>Sender</Type><Code>Some.Code</Code><Message>&lt;no&gt;</Message></Error>\
         <RequestId>r-1</RequestId></ErrorResponse>"
    ));
    let (content_type, text, headers) = body(Protocol::Json11);
    assert_eq!(content_type, "application/x-amz-json-1.1");
    assert_eq!(text, "{\"__type\":\"Some.Code\",\"message\":\"<no>\"}");
    assert_eq!(headers, [("x-amzn-requestid", "r-1".to_owned()), ("x-amzn-errortype", "Some.Code".to_owned())]);
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct One {
    text: String,
}

#[test]
fn what_xml_cannot_carry_becomes_the_replacement_character() {
    let text = "a\u{0}b\u{1b}[1m\tc\r\nd\u{7f}\u{fffe}\u{ffff}\u{fffd}\u{ff01}é😀]]>".to_owned();
    let bytes = encode_ec2("A", "r", "x", &One { text }, &[]).unwrap();
    let read = read_xml(&bytes).unwrap();
    let one: One = from_tree(read.field("AResponse").unwrap()).map_err(|error| error.to_string()).unwrap();
    assert_eq!(one.text, "a\u{fffd}b\u{fffd}[1m\tc\r\nd\u{7f}\u{fffd}\u{fffd}\u{fffd}\u{ff01}é😀]]>");
}

#[test]
fn xml_is_bounded_and_has_no_entities_of_its_own() {
    assert!(read_xml(b"<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>").is_err());
    for bad in ["", "<a>", "<a></b>", "</a>", "<a/><b/>", "text", "<a>&b;</a>", "<a>&#x110000;</a>"] {
        assert!(read_xml(bad.as_bytes()).is_err(), "{bad}");
    }
    let deep = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
    assert!(read_xml(deep(32).as_bytes()).is_ok());
    assert!(read_xml(deep(33).as_bytes()).is_err());
    assert!(read_xml(format!("<a>{}</a>", "<b/>".repeat(100_000)).as_bytes()).is_err());
    let text = |text: &str| Tree::Text(text.to_owned());
    let tree =
        read_xml(b"<?xml version='1.0'?><r x='1'><b>1</b><c/><b><![CDATA[<2>]]></b><s><item>3</item></s></r>").unwrap();
    let members = vec![
        ("b".into(), Tree::List(vec![text("1"), text("<2>")])),
        ("c".into(), text("")),
        ("s".into(), Tree::List(vec![text("3")])),
    ];
    assert_eq!(tree, Tree::Map(vec![("r".into(), Tree::Map(members))]));
}

/// Text that XML can carry as it is.
fn is_carried(text: &str) -> bool {
    text.chars().all(|c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_in_xml_reads_the_same(
        instance_id in ".{0,12}".prop_filter("carried", |text| is_carried(text)),
        groups in proptest::collection::vec("\\PC{0,6}", 0..4),
        launch_time in proptest::option::of(0..253_402_207_000_000_i64),
        cores in any::<u8>(),
        ebs_optimized in any::<bool>(),
    ) {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Set { set: Vec<Instance> }
        let groups: Vec<String> = groups.into_iter().filter(|text| is_carried(text)).collect();
        let launch_time = launch_time.map(Time);
        let instance = Instance { instance_id, launch_time, ebs_optimized, cores, groups, state_reason: None };
        let set = Set { set: vec![instance.clone(), instance] };
        let ec2 = read_xml(&encode_ec2("A", "r", "x", &set, &[]).unwrap()).unwrap();
        prop_assert_eq!(&from_tree::<Set>(ec2.field("AResponse").unwrap()).unwrap(), &set);
        let query = read_xml(&encode_query("A", "r", "x", &set, &[]).unwrap()).unwrap();
        let result = query.field("AResponse").and_then(|response| response.field("AResult")).unwrap();
        // Moments lose the fraction of their second there.
        let mut set = set;
        for row in &mut set.set {
            row.launch_time = row.launch_time.map(|at| Time(at.0 - at.0.rem_euclid(1_000)));
        }
        prop_assert_eq!(&from_tree::<Set>(result).unwrap(), &set);
    }

    #[test]
    fn json_text_reads_the_same(text in any::<String>()) {
        let bytes = encode_json(&One { text: text.clone() }, &[], &[]).unwrap();
        let read: One = serde_json::from_slice(&bytes).unwrap();
        prop_assert_eq!(read.text, text);
    }
}
