//! Site-to-site VPN with real packets: a strongSwan of the other side's own, in a namespace that stands for an office on
//! the internet, set up from what a tenant is told of the tunnels.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use landfall_model::agent::{Secret, TunnelKey, VpnSeen};
use landfall_node::driver::{DriverResult, Tunnels};
use landfall_node::vpn::{StrongSwan, VpnConfig, config, program};
use socket2::{Domain, Protocol, Socket, Type};

use super::*;

/// How long tunnels are waited for, on a busy machine.
const SETTLES: std::time::Duration = std::time::Duration::from_secs(90);
const OFFICE: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 254);
/// A machine in the office.
const DESK: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 1);
/// The namespace that the office is.
const PLACE: &str = "internet";
const KEYS: [&str; 2] = ["first.Key_1", "second.Key_2"];

pub fn vpn_id() -> VpnConnectionId {
    VpnConnectionId::from_random(1)
}

pub fn vpn_plan() -> VpnPlan {
    let tunnel = |outside: &str, inside: &str| TunnelPlan {
        outside: outside.parse().unwrap(),
        inside: inside.parse().unwrap(),
        options: TunnelOptions::default(),
        key_version: 1,
    };
    VpnPlan {
        id: vpn_id(),
        number: 9,
        wanted: true,
        gateway: Some((VpnGatewayId::from_random(1), vpc_id(1))),
        transit: None,
        peer: OFFICE,
        local: Ipv4Cidr::ALL,
        remote: Ipv4Cidr::ALL,
        routes: vec![cidr("10.9.0.0/16")],
        tunnels: vec![tunnel("198.18.0.21", "169.254.21.0/30"), tunnel("198.18.0.22", "169.254.22.0/30")],
        place: Place::Here,
        up: true,
    }
}

/// A network with an instance that the office may reach, and the VPN between them.
fn cloud() -> Cloud {
    let mut cloud = Cloud::new();
    let office = || from("10.9.0.0/16");
    let allowed = vec![
        rule("tcp", (5000, 5000), office()),
        rule("udp", (5000, 5000), office()),
        rule("icmp", (-1, -1), office()),
    ];
    cloud.group(1, 1, allowed, vec![anything()]).port(1, 1, &[1], None);
    put(&mut cloud, vpn_plan());
    cloud.edit_subnet(1, |subnet| {
        let target = RouteTargetPlan::VpnGateway(VpnGatewayId::from_random(1));
        subnet.routes.push(RoutePlan { destination: cidr("10.9.0.0/16"), target });
    });
    cloud
}

fn put(cloud: &mut Cloud, plan: VpnPlan) {
    cloud.0.pieces.insert(PieceKey::Vpn(plan.id), Piece::Vpn(plan));
}

fn tunnels() -> StrongSwan {
    StrongSwan::new(VpnConfig::new("/run/landfall/vpn".into(), "lf".into()))
}

fn key(version: u64, text: &str) -> TunnelKey {
    TunnelKey { version, key: Secret(text.into()) }
}

fn right_keys(_: VpnConnectionId) -> DriverResult<Vec<TunnelKey>> {
    Ok(KEYS.iter().map(|text| key(1, text)).collect())
}

fn no_keys(id: VpnConnectionId) -> DriverResult<Vec<TunnelKey>> {
    panic!("the keys of {id} are asked for again")
}

/// Ends our daemons however a test ends.
struct Ends;

impl Drop for Ends {
    fn drop(&mut self) {
        let _ = tunnels().apply(&HostPlan::default(), &right_keys);
    }
}

/// Applies until the tunnels are so.
fn until(cloud: &Cloud, what: &str, is_so: impl Fn(&VpnSeen) -> bool) -> VpnSeen {
    let tunnels = tunnels();
    let until = Instant::now() + SETTLES;
    loop {
        let seen = tunnels.apply(&cloud.0, &right_keys).unwrap().pop().unwrap();
        if is_so(&seen) {
            return seen;
        }
        assert!(Instant::now() < until, "{what}: {seen:?}\n{}", log());
        std::thread::sleep(LOST / 3);
    }
}

fn log() -> String {
    fs::read_to_string(folder().join("log")).unwrap_or_default()
}

fn folder() -> PathBuf {
    Path::new("/run/landfall/vpn").join(vpn_id().to_string())
}

fn up(seen: &VpnSeen) -> Vec<bool> {
    seen.tunnels.iter().map(|tunnel| tunnel.up).collect()
}

/// The office's own device.
struct Office(Child);

impl Office {
    /// Sets it up from what a tenant is told: addresses outside, keys, and one algorithm of those that are offered.
    fn open(version: u8) -> Self {
        run("ip", &format!("-n {PLACE} addr add {DESK}/32 dev lo"));
        run("ip", &format!("-n {PLACE} route add 198.18.0.0/16 via 203.0.113.1"));
        let home = Path::new("/run/office");
        fs::create_dir(home).unwrap();
        fs::write(home.join("strongswan.conf"), SETTINGS).unwrap();
        fs::write(home.join("swanctl.conf"), connections(version)).unwrap();
        let mut command = Command::new(program().unwrap());
        command.env("STRONGSWAN_CONF", home.join("strongswan.conf")).stdout(Stdio::null()).stderr(Stdio::null());
        let office = Self(namespace::within(PLACE, || command.spawn()).unwrap());
        let until = Instant::now() + SETTLES;
        while !home.join("vici").exists() {
            assert!(Instant::now() < until, "the office's device doesn't start");
            std::thread::sleep(LOST / 10);
        }
        Self::control("--load-all --file /run/office/swanctl.conf").unwrap();
        for block in ["10.1.0.0/16", "10.2.0.0/16", "169.254.21.0/30"] {
            run("ip", &format!("-n {PLACE} route add {block} dev ipsec0 src {DESK}"));
        }
        office
    }

    fn control(order: &str) -> Result<String, String> {
        let output = Command::new("swanctl")
            .args(order.split_whitespace())
            .args(["--uri", "unix:///run/office/vici"])
            .output()
            .unwrap();
        let words = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        if output.status.success() { Ok(words) } else { Err(words) }
    }

    fn call(tunnel: &str) -> Result<String, String> {
        Self::control(&format!("--initiate --child {tunnel} --timeout 60"))
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const SETTINGS: &str = "charon-systemd {
  load = random nonce aes sha1 sha2 hmac kdf gmp curve25519 openssl gcm kernel-libipsec kernel-netlink socket-default vici
  retransmit_tries = 2
  retransmit_base = 1
  retransmit_timeout = 3
  plugins {
    kernel-netlink {
      fwmark = 0x1
    }
    vici {
      socket = unix:///run/office/vici
    }
  }
}
";

fn connections(version: u8) -> String {
    let tunnels = vpn_plan().tunnels;
    let connections: String = (1..=2)
        .map(|n| {
            let outside = tunnels[n - 1].outside;
            format!(
                "  t{n} {{
    version = {version}
    local_addrs = {OFFICE}
    remote_addrs = {outside}
    proposals = aes256-sha256-modp2048
    dpd_delay = 5
    dpd_timeout = 15
    local {{
      auth = psk
    }}
    remote {{
      auth = psk
      id = {outside}
    }}
    children {{
      t{n} {{
        local_ts = 0.0.0.0/0
        remote_ts = 0.0.0.0/0
        reqid = {n}
        esp_proposals = aes128-sha256-modp2048
      }}
    }}
  }}
"
            )
        })
        .collect();
    let secrets: String = (1..=2)
        .map(|n| format!("  ike-{n} {{\n    id = {}\n    secret = \"{}\"\n  }}\n", tunnels[n - 1].outside, KEYS[n - 1]))
        .collect();
    format!("connections {{\n{connections}}}\nsecrets {{\n{secrets}}}\n")
}

fn desk_ping(to: Ipv4Addr) -> bool {
    namespace::within(PLACE, || {
        let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4))?;
        socket.bind(&SocketAddr::from((DESK, 0)).into())?;
        socket.set_read_timeout(Some(LOST))?;
        let until = Instant::now() + SETTLES;
        let mut answer = [0; 256];
        while Instant::now() < until {
            socket.send_to(&[8, 0, 0xf7, 0xf7, 0, 7, 0, 1], &SocketAddr::from((to, 0)).into())?;
            if let Ok(length) = (&socket).read(&mut answer)
                && length >= 28
                && answer[12..16] == to.octets()
                && answer[20] == 0
            {
                return Ok(true);
            }
        }
        Ok(false)
    })
    .unwrap()
}

fn desk_connect(to: Ipv4Addr, port: u16) -> io::Result<TcpStream> {
    namespace::within(PLACE, || {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&SocketAddr::from((DESK, 0)).into())?;
        socket.connect_timeout(&SocketAddr::from((to, port)).into(), COMES)?;
        Ok(socket.into())
    })
}

fn at_desk(port: u16) -> TcpListener {
    namespace::within(PLACE, || TcpListener::bind((DESK, port))).unwrap()
}

/// Runs a test where strongSwan is installed.
fn with_strongswan(name: &str, body: impl FnOnce()) {
    let plugin =
        ["/usr/lib/ipsec/plugins/libstrongswan-kernel-libipsec.so"].iter().any(|file| Path::new(file).exists());
    if program().is_none() || !plugin || Command::new("swanctl").arg("--version").output().is_err() {
        return crate::skipped(&format!("network::{name}"), "it needs strongSwan: scripts/install.sh run");
    }
    on_own_machine(name, body);
}

/// Sends over a connection and waits for it to come out of the other.
fn echoes(from: &mut TcpStream, to: &mut TcpStream) {
    let mut byte = [0];
    to.set_read_timeout(Some(SETTLES)).unwrap();
    from.write_all(&[7]).unwrap();
    to.read_exact(&mut byte).unwrap();
}

#[test]
fn an_office_and_an_instance_reach_each_other() {
    with_strongswan("vpn::an_office_and_an_instance_reach_each_other", || {
        let mut cloud = cloud();
        uplink();
        let network = driver();
        let _ends = Ends;
        network.apply(&cloud.0).unwrap();
        let _office = Office::open(2);
        until(&cloud, "down without the other side", |seen| up(seen) == [false, false]);
        Office::call("t1").unwrap();
        Office::call("t2").unwrap();
        until(&cloud, "both tunnels", |seen| up(seen) == [true, true]);

        let guest = Guest::start(&network, &cloud, 1);
        let (listener, closed) = (guest.listen(5000), guest.listen(5001));
        assert!(desk_ping(guest.address), "from the office");
        assert!(guest.pings(DESK, SETTLES), "to the office");
        assert!(desk_ping([169, 254, 21, 1].into()), "the tunnel's own address");
        let mut client = desk_connect(guest.address, 5000).expect("what a group allows");
        assert!(desk_connect(guest.address, 5001).is_err(), "what no group allows");
        drop(closed);
        let (mut server, from) = listener.accept().unwrap();
        assert_eq!(from.ip(), DESK, "nothing is translated");
        echoes(&mut client, &mut server);
        let printer = at_desk(9100);
        assert!(guest.reaches(DESK, 9100), "to the office over TCP");
        drop(printer);
        udp_both_ways(&guest);
        assert!(guest.connect([10, 8, 0, 1], 80).is_err(), "no route leads elsewhere");

        // Another agent finds all as it is: it needs no keys, and nothing is disturbed.
        let daemon = process();
        let (network, again) = (driver(), tunnels());
        network.apply(&cloud.0).unwrap();
        assert_eq!(up(&again.apply(&cloud.0, &no_keys).unwrap()[0]), [true, true]);
        assert_eq!(process(), daemon);
        echoes(&mut client, &mut server);

        // One tunnel is ended by the other side, then the one that is left is cut off in silence: it is noticed.
        Office::control("--terminate --ike t2").unwrap();
        let seen = until(&cloud, "the second is down", |seen| up(seen) == [true, false]);
        assert!(seen.tunnels[1].message.contains("THE OTHER SIDE ENDED"), "{seen:?}");
        echoes(&mut client, &mut server);
        Office::call("t2").unwrap();
        until(&cloud, "the second is back", |seen| up(seen) == [true, true]);
        run("ip", &format!("-n {PLACE} route add blackhole 198.18.0.22/32"));
        until(&cloud, "the second is dead", |seen| up(seen) == [true, false]);
        echoes(&mut client, &mut server);
        assert!(desk_ping(guest.address), "by the first");
        run("ip", &format!("-n {PLACE} route del blackhole 198.18.0.22/32"));

        // A daemon that dies is followed by another, with the keys that are known.
        run("kill", &format!("-9 {daemon}"));
        let until_then = Instant::now() + SETTLES;
        while processes().iter().all(|pid| *pid == daemon) {
            assert!(Instant::now() < until_then, "no other daemon");
            again.apply(&cloud.0, &right_keys).unwrap();
        }
        let _ = Office::control("--terminate --ike t1 --force");
        Office::call("t1").unwrap();
        until(&cloud, "up again", |seen| up(seen)[0]);
        echoes(&mut client, &mut server);

        // Deleted, nothing of it is left.
        put(&mut cloud, VpnPlan { wanted: false, gateway: None, ..vpn_plan() });
        assert!(!tunnels().apply(&cloud.0, &no_keys).unwrap()[0].gone, "its namespace is still there");
        network.apply(&cloud.0).unwrap();
        assert!(tunnels().apply(&cloud.0, &no_keys).unwrap()[0].gone);
        assert!(!folder().exists() && !namespace::path("lf-9").exists());
        assert_eq!(processes(), [0; 0]);
        assert!(!run("ip", "link").contains("lf-9") && !run("ip", "-n lf-1 link").contains("vg0"));
        assert!(!run("nft", "list ruleset").contains("198.18.0.21"));
        assert!(guest.connect(DESK, 9100).is_err());
    });
}

fn udp_both_ways(guest: &Guest) {
    let server = namespace::within(&guest.name, || UdpSocket::bind("0.0.0.0:5000")).unwrap();
    let client = namespace::within(PLACE, || UdpSocket::bind((DESK, 0))).unwrap();
    for socket in [&server, &client] {
        socket.set_read_timeout(Some(SETTLES)).unwrap();
    }
    client.send_to(&[7; 1300], (guest.address, 5000)).unwrap();
    let (length, from) = server.recv_from(&mut [0; 2000]).unwrap();
    assert_eq!((length, from.ip()), (1300, DESK.into()));
    server.send_to(&[7; 1300], from).unwrap();
    assert_eq!(client.recv(&mut [0; 2000]).unwrap(), 1300);
}

/// The numbers of our daemons for the VPN.
fn processes() -> Vec<i32> {
    let mark = format!("STRONGSWAN_CONF={}", folder().join("strongswan.conf").display());
    let all = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    // Those of tests beside this one are other processes' children.
    let parent = |pid: i32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit(')').next()?.split_whitespace().nth(1)?.parse::<u32>().ok()
    };
    let is_ours = |pid: &i32| {
        if parent(*pid) != Some(std::process::id()) {
            return false;
        }
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
    };
    all.filter(is_ours).collect()
}

fn process() -> i32 {
    let all = processes();
    assert_eq!(all.len(), 1, "one daemon a VPN");
    all[0]
}

#[test]
fn a_tunnel_with_another_key_stays_down_and_says_so() {
    with_strongswan("vpn::a_tunnel_with_another_key_stays_down_and_says_so", || {
        let mut cloud = cloud();
        uplink();
        let network = driver();
        let _ends = Ends;
        network.apply(&cloud.0).unwrap();
        // The older version of IKE.
        let _office = Office::open(1);
        until(&cloud, "started", |_| true);
        Office::call("t1").unwrap();
        until(&cloud, "the first by the right key", |seen| up(seen) == [true, false]);
        // It speaks with strangers, and is a user that nothing else is; of root's rights it has that over its own network.
        let status = fs::read_to_string(format!("/proc/{}/status", processes()[0])).unwrap();
        let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
        let users = VpnConfig::new("/run/landfall/vpn".into(), "lf".into());
        let own = users.uid_base..users.uid_base + users.uid_count;
        let ids = [field("Uid:"), field("Gid:")].map(|ids| ids.split('\t').map(str::to_owned).collect::<BTreeSet<_>>());
        assert_eq!((&ids[0], ids[0].len()), (&ids[1], 1), "{status}");
        assert!(ids[0].iter().all(|uid| own.contains(&uid.parse().unwrap())), "{status}");
        assert_eq!((field("CapEff:"), field("CapInh:")), ("0000000000001000".into(), "0000000000001000".into()));
        assert_eq!(field("NoNewPrivs:"), "1");
        // Of the machine it sees programs' libraries, who is who, its devices and its own folder.
        let seen = |path: &str| {
            let entries = fs::read_dir(format!("/proc/{}/root/{path}", processes()[0])).unwrap();
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect::<BTreeSet<_>>()
        };
        let all = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        assert!(seen("").is_subset(&all(&["dev", "etc", "lib", "lib32", "lib64", "run", "usr"])), "{:?}", seen(""));
        assert_eq!(seen("run/landfall/vpn"), all(&[&vpn_id().to_string()]));
        assert!(seen("etc").is_subset(&all(&["group", "ld.so.cache", "nsswitch.conf", "passwd"])), "{:?}", seen("etc"));
        let limits = fs::read_to_string(format!("/proc/{}/limits", processes()[0])).unwrap();
        let data = limits.lines().find_map(|line| line.strip_prefix("Max data size")).unwrap();
        assert_eq!(data.split_whitespace().next(), Some("536870912"), "{limits}");
        let written = limits.lines().find_map(|line| line.strip_prefix("Max file size")).unwrap();
        assert_eq!(written.split_whitespace().next(), Some("1048576"), "{limits}");
        let held: u64 = field("VmData:").trim_end_matches(" kB").parse().unwrap();
        assert!(held < 400 << 10, "{held} KiB of that before anybody calls leave too little");

        // The key of the first changes on this side alone: the tunnel is made anew, and can't be.
        let mut plan = vpn_plan();
        plan.tunnels[0].key_version = 2;
        plan.tunnels[0].options.ike_versions = vec!["ikev2".into()];
        put(&mut cloud, plan);
        let tunnels = tunnels();
        let old = tunnels.apply(&cloud.0, &right_keys).unwrap();
        assert!(old[0].tunnels[0].message.contains("CAN'T"), "keys of another version aren't taken: {old:?}");
        let other = |_| Ok(vec![key(2, "another.Key_1"), key(1, KEYS[1])]);
        tunnels.apply(&cloud.0, &other).unwrap();
        let text = connections(2);
        fs::write("/run/office/swanctl.conf", text).unwrap();
        Office::control("--load-all --file /run/office/swanctl.conf").unwrap();
        Office::call("t1").unwrap_err();
        let seen = until(&cloud, "a word about the key", |seen| seen.tunnels[0].message.contains("PRE-SHARED KEYS"));
        assert!(!seen.tunnels[0].up);
        Office::call("t2").unwrap();
        until(&cloud, "the other tunnel is none the worse", |seen| up(seen) == [false, true]);
    });
}

#[test]
fn what_strongswan_is_told() {
    let mut plan = vpn_plan();
    plan.tunnels[1].options = TunnelOptions {
        phase1_lifetime_s: Some(7200),
        phase2_lifetime_s: Some(1800),
        rekey_margin_s: Some(120),
        rekey_fuzz_percent: Some(50),
        replay_window: Some(128),
        dpd_timeout_s: Some(60),
        dpd_action: Some("restart".into()),
        startup_action: Some("start".into()),
        phase1_encryption: vec!["AES256".into(), "AES128-GCM-16".into()],
        phase2_encryption: vec!["AES256-GCM-16".into()],
        phase1_integrity: vec!["SHA2-384".into()],
        phase2_integrity: vec!["SHA2-256".into()],
        phase1_groups: vec![14, 20],
        phase2_groups: vec![5],
        ike_versions: vec!["ikev2".into()],
    };
    let settings = config::daemon(&plan, Path::new("/run/landfall/vpn/vpn-1"));
    let text = format!("{settings}{}", config::connections(&plan));
    golden::compare_at("src/vpn/golden/office.conf", &text);
}

/// The ordinary redundant pair: two VPNs with the same static route.
#[test]
fn of_two_vpns_with_the_same_route_one_that_is_up_has_it() {
    on_own_machine("vpn::of_two_vpns_with_the_same_route_one_that_is_up_has_it", || {
        let mut cloud = cloud();
        let mut second = VpnPlan { id: VpnConnectionId::from_random(2), number: 10, ..vpn_plan() };
        for (tunnel, last) in second.tunnels.iter_mut().zip([31, 32]) {
            tunnel.outside = [198, 18, 0, last].into();
            tunnel.inside = format!("169.254.{last}.0/30").parse().unwrap();
        }
        let network = driver();
        for (ups, link) in [([true, true], 2), ([true, false], 1), ([false, false], 2), ([false, true], 2)] {
            put(&mut cloud, VpnPlan { up: ups[0], ..vpn_plan() });
            put(&mut cloud, VpnPlan { up: ups[1], ..second.clone() });
            cloud.0.revision += 1;
            network.apply(&cloud.0).unwrap();
            let ways = run("ip", "-n lf-1 route show table all 10.9.0.0/16");
            assert!(ways.contains(&format!("dev vg00000000000{link}")), "{ups:?}: {ways}");
        }
    });
}

#[test]
fn the_namespace_of_a_vpn() {
    let cloud = cloud();
    let vpn = cloud.0.vpn(vpn_id()).unwrap();
    let room = landfall_node::network::vpn::plan(&cloud.0, vpn, 1500);
    golden::compare_at("src/network/golden/vpn.nft", &room.ruleset);
    let vpc = cloud.0.vpc(vpc_id(1)).unwrap();
    golden::compare_at("src/network/golden/vpn-network.nft", &ruleset::ruleset(&cloud.0, vpc, None));
}

#[test]
fn a_vpn_ends_at_a_transit_gateway() {
    with_strongswan("vpn::a_vpn_ends_at_a_transit_gateway", || {
        let mut cloud = cloud();
        let id = TransitGatewayId::from_random(8);
        let [network_side, office_side] = [1, 2].map(TransitGatewayAttachmentId::from_random);
        put(&mut cloud, VpnPlan { gateway: None, transit: Some((id, office_side)), routes: vec![], ..vpn_plan() });
        let to = AttachmentTo::Vpc { vpc: vpc_id(1), subnets: vec![subnet_id(1)], appliance: false, dns: true };
        let attachments = vec![
            AttachmentPlan { id: network_side, to, routes: vec![(cidr("10.9.0.0/16"), Some(office_side))] },
            AttachmentPlan {
                id: office_side,
                to: AttachmentTo::Vpn(vpn_id()),
                routes: vec![(cidr("10.1.0.0/16"), Some(network_side))],
            },
        ];
        let gateway = TransitGatewayPlan { id, number: 8, attachments };
        cloud.0.pieces.insert(PieceKey::TransitGateway(id), Piece::TransitGateway(gateway));
        cloud.edit_subnet(1, |subnet| {
            subnet.routes.retain(|route| route.destination != cidr("10.9.0.0/16"));
            let target = RouteTargetPlan::TransitGateway(id);
            subnet.routes.push(RoutePlan { destination: cidr("10.9.0.0/16"), target });
        });
        uplink();
        let network = driver();
        let _ends = Ends;
        network.apply(&cloud.0).unwrap();
        let _office = Office::open(2);
        until(&cloud, "started", |_| true);
        Office::call("t1").unwrap();
        until(&cloud, "up", |seen| up(seen)[0]);
        let guest = Guest::start(&network, &cloud, 1);
        let _listener = guest.listen(5000);
        desk_connect(guest.address, 5000).expect("from the office");
        let _printer = at_desk(9100);
        assert!(guest.reaches(DESK, 9100), "to the office");

        // Its attachment goes: so does the link, and the tunnel stays up.
        put(&mut cloud, VpnPlan { gateway: None, transit: None, ..vpn_plan() });
        network.apply(&cloud.0).unwrap();
        until(&cloud, "still up", |seen| up(seen)[0]);
        assert!(desk_connect(guest.address, 5000).is_err());
    });
}

#[test]
fn a_vpn_of_a_transit_gateway_is_reached_from_other_hosts() {
    with_strongswan("vpn::a_vpn_of_a_transit_gateway_is_reached_from_other_hosts", || {
        let id = TransitGatewayId::from_random(8);
        let [office_side, first, second] = [1, 2, 3].map(TransitGatewayAttachmentId::from_random);
        let hosts = hosts::hosts(|cloud| {
            hosts::second_block(cloud);
            let allowed =
                || vec![rule("tcp", (5000, 5000), from("10.9.0.0/16")), rule("icmp", (-1, -1), from("10.9.0.0/16"))];
            cloud.group(1, 1, allowed(), vec![anything()]).group(2, 2, allowed(), vec![anything()]);
            cloud.port(1, 1, &[1], None).port(2, 3, &[2], None);
            for subnet in [1, 3] {
                cloud.edit_subnet(subnet, |subnet| {
                    let target = RouteTargetPlan::TransitGateway(id);
                    subnet.routes.push(RoutePlan { destination: cidr("10.9.0.0/16"), target });
                });
            }
            let attached = |id, vpc, subnet| {
                let to = AttachmentTo::Vpc {
                    vpc: vpc_id(vpc),
                    subnets: vec![subnet_id(subnet)],
                    appliance: false,
                    dns: true,
                };
                AttachmentPlan { id, to, routes: vec![(cidr("10.9.0.0/16"), Some(office_side))] }
            };
            let to_networks = vec![(cidr("10.1.0.0/16"), Some(first)), (cidr("10.2.0.0/16"), Some(second))];
            let office = AttachmentPlan { id: office_side, to: AttachmentTo::Vpn(vpn_id()), routes: to_networks };
            let attachments = vec![office, attached(first, 1, 1), attached(second, 2, 3)];
            let gateway = TransitGatewayPlan { id, number: 8, attachments };
            cloud.0.pieces.insert(PieceKey::TransitGateway(id), Piece::TransitGateway(gateway));
        });
        let plan = VpnPlan { gateway: None, transit: Some((id, office_side)), routes: vec![], ..vpn_plan() };
        let (hosts, _tunnels, _ends, _office) = ended_on_the_first(hosts, plan);
        let guest = Guest::start(&hosts[1].network, &hosts[1].cloud, 2);
        let listener = guest.listen(5000);
        assert!(desk_ping(guest.address), "from the office");
        let mut client = desk_connect(guest.address, 5000).expect("from the office over TCP");
        let (mut server, peer) = listener.accept().unwrap();
        assert_eq!(peer.ip(), DESK);
        echoes(&mut client, &mut server);
        assert!(desk_connect(guest.address, 5001).is_err(), "what no group allows");
        let printer = at_desk(9100);
        assert!(guest.reaches(DESK, 9100), "to the office");
        drop(printer);
        let entries = run("bridge", "-n lf2-8 fdb show dev vx0");
        assert!(entries.contains("dst 10.9.0.1") && !entries.contains("00:00:00:00:00:00"), "no flooding: {entries}");

        // Elsewhere it ends no more: neither does anything of it stay there.
        let mut hosts = hosts;
        hosts[1].cloud.0.pieces.remove(&PieceKey::Vpn(vpn_id()));
        hosts[1].apply();
        assert!(!run("ip", "-n lf2-8 -o link").contains("vx0"));
        assert!(guest.connect(DESK, 9100).is_err());
    });
}

/// Applies the plans of two hosts, the first of which ends the VPN and has the link to the internet, and lets the office
/// call it.
fn ended_on_the_first(mut hosts: [hosts::Host; 2], plan: VpnPlan) -> ([hosts::Host; 2], StrongSwan, Ends, Office) {
    namespace::ensure(PLACE).unwrap();
    run("ip", &format!("link add wan0 netns host-1 type veth peer name wan0 netns {PLACE}"));
    for step in ["addr add 203.0.113.1/24 dev wan0", "link set wan0 up", "route add default via 203.0.113.254"] {
        run("ip", &format!("-n host-1 {step}"));
    }
    for step in ["link set lo up", "addr add 203.0.113.254/24 dev wan0", "link set wan0 up"] {
        run("ip", &format!("-n {PLACE} {step}"));
    }
    let (host, address) = hosts[0].place();
    put(&mut hosts[0].cloud, plan.clone());
    put(&mut hosts[1].cloud, VpnPlan { place: Place::Remote { host, address }, ..plan });
    hosts.iter().for_each(hosts::Host::apply);
    let tunnels = StrongSwan::new(VpnConfig::new("/run/landfall/vpn".into(), "lf1".into()));
    let ends = Ends;
    let office = Office::open(2);
    tunnels.apply(&hosts[0].cloud.0, &right_keys).unwrap();
    let other = StrongSwan::new(VpnConfig::new("/run/other".into(), "lf2".into()));
    assert!(other.apply(&hosts[1].cloud.0, &no_keys).unwrap().is_empty(), "nothing ends on the other");
    Office::call("t1").unwrap();
    (hosts, tunnels, ends, office)
}

#[test]
fn an_instance_reaches_a_vpn_that_ends_on_another_host() {
    with_strongswan("vpn::an_instance_reaches_a_vpn_that_ends_on_another_host", || {
        let office = || from("10.9.0.0/16");
        let allowed = || vec![rule("tcp", (5000, 5000), office()), rule("icmp", (-1, -1), office())];
        let hosts = hosts::hosts(|cloud| {
            cloud.group(1, 1, allowed(), vec![anything()]).port(1, 1, &[1], None).port(2, 1, &[1], None);
            cloud.edit_subnet(1, |subnet| {
                let target = RouteTargetPlan::VpnGateway(VpnGatewayId::from_random(1));
                subnet.routes.push(RoutePlan { destination: cidr("10.9.0.0/16"), target });
            });
        });
        let (hosts, _tunnels, _ends, _office) = ended_on_the_first(hosts, vpn_plan());
        let guest = Guest::start(&hosts[1].network, &hosts[1].cloud, 2);
        let _listener = guest.listen(5000);
        assert!(desk_ping(guest.address), "from the office");
        desk_connect(guest.address, 5000).expect("from the office over TCP");
        let _printer = at_desk(9100);
        assert!(guest.reaches(DESK, 9100), "to the office");
    });
}
