//! ec2:StopInstances. Stops instances: asks the guest, or pulls the plug where forced.

use landfall_cloud::power::PowerOrder;
use landfall_cloud::{Tx, View};
use landfall_model::InstanceId;
use serde::Deserialize;

use super::shape::change::{Changes, demand_each, order_all};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct StopInstances {
    instance_id: Vec<InstanceId>,
    #[serde(default)]
    force: bool,
    #[serde(default)]
    skip_os_shutdown: bool,
    #[serde(default)]
    hibernate: bool,
}

impl Write for StopInstances {
    const ACTION: Action = Action::ec2("StopInstances");
    type Output<'t> = Changes;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand_each(view, demands, Self::ACTION, &self.instance_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Changes, ApiError> {
        if self.hibernate {
            // No instance was launched with hibernation, so this is AWS's own answer.
            let message = "The instances you requested to hibernate are not enabled for hibernation.";
            return Err(ApiError::new("UnsupportedHibernationConfiguration", message));
        }
        order_all(tx, &self.instance_id, PowerOrder::Stop { force: self.force || self.skip_os_shutdown })
    }
}
