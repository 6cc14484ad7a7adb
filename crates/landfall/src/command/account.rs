//! `landfall account`: the accounts of the cloud: makes them, shows them, suspends and closes them, sets their limits, and
//! enters one where that must be. Each is one of the provider's own operations.

use anyhow::{Context as _, Result};
use landfall_wire::Tree;

use crate::cli::{AccountCommand, AccountCreateArgs, AccountEnterArgs, AccountQuotaArgs, WhichArgs};
use crate::client::{self, find, rows, text};
use crate::record;

pub fn run(command: &AccountCommand, json: bool) -> Result<()> {
    match command {
        AccountCommand::Create(args) => create(args, json),
        AccountCommand::List(args) => list(args, json),
        AccountCommand::Show(args) => show(&args.account, &args.which, json),
        AccountCommand::Suspend(args) => {
            let stop = args.stop.to_string();
            change(&args.which, "SuspendAccount", &[("AccountId", &args.account), ("StopInstances", &stop)])
        }
        AccountCommand::Resume(args) => change(&args.which, "ResumeAccount", &[("AccountId", &args.account)]),
        AccountCommand::Close(args) => {
            let days = args.days.map(|days| days.to_string());
            let mut parameters = vec![("AccountId", args.account.as_str())];
            parameters.extend(days.as_deref().map(|days| ("WaitingDays", days)));
            change(&args.which, "CloseAccount", &parameters)
        }
        AccountCommand::Quota(args) => quota(args, json),
        AccountCommand::Enter(args) => enter(args, json),
    }
}

fn create(args: &AccountCreateArgs, json: bool) -> Result<()> {
    let record = record::find(args.which.listen)?;
    let mut parameters = vec![("AccountName", args.name.as_str()), ("Email", args.email.as_str())];
    parameters.extend(args.id.as_deref().map(|id| ("AccountId", id)));
    if args.role {
        parameters.push(("Access", "AdministratorRole"));
    }
    let answer = client::own_service(&record, "CreateAccount", &parameters)?;
    let get = |name: &str| text(&answer, name);
    let id = get("AccountId").context("the answer has no account")?;
    if json {
        let line = serde_json::json!({
            "account": id, "access_key": get("AccessKeyId"), "secret_key": get("SecretAccessKey"), "role": get("RoleArn"),
        });
        println!("{line}");
        return Ok(());
    }
    println!("account {id}");
    if let Some(role) = get("RoleArn") {
        println!("the role that administers it: {role}");
    }
    if let (Some(key), Some(secret)) = (get("AccessKeyId"), get("SecretAccessKey")) {
        eprintln!("Its root's key, which is shown this once:");
        println!("export AWS_ACCESS_KEY_ID='{key}' AWS_SECRET_ACCESS_KEY='{secret}'");
    }
    Ok(())
}

fn list(args: &WhichArgs, json: bool) -> Result<()> {
    let record = record::find(args.listen)?;
    client::own_rows(&record, "ListAccounts", &[], "Accounts", |row| print(row, json))
}

fn print(row: &Tree, json: bool) {
    let get = |name: &str| text(row, name).unwrap_or_default();
    let (id, name, email) = (get("AccountId"), get("AccountName"), get("Email"));
    let (state, since, ends_at) = (get("State"), get("StateSince"), text(row, "EndsAt"));
    if json {
        let line = serde_json::json!({
            "account": id, "name": name, "email": email, "state": state, "since": since, "ends_at": ends_at,
        });
        println!("{line}");
        return;
    }
    let ends = ends_at.map(|at| format!(", deleted {at}")).unwrap_or_default();
    println!("{id} {state:<15} {name:<24} {email:<32} since {since}{ends}");
}

fn show(account: &str, which: &WhichArgs, json: bool) -> Result<()> {
    let record = record::find(which.listen)?;
    let answer = client::own_service(&record, "DescribeAccount", &[("AccountId", account)])?;
    print(find(&answer, "Account").context("the answer has no account")?, json);
    for row in rows(&answer, "Resources") {
        let (kind, count) = (text(row, "ResourceType").unwrap_or_default(), text(row, "Count").unwrap_or_default());
        if json {
            println!("{}", serde_json::json!({ "resource": kind, "count": count }));
        } else {
            println!("{count:>8} {kind}");
        }
    }
    for row in rows(&answer, "Hosts") {
        let get = |name: &str| text(row, name).unwrap_or_default();
        let (host, state, count) = (get("HostName"), get("State"), get("Count"));
        if json {
            println!("{}", serde_json::json!({ "waits_for": host, "state": state, "count": count }));
        } else {
            println!("waits for the host {host} ({state}), which has {count} of these");
        }
    }
    Ok(())
}

fn change(which: &WhichArgs, action: &str, parameters: &[(&str, &str)]) -> Result<()> {
    let record = record::find(which.listen)?;
    let answer = client::own_service(&record, action, parameters)?;
    print(find(&answer, "Account").context("the answer has no account")?, false);
    Ok(())
}

fn quota(args: &AccountQuotaArgs, json: bool) -> Result<()> {
    let record = record::find(args.which.listen)?;
    let account = ("AccountId", args.account.as_str());
    if let Some(name) = &args.name {
        let mut parameters = vec![account, ("QuotaName", name.as_str())];
        let value = args.value.map(|value| value.to_string());
        parameters.extend(value.as_deref().map(|value| ("Value", value)));
        client::own_service(&record, "PutAccountQuota", &parameters)?;
    }
    let answer = client::own_service(&record, "GetAccountQuotas", &[account])?;
    for row in rows(&answer, "Quotas") {
        let get = |name: &str| text(row, name).unwrap_or_default();
        let (name, value, own) = (get("QuotaName"), get("Value"), get("IsOwn") == "true");
        if args.name.as_ref().is_some_and(|asked| *asked != name) {
            continue;
        }
        if json {
            println!("{}", serde_json::json!({ "quota": name, "value": value, "own": own }));
        } else {
            let shown = if value.parse() == Ok(u64::MAX) { "no limit" } else { value.as_str() };
            println!("{name:<32} {shown}{}", if own { "  (its own)" } else { "" });
        }
    }
    Ok(())
}

fn enter(args: &AccountEnterArgs, json: bool) -> Result<()> {
    let record = record::find(args.which.listen)?;
    let parameters = [("AccountId", args.account.as_str()), ("Reason", args.reason.as_str())];
    let answer = client::own_service(&record, "AssumeAdministrator", &parameters)?;
    let get = |name: &str| text(&answer, name).context("the answer has no credentials");
    super::env::print(&record, (&get("AccessKeyId")?, &get("SecretAccessKey")?, Some(&get("SessionToken")?)), json);
    eprintln!("Until {}; the account's audit has who entered and why.", get("Expiration")?);
    Ok(())
}
