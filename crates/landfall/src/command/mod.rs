//! The commands, one file each.

mod account;
mod audit;
mod console;
mod doctor;
mod down;
mod env;
mod first;
mod host;
mod image;
mod key;
mod status;
mod up;
mod usage;

use std::process::ExitCode;

use anyhow::Result;

use crate::cli::{Command, CommandLine, InternalCommand};
use crate::config::Config;

/// Runs a command.
pub fn run(line: CommandLine) -> Result<ExitCode> {
    let json = line.json;
    if matches!(line.command, Command::Status(_) | Command::Env(_) | Command::Doctor(_)) {
        end_with_the_reader();
    }
    match line.command {
        Command::Serve(args) => {
            start_log();
            crate::serve::run(Config::resolve(&args)?)?;
        }
        Command::Agent(args) => {
            start_log();
            crate::agent::run(&args)?;
        }
        Command::Key(command) => key::run(&command, json)?,
        Command::Audit(command) => return audit::run(&command, json),
        Command::Host(command) => host::run(&command, json)?,
        Command::Account(command) => account::run(&command, json)?,
        Command::Usage(args) => usage::run(&args, json)?,
        Command::Up(args) => up::run(&args, json)?,
        Command::Down(args) => down::run(&args, json)?,
        Command::Status(args) => status::run(&args, json)?,
        Command::Env(args) => env::run(&args, json)?,
        Command::Doctor(args) => return doctor::run(&args, json),
        Command::Image(command) => image::run(command, json)?,
        Command::Console(args) => console::run(&args)?,
        Command::First(args) => first::run(&args, json)?,
        Command::Internal(InternalCommand::Metadata { folder }) => {
            start_log();
            landfall_node::metadata::serve(landfall_node::metadata::Config::in_folder(folder))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Lets a command that only prints end quietly when its reader goes away (`landfall status | head -1`), as others do.
fn end_with_the_reader() {
    use nix::sys::signal::{SigHandler, Signal, signal};
    // SAFETY: no handler of ours is put in place, and no thread but this one runs yet.
    let set = unsafe { signal(Signal::SIGPIPE, SigHandler::SigDfl) };
    debug_assert!(set.is_ok(), "the signal exists");
}

/// Logs in JSON to standard error; `LANDFALL_LOG` says how much, in the form of tracing's filters.
fn start_log() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("LANDFALL_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    tracing_subscriber::fmt().json().flatten_event(true).with_env_filter(filter).with_writer(std::io::stderr).init();
}
