//! Seeing the network: flow logs, and analyses of what reaches what.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::gateway::AT_ONCE;
use crate::id::{FlowLogId, HostId, InsightsAnalysisId, InsightsPathId, InterfaceId, SubnetId, VpcId};
use crate::reachability::{Hop, Stop};
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
    /// The hosts that can't deliver theirs.
    #[serde(default)]
    pub failed_on: BTreeSet<HostId>,
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
    /// What the packet must be like where it begins.
    #[serde(default)]
    pub at_source: Option<PathFilter>,
    /// What it must be like where it arrives.
    #[serde(default)]
    pub at_destination: Option<PathFilter>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What packets of a path must be like somewhere; whatever isn't said may be anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathFilter {
    /// The sender's address.
    pub source: Option<IpAddr>,
    /// The first and the last of the sender's ports.
    pub source_ports: Option<(u16, u16)>,
    /// The receiver's address.
    pub destination: Option<IpAddr>,
    /// The first and the last of the receiver's ports.
    pub destination_ports: Option<(u16, u16)>,
}

/// How an analysis is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AnalysisState {
    /// Under way.
    Running,
    /// Done.
    Succeeded,
}

impl AnalysisState {
    /// Its name at the API.
    pub fn name(self) -> &'static str {
        match self {
            AnalysisState::Running => "running",
            AnalysisState::Succeeded => "succeeded",
        }
    }
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
    /// How it is.
    pub state: AnalysisState,
    /// Whether the destination is reached.
    pub found: bool,
    /// The hops there.
    pub forward: Vec<Hop>,
    /// The hops back.
    pub back: Vec<Hop>,
    /// Why not.
    pub explanations: Vec<Stop>,
    /// The ARNs of what the path must lead through.
    #[serde(default)]
    pub filter_in: Vec<String>,
    /// The ARNs of what it mustn't lead through.
    #[serde(default)]
    pub filter_out: Vec<String>,
}

impl InsightsAnalysis {
    /// When something is to be done about it: at once while it runs.
    pub fn due(&self) -> Option<i64> {
        (self.state == AnalysisState::Running).then_some(AT_ONCE.as_millis())
    }

    /// Whether what was found is shown: not while it runs.
    pub fn shown(&self) -> bool {
        self.state == AnalysisState::Succeeded
    }
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
