//! ec2:CreateSnapshots. Makes snapshots of an instance's volumes, all as they are at one moment.

use landfall_cloud::value::{Instances, Snapshots};
use landfall_cloud::{Tx, View, snapshot, tag};
use landfall_model::{AccountId, InstanceId, Snapshot, SnapshotId, VolumeId};
use landfall_wire::Time;
use serde::{Deserialize, Serialize};

use super::create_snapshot::demand_new;
use super::shape::change::demand_one;
use super::shape::snapshot::{KIND, check_description, check_location, volume_of};
use super::shape::unsupported::{Unsupported, refuse_parameters};
use super::shape::{Tag, TagSpecifications, tag_set, time, volume};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateSnapshots {
    #[serde(default)]
    description: String,
    instance_specification: InstanceSpecification,
    outpost_arn: Option<Unsupported>,
    #[serde(default)]
    tag_specification: TagSpecifications,
    copy_tags_from_source: Option<String>,
    location: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct InstanceSpecification {
    instance_id: InstanceId,
    #[serde(default)]
    exclude_boot_volume: bool,
    #[serde(default)]
    exclude_data_volume_id: Vec<VolumeId>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateSnapshotsResult<'t> {
    snapshot_set: Vec<SnapshotInfo<'t>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SnapshotInfo<'t> {
    description: &'t str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_set: Option<Vec<Tag<'t>>>,
    encrypted: bool,
    volume_id: String,
    state: &'static str,
    volume_size: u32,
    start_time: Time,
    progress: &'static str,
    owner_id: AccountId,
    snapshot_id: SnapshotId,
}

impl Write for CreateSnapshots {
    const ACTION: Action = Action::ec2("CreateSnapshots");
    type Output<'t> = CreateSnapshotsResult<'t>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let instance = self.instance_specification.instance_id;
        let tags = self.tag_specification.claimed(KIND);
        demand_one(view, demands, Self::ACTION, instance);
        for id in self.claimed(view) {
            demand_new(view, demands, Self::ACTION, id).request_tags(&tags);
            volume::demand(view, demands, Self::ACTION, id);
        }
        demands.tagging_snapshots(Self::ACTION, &tags);
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<CreateSnapshotsResult<'t>, ApiError> {
        refuse_parameters!(self; outpost_arn);
        check_location(self.location.as_deref())?;
        check_description(&self.description)?;
        self.tag_specification.check(&[KIND])?;
        let tags = self.tag_specification.of(KIND)?;
        let copies_tags = match self.copy_tags_from_source.as_deref() {
            None => false,
            Some("volume") => true,
            Some(other) => return Err(ApiError::invalid("CopyTagsFromSource", other, "It is 'volume'.")),
        };
        let InstanceSpecification { instance_id, exclude_boot_volume, exclude_data_volume_id } =
            self.instance_specification;
        let without = &exclude_data_volume_id;
        let ids = snapshot::create_of_instance(tx, instance_id, exclude_boot_volume, without, &self.description, None)?;
        for id in &ids {
            let mut all = std::collections::BTreeMap::new();
            let view = tx.view();
            if let Some(volume) = view.need::<Snapshots, _>(*id)?.volume.filter(|_| copies_tags) {
                let of_volume = view.tags(&volume.to_string()).into_iter().flatten();
                // Those of AWS's own aren't anybody's to set.
                all.extend(of_volume.filter(|(key, _)| !key.starts_with("aws:")).map(|(k, v)| (k.clone(), v.clone())));
            }
            all.extend(tags.clone());
            tag::put(tx, KIND, &id.to_string(), &all)?;
        }
        let view = tx.view();
        let rows = ids.iter().map(|id| view.need::<Snapshots, _>(*id));
        let shown = rows.map(|row| Ok(info(&view, row?))).collect::<Result<_, ApiError>>()?;
        Ok(CreateSnapshotsResult { snapshot_set: shown })
    }
}

impl CreateSnapshots {
    /// The volumes that it is about; one that isn't there where the instance isn't, so that something is demanded.
    fn claimed(&self, view: &View<'_>) -> Vec<VolumeId> {
        let asked = &self.instance_specification;
        let Some(machine) = view.find::<Instances, _>(asked.instance_id) else { return vec![VolumeId::MIN] };
        let rows = view.volumes_of(machine).into_iter();
        rows.map(|row| row.id).filter(|id| !asked.exclude_data_volume_id.contains(id)).collect()
    }
}

fn info<'t>(view: &View<'t>, row: &'t Snapshot) -> SnapshotInfo<'t> {
    SnapshotInfo {
        description: &row.description,
        tag_set: tag_set(view, &row.id.to_string()),
        encrypted: row.data_key.is_some(),
        volume_id: volume_of(row.volume),
        state: "pending",
        volume_size: row.size_gib,
        start_time: time(row.started_at),
        progress: "",
        owner_id: row.scope.account,
        snapshot_id: row.id,
    }
}
