//! What is said of reachability: packets, the components that they pass, and where and why they end.

mod code;
mod hop;
mod packet;

pub use code::Code;
pub use hop::{Component, Decision, Hop, RouteSeen, Stop, TransitRouteSeen};
pub use packet::{Header, ICMP, ICMPV6, Packet, TCP, UDP};
