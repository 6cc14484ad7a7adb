//! ec2:DescribeInstanceTypeOfferings. Says which types are to be had where: all of them everywhere.

use landfall_model::{InstanceType, Region};
use serde::{Deserialize, Serialize};

use crate::filter::{FilterNames, one};
use crate::{Action, ApiError, Filters, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeInstanceTypeOfferings {
    #[serde(default)]
    location_type: LocationType,
    #[serde(default)]
    filter: Filters,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum LocationType {
    #[default]
    Region,
    AvailabilityZone,
    AvailabilityZoneId,
    Outpost,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeInstanceTypeOfferingsResult {
    instance_type_offering_set: Vec<Offering>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Offering {
    instance_type: String,
    location_type: LocationType,
    location: String,
}

impl Read for DescribeInstanceTypeOfferings {
    const ACTION: Action = Action::ec2("DescribeInstanceTypeOfferings");
    const PAGE_LIMIT: usize = 1000;
    const PAGE_LEAST: usize = 5;
    const FILTERS: FilterNames = FilterNames { known: &["instance-type", "location"], refused: &[] };
    type Output<'v> = DescribeInstanceTypeOfferingsResult;

    fn run(self, look: &mut Look<'_, '_>) -> Result<DescribeInstanceTypeOfferingsResult, ApiError> {
        let selection = self.filter.select(Self::FILTERS)?;
        let locations = self.location_type.of(look.view.scope().region)?;
        let mut offerings: Vec<_> = InstanceType::all()
            .flat_map(|kind| locations.iter().map(move |location| (kind.name(), location.clone())))
            .filter(|(kind, location)| {
                selection.matches(None, |name| match name {
                    "instance-type" => one(kind.clone()),
                    _ => one(location.clone()),
                })
            })
            .collect();
        offerings.sort_unstable();
        let page = look.page.take(offerings, |(kind, location)| format!("{kind} {location}"))?;
        let instance_type_offering_set = page
            .into_iter()
            .map(|(instance_type, location)| Offering { instance_type, location_type: self.location_type, location })
            .collect();
        Ok(DescribeInstanceTypeOfferingsResult { instance_type_offering_set })
    }
}

impl LocationType {
    fn of(self, region: Region) -> Result<Vec<String>, ApiError> {
        match self {
            LocationType::Region => Ok(vec![region.to_string()]),
            LocationType::AvailabilityZone => Ok(region.zones().map(|zone| zone.to_string()).collect()),
            LocationType::AvailabilityZoneId => Ok(region.zones().map(|zone| zone.zone_id()).collect()),
            LocationType::Outpost => Err(ApiError::unsupported("LocationType outpost")),
        }
    }
}
