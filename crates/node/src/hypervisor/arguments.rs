//! QEMU's command line, as a pure function of what is to be started.
//!
//! A guest gets exactly the devices that are named here. Everything that it could open by a path is handed over as a
//! descriptor: disks as sets (`/dev/fdset/N`, with every layer named, so that QEMU never follows a path in a qcow2
//! header), TAPs, and the monitors as sockets that already listen. So its process needs no writable folder at all.
//!
//! It starts paused (`-S`): not one instruction of the guest runs before the start is recorded.

use std::ffi::OsString;
use std::os::fd::RawFd;

use aws_lc_rs::digest;
use landfall_model::{DiskLimits, InstanceId, InterfaceId, Mac, VolumeId};
use serde_json::{Value, json};

use super::machine::Accelerator;
use crate::driver::OpenPort;
use crate::image::EMULATION_CMDLINE;

/// The translation cache of an emulated processor. It would grow to a quarter of the memory.
pub const TRANSLATION_MIB: u64 = 32;
/// Slots that a guest has at least, so that disks and interfaces can be plugged in while it runs.
const SLOTS_MIN: usize = 24;
/// The same for an emulated guest: its kernel takes about 50 ms over each (measured: 2.1 s with 8, 3.9 s with 32).
const SLOTS_MIN_EMULATED: usize = 8;
/// Slots that a guest has at most: four devices of eight.
pub const SLOTS_MAX: usize = 32;
/// The first of the devices on the root bus that carry slots.
const SLOT_DEVICE: usize = 0x10;

/// The sets of the firmware's descriptors: above those that disks have.
const FIRMWARE_SET: usize = 1000;
const FIRMWARE_SWITCHES: &str = ",smm=off,pflash0=firmware-code,pflash1=firmware-variables";

/// Everything that the command line depends on.
#[derive(Clone, Debug)]
pub struct LaunchSpec {
    /// Which instance.
    pub id: InstanceId,
    /// Its type's name, which its firmware shows.
    pub instance_type: String,
    /// The versioned machine type.
    pub machine: String,
    /// What executes its instructions.
    pub accelerator: Accelerator,
    /// Virtual processors.
    pub vcpus: u32,
    /// Memory, in MiB.
    pub memory_mib: u64,
    /// Its disks, in order.
    pub disks: Vec<DiskSpec>,
    /// Its interfaces, in order.
    pub ports: Vec<PortSpec>,
    /// How many interfaces it may have in all.
    pub max_ports: usize,
    /// What is started directly instead of the first disk's boot loader.
    pub kernel: Option<KernelSpec>,
    /// UEFI's firmware, where it doesn't boot by BIOS.
    pub firmware: Option<FirmwareSpec>,
    /// Listening sockets for the monitors.
    pub monitors: Vec<RawFd>,
    /// How much of the console is kept in memory until it is fetched: a power of two.
    pub console_bytes: u64,
}

/// A disk, by its descriptors.
#[derive(Clone, Debug)]
pub struct DiskSpec {
    /// Which volume.
    pub volume: VolumeId,
    /// Its own file, in qcow2.
    pub file: RawFd,
    /// The image below it, in qcow2.
    pub base: Option<RawFd>,
    /// Whether the firmware starts from it.
    pub boot: bool,
    /// How fast it may be.
    pub limits: DiskLimits,
    /// Whether it is encrypted: then its nodes are made over the monitor, which alone has its key, before the machine is.
    pub encrypted: bool,
}

/// An interface, by its descriptor.
#[derive(Clone, Debug)]
pub struct PortSpec {
    /// Which interface.
    pub interface: InterfaceId,
    /// Its hardware address.
    pub mac: Mac,
    /// The TAP.
    pub tap: RawFd,
    /// Its largest packet, which the device tells the guest.
    pub mtu: u16,
}

/// A kernel to start directly, by paths inside the guest's own tree.
#[derive(Clone, Debug)]
pub struct KernelSpec {
    /// The kernel's path.
    pub kernel: String,
    /// The initial RAM disk's path.
    pub initrd: Option<String>,
    /// The command line.
    pub cmdline: String,
}

/// UEFI's firmware, by its descriptors.
#[derive(Clone, Copy, Debug)]
pub struct FirmwareSpec {
    /// Its code, which is read alone.
    pub code: RawFd,
    /// The guest's own store of variables.
    pub variables: RawFd,
}

/// The arguments, without the program's name.
pub fn arguments(spec: &LaunchSpec) -> Vec<OsString> {
    let mut line = Line::default();
    machine(&mut line, spec);
    if let Some(firmware) = &spec.firmware {
        add_firmware(&mut line, firmware);
    }
    line.add("-smbios", smbios(spec));
    let least = if spec.accelerator == Accelerator::Tcg { SLOTS_MIN_EMULATED } else { SLOTS_MIN };
    let most = spec.disks.len() + spec.ports.len().max(spec.max_ports);
    slots(&mut line, least.max(most.min(SLOTS_MAX)));
    for (number, fd) in spec.monitors.iter().enumerate() {
        line.add("-chardev", format!("socket,id=monitor{number},fd={fd},server=on,wait=off"));
        line.add("-mon", format!("chardev=monitor{number},mode=control"));
    }
    line.add("-chardev", format!("ringbuf,id=console,size={}", spec.console_bytes));
    line.add("-serial", "chardev:console");
    line.add("-object", "rng-builtin,id=random");
    line.add("-device", "virtio-rng-pci,rng=random,bus=pcie.0,addr=0x2");
    let mut slot = 0;
    for port in &spec.ports {
        let (id, fd, mac, mtu) = (port.interface, port.tap, port.mac, port.mtu);
        line.add("-netdev", format!("tap,id={id},fd={fd}"));
        let name = nic::name(id);
        let device = format!("virtio-net-pci,id={name},netdev={id},mac={mac},host_mtu={mtu},romfile=");
        line.add("-device", format!("{device},bus=slot{slot}"));
        slot += 1;
    }
    for disk in &spec.disks {
        add_disk(&mut line, disk, slot);
        slot += 1;
    }
    if let Some(boot) = &spec.kernel {
        line.add("-kernel", &boot.kernel);
        if let Some(initrd) = &boot.initrd {
            line.add("-initrd", initrd);
        }
        line.add("-append", cmdline(spec.accelerator, &boot.cmdline));
    }
    line.add("-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
    line.0
}

/// How network devices are named, so that their interfaces can be told.
pub mod nic {
    use landfall_model::InterfaceId;

    /// What the name of a network device begins with; the interface follows.
    pub const PREFIX: &str = "nic-";

    /// The name of an interface's device.
    pub fn name(id: InterfaceId) -> String {
        format!("{PREFIX}{id}")
    }
}

pub mod disk;

/// The same device as one of the command line's, to be added to a machine that runs.
pub fn device_options(port: &OpenPort, slot: &str) -> Value {
    json!({
        "driver": "virtio-net-pci", "id": nic::name(port.interface), "netdev": port.interface.to_string(),
        "mac": port.mac.to_string(), "host_mtu": port.mtu, "romfile": "", "bus": slot,
    })
}

/// The kernel's command line, with what an emulated processor wants of it besides.
fn cmdline(accelerator: Accelerator, asked: &str) -> String {
    let mut words: Vec<_> = asked.split(' ').collect();
    if accelerator == Accelerator::Tcg {
        words.extend(EMULATION_CMDLINE.split(' ').filter(|word| !asked.split(' ').any(|has| has == *word)));
    }
    words.join(" ")
}

fn machine(line: &mut Line, spec: &LaunchSpec) {
    let id = spec.id;
    line.add("-name", format!("guest={id},process=qemu-{id},debug-threads=on"));
    line.flag("-S");
    if spec.disks.iter().any(|disk| disk.encrypted) {
        // The machine is made once it is told to over the monitor: until then disks can be opened.
        line.flag("--preconfig");
    }
    line.flag("-nodefaults");
    line.flag("-no-user-config");
    line.add("-display", "none");
    // graphics=off puts what the firmware and boot loaders print on the serial console.
    let switches = "usb=off,vmport=off,sata=off,graphics=off,dump-guest-core=off,mem-merge=off";
    // The firmware is the one without secure boot, which needs no system management mode.
    let firmware = if spec.firmware.is_some() { FIRMWARE_SWITCHES } else { "" };
    line.add("-machine", format!("{},{switches}{firmware}", escaped(&spec.machine)));
    line.add("-accel", spec.accelerator.argument());
    line.add("-cpu", spec.accelerator.cpu());
    line.add("-smp", format!("{n},sockets=1,cores={n},threads=1", n = spec.vcpus));
    line.add("-m", format!("{}M", spec.memory_mib));
    line.add("-rtc", "base=utc");
    line.add("-boot", "strict=on");
    line.add("-global", "ICH9-LPC.disable_s3=1");
    line.add("-global", "ICH9-LPC.disable_s4=1");
    line.add("-action", "shutdown=pause,panic=pause,reboot=reset,watchdog=pause");
}

/// What cloud-init tells EC2 by: the uuid begins with `ec2` and is also the serial number.
fn smbios(spec: &LaunchSpec) -> String {
    let uuid = uuid(spec.id);
    let product = escaped(&spec.instance_type);
    format!("type=1,manufacturer=Amazon EC2,product={product},uuid={uuid},serial={uuid}")
}

/// An instance's hardware uuid: the same at every start, as software licences and cloud-init expect.
pub fn uuid(id: InstanceId) -> String {
    let hash = digest::digest(&digest::SHA256, format!("landfall hardware of {id}").as_bytes());
    let hex: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    // Version 4 and the variant of RFC 9562, in their places.
    format!("ec2{}-{}-4{}-a{}-{}", &hex[..5], &hex[5..9], &hex[9..12], &hex[12..15], &hex[15..27])
}

fn slots(line: &mut Line, least: usize) {
    let count = least.next_multiple_of(8);
    for slot in 0..count {
        let (device, function) = (SLOT_DEVICE + slot / 8, slot % 8);
        let multi = if function == 0 { ",multifunction=on" } else { "" };
        let place = format!("bus=pcie.0,addr={device:#x}.{function}{multi}");
        line.add("-device", format!("pcie-root-port,id=slot{slot},chassis={slot},slot={slot},{place}"));
    }
}

/// The firmware as two flash memories: one that the guest can't write, and one for its variables.
fn add_firmware(line: &mut Line, spec: &FirmwareSpec) {
    for (part, fd, set, read_only) in
        [("code", spec.code, FIRMWARE_SET, true), ("variables", spec.variables, FIRMWARE_SET + 1, false)]
    {
        line.add("-add-fd", format!("fd={fd},set={set},opaque=firmware"));
        let file = json!({
            "driver": "file", "node-name": format!("firmware-{part}-file"), "filename": format!("/dev/fdset/{set}"),
            "read-only": read_only, "auto-read-only": false,
        });
        line.json("-blockdev", &file);
        let node = json!({
            "driver": "raw", "node-name": format!("firmware-{part}"), "file": format!("firmware-{part}-file"),
            "read-only": read_only,
        });
        line.json("-blockdev", &node);
    }
}

fn add_disk(line: &mut Line, spec: &DiskSpec, slot: usize) {
    let volume = spec.volume;
    let sets = |fd: RawFd, set: usize, line: &mut Line| {
        line.add("-add-fd", format!("fd={fd},set={set},opaque={volume}"));
        set as u64
    };
    let (own, below) = fd_sets(slot);
    let base = spec.base.map(|base| sets(base, below, line));
    let file = sets(spec.file, own, line);
    if !spec.encrypted {
        for node in disk::nodes(volume, file, base, false) {
            line.json("-blockdev", &node);
        }
    }
    line.json("-object", &disk::group_options(volume, &spec.limits));
    if !spec.encrypted {
        line.json("-blockdev", &disk::throttle(volume));
    }
    let mut device = disk::device_options(volume, &format!("slot{slot}"));
    if spec.boot {
        device["bootindex"] = json!(0);
    }
    line.json("-device", &device);
}

/// The sets of descriptors that the disk in a slot has: of its own file, and of the image below it.
pub fn fd_sets(slot: usize) -> (usize, usize) {
    (slot * 2, slot * 2 + 1)
}

/// In QEMU's options a comma within a value is written twice.
fn escaped(value: &str) -> String {
    value.replace(',', ",,")
}

#[derive(Default)]
struct Line(Vec<OsString>);

impl Line {
    fn flag(&mut self, flag: &str) {
        self.0.push(flag.into());
    }

    fn add(&mut self, option: &str, value: impl AsRef<str>) {
        self.0.push(option.into());
        self.0.push(value.as_ref().into());
    }

    fn json(&mut self, option: &str, value: &Value) {
        self.add(option, value.to_string());
    }
}

#[cfg(test)]
mod tests {
    use landfall_model::{VolumeKind, VolumeShape};

    use super::*;

    fn limits(kind: VolumeKind, iops: Option<u32>) -> DiskLimits {
        VolumeShape { size_gib: 8, kind, iops, throughput_mib: None }.limits()
    }

    fn spec(accelerator: Accelerator) -> LaunchSpec {
        LaunchSpec {
            id: "i-0123456789abcdef0".parse().unwrap(),
            instance_type: "t3.micro".into(),
            machine: "pc-q35-7.2".into(),
            accelerator,
            vcpus: 2,
            memory_mib: 1024,
            disks: vec![
                DiskSpec {
                    volume: "vol-00000000000000001".parse().unwrap(),
                    file: 20,
                    base: Some(21),
                    boot: true,
                    limits: limits(VolumeKind::Gp3, Some(3000)),
                    encrypted: false,
                },
                DiskSpec {
                    volume: "vol-00000000000000002".parse().unwrap(),
                    file: 22,
                    base: None,
                    boot: false,
                    limits: limits(VolumeKind::Gp2, Some(100)),
                    encrypted: false,
                },
            ],
            ports: vec![PortSpec {
                interface: "eni-00000000000000003".parse().unwrap(),
                mac: Mac([2, 0, 0, 0, 0, 9]),
                tap: 23,
                mtu: 1450,
            }],
            max_ports: 2,
            kernel: None,
            firmware: None,
            monitors: vec![10, 11],
            console_bytes: 1 << 20,
        }
    }

    /// One option a line. `LANDFALL_GOLDEN=write` writes the files anew.
    fn matches_golden(spec: &LaunchSpec, name: &str) {
        let mut text = String::new();
        for argument in arguments(spec) {
            let argument = argument.into_string().unwrap();
            text.push(if argument.starts_with('-') { '\n' } else { ' ' });
            text.push_str(&argument);
        }
        let text = format!("{}\n", text.trim_start());
        let path = format!("{}/src/hypervisor/golden/{name}.txt", env!("CARGO_MANIFEST_DIR"));
        if std::env::var_os("LANDFALL_GOLDEN").is_some_and(|value| value == "write") {
            std::fs::write(&path, &text).unwrap();
        }
        assert_eq!(text, std::fs::read_to_string(&path).unwrap(), "{path}");
    }

    #[test]
    fn the_command_lines_are_the_golden_ones() {
        matches_golden(&spec(Accelerator::Kvm { group: Some(106) }), "kvm");
        let mut direct = spec(Accelerator::Tcg);
        direct.kernel = Some(KernelSpec {
            kernel: "/boot/kernel".into(),
            initrd: Some("/boot/initrd".into()),
            cmdline: "console=ttyS0,115200 quiet".into(),
        });
        direct.disks[0].boot = false;
        matches_golden(&direct, "tcg-direct");
        let mut uefi = spec(Accelerator::Kvm { group: Some(106) });
        uefi.firmware = Some(FirmwareSpec { code: 30, variables: 31 });
        matches_golden(&uefi, "uefi");
    }

    #[test]
    fn an_encrypted_disk_is_opened_over_the_monitor() {
        let mut sealed = spec(Accelerator::Kvm { group: Some(106) });
        sealed.disks[0].encrypted = true;
        matches_golden(&sealed, "kvm-encrypted");
    }

    #[test]
    fn a_comma_in_a_name_makes_no_option() {
        let mut odd = spec(Accelerator::Tcg);
        odd.instance_type = "x,uuid=0".into();
        let line = arguments(&odd);
        assert!(line.iter().any(|argument| argument.to_str().unwrap().contains("product=x,,uuid=0,uuid=ec2")));
    }

    #[test]
    fn the_uuid_is_stable_and_each_instances_own() {
        let id: InstanceId = "i-0123456789abcdef0".parse().unwrap();
        let other: InstanceId = "i-0123456789abcdef1".parse().unwrap();
        assert_eq!(uuid(id), uuid(id));
        assert_ne!(uuid(id), uuid(other));
        assert!(uuid(id).starts_with("ec2") && uuid(id).len() == 36 && &uuid(id)[14..15] == "4");
    }

    #[test]
    fn there_is_always_room_to_plug_in_up_to_the_bound() {
        let count = |accelerator, disks| {
            let mut full = spec(accelerator);
            full.max_ports = 1;
            full.disks = vec![full.disks[1].clone(); disks];
            arguments(&full).iter().filter(|argument| argument.to_string_lossy().starts_with("pcie-root-port")).count()
        };
        assert_eq!([0, 7, 8, SLOTS_MAX - 1].map(|disks| count(Accelerator::Tcg, disks)), [8, 8, 16, SLOTS_MAX]);
        let mut many = spec(Accelerator::Tcg);
        many.max_ports = 15;
        let ports = arguments(&many).iter().filter(|it| it.to_string_lossy().starts_with("pcie-root-port")).count();
        assert_eq!(ports, 24, "as many as the type's interfaces and the disks need");
        assert_eq!([0, 24].map(|disks| count(Accelerator::Kvm { group: None }, disks)), [24, 32]);
    }
}
