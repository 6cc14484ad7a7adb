//! IPv6 on the wire: the guest's own kernel takes the advertisement, and clients of its kind get their leases.

use std::net::{IpAddr, Ipv6Addr, SocketAddrV6};

use dhcproto::v6::{DhcpOption, DhcpOptions, IANA, Message, MessageType};

use super::*;

const METADATA_IPV6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
const RESOLVER_IPV6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x253);

fn address(number: u32) -> Ipv6Addr {
    Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 0, 0, 0, u16::try_from(number).unwrap())
}

fn setting(name: &str, value: &str) {
    std::fs::write(Path::new("/proc/sys/net/ipv6").join(name), value).unwrap();
}

impl World {
    /// What the network driver does for IPv6 in a namespace.
    fn enable_ipv6(&self, number: u32) {
        let network = self.network(number);
        within(&Path::new("/run/netns").join(&network), || {
            setting("conf/all/disable_ipv6", "0");
            setting("conf/default/disable_ipv6", "0");
            setting("conf/all/forwarding", "1");
        });
        for last in ["253", "254", "123"] {
            ip(&format!("-n {network} address add fd00:ec2::{last}/128 dev lo nodad"));
        }
    }

    /// What the network driver does for IPv6 at a port.
    fn add_ipv6_guest(&mut self, network: u32, number: u32) {
        let (name, device) = (self.network(network), port_device(interface(number)));
        self.add_guest_to(network, number);
        within(&self.guest(number), || {
            setting("conf/all/disable_ipv6", "0");
            setting("conf/eth0/disable_ipv6", "0");
            setting("conf/eth0/accept_ra", "1");
            setting("conf/eth0/accept_dad", "0");
        });
        ip(&format!("-n {name} link set {device} addrgenmode none address 02:00:00:00:00:01"));
        ip(&format!("-n {name} address add fe80::1/64 dev {device} nodad"));
        ip(&format!("-n {name} -6 route add {}/128 dev {device}", address(number)));
    }

    fn ipv6_plan(&self, networks: &[u32], guests: &[(u32, u32)]) -> ServicePlan {
        let mut plan = self.plan(&[]);
        for number in networks {
            let mut network = network_service(self.network(*number));
            network.ipv6 = vec!["2001:db8::/56".parse().unwrap()];
            plan.networks.insert(*number, network);
        }
        for (network, number) in guests {
            let mut service = instance_service(*number);
            service.metadata.options.ipv6 = true;
            let port = &mut service.ports[0];
            port.network = *network;
            port.addresses = vec![Ipv4Addr::new(10, 0, 1, 4 + u8::try_from(*number).unwrap())];
            port.ipv6 = vec![address(*number)];
            port.subnet_ipv6 = "2001:db8:0:1::/64".parse().ok();
            plan.instances.insert(instance(*number), service);
        }
        plan
    }
}

fn shown(arguments: &str) -> String {
    let done = Command::new("ip").args(arguments.split_whitespace()).output().unwrap();
    String::from_utf8_lossy(&done.stdout).into_owned()
}

/// Says something to the servers on the link, and returns what they answer.
fn lease(number: u32, kind: MessageType, options: &[DhcpOption]) -> Option<Message> {
    lease_of(mac(number), kind, options)
}

/// The same, as the machine with that hardware address.
pub fn lease_of(mac: Mac, kind: MessageType, options: &[DhcpOption]) -> Option<Message> {
    lease_within(mac, kind, options, PATIENCE)
}

/// The same, given up after a while.
fn lease_within(mac: Mac, kind: MessageType, options: &[DhcpOption], time: Duration) -> Option<Message> {
    let index = nix::net::if_::if_nametoindex("eth0").unwrap();
    let socket = Socket::new(Domain::IPV6, Type::DGRAM, Some(Protocol::UDP)).unwrap();
    socket.set_only_v6(true).unwrap();
    socket.set_reuse_address(true).unwrap();
    socket.set_multicast_if_v6(index).unwrap();
    socket.bind(&SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, 546, 0, 0).into()).unwrap();
    let socket = UdpSocket::from(socket);
    socket.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let [_, number @ ..] = new_transaction().to_be_bytes();
    let mut message = Message::new_with_id(kind, number);
    message.opts_mut().insert(DhcpOption::ClientId([&[0, 3, 0, 1], &mac.0[..]].concat()));
    message.opts_mut().insert(DhcpOption::IANA(IANA { id: 1, t1: 0, t2: 0, opts: DhcpOptions::new() }));
    for option in options {
        message.opts_mut().insert(option.clone());
    }
    let servers = SocketAddrV6::new("ff02::1:2".parse().unwrap(), 547, 0, index);
    let mut buffer = [0; 1500];
    let end = Instant::now() + time;
    while Instant::now() < end {
        let _ = socket.send_to(&message.to_vec().unwrap(), servers);
        while let Ok((size, from)) = socket.recv_from(&mut buffer) {
            assert_eq!(from.ip(), "fe80::1".parse::<IpAddr>().unwrap());
            let answer = Message::decode(&mut Decoder::new(&buffer[..size])).unwrap();
            if answer.xid() == message.xid() {
                return Some(answer);
            }
        }
    }
    None
}

pub fn leased(message: &Message) -> Vec<Ipv6Addr> {
    let associations = message.opts().iter().filter_map(|option| match option {
        DhcpOption::IANA(association) => Some(association),
        _ => None,
    });
    let addresses = associations.flat_map(|association| association.opts.iter()).filter_map(|option| match option {
        DhcpOption::IAAddr(address) => Some(address.addr),
        _ => None,
    });
    addresses.collect()
}

pub fn http_ipv6(request: &str) -> Option<String> {
    let mut stream = TcpStream::connect_timeout(&(METADATA_IPV6, 80).into(), PATIENCE).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(format!("{request}\r\nHost: x\r\n\r\n").as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    Some(String::from_utf8_lossy(&answer).into_owned())
}

#[test]
fn a_guest_finds_its_router_its_addresses_and_all_services_over_ipv6() {
    if !can_run("ipv6") {
        return;
    }
    let mut world = World::new(upstream());
    world.add_network(1);
    world.enable_ipv6(1);
    for number in [1, 2] {
        world.add_ipv6_guest(1, number);
    }
    world.start();
    let plan = world.ipv6_plan(&[1], &[(1, 1), (1, 2)]);
    assert_eq!(world.client.feed(&plan).unwrap(), [""; 0]);
    for number in [1, 2] {
        let guest = world.guest(number);
        let routes = format!("-n {} -6 route show default", guest.file_name().unwrap().to_str().unwrap());
        let route = until("the default route", || Some(shown(&routes)).filter(|text| text.contains("proto ra")));
        assert!(route.contains("default via fe80::1 dev eth0"), "{route}");
        let all = shown(&routes.replace(" show default", ""));
        assert!(!all.contains("2001:db8"), "the block is not on the link: {all}");
        within(&guest, || {
            let mtu = std::fs::read_to_string("/proc/sys/net/ipv6/conf/eth0/mtu").unwrap();
            assert_eq!(mtu.trim(), "1450");
            let offer = lease(number, MessageType::Solicit, &[]).expect("an advertisement");
            assert_eq!((offer.msg_type(), leased(&offer)), (MessageType::Advertise, vec![address(number)]));
            let server = offer.opts().iter().find(|option| matches!(option, DhcpOption::ServerId(_))).unwrap().clone();
            let reply = lease(number, MessageType::Request, &[server]).expect("a lease");
            assert_eq!((reply.msg_type(), leased(&reply)), (MessageType::Reply, vec![address(number)]));
            let quick = lease(number, MessageType::Solicit, &[DhcpOption::RapidCommit]).expect("a quick lease");
            assert_eq!((quick.msg_type(), leased(&quick)), (MessageType::Reply, vec![address(number)]));
        });
        ip(&format!("-n {}g{number} address add {}/128 dev eth0 nodad", world.prefix, address(number)));
        within(&guest, || {
            let seen = http_ipv6("GET /latest/meta-data/instance-id HTTP/1.1").unwrap();
            assert!(seen.ends_with(&instance(number).to_string()), "{seen}");
            let token = "PUT /latest/api/token HTTP/1.1\r\nX-aws-ec2-metadata-token-ttl-seconds: 60";
            assert!(http_ipv6(token).unwrap().contains("200 OK"));
            let server = IpAddr::from(RESOLVER_IPV6);
            assert_eq!(resolve(server, "ip-10-0-1-5.ec2.internal"), Some(ADDRESS));
            assert_eq!(resolve(server, "example.com"), Some(Ipv4Addr::new(192, 0, 2, 80)));
            assert_eq!(resolve_by_stream(server, "ip-10-0-1-5.ec2.internal"), Some(ADDRESS));
            let clock = UdpSocket::bind("[::]:0").unwrap();
            clock.set_read_timeout(Some(PATIENCE)).unwrap();
            let mut packet = [0; 48];
            packet[0] = 4 << 3 | 3;
            clock.send_to(&packet, "[fd00:ec2::123]:123").unwrap();
            assert_eq!(clock.recv(&mut packet).unwrap(), 48);
        });
    }
    // A successor has the sockets of the links too, and the endpoint goes when it isn't wanted.
    world.client.replace(|| world.spawn()).unwrap();
    let offer = within(&world.guest(1), || lease(1, MessageType::Solicit, &[])).expect("an advertisement");
    assert_eq!(leased(&offer), [address(1)]);
    let mut off = plan;
    off.instances.values_mut().for_each(|instance| instance.metadata.options.ipv6 = false);
    assert_eq!(world.client.feed(&off).unwrap(), [""; 0]);
    assert_eq!(within(&world.guest(1), || http_ipv6("GET / HTTP/1.1")).as_deref(), Some(""));
    off.instances.values_mut().for_each(|instance| instance.ports[0].ipv6.clear());
    assert_eq!(world.client.feed(&off).unwrap(), [""; 0]);
    let none = within(&world.guest(1), || lease_within(mac(1), MessageType::Solicit, &[], Duration::from_secs(3)));
    assert!(none.is_none());
}

#[test]
fn the_client_of_isc_leases_its_addresses() {
    let found = Command::new("dhclient").arg("--version").output().is_ok();
    if !can_run("dhclient") {
        return;
    }
    if !found {
        skipped("dhclient", "no dhclient (isc-dhcp-client) is installed");
        return;
    }
    let mut world = World::new(upstream());
    world.add_network(1);
    world.enable_ipv6(1);
    world.add_ipv6_guest(1, 1);
    world.start();
    assert_eq!(world.client.feed(&world.ipv6_plan(&[1], &[(1, 1)])).unwrap(), [""; 0]);
    let at = |name: &str| world.folder.path().join(name).display().to_string();
    let script = "#!/bin/sh\necho \"$reason $new_ip6_address/$new_ip6_prefixlen $new_dhcp6_name_servers $new_dhcp6_domain_search\" >> ";
    std::fs::write(at("script"), format!("{script}{}\n", at("bound"))).unwrap();
    ip(&format!("netns exec {}g1 chmod 700 {}", world.prefix, at("script")));
    let routes = format!("-n {}g1 -6 route show default", world.prefix);
    until("the default route", || Some(shown(&routes)).filter(|text| text.contains("proto ra")));
    let mut client = Command::new("ip")
        .args(["netns", "exec", &format!("{}g1", world.prefix), "dhclient", "-6", "-d", "-1"])
        .args(["-sf", &at("script"), "-lf", &at("leases"), "-pf", &at("client.pid"), "eth0"])
        .stdin(Stdio::null())
        .stderr(std::fs::File::create(at("said")).unwrap())
        .spawn()
        .unwrap();
    let end = Instant::now() + PATIENCE;
    let bound = loop {
        let text = std::fs::read_to_string(at("bound")).unwrap_or_default();
        let whole = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
        if let Some(line) = whole.into_iter().find(|line| line.starts_with("BOUND6")) {
            break line.to_owned();
        }
        if Instant::now() > end {
            let _ = client.kill();
            panic!("no lease: {}", std::fs::read_to_string(at("said")).unwrap());
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    client.kill().unwrap();
    client.wait().unwrap();
    assert_eq!(bound, "BOUND6 2001:db8:0:1::1/128 fd00:ec2::253 ec2.internal.");
}

#[test]
fn what_a_hostile_guest_sends_on_its_link_moves_nothing() {
    if !can_run("hostile") {
        return;
    }
    let mut world = World::new(upstream());
    world.add_network(1);
    world.enable_ipv6(1);
    for number in [1, 2] {
        world.add_ipv6_guest(1, number);
    }
    world.start();
    assert_eq!(world.client.feed(&world.ipv6_plan(&[1], &[(1, 1), (1, 2)])).unwrap(), [""; 0]);
    let pid = world.client.pid().unwrap();
    for number in [1, 2] {
        let routes = format!("-n {}g{number} -6 route show default", world.prefix);
        until("the default route", || Some(shown(&routes)).filter(|text| text.contains("proto ra")));
    }
    within(&world.guest(2), || {
        // The name of another is worth nothing: the port decides.
        let stolen = lease(1, MessageType::Solicit, &[DhcpOption::RapidCommit]).expect("a lease");
        assert_eq!(leased(&stolen), [address(2)]);
        let index = nix::net::if_::if_nametoindex("eth0").unwrap();
        let raw = Socket::new(Domain::IPV6, Type::RAW, Some(Protocol::ICMPV6)).unwrap();
        raw.set_multicast_if_v6(index).unwrap();
        let hears = |hops: u32, packet: &[u8], to: &str| {
            let seen = Socket::new(Domain::IPV6, Type::RAW, Some(Protocol::ICMPV6)).unwrap();
            seen.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
            let mut seen = std::fs::File::from(std::os::fd::OwnedFd::from(seen));
            raw.set_multicast_hops_v6(hops).unwrap();
            raw.set_unicast_hops_v6(hops).unwrap();
            let to = SocketAddrV6::new(to.parse().unwrap(), 0, 0, index);
            raw.send_to(packet, &to.into()).unwrap();
            let mut buffer = [0; 1500];
            while let Ok(size) = seen.read(&mut buffer) {
                if size > 0 && buffer[0] == 134 {
                    return true;
                }
            }
            false
        };
        let solicitation = [133, 0, 0, 0, 0, 0, 0, 0];
        let answered = |to: &str| until("an advertisement", || hears(255, &solicitation, to).then_some(()));
        answered("ff02::2");
        answered("fe80::1");
        // The router speaks now and then without being asked, but not each time.
        let always = |hops: u32, packet: &[u8]| (0..4).all(|_| hears(hops, packet, "ff02::2"));
        assert!(!always(64, &solicitation), "it has come from afar");
        assert!(!always(255, &[133, 0, 0, 0, 0, 0, 0, 0, 1, 0]), "an option without end");
        // Advertisements and redirects of its own: nobody else is on its link.
        for kind in [134, 136, 137] {
            let forged = [&[kind, 0, 0, 0, 64, 0, 0, 0][..], &[0; 32]].concat();
            let _ = hears(255, &forged, "ff02::1");
        }
        let noise = UdpSocket::bind("[::]:546").unwrap();
        for size in 0..300_u16 {
            let bytes: Vec<_> = (0..size).map(|at| (at.wrapping_mul(31) ^ size) as u8).collect();
            let _ = noise.send_to(&bytes, SocketAddrV6::new("fe80::1".parse().unwrap(), 547, 0, index));
        }
    });
    let offer = within(&world.guest(1), || lease(1, MessageType::Solicit, &[])).expect("an advertisement");
    assert_eq!(leased(&offer), [address(1)]);
    let again = within(&world.guest(2), || lease(2, MessageType::Solicit, &[])).expect("an advertisement");
    assert_eq!(leased(&again), [address(2)]);
    assert_eq!(world.client.pid().unwrap(), pid);
    let routes = shown(&format!("-n {}g1 -6 route show default", world.prefix));
    assert_eq!(routes.matches("default via fe80::1").count(), 1, "{routes}");
}
