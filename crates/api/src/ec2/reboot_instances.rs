//! ec2:RebootInstances. Reboots instances that run.

use landfall_cloud::power::PowerOrder;
use landfall_cloud::{Tx, View};
use landfall_model::InstanceId;
use serde::Deserialize;

use super::shape::Done;
use super::shape::change::{demand_each, order_all};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RebootInstances {
    instance_id: Vec<InstanceId>,
}

impl Write for RebootInstances {
    const ACTION: Action = Action::ec2("RebootInstances");
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand_each(view, demands, Self::ACTION, &self.instance_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        order_all(tx, &self.instance_id, PowerOrder::Reboot)?;
        Ok(Done::OK)
    }
}
