//! The whole value as text, row by row: what is compared after a restart, and between two runs of one seed.

use std::collections::BTreeMap;

use landfall_cloud::Cloud;
use landfall_state::{Table, Value};

/// Every row as JSON, by its kind and key.
pub type Dump = BTreeMap<String, String>;

/// Every row of the value.
///
/// # Panics
/// When a table is missing here that the value has.
pub fn dump(cloud: &Cloud) -> Dump {
    let mut dump = Dump::new();
    let mut kinds = 0;
    macro_rules! tables {
        ($($field:ident)*) => {$(
            kinds += 1;
            rows(&cloud.$field, &mut dump);
        )*};
    }
    tables!(
        settings accounts principals groups managed_policies instance_profiles mfa_devices oidc_providers role_deletions access_keys hosts usage images own_images image_defaults key_pairs vpcs subnets internet_gateways route_tables
        network_acls dhcp_options security_groups security_group_rules interfaces addresses released_addresses instances user_data volumes
        snapshots chunk_domains
        parameters parameter_versions secrets secret_versions
        tags client_tokens egress_only_gateways nat_gateways peerings transit_gateways transit_attachments
        transit_tables endpoints prefix_lists customer_gateways vpn_gateways vpn_connections vpn_remains flow_logs import_images import_snapshots insights_paths
        ebs_defaults kms_keys kms_aliases kms_grants doomed_keys
        insights_analyses profile_associations trails digest_keys launch_templates launch_template_versions
        departed_templates lifecycle_policies file_systems mount_targets access_points
    );
    assert_eq!(kinds, Cloud::KINDS.len(), "a table of the value is missing from its dump");
    dump
}

fn rows<T: Table>(table: &T, dump: &mut Dump) {
    for row in table.rows().iter() {
        let body = serde_json::to_string(row).unwrap_or_else(|error| format!("not to be written: {error}"));
        dump.insert(format!("{} {}", T::KIND, T::key(row)), body);
    }
}

/// What differs, a line a row; empty where nothing does.
pub fn difference(left: &Dump, right: &Dump) -> String {
    let mut text = String::new();
    let keys: std::collections::BTreeSet<_> = left.keys().chain(right.keys()).collect();
    for key in keys {
        let (one, other) = (left.get(key), right.get(key));
        if one != other {
            text.push_str(&format!("{key}:\n  {}\n  {}\n", shown(one), shown(other)));
        }
    }
    text
}

fn shown(row: Option<&String>) -> &str {
    row.map_or("nothing", |row| row.as_str())
}
