//! For test binaries to include: says that a test can't run on this machine, so that the run counts it as skipped and not
//! as passed. A line goes to standard error, and one to the file that `LANDFALL_SKIPPED` names.

/// Says that a test can't run here, and why.
pub fn skipped(test: &str, why: &str) {
    use std::io::Write as _;
    eprintln!("SKIPPED {test}: {why}");
    if let Some(path) = std::env::var_os("LANDFALL_SKIPPED") {
        let line = format!("{test}: {}\n", why.trim().replace('\n', " "));
        let file = std::fs::OpenOptions::new().append(true).create(true).open(path);
        file.and_then(|mut file| file.write_all(line.as_bytes())).expect("the list of skipped tests can be written");
    }
}
