//! ec2:AttachNetworkInterface. Gives an interface to an instance, while it runs or is stopped.

use landfall_cloud::{Tx, View, interface_attachment};
use landfall_model::{AttachmentId, InstanceId, InterfaceId};
use serde::{Deserialize, Serialize};

use super::shape::change::demand_each;
use super::shape::network_demand;
use super::shape::unsupported::{Unsupported, refuse_parameters};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct AttachNetworkInterface {
    network_interface_id: InterfaceId,
    instance_id: InstanceId,
    device_index: u32,
    #[serde(default)]
    network_card_index: u32,
    ena_srd_specification: Option<Unsupported>,
    ena_queue_count: Option<Unsupported>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AttachNetworkInterfaceResult {
    attachment_id: AttachmentId,
    network_card_index: u32,
}

impl Write for AttachNetworkInterface {
    const ACTION: Action = Action::ec2("AttachNetworkInterface");
    type Output<'t> = AttachNetworkInterfaceResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand_each(view, demands, Self::ACTION, &[self.instance_id]);
        network_demand::interface(view, demands, Self::ACTION, self.network_interface_id);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<AttachNetworkInterfaceResult, ApiError> {
        refuse_parameters!(self; ena_srd_specification, ena_queue_count);
        if self.network_card_index > 0 {
            let why = "The instance has one network card, of index 0.";
            return Err(ApiError::invalid("networkCardIndex", self.network_card_index, why));
        }
        let attachment_id =
            interface_attachment::attach(tx, self.network_interface_id, self.instance_id, self.device_index)?;
        Ok(AttachNetworkInterfaceResult { attachment_id, network_card_index: 0 })
    }
}
