//! Calls from within a network: what is known of them besides their address, and the policy of the endpoint that they
//! came through.
//!
//! After AWS's "AWS global condition context keys" and "Control access to VPC endpoints using endpoint policies". A caller's
//! address within a network is no `aws:SourceIp`: whoever makes a network chooses its addresses, and could otherwise
//! stand at any of those that a policy trusts. It is `aws:VpcSourceIp`, with the network that it is an address of.

use landfall_cloud::{Cloud, View, endpoint};
use landfall_model::{EndpointId, Origin};
use landfall_policy::Context;

use crate::authorise::Caller;
use crate::error::ApiError;

/// The policy of an endpoint, which must allow whatever is called through it.
#[derive(Clone, Debug)]
pub struct EndpointGate {
    /// The endpoint.
    pub id: String,
    /// Its policy, as it was given.
    pub policy: String,
}

/// The gate that a call has to pass: none where it came through no endpoint, or through one whose policy lets everything
/// pass.
pub fn gate(view: &View<'_>, origin: Option<Origin>) -> Result<Option<EndpointGate>, ApiError> {
    let Some(id) = origin.and_then(|origin| origin.endpoint) else { return Ok(None) };
    let row = endpoint::called(view.tables(), id).ok_or_else(|| gone(id))?;
    Ok(row.policy.clone().map(|policy| EndpointGate { id: id.to_string(), policy }))
}

/// The name of the only service that a call's way leads to; none where it leads to all.
pub fn only_service(cloud: &Cloud, origin: Option<Origin>) -> Result<Option<&'static str>, ApiError> {
    let Some(id) = origin.and_then(|origin| origin.endpoint) else { return Ok(None) };
    let own = endpoint::called(cloud, id).and_then(endpoint::service_of);
    own.map(|service| Some(service.name)).ok_or_else(|| gone(id))
}

/// That an endpoint was deleted while it was called: its addresses stop answering a moment later.
fn gone(id: EndpointId) -> ApiError {
    ApiError::new("ServiceUnavailable", format!("The endpoint {id} is no more.")).with_status(503)
}

/// The condition keys that say where a call came from.
pub fn describe(caller: &Caller, context: &mut Context) {
    if caller.service.is_some() {
        return;
    }
    let source = caller.source.to_string();
    let Some(origin) = caller.origin else {
        context.set("aws:SourceIp", source);
        return;
    };
    context.set("aws:VpcSourceIp", source);
    context.set("aws:SourceVpc", origin.vpc.to_string());
    if let Some(endpoint) = origin.endpoint {
        context.set("aws:SourceVpce", endpoint.to_string());
    }
}
