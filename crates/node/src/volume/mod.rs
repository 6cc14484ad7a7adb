//! Keeps volumes on this machine's disk: the driver behind [`crate::driver::Volumes`].
//!
//! A volume is one qcow2 file, readable and writable by root alone, and thin: a clone of an image holds only what
//! differs from it. Guests get descriptors, never paths. What QEMU and `qemu-img` are told about the layers below is
//! said by us; the path in a clone's header is only for people who look at it with `qemu-img info`.
//!
//! Of an encrypted volume nothing that a guest wrote is on this disk in clear: neither in its file, nor in what is kept of
//! overwritten data for a snapshot, nor in chunks (decision 0031).

mod bitmap;
mod export;
mod held;
mod import;
pub mod key;
mod local;
pub mod luks;
mod nbd;
mod qcow2;
mod store;

pub use import::ImportPlaces;
pub use local::LocalVolumes;
pub use store::SnapshotStore;
