//! ec2:DetachNetworkInterface. Takes an interface from its instance.

use landfall_cloud::{Tx, View, interface_attachment};
use landfall_model::{AttachmentId, InterfaceKind};
use serde::Deserialize;

use super::shape::change::demand_each;
use super::shape::network_interface::SERVICE_ATTACHMENT;
use super::shape::{Done, network_demand};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DetachNetworkInterface {
    attachment_id: String,
    #[serde(default)]
    force: bool,
}

impl Write for DetachNetworkInterface {
    const ACTION: Action = Action::ec2("DetachNetworkInterface");
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let row = self.attachment_id.parse().ok().and_then(|id| view.attached_by(id).ok());
        match row {
            Some(row) => {
                network_demand::interface(view, demands, Self::ACTION, row.id);
                demand_each(view, demands, Self::ACTION, row.instance().as_slice());
            }
            None => {
                demands.new_ec2::<InterfaceKind>(Self::ACTION);
            }
        }
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        // What has the region's own interfaces is attached by ids of another kind.
        if self.attachment_id.starts_with(SERVICE_ATTACHMENT) {
            return Err(ApiError::new(
                "OperationNotPermitted",
                format!("You are not allowed to manage '{SERVICE_ATTACHMENT}' attachments."),
            ));
        }
        let id: AttachmentId = self
            .attachment_id
            .parse()
            .map_err(|error: landfall_model::id::MalformedId| ApiError::new(error.code, error.to_string()))?;
        interface_attachment::detach(tx, id, self.force)?;
        Ok(Done::OK)
    }
}
