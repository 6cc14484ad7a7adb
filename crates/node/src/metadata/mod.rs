//! DHCP, router advertisements, DNS, instance metadata and time for the guests of this host: one small process of its own.
//!
//! It is a process apart because guests must go on renewing their addresses and resolving names while the agent and the
//! control plane are down or being replaced (static stability). The agent feeds it the part of the host plan that it
//! needs ([`plan::ServicePlan`]) through a socket that only root can reach; it keeps the last one on disk and serves from
//! that when it starts before any agent does. A successor takes over its listening sockets (see [`control`]), so that an
//! upgrade drops no query.
//!
//! What it needs of the network driver in a namespace: on `lo` the metadata service's, the resolver's and the clock's
//! addresses of both families; on each port with IPv6 the address [`router::GATEWAY`] and no other of the link, without a
//! test for duplicates, and [`GATEWAY_MAC`](crate::network::inside::GATEWAY_MAC); in the input chain, besides neighbour
//! discovery, solicitations of routers (ICMPv6 133) and UDP from port 546 to 547.
//!
//! Who asks is never believed but seen: each virtual network is a namespace with sockets of its own, anti-spoofing on the
//! ports guarantees the source address within it, and a DHCP socket is bound to one port. Everything that answers is a
//! pure function of the plan and the request ([`http::answer`], [`dhcp::answer`], [`dhcp6::answer`], [`router::advertisement`],
//! [`dns::answer`], [`ntp::answer`]); the rest of the module is bounded plumbing around them. Credentials of instances' roles
//! are lent to it ([`control::Call::Lend`]): they are in its memory and on no disk, and only a successor is handed them.

pub mod client;
pub mod control;
pub mod dhcp;
pub mod dhcp6;
pub mod directory;
pub mod dns;
pub mod http;
pub mod limit;
mod link;
pub mod names;
pub mod ntp;
pub mod plan;
mod resolver;
pub mod role;
pub mod router;
mod serve;
mod sockets;
mod store;
mod talk;
pub mod token;
pub mod tree;

#[cfg(test)]
pub(crate) mod sample;

pub use client::{ClientError, MetadataClient};
pub use names::{namespace, port_device};
pub use plan::{ServicePlan, derive};
pub use serve::{Config, ServeError, serve, upstream_resolvers};
