//! `landfall key`: locks the root key by a passphrase, changes that, unlocks it. The key stays the same: nothing is sealed
//! anew, and a server that runs isn't touched.

use std::path::Path;

use anyhow::{Result, ensure};
use landfall_state::{Passphrase, RootKey};

use crate::cli::{KeyArgs, KeyCommand};
use crate::{config, passphrase};

pub fn run(command: &KeyCommand, json: bool) -> Result<()> {
    let (KeyCommand::Lock(args) | KeyCommand::Passphrase(args) | KeyCommand::Unlock(args) | KeyCommand::Show(args)) =
        command;
    let path = config::root_key_file(args)?;
    let is_locked = RootKey::is_locked(&path)?;
    match command {
        KeyCommand::Show(_) => {}
        KeyCommand::Lock(_) => {
            ensure!(
                !is_locked,
                "{} is locked already; `landfall key passphrase` changes its passphrase",
                path.display()
            );
            RootKey::relock(&path, None, Some(&new(args)?))?;
        }
        KeyCommand::Passphrase(_) => {
            ensure!(is_locked, "{} isn't locked; `landfall key lock` locks it", path.display());
            let old = present(args)?;
            // A wrong one is told before a new one is asked for.
            RootKey::open_file(&path, Some(&old))?;
            RootKey::relock(&path, Some(&old), Some(&new(args)?))?;
        }
        KeyCommand::Unlock(_) => {
            ensure!(is_locked, "{} isn't locked", path.display());
            RootKey::relock(&path, Some(&present(args)?), None)?;
        }
    }
    show(&path, json)
}

fn present(args: &KeyArgs) -> Result<Passphrase> {
    match passphrase::file(args.passphrase_file.as_deref()) {
        Some(file) => passphrase::read(&file),
        None => passphrase::ask("Passphrase of the root key"),
    }
}

fn new(args: &KeyArgs) -> Result<Passphrase> {
    args.new_passphrase_file.as_deref().map_or_else(passphrase::ask_new, passphrase::read)
}

fn show(path: &Path, json: bool) -> Result<()> {
    let is_locked = RootKey::is_locked(path)?;
    if json {
        println!("{}", serde_json::json!({ "file": path, "locked": is_locked }));
    } else {
        println!("{} is {}", path.display(), if is_locked { "locked by a passphrase" } else { "not locked" });
    }
    Ok(())
}
