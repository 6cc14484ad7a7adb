//! A cloud in memory, and clients who sign what they send.
//!
//! Time stands still unless a test moves it, randomness comes from a seed, the disk is memory: the same calls give the
//! same bytes.

use std::future::Future;
use std::io::Read as _;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use http::{HeaderMap, HeaderName, HeaderValue};
use landfall_api::outside::{HostPresence, Hosts};
use landfall_api::s3::Folders;
use landfall_api::web_identity::Fetcher;
use landfall_api::{BlockStore, Gateway, HttpAnswer, HttpRequest, Options, Outside, Regions, Throttling, Vault};
use landfall_chunks::{Domain, Keys, Memory, Store};
use landfall_cloud::value::Principals;
use landfall_cloud::{Cloud, Entropy, Tx, identity};
use landfall_model::agent::{
    Answer as HostAnswer, Ask, DiskSeen, InstanceSeen, Phase, Report, SnapshotMade, SnapshotPhase, SnapshotSeen,
    VolumePhase, VolumeSeen, VpnSeen,
};
use landfall_model::image::ImageName;
use landfall_model::plan::Power;
use landfall_model::{
    AccountId, Attachment, BucketAccounts, Host, HostFacts, HostId, Image, ImageId, ImageSource, Instance, LinkState,
    Origin, Principal, PrincipalKind, Region, Scope, Timestamp, UniqueId, User, Volume, VolumeState,
};
use landfall_state::{Clock, Engine, MemoryLog, RootKey};
use landfall_wire::sigv4::SigningKey;
use landfall_wire::{Protocol, Time, Tree, decode_json, read_xml};

/// 2026-11-22T10:00:00Z.
pub const NOW_MS: i64 = 1_795_341_600_000;
/// The account that tests act as.
pub const ACCOUNT: &str = "111122223333";
/// Another account, whose things must never be seen.
pub const OTHER_ACCOUNT: &str = "444455556666";
/// An image that the region has: Debian, of owner alias `amazon`.
pub const IMAGE: &str = "ami-0123456789abcdef0";
/// The id under which the same image goes by its second name.
pub const IMAGE_ALIAS: &str = "ami-0fedcba9876543210";
/// The secret of all access keys.
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// A clock that stands still until it is moved.
#[derive(Default)]
pub struct StillClock(AtomicI64);

impl Clock for StillClock {
    fn wall_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    fn boot_ms(&self) -> i64 {
        self.wall_ms()
    }
}

/// Hosts that answer at once, and are heard unless a test says otherwise.
struct FakeHosts(Arc<Mutex<HostPresence>>);

impl Hosts for FakeHosts {
    fn ask(&self, _: HostId, ask: Ask) -> Pin<Box<dyn Future<Output = Result<HostAnswer, String>> + Send + '_>> {
        Box::pin(async move {
            match ask {
                Ask::Console { .. } => {
                    Ok(HostAnswer::Console { output: "aGVsbG8gd29ybGQK".into(), at: Timestamp(NOW_MS - 1_000) })
                }
            }
        })
    }

    fn presence(&self, _: HostId) -> HostPresence {
        *self.0.lock().unwrap()
    }
}

/// A cloud with two accounts, two images and a simulated host.
pub struct World {
    gateway: Gateway,
    clock: Arc<StillClock>,
    presence: Arc<Mutex<HostPresence>>,
    /// The objects of the chunk store.
    pub chunks: Arc<Memory>,
    vault: Vault,
    runtime: tokio::runtime::Runtime,
}

/// Somebody who signs requests in a region.
pub struct Client<'w> {
    world: &'w World,
    /// The access key.
    pub access_key: String,
    /// Its secret.
    pub secret: String,
    /// The session's token, where the credentials are temporary.
    pub token: Option<String>,
    /// The region.
    pub region: Region,
    /// Where in a network it calls from.
    pub origin: Option<Origin>,
}

/// A signed request, for whoever wants to change something about it.
#[derive(Clone, Debug)]
pub struct Signed {
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The query, without its question mark.
    pub query: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
    /// Where it comes from.
    pub source: IpAddr,
    /// Where in a network that is.
    pub origin: Option<Origin>,
}

/// What a request got.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: String,
}

/// Parameters of a call.
pub type Params = Vec<(String, String)>;

/// The body of a JSON request. A name that ends in a colon has a value in JSON: `("Limit:", "5")`; other values are text.
pub fn json(params: &[(String, String)]) -> String {
    let members = params.iter().map(|(name, value)| match name.strip_suffix(':') {
        Some(name) => (name.to_owned(), serde_json::from_str(value).unwrap()),
        None => (name.clone(), serde_json::Value::from(value.as_str())),
    });
    serde_json::Value::Object(members.collect()).to_string()
}

/// Whether a service speaks JSON.
pub fn speaks_json(service: &str) -> bool {
    Protocol::of_service(service).is_typed()
}

/// Whether a service answers in JSON.
pub fn answers_json(service: &str) -> bool {
    Protocol::of_service(service).is_json()
}

/// What stands before the action in a request's target.
pub fn target(service: &str) -> &'static str {
    match service {
        "cloudtrail" => "CloudTrail_20131101",
        "kms" => "TrentService",
        "secretsmanager" => "secretsmanager",
        _ => "AmazonSSM",
    }
}

/// The body of a query request, but for the version.
pub fn query(action: &str, params: &[(String, String)]) -> String {
    let mut body = format!("Action={action}");
    for (name, value) in params {
        body.push_str(&format!("&{}={}", percent(name), percent(value)));
    }
    body
}

fn owned(pairs: &[(&str, &str)]) -> Params {
    params(pairs.iter().copied())
}

/// Parameters from pairs of anything that is text.
pub fn params<K: ToString, V: ToString>(pairs: impl IntoIterator<Item = (K, V)>) -> Params {
    pairs.into_iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

impl World {
    /// A new cloud: nothing in it but accounts, images and a host.
    pub fn new() -> Self {
        Self::throttled(Throttling::default())
    }

    /// The same where accounts may call so often.
    pub fn throttled(throttling: Throttling) -> Self {
        let clock = Arc::new(StillClock(AtomicI64::new(NOW_MS)));
        let presence = Arc::new(Mutex::new(HostPresence::Connected));
        let options = landfall_state::Options { clock: clock.clone(), ..landfall_state::Options::default() };
        let engine: Engine<Cloud> = Engine::open(Box::new(MemoryLog::new()), options).unwrap();
        let (chunks, vault) = (Arc::new(Memory::default()), Vault::new(RootKey::from_bytes(&[7; 32])));
        let gateway = Gateway::new(
            engine,
            Options {
                regions: Regions::Any,
                outside: Outside::new(Arc::new(FakeHosts(presence.clone())), vault.clone())
                    .with_issuers(Fetcher::with_near(["127.0.0.1".to_owned()]))
                    .with_blocks(BlockStore::new(chunks.clone()))
                    .with_folders(folders()),
                settle: None,
                entropy: Entropy::seeded(2),
                throttling,
            },
        );
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let world = Self { gateway, clock, presence, chunks, vault, runtime };
        world.transact(|tx| {
            for (account, key) in [(ACCOUNT, "AKIAROOT"), (OTHER_ACCOUNT, "AKIAOTHER")] {
                let account: AccountId = account.parse().unwrap();
                identity::ensure_account(tx, account);
                let root = tx.principals.get(&UniqueId::root(account)).unwrap().clone();
                identity::put_access_key(tx, &root, key, world.gateway.authenticator().seal(key, SECRET));
            }
            for image in images() {
                tx.put::<landfall_cloud::value::Images>(image);
            }
            tx.put::<landfall_cloud::value::Hosts>(host());
            let settings = landfall_cloud::value::default_settings();
            let operator = ACCOUNT.parse().unwrap();
            tx.put::<landfall_cloud::value::SettingsTable>(landfall_model::Settings {
                operator,
                buckets: ["trails", "theirs"].map(str::to_owned).into(),
                bucket_accounts: [
                    ("trails".to_owned(), BucketAccounts::All),
                    ("theirs".to_owned(), BucketAccounts::These([OTHER_ACCOUNT.parse().unwrap()].into())),
                ]
                .into(),
                ..settings
            });
        });
        // An account's first call makes its default network.
        world.root().ok("DescribeKeyPairs", &[]);
        world.other().ok("DescribeKeyPairs", &[]);
        world
    }

    /// An account's part of the chunk store, as a host that makes snapshots has it.
    pub fn chunk_store(&self, account: AccountId) -> Store {
        let domain: Domain = account.to_string().parse().unwrap();
        Store::new(self.chunks.clone(), domain, Keys::open(&self.vault.chunk_secret(account)))
    }

    /// Has all hosts be heard or not.
    pub fn set_presence(&self, presence: HostPresence) {
        *self.presence.lock().unwrap() = presence;
    }

    /// Changes the value directly, seen with the eyes of the tests' account in the default region.
    pub fn transact<T>(&self, run: impl FnOnce(&mut Tx<'_, '_>) -> T) -> T {
        let scope = Scope { account: ACCOUNT.parse().unwrap(), region: Region::DEFAULT };
        let mut entropy = Entropy::seeded(1_000 + self.revision());
        let now_ms = self.clock.wall_ms();
        let pending = self.gateway.engine().commit(|head| {
            head.transact(now_ms, None, |tx| Ok::<_, ()>(run(&mut Tx::new(tx, scope, &mut entropy)))).unwrap()
        });
        self.runtime.block_on(pending).unwrap()
    }

    /// Somebody with those credentials.
    pub fn client(&self, access_key: &str, secret: &str, token: Option<&str>) -> Client<'_> {
        Client {
            world: self,
            access_key: access_key.into(),
            secret: secret.into(),
            token: token.map(str::to_owned),
            region: Region::DEFAULT,
            origin: None,
        }
    }

    /// The account's root user.
    pub fn root(&self) -> Client<'_> {
        self.client("AKIAROOT", SECRET, None)
    }

    /// The other account's root user.
    pub fn other(&self) -> Client<'_> {
        self.client("AKIAOTHER", SECRET, None)
    }

    /// A user of the account with that policy document.
    pub fn user(&self, name: &str, policy: &str) -> Client<'_> {
        let access_key = format!("AKIA{}", name.to_ascii_uppercase());
        let principal = Principal {
            account: ACCOUNT.parse().unwrap(),
            id: format!("AIDA{}", name.to_ascii_uppercase().replace('-', "")).parse().unwrap(),
            kind: PrincipalKind::User(User::default()),
            name: name.into(),
            path: "/".into(),
            created_at: Timestamp(NOW_MS),
            policies: [("inline".to_owned(), policy.to_owned())].into(),
            attached: Default::default(),
            boundary: None,
        };
        let sealed = self.gateway.authenticator().seal(&access_key, SECRET);
        self.transact(|tx| {
            tx.put::<Principals>(principal.clone());
            identity::put_access_key(tx, &principal, &access_key, sealed);
        });
        self.client(&access_key, SECRET, None)
    }

    /// Sends a request as it is.
    pub fn deliver(&self, signed: &Signed) -> HttpAnswer {
        let mut answer = self.runtime.block_on(self.gateway.handle(request(signed)));
        if let Some(object) = answer.object.take() {
            object.file.take(object.length_bytes).read_to_end(&mut answer.body).unwrap();
        }
        answer
    }

    /// Sends requests all at once; their answers in the same order.
    pub fn deliver_together(&self, signed: &[Signed]) -> Vec<HttpAnswer> {
        let handle = |signed| Box::pin(self.gateway.handle(request(signed)));
        let mut waiting: Vec<_> = signed.iter().map(|signed| (handle(signed), None)).collect();
        self.runtime.block_on(std::future::poll_fn(|context| {
            for (answering, answer) in waiting.iter_mut().filter(|(_, answer)| answer.is_none()) {
                if let Poll::Ready(ready) = answering.as_mut().poll(context) {
                    *answer = Some(ready);
                }
            }
            if waiting.iter().all(|(_, answer)| answer.is_some()) { Poll::Ready(()) } else { Poll::Pending }
        }));
        waiting.into_iter().filter_map(|(_, answer)| answer).collect()
    }

    /// Sends a request and hangs up at once; whether it was answered by then.
    pub fn hang_up(&self, signed: &Signed) -> bool {
        self.runtime.block_on(std::future::poll_fn(|context| {
            let mut answering = Box::pin(self.gateway.handle(request(signed)));
            Poll::Ready(answering.as_mut().poll(context).is_ready())
        }))
    }

    /// What its clock says, in milliseconds since 1970.
    pub fn now_ms(&self) -> i64 {
        self.clock.wall_ms()
    }

    /// The engine under the gateway, to look at the value.
    pub fn engine(&self) -> &Engine<Cloud> {
        self.gateway.engine()
    }

    /// How many transactions have changed something.
    pub fn revision(&self) -> u64 {
        self.gateway.engine().read().revision
    }

    /// Writes when access keys were last used.
    pub fn write_key_uses(&self) {
        self.runtime.block_on(self.gateway.write_key_uses()).unwrap();
    }

    /// Moves the clock on.
    pub fn pass(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds * 1000, Ordering::Relaxed);
    }

    /// Lets every host do what its plan says and report it: instances that are to run do, those that aren't don't. States
    /// that pass by themselves do.
    pub fn settle(&self) {
        self.transact(|tx| {
            let mut reports: std::collections::BTreeMap<HostId, Report> = std::collections::BTreeMap::new();
            for volume in tx.volumes.iter() {
                let phase = if volume.state == VolumeState::Deleting { VolumePhase::Gone } else { VolumePhase::Ready };
                if let Some(host) = volume.host {
                    reports.entry(host).or_default().volumes.push(VolumeSeen {
                        id: volume.id,
                        phase,
                        size_bytes: volume.size_bytes(),
                        noticed: None,
                    });
                }
            }
            for row in tx.snapshots.iter() {
                let host = row.volume.and_then(|id| tx.volumes.by_id(&id).next()?.host);
                if let (Some(task), Some(host)) = (row.task(), host) {
                    let made = SnapshotMade { root: format!("root {:x}", task.session), full_bytes: 1 << 20 };
                    let phase = SnapshotPhase::Made(made);
                    let seen = SnapshotSeen { id: row.id, session: task.session, phase, taken: false };
                    reports.entry(host).or_default().snapshots.push(seen);
                }
            }
            for instance in tx.instances.iter() {
                let phase = match instance.spec.power {
                    Power::On => Phase::Running,
                    Power::Off => Phase::Stopped,
                    Power::Gone => Phase::Gone,
                };
                let seen = seen(tx, instance, phase);
                if let Some(host) = instance.status.host {
                    reports.entry(host).or_default().instances.push(seen);
                }
            }
            for vpn in tx.vpn_connections.iter() {
                let seen = VpnSeen { id: vpn.id, gone: vpn.state == LinkState::Deleting, tunnels: vec![] };
                if let Some(host) = vpn.host {
                    reports.entry(host).or_default().vpns.push(seen);
                }
            }
            for (host, report) in reports {
                landfall_cloud::report::take(tx, host, &report);
            }
            while landfall_cloud::expiry::pass(tx) {}
        });
    }

    /// Does what is due by now.
    pub fn expire(&self) {
        self.transact(|tx| while landfall_cloud::expiry::expire(tx) {});
    }

    /// Lets an instance's host report that phase of its present boot.
    pub fn report(&self, id: &str, phase: Phase) {
        let id = id.parse().unwrap();
        self.transact(|tx| {
            let instance = tx.instances.by_id(&id).next().unwrap();
            let host = instance.status.host.unwrap();
            let report = Report { instances: vec![seen(tx, instance, phase)], ..Report::default() };
            landfall_cloud::report::take(tx, host, &report);
        });
    }
}

fn request(signed: &Signed) -> HttpRequest<'_> {
    HttpRequest {
        method: &signed.method,
        path: &signed.path,
        query: &signed.query,
        headers: &signed.headers,
        body: &signed.body,
        source: signed.source,
        secure: false,
        tls: None,
        origin: signed.origin,
    }
}

/// What a host that has done all that is planned sees of an instance.
fn seen(tx: &Tx<'_, '_>, instance: &Instance, phase: Phase) -> InstanceSeen {
    let rows = tx.interfaces.by_instance(&instance.id);
    let wanted = rows.filter(|row| row.attachment.as_ref().is_some_and(Attachment::is_wanted));
    InstanceSeen {
        id: instance.id,
        boot: instance.spec.boot,
        reboots: instance.spec.reboots,
        phase,
        answered: phase == Phase::Running,
        machine: "pc-q35-7.2".into(),
        reason: None,
        interfaces: Some(wanted.map(|row| row.id).collect()),
        disks: Some(tx.volumes.by_instance(&instance.id).filter_map(disk_seen).collect()),
    }
}

fn disk_seen(row: &Volume) -> Option<DiskSeen> {
    row.attachment.as_ref().filter(|attachment| attachment.is_wanted())?;
    let (size_bytes, limits) = (row.size_bytes(), row.shape.limits());
    Some(DiskSeen { volume: row.id, whole: true, size_bytes, limits })
}

impl Client<'_> {
    /// The same caller in another region.
    pub fn at(mut self, region: &str) -> Self {
        self.region = region.parse().unwrap();
        self
    }

    /// The same caller as a guest at 172.31.0.9, by that door.
    pub fn through(mut self, origin: Origin) -> Self {
        self.origin = Some(origin);
        self
    }

    /// The cloud.
    pub fn world(&self) -> &World {
        self.world
    }

    /// Calls an EC2 operation.
    pub fn call(&self, action: &str, params: &[(&str, &str)]) -> Answer {
        let pairs = params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Vec<_>>();
        self.send("ec2", action, &pairs)
    }

    /// Calls an operation of a service.
    pub fn send(&self, service: &str, action: &str, params: &[(String, String)]) -> Answer {
        if speaks_json(service) {
            let target = format!("{}.{action}", target(service));
            let headers = [("x-amz-target", target.as_str()), ("content-type", "application/x-amz-json-1.1")];
            let answer = self.post_with(service, &headers, json(params).as_bytes());
            return Answer { status: answer.status, body: String::from_utf8(answer.body).unwrap() };
        }
        if service == "s3" {
            return self.ask_s3(action, params);
        }
        if service == "ebs" {
            return self.ask_ebs(action, params);
        }
        if service == "dlm" {
            return self.ask_dlm(action, params);
        }
        if service == "elasticfilesystem" {
            let answer = crate::efs::ask(self, action, params);
            // What went through and says nothing has no body.
            let status = if answer.status / 100 == 2 { 200 } else { answer.status };
            let body = String::from_utf8(answer.body).unwrap();
            return Answer { status, body: if body.is_empty() { "{}".to_owned() } else { body } };
        }
        let version = match service {
            "ec2" => "2016-11-15",
            "iam" => "2010-05-08",
            _ => "2011-06-15",
        };
        let body = format!("{}&Version={version}", query(action, params));
        let answer = self.post(service, body.as_bytes());
        Answer { status: answer.status, body: String::from_utf8(answer.body).unwrap() }
    }

    /// Calls one of S3's operations that look: what it is about is in the path, and the rest in headers and the query.
    fn ask_s3(&self, action: &str, params: &[(String, String)]) -> Answer {
        let (mut pairs, mut headers, mut path) = (Vec::new(), Vec::new(), [String::new(), String::new()]);
        for (name, value) in params {
            match name.as_str() {
                "Bucket" => path[0] = format!("/{value}"),
                "Key" => path[1] = format!("/{}", value.split('/').map(percent).collect::<Vec<_>>().join("/")),
                "Range" => headers.push(("range", value.as_str())),
                "If-Match" => headers.push(("if-match", value.as_str())),
                _ => pairs.push(format!("{}={}", percent(name), percent(value))),
            }
        }
        if action == "GetBucketLocation" {
            pairs.push("location=".to_owned());
        }
        pairs.sort();
        let path = if path[0].is_empty() { "/".to_owned() } else { path.concat() };
        headers.push(("content-type", "application/xml"));
        let signed = self.sign_query("s3", "GET", &path, &pairs.join("&"), &headers, b"");
        let answer = self.world.deliver(&signed);
        Answer { status: answer.status, body: String::from_utf8(answer.body).unwrap() }
    }

    /// Calls an operation of EBS's, whose parameters are in its path and its query. Bytes are shown by their hash.
    fn ask_ebs(&self, action: &str, params: &[(String, String)]) -> Answer {
        let form = match action {
            "ListSnapshotBlocks" => "/snapshots/{snapshotId}/blocks",
            "ListChangedBlocks" => "/snapshots/{secondSnapshotId}/changedblocks",
            "GetSnapshotBlock" => "/snapshots/{snapshotId}/blocks/{blockIndex}",
            other => panic!("{other} has no path"),
        };
        let in_path = |name: &str| form.contains(&format!("{{{name}}}"));
        // Where a test names none, something must be there, or it would be another path.
        let mut path = form.to_owned();
        for (name, value) in params.iter().filter(|(name, _)| in_path(name)) {
            path = path.replace(&format!("{{{name}}}"), value);
        }
        path = path.replace("{snapshotId}", "snap-0123456789abcdef9").replace("{blockIndex}", "0");
        path = path.replace("{secondSnapshotId}", "snap-0123456789abcdef9");
        let rest = params.iter().filter(|(name, _)| !in_path(name));
        let mut pairs: Vec<_> = rest.map(|(name, value)| format!("{}={}", percent(name), percent(value))).collect();
        pairs.sort();
        let media = [("content-type", "application/json")];
        let answer = self.world.deliver(&self.sign_query("ebs", "GET", &path, &pairs.join("&"), &media, b""));
        if answer.content_type != "application/octet-stream" {
            return Answer { status: answer.status, body: String::from_utf8(answer.body).unwrap() };
        }
        let mut shown = serde_json::Map::new();
        shown.insert("BlockData".into(), sha256(&answer.body).into());
        for name in ["x-amz-Checksum", "x-amz-Checksum-Algorithm", "x-amz-Data-Length"] {
            let value = answer.headers.iter().find(|(header, _)| name.eq_ignore_ascii_case(header)).unwrap();
            shown.insert(name.into(), value.1.clone().into());
        }
        Answer { status: answer.status, body: serde_json::Value::Object(shown).to_string() }
    }

    /// Calls an operation of Data Lifecycle Manager's: what it is about is in the path, and the rest in the query, or in the body
    /// of what has one.
    fn ask_dlm(&self, action: &str, params: &[(String, String)]) -> Answer {
        let (method, form) = match action {
            "CreateLifecyclePolicy" => ("POST", "/policies"),
            "GetLifecyclePolicies" => ("GET", "/policies"),
            "GetLifecyclePolicy" => ("GET", "/policies/{policyId}"),
            "UpdateLifecyclePolicy" => ("PATCH", "/policies/{policyId}"),
            "DeleteLifecyclePolicy" => ("DELETE", "/policies/{policyId}"),
            "ListTagsForResource" => ("GET", "/tags/{resourceArn}"),
            "TagResource" => ("POST", "/tags/{resourceArn}"),
            "UntagResource" => ("DELETE", "/tags/{resourceArn}"),
            other => panic!("{other} has no path"),
        };
        let mut path = form.to_owned();
        let (named, rest): (Vec<_>, Vec<_>) =
            params.iter().cloned().partition(|(name, _)| form.contains(&format!("{{{name}}}")));
        for (name, value) in &named {
            path = path.replace(&format!("{{{name}}}"), &percent(value));
        }
        path = path.replace("{policyId}", "policy-0123456789abcdef9").replace("{resourceArn}", "none");
        let media = [("content-type", "application/json")];
        let signed = if matches!(method, "POST" | "PATCH") {
            self.sign_query("dlm", method, &path, "", &media, json(&rest).as_bytes())
        } else {
            let mut pairs = Vec::new();
            for (name, value) in &rest {
                let Some(name) = name.strip_suffix(':') else {
                    pairs.push(format!("{}={}", percent(name), percent(value)));
                    continue;
                };
                let list: Vec<String> = serde_json::from_str(value).unwrap();
                pairs.extend(list.iter().map(|value| format!("{}={}", percent(name), percent(value))));
            }
            pairs.sort();
            self.sign_query("dlm", method, &path, &pairs.join("&"), &media, b"")
        };
        let answer = self.world.deliver(&signed);
        Answer { status: answer.status, body: String::from_utf8(answer.body).unwrap() }
    }

    /// Calls what must go through; the answer as a tree, from inside its outermost element.
    pub fn ok(&self, action: &str, params: &[(&str, &str)]) -> Tree {
        let answer = self.call(action, params);
        assert_eq!(answer.status, 200, "{action} {params:?}: {}", answer.body);
        answer.tree()
    }

    /// Calls an operation of a service, which must go through; the answer as a tree.
    pub fn ok_of(&self, service: &str, action: &str, params: &[(&str, &str)]) -> Tree {
        let answer = self.send(service, action, &owned(params));
        assert_eq!(answer.status, 200, "{action} {params:?}: {}", answer.body);
        answer.tree()
    }

    /// Calls an operation of a service, which must be refused; the error's code.
    pub fn refused_of(&self, service: &str, action: &str, params: &[(&str, &str)]) -> String {
        let answer = self.send(service, action, &owned(params));
        assert!((400..500).contains(&answer.status), "{action} {params:?}: {} {}", answer.status, answer.body);
        answer.code()
    }

    /// Calls what must be refused; the error's code.
    pub fn refused(&self, action: &str, params: &[(&str, &str)]) -> String {
        let answer = self.call(action, params);
        assert!((400..500).contains(&answer.status), "{action} {params:?}: {} {}", answer.status, answer.body);
        answer.code()
    }

    /// Signs and sends a body.
    pub fn post(&self, service: &str, body: &[u8]) -> HttpAnswer {
        self.post_with(service, &[("content-type", "application/x-www-form-urlencoded; charset=utf-8")], body)
    }

    /// Signs and sends a body with headers, of which the last is the content type. It and the target are signed.
    pub fn post_with(&self, service: &str, more: &[(&'static str, &str)], body: &[u8]) -> HttpAnswer {
        self.send_to(service, "POST", "/", more, body)
    }

    /// The same by any method, to any path.
    pub fn send_to(
        &self,
        service: &str,
        method: &str,
        path: &str,
        more: &[(&'static str, &str)],
        body: &[u8],
    ) -> HttpAnswer {
        self.world.deliver(&self.sign(service, method, path, more, body))
    }

    /// Signs a request.
    pub fn sign(&self, service: &str, method: &str, path: &str, more: &[(&'static str, &str)], body: &[u8]) -> Signed {
        self.sign_query(service, method, path, "", more, body)
    }

    /// Signs a request with a query, whose parameters are sorted.
    pub fn sign_query(
        &self,
        service: &str,
        method: &str,
        path: &str,
        query: &str,
        more: &[(&'static str, &str)],
        body: &[u8],
    ) -> Signed {
        let host = format!("{service}.{}.amazonaws.com", self.region);
        let iso = Time(self.world.clock.wall_ms()).to_string();
        let stamp: String = iso[..19].chars().filter(|c| !"-:".contains(*c)).chain(['Z']).collect();
        let date = &stamp[..8];
        let scope = format!("{date}/{}/{service}/aws4_request", self.region);
        let content_type = more[more.len() - 1].1;
        let target = more.iter().find(|(name, _)| *name == "x-amz-target").map(|(_, value)| *value);
        let (also, line) = match target {
            Some(target) => (";x-amz-target", format!("x-amz-target:{target}\n")),
            None => ("", String::new()),
        };
        let signed = format!("content-type;host;x-amz-date{also}");
        // What is escaped in a path is escaped once more where it is signed, but for S3.
        let signed_path = if service == "s3" { path.to_owned() } else { path.replace('%', "%25") };
        let canonical = format!(
            "{method}\n{signed_path}\n{query}\ncontent-type:{content_type}\nhost:{host}\nx-amz-date:{stamp}\n{line}\n{signed}\n{}",
            sha256(body)
        );
        let to_sign = format!("AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{}", sha256(canonical.as_bytes()));
        let key = SigningKey::derive(&self.secret, date, self.region.name(), service);
        let signature = hex(&key.sign(to_sign.as_bytes()));
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={signed}, Signature={signature}",
            self.access_key
        );
        let mut headers: HeaderMap = more
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .collect();
        let signed = [("x-amz-date", stamp.as_str()), ("authorization", &authorization)];
        // Who has no key signs nothing.
        let signed = if self.access_key.is_empty() { &[][..] } else { &signed };
        for (name, value) in [("content-type", content_type), ("host", host.as_str())].iter().chain(signed) {
            headers.insert(*name, HeaderValue::from_str(value).unwrap());
        }
        if let Some(token) = &self.token {
            headers.insert("x-amz-security-token", HeaderValue::from_str(token).unwrap());
        }
        Signed {
            method: method.into(),
            path: path.into(),
            query: query.into(),
            headers,
            body: body.to_vec(),
            source: IpAddr::V4(self.origin.map_or(Ipv4Addr::LOCALHOST, |_| Ipv4Addr::new(172, 31, 0, 9))),
            origin: self.origin,
        }
    }
}

impl Answer {
    /// The answer as a tree, from inside its outermost element.
    pub fn tree(&self) -> Tree {
        if self.body.starts_with('{') {
            return decode_json("any.Any", self.body.as_bytes()).unwrap().input;
        }
        match read_xml(self.body.as_bytes()).unwrap() {
            Tree::Map(mut members) if members.len() == 1 => members.remove(0).1,
            other => panic!("not one element: {other:?}"),
        }
    }

    /// The error's code.
    pub fn code(&self) -> String {
        if self.body.starts_with('{') {
            return at(&self.tree(), "__type").to_owned();
        }
        between(&self.body, "<Code>", "</Code>").unwrap_or_else(|| panic!("no error: {}", self.body)).to_owned()
    }

    /// The error's message.
    pub fn message(&self) -> String {
        if self.body.starts_with('{') {
            let tree = self.tree();
            let message = find(&tree, "message").or_else(|| find(&tree, "Message"));
            return message.and_then(Tree::as_text).unwrap().to_owned();
        }
        between(&self.body, "<Message>", "</Message>").unwrap_or_else(|| panic!("no error: {}", self.body)).to_owned()
    }
}

/// The text at a path such as `reservationSet.0.instancesSet.0.instanceId`; numbers count in lists. An element that is
/// alone stands for a list of itself.
pub fn at<'t>(tree: &'t Tree, path: &str) -> &'t str {
    find(tree, path).and_then(Tree::as_text).unwrap_or_else(|| panic!("{path} is not in {tree:?}"))
}

/// What is at a path, if anything is.
pub fn find<'t>(tree: &'t Tree, path: &str) -> Option<&'t Tree> {
    path.split('.').filter(|segment| !segment.is_empty()).try_fold(tree, |tree, segment| {
        match (segment.parse::<usize>(), tree) {
            (Ok(index), Tree::List(list)) => list.get(index),
            _ => tree.field(segment),
        }
    })
}

/// The elements of the list at a path: none where it is empty or absent.
pub fn list<'t>(tree: &'t Tree, path: &str) -> &'t [Tree] {
    match find(tree, path) {
        Some(Tree::List(list)) => list,
        _ => &[],
    }
}

/// The texts of a member of each element of a list.
pub fn column<'t>(tree: &'t Tree, path: &str, member: &str) -> Vec<&'t str> {
    list(tree, path).iter().map(|row| at(row, member)).collect()
}

/// Compares an answer with its golden file, `tests/golden/<name>.xml` or `.json`; `UPDATE_GOLDEN=1` writes it. The texts
/// of the elements in `masked` come from real randomness (key material) and are left out.
pub fn golden(name: &str, body: &str, masked: &[&str]) {
    let is_json = body.starts_with('{');
    let mut body = if is_json { body.replace(",\"", ",\n\"") } else { body.replace("><", ">\n<") };
    for element in masked {
        let (open, close) = match is_json {
            true => (format!("\"{element}\":\""), "\"".to_owned()),
            false => (format!("<{element}>"), format!("</{element}>")),
        };
        if let Some(text) = between(&body, &open, &close).map(str::to_owned) {
            body = body.replace(&format!("{open}{text}{close}"), &format!("{open}…{close}"));
        }
    }
    body.push('\n');
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(golden_file(name, is_json));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        path.parent().map_or(Ok(()), std::fs::create_dir_all).unwrap();
        std::fs::write(&path, &body).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(body, expected, "{} differs; UPDATE_GOLDEN=1 rewrites it", path.display());
}

/// The golden file of that name.
pub fn golden_file(name: &str, is_json: bool) -> String {
    format!("{name}.{}", if is_json { "json" } else { "xml" })
}

/// What an operation's tests know of it: how to call it well, and how badly.
pub struct Case {
    /// The service.
    pub service: &'static str,
    /// The action.
    pub action: &'static str,
    /// Makes what the call needs, and returns the parameters of one that goes through.
    pub good: fn(&Client<'_>) -> Params,
    /// Parameters that are refused, each with the code that it gets.
    pub bad: &'static [(&'static [(&'static str, &'static str)], &'static str)],
    /// Elements of the answer that come from real randomness.
    pub masked: &'static [&'static str],
    /// Who calls: root, but for what root may not.
    pub by: for<'w> fn(&'w World) -> Client<'w>,
}

impl Case {
    /// A case of IAM's.
    pub const fn iam(
        action: &'static str,
        good: fn(&Client<'_>) -> Params,
        bad: &'static [(&'static [(&'static str, &'static str)], &'static str)],
    ) -> Self {
        Self { service: "iam", action, good, bad, masked: &[], by: World::root }
    }

    /// A case of EC2's.
    pub const fn ec2(
        action: &'static str,
        good: fn(&Client<'_>) -> Params,
        bad: &'static [(&'static [(&'static str, &'static str)], &'static str)],
    ) -> Self {
        Self { service: "ec2", action, good, bad, masked: &[], by: World::root }
    }

    /// A case of that service's.
    pub const fn of(
        service: &'static str,
        action: &'static str,
        good: fn(&Client<'_>) -> Params,
        bad: &'static [(&'static [(&'static str, &'static str)], &'static str)],
    ) -> Self {
        Self { service, action, good, bad, masked: &[], by: World::root }
    }

    /// A case of KMS's.
    pub const fn kms(
        action: &'static str,
        good: fn(&Client<'_>) -> Params,
        bad: &'static [(&'static [(&'static str, &'static str)], &'static str)],
    ) -> Self {
        Self { service: "kms", action, good, bad, masked: &[], by: World::root }
    }

    /// The name of its golden file: those of EC2 and STS stand together, other services have folders of their own.
    pub fn golden(&self) -> String {
        match self.service {
            "ec2" | "sts" => self.action.to_owned(),
            service => format!("{service}/{}", self.action),
        }
    }

    /// The same with elements whose text isn't compared.
    #[must_use]
    pub const fn masking(mut self, masked: &'static [&'static str]) -> Self {
        self.masked = masked;
        self
    }
}

/// A call without parameters, for [`Case::good`].
pub fn nothing(_: &Client<'_>) -> Params {
    Params::new()
}

/// The folders of buckets, which are kept with the tests.
fn folders() -> Folders {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/buckets");
    Folders::new(["trails", "theirs"].map(|name| (name.to_owned(), folder.join(name))).into())
}

/// The images of the region: one with two names.
fn images() -> Vec<Image> {
    let id: ImageId = IMAGE.parse().unwrap();
    let name = |name: &str, owner: &str, alias: Option<&str>, id: ImageId| ImageName {
        name: name.into(),
        owner: owner.into(),
        alias: alias.map(str::to_owned),
        id,
    };
    vec![Image {
        id,
        names: vec![
            name("debian-12-amd64-20261101-1", "136693071363", Some("amazon"), id),
            name(
                "al2023-ami-2023.9.20261101.0-kernel-6.1-x86_64",
                "137112412989",
                Some("amazon"),
                IMAGE_ALIAS.parse().unwrap(),
            ),
        ],
        description: "Debian 12 (20261101-1)".into(),
        size_gib: 8,
        snapshot: "snap-0123456789abcdef0".parse().unwrap(),
        root_device: "/dev/xvda".into(),
        architecture: "x86_64".into(),
        min_memory_mib: 256,
        platform_details: "Linux/UNIX".into(),
        imds_v2: false,
        source: ImageSource::Simulated,
        created_at: Timestamp(NOW_MS - 86_400_000),
    }]
}

fn host() -> Host {
    Host {
        id: HostId::from_random(1),
        facts: HostFacts {
            name: "host-1".into(),
            address: Ipv4Addr::LOCALHOST,
            cpus: 64,
            memory_mib: 1 << 20,
            disk_gib: 1 << 20,
            hypervisor: "simulated".into(),
            machine: "pc-q35-7.2".into(),
            format: landfall_model::plan::FORMAT,
            uefi: true,
            shares: landfall_model::host::Shares::Encrypted,
        },
        region: None,
        zone: None,
        schedulable: true,
        token_sha256: String::new(),
        join: None,
        lost: None,
        joined_at: Timestamp(NOW_MS),
        used_memory_mib: 0,
        used_vcpus: 0,
    }
}

fn between<'t>(text: &'t str, open: &str, close: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(open)?;
    rest.split_once(close).map(|(inside, _)| inside)
}

/// A text as paths and queries have it.
pub fn percent(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

fn sha256(bytes: &[u8]) -> String {
    hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref())
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
