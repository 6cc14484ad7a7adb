//! A whole cloud in one process: control plane and simulated hosts on one thread, with a seeded clock and randomness.
//!
//! [`World`] is that cloud. [`run`] does random things to it, and to its control plane, agents and hosts, and checks what
//! must hold: all the time, that no instance lives twice and that each host's plan is what it would be from scratch; at
//! quiescence, that what runs is what is asked for and that nothing is left over; after a crash, that whatever was
//! acknowledged is still so. The same seed makes the same run, so that a failure is repeated by its number.
//!
//! Everything that a server does goes through the very code that a server runs: requests are signed and go through the
//! gateway, plans and reports through the agents' protocol, what is due through the clockwork. What is simulated is the
//! machine under an agent, the network between agent and control plane, the disk under the log, and time.

pub mod acknowledged;
pub mod check;
pub mod client;
pub mod clock;
pub mod counts;
pub mod dice;
pub mod dump;
pub mod flaky;
pub mod load;
pub mod matrix;
pub mod mirror;
pub mod node;
pub mod plane;
pub mod run;
pub mod topology;
pub mod trouble;
pub mod world;

pub use client::{Client, Refusal};
pub use counts::Counts;
pub use dice::Dice;
pub use dump::dump;
pub use run::{Outcome, run, run_seed, runs_from_env, seed_from_env};
pub use topology::Topology;
pub use world::{Faults, Latencies, Mode, World, WorldOptions};
