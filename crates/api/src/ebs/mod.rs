//! EBS's direct APIs: snapshots read by blocks, for tools that back them up.
//!
//! A block is 512 KiB, and so is a chunk of the chunk store: a block that is listed is a chunk that is there, and zeros
//! are neither. What differs between two snapshots is told by the chunks' names, without reading any.

mod get_snapshot_block;
mod list_changed_blocks;
mod list_snapshot_blocks;
pub(crate) mod route;
mod shape;
mod terms;

use landfall_wire::Payload;

use crate::operation::Operation;

pub(crate) use terms::in_terms;

/// The operations of this service.
pub static OPERATIONS: &[Operation] = &[
    Operation::inquire::<get_snapshot_block::GetSnapshotBlock>(),
    Operation::inquire::<list_changed_blocks::ListChangedBlocks>(),
    Operation::inquire::<list_snapshot_blocks::ListSnapshotBlocks>(),
];

/// The place of an answer's members, where its body is no JSON.
pub(crate) fn payload(action: &str) -> Option<&'static Payload> {
    (action == "GetSnapshotBlock").then_some(&get_snapshot_block::PAYLOAD)
}
