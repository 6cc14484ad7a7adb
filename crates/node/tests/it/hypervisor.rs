//! Real QEMU guests: started, confined, found again, reset, ended in every way. They have no disk to start from, so all
//! that runs in them is the firmware, which is enough to print and to be reset.

use std::collections::BTreeMap;
use std::fs;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use landfall_model::instance::MetadataOptions;
use landfall_model::plan::{
    DirectBoot, DiskPlan, ImagePlan, InstancePlan, MetadataPlan, Power, VolumePlan, VolumeSource,
};
use landfall_model::{DiskLimits, ImageId, InstanceId, InterfaceId, Mac, ReservationId, Timestamp, VolumeId};
use landfall_node::driver::{
    Devices, DriverError, DriverResult, Guest, GuestState, Hypervisor, Launch, OpenDisk, OpenPort, PowerAction, Volumes,
};
use landfall_node::hypervisor::{Machine, QemuConfig, QemuHypervisor, detect};
use landfall_node::volume::LocalVolumes;

/// How long what is to come is waited for, on the slowest machine, whose guests are emulated.
const PATIENCE: Duration = Duration::from_secs(300);

/// A driver in folders of its own, with one instance. Ends its guest when it goes, also after a failed test.
pub(crate) struct Bench {
    pub(crate) folder: tempfile::TempDir,
    machine: Machine,
    pub(crate) qemu: QemuHypervisor,
    pub(crate) id: InstanceId,
}

impl Bench {
    pub(crate) fn new(test: &str) -> Option<Self> {
        let machine = match detect("qemu-system-x86_64".as_ref()) {
            Ok(machine) => machine,
            Err(error) => {
                crate::skipped(test, &error.to_string());
                return None;
            }
        };
        let folder = tempfile::tempdir().unwrap();
        match QemuHypervisor::new(config(folder.path().into(), &machine)) {
            Ok(qemu) => {
                let id = InstanceId::from_random(u128::from(std::process::id()) << 64 | rand(test));
                Some(Bench { folder, machine, qemu, id })
            }
            Err(error) => {
                crate::skipped(test, &error.to_string());
                None
            }
        }
    }

    /// Another agent, which knows nothing but what is on the machine.
    pub(crate) fn another(&self) -> QemuHypervisor {
        QemuHypervisor::new(config(self.folder.path().into(), &self.machine)).unwrap()
    }

    pub(crate) fn start(&self, plan: &InstancePlan) -> DriverResult<()> {
        self.qemu.start(Launch { plan, disks: vec![], ports: vec![] })
    }

    pub(crate) fn plan(&self, boot: u64) -> InstancePlan {
        plan(self.id, boot)
    }

    pub(crate) fn guest(&self) -> Option<Guest> {
        find(&self.qemu, self.id)
    }

    pub(crate) fn state(&self) -> Option<GuestState> {
        self.guest().map(|guest| guest.state)
    }

    pub(crate) fn pid(&self) -> i32 {
        let stat = fs::read_to_string(self.folder.path().join(format!("run/{}/process", self.id))).unwrap();
        stat.split(' ').next().unwrap().parse().unwrap()
    }

    pub(crate) fn console(&self) -> String {
        String::from_utf8_lossy(&self.qemu.console(self.id, 64 << 10).unwrap().0).into_owned()
    }

    fn groups(&self) -> Vec<PathBuf> {
        let text = fs::read(self.folder.path().join(format!("run/{}/guest.json", self.id))).unwrap();
        let record: serde_json::Value = serde_json::from_slice(&text).unwrap();
        record["groups"].as_array().unwrap().iter().map(|path| path.as_str().unwrap().into()).collect()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let ended = self.qemu.power(self.id, PowerAction::Pull).and_then(|()| self.qemu.remove(self.id));
        if !std::thread::panicking() {
            ended.unwrap();
            assert!(fs::read_dir(self.folder.path().join("run")).unwrap().next().is_none());
            assert!(fs::read_dir(self.folder.path().join("state")).unwrap().next().is_none());
        }
    }
}

pub(crate) fn config(folder: PathBuf, machine: &Machine) -> QemuConfig {
    let (run, state, images) = (folder.join("run"), folder.join("state"), folder.join("images"));
    QemuConfig { cgroup_name: "landfall-test".into(), ..QemuConfig::new(run, state, images, machine.clone()) }
}

/// A number for each test, so that they run side by side.
fn rand(test: &str) -> u128 {
    test.bytes().fold(u128::from(std::process::id()), |sum, byte| (sum * 131 + u128::from(byte)) & 0xffff_ffff_ffff)
}

fn plan(id: InstanceId, boot: u64) -> InstancePlan {
    InstancePlan {
        id,
        account: "012345678901".parse().unwrap(),
        zone: "us-east-1a".parse().unwrap(),
        power: Power::On,
        boot,
        reboots: 2,
        forced: false,
        vcpus: 1,
        memory_mib: 64,
        machine: String::new(),
        disks: vec![],
        interfaces: vec![],
        pulled: vec![],
        pulled_disks: vec![],
        max_interfaces: 2,
        direct_boot: None,
        uefi: false,
        metadata: MetadataPlan {
            options: MetadataOptions::default(),
            image: ImageId::from_random(1),
            instance_type: "t3.nano".into(),
            reservation: ReservationId::from_random(1),
            launch_index: 0,
            launched_at: Timestamp(0),
            hostname: "guest".into(),
            public_domain: "example".into(),
            key: None,
            user_data: None,
            tags: BTreeMap::new(),
            group_names: BTreeMap::new(),
            profile: None,
        },
    }
}

pub(crate) fn find(qemu: &QemuHypervisor, id: InstanceId) -> Option<Guest> {
    qemu.inspect().unwrap().into_iter().find(|guest| guest.id == id)
}

pub(crate) fn wait(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "{what} did not come");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn kill(pid: i32) {
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL).unwrap();
}

#[test]
fn a_guest_lives_and_is_found_again() {
    let Some(bench) = Bench::new("a_guest_lives_and_is_found_again") else { return };
    assert_eq!(bench.guest(), None);
    let begun = Instant::now();
    bench.start(&bench.plan(7)).unwrap();
    eprintln!("started in {:?}", begun.elapsed());
    let running = Guest {
        id: bench.id,
        boot: 7,
        reboots: 2,
        state: GuestState::Running,
        machine: bench.machine.machine_type.clone(),
        devices: Some(Devices::default()),
    };
    assert_eq!(bench.guest(), Some(running.clone()));
    wait("the firmware's greeting", || bench.console().contains("SeaBIOS"));
    assert!(bench.qemu.console(bench.id, 4).unwrap().0.len() == 4);
    assert!(bench.qemu.console(bench.id, 4).unwrap().1 > Timestamp(1_700_000_000_000));

    let again = bench.another();
    assert_eq!(find(&again, bench.id), Some(running.clone()));
    let Err(DriverError::Retry(why)) = again.start(Launch { plan: &bench.plan(8), disks: vec![], ports: vec![] })
    else {
        panic!("it was started twice");
    };
    assert!(why.contains("already runs"), "{why}");
    assert!(bench.start(&bench.plan(7)).is_err() && again.remove(bench.id).is_err());
    assert_eq!(find(&again, bench.id), Some(running));

    wait("the end of what the firmware prints", || bench.console().contains("No bootable device"));
    again.power(bench.id, PowerAction::Reset).unwrap();
    wait("a second greeting", || bench.console().matches("SeaBIOS").count() >= 2);
    assert_eq!(bench.guest().map(|guest| guest.reboots), Some(3));
    again.power(bench.id, PowerAction::Press).unwrap();
    again.power(bench.id, PowerAction::Pull).unwrap();
    assert_eq!(bench.state(), Some(GuestState::Dead(None)));
    again.power(bench.id, PowerAction::Pull).unwrap();
    assert!(bench.console().contains("SeaBIOS"), "the console outlives the guest");

    bench.start(&bench.plan(8)).unwrap();
    assert_eq!(bench.guest().map(|guest| (guest.boot, guest.state)), Some((8, GuestState::Running)));
}

#[test]
fn a_guest_is_confined() {
    let Some(bench) = Bench::new("a_guest_is_confined") else { return };
    // A descriptor of ours that isn't close-on-exec must not reach it either.
    let (_reader, writer) = std::io::pipe().unwrap();
    nix::fcntl::fcntl(&writer, nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::empty())).unwrap();
    bench.start(&bench.plan(1)).unwrap();
    let proc = PathBuf::from(format!("/proc/{}", bench.pid()));
    let status = fs::read_to_string(proc.join("status")).unwrap();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
    };
    let uid = field("Uid:");
    let uid = uid.split(' ').next().unwrap();
    assert!((1_900_000_000..1_900_065_536).contains(&uid.parse::<u32>().unwrap()));
    for name in ["Uid:", "Gid:"] {
        assert_eq!(field(name), [uid; 4].join(" "));
    }
    for name in ["CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"] {
        assert_eq!(field(name), "0000000000000000", "{name}");
    }
    assert_eq!(field("Groups:"), "");
    assert_eq!((field("NoNewPrivs:"), field("Seccomp:")), ("1".into(), "2".into()));
    for namespace in ["net", "mnt", "ipc", "uts"] {
        let link = |path: PathBuf| fs::read_link(path.join("ns").join(namespace)).unwrap();
        assert_ne!(link(proc.clone()), link("/proc/self".into()), "{namespace}");
    }
    let devices = fs::read_to_string(proc.join("net/dev")).unwrap();
    assert_eq!(devices.lines().skip(2).map(|line| line.split(':').next().unwrap().trim()).collect::<Vec<_>>(), ["lo"]);
    let limits = fs::read_to_string(proc.join("limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_ascii_whitespace().nth(4), Some("1"));

    let tree = |path: &str| proc.join("root").join(path);
    for absent in ["proc/self", "sys/kernel", "etc/passwd", "usr/bin/sh", "bin", "tmp", "run", "home", "root"] {
        assert!(!tree(absent).exists(), "{absent}");
    }
    assert!(tree("usr/lib").exists() && tree("dev/null").exists() && !tree("dev/mem").exists());
    let mounts = fs::read_to_string(proc.join("mounts")).unwrap();
    for mount in mounts.lines() {
        let options = mount.split(' ').nth(3).unwrap();
        assert!(options.split(',').any(|option| option == "ro"), "{mount}");
        assert!(options.split(',').any(|option| option == "nosuid"), "{mount}");
    }
    let mut open: Vec<String> = Vec::new();
    for entry in fs::read_dir(proc.join("fd")).unwrap() {
        // One that QEMU closes meanwhile isn't left open.
        match fs::read_link(entry.unwrap().path()) {
            Ok(target) => open.push(target.to_string_lossy().into_owned()),
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound),
        }
    }
    open.retain(|target| {
        !["socket:", "anon_inode:", "/memfd:words", "/dev/null"].iter().any(|ok| target.starts_with(ok))
    });
    assert_eq!(open.len(), 1, "only the lock is left: {open:?}");
    assert!(open[0].ends_with("/lock"), "{open:?}");
    assert!(!mounts.contains("landfall") && !fs::read_to_string("/proc/self/mounts").unwrap().contains("/root tmpfs"));

    let pid = bench.pid().to_string();
    for group in bench.groups() {
        let members = fs::read_to_string(group.join("cgroup.procs")).unwrap();
        assert!(members.lines().any(|line| line == pid), "{}", group.display());
    }
    let bounds: Vec<String> = bench
        .groups()
        .iter()
        .flat_map(|group| ["memory.max", "memory.limit_in_bytes"].map(|file| group.join(file)))
        .filter_map(|file| fs::read_to_string(file).ok())
        .collect();
    assert!(bounds.iter().all(|bound| bound.trim() == ((64 + 160 + 32) << 20).to_string()), "{bounds:?}");
    let groups = bench.groups();
    bench.qemu.power(bench.id, PowerAction::Pull).unwrap();
    bench.qemu.remove(bench.id).unwrap();
    assert!(groups.iter().all(|group| !group.exists()));
}

#[test]
fn a_killed_guest_is_dead_with_a_reason_and_can_be_started_anew() {
    let Some(bench) = Bench::new("a_killed_guest_is_dead") else { return };
    bench.start(&bench.plan(1)).unwrap();
    let other = bench.another();
    kill(bench.pid());
    wait("its death", || bench.state() != Some(GuestState::Running));
    let Some(GuestState::Dead(Some(why))) = bench.state() else { panic!("{:?}", bench.state()) };
    assert!(why.contains("signal: 9"), "{why}");
    let guest = find(&other, bench.id).unwrap();
    assert!(matches!(&guest.state, GuestState::Dead(Some(why)) if why.contains("nobody saw how")), "{guest:?}");
    other.start(Launch { plan: &bench.plan(2), disks: vec![], ports: vec![] }).unwrap();
    assert_eq!(bench.guest().map(|guest| (guest.boot, guest.state)), Some((2, GuestState::Running)));
    // After a restart of the machine only the console is left, with the machine type that is the guest's for good.
    kill(bench.pid());
    wait("its death", || bench.state() != Some(GuestState::Running));
    fs::remove_dir_all(bench.folder.path().join(format!("run/{}", bench.id))).unwrap();
    let machine = bench.machine.machine_type.clone();
    let left = Guest { id: bench.id, boot: 0, reboots: 0, state: GuestState::Dead(None), machine, devices: None };
    assert_eq!(bench.guest(), Some(left));
}

/// The folder that the process below works in.
const CHILD: &str = "LANDFALL_TEST_STARTS_IN";

#[test]
#[ignore = "no test by itself: the process that the next test kills"]
fn child_that_starts_a_guest() {
    let folder = PathBuf::from(std::env::var_os(CHILD).expect("it is started by the next test"));
    let machine = detect("qemu-system-x86_64".as_ref()).unwrap();
    let qemu = QemuHypervisor::new(config(folder.clone(), &machine)).unwrap();
    let id = fs::read_to_string(folder.join("id")).unwrap().parse().unwrap();
    fs::write(folder.join("begun"), "").unwrap();
    qemu.start(Launch { plan: &plan(id, 5), disks: vec![], ports: vec![] }).unwrap();
    fs::write(folder.join("done"), "").unwrap();
}

#[test]
fn an_agent_killed_anywhere_in_a_start_leaves_a_guest_or_nothing() {
    let Some(bench) = Bench::new("an_agent_killed_anywhere_in_a_start") else { return };
    let folder = bench.folder.path();
    fs::write(folder.join("id"), bench.id.to_string()).unwrap();
    let rounds = std::env::var("LANDFALL_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(12u32);
    let (mut carried_on, mut nothing) = (0, 0);
    for round in 0..rounds {
        let name = "hypervisor::child_that_starts_a_guest";
        // This very file, also when it was built anew meanwhile.
        let mut child = std::process::Command::new("/proc/self/exe")
            .args(["--exact", "--ignored", name])
            .env(CHILD, folder)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        while !folder.join("begun").exists() {
            assert!(child.try_wait().unwrap().is_none_or(|status| status.success()), "the child failed");
            std::thread::sleep(Duration::from_micros(100));
        }
        // Spread over the time that a start takes, closer together at its beginning, where more happens.
        let part = f64::from(round) / f64::from(rounds);
        std::thread::sleep(Duration::from_secs_f64(part * part * 0.1));
        child.kill().unwrap();
        child.wait().unwrap();
        let done = folder.join("done").exists();
        let _ = fs::remove_file(folder.join("begun"));
        let _ = fs::remove_file(folder.join("done"));

        // The lock of a fork that was cut off may be held for a moment more.
        let agent = bench.another();
        let found = find(&agent, bench.id).filter(|guest| guest.boot != 0);
        match found {
            Some(guest) => {
                assert_eq!((guest.boot, guest.reboots, guest.state), (5, 2, GuestState::Running), "round {round}");
                carried_on += 1;
            }
            None => {
                assert!(!done, "round {round}: a start that was answered is lost");
                nothing += 1;
                wait("the way to be free", || {
                    match agent.start(Launch { plan: &bench.plan(5), disks: vec![], ports: vec![] }) {
                        Ok(()) => true,
                        // It has been carried on with after all.
                        Err(_) => find(&agent, bench.id).is_some_and(|guest| guest.state == GuestState::Running),
                    }
                });
            }
        }
        assert_eq!(processes_of(bench.id), 1, "round {round}");
        agent.power(bench.id, PowerAction::Pull).unwrap();
        agent.remove(bench.id).unwrap();
        assert_eq!(processes_of(bench.id), 0, "round {round}");
        assert_eq!(bench.guest(), None);
    }
    eprintln!("{rounds} kills: {carried_on} guests found, {nothing} times nothing");
}

/// How many processes run that instance.
fn processes_of(id: InstanceId) -> usize {
    let name = format!("guest={id},");
    let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let line = fs::read(entry.ok()?.path().join("cmdline")).ok()?;
        String::from_utf8_lossy(&line).contains(&name).then_some(())
    });
    processes.count()
}

#[test]
fn a_start_that_was_cut_off_is_carried_on_or_forgotten() {
    let Some(bench) = Bench::new("a_start_that_was_cut_off") else { return };
    let record = bench.folder.path().join(format!("run/{}/guest.json", bench.id));
    let rewind = || {
        let text = fs::read_to_string(&record).unwrap();
        fs::write(&record, text.replace("\"Started\"", "\"Preparing\"")).unwrap();
    };
    bench.start(&bench.plan(1)).unwrap();
    rewind();
    let another = bench.another();
    assert_eq!(find(&another, bench.id).map(|guest| guest.state), Some(GuestState::Running));
    assert!(fs::read_to_string(&record).unwrap().contains("Started"));
    // The same when its process is gone: it never ran, so nothing is known of it but its console.
    kill(bench.pid());
    wait("its death", || bench.state() != Some(GuestState::Running));
    rewind();
    assert_eq!(find(&another, bench.id).map(|guest| guest.boot).unwrap_or(0), 0);
    assert!(!record.exists());
    // And when not even the record was written.
    fs::create_dir_all(record.parent().unwrap().join("root")).unwrap();
    fs::write(record.with_file_name("lock"), "").unwrap();
    assert!(find(&another, bench.id).is_none_or(|guest| guest.boot == 0));
    assert!(!record.parent().unwrap().exists());
    bench.start(&bench.plan(1)).unwrap();
    assert_eq!(bench.state(), Some(GuestState::Running));
}

#[test]
fn one_of_many_starts_at_once_wins() {
    let Some(bench) = Bench::new("one_of_many_starts_at_once_wins") else { return };
    let others: Vec<_> = (0..4).map(|_| bench.another()).collect();
    let plan = bench.plan(1);
    let won = std::thread::scope(|scope| {
        let starts: Vec<_> = others
            .iter()
            .map(|qemu| scope.spawn(|| qemu.start(Launch { plan: &plan, disks: vec![], ports: vec![] })))
            .collect();
        starts.into_iter().map(|start| start.join().unwrap()).filter(Result::is_ok).count()
    });
    assert_eq!(won, 1);
    assert_eq!(processes_of(bench.id), 1);
    assert_eq!(bench.state(), Some(GuestState::Running));
}

#[test]
fn disks_are_opened_by_descriptor_and_marked_in_use() {
    let Some(bench) = Bench::new("disks_are_opened_by_descriptor") else { return };
    let images = bench.folder.path().join("images");
    let volumes = LocalVolumes::new(bench.folder.path().join("volumes"), images.clone()).unwrap().with_reserve(0);
    fs::create_dir_all(&images).unwrap();
    let blank = volume(1, VolumeSource::Blank);
    volumes.ensure(&blank).unwrap();
    fs::copy(bench.folder.path().join(format!("volumes/{}.qcow2", blank.id)), images.join("base.qcow2")).unwrap();
    let image =
        ImagePlan { id: ImageId::from_random(1), file: "base.qcow2".into(), size_bytes: 1 << 30, direct_boot: None };
    let clone = volume(2, VolumeSource::Image(image));
    volumes.ensure(&clone).unwrap();
    let mut plan = bench.plan(1);
    let disk = |volume: &VolumePlan, root| DiskPlan {
        volume: volume.id,
        device: "/dev/sda1".into(),
        root,
        size_bytes: 0,
        limits: DiskLimits::default(),
    };
    plan.disks = vec![disk(&clone, true), disk(&blank, false)];
    let disks: Vec<OpenDisk> = [&clone, &blank].iter().map(|volume| volumes.open(volume).unwrap()).collect();
    let (fd, _network) = tap();
    plan.interfaces = vec![InterfaceId::from_random(1)];
    let port = OpenPort { interface: plan.interfaces[0], mac: Mac([2, 0, 0, 0, 0, 1]), tap: Some(fd), mtu: 1450 };
    bench.qemu.start(Launch { plan: &plan, disks, ports: vec![port] }).unwrap();
    plan.interfaces.clear();
    assert_eq!(bench.state(), Some(GuestState::Running));
    assert!(matches!(volumes.remove(clone.id), Err(DriverError::Retry(why)) if why.contains("in use")));
    bench.qemu.power(bench.id, PowerAction::Pull).unwrap();
    volumes.remove(clone.id).unwrap();
    // Two guests can't have one volume: the second start fails, with words, and leaves nothing.
    plan.disks = vec![disk(&blank, true), disk(&blank, false)];
    let twice = vec![volumes.open(&blank).unwrap(), volumes.open(&blank).unwrap()];
    let refused = bench.qemu.start(Launch { plan: &plan, disks: twice, ports: vec![] }).unwrap_err();
    assert!(refused.to_string().contains("QEMU ended at once"), "{refused}");
    assert!(bench.guest().is_none_or(|guest| guest.boot == 0));
}

/// A guest with an operating system: kernel, initrd and disk of the image whose files' common beginning is in
/// `LANDFALL_MINI_IMAGE` (as made by `landfall image build mini`), and a TAP in a namespace of its own.
pub(crate) struct RealGuest {
    pub(crate) bench: Bench,
    pub(crate) volumes: LocalVolumes,
    pub(crate) volume: VolumePlan,
    pub(crate) plan: InstancePlan,
    /// The TAP goes with its namespace, which this thread holds until it is told to end.
    pub(crate) _network: std::sync::mpsc::Sender<()>,
    pub(crate) tap: OwnedFd,
}

impl RealGuest {
    pub(crate) fn new(test: &str) -> Option<Self> {
        let Some(prefix) = std::env::var("LANDFALL_MINI_IMAGE").ok() else {
            crate::skipped(test, "LANDFALL_MINI_IMAGE names no image");
            return None;
        };
        let bench = Bench::new(test)?;
        let images = bench.folder.path().join("images");
        fs::create_dir_all(&images).unwrap();
        for part in ["vmlinuz", "initrd", "qcow2"] {
            fs::copy(format!("{prefix}.{part}"), images.join(format!("mini.{part}"))).unwrap();
        }
        let boot = DirectBoot {
            kernel: "mini.vmlinuz".into(),
            initrd: Some("mini.initrd".into()),
            cmdline: "root=LABEL=landfall-root rw console=ttyS0 mitigations=off panic=10".into(),
        };
        let image = ImagePlan {
            id: ImageId::from_random(1),
            file: "mini.qcow2".into(),
            size_bytes: 1 << 30,
            direct_boot: Some(boot.clone()),
        };
        let volume = VolumePlan { size_bytes: 2 << 30, ..volume(1, VolumeSource::Image(image)) };
        let volumes = LocalVolumes::new(bench.folder.path().join("volumes"), images).unwrap().with_reserve(0);
        let mut plan = bench.plan(1);
        plan.memory_mib = 128;
        plan.direct_boot = Some(boot);
        plan.disks = vec![DiskPlan {
            volume: volume.id,
            device: "/dev/sda1".into(),
            root: true,
            size_bytes: 0,
            limits: DiskLimits::default(),
        }];
        plan.interfaces = vec![InterfaceId::from_random(1)];
        let (tap, network) = tap();
        Some(RealGuest { bench, volumes, volume, plan, _network: network, tap })
    }

    pub(crate) fn start(&self) {
        let tap = Some(self.tap.try_clone().unwrap());
        let port = OpenPort { interface: self.plan.interfaces[0], mac: Mac([2, 0, 0, 0, 0, 1]), tap, mtu: 1400 };
        let disks = vec![self.volumes.open(&self.volume).unwrap()];
        self.bench.qemu.start(Launch { plan: &self.plan, disks, ports: vec![port] }).unwrap();
    }
}

/// A TAP in a new network namespace.
pub(crate) fn tap() -> (OwnedFd, std::sync::mpsc::Sender<()>) {
    let (send, receive) = std::sync::mpsc::channel();
    let (hold, held) = std::sync::mpsc::channel::<()>();
    std::thread::spawn(move || {
        nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET).unwrap();
        send.send(open_tap().unwrap()).unwrap();
        let _ = held.recv();
    });
    (receive.recv().unwrap(), hold)
}

/// Opens the TAP `tap0` of this thread's namespace.
fn open_tap() -> std::io::Result<OwnedFd> {
    let tun = fs::File::options().read(true).write(true).open("/dev/net/tun")?;
    // struct ifreq: the name, then the flags TAP, NO_PI and VNET_HDR.
    let mut request = [0u8; 40];
    request[..4].copy_from_slice(b"tap0");
    request[16..18].copy_from_slice(&0x5002u16.to_ne_bytes());
    // SAFETY: the request is a structure of the size that TUNSETIFF reads and writes.
    match unsafe { libc::ioctl(tun.as_raw_fd(), libc::TUNSETIFF as _, request.as_mut_ptr()) } {
        0 => Ok(OwnedFd::from(tun)),
        _ => Err(std::io::Error::last_os_error()),
    }
}

#[test]
fn a_guest_that_powers_itself_off_is_seen_so_whatever_becomes_of_its_process() {
    let Some(mut guest) = RealGuest::new("a_guest_that_powers_itself_off") else { return };
    guest.volumes.ensure(&guest.volume).unwrap();
    let begun = Instant::now();
    guest.start();
    let bench = &guest.bench;
    wait("the kernel's first words", || bench.console().contains("Linux version"));
    eprintln!("first words of the kernel after {:?}", begun.elapsed());
    assert!(bench.console().contains("landfall.root=vol00000000000000001"));
    wait("the power button to be heeded", || {
        bench.qemu.power(bench.id, PowerAction::Press).unwrap();
        std::thread::sleep(Duration::from_millis(200));
        bench.state() == Some(GuestState::PoweredOff)
    });
    eprintln!("powered off after {:?}", begun.elapsed());
    bench.qemu.power(bench.id, PowerAction::Reset).unwrap();
    assert_eq!(bench.guest().map(|guest| (guest.state, guest.reboots)), Some((GuestState::PoweredOff, 2)));
    kill(bench.pid());
    // A process that ends gives up its memory first and its lock last; until then it counts as one that is there.
    wait("its process to end", || bench.state() != Some(GuestState::Running));
    assert_eq!(bench.state(), Some(GuestState::PoweredOff));
    assert_eq!(find(&bench.another(), bench.id).map(|guest| guest.state), Some(GuestState::PoweredOff));
    guest.plan.boot = 2;
    guest.start();
    assert_eq!(guest.bench.guest().map(|guest| (guest.boot, guest.state)), Some((2, GuestState::Running)));
}

#[test]
fn a_guest_waits_for_room_on_a_full_disk_and_goes_on() {
    let Some(guest) = RealGuest::new("a_guest_waits_for_room_on_a_full_disk") else { return };
    let place = guest.bench.folder.path().join("volumes");
    let mount = |options: &str, flags| {
        nix::mount::mount(Some("tmpfs"), &place, Some("tmpfs"), flags, Some(options)).unwrap();
    };
    mount("size=320k", nix::mount::MsFlags::empty());
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        guest.volumes.ensure(&guest.volume).unwrap();
        guest.start();
        let bench = &guest.bench;
        wait("the disk to be full", || matches!(bench.state(), Some(GuestState::Suspended(_))));
        let Some(GuestState::Suspended(why)) = bench.state() else { panic!("{:?}", bench.state()) };
        assert!(why.contains("disk of the host is full"), "{why}");
        mount("size=200m", nix::mount::MsFlags::MS_REMOUNT);
        wait("the guest to go on", || bench.state() == Some(GuestState::Running));
        bench.qemu.power(bench.id, PowerAction::Pull).unwrap();
    }));
    let _ = guest.bench.qemu.power(guest.bench.id, PowerAction::Pull);
    // What a killed guest had open may be open for a moment more.
    nix::mount::umount2(&place, nix::mount::MntFlags::MNT_DETACH).unwrap();
    if let Err(panic) = result {
        std::panic::resume_unwind(panic);
    }
}

/// A TAP that persists, in a namespace of its own, to be opened again and again.
struct Taps {
    ask: std::sync::mpsc::Sender<()>,
    answer: std::sync::mpsc::Receiver<std::io::Result<OwnedFd>>,
}

impl Taps {
    fn new() -> Self {
        let (ask, asked) = std::sync::mpsc::channel();
        let (tell, answer) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET).unwrap();
            let first = open_tap().unwrap();
            // SAFETY: the descriptor is an open TAP; the argument is a plain number.
            assert_eq!(unsafe { libc::ioctl(first.as_raw_fd(), libc::TUNSETPERSIST as _, 1) }, 0);
            drop(first);
            while asked.recv().is_ok() {
                let _ = tell.send(open_tap());
            }
        });
        Taps { ask, answer }
    }

    fn open(&self, port: InterfaceId) -> Result<OpenPort, DriverError> {
        self.ask.send(()).unwrap();
        let tap = self.answer.recv().unwrap().map_err(|error| DriverError::Retry(format!("the TAP: {error}")))?;
        Ok(OpenPort { interface: port, mac: Mac([2, 0, 0, 0, 0, 2]), tap: Some(tap), mtu: 1400 })
    }
}

fn ports(bench: &Bench) -> Option<Vec<InterfaceId>> {
    Some(bench.guest()?.devices?.ports.into_iter().collect())
}

#[test]
fn what_is_plugged_in_is_told_by_the_machine_and_can_be_pulled() {
    let Some(bench) = Bench::new("what_is_plugged_in_is_told_by_the_machine") else { return };
    let (taps, port) = (Taps::new(), InterfaceId::from_random(2));
    let plug = || bench.qemu.plug(bench.id, port, &|| taps.open(port));
    assert!(plug().is_err(), "it doesn't run");
    bench.qemu.unplug(bench.id, port, true).unwrap();
    bench.start(&bench.plan(1)).unwrap();
    assert_eq!(ports(&bench), Some(vec![]));
    plug().unwrap();
    plug().unwrap();
    assert_eq!(ports(&bench), Some(vec![port]));
    assert_eq!(
        find(&bench.another(), bench.id).and_then(|guest| guest.devices).map(|it| it.ports),
        Some([port].into())
    );
    assert!(taps.open(port).is_err(), "a TAP serves one");
    // No system runs that could let it go.
    bench.qemu.unplug(bench.id, port, false).unwrap();
    assert_eq!(ports(&bench), Some(vec![port]));
    drop(taps.open(port).unwrap());
    bench.qemu.unplug(bench.id, port, true).unwrap();
    assert_eq!(ports(&bench), Some(vec![]));
    bench.qemu.unplug(bench.id, port, true).unwrap();
    assert!(plug().unwrap_err().to_string().contains("hasn't let go"));
    bench.qemu.power(bench.id, PowerAction::Reset).unwrap();
    // The reset lets all go that was to go.
    wait("the device to be gone", || plug().is_ok());
    assert_eq!(ports(&bench), Some(vec![port]));
    // All of its slots: those that are left are for others.
    let more: Vec<_> = (10..40).map(InterfaceId::from_random).collect();
    let full = more.iter().find_map(|port| {
        let taps = Taps::new();
        bench.qemu.plug(bench.id, *port, &|| taps.open(*port)).err().map(|error| error.to_string())
    });
    assert!(full.is_some_and(|why| why.contains("none of its slots is free")));
}

#[test]
fn a_guest_gets_an_interface_and_lets_it_go() {
    let Some(guest) = RealGuest::new("a_guest_gets_an_interface_and_lets_it_go") else { return };
    guest.volumes.ensure(&guest.volume).unwrap();
    guest.start();
    let (bench, first) = (&guest.bench, guest.plan.interfaces[0]);
    let (taps, port) = (Taps::new(), InterfaceId::from_random(2));
    // Before its system is up: it finds the device when it comes up.
    bench.qemu.plug(bench.id, port, &|| taps.open(port)).unwrap();
    assert_eq!(ports(bench), Some(vec![first, port]));
    wait("the guest to let it go, asked again and again", || {
        bench.qemu.unplug(bench.id, port, false).unwrap();
        ports(bench) == Some(vec![first])
    });
    assert!(bench.console().contains("Linux version"));
    let words = bench.console().matches("1af4:1041").count();
    bench.qemu.plug(bench.id, port, &|| taps.open(port)).unwrap();
    wait("the guest to see it", || bench.console().matches("1af4:1041").count() > words);
    let asked = Instant::now();
    wait("the guest to let it go", || {
        bench.qemu.unplug(bench.id, port, false).unwrap();
        ports(bench) == Some(vec![first])
    });
    eprintln!("let go after {:?}", asked.elapsed());
    drop(taps.open(port).unwrap());
    assert_eq!(bench.state(), Some(GuestState::Running));
}

pub(crate) fn volume(number: u128, source: VolumeSource) -> VolumePlan {
    VolumePlan {
        id: VolumeId::from_random(number),
        size_bytes: 1 << 30,
        source,
        encrypted: false,
        wanted: true,
        snapshots: vec![],
    }
}

#[test]
fn what_can_not_start_says_why_and_leaves_nothing() {
    let Some(bench) = Bench::new("what_can_not_start_says_why") else { return };
    let mut plan = bench.plan(1);
    let refusal = |plan: &InstancePlan, disks: Vec<OpenDisk>| {
        bench.qemu.start(Launch { plan, disks, ports: vec![] }).unwrap_err().to_string()
    };
    plan.machine = "pc-q35-99.0".into();
    let said = refusal(&plan, vec![]);
    assert!(said.contains("unsupported machine type"), "QEMU's own words are passed on: {said}");
    plan.machine = "x,y=z".into();
    assert!(refusal(&plan, vec![]).contains("machine type"));
    plan.machine = String::new();
    plan.memory_mib = 1 << 30;
    assert!(refusal(&plan, vec![]).contains("MiB free"));
    plan.memory_mib = 64;
    let boot = |kernel: &str| Some(DirectBoot { kernel: kernel.into(), initrd: None, cmdline: String::new() });
    plan.direct_boot = boot("../shadow");
    assert!(refusal(&plan, vec![]).contains("can't be one"));
    plan.direct_boot = boot("none");
    assert!(refusal(&plan, vec![]).contains("can't be used"));
    plan.direct_boot = None;
    let volume = VolumeId::from_random(1);
    plan.disks =
        vec![DiskPlan { volume, device: "/dev/sda1".into(), root: true, size_bytes: 0, limits: DiskLimits::default() }];
    assert!(refusal(&plan, vec![]).contains("not those of its plan"));
    let empty = OwnedFd::from(tempfile::tempfile().unwrap());
    let said = refusal(&plan, vec![OpenDisk { volume, file: Some(empty), base: None, key: None }]);
    assert!(said.contains("QEMU ended at once") && said.contains("qcow2"), "{said}");
    assert_eq!(bench.guest(), None);
    plan.disks = vec![];
    bench.start(&plan).unwrap();
}
