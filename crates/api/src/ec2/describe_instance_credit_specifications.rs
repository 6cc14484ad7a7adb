//! ec2:DescribeInstanceCreditSpecifications. Tells which burstable instances have unlimited CPU credits.

use landfall_cloud::value::Instances;
use landfall_cloud::{Fault, View};
use landfall_model::{Instance, InstanceId, InstanceType};
use serde::{Deserialize, Serialize};

use crate::filter::{FilterNames, shown};
use crate::{Action, ApiError, Filters, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeInstanceCreditSpecifications {
    #[serde(default)]
    instance_id: Vec<InstanceId>,
    #[serde(default)]
    filter: Filters,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeInstanceCreditSpecificationsResult<'v> {
    instance_credit_specification_set: Vec<CreditSpecification<'v>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CreditSpecification<'v> {
    instance_id: InstanceId,
    cpu_credits: &'v str,
}

impl Read for DescribeInstanceCreditSpecifications {
    const ACTION: Action = Action::ec2("DescribeInstanceCreditSpecifications");
    const PAGE_LIMIT: usize = 1000;
    const PAGE_LEAST: usize = 5;
    const FILTERS: FilterNames = FilterNames { known: &["instance-id"], refused: &[] };
    type Output<'v> = DescribeInstanceCreditSpecificationsResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeInstanceCreditSpecificationsResult<'v>, ApiError> {
        let view = look.view;
        let selection = self.filter.select(Self::FILTERS)?;
        if !self.instance_id.is_empty() && look.page.is_asked() {
            return Err(ApiError::combination(
                "The parameter instancesSet cannot be used with the parameter maxResults",
            ));
        }
        let rows = self.named(&view)?;
        let matching = rows.into_iter().filter(|(row, _)| selection.matches(None, |_| shown(row.id)));
        let page = look.page.take(matching, |(row, _)| row.id)?;
        let instance_credit_specification_set = page
            .into_iter()
            .map(|(row, cpu_credits)| CreditSpecification { instance_id: row.id, cpu_credits })
            .collect();
        Ok(DescribeInstanceCreditSpecificationsResult { instance_credit_specification_set })
    }
}

impl DescribeInstanceCreditSpecifications {
    /// The instances that are asked for, or those with unlimited credits if none are.
    fn named<'v>(&self, view: &View<'v>) -> Result<Vec<(&'v Instance, &'v str)>, ApiError> {
        if self.instance_id.is_empty() {
            let burstable = view.all::<Instances, _>().filter_map(|row| Some((row, credits(row)?)));
            return Ok(burstable.filter(|(_, credits)| *credits == "unlimited").collect());
        }
        let mut ids = self.instance_id.clone();
        ids.sort_unstable();
        ids.dedup();
        let absent: Vec<_> = ids.iter().copied().filter(|id| view.find::<Instances, _>(*id).is_none()).collect();
        if !absent.is_empty() {
            return Err(Fault::none_of(&absent).into());
        }
        let rows = ids.into_iter().filter_map(|id| view.find::<Instances, _>(id));
        rows.map(|row| {
            let none = || {
                let message = format!(
                    "The instance '{}' is of the type {}, which has no CPU credits.",
                    row.id, row.spec.instance_type
                );
                ApiError::new("InvalidParameterValue", message)
            };
            Ok((row, credits(row).ok_or_else(none)?))
        })
        .collect()
    }
}

/// An instance's kind of credits, if its type has any.
fn credits(row: &Instance) -> Option<&str> {
    let kind = InstanceType::find(&row.spec.instance_type).filter(|kind| kind.family.burstable)?;
    Some(row.spec.cpu_credits.as_deref().unwrap_or(kind.family.default_credits))
}
