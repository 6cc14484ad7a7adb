//! The documents that people rely on: decisions are whole, links lead somewhere, dependencies have reasons.

use std::collections::BTreeSet;

use toml::Table;

use crate::Findings;
use crate::tree::{File, find};

/// What a decision says, in this order.
const SECTIONS: &[&str] = &["## Context", "## Decision", "## Alternatives", "## Price"];
/// Where each dependency has its reason.
const DEPENDENCIES: &str = "docs/decisions/0009-dependencies.md";
/// Documents that must be there.
const NEEDED: &[&str] = &[
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "docs/adding/driver.md",
    "docs/adding/operation.md",
    "docs/adding/resource.md",
    DEPENDENCIES,
];

/// Checks all documents.
pub fn check(files: &[File], findings: &mut Findings) {
    for path in NEEDED.iter().filter(|path| find(files, path).is_none()) {
        findings.fault(format!("{path}: is missing"));
    }
    for file in files.iter().filter(|file| file.path.starts_with("docs/decisions/")) {
        check_decision(file, findings);
    }
    let paths: BTreeSet<_> = files.iter().map(|file| file.path.as_str()).collect();
    for file in files.iter().filter(|file| file.path.ends_with(".md")) {
        check_links(file, &paths, findings);
    }
    if let Some(reasons) = find(files, DEPENDENCIES) {
        check_dependencies(files, reasons, findings);
    }
}

fn check_decision(file: &File, findings: &mut Findings) {
    let headings: Vec<_> = file.text.lines().filter(|line| line.starts_with("## ")).collect();
    if headings != SECTIONS {
        findings.fault(format!("{}: has the sections {headings:?} instead of {SECTIONS:?}", file.path));
    }
    let number = file.path.rsplit('/').next().and_then(|name| name.get(..4)).unwrap_or_default();
    if !file.text.starts_with(&format!("# {number} ")) {
        findings.fault(format!("{}: begins with another number than its name", file.path));
    }
}

/// Every relative link of a document leads to a file or folder that is there.
fn check_links(file: &File, paths: &BTreeSet<&str>, findings: &mut Findings) {
    let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    for (_, rest) in file.text.match_indices("](").map(|(at, found)| (at, &file.text[at + found.len()..])) {
        let Some((target, _)) = rest.split_once(')') else { continue };
        let target = target.split('#').next().unwrap_or_default();
        if target.is_empty() || target.contains("://") || target.contains(char::is_whitespace) {
            continue;
        }
        let path = join(folder, target);
        let is_there =
            paths.contains(path.as_str()) || paths.iter().any(|other| other.starts_with(&format!("{path}/")));
        if !is_there {
            findings.fault(format!("{}: links to {target}, which isn't there", file.path));
        }
    }
}

fn join(folder: &str, target: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.trim_end_matches('/').split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Every dependency of every crate is named with its reason, and none is named that nobody has.
fn check_dependencies(files: &[File], reasons: &File, findings: &mut Findings) {
    let named: BTreeSet<_> = reasons
        .text
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`').map(|(name, _)| name.to_owned()))
        .collect();
    let mut used = BTreeSet::new();
    for file in files.iter().filter(|file| file.path.ends_with("Cargo.toml") && file.path.contains('/')) {
        let Ok(manifest) = file.text.parse::<Table>() else { continue };
        for (_, section) in manifest.iter().filter(|(key, _)| key.ends_with("dependencies")) {
            let names = section.as_table().into_iter().flat_map(Table::keys);
            used.extend(names.filter(|name| !name.starts_with("landfall")).cloned());
        }
    }
    for name in used.difference(&named) {
        findings.fault(format!("{}: the dependency {name} has no reason there", reasons.path));
    }
    for name in named.difference(&used) {
        findings.fault(format!("{}: {name} is no dependency any more", reasons.path));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        File { path: path.into(), text: text.into() }
    }

    #[test]
    fn a_decision_has_its_four_sections_in_order() {
        let whole = format!("# 0001 Why\n\n{}\n", SECTIONS.join("\n\nText.\n\n"));
        for (text, faults) in
            [(whole.as_str(), 0), (&whole.replace("## Price", "## Cost"), 1), (&whole.replace("0001", "1"), 1)]
        {
            let mut findings = Findings::default();
            check_decision(&file("docs/decisions/0001-why.md", text), &mut findings);
            assert_eq!(findings.faults.len(), faults, "{:?}", findings.faults);
        }
    }

    #[test]
    fn links_lead_somewhere() {
        let paths = BTreeSet::from(["docs/a.md", "docs/b/c.md", "README.md"]);
        let text = "[a](a.md) [b](b) [top](../README.md#x) [web](https://example.com/x) [gone](d.md)";
        let mut findings = Findings::default();
        check_links(&file("docs/x.md", text), &paths, &mut findings);
        assert_eq!(findings.faults, ["docs/x.md: links to d.md, which isn't there"]);
    }

    #[test]
    fn each_dependency_has_its_reason() {
        let manifest = file("crates/a/Cargo.toml", "[dependencies]\nserde = \"1\"\nlandfall-model = \"0\"\n");
        let reasons = file(DEPENDENCIES, "| `tokio` | all | why |\n");
        let mut findings = Findings::default();
        check_dependencies(&[manifest], &reasons, &mut findings);
        assert_eq!(findings.faults.len(), 2, "{:?}", findings.faults);
    }
}
