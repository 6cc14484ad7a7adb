//! iam:UpdateGroup. Gives a group another name or path.

use landfall_cloud::identity::holder::{self, HolderKind};
use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::Nothing;
use super::shape::demand::rename_demands;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct UpdateGroup {
    group_name: String,
    new_group_name: Option<String>,
    new_path: Option<String>,
}

impl Write for UpdateGroup {
    const ACTION: Action = Action::iam("UpdateGroup");
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let names = (&*self.group_name, self.new_group_name.as_deref(), self.new_path.as_deref());
        rename_demands(view, demands, Self::ACTION, HolderKind::Group, names);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        let (name, path) = (self.new_group_name.as_deref(), self.new_path.as_deref());
        holder::rename(tx, HolderKind::Group, &self.group_name, name, path)?;
        Ok(Nothing {})
    }
}
