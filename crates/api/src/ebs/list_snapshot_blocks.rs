//! ebs:ListSnapshotBlocks. Lists the blocks of a snapshot that hold something; all others are zeros.

use landfall_chunks::BLOCK_BYTES;
use landfall_cloud::View;
use landfall_model::SnapshotId;
use landfall_wire::Time;
use serde::{Deserialize, Serialize};

use super::shape::{Blocks, LIFE, PageAsked, Tokens, demand, readable};
use crate::{Action, ApiError, Demands, Inquire, Outside};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListSnapshotBlocks {
    snapshot_id: SnapshotId,
    page_token: Option<String>,
    max_results: Option<u32>,
    starting_block_index: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListSnapshotBlocksResponse {
    blocks: Vec<Block>,
    expiry_time: Time,
    volume_size: u32,
    block_size: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Block {
    block_index: u64,
    block_token: String,
}

impl Inquire for ListSnapshotBlocks {
    const ACTION: Action = Action::ebs("ListSnapshotBlocks");
    type Output = ListSnapshotBlocksResponse;

    fn check(&self) -> Result<(), ApiError> {
        self.page().check()
    }

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, self.snapshot_id);
    }

    async fn inquire<'a>(&'a self, outside: &'a Outside, view: View<'a>) -> Result<Self::Output, ApiError> {
        let id = self.snapshot_id;
        let row = readable(&view, id)?;
        let blocks = Blocks::of(outside, row)?;
        let tokens = Tokens::new(&outside.vault, view.scope());
        let context = format!("blocks of {id}");
        let (from, limit) = self.page().read(&tokens, &context)?;
        let (until, volume_size) = (view.now() + LIFE, row.size_gib);
        let work = move || -> Result<_, landfall_chunks::Error> {
            let read = blocks.list(from, limit)?;
            let block = |index: u64| Block { block_index: index, block_token: tokens.of_block(id, index, until) };
            Ok(ListSnapshotBlocksResponse {
                blocks: read.list.into_iter().map(block).collect(),
                expiry_time: Time(until.as_millis()),
                volume_size,
                block_size: BLOCK_BYTES,
                next_token: read.next.map(|next| tokens.of_page(&context, next)),
            })
        };
        outside.blocks.read(work).await
    }
}

impl ListSnapshotBlocks {
    fn page(&self) -> PageAsked<'_> {
        PageAsked { token: self.page_token.as_deref(), max: self.max_results, start: self.starting_block_index }
    }
}
