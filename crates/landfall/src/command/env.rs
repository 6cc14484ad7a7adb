//! `landfall env`: what a shell needs so that people's tools speak to a running cloud.

use anyhow::Result;

use crate::cli::WhichArgs;
use crate::record::{self, Record};

pub fn run(args: &WhichArgs, json: bool) -> Result<()> {
    let record = record::find(args.listen)?;
    let keys = &record.credentials;
    print(&record, (&keys.access_key, &keys.secret_key, None), json);
    Ok(())
}

/// Prints where a cloud is and those credentials: access key, secret, and the token of a session.
pub fn print(record: &Record, (access_key, secret_key, token): (&str, &str, Option<&str>), json: bool) {
    let mut variables = vec![
        ("AWS_ENDPOINT_URL", record.endpoint()),
        ("AWS_REGION", record.region.clone()),
        ("AWS_DEFAULT_REGION", record.region.clone()),
        ("AWS_ACCESS_KEY_ID", access_key.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", secret_key.to_owned()),
    ];
    variables.extend(token.map(|token| ("AWS_SESSION_TOKEN", token.to_owned())));
    let authority = record.tls.as_ref().map(|tls| &tls.authority);
    if let Some(Some(path)) = authority {
        variables.push(("AWS_CA_BUNDLE", path.display().to_string()));
    }
    if json {
        let map: serde_json::Map<_, _> = variables.into_iter().map(|(k, v)| (k.to_owned(), v.into())).collect();
        println!("{}", serde_json::Value::Object(map));
        return;
    }
    for (name, value) in variables {
        println!("export {name}='{}'", value.replace('\'', "'\\''"));
    }
    // What another cloud left behind would be refused here.
    println!("unset AWS_PROFILE{}", if token.is_none() { " AWS_SESSION_TOKEN" } else { "" });
    if matches!(authority, Some(None)) {
        // Another cloud's authority doesn't vouch for a certificate that everybody trusts.
        println!("unset AWS_CA_BUNDLE");
    }
}
