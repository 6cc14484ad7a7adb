//! ec2:CopyImage. Copies an image whose snapshots the caller may use, from this region or another one.

use std::collections::BTreeMap;

use landfall_cloud::ebs::Encryption;
use landfall_cloud::image::create;
use landfall_cloud::value::OwnImages;
use landfall_cloud::{Tx, View, tag};
use landfall_model::{Arn, DataKey, ImageId, Region, Scope, SnapshotKind};
use serde::Deserialize;

use super::create_image::NewImage;
use super::shape::TagSpecifications;
use super::shape::ebs;
use super::shape::image::{KIND, check_description, demand_new};
use super::shape::snapshot;
use super::shape::unsupported::{Unsupported, refuse_parameters};
use crate::encryption::DefaultKey;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CopyImage {
    name: String,
    source_image_id: ImageId,
    source_region: String,
    description: Option<String>,
    #[serde(default)]
    encrypted: bool,
    #[serde(default)]
    copy_image_tags: bool,
    #[serde(default)]
    tag_specification: TagSpecifications,
    kms_key_id: Option<String>,
    destination_outpost_arn: Option<Unsupported>,
    snapshot_copy_completion_duration_minutes: Option<Unsupported>,
    destination_availability_zone: Option<Unsupported>,
    destination_availability_zone_id: Option<Unsupported>,
}

impl Write for CopyImage {
    const ACTION: Action = Action::ec2("CopyImage");
    const CLIENT_TOKEN: bool = true;
    type Output<'t> = NewImage;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let tags = self.tags(view);
        let of_snapshots = self.tag_specification.claimed(snapshot::KIND);
        demand_new(view, demands, Self::ACTION).request_tags(&tags);
        let made = Arn::ec2_public_any::<SnapshotKind>(view.scope());
        demands.resource(Self::ACTION, made).request_tags(&of_snapshots);
        demands.tagging_images(Self::ACTION, &tags);
        demands.tagging_snapshots(Self::ACTION, &of_snapshots);
        for (kms_key, source) in self.keys(view) {
            ebs::demand_new(view, demands, kms_key.as_deref(), source);
        }
    }

    fn default_key(&self, view: &View<'_>) -> Option<DefaultKey> {
        self.keys(view).iter().find_map(|(kms_key, _)| ebs::own_key(view, kms_key.as_deref()))
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<NewImage, ApiError> {
        refuse_parameters!(self; destination_outpost_arn, snapshot_copy_completion_duration_minutes,
            destination_availability_zone, destination_availability_zone_id);
        check_description(self.description.as_deref().unwrap_or_default())?;
        self.tag_specification.check(&[KIND, snapshot::KIND])?;
        self.tag_specification.of(KIND)?;
        let (tags, of_snapshots) = (self.tags(&tx.view()), self.tag_specification.of(snapshot::KIND)?);
        let from = self.from()?;
        let image_id =
            create::copy(tx, from, self.source_image_id, &self.name, self.description.as_deref(), &self.encryption())?;
        tag::put(tx, KIND, &image_id.to_string(), &tags)?;
        for id in tx.view().need::<OwnImages, _>(image_id)?.snapshots() {
            tag::put(tx, snapshot::KIND, &id.to_string(), &of_snapshots)?;
        }
        Ok(NewImage { image_id })
    }
}

impl CopyImage {
    fn encryption(&self) -> Encryption {
        Encryption { asked: self.encrypted, key: self.kms_key_id.clone().filter(|key| !key.is_empty()) }
    }

    /// The keys that the copies of its snapshots are to be encrypted under, each with that of what it is a copy of.
    fn keys<'v>(&self, view: &View<'v>) -> Vec<(Option<String>, Option<&'v DataKey>)> {
        let Ok(region) = self.from() else { return Vec::new() };
        let there = View::new(view.tables(), Scope { region, ..view.scope() }, view.now());
        let snapshots = there.own_image(self.source_image_id).map(|image| image.snapshots()).unwrap_or_default();
        let source = |id| there.snapshot(id).and_then(|row| row.data_key.as_ref());
        let keys = snapshots.into_iter().map(source);
        keys.map(|source| (self.encryption().key_of_copy(view, source), source)).collect()
    }

    fn from(&self) -> Result<Region, ApiError> {
        let region = self.source_region.parse();
        region.map_err(|_| ApiError::invalid("SourceRegion", &self.source_region, "There is no such region."))
    }

    /// The tags of the copy: those that the caller gave the image, if they are asked for, under those of the request.
    fn tags(&self, view: &View<'_>) -> BTreeMap<String, String> {
        let mut tags = BTreeMap::new();
        if let Ok(region) = self.from()
            && self.copy_image_tags
        {
            let there = View::new(view.tables(), Scope { region, ..view.scope() }, view.now());
            let of_image = there.tags(&self.source_image_id.to_string()).into_iter().flatten();
            // Those of AWS's own aren't anybody's to set.
            tags.extend(of_image.filter(|(key, _)| !key.starts_with("aws:")).map(|(k, v)| (k.clone(), v.clone())));
        }
        tags.extend(self.tag_specification.claimed(KIND));
        tags
    }
}
