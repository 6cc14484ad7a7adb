//! The places that look past their own account.
//!
//! An operation sees the value through a view of its account and region. Indexes span all of them, and some code must look
//! across: a host runs everybody's machines. Each file that does is here with its reason, and tidy fails on another one, so
//! that whoever adds one says why, and whoever reviews it sees it.

use std::collections::BTreeMap;

use crate::Findings;
use crate::tree::{File, find};

/// Where the value's tables are declared.
const TABLES: &str = "crates/cloud/src/value.rs";
/// The crates in which rows have owners.
const CRATES: &[&str] = &["crates/cloud/src/", "crates/api/src/", "crates/control/src/", "crates/landfall/src/"];

/// How a table is looked through whoever owns its rows. Indexes by the id of something that the view gave (`by_vpc`,
/// `by_instance` …) are none: what belongs to it has the same owner.
const WAYS: &[&str] =
    &["iter()", "rows()", "range(", "values(", "by_host", "by_number", "by_public", "by_token", "by_due"];

/// What the value is called where it is at hand. Rows have lists that are named as tables, which are not meant.
const VALUES: &[&str] = &["tx", "cloud", "inner", "head", "value", "tables()", "read()"];

/// The files that may, and why.
const PLACES: &[(&str, &str)] = &[
    ("crates/api/src/audit/deeds.rs", "the key that a service used for its caller, whosever it is"),
    ("crates/api/src/authorise.rs", "the caller's own policies, as its own account has them"),
    ("crates/api/src/circumstances.rs", "the caller's own tags, as its own account has them"),
    (
        "crates/api/src/ec2/copy_image.rs",
        "the tags that the same account gave an image, in the region that the call names",
    ),
    ("crates/api/src/dlm/shape/policy.rs", "a role of the view's own account"),
    ("crates/api/src/ebs/list_changed_blocks.rs", "the volumes that two snapshots are of, which this account may read"),
    ("crates/api/src/ec2/copy_snapshot.rs", "the same account's snapshots, in the region that the call names"),
    ("crates/api/src/ec2/describe_images.rs", "images are the provider's"),
    (
        "crates/api/src/ec2/describe_security_group_references.rs",
        "the VPCs across a peering whose rules name the caller's groups",
    ),
    ("crates/api/src/ec2/run_instances.rs", "the rows of a reservation that this account's client token names"),
    ("crates/api/src/ec2/shape/instance_profile.rs", "the same account's tags, in the region where IAM's are kept"),
    ("crates/api/src/ec2/shape/permission.rs", "the groups of a VPC that the view gave"),
    ("crates/api/src/home.rs", "a thing of another account, whose policy must let the caller"),
    ("crates/api/src/iam/create_service_linked_role.rs", "the role that was just made"),
    ("crates/api/src/iam/shape/demand.rs", "a role or user of the view's own account"),
    ("crates/api/src/iam/shape/simulation.rs", "a role or user of the view's own account"),
    ("crates/api/src/kms/create_key.rs", "those whom a key's policy names"),
    ("crates/api/src/kms/shape/demand.rs", "a key of another account, whose policy must let the caller"),
    ("crates/api/src/kms/shape/key.rs", "a key of another account, whose policy has let the caller"),
    ("crates/api/src/landfall/assume_administrator.rs", "the provider enters any account, on record in both"),
    ("crates/api/src/landfall/create_account.rs", "accounts are the provider's"),
    ("crates/api/src/landfall/describe_account.rs", "accounts and hosts are the provider's"),
    ("crates/api/src/landfall/list_accounts.rs", "accounts are the provider's"),
    ("crates/api/src/landfall/list_hosts.rs", "hosts are the provider's"),
    ("crates/api/src/landfall/list_nat_gateways.rs", "the provider's hosts translate for all"),
    ("crates/api/src/secretsmanager/shape/plain.rs", "the key of a secret that its policy has let the caller at"),
    ("crates/api/src/secretsmanager/validate_resource_policy.rs", "those whom a policy names"),
    ("crates/api/src/sts/assume_role.rs", "a role of another account, if its trust policy lets the caller"),
    ("crates/api/src/sts/get_access_key_info.rs", "whose an access key is, which everybody may know"),
    ("crates/api/src/sts/shape/mod.rs", "managed policies of the account that a session acts in"),
    ("crates/api/src/sts/shape/taking.rs", "a role of another account, if its trust policy lets the caller"),
    ("crates/api/src/sts/assume_role_with_web_identity.rs", "the role that the token was proven for"),
    ("crates/api/src/through.rs", "a guest may call with another account's key than its network's owner"),
    ("crates/cloud/src/account/closing.rs", "an account that ends goes with all that it has, in every region"),
    ("crates/cloud/src/account.rs", "accounts are the provider's, and what one has is anybody's"),
    ("crates/cloud/src/address.rs", "the pool of public addresses is the provider's"),
    ("crates/cloud/src/ebs.rs", "a KMS key of another account, whose policy was asked; hosts are the provider's"),
    ("crates/cloud/src/endpoint.rs", "the endpoints of a VPC that the view gave, and the one that a call came through"),
    ("crates/cloud/src/expiry.rs", "time passes for all"),
    ("crates/cloud/src/file_system/access_point.rs", "time passes for all"),
    ("crates/cloud/src/file_system/mod.rs", "hosts are the provider's; time passes for all"),
    ("crates/cloud/src/file_system/mount_target.rs", "time passes for all"),
    ("crates/cloud/src/flow_log.rs", "a host records for all, each flow log what its owner's network has"),
    ("crates/cloud/src/host.rs", "hosts are the provider's, and what is on them is anybody's"),
    ("crates/cloud/src/image/mod.rs", "images that their owners share with this account, or with everybody"),
    ("crates/cloud/src/identity/access_key.rs", "the keys of a principal that the view gave"),
    ("crates/cloud/src/identity/account.rs", "the view's own account"),
    ("crates/cloud/src/identity/group.rs", "indexes that begin with the view's account"),
    ("crates/cloud/src/identity/instance_profile.rs", "indexes that begin with the view's account"),
    ("crates/cloud/src/identity/managed_policy.rs", "indexes that begin with the view's account"),
    ("crates/cloud/src/identity/mfa.rs", "the view's own devices, and those of a user that the view gave"),
    ("crates/cloud/src/identity/oidc_provider.rs", "the view's own, and that of the account whose role is asked for"),
    ("crates/cloud/src/identity/password_policy.rs", "the view's own account"),
    (
        "crates/cloud/src/identity/role.rs",
        "indexes that begin with the view's account; trust policies name other accounts'",
    ),
    ("crates/cloud/src/identity/service_role.rs", "the view's own account"),
    ("crates/cloud/src/identity/speaking.rs", "whom a trust policy names, in whatever account"),
    ("crates/cloud/src/identity/user.rs", "indexes that begin with the view's account"),
    (
        "crates/cloud/src/import.rs",
        "volumes of imports are the provider's and their snapshots the tenants'; any host may do it",
    ),
    ("crates/cloud/src/insights/analyse.rs", "whose a hop is, so that nothing of another's is shown"),
    ("crates/cloud/src/instance.rs", "the interfaces of an instance that the view gave"),
    ("crates/cloud/src/interface_attachment.rs", "the interfaces of an instance that the view gave"),
    ("crates/cloud/src/kms/alias.rs", "what is found by a key's id is kept only if it is its owner's"),
    ("crates/cloud/src/kms/grant.rs", "a key's grants name others' principals, and are kept to their key's owner"),
    ("crates/cloud/src/kms/life.rs", "time passes for all"),
    ("crates/cloud/src/launch_template/mod.rs", "an index that begins with the view's account and region"),
    (
        "crates/cloud/src/metering.rs",
        "what all consume is measured; a part of the chunk store has snapshots of several",
    ),
    ("crates/cloud/src/nat.rs", "time passes for all"),
    (
        "crates/cloud/src/network_acl.rs",
        "association ids are unique among all, and what is found by one is kept only if it is the view's",
    ),
    ("crates/cloud/src/network.rs", "what belongs to a VPC that the view gave; VPC numbers are unique among all"),
    ("crates/cloud/src/parameter/mod.rs", "time passes for all"),
    ("crates/cloud/src/parameter/public.rs", "images are the provider's"),
    ("crates/cloud/src/parameter/put.rs", "an index that begins with the view's account and region"),
    ("crates/cloud/src/peering.rs", "time passes for all, and both sides of a peering see it"),
    (
        "crates/cloud/src/prefix_list.rs",
        "the region's own lists are the provider's; who refers to a list is kept to the view",
    ),
    ("crates/cloud/src/placement.rs", "hosts are the provider's"),
    ("crates/cloud/src/profile_association.rs", "what an instance that the view gave has; time passes for all"),
    ("crates/cloud/src/plan/affected.rs", "a host runs the machines of all"),
    ("crates/cloud/src/plan/instance.rs", "a host runs the machines of all"),
    ("crates/cloud/src/plan/mod.rs", "a host runs the machines of all"),
    ("crates/cloud/src/plan/network.rs", "a host runs the machines of all"),
    ("crates/cloud/src/plan/presence.rs", "a host runs the machines of all"),
    ("crates/cloud/src/plan/transit.rs", "a host runs the machines of all"),
    ("crates/cloud/src/relocation.rs", "hosts are the provider's, and what is on them is everybody's"),
    ("crates/cloud/src/reach/filter.rs", "a prefix list may be the provider's or another's"),
    ("crates/cloud/src/reach/gateway.rs", "whoever has a public address is reached at it"),
    (
        "crates/cloud/src/lifecycle/deeds.rs",
        "what a policy that the view gave has made, of which the view's own is kept",
    ),
    (
        "crates/cloud/src/lifecycle/mod.rs",
        "policies of all accounts that are awake; a role is kept in the region of IAM's rows",
    ),
    (
        "crates/cloud/src/trail.rs",
        "an account's trails of all regions, and all trails that deliver; digest keys are the region's",
    ),
    ("crates/cloud/src/reach/transit.rs", "attachments of a transit gateway may be another's"),
    ("crates/cloud/src/reach/walk.rs", "a packet goes wherever the network leads it"),
    ("crates/cloud/src/report.rs", "a host runs the machines of all"),
    ("crates/cloud/src/route.rs", "the connections of a VPN gateway that the view gave"),
    ("crates/cloud/src/route_table.rs", "the tables of a VPC or subnet that the view gave"),
    ("crates/cloud/src/secret/mod.rs", "time passes for all; ranges of the view's own secrets in an order"),
    (
        "crates/cloud/src/security_group.rs",
        "the rules of a group that the view gave; a rule may name a group of a peered VPC, whoever has that",
    ),
    ("crates/cloud/src/snapshot.rs", "snapshots that their owners share with this account, or with everybody"),
    (
        "crates/cloud/src/subnet.rs",
        "association ids are unique among all, and what is found by one is kept only if it is the view's",
    ),
    (
        "crates/cloud/src/transit_gateway.rs",
        "what belongs to a gateway that the view gave; an attachment may be another's",
    ),
    ("crates/cloud/src/value.rs", "whether anything at all is in transition"),
    ("crates/cloud/src/view.rs", "images are the provider's"),
    ("crates/cloud/src/volume/mod.rs", "the volumes of an instance that the view gave"),
    (
        "crates/cloud/src/vpc.rs",
        "VPC numbers and IPv6 blocks are unique among all, and a VPC's blocks don't overlap those of its peers",
    ),
    ("crates/cloud/src/vpn.rs", "the VPNs of a gateway that the view gave; hosts serve all"),
    ("crates/cloud/src/vpn_remains.rs", "hosts serve all"),
    ("crates/control/src/agents.rs", "a host's token comes before any account"),
    ("crates/control/src/collection.rs", "the chunks of all accounts are collected"),
    ("crates/control/src/metering.rs", "what all consume is measured"),
    ("crates/control/src/relocation.rs", "hosts are the provider's"),
    ("crates/landfall/src/serve/mod.rs", "whether the root key opens what is sealed, whoever owns it"),
];

/// Compares the sources with the list.
pub fn check(files: &[File], findings: &mut Findings) {
    let Some(value) = find(files, TABLES) else {
        findings.fault(format!("{TABLES}: the tables are declared there, and it isn't there"));
        return;
    };
    let tables = tables(&value.text);
    let allowed: BTreeMap<_, _> = PLACES.iter().copied().collect();
    let mut seen = BTreeMap::new();
    for file in files.iter().filter(|file| CRATES.iter().any(|start| file.path.starts_with(start))) {
        let lines = looks(&file.text, &tables);
        if lines.is_empty() || file.path.ends_with("/tests.rs") || file.path.contains("/tests/") {
            continue;
        }
        seen.insert(file.path.as_str(), lines.len());
        if !allowed.contains_key(file.path.as_str()) {
            let at: Vec<_> = lines.iter().map(ToString::to_string).collect();
            findings.fault(format!(
                "{}: looks past its account in line {}; go through the view, or say in xtask/src/across.rs why not",
                file.path,
                at.join(", ")
            ));
        }
    }
    for (path, why) in PLACES {
        match seen.get(path) {
            Some(times) => findings.note(format!("looks past its account: {path} ({times}): {why}")),
            None => findings.fault(format!("{path}: doesn't look past its account any more; take it off the list")),
        }
    }
}

/// The names of the value's tables.
fn tables(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.strip_prefix("        pub ")?.split_once(':').map(|(name, _)| name)).collect()
}

/// The numbers of the lines that look at a table without a scope, in what isn't test code.
fn looks(text: &str, tables: &[&str]) -> Vec<usize> {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let is_look = |line: &str| {
        [".by_id(", ".tables()", ".scoped("].iter().any(|way| line.contains(way))
            || tables.iter().any(|table| {
                line.match_indices(&format!(".{table}.")).any(|(at, way)| {
                    let rest = &line[at + way.len()..];
                    WAYS.iter().any(|start| rest.starts_with(start))
                        && VALUES.iter().any(|value| line[..at].ends_with(value))
                })
            })
    };
    code.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim_start().starts_with("//") && is_look(line))
        .map(|(n, _)| n + 1)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_is_found_wherever_it_is_in_the_code() {
        let tables = tables("value! {\n    pub struct Cloud {\n        pub vpcs: Vpcs = \"vpc\" v1 {\n");
        assert_eq!(tables, ["vpcs"]);
        let text = "let a = tx.vpcs.by_number.count(&s);\n// tx.vpcs.iter()\nlet b = tx.vpcs.get(&key);\nrow.vpcs.iter();\nview.tables()\n\
                    #[cfg(test)]\nmod tests { fn f() { tx.vpcs.iter(); } }\n";
        assert_eq!(looks(text, &tables), [1, 5]);
    }

    #[test]
    fn a_new_place_is_a_fault() {
        let value = File { path: TABLES.into(), text: "        pub vpcs: Vpcs = \n".into() };
        let api = File { path: "crates/api/src/new.rs".into(), text: "//! X\ntx.vpcs.iter()\n".into() };
        let mut findings = Findings::default();
        check(&[value, api], &mut findings);
        assert!(
            findings.faults.iter().any(|fault| fault.starts_with("crates/api/src/new.rs")),
            "{:?}",
            findings.faults
        );
    }
}
