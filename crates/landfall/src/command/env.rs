//! `landfall env`: what a shell needs so that people's tools speak to a running cloud.

use anyhow::Result;

use crate::cli::WhichArgs;
use crate::record;

pub fn run(args: &WhichArgs, json: bool) -> Result<()> {
    let record = record::find(args.listen)?;
    let keys = &record.credentials;
    let mut variables = vec![
        ("AWS_ENDPOINT_URL", record.endpoint()),
        ("AWS_REGION", record.region.clone()),
        ("AWS_DEFAULT_REGION", record.region.clone()),
        ("AWS_ACCESS_KEY_ID", keys.access_key.clone()),
        ("AWS_SECRET_ACCESS_KEY", keys.secret_key.clone()),
    ];
    let authority = record.tls.as_ref().map(|tls| &tls.authority);
    if let Some(Some(path)) = authority {
        variables.push(("AWS_CA_BUNDLE", path.display().to_string()));
    }
    if json {
        let map: serde_json::Map<_, _> = variables.into_iter().map(|(k, v)| (k.to_owned(), v.into())).collect();
        println!("{}", serde_json::Value::Object(map));
        return Ok(());
    }
    for (name, value) in variables {
        println!("export {name}='{}'", value.replace('\'', "'\\''"));
    }
    // A session token of another cloud would be refused here.
    println!("unset AWS_SESSION_TOKEN AWS_PROFILE");
    if matches!(authority, Some(None)) {
        // Another cloud's authority doesn't vouch for a certificate that everybody trusts.
        println!("unset AWS_CA_BUNDLE");
    }
    Ok(())
}
