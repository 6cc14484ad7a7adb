//! The group of zones from which an address is announced: the whole region is one.

use landfall_model::Region;

use crate::ApiError;

/// That the group which an IPv6 block is asked for from is the region, and that a block is asked for.
pub fn check(region: Region, group: Option<&str>, ipv6: bool) -> Result<(), ApiError> {
    const NAME: &str = "Ipv6CidrBlockNetworkBorderGroup";
    match group {
        None => Ok(()),
        Some(_) if !ipv6 => {
            Err(ApiError::combination(format!("{NAME} can be given only where AmazonProvidedIpv6CidrBlock is true.")))
        }
        Some(group) if group == region.name() => Ok(()),
        Some(group) => {
            Err(ApiError::invalid(NAME, group, format_args!("The network border group of this region is {region}.")))
        }
    }
}
