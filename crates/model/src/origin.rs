//! Where within a cloud's own networks a call of the API began. What comes from outside of them has no origin but its
//! address.

use serde::{Deserialize, Serialize};

use crate::id::{EndpointId, VpcId};

/// The place at which a call of the API left a tenant's network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Origin {
    /// The network whose address was called. The caller itself may be in another one that is connected with it.
    pub vpc: VpcId,
    /// The endpoint that was called; none where the network's own link-local address was.
    pub endpoint: Option<EndpointId>,
}
