//! Prints how long an evaluation takes: ten policies of twenty statements each, the shape of a busy user.

use landfall_policy::{Attached, Context, Policy, PolicySet, PrincipalRef, Request, evaluate};
use std::hint::black_box;
use std::time::Instant;

const ROUNDS: u32 = 100_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let names: Vec<String> = (0..10).map(|number| format!("policy-{number}")).collect();
    let policies = (0..10).map(policy).collect::<Result<Vec<_>, _>>()?;
    let identity: Vec<Attached<'_>> =
        names.iter().zip(&policies).map(|(label, policy)| Attached { label, policy }).collect();
    let principal = PrincipalRef::User {
        arn: "arn:aws:iam::123456789012:user/ann",
        account: "123456789012",
        id: "AIDAEXAMPLE0123456",
    };
    let context = Context::new()
        .with_principal(&principal)
        .with("aws:SourceIp", "10.1.2.3")
        .with("aws:RequestedRegion", "us-east-1")
        .with("aws:CurrentTime", "2026-01-01T00:00:00Z")
        .with("ec2:InstanceType", "t3.micro")
        .with_many("aws:TagKeys", ["team", "stage"]);
    let resource = "arn:aws:ec2:us-east-1:123456789012:instance/i-0123456789abcdef0";
    let set = PolicySet { identity: &identity, ..PolicySet::default() };
    for (what, action) in [
        ("allowed by the last policy", "ec2:DescribeInstances"),
        ("allowed under conditions", "ec2:StartInstances"),
        ("allowed by nothing", "iam:CreateUser"),
    ] {
        let request = Request { principal, action, resource, context: &context };
        let decision = evaluate(&set, &request).decision;
        let start = Instant::now();
        for _ in 0..ROUNDS {
            black_box(evaluate(black_box(&set), black_box(&request)));
        }
        let each = start.elapsed() / ROUNDS;
        println!("{what}: {decision:?}, {} ns/evaluation of 200 statements", each.as_nanos());
    }
    Ok(())
}

/// Twenty statements; only those of the last policy are about EC2 instances.
fn policy(number: u32) -> Result<Policy, landfall_policy::Malformed> {
    let service = if number == 9 { "ec2" } else { "rds" };
    let statements: Vec<String> = (0..20)
        .map(|index| match index % 4 {
            0 => format!(
                r#"{{"Effect":"Allow","Action":["{service}:Describe*","{service}:List*"],"Resource":"*"}}"#
            ),
            1 => format!(
                r#"{{"Effect":"Allow","Action":"{service}:Start*","Resource":"arn:aws:{service}:*:*:instance/*",
                    "Condition":{{"IpAddress":{{"aws:SourceIp":"10.0.0.0/8"}},"StringLike":{{"ec2:InstanceType":"t3.*"}}}}}}"#
            ),
            2 => format!(
                r#"{{"Effect":"Deny","Action":"{service}:*","Resource":"*",
                    "Condition":{{"StringNotEquals":{{"aws:RequestedRegion":["us-east-1","eu-west-{index}"]}}}}}}"#
            ),
            _ => format!(
                r#"{{"Effect":"Allow","Action":"{service}:Get*","Resource":"arn:aws:s3:::b-{number}-{index}/${{aws:username}}/*"}}"#
            ),
        })
        .collect();
    let document = format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","));
    Policy::parse_as(landfall_policy::DocumentKind::Inline, &document)
}
