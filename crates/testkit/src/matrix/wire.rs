//! The machine that carries the packets: the network driver as hosts have it, with an uplink whose other end is the test.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::IpAddr;
use std::os::fd::AsFd;
use std::process::Command;
use std::time::{Duration, Instant};

use landfall_cloud::reach::Packet;
use landfall_model::agent::{Secret, TunnelKey};
use landfall_model::plan::{HostPlan, PortLocation};
use landfall_model::{Cidr, InterfaceId, Mac, VpnConnectionId};
use landfall_node::driver::{Network, Tunnels};
use landfall_node::metadata::names;
use landfall_node::network::inside::GATEWAY_MAC;
use landfall_node::network::{HostNetwork, NetworkConfig, namespace, tap};
use landfall_node::vpn::{StrongSwan, VpnConfig};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::Seen;
use super::frame::{self, Token};
use super::office::{self, Office};
use crate::topology;

/// Where a packet may come out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// At an interface.
    Interface(InterfaceId),
    /// On the machine's uplink.
    Internet,
    /// In the office at the other end of a VPN.
    Vpn(VpnConnectionId),
}

const UPLINK: &str = "inet0";
/// The hardware address of whoever is at the other end of the uplink.
const OUTSIDE: Mac = Mac([0x06, 0, 0, 0, 0, 9]);
/// How long nothing may come before all has come. Forwarding ends in the call that sends, but for what another
/// processor was given.
const QUIET: Duration = Duration::from_millis(40);
/// How long what is expected is waited for: on a busy machine a packet takes its time.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long an exchange may take at most.
const LIMIT: Duration = Duration::from_secs(180);

/// How often a packet is passed on by routers before it is given up.
const FAR: u8 = 8;

/// The end of a link.
pub struct Port {
    /// The link.
    pub tap: File,
    /// The hardware address of this end.
    pub mac: Mac,
    /// That of the other.
    pub peer: Mac,
    /// The addresses of whoever is at this end.
    pub addresses: BTreeSet<IpAddr>,
    /// Whether they pass on what isn't for them.
    pub routes: bool,
}

/// The machine.
pub struct Wire {
    network: HostNetwork,
    tunnels: StrongSwan,
    offices: Vec<Office>,
    ports: BTreeMap<Place, Port>,
    /// Probes that were sent before: their flows may be remembered, so numbers aren't used twice.
    sent: u32,
    /// How often each packet of this exchange was passed on by a router.
    passed: BTreeMap<Token, u8>,
}

impl Wire {
    /// A machine with an uplink and no networks.
    pub fn new() -> io::Result<Self> {
        for line in [
            "mount -t tmpfs none /run",
            "ip link set lo up",
            "sysctl -qw net.ipv4.conf.all.rp_filter=0",
            "sysctl -qw net.ipv6.conf.default.accept_dad=0",
        ] {
            run(line)?;
        }
        tap::create(UPLINK)?;
        let tap = File::from(tap::open(UPLINK)?);
        for line in [
            "ip link set inet0 up",
            "ip addr add 192.0.2.2/24 dev inet0",
            "ip neigh add 192.0.2.1 lladdr 06:00:00:00:00:09 dev inet0 nud permanent",
            "ip route add default via 192.0.2.1",
            "ip addr add 2001:db8:eeee::2/64 dev inet0 nodad",
            "ip neigh add 2001:db8:eeee::1 lladdr 06:00:00:00:00:09 dev inet0 nud permanent",
            "ip route add default via 2001:db8:eeee::1",
        ] {
            run(line)?;
        }
        let mac = std::fs::read_to_string(format!("/sys/class/net/{UPLINK}/address")).ok();
        let mac = match mac.and_then(|text| text.trim().parse().ok()) {
            Some(mac) => mac,
            None => link_mac()?,
        };
        let mut config = NetworkConfig::new("/run/landfall".into());
        config.masquerade = false;
        config.uplink = Some(UPLINK.into());
        // Where AWS's internet gateways don't lead (RFC 1918), and a provider's may: it is a setting.
        for (first, prefix) in [([10, 0, 0, 0], 8), ([172, 16, 0, 0], 12), ([192, 168, 0, 0], 16)] {
            config.blocked.extend(Cidr::new(IpAddr::from(first), prefix));
        }
        let outside = Port { tap, mac: OUTSIDE, peer: mac, addresses: BTreeSet::new(), routes: false };
        let ports = BTreeMap::from([(Place::Internet, outside)]);
        let settings = VpnConfig::new(config.runtime_dir.join("vpn"), config.prefix.clone());
        let (network, tunnels) = (HostNetwork::new(config), StrongSwan::new(settings));
        Ok(Self { network, tunnels, offices: vec![], ports, sent: 0, passed: BTreeMap::new() })
    }

    /// Makes the machine as a plan says, and opens its ports. What isn't for them, routers send back.
    pub fn apply(&mut self, plan: &HostPlan, routers: &BTreeSet<InterfaceId>) -> Result<(), String> {
        self.ports.retain(|place, _| *place == Place::Internet);
        if !self.offices.is_empty() {
            self.tunnels.apply(&HostPlan::default(), &keys).map_err(|error| format!("ending tunnels: {error}"))?;
            self.offices.clear();
        }
        self.network.apply(plan).map_err(|error| format!("applying: {error}"))?;
        for port in plan.ports().filter(|port| matches!(port.location, PortLocation::Here(_))) {
            let open = self.network.open(port.id).map_err(|error| format!("{}: {error}", port.id))?;
            let tap = File::from(open.tap.ok_or("a port without a TAP")?);
            let addresses = port.addresses.iter().map(|address| IpAddr::V4(*address));
            let addresses = addresses.chain(port.ipv6.iter().map(|address| IpAddr::V6(*address))).collect();
            let routes = routers.contains(&port.id);
            let port_of = Port { tap, mac: port.mac, peer: GATEWAY_MAC, addresses, routes };
            self.ports.insert(Place::Interface(port.id), port_of);
        }
        let numbers = plan.vpcs().map(|vpc| vpc.number).chain(plan.transit_gateways().map(|gateway| gateway.number));
        for number in numbers {
            let name = names::namespace(names::NAMESPACE_PREFIX, number);
            let ready = namespace::within(&name, wait_until_links_run);
            ready.map_err(|error| format!("the links of {name}: {error}"))?;
        }
        wait_until_links_run().map_err(|error| format!("the machine's links: {error}"))
    }

    /// Opens the offices of a plan that was applied, those that call, and waits until their tunnels are up. Returns how long
    /// that took.
    pub fn open_offices(&mut self, plan: &HostPlan, offices: &[topology::Office]) -> Result<Duration, String> {
        let begun = Instant::now();
        if offices.is_empty() {
            return Ok(Duration::ZERO);
        }
        let apply = |wire: &Self| wire.tunnels.apply(plan, &keys).map_err(|error| format!("ending tunnels: {error}"));
        apply(self)?;
        let calling = offices.iter().filter(|office| office.is_up);
        for (number, office) in (0..).zip(calling.clone()) {
            let opened = Office::open(number, office).map_err(|error| format!("the office of {}: {error}", office.vpn));
            let (opened, port) = opened?;
            self.offices.push(opened);
            self.ports.insert(Place::Vpn(office.vpn), port);
        }
        loop {
            let seen = apply(self)?;
            let is_up = |office: &topology::Office| {
                let mut tunnels = seen.iter().filter(|vpn| vpn.id == office.vpn).flat_map(|vpn| &vpn.tunnels);
                tunnels.any(|tunnel| tunnel.up && tunnel.outside == office.outside)
            };
            if calling.clone().all(is_up) {
                return Ok(begun.elapsed());
            }
            if begun.elapsed() > LIMIT {
                return Err(format!("tunnels don't come up: {seen:?}"));
            }
            std::thread::sleep(QUIET);
        }
    }

    /// Takes everything away again.
    pub fn clear(&mut self) -> Result<(), String> {
        self.apply(&HostPlan::default(), &BTreeSet::new())
    }

    /// Sends all packets, answers what arrives, and says what became of each. What is expected is waited for, and then a
    /// while for what isn't.
    pub fn exchange(&mut self, packets: &[(Place, Packet)], expected: &[Seen]) -> Result<Vec<Seen>, String> {
        let first = self.sent;
        self.passed.clear();
        self.sent += u32::try_from(packets.len()).map_err(|error| error.to_string())?;
        let mut seen = vec![Seen::default(); packets.len()];
        for (probe, (from, packet)) in (first..).zip(packets) {
            self.send(*from, *packet, Token { probe, answer: false })?;
            self.collect(first, packets, &mut seen, Duration::ZERO)?;
        }
        let begun = Instant::now();
        loop {
            let came = self.collect(first, packets, &mut seen, QUIET)?;
            let waited = begun.elapsed();
            let complete = seen.iter().zip(expected).all(|(seen, expected)| seen.has(expected));
            if !came && (complete || waited > PATIENCE) {
                return Ok(seen);
            }
            if waited > LIMIT {
                return Err("packets go round and round".into());
            }
        }
    }

    fn send(&mut self, from: Place, packet: Packet, token: Token) -> Result<(), String> {
        let Some(port) = self.ports.get_mut(&from) else { return Ok(()) };
        let frame = frame::build(packet, token, port.mac, port.peer);
        port.tap.write_all(&frame).map_err(|error| format!("sending from {from:?}: {error}"))
    }

    /// Takes what has come, waiting for it that long. Returns whether anything had.
    fn collect(
        &mut self,
        first: u32,
        packets: &[(Place, Packet)],
        seen: &mut [Seen],
        wait: Duration,
    ) -> Result<bool, String> {
        let places: Vec<Place> = self.ports.keys().copied().collect();
        let mut polled: Vec<_> =
            self.ports.values().map(|port| PollFd::new(port.tap.as_fd(), PollFlags::POLLIN)).collect();
        let timeout = PollTimeout::try_from(wait).map_err(|error| error.to_string())?;
        if poll(&mut polled, timeout).map_err(|error| error.to_string())? == 0 {
            return Ok(false);
        }
        let ready: Vec<Place> =
            places.iter().zip(&polled).filter(|(_, fd)| fd.any() == Some(true)).map(|(place, _)| *place).collect();
        drop(polled);
        for place in ready {
            let mut frame = [0; 2048];
            let Some(port) = self.ports.get_mut(&place) else { continue };
            let Ok(length) = port.tap.read(&mut frame) else { continue };
            let Some((packet, token)) = frame::read(&frame[..length]) else { continue };
            let (own, routes) = (port.addresses.contains(&packet.destination), port.routes);
            // What was sent for an earlier topology comes late.
            let Some(index) = token.probe.checked_sub(first).map(|index| index as usize) else { continue };
            let Some((from, question)) = packets.get(index) else { continue };
            if !own && matches!(place, Place::Interface(_)) {
                // Real ones count down how far a packet may go.
                let passed = self.passed.entry(token).or_default();
                *passed += 1;
                if routes && *passed < FAR {
                    self.send(place, packet, token)?;
                }
            } else if token.answer {
                seen[index].answered |= place == *from && question.answer() == Some(packet);
            } else {
                seen[index].arrived = Some(place);
                if let Some(answer) = packet.answer() {
                    self.send(place, answer, Token { answer: true, ..token })?;
                }
            }
        }
        Ok(true)
    }
}

/// A link that was just opened takes packets only after the kernel has noticed, and until then it drops them.
fn wait_until_links_run() -> io::Result<()> {
    let begun = Instant::now();
    loop {
        let output = Command::new("ip").args(["-br", "link"]).output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let idle = text.lines().find(|line| !line.starts_with("lo ") && line.split_whitespace().nth(1) != Some("UP"));
        match idle {
            None => return Ok(()),
            Some(line) if begun.elapsed() > PATIENCE => return Err(io::Error::other(line.to_owned())),
            Some(_) => std::thread::sleep(Duration::from_millis(2)),
        }
    }
}

/// The uplink's hardware address as `ip` tells it, where the machine's own list of links is shown.
fn link_mac() -> io::Result<Mac> {
    let output = Command::new("ip").args(["-o", "link", "show", UPLINK]).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mac = text.split_whitespace().skip_while(|word| *word != "link/ether").nth(1);
    mac.and_then(|mac| mac.parse().ok()).ok_or_else(|| io::Error::other("the uplink has no hardware address"))
}

/// The keys of a VPN's two tunnels.
fn keys(_: VpnConnectionId) -> landfall_node::driver::DriverResult<Vec<TunnelKey>> {
    let key = || TunnelKey { version: 1, key: Secret(office::KEY.into()) };
    Ok(vec![key(), key()])
}

/// Runs a command.
pub fn run(line: &str) -> io::Result<()> {
    let mut words = line.split_whitespace();
    let output = Command::new(words.next().unwrap_or_default()).args(words).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!("{line}: {}", String::from_utf8_lossy(&output.stderr))))
}
