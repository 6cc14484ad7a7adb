//! Which of S3's operations a request means. Its method, what its path names and the first word of its query tell.
//!
//! All are told by name, so that whoever calls what isn't there reads what that was. Source: botocore's model.

use http::header::HOST;
use landfall_wire::{DecodeError, Request, RequestParts, Tree, decode_query_string};

use super::OPERATIONS;

/// What a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Service,
    Bucket,
    Object,
}

/// What ListBuckets takes, and the mark by which AWS's tools say which operation they mean.
const OF_LIST_BUCKETS: [&str; 5] = ["bucket-region", "continuation-token", "max-buckets", "prefix", "x-id"];

/// The settings of a bucket by the word of the query: what follows Get, Put or Delete in an operation's name.
const OF_BUCKETS: &[(&str, &str)] = &[
    ("abac", "BucketAbac"),
    ("accelerate", "BucketAccelerateConfiguration"),
    ("acl", "BucketAcl"),
    ("analytics", "BucketAnalyticsConfiguration"),
    ("cors", "BucketCors"),
    ("encryption", "BucketEncryption"),
    ("intelligent-tiering", "BucketIntelligentTieringConfiguration"),
    ("inventory", "BucketInventoryConfiguration"),
    ("lifecycle", "BucketLifecycleConfiguration"),
    ("location", "BucketLocation"),
    ("logging", "BucketLogging"),
    ("metadataConfiguration", "BucketMetadataConfiguration"),
    ("metadataTable", "BucketMetadataTableConfiguration"),
    ("metrics", "BucketMetricsConfiguration"),
    ("notification", "BucketNotificationConfiguration"),
    ("object-lock", "ObjectLockConfiguration"),
    ("ownershipControls", "BucketOwnershipControls"),
    ("policy", "BucketPolicy"),
    ("policyStatus", "BucketPolicyStatus"),
    ("publicAccessBlock", "PublicAccessBlock"),
    ("replication", "BucketReplication"),
    ("requestPayment", "BucketRequestPayment"),
    ("tagging", "BucketTagging"),
    ("versioning", "BucketVersioning"),
    ("website", "BucketWebsite"),
];

/// The same of objects.
const OF_OBJECTS: &[(&str, &str)] = &[
    ("acl", "ObjectAcl"),
    ("attributes", "ObjectAttributes"),
    ("legal-hold", "ObjectLegalHold"),
    ("retention", "ObjectRetention"),
    ("tagging", "ObjectTagging"),
    ("torrent", "ObjectTorrent"),
];

/// Operations whose names aren't made so: what they are about, the method, the word of the query.
const BY_THEMSELVES: &[(Place, &str, &str, &str)] = &[
    (Place::Bucket, "DELETE", "lifecycle", "DeleteBucketLifecycle"),
    (Place::Bucket, "GET", "list-type", "ListObjectsV2"),
    (Place::Bucket, "GET", "session", "CreateSession"),
    (Place::Bucket, "GET", "uploads", "ListMultipartUploads"),
    (Place::Bucket, "GET", "versions", "ListObjectVersions"),
    (Place::Bucket, "POST", "delete", "DeleteObjects"),
    (Place::Bucket, "POST", "metadataConfiguration", "CreateBucketMetadataConfiguration"),
    (Place::Bucket, "POST", "metadataTable", "CreateBucketMetadataTableConfiguration"),
    (Place::Object, "DELETE", "uploadId", "AbortMultipartUpload"),
    (Place::Object, "GET", "uploadId", "ListParts"),
    (Place::Object, "POST", "restore", "RestoreObject"),
    (Place::Object, "POST", "select", "SelectObjectContent"),
    (Place::Object, "POST", "uploadId", "CompleteMultipartUpload"),
    (Place::Object, "POST", "uploads", "CreateMultipartUpload"),
    (Place::Object, "PUT", "renameObject", "RenameObject"),
    (Place::Object, "PUT", "uploadId", "UploadPart"),
];

/// The header that has a key of the caller's, which nobody is to find in a record: it is refused, whatever it says.
const CUSTOMER_KEY: &str = "x-amz-server-side-encryption-customer-key";

/// The parameters of operations that are there which are headers.
const HEADERS: &[(&str, &[&str])] = &[
    ("GetBucketLocation", &["x-amz-expected-bucket-owner"]),
    (
        "GetObject",
        &[
            "If-Match",
            "If-Modified-Since",
            "If-None-Match",
            "If-Unmodified-Since",
            "Range",
            "x-amz-checksum-mode",
            "x-amz-expected-bucket-owner",
            "x-amz-request-payer",
            "x-amz-server-side-encryption-customer-algorithm",
            CUSTOMER_KEY,
            "x-amz-server-side-encryption-customer-key-MD5",
        ],
    ),
    ("ListObjects", &["x-amz-expected-bucket-owner", "x-amz-optional-object-attributes", "x-amz-request-payer"]),
];

/// Reads a request. Only an operation that is there has its parameters read.
pub(crate) fn decode(parts: &RequestParts<'_>) -> Result<Request, DecodeError> {
    let action = action(parts);
    if !OPERATIONS.iter().any(|operation| operation.action.name == action) {
        return Ok(Request { action, version: None, input: Tree::Map(Vec::new()) });
    }
    let mut request = decode_query_string(&format!("Action={action}&{}", parts.query))?;
    // The marks of operations say nothing more.
    for mark in ["x-id", "location"] {
        request.input.take(mark);
    }
    if action == "ListBuckets" {
        return Ok(request);
    }
    let (bucket, key) = names(parts)?;
    let key = (action == "GetObject").then_some(("Key", key));
    let known = HEADERS.iter().filter(|(of, _)| *of == action).flat_map(|(_, names)| names.iter());
    let headers = known.filter_map(|name| {
        let value = parts.headers.get(*name)?.to_str().ok()?;
        Some((*name, if *name == CUSTOMER_KEY { String::new() } else { value.to_owned() }))
    });
    let Tree::Map(members) = &mut request.input else { return Ok(request) };
    for (name, value) in [("Bucket", bucket)].into_iter().chain(key).chain(headers) {
        if members.iter().any(|(given, _)| **given == *name) {
            return Err(DecodeError::Duplicate(name.to_owned()));
        }
        members.push((name.into(), Tree::Text(value)));
    }
    Ok(request)
}

/// The bucket and the key of a request: of its path, or the bucket of its host.
fn names(parts: &RequestParts<'_>) -> Result<(String, String), DecodeError> {
    let path = parts.path.strip_prefix('/').unwrap_or(parts.path);
    let (bucket, key) = match bucket_of_host(parts) {
        Some(bucket) => (bucket, path),
        None => path.split_once('/').unwrap_or((path, "")),
    };
    Ok((unescape(bucket)?, unescape(key)?))
}

/// Undoes percent-encoding, in which a plus is itself.
fn unescape(text: &str) -> Result<String, DecodeError> {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let (mut bytes, mut out) = (text.as_bytes().iter(), Vec::with_capacity(text.len()));
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => match (digit(bytes.next()), digit(bytes.next())) {
                (Some(high), Some(low)) => u8::try_from(high << 4 | low).map_err(|_| DecodeError::BadEscape)?,
                _ => return Err(DecodeError::BadEscape),
            },
            byte => *byte,
        });
    }
    String::from_utf8(out).map_err(|_| DecodeError::NotUtf8)
}

fn action(parts: &RequestParts<'_>) -> String {
    let words: Vec<&str> =
        parts.query.split('&').filter_map(|pair| pair.split('=').next()).filter(|word| !word.is_empty()).collect();
    let place = match place(parts) {
        // What asks for more than a list of buckets has its bucket in a host's name that isn't known here.
        Place::Service if parts.method == "GET" && words.iter().all(|word| is_of_list_buckets(word)) => {
            return "ListBuckets".to_owned();
        }
        Place::Service => Place::Bucket,
        place => place,
    };
    let has = |word: &str| words.contains(&word);
    let by_itself =
        |(at, method, word, _): &&(Place, &str, &str, &str)| *at == place && *method == parts.method && has(word);
    if let Some((.., name)) = BY_THEMSELVES.iter().find(by_itself) {
        return (*name).to_owned();
    }
    let verb = match parts.method {
        "DELETE" => "Delete",
        "GET" => "Get",
        "HEAD" => "Head",
        "POST" => "Post",
        _ => "Put",
    };
    let nouns = if place == Place::Object { OF_OBJECTS } else { OF_BUCKETS };
    if let Some((_, noun)) = nouns.iter().find(|(word, _)| has(word)) {
        return format!("{verb}{noun}");
    }
    match (place, verb) {
        (Place::Object, _) => format!("{verb}Object"),
        (_, "Get") => "ListObjects".to_owned(),
        (_, "Put") => "CreateBucket".to_owned(),
        _ => format!("{verb}Bucket"),
    }
}

/// Parameters of a signature in the query belong to no operation.
fn is_of_list_buckets(word: &str) -> bool {
    OF_LIST_BUCKETS.contains(&word) || word.starts_with("X-Amz-")
}

/// What a request is about: its bucket is in its path or in the name of the host that it was sent to.
fn place(parts: &RequestParts<'_>) -> Place {
    let is_in_host = bucket_of_host(parts).is_some();
    let path = parts.path.trim_start_matches('/');
    match path.split_once('/') {
        _ if path.is_empty() => [Place::Service, Place::Bucket][usize::from(is_in_host)],
        None if !is_in_host => Place::Bucket,
        Some((_, "")) if !is_in_host => Place::Bucket,
        _ => Place::Object,
    }
}

/// The bucket that a host's name begins with.
fn bucket_of_host<'p>(parts: &RequestParts<'p>) -> Option<&'p str> {
    let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.split(':').next().unwrap_or_default();
    let front = name.strip_suffix(".localhost").or_else(|| name.split_once(".s3").map(|(front, _)| front));
    front.filter(|front| !front.is_empty() && *front != "s3")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use http::{HeaderMap, HeaderValue};

    use super::*;

    fn meant(method: &str, host: &'static str, path: &str, query: &str) -> String {
        let headers: HeaderMap = [(HOST, HeaderValue::from_static(host))].into_iter().collect();
        action(&RequestParts { method, path, query, headers: &headers })
    }

    #[test]
    fn each_request_means_one_operation() {
        let local = "127.0.0.1:4566";
        for query in ["", "x-id=ListBuckets", "max-buckets=5&prefix=a", "X-Amz-Signature=00"] {
            assert_eq!(meant("GET", local, "/", query), "ListBuckets", "{query}");
        }
        assert_eq!(meant("GET", "s3.us-east-1.amazonaws.com", "/", ""), "ListBuckets");
        assert_eq!(meant("GET", "s3.localhost:4566", "/", ""), "ListBuckets");
        for (method, path, query, name) in [
            ("PUT", "/b", "", "CreateBucket"),
            ("PUT", "/b", "x-id=ListBuckets", "CreateBucket"),
            ("HEAD", "/b/", "", "HeadBucket"),
            ("GET", "/b", "list-type=2&prefix=", "ListObjectsV2"),
            ("GET", "/b", "location", "GetBucketLocation"),
            ("DELETE", "/b", "lifecycle=", "DeleteBucketLifecycle"),
            ("PUT", "/b/a/key", "x-id=PutObject", "PutObject"),
            ("PUT", "/b/a/key", "partNumber=1&uploadId=x", "UploadPart"),
            ("GET", "/b/key", "tagging", "GetObjectTagging"),
            ("POST", "/b", "delete", "DeleteObjects"),
            ("GET", "/", "encoding-type=url", "ListObjects"),
            ("PUT", "/", "", "CreateBucket"),
        ] {
            assert_eq!(meant(method, local, path, query), name, "{method} {path}?{query}");
        }
        for host in ["b.localhost:4566", "b.s3.us-east-1.amazonaws.com", "b.s3-us-west-2.amazonaws.com"] {
            assert_eq!(meant("GET", host, "/", ""), "ListObjects", "{host}");
            assert_eq!(meant("GET", host, "/key", ""), "GetObject", "{host}");
        }
    }

    #[test]
    fn an_object_is_named_by_its_path_and_its_host() {
        let read = |host: &'static str, path: &str, query: &str| {
            let range = (http::header::RANGE, HeaderValue::from_static("bytes=0-1"));
            let headers: HeaderMap = [(HOST, HeaderValue::from_static(host)), range].into_iter().collect();
            decode(&RequestParts { method: "GET", path, query, headers: &headers })
        };
        for (host, path) in [("127.0.0.1:4566", "/b/a+b/%C3%A4%20/c"), ("b.localhost:4566", "/a+b/%C3%A4%20/c")] {
            let input = read(host, path, "x-id=GetObject").unwrap().input;
            let text = |name: &str| input.field(name).and_then(Tree::as_text).unwrap_or_default().to_owned();
            assert_eq!(["Bucket", "Key", "Range"].map(text), ["b", "a+b/ä /c", "bytes=0-1"]);
        }
        for bad in ["/b/%", "/b/%1", "/b/%zz", "/b/%ff"] {
            assert!(read("127.0.0.1", bad, "").is_err(), "{bad}");
        }
        assert!(read("127.0.0.1", "/b/key", "Key=other").is_err());
        assert_eq!(read("127.0.0.1", "/b", "").unwrap().input.field("Range"), None, "it says nothing of a list");
        assert_eq!(read("127.0.0.1", "/b", "location").unwrap().input.field("location"), None);
    }

    #[test]
    fn names_are_those_of_the_service() {
        let known: BTreeSet<_> = include_str!("../../../../docs/aws-actions/s3.txt").lines().collect();
        for (_, _, _, name) in BY_THEMSELVES {
            assert!(known.contains(name), "{name}");
        }
        for (_, noun) in OF_BUCKETS.iter().chain(OF_OBJECTS) {
            assert!(known.contains(format!("Get{noun}").as_str()), "{noun}");
        }
    }
}
