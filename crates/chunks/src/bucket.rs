//! A store in a bucket of anything that speaks S3, by the crate `object_store`, which signs, retries and waits.
//!
//! The rest of this crate is synchronous: threads that compute also wait. A small runtime of its own carries the requests;
//! its callers must not be on an asynchronous runtime's thread themselves.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, ObjectStoreExt as _, PutPayload, RetryConfig};
use tokio::runtime::Runtime;

use crate::objects::{Listed, Objects, Visit};
use crate::{StoreError, Trouble};

/// Where a bucket is, and how to get in.
#[derive(Clone, Debug)]
pub struct BucketOptions {
    /// Its name.
    pub bucket: String,
    /// What all keys in it begin with; empty for none.
    pub prefix: String,
    /// Its region.
    pub region: String,
    /// The store's URL; none for AWS's own. Plain `http` is taken only when given here.
    pub endpoint: Option<String>,
    /// The access key's id.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: Secret,
    /// How long one request may take.
    pub request_timeout: Duration,
    /// How long a request is tried again while the store fails, before the call fails.
    pub retry_timeout: Duration,
    /// How many requests are under way at a time.
    pub parallel: usize,
}

impl BucketOptions {
    /// With the usual bounds.
    pub fn new(bucket: &str, region: &str, access_key_id: &str, secret_access_key: &str) -> Self {
        Self {
            bucket: bucket.to_owned(),
            prefix: String::new(),
            region: region.to_owned(),
            endpoint: None,
            access_key_id: access_key_id.to_owned(),
            secret_access_key: Secret(secret_access_key.to_owned()),
            request_timeout: Duration::from_secs(30),
            retry_timeout: Duration::from_secs(120),
            parallel: 32,
        }
    }
}

/// What no log shows.
#[derive(Clone)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// A bucket with objects.
pub struct Bucket {
    store: Arc<AmazonS3>,
    prefix: String,
    parallel: usize,
    /// Nothing only while it is being dropped.
    runtime: Option<Runtime>,
}

impl Bucket {
    /// Opens it. Whether it is there, the first call tells.
    pub fn open(options: &BucketOptions) -> Result<Self, StoreError> {
        let failed = |reason: String| StoreError {
            step: "opening",
            key: options.bucket.clone(),
            reason,
            trouble: Trouble::Lasting,
        };
        let client = ClientOptions::new()
            .with_timeout(options.request_timeout)
            .with_connect_timeout(options.request_timeout.min(Duration::from_secs(5)));
        let retry = RetryConfig {
            backoff: BackoffConfig { init_backoff: Duration::from_millis(100), ..BackoffConfig::default() },
            max_retries: 20,
            retry_timeout: options.retry_timeout,
        };
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&options.bucket)
            .with_region(&options.region)
            .with_access_key_id(&options.access_key_id)
            .with_secret_access_key(&options.secret_access_key.0)
            .with_client_options(client)
            .with_retry(retry);
        if let Some(endpoint) = &options.endpoint {
            builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
        }
        let store = builder.build().map_err(|error| failed(error.to_string()))?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("chunks-s3")
            .enable_all()
            .build()
            .map_err(|error| failed(error.to_string()))?;
        let prefix = options.prefix.trim_matches('/').to_owned();
        Ok(Self { store: Arc::new(store), prefix, parallel: options.parallel.max(1), runtime: Some(runtime) })
    }

    fn wait<T>(&self, call: impl Future<Output = T>) -> T {
        self.runtime.as_ref().expect("a bucket has its runtime until it is dropped").block_on(call)
    }

    fn path(&self, key: &str) -> Path {
        if self.prefix.is_empty() { Path::from(key) } else { Path::from(format!("{}/{key}", self.prefix)) }
    }

    fn key<'a>(&self, path: &'a Path) -> &'a str {
        let path = path.as_ref();
        let below = path.strip_prefix(self.prefix.as_str()).unwrap_or(path);
        below.strip_prefix('/').unwrap_or(below)
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        // Not waiting: a request may be stuck, and the dropper may be on a runtime's thread.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn failed(step: &'static str, key: &str, error: &object_store::Error) -> StoreError {
    use object_store::Error as E;
    let reason = error.to_string();
    let is_full = ["507", "InsufficientStorage", "StorageFull", "QuotaExceeded", "EntityTooLarge.*quota"]
        .iter()
        .any(|word| reason.contains(word));
    let trouble = match error {
        _ if is_full => Trouble::NoSpace,
        // What is left once all tries have failed: time-outs, refused connections, answers of the 5xx kind.
        E::Generic { .. } | E::JoinError { .. } if !reason.contains("status: 4") => Trouble::Passing,
        _ => Trouble::Lasting,
    };
    StoreError { step, key: key.to_owned(), reason, trouble }
}

impl Objects for Bucket {
    fn write(&self, key: &str, body: &[u8]) -> Result<(), StoreError> {
        let payload = PutPayload::from(Bytes::copy_from_slice(body));
        let put = self.wait(self.store.put(&self.path(key), payload));
        put.map(|_| ()).map_err(|error| failed("writing", key, &error))
    }

    fn read(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        let path = self.path(key);
        match self.wait(async { self.store.get(&path).await?.bytes().await }) {
            Ok(body) => Ok(Some(body)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failed("reading", key, &error)),
        }
    }

    fn size(&self, key: &str) -> Result<Option<u64>, StoreError> {
        match self.wait(self.store.head(&self.path(key))) {
            Ok(about) => Ok(Some(about.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failed("looking for", key, &error)),
        }
    }

    fn delete(&self, keys: &[String]) -> Result<(), StoreError> {
        let paths: Vec<_> = keys.iter().map(|key| Ok(self.path(key))).collect();
        self.wait(async {
            let mut gone = self.store.delete_stream(Box::pin(futures_util::stream::iter(paths)));
            while let Some(one) = futures_util::StreamExt::next(&mut gone).await {
                match one {
                    Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                    Err(error) => return Err(failed("deleting", &keys[0], &error)),
                }
            }
            Ok(())
        })
    }

    fn list(&self, folder: &str, visit: Visit<'_>) -> Result<(), StoreError> {
        let mut all = self.store.list(Some(&self.path(folder)));
        // `visit` may call this store again, so it runs between the requests and not within one.
        while let Some(found) = self.wait(futures_util::StreamExt::next(&mut all)) {
            let found = found.map_err(|error| failed("listing", folder, &error))?;
            visit(Listed { key: self.key(&found.location).to_owned(), size_bytes: found.size })?;
        }
        Ok(())
    }

    fn sync(&self, _: &str) -> Result<(), StoreError> {
        // An answered PUT is durable: that is what such a store promises.
        Ok(())
    }

    fn parallel(&self) -> usize {
        self.parallel
    }
}
