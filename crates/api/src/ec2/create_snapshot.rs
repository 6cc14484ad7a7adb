//! ec2:CreateSnapshot. Makes a snapshot of a volume as it is now, also while a guest uses it.

use landfall_cloud::value::{Snapshots, Volumes};
use landfall_cloud::{Tx, View, snapshot, tag};
use landfall_model::{Arn, VolumeId};
use serde::Deserialize;

use super::shape::TagSpecifications;
use super::shape::snapshot::{KIND, SnapshotOut, begun, check_description, check_location};
use super::shape::unsupported::{Unsupported, refuse_parameters};
use super::shape::volume;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateSnapshot {
    volume_id: VolumeId,
    #[serde(default)]
    description: String,
    outpost_arn: Option<Unsupported>,
    #[serde(default)]
    tag_specification: TagSpecifications,
    location: Option<String>,
}

impl Write for CreateSnapshot {
    const ACTION: Action = Action::ec2("CreateSnapshot");
    type Output<'t> = SnapshotOut<'t>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let tags = self.tag_specification.claimed(KIND);
        demand_new(view, demands, Self::ACTION, self.volume_id).request_tags(&tags);
        volume::demand(view, demands, Self::ACTION, self.volume_id);
        demands.tagging_snapshots(Self::ACTION, &tags);
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<SnapshotOut<'t>, ApiError> {
        refuse_parameters!(self; outpost_arn);
        check_location(self.location.as_deref())?;
        check_description(&self.description)?;
        self.tag_specification.check(&[KIND])?;
        let tags = self.tag_specification.of(KIND)?;
        let id = snapshot::create(tx, self.volume_id, &self.description)?;
        tag::put(tx, KIND, &id.to_string(), &tags)?;
        let view = tx.view();
        Ok(begun(&view, view.need::<Snapshots, _>(id)?))
    }
}

/// The demand of an action that makes a snapshot of a volume.
pub(super) fn demand_new<'d>(
    view: &View<'_>,
    demands: &'d mut Demands,
    action: Action,
    volume: VolumeId,
) -> &'d mut crate::demand::Demand {
    let scope = view.scope();
    let demand = demands.resource(action, Arn::ec2_public_any::<landfall_model::SnapshotKind>(scope));
    demand.with("ec2:ParentVolume", Arn::ec2(scope, volume)).with("ec2:Location", "regional");
    if let Some(row) = view.find::<Volumes, _>(volume) {
        demand.with("ec2:VolumeSize", row.seen().size_gib).with("ec2:SourceAvailabilityZone", row.zone);
    }
    demand
}
