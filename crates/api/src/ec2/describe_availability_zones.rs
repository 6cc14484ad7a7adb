//! ec2:DescribeAvailabilityZones. Lists the region's zones with the ids that are the same for all accounts.

use landfall_model::{Region, ZoneName};
use serde::{Deserialize, Serialize};

use crate::filter::{FilterNames, Values, one, shown};
use crate::{Action, ApiError, Filters, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeAvailabilityZones {
    #[serde(default)]
    zone_name: Vec<String>,
    #[serde(default)]
    zone_id: Vec<String>,
    /// Without effect: there are no zones to opt in to, so all are shown anyway.
    #[serde(default, rename = "AllAvailabilityZones")]
    _all_availability_zones: bool,
    #[serde(default)]
    filter: Filters,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeAvailabilityZonesResult {
    availability_zone_info: Vec<Zone>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Zone {
    opt_in_status: &'static str,
    message_set: [(); 0],
    region_name: Region,
    zone_name: ZoneName,
    zone_id: String,
    group_name: String,
    network_border_group: Region,
    zone_type: &'static str,
    zone_state: &'static str,
}

const OPT_IN_STATUS: &str = "opt-in-not-required";
const ZONE_TYPE: &str = "availability-zone";
const STATE: &str = "available";

impl Read for DescribeAvailabilityZones {
    const ACTION: Action = Action::ec2("DescribeAvailabilityZones");
    const FILTERS: FilterNames = FilterNames {
        known: &[
            "group-name",
            "message",
            "opt-in-status",
            "parent-zone-id",
            "parent-zone-name",
            "region-name",
            "state",
            "zone-id",
            "zone-name",
            "zone-type",
        ],
        refused: &["group-long-name"],
    };
    type Output<'v> = DescribeAvailabilityZonesResult;

    fn run(self, look: &mut Look<'_, '_>) -> Result<DescribeAvailabilityZonesResult, ApiError> {
        let selection = self.filter.select(Self::FILTERS)?;
        let region = look.view.scope().region;
        check("zone", &self.zone_name, |name| region.zones().any(|zone| zone.to_string() == name))?;
        check("zone-id", &self.zone_id, |id| region.zones().any(|zone| zone.zone_id() == id))?;
        let asked = |zone: &ZoneName| {
            (self.zone_name.is_empty() || self.zone_name.contains(&zone.to_string()))
                && (self.zone_id.is_empty() || self.zone_id.contains(&zone.zone_id()))
        };
        let matching = region.zones().filter(asked).map(shape).filter(|zone| {
            selection.is_empty()
                || selection.matches(None, |name| match name {
                    "group-name" => one(zone.group_name.clone()),
                    "opt-in-status" => one(OPT_IN_STATUS),
                    "region-name" => one(region.name()),
                    "state" => one(STATE),
                    "zone-id" => one(zone.zone_id.clone()),
                    "zone-name" => shown(zone.zone_name),
                    "zone-type" => one(ZONE_TYPE),
                    // No zone has a message or a parent.
                    _ => Values::new(),
                })
        });
        Ok(DescribeAvailabilityZonesResult { availability_zone_info: matching.collect() })
    }
}

fn check(what: &str, given: &[String], is_known: impl Fn(&str) -> bool) -> Result<(), ApiError> {
    let unknown: Vec<String> =
        given.iter().filter(|text| !is_known(text)).map(|text| text.chars().take(64).collect()).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let message = format!("Invalid availability {what}: [{}]", unknown.join(", "));
    Err(ApiError::new("InvalidParameterValue", message))
}

fn shape(zone: ZoneName) -> Zone {
    Zone {
        opt_in_status: OPT_IN_STATUS,
        message_set: [],
        region_name: zone.region,
        zone_name: zone,
        zone_id: zone.zone_id(),
        group_name: format!("{}-zg-1", zone.region),
        network_border_group: zone.region,
        zone_type: ZONE_TYPE,
        zone_state: STATE,
    }
}
