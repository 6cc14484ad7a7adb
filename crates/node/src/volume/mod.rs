//! Keeps volumes on this machine's disk: the driver behind [`crate::driver::Volumes`].
//!
//! A volume is one qcow2 file, readable and writable by root alone, and thin: a clone of an image holds only what
//! differs from it. Guests get descriptors, never paths. What QEMU and `qemu-img` are told about the layers below is
//! said by us; the path in a clone's header is only for people who look at it with `qemu-img info`.

mod bitmap;
mod export;
mod held;
mod local;
mod nbd;
mod qcow2;
mod store;

pub use local::LocalVolumes;
pub use store::SnapshotStore;
