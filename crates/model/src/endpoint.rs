//! VPC endpoints: services of the region that answer within a VPC.

use serde::{Deserialize, Serialize};

use crate::gateway::LinkState;
use crate::id::{EndpointId, InterfaceId, RouteTableId, SecurityGroupId, SubnetId, VpcId};
use crate::scope::{Scope, Scoped};
use crate::time::Timestamp;

/// An endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Whose and where.
    pub scope: Scope,
    /// Which.
    pub id: EndpointId,
    /// The network.
    pub vpc: VpcId,
    /// The service's name, such as `com.amazonaws.us-east-1.s3`.
    pub service: String,
    /// How it is reached.
    pub kind: EndpointKind,
    /// The policy document, as it was given.
    pub policy: Option<String>,
    /// How it is.
    pub state: LinkState,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it is shown no more.
    pub expires_at: Option<Timestamp>,
}

/// How an endpoint is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EndpointKind {
    /// By a route to the service's prefix list, in these tables.
    Gateway {
        /// The tables.
        route_tables: Vec<RouteTableId>,
    },
    /// By interfaces in subnets.
    Interface {
        /// The subnets, one a zone.
        subnets: Vec<SubnetId>,
        /// The interfaces, one a subnet.
        interfaces: Vec<InterfaceId>,
        /// The interfaces' groups.
        groups: Vec<SecurityGroupId>,
        /// Whether the service's ordinary name resolves to the interfaces within the VPC.
        private_dns: bool,
    },
}

impl EndpointKind {
    /// Its name at the API.
    pub fn name(&self) -> &'static str {
        match self {
            EndpointKind::Gateway { .. } => "Gateway",
            EndpointKind::Interface { .. } => "Interface",
        }
    }
}

impl Endpoint {
    /// The key of its row.
    pub fn key(&self) -> Scoped<EndpointId> {
        self.scope.key(self.id)
    }
}
