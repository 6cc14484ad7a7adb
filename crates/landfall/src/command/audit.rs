//! `landfall audit`: looks at what trails delivered, whoever had the folder since.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use landfall_control::trail::verify::{Report, regions, verify};

use crate::cli::{AuditCommand, ValidateArgs};
use crate::{client, record};

pub fn run(command: &AuditCommand, json: bool) -> Result<ExitCode> {
    let AuditCommand::Validate(args) = command;
    let keys = keys(args)?;
    let report = verify(&args.folder, &keys).with_context(|| format!("reading {}", args.folder.display()))?;
    show(&report, json);
    Ok(if report.wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Public keys by their fingerprints: those of files, or all that the cloud has in the regions that digests are of.
fn keys(args: &ValidateArgs) -> Result<BTreeMap<String, String>> {
    let mut keys = BTreeMap::new();
    for file in &args.keys {
        let answer = std::fs::read(file).with_context(|| format!("reading {}", file.display()))?;
        keys.extend(read_keys(&answer).with_context(|| file.display().to_string())?);
    }
    if args.keys.is_empty() {
        let record = record::find(args.which.listen)?;
        let all = r#"{"StartTime":0,"EndTime":99999999999}"#;
        for region in regions(&args.folder).with_context(|| format!("reading {}", args.folder.display()))? {
            let service = ("cloudtrail", "CloudTrail_20131101");
            keys.extend(read_keys(&client::json(&record, &region, service, "ListPublicKeys", all)?)?);
        }
    }
    Ok(keys)
}

/// The keys in an answer of ListPublicKeys.
fn read_keys(answer: &[u8]) -> Result<Vec<(String, String)>> {
    let answer: serde_json::Value = serde_json::from_slice(answer).context("the keys are no JSON")?;
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
