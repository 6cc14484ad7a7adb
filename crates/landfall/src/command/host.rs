//! `landfall host`: the machines of the cloud: invites further ones, shows them, changes and removes them.

use anyhow::{Context as _, Result, bail};
use landfall_control::agents::token_sha256;

use crate::cli::{HostAddArgs, HostCommand, HostNameArgs, HostSetArgs, WhichArgs};
use crate::client::{self, Host};
use crate::credentials::random_text;
use crate::invitation::Invitation;
use crate::record;

/// Characters of an invitation's secret, of five bits each.
const SECRET_CHARS: usize = 52;

pub fn run(command: &HostCommand, json: bool) -> Result<()> {
    match command {
        HostCommand::Add(args) => add(args, json),
        HostCommand::List(args) => list(args, json),
        HostCommand::Set(args) => set(args),
        HostCommand::Remove(args) => remove(args),
    }
}

fn add(args: &HostAddArgs, json: bool) -> Result<()> {
    let record = record::find(args.which.listen)?;
    let Some(door) = &record.agents else {
        bail!("this control plane takes no agents: start it with --agents ADDRESS:PORT");
    };
    let control = match &args.control {
        Some(control) => control.clone(),
        None if door.listen.ip().is_unspecified() => {
            bail!("agents are taken at every address of this machine: say with --control which one the host is to call")
        }
        None => door.listen.to_string(),
    };
    let secret = random_text(SECRET_CHARS)?;
    let hash = token_sha256(&secret);
    let mut parameters = vec![("HostName", args.name.as_str()), ("InvitationSha256", hash.as_str())];
    parameters.extend(args.zone.as_deref().map(|zone| ("AvailabilityZone", zone)));
    client::own_service(&record, "RegisterHost", &parameters)?;
    let line =
        Invitation { name: args.name.clone(), control, key_sha256: door.key_sha256.clone(), secret }.to_line()?;
    if json {
        println!("{}", serde_json::json!({ "host": args.name, "invitation": line }));
    } else {
        eprintln!("On {}, within a day (the line is good once; whoever has it can join):", args.name);
        println!("landfall agent --join {line}");
    }
    Ok(())
}

fn list(args: &WhichArgs, json: bool) -> Result<()> {
    let record = record::find(args.listen)?;
    for Host { name, state, zone, address, hypervisor, instances, schedulable, memory_mib, used_memory_mib } in
        client::hosts(&record)?
    {
        if json {
            let line = serde_json::json!({
                "name": name, "state": state, "zone": zone, "underlay": address, "hypervisor": hypervisor,
                "instances": instances, "schedulable": schedulable,
                "memory_mib": memory_mib, "used_memory_mib": used_memory_mib,
            });
            println!("{line}");
            continue;
        }
        let closed = if schedulable { "" } else { ", takes no new instances" };
        println!(
            "{name:<20} {state:<10} {:<12} {:<15} {hypervisor:<9} {instances} instances, {used_memory_mib} of {memory_mib} MiB{closed}",
            zone.unwrap_or_else(|| "all zones".into()),
            address.unwrap_or_else(|| "alone".into()),
        );
    }
    Ok(())
}

fn set(args: &HostSetArgs) -> Result<()> {
    let schedulable = args.schedulable.map(|is| is.to_string());
    let mut parameters = vec![("HostName", args.name.as_str())];
    parameters.extend(schedulable.as_deref().map(|text| ("Schedulable", text)));
    parameters.extend(args.zone.as_deref().map(|zone| ("AvailabilityZone", zone)));
    let record = record::find(args.which.listen)?;
    client::own_service(&record, "UpdateHost", &parameters).map(drop).context("changing the host")
}

fn remove(args: &HostNameArgs) -> Result<()> {
    let record = record::find(args.which.listen)?;
    client::own_service(&record, "DeregisterHost", &[("HostName", &args.name)]).map(drop).context("removing the host")
}
