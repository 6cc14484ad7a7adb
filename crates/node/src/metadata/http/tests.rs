//! Tables of what the metadata service answers, and a crawl as cloud-init's.

use landfall_model::agent::Secret;
use landfall_model::delivery::{ProfilePlan, RoleCredentials, RolePlan, SessionKey};
use landfall_model::{InstanceId, MetadataOptions, Timestamp};

use super::super::directory::Directory;
use super::super::plan::{ServicePlan, derive};
use super::super::sample;
use super::*;

const NOW: SinceBoot = SinceBoot(1_000_000);

fn key() -> TokenKey {
    TokenKey::new(b"key", b"boot")
}

fn plan() -> ServicePlan {
    derive(&sample::host_plan(), "lf", 1500)
}

fn with_options(change: impl Fn(&mut MetadataOptions)) -> Directory {
    let mut plan = plan();
    plan.instances.values_mut().for_each(|instance| change(&mut instance.metadata.options));
    Directory::new(plan)
}

fn ask(directory: &Directory, request: &Request) -> Response {
    answer(&directory.caller(7, sample::ADDRESS).unwrap(), request, &key(), NOW)
}

fn fetch(path: &str) -> Response {
    ask(&with_options(|_| {}), &get(path))
}

fn get(path: &str) -> Request {
    Request { method: "GET".into(), path: path.into(), ..Request::default() }
}

fn put(ttl: &str) -> Request {
    let ttl_seconds = Some(ttl.to_owned());
    Request { method: "PUT".into(), path: "/latest/api/token".into(), ttl_seconds, ..Request::default() }
}

fn body(path: &str) -> String {
    let response = fetch(path);
    assert_eq!(response.status, 200, "{path}");
    String::from_utf8(response.body).unwrap()
}

#[test]
fn every_page_says_what_the_plan_says() {
    let mac = "/latest/meta-data/network/interfaces/macs/02:11:22:33:44:55";
    for (path, expected) in [
        ("/latest/meta-data/ami-id", "ami-0123456789abcdef0"),
        ("/latest/meta-data/instance-id", "i-0123456789abcdef0"),
        ("/2021-03-23/meta-data/instance-type", "t3.micro"),
        ("/1.0/meta-data/local-ipv4", "10.0.1.5"),
        ("/latest/meta-data/public-ipv4", "198.18.0.1"),
        ("/latest/meta-data/hostname", "ip-10-0-1-5.ec2.internal"),
        ("/latest/meta-data/public-hostname", "ec2-198-18-0-1.compute.landfall.test"),
        ("/latest/meta-data/ipv6", "2001:db8:7:1201::5"),
        ("/latest/meta-data/mac", "02:11:22:33:44:55"),
        ("/latest/meta-data/placement/availability-zone-id", "use1-az1"),
        ("/latest/meta-data/placement/region", "us-east-1"),
        ("/latest/meta-data/block-device-mapping/root", "/dev/xvda"),
        ("/latest/meta-data/block-device-mapping/ebs1", "sdf"),
        ("/latest/meta-data/public-keys", "0=laptop"),
        ("/latest/meta-data/public-keys/", "0=laptop"),
        ("/latest/meta-data/public-keys/0", "openssh-key"),
        ("/latest/meta-data/public-keys/0/openssh-key", "ssh-ed25519 AAAAC3Nz laptop"),
        ("/latest/meta-data/security-groups", "default"),
        ("/latest/meta-data/services/partition", "aws"),
        ("/latest/meta-data/tags/instance", "Name"),
        ("/latest/meta-data/tags/instance/Name", "web one"),
        ("/latest/meta-data/tags/instance/%4eame", "web one"),
        ("/latest/landfall/block-devices", "vol-00000000000000001 /dev/xvda\nvol-00000000000000002 /dev/sdf"),
        ("//latest//meta-data/mac?x=1", "02:11:22:33:44:55"),
        ("http://169.254.169.254/latest/meta-data/mac", "02:11:22:33:44:55"),
        ("/latest/", "dynamic\nlandfall\nmeta-data\nuser-data"),
        ("/latest", "dynamic\nlandfall\nmeta-data\nuser-data"),
        ("/latest/dynamic/", "instance-identity/"),
    ] {
        assert_eq!(body(path), expected, "{path}");
    }
    for (leaf, expected) in [
        ("device-number", "0"),
        ("interface-id", "eni-0123456789abcdef1"),
        ("ipv4-associations/198.18.0.1", "10.0.1.5"),
        ("local-hostname", "ip-10-0-1-5.ec2.internal"),
        ("ipv6s", "2001:db8:7:1201::5\n2001:db8:7:1201::6"),
        ("local-ipv4s", "10.0.1.5\n10.0.1.6"),
        ("owner-id", "123456789012"),
        ("public-ipv4s", "198.18.0.1"),
        ("security-group-ids", "sg-00000000000000003"),
        ("subnet-ipv4-cidr-block", "10.0.1.0/24"),
        ("subnet-ipv6-cidr-blocks", "2001:db8:7:1201::/64"),
        ("vpc-ipv4-cidr-block", "10.0.0.0/16"),
        ("vpc-ipv4-cidr-blocks", "10.0.0.0/16\n100.64.4.0/22"),
        ("vpc-ipv6-cidr-blocks", "2001:db8:7:1200::/56"),
    ] {
        assert_eq!(body(&format!("{mac}/{leaf}")), expected, "{leaf}");
    }
    assert_eq!(body("/latest/meta-data/network/interfaces/macs/"), "02:11:22:33:44:55/");
    assert!(body("/").starts_with("1.0\n2007-01-19\n") && body("/").ends_with("\n2024-04-11\nlatest"));
}

#[test]
fn a_second_interface_is_shown_whole_and_the_first_speaks_for_the_guest() {
    let mut plan = plan();
    let instance = plan.instances.values_mut().next().unwrap();
    let mut second = instance.ports[0].clone();
    second.id = landfall_model::InterfaceId::from_random(2);
    second.device_index = 3;
    second.mac = landfall_model::Mac([2, 0x11, 0x22, 0x33, 0x44, 0x66]);
    second.addresses = vec!["10.0.2.7".parse().unwrap(), "10.0.2.8".parse().unwrap()];
    let pair = |private: &str, public: &str| landfall_model::plan::PublicAddressPlan {
        private: private.parse().unwrap(),
        public: public.parse().unwrap(),
    };
    second.public = vec![pair("10.0.2.7", "198.18.0.7"), pair("10.0.2.8", "198.18.0.8")];
    second.ipv6.clear();
    second.subnet_ipv6 = None;
    instance.ports.push(second);
    let directory = Directory::new(plan);
    let asked = |source: &str, path: &str| {
        let source: std::net::IpAddr = source.parse().unwrap();
        let path = format!("/latest/meta-data/{path}");
        let response = answer(&directory.caller(7, source).unwrap(), &get(&path), &key(), NOW);
        (response.status == 200).then(|| String::from_utf8(response.body).unwrap())
    };
    let mac = "network/interfaces/macs/02:11:22:33:44:66";
    for source in ["10.0.1.5", "10.0.2.8", "2001:db8:7:1201::6"] {
        for (path, expected) in [
            ("network/interfaces/macs/", "02:11:22:33:44:55/\n02:11:22:33:44:66/"),
            (&format!("{mac}/device-number"), "3"),
            (&format!("{mac}/local-ipv4s"), "10.0.2.7\n10.0.2.8"),
            (&format!("{mac}/ipv4-associations/"), "198.18.0.7\n198.18.0.8"),
            (&format!("{mac}/ipv4-associations/198.18.0.8"), "10.0.2.8"),
            (&format!("{mac}/public-hostname"), "ec2-198-18-0-7.compute.landfall.test"),
            ("local-ipv4", "10.0.1.5"),
            ("mac", "02:11:22:33:44:55"),
            ("ipv6", "2001:db8:7:1201::5"),
        ] {
            assert_eq!(asked(source, path).as_deref(), Some(expected), "{source} {path}");
        }
        for path in ["ipv6s", "subnet-ipv6-cidr-blocks"] {
            assert_eq!(asked(source, &format!("{mac}/{path}")), None, "{path}");
        }
    }
}

#[test]
fn user_data_comes_back_byte_for_byte() {
    let response = fetch("/latest/user-data");
    assert_eq!(response.body, b"#!/bin/sh\n\0\xff");
    assert_eq!(response.content_type, "application/octet-stream");
    let mut plan = plan();
    plan.instances.values_mut().for_each(|instance| instance.metadata.user_data = None);
    assert_eq!(ask(&Directory::new(plan), &get("/latest/user-data")).status, 404);
}

#[test]
fn the_identity_document_is_json_with_ec2s_members() {
    let document: serde_json::Value =
        serde_json::from_str(&body("/latest/dynamic/instance-identity/document")).unwrap();
    for (member, expected) in [
        ("accountId", "123456789012"),
        ("availabilityZone", "us-east-1a"),
        ("instanceId", "i-0123456789abcdef0"),
        ("pendingTime", "2026-11-22T10:00:00Z"),
        ("privateIp", "10.0.1.5"),
        ("region", "us-east-1"),
        ("version", "2017-09-30"),
    ] {
        assert_eq!(document[member], expected, "{member}");
    }
    assert!(document["kernelId"].is_null());
}

#[test]
fn what_is_not_there_is_ec2s_page() {
    for path in [
        "/nothing",
        "/latest/meta-data/nothing",
        "/latest/meta-data/instance-id/",
        "/latest/meta-data/instance-id/x",
        "/latest/meta-data/iam/security-credentials/",
        "/latest/dynamic/instance-identity/pkcs7",
        "/latest/meta-data/tags/instance/a%2fb",
        "/2999-01-01/meta-data/",
    ] {
        let response = fetch(path);
        assert_eq!((response.status, response.content_type), (404, "text/html"), "{path}");
        assert!(String::from_utf8(response.body).unwrap().contains("<h1>404 - Not Found</h1>"));
    }
    for path in ["latest", "*", "/latest/%", "/latest/%zz", "/latest/%ff"] {
        assert_eq!(fetch(path).status, 400, "{path}");
    }
}

#[test]
fn a_token_is_given_for_a_right_time_to_live_and_to_no_proxy() {
    let directory = with_options(|options| options.hop_limit = 3);
    for (ttl, status) in [
        ("1", 200),
        ("21600", 200),
        ("0", 400),
        ("21601", 400),
        ("-1", 400),
        ("+5", 400),
        ("", 400),
        ("1.5", 400),
        ("99999999999999999999", 400),
    ] {
        assert_eq!(ask(&directory, &put(ttl)).status, status, "{ttl}");
    }
    assert_eq!(ask(&directory, &Request { ttl_seconds: None, ..put("1") }).status, 400);
    assert_eq!(ask(&directory, &Request { forwarded: true, ..put("60") }).status, 403);
    let response = ask(&directory, &put("60"));
    assert_eq!((response.hop_limit, response.content_type), (Some(3), "text/plain"));
    assert_eq!(response.headers, [(TTL_HEADER, "60".to_owned())]);
    for method in ["GET", "POST", "DELETE"] {
        let response = ask(&directory, &Request { method: method.into(), ..put("60") });
        assert_eq!(
            (response.status, &response.headers),
            (405, &vec![("Allow", "OPTIONS, PUT".to_owned())]),
            "{method}"
        );
    }
}

#[test]
fn the_options_decide_who_may_read() {
    let page = "/latest/meta-data/instance-id";
    let good = key().issue(sample::instance_id(), NOW, 60);
    let foreign = key().issue(landfall_model::InstanceId::from_random(9), NOW, 60);
    let with = |token: &str| Request { token: Some(token.into()), ..get(page) };
    let optional = with_options(|_| {});
    let required = with_options(|options| options.tokens_required = true);
    let disabled = with_options(|options| options.enabled = false);
    for (directory, request, status) in [
        (&optional, get(page), 200),
        (&optional, with(&good), 200),
        (&optional, with(&foreign), 401),
        (&optional, with("junk"), 401),
        (&required, get(page), 401),
        (&required, get("/"), 401),
        (&required, with(&good), 200),
        (&required, with(&foreign), 401),
        (&required, put("60"), 200),
        (&disabled, get(page), 403),
        (&disabled, with(&good), 403),
        (&disabled, put("60"), 403),
        (&optional, Request { method: "POST".into(), ..get(page) }, 405),
    ] {
        assert_eq!(ask(directory, &request).status, status, "{request:?}");
    }
    assert_eq!(ask(&required, &with(&good)).headers, [(TTL_HEADER, "60".to_owned())]);
    let hidden = with_options(|options| options.tags = false);
    assert_eq!(ask(&hidden, &get("/latest/meta-data/tags/instance")).status, 404);
    assert!(!String::from_utf8(ask(&hidden, &get("/latest/meta-data/")).body).unwrap().contains("tags"));
}

/// As cloud-init's `MetadataMaterializer`: what ends in a slash is a folder, `0=name` is the key in folder 0.
fn crawl(base: &str, seen: &mut Vec<String>) {
    for field in body(base).lines() {
        if let Some((number, _)) = field.split_once('=').filter(|(number, _)| number.parse::<u32>().is_ok()) {
            body(&format!("{base}{number}/openssh-key"));
            seen.push(format!("{base}{number}/openssh-key"));
        } else if field.ends_with('/') {
            crawl(&format!("{base}{field}"), seen);
        } else {
            body(&format!("{base}{field}"));
            seen.push(format!("{base}{field}"));
        }
    }
}

#[test]
fn a_crawler_can_fetch_all_that_is_listed() {
    let mut seen = vec![];
    crawl("/2021-03-23/meta-data/", &mut seen);
    crawl("/2021-03-23/dynamic/", &mut seen);
    assert!(seen.len() > 45, "{seen:#?}");
    assert!(seen.contains(&"/2021-03-23/meta-data/public-keys/0/openssh-key".to_owned()));
    assert!(seen.contains(&"/2021-03-23/dynamic/instance-identity/document".to_owned()));
}

#[test]
fn heads_are_read_and_bounded() {
    let whole = b"PUT /latest/api/token HTTP/1.1\r\nHost: x\r\nx-AWS-ec2-metadata-token-ttl-SECONDS:  60 \r\nX-Forwarded-For: 1.2.3.4\r\n\r\n";
    assert_eq!(parse(whole), Head::Whole(Request { forwarded: true, ..put("60") }));
    for end in 0..whole.len() {
        assert_eq!(parse(&whole[..end]), Head::Partial, "{end}");
    }
    assert_eq!(parse(b"\x16\x03\x01\x02\x00"), Head::Malformed);
    assert_eq!(parse(format!("GET /{} HTTP/1.1\r\n", "a".repeat(MAX_HEAD_BYTES)).as_bytes()), Head::Malformed);
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(MAX_HEADERS + 1));
    assert_eq!(parse(many.as_bytes()), Head::Malformed);
}

#[test]
fn an_answer_is_written_as_ec2_writes_it() {
    let text = String::from_utf8(fetch("/latest/meta-data/instance-id").to_bytes()).unwrap();
    assert_eq!(
        text,
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nAccept-Ranges: none\r\nContent-Length: 19\r\nServer: EC2ws\r\n\
         Connection: close\r\n\r\ni-0123456789abcdef0"
    );
    let head = ask(&with_options(|_| {}), &Request { method: "HEAD".into(), ..get("/latest/meta-data/mac") });
    assert!(
        String::from_utf8(head.to_bytes())
            .unwrap()
            .ends_with("Content-Length: 17\r\nServer: EC2ws\r\nConnection: close\r\n\r\n")
    );
}

/// A directory whose guest has a profile, and what was lent for it.
fn with_profile(role: RolePlan) -> Directory {
    let mut plan = plan();
    for instance in plan.instances.values_mut() {
        instance.metadata.profile = Some(ProfilePlan {
            arn: "arn:aws:iam::123456789012:instance-profile/site/web".parse().unwrap(),
            id: "AIPAB7AYGWSTWQV2YFZXA".parse().unwrap(),
            since: Timestamp(1_795_341_600_500),
            role: role.clone(),
        });
    }
    Directory::new(plan)
}

fn open() -> RolePlan {
    RolePlan::Open { name: "server".into(), id: "AROAB7AYGWSTWQV2YFZXA".parse().unwrap() }
}

fn lent(role: &str) -> RoleCredentials {
    let key = |number: u32| SessionKey {
        access_key: format!("ASIA{number}"),
        secret: Secret(format!("secret{number}")),
        token: Secret(format!("token{number}")),
    };
    RoleCredentials {
        role: role.parse().unwrap(),
        issued_at: Timestamp(1_795_341_600_500),
        expires_at: Timestamp(1_795_363_200_500),
        v1: key(1),
        v2: key(2),
    }
}

/// What the guest is told, with a token or without.
fn told(directory: &Directory, lent: Option<&RoleCredentials>, path: &str, with_token: bool) -> (u16, String) {
    let caller = Caller { credentials: lent, ..directory.caller(7, sample::ADDRESS).unwrap() };
    let token = with_token.then(|| key().issue(sample::instance_id(), NOW, 60));
    let request = Request { token, ..get(&format!("/latest/meta-data/iam/{path}")) };
    let response = answer(&caller, &request, &key(), NOW);
    (response.status, String::from_utf8(response.body).unwrap())
}

#[test]
fn credentials_are_told_as_aws_tells_them() {
    let (directory, lent) = (with_profile(open()), lent("AROAB7AYGWSTWQV2YFZXA"));
    let told = |path: &str, with_token| told(&directory, Some(&lent), path, with_token);
    assert_eq!(told("", true), (200, "info\nsecurity-credentials/".into()));
    assert_eq!(told("security-credentials/", true), (200, "server".into()));
    let info = r#"{
  "Code" : "Success",
  "LastUpdated" : "2026-11-22T10:00:00Z",
  "InstanceProfileArn" : "arn:aws:iam::123456789012:instance-profile/site/web",
  "InstanceProfileId" : "AIPAB7AYGWSTWQV2YFZXA"
}"#;
    assert_eq!(told("info", true), (200, info.into()));
    for (with_token, number) in [(false, 1), (true, 2)] {
        let expected = format!(
            r#"{{
  "Code" : "Success",
  "LastUpdated" : "2026-11-22T10:00:00Z",
  "Type" : "AWS-HMAC",
  "AccessKeyId" : "ASIA{number}",
  "SecretAccessKey" : "secret{number}",
  "Token" : "token{number}",
  "Expiration" : "2026-11-22T16:00:00Z"
}}"#
        );
        assert_eq!(told("security-credentials/server", with_token), (200, expected));
    }
    assert_eq!(told("security-credentials/other", true).0, 404);
}

#[test]
fn credentials_are_told_only_where_they_are_meant() {
    let here = lent("AROAB7AYGWSTWQV2YFZXA");
    let role = "security-credentials/server";
    assert_eq!(told(&with_profile(open()), None, role, true).0, 404, "not there yet");
    assert_eq!(told(&with_profile(open()), None, "info", true).0, 404);
    assert_eq!(told(&with_profile(open()), Some(&lent("AROAOTHER")), role, true).0, 404, "those of another role");
    assert_eq!(told(&with_options(|_| {}), Some(&here), role, true).0, 404, "no profile");
    for (role, message) in [
        (RolePlan::NoProfile, "\"Code\" : \"InstanceProfileNotFound\""),
        (RolePlan::NoRole, "\"Message\" : \"Instance Profile does not contain a role.\""),
    ] {
        let directory = with_profile(role);
        assert!(told(&directory, Some(&here), "info", true).1.contains(message));
        assert_eq!(told(&directory, Some(&here), "security-credentials/server", true).0, 404);
    }
    let closed = with_profile(RolePlan::Closed { name: "server".into() });
    let (status, body) = told(&closed, Some(&here), role, true);
    assert!(status == 200 && body.contains("\"Code\" : \"AssumeRoleUnauthorizedAccess\""), "{body}");
    assert!(!body.contains("secret"), "{body}");
    for (change, status) in [
        ((|options: &mut MetadataOptions| options.enabled = false) as fn(&mut MetadataOptions), 403),
        (|options| options.tokens_required = true, 401),
    ] {
        let mut plan = with_profile(open()).plan().clone();
        plan.instances.values_mut().for_each(|instance| change(&mut instance.metadata.options));
        assert_eq!(told(&Directory::new(plan), Some(&here), role, false).0, status);
    }
    let stranger = key().issue(InstanceId::from_random(9), NOW, 60);
    let directory = with_profile(open());
    let caller = Caller { credentials: Some(&here), ..directory.caller(7, sample::ADDRESS).unwrap() };
    let request = Request { token: Some(stranger), ..get(&format!("/latest/meta-data/iam/{role}")) };
    assert_eq!(answer(&caller, &request, &key(), NOW).status, 401, "another instance's token");
}
