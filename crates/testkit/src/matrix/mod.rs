//! Real packets against the model's verdict.
//!
//! A topology's plan is applied to this machine, in a network namespace of the test's own: the same driver, links, routes
//! and packet filter that real guests get. Guests are only the ends of their TAPs: each probe's first packet is written
//! there, what comes out of any other TAP or of the uplink is answered, and where packet and answer turned up is compared
//! with what [`landfall_cloud::reach`] says, which was reasoned from the resources alone. VPNs are real ones: strongSwan on
//! this side, as hosts have it, and another at the office's.

mod frame;
mod office;
mod wire;

use std::collections::BTreeMap;
use std::time::Duration;

use landfall_cloud::reach::{End, Source, Verdict};

use crate::topology::Topology;
use wire::{Place, Wire};

/// What became of a probe: where its packet and its answer arrived.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Seen {
    arrived: Option<Place>,
    answered: bool,
}

impl Seen {
    /// Whether it has all that another has.
    fn has(&self, other: &Seen) -> bool {
        (other.arrived.is_none() || self.arrived == other.arrived) && (self.answered || !other.answered)
    }
}

/// What a run found.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Topologies tried.
    pub topologies: u64,
    /// Those of them that have VPNs, and how long it took for their tunnels to be up.
    pub with_vpns: u64,
    /// The time that tunnels took to come up, of all of them.
    pub waited_for_vpns: Duration,
    /// Topologies that were passed over because they have VPNs and strongSwan isn't installed.
    pub without_strongswan: u64,
    /// Probes from offices and to them.
    pub by_vpns: u64,
    /// Probes sent.
    pub probes: u64,
    /// Those that arrived and were answered, as both said.
    pub reached: u64,
    /// Those that didn't arrive, by the verdict's reason.
    pub stopped: BTreeMap<String, u64>,
    /// Where packets and verdict disagree, for a person to read.
    pub disagreements: Vec<String>,
}

/// Tries the topologies of those seeds. Call it as root in network and mount namespaces of its own.
///
/// # Errors
/// If the machine can't be made to carry the packets.
pub fn run(seeds: impl Iterator<Item = u64>, outcome: &mut Outcome) -> Result<(), String> {
    let mut wire = Wire::new().map_err(|error| format!("the stand: {error}"))?;
    let can_have_offices = office::can_be();
    for seed in seeds {
        let topology = Topology::random(seed);
        if !topology.offices.is_empty() && !can_have_offices {
            outcome.without_strongswan += 1;
            continue;
        }
        one(&mut wire, seed, &topology, outcome).map_err(|error| format!("seed {seed}: {error}"))?;
        outcome.topologies += 1;
    }
    wire.clear().map_err(|error| format!("clearing away: {error}"))
}

fn one(wire: &mut Wire, seed: u64, topology: &Topology, outcome: &mut Outcome) -> Result<(), String> {
    let host = topology.hosts.first().ok_or("a topology without a host")?;
    let plan = landfall_cloud::plan::from_scratch(&topology.cloud, *host, 1);
    let routers = topology.machines.iter().filter(|machine| machine.forwards).map(|machine| machine.interface);
    wire.apply(&plan, &routers.collect())?;
    if !topology.offices.is_empty() {
        outcome.with_vpns += 1;
        outcome.waited_for_vpns += wire.open_offices(&plan, &topology.offices)?;
    }
    let packets: Vec<_> = topology.probes.iter().map(|probe| (place(probe.from), probe.packet)).collect();
    let expected: Vec<_> = topology.probes.iter().map(|probe| expected(&probe.verdict)).collect();
    let seen = wire.exchange(&packets, &expected)?;
    for ((probe, seen), expected) in topology.probes.iter().zip(seen).zip(expected) {
        outcome.probes += 1;
        let is_of_vpn = |place: Option<Place>| matches!(place, Some(Place::Vpn(_)));
        outcome.by_vpns += u64::from(is_of_vpn(Some(place(probe.from))) || is_of_vpn(expected.arrived));
        if seen != expected {
            let text = format!("seed {seed}: {}\n  packets: {seen:?}\n  verdict: {expected:?}", probe.describe());
            outcome.disagreements.push(text);
            continue;
        }
        match probe.verdict.stop() {
            None => outcome.reached += 1,
            Some(stop) => *outcome.stopped.entry(stop.code.name().to_owned()).or_default() += 1,
        }
    }
    Ok(())
}

fn place(source: Source) -> Place {
    match source {
        Source::Interface(id) => Place::Interface(id),
        Source::Internet => Place::Internet,
        Source::Vpn(id) => Place::Vpn(id),
    }
}

fn expected(verdict: &Verdict) -> Seen {
    let arrived = match verdict.arrival {
        Ok(End::Interface(id)) => Some(Place::Interface(id)),
        Ok(End::Internet) => Some(Place::Internet),
        Ok(End::Vpn(id)) => Some(Place::Vpn(id)),
        _ => None,
    };
    Seen { answered: arrived.is_some() && matches!(verdict.answer, Some(Ok(()))), arrived }
}
