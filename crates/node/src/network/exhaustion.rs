//! NAT gateways that run out of ports: the packet filter counts the flows that it drops for that reason, and here they are
//! read, for the control plane and for whoever reads the host's log, as AWS tells them by `ErrorPortAllocation`.

use std::collections::BTreeMap;
use std::io;
use std::process::Command;
use std::sync::PoisonError;

use landfall_model::plan::{HostPlan, Place, VpcPlan};
use landfall_model::{NatGatewayId, Timestamp};
use serde::Deserialize;

use super::target::Targets;
use super::{HostNetwork, namespace, ruleset, translate};

/// How often the counters are read.
const EVERY: std::time::Duration = std::time::Duration::from_secs(60);

/// What was counted when it was read last.
#[derive(Default)]
pub struct Exhaustion {
    read_at: Option<Timestamp>,
    counted: BTreeMap<NatGatewayId, u64>,
}

impl Exhaustion {
    /// Takes what is counted now. Returns how much that grew. The counters begin at nothing when rules are loaded anew.
    fn grown(&mut self, now: BTreeMap<NatGatewayId, u64>) -> BTreeMap<NatGatewayId, u64> {
        let before = std::mem::replace(&mut self.counted, now);
        let grown = self.counted.iter().map(|(id, count)| match before.get(id) {
            Some(before) if before <= count => (*id, count - before),
            _ => (*id, *count),
        });
        grown.filter(|(_, count)| *count > 0).collect()
    }
}

impl HostNetwork {
    /// What the counters of this host's NAT gateways say, once a minute. Says in the log which of them lacked ports since
    /// they were read last.
    pub fn watch_exhaustion(&self, plan: &HostPlan, now: Timestamp) -> Option<BTreeMap<NatGatewayId, u64>> {
        let mut exhaustion = self.exhaustion.lock().unwrap_or_else(PoisonError::into_inner);
        if exhaustion.read_at.is_some_and(|at| now.since(at) < EVERY && now >= at) {
            return None;
        }
        exhaustion.read_at = Some(now);
        let mut counted = BTreeMap::new();
        for vpc in plan.vpcs() {
            let mut gateways = plan.nat_gateways().filter(|gateway| gateway.vpc == vpc.id);
            if gateways.any(|gateway| gateway.place == Place::Here) {
                match self.lacking(plan, vpc) {
                    Ok(lacking) => counted.extend(lacking),
                    Err(error) => tracing::debug!(vpc = %vpc.id, %error, "counters of NAT gateways can't be read"),
                }
            }
        }
        for (id, flows) in exhaustion.grown(counted.clone()) {
            tracing::warn!(nat_gateway = %id, flows, "a NAT gateway had no ports left for new flows to one destination");
        }
        Some(counted)
    }

    /// Flows that each NAT gateway of a network here had no ports for, since its rules were loaded.
    pub fn lacking(&self, plan: &HostPlan, vpc: &VpcPlan) -> io::Result<BTreeMap<NatGatewayId, u64>> {
        let listed = namespace::within(&self.name(vpc.number), || {
            Command::new("nft").args(["-j", "list", "counters", "table", "inet", ruleset::TABLE]).output()
        })?;
        let counters = parse(&listed.stdout)?;
        let targets = Targets::of(plan, vpc);
        let found = targets
            .nat_gateways
            .iter()
            .filter_map(|(id, (mark, _))| Some((*id, *counters.get(&translate::exhausted(*mark))?)));
        Ok(found.collect())
    }
}

#[derive(Deserialize)]
struct Whole {
    nftables: Vec<Object>,
}

#[derive(Deserialize)]
struct Object {
    counter: Option<Counter>,
}

#[derive(Deserialize)]
struct Counter {
    name: String,
    packets: u64,
}

/// The packets of each named counter, as `nft` lists them.
fn parse(json: &[u8]) -> io::Result<BTreeMap<String, u64>> {
    let whole: Whole = serde_json::from_slice(json)?;
    Ok(whole.nftables.into_iter().filter_map(|object| object.counter).map(|it| (it.name, it.packets)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_grew_is_told_also_after_the_rules_were_loaded_anew() {
        let id = NatGatewayId::from_random(1);
        let mut exhaustion = Exhaustion::default();
        for (counted, grown) in [(0, None), (5, Some(5)), (5, None), (7, Some(2)), (1, Some(1)), (0, None)] {
            let found = exhaustion.grown(BTreeMap::from([(id, counted)]));
            assert_eq!(found.get(&id).copied(), grown, "{counted}");
        }
    }

    #[test]
    fn counters_are_read_as_nft_lists_them() {
        let listed = br#"{"nftables": [{"metainfo": {"version": "1.0.6"}}, {"counter": {"family": "inet",
            "name": "nat_exhausted_2", "table": "landfall", "handle": 9, "packets": 3, "bytes": 120}}]}"#;
        assert_eq!(parse(listed).unwrap(), BTreeMap::from([("nat_exhausted_2".to_owned(), 3)]));
    }
}
