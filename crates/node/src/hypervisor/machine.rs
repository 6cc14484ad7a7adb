//! What this machine can run guests with.
//!
//! `/dev/kvm` alone proves nothing: on machines that are guests themselves without nested virtualisation it is there,
//! and stock kernels hang in it. So KVM counts only where the processor says `vmx` or `svm`, and the device really makes
//! a virtual machine, and the guests' unprivileged users can be let in.

use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::HypervisorError;
use super::arguments::TRANSLATION_MIB;
use super::firmware::{self, Firmware};

const KVM_DEVICE: &str = "/dev/kvm";
const KVM_API_VERSION: libc::c_int = 12;
const KVM_GET_API_VERSION: libc::c_ulong = 0xae00;
const KVM_CREATE_VM: libc::c_ulong = 0xae01;
/// A program that says its version and takes longer than this is broken.
const PROBE_TIMEOUT: Duration = Duration::from_secs(20);

/// What executes a guest's instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accelerator {
    /// The processor itself.
    Kvm {
        /// The group that opens `/dev/kvm`, for the guest's user; none where everyone may.
        group: Option<u32>,
    },
    /// QEMU's emulation. It isolates guests from each other by best effort only.
    Tcg,
}

impl Accelerator {
    /// The value of QEMU's `-accel`.
    pub fn argument(self) -> String {
        match self {
            Accelerator::Kvm { .. } => "kvm".into(),
            Accelerator::Tcg => format!("tcg,thread=multi,tb-size={TRANSLATION_MIB}"),
        }
    }

    /// The value of QEMU's `-cpu`. With emulation everything that QEMU can emulate (distributions ask for x86-64-v2, and
    /// kernels draw randomness from the processor), but five levels of page tables, which only cost.
    pub fn cpu(self) -> &'static str {
        match self {
            Accelerator::Kvm { .. } => "host",
            Accelerator::Tcg => "max,la57=off",
        }
    }

    /// `kvm` or `tcg`.
    pub fn name(self) -> &'static str {
        match self {
            Accelerator::Kvm { .. } => "kvm",
            Accelerator::Tcg => "tcg",
        }
    }
}

/// What was found on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// What guests will run with.
    pub accelerator: Accelerator,
    /// Why that isn't KVM, in words for the provider.
    pub why_not: Option<String>,
    /// QEMU's program, with no link in its path.
    pub qemu_binary: PathBuf,
    /// QEMU's version, such as `7.2.22`.
    pub qemu_version: String,
    /// The versioned machine type that new instances get, such as `pc-q35-7.2`.
    pub machine_type: String,
    /// The processor that guests see, as QEMU names it.
    pub cpu: &'static str,
    /// UEFI's firmware for guests; without it none boots by that.
    pub firmware: Option<Firmware>,
}

impl Machine {
    /// Whether guests run on the processor itself.
    pub fn kvm(&self) -> bool {
        matches!(self.accelerator, Accelerator::Kvm { .. })
    }
}

/// Looks at this machine. `qemu_binary` is a path, or a name to be found where programs are.
pub fn detect(qemu_binary: &Path) -> Result<Machine, HypervisorError> {
    let qemu_binary = locate(qemu_binary)?;
    let (version, machines) = std::thread::scope(|scope| {
        let version = scope.spawn(|| ask(&qemu_binary, &["-version"]));
        let machines = ask(&qemu_binary, &["-machine", "help"]);
        (version.join(), machines)
    });
    let broken = |reason: String| HypervisorError::Program { program: qemu_binary.clone(), reason };
    let version = version.map_err(|_| broken("asking for its version failed".into()))??;
    let qemu_version = parse_version(&version).ok_or_else(|| broken("it names no version".into()))?;
    let machine_type = parse_machine(&machines?).ok_or_else(|| broken("it has no machine of type q35".into()))?;
    let (accelerator, why_not) = match find_kvm() {
        Ok(group) => (Accelerator::Kvm { group }, None),
        Err(reason) => (Accelerator::Tcg, Some(reason)),
    };
    let (cpu, firmware) = (accelerator.cpu(), firmware::find());
    Ok(Machine { accelerator, why_not, qemu_version, machine_type, cpu, qemu_binary, firmware })
}

fn locate(program: &Path) -> Result<PathBuf, HypervisorError> {
    let missing = || HypervisorError::Missing { program: program.to_owned() };
    let found = if program.components().count() > 1 {
        Some(program.to_owned())
    } else {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::env::split_paths(&path).chain(["/usr/local/bin", "/usr/bin"].map(PathBuf::from));
        folders.map(|folder| folder.join(program)).find(|candidate| candidate.is_file())
    };
    found.ok_or_else(missing)?.canonicalize().map_err(|_| missing())
}

/// What a program says, within the time-out.
fn ask(program: &Path, arguments: &[&str]) -> Result<String, HypervisorError> {
    let broken = |reason: String| HypervisorError::Program { program: program.to_owned(), reason };
    let mut command = Command::new(program);
    command.args(arguments).env("LC_ALL", "C").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| broken(format!("it can't be started: {error}")))?;
    let reader = child.stdout.take().map(|pipe| {
        std::thread::spawn(move || {
            let mut text = Vec::new();
            let _ = pipe.take(1 << 20).read_to_end(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        })
    });
    let deadline = Instant::now() + PROBE_TIMEOUT;
    loop {
        match child.try_wait().map_err(|error| broken(error.to_string()))? {
            Some(status) if status.success() => break,
            Some(status) => return Err(broken(format!("{} ended with {status}", arguments.join(" ")))),
            None if Instant::now() > deadline => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(broken(format!("{} took longer than {PROBE_TIMEOUT:?}", arguments.join(" "))));
            }
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    }
    Ok(reader.and_then(|reader| reader.join().ok()).unwrap_or_default())
}

fn parse_version(text: &str) -> Option<String> {
    let rest = text.split("version ").nth(1)?;
    let version: String = rest.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    (!version.is_empty()).then_some(version)
}

/// The versioned machine that `q35` stands for.
fn parse_machine(text: &str) -> Option<String> {
    let line = text.lines().find(|line| line.split_ascii_whitespace().next() == Some("q35"))?;
    let alias = line.split("(alias of ").nth(1)?;
    Some(alias.split(')').next()?.to_owned())
}

/// The group that opens KVM, or why there is none.
fn find_kvm() -> Result<Option<u32>, String> {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    processor_virtualises(&cpuinfo)?;
    let facts = fs::metadata(KVM_DEVICE).map_err(|_| {
        format!("{KVM_DEVICE} isn't there: load the module kvm_intel or kvm_amd (`modprobe kvm_intel`)")
    })?;
    if !facts.file_type().is_char_device() {
        return Err(format!("{KVM_DEVICE} is no device"));
    }
    let group = who_may_open(facts.mode(), facts.gid())?;
    let device = OpenOptions::new()
        .read(true)
        .write(true)
        .open(KVM_DEVICE)
        .map_err(|error| format!("{KVM_DEVICE} can't be opened: {error}"))?;
    make_machine(&device)?;
    Ok(group)
}

fn processor_virtualises(cpuinfo: &str) -> Result<(), String> {
    let flags = cpuinfo.lines().find(|line| line.starts_with("flags")).unwrap_or_default();
    if flags.split_ascii_whitespace().any(|flag| flag == "vmx" || flag == "svm") {
        Ok(())
    } else {
        Err("the processor doesn't offer virtualisation (neither vmx nor svm in /proc/cpuinfo): it is switched off in \
             the firmware, or this machine is itself a guest without nested virtualisation"
            .into())
    }
}

/// Guests run as users of their own; they enter through the device's group, unless everyone may.
fn who_may_open(mode: u32, gid: u32) -> Result<Option<u32>, String> {
    if mode & 0o006 == 0o006 {
        Ok(None)
    } else if mode & 0o060 == 0o060 && gid != 0 {
        Ok(Some(gid))
    } else {
        Err(format!(
            "{KVM_DEVICE} is open to root alone, and guests don't run as root: \
             `groupadd -rf kvm && chown root:kvm {KVM_DEVICE} && chmod 660 {KVM_DEVICE}`"
        ))
    }
}

fn make_machine(device: &File) -> Result<(), String> {
    // SAFETY: a request without an argument, on a device that we have open.
    let version = unsafe { libc::ioctl(device.as_raw_fd(), KVM_GET_API_VERSION, 0) };
    if version != KVM_API_VERSION {
        return Err(format!("{KVM_DEVICE} speaks version {version} of its interface, not {KVM_API_VERSION}"));
    }
    // SAFETY: a request with a plain number, on a device that we have open.
    let machine = unsafe { libc::ioctl(device.as_raw_fd(), KVM_CREATE_VM, 0) };
    if machine < 0 {
        let error = std::io::Error::last_os_error();
        return Err(format!("{KVM_DEVICE} makes no virtual machine ({error}): another hypervisor may be using it"));
    }
    // SAFETY: the kernel has just made this descriptor for us, and nobody else knows it.
    drop(unsafe { <File as std::os::fd::FromRawFd>::from_raw_fd(machine) });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kvm_needs_the_processor_and_a_group() {
        assert!(processor_virtualises("processor\t: 0\nflags\t\t: fpu vme svm sse\n").is_ok());
        assert!(processor_virtualises("flags\t\t: fpu vmx\n").is_ok());
        for text in ["", "flags\t\t: fpu vme hypervisor vmx_x\n", "vmx flags\t: no\n"] {
            assert!(processor_virtualises(text).is_err(), "{text}");
        }
        assert_eq!(who_may_open(0o20666, 106), Ok(None));
        assert_eq!(who_may_open(0o20660, 106), Ok(Some(106)));
        assert!(who_may_open(0o20660, 0).is_err(), "guests never get root's group");
        assert!(who_may_open(0o20600, 106).unwrap_err().contains("chmod 660"));
    }

    #[test]
    fn what_qemu_says_is_read() {
        let version = "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)\nCopyright";
        assert_eq!(parse_version(version).as_deref(), Some("7.2.22"));
        assert_eq!(parse_version("nonsense"), None);
        let machines = "Supported machines are:\npc    x (alias of pc-i440fx-7.2)\n\
                        q35                  Standard PC (Q35 + ICH9, 2009) (alias of pc-q35-7.2)\npc-q35-7.2  y\n";
        assert_eq!(parse_machine(machines).as_deref(), Some("pc-q35-7.2"));
        assert_eq!(parse_machine("none"), None);
    }

    #[test]
    fn a_program_that_is_not_there_is_named_with_its_package() {
        let error = detect(Path::new("qemu-system-none")).unwrap_err().to_string();
        assert!(error.contains("qemu-system-none") && error.contains("apt-get install"), "{error}");
    }
}
