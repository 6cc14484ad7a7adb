//! `landfall audit`: looks at what trails delivered, whoever had the folder since.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use landfall_control::trail::verify::{Report, verify};

use crate::cli::{AuditCommand, ValidateArgs};
use crate::{client, record};

pub fn run(command: &AuditCommand, json: bool) -> Result<ExitCode> {
    let AuditCommand::Validate(args) = command;
    let keys = keys(args)?;
    let report = verify(&args.folder, &keys).with_context(|| format!("reading {}", args.folder.display()))?;
    show(&report, json);
    Ok(if report.wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Public keys by their fingerprints: those of a file, or all that the cloud has.
fn keys(args: &ValidateArgs) -> Result<BTreeMap<String, String>> {
    let answer = match &args.keys {
        Some(file) => std::fs::read(file).with_context(|| format!("reading {}", file.display()))?,
        None => {
            let record = record::find(args.which.listen)?;
            let all = r#"{"StartTime":0,"EndTime":99999999999}"#;
            client::json(&record, ("cloudtrail", "CloudTrail_20131101"), "ListPublicKeys", all)?
        }
    };
    let answer: serde_json::Value = serde_json::from_slice(&answer).context("the keys are no JSON")?;
    let list = answer["PublicKeyList"].as_array().context("the keys have no PublicKeyList")?;
    let pair =
        |key: &serde_json::Value| Some((key["Fingerprint"].as_str()?.to_owned(), key["Value"].as_str()?.to_owned()));
    Ok(list.iter().filter_map(pair).collect())
}

fn show(report: &Report, json: bool) {
    let Report { digests, files, pending, wrong } = report;
    if json {
        println!("{}", serde_json::json!({ "digests": digests, "files": files, "pending": pending, "wrong": wrong }));
        return;
    }
    println!("{digests} digests and {files} files of events are as they were delivered.");
    if !pending.is_empty() {
        println!("{} files are in no digest yet.", pending.len());
    }
    for sentence in wrong {
        println!("{sentence}");
    }
}
