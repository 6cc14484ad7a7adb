//! DHCP (RFC 2131): one lease a port, which is its primary address. There is no pool and no state: the answer follows
//! from the plan, so that a lease can be renewed with this process, the agent and the control plane all new.
//!
//! It answers only the hardware address that the port has, and calls itself by the subnet's gateway address.

use std::net::Ipv4Addr;

use dhcproto::v4::{DhcpOption, Message, MessageType, Opcode};
use dhcproto::{Encodable, Encoder};

use super::directory::Caller;
use super::dns::private_label;

/// How long a lease lasts, in seconds, as EC2's.
pub const LEASE_SECONDS: u32 = 3600;
/// Where guests find the time unless their network says otherwise.
pub const TIME_SERVER: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 123);

/// Old clients throw away what is shorter than a BOOTP message.
const MIN_BYTES: usize = 300;
const HEAD_BYTES: usize = 240;
const MAGIC: [u8; 4] = [99, 130, 83, 99];
const PAD: u8 = 0;
const END: u8 = 255;

/// A message to send, and where to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The message.
    pub bytes: Vec<u8>,
    /// The client's address, if it has one already; otherwise it is broadcast.
    pub unicast: Option<Ipv4Addr>,
}

/// Answers what came in by the caller's port.
pub fn answer(caller: &Caller<'_>, packet: &[u8]) -> Option<Reply> {
    let request = Request::parse(packet, caller.port.mac.0)?;
    let address = *caller.port.addresses.first()?;
    let server = caller.port.gateway();
    if request.server.is_some_and(|other| other != server) {
        return None;
    }
    let kind = match request.kind {
        MessageType::Discover => MessageType::Offer,
        MessageType::Request if request.asked.unwrap_or(request.ciaddr) == address => MessageType::Ack,
        MessageType::Request => MessageType::Nak,
        MessageType::Inform if request.ciaddr == address => MessageType::Ack,
        // A release or a refusal changes nothing: the address stays the port's.
        _ => return None,
    };
    let none = Ipv4Addr::UNSPECIFIED;
    let mut reply = Message::new_with_id(request.number, none, none, none, request.relay, &caller.port.mac.0);
    reply.set_opcode(Opcode::BootReply).set_flags(request.flags.into());
    reply.opts_mut().insert(DhcpOption::MessageType(kind));
    reply.opts_mut().insert(DhcpOption::ServerIdentifier(server));
    if let Some(id) = &request.client {
        reply.opts_mut().insert(DhcpOption::ClientIdentifier(id.clone()));
    }
    if kind != MessageType::Nak {
        reply.set_ciaddr(request.ciaddr);
        let mut options = configuration(caller, address);
        if request.kind != MessageType::Inform {
            reply.set_yiaddr(address);
            options.extend(lease());
        }
        for option in options {
            reply.opts_mut().insert(option);
        }
    }
    let mut bytes = Vec::with_capacity(MIN_BYTES);
    reply.encode(&mut Encoder::new(&mut bytes)).ok()?;
    bytes.resize(bytes.len().max(MIN_BYTES), 0);
    let unicast = (kind != MessageType::Nak && request.ciaddr == address).then_some(address);
    Some(Reply { bytes, unicast })
}

/// What matters of a client's message. It is read by hand: the codec's decoder panics on some malformed options (a rapid
/// commit that has a length, a hardware address that is longer than its field), and guests are hostile.
struct Request {
    number: u32,
    flags: u16,
    ciaddr: Ipv4Addr,
    relay: Ipv4Addr,
    kind: MessageType,
    asked: Option<Ipv4Addr>,
    server: Option<Ipv4Addr>,
    client: Option<Vec<u8>>,
}

impl Request {
    /// Reads a message of the client with that hardware address.
    fn parse(packet: &[u8], mac: [u8; 6]) -> Option<Self> {
        let (head, options) = packet.split_first_chunk::<HEAD_BYTES>()?;
        let from_client = head[..3] == [1, 1, 6];
        if !from_client || head[28..34] != mac || head[236..240] != MAGIC {
            return None;
        }
        let address = |at: usize| Ipv4Addr::new(head[at], head[at + 1], head[at + 2], head[at + 3]);
        let mut request = Self {
            number: u32::from_be_bytes([head[4], head[5], head[6], head[7]]),
            flags: u16::from_be_bytes([head[10], head[11]]),
            ciaddr: address(12),
            relay: address(24),
            kind: MessageType::Unknown(0),
            asked: None,
            server: None,
            client: None,
        };
        let mut rest = options;
        loop {
            match *rest {
                // The end may be missing where the packet ends.
                [] | [END, ..] => return Some(request),
                [PAD, ref tail @ ..] => rest = tail,
                [code, size, ref tail @ ..] => {
                    let (value, tail) = tail.split_at_checked(size.into())?;
                    request.read(code, value);
                    rest = tail;
                }
                [_] => return None,
            }
        }
    }

    fn read(&mut self, code: u8, value: &[u8]) {
        let address = || <[u8; 4]>::try_from(value).ok().map(Ipv4Addr::from);
        match code {
            50 => self.asked = address(),
            53 => self.kind = value.first().copied().unwrap_or(0).into(),
            54 => self.server = address(),
            61 => self.client = Some(value.to_vec()),
            _ => {}
        }
    }
}

fn lease() -> [DhcpOption; 3] {
    [
        DhcpOption::AddressLeaseTime(LEASE_SECONDS),
        DhcpOption::Renewal(LEASE_SECONDS / 2),
        DhcpOption::Rebinding(LEASE_SECONDS / 8 * 7),
    ]
}

fn configuration(caller: &Caller<'_>, address: Ipv4Addr) -> Vec<DhcpOption> {
    let (network, port) = (caller.network, caller.port);
    let cidr = port.subnet_cidr;
    let mask = u32::MAX.checked_shl(32 - u32::from(cidr.prefix())).unwrap_or(0);
    let mut options = vec![
        DhcpOption::SubnetMask(mask.into()),
        DhcpOption::Router(vec![port.gateway()]),
        DhcpOption::BroadcastAddr(cidr.last()),
        DhcpOption::InterfaceMtu(port.mtu),
        DhcpOption::Hostname(private_label(address)),
        DhcpOption::NtpServers(or(&network.ntp_servers, Some(TIME_SERVER))),
    ];
    let resolvers = or(&network.domain_name_servers, network.resolver().filter(|_| network.tells_resolver()));
    if !resolvers.is_empty() {
        options.push(DhcpOption::DomainNameServer(resolvers));
    }
    if !network.domain_name.is_empty() {
        options.push(DhcpOption::DomainName(network.domain_name.clone()));
    }
    if !network.dhcp.netbios_name_servers.is_empty() {
        options.push(DhcpOption::NetBiosNameServers(network.dhcp.netbios_name_servers.clone()));
    }
    options.extend(network.dhcp.netbios_node_type.map(|kind| DhcpOption::NetBiosNodeType(kind.into())));
    options
}

fn or(told: &[Ipv4Addr], own: Option<Ipv4Addr>) -> Vec<Ipv4Addr> {
    if told.is_empty() { own.into_iter().collect() } else { told.to_vec() }
}

#[cfg(test)]
mod tests {
    use dhcproto::v4::OptionCode;
    use dhcproto::{Decodable, Decoder};

    use super::super::directory::Directory;
    use super::super::plan::{ServicePlan, derive};
    use super::super::sample;
    use super::*;

    const OTHER: Ipv4Addr = Ipv4Addr::new(10, 0, 1, 200);
    const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 0, 1, 1);

    fn plan() -> ServicePlan {
        derive(&sample::host_plan(), "lf", 1450)
    }

    fn request(kind: MessageType, ciaddr: Ipv4Addr, options: &[DhcpOption]) -> Vec<u8> {
        let none = Ipv4Addr::UNSPECIFIED;
        let mut message = Message::new_with_id(77, ciaddr, none, none, none, &sample::MAC.0);
        message.opts_mut().insert(DhcpOption::MessageType(kind));
        for option in options {
            message.opts_mut().insert(option.clone());
        }
        message.to_vec().unwrap()
    }

    fn ask_of(plan: ServicePlan, packet: &[u8]) -> Option<(Message, Option<Ipv4Addr>)> {
        let directory = Directory::new(plan);
        let reply = answer(&directory.port(sample::interface_id()).unwrap(), packet)?;
        assert!(reply.bytes.len() >= MIN_BYTES);
        Some((Message::decode(&mut Decoder::new(&reply.bytes)).unwrap(), reply.unicast))
    }

    fn ask(packet: &[u8]) -> Option<(Message, Option<Ipv4Addr>)> {
        ask_of(plan(), packet)
    }

    #[test]
    fn a_discovery_is_offered_the_ports_address_and_all_that_belongs_to_it() {
        let id = DhcpOption::ClientIdentifier(vec![1, 2, 3]);
        let (offer, unicast) =
            ask(&request(MessageType::Discover, Ipv4Addr::UNSPECIFIED, std::slice::from_ref(&id))).unwrap();
        assert_eq!(unicast, None);
        assert_eq!((offer.opcode(), offer.xid(), offer.yiaddr()), (Opcode::BootReply, 77, sample::ADDRESS));
        assert_eq!(offer.chaddr(), sample::MAC.0);
        for expected in [
            DhcpOption::MessageType(MessageType::Offer),
            DhcpOption::ServerIdentifier(GATEWAY),
            DhcpOption::AddressLeaseTime(3600),
            DhcpOption::SubnetMask(Ipv4Addr::new(255, 255, 255, 0)),
            DhcpOption::Router(vec![GATEWAY]),
            DhcpOption::BroadcastAddr(Ipv4Addr::new(10, 0, 1, 255)),
            DhcpOption::DomainNameServer(vec![Ipv4Addr::new(10, 0, 0, 2)]),
            DhcpOption::DomainName("ec2.internal".into()),
            DhcpOption::Hostname("ip-10-0-1-5".into()),
            DhcpOption::InterfaceMtu(1450),
            DhcpOption::NtpServers(vec![TIME_SERVER]),
            id,
        ] {
            assert_eq!(offer.opts().get(OptionCode::from(&expected)), Some(&expected));
        }
    }

    #[test]
    fn a_request_is_granted_for_the_ports_address_only() {
        let (ask_for, ours) = (DhcpOption::RequestedIpAddress, DhcpOption::ServerIdentifier(GATEWAY));
        let none = Ipv4Addr::UNSPECIFIED;
        let ack = Some(MessageType::Ack);
        let nak = Some(MessageType::Nak);
        for (ciaddr, options, kind, unicast) in [
            (none, vec![ask_for(sample::ADDRESS), ours.clone()], ack, None),
            (none, vec![ask_for(sample::ADDRESS)], ack, None),
            (none, vec![ask_for(OTHER), ours.clone()], nak, None),
            (none, vec![ask_for(OTHER)], nak, None),
            (none, vec![], nak, None),
            (none, vec![ask_for(sample::ADDRESS), DhcpOption::ServerIdentifier(OTHER)], None, None),
            (sample::ADDRESS, vec![], ack, Some(sample::ADDRESS)),
            (OTHER, vec![], nak, None),
        ] {
            let reply = ask(&request(MessageType::Request, ciaddr, &options));
            let seen = reply.as_ref().and_then(|(message, _)| message.opts().msg_type());
            assert_eq!(seen, kind, "{ciaddr} {options:?}");
            assert_eq!(reply.as_ref().and_then(|(_, unicast)| *unicast), unicast, "{ciaddr} {options:?}");
            if kind == nak {
                assert_eq!(reply.unwrap().0.yiaddr(), none);
            }
        }
    }

    #[test]
    fn information_comes_without_a_lease_and_a_release_is_passed_over() {
        let (reply, unicast) = ask(&request(MessageType::Inform, sample::ADDRESS, &[])).unwrap();
        assert_eq!((reply.yiaddr(), unicast), (Ipv4Addr::UNSPECIFIED, Some(sample::ADDRESS)));
        assert_eq!(reply.opts().get(OptionCode::AddressLeaseTime), None);
        assert!(reply.opts().get(OptionCode::Router).is_some());
        for kind in [MessageType::Release, MessageType::Decline, MessageType::Offer] {
            assert!(ask(&request(kind, sample::ADDRESS, &[])).is_none(), "{kind:?}");
        }
    }

    #[test]
    fn the_networks_own_options_win() {
        let mut plan = plan();
        let network = plan.networks.get_mut(&7).unwrap();
        network.domain_name_servers = vec![OTHER];
        network.ntp_servers = vec![OTHER];
        network.domain_name = String::new();
        network.dns_support = false;
        network.dhcp.netbios_name_servers = vec![OTHER];
        network.dhcp.netbios_node_type = Some(2);
        let (offer, _) = ask_of(plan, &request(MessageType::Discover, Ipv4Addr::UNSPECIFIED, &[])).unwrap();
        assert_eq!(offer.opts().get(OptionCode::DomainNameServer), Some(&DhcpOption::DomainNameServer(vec![OTHER])));
        assert_eq!(offer.opts().get(OptionCode::NtpServers), Some(&DhcpOption::NtpServers(vec![OTHER])));
        assert_eq!(offer.opts().get(OptionCode::DomainName), None);
        for expected in
            [DhcpOption::NetBiosNameServers(vec![OTHER]), DhcpOption::NetBiosNodeType(dhcproto::v4::NodeType::P)]
        {
            assert_eq!(offer.opts().get(OptionCode::from(&expected)), Some(&expected));
        }
    }

    #[test]
    fn our_resolver_is_told_where_it_answers_and_nothing_else_is_asked_for() {
        let told = |change: &dyn Fn(&mut crate::metadata::plan::NetworkService)| {
            let mut plan = plan();
            change(plan.networks.get_mut(&7).unwrap());
            let (offer, _) = ask_of(plan, &request(MessageType::Discover, Ipv4Addr::UNSPECIFIED, &[])).unwrap();
            offer.opts().get(OptionCode::DomainNameServer).is_some()
        };
        assert!(told(&|_| {}));
        assert!(!told(&|network| network.dns_support = false));
        assert!(!told(&|network| network.dhcp.resolver = false));
        assert!(!told(&|network| network.dhcp.domain_name_servers_ipv6 = vec![std::net::Ipv6Addr::LOCALHOST]));
    }

    #[test]
    fn nothing_else_is_answered() {
        let good = request(MessageType::Discover, Ipv4Addr::UNSPECIFIED, &[]);
        for place in [0, 1, 2, 28, 33, 236] {
            let mut bad = good.clone();
            bad[place] ^= 0x40;
            assert!(ask(&bad).is_none(), "byte {place}");
        }
        for end in 0..HEAD_BYTES {
            assert!(ask(&good[..end]).is_none(), "{end}");
        }
        // No byte of the options brings the parser down: the codec's does come down for some of these.
        for place in HEAD_BYTES..good.len() {
            for value in 0..=255 {
                let mut bad = good.clone();
                bad[place] = value;
                let _ = ask(&bad);
            }
        }
    }
}
