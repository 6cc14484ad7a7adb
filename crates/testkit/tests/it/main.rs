//! The whole system, simulated.

mod plan;
mod torture;
