//! The rulesets as people can read them. `UPDATE_GOLDEN=1` writes the files anew.

use std::path::Path;

use landfall_model::plan::{AclRulePlan, PeerPlan, RoutePlan, RouteTargetPlan};
use landfall_model::{Ipv4Cidr, PortRange};
use landfall_node::network::{Allowance, Underlay, allowance, machine, ruleset, underlay};

use super::cloud::*;

pub fn compare(name: &str, text: &str) {
    compare_at(&format!("src/network/golden/{name}"), text);
}

pub fn compare_at(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(golden == text, "{name} isn't what is made now; see UPDATE_GOLDEN:\n{text}");
}

#[test]
fn the_default_network() {
    let mut cloud = Cloud::new();
    cloud.group(1, 1, vec![rule("-1", (-1, -1), PeerPlan::Group(group_id(1)))], vec![anything()]);
    cloud.port(1, 1, &[1], Some("198.18.0.11")).port(2, 2, &[1], None);
    let vpc = cloud.0.vpc(vpc_id(1)).unwrap();
    compare("default.nft", &ruleset::ruleset(&cloud.0, vpc, Some("169.254.169.250:80".parse().unwrap())));
}

#[test]
fn everything_at_once() {
    let mut cloud = Cloud::new();
    let many =
        [("10.0.0.0/8", (80, 90)), ("10.1.0.0/16", (85, 100)), ("0.0.0.0/0", (22, 22)), ("2001:db8::/32", (22, 22))];
    let mut rules: Vec<_> = many.iter().map(|(block, ports)| rule("tcp", *ports, from(block))).collect();
    rules.push(rule("udp", (53, 53), PeerPlan::Group(group_id(2))));
    rules.push(rule("icmp", (8, -1), from("10.0.0.0/8")));
    rules.push(rule("icmp", (3, 4), from("0.0.0.0/0")));
    rules.push(rule("50", (-1, -1), from("192.0.2.0/24")));
    cloud.group(1, 1, rules, vec![anything(), rule("-1", (-1, -1), from("::/0"))]);
    cloud.group(2, 1, vec![], vec![rule("tcp", (443, 443), from("0.0.0.0/0"))]);
    cloud.port(1, 1, &[1], Some("198.18.0.11")).port(2, 2, &[1, 2], Some("198.18.0.12")).port(3, 2, &[2], None);
    cloud.edit_port(1, |port| port.source_dest_check = false);
    cloud.edit_port(2, |port| port.addresses.push([10, 1, 2, 200].into()));
    cloud.edit_subnet(2, |subnet| {
        let to = |text, target| RoutePlan { destination: cidr(text), target };
        subnet.routes.push(to("192.168.0.0/16", RouteTargetPlan::Interface(port_id(1))));
        subnet.routes.push(to("192.168.7.0/24", RouteTargetPlan::Blackhole));
        subnet.acl_ingress = vec![
            AclRulePlan { ports: PortRange { from: 3, to: 4 }, ..acl(90, true, "icmp", (-1, -1), "0.0.0.0/0") },
            acl(100, false, "tcp", (3389, 3389), "0.0.0.0/0"),
            acl(200, true, "-1", (-1, -1), "0.0.0.0/0"),
            acl(201, true, "-1", (-1, -1), "::/0"),
        ];
    });
    let vpc = cloud.0.vpc(vpc_id(1)).unwrap();
    compare("everything.nft", &ruleset::ruleset(&cloud.0, vpc, None));
}

#[test]
fn the_machine() {
    let first = [cidr("198.18.0.11/32"), cidr("fd4c:4641:0:100::/56")].into();
    let public = [("lf-1".to_owned(), first), ("lf-2".to_owned(), [].into())].into();
    let underlay = Underlay { address: [192, 0, 2, 1].into(), port: 4789 };
    let hosts = [[192, 0, 2, 2].into(), [192, 0, 2, 3].into()].into();
    compare("underlay.nft", &underlay::ruleset("landfall", underlay, &hosts));
    let machine = machine::Machine {
        table: "landfall",
        links: "lf-",
        masquerade: "198.18.0.0/16".parse::<Ipv4Cidr>().ok(),
        public: &public,
        blocked: &[cidr("192.0.2.0/24"), cidr("10.0.0.0/8"), cidr("10.1.0.0/16"), cidr("fd00::/8")],
        guarded: Some("eth0"),
        guarded_ipv6: true,
        allowance: Allowance::of(262_144),
        pool: "198.18.0.0/16".parse().ok(),
        underlay: Some(underlay),
    };
    compare("machine.nft", &machine::ruleset(&machine));
    compare("allowance.nft", &allowance::table(Allowance::of(262_144)));
}
