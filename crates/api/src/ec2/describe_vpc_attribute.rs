//! ec2:DescribeVpcAttribute. Shows one attribute of a VPC.

use landfall_cloud::View;
use landfall_cloud::value::Vpcs;
use landfall_model::VpcId;
use serde::{Deserialize, Serialize};

use super::shape::attribute::ValueOut;
use super::shape::network_demand;
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeVpcAttribute {
    vpc_id: VpcId,
    attribute: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeVpcAttributeResult {
    vpc_id: VpcId,
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_dns_support: Option<ValueOut<bool>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_dns_hostnames: Option<ValueOut<bool>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_network_address_usage_metrics: Option<ValueOut<bool>>,
}

impl Read for DescribeVpcAttribute {
    const ACTION: Action = Action::ec2("DescribeVpcAttribute");
    type Output<'v> = DescribeVpcAttributeResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        network_demand::vpc(view, demands, Self::ACTION, self.vpc_id);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeVpcAttributeResult, ApiError> {
        let row = look.view.need::<Vpcs, _>(self.vpc_id)?;
        let mut result = DescribeVpcAttributeResult {
            vpc_id: row.id,
            enable_dns_support: None,
            enable_dns_hostnames: None,
            enable_network_address_usage_metrics: None,
        };
        let (shown, value) = match self.attribute.as_str() {
            "enableDnsSupport" => (&mut result.enable_dns_support, row.dns_support),
            "enableDnsHostnames" => (&mut result.enable_dns_hostnames, row.dns_hostnames),
            "enableNetworkAddressUsageMetrics" => {
                (&mut result.enable_network_address_usage_metrics, row.address_usage_metrics)
            }
            other => return Err(ApiError::invalid("attribute", other, "Unknown attribute.")),
        };
        *shown = Some(ValueOut { value });
        Ok(result)
    }
}
