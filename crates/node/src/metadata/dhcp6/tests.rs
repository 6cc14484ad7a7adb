//! DHCPv6 by tables, golden bytes, and packets of malice.

use dhcproto::v6::{DhcpOption, DhcpOptions, IAAddr, IANA, Message, MessageType, ORO, OptionCode};
use dhcproto::{Decodable, Decoder, Encodable};
use proptest::prelude::*;

use super::super::directory::Directory;
use super::super::plan::{ServicePlan, derive};
use super::super::sample;
use super::*;

const GATEWAY: Mac = Mac([2, 0, 0, 0, 0, 1]);
const CLIENT: [u8; 10] = [0, 3, 0, 1, 2, 0x11, 0x22, 0x33, 0x44, 0x55];
const SERVER: [u8; 10] = [0, 3, 0, 1, 2, 0, 0, 0, 0, 1];
const OTHER: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 7, 0x1201, 0, 0, 0, 0x99);

const VALID_S: u32 = 7200;

fn plan() -> ServicePlan {
    derive(&sample::host_plan(), "lf", 1450)
}

fn second() -> Ipv6Addr {
    Ipv6Addr::from_bits(sample::IPV6.to_bits() + 1)
}

fn ask_raw(plan: ServicePlan, packet: &[u8]) -> Option<Vec<u8>> {
    let directory = Directory::new(plan);
    answer(&directory.port(sample::interface_id()).unwrap(), GATEWAY, packet)
}

fn request(kind: MessageType, options: &[DhcpOption]) -> Vec<u8> {
    let mut message = Message::new_with_id(kind, [1, 2, 3]);
    for option in options {
        message.opts_mut().insert(option.clone());
    }
    message.to_vec().unwrap()
}

fn ask(kind: MessageType, options: &[DhcpOption]) -> Option<Message> {
    let bytes = ask_raw(plan(), &request(kind, options))?;
    let reply = Message::decode(&mut Decoder::new(&bytes)).unwrap();
    assert_eq!(reply.xid(), [1, 2, 3]);
    Some(reply)
}

fn client() -> DhcpOption {
    DhcpOption::ClientId(CLIENT.to_vec())
}

fn server() -> DhcpOption {
    DhcpOption::ServerId(SERVER.to_vec())
}

fn association(named: &[Ipv6Addr]) -> DhcpOption {
    let mut opts = DhcpOptions::new();
    for address in named {
        let opts_of = DhcpOptions::new();
        opts.insert(DhcpOption::IAAddr(IAAddr { addr: *address, preferred_life: 1, valid_life: 2, opts: opts_of }));
    }
    DhcpOption::IANA(IANA { id: 9, t1: 0, t2: 0, opts })
}

/// The addresses of the reply's associations with their valid times.
fn leased(reply: &Message) -> Vec<(Ipv6Addr, u32)> {
    let associations = reply.opts().iter().filter_map(|option| match option {
        DhcpOption::IANA(association) => Some(association),
        _ => None,
    });
    associations
        .flat_map(|association| association.opts.iter())
        .filter_map(|option| match option {
            DhcpOption::IAAddr(address) => Some((address.addr, address.valid_life)),
            _ => None,
        })
        .collect()
}

/// The status codes in the reply, outside and inside of associations.
fn statuses(reply: &Message) -> Vec<u16> {
    let code = |option: &DhcpOption| match option {
        DhcpOption::StatusCode(status) => Some(status.status.into()),
        _ => None,
    };
    let inner = reply.opts().iter().flat_map(|option| match option {
        DhcpOption::IANA(association) => association.opts.iter().filter_map(code).collect::<Vec<_>>(),
        other => code(other).into_iter().collect(),
    });
    inner.collect()
}

#[test]
fn an_advertisement_to_the_byte() {
    let asked = [
        &[1, 0xaa, 0xbb, 0xcc][..],
        &[0, 1, 0, 10],
        &CLIENT,
        &[0, 3, 0, 12, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0],
        &[0, 6, 0, 4, 0, 23, 0, 24],
        &[0, 8, 0, 2, 0, 0],
    ]
    .concat();
    let times = [0, 0, 0x0e, 0x10, 0, 0, 0x1c, 0x20];
    let expected = [
        &[2, 0xaa, 0xbb, 0xcc][..],
        &[0, 1, 0, 10],
        &CLIENT,
        &[0, 2, 0, 10],
        &SERVER,
        &[0, 7, 0, 1, 255],
        &[0, 3, 0, 68, 0, 0, 0, 9, 0, 0, 0, 70, 0, 0, 0x0b, 0x40],
        &[0, 5, 0, 24],
        &sample::IPV6.octets(),
        &times,
        &[0, 5, 0, 24],
        &second().octets(),
        &times,
        &[0, 23, 0, 16, 0xfd, 0, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0x53],
        b"\0\x18\0\x0e\x03ec2\x08internal\0",
    ]
    .concat();
    assert_eq!(ask_raw(plan(), &asked), Some(expected));
}

#[test]
fn addresses_are_leased_renewed_and_taken_back() {
    let own = [(sample::IPV6, VALID_S), (second(), VALID_S)];
    for (kind, options, answered, addresses, status) in [
        (MessageType::Solicit, vec![client(), association(&[])], MessageType::Advertise, &own[..], &[][..]),
        (
            MessageType::Solicit,
            vec![client(), association(&[]), DhcpOption::RapidCommit],
            MessageType::Reply,
            &own,
            &[],
        ),
        (MessageType::Solicit, vec![client(), association(&[OTHER])], MessageType::Advertise, &own, &[]),
        (MessageType::Request, vec![client(), server(), association(&[sample::IPV6])], MessageType::Reply, &own, &[]),
        (MessageType::Request, vec![client(), server(), association(&[OTHER])], MessageType::Reply, &[], &[4]),
        (MessageType::Renew, vec![client(), server(), association(&[second()])], MessageType::Reply, &own, &[]),
        (
            MessageType::Renew,
            vec![client(), server(), association(&[OTHER])],
            MessageType::Reply,
            &[own[0], own[1], (OTHER, 0)],
            &[],
        ),
        (MessageType::Rebind, vec![client(), association(&[sample::IPV6])], MessageType::Reply, &own, &[]),
        (MessageType::Confirm, vec![client(), association(&[second()])], MessageType::Reply, &[], &[0]),
        (MessageType::Confirm, vec![client(), association(&[second(), OTHER])], MessageType::Reply, &[], &[4]),
        (MessageType::Release, vec![client(), server(), association(&[second()])], MessageType::Reply, &[], &[0]),
        (MessageType::Decline, vec![client(), server(), association(&[second()])], MessageType::Reply, &[], &[0]),
        (MessageType::InformationRequest, vec![], MessageType::Reply, &[], &[]),
        (MessageType::InformationRequest, vec![client(), server()], MessageType::Reply, &[], &[]),
    ] {
        let reply = ask(kind, &options).unwrap_or_else(|| panic!("{kind:?} {options:?}"));
        assert_eq!(reply.msg_type(), answered, "{kind:?} {options:?}");
        assert_eq!((leased(&reply), statuses(&reply)), (addresses.to_vec(), status.to_vec()), "{kind:?} {options:?}");
        assert_eq!(reply.opts().get(OptionCode::ServerId), Some(&server()));
        let committed = options.contains(&DhcpOption::RapidCommit);
        assert_eq!(reply.opts().get(OptionCode::RapidCommit).is_some(), committed);
    }
}

#[test]
fn a_message_to_somebody_else_or_from_nobody_is_passed_over() {
    let other = || DhcpOption::ServerId(vec![0, 3, 0, 1, 9, 9, 9, 9, 9, 9]);
    for (kind, options) in [
        (MessageType::Solicit, vec![association(&[])]),
        (MessageType::Solicit, vec![client(), server(), association(&[])]),
        (MessageType::Solicit, vec![DhcpOption::ClientId(vec![1; 131]), association(&[])]),
        (MessageType::Solicit, vec![DhcpOption::ClientId(vec![]), association(&[])]),
        (MessageType::Request, vec![client(), association(&[])]),
        (MessageType::Request, vec![client(), other(), association(&[])]),
        (MessageType::Renew, vec![client(), other(), association(&[])]),
        (MessageType::Rebind, vec![client(), server(), association(&[])]),
        (MessageType::Confirm, vec![client(), association(&[])]),
        (MessageType::Release, vec![client()]),
        (MessageType::InformationRequest, vec![other()]),
        (MessageType::InformationRequest, vec![client(), association(&[])]),
        (MessageType::Advertise, vec![client(), server()]),
        (MessageType::Reply, vec![client(), server()]),
    ] {
        assert!(ask(kind, &options).is_none(), "{kind:?} {options:?}");
    }
}

#[test]
fn a_client_with_several_associations_gets_its_addresses_once_and_nothing_that_is_not_given() {
    let packet = [
        &[1, 1, 2, 3, 0, 1, 0, 10][..],
        &CLIENT,
        &[0, 25, 0, 12, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0],
        &[0, 3, 0, 12, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0],
        &[0, 4, 0, 4, 0, 0, 0, 9],
        &[0, 3, 0, 12, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0],
    ]
    .concat();
    let reply = ask_raw(plan(), &packet).unwrap();
    let occurs = |bytes: &[u8]| reply.windows(bytes.len()).filter(|window| *window == bytes).count();
    assert_eq!(occurs(&sample::IPV6.octets()), 1);
    assert_eq!((occurs(b"no addresses for"), occurs(b"no prefixes are")), (2, 1));
}

#[test]
fn a_port_without_addresses_has_none_to_give_and_the_networks_own_resolvers_are_not_ours() {
    let mut plan = plan();
    plan.instances.values_mut().for_each(|instance| instance.ports[0].ipv6.clear());
    let network = plan.networks.get_mut(&7).unwrap();
    network.domain_name_servers = vec![sample::ADDRESS];
    network.domain_name = "a.test b.test".into();
    let bytes = ask_raw(plan, &request(MessageType::Solicit, &[client(), association(&[])])).unwrap();
    let reply = Message::decode(&mut Decoder::new(&bytes)).unwrap();
    assert_eq!((leased(&reply), statuses(&reply)), (vec![], vec![2]));
    assert!(reply.opts().get(OptionCode::DomainNameServers).is_none());
    assert!(bytes.ends_with(b"\0\x18\0\x10\x01a\x04test\0\x01b\x04test\0"));
}

#[test]
fn the_networks_own_options_are_told() {
    let mut plan = plan();
    let dhcp = &mut plan.networks.get_mut(&7).unwrap().dhcp;
    dhcp.domain_name_servers_ipv6 = vec![OTHER];
    dhcp.ntp_servers_ipv6 = vec![OTHER];
    dhcp.ipv6_preferred_s = Some(10_000);
    let bytes = ask_raw(plan, &request(MessageType::Solicit, &[client(), association(&[])])).unwrap();
    let reply = Message::decode(&mut Decoder::new(&bytes)).unwrap();
    assert_eq!(leased(&reply)[0], (sample::IPV6, 20_000));
    let servers = DhcpOption::DomainNameServers(vec![OTHER]);
    assert_eq!(reply.opts().get(OptionCode::DomainNameServers), Some(&servers));
    let time = [&[0, 56, 0, 20, 0, 1, 0, 16], &OTHER.octets()[..]].concat();
    assert!(bytes.windows(time.len()).any(|window| window == time));
    assert!(bytes.windows(8).any(|window| window == [0, 0, 0x13, 0x88, 0, 0, 0x1f, 0x40]), "5,000 and 8,000 seconds");
    let asked = [0, 140, 3600, 0x7fff_ffff, u32::MAX].map(|asked| Times::of(Some(asked)));
    assert!(asked.iter().all(|t| t.renew <= t.rebind && t.rebind <= t.preferred && t.preferred <= t.valid));
}

#[test]
fn a_client_that_asks_for_little_is_told_little() {
    let list = DhcpOption::ORO(ORO { opts: vec![OptionCode::DomainSearchList] });
    let reply = ask(MessageType::Solicit, &[client(), association(&[]), list]).unwrap();
    assert!(reply.opts().get(OptionCode::DomainNameServers).is_none());
    assert!(reply.opts().get(OptionCode::DomainSearchList).is_some());
}

#[test]
fn every_cut_and_every_byte_is_survived() {
    let good = request(MessageType::Renew, &[client(), server(), association(&[OTHER, second()])]);
    for end in 0..good.len() {
        let _ = ask_raw(plan(), &good[..end]);
        for value in [0, 1, 3, 4, 5, 25, 0x7f, 0xff] {
            let mut bad = good.clone();
            bad[end] = value;
            let _ = ask_raw(plan(), &bad);
        }
    }
}

proptest! {
    /// Answers stay small whatever is asked: nobody is used as an amplifier.
    #[test]
    fn no_packet_brings_the_server_down(
        kind in 0..14_u8,
        options in prop::collection::vec((0..30_u16, prop::collection::vec(any::<u8>(), 0..60)), 0..40),
        tail in prop::collection::vec(any::<u8>(), 0..8),
    ) {
        let mut packet = vec![kind, 1, 2, 3];
        put(&mut packet, option::CLIENT_ID, &CLIENT);
        for (code, value) in &options {
            put(&mut packet, *code, value);
        }
        let _ = ask_raw(plan(), &packet);
        packet.extend(tail);
        if let Some(reply) = ask_raw(plan(), &packet) {
            prop_assert!(reply.len() <= packet.len() + 600);
        }
    }

    #[test]
    fn noise_is_survived(packet in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = ask_raw(plan(), &packet);
    }
}
