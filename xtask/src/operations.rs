//! `docs/operations.md`: which of AWS's actions there are, from the lists that dispatch itself uses.
//!
//! The lists are read as text: `Operation::read::<module::Type>()`. That a type is named as its action, and its file after
//! it, is a rule of the house, and checked here, so that a person who searches for an action finds its file.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::Findings;
use crate::tree::{self, File, find};

/// The document.
const DOCUMENT: &str = "docs/operations.md";
/// The operations' crate, with a folder a service.
const API: &str = "crates/api/src/";
/// The names of all of AWS's actions, a file a service: from botocore, by `scripts/aws_actions.py`.
const NAMES: &str = "docs/aws-actions/";

/// The service that AWS hasn't got: the provider's own.
const OWN: &str = "landfall";

/// An operation in a service's list.
#[derive(Debug, PartialEq, Eq)]
struct Operation {
    shape: String,
    module: String,
    name: String,
}

/// Checks the lists, and that the document says what they say.
pub fn check(files: &[File], findings: &mut Findings) -> Result<()> {
    for (service, list) in lists(files) {
        for operation in &list {
            check_place(files, &service, operation, findings);
        }
    }
    let wanted = document(files)?;
    if find(files, DOCUMENT).is_none_or(|file| file.text != wanted) {
        findings.fault(format!("{DOCUMENT}: isn't what the lists say; run `cargo xtask operations`"));
    }
    Ok(())
}

/// Writes the document.
pub fn write(root: &Path) -> Result<()> {
    let text = document(&tree::read(root)?)?;
    std::fs::write(root.join(DOCUMENT), text).with_context(|| format!("writing {DOCUMENT}"))
}

/// The services that have a list, by name.
fn lists(files: &[File]) -> Vec<(String, Vec<Operation>)> {
    files
        .iter()
        .filter_map(|file| {
            let service = file.path.strip_prefix(API)?.strip_suffix("/mod.rs")?;
            let list = parse(&file.text);
            (!service.contains('/') && !list.is_empty()).then(|| (service.to_owned(), list))
        })
        .collect()
}

fn parse(text: &str) -> Vec<Operation> {
    let text: String = text.split_whitespace().collect();
    let mut list = Vec::new();
    for (at, start) in text.match_indices("Operation::") {
        let parts = text[at + start.len()..].split_once("::<").and_then(|(shape, rest)| {
            let (module, rest) = rest.split_once("::")?;
            Some((shape, module, rest.split_once(">()")?.0))
        });
        if let Some((shape @ ("read" | "write" | "call" | "fetch"), module, name)) = parts {
            list.push(Operation { shape: shape.into(), module: module.into(), name: name.into() });
        }
    }
    list
}

fn check_place(files: &[File], service: &str, operation: &Operation, findings: &mut Findings) {
    let Operation { module, name, .. } = operation;
    if snake(name) != *module {
        findings.fault(format!("{API}{service}/{module}.rs: holds {name}, whose file is {}.rs", snake(name)));
        return;
    }
    let path = format!("{API}{service}/{module}.rs");
    let Some(file) = find(files, &path) else {
        findings.fault(format!("{path}: is missing"));
        return;
    };
    if !file.text.contains(&format!("Action::{service}(\"{name}\")")) {
        findings.fault(format!("{path}: {name} is not the action of that name"));
    }
}

fn snake(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (n, letter) in letters.iter().enumerate() {
        let follows_small = n > 0 && !letters[n - 1].is_uppercase();
        let begins_word = n > 0 && letters.get(n + 1).is_some_and(|next| next.is_lowercase());
        if letter.is_uppercase() && n > 0 && (follows_small || begins_word) {
            out.push('_');
        }
        out.extend(letter.to_lowercase());
    }
    out
}

fn document(files: &[File]) -> Result<String> {
    let mut out = String::from(
        "# Operations\n\n\
         Which of AWS's actions Landfall has. Written by `cargo xtask operations` from the lists that dispatch uses, and AWS's\n\
         names from botocore: don't edit it.\n\n\
         An action that is not here answers 400 with AWS's code for an unknown action and its name; a parameter that an action\n\
         here doesn't act on is refused by name.\n\n\
         | service | there | of AWS's |\n| --- | ---: | ---: |\n",
    );
    let lists = lists(files);
    let mut all = Vec::new();
    for (service, list) in lists.iter().filter(|(service, _)| service != OWN) {
        let path = format!("{NAMES}{service}.txt");
        let names = find(files, &path).with_context(|| format!("{path} is missing; see scripts/aws_actions.py"))?;
        let names: BTreeSet<&str> =
            names.text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
        let there: BTreeSet<&str> = list.iter().map(|operation| operation.name.as_str()).collect();
        if let Some(strange) = there.difference(&names).next() {
            bail!("{service}: AWS has no action {strange}");
        }
        writeln!(out, "| [{service}](#{service}) | {} | {} |", there.len(), names.len())?;
        all.push((service, list, there, names));
    }
    for (service, list, there, names) in all {
        write_list(&mut out, service, list)?;
        let missing: Vec<_> = names.difference(&there).copied().collect();
        if !missing.is_empty() {
            let count = missing.len();
            write!(out, "\n<details><summary>Not yet: {count} more of AWS's</summary>\n\n")?;
            for line in wrap(&missing) {
                writeln!(out, "{line}")?;
            }
            out.push_str("\n</details>\n");
        }
    }
    for (service, list) in lists.iter().filter(|(service, _)| service == OWN) {
        write_list(&mut out, service, list)?;
        out.push_str("\nThese are none of AWS's: they are the provider's own.\n");
    }
    Ok(out)
}

fn write_list(out: &mut String, service: &str, list: &[Operation]) -> Result<()> {
    write!(out, "\n## {service}\n\n| action | |\n| --- | --- |\n")?;
    for operation in list {
        let what = match operation.shape.as_str() {
            "read" => "looks",
            "write" => "changes, in one transaction",
            "fetch" => "gives out an object",
            "inquire" => "asks something outside",
            _ => "asks something outside first",
        };
        writeln!(out, "| [{}](../{API}{service}/{}.rs) | {what} |", operation.name, operation.module)?;
    }
    Ok(())
}

/// The names in lines of at most 120 characters.
fn wrap(names: &[&str]) -> Vec<String> {
    let mut lines = vec![String::new()];
    for (n, name) in names.iter().enumerate() {
        let word = if n + 1 == names.len() { (*name).to_owned() } else { format!("{name},") };
        match lines.last_mut() {
            Some(line) if line.is_empty() => *line = word,
            Some(line) if line.len() + word.len() < 120 => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_however_it_is_broken() {
        let list =
            parse("&[\n Operation::read::<describe_vpcs::DescribeVpcs>(),\n Operation::write::<\n a_b::AB,\n>(), ]");
        assert_eq!(list.len(), 2, "{list:?}");
        assert_eq!((list[0].shape.as_str(), list[0].name.as_str()), ("read", "DescribeVpcs"));
    }

    #[test]
    fn actions_have_their_files_names() {
        for (name, file) in [
            ("RunInstances", "run_instances"),
            ("GetCallerIdentity", "get_caller_identity"),
            ("GetInstanceUefiData", "get_instance_uefi_data"),
            ("DescribeVPCs", "describe_vp_cs"),
            ("AssociateDNS", "associate_dns"),
        ] {
            assert_eq!(snake(name), file);
        }
    }

    #[test]
    fn an_operation_elsewhere_than_its_name_says_is_a_fault() {
        let operation = Operation { shape: "read".into(), module: "describe".into(), name: "DescribeVpcs".into() };
        let mut findings = Findings::default();
        check_place(&[], "ec2", &operation, &mut findings);
        assert_eq!(findings.faults.len(), 1);
    }
}
