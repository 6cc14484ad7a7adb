//! `landfall doctor`: what is missing on this machine, and the command that mends it.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use landfall_node::hypervisor::detect;

use crate::cli::DoctorArgs;

/// One thing that was looked at.
struct Finding {
    what: &'static str,
    /// Whether a cloud can't run without it.
    fatal: bool,
    /// What is wrong, and what mends it; nothing where all is well.
    trouble: Option<(String, String)>,
}

pub fn run(args: &DoctorArgs, json: bool) -> Result<ExitCode> {
    let mut findings = Vec::new();
    if !args.simulate {
        findings.extend(look_for_machines());
    }
    findings.push(memory());
    findings.extend(hosts());
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
        .map(|missing| Finding {
            what: "network",
            fatal: true,
            trouble: Some((missing.what.to_string(), missing.remedy.to_string())),
        })
        .collect();
    if findings.is_empty() {
        findings.push(Finding { what: "network", fatal: true, trouble: None });
    }
    match detect(Path::new("qemu-system-x86_64")) {
        Err(error) => findings.push(Finding {
            what: "qemu",
            fatal: true,
            trouble: Some((error.to_string(), "apt-get install qemu-system-x86 qemu-utils".into())),
        }),
        Ok(machine) => {
            findings.push(Finding { what: "qemu", fatal: true, trouble: None });
            let trouble = machine.why_not.map(|why| {
                (why, "guests run emulated and many times slower; on a machine with virtualisation switch it on in the firmware, or in the hypervisor above".into())
            });
            findings.push(Finding { what: "kvm", fatal: false, trouble });
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
        findings.push(Finding { what: tool, fatal, trouble });
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
    Finding { what: "memory", fatal: false, trouble }
}

/// Machines of a cloud that runs here which aren't heard.
fn hosts() -> Vec<Finding> {
    let with_door = crate::record::all().into_iter().filter(|record| record.agents.is_some());
    let lost = with_door.flat_map(|record| crate::client::hosts(&record).unwrap_or_default());
    lost.filter(|host| host.state == "lost")
        .map(|host| Finding {
            what: "hosts",
            fatal: false,
            trouble: Some((
                format!("{} isn't heard; what runs on it may still run", host.name),
                "look whether the machine is up and reaches this one, and at the log of its `landfall agent`".into(),
            )),
        })
        .collect()
}

fn show(finding: &Finding, json: bool) {
    if json {
        let (trouble, remedy) = finding.trouble.clone().unzip();
        let ok = finding.trouble.is_none();
        println!(
            "{}",
            serde_json::json!({ "what": finding.what, "ok": ok, "fatal": finding.fatal, "trouble": trouble, "remedy": remedy })
        );
        return;
    }
    match &finding.trouble {
        None => println!("ok       {}", finding.what),
        Some((trouble, remedy)) => {
            let mark = if finding.fatal { "missing" } else { "note   " };
            println!("{mark}  {}: {trouble}\n         {remedy}", finding.what);
        }
    }
}
