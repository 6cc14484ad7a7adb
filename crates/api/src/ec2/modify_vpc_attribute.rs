//! ec2:ModifyVpcAttribute. Changes one attribute of a VPC: whether it has DNS, names of hosts, metrics of addresses.

use landfall_cloud::value::Vpcs;
use landfall_cloud::{Tx, View};
use landfall_model::VpcId;
use serde::Deserialize;

use super::shape::Done;
use super::shape::attribute::{Given, ValueIn, exactly_one, show_attribute};
use super::shape::network_demand;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ModifyVpcAttribute {
    vpc_id: VpcId,
    enable_dns_support: Option<ValueIn<bool>>,
    enable_dns_hostnames: Option<ValueIn<bool>>,
    enable_network_address_usage_metrics: Option<ValueIn<bool>>,
}

impl Write for ModifyVpcAttribute {
    const ACTION: Action = Action::ec2("ModifyVpcAttribute");
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        show_attribute(network_demand::vpc(view, demands, Self::ACTION, self.vpc_id), &self.given());
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        let row = tx.view().need::<Vpcs, _>(self.vpc_id)?;
        exactly_one(&self.given())?;
        if self.enable_dns_hostnames.is_some_and(|on| on.value) && !row.dns_support {
            return Err(ApiError::combination("DNS hostnames can be enabled only where DNS support is enabled."));
        }
        let key = row.key();
        tx.update::<Vpcs, _>(&key, |row| {
            for (value, field) in [
                (self.enable_dns_support, &mut row.dns_support),
                (self.enable_dns_hostnames, &mut row.dns_hostnames),
                (self.enable_network_address_usage_metrics, &mut row.address_usage_metrics),
            ] {
                if let Some(ValueIn { value }) = value {
                    *field = value;
                }
            }
        });
        Ok(Done::OK)
    }
}

impl ModifyVpcAttribute {
    fn given(&self) -> Given {
        let text = |value: Option<ValueIn<bool>>| value.map(|each| each.value.to_string());
        vec![
            ("EnableDnsSupport", text(self.enable_dns_support)),
            ("EnableDnsHostnames", text(self.enable_dns_hostnames)),
            ("EnableNetworkAddressUsageMetrics", text(self.enable_network_address_usage_metrics)),
        ]
    }
}
