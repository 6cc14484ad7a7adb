//! `landfall doctor`: what is missing on this machine, and the command that mends it.

use std::path::Path;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use landfall_node::hypervisor::detect;

use crate::cli::DoctorArgs;
use crate::record::Record;

/// One thing that was looked at.
struct Finding {
    what: &'static str,
    /// Whether a cloud can't run without it.
    fatal: bool,
    /// What is wrong, and what mends it; nothing where all is well.
    trouble: Option<(String, String)>,
    /// What else there is to say of it.
    note: Option<String>,
}

impl Finding {
    fn new(what: &'static str, fatal: bool, trouble: Option<(String, String)>) -> Self {
        Self { what, fatal, trouble, note: None }
    }
}

pub fn run(args: &DoctorArgs, json: bool) -> Result<ExitCode> {
    let mut findings = Vec::new();
    if !args.simulate {
        findings.extend(look_for_machines());
    }
    findings.push(memory());
    findings.extend(hosts());
    findings.extend(crate::record::all().iter().filter_map(certificate));
    let is_bad = findings.iter().any(|finding| finding.fatal && finding.trouble.is_some());
    for finding in &findings {
        show(finding, json);
    }
    if !json {
        println!("{}", if is_bad { "This machine can't run guests yet." } else { "This machine can run a cloud." });
    }
    Ok(if is_bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn look_for_machines() -> Vec<Finding> {
    let mut findings: Vec<Finding> = landfall_node::network::requirements()
        .into_iter()
        .map(|missing| Finding::new("network", true, Some((missing.what.to_string(), missing.remedy.to_string()))))
        .collect();
    if findings.is_empty() {
        findings.push(Finding::new("network", true, None));
    }
    match detect(Path::new("qemu-system-x86_64")) {
        Err(error) => {
            let remedy = "apt-get install qemu-system-x86 qemu-utils".to_owned();
            findings.push(Finding::new("qemu", true, Some((error.to_string(), remedy))));
        }
        Ok(machine) => {
            findings.push(Finding::new("qemu", true, None));
            let trouble = machine.why_not.map(|why| {
                (why, "guests run emulated and many times slower; on a machine with virtualisation switch it on in the firmware, or in the hypervisor above".into())
            });
            findings.push(Finding::new("kvm", false, trouble));
            let trouble = machine.firmware.is_none().then(|| {
                let why = "UEFI's firmware for guests is not installed: images that boot by it aren't started here";
                (why.to_owned(), "apt-get install ovmf".to_owned())
            });
            findings.push(Finding::new("uefi", false, trouble));
        }
    }
    for (tool, package) in [
        ("qemu-img", "qemu-utils"),
        ("mmdebstrap", "mmdebstrap"),
        ("mke2fs", "e2fsprogs"),
        ("grub-mkimage", "grub-common"),
        // VPNs alone need it: their tunnels stay down without.
        ("charon-systemd", "charon-systemd libcharon-extra-plugins libstrongswan-standard-plugins"),
    ] {
        let there = std::env::var_os("PATH")
            .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(tool).exists()))
            || ["/usr/sbin", "/sbin"].iter().any(|folder| Path::new(folder).join(tool).exists());
        let fatal = tool == "qemu-img";
        let trouble = (!there).then(|| (format!("{tool} is not installed"), format!("apt-get install {package}")));
        findings.push(Finding::new(tool, fatal, trouble));
    }
    findings
}

fn memory() -> Finding {
    const LEAST_MIB: u64 = 512;
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let free = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    let trouble = free.map(|kib| kib / 1024).filter(|mib| *mib < LEAST_MIB).map(|mib| {
        (format!("{mib} MiB of memory are free"), format!("end something: a first guest needs {LEAST_MIB} MiB"))
    });
    Finding::new("memory", false, trouble)
}

/// Machines of a cloud that runs here which aren't heard.
fn hosts() -> Vec<Finding> {
    let with_door = crate::record::all().into_iter().filter(|record| record.agents.is_some());
    let lost = with_door.flat_map(|record| crate::client::hosts(&record).unwrap_or_default());
    lost.filter(|host| host.state == "lost")
        .map(|host| {
            let trouble = format!("{} isn't heard; what runs on it may still run", host.name);
            let remedy = "look whether the machine is up and reaches this one, and at the log of its `landfall agent`";
            Finding::new("hosts", false, Some((trouble, remedy.to_owned())))
        })
        .collect()
}

/// How long before the end of a certificate that is given somebody should see to it.
const NOTICE_DAYS: i64 = 21;

/// The certificate of a cloud that runs here.
fn certificate(record: &Record) -> Option<Finding> {
    let (status, body) = crate::client::own(record.listen, "GET", "/_landfall/tls").ok()?;
    let said: serde_json::Value = serde_json::from_slice(&body).ok().filter(|_| status == 200)?;
    let text = |name: &str| said[name].as_str().unwrap_or("?").to_owned();
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_millis();
    let left_ms = said["until_ms"].as_i64()?.saturating_sub(i64::try_from(now_ms).ok()?);
    let days = left_ms.div_euclid(24 * 3_600_000);
    let (last_day, authority, authority_last_day) =
        (text("last_day"), text("authority_sha256"), text("authority_last_day"));
    let where_at = record.endpoint();
    let (note, remedy) = match said["file"].as_str() {
        Some(file) => (
            format!("{where_at} shows {file}, good until {last_day}"),
            "renew it and put it in the same place: it is read again when it changes".to_owned(),
        ),
        None => (
            format!(
                "{where_at} shows one of its own authority, good until {last_day} and replaced before; the authority (SHA-256 {authority}) is good until {authority_last_day}"
            ),
            "the server renews it by itself: look at its log for why it didn't, and at this machine's clock".to_owned(),
        ),
    };
    let trouble = (days < NOTICE_DAYS).then(|| (format!("{note}: {days} days are left"), remedy));
    Some(Finding { note: Some(note), ..Finding::new("certificate", false, trouble) })
}

fn show(finding: &Finding, json: bool) {
    if json {
        let (trouble, remedy) = finding.trouble.clone().unzip();
        let ok = finding.trouble.is_none();
        println!(
            "{}",
            serde_json::json!({ "what": finding.what, "ok": ok, "fatal": finding.fatal, "trouble": trouble, "remedy": remedy, "note": finding.note })
        );
        return;
    }
    match &finding.trouble {
        None => match &finding.note {
            Some(note) => println!("ok       {}: {note}", finding.what),
            None => println!("ok       {}", finding.what),
        },
        Some((trouble, remedy)) => {
            let mark = if finding.fatal { "missing" } else { "note   " };
            println!("{mark}  {}: {trouble}\n         {remedy}", finding.what);
        }
    }
}
