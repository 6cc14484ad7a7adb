//! Imports as requests ask for them and answers show them.

use std::borrow::Cow;

use landfall_cloud::value::{ImportImages, ImportSnapshots};
use landfall_cloud::{View, import};
use landfall_model::id::Kind;
use landfall_model::{
    DiskFormat, ImportImageTaskKind, ImportPlace, ImportSnapshotTaskKind, ImportSource, ImportTask, ImportedDisk,
};
use serde::{Deserialize, Serialize};

use super::{Tag, tag_set};
use crate::demand::Demands;
use crate::error::ApiError;
use crate::operation::Action;
use crate::s3::bucket;

/// The kind that tag specifications name an import of an image by.
pub const IMAGE_KIND: &str = ImportImageTaskKind::RESOURCE;
/// The same of a snapshot.
pub const SNAPSHOT_KIND: &str = ImportSnapshotTaskKind::RESOURCE;
/// The role that the service takes unless another is named. Source: the VM Import/Export User Guide, "Required permissions".
const ROLE: &str = "vmimport";
/// The scheme of files of the host, which the provider alone may name.
const FILE: &str = "file://";
/// The longest address or key, and the longest description.
const LONGEST: usize = 2048;

/// Where a disk is.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct UserBucket {
    #[serde(rename = "S3Bucket")]
    bucket: Option<String>,
    #[serde(rename = "S3Key")]
    key: Option<String>,
}

/// What the client says of its upload: told for its own sake, and kept nowhere by AWS either.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ClientData {
    #[serde(rename = "UploadStart")]
    _upload_start: Option<String>,
    #[serde(rename = "UploadEnd")]
    _upload_end: Option<String>,
    #[serde(rename = "UploadSize")]
    _upload_size: Option<f64>,
    #[serde(rename = "Comment")]
    _comment: Option<String>,
}

/// A disk's place, as far as it can be told without looking whether it is any good.
pub fn place(url: Option<&str>, bucket: Option<&UserBucket>) -> Option<ImportPlace> {
    if let Some(UserBucket { bucket: Some(bucket), key: Some(key) }) = bucket {
        return Some(ImportPlace::Bucket { bucket: bucket.clone(), key: key.clone() });
    }
    let url = url?;
    if let Some(path) = url.strip_prefix(FILE) {
        return Some(ImportPlace::Path(path.to_owned()));
    }
    match url.strip_prefix("s3://") {
        Some(rest) => {
            let (bucket, key) = rest.split_once('/')?;
            Some(ImportPlace::Bucket { bucket: bucket.to_owned(), key: key.to_owned() })
        }
        None => Some(ImportPlace::Url(url.to_owned())),
    }
}

/// Demands that the caller may read what is imported: who may not read an object doesn't get it by importing it. A file of a
/// host is the provider's to give.
pub fn demand_place(view: &View<'_>, demands: &mut Demands, place: Option<&ImportPlace>) {
    match place {
        Some(ImportPlace::Bucket { bucket, key }) => {
            bucket::demand(view, demands, "GetObject", bucket, Some(key));
        }
        Some(ImportPlace::Path(_)) => {
            demands.anything(Action::landfall("ImportHostFile"));
        }
        Some(ImportPlace::Url(_)) | None => {}
    }
}

/// The disk that a request describes.
pub fn source(
    view: &View<'_>,
    format: Option<&str>,
    url: Option<&str>,
    bucket: Option<&UserBucket>,
) -> Result<ImportSource, ApiError> {
    if url.is_some() && bucket.is_some() {
        return Err(ApiError::new("InvalidParameterCombination", "Specify either Url or UserBucket, and not both."));
    }
    let text = format.ok_or_else(|| ApiError::missing("Format"))?;
    let format: DiskFormat =
        text.parse().map_err(|()| ApiError::invalid("Format", text, "It is one of OVA, RAW, VHD, VHDX and VMDK."))?;
    let place = place(url, bucket).ok_or_else(|| match url {
        Some(url) => ApiError::invalid("Url", url, "It names a bucket and no object."),
        None => ApiError::missing("UserBucket"),
    })?;
    let is_long = |text: &str| text.is_empty() || text.len() > LONGEST || text.chars().any(char::is_control);
    match &place {
        ImportPlace::Bucket { bucket, key } => {
            if !view.provider().takes(bucket, view.scope().account) {
                let message = format!("The given S3 bucket ({bucket}) does not exist or can't be read");
                return Err(ApiError::new("InvalidParameter", message));
            }
            if is_long(key) {
                return Err(ApiError::invalid("S3Key", "", "It has 1 to 2048 characters, none of which is a control."));
            }
        }
        // A name and a password in it would be shown to whoever looks the task up.
        ImportPlace::Url(url) if !url.starts_with("https://") || is_long(url) || has_user(url) => {
            return Err(ApiError::invalid(
                "Url",
                url.chars().take(80).collect::<String>(),
                "It begins with https:// or s3://.",
            ));
        }
        ImportPlace::Path(path) if view.scope().account != view.provider().operator => {
            return Err(ApiError::invalid("Url", format!("{FILE}{path}"), "It begins with https:// or s3://."));
        }
        ImportPlace::Path(path) if !path.starts_with('/') || is_long(path) => {
            return Err(ApiError::invalid("Url", format!("{FILE}{path}"), "It is an absolute path of the host."));
        }
        ImportPlace::Url(_) | ImportPlace::Path(_) => {}
    }
    Ok(ImportSource { place, format })
}

/// Whether an address has a user's name in it.
fn has_user(url: &str) -> bool {
    let rest = url.strip_prefix("https://").unwrap_or(url);
    rest.split(['/', '?', '#']).next().is_some_and(|authority| authority.contains('@'))
}

/// That the service may act in the account: it takes a role there to read a bucket, the one that is named, or its own.
pub fn check_role(view: &View<'_>, name: Option<&str>, sources: &[&ImportSource]) -> Result<(), ApiError> {
    let reads = sources.iter().any(|source| matches!(source.place, ImportPlace::Bucket { .. }));
    if (reads || name.is_some()) && !import::has_role(view, name.unwrap_or(ROLE)) {
        let name = name.unwrap_or(ROLE);
        let message =
            format!("The service role {name} provided does not exist or does not have sufficient permissions");
        return Err(ApiError::new("InvalidParameter", message));
    }
    Ok(())
}

/// A disk that is yet to be imported.
pub fn disk(source: ImportSource, description: Option<String>, device: Option<String>) -> ImportedDisk {
    ImportedDisk {
        source: Some(source),
        description: description.unwrap_or_default(),
        device,
        volume: None,
        snapshot: None,
        size_bytes: 0,
        percent: 0,
        noticed: None,
    }
}

/// The place of a disk, as answers show it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UserBucketOut<'v> {
    #[serde(rename = "s3Bucket")]
    bucket: &'v str,
    #[serde(rename = "s3Key")]
    key: &'v str,
}

/// A disk that is imported, or was.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DiskOut<'v> {
    #[serde(skip_serializing_if = "Option::is_none")]
    disk_image_size: Option<f64>,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'v str,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<Cow<'v, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_bucket: Option<UserBucketOut<'v>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_name: Option<&'v str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    snapshot_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encrypted: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kms_key_id: Option<&'v str>,
}

fn disk_out(disk: &ImportedDisk) -> DiskOut<'_> {
    let place = disk.source.as_ref().map(|source| &source.place);
    let user_bucket = match place {
        Some(ImportPlace::Bucket { bucket, key }) => Some(UserBucketOut { bucket, key }),
        _ => None,
    };
    let url = match place {
        // What comes after the path may be a signature, which is as good as a password.
        Some(ImportPlace::Url(url)) => Some(url.split('?').next().unwrap_or_default().into()),
        Some(ImportPlace::Path(path)) => Some(format!("{FILE}{path}").into()),
        _ => None,
    };
    DiskOut {
        disk_image_size: (disk.size_bytes > 0).then_some(disk.size_bytes as f64),
        description: &disk.description,
        format: disk.source.as_ref().map(|source| source.format.name()),
        url,
        user_bucket,
        device_name: disk.device.as_deref(),
        snapshot_id: None,
        progress: None,
        status: None,
        status_message: None,
        encrypted: None,
        kms_key_id: None,
    }
}

/// An import of a snapshot.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotTaskOut<'v> {
    import_task_id: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'v str,
    snapshot_task_detail: Option<DiskOut<'v>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_set: Option<Vec<Tag<'v>>>,
}

/// An import of a snapshot as it is shown.
pub fn snapshot_task<'v>(view: &View<'v>, task: &'v ImportTask) -> SnapshotTaskOut<'v> {
    let (status, status_message) = import::status(view, task);
    let detail = task.disks.first().map(|disk| DiskOut {
        snapshot_id: disk.snapshot.filter(|_| disk.volume.is_none()).map(|id| id.to_string()),
        progress: import::percent(view, task).map(|percent| percent.to_string()),
        status: Some(status),
        status_message,
        encrypted: Some(task.kms_key.is_some()),
        kms_key_id: task.kms_key.as_ref().map(landfall_model::Arn::as_str),
        ..disk_out(disk)
    });
    let name = task.name();
    SnapshotTaskOut {
        description: &task.description,
        snapshot_task_detail: detail,
        tag_set: tag_set(view, &name),
        import_task_id: name,
    }
}

/// An import of an image.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageTaskOut<'v> {
    import_task_id: String,
    architecture: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    boot_mode: Option<landfall_model::BootMode>,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'v str,
    encrypted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kms_key_id: Option<&'v str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    license_type: Option<&'v str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Option<&'v str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<String>,
    snapshot_detail_set: Vec<DiskOut<'v>>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_set: Option<Vec<Tag<'v>>>,
}

/// An import of an image as it is shown.
pub fn image_task<'v>(view: &View<'v>, task: &'v ImportTask) -> ImageTaskOut<'v> {
    let (status, status_message) = import::status(view, task);
    let image = task.image.as_ref();
    let disks = task.disks.iter().map(|disk| DiskOut {
        snapshot_id: disk.snapshot.filter(|_| disk.volume.is_none()).map(|id| id.to_string()),
        status: Some(if disk.volume.is_none() && disk.snapshot.is_some() { "completed" } else { status }),
        ..disk_out(disk)
    });
    let name = task.name();
    ImageTaskOut {
        architecture: "x86_64",
        boot_mode: image.and_then(|image| image.boot_mode),
        description: &task.description,
        encrypted: task.kms_key.is_some(),
        image_id: image.and_then(|image| image.image).map(|id| id.to_string()),
        kms_key_id: task.kms_key.as_ref().map(landfall_model::Arn::as_str),
        license_type: image.and_then(|image| image.license.as_deref()),
        platform: image.and_then(|image| image.platform.as_deref()),
        progress: import::percent(view, task).map(|percent| percent.to_string()),
        snapshot_detail_set: disks.collect(),
        status,
        status_message,
        tag_set: tag_set(view, &name),
        import_task_id: name,
    }
}

/// The same of one that was just asked for, which says less.
pub fn image_task_begun<'v>(view: &View<'v>, task: &'v ImportTask) -> ImageTaskOut<'v> {
    ImageTaskOut { boot_mode: None, ..image_task(view, task) }
}

/// The import of that row's id, as it is now.
pub fn now<'v>(view: &View<'v>, task: &ImportTask) -> Option<&'v ImportTask> {
    match &task.image {
        Some(_) => view.find::<ImportImages, _>(task.image_key().id),
        None => view.find::<ImportSnapshots, _>(task.snapshot_key().id),
    }
}
