//! ec2:DescribeRegions. Lists the regions that answer, or all of the partition.

use landfall_model::Region;
use serde::{Deserialize, Serialize};

use crate::filter::{FilterNames, one};
use crate::gateway::Regions;
use crate::{Action, ApiError, Filters, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeRegions {
    #[serde(default)]
    region_name: Vec<String>,
    #[serde(default)]
    all_regions: bool,
    #[serde(default)]
    filter: Filters,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeRegionsResult {
    region_info: Vec<RegionShape>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RegionShape {
    opt_in_status: &'static str,
    region_name: Region,
    region_endpoint: String,
}

impl Read for DescribeRegions {
    const ACTION: Action = Action::ec2("DescribeRegions");
    const FILTERS: FilterNames = FilterNames { known: &["endpoint", "opt-in-status", "region-name"], refused: &[] };
    type Output<'v> = DescribeRegionsResult;

    fn run(self, look: &mut Look<'_, '_>) -> Result<DescribeRegionsResult, ApiError> {
        let selection = self.filter.select(Self::FILTERS)?;
        let answers = |region: Region| match look.regions {
            Regions::Any => true,
            Regions::One(only) => only == region,
        };
        let partition = look.view.scope().region.partition();
        let in_partition = || Region::all().filter(|region| region.partition() == partition);
        for name in &self.region_name {
            if !in_partition().any(|region| region.name() == name) {
                let shown: String = name.chars().take(64).collect();
                return Err(ApiError::new("InvalidParameterValue", format!("Invalid region name: [{shown}]")));
            }
        }
        let asked = |region: &Region| match self.region_name.is_empty() {
            true => self.all_regions || answers(*region),
            false => self.region_name.iter().any(|name| name == region.name()),
        };
        let shapes = in_partition().filter(asked).map(|region| shape(region, answers(region)));
        let matching = shapes.filter(|shape| {
            selection.is_empty()
                || selection.matches(None, |name| match name {
                    "endpoint" => one(shape.region_endpoint.clone()),
                    "opt-in-status" => one(shape.opt_in_status),
                    _ => one(shape.region_name.name()),
                })
        });
        Ok(DescribeRegionsResult { region_info: matching.collect() })
    }
}

/// Regions that an account of AWS's has from the start; those that came after March 2019 are to be opted in to.
const FROM_THE_START: [&str; 21] = [
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "cn-north-1",
    "cn-northwest-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-west-1",
    "us-west-2",
];

fn shape(region: Region, answers: bool) -> RegionShape {
    let opt_in_status = match (answers, FROM_THE_START.contains(&region.name())) {
        (true, true) => "opt-in-not-required",
        (true, false) => "opted-in",
        (false, _) => "not-opted-in",
    };
    let suffix = if region.partition() == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" };
    RegionShape { opt_in_status, region_name: region, region_endpoint: format!("ec2.{region}.{suffix}") }
}
