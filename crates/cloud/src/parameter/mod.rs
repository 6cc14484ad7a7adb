//! Parameters: what may be one, its versions and labels, and when it goes.
//!
//! Source: the SSM API Reference and the Systems Manager User Guide, "AWS Systems Manager Parameter Store".

pub mod fault;
pub mod name;
pub mod policy;
pub mod public;
pub mod put;

use std::ops::Bound;

use landfall_model::{Arn, Parameter, ParameterVersion, Scope, parameter_key};

pub use self::fault::ParameterFault;
pub use self::name::Reference;
use crate::fault::Fault;
use crate::tag;
use crate::tx::Tx;
use crate::value::{ParameterVersions, Parameters};
use crate::view::View;

/// Labels of a version.
const LABELS: usize = 10;
/// The longest label, in characters.
const LABEL_CHARS: usize = 100;
/// How many parameters one transaction ends, so that it stays short however many are due.
const BATCH: usize = 256;

/// The ARN of a parameter.
pub fn arn(scope: Scope, name: &str) -> Arn {
    Arn::new("ssm", scope, format_args!("parameter/{}", name.strip_prefix('/').unwrap_or(name)))
}

/// The id under which a parameter's tags are kept. Other kinds' ids have no colon.
pub fn tag_id(name: &str) -> String {
    format!("parameter:{}", parameter_key(name))
}

/// The parameter of that name.
pub fn find<'a>(view: &View<'a>, name: &str) -> Option<&'a Parameter> {
    view.find::<Parameters, _>(parameter_key(name).to_owned())
}

/// The parameter of that name, or that there is none.
pub fn need<'a>(view: &View<'a>, name: &str) -> Result<&'a Parameter, Fault> {
    Ok(find(view, name).ok_or_else(|| ParameterFault::NoSuch(name.to_owned()))?)
}

/// A version of a parameter.
pub fn version<'a>(view: &View<'a>, name: &str, number: u64) -> Option<&'a ParameterVersion> {
    view.find::<ParameterVersions, _>(ParameterVersion::id(parameter_key(name), number))
}

/// The newest version of a parameter.
pub fn newest<'a>(view: &View<'a>, row: &Parameter) -> Option<&'a ParameterVersion> {
    version(view, &row.name, row.version)
}

/// The versions of a parameter, from the oldest.
pub fn versions<'a>(view: &View<'a>, name: &str) -> impl Iterator<Item = &'a ParameterVersion> + use<'a> {
    let key = parameter_key(name).to_owned();
    let from = Bound::Included(format!("{key}:"));
    view.from::<ParameterVersions, String>(from).take_while(move |row| row.parameter == key)
}

/// The parameter that a reference means, and the version of it.
pub fn look_up<'a>(
    view: &View<'a>,
    reference: &Reference,
) -> Result<(&'a Parameter, &'a ParameterVersion), ParameterFault> {
    let name = reference.name.as_str();
    let row = find(view, name).ok_or_else(|| ParameterFault::NoSuch(name.to_owned()))?;
    let found = match reference.selector.as_deref() {
        None => newest(view, row),
        Some(selector) => match selector.parse() {
            Ok(number) => version(view, name, number),
            Err(_) => versions(view, name).find(|version| version.labels.iter().any(|label| label == selector)),
        },
    };
    let missing = || match reference.selector.clone() {
        Some(selector) => ParameterFault::NoSuchVersion { name: name.to_owned(), selector },
        None => ParameterFault::NoSuch(name.to_owned()),
    };
    Ok((row, found.ok_or_else(missing)?))
}

/// Forgets a parameter, with all its versions and its tags.
pub fn delete(tx: &mut Tx<'_, '_>, name: &str) -> Result<(), Fault> {
    let row = need(&tx.view(), name)?.clone();
    let keys: Vec<_> = versions(&tx.view(), name).map(ParameterVersion::key).collect();
    for key in &keys {
        tx.delete::<ParameterVersions>(key);
    }
    tx.delete::<Parameters>(&row.key());
    tag::forget(tx, &tag_id(name));
    Ok(())
}

/// Ends the parameters whose policies say so, at most a batch. Returns whether there may be more.
pub(crate) fn expire(tx: &mut Tx<'_, '_>, until: i64) -> bool {
    let over: Vec<_> = tx.parameters.due_until(until).take(BATCH).cloned().collect();
    for row in &over {
        // It was found just now.
        let _ = delete(&mut tx.scoped(row.scope), &row.name);
    }
    over.len() == BATCH
}

/// What became of labels that were to be put somewhere or taken away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labelled {
    /// The version.
    pub version: u64,
    /// Those that were done.
    pub done: Vec<String>,
    /// Those that no version can have, or that this one didn't.
    pub invalid: Vec<String>,
}

/// Puts labels on a version, the newest if none is named, and takes them from where they were.
pub fn label(tx: &mut Tx<'_, '_>, name: &str, number: Option<u64>, labels: &[String]) -> Result<Labelled, Fault> {
    let row = numbered(&tx.view(), name, number)?.clone();
    let (done, invalid): (Vec<_>, Vec<_>) = labels.iter().cloned().partition(|label| is_label(label));
    let added = done.iter().filter(|label| !row.labels.contains(label)).count();
    if row.labels.len() + added > LABELS {
        return Err(ParameterFault::Labels.into());
    }
    let others = versions(&tx.view(), name).filter(|other| other.labels.iter().any(|label| done.contains(label)));
    let others: Vec<_> = others.map(ParameterVersion::key).collect();
    for key in &others {
        tx.update::<ParameterVersions, _>(key, |row| row.labels.retain(|label| !done.contains(label)));
    }
    tx.update::<ParameterVersions, _>(&row.key(), |row| {
        row.labels.extend(done.iter().cloned());
        row.labels.sort_unstable();
        row.labels.dedup();
    });
    Ok(Labelled { version: row.number, done, invalid })
}

/// Takes labels from a version.
pub fn unlabel(tx: &mut Tx<'_, '_>, name: &str, number: u64, labels: &[String]) -> Result<Labelled, Fault> {
    let row = numbered(&tx.view(), name, Some(number))?.clone();
    let (done, invalid): (Vec<_>, Vec<_>) = labels.iter().cloned().partition(|label| row.labels.contains(label));
    if !done.is_empty() {
        tx.update::<ParameterVersions, _>(&row.key(), |row| row.labels.retain(|label| !done.contains(label)));
    }
    Ok(Labelled { version: number, done, invalid })
}

fn numbered<'a>(view: &View<'a>, name: &str, number: Option<u64>) -> Result<&'a ParameterVersion, Fault> {
    let parameter = need(view, name)?;
    let number = number.unwrap_or(parameter.version);
    let missing = || ParameterFault::NoSuchVersion { name: name.to_owned(), selector: number.to_string() };
    Ok(version(view, name, number).ok_or_else(missing)?)
}

/// Whether a text can be a label.
fn is_label(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    !text.is_empty()
        && text.chars().count() <= LABEL_CHARS
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
        && !text.starts_with(|first: char| first.is_ascii_digit())
        && !lower.starts_with("aws")
        && !lower.starts_with("ssm")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_words() {
        for good in ["prod", "My-label_1.2", "x"] {
            assert!(is_label(good), "{good}");
        }
        for bad in ["", "1st", "awsome", "SSM", "a b", "ü"] {
            assert!(!is_label(bad), "{bad}");
        }
        assert!(!is_label(&"x".repeat(101)));
    }
}
