//! A control plane: an engine on a store, the gateway before it and the agents' side behind it. It ends by being dropped,
//! with nothing said to anyone, and another is opened on the same store.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use landfall_api::{Gateway, Options, Outside, Regions, Settle, Throttling, Vault};
use landfall_cloud::{Cloud, Entropy, Tx};
use landfall_control::{Agents, Seed, Settler, SimulatedHost, clockwork, lifecycle};
use landfall_model::agent::{Answer, Report};
use landfall_model::plan::PlanUpdate;
use landfall_model::{AccountId, HostId, InstanceId, Region, Scope, Timestamp};
use landfall_node::agent::sim::{SimHost, SimOptions};
use landfall_state::{Engine, Log, Refused, RootKey};

use crate::clock::SimClock;

/// A control plane.
pub struct Plane {
    /// Its engine.
    pub engine: Engine<Cloud>,
    /// Its front door.
    pub gateway: Gateway,
    /// Its side of the agents' protocol.
    pub agents: Arc<Agents>,
    /// What settles each commit, where the simulation has no latency.
    pub settler: Option<Arc<Settler<Simulated>>>,
    entropy: Mutex<Entropy>,
}

/// What every control plane of a world is opened with.
pub struct Opening<'a> {
    /// Its log.
    pub log: Box<dyn Log>,
    /// Its clock.
    pub clock: Arc<SimClock>,
    /// The seed of its randomness: another one for each control plane, as a server's is.
    pub seed: u64,
    /// What the cloud starts with: an account each.
    pub seeds: &'a [Seed],
    /// The hosts that it settles itself; none where they are reached by the agents' protocol.
    pub settled: Option<Vec<(HostId, SimOptions)>>,
}

/// The key that secrets of all worlds are sealed with.
pub fn root_key() -> RootKey {
    RootKey::from_bytes(&[7; 32])
}

impl Plane {
    /// Opens one. An error is the log's, from the first transactions.
    pub fn open(opening: Opening<'_>) -> Result<Self, Refused> {
        let options = landfall_state::Options {
            clock: opening.clock.clone(),
            retry: Duration::from_millis(1),
            ..landfall_state::Options::default()
        };
        let engine: Engine<Cloud> = match Engine::open(opening.log, options) {
            Ok(engine) => engine,
            Err(error) => panic!("the log can't be read: {error} {:?}", std::error::Error::source(&error)),
        };
        let entropy = |of: u64| Entropy::seeded(opening.seed.wrapping_mul(31).wrapping_add(of));
        let now = opening.clock.now();
        let mut planting = entropy(1);
        let planted = engine.commit(|head| {
            for seed in opening.seeds {
                let scope = Scope { account: AccountId::PROVIDER, region: Region::DEFAULT };
                let done = head.transact(now.0, None, |tx| {
                    seed.plant(&mut Tx::new(tx, scope, &mut planting));
                    Ok::<_, std::convert::Infallible>(())
                });
                let Ok(()) = done;
            }
        });
        planted.wait()?;
        let agents = Agents::with_entropy(engine.clone(), entropy(2), Some(Vault::new(root_key())));
        let settler = opening.settled.map(|hosts| {
            let hosts = hosts.into_iter().map(|(id, options)| (id, Simulated::new(options)));
            Arc::new(Settler::new(hosts, entropy(3)))
        });
        if let Some(settler) = &settler {
            engine.commit(|head| settler.begin(head)).wait()?;
        }
        let hosts: Arc<dyn landfall_api::Hosts> = match &settler {
            Some(settler) => settler.clone(),
            None => agents.clone(),
        };
        let gateway = Gateway::new(
            engine.clone(),
            Options {
                regions: Regions::Any,
                outside: Outside::new(hosts, Vault::new(root_key())),
                settle: settler.clone().map(|settler| settler as Arc<dyn Settle>),
                entropy: entropy(4),
                throttling: Throttling::default(),
            },
        );
        Ok(Self { engine, gateway, agents, settler, entropy: Mutex::new(entropy(5)) })
    }

    /// Lets go a batch of what is due by that time.
    pub async fn expire(&self, now: Timestamp) -> Result<(), Refused> {
        let settle = self.settler.as_deref().map(|settler| settler as &dyn Settle);
        clockwork::expire_due(&self.engine, &self.entropy, settle, now.0).await
    }

    /// Does what lifecycle policies say that are awake by now.
    pub async fn look_after_policies(&self) -> Result<(), Refused> {
        lifecycle::round(&self.gateway, &self.entropy).await
    }

    /// Whether it can't go on and is to be started again.
    pub fn is_broken(&self) -> bool {
        matches!(self.engine.health().refusing, Some(Refused::Unavailable(_) | Refused::Fenced | Refused::Stopped))
    }
}

/// A simulated host as the settler drives it.
pub struct Simulated {
    /// The host.
    pub host: SimHost,
    options: SimOptions,
}

impl Simulated {
    /// A host with nothing on it.
    pub fn new(options: SimOptions) -> Self {
        Self { host: SimHost::new(options.clone()), options }
    }
}

impl SimulatedHost for Simulated {
    fn step(&mut self, update: PlanUpdate, now: Timestamp) -> Option<Report> {
        match self.host.step(update, now) {
            Ok(report) => report,
            Err(stale) => panic!("the settler gave a host a change of another plan: {stale}"),
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
