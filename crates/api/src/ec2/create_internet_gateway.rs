//! ec2:CreateInternetGateway. Makes an internet gateway that is attached to nothing yet.

use landfall_cloud::value::InternetGateways;
use landfall_cloud::{Tx, View, internet_gateway, tag};
use landfall_model::InternetGatewayKind;
use serde::{Deserialize, Serialize};

use super::shape::TagSpecifications;
use super::shape::internet_gateway::{InternetGatewayShape, internet_gateway as shape};
use crate::{Action, ApiError, Demands, Write};

/// The kind that its tag specifications name.
const KIND: &str = "internet-gateway";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateInternetGateway {
    #[serde(default)]
    tag_specification: TagSpecifications,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateInternetGatewayResult<'t> {
    internet_gateway: InternetGatewayShape<'t>,
}

impl Write for CreateInternetGateway {
    const ACTION: Action = Action::ec2("CreateInternetGateway");
    type Output<'t> = CreateInternetGatewayResult<'t>;

    fn demands(&self, _: &View<'_>, demands: &mut Demands) {
        let tags = self.tag_specification.claimed(KIND);
        demands.new_ec2::<InternetGatewayKind>(Self::ACTION).request_tags(&tags);
        demands.tagging(Self::ACTION, KIND, &tags);
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<CreateInternetGatewayResult<'t>, ApiError> {
        self.tag_specification.check(&[KIND])?;
        let tags = self.tag_specification.of(KIND)?;
        let id = internet_gateway::create(tx)?;
        tag::put(tx, KIND, &id.to_string(), &tags)?;
        let view = tx.view();
        Ok(CreateInternetGatewayResult { internet_gateway: shape(&view, view.need::<InternetGateways, _>(id)?) })
    }
}
