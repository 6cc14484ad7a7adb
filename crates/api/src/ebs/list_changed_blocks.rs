//! ebs:ListChangedBlocks. Lists the blocks that differ between two snapshots of one lineage, told by their names alone.

use landfall_chunks::BLOCK_BYTES;
use landfall_cloud::{View, snapshot};
use landfall_model::SnapshotId;
use landfall_wire::Time;
use serde::{Deserialize, Serialize};

use super::shape::{Blocks, Change, LIFE, PageAsked, Tokens, demand, invalid, readable};
use crate::{Action, ApiError, Demands, Inquire, Outside};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListChangedBlocks {
    /// The model has it optional; its documentation says that one goes with the other.
    first_snapshot_id: Option<SnapshotId>,
    second_snapshot_id: SnapshotId,
    page_token: Option<String>,
    max_results: Option<u32>,
    starting_block_index: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListChangedBlocksResponse {
    changed_blocks: Vec<ChangedBlock>,
    expiry_time: Time,
    volume_size: u32,
    block_size: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

/// A token is absent where its snapshot has zeros.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ChangedBlock {
    block_index: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_block_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    second_block_token: Option<String>,
}

impl Inquire for ListChangedBlocks {
    const ACTION: Action = Action::ebs("ListChangedBlocks");
    type Output = ListChangedBlocksResponse;

    fn check(&self) -> Result<(), ApiError> {
        if self.first_snapshot_id.is_none() {
            return Err(ApiError::missing("firstSnapshotId"));
        }
        self.page().check()
    }

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        for id in self.first_snapshot_id.into_iter().chain([self.second_snapshot_id]) {
            demand(view, demands, Self::ACTION, id);
        }
    }

    async fn inquire<'a>(&'a self, outside: &'a Outside, view: View<'a>) -> Result<Self::Output, ApiError> {
        let first_id = self.first_snapshot_id.ok_or_else(|| ApiError::missing("firstSnapshotId"))?;
        let second_id = self.second_snapshot_id;
        let (first_row, second_row) = (readable(&view, first_id)?, readable(&view, second_id)?);
        let unrelated = |why: &str| {
            let message = format!("The snapshots '{first_id}' and '{second_id}' {why}.");
            invalid("UNRELATED_SNAPSHOTS", message)
        };
        if !snapshot::are_related(view.tables(), first_row, second_row) {
            return Err(unrelated("are not of one volume or snapshot lineage"));
        }
        let (first, second) = (Blocks::of(outside, first_row)?, Blocks::of(outside, second_row)?);
        if !first.are_comparable(&second) {
            return Err(unrelated("have the data of two accounts, which can't be compared"));
        }
        let tokens = Tokens::new(&outside.vault, view.scope());
        let context = format!("changes from {first_id} to {second_id}");
        let (from, limit) = self.page().read(&tokens, &context)?;
        let (until, volume_size) = (view.now() + LIFE, second_row.size_gib);
        let work = move || -> Result<_, landfall_chunks::Error> {
            let read = first.changes(&second, from, limit)?;
            let token = |is_there: bool, id, block| is_there.then(|| tokens.of_block(id, block, until));
            let changed = |Change { block, in_first, in_second }| ChangedBlock {
                block_index: block,
                first_block_token: token(in_first, first_id, block),
                second_block_token: token(in_second, second_id, block),
            };
            Ok(ListChangedBlocksResponse {
                changed_blocks: read.list.into_iter().map(changed).collect(),
                expiry_time: Time(until.as_millis()),
                volume_size,
                block_size: BLOCK_BYTES,
                next_token: read.next.map(|next| tokens.of_page(&context, next)),
            })
        };
        outside.blocks.read(work).await
    }
}

impl ListChangedBlocks {
    fn page(&self) -> PageAsked<'_> {
        PageAsked { token: self.page_token.as_deref(), max: self.max_results, start: self.starting_block_index }
    }
}
