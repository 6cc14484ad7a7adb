//! Starting a guest: prepare, record, fork, record, let it run. See the module's page for why in this order.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use landfall_model::plan::{DiskPlan, InstancePlan};
use landfall_model::{InstanceId, VolumeId};
use nix::sys::signal::Signal;
use serde_json::json;

use super::arguments::{
    DiskSpec, KernelSpec, LaunchSpec, PortSpec, SLOTS_MAX, TRANSLATION_MIB, arguments, disk as names, disk::serial,
    fd_sets,
};
use super::cgroup::{self, Limits};
use super::confine::{Confinement, ThisHost};
use super::disk::add_nodes;
use super::firmware::OpenFirmware;
use super::machine::Accelerator;
use super::power::ACT_TIMEOUT;
use super::qemu::{Body, Cell, QemuHypervisor, lock, retry};
use super::qmp::Qmp;
use super::record::{DiskRecord, Folder, Phase, Record};
use super::words::Words;
use crate::crash::crash_point;
use crate::driver::{DriverError, DriverResult, Launch};

/// How long QEMU may take from its start to its greeting.
const GREETING_TIMEOUT: Duration = Duration::from_secs(30);
/// What QEMU needs besides the guest's memory.
const OVERHEAD_MIB: u64 = 160;
/// What QEMU's own threads may use besides the virtual processors, in hundredths of a processor.
const OVERHEAD_CPU_PERCENT: u64 = 20;
/// QEMU's own threads, among them up to 64 that wait for the disk.
const OVERHEAD_THREADS: u64 = 96;
/// The smallest and largest ring that holds the console until it is fetched.
const RING_MIN_BYTES: u64 = 64 << 10;
const RING_MAX_BYTES: u64 = 1 << 20;
const KERNEL: &str = "/boot/kernel";
const INITRD: &str = "/boot/initrd";

impl QemuHypervisor {
    /// Starts a guest. The caller holds its action.
    pub(super) fn launch(&self, launch: &Launch<'_>, cell: &Cell) -> DriverResult<()> {
        let (plan, folder) = (launch.plan, self.folder(launch.plan.id));
        let mut spec = self.spec(launch)?;
        let files = self.kernel_files(plan)?;
        self.make_way(plan.id, cell, &folder)?;
        room_for(plan.memory_mib)?;
        crash_point!("launch:folder");
        folder.ensure().map_err(retry("making the guest's folder"))?;
        crash_point!("launch:lock");
        let Some(held) = folder.lock().map_err(retry("locking the guest's folder"))? else {
            return Err(DriverError::Retry(format!("{} is being started or still runs", plan.id)));
        };
        crash_point!("launch:locked");
        let firmware = self.firmware(plan)?;
        spec.firmware = firmware.as_ref().map(OpenFirmware::spec);
        let record = self.record_start(plan, &spec, &folder)?;
        crash_point!("launch:recorded");
        let result = self
            .spawn(&mut spec, files, &folder, &record, launch, &held)
            .and_then(|body| {
                crash_point!("launch:spawned");
                *lock(&cell.body) = Some(body);
                drop(held);
                crash_point!("launch:unlocked");
                self.open_encrypted(launch, &folder)?;
                crash_point!("launch:opened");
                self.begin(plan.id, &folder, &record)?;
                crash_point!("launch:begun");
                self.log(plan.id).note_machine(&record.machine).map_err(retry("noting the machine type"))
            })
            .map_err(|error| explain(error, cell));
        if result.is_err() {
            self.abandon(plan.id, cell, &folder, &record);
        }
        result
    }

    /// Carries on with a start that was cut off, or clears it away. `None` if there is no guest, or not yet.
    pub(super) fn finish_start(&self, id: InstanceId, cell: &Cell, folder: &Folder) -> DriverResult<Option<Record>> {
        let Some(_action) = cell.try_act() else { return Ok(None) };
        let record = folder.record().map_err(retry("reading what is recorded of a guest"))?;
        let running = folder.running(record.as_ref()).map_err(retry("looking for the guest's process"))?;
        match (record, running) {
            (Some(record), _) if record.phase != Phase::Preparing => Ok(Some(record)),
            (Some(record), Some(_)) => {
                tracing::info!(%id, "carrying on with a start that was cut off");
                if let Err(error) = self.begin(id, folder, &record) {
                    tracing::warn!(%id, %error, "the start can't be carried on with; nothing of the guest has run");
                    self.abandon(id, cell, folder, &record);
                    return Ok(None);
                }
                Ok(Some(Record { phase: Phase::Started, ..record }))
            }
            (record, None) => {
                crash_point!("launch:clear-away");
                let groups = self.groups_of(id, record.as_ref());
                cgroup::remove(&groups).map_err(retry("removing the control group"))?;
                folder.remove().map_err(retry("removing the guest's folder"))?;
                Ok(None)
            }
            // Somebody has the lock and has recorded nothing yet.
            (None, Some(_)) => Ok(None),
        }
    }

    /// How much of the console QEMU keeps until it is fetched.
    pub(super) fn console_ring_bytes(&self) -> u64 {
        self.config.console_limit_bytes.clamp(RING_MIN_BYTES, RING_MAX_BYTES).next_power_of_two()
    }

    /// Sees to it that nothing of an earlier boot is in the way. A guest that runs is: it is never started twice.
    fn make_way(&self, id: InstanceId, cell: &Cell, folder: &Folder) -> DriverResult<()> {
        let record = folder.record().map_err(retry("reading what is recorded of the guest"))?;
        let Some(record) = record else { return Ok(()) };
        if folder.running(Some(&record)).map_err(retry("looking for the guest's process"))?.is_some() {
            let over = Qmp::connect(&folder.act(), ACT_TIMEOUT)
                .and_then(|mut qmp| super::state::query_status(&mut qmp, ACT_TIMEOUT));
            if !matches!(over, Ok(super::state::Status::PoweredOff)) {
                return Err(DriverError::Retry(format!("{id} already runs; it is not started a second time")));
            }
            self.pull(id, cell)?;
        }
        cgroup::remove(&record.groups).map_err(retry("removing the control group of an earlier boot"))
    }

    fn spec(&self, launch: &Launch<'_>) -> DriverResult<LaunchSpec> {
        let plan = launch.plan;
        let broken = |why: &str| DriverError::Final(format!("{} can't be started: {why}", plan.id));
        if launch.disks.len() + launch.ports.len() > SLOTS_MAX {
            return Err(broken(&format!("it has more than {SLOTS_MAX} disks and interfaces")));
        }
        if launch.disks.iter().map(|disk| disk.volume).ne(plan.disks.iter().map(|disk| disk.volume))
            || launch.ports.iter().map(|port| port.interface).ne(plan.interfaces.iter().copied())
        {
            return Err(broken("its disks or interfaces are not those of its plan"));
        }
        if plan.uefi && self.config.machine.firmware.is_none() {
            return Err(broken("it boots by UEFI, and its host has no firmware for that (Debian's package ovmf)"));
        }
        let first = plan.disks.iter().position(|disk| disk.root);
        let mut disks = Vec::new();
        for (number, disk) in launch.disks.iter().enumerate() {
            let file = disk.file.as_ref().ok_or_else(|| broken("a volume has no file"))?.as_raw_fd();
            let base = disk.base.as_ref().map(AsRawFd::as_raw_fd);
            let boot = plan.direct_boot.is_none() && first == Some(number);
            disks.push(DiskSpec {
                volume: disk.volume,
                file,
                base,
                boot,
                limits: plan.disks[number].limits,
                encrypted: disk.key.is_some(),
            });
        }
        let mut ports = Vec::new();
        for port in &launch.ports {
            let tap = port.tap.as_ref().ok_or_else(|| broken("an interface has no TAP"))?.as_raw_fd();
            ports.push(PortSpec { interface: port.interface, mac: port.mac, tap, mtu: port.mtu });
        }
        let host = &self.config.machine;
        let machine = if plan.machine.is_empty() { &host.machine_type } else { &plan.machine };
        if !machine.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)) {
            return Err(broken("its machine type is none"));
        }
        Ok(LaunchSpec {
            id: plan.id,
            instance_type: plan.metadata.instance_type.clone(),
            machine: machine.clone(),
            accelerator: host.accelerator,
            vcpus: bounded_vcpus(plan),
            memory_mib: plan.memory_mib,
            disks,
            ports,
            max_ports: plan.max_interfaces as usize,
            kernel: plan.direct_boot.as_ref().map(|boot| KernelSpec {
                kernel: KERNEL.into(),
                initrd: boot.initrd.as_ref().map(|_| INITRD.into()),
                // Another disk with the same label must not be taken for the root: it is named by its serial number.
                cmdline: match first {
                    Some(root) => format!("{} landfall.root={}", boot.cmdline, serial(plan.disks[root].volume)),
                    None => boot.cmdline.clone(),
                },
            }),
            firmware: None,
            monitors: Vec::new(),
            console_bytes: self.console_ring_bytes(),
        })
    }

    /// Opens the firmware of a guest that doesn't boot by BIOS.
    fn firmware(&self, plan: &InstancePlan) -> DriverResult<Option<OpenFirmware>> {
        let Some(firmware) = self.config.machine.firmware.as_ref().filter(|_| plan.uefi) else { return Ok(None) };
        let opened = OpenFirmware::open(firmware, self.log(plan.id).folder());
        opened.map(Some).map_err(retry("opening the guest's firmware"))
    }

    /// The files that are started directly: where they are, and where the guest's tree shows them.
    fn kernel_files(&self, plan: &InstancePlan) -> DriverResult<Vec<(PathBuf, &'static str)>> {
        let Some(boot) = &plan.direct_boot else { return Ok(Vec::new()) };
        let mut files = Vec::new();
        for (name, place) in [(Some(&boot.kernel), KERNEL), (boot.initrd.as_ref(), INITRD)] {
            let Some(name) = name else { continue };
            let path = self.config.image_dir.join(name);
            if name.contains('/') || name.starts_with('.') {
                return Err(DriverError::Final(format!("the image names a kernel file that can't be one: {name:?}")));
            }
            make_readable(&path)?;
            files.push((path, place));
        }
        Ok(files)
    }

    /// Chooses the guest's user and records what is about to be started.
    fn record_start(&self, plan: &InstancePlan, spec: &LaunchSpec, folder: &Folder) -> DriverResult<Record> {
        let _choosing = lock(&self.uids);
        let mut taken = Vec::new();
        for other in Folder::list(&self.config.runtime_dir).map_err(retry("listing guests"))? {
            if other != plan.id {
                let record = self.folder(other).record().map_err(retry("reading what is recorded of a guest"))?;
                taken.extend(record.map(|record| record.uid));
            }
        }
        let uid = choose_uid(plan.id.bits(), self.config.uid_base, self.config.uid_count, &taken)
            .ok_or_else(|| DriverError::Retry("every user for guests on this machine is taken".into()))?;
        let record = Record {
            boot: plan.boot,
            reboots: plan.reboots,
            machine: spec.machine.clone(),
            uid,
            groups: self.groups.paths(&plan.id.to_string()),
            memory_bytes: limits(spec).memory_bytes,
            phase: Phase::Preparing,
            pulled: Vec::new(),
            pulled_disks: Vec::new(),
            disks: plan.disks.iter().map(disk_record).collect(),
            held: BTreeMap::new(),
        };
        folder.write_record(&record).map_err(retry("recording the guest"))?;
        Ok(record)
    }

    /// Makes the control groups and forks. Returns once the child is QEMU, paused.
    fn spawn(
        &self,
        spec: &mut LaunchSpec,
        files: Vec<(PathBuf, &'static str)>,
        folder: &Folder,
        record: &Record,
        launch: &Launch<'_>,
        held: &File,
    ) -> DriverResult<Body> {
        let groups = self.groups.ensure(&spec.id.to_string(), limits(spec));
        let groups = groups.map_err(retry("making the guest's control group"))?;
        crash_point!("launch:monitors");
        let monitors = [listen(&folder.look())?, listen(&folder.act())?];
        spec.monitors = monitors.iter().map(AsRawFd::as_raw_fd).collect();
        let members: Vec<File> = groups
            .iter()
            .map(|group| OpenOptions::new().write(true).open(group.join("cgroup.procs")))
            .collect::<Result<_, _>>()
            .map_err(retry("opening the guest's control group"))?;
        crash_point!("launch:process-file");
        let process = folder.process_file().map_err(retry("making the guest's files"))?;
        let words = Words::new().map_err(retry("making memory for QEMU's messages"))?;

        let qemu = &self.config.machine.qemu_binary;
        let mut confinement = Confinement::plan(record.uid, spec.accelerator, qemu, folder.root(), &ThisHost);
        for (file, place) in files {
            confinement.show_file(file, place);
        }
        let mut keep: Vec<RawFd> = spec.monitors.clone();
        keep.push(held.as_raw_fd());
        keep.extend(launch.disks.iter().flat_map(|disk| [&disk.file, &disk.base]).flatten().map(AsRawFd::as_raw_fd));
        keep.extend(spec.firmware.iter().flat_map(|firmware| [firmware.code, firmware.variables]));
        keep.extend(launch.ports.iter().filter_map(|port| port.tap.as_ref()).map(AsRawFd::as_raw_fd));
        let members_fds = members.iter().map(AsRawFd::as_raw_fd).collect();
        let prepared = confinement
            .prepare(process.as_raw_fd(), members_fds, keep)
            .map_err(retry("preparing the guest's confinement"))?;

        let mut command = Command::new(qemu);
        command.args(arguments(spec) as Vec<OsString>).env_clear().stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(words.writer().map_err(retry("making memory for QEMU's messages"))?);
        // SAFETY: std calls this in the child between fork and exec, where it has one thread. It makes system calls on
        // memory made above, and the descriptors that it was given are open until after the spawn.
        unsafe { command.pre_exec(move || prepared.enter()) };
        crash_point!("launch:spawn");
        match command.spawn() {
            Ok(child) => Ok(Body { child, words }),
            Err(error) => Err(refused(qemu, &error, &words.last())),
        }
    }

    /// Opens the disks that are encrypted, and has the machine be made that waits for them. A process that dies before that
    /// leaves QEMU without a machine, which nobody carries on with.
    fn open_encrypted(&self, launch: &Launch<'_>, folder: &Folder) -> DriverResult<()> {
        if launch.disks.iter().all(|disk| disk.key.is_none()) {
            return Ok(());
        }
        let failed = |error| DriverError::Retry(format!("QEMU doesn't open the disks of {}: {error}", launch.plan.id));
        let mut qmp = Qmp::connect(&folder.act(), GREETING_TIMEOUT).map_err(failed)?;
        for (number, disk) in launch.disks.iter().enumerate().filter(|(_, disk)| disk.key.is_some()) {
            let (own, below) = fd_sets(launch.ports.len() + number);
            let base = disk.base.as_ref().map(|_| below as u64);
            let mut nodes = names::nodes(disk.volume, own as u64, base, true);
            nodes.push(names::throttle(disk.volume));
            add_nodes(&mut qmp, disk.volume, nodes, disk.key.as_ref()).map_err(failed)?;
        }
        crash_point!("launch:machine");
        qmp.execute("x-exit-preconfig", json!({}), GREETING_TIMEOUT).map(drop).map_err(failed)
    }

    /// Waits for QEMU, records that the guest is started, and lets it run.
    fn begin(&self, id: InstanceId, folder: &Folder, record: &Record) -> DriverResult<()> {
        let failed = |error| DriverError::Retry(format!("QEMU doesn't take orders for {id}: {error}"));
        let mut qmp = Qmp::connect(&folder.act(), GREETING_TIMEOUT).map_err(failed)?;
        crash_point!("launch:greeted");
        // Only of a machine: what waits for its disks has none yet.
        qmp.execute("query-cpus-fast", json!({}), GREETING_TIMEOUT).map_err(failed)?;
        let started = Record { phase: Phase::Started, ..record.clone() };
        folder.write_record(&started).map_err(retry("recording the guest's start"))?;
        qmp.execute("cont", json!({}), ACT_TIMEOUT).map(drop).map_err(failed)
    }

    /// Clears away a start that failed. What can't be is found by the next inspection.
    fn abandon(&self, id: InstanceId, cell: &Cell, folder: &Folder, record: &Record) {
        crash_point!("abandon:kill");
        let deadline = Instant::now() + Duration::from_secs(5);
        while let Ok(Some(running)) = folder.running(Some(record)) {
            for process in &running.processes {
                let _ = process.signal(Signal::SIGKILL);
            }
            if Instant::now() > deadline {
                tracing::error!(%id, "the process of a guest whose start failed doesn't end");
                return;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        self.reap(cell);
        lock(&cell.body).take();
        crash_point!("abandon:remove");
        let removed = cgroup::remove(&self.groups_of(id, Some(record))).and_then(|()| folder.remove());
        if let Err(error) = removed {
            tracing::warn!(%id, %error, "what a failed start left can't be removed yet");
        }
    }
}

/// What a guest is started with, of a disk: the volume was made as large as planned before.
fn disk_record(disk: &DiskPlan) -> (VolumeId, DiskRecord) {
    (disk.volume, DiskRecord { size_bytes: disk.size_bytes, limits: disk.limits })
}

/// Says why QEMU ended, where that is why it doesn't answer.
fn explain(error: DriverError, cell: &Cell) -> DriverError {
    let mut body = lock(&cell.body);
    let Some(body) = body.as_mut() else { return error };
    // It closes its monitor a moment before it has ended.
    let ended = (0..100).find_map(|_| match body.child.try_wait() {
        Ok(None) => {
            std::thread::sleep(Duration::from_millis(2));
            None
        }
        status => status.ok().flatten(),
    });
    let Some(status) = ended else { return error };
    let words = body.words.last();
    let sentence = format!("QEMU ended at once with {status}: {words}");
    let passing = ["annot allocate memory", "Failed to get", "Resource temporarily unavailable"];
    if passing.iter().any(|text| words.contains(text)) {
        DriverError::Retry(sentence)
    } else {
        DriverError::Final(sentence)
    }
}

/// Says why the child never became QEMU.
fn refused(qemu: &Path, error: &std::io::Error, step: &str) -> DriverError {
    let step = if step.is_empty() { String::new() } else { format!(" while {step}") };
    let sentence = format!("{} could not be started{step}: {error}", qemu.display());
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::OutOfMemory | ErrorKind::Interrupted => DriverError::Retry(sentence),
        _ => DriverError::Final(sentence),
    }
}

/// A guest can't have more processors than the machine: QEMU would emulate them one after another, and KVM refuses.
fn bounded_vcpus(plan: &InstancePlan) -> u32 {
    let present =
        std::thread::available_parallelism().map_or(1, |count| u32::try_from(count.get()).unwrap_or(u32::MAX));
    if plan.vcpus > present {
        tracing::warn!(id = %plan.id, planned = plan.vcpus, present, "the guest gets fewer processors than its type has");
    }
    plan.vcpus.clamp(1, present)
}

fn limits(spec: &LaunchSpec) -> Limits {
    let translation = if spec.accelerator == Accelerator::Tcg { TRANSLATION_MIB } else { 0 };
    Limits {
        memory_bytes: (spec.memory_mib + OVERHEAD_MIB + translation) << 20,
        cpu_percent: u64::from(spec.vcpus) * 100 + OVERHEAD_CPU_PERCENT,
        threads: u64::from(spec.vcpus) + OVERHEAD_THREADS,
    }
}

/// The user that something of that id runs as: derived from the id, or the next that is free.
pub fn choose_uid(id: u128, base: u32, count: u32, taken: &[u32]) -> Option<u32> {
    let start = u32::try_from(id % u128::from(count.max(1))).unwrap_or(0);
    (0..count).map(|step| base + (start + step) % count).find(|uid| !taken.contains(uid))
}

/// Memory isn't overcommitted: a guest that doesn't fit now isn't started, rather than another killed later.
fn room_for(memory_mib: u64) -> DriverResult<()> {
    let facts = fs::read_to_string("/proc/meminfo").map_err(retry("asking for free memory"))?;
    match available_mib(&facts) {
        Some(free) if free < memory_mib => Err(DriverError::Retry(format!(
            "Server.InsufficientInstanceCapacity: The instance needs {memory_mib} MiB of memory and its host has {free} \
             MiB free"
        ))),
        _ => Ok(()),
    }
}

fn available_mib(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    Some(line.trim().split(' ').next()?.parse::<u64>().ok()? >> 10)
}

/// Lets guests' users read a kernel. The folder above keeps it from everybody else; only the guest's tree shows it.
fn make_readable(path: &Path) -> DriverResult<()> {
    const ALL_READ: u32 = 0o444;
    let result = fs::symlink_metadata(path).and_then(|facts| {
        if !facts.is_file() {
            return Err(std::io::Error::new(ErrorKind::InvalidInput, "not a file"));
        }
        let mode = facts.permissions().mode();
        if mode & ALL_READ == ALL_READ {
            return Ok(());
        }
        fs::set_permissions(path, fs::Permissions::from_mode(mode | ALL_READ))
    });
    result.map_err(|error| {
        let sentence = format!("the kernel of the image, {}, can't be used: {error}", path.display());
        if error.kind() == ErrorKind::NotFound { DriverError::Retry(sentence) } else { DriverError::Final(sentence) }
    })
}

pub(super) fn listen(path: &Path) -> DriverResult<UnixListener> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(retry("removing an old monitor")(error)),
        _ => {}
    }
    UnixListener::bind(path).map_err(retry("making a monitor's socket"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_guest_has_a_user_of_its_own() {
        let (one, other) = (5, 15);
        assert_eq!(choose_uid(one, 1000, 10, &[]), Some(1005));
        assert_eq!(choose_uid(other, 1000, 10, &[1005]), Some(1006));
        assert_eq!(choose_uid(9, 1000, 10, &[1009]), Some(1000));
        assert_eq!(choose_uid(one, 1000, 2, &[1000, 1001]), None);
        assert_eq!(choose_uid(one, 1000, 0, &[]), None);
    }

    #[test]
    fn memory_is_counted_with_what_the_kernel_can_free() {
        let text = "MemTotal:       24000000 kB\nMemFree:  5 kB\nMemAvailable:   2097152 kB\n";
        assert_eq!(available_mib(text), Some(2048));
        assert_eq!(available_mib("nonsense"), None);
        room_for(1).unwrap();
        let Err(DriverError::Retry(why)) = room_for(u64::MAX) else { panic!() };
        assert!(why.contains("MiB free"), "{why}");
    }
}
