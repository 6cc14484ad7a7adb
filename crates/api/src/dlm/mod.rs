//! Data Lifecycle Manager: policies that make snapshots and images by schedule, and let them go.
//!
//! What is done by them is done elsewhere, in the name of the role that a policy has: `landfall-control`'s `lifecycle`.

mod create_lifecycle_policy;
mod delete_lifecycle_policy;
mod get_lifecycle_policies;
mod get_lifecycle_policy;
mod list_tags_for_resource;
pub(crate) mod route;
mod shape;
mod tag_resource;
mod terms;
mod untag_resource;
mod update_lifecycle_policy;

use crate::operation::Operation;

pub(crate) use terms::in_terms;

/// The operations of this service.
pub static OPERATIONS: &[Operation] = &[
    Operation::write::<create_lifecycle_policy::CreateLifecyclePolicy>(),
    Operation::write::<delete_lifecycle_policy::DeleteLifecyclePolicy>(),
    Operation::read::<get_lifecycle_policies::GetLifecyclePolicies>(),
    Operation::read::<get_lifecycle_policy::GetLifecyclePolicy>(),
    Operation::read::<list_tags_for_resource::ListTagsForResource>(),
    Operation::write::<tag_resource::TagResource>(),
    Operation::write::<untag_resource::UntagResource>(),
    Operation::write::<update_lifecycle_policy::UpdateLifecyclePolicy>(),
];
