//! ec2:AllocateAddress. Takes a public address out of the pool for an account to keep.

use std::net::Ipv4Addr;

use landfall_cloud::value::Addresses;
use landfall_cloud::{Tx, View, address, tag};
use landfall_model::{AllocationId, AllocationKind, Region};
use serde::{Deserialize, Serialize};

use super::shape::TagSpecifications;
use super::shape::unsupported::{Unsupported, refuse_parameters};
use crate::{Action, ApiError, Demands, Write};

/// The kind that its tag specifications name.
const KIND: &str = "elastic-ip";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct AllocateAddress {
    domain: Option<String>,
    address: Option<Ipv4Addr>,
    network_border_group: Option<String>,
    public_ipv4_pool: Option<String>,
    #[serde(default)]
    tag_specification: TagSpecifications,
    customer_owned_ipv4_pool: Option<Unsupported>,
    ipam_pool_id: Option<Unsupported>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AllocateAddressResult {
    public_ip: Ipv4Addr,
    allocation_id: AllocationId,
    public_ipv4_pool: &'static str,
    network_border_group: Region,
    domain: &'static str,
}

impl Write for AllocateAddress {
    const ACTION: Action = Action::ec2("AllocateAddress");
    type Output<'t> = AllocateAddressResult;

    fn demands(&self, _: &View<'_>, demands: &mut Demands) {
        let tags = self.tag_specification.claimed(KIND);
        demands.new_ec2::<AllocationKind>(Self::ACTION).request_tags(&tags);
        demands.tagging(Self::ACTION, KIND, &tags);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<AllocateAddressResult, ApiError> {
        refuse_parameters!(self; customer_owned_ipv4_pool, ipam_pool_id);
        let region = tx.scope().region;
        match self.domain.as_deref() {
            None | Some("vpc") => {}
            Some("standard") => return Err(ApiError::unsupported("the value 'standard' of the parameter Domain")),
            Some(other) => return Err(ApiError::invalid("domain", other, "It is 'vpc'.")),
        }
        if let Some(pool) = self.public_ipv4_pool.filter(|pool| pool != "amazon") {
            return Err(ApiError::unsupported(format_args!("the value '{pool}' of the parameter PublicIpv4Pool")));
        }
        if let Some(group) = self.network_border_group.filter(|group| group != region.name()) {
            let why = format!("The network border group of this region is {region}.");
            return Err(ApiError::invalid("networkBorderGroup", group, why));
        }
        self.tag_specification.check(&[KIND])?;
        let tags = self.tag_specification.of(KIND)?;
        let id = address::allocate(tx, self.address)?;
        tag::put(tx, KIND, &id.to_string(), &tags)?;
        let public_ip = tx.view().need::<Addresses, _>(id)?.public;
        Ok(AllocateAddressResult {
            public_ip,
            allocation_id: id,
            public_ipv4_pool: "amazon",
            network_border_group: region,
            domain: "vpc",
        })
    }
}
