//! ec2:CreateVolume. Makes a volume in a zone: of zeroes, or of a snapshot: the caller's own, one that is shared with it, or
//! an image's.

use landfall_cloud::ebs::Encryption;
use landfall_cloud::value::Volumes;
use landfall_cloud::volume::{self, NewVolume};
use landfall_cloud::{Tx, View, tag};
use landfall_model::{Arn, DataKey, Image, Snapshot, SnapshotId, VolumeKind, VolumeKindId, VolumeShape, ZoneName};
use serde::Deserialize;

use super::shape::TagSpecifications;
use super::shape::ebs;
use super::shape::snapshot::demand as snapshot_demand;
use super::shape::unsupported::{Unsupported, refuse_parameters};
use super::shape::volume::{VolumeOut, shape_of, volume as shown};
use super::shape::zone;
use crate::encryption::DefaultKey;
use crate::{Action, ApiError, Demands, Write};

/// The kind that its tag specifications name.
const KIND: &str = "volume";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateVolume {
    availability_zone: Option<String>,
    availability_zone_id: Option<String>,
    #[serde(default)]
    encrypted: bool,
    iops: Option<u32>,
    kms_key_id: Option<String>,
    outpost_arn: Option<Unsupported>,
    size: Option<u32>,
    snapshot_id: Option<SnapshotId>,
    volume_type: Option<VolumeKind>,
    #[serde(default)]
    tag_specification: TagSpecifications,
    #[serde(default)]
    multi_attach_enabled: bool,
    throughput: Option<u32>,
    volume_initialization_rate: Option<Unsupported>,
    operator: Option<Unsupported>,
}

/// What a volume can be made of.
#[derive(Clone, Copy)]
enum Source<'v> {
    /// An account's snapshot.
    Snapshot(&'v Snapshot),
    /// An image, whose snapshot is the region's.
    Image(&'v Image),
}

impl<'v> Source<'v> {
    fn data_key(self) -> Option<&'v DataKey> {
        match self {
            Source::Snapshot(row) => row.data_key.as_ref(),
            Source::Image(_) => None,
        }
    }

    fn size_gib(self) -> u32 {
        match self {
            Source::Snapshot(row) => row.size_gib,
            Source::Image(image) => image.size_gib,
        }
    }
}

impl Write for CreateVolume {
    const ACTION: Action = Action::ec2("CreateVolume");
    const CLIENT_TOKEN: bool = true;
    type Output<'t> = VolumeOut<'t>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let tags = self.tag_specification.claimed(KIND);
        let kms_key = self.kms_key(view);
        let demand = demands.new_ec2::<VolumeKindId>(Self::ACTION).request_tags(&tags);
        demand.with("ec2:Encrypted", kms_key.is_some());
        if let Ok(zone) = self.zone(view) {
            demand.with("ec2:AvailabilityZone", zone).with("ec2:AvailabilityZoneId", zone.zone_id());
        }
        let source = self.source(view).ok().flatten();
        if let Some(size_gib) = self.size.or(source.map(Source::size_gib)) {
            shape_of(demand, &self.shape(size_gib));
        }
        if let Some(snapshot) = self.snapshot_id {
            let arn = Arn::ec2_public(view.scope(), snapshot);
            demand.with("ec2:ParentSnapshot", &arn);
            let demand = snapshot_demand(view, demands, Self::ACTION, snapshot);
            if let Some(Source::Image(image)) = source {
                // The region's own snapshots belong to no account.
                demand.with("ec2:Owner", "amazon").with("ec2:VolumeSize", image.size_gib);
                demand.with("ec2:Encrypted", false);
            }
        }
        demands.tagging(Self::ACTION, KIND, &tags);
        ebs::demand_new(view, demands, kms_key.as_deref(), source.and_then(Source::data_key));
    }

    fn default_key(&self, view: &View<'_>) -> Option<DefaultKey> {
        ebs::own_key(view, self.kms_key(view).as_deref())
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<VolumeOut<'t>, ApiError> {
        refuse_parameters!(self; outpost_arn, volume_initialization_rate, operator);
        if self.multi_attach_enabled {
            return Err(ApiError::unsupported("the value 'true' of the parameter MultiAttachEnabled"));
        }
        self.tag_specification.check(&[KIND])?;
        let tags = self.tag_specification.of(KIND)?;
        let view = tx.view();
        let zone = self.zone(&view)?;
        let source = self.source(&view)?;
        let size_gib = match (self.size, source) {
            (Some(size), _) => size,
            (None, Some(source)) => source.size_gib(),
            (None, None) => {
                let message = "The request must contain the parameter size or snapshotId";
                return Err(ApiError::new("MissingParameter", message));
            }
        };
        let new = NewVolume {
            shape: self.shape(size_gib),
            encryption: self.encryption(),
            image: match source {
                Some(Source::Image(image)) => Some((image.id, image.snapshot)),
                _ => None,
            },
            snapshot: match source {
                Some(Source::Snapshot(row)) => Some(row.id),
                _ => None,
            },
            of_image: None,
        };
        let id = volume::create(tx, zone, new)?;
        tag::put(tx, KIND, &id.to_string(), &tags)?;
        let view = tx.view();
        let mut answer = shown(&view, view.need::<Volumes, _>(id)?);
        // It can be used from the next look on; what is made just now isn't said to be there yet.
        answer.status = "creating";
        Ok(answer)
    }
}

impl CreateVolume {
    fn zone(&self, view: &View<'_>) -> Result<ZoneName, ApiError> {
        let (name, id) = (self.availability_zone.as_deref(), self.availability_zone_id.as_deref());
        let found = zone::find_or(view.scope().region, name, id, |_, text| {
            ApiError::new("InvalidZone.NotFound", format!("The zone '{text}' does not exist."))
        })?;
        found.ok_or_else(|| ApiError::missing("AvailabilityZone"))
    }

    /// What is asked for by its snapshot.
    fn source<'v>(&self, view: &View<'v>) -> Result<Option<Source<'v>>, ApiError> {
        let Some(id) = self.snapshot_id else { return Ok(None) };
        let own = view.snapshot(id).map(Source::Snapshot);
        let source = own.or_else(|| view.image_of(id).map(Source::Image));
        Ok(Some(source.ok_or_else(|| landfall_cloud::Fault::no_such(id))?))
    }

    fn encryption(&self) -> Encryption {
        Encryption { asked: self.encrypted, key: self.kms_key_id.clone().filter(|key| !key.is_empty()) }
    }

    /// The key that the volume is to be encrypted under, if it is.
    fn kms_key(&self, view: &View<'_>) -> Option<String> {
        let source = self.source(view).ok().flatten();
        self.encryption().key_of_volume(view, source.and_then(Source::data_key))
    }

    fn shape(&self, size_gib: u32) -> VolumeShape {
        let kind = self.volume_type.unwrap_or(VolumeKind::Gp2);
        VolumeShape { size_gib, kind, iops: self.iops, throughput_mib: self.throughput }
    }
}
