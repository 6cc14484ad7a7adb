//! Which crate may use which. A new edge is a decision: it is made in this table and in `docs/decisions/`, never by a line
//! in a `Cargo.toml` alone.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail};
use toml::Table;

use crate::Findings;
use crate::tree::File;

/// Each crate, and those that it may use.
const EDGES: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("wire", &[]),
    ("policy", &[]),
    ("state", &[]),
    ("chunks", &[]),
    ("cloud", &["model", "policy", "state"]),
    ("api", &["model", "wire", "policy", "state", "chunks", "cloud"]),
    ("control", &["model", "state", "chunks", "cloud", "api"]),
    ("node", &["model", "chunks"]),
    ("landfall", &["model", "wire", "policy", "state", "chunks", "cloud", "api", "control", "node"]),
    ("testkit", &["model", "wire", "policy", "state", "chunks", "cloud", "api", "control", "node"]),
    ("xtask", &[]),
];

/// Compares every `Cargo.toml` with the table.
pub fn check(files: &[File], findings: &mut Findings) -> Result<()> {
    let allowed: BTreeMap<_, _> = EDGES.iter().copied().collect();
    for file in files.iter().filter(|file| is_member(&file.path)) {
        let Some((name, used)) = edges(&file.text).with_context(|| file.path.clone())? else { continue };
        let Some(may) = allowed.get(name.as_str()) else {
            findings.fault(format!("{}: the crate {name} isn't in xtask's table of crates", file.path));
            continue;
        };
        for other in used.iter().filter(|other| !may.contains(&other.as_str())) {
            findings.fault(format!("{}: {name} may not use {other}", file.path));
        }
    }
    Ok(())
}

fn is_member(path: &str) -> bool {
    path == "xtask/Cargo.toml" || (path.starts_with("crates/") && path.ends_with("/Cargo.toml"))
}

/// The crate's short name, and the crates of ours that it uses in any section; nothing for what is no package.
fn edges(text: &str) -> Result<Option<(String, BTreeSet<String>)>> {
    let manifest: Table = text.parse()?;
    let Some(package) = manifest.get("package") else { return Ok(None) };
    let Some(name) = package.get("name").and_then(|name| name.as_str()) else { bail!("the package has no name") };
    let mut used = BTreeSet::new();
    collect(&manifest, &mut used);
    Ok(Some((short(name).to_owned(), used)))
}

/// `landfall` is both the binary's crate and the beginning of the others' names.
fn short(name: &str) -> &str {
    name.strip_prefix("landfall-").unwrap_or(name)
}

fn collect(section: &Table, used: &mut BTreeSet<String>) {
    for (key, value) in section {
        let Some(inner) = value.as_table() else { continue };
        if !key.ends_with("dependencies") {
            // `[target.'cfg(…)'.dependencies]`
            if key == "target" || key.starts_with("cfg(") {
                collect(inner, used);
            }
            continue;
        }
        for (name, how) in inner {
            let real = how.get("package").and_then(|package| package.as_str()).unwrap_or(name);
            if real == "landfall" || real.starts_with("landfall-") {
                used.insert(short(real).to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(path: &str, text: &str) -> Vec<String> {
        let files = [File { path: path.into(), text: text.into() }];
        let mut findings = Findings::default();
        check(&files, &mut findings).unwrap();
        findings.faults
    }

    #[test]
    fn an_edge_of_the_table_is_allowed() {
        let text =
            "[package]\nname = \"landfall-cloud\"\n[dependencies]\nlandfall-model.workspace = true\nserde = \"1\"\n";
        assert!(faults("crates/cloud/Cargo.toml", text).is_empty());
    }

    #[test]
    fn another_edge_is_a_fault_in_every_section_and_under_every_name() {
        for section in ["dependencies", "dev-dependencies", "build-dependencies", "target.'cfg(unix)'.dependencies"] {
            for line in ["landfall-cloud = \"1\"", "other = { package = \"landfall-cloud\", path = \"x\" }"] {
                let text = format!("[package]\nname = \"landfall-node\"\n[{section}]\n{line}\n");
                let found = faults("crates/node/Cargo.toml", &text);
                assert_eq!(found, ["crates/node/Cargo.toml: node may not use cloud"], "{section} {line}");
            }
        }
    }

    #[test]
    fn a_new_crate_needs_a_line_in_the_table() {
        let found = faults("crates/extra/Cargo.toml", "[package]\nname = \"landfall-extra\"\n");
        assert_eq!(found.len(), 1, "{found:?}");
    }

    #[test]
    fn the_table_is_in_layers() {
        for (n, (name, may)) in EDGES.iter().enumerate() {
            for other in *may {
                let at = EDGES.iter().position(|(name, _)| name == other);
                assert!(at.is_some_and(|at| at < n), "{name} uses {other}, which doesn't come before it");
            }
        }
    }
}
