//! The value itself, and its rules in no dialect.
//!
//! What may happen to an instance, a network, an address, is decided here, in functions over a transaction, so that the
//! EC2 API, a later dialect, the planners and the command line all obey the same rules. Nothing here knows a wire format
//! or does I/O: time, ids and entropy come in through the transaction.

pub mod account;
pub mod address;
pub mod chunk_store;
pub mod dhcp_options;
pub mod ebs;
pub mod endpoint;
pub mod entropy;
pub mod expiry;
pub mod fault;
pub mod file_system;
pub mod flow_log;
pub mod host;
pub mod identity;
pub mod image;
pub mod import;
pub mod insights;
pub mod instance;
pub mod interface;
pub mod interface_address;
pub mod interface_attachment;
pub mod internet_gateway;
pub mod key_pair;
pub mod kms;
pub mod launch;
pub mod launch_template;
pub mod lifecycle;
pub mod metering;
pub mod nat;
pub mod network;
pub mod network_acl;
pub mod parameter;
pub mod peering;
pub mod placement;
pub mod plan;
pub mod power;
pub mod prefix_list;
pub mod profile_association;
pub mod reach;
pub mod relocation;
pub mod report;
pub mod route;
pub mod route_table;
pub mod secret;
pub mod security_group;
pub mod sharing;
pub mod snapshot;
pub mod subnet;
pub mod tag;
pub mod trail;
pub mod transit_attachment;
pub mod transit_gateway;
pub mod transit_table;
pub mod tunnel;
pub mod tx;
pub mod value;
pub mod view;
pub mod volume;
pub mod vpc;
pub mod vpn;
pub mod vpn_gateway;
pub mod vpn_remains;

pub use entropy::Entropy;
pub use fault::Fault;
pub use tx::Tx;
pub use value::Cloud;
pub use view::View;
