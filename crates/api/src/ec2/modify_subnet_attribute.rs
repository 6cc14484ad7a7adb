//! ec2:ModifySubnetAttribute. Changes one attribute of a subnet: what addresses and names its new interfaces get.

use landfall_cloud::value::Subnets;
use landfall_cloud::{Tx, View};
use landfall_model::SubnetId;
use serde::Deserialize;

use super::shape::Done;
use super::shape::attribute::{Given, ValueIn, exactly_one, only, show_attribute};
use super::shape::network_demand;
use super::shape::unsupported::{Unsupported, refuse_parameters};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ModifySubnetAttribute {
    subnet_id: SubnetId,
    map_public_ip_on_launch: Option<ValueIn<bool>>,
    assign_ipv6_address_on_creation: Option<ValueIn<bool>>,
    map_customer_owned_ip_on_launch: Option<ValueIn<bool>>,
    enable_dns64: Option<ValueIn<bool>>,
    private_dns_hostname_type_on_launch: Option<String>,
    #[serde(rename = "EnableResourceNameDnsARecordOnLaunch")]
    resource_name_a: Option<ValueIn<bool>>,
    #[serde(rename = "EnableResourceNameDnsAAAARecordOnLaunch")]
    resource_name_aaaa: Option<ValueIn<bool>>,
    disable_lni_at_device_index: Option<ValueIn<bool>>,
    enable_lni_at_device_index: Option<Unsupported>,
    customer_owned_ipv4_pool: Option<Unsupported>,
}

impl Write for ModifySubnetAttribute {
    const ACTION: Action = Action::ec2("ModifySubnetAttribute");
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        show_attribute(network_demand::subnet(view, demands, Self::ACTION, self.subnet_id), &self.given());
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        let row = tx.view().need::<Subnets, _>(self.subnet_id)?;
        let (key, has_ipv6) = (row.key(), row.ipv6.is_some());
        refuse_parameters!(self; enable_lni_at_device_index, customer_owned_ipv4_pool);
        exactly_one(&self.given())?;
        only("MapCustomerOwnedIpOnLaunch", self.map_customer_owned_ip_on_launch, false)?;
        only("DisableLniAtDeviceIndex", self.disable_lni_at_device_index, true)?;
        let by_resource = match self.private_dns_hostname_type_on_launch.as_deref() {
            None => None,
            Some("ip-name") => Some(false),
            Some("resource-name") => Some(true),
            Some(other) => {
                let why = "It is 'ip-name' or 'resource-name'.";
                return Err(ApiError::invalid("PrivateDnsHostnameTypeOnLaunch", other, why));
            }
        };
        if self.assign_ipv6_address_on_creation.is_some_and(|on| on.value) && !has_ipv6 {
            let why = "The subnet has no IPv6 CIDR block.";
            return Err(ApiError::invalid("AssignIpv6AddressOnCreation", true, why));
        }
        tx.update::<Subnets, _>(&key, |row| {
            for (value, field) in [
                (self.map_public_ip_on_launch, &mut row.map_public_ip),
                (self.assign_ipv6_address_on_creation, &mut row.assign_ipv6),
                (self.enable_dns64, &mut row.dns64),
                (self.resource_name_a, &mut row.names.resource_a),
                (self.resource_name_aaaa, &mut row.names.resource_aaaa),
                (by_resource.map(|value| ValueIn { value }), &mut row.names.by_resource),
            ] {
                if let Some(ValueIn { value }) = value {
                    *field = value;
                }
            }
        });
        Ok(Done::OK)
    }
}

impl ModifySubnetAttribute {
    fn given(&self) -> Given {
        let text = |value: Option<ValueIn<bool>>| value.map(|each| each.value.to_string());
        vec![
            ("MapPublicIpOnLaunch", text(self.map_public_ip_on_launch)),
            ("AssignIpv6AddressOnCreation", text(self.assign_ipv6_address_on_creation)),
            ("MapCustomerOwnedIpOnLaunch", text(self.map_customer_owned_ip_on_launch)),
            ("EnableDns64", text(self.enable_dns64)),
            ("PrivateDnsHostnameTypeOnLaunch", self.private_dns_hostname_type_on_launch.clone()),
            ("EnableResourceNameDnsARecordOnLaunch", text(self.resource_name_a)),
            ("EnableResourceNameDnsAAAARecordOnLaunch", text(self.resource_name_aaaa)),
            ("DisableLniAtDeviceIndex", text(self.disable_lni_at_device_index)),
        ]
    }
}
