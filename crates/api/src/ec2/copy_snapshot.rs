//! ec2:CopySnapshot. Copies a snapshot that the caller may use, from this region or another one.

use landfall_cloud::ebs::Encryption;
use landfall_cloud::{Tx, View, snapshot, tag};
use landfall_model::{Arn, Region, Scope, SnapshotId, SnapshotKind};
use serde::{Deserialize, Serialize};

use super::shape::ebs;
use super::shape::snapshot::{KIND, check_description, facts};
use super::shape::unsupported::{Unsupported, refuse_parameters};
use super::shape::{Tag, TagSpecifications, tag_set};
use crate::encryption::DefaultKey;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CopySnapshot {
    #[serde(default)]
    description: String,
    destination_outpost_arn: Option<Unsupported>,
    destination_region: Option<String>,
    #[serde(default)]
    encrypted: bool,
    kms_key_id: Option<String>,
    /// Tools send it along from region to region; who calls is known here without it.
    #[serde(rename = "PresignedUrl")]
    _presigned_url: Option<String>,
    source_region: String,
    source_snapshot_id: SnapshotId,
    #[serde(default)]
    tag_specification: TagSpecifications,
    completion_duration_minutes: Option<Unsupported>,
    destination_availability_zone: Option<Unsupported>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CopySnapshotResult<'t> {
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_set: Option<Vec<Tag<'t>>>,
    snapshot_id: SnapshotId,
}

impl Write for CopySnapshot {
    const ACTION: Action = Action::ec2("CopySnapshot");
    type Output<'t> = CopySnapshotResult<'t>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let tags = self.tag_specification.claimed(KIND);
        let demand = demands.resource(Self::ACTION, Arn::ec2_public_any::<SnapshotKind>(view.scope()));
        demand.request_tags(&tags);
        let mut data_key = None;
        if let Ok(from) = self.from(view) {
            demand.with("ec2:ParentSnapshot", Arn::ec2_public(from, self.source_snapshot_id));
            if let Some(row) = View::new(view.tables(), from, view.now()).snapshot(self.source_snapshot_id) {
                facts(demand, row);
                data_key = row.data_key.as_ref();
            }
        }
        demands.tagging_snapshots(Self::ACTION, &tags);
        let kms_key = self.encryption().key_of_copy(view, data_key);
        ebs::demand_new(view, demands, kms_key.as_deref(), data_key);
    }

    fn default_key(&self, view: &View<'_>) -> Option<DefaultKey> {
        let from = self.from(view).ok()?;
        let row = View::new(view.tables(), from, view.now()).snapshot(self.source_snapshot_id)?;
        ebs::own_key(view, self.encryption().key_of_copy(view, row.data_key.as_ref()).as_deref())
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<CopySnapshotResult<'t>, ApiError> {
        refuse_parameters!(self; destination_outpost_arn, completion_duration_minutes, destination_availability_zone);
        let here = tx.scope().region.to_string();
        if let Some(other) = self.destination_region.as_deref().filter(|region| *region != here) {
            return Err(ApiError::invalid("DestinationRegion", other, format!("The request was sent to {here}.")));
        }
        check_description(&self.description)?;
        self.tag_specification.check(&[KIND])?;
        let tags = self.tag_specification.of(KIND)?;
        let from = self.from(&tx.view())?;
        let id = snapshot::copy(tx, from, self.source_snapshot_id, &self.description, &self.encryption())?;
        tag::put(tx, KIND, &id.to_string(), &tags)?;
        Ok(CopySnapshotResult { tag_set: tag_set(&tx.view(), &id.to_string()), snapshot_id: id })
    }
}

impl CopySnapshot {
    fn encryption(&self) -> Encryption {
        Encryption { asked: self.encrypted, key: self.kms_key_id.clone().filter(|key| !key.is_empty()) }
    }

    /// The caller's account in the region that the snapshot is in.
    fn from(&self, view: &View<'_>) -> Result<Scope, ApiError> {
        let region: Result<Region, _> = self.source_region.parse();
        let region =
            region.map_err(|_| ApiError::invalid("SourceRegion", &self.source_region, "There is no such region."))?;
        Ok(Scope { region, ..view.scope() })
    }
}
