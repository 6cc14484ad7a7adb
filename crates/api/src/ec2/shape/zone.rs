//! A zone as requests name it: by its name or by its id.

use landfall_model::{Region, ZoneName};

use crate::ApiError;

/// The zone that is asked for, if one is, for a subnet.
pub fn find(region: Region, name: Option<&str>, id: Option<&str>) -> Result<Option<ZoneName>, ApiError> {
    find_or(region, name, id, |parameter, text| {
        let zones: Vec<_> = region.zones().map(|zone| zone.to_string()).collect();
        let zones = zones.join(", ");
        let why = format!("Subnets can currently only be created in the following availability zones: {zones}.");
        ApiError::invalid(parameter, text, why)
    })
}

/// The zone that is asked for, if one is; otherwise what is made of the parameter and its value.
pub fn find_or(
    region: Region,
    name: Option<&str>,
    id: Option<&str>,
    unknown: impl FnOnce(&'static str, &str) -> ApiError,
) -> Result<Option<ZoneName>, ApiError> {
    let (parameter, text, found) = match (name, id) {
        (Some(name), None) => ("availabilityZone", name, region.zones().find(|zone| zone.to_string() == name)),
        (None, Some(id)) => ("availabilityZoneId", id, region.zones().find(|zone| zone.zone_id() == id)),
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => {
            return Err(ApiError::combination("AvailabilityZone and AvailabilityZoneId can't both be given."));
        }
    };
    found.map(Some).ok_or_else(|| unknown(parameter, text))
}
