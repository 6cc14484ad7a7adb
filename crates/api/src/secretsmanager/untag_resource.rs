//! secretsmanager:UntagResource. Takes tags from a secret.

use landfall_cloud::{Tx, View, secret, tag};
use serde::Deserialize;

use super::shape::{Nothing, at_home, demand};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct UntagResource {
    secret_id: String,
    tag_keys: Vec<String>,
}

impl Write for UntagResource {
    const ACTION: Action = Action::secretsmanager("UntagResource");
    type Output<'t> = Nothing;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let own = demand(view, demands, Self::ACTION, &self.secret_id);
        own.context.set_many("aws:TagKeys", self.tag_keys.iter().map(String::as_str));
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Nothing, ApiError> {
        let mut tx = at_home(tx, &self.secret_id);
        let row = secret::need_alive(&tx.view(), &self.secret_id)?.clone();
        let which: Vec<_> = self.tag_keys.into_iter().map(|key| (key, None)).collect();
        if !which.is_empty() {
            tag::remove(&mut tx, &secret::tag_id(&row.name), &which);
            secret::update(&mut tx, &row, |_| ());
        }
        Ok(Nothing {})
    }
}
