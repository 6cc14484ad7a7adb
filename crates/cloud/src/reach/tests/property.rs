//! What must hold of every network.

use landfall_model::plan::AclRulePlan;
use landfall_model::*;
use proptest::prelude::*;

use super::net::{Net, any_rule, cidr, scope};
use super::{AclRulePlanOf, peer};
use crate::value::RouteTables;

fn blocks() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just("0.0.0.0/0"),
        Just("10.0.0.0/8"),
        Just("10.0.0.0/24"),
        Just("10.0.1.0/24"),
        Just("10.1.0.0/24"),
        Just("10.0.0.4/32"),
    ]
}

#[derive(Clone, Debug)]
struct Rule {
    group: usize,
    direction: RuleDirection,
    port: Option<i32>,
    to: Option<&'static str>,
    of: usize,
}

fn rule() -> impl Strategy<Value = Rule> {
    let direction = prop_oneof![Just(RuleDirection::Ingress), Just(RuleDirection::Egress)];
    let port = prop_oneof![Just(None), Just(Some(80)), Just(Some(443))];
    (0..2_usize, direction, port, proptest::option::of(blocks()), 0..2_usize)
        .prop_map(|(group, direction, port, to, of)| Rule { group, direction, port, to, of })
}

fn acl() -> impl Strategy<Value = Vec<AclRulePlan>> {
    let one = (1..100_u16, any::<bool>(), prop_oneof![Just((0, 65535)), Just((80, 80)), Just((1024, 65535))]);
    let ports = one.prop_map(|(number, allow, (from, to))| AclRulePlanOf { number, allow, from, to }.row());
    proptest::collection::vec(ports, 0..4)
}

/// Two peered networks of two subnets, with a machine in each, of two groups.
struct Town {
    net: Net,
    vpcs: [VpcId; 2],
    subnets: Vec<SubnetId>,
    groups: [SecurityGroupId; 2],
    machines: Vec<InterfaceId>,
    addresses: Vec<String>,
}

impl Town {
    fn new(rules: &[Rule], acls: &[Vec<AclRulePlan>; 2]) -> Self {
        let net = Net::new();
        let vpcs = [net.vpc("10.0.0.0/16", None), net.vpc("10.1.0.0/16", None)];
        // Groups of both networks are held by machines of both: only what rules say matters here.
        let groups = [net.group(vpcs[0]), net.group(vpcs[1])];
        let (mut subnets, mut machines, mut addresses) = (vec![], vec![], vec![]);
        for (n, vpc) in vpcs.into_iter().enumerate() {
            for m in 0..2_usize {
                let subnet = net.subnet(vpc, &format!("10.{n}.{m}.0/24"), None, 0);
                for (host, group) in [(4, groups[m]), (5, groups[1 - m])] {
                    addresses.push(format!("10.{n}.{m}.{host}"));
                    machines.push(net.machine(subnet, &[addresses.last().unwrap()], &[group]));
                }
                subnets.push(subnet);
            }
        }
        let town = Self { net, vpcs, subnets, groups, machines, addresses };
        rules.iter().for_each(|rule| town.add(rule));
        town.net.acl(vpcs[0], &[town.subnets[0]], acls[0].clone(), Some(acls[1].clone()));
        let peering = town.net.peering(vpcs[0], vpcs[1], PeeringState::Active);
        town.net.route(town.net.main(vpcs[0]), "10.1.0.0/16", peering);
        town.net.route(town.net.main(vpcs[1]), "10.0.0.0/16", peering);
        town
    }

    fn add(&self, rule: &Rule) {
        let other = Peer::Group(self.groups[rule.of]);
        self.net.rule(self.groups[rule.group], rule.direction, rule.port, rule.to.map_or(other, peer));
    }

    /// For every pair of machines, whether one reaches the other.
    fn matrix(&self) -> Vec<bool> {
        let pairs = self.machines.iter().flat_map(|from| self.addresses.iter().map(move |to| (*from, to)));
        pairs.map(|(from, to)| self.net.tcp(from, to, 80).is_none()).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn one_more_rule_of_a_group_takes_nothing_away(
        rules in proptest::collection::vec(rule(), 0..6), more in rule(), ingress in acl(), egress in acl(),
    ) {
        let town = Town::new(&rules, &[ingress, egress]);
        let before = town.matrix();
        town.add(&more);
        for (before, after) in before.into_iter().zip(town.matrix()) {
            prop_assert!(after || !before);
        }
    }

    #[test]
    fn within_a_subnet_acls_decide_nothing(
        rules in proptest::collection::vec(rule(), 0..6), ingress in acl(), egress in acl(),
    ) {
        let open = vec![any_rule(1, true, "0.0.0.0/0")];
        let strict = Town::new(&rules, &[ingress, egress]);
        let free = Town::new(&rules, &[open.clone(), open]);
        for (from, to) in [(0, 1), (1, 0)] {
            let answer = |town: &Town| town.net.tcp(town.machines[from], &town.addresses[to], 80);
            prop_assert_eq!(answer(&strict), answer(&free));
        }
    }

    #[test]
    fn a_peering_has_no_first_side(rules in proptest::collection::vec(rule(), 0..6)) {
        let open = vec![any_rule(1, true, "0.0.0.0/0")];
        let town = Town::new(&rules, &[open.clone(), open]);
        let before = town.matrix();
        let other = town.net.peering(town.vpcs[1], town.vpcs[0], PeeringState::Active);
        for vpc in town.vpcs {
            let key = scope().key(town.net.main(vpc));
            town.net.edit(|tx| {
                tx.update::<RouteTables, _>(&key, |row| row.routes.iter_mut().for_each(|route| route.target = other));
            });
        }
        prop_assert_eq!(before, town.matrix());
    }

    #[test]
    fn an_acl_that_allows_the_rest_only_takes_away(ingress in acl(), egress in acl()) {
        let all = [RuleDirection::Ingress, RuleDirection::Egress];
        let rules: Vec<_> = (0..2)
            .flat_map(|group| all.map(|direction| Rule { group, direction, port: None, to: Some("0.0.0.0/0"), of: 0 }))
            .collect();
        let rest = |mut rules: Vec<AclRulePlan>| {
            rules.push(any_rule(32_000, true, "0.0.0.0/0"));
            rules
        };
        let some = Town::new(&rules, &[ingress.clone(), egress.clone()]).matrix();
        let more = Town::new(&rules, &[rest(ingress), rest(egress)]).matrix();
        for (some, more) in some.into_iter().zip(more) {
            prop_assert!(more || !some);
        }
        prop_assert!(cidr("0.0.0.0/0").contains(super::ip("10.0.0.4")));
    }
}
