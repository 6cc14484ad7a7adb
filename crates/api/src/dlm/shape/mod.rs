//! What the operations of Data Lifecycle Manager have in common.

mod details;
mod policy;

pub(super) use details::{DetailsIn, refuse_on};
pub(super) use policy::{Done, Named, PolicyShape, demand, demand_arn, demand_role, tags, target};
