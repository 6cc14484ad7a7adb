//! `landfall status`: what runs on this machine.

use std::collections::BTreeMap;

use anyhow::Result;

use crate::cli::WhichArgs;
use crate::client;
use crate::record::{self, Record};

pub fn run(args: &WhichArgs, json: bool) -> Result<()> {
    let records = match args.listen {
        Some(_) => vec![record::find(args.listen)?],
        None => record::all(),
    };
    if records.is_empty() {
        // The words of `find` name the remedy.
        record::find(None)?;
    }
    show(&records, json)
}

/// Shows servers, without their secrets.
pub fn show(records: &[Record], json: bool) -> Result<()> {
    for record in records {
        let running = super::down::instances(record, &["pending", "running", "stopping", "shutting-down"]);
        let running = running.map(|ids| ids.len());
        // One host that is simulated, or this very machine, is told with the rest.
        let hosts = client::hosts(record).unwrap_or_default();
        let hosts = if record.agents.is_some() { hosts } else { Vec::new() };
        if json {
            let line = serde_json::json!({
                "endpoint": record.endpoint(),
                "region": record.region,
                "account": record.account,
                "hypervisor": record.hypervisor,
                "state": record.state,
                "pid": record.pid,
                "access_key": record.credentials.access_key,
                "running_instances": running.ok(),
                "agents": record.agents.as_ref().map(|door| door.listen),
                "hosts": hosts.iter().map(|host| (&host.name, &host.state)).collect::<BTreeMap<_, _>>(),
            });
            println!("{line}");
            continue;
        }
        println!("endpoint    {}", record.endpoint());
        println!("region      {} (account {})", record.region, record.account);
        let emulated =
            if record.hypervisor == "tcg" { " (emulated: no KVM here, guests are many times slower)" } else { "" };
        println!("guests      {}{emulated}", record.hypervisor);
        let state = record.state.as_ref().map_or_else(|| "memory".to_owned(), |path| path.display().to_string());
        println!("state       {state}");
        println!("process     {}", record.pid);
        match running {
            Ok(count) => println!("instances   {count} running"),
            Err(error) => println!("instances   unknown: {error:#}"),
        }
        if let Some(door) = &record.agents {
            let states: Vec<_> = hosts.iter().map(|host| format!("{} {}", host.name, host.state)).collect();
            println!("hosts       {} (agents at {})", states.join(", "), door.listen);
        }
        let which = match record.listen {
            crate::config::DEFAULT_LISTEN => String::new(),
            listen => format!(" --listen {listen}"),
        };
        println!("to use it   eval \"$(landfall env{which})\"");
    }
    Ok(())
}
