//! secretsmanager:ListSecrets. Lists secrets without their values.

use std::cmp::Ordering;
use std::fmt;
use std::num::ParseIntError;
use std::ops::Bound;
use std::str::FromStr;

use landfall_cloud::secret::{self, Order};
use landfall_model::{Secret, SecretTime, Timestamp};
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
        look.page.bound(Self::PAGE_LIMIT);
        let after = match look.page.start::<Place>()? {
            Bound::Excluded(after) | Bound::Included(after) => Some(after),
            Bound::Unbounded => None,
        };
        // A page costs itself and what its filters pass over, not what comes before and after.
        let from = after.as_ref().map(|place| (place.at, place.name.as_str()));
        let rows = secret::sorted(&view, self.order(), self.falls(), from);
        let rows = rows.filter(|row| self.include_planned_deletion || row.deletion.is_none());
        let rows = rows.filter(|row| filter::matches(&view, &self.filters, row));
        let rows = look.page.take(rows, |row| self.place(row))?;
        Ok(ListSecretsResult { secret_list: rows.into_iter().map(|row| listed(&view, row)).collect() })
    }
}

impl ListSecrets {
    fn order(&self) -> Order {
        match self.sort_by {
            SortBy::CreatedDate => Order::Time(SecretTime::Created),
            SortBy::LastAccessedDate => Order::Time(SecretTime::Accessed),
            SortBy::LastChangedDate => Order::Time(SecretTime::Changed),
            SortBy::Name => Order::Name,
        }
    }

    fn falls(&self) -> bool {
        self.sort_order == SortOrder::Desc
    }

    fn place(&self, row: &Secret) -> Place {
        let at = match self.order() {
            Order::Time(time) => row.at(time),
            Order::Name => None,
        };
        Place { falls: self.falls(), at, name: row.name.clone() }
    }
}

/// Where a secret stands in a list.
#[derive(Clone, PartialEq, Eq)]
struct Place {
    falls: bool,
    /// The moment that the list is sorted by.
    at: Option<Timestamp>,
    name: String,
}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        let rising = (self.at, &self.name).cmp(&(other.at, &other.name));
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
        let at = self.at.map(|at| at.as_millis().to_string()).unwrap_or_default();
        write!(f, "{}:{at}:{}", u8::from(self.falls), self.name)
    }
}

impl FromStr for Place {
    type Err = ParseIntError;
    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        let mut parts = text.splitn(3, ':');
        let mut next = || parts.next().unwrap_or_default();
        let falls = next() == "1";
        let at = Some(next()).filter(|at| !at.is_empty()).map(str::parse).transpose()?;
        Ok(Self { falls, at: at.map(Timestamp), name: next().to_owned() })
    }
}
