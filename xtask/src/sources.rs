//! What every source file keeps to: its size, that it says what it is for, and what it never says.

use crate::Findings;
use crate::tree::File;

/// No file is longer.
const MAX_LINES: usize = 1000;
/// From here on, somebody should ask what the file is really two of.
const LONG_LINES: usize = 600;

/// Checks every file.
pub fn check(files: &[File], findings: &mut Findings) {
    let mut long = Vec::new();
    for file in files {
        let is_rust = file.path.ends_with(".rs");
        if is_rust {
            let lines = file.text.lines().count();
            if lines > MAX_LINES {
                findings.fault(format!("{}: {lines} lines; none has more than {MAX_LINES}", file.path));
            } else if lines > LONG_LINES {
                long.push(format!("{} ({lines})", file.path));
            }
            if !is_test(&file.path) && !has_docs(&file.text) {
                findings.fault(format!("{}: the module doesn't say in `//!` what it is for", file.path));
            }
        }
        check_words(file, is_rust, findings);
    }
    if !long.is_empty() {
        findings.note(format!("more than {LONG_LINES} lines: {}", long.join(", ")));
    }
}

fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

/// Whether the first thing in the file is its documentation.
fn has_docs(text: &str) -> bool {
    let first = text.lines().find(|line| !line.trim().is_empty() && !line.starts_with("#!["));
    first.is_some_and(|line| line.starts_with("//!"))
}

/// The folders of people's machines, in two pieces so that this file passes itself.
const PERSONAL: &[(&str, &str)] = &[("/ro", "ot/"), ("/wo", "rk/"), ("/ho", "me/")];
/// Files that guests see: their paths are those of a guest.
const GUEST_FILES: &str = "crates/node/src/image/";

fn check_words(file: &File, is_rust: bool, findings: &mut Findings) {
    for (n, line) in file.text.lines().enumerate() {
        let mut bad = |what: &str| findings.fault(format!("{}:{}: {what}", file.path, n + 1));
        if is_rust {
            for stub in [concat!("to", "do!("), concat!("unimpl", "emented!(")] {
                if line.contains(stub) {
                    bad("what isn't written yet is not in the tree");
                }
            }
            // A test that needs something special says SKIPPED and is counted. Ignored is only what is no test at all: the
            // process that a test starts.
            if line.contains(concat!("#[ign", "ore")) && !line.contains("process") {
                bad("no test is ignored; one that can't run says so and is counted as skipped");
            }
        }
        if !file.path.starts_with(GUEST_FILES) && names_a_machine(line) {
            bad("names a folder of one person's machine");
        }
    }
}

/// Whether the line has an absolute path into a personal folder.
fn names_a_machine(line: &str) -> bool {
    PERSONAL.iter().any(|(start, end)| {
        let folder = format!("{start}{end}");
        line.match_indices(&folder).any(|(at, _)| {
            // `/srv/root/x` isn't one, nor is a URL's path.
            let before = line[..at].chars().next_back();
            !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '}' | ')' | '*' | '>' | '~'))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(path: &str, text: &str) -> Vec<String> {
        let files = [File { path: path.into(), text: text.into() }];
        let mut findings = Findings::default();
        check(&files, &mut findings);
        findings.faults
    }

    #[test]
    fn a_module_says_what_it_is_for() {
        assert!(faults("crates/a/src/b.rs", "//! Why.\nfn f() {}\n").is_empty());
        assert!(faults("crates/a/src/b.rs", "#![no_std]\n\n//! Why.\n").is_empty());
        assert_eq!(faults("crates/a/src/b.rs", "// Not docs.\n").len(), 1);
        assert!(faults("crates/a/src/b/tests.rs", "use super::*;\n").is_empty());
    }

    #[test]
    fn a_file_has_an_end() {
        let most = format!("//! Why.\n{}", "fn f() {}\n".repeat(MAX_LINES - 1));
        assert!(faults("crates/a/src/b.rs", &most).is_empty());
        assert_eq!(faults("crates/a/src/b.rs", &format!("{most}\n")).len(), 1);
    }

    #[test]
    fn stubs_ignored_tests_and_personal_paths_are_faults() {
        for line in [
            concat!("to", "do!()"),
            concat!("#[ign", "ore]"),
            concat!("#[ign", "ore = \"slow\"]"),
            concat!("\"/ro", "ot/x\""),
        ] {
            assert_eq!(faults("crates/a/src/b.rs", &format!("//! Why.\n{line}\n")).len(), 1, "{line}");
        }
        for line in [concat!("#[ign", "ore = \"the process that x starts\"]"), concat!("\"/srv/ro", "ot/x\"")] {
            assert!(faults("crates/a/src/b.rs", &format!("//! Why.\n{line}\n")).is_empty(), "{line}");
        }
        assert_eq!(faults("README.md", concat!("cd /wo", "rk/x\n")).len(), 1);
    }
}
