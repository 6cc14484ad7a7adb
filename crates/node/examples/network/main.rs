//! What the network costs. Needs root, nft, ip and unshare; all of it happens in namespaces of its own, and nothing is left.
//!
//! `cargo run --release -p landfall-node --example network -- PART`
//!
//! | part | what it measures |
//! | --- | --- |
//! | `traffic` | TCP between two ports: through a group with a thousand rules that refers to one with a thousand members, through one rule that allows everything, and through plain Linux forwarding, in turns |
//! | `growth` | one more interface or rule on a host that has many, and all of it from nothing |
//!
//! Nothing here asserts a time: figures are for people to judge, on a machine that they know.

mod growth;
mod plans;
mod stand;
mod traffic;

use std::process::Command;

/// What goes wrong in a benchmark is told and ends it.
pub type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let part = std::env::args().nth(1).unwrap_or_default();
    if std::env::var_os("LANDFALL_OWN_MACHINE").is_none() {
        let status = Command::new("unshare")
            .args(["-n", "-m", "--propagation", "private"])
            .arg(std::env::current_exe()?)
            .args(std::env::args().skip(1))
            .env("LANDFALL_OWN_MACHINE", "1")
            .status()?;
        return if status.success() { Ok(()) } else { Err(format!("unshare: {status}").into()) };
    }
    stand::run("mount", "-t tmpfs none /run")?;
    match part.as_str() {
        "traffic" => traffic::measure(),
        "growth" => growth::measure(),
        _ => Err("say which part: traffic or growth".into()),
    }
}

/// The middle one.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}
