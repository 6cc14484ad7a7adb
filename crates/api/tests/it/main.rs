//! Operations on a region in memory, with fixed time and randomness: requests as clients sign them, answers to the byte.
//!
//! One module a noun, each with its `CASES`: for every operation a call that goes through and calls that don't. The
//! module `completeness` walks the list of operations and fails for one without a case.

#![expect(clippy::unwrap_used, reason = "a test that can't go on panics")]

mod account;
mod address;
mod attack;
mod audit;
mod circumstances;
mod completeness;
mod conditions;
mod console;
mod dhcp_options;
mod dlm;
mod ebs;
mod efs;
mod endpoint;
mod flow_log;
mod harness;
mod host;
mod iam;
mod identity;
mod image;
mod import;
mod insights;
mod instance;
mod instance_profile;
mod instance_role;
mod instance_type;
mod interface;
mod interface_life;
mod key_pair;
mod kms;
mod launch_template;
mod nat_gateway;
mod network;
mod network_acl;
mod parameter;
mod peered_group;
mod peering;
mod prefix_list;
mod reference;
mod region;
mod route;
mod s3;
mod secret;
mod security_group;
#[path = "../../../../tests/skipped.rs"]
mod skipping;
mod snapshot;
mod snapshot_blocks;
mod tag;
mod through;
mod trail;
mod transit_gateway;
mod usage;
mod volume;
mod vpc;
mod vpn;
mod web_identity;
