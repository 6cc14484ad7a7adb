//! ec2:DescribeAddressesAttribute. Shows the reverse names of elastic addresses, of which none has one.

use std::net::Ipv4Addr;

use landfall_cloud::value::Addresses;
use landfall_model::AllocationId;
use serde::{Deserialize, Serialize};

use super::shape::listing::listing;
use crate::filter::FilterNames;
use crate::{Action, ApiError, Filters, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeAddressesAttribute {
    #[serde(default)]
    allocation_id: Vec<AllocationId>,
    attribute: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeAddressesAttributeResult {
    address_set: Vec<AddressAttribute>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AddressAttribute {
    public_ip: Ipv4Addr,
    allocation_id: AllocationId,
}

impl Read for DescribeAddressesAttribute {
    const ACTION: Action = Action::ec2("DescribeAddressesAttribute");
    const PAGE_LIMIT: usize = 1000;
    type Output<'v> = DescribeAddressesAttributeResult;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeAddressesAttributeResult, ApiError> {
        if let Some(other) = self.attribute.filter(|attribute| attribute != "domain-name") {
            return Err(ApiError::invalid("attribute", other, "It is 'domain-name'."));
        }
        let all = Filters::default();
        let rows = listing::<Addresses, _>(look, &self.allocation_id, &all, FilterNames::NONE, |_, _, _| Vec::new())?;
        let shapes = rows.into_iter().map(|row| AddressAttribute { public_ip: row.public, allocation_id: row.id });
        Ok(DescribeAddressesAttributeResult { address_set: shapes.collect() })
    }
}
