//! How fast a file system is to be, as requests say it.

use landfall_model::Throughput;
use serde::Deserialize;

use super::bad;
use crate::ApiError;

/// Its kinds.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ThroughputMode {
    /// By its size.
    Bursting,
    /// By its use.
    Elastic,
    /// By what is paid for.
    Provisioned,
}

/// The throughput that a request asks for: how much, where it is to be provisioned, and only there.
pub fn throughput(mode: ThroughputMode, mibps: Option<f64>) -> Result<Throughput, ApiError> {
    match (mode, mibps) {
        (ThroughputMode::Provisioned, Some(mibps)) => Ok(Throughput::Provisioned(kib(mibps)?)),
        (ThroughputMode::Provisioned, None) => {
            Err(bad("You must provide a ProvisionedThroughputInMibps value for the throughput mode provisioned."))
        }
        (_, Some(_)) => Err(bad("ProvisionedThroughputInMibps can be given for the throughput mode provisioned only.")),
        (ThroughputMode::Bursting, None) => Ok(Throughput::Bursting),
        (ThroughputMode::Elastic, None) => Ok(Throughput::Elastic),
    }
}

/// More than this is more than anybody may have, whatever it is.
const MOST_MIBPS: f64 = 1_000_000.0;

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it was bounded before")]
fn kib(mibps: f64) -> Result<u64, ApiError> {
    if !(0.0..=MOST_MIBPS).contains(&mibps) {
        return Err(bad(format!("Value ({mibps}) for parameter ProvisionedThroughputInMibps is invalid.")));
    }
    Ok((mibps * 1024.0).round() as u64)
}
