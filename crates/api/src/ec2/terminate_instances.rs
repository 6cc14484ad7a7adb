//! ec2:TerminateInstances. Ends instances for good. Repeating it is no error.

use landfall_cloud::power::PowerOrder;
use landfall_cloud::{Tx, View};
use landfall_model::InstanceId;
use serde::Deserialize;

use super::shape::change::{Changes, demand_each, order_all};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct TerminateInstances {
    instance_id: Vec<InstanceId>,
    /// A guest gets a short grace either way; these make it none.
    #[serde(default)]
    force: bool,
    #[serde(default)]
    skip_os_shutdown: bool,
}

impl Write for TerminateInstances {
    const ACTION: Action = Action::ec2("TerminateInstances");
    const FREES: bool = true;
    type Output<'t> = Changes;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand_each(view, demands, Self::ACTION, &self.instance_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Changes, ApiError> {
        order_all(tx, &self.instance_id, PowerOrder::Terminate { force: self.force || self.skip_os_shutdown })
    }
}
