//! The drivers on a real machine: QEMU guests and network namespaces, wherever the machine can. Where it can't, a test
//! says so on standard error with the word SKIPPED, and adds a line to the file that `LANDFALL_SKIPPED` names, so that
//! the run can count it as skipped and not as passed.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod disk;
mod encrypted;
mod hypervisor;
mod metadata;
mod network;
#[path = "../../../../tests/skipped.rs"]
mod skipping;
mod snapshot;
mod uefi;

use skipping::skipped;
