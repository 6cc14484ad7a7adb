//! `landfall down`: ends a server that runs in the background. Guests stay or go as asked.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use landfall_model::plan::HostPlan;
use landfall_node::driver::Network as _;
use landfall_node::network::{HostNetwork, NetworkConfig};
use landfall_wire::Tree;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::cli::{DownArgs, Guests};
use crate::record::Record;
use crate::{client, record};

/// How long guests and the server may take.
const PATIENCE: Duration = Duration::from_secs(120);

pub fn run(args: &DownArgs, json: bool) -> Result<()> {
    let record = record::find(args.which.listen)?;
    let stops = args.guests == Guests::Stop && !record.simulate;
    let stopped = if stops { stop_guests(&record)? } else { 0 };
    end(&record)?;
    if stops {
        remove_networks()?;
    }
    if json {
        println!("{}", serde_json::json!({ "ended": record.pid, "guests_stopped": stopped }));
    } else if record.simulate {
        println!("The cloud at {} has ended.", record.listen);
    } else if stops {
        let guests = if stopped == 1 { "guest was" } else { "guests were" };
        println!("The cloud at {} has ended; {stopped} {guests} stopped.", record.listen);
    } else {
        println!("The cloud at {} has ended; its guests run on and are found again by `landfall up`.", record.listen);
    }
    Ok(())
}

fn stop_guests(record: &Record) -> Result<usize> {
    let ids = instances(record, &["pending", "running", "stopping"])?;
    if ids.is_empty() {
        return Ok(0);
    }
    let names: Vec<String> = (1..=ids.len()).map(|n| format!("InstanceId.{n}")).collect();
    let mut parameters: Vec<(&str, &str)> =
        names.iter().map(String::as_str).zip(ids.iter().map(String::as_str)).collect();
    parameters.push(("Force", "true"));
    client::ec2(record, "StopInstances", &parameters)?;
    let deadline = Instant::now() + PATIENCE;
    while !instances(record, &["pending", "running", "stopping", "shutting-down"])?.is_empty() {
        if Instant::now() > deadline {
            bail!("the guests take too long to stop; `landfall status` shows them");
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    Ok(ids.len())
}

/// The ids of the account's instances in these states.
pub fn instances(record: &Record, states: &[&str]) -> Result<Vec<String>> {
    let names: Vec<String> = (1..=states.len()).map(|n| format!("Filter.1.Value.{n}")).collect();
    let mut parameters = vec![("Filter.1.Name", "instance-state-name")];
    parameters.extend(names.iter().map(String::as_str).zip(states.iter().copied()));
    let answer = client::ec2(record, "DescribeInstances", &parameters)?;
    let mut ids = Vec::new();
    collect(&answer, "instanceId", &mut ids);
    ids.sort();
    ids.dedup();
    Ok(ids)
}

fn collect(tree: &Tree, name: &str, into: &mut Vec<String>) {
    match tree {
        Tree::Map(fields) => {
            for (field, value) in fields {
                match value {
                    Tree::Text(text) if **field == *name => into.push(text.clone()),
                    other => collect(other, name, into),
                }
            }
        }
        Tree::List(items) => items.iter().for_each(|item| collect(item, name, into)),
        _ => {}
    }
}

fn end(record: &Record) -> Result<()> {
    if !record.is_alive() {
        return Ok(());
    }
    kill(Pid::from_raw(record.pid), Signal::SIGTERM)
        .with_context(|| format!("ending process {} (as its owner, or with sudo)", record.pid))?;
    let deadline = Instant::now() + PATIENCE;
    while record.is_alive() {
        if Instant::now() > deadline {
            bail!("process {} doesn't end", record.pid);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// Removes what the networks of this machine are made of, and ends the process that serves them.
fn remove_networks() -> Result<()> {
    let runtime = std::path::Path::new(crate::serve::RUNTIME);
    let network = HostNetwork::new(NetworkConfig::new(runtime.join("network")));
    network.apply(&HostPlan::default()).context("removing the networks")?;
    let socket = landfall_node::metadata::Config::in_folder(runtime.join("metadata")).control_socket;
    if let Ok(pid) = landfall_node::metadata::MetadataClient::new(socket).pid() {
        kill(Pid::from_raw(i32::try_from(pid)?), Signal::SIGTERM).context("ending the metadata process")?;
    }
    Ok(())
}
