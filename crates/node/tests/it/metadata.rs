//! The metadata process as a process, with guests that are namespaces of their own: each has a veth whose other end, in
//! the virtual network's namespace, stands where a real guest's TAP is.

#![expect(clippy::unwrap_used, reason = "a test that can't set up its world fails")]

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use dhcproto::v4::{DhcpOption, Message, MessageType, OptionCode};
use dhcproto::{Decodable, Decoder, Encodable};
use landfall_model::plan::{DhcpPlan, DiskPlan, MetadataPlan, PublicAddressPlan};
use landfall_model::*;
use landfall_node::metadata::plan::{InstanceService, NetworkService, Peered, PortService, ServicePlan};
use landfall_node::metadata::{Config, MetadataClient, namespace, port_device, serve};
use nix::sched::{CloneFlags, setns};
use socket2::{Domain, Protocol, Socket, Type};

use crate::skipped;

mod asking;
pub mod ipv6;
mod many;
mod revival;
mod role;

pub use asking::resolve;
use asking::*;

const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 1, 5);
const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 0, 1, 1);
const METADATA: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);
/// How long what is to come is waited for, on the slowest machine. It costs nothing where it comes.
const PATIENCE: Duration = Duration::from_secs(120);

/// The process that the others start: this same binary with this test's name.
#[test]
#[ignore = "is the process that the other tests start"]
fn the_process() {
    let folder = std::env::var_os("LANDFALL_METADATA_DIR").expect("the folder is given");
    let upstream = std::env::var("LANDFALL_METADATA_UPSTREAM").expect("an upstream is given").parse().unwrap();
    serve(Config { upstreams: Some(vec![upstream]), ..Config::in_folder(folder) }).unwrap();
}

/// Virtual networks and their guests, gone with this value.
struct World {
    prefix: String,
    folder: tempfile::TempDir,
    client: MetadataClient,
    upstream: SocketAddr,
    namespaces: Vec<String>,
}

impl World {
    fn new(upstream: SocketAddr) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let prefix = format!("lfm{}x{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = tempfile::tempdir().unwrap();
        let client = MetadataClient::new(Config::in_folder(folder.path()).control_socket);
        Self { prefix, folder, client, upstream, namespaces: vec![] }
    }

    fn spawn(&self) -> Command {
        spawn(self.folder.path(), self.upstream)
    }

    fn start(&self) {
        self.client.ensure_running(|| self.spawn()).unwrap();
    }

    fn network(&self, number: u32) -> String {
        namespace(&self.prefix, number)
    }

    fn guest(&self, number: u32) -> PathBuf {
        Path::new("/run/netns").join(format!("{}g{number}", self.prefix))
    }

    /// Makes a virtual network's namespace as the network driver does, as far as matters here.
    fn add_network(&mut self, number: u32) {
        let network = self.network(number);
        ip(&format!("netns add {network}"));
        self.namespaces.push(network.clone());
        for address in ["169.254.169.254", "169.254.169.253", "169.254.169.123", "10.0.0.2"] {
            ip(&format!("-n {network} address add {address}/32 dev lo"));
        }
        ip(&format!("-n {network} link set lo up"));
    }

    /// Makes a guest and its port in the network of the same number.
    fn add_guest(&mut self, number: u32) {
        self.add_guest_to(number, number);
    }

    fn add_guest_to(&mut self, network: u32, number: u32) {
        let (network, guest) = (self.network(network), format!("{}g{number}", self.prefix));
        let (device, mac) = (port_device(interface(number)), mac(number));
        ip(&format!("netns add {guest}"));
        self.namespaces.push(guest.clone());
        ip(&format!("-n {network} link add {device} type veth peer name eth0 netns {guest}"));
        ip(&format!("-n {network} address add {GATEWAY}/32 dev {device}"));
        ip(&format!("-n {network} link set {device} up"));
        ip(&format!("-n {network} route replace {ADDRESS}/32 dev {device}"));
        ip(&format!("-n {guest} link set eth0 address {mac} up"));
    }

    /// What a guest does with its lease.
    fn configure(&self, number: u32) {
        let guest = format!("{}g{number}", self.prefix);
        ip(&format!("-n {guest} address add {ADDRESS}/24 dev eth0"));
        ip(&format!("-n {guest} route add default via {GATEWAY}"));
    }

    fn plan(&self, numbers: &[u32]) -> ServicePlan {
        let networks = numbers.iter().map(|number| (*number, network_service(self.network(*number)))).collect();
        let instances = numbers.iter().map(|number| (instance(*number), instance_service(*number))).collect();
        ServicePlan { networks, instances }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Ok(pid) = self.client.pid() {
            let pid = nix::unistd::Pid::from_raw(i32::try_from(pid).unwrap());
            let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL);
        }
        for namespace in &self.namespaces {
            let _ = Command::new("ip").args(["netns", "del", namespace]).status();
        }
    }
}

/// How the process is started.
fn spawn(folder: &Path, upstream: SocketAddr) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--ignored", "--exact", "metadata::the_process", "--nocapture"])
        .env("LANDFALL_METADATA_DIR", folder)
        .env("LANDFALL_METADATA_UPSTREAM", upstream.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command
}

fn interface(number: u32) -> InterfaceId {
    InterfaceId::from_random(0xabc_0000_0000 + u128::from(number))
}

pub fn instance(number: u32) -> InstanceId {
    InstanceId::from_random(u128::from(number))
}

fn mac(number: u32) -> Mac {
    Mac([2, 0, 0, 0, 1, u8::try_from(number).unwrap()])
}

fn network_service(namespace: String) -> NetworkService {
    NetworkService {
        namespace,
        vpc: VpcId::from_random(1),
        cidrs: vec!["10.0.0.0/16".parse().unwrap()],
        domain_name: "ec2.internal".into(),
        domain_name_servers: vec![],
        ntp_servers: vec![],
        ipv6: vec![],
        dhcp: DhcpPlan::default(),
        dns_support: true,
        dns_hostnames: true,
        internal_domain: "ec2.internal".into(),
        public_domain: Some("compute.landfall.test".into()),
        public: BTreeMap::from([(Ipv4Addr::new(198, 18, 0, 1), ADDRESS)]),
        resource_names: BTreeMap::new(),
        peered: Peered::default(),
        private_names: BTreeMap::new(),
    }
}

pub fn instance_service(number: u32) -> InstanceService {
    InstanceService {
        account: "123456789012".parse().unwrap(),
        zone: "us-east-1a".parse().unwrap(),
        disks: vec![DiskPlan {
            volume: VolumeId::from_random(1),
            device: "/dev/xvda".into(),
            root: true,
            size_bytes: 0,
            limits: DiskLimits::default(),
        }],
        metadata: MetadataPlan {
            options: MetadataOptions::default(),
            image: ImageId::from_random(1),
            instance_type: "t3.micro".into(),
            reservation: ReservationId::from_random(1),
            launch_index: 0,
            launched_at: Timestamp(1_795_341_600_000),
            hostname: "ip-10-0-1-5.ec2.internal".into(),
            public_domain: "compute.landfall.test".into(),
            key: Some(("laptop".into(), "ssh-ed25519 AAAAC3Nz".into())),
            user_data: Some("IyEvYmluL3NoCgD/".into()),
            tags: BTreeMap::new(),
            group_names: BTreeMap::new(),
            profile: None,
        },
        ports: vec![PortService {
            id: interface(number),
            network: number,
            device: port_device(interface(number)),
            device_index: 0,
            mac: mac(number),
            addresses: vec![ADDRESS],
            ipv6: vec![],
            public: vec![PublicAddressPlan { private: ADDRESS, public: Ipv4Addr::new(198, 18, 0, 1) }],
            subnet: SubnetId::from_random(1),
            subnet_cidr: "10.0.1.0/24".parse().unwrap(),
            subnet_ipv6: None,
            groups: vec![],
            mtu: 1450,
        }],
    }
}

fn ip(arguments: &str) {
    let done = Command::new("ip").args(arguments.split_whitespace()).output().unwrap();
    assert!(done.status.success(), "ip {arguments}: {}", String::from_utf8_lossy(&done.stderr));
}

/// Does something as a guest.
pub fn within<T: Send>(namespace: &Path, act: impl FnOnce() -> T + Send) -> T {
    let file = std::fs::File::open(namespace).unwrap();
    let enter = move || {
        setns(file.as_fd(), CloneFlags::CLONE_NEWNET).unwrap();
        act()
    };
    std::thread::scope(|scope| scope.spawn(enter).join().unwrap())
}

fn can_run(test: &str) -> bool {
    if !nix::unistd::geteuid().is_root() {
        skipped(test, "not root");
        return false;
    }
    let probe = format!("lfmprobe{}{test}", std::process::id());
    let made = Command::new("ip").args(["netns", "add", &probe]).output().is_ok_and(|done| done.status.success());
    let _ = Command::new("ip").args(["netns", "del", &probe]).output();
    if !made {
        skipped(test, "no network namespaces can be made");
    }
    made
}

/// An upstream resolver that answers every question by `192.0.2.80`.
pub fn upstream() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut buffer = [0; 512];
        while let Ok((size, from)) = socket.recv_from(&mut buffer) {
            let mut answer = buffer[..size].to_vec();
            answer[2] |= 0x80;
            answer[7] = 1;
            answer.extend_from_slice(b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x50");
            let _ = socket.send_to(&answer, from);
        }
    });
    address
}

#[test]
fn a_guest_gets_its_lease_its_names_its_metadata_and_the_time() {
    if !can_run("guest") {
        return;
    }
    let mut world = World::new(upstream());
    world.add_network(1);
    world.start();
    let plan = world.plan(&[1]);
    let missing = world.client.feed(&plan).unwrap();
    assert_eq!(missing.len(), 1, "the port's device isn't there yet: {missing:?}");
    world.add_guest(1);
    assert!(world.client.heard().unwrap().is_empty());

    let guest = world.guest(1);
    let offer = within(&guest, || dhcp(1, MessageType::Discover, &[])).expect("an offer");
    assert_eq!(offer.yiaddr(), ADDRESS);
    let options = [DhcpOption::RequestedIpAddress(ADDRESS), DhcpOption::ServerIdentifier(GATEWAY)];
    let ack = within(&guest, || dhcp(1, MessageType::Request, &options)).expect("a lease");
    assert_eq!(ack.opts().msg_type(), Some(MessageType::Ack));
    assert_eq!(ack.opts().get(OptionCode::InterfaceMtu), Some(&DhcpOption::InterfaceMtu(1450)));
    assert_eq!(world.client.heard().unwrap(), [interface(1)].into());
    world.client.forget(interface(1)).unwrap();
    assert!(world.client.heard().unwrap().is_empty());

    world.configure(1);
    within(&guest, || {
        let renewed = talk_dhcp(1, MessageType::Request, ADDRESS, GATEWAY, &[]).expect("a renewal");
        assert_eq!((renewed.opts().msg_type(), renewed.yiaddr()), (Some(MessageType::Ack), ADDRESS));
        let refused = dhcp(1, MessageType::Request, &[DhcpOption::RequestedIpAddress(GATEWAY)]).expect("a refusal");
        assert_eq!(refused.opts().msg_type(), Some(MessageType::Nak));
        assert_eq!(page("/latest/meta-data/instance-id"), instance(1).to_string());
        assert!(http("POST / HTTP/1.1\r\nContent-Length: 3").unwrap().starts_with("HTTP/1.1 405"));
        assert!(http("junk").unwrap().starts_with("HTTP/1.1 400"));
        for server in [Ipv4Addr::new(10, 0, 0, 2), Ipv4Addr::new(169, 254, 169, 253)] {
            assert_eq!(resolve(server, "ip-10-0-1-5.ec2.internal"), Some(ADDRESS));
            assert_eq!(resolve(server, "ip-10-0-1-6.ec2.internal"), Some(Ipv4Addr::new(10, 0, 1, 6)));
            assert_eq!(resolve(server, "ip-10-1-1-6.ec2.internal"), None);
            assert_eq!(resolve(server, "example.com"), Some(Ipv4Addr::new(192, 0, 2, 80)));
            assert_eq!(resolve_by_stream(server, "ec2-198-18-0-1.compute.landfall.test"), Some(ADDRESS));
        }
        let clock = UdpSocket::bind("0.0.0.0:0").unwrap();
        clock.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut packet = [0; 48];
        packet[0] = 4 << 3 | 3;
        clock.send_to(&packet, "169.254.169.123:123").unwrap();
        assert_eq!(clock.recv(&mut packet).unwrap(), 48);
        let seconds = u32::from_be_bytes(packet[40..44].try_into().unwrap()) - 2_208_988_800;
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        assert!(u64::from(seconds).abs_diff(now) <= PATIENCE.as_secs());
    });
    assert_eq!(world.client.heard().unwrap(), [interface(1)].into());

    let mut off = plan.clone();
    off.instances.values_mut().for_each(|instance| instance.metadata.options.enabled = false);
    assert_eq!(world.client.feed(&off).unwrap(), [""; 0]);
    let refused = within(&guest, || http("GET /latest/meta-data/ HTTP/1.1")).unwrap();
    assert!(refused.starts_with("HTTP/1.1 403"), "{refused}");
}

#[test]
fn a_token_travels_as_far_as_the_hop_limit_says() {
    if !can_run("hops") {
        return;
    }
    let mut world = World::new(upstream());
    world.add_network(1);
    world.add_guest(1);
    world.configure(1);
    world.start();
    let mut plan = world.plan(&[1]);
    plan.instances.values_mut().for_each(|instance| instance.metadata.options.tokens_required = true);
    assert_eq!(world.client.feed(&plan).unwrap(), [""; 0]);
    within(&world.guest(1), || {
        let capture = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::TCP)).unwrap();
        capture.set_read_timeout(Some(PATIENCE)).unwrap();
        let capture = std::fs::File::from(std::os::fd::OwnedFd::from(capture));
        let hops = || {
            let mut packet = [0; 2048];
            loop {
                let size = (&capture).read(&mut packet).expect("the answer is seen on its way");
                if packet[..size].windows(6).any(|bytes| bytes == b"HTTP/1") && packet[12..16] == METADATA.octets() {
                    return packet[8];
                }
            }
        };
        let answer =
            http("PUT /latest/api/token HTTP/1.1\r\nX-aws-ec2-metadata-token-ttl-seconds: 60\r\nContent-Length: 0")
                .unwrap();
        assert_eq!(hops(), 1, "{answer}");
        let token = answer.split_once("\r\n\r\n").unwrap().1;
        let with = format!("GET /latest/user-data HTTP/1.1\r\nX-aws-ec2-metadata-token: {token}");
        assert!(http(&with).unwrap().contains("#!/bin/sh"));
        assert_eq!(hops(), 64);
        assert!(http("GET /latest/user-data HTTP/1.1").unwrap().starts_with("HTTP/1.1 401"));
    });
}

#[test]
fn guests_with_the_same_address_in_two_networks_see_each_their_own() {
    if !can_run("overlap") {
        return;
    }
    let mut world = World::new(upstream());
    for number in [1, 2] {
        world.add_network(number);
        world.add_guest(number);
        world.configure(number);
    }
    world.start();
    assert_eq!(world.client.feed(&world.plan(&[1, 2])).unwrap(), [""; 0]);
    for number in [1, 2] {
        let seen = within(&world.guest(number), || page("/latest/meta-data/instance-id"));
        assert_eq!(seen, instance(number).to_string());
        let mac = within(&world.guest(number), || page("/latest/meta-data/mac"));
        assert_eq!(mac, self::mac(number).to_string());
    }
    // Network 2 goes; network 1 is made anew under the same name, as after a repair.
    assert_eq!(world.client.feed(&world.plan(&[1])).unwrap(), [""; 0]);
    assert_eq!(within(&world.guest(2), || http("GET / HTTP/1.1")), None);
    let gone = [world.network(1), format!("{}g1", world.prefix)];
    for name in &gone {
        ip(&format!("netns del {name}"));
    }
    world.namespaces.retain(|name| !gone.contains(name));
    world.add_network(1);
    world.add_guest(1);
    world.configure(1);
    assert_eq!(world.client.feed(&world.plan(&[1])).unwrap(), [""; 0]);
    assert_eq!(within(&world.guest(1), || page("/latest/meta-data/instance-id")), instance(1).to_string());
    assert!(within(&world.guest(1), || dhcp(1, MessageType::Discover, &[])).is_some());
}

#[test]
fn a_successor_takes_over_without_a_lost_question_and_the_dead_rise_with_what_they_knew() {
    if !can_run("successor") {
        return;
    }
    let mut world = World::new(upstream());
    world.add_network(1);
    world.add_guest(1);
    world.configure(1);
    world.start();
    assert_eq!(world.client.feed(&world.plan(&[1])).unwrap(), [""; 0]);
    let first = world.client.pid().unwrap();
    world.start();
    assert_eq!(world.client.pid().unwrap(), first, "one that runs is left alone");

    let guest = world.guest(1);
    let (done, asked) = (AtomicBool::new(false), AtomicU32::new(0));
    let lost = std::thread::scope(|scope| {
        let ask = scope.spawn(|| {
            within(&guest, || {
                let mut lost = 0;
                while !done.load(Ordering::Relaxed) {
                    let answer = answer_of(Ipv4Addr::new(10, 0, 0, 2).into(), "ip-10-0-1-5.ec2.internal");
                    lost += u32::from(answer.and_then(|answer| address_at_end(&answer)) != Some(ADDRESS));
                    lost += u32::from(http("GET /latest/meta-data/mac HTTP/1.1").is_none_or(|a| !a.contains("200 OK")));
                    asked.fetch_add(2, Ordering::Relaxed);
                    std::thread::sleep(Duration::from_millis(10));
                }
                lost
            })
        });
        // As many questions lie between two successors as the machine takes its time for.
        let more = || {
            let from = asked.load(Ordering::Relaxed);
            until("more questions", || (asked.load(Ordering::Relaxed) >= from + 10).then_some(()));
        };
        for _ in 0..3 {
            more();
            world.client.replace(|| world.spawn()).unwrap();
        }
        more();
        done.store(true, Ordering::Relaxed);
        ask.join().unwrap()
    });
    assert_eq!(lost, 0, "of {}", asked.into_inner());
    let last = world.client.pid().unwrap();
    assert_ne!(last, first);
    assert!(world.client.heard().unwrap().contains(&interface(1)));

    kill(&world);
    // Nobody feeds this one.
    world.start();
    let back = until("an answer", || within(&guest, || http("GET /latest/meta-data/instance-id HTTP/1.1")));
    assert!(back.ends_with(&instance(1).to_string()), "{back}");
    assert!(world.client.heard().unwrap().contains(&interface(1)));
    // A client that fed the one before notices by itself that this one starts from something else.
    assert_eq!(world.client.feed(&world.plan(&[1])).unwrap(), [""; 0]);
}

#[test]
fn a_guest_that_holds_connections_and_floods_hinders_only_itself() {
    if !can_run("greedy") {
        return;
    }
    let mut world = World::new(upstream());
    for number in [1, 2] {
        world.add_network(number);
        world.add_guest(number);
        world.configure(number);
    }
    world.start();
    assert_eq!(world.client.feed(&world.plan(&[1, 2])).unwrap(), [""; 0]);
    let held: Vec<_> = within(&world.guest(1), || {
        let connect = || TcpStream::connect_timeout(&(METADATA, 80).into(), Duration::from_secs(5));
        let flood = UdpSocket::bind("0.0.0.0:0").unwrap();
        for _ in 0..5_000 {
            let _ = flood.send_to(&question("example.com"), (Ipv4Addr::new(169, 254, 169, 253), 53));
        }
        (0..200).filter_map(|_| connect().ok()).collect()
    });
    let began = Instant::now();
    assert_eq!(within(&world.guest(2), || page("/latest/meta-data/instance-id")), instance(2).to_string());
    let resolved = within(&world.guest(2), || resolve(Ipv4Addr::new(10, 0, 0, 2), "example.com"));
    assert_eq!(resolved, Some(Ipv4Addr::new(192, 0, 2, 80)));
    eprintln!("a neighbour was served within {:?}", began.elapsed());
    // The 33rd connection and those after it were closed at once, the others after a while without a request.
    for (number, mut stream) in held.into_iter().enumerate() {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let end = stream.read(&mut [0; 16]).map_err(|error| error.kind());
        assert!(matches!(end, Ok(0) | Err(std::io::ErrorKind::ConnectionReset)), "{number}: {end:?}");
    }
    assert_eq!(within(&world.guest(1), || page("/latest/meta-data/instance-id")), instance(1).to_string());
    let pid = world.client.pid().unwrap();
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let resident =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse().ok());
    let resident: u64 = resident.unwrap();
    eprintln!("resident after the flood: {resident} KiB");
    assert!(resident < 64 << 10, "{resident} KiB");
}
