//! The drivers on a real machine: QEMU guests and network namespaces, wherever the machine can. Where it can't, a test
//! says so on standard error with the word SKIPPED, and adds a line to the file that `LANDFALL_SKIPPED` names, so that
//! the run can count it as skipped and not as passed.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod hypervisor;
mod metadata;
mod network;

/// Says that a test can't run here, and why.
fn skipped(test: &str, why: &str) {
    use std::io::Write;
    eprintln!("SKIPPED {test}: {why}");
    if let Some(path) = std::env::var_os("LANDFALL_SKIPPED") {
        let line = format!("{test}: {why}\n");
        let file = std::fs::OpenOptions::new().append(true).create(true).open(path);
        file.and_then(|mut file| file.write_all(line.as_bytes())).expect("the list of skipped tests can be written");
    }
}
