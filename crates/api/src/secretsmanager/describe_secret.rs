//! secretsmanager:DescribeSecret. Shows a secret without its value.

use landfall_cloud::{View, secret};
use serde::Deserialize;

use super::shape::shown::{SecretShape, described};
use super::shape::{demand, home};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeSecret {
    secret_id: String,
}

impl Read for DescribeSecret {
    const ACTION: Action = Action::secretsmanager("DescribeSecret");
    type Output<'v> = SecretShape<'v>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, &self.secret_id);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<SecretShape<'v>, ApiError> {
        let home = home(&look.view, &self.secret_id);
        Ok(described(home.view(), secret::need(home.view(), &self.secret_id)?))
    }
}
