//! The licences of all dependencies, held to the list in `deny.toml`: what `cargo deny` checks too, for machines without
//! it.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use toml::Table;

use crate::Findings;

/// Asks cargo for every package that may be built on the machines that we build for, and compares.
pub fn check(root: &Path, findings: &mut Findings) -> Result<()> {
    let deny = std::fs::read_to_string(root.join("deny.toml")).context("reading deny.toml")?;
    let (allowed, targets) = (listed(&deny, "licenses", "allow")?, listed(&deny, "graph", "targets")?);
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked"])
        .args(targets.iter().flat_map(|target| ["--filter-platform", target]))
        .current_dir(root)
        .output()
        .context("running cargo metadata")?;
    ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).context("reading what cargo metadata says")?;
    let packages = metadata["packages"].as_array().context("cargo metadata names no packages")?;
    for package in packages {
        let name = format!("{} {}", text(&package["name"]), text(&package["version"]));
        match package["license"].as_str() {
            None => findings.fault(format!("{name} names no licence")),
            Some(licence) if !is_allowed(licence, &allowed) => {
                findings.fault(format!("{name} is under {licence}, which deny.toml doesn't allow"));
            }
            Some(_) => {}
        }
        let source = text(&package["source"]);
        if !source.is_empty() && !source.starts_with("registry+") {
            findings.fault(format!("{name} comes from {source}, which is no registry"));
        }
    }
    findings.note(format!("{} packages have allowed licences", packages.len()));
    Ok(())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn listed(deny: &str, section: &str, name: &str) -> Result<Vec<String>> {
    let deny: Table = deny.parse().context("parsing deny.toml")?;
    let list = deny.get(section).and_then(|section| section.get(name)).and_then(|list| list.as_array());
    let list = list.with_context(|| format!("deny.toml has no [{section}] {name}"))?;
    Ok(list.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect())
}

/// Whether an SPDX expression can be met with allowed licences alone. `/` is an old way to write OR.
fn is_allowed(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    either(&mut rest, allowed) && rest.is_empty()
}

fn either(rest: &mut &[&str], allowed: &[String]) -> bool {
    let mut is = both(rest, allowed);
    while let Some((&"OR", tail)) = rest.split_first() {
        *rest = tail;
        is |= both(rest, allowed);
    }
    is
}

fn both(rest: &mut &[&str], allowed: &[String]) -> bool {
    let mut is = one(rest, allowed);
    while let Some((&"AND", tail)) = rest.split_first() {
        *rest = tail;
        is &= one(rest, allowed);
    }
    is
}

fn one(rest: &mut &[&str], allowed: &[String]) -> bool {
    let Some((word, tail)) = rest.split_first() else { return false };
    *rest = tail;
    if *word == "(" {
        let is = either(rest, allowed);
        let Some((&")", tail)) = rest.split_first() else { return false };
        *rest = tail;
        return is;
    }
    // An exception gives more than the licence alone: it is allowed where the licence is.
    if let Some((&"WITH", tail)) = rest.split_first() {
        *rest = tail.split_first().map_or(tail, |(_, tail)| tail);
    }
    let word = word.trim_end_matches('+');
    allowed.iter().any(|name| name == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_mean_what_spdx_says() {
        let allowed = ["MIT".to_owned(), "Apache-2.0".to_owned(), "MPL-2.0".to_owned()];
        for good in [
            "MIT",
            "MIT OR GPL-3.0",
            "GPL-3.0/MIT",
            "MIT AND Apache-2.0",
            "(GPL-3.0 OR MIT) AND Apache-2.0",
            "Apache-2.0 WITH LLVM-exception",
            "MPL-2.0+",
            "GPL-3.0 AND MIT OR Apache-2.0",
        ] {
            assert!(is_allowed(good, &allowed), "{good}");
        }
        for bad in ["GPL-3.0", "MIT AND GPL-3.0", "", "(MIT", "MIT MIT", "GPL-3.0 OR (MIT AND AGPL-3.0)", "OR"] {
            assert!(!is_allowed(bad, &allowed), "{bad}");
        }
    }
}
