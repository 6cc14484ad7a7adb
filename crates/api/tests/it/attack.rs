//! Attacks on who may do what: forged and changed signatures, requests that come again, credentials of others, and the ways
//! to more rights that the literature knows. None passes.

mod accounts;
mod deputy;
mod escalation;
mod limits;
mod presigned;
mod signature;

use std::net::{IpAddr, Ipv4Addr};

use crate::harness::{Answer, Client, Signed, World, at, params};

/// The header of a form.
const FORM: &[(&str, &str)] = &[("content-type", "application/x-www-form-urlencoded; charset=utf-8")];

/// A signed call without parameters.
fn signed(client: &Client<'_>, service: &str, action: &str, version: &str) -> Signed {
    client.sign(service, "POST", "/", FORM, format!("Action={action}&Version={version}").as_bytes())
}

/// Sends a request from an address that hasn't been heard of, so that it is judged by itself.
fn deliver(world: &World, request: &Signed, number: u32) -> Answer {
    let source = IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + number));
    let answer = world.deliver(&Signed { source, ..request.clone() });
    Answer { status: answer.status, body: String::from_utf8_lossy(&answer.body).into_owned() }
}

/// Calls what must go through.
fn ok(client: &Client<'_>, service: &str, action: &str, pairs: &[(&str, &str)]) -> Answer {
    let answer = client.send(service, action, &params(pairs.iter().copied()));
    assert_eq!(answer.status, 200, "{action} {pairs:?}: {}", answer.body);
    answer
}

/// A user of IAM's own making, with a key of his own.
fn user<'w>(root: &Client<'w>, world: &'w World, name: &str) -> Client<'w> {
    ok(root, "iam", "CreateUser", &[("UserName", name)]);
    let key = ok(root, "iam", "CreateAccessKey", &[("UserName", name)]).tree();
    let of = |member: &str| at(&key, &format!("CreateAccessKeyResult.AccessKey.{member}")).to_owned();
    world.client(&of("AccessKeyId"), &of("SecretAccessKey"), None)
}

/// A session of GetSessionToken.
fn session<'w>(client: &Client<'w>, world: &'w World) -> Client<'w> {
    let tree = ok(client, "sts", "GetSessionToken", &[("DurationSeconds", "900")]).tree();
    let of = |member: &str| at(&tree, &format!("GetSessionTokenResult.Credentials.{member}")).to_owned();
    world.client(&of("AccessKeyId"), &of("SecretAccessKey"), Some(&of("SessionToken")))
}
