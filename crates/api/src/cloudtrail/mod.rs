//! CloudTrail: looking events up, and trails that deliver them.

mod add_tags;
mod create_trail;
mod delete_trail;
mod describe_trails;
mod get_event_selectors;
mod get_insight_selectors;
mod get_trail;
mod get_trail_status;
mod list_public_keys;
mod list_tags;
mod list_trails;
mod lookup_events;
mod put_event_selectors;
mod put_insight_selectors;
mod remove_tags;
mod shape;
mod start_logging;
mod stop_logging;
mod update_trail;

use crate::operation::Operation;

/// The operations of this service.
pub static OPERATIONS: &[Operation] = &[
    Operation::write::<add_tags::AddTags>(),
    Operation::write::<create_trail::CreateTrail>(),
    Operation::write::<delete_trail::DeleteTrail>(),
    Operation::read::<describe_trails::DescribeTrails>(),
    Operation::read::<get_event_selectors::GetEventSelectors>(),
    Operation::read::<get_insight_selectors::GetInsightSelectors>(),
    Operation::read::<get_trail::GetTrail>(),
    Operation::read::<get_trail_status::GetTrailStatus>(),
    Operation::read::<list_public_keys::ListPublicKeys>(),
    Operation::read::<list_tags::ListTags>(),
    Operation::read::<list_trails::ListTrails>(),
    Operation::read::<lookup_events::LookupEvents>(),
    Operation::write::<put_event_selectors::PutEventSelectors>(),
    Operation::write::<put_insight_selectors::PutInsightSelectors>(),
    Operation::write::<remove_tags::RemoveTags>(),
    Operation::write::<start_logging::StartLogging>(),
    Operation::write::<stop_logging::StopLogging>(),
    Operation::write::<update_trail::UpdateTrail>(),
];
