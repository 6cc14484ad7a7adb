//! elasticfilesystem:CreateFileSystem. Makes a file system, which can be mounted once it has a mount target.

use landfall_cloud::file_system::{self, NewFileSystem, OWN_KEY};
use landfall_cloud::value::FileSystems;
use landfall_cloud::{Tx, View, tag};
use landfall_model::{PerformanceMode, ZoneName};
use serde::Deserialize;

use super::SERVICE;
use super::shape::file_system::{FileSystemShape, shown};
use super::shape::throughput::{ThroughputMode, throughput};
use super::shape::{BAD_TAGS, bad, demand_tagging};
use crate::encryption::{Context, DefaultKey, demand_use};
use crate::home::Home;
use crate::tagging::{self, Tag};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateFileSystem {
    creation_token: String,
    #[serde(default)]
    performance_mode: PerformanceMode,
    encrypted: Option<bool>,
    kms_key_id: Option<String>,
    throughput_mode: Option<ThroughputMode>,
    provisioned_throughput_in_mibps: Option<f64>,
    availability_zone_name: Option<String>,
    backup: Option<bool>,
    #[serde(default)]
    tags: Vec<Tag>,
}

/// The longest creation token, in characters.
const TOKEN_CHARS: usize = 64;

impl Write for CreateFileSystem {
    const ACTION: Action = Action::efs("CreateFileSystem");
    type Output<'t> = FileSystemShape<'t>;

    fn default_key(&self, _: &View<'_>) -> Option<DefaultKey> {
        self.kms_key().filter(|key| key == OWN_KEY).map(|_| DefaultKey::Efs)
    }

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let (tags, kms_key) = (tagging::by_key(&self.tags), self.kms_key());
        let demand = demands.anything(Self::ACTION).request_tags(&tags);
        demand.with("elasticfilesystem:Encrypted", kms_key.is_some());
        demand_tagging(view, demands, Self::ACTION, "file-system", &tags);
        if let Some(key) = kms_key {
            let context = Context::from([("aws:elasticfilesystem:filesystem:id".to_owned(), "fs-*".to_owned())]);
            demand_use(&Home::own(view), demands, "GenerateDataKeyWithoutPlaintext", SERVICE, &key, &context);
        }
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<FileSystemShape<'t>, ApiError> {
        let tags = tagging::distinct(&self.tags, BAD_TAGS)?;
        let kms_key = self.kms_key();
        if self.kms_key_id.is_some() && self.encrypted == Some(false) {
            return Err(bad("KmsKeyId can be given for encrypted file systems only."));
        }
        let token = self.creation_token;
        if token.is_empty() || token.chars().count() > TOKEN_CHARS {
            return Err(bad("A creation token has 1 to 64 characters."));
        }
        if let Some(row) = file_system::of_token(&tx.view(), &token) {
            let message = format!("File system '{}' already exists with creation token '{token}'", row.id);
            return Err(ApiError::new("FileSystemAlreadyExists", message).with_member("FileSystemId", row.id));
        }
        let mode = self.throughput_mode.unwrap_or(ThroughputMode::Bursting);
        let new = NewFileSystem {
            token,
            performance: self.performance_mode,
            throughput: throughput(mode, self.provisioned_throughput_in_mibps)?,
            zone: self.availability_zone_name.as_deref().map(|name| zone(&tx.view(), name)).transpose()?,
            kms_key,
            backup: self.backup,
        };
        let id = file_system::create(tx, new)?;
        tag::put(tx, "file-system", &id.to_string(), &tags)?;
        let view = tx.view();
        Ok(shown(&view, view.need::<FileSystems, _>(id)?))
    }
}

impl CreateFileSystem {
    /// The key that it is to be encrypted with, if it is.
    fn kms_key(&self) -> Option<String> {
        let named = self.kms_key_id.clone().filter(|key| !key.is_empty());
        let is_encrypted = self.encrypted.unwrap_or(named.is_some());
        is_encrypted.then(|| named.unwrap_or_else(|| OWN_KEY.to_owned()))
    }
}

/// The zone of that name in the request's region.
fn zone(view: &View<'_>, name: &str) -> Result<ZoneName, ApiError> {
    let region = view.scope().region;
    let found =
        name.parse().ok().filter(|zone: &ZoneName| zone.region == region && region.zones().any(|own| own == *zone));
    found.ok_or_else(|| {
        let shown: String = name.chars().take(64).collect();
        ApiError::new("UnsupportedAvailabilityZone", format!("There is no Availability Zone {shown} in {region}."))
    })
}
