//! ec2:StartInstances. Starts instances that are stopped.

use landfall_cloud::power::PowerOrder;
use landfall_cloud::value::Instances;
use landfall_cloud::{Tx, View};
use landfall_model::InstanceId;
use serde::Deserialize;

use super::shape::change::{Changes, demand_each, order_all};
use super::shape::ebs::demand_use_by_machine;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct StartInstances {
    instance_id: Vec<InstanceId>,
    /// Reserved by AWS; refused unless it is empty.
    #[serde(default)]
    additional_info: String,
}

impl Write for StartInstances {
    const ACTION: Action = Action::ec2("StartInstances");
    type Output<'t> = Changes;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand_each(view, demands, Self::ACTION, &self.instance_id);
        let rows = self.instance_id.iter().filter_map(|id| view.find::<Instances, _>(*id));
        for row in rows.flat_map(|row| view.volumes_of(row)) {
            if let Some(key) = &row.data_key {
                demand_use_by_machine(view, demands, key.kms_key.as_str(), Some(row.id));
            }
        }
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Changes, ApiError> {
        if !self.additional_info.is_empty() {
            return Err(ApiError::unsupported("the parameter AdditionalInfo"));
        }
        order_all(tx, &self.instance_id, PowerOrder::Start)
    }
}
