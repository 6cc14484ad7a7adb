//! Shapes that several operations share: what comes in (tag specifications) and what goes out (tags, states, rows).

pub mod acl_entry;
pub mod address;
pub mod attribute;
pub mod authorize;
pub mod blank;
pub mod block;
pub mod block_device;
pub mod border_group;
pub mod change;
pub mod cidr;
pub mod dhcp_options;
pub mod ebs;
pub mod endpoint;
pub mod image;
pub mod image_ref;
pub mod import;
pub mod insights;
pub mod instance;
pub mod instance_filter;
pub mod instance_profile;
pub mod internet_gateway;
pub mod key_pair;
pub mod launch_data;
pub mod launch_interface;
pub mod launch_template;
pub mod listing;
pub mod metadata;
pub mod nat_gateway;
pub mod network_acl;
pub mod network_demand;
pub mod network_interface;
pub mod new_interface;
pub mod peering;
pub mod permission;
pub mod prefix_list;
pub mod resource;
pub mod revoke;
pub mod route;
pub mod route_table;
pub mod rule_description;
pub mod security_group;
pub mod sharing;
pub mod snapshot;
pub mod switch;
pub mod tag;
pub mod transit_attachment;
pub mod transit_gateway;
pub mod transit_table;
pub mod user_data;
pub mod volume;
pub mod volume_modification;
pub mod vpc;
pub mod vpn;
pub mod vpn_configuration;
pub mod vpn_gateway;
pub mod vpn_sample;
pub mod vpn_tunnel;
pub mod zone;

use landfall_cloud::View;
use landfall_cloud::value::SecurityGroups;
use landfall_model::{NetworkInterface, Timestamp};

use crate::filter::Values;
use landfall_wire::Time;

pub(crate) use crate::unsupported;
pub use instance::StateShape;
pub use tag::{Tag, TagSpecifications, tag_set};

/// A time as EC2 writes it.
pub fn time(at: Timestamp) -> Time {
    Time(at.as_millis())
}

/// The answer of operations that say only that they did it: `<return>true</return>`.
#[derive(serde::Serialize)]
pub struct Done {
    r#return: bool,
}

impl Done {
    /// That it was done.
    pub const OK: Done = Done { r#return: true };
}

/// The names of an interface's groups, for filters.
pub fn group_names<'v>(view: &View<'v>, interface: &NetworkInterface) -> Values<'v> {
    let groups = interface.groups.iter().filter_map(|id| view.find::<SecurityGroups, _>(*id));
    groups.map(|row| row.name.as_str().into()).collect()
}
