//! ec2:CreateImage. Makes an image of an instance's disks. A running guest is shut down for it and started again, unless that
//! isn't wanted.

use landfall_cloud::image::create::{self, OfInstance};
use landfall_cloud::value::Instances;
use landfall_cloud::value::OwnImages;
use landfall_cloud::{Tx, View, tag};
use landfall_model::{ImageId, InstanceId, Volume, VolumeId};
use serde::{Deserialize, Serialize};

use super::create_snapshot;
use super::shape::TagSpecifications;
use super::shape::change::demand_one;
use super::shape::image::{DiskIn, KIND, check_description, demand_new};
use super::shape::snapshot::{self, check_location};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateImage {
    instance_id: InstanceId,
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    no_reboot: bool,
    #[serde(default)]
    block_device_mapping: Vec<DiskIn>,
    #[serde(default)]
    tag_specification: TagSpecifications,
    snapshot_location: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewImage {
    pub(super) image_id: ImageId,
}

impl Write for CreateImage {
    const ACTION: Action = Action::ec2("CreateImage");
    type Output<'t> = NewImage;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let tags = self.tag_specification.claimed(KIND);
        let of_snapshots = self.tag_specification.claimed(snapshot::KIND);
        demand_new(view, demands, Self::ACTION).request_tags(&tags);
        demand_one(view, demands, Self::ACTION, self.instance_id);
        for id in self.volumes(view) {
            create_snapshot::demand_new(view, demands, Self::ACTION, id).request_tags(&of_snapshots);
        }
        // Disks that the instance hasn't got may be made of snapshots that are there.
        for id in self.block_device_mapping.iter().filter_map(DiskIn::snapshot) {
            snapshot::demand(view, demands, Self::ACTION, id);
        }
        demands.tagging_images(Self::ACTION, &tags);
        demands.tagging_snapshots(Self::ACTION, &of_snapshots);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<NewImage, ApiError> {
        check_location(self.snapshot_location.as_deref())?;
        check_description(&self.description)?;
        self.tag_specification.check(&[KIND, snapshot::KIND])?;
        let (tags, of_snapshots) = (self.tag_specification.of(KIND)?, self.tag_specification.of(snapshot::KIND)?);
        let view = tx.view();
        let machine = view.need::<Instances, _>(self.instance_id)?;
        let volumes = view.volumes_of(machine);
        let found = |device: &str| {
            let row = volumes.iter().find(|row| has_name(row, device));
            row.map(|row| row.data_key.is_some())
        };
        let changes = self.block_device_mapping.iter().map(|disk| disk.change(&view, found));
        let order = OfInstance {
            instance: self.instance_id,
            name: &self.name,
            description: &self.description,
            reboots: !self.no_reboot,
            changes: changes.collect::<Result<_, _>>()?,
        };
        let image_id = create::of_instance(tx, &order)?;
        tag::put(tx, KIND, &image_id.to_string(), &tags)?;
        for id in tx.view().need::<OwnImages, _>(image_id)?.snapshots() {
            // A disk that isn't the instance's may be made of a snapshot that was there before.
            if tx.view().snapshot(id).is_some_and(|row| row.started_at == tx.now() && row.volume.is_some()) {
                tag::put(tx, snapshot::KIND, &id.to_string(), &of_snapshots)?;
            }
        }
        Ok(NewImage { image_id })
    }
}

fn has_name(row: &Volume, device: &str) -> bool {
    row.attachment.as_ref().is_some_and(|attachment| attachment.device == device)
}

impl CreateImage {
    /// The volumes that it makes snapshots of; one that isn't there where the instance isn't, so that something is demanded.
    fn volumes(&self, view: &View<'_>) -> Vec<VolumeId> {
        let Some(machine) = view.find::<Instances, _>(self.instance_id) else { return vec![VolumeId::MIN] };
        let is_left_out = |row: &Volume| {
            let mut without = self.block_device_mapping.iter().filter_map(DiskIn::left_out);
            without.any(|device| has_name(row, device))
        };
        view.volumes_of(machine).into_iter().filter(|row| !is_left_out(row)).map(|row| row.id).collect()
    }
}
