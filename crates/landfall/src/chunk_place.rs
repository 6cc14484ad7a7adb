//! Where snapshots are stored: a folder, or a bucket of anything that speaks S3.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use landfall_chunks::{Bucket, BucketOptions, Folder, Objects};
use serde::Deserialize;

/// The place, in the configuration file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(
    untagged,
    expecting = "snapshots is a folder's path, or a table with bucket, region, credentials, endpoint and prefix"
)]
pub enum ChunkPlace {
    /// A folder, which all hosts must see as one.
    Folder(PathBuf),
    /// A bucket.
    Bucket(BucketPlace),
}

/// A bucket, and how to get in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BucketPlace {
    /// Its name.
    bucket: String,
    /// Its region: that of its signatures.
    region: String,
    /// The file of the key, in the form of AWS's tools; of its profiles the one called `default`.
    credentials: PathBuf,
    /// The store's URL; AWS's own if it isn't said.
    endpoint: Option<String>,
    /// What all keys there begin with.
    #[serde(default)]
    prefix: String,
}

/// The key of a bucket.
#[derive(Debug, PartialEq, Eq)]
struct Credentials {
    id: String,
    secret: String,
}

impl ChunkPlace {
    /// Refuses a place that can't be one. It must be found from wherever the server was started.
    pub fn check(self) -> Result<Self> {
        let path = match &self {
            Self::Folder(folder) => folder,
            Self::Bucket(place) => &place.credentials,
        };
        ensure!(path.is_absolute(), "snapshots: {} is no absolute path", path.display());
        if let Self::Bucket(place) = &self {
            let is_url = |url: &String| url.starts_with("https://") || url.starts_with("http://");
            ensure!(
                place.endpoint.as_ref().is_none_or(is_url),
                "snapshots.endpoint: it begins with https:// or http://"
            );
            ensure!(!place.bucket.is_empty() && !place.region.is_empty(), "snapshots: bucket or region is empty");
        }
        Ok(self)
    }

    /// Opens it. Whether a bucket is there, its first use tells.
    pub fn open(&self) -> Result<Arc<dyn Objects>> {
        match self {
            Self::Folder(folder) => {
                crate::serve::make_private(folder)?;
                Ok(Arc::new(Folder::open(folder).context("opening the store of snapshots")?))
            }
            Self::Bucket(place) => {
                let file = place.credentials.display();
                let text = std::fs::read_to_string(&place.credentials).with_context(|| format!("reading {file}"))?;
                let Credentials { id, secret } =
                    credentials(&text).with_context(|| format!("{file} has no aws_access_key_id and secret"))?;
                let mut options = BucketOptions::new(&place.bucket, &place.region, &id, &secret);
                options.endpoint.clone_from(&place.endpoint);
                options.prefix.clone_from(&place.prefix);
                Ok(Arc::new(Bucket::open(&options).context("opening the bucket of snapshots")?))
            }
        }
    }
}

/// The key in a file of the form that AWS's tools have. Source: the AWS CLI User Guide, "Configuration and credential file
/// settings".
fn credentials(text: &str) -> Option<Credentials> {
    let mut is_default = true;
    let (mut id, mut secret) = (None, None);
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])) {
        if let Some(profile) = line.strip_prefix('[') {
            is_default = profile.trim_end_matches(']').trim() == "default";
            continue;
        }
        let Some((name, value)) = line.split_once('=').filter(|_| is_default) else { continue };
        match name.trim() {
            "aws_access_key_id" => id = Some(value.trim().to_owned()),
            "aws_secret_access_key" => secret = Some(value.trim().to_owned()),
            _ => {}
        }
    }
    Some(Credentials { id: id?, secret: secret? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct File {
        snapshots: ChunkPlace,
    }

    fn place(text: &str) -> Result<ChunkPlace> {
        toml::from_str::<File>(text).map_err(anyhow::Error::from)?.snapshots.check()
    }

    #[test]
    fn a_place_is_a_folder_or_a_bucket() {
        assert_eq!(place(r#"snapshots = "/srv/chunks""#).unwrap(), ChunkPlace::Folder("/srv/chunks".into()));
        let bucket =
            r#"snapshots = { bucket = "b", region = "r", credentials = "/k", endpoint = "https://s3.example" }"#;
        assert!(matches!(place(bucket).unwrap(), ChunkPlace::Bucket(_)));
        for (bad, why) in [
            (r#"snapshots = "chunks""#, "no absolute path"),
            (r#"snapshots = { bucket = "b", region = "r", credentials = "k" }"#, "no absolute path"),
            (r#"snapshots = { bucket = "b", region = "", credentials = "/k" }"#, "is empty"),
            (r#"snapshots = { bucket = "b", region = "r", credentials = "/k", endpoint = "s3.example" }"#, "https://"),
            (r#"snapshots = { bucket = "b", region = "r" }"#, "credentials"),
            (r#"snapshots = { bucket = "b", region = "r", credentials = "/k", key = "x" }"#, "bucket"),
        ] {
            let error = format!("{:#}", place(bad).unwrap_err());
            assert!(error.contains(why), "{bad}: {error}");
        }
    }

    #[test]
    fn a_key_is_that_of_the_default_profile() {
        let key = |id: &str, secret: &str| Some(Credentials { id: id.into(), secret: secret.into() });
        let text = "# mine\n[other]\naws_access_key_id = A\naws_secret_access_key = B\n[default]\n\
                    aws_access_key_id=C\naws_secret_access_key = D/e+f=\nregion = x\n";
        assert_eq!(credentials(text), key("C", "D/e+f="));
        assert_eq!(credentials("aws_access_key_id = A\naws_secret_access_key = B"), key("A", "B"));
        assert_eq!(credentials("[other]\naws_access_key_id = A\naws_secret_access_key = B"), None);
        assert_eq!(credentials("aws_access_key_id = A"), None);
    }

    #[test]
    fn a_bucket_is_opened_with_its_key_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("credentials");
        let text = format!(r#"snapshots = {{ bucket = "b", region = "r", credentials = "{}" }}"#, file.display());
        let place = place(&text).unwrap();
        assert!(place.open().is_err());
        std::fs::write(&file, "aws_access_key_id = A\naws_secret_access_key = B").unwrap();
        place.open().unwrap();
    }
}
