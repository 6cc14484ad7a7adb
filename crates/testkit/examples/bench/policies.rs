//! What policies cost: a DescribeInstances of one instance by a user with ten policies of twenty statements, next to the
//! same by root, in interleaved rounds on the same server.
//!
//! Options: `rounds=7`, `ms=500`.

use std::fmt::Write as _;
use std::time::Duration;

use crate::api::{WIDTHS, populate};
use crate::client::{Connection, REGION, ROOT, Signer, signed, signed_by, spell};
use crate::figure::{Figure, short};
use crate::server::Server;
use crate::{Options, Outcome};

/// Policies of the user, and statements of each.
const POLICIES: usize = 10;
const STATEMENTS: usize = 20;
/// Instances that are looked at, one a call.
const LOOKED_AT: usize = 200;

/// Runs it.
pub fn run(options: &Options) -> Outcome<()> {
    let rounds = options.number("rounds", 7)?;
    let time = Duration::from_millis(options.number("ms", 500)?);
    let server = Server::landfall(None)?;
    let ids = populate(&server)?;
    let (id, secret) = user(&server)?;
    let callers = [ROOT, Signer { access_key: &id, secret_key: &secret }];
    let requests = callers.map(|caller| {
        let body = |id: &String| format!("Action=DescribeInstances&Version=2016-11-15&InstanceId.1={id}");
        let all = ids.iter().take(LOOKED_AT).map(|id| signed_by(&caller, server.at, (REGION, "ec2"), &body(id)));
        all.collect::<Outcome<Vec<_>>>()
    });
    let [root, user] = requests;
    let requests = [root?, user?];
    let mut rates = <[[Figure; 2]; 2]>::default();
    for round in 0..rounds {
        eprintln!("round {} of {rounds}", round + 1);
        for (column, width) in WIDTHS.into_iter().enumerate() {
            for (caller, requests) in requests.iter().enumerate() {
                rates[caller][column].add(spell(server.at, requests, width, time, true)?.rate());
            }
        }
    }
    println!("DescribeInstances of one, calls a second\n");
    println!("| at a time | by root | by a user with {POLICIES} policies of {STATEMENTS} statements | of its rate |");
    println!("| --- | --- | --- | --- |");
    for (column, width) in WIDTHS.into_iter().enumerate() {
        let [root, user] = [&rates[0][column], &rates[1][column]];
        println!("| {width} | {root} | {user} | {} |", short(user.median() / root.median()));
    }
    Ok(())
}

/// Makes the user; its access key.
fn user(server: &Server) -> Outcome<(String, String)> {
    let mut connection = Connection::new(server.at);
    let mut iam = |action: &str, parameters: &str| -> Outcome<String> {
        let body = format!("Action={action}&Version=2010-05-08{parameters}");
        let (status, answer) = connection.call(&signed(server.at, REGION, "iam", &body)?)?;
        let answer = String::from_utf8_lossy(answer).into_owned();
        if status == 200 { Ok(answer) } else { Err(format!("{action}: {answer}").into()) }
    };
    iam("CreateUser", "&UserName=busy")?;
    for number in 0..POLICIES {
        let document = escaped(&policy(number));
        let made = iam("CreatePolicy", &format!("&PolicyName=policy-{number}&PolicyDocument={document}"))?;
        let arn = escaped(between(&made, "<Arn>", "</Arn>")?);
        iam("AttachUserPolicy", &format!("&UserName=busy&PolicyArn={arn}"))?;
    }
    let made = iam("CreateAccessKey", "&UserName=busy")?;
    let part = |name: &str| between(&made, &format!("<{name}>"), &format!("</{name}>")).map(str::to_owned);
    Ok((part("AccessKeyId")?, part("SecretAccessKey")?))
}

/// Statements of the kinds that people write; only those of the last policy are about EC2.
fn policy(number: usize) -> String {
    let service = if number == POLICIES - 1 { "ec2" } else { "rds" };
    let statement = |index: usize| match index % 4 {
        0 => format!(r#"{{"Effect":"Allow","Action":["{service}:Describe*","{service}:List*"],"Resource":"*"}}"#),
        1 => format!(
            r#"{{"Effect":"Allow","Action":"{service}:Start*","Resource":"arn:aws:{service}:*:*:instance/*","Condition":{{"IpAddress":{{"aws:SourceIp":"10.0.0.0/8"}}}}}}"#
        ),
        2 => format!(
            r#"{{"Effect":"Deny","Action":"{service}:*","Resource":"*","Condition":{{"StringNotEquals":{{"aws:RequestedRegion":["{REGION}","eu-west-{index}"]}}}}}}"#
        ),
        _ => format!(
            r#"{{"Effect":"Allow","Action":"{service}:Get*","Resource":"arn:aws:s3:::b-{number}-{index}/${{aws:username}}/*"}}"#
        ),
    };
    let statements: Vec<_> = (0..STATEMENTS).map(statement).collect();
    format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","))
}

fn between<'t>(text: &'t str, open: &str, close: &str) -> Outcome<&'t str> {
    let found = text.split_once(open).and_then(|(_, rest)| rest.split_once(close));
    Ok(found.ok_or_else(|| format!("no {open} in {text}"))?.0)
}

fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        // Writing to a string never fails.
        let _infallible = write!(out, "%{byte:02X}");
        out
    })
}
