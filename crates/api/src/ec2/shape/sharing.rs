//! Whom an image or a snapshot is shared with, as requests change it: by lists of what is added and removed, or by the
//! older way, one operation on lists of accounts and groups.

use std::collections::BTreeSet;

use landfall_cloud::sharing::Sharing;
use landfall_model::AccountId;
use serde::Deserialize;

use crate::demand::Demand;
use crate::error::ApiError;

/// What is to be added and removed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Modifications {
    #[serde(default)]
    pub add: Vec<Permission>,
    #[serde(default)]
    pub remove: Vec<Permission>,
}

/// An account, or a group of them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Permission {
    pub user_id: Option<String>,
    pub group: Option<String>,
}

/// An item that isn't one, which each kind of resource has a code of its own for.
pub enum BadItem<'a> {
    Account(&'a str),
    Group(&'a str),
}

impl Modifications {
    /// With what was said the older way.
    pub fn with(
        &self,
        operation: Option<&str>,
        users: &[String],
        groups: &[String],
    ) -> Result<Modifications, ApiError> {
        let users = users.iter().map(|id| Permission { user_id: Some(id.clone()), ..Permission::default() });
        let groups = groups.iter().map(|group| Permission { group: Some(group.clone()), ..Permission::default() });
        let old: Vec<_> = users.chain(groups).collect();
        let mut all = self.clone();
        match operation {
            Some("add") => all.add.extend(old),
            Some("remove") => all.remove.extend(old),
            Some(other) => return Err(ApiError::invalid("OperationType", other, "It is 'add' or 'remove'.")),
            None if old.is_empty() => {}
            None => return Err(ApiError::missing("OperationType")),
        }
        Ok(all)
    }

    /// Whether nothing is to change.
    pub fn is_empty(&self) -> bool {
        self.add.is_empty() && self.remove.is_empty()
    }

    /// Lets conditions look at them.
    pub fn show(&self, demand: &mut Demand) {
        for (list, user, group) in
            [(&self.add, "ec2:Add/userId", "ec2:Add/group"), (&self.remove, "ec2:Remove/userId", "ec2:Remove/group")]
        {
            let users: Vec<&str> = list.iter().filter_map(|it| it.user_id.as_deref()).collect();
            let groups: Vec<&str> = list.iter().filter_map(|it| it.group.as_deref()).collect();
            for (key, values) in [(user, users), (group, groups)] {
                if !values.is_empty() {
                    demand.context.set_many(key, values);
                }
            }
        }
    }

    /// What they come to.
    pub fn read(&self, bad: fn(BadItem<'_>) -> ApiError) -> Result<Sharing, ApiError> {
        let ((add, all_may), (remove, all_may_not)) = (read(&self.add, bad)?, read(&self.remove, bad)?);
        if all_may && all_may_not {
            return Err(ApiError::combination("The group 'all' can't be both added and removed."));
        }
        Ok(Sharing { add, remove, public: (all_may || all_may_not).then_some(all_may) })
    }
}

/// The accounts of a list, and whether it has everybody.
fn read(list: &[Permission], bad: fn(BadItem<'_>) -> ApiError) -> Result<(BTreeSet<AccountId>, bool), ApiError> {
    let (mut accounts, mut all) = (BTreeSet::new(), false);
    for each in list {
        match (each.user_id.as_deref(), each.group.as_deref()) {
            (Some(id), None) => {
                accounts.insert(id.parse().map_err(|_| bad(BadItem::Account(id)))?);
            }
            (None, Some("all")) => all = true,
            (None, Some(other)) => return Err(bad(BadItem::Group(other))),
            _ => return Err(ApiError::combination("A permission names either an account or a group.")),
        }
    }
    Ok((accounts, all))
}
