//! ec2:ModifyNetworkInterfaceAttribute. Changes one attribute of an interface: description, groups, whether it may route,
//! whether it goes with its instance, whether it gets a public address, whether it has a primary IPv6 address.

use landfall_cloud::value::Interfaces;
use landfall_cloud::{Tx, View, address, interface};
use landfall_model::{AttachmentId, InterfaceId, SecurityGroupId};
use serde::Deserialize;

use super::shape::Done;
use super::shape::attribute::{Given, ValueIn, exactly_one, show_attribute};
use super::shape::change::demand_each;
use super::shape::network_demand;
use super::shape::unsupported::{Unsupported, refuse_parameters};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ModifyNetworkInterfaceAttribute {
    network_interface_id: InterfaceId,
    description: Option<ValueIn<String>>,
    source_dest_check: Option<ValueIn<bool>>,
    #[serde(default)]
    security_group_id: Vec<SecurityGroupId>,
    attachment: Option<AttachmentIn>,
    associate_public_ip_address: Option<bool>,
    ena_srd_specification: Option<Unsupported>,
    enable_primary_ipv6: Option<bool>,
    connection_tracking_specification: Option<Unsupported>,
    associated_subnet_id: Option<Unsupported>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct AttachmentIn {
    attachment_id: Option<AttachmentId>,
    delete_on_termination: Option<bool>,
    default_ena_queue_count: Option<Unsupported>,
    ena_queue_count: Option<Unsupported>,
}

impl Write for ModifyNetworkInterfaceAttribute {
    const ACTION: Action = Action::ec2("ModifyNetworkInterfaceAttribute");
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let id = self.network_interface_id;
        show_attribute(network_demand::interface(view, demands, Self::ACTION, id), &self.given());
        for &group in &self.security_group_id {
            network_demand::group(view, demands, Self::ACTION, group);
        }
        if self.attachment.is_some() {
            let instance = view.find::<Interfaces, _>(id).and_then(|row| row.instance());
            demand_each(view, demands, Self::ACTION, instance.as_slice());
        }
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        let id = self.network_interface_id;
        tx.view().tenants_interface(id)?;
        refuse_parameters!(self; ena_srd_specification, connection_tracking_specification, associated_subnet_id);
        exactly_one(&self.given())?;
        if let Some(ValueIn { value }) = self.description {
            interface::change(tx, id, |row| row.description = value)?;
        }
        if let Some(ValueIn { value }) = self.source_dest_check {
            interface::change(tx, id, |row| row.source_dest_check = value)?;
        }
        if !self.security_group_id.is_empty() {
            interface::set_groups(tx, id, &self.security_group_id)?;
        }
        if let Some(attachment) = self.attachment {
            refuse_parameters!(attachment; default_ena_queue_count, ena_queue_count);
            let which = attachment.attachment_id.ok_or_else(|| ApiError::missing("Attachment.AttachmentId"))?;
            let goes =
                attachment.delete_on_termination.ok_or_else(|| ApiError::missing("Attachment.DeleteOnTermination"))?;
            interface::set_delete_on_termination(tx, id, which, goes)?;
        }
        if let Some(wanted) = self.associate_public_ip_address {
            address::set_wanted(tx, id, wanted)?;
        }
        if let Some(on) = self.enable_primary_ipv6 {
            interface::set_primary_ipv6(tx, id, on)?;
        }
        Ok(Done::OK)
    }
}

impl ModifyNetworkInterfaceAttribute {
    fn given(&self) -> Given {
        let groups: Vec<_> = self.security_group_id.iter().map(ToString::to_string).collect();
        let attachment = self.attachment.as_ref();
        vec![
            ("Description", self.description.as_ref().map(|each| each.value.clone())),
            ("SourceDestCheck", self.source_dest_check.map(|each| each.value.to_string())),
            ("SecurityGroupId", (!groups.is_empty()).then(|| groups.join(","))),
            ("Attachment", attachment.map(|each| each.attachment_id.map_or_else(String::new, |id| id.to_string()))),
            ("AssociatePublicIpAddress", self.associate_public_ip_address.map(|wanted| wanted.to_string())),
            ("EnablePrimaryIpv6", self.enable_primary_ipv6.map(|on| on.to_string())),
        ]
    }
}
