//! Elastic addresses as requests name them.

use std::net::Ipv4Addr;

use landfall_cloud::View;
use landfall_cloud::value::Addresses;
use landfall_model::{Address, AllocationId};

use crate::error::ApiError;

/// Reads an address out of a request, so that one that is none is told apart from one that isn't there.
pub fn parse(text: &str) -> Result<Ipv4Addr, ApiError> {
    text.parse().map_err(|_| ApiError::invalid("publicIp", text, "Invalid IPv4 address."))
}

/// The elastic address that a request names by allocation or by number: one of the two.
pub fn named<'v>(view: &View<'v>, id: Option<AllocationId>, public: Option<&str>) -> Result<&'v Address, ApiError> {
    match (id, public) {
        (Some(id), None) => Ok(view.need::<Addresses, _>(id)?),
        (None, Some(text)) => Ok(view.elastic_by_address(parse(text)?)?),
        (None, None) => Err(ApiError::missing("AllocationId")),
        (Some(_), Some(_)) => {
            Err(ApiError::combination("You may specify public IP or allocation id, but not both in the same call"))
        }
    }
}

/// Its id, if there is such an address: for demands, which come before.
pub fn claimed(view: &View<'_>, id: Option<AllocationId>, public: Option<&str>) -> Option<AllocationId> {
    id.or_else(|| Some(view.elastic_by_address(public?.parse().ok()?).ok()?.id))
}
