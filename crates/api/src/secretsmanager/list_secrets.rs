//! secretsmanager:ListSecrets. Lists secrets without their values.

use std::cmp::Ordering;
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use landfall_cloud::value::Secrets;
use landfall_model::{Secret, Timestamp};
use serde::{Deserialize, Serialize};

use super::shape::filter::{self, Filter};
use super::shape::shown::{SecretShape, listed};
use crate::{Action, ApiError, Look, Read};

/// What secrets are sorted by.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum SortBy {
    #[default]
    CreatedDate,
    LastAccessedDate,
    LastChangedDate,
    Name,
}

/// Which way.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum SortOrder {
    #[default]
    Asc,
    Desc,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListSecrets {
    #[serde(default)]
    include_planned_deletion: bool,
    #[serde(default)]
    filters: Vec<Filter>,
    #[serde(default)]
    sort_order: SortOrder,
    #[serde(default)]
    sort_by: SortBy,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListSecretsResult<'v> {
    secret_list: Vec<SecretShape<'v>>,
}

impl Read for ListSecrets {
    const ACTION: Action = Action::secretsmanager("ListSecrets");
    const PAGE_LIMIT: usize = 100;
    type Output<'v> = ListSecretsResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<ListSecretsResult<'v>, ApiError> {
        let view = look.view;
        filter::check(&self.filters)?;
        let rows = view.all::<Secrets, String>();
        let rows = rows.filter(|row| self.include_planned_deletion || row.deletion.is_none());
        let rows = rows.filter(|row| filter::matches(&view, &self.filters, row));
        let mut rows: Vec<_> = rows.map(|row| (self.place(row), row)).collect();
        rows.sort_by(|a, b| a.0.cmp(&b.0));
        look.page.bound(Self::PAGE_LIMIT);
        let rows = look.page.take(rows, |(place, _)| place.clone())?;
        Ok(ListSecretsResult { secret_list: rows.into_iter().map(|(_, row)| listed(&view, row)).collect() })
    }
}

impl ListSecrets {
    fn place(&self, row: &Secret) -> Place {
        let moment = |at: Timestamp| format!("{:020}", at.as_millis());
        let by = match self.sort_by {
            SortBy::CreatedDate => moment(row.created_at),
            SortBy::LastAccessedDate => row.accessed_at.map(moment).unwrap_or_default(),
            SortBy::LastChangedDate => moment(row.changed_at),
            SortBy::Name => String::new(),
        };
        Place { falls: self.sort_order == SortOrder::Desc, by, name: row.name.clone() }
    }
}

/// Where a secret stands in a list.
#[derive(Clone, PartialEq, Eq)]
struct Place {
    falls: bool,
    by: String,
    name: String,
}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        let rising = (&self.by, &self.name).cmp(&(&other.by, &other.name));
        if self.falls { rising.reverse() } else { rising }
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// As page tokens carry it. Names have no colon.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", u8::from(self.falls), self.by, self.name)
    }
}

impl FromStr for Place {
    type Err = Infallible;
    fn from_str(text: &str) -> Result<Self, Infallible> {
        let mut parts = text.splitn(3, ':');
        let mut next = || parts.next().unwrap_or_default();
        Ok(Self { falls: next() == "1", by: next().to_owned(), name: next().to_owned() })
    }
}
