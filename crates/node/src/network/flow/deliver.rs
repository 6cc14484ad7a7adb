//! Where records go: a file in the folder that stands for the bucket.
//!
//! The file's name is made from the flow log, the window and the host, so that a window that is delivered once more, by
//! an agent that was killed meanwhile, replaces what was there. What a tenant says of the way there (the bucket, the
//! folder within it) is checked once more here, whatever the control plane let through: nothing is written outside of the
//! folder that the provider has named, nor to one that isn't for that account's files.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use landfall_model::plan::{BucketPermission, FlowLogPlan};
use landfall_model::{BucketAccounts, Timestamp};

use super::record::Window;

/// Buckets and the folders that stand for them on this machine.
pub type Buckets = BTreeMap<String, Bucket>;

/// A folder that stands for a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// The folder.
    pub folder: PathBuf,
    /// Whose files go there, where this machine was told; otherwise whose the control plane says.
    pub accounts: Option<BucketAccounts>,
}

impl Bucket {
    /// Whether a flow log's records may go there: neither the control plane nor this machine may be against it, and one of
    /// them has to be for it.
    fn takes(&self, log: &FlowLogPlan) -> bool {
        match (log.permission, &self.accounts) {
            (BucketPermission::Refused, _) => false,
            (_, Some(accounts)) => accounts.contain(log.account),
            (BucketPermission::Granted, None) => true,
            (BucketPermission::Unnamed { is_provider }, None) => is_provider,
        }
    }
}

/// What a folder's file system keeps for others: below that, nothing is written.
const RESERVE_BYTES: u64 = 256 << 20;

/// Why records weren't delivered. The words are those that EC2 has in `DeliverLogsErrorMessage`, with what is known.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// No folder stands for the bucket.
    #[error("Access error: no folder of this host stands for the bucket {0}")]
    NoBucket(String),
    /// The destination isn't one that records are written to.
    #[error("Access error: {0} is not a place for flow logs")]
    NoPlace(String),
    /// The file couldn't be written. What the machine said is for its owner, in the log.
    #[error("Unknown error: the records could not be written")]
    Write(#[from] io::Error),
}

/// Writes a flow log's lines for a window to where they belong.
pub fn deliver(
    buckets: &Buckets,
    log: &FlowLogPlan,
    lines: &[String],
    window: Window,
    host: &str,
) -> Result<PathBuf, DeliveryError> {
    let (bucket, prefix) = destination(&log.destination).ok_or_else(|| {
        DeliveryError::NoPlace(log.destination.chars().filter(|c| !c.is_control()).take(200).collect())
    })?;
    // To whom a bucket isn't open, there is no such one.
    let open = buckets.get(bucket).filter(|bucket| bucket.takes(log));
    let folder = &open.ok_or_else(|| DeliveryError::NoBucket(bucket.to_owned()))?.folder;
    // The provider makes the folder: one that is missing may be a disk that isn't mounted.
    if !fs::metadata(folder)?.is_dir() {
        return Err(DeliveryError::NoBucket(bucket.to_owned()));
    }
    let path = folder.join(prefix).join(key(log, window, host));
    let free = nix::sys::statvfs::statvfs(folder).map_err(io::Error::from)?;
    if free.blocks_available() * free.fragment_size() < RESERVE_BYTES {
        return Err(DeliveryError::Write(io::Error::from(io::ErrorKind::StorageFull)));
    }
    write(&path, lines)?;
    Ok(path)
}

/// The bucket and the folder within it that an ARN names; `None` where a part of it could lead elsewhere.
fn destination(arn: &str) -> Option<(&str, &Path)> {
    let mut parts = arn.splitn(6, ':');
    let is_bucket = parts.next() == Some("arn") && parts.next().is_some() && parts.next() == Some("s3");
    let nobody = parts.next() == Some("") && parts.next() == Some("");
    let rest = parts.next().filter(|_| is_bucket && nobody)?;
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let (bucket_path, prefix) = (Path::new(bucket), Path::new(prefix));
    let is_name = |path: &Path| path.components().all(|part| matches!(part, Component::Normal(_)));
    let is_one = bucket_path.components().count() == 1 && is_name(bucket_path);
    (is_one && is_name(prefix) && !arn.chars().any(char::is_control)).then_some((bucket, prefix))
}

/// The file's path within the bucket and its folder. Source: "Flow log files" in the Amazon VPC User Guide.
pub fn key(log: &FlowLogPlan, window: Window, host: &str) -> String {
    const SPAN_S: i64 = 300;
    let end = Timestamp((window.end_s - window.end_s.rem_euclid(SPAN_S)) * 1000).to_string();
    // Such as 2026-11-22T10:00:00.000Z.
    let (year, month, day) = (&end[0..4], &end[5..7], &end[8..10]);
    let (hour, minute) = (&end[11..13], &end[14..16]);
    let FlowLogPlan { account, region, id, .. } = log;
    let mut key = if log.hive_partitions {
        format!(
            "AWSLogs/aws-account-id={account}/aws-service=vpcflowlogs/aws-region={region}/\
             year={year}/month={month}/day={day}/"
        )
    } else {
        format!("AWSLogs/{account}/vpcflowlogs/{region}/{year}/{month}/{day}/")
    };
    match (log.hourly_partitions, log.hive_partitions) {
        (true, true) => key += &format!("hour={hour}/"),
        (true, false) => key += &format!("{hour}/"),
        _ => {}
    }
    let digest =
        aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, format!("{id} {} {host}", window.start_s).as_bytes());
    let hash: String = digest.as_ref().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    key + &format!("{account}_vpcflowlogs_{region}_{id}_{year}{month}{day}T{hour}{minute}Z_{hash}.log.gz")
}

/// Writes a compressed file as a whole: whoever looks finds all of it or nothing.
fn write(path: &Path, lines: &[String]) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    fs::create_dir_all(folder)?;
    let unfinished = path.with_extension("unfinished");
    let mut encoder = GzEncoder::new(io::BufWriter::new(File::create(&unfinished)?), Compression::default());
    for line in lines {
        encoder.write_all(line.as_bytes())?;
        encoder.write_all(b"\n")?;
    }
    let file = encoder.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    fs::rename(unfinished, path)
}
