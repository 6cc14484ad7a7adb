//! ec2:DescribeNetworkInterfaceAttribute. Shows one attribute of an interface.

use landfall_cloud::value::Interfaces;
use landfall_model::InterfaceId;
use serde::{Deserialize, Serialize};

use super::shape::attribute::ValueOut;
use super::shape::instance::{GroupIdentifier, group_set};
use super::shape::network_interface::{AttachmentShape, attachment};
use crate::{Action, ApiError, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeNetworkInterfaceAttribute {
    network_interface_id: InterfaceId,
    attribute: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeNetworkInterfaceAttributeResult<'v> {
    network_interface_id: InterfaceId,
    #[serde(skip_serializing_if = "Option::is_none")]
    attachment: Option<AttachmentShape>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<ValueOut<&'v str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_set: Option<Vec<GroupIdentifier<'v>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_dest_check: Option<ValueOut<bool>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    associate_public_ip_address: Option<bool>,
}

impl Read for DescribeNetworkInterfaceAttribute {
    const ACTION: Action = Action::ec2("DescribeNetworkInterfaceAttribute");
    type Output<'v> = DescribeNetworkInterfaceAttributeResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeNetworkInterfaceAttributeResult<'v>, ApiError> {
        let view = look.view;
        let row = view.need::<Interfaces, _>(self.network_interface_id)?;
        let mut result = DescribeNetworkInterfaceAttributeResult {
            network_interface_id: row.id,
            attachment: None,
            description: None,
            group_set: None,
            source_dest_check: None,
            associate_public_ip_address: None,
        };
        match self.attribute.as_deref().ok_or_else(|| ApiError::missing("attribute"))? {
            "attachment" => result.attachment = attachment(row),
            "description" => result.description = Some(ValueOut { value: &row.description }),
            "groupSet" => result.group_set = Some(group_set(&view, row)),
            "sourceDestCheck" => result.source_dest_check = Some(ValueOut { value: row.source_dest_check }),
            "associatePublicIpAddress" => result.associate_public_ip_address = Some(row.wants_public_address),
            other => return Err(ApiError::invalid("attribute", other, "Unknown attribute.")),
        }
        Ok(result)
    }
}
