//! The host agent: makes a machine run what its plan says, and reports what it sees.
//!
//! It knows the plan and the protocol (crate `model`) and nothing of the cloud behind them. What touches the machine is
//! behind the traits in [`driver`], each with a strict fake, so that the agent's own logic runs a thousand times a second
//! in tests and is the same in simulation.

pub mod agent;
pub mod connected;
mod crash;
pub mod door;
pub mod driver;
pub mod fake;
pub mod hypervisor;
pub mod image;
pub mod metadata;
pub mod network;
pub mod remote;
pub mod volume;
pub mod vpn;

#[cfg(feature = "crash-points")]
pub use crash::{on_crash_ask, on_crash_point};
