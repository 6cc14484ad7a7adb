//! Seeing the network: flow logs, and analyses of what reaches what.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::id::{FlowLogId, InsightsAnalysisId, InsightsPathId, InterfaceId, SubnetId, VpcId};
use crate::scope::{Scope, Scoped};
use crate::time::Timestamp;

/// A record of traffic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowLog {
    /// Whose and where.
    pub scope: Scope,
    /// Which.
    pub id: FlowLogId,
    /// Whose traffic.
    pub resource: FlowLogResource,
    /// Which traffic.
    pub traffic: FlowLogTraffic,
    /// The ARN of the bucket, with the folder within it.
    pub destination: String,
    /// The record's fields, in order.
    pub fields: Vec<String>,
    /// How long flows are summed up, in seconds: 60 or 600.
    pub interval_s: u32,
    /// Whether folders are named `key=value`.
    pub hive_partitions: bool,
    /// Whether there is a folder an hour.
    pub hourly_partitions: bool,
    /// Why records couldn't be delivered, if they couldn't.
    pub failure: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Whose traffic a flow log records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum FlowLogResource {
    /// That of all interfaces of a VPC.
    Vpc(VpcId),
    /// That of all interfaces of a subnet.
    Subnet(SubnetId),
    /// That of an interface.
    Interface(InterfaceId),
}

/// Which traffic a flow log records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FlowLogTraffic {
    /// What was let through.
    Accept,
    /// What wasn't.
    Reject,
    /// Both.
    All,
}

/// What is to be analysed for reachability.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InsightsPath {
    /// Whose and where.
    pub scope: Scope,
    /// Which.
    pub id: InsightsPathId,
    /// The id of the instance, interface or gateway that sends.
    pub source: String,
    /// The address that it sends from, if one is meant.
    pub source_ip: Option<IpAddr>,
    /// The id of what is to be reached, if not only an address.
    pub destination: Option<String>,
    /// The address that is to be reached, if one is meant.
    pub destination_ip: Option<IpAddr>,
    /// `tcp` or `udp`.
    pub protocol: String,
    /// The port that is to be reached.
    pub destination_port: Option<u16>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// An analysis: what was found, as it was then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InsightsAnalysis {
    /// Whose and where.
    pub scope: Scope,
    /// Which.
    pub id: InsightsAnalysisId,
    /// The path.
    pub path: InsightsPathId,
    /// When it was made.
    pub started_at: Timestamp,
    /// Whether the destination is reached.
    pub found: bool,
    /// The hops there, as the analysis found them, as JSON text: what the API shows.
    pub forward: String,
    /// The hops back, likewise.
    pub back: String,
    /// Why not, likewise.
    pub explanations: String,
}

macro_rules! keys {
    ($($row:ident $id:ty),*) => {$(
        impl $row {
            /// The key of its row.
            pub fn key(&self) -> Scoped<$id> {
                self.scope.key(self.id)
            }
        }
    )*};
}
keys!(FlowLog FlowLogId, InsightsPath InsightsPathId, InsightsAnalysis InsightsAnalysisId);
