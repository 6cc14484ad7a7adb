//! ec2:CreateDhcpOptions. Makes a set of options that VPCs can give their instances.

use landfall_cloud::value::DhcpOptionsTable;
use landfall_cloud::{Tx, View, dhcp_options, tag};
use landfall_model::DhcpOptionsKind;
use serde::{Deserialize, Serialize};

use super::shape::TagSpecifications;
use super::shape::dhcp_options::{DhcpOptionsShape, dhcp_options as shape};
use crate::{Action, ApiError, Demands, Write};

const KIND: &str = "dhcp-options";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateDhcpOptions {
    dhcp_configuration: Vec<Configuration>,
    #[serde(default)]
    tag_specification: TagSpecifications,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Configuration {
    key: Option<String>,
    #[serde(default)]
    value: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateDhcpOptionsResult<'t> {
    dhcp_options: DhcpOptionsShape<'t>,
}

impl Write for CreateDhcpOptions {
    const ACTION: Action = Action::ec2("CreateDhcpOptions");
    type Output<'t> = CreateDhcpOptionsResult<'t>;

    fn demands(&self, _: &View<'_>, demands: &mut Demands) {
        let tags = self.tag_specification.claimed(KIND);
        demands.new_ec2::<DhcpOptionsKind>(Self::ACTION).request_tags(&tags);
        demands.tagging(Self::ACTION, KIND, &tags);
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<CreateDhcpOptionsResult<'t>, ApiError> {
        self.tag_specification.check(&[KIND])?;
        let tags = self.tag_specification.of(KIND)?;
        let options = self.dhcp_configuration.into_iter().map(|each| {
            let key = each.key.ok_or_else(|| ApiError::missing("DhcpConfiguration.N.Key"))?;
            Ok((key, each.value))
        });
        let id = dhcp_options::create(tx, options.collect::<Result<_, ApiError>>()?)?;
        tag::put(tx, KIND, &id.to_string(), &tags)?;
        let view = tx.view();
        Ok(CreateDhcpOptionsResult { dhcp_options: shape(&view, view.need::<DhcpOptionsTable, _>(id)?) })
    }
}
