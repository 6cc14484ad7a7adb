//! What StartInstances, StopInstances and TerminateInstances have in common: several instances, all or nothing, each
//! with the state before and after.

use landfall_cloud::power::{self, PowerOrder};
use landfall_cloud::value::Instances;
use landfall_cloud::{Fault, Tx, View};
use landfall_model::InstanceId;
use serde::Serialize;

use super::StateShape;
use crate::demand::Demand;
use crate::error::ApiError;
use crate::{Action, Demands};

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Changes {
    instances_set: Vec<Change>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Change {
    instance_id: InstanceId,
    current_state: StateShape,
    previous_state: StateShape,
}

/// The demand of an action on each instance.
pub fn demand_each(view: &View<'_>, demands: &mut Demands, action: Action, ids: &[InstanceId]) {
    for &id in ids {
        demand_one(view, demands, action, id);
    }
}

/// The demand of an action on an instance.
pub fn demand_one<'d>(view: &View<'_>, demands: &'d mut Demands, action: Action, id: InstanceId) -> &'d mut Demand {
    let demand = demands.ec2(view, action, id);
    if let Some(row) = view.find::<Instances, _>(id) {
        demand.with("ec2:InstanceType", &row.spec.instance_type);
        demand.with("ec2:AvailabilityZone", row.spec.zone);
        demand.with("ec2:RootDeviceType", "ebs");
        demand.with("ec2:Tenancy", "default");
        if let Some(row) = view.profile_of(id) {
            demand.with("ec2:InstanceProfile", &row.arn);
        }
    }
    demand
}

/// That every id is an instance of the caller's; the error names all that aren't.
pub fn check_all(view: &View<'_>, ids: &[InstanceId]) -> Result<(), ApiError> {
    if ids.is_empty() {
        return Err(ApiError::missing("InstanceId"));
    }
    let missing: Vec<_> = ids.iter().copied().filter(|id| view.find::<Instances, _>(*id).is_none()).collect();
    if missing.is_empty() { Ok(()) } else { Err(Fault::none_of(&missing).into()) }
}

/// Carries out an order on all of them, or on none.
pub fn order_all(tx: &mut Tx<'_, '_>, ids: &[InstanceId], order: PowerOrder) -> Result<Changes, ApiError> {
    check_all(&tx.view(), ids)?;
    let mut instances_set = Vec::with_capacity(ids.len());
    for &id in ids {
        let (before, after) = power::order(tx, id, order)?;
        instances_set.push(Change { instance_id: id, current_state: after.into(), previous_state: before.into() });
    }
    Ok(Changes { instances_set })
}
