//! botocore's signers as oracle, where Python has botocore: boto3 and the `aws` command sign with them.

use std::path::Path;
use std::process::Command;

use landfall_wire::Blob;
use landfall_wire::sigv4::parse;
use serde_json::Value;

use crate::signed::Signed;
use crate::skipping::skipped;

const SEED: &str = "20261122";
const COUNT: usize = 400;

#[test]
fn what_botocore_signs_verifies() {
    let probe = Command::new("python3").args(["-c", "import botocore.auth"]).output();
    if !probe.is_ok_and(|output| output.status.success()) {
        skipped("what_botocore_signs_verifies", "python3 with botocore is not there");
        return;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/py/botocore_sigv4.py");
    let output = Command::new("python3").arg(script).args([SEED, &COUNT.to_string()]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    let mut seen = 0;
    for line in lines.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| case[name].as_str().unwrap();
        let body = Blob::parse(text("body")).unwrap();
        let headers: Vec<(&str, &[u8])> = case["headers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|pair| (pair[0].as_str().unwrap(), pair[1].as_str().unwrap().trim().as_bytes()))
            .collect();
        let request = Signed::new(text("method"), text("target"), &headers, body.as_ref());
        let claim = parse(&request.parts()).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert_eq!(claim.token.as_deref(), case["token"].as_str());
        assert_eq!((claim.scope.service.as_str(), claim.scope.region.as_str()), (text("service"), text("region")));
        request.assert_tamper_proof(text("secret"));
        seen += 1;
    }
    assert_eq!(seen, COUNT);
}
