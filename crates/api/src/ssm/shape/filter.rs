//! Filters of parameters, and what they look at.
//!
//! Source: the SSM API Reference, "ParameterStringFilter", and the User Guide, "Searching for Systems Manager parameters".

use landfall_cloud::View;
use landfall_cloud::parameter::{self, name};
use landfall_model::{Parameter, ParameterVersion};
use serde::{Deserialize, Serialize};

use crate::ApiError;

/// A filter of a request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ParameterStringFilter {
    key: String,
    option: Option<String>,
    #[serde(default)]
    values: Vec<String>,
}

/// A filter in its older form, which has no options.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ParametersFilter {
    key: OldKey,
    values: Vec<String>,
}

/// What the older form can look at.
#[derive(Clone, Copy, Debug, Deserialize)]
enum OldKey {
    Name,
    Type,
    KeyId,
}

impl From<ParametersFilter> for ParameterStringFilter {
    fn from(old: ParametersFilter) -> Self {
        let (key, option) = match old.key {
            OldKey::Name => ("Name", "BeginsWith"),
            OldKey::Type => ("Type", "Equals"),
            OldKey::KeyId => ("KeyId", "Equals"),
        };
        Self { key: key.into(), option: Some(option.into()), values: old.values }
    }
}

/// A filter that was read.
#[derive(Clone, Debug)]
pub struct Filter {
    key: Subject,
    option: Choice,
    values: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Subject {
    DataType,
    KeyId,
    Label,
    Name,
    Path,
    Tag(String),
    Tier,
    Type,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Choice {
    BeginsWith,
    Contains,
    Equals,
    OneLevel,
    Recursive,
}

/// The keys that each of the two operations takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Those of DescribeParameters.
    Describe,
    /// Those of GetParametersByPath.
    ByPath,
}

/// Reads filters.
pub fn parse(filters: Vec<ParameterStringFilter>, of: Use) -> Result<Vec<Filter>, ApiError> {
    let mut read: Vec<Filter> = Vec::with_capacity(filters.len());
    for filter in filters {
        let filter = parse_one(filter, of)?;
        if read.iter().any(|other| other.key == filter.key) {
            let message = "The following filter is duplicated in the request. A request can contain only one occurrence of a specific filter.";
            return Err(ApiError::new("InvalidFilterKey", message));
        }
        read.push(filter);
    }
    Ok(read)
}

fn parse_one(filter: ParameterStringFilter, of: Use) -> Result<Filter, ApiError> {
    let key = match (filter.key.as_str(), of) {
        ("Type", _) => Subject::Type,
        ("KeyId", _) => Subject::KeyId,
        ("Label", Use::ByPath) => Subject::Label,
        ("Name", Use::Describe) => Subject::Name,
        ("Path", Use::Describe) => Subject::Path,
        ("Tier", Use::Describe) => Subject::Tier,
        ("DataType", Use::Describe) => Subject::DataType,
        (other, Use::Describe) if other.len() > 4 && other.starts_with("tag:") => Subject::Tag(other[4..].to_owned()),
        (other, of) => {
            let valid = if of == Use::ByPath { "[Type, KeyId, Label]" } else { "[Path, Name, Type, KeyId, Tier]" };
            let message =
                format!("The following filter key is not valid: {other}. Valid filter keys include: {valid}.");
            return Err(ApiError::new("InvalidFilterKey", message));
        }
    };
    let option = option(&key, filter.option.as_deref())?;
    let is_value = |value: &String| (1..=1024).contains(&value.chars().count());
    if filter.values.len() > 50 || !filter.values.iter().all(is_value) {
        let message = "A filter has up to 50 values of 1 to 1024 characters each.";
        return Err(ApiError::new("ValidationException", message));
    }
    if filter.values.is_empty() && !matches!(key, Subject::Tag(_)) {
        let message = format!("The following filter values are missing : null for filter key {}.", filter.key);
        return Err(ApiError::new("InvalidFilterValue", message));
    }
    check_values(&key, &filter.values)?;
    Ok(Filter { key, option, values: filter.values })
}

fn option(key: &Subject, option: Option<&str>) -> Result<Choice, ApiError> {
    let chosen = match (key, option) {
        (Subject::Path, None | Some("OneLevel")) => Choice::OneLevel,
        (Subject::Path, Some("Recursive")) => Choice::Recursive,
        (_, None | Some("Equals")) if *key != Subject::Path => Choice::Equals,
        (_, Some("BeginsWith")) if !matches!(key, Subject::Path | Subject::Label) => Choice::BeginsWith,
        (Subject::Name, Some("Contains")) => Choice::Contains,
        (_, other) => {
            let valid = match key {
                Subject::Path => "[Recursive, OneLevel]",
                Subject::Label => "[Equals]",
                Subject::Name => "[BeginsWith, Contains, Equals]",
                _ => "[BeginsWith, Equals]",
            };
            let message = format!(
                "The following filter option is not valid: {}. Valid options include: {valid}.",
                other.unwrap_or_default()
            );
            return Err(ApiError::new("InvalidFilterOption", message));
        }
    };
    Ok(chosen)
}

fn check_values(key: &Subject, values: &[String]) -> Result<(), ApiError> {
    let words: &[&str] = match key {
        Subject::Type => &["String", "StringList", "SecureString"],
        Subject::Tier => &["Standard", "Advanced", "Intelligent-Tiering"],
        Subject::Path => {
            for path in values {
                let lower = path.to_ascii_lowercase();
                if lower.starts_with("/aws") || lower.starts_with("/ssm") {
                    let message = r#"Filters for common parameters can't be prefixed with "aws" or "ssm" (case-insensitive). When using global parameters, please specify within a global namespace."#;
                    return Err(ApiError::new("ValidationException", message));
                }
                name::check_path(path)?;
            }
            return Ok(());
        }
        _ => return Ok(()),
    };
    match values.iter().find(|value| !words.contains(&value.as_str())) {
        None => Ok(()),
        Some(other) => {
            let valid = words.join(", ");
            let message = format!("The following filter value is not valid: {other}. Valid values include: [{valid}].");
            Err(ApiError::new("InvalidFilterValue", message))
        }
    }
}

/// The names that filters ask for exactly, where they do: then no others need be looked at.
pub fn exact_names(filters: &[Filter]) -> Option<&[String]> {
    let exact = |filter: &&Filter| filter.key == Subject::Name && filter.option == Choice::Equals;
    filters.iter().find(exact).map(|filter| filter.values.as_slice())
}

/// Whether a parameter matches all filters.
pub fn matches(view: &View<'_>, filters: &[Filter], row: &Parameter, version: &ParameterVersion) -> bool {
    filters.iter().all(|filter| filter.matches(view, row, version))
}

impl Filter {
    fn matches(&self, view: &View<'_>, row: &Parameter, version: &ParameterVersion) -> bool {
        match &self.key {
            Subject::DataType => self.takes(&version.data_type),
            Subject::KeyId => version.kms_key.as_deref().is_some_and(|key| self.takes(key)),
            Subject::Label => version.labels.iter().any(|label| self.takes(label)),
            Subject::Name if self.option == Choice::Contains => {
                self.values.iter().any(|value| row.name.contains(value))
            }
            // A slash before a name of one level means nothing.
            Subject::Name => self.takes(&format!("/{}", row.name.trim_start_matches('/'))),
            Subject::Path => self.values.iter().any(|path| is_below(path, &row.name, self.option == Choice::Recursive)),
            Subject::Tag(key) => {
                let value = view.tags(&parameter::tag_id(&row.name)).and_then(|tags| tags.get(key));
                value.is_some_and(|value| self.values.is_empty() || self.takes(value))
            }
            Subject::Tier => self.takes(row.tier.name()),
            Subject::Type => self.takes(row.kind.name()),
        }
    }

    /// Whether it lets public parameters through: they are strings, and have neither key nor label.
    pub fn takes_strings(&self) -> bool {
        self.key == Subject::Type && self.takes("String")
    }

    fn takes(&self, value: &str) -> bool {
        self.values.iter().any(|wanted| {
            let slashed = (self.key == Subject::Name).then(|| format!("/{}", wanted.trim_start_matches('/')));
            let wanted = slashed.as_deref().unwrap_or(wanted);
            if self.option == Choice::BeginsWith { value.starts_with(wanted) } else { value == wanted }
        })
    }
}

/// Whether a name is below a path, at once or anywhere.
fn is_below(path: &str, name: &str, recursive: bool) -> bool {
    let name = name.trim_start_matches('/');
    let path = path.trim_matches('/');
    let rest =
        if path.is_empty() { Some(name) } else { name.strip_prefix(path).and_then(|rest| rest.strip_prefix('/')) };
    rest.is_some_and(|rest| recursive || !rest.contains('/'))
}

/// A policy of a parameter in an answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PolicyShape<'v> {
    policy_text: &'v str,
    policy_type: &'static str,
    policy_status: &'static str,
}

/// The policies of a version. They are pending as long as the parameter is there.
pub fn policies(version: &ParameterVersion) -> Vec<PolicyShape<'_>> {
    let shape = |text| PolicyShape { policy_text: text, policy_type: "Expiration", policy_status: "Pending" };
    version.policies.iter().map(String::as_str).map(shape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_below_a_path() {
        for (path, name, at_once, anywhere) in [
            ("/", "db", true, true),
            ("/", "/prod/db", false, true),
            ("/prod", "/prod/db", true, true),
            ("/prod/", "/prod/db", true, true),
            ("/prod", "/prod/eu/db", false, true),
            ("/prod", "/production/db", false, false),
            ("/prod", "prod", false, false),
        ] {
            assert_eq!(is_below(path, name, false), at_once, "{path} {name}");
            assert_eq!(is_below(path, name, true), anywhere, "{path} {name}");
        }
    }

    #[test]
    fn each_operation_has_its_keys_and_options() {
        let code = |key: &str, option: Option<&str>, value: &str, of| {
            let filter = ParameterStringFilter {
                key: key.into(),
                option: option.map(str::to_owned),
                values: vec![value.into()],
            };
            parse(vec![filter], of).err().map(|error| error.code.into_owned())
        };
        assert_eq!(code("Name", Some("Contains"), "x", Use::Describe), None);
        assert_eq!(code("tag:a", Some("BeginsWith"), "x", Use::Describe), None);
        assert_eq!(code("Label", None, "x", Use::ByPath), None);
        assert_eq!(code("Label", None, "x", Use::Describe).as_deref(), Some("InvalidFilterKey"));
        assert_eq!(code("Name", None, "x", Use::ByPath).as_deref(), Some("InvalidFilterKey"));
        assert_eq!(code("Type", Some("Contains"), "String", Use::Describe).as_deref(), Some("InvalidFilterOption"));
        assert_eq!(code("Label", Some("BeginsWith"), "x", Use::ByPath).as_deref(), Some("InvalidFilterOption"));
        assert_eq!(code("Path", Some("Equals"), "/x", Use::Describe).as_deref(), Some("InvalidFilterOption"));
        assert_eq!(code("Type", None, "x", Use::Describe).as_deref(), Some("InvalidFilterValue"));
        assert_eq!(code("Path", None, "x", Use::Describe).as_deref(), Some("ValidationException"));
        assert_eq!(code("Path", None, "/aws/x", Use::Describe).as_deref(), Some("ValidationException"));
    }
}
