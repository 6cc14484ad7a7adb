//! ec2:ImportSnapshot. Makes a snapshot of a disk that comes from elsewhere.

use landfall_cloud::ebs::Encryption;
use landfall_cloud::import::{self, NewImport};
use landfall_cloud::{Tx, View, tag};
use landfall_model::{Arn, ImportPlace, ImportSnapshotTaskKind, SnapshotKind};
use serde::Deserialize;

use super::shape::TagSpecifications;
use super::shape::ebs;
use super::shape::import::{
    ClientData, SNAPSHOT_KIND, SnapshotTaskOut, UserBucket, check_role, demand_place, disk, now, place, snapshot_task,
    source,
};
use super::shape::snapshot::check_description;
use crate::encryption::DefaultKey;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ImportSnapshot {
    #[serde(default)]
    description: String,
    disk_container: Option<SnapshotDiskContainer>,
    #[serde(default)]
    encrypted: bool,
    kms_key_id: Option<String>,
    role_name: Option<String>,
    #[serde(default)]
    tag_specification: TagSpecifications,
    #[serde(rename = "ClientData")]
    _client_data: Option<ClientData>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct SnapshotDiskContainer {
    description: Option<String>,
    format: Option<String>,
    url: Option<String>,
    user_bucket: Option<UserBucket>,
}

impl Write for ImportSnapshot {
    const ACTION: Action = Action::ec2("ImportSnapshot");
    const CLIENT_TOKEN: bool = true;
    type Output<'t> = SnapshotTaskOut<'t>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let tags = self.tag_specification.claimed(SNAPSHOT_KIND);
        demands.new_ec2::<ImportSnapshotTaskKind>(Self::ACTION).request_tags(&tags);
        demands.resource(Self::ACTION, Arn::ec2_public_any::<SnapshotKind>(view.scope()));
        demands.tagging(Self::ACTION, SNAPSHOT_KIND, &tags);
        demand_place(view, demands, self.place().as_ref());
        ebs::demand_new(view, demands, self.encryption().key_of_volume(view, None).as_deref(), None);
    }

    fn default_key(&self, view: &View<'_>) -> Option<DefaultKey> {
        ebs::own_key(view, self.encryption().key_of_volume(view, None).as_deref())
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<SnapshotTaskOut<'t>, ApiError> {
        check_description(&self.description)?;
        self.tag_specification.check(&[SNAPSHOT_KIND])?;
        let tags = self.tag_specification.of(SNAPSHOT_KIND)?;
        let encryption = self.encryption();
        encryption.check()?;
        let container = self.disk_container.ok_or_else(|| ApiError::missing("DiskContainer"))?;
        let (url, bucket) = (container.url.as_deref(), container.user_bucket.as_ref());
        let source = source(&tx.view(), container.format.as_deref(), url, bucket)?;
        check_role(&tx.view(), self.role_name.as_deref(), &[&source])?;
        let disks = vec![disk(source, container.description, None)];
        let task = import::begin(tx, NewImport { description: self.description, disks, image: None, encryption })?;
        tag::put(tx, SNAPSHOT_KIND, &task.name(), &tags)?;
        let view = tx.view();
        now(&view, &task).map(|task| snapshot_task(&view, task)).ok_or_else(ApiError::internal)
    }
}

impl ImportSnapshot {
    fn encryption(&self) -> Encryption {
        Encryption { asked: self.encrypted, key: self.kms_key_id.clone().filter(|key| !key.is_empty()) }
    }

    fn place(&self) -> Option<ImportPlace> {
        let container = self.disk_container.as_ref()?;
        place(container.url.as_deref(), container.user_bucket.as_ref())
    }
}
