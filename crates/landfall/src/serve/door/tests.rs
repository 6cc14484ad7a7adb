//! The protocol over a wire, next to the same within one process; and who gets nothing.

use std::io::{Read as _, Write as _};
use std::net::Ipv4Addr;
use std::path::Path;

use landfall_cloud::value::{Hosts, Images, Volumes};
use landfall_cloud::{Cloud, host};
use landfall_model::agent::{Report, SnapshotMade};
use landfall_model::plan::{PlanUpdate, SnapshotPlan, VolumePlan, VolumeSource};
use landfall_model::{HostFacts, HostId, Ipv4Cidr, Scope, Timestamp, Volume, VolumeId, VolumeState};
use landfall_node::agent::{ControlLink, LinkError};
use landfall_node::driver::{self, DriverResult, HeldDisk, OpenDisk, OpenFleece, Volumes as _};
use landfall_node::remote::{Control, FetchedVolumes, RemoteLink};
use landfall_state::{Engine, MemoryLog, Options};

use super::*;

const SECRET: &str = "an invitation's secret";

/// A control plane with a door, in a folder of its own.
struct Stand {
    runtime: tokio::runtime::Runtime,
    engine: Engine<Cloud>,
    agents: Arc<Agents>,
    control: Control,
    folder: tempfile::TempDir,
}

impl Stand {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let engine: Engine<Cloud> = Engine::open(Box::new(MemoryLog::new()), Options::default()).unwrap();
        let agents = Agents::new(engine.clone());
        let folder = tempfile::tempdir().unwrap();
        let key = key(folder.path()).unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let control = Control { address, key_sha256: key.sha256().to_owned() };
        let terms = Terms { public_pool: Ipv4Cidr::ALL, vxlan_port: 4789, routed: false };
        let images = folder.path().join("images");
        std::fs::create_dir(&images).unwrap();
        let door = Door::new(agents.clone(), terms, images, None);
        runtime.spawn(async move { door.accept(listener, &key).await });
        Self { runtime, engine, agents, control, folder }
    }

    fn change<T>(&self, run: impl FnOnce(&mut landfall_cloud::Tx<'_, '_>) -> T) -> T {
        let scope = Scope { account: landfall_model::AccountId::PROVIDER, region: landfall_model::Region::DEFAULT };
        let now = self.engine.now_ms();
        let pending = self.engine.commit(|head| {
            let mut entropy = landfall_cloud::Entropy::from_system();
            let done: Result<T, std::convert::Infallible> =
                head.transact(now, None, |tx| Ok(run(&mut landfall_cloud::Tx::new(tx, scope, &mut entropy))));
            let Ok(done) = done;
            done
        });
        pending.wait().unwrap()
    }

    fn invite(&self, name: &str) -> HostId {
        let hash = landfall_control::agents::token_sha256(SECRET);
        self.change(|tx| host::register(tx, name, None, &hash).unwrap())
    }

    fn key(&self, name: &str) -> Key {
        Key::ensure(self.folder.path(), name).unwrap()
    }

    fn link(&self, key: &Key, seat: &str) -> RemoteLink {
        RemoteLink::new(self.control.clone(), key, seat.to_owned()).unwrap()
    }

    /// A host that has joined.
    fn joined(&self, name: &str) -> (HostId, Key) {
        let (id, key) = (self.invite(name), self.key(name));
        assert_eq!(self.link(&key, "a").join(SECRET).unwrap(), Ok(id));
        (id, key)
    }
}

fn facts(cpus: u32) -> HostFacts {
    HostFacts {
        name: "as it calls itself".into(),
        address: Ipv4Addr::new(10, 0, 0, 1),
        cpus,
        memory_mib: 4096,
        disk_gib: 10,
        hypervisor: "simulated".into(),
        machine: String::new(),
        format: landfall_model::plan::FORMAT,
        uefi: true,
        shares: Default::default(),
    }
}

fn hello(link: &dyn ControlLink, token: &str) -> AgentReply {
    link.call(AgentCall::Hello { token: token.into(), facts: facts(2) }).unwrap()
}

fn poll(link: &dyn ControlLink, incarnation: u64, since: u64, wait_ms: u64) -> AgentReply {
    link.call(AgentCall::Poll { incarnation, since, wait_ms }).unwrap()
}

/// What the protocol promises, wherever the agent is. `before` and `after` are two of one host's agents.
fn keeps_its_promises(stand: &Stand, host: HostId, token: &str, before: &dyn ControlLink, after: &dyn ControlLink) {
    assert!(matches!(poll(before, 0, 0, 0), AgentReply::Refused { .. }), "no poll before a hello");
    let AgentReply::Welcome { host: told, .. } = hello(before, token) else { panic!("not welcome") };
    assert_eq!(told, host);
    assert_eq!(stand.engine.read().hosts.get(&host).unwrap().facts.cpus, 2, "what it says of its machine is taken");
    let AgentReply::Work { plan: PlanUpdate::Snapshot(plan), .. } = poll(before, 0, 0, 0) else { panic!("no plan") };
    let unchanged = poll(before, plan.incarnation, plan.revision, 0);
    assert!(matches!(unchanged, AgentReply::Work { plan: PlanUpdate::Unchanged { .. }, .. }), "{unchanged:?}");

    // A volume that is placed on the host ends a poll that waits.
    let id = VolumeId::from_random(u128::from(host.bits() as u64));
    let delta = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| poll(before, plan.incarnation, plan.revision, 30_000));
        stand.change(|tx| tx.put::<Volumes>(volume(id, host)));
        waiting.join().unwrap()
    });
    let AgentReply::Work { plan: update, .. } = delta else { panic!("{delta:?}") };
    let mut followed = plan.clone();
    followed.apply(update).unwrap();
    let AgentReply::Work { plan: PlanUpdate::Snapshot(whole), .. } = poll(before, 0, 0, 0) else { panic!("no plan") };
    assert_eq!(followed.pieces, whole.pieces, "the change leads to the whole");
    assert_eq!(followed.pieces.len(), 1);

    let report = Report { incarnation: whole.incarnation, revision: whole.revision, full: true, ..Report::default() };
    assert!(matches!(before.call(AgentCall::Report(report)), Ok(AgentReply::Taken)));

    // The next agent of the same machine takes its place, also while it waits.
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| poll(before, whole.incarnation, whole.revision, 30_000));
        assert!(matches!(hello(after, token), AgentReply::Welcome { .. }));
        let ended = waiting.join().unwrap();
        // Where the hello came first, the poll found its session gone.
        assert!(matches!(ended, AgentReply::Refused { .. }), "{ended:?}");
    });
    assert!(matches!(before.call(AgentCall::Report(Report::default())), Ok(AgentReply::Refused { .. })));
    assert!(matches!(poll(after, 0, 0, 0), AgentReply::Work { .. }));
    stand.change(|tx| tx.delete::<Volumes>(&volume(id, host).key()));
    let name = stand.engine.read().hosts.get(&host).unwrap().facts.name.clone();
    stand.change(|tx| host::deregister(tx, &name).unwrap());
    assert!(matches!(poll(after, 0, 0, 0), AgentReply::Refused { .. }), "a host that was removed gets nothing");
}

fn volume(id: VolumeId, host: HostId) -> Volume {
    Volume {
        scope: Scope { account: landfall_model::AccountId::PROVIDER, region: landfall_model::Region::DEFAULT },
        id,
        shape: landfall_model::VolumeShape {
            size_gib: 1,
            kind: landfall_model::VolumeKind::Gp3,
            iops: None,
            throughput_mib: None,
        },
        modification: None,
        auto_enable_io: false,
        data_key: None,
        zone: "us-east-1a".parse().unwrap(),
        image: None,
        snapshot: None,
        chunks: None,
        import: None,
        last_snapshot: None,
        created_at: Timestamp(1),
        attachment: None,
        host: Some(host),
        state: VolumeState::Creating,
    }
}

/// The way within one process, as a server has it for its own machine.
struct InProcess(Session, tokio::runtime::Handle);

impl ControlLink for InProcess {
    fn call(&self, call: AgentCall) -> Result<AgentReply, LinkError> {
        Ok(self.1.block_on(self.0.call(call)))
    }
}

#[test]
fn the_protocol_is_the_same_within_a_process() {
    let stand = Stand::new();
    let id = stand.invite("own");
    stand.change(|tx| {
        tx.update::<Hosts, _>(&id, |row| {
            row.join = None;
            row.token_sha256 = landfall_control::agents::token_sha256("token");
        })
    });
    let link = || InProcess(stand.agents.session(), stand.runtime.handle().clone());
    keeps_its_promises(&stand, id, "token", &link(), &link());
}

#[test]
fn the_protocol_is_the_same_over_a_wire() {
    let stand = Stand::new();
    let (id, key) = stand.joined("far");
    let link = || stand.link(&key, "a");
    keeps_its_promises(&stand, id, "", &link(), &link());
}

#[test]
fn an_invitation_is_good_once_and_only_for_its_host() {
    let stand = Stand::new();
    let (id, key) = stand.joined("one");
    assert_eq!(stand.link(&key, "a").join("anything").unwrap(), Ok(id), "the same key is told the same again");
    let thief = stand.link(&stand.key("thief"), "b");
    assert!(thief.join(SECRET).unwrap().is_err(), "it is spent");
    assert!(thief.terms().is_err());
    assert!(matches!(hello(&thief, ""), AgentReply::Refused { .. }), "a foreign key is no host's");
    assert!(stand.engine.read().hosts.get(&id).unwrap().join.is_none());
    assert_eq!(stand.engine.read().hosts.get(&id).unwrap().facts.name, "one", "its name is what it was registered by");

    stand.invite("late");
    stand.change(|tx| {
        let id = host::named(tx, "late").unwrap().id;
        tx.update::<Hosts, _>(&id, |row| row.join.as_mut().unwrap().expires_at = Timestamp(0))
    });
    assert!(stand.link(&stand.key("late"), "a").join(SECRET).unwrap().is_err(), "it has expired");
}

#[test]
fn only_the_key_that_the_invitation_names_is_talked_to() {
    let stand = Stand::new();
    let (_, key) = stand.joined("one");
    let control = Control { key_sha256: "00".repeat(32), ..stand.control.clone() };
    let fooled = RemoteLink::new(control, &key, "a".into()).unwrap();
    assert!(fooled.terms().is_err());
    // Whoever speaks something else gets no answer, and the door goes on.
    let mut stranger = std::net::TcpStream::connect(&stand.control.address).unwrap();
    stranger.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = stranger.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    assert!(stand.link(&key, "a").terms().is_ok());
}

#[test]
fn a_second_machine_with_the_same_key_is_refused_while_the_first_is_heard() {
    let stand = Stand::new();
    let (id, key) = stand.joined("one");
    let (first, again, copy) = (stand.link(&key, "a"), stand.link(&key, "a"), stand.link(&key, "b"));
    assert!(matches!(hello(&first, ""), AgentReply::Welcome { .. }));
    assert!(matches!(hello(&copy, ""), AgentReply::Refused { .. }));
    assert!(matches!(poll(&first, 0, 0, 0), AgentReply::Work { .. }), "the first one isn't disturbed");
    assert!(
        matches!(hello(&again, ""), AgentReply::Welcome { .. }),
        "the same machine's next agent is welcome at once"
    );
    assert_eq!(landfall_api::Hosts::presence(&*stand.agents, id), landfall_api::HostPresence::Connected);
}

/// Volumes that are there once their image is.
struct Counted;

impl driver::Volumes for Counted {
    fn inspect(&self) -> DriverResult<std::collections::BTreeSet<VolumeId>> {
        Ok(std::collections::BTreeSet::new())
    }
    fn ensure(&self, plan: &VolumePlan) -> DriverResult<u64> {
        Ok(plan.size_bytes)
    }
    fn import(&self, _: &VolumePlan, _: &driver::Watch<'_>) -> DriverResult<driver::Imported> {
        Err(driver::DriverError::Final("no imports here".into()))
    }
    fn open(&self, plan: &VolumePlan) -> DriverResult<OpenDisk> {
        Ok(OpenDisk { volume: plan.id, file: None, base: None, key: None })
    }
    fn fleece(&self, _: &VolumePlan) -> DriverResult<OpenFleece> {
        Err(driver::DriverError::Final("no snapshots here".into()))
    }
    fn snapshot(
        &self,
        _: &VolumePlan,
        _: &SnapshotPlan,
        _: Option<HeldDisk>,
        _: &driver::TellProgress<'_>,
    ) -> DriverResult<SnapshotMade> {
        Err(driver::DriverError::Final("no snapshots here".into()))
    }
    fn remove(&self, _: VolumeId) -> DriverResult<()> {
        Ok(())
    }
}

fn image_plan(stand: &Stand) -> (landfall_model::Image, VolumePlan) {
    let mut image = landfall_control::seed::simulated_images().remove(0);
    image.source =
        landfall_model::ImageSource::File { file: "disk.qcow2".into(), size_bytes: 1 << 30, direct_boot: None };
    stand.change(|tx| tx.put::<Images>(image.clone()));
    let plan = landfall_model::plan::ImagePlan {
        id: image.id,
        file: "disk.qcow2".into(),
        size_bytes: 1 << 30,
        direct_boot: None,
    };
    let id = VolumeId::from_random(7);
    (
        image,
        VolumePlan {
            id,
            size_bytes: 1 << 30,
            source: VolumeSource::Image(plan),
            encrypted: false,
            wanted: true,
            snapshots: vec![],
        },
    )
}

#[test]
fn an_image_is_fetched_once_whole_and_only_by_whom_it_concerns() {
    let stand = Stand::new();
    let (id, key) = stand.joined("one");
    let whole: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251).to_le_bytes()[0]).collect();
    std::fs::write(stand.folder.path().join("images/disk.qcow2"), &whole).unwrap();
    let (image, plan) = image_plan(&stand);
    let far = stand.folder.path().join("far");
    std::fs::create_dir(&far).unwrap();
    let volumes = FetchedVolumes::new(Counted, far.clone(), Arc::new(stand.link(&key, "a")));
    let refused = volumes.ensure(&plan).unwrap_err().to_string();
    assert!(refused.contains("no volume of this host"), "{refused}");

    stand.change(|tx| tx.put::<Volumes>(Volume { image: Some(image.id), ..volume(plan.id, id) }));
    // A part that an agent had before it was killed, and then one that is another file's.
    let aside = |bytes: &[u8]| std::fs::write(far.join(".fetching-disk.qcow2"), bytes).unwrap();
    aside(&whole[..1_500_000]);
    volumes.ensure(&plan).unwrap();
    assert_eq!(std::fs::read(far.join("disk.qcow2")).unwrap(), whole);
    std::fs::remove_file(far.join("disk.qcow2")).unwrap();
    aside(b"something else");
    assert!(volumes.ensure(&plan).is_err(), "it isn't what the control plane has");
    assert!(left(&far).is_empty(), "{:?}", left(&far));
    volumes.ensure(&plan).unwrap();
    assert_eq!(std::fs::read(far.join("disk.qcow2")).unwrap(), whole);
    assert_eq!(left(&far), ["disk.qcow2"]);
}

fn left(folder: &Path) -> Vec<String> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}
