//! What Landfall costs, each figure next to one of the same run to compare it with.
//!
//! `cargo build --release -p landfall && cargo run --release -p landfall-testkit --example bench -- PART [OPTION=VALUE…]`
//!
//! | part | what it measures |
//! | --- | --- |
//! | `api` | calls a second, in memory and durable, next to `moto_server` where there is one |
//! | `audit` | the same calls next to a binary that records nothing, `LANDFALL_UNAUDITED` |
//! | `policies` | a look by a user with many policies next to the same by root |
//! | `start` | start to first answer, memory when idle, size of the binary, time of a reset |
//! | `guest` | what a launch takes beyond the same QEMU command line started by hand (root, QEMU, a mini image) |
//! | `scale` | loading, memory, and latencies of reads and writes as the cloud grows |
//!
//! The binary is the one built beside this example, or `LANDFALL_BIN`. Nothing here asserts a time: figures are for
//! people to judge, on a machine that they know.

mod api;
mod client;
mod figure;
mod guest;
mod guest_by_hand;
mod policies;
mod scale;
mod server;
mod start;

use std::collections::HashMap;
use std::process::ExitCode;

/// What goes wrong in a benchmark is told and ends it.
pub type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// The same allocator as the binary's, so that memory compares.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Options of the form `name=value`.
pub struct Options(HashMap<String, String>);

impl Options {
    /// An option, or what it is where nobody says.
    pub fn number(&self, name: &str, default: u64) -> Outcome<u64> {
        self.0
            .get(name)
            .map_or(Ok(default), |text| Ok(text.parse().map_err(|error| format!("{name}={text}: {error}"))?))
    }

    /// An option's text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let part = words.next().unwrap_or_default();
    let options =
        words.filter_map(|word| word.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())));
    let options = Options(options.collect());
    let outcome = match part.as_str() {
        "api" => api::run(&options),
        "audit" => api::run_audit(&options),
        "policies" => policies::run(&options),
        "start" => start::run(&options),
        "guest" => guest::run(&options),
        "scale" => scale::run(&options),
        _ => Err("say which part: api, audit, policies, start, guest or scale".into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}
