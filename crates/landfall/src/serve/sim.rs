//! A cloud without guests: one host that is as large as anybody needs, settled after each commit, or later where
//! latencies are asked for.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use landfall_cloud::{Cloud, Entropy};
use landfall_control::seed::id_from;
use landfall_control::{Settler, SimulatedHost};
use landfall_model::agent::{Answer, Report};
use landfall_model::plan::PlanUpdate;
use landfall_model::{HostFacts, HostId, InstanceId, Timestamp};
use landfall_node::agent::sim::{SimHost, SimOptions};
use landfall_state::Engine;

use super::Pieces;
use crate::config::Config;

/// The simulation of a server.
pub type Simulation = Settler<Host>;

/// A simulated host, as the settler drives it.
pub struct Host {
    options: SimOptions,
    host: SimHost,
}

/// Memory and processors of the simulated host: more than a million of the largest instances have.
const MEMORY_MIB: u64 = 1 << 40;
const CPUS: u32 = 1 << 28;
/// The longest that the simulation sleeps while something is to happen by itself.
const LONGEST: Duration = Duration::from_millis(500);

impl SimulatedHost for Host {
    fn step(&mut self, update: PlanUpdate, now: Timestamp) -> Option<Report> {
        match self.host.step(update, now) {
            Ok(report) => report,
            Err(stale) => {
                tracing::error!(%stale, "the simulated host lost its plan");
                None
            }
        }
    }

    fn tick(&mut self, now: Timestamp) -> Option<Report> {
        self.host.tick(now)
    }

    fn next_wake(&self) -> Option<Timestamp> {
        self.host.next_wake()
    }

    fn console(&self, id: InstanceId) -> Result<Answer, String> {
        self.host.console(id)
    }

    fn replace(&mut self) {
        self.host = SimHost::new(self.options.clone());
    }
}

/// The simulated host's row.
pub fn hosts() -> Vec<(HostId, String, HostFacts)> {
    let facts = HostFacts {
        name: "simulated".into(),
        address: std::net::Ipv4Addr::LOCALHOST,
        cpus: CPUS,
        memory_mib: MEMORY_MIB,
        disk_gib: 1 << 40,
        hypervisor: "simulated".into(),
        machine: "simulated-1".into(),
        format: landfall_model::plan::FORMAT,
        uefi: true,
        shares: landfall_model::host::Shares::Encrypted,
    };
    vec![(id(), String::new(), facts)]
}

fn id() -> HostId {
    id_from("the simulated host")
}

/// Makes the simulation, and the task that lets its time pass.
pub fn assemble(config: &Config, engine: &Engine<Cloud>) -> Result<Pieces> {
    let mut options = SimOptions { start: config.start, ..SimOptions::default() };
    options.machine.panics = false;
    options.machine.stop = Some(config.stop);
    let host = Host { host: SimHost::new(options.clone()), options };
    let simulation = Arc::new(Settler::new([(id(), host)], Entropy::from_system()));
    tokio::spawn(pass_time(engine.clone(), simulation.clone()));
    Ok(Pieces {
        hosts: simulation.clone(),
        agents: None,
        settle: Some(simulation.clone()),
        simulation: Some(simulation),
        hypervisor: "simulated".into(),
        start: None,
    })
}

/// Lets the simulation's time pass. Where nothing takes time, nothing is ever due and this only sleeps.
async fn pass_time(engine: Engine<Cloud>, simulation: Arc<Simulation>) {
    loop {
        let now = Timestamp(engine.now_ms());
        let due = simulation.with_hosts(|hosts| hosts.filter_map(|(_, _, host)| host.next_wake()).min());
        match due {
            Some(at) if at <= now => {
                let pending = engine.commit_essential(|head| simulation.tick(head, now));
                if let Err(refused) = pending.await {
                    tracing::warn!(%refused, "the simulation waits");
                    tokio::time::sleep(LONGEST).await;
                }
            }
            Some(at) => tokio::time::sleep(at.since(now).min(LONGEST)).await,
            None => tokio::time::sleep(LONGEST).await,
        }
    }
}
