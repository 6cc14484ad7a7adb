//! Repository chores, run as `cargo xtask CHORE`.
//!
//! What a reviewer would otherwise have to look for in every change is looked for here: which crate may use which, how
//! large a file may grow, which code looks past its own account. It reads sources as text and compiles nothing but
//! itself, so that it answers in a second and can be the first thing that a change meets.

mod across;
mod docs;
mod edges;
mod licence;
mod operations;
mod sources;
mod tree;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result};

/// What the checks found.
#[derive(Default)]
struct Findings {
    /// What must be mended: the place, and what is wrong there.
    faults: Vec<String>,
    /// What somebody should know.
    notes: Vec<String>,
}

impl Findings {
    fn fault(&mut self, what: impl Into<String>) {
        self.faults.push(what.into());
    }

    fn note(&mut self, what: impl Into<String>) {
        self.notes.push(what.into());
    }
}

fn main() -> Result<ExitCode> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in the repository")?;
    let chore = std::env::args().nth(1).unwrap_or_default();
    let mut findings = Findings::default();
    match chore.as_str() {
        "tidy" => tidy(root, &mut findings)?,
        "licences" => licence::check(root, &mut findings)?,
        "operations" => operations::write(root)?,
        _ => {
            eprintln!("cargo xtask tidy         checks what compilers don't");
            eprintln!("cargo xtask licences     checks the licences of all dependencies against deny.toml");
            eprintln!("cargo xtask operations   writes docs/operations.md anew");
            return Ok(ExitCode::from(2));
        }
    }
    for note in &findings.notes {
        println!("note: {note}");
    }
    for fault in &findings.faults {
        eprintln!("FAULT: {fault}");
    }
    if findings.faults.is_empty() {
        println!("{chore}: all is well");
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("{chore}: {} faults", findings.faults.len());
    Ok(ExitCode::FAILURE)
}

fn tidy(root: &Path, findings: &mut Findings) -> Result<()> {
    let files = tree::read(root)?;
    edges::check(&files, findings)?;
    sources::check(&files, findings);
    across::check(&files, findings);
    docs::check(&files, findings);
    operations::check(&files, findings)
}
