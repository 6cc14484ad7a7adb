//! s3:GetObject. Gives out an object's bytes, or a part of them, with what was told of it.

use std::io::{Seek as _, SeekFrom};

use landfall_cloud::View;
use landfall_wire::Time;
use serde::Deserialize;

use super::bucket;
use crate::operation::{Fetch, Object};
use crate::unsupported::{Unsupported, refuse_parameters};
use crate::{Action, ApiError, Demands, Outside, outside};

/// What an object may be told to be beside its bytes, as it stands in the answer.
const TOLD: [(&str, &str); 2] =
    [("signature", "x-amz-meta-signature"), ("signature-algorithm", "x-amz-meta-signature-algorithm")];

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct GetObject {
    #[serde(rename = "Bucket")]
    bucket: String,
    #[serde(rename = "Key")]
    key: String,
    #[serde(rename = "Range")]
    range: Option<String>,
    #[serde(rename = "x-amz-expected-bucket-owner")]
    expected_owner: Option<String>,
    /// Without effect: no bucket has its readers pay.
    #[serde(rename = "x-amz-request-payer")]
    _request_payer: Option<String>,
    /// Without effect: checksums are told where objects were put with some, and none was.
    #[serde(rename = "x-amz-checksum-mode")]
    _checksum_mode: Option<String>,
    #[serde(rename = "If-Match")]
    if_match: Option<Unsupported>,
    #[serde(rename = "If-Modified-Since")]
    if_modified_since: Option<Unsupported>,
    #[serde(rename = "If-None-Match")]
    if_none_match: Option<Unsupported>,
    #[serde(rename = "If-Unmodified-Since")]
    if_unmodified_since: Option<Unsupported>,
    response_cache_control: Option<Unsupported>,
    response_content_disposition: Option<Unsupported>,
    response_content_encoding: Option<Unsupported>,
    response_content_language: Option<Unsupported>,
    response_content_type: Option<Unsupported>,
    response_expires: Option<Unsupported>,
    #[serde(rename = "versionId")]
    version_id: Option<Unsupported>,
    #[serde(rename = "partNumber")]
    part_number: Option<Unsupported>,
    #[serde(rename = "x-amz-server-side-encryption-customer-algorithm")]
    sse_customer_algorithm: Option<Unsupported>,
    #[serde(rename = "x-amz-server-side-encryption-customer-key")]
    sse_customer_key: Option<Unsupported>,
    #[serde(rename = "x-amz-server-side-encryption-customer-key-MD5")]
    sse_customer_key_md5: Option<Unsupported>,
}

impl Fetch for GetObject {
    const ACTION: Action = Action::s3("GetObject");

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        bucket::demand(view, demands, "GetObject", &self.bucket, Some(&self.key));
    }

    /// Who may not list a bucket doesn't learn what isn't in it. Source: the Amazon S3 API Reference on GetObject.
    fn demands_to_miss(&self, view: &View<'_>, demands: &mut Demands) {
        bucket::demand(view, demands, "ListBucket", &self.bucket, None);
    }

    async fn fetch<'a>(&'a self, outside: &'a Outside, view: View<'a>, may_miss: bool) -> Result<Object, ApiError> {
        refuse_parameters!(self;
            if_match, if_modified_since, if_none_match, if_unmodified_since, response_cache_control,
            response_content_disposition, response_content_encoding, response_content_language, response_content_type,
            response_expires, version_id, part_number, sse_customer_algorithm, sse_customer_key, sse_customer_key_md5);
        bucket::owner(&view, &self.bucket, self.expected_owner.as_deref())?;
        let unreadable = |error: std::io::Error| bucket::unreadable(&self.bucket, &error);
        let (folders, bucket, key) = (outside.folders.clone(), self.bucket.clone(), self.key.clone());
        let opened = outside::waiting(move || folders.open(&bucket, &key)).await?.map_err(unreadable)?;
        let Some(mut opened) = opened else {
            let missing = ApiError::new("NoSuchKey", "The specified key does not exist.").with_status(404);
            return Err(if may_miss { missing } else { bucket::denied() });
        };
        let whole = opened.known.size_bytes;
        let part = self.range.as_deref().and_then(|range| part(range, whole)).transpose()?;
        let mut headers = vec![
            ("accept-ranges", "bytes".to_owned()),
            ("etag", opened.known.etag),
            ("last-modified", Time(opened.known.modified_ms).to_http()),
        ];
        // What isn't a header's value would end the answer.
        let is_value = |text: &String| text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        let told = TOLD.iter().filter_map(|(name, header)| Some((*header, opened.metadata.remove(*name)?)));
        headers.extend(told.filter(|(_, value)| is_value(value)));
        let (status, length) = match part {
            None => (200, whole),
            Some((first, last)) => {
                opened.file.seek(SeekFrom::Start(first)).map_err(unreadable)?;
                headers.push(("content-range", format!("bytes {first}-{last}/{whole}")));
                (206, last - first + 1)
            }
        };
        Ok(Object { status, headers, content_type: "binary/octet-stream", file: opened.file, length_bytes: length })
    }
}

/// The first and last byte of a range of so many. What is none, or several, is passed over, as S3 does; one that none of
/// the bytes is in is refused. Source: RFC 9110, 14.1.
fn part(range: &str, whole: u64) -> Option<Result<(u64, u64), ApiError>> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let number = |text: &str| if text.is_empty() { Some(None) } else { text.parse::<u64>().ok().map(Some) };
    let (first, last) = match (number(first)?, number(last)?) {
        (None, None) => return None,
        (Some(first), last) if last.is_some_and(|last| last < first) => return None,
        (Some(first), last) => (first, last.unwrap_or(u64::MAX).min(whole.saturating_sub(1))),
        (None, Some(count)) => (if count == 0 { whole } else { whole.saturating_sub(count) }, whole.saturating_sub(1)),
    };
    if first >= whole {
        let error = ApiError::new("InvalidRange", "The requested range is not satisfiable").with_status(416);
        return Some(Err(error));
    }
    Some(Ok((first, last)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_a_part_of_what_is_there() {
        for (range, wanted) in [
            ("bytes=0-0", Some(Some((0, 0)))),
            ("bytes=2-", Some(Some((2, 9)))),
            ("bytes=2-100", Some(Some((2, 9)))),
            ("bytes=-3", Some(Some((7, 9)))),
            ("bytes=-30", Some(Some((0, 9)))),
            ("bytes=10-", Some(None)),
            ("bytes=-0", Some(None)),
            ("bytes=3-2", None),
            ("bytes=-", None),
            ("bytes=0-1,3-4", None),
            ("lines=0-1", None),
            ("bytes=x-1", None),
        ] {
            assert_eq!(part(range, 10).map(Result::ok), wanted, "{range}");
        }
        assert!(part("bytes=0-", 0).is_some_and(|part| part.is_err()));
    }
}
