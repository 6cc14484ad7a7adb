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
