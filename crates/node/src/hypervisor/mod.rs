//! Runs guests with QEMU: the driver behind [`crate::driver::Hypervisor`].
//!
//! A guest is a QEMU process that depends on nobody: it has its disks and TAPs as descriptors, needs neither the agent
//! nor any helper, and is found again by inspection. What must hold at every instant, and why it does:
//!
//! **No guest is started twice.** Whoever starts a guest first takes the lock in its folder; the process that becomes
//! QEMU inherits the lock's descriptor at fork and never closes it, and the kernel gives the lock up only when the last
//! holder has ended. So from before the fork to the end of QEMU there is no moment, whichever process is killed, at which
//! the guest runs and the lock is free. Should a guest take its QEMU over and unlock the file from within, the process is
//! still found by what it wrote about itself before it became QEMU ([`process`]), and by its control group, which it
//! can't leave.
//!
//! **A start that was cut off is not mistaken for a guest that died.** QEMU starts paused, and the record in the folder
//! says `Preparing` until the monitor has answered; then it says `Started`, and only then the guest may run. What is
//! found `Preparing` with a process is carried on with; without one it never ran, and is forgotten, so that the agent
//! starts it.
//!
//! **A reboot is done at least once.** The count grows after the reset was sent. If the agent dies in between, it resets
//! again: the guest is then a few milliseconds into its firmware. Counting first could lose a reboot that a person asked
//! for, and nobody would ever know.
//!
//! **Inspection asks the machine.** The state is what QEMU says on the monitor kept for that; a guest that powered
//! itself off stays as a paused process, and once it was seen so, that is recorded, for the process may be ended before
//! the control plane has heard of it.
//!
//! **What comes out of a guest is bounded**: the console by a ring in QEMU's memory and two files ([`console`]), what
//! QEMU prints by a sealed piece of memory, the monitor by [`qmp`]'s limits.

pub mod arguments;
pub mod cgroup;
mod changes;
pub mod confine;
pub mod console;
mod disk;
pub mod firmware;
mod hold;
mod launch;
pub mod machine;
mod plug;
mod power;
pub mod process;
mod qemu;
pub mod qmp;
mod record;
mod state;
mod words;

use std::path::PathBuf;

pub(crate) use arguments::disk::CHANGES;
pub(crate) use launch::choose_uid;
pub use machine::{Accelerator, Machine, detect};
pub use qemu::{QemuConfig, QemuHypervisor};

/// Why this machine can't run guests.
#[derive(Debug, thiserror::Error)]
pub enum HypervisorError {
    /// QEMU isn't installed.
    #[error(
        "{} isn't installed: `apt-get install --no-install-recommends qemu-system-x86 qemu-utils`",
        program.display()
    )]
    Missing {
        /// What was looked for.
        program: PathBuf,
    },
    /// QEMU is there and doesn't do what it should.
    #[error("{} can't be used: {reason}", program.display())]
    Program {
        /// Which program.
        program: PathBuf,
        /// Why.
        reason: String,
    },
    /// Only root can confine guests.
    #[error("running guests needs root, which confines each to a user of its own: start Landfall with sudo")]
    NeedsRoot,
    /// A folder can't be made.
    #[error("{}: {source}", path.display())]
    Folder {
        /// Which folder.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
}
