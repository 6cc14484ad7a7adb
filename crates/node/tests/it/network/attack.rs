//! Guests that lie, and machines outside that do: everything that could make a packet reach somebody as something that it
//! isn't. Each attempt has a name of its own in its bytes, and is looked for on all devices of all namespaces, at all
//! other guests and in what a namespace's own programs get. Groups and routes are as open as can be, so that nothing but
//! what guards against forging stands in the way; and honest packets of the same kinds do arrive, so that the eyes are
//! shown to see.

mod errors;
mod flood;
mod forged;
pub mod frames;
mod hidden;
mod link;
mod outside;
mod watch;

use std::fs::File;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant};

use landfall_model::plan::*;
use landfall_model::*;
use landfall_node::driver::Network;
use landfall_node::network::{HostNetwork, NetworkConfig, Underlay, namespace};

use super::cloud::*;
use super::stand::*;
use super::uplink;
use frames::*;
use watch::{Sight, Watch};

/// The gateway's hardware address at every port.
const ROUTER: Mac = Mac([2, 0, 0, 0, 0, 1]);
const EVERYBODY: Mac = Mac([0xff; 6]);
const GATEWAY_V6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
/// This host's and another one's address on the underlay.
const UNDERLAY: [Ipv4Addr; 2] = [Ipv4Addr::new(10, 9, 0, 1), Ipv4Addr::new(10, 9, 0, 2)];
/// Somebody in the internet.
const STRANGER: (Ipv4Addr, Ipv6Addr) = (Ipv4Addr::new(8, 8, 8, 8), Ipv6Addr::new(0x2a00, 0x8888, 0, 0, 0, 0, 0, 8));
/// The machine's own addresses towards the internet.
const MACHINE: (Ipv4Addr, Ipv6Addr) = (Ipv4Addr::new(203, 0, 113, 1), Ipv6Addr::new(0x2a00, 0x113, 0, 0, 0, 0, 0, 1));
/// Where each attempt's name begins.
const MARK: &str = "LF:";

/// Who there is besides: number, name of the watch, subnet.
const BAD: u32 = 1;
const VICTIM: u32 = 2;
/// Lets in UDP to port 53 and TCP to port 80 only.
const CLOSED: u32 = 3;
/// In another network with the same addresses.
const DOUBLE: u32 = 4;
/// On another host.
const REMOTE: u32 = 5;
/// In a network that is peered with the first.
const PEER: u32 = 6;

fn v4(number: u32) -> Ipv4Addr {
    let host = 10 + u8::try_from(number).unwrap();
    match number {
        CLOSED | REMOTE => [10, 1, 2, host].into(),
        PEER => [10, 3, 1, host].into(),
        _ => [10, 1, 1, host].into(),
    }
}

fn v6(number: u32) -> Ipv6Addr {
    let (vpc, subnet) = match number {
        CLOSED | REMOTE => (1, 2),
        PEER => (3, 4),
        DOUBLE => (2, 3),
        _ => (1, 1),
    };
    Ipv6Addr::new(0x2a00, 0x1111, vpc, subnet, 0, 0, 0, u16::try_from(number).unwrap())
}

fn public(number: u32) -> Ipv4Addr {
    [198, 18, 0, 10 + u8::try_from(number).unwrap()].into()
}

/// The link-local address that a guest makes for itself.
fn local(number: u32) -> Ipv6Addr {
    Ipv6Addr::new(0xfe80, 0, 0, 0, 0x0400, 0x00ff, 0xfe00, u16::try_from(number).unwrap())
}

/// An attempt: its frames, and the devices where they may be seen on their way to nowhere.
struct Attempt {
    name: String,
    frames: Vec<Vec<u8>>,
    passes: &'static [&'static str],
}

/// All attempts of one kind.
#[derive(Default)]
struct Attempts(Vec<Attempt>);

impl Attempts {
    /// One whose frames, made with its tag in them, must be seen nowhere.
    fn add(&mut self, name: impl Into<String>, make: impl FnOnce(&[u8]) -> Vec<Vec<u8>>) {
        self.add_past(&[], name, make);
    }

    /// One that may be seen on these devices, but no further.
    fn add_past(
        &mut self,
        passes: &'static [&'static str],
        name: impl Into<String>,
        make: impl FnOnce(&[u8]) -> Vec<Vec<u8>>,
    ) {
        let tag = format!("{MARK}{:05};", self.0.len());
        self.0.push(Attempt { name: name.into(), frames: make(tag.as_bytes()), passes });
    }
}

/// The ways from a network to the machine, where the machine drops what isn't to go on.
const UP_TO_THE_MACHINE: &[&str] = &["up0", "lf-1"];
/// The way to the peered network, which drops what it doesn't know.
const ACROSS: &[&str] = &["px000000000009"];

/// A machine with its networks and guests, an internet and another host.
struct Stage {
    network: HostNetwork,
    cloud: Cloud,
    watch: Watch,
}

impl Stage {
    fn new() -> Self {
        Self::with(|_| {})
    }

    /// The same with another configuration.
    fn with(configure: impl FnOnce(&mut NetworkConfig)) -> Self {
        surroundings();
        let mut config = NetworkConfig::new("/run/landfall".into());
        configure(&mut config);
        config.underlay = Some(Underlay { address: UNDERLAY[0], port: 4789 });
        config.mtu = 1450;
        let network = HostNetwork::new(config);
        let cloud = plan();
        network.apply(&cloud.0).unwrap();
        let mut watch = Watch::new(&["", "internet", "host-2", "lf-1", "lf-2", "lf-3"]);
        for (number, place, guest) in
            [(BAD, "lf-1", "bad"), (VICTIM, "lf-1", "victim"), (CLOSED, "lf-1", "closed"), (DOUBLE, "lf-2", "double")]
        {
            watch.add_tap(place, guest, File::from(network.open(port_id(number)).unwrap().tap.unwrap()));
        }
        watch.add_tap("lf-3", "peer", File::from(network.open(port_id(PEER)).unwrap().tap.unwrap()));
        let stage = Self { network, cloud, watch };
        // What was just made says some things of its own.
        std::thread::sleep(LOST);
        stage.watch.take();
        stage
    }

    /// What an agent that is started once more would drive networks with.
    fn again(&self) -> HostNetwork {
        HostNetwork::new(self.network.config().clone())
    }

    /// Puts a frame on the link as that guest.
    fn send(&self, guest: &str, frame: &[u8]) {
        // A frame that the kernel doesn't even take is as good as dropped.
        let _ = self.watch.tap(guest).write(&[&[0; 10][..], frame].concat());
    }

    /// An honest packet of the first guest's to its gateway's hardware address.
    fn ip(packet: &[u8]) -> Vec<u8> {
        let kind = if packet[0] >> 4 == 4 { IPV4 } else { IPV6 };
        ethernet(ROUTER, mac(BAD), kind, packet)
    }

    /// Sends frames as a guest, and waits until the last of what they carry is seen there.
    fn arrives(&self, what: &str, guest: &str, frames: &[Vec<u8>], at: &str) -> Vec<Sight> {
        let until = Instant::now() + COMES;
        let mut seen = Vec::new();
        loop {
            for frame in frames {
                self.send(guest, frame);
            }
            let round = Instant::now() + Duration::from_millis(250);
            while Instant::now() < round {
                seen.extend(self.watch.take());
                if seen.iter().any(|sight| sight.device == at && contains(&sight.bytes, b"honest")) {
                    return seen;
                }
                std::thread::sleep(Duration::from_millis(2));
            }
            assert!(Instant::now() < until, "{what}: nothing arrived at {at}, but {}", show(&seen));
        }
    }

    /// Makes all attempts as that guest, and says which of them were seen where they must not be.
    fn try_all(&self, guest: &str, attempts: &Attempts) {
        self.watch.take();
        let mut seen = Vec::new();
        for attempt in &attempts.0 {
            for frame in &attempt.frames {
                assert!(contains(frame, MARK.as_bytes()), "{}: a frame without its mark", attempt.name);
                self.send(guest, frame);
            }
            seen.extend(self.watch.take());
        }
        self.judge(guest, attempts, seen);
    }

    /// Waits until all that was sent must have come through, and looks for what did anywhere but where the liar lives.
    fn judge(&self, liar: &str, attempts: &Attempts, mut seen: Vec<Sight>) {
        // After an honest packet has come through, nothing of what was sent before it is under way.
        let last = Self::ip(&ipv4(v4(BAD), v4(VICTIM), UDP, udp((7, 7), b"honest last")));
        seen.extend(self.arrives("an honest packet", "bad", &[last], "victim"));
        std::thread::sleep(LOST);
        seen.extend(self.watch.take());
        let mut leaks = Vec::new();
        for sight in seen {
            let Some(number) = number(&sight.bytes) else { continue };
            let Some(attempt) = attempts.0.get(number) else { continue };
            // The liar may be told that it got nowhere.
            if sight.device != liar && sight.place != liar && !attempt.passes.contains(&sight.device.as_str()) {
                leaks.push(format!("{}: seen at {} {}", attempt.name, sight.place, sight.device));
            }
        }
        leaks.sort();
        leaks.dedup();
        assert!(leaks.is_empty(), "{} of {} got through:\n{}", leaks.len(), attempts.0.len(), leaks.join("\n"));
        eprintln!("{} attempts, none got through", attempts.0.len());
    }
}

/// The number in an attempt's tag.
fn number(bytes: &[u8]) -> Option<usize> {
    let at = bytes.windows(MARK.len()).position(|window| window == MARK.as_bytes())? + MARK.len();
    std::str::from_utf8(bytes.get(at..at + 5)?).ok()?.parse().ok()
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

fn show(seen: &[Sight]) -> String {
    let places: std::collections::BTreeSet<_> = seen.iter().map(|sight| (sight.place, &sight.device)).collect();
    format!("{places:?}")
}

/// The internet, with IPv6 too, and another host on a wire of its own.
fn surroundings() {
    uplink();
    run("ip", &format!("addr add {}/64 dev wan0 nodad", MACHINE.1));
    run("ip", "-n internet addr add 2a00:113::fe/64 dev wan0 nodad");
    run("ip", &format!("-n internet addr add {}/128 dev lo nodad", STRANGER.1));
    run("ip", "route add default via 2a00:113::fe");
    // To be able to answer guests, and to lie to them.
    run("ip", "-n internet route add 198.18.0.0/16 via 203.0.113.1");
    run("ip", "-n internet route add 2a00:1111::/32 via 2a00:113::1");
    namespace::ensure("host-2").unwrap();
    run("ip", "link add wire type veth peer name wire netns host-2");
    run("ip", &format!("addr add {}/24 dev wire", UNDERLAY[0]));
    run("ip", &format!("-n host-2 addr add {}/24 dev wire", UNDERLAY[1]));
    run("ip", "link set wire up");
    run("ip", "-n host-2 link set wire up");
}

fn route(to: &str, target: RouteTargetPlan) -> RoutePlan {
    RoutePlan { destination: cidr(to), target }
}

/// The plan of this host: as open as can be.
fn plan() -> Cloud {
    let mut cloud = Cloud::new();
    let everything = || vec![anything(), rule("-1", (-1, -1), from("::/0"))];
    let few = vec![
        rule("udp", (53, 53), from("0.0.0.0/0")),
        rule("udp", (53, 53), from("::/0")),
        rule("tcp", (80, 80), from("0.0.0.0/0")),
        rule("tcp", (80, 80), from("::/0")),
    ];
    let peering = PeeringId::from_random(9);
    let third = VpcPlan {
        id: vpc_id(3),
        cidrs: vec!["10.3.0.0/16".parse().unwrap()],
        number: 3,
        ..cloud.0.vpc(vpc_id(1)).unwrap().clone()
    };
    let subnet = SubnetPlan {
        id: subnet_id(4),
        vpc: third.id,
        cidr: "10.3.1.0/24".parse().unwrap(),
        ..cloud.0.subnet(subnet_id(1)).unwrap().clone()
    };
    cloud.0.pieces.insert(PieceKey::Vpc(third.id), Piece::Vpc(third));
    cloud.0.pieces.insert(PieceKey::Subnet(subnet.id), Piece::Subnet(subnet));
    let pair = PeeringPlan { id: peering, vpcs: [vpc_id(1), vpc_id(3)], dns: [true, true] };
    cloud.0.pieces.insert(PieceKey::Peering(peering), Piece::Peering(pair));
    for number in [1, 2, 3] {
        let Some(Piece::Vpc(vpc)) = cloud.0.pieces.get_mut(&PieceKey::Vpc(vpc_id(number))) else { panic!() };
        vpc.ipv6 = vec![format!("2a00:1111:{number}::/56").parse().unwrap()];
    }
    for (number, vpc) in [(1, 1), (2, 1), (3, 2), (4, 3)] {
        cloud.edit_subnet(number, |subnet| {
            subnet.ipv6 = format!("2a00:1111:{vpc}:{number}::/64").parse().ok();
            subnet.routes.push(route("::/0", RouteTargetPlan::InternetGateway));
            if vpc != 2 {
                let other = if vpc == 1 { 3 } else { 1 };
                subnet.routes.push(route(&format!("10.{other}.0.0/16"), RouteTargetPlan::Peering(peering)));
                subnet.routes.push(route(&format!("2a00:1111:{other}::/56"), RouteTargetPlan::Peering(peering)));
            }
            for rules in [&mut subnet.acl_ingress, &mut subnet.acl_egress] {
                rules.push(acl(101, true, "-1", (-1, -1), "::/0"));
            }
        });
    }
    cloud.group(1, 1, everything(), everything()).group(2, 1, few, everything());
    cloud.group(4, 2, vec![], everything()).group(6, 3, everything(), everything());
    for (number, subnet, group) in
        [(BAD, 1, 1), (VICTIM, 1, 1), (CLOSED, 2, 2), (DOUBLE, 3, 4), (REMOTE, 2, 1), (PEER, 4, 6)]
    {
        let public = (number != REMOTE).then(|| public(number).to_string());
        cloud.port(number, subnet, &[group], public.as_deref());
        cloud.edit_port(number, |port| {
            assert_eq!(port.addresses, [v4(number)]);
            port.ipv6 = vec![v6(number)];
        });
    }
    let host = HostId::from_random(2);
    cloud.edit_port(REMOTE, |port| port.location = PortLocation::Remote { host, address: UNDERLAY[1] });
    cloud
}

/// What the kernel believes of a network's neighbours and ways. The way of all multicast by a link is the kernel's own: it
/// comes whenever the link is noticed to be up.
fn beliefs(namespace: &str) -> Vec<String> {
    ["neigh show nud permanent", "-6 route show table all", "route show table all"]
        .iter()
        .flat_map(|what| {
            let told = run("ip", &format!("-n {namespace} {what}"));
            told.lines().filter(|line| !line.starts_with("multicast ff00::/8 ")).map(str::to_owned).collect::<Vec<_>>()
        })
        .collect()
}

/// Honest packets of all the kinds that are forged here arrive: the eyes see, and the guards let live.
#[test]
fn honest_packets_arrive() {
    on_own_machine("attack::honest_packets_arrive", || {
        let stage = Stage::new();
        let data = b"honest data";
        let to = |target: Ipv4Addr, protocol, segment| vec![Stage::ip(&ipv4(v4(BAD), target, protocol, segment))];
        let to_v6 = |target: Ipv6Addr, protocol, segment| vec![Stage::ip(&ipv6(v6(BAD), target, protocol, segment))];
        let echo = |kind| icmp(kind, 0, [0, 1, 0, 1], data);
        for (what, frames, at) in [
            ("UDP", to(v4(VICTIM), UDP, udp((7, 7), data)), "victim"),
            ("TCP", to(v4(VICTIM), TCP, tcp((7, 7), 2, data)), "victim"),
            ("an echo", to(v4(VICTIM), ICMP, echo(8)), "victim"),
            ("a protocol of tunnels", to(v4(VICTIM), 47, data.to_vec()), "victim"),
            ("a port that is open", to(v4(CLOSED), UDP, udp((7, 53), data)), "closed"),
            ("to another host", to(v4(REMOTE), UDP, udp((7, 7), data)), "wire"),
            ("to the peer", to(v4(PEER), UDP, udp((7, 7), data)), "peer"),
            ("to the internet", to(STRANGER.0, UDP, udp((7, 7), data)), "wan0"),
            ("to a public address", to(public(VICTIM), UDP, udp((7, 7), data)), "victim"),
            ("IPv6: UDP", to_v6(v6(VICTIM), UDP, udp((7, 7), data)), "victim"),
            ("IPv6: TCP", to_v6(v6(VICTIM), TCP, tcp((7, 7), 2, data)), "victim"),
            ("IPv6: an echo", to_v6(v6(VICTIM), ICMPV6, echo(128)), "victim"),
            ("IPv6: to another host", to_v6(v6(REMOTE), UDP, udp((7, 7), data)), "wire"),
            ("IPv6: to the peer", to_v6(v6(PEER), UDP, udp((7, 7), data)), "peer"),
            ("IPv6: to the internet", to_v6(STRANGER.1, UDP, udp((7, 7), data)), "wan0"),
            ("IPv6: to the other network", to_v6(v6(DOUBLE), UDP, udp((7, 7), data)), "lf-2"),
        ] {
            stage.arrives(what, "bad", &frames, at);
        }
        let behind =
            |headers: &[Header]| vec![Stage::ip(&ipv6_behind(v6(BAD), v6(VICTIM), headers, UDP, udp((7, 7), data)))];
        stage.arrives("behind options", "bad", &behind(&[hop_by_hop(), options()]), "victim");
        stage.arrives("an atomic fragment", "bad", &behind(&[fragment(0, false)]), "victim");
        stage.arrives(
            "in fragments",
            "bad",
            &hidden::in_fragments(&udp((7, 7), &[data, &[b'x'; 21][..]].concat())),
            "victim",
        );
        stage.arrives(
            "IPv6: in fragments",
            "bad",
            &hidden::in_fragments_v6(v6(VICTIM), UDP, udp((7, 7), &[data, &[b'x'; 21][..]].concat())),
            "victim",
        );
    });
}
