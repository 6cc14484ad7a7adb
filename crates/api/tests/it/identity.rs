//! Who the caller is.

use crate::harness::{ACCOUNT, Case, World, nothing};

/// The cases of STS.
pub const CASES: &[Case] =
    &[Case { service: "sts", action: "GetCallerIdentity", good: nothing, bad: &[], masked: &[] }];

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
        ("s3", &[("content-type", "application/xml")], "<a/>", 405, "<Code>MethodNotAllowed</Code>"),
        ("monitoring", &[("smithy-protocol", "rpc-v2-cbor"), ("content-type", "application/cbor")], "", 400, "__type"),
        ("iam", &[("content-type", "application/x-www-form-urlencoded")], "Action=ListUsers", 400, "InvalidAction"),
    ];
    for (service, headers, body, status, code) in cases {
        let answer = world.root().post_with(service, headers, body.as_bytes());
        let text = String::from_utf8_lossy(&answer.body);
        assert_eq!(answer.status, status, "{text}");
        assert!(text.contains(code) && text.contains(&format!("does not have the service {service}")), "{text}");
        let media = headers[headers.len() - 1].1;
        assert!(service == "iam" || answer.content_type == media, "{}", answer.content_type);
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
    for (service, action) in [("ec2", "DescribeVpcs"), ("sts", "GetCallerIdentity")] {
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
