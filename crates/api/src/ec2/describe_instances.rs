//! ec2:DescribeInstances. Lists instances by the call that launched them.

use landfall_cloud::View;
use landfall_cloud::value::Instances;
use landfall_model::{Instance, InstanceId, ReservationId};
use serde::{Deserialize, Serialize};

use super::shape::change::check_all;
use super::shape::instance::{Reservation, instance};
use super::shape::instance_filter;
use crate::filter::FilterNames;
use crate::{Action, ApiError, Filters, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeInstances {
    #[serde(default)]
    instance_id: Vec<InstanceId>,
    #[serde(default)]
    filter: Filters,
    /// No instance is managed by another service, so that both answers are the same.
    #[serde(default, rename = "IncludeManagedResources")]
    _include_managed_resources: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeInstancesResult<'v> {
    reservation_set: Vec<Reservation<'v>>,
}

impl Read for DescribeInstances {
    const ACTION: Action = Action::ec2("DescribeInstances");
    const FILTERS: FilterNames = instance_filter::NAMES;
    const PAGE_LIMIT: usize = 1000;
    const PAGE_LEAST: usize = 5;
    type Output<'v> = DescribeInstancesResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeInstancesResult<'v>, ApiError> {
        let view = look.view;
        let selection = self.filter.select(Self::FILTERS)?;
        let rows = if self.instance_id.is_empty() {
            let matching = view
                .from::<Instances, InstanceId>(look.page.start()?)
                .filter(|row| instance_filter::matches(&view, &selection, row));
            look.page.take(matching, |row| row.id)?
        } else {
            if look.page.is_asked() {
                return Err(ApiError::combination(
                    "The parameter instancesSet cannot be used with the parameter maxResults",
                ));
            }
            named(&view, &self.instance_id)?
                .into_iter()
                .filter(|row| instance_filter::matches(&view, &selection, row))
                .collect()
        };
        Ok(DescribeInstancesResult { reservation_set: by_reservation(&view, rows) })
    }
}

/// The instances of those ids: all of them, or an error that names those that aren't there.
pub fn named<'v>(view: &View<'v>, ids: &[InstanceId]) -> Result<Vec<&'v Instance>, ApiError> {
    check_all(view, ids)?;
    let mut rows: Vec<_> = ids.iter().filter_map(|id| view.find::<Instances, _>(*id)).collect();
    rows.sort_by_key(|row| row.id);
    rows.dedup_by_key(|row| row.id);
    Ok(rows)
}

/// Groups rows by reservation, in the order in which each first comes up; by launch index within.
pub fn by_reservation<'v>(view: &View<'v>, mut rows: Vec<&'v Instance>) -> Vec<Reservation<'v>> {
    rows.sort_by_key(|row| (row.spec.reservation, row.spec.launch_index));
    let mut reservations: Vec<Reservation<'v>> = Vec::new();
    let mut last: Option<ReservationId> = None;
    for row in rows {
        if last != Some(row.spec.reservation) {
            last = Some(row.spec.reservation);
            reservations.push(Reservation {
                reservation_id: row.spec.reservation,
                owner_id: row.scope.account,
                group_set: [],
                instances_set: Vec::new(),
            });
        }
        if let Some(reservation) = reservations.last_mut() {
            reservation.instances_set.push(instance(view, row));
        }
    }
    reservations
}
