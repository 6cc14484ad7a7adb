//! The `landfall` binary: a cloud region of one's own on one machine, or its simulation.
//!
//! This crate reads the command line and the configuration, listens, and puts the other crates together. It decides
//! nothing about the cloud.

mod agent;
mod chunk_place;
mod cli;
mod client;
mod command;
mod config;
#[cfg(feature = "crash-points")]
mod crash;
mod credentials;
mod images;
mod invitation;
mod passphrase;
mod record;
mod relay;
mod serve;

use std::process::ExitCode;

use clap::Parser as _;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    #[cfg(feature = "crash-points")]
    crash::install();
    let line = cli::CommandLine::parse();
    let json = line.json;
    match command::run(line) {
        Ok(code) => code,
        Err(error) => {
            // A reader that went away (`landfall status | head`) is no failure of ours.
            let broken_pipe = error.chain().any(|cause| {
                cause.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
            });
            if broken_pipe {
                return ExitCode::SUCCESS;
            }
            if json {
                println!("{}", serde_json::json!({ "error": format!("{error:#}") }));
            } else {
                eprintln!("landfall: {error:#}");
            }
            ExitCode::FAILURE
        }
    }
}
