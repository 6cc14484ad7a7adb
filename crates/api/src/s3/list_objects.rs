//! s3:ListObjects. Lists what a bucket has by its keys, a thousand at a time.

use landfall_cloud::View;
use landfall_wire::{Flat, Time};
use serde::{Deserialize, Serialize};

use super::folders::Known;
use super::{bucket, canonical_id};
use crate::outside;
use crate::unsupported::{Unsupported, refuse_parameters};
use crate::{Action, ApiError, Demands, Inquire, Outside};

/// The most of a page. Source: the Amazon S3 API Reference.
const MOST: usize = 1_000;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ListObjects {
    #[serde(rename = "Bucket")]
    bucket: String,
    prefix: Option<String>,
    #[serde(default)]
    marker: String,
    max_keys: Option<usize>,
    encoding_type: Option<Encoding>,
    delimiter: Option<String>,
    #[serde(rename = "x-amz-expected-bucket-owner")]
    expected_owner: Option<String>,
    /// Without effect: no bucket has its readers pay.
    #[serde(rename = "x-amz-request-payer")]
    _request_payer: Option<String>,
    #[serde(rename = "x-amz-optional-object-attributes")]
    optional_object_attributes: Option<Unsupported>,
}

/// How keys are spelt in the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Encoding {
    Url,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListObjectsOutput {
    name: String,
    prefix: String,
    marker: String,
    max_keys: usize,
    is_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding_type: Option<Encoding>,
    contents: Flat<Vec<Object>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Object {
    key: String,
    last_modified: Time,
    #[serde(rename = "ETag")]
    etag: String,
    size: u64,
    owner: Owner,
    storage_class: &'static str,
}

#[derive(Serialize)]
struct Owner {
    #[serde(rename = "ID")]
    id: String,
}

impl Inquire for ListObjects {
    const ACTION: Action = Action::s3("ListObjects");
    type Output = ListObjectsOutput;

    /// The permission is to list a bucket; how much of it is listed is for conditions to look at.
    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let demand = bucket::demand(view, demands, "ListBucket", &self.bucket, None);
        if let Some(prefix) = &self.prefix {
            demand.with("s3:prefix", prefix);
        }
        if let Some(most) = self.max_keys {
            demand.with("s3:max-keys", most);
        }
    }

    async fn inquire<'a>(&'a self, outside: &'a Outside, view: View<'a>) -> Result<ListObjectsOutput, ApiError> {
        refuse_parameters!(self; optional_object_attributes);
        if self.delimiter.as_ref().is_some_and(|delimiter| !delimiter.is_empty()) {
            return Err(ApiError::unsupported("the parameter delimiter"));
        }
        let owner = bucket::owner(&view, &self.bucket, self.expected_owner.as_deref())?;
        let owner = canonical_id(outside, owner);
        let most = self.max_keys.unwrap_or(MOST).min(MOST);
        let prefix = self.prefix.as_deref().unwrap_or_default();
        let folders = outside.folders.clone();
        let (bucket, begin, after) = (self.bucket.clone(), prefix.to_owned(), self.marker.clone());
        // One more tells whether there are more.
        let asked = if most == 0 { 0 } else { most + 1 };
        let found = outside::waiting(move || folders.list(&bucket, &begin, &after, asked)).await?;
        let mut found = found.map_err(|error| bucket::unreadable(&self.bucket, &error))?;
        let is_truncated = found.len() > most;
        found.truncate(most);
        let spell = |text: &str| match self.encoding_type {
            Some(Encoding::Url) => percent(text),
            None => text.to_owned(),
        };
        let object = |(key, known): (String, Known)| Object {
            key: spell(&key),
            last_modified: Time(known.modified_ms),
            etag: known.etag,
            size: known.size_bytes,
            owner: Owner { id: owner.clone() },
            storage_class: "STANDARD",
        };
        Ok(ListObjectsOutput {
            name: self.bucket.clone(),
            prefix: spell(prefix),
            marker: spell(&self.marker),
            max_keys: self.max_keys.unwrap_or(MOST),
            is_truncated,
            encoding_type: self.encoding_type,
            contents: Flat(found.into_iter().map(object).collect()),
        })
    }
}

/// All but what needs no spelling, in per cent.
fn percent(text: &str) -> String {
    let spell = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(spell).collect()
}
