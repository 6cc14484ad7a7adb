//! What the control plane does by itself: it gives hosts their plans and takes their reports ([`agents`]), lets a
//! simulation settle ([`settle`]), does what is due by time ([`clockwork`]), moves gateways away from hosts that are lost
//! ([`relocation`]), takes from the chunk store what nobody needs ([`collection`]), reads
//! what is consumed ([`metering`]), does what lifecycle policies say ([`lifecycle`]), and makes what every cloud starts with ([`seed`]).

pub mod agents;
pub mod clockwork;
pub mod collection;
pub mod destruction;
pub mod lifecycle;
pub mod metering;
pub mod planned;
pub mod relocation;
pub mod retention;
pub mod seed;
pub mod settle;
pub mod trail;

pub use agents::Agents;
pub use seed::Seed;
pub use settle::{Settler, SimulatedHost};
