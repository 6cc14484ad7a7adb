//! ebs:GetSnapshotBlock. Gives out a block of a snapshot to whoever has its token.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use landfall_cloud::View;
use landfall_model::SnapshotId;
use landfall_wire::{Bytes, Payload};
use serde::{Deserialize, Serialize};

use super::shape::{Blocks, Tokens, demand, invalid, readable};
use crate::{Action, ApiError, Demands, Inquire, Outside};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetSnapshotBlock {
    snapshot_id: SnapshotId,
    block_index: u64,
    block_token: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetSnapshotBlockResponse {
    data_length: usize,
    block_data: Bytes,
    checksum: String,
    checksum_algorithm: &'static str,
}

/// Where they stand in the answer.
pub(super) const PAYLOAD: Payload = Payload {
    member: "BlockData",
    headers: &[
        ("DataLength", "x-amz-data-length"),
        ("Checksum", "x-amz-checksum"),
        ("ChecksumAlgorithm", "x-amz-checksum-algorithm"),
    ],
};

impl Inquire for GetSnapshotBlock {
    const ACTION: Action = Action::ebs("GetSnapshotBlock");
    type Output = GetSnapshotBlockResponse;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, self.snapshot_id);
    }

    async fn inquire<'a>(&'a self, outside: &'a Outside, view: View<'a>) -> Result<Self::Output, ApiError> {
        let row = readable(&view, self.snapshot_id)?;
        let tokens = Tokens::new(&outside.vault, view.scope());
        let bad = |why: &str| invalid("INVALID_BLOCK_TOKEN", format!("The block token {why}."));
        let until = tokens.open_block(self.snapshot_id, self.block_index, &self.block_token);
        if until.ok_or_else(|| bad("is invalid"))? <= view.now() {
            return Err(bad("has expired"));
        }
        let (blocks, index) = (Blocks::of(outside, row)?, self.block_index);
        let work = move || -> Result<_, landfall_chunks::Error> {
            let Some(data) = blocks.read(index)? else { return Ok(None) };
            let checksum = STANDARD.encode(digest::digest(&digest::SHA256, &data));
            Ok(Some((data, checksum)))
        };
        let read = outside.blocks.read(work).await?;
        let (data, checksum) =
            read.ok_or_else(|| invalid("INVALID_BLOCK", "The snapshot does not have this block."))?;
        let checksum_algorithm = "SHA256";
        Ok(GetSnapshotBlockResponse { data_length: data.len(), block_data: Bytes(data), checksum, checksum_algorithm })
    }
}
