//! hypervisor.
