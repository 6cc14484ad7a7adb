//! What the resolver says, by tables of questions.

use hickory_proto::op::Query;
use proptest::prelude::*;

use super::super::{plan::derive, sample};
use super::*;

fn network() -> NetworkService {
    let mut network = derive(&sample::host_plan(), "lf", 1500).networks.remove(&7).unwrap();
    network.peered.cidrs = vec!["10.9.0.0/16".parse().unwrap()];
    network.peered.public = [(Ipv4Addr::new(198, 18, 0, 44), Ipv4Addr::new(10, 9, 0, 4))].into();
    network
}

fn question(name: &str, kind: RecordType) -> Vec<u8> {
    let mut message = Message::new(4711, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(Name::from_ascii(name).unwrap(), kind));
    message.set_edns(Edns::new());
    message.to_vec().unwrap()
}

fn ask_of(network: &NetworkService, name: &str, kind: RecordType) -> Option<Message> {
    match answer(network, &question(name, kind), Transport::Packet) {
        Outcome::Reply(bytes) => {
            assert!(bytes.len() <= 512);
            let reply = Message::from_vec(&bytes).unwrap();
            assert_eq!((reply.metadata.id, reply.metadata.message_type), (4711, MessageType::Response));
            assert!(reply.edns.is_some());
            Some(reply)
        }
        Outcome::Forward => None,
        Outcome::Drop => panic!("dropped"),
    }
}

fn ask(name: &str, kind: RecordType) -> Option<Message> {
    ask_of(&network(), name, kind)
}

fn found(reply: &Message) -> Vec<String> {
    reply.answers.iter().map(|record| record.data.to_string()).collect()
}

#[test]
fn names_lead_to_addresses() {
    for (name, expected) in [
        ("ip-10-0-1-5.ec2.internal.", &["10.0.1.5"][..]),
        ("IP-10-0-1-5.EC2.Internal.", &["10.0.1.5"]),
        ("ip-10-0-1-77.ec2.internal.", &["10.0.1.77"]),
        ("ip-10-0-200-99.ec2.internal.", &["10.0.200.99"]),
        ("ip-100-64-7-255.ec2.internal.", &["100.64.7.255"]),
        ("ip-10-9-0-4.ec2.internal.", &["10.9.0.4"]),
        ("i-0123456789abcdef0.ec2.internal.", &["10.0.1.5"]),
        ("i-00000000000000077.ec2.internal.", &["10.0.1.77"]),
        ("instance-data.ec2.internal.", &["169.254.169.254"]),
        ("ec2-198-18-0-1.compute.landfall.test.", &["10.0.1.5"]),
        ("ec2-198-18-0-44.compute.landfall.test.", &["10.9.0.4"]),
        ("ec2-198-18-0-9.compute.landfall.test.", &["198.18.0.9"]),
        ("ec2.us-east-1.amazonaws.com.", &["10.0.1.90", "10.0.2.90"]),
        ("Bucket.s3.us-east-1.amazonaws.com.", &["10.0.1.91"]),
        ("a.ec2.us-east-1.amazonaws.com.", &[]),
        ("ip-10-1-1-99.ec2.internal.", &[]),
        ("ip-010-0-1-5.ec2.internal.", &[]),
        ("i-0123456789abcdef1.ec2.internal.", &[]),
        ("i-0123456789ABCDEF.ec2.internal.", &[]),
        ("nothing.ec2.internal.", &[]),
        ("a.ip-10-0-1-5.ec2.internal.", &[]),
    ] {
        let reply = ask(name, RecordType::A).unwrap();
        assert_eq!(found(&reply), expected, "{name}");
        let code = if expected.is_empty() { ResponseCode::NXDomain } else { ResponseCode::NoError };
        assert_eq!(reply.metadata.response_code, code, "{name}");
        assert_eq!(reply.authorities.len(), usize::from(expected.is_empty()));
    }
}

#[test]
fn a_public_name_stays_public_where_the_network_gives_none() {
    let mut network = network();
    network.dns_hostnames = false;
    let reply = ask_of(&network, "ec2-198-18-0-1.compute.landfall.test.", RecordType::A).unwrap();
    assert_eq!(found(&reply), ["198.18.0.1"]);
    assert_eq!(ask_of(&network, "1.0.18.198.in-addr.arpa.", RecordType::PTR), None);
}

#[test]
fn only_a_name_after_an_id_leads_to_ipv6() {
    let reply = ask("i-00000000000000077.ec2.internal.", RecordType::AAAA).unwrap();
    assert_eq!(found(&reply), ["2001:db8:7:1201::77"]);
    let reply = ask("i-00000000000000077.ec2.internal.", RecordType::ANY).unwrap();
    assert_eq!(found(&reply), ["10.0.1.77", "2001:db8:7:1201::77"]);
}

#[test]
fn addresses_lead_to_names() {
    let nibbles = |address: &str| {
        let bits = address.parse::<Ipv6Addr>().unwrap().to_bits();
        (0..32).map(|at| format!("{:x}.", bits >> (4 * at) & 15)).collect::<String>() + "ip6.arpa."
    };
    for (name, expected, code) in [
        ("5.1.0.10.in-addr.arpa.", Some("ip-10-0-1-5.ec2.internal."), ResponseCode::NoError),
        ("99.200.0.10.in-addr.arpa.", Some("ip-10-0-200-99.ec2.internal."), ResponseCode::NoError),
        ("255.7.64.100.in-addr.arpa.", Some("ip-100-64-7-255.ec2.internal."), ResponseCode::NoError),
        ("4.0.9.10.in-addr.arpa.", Some("ip-10-9-0-4.ec2.internal."), ResponseCode::NoError),
        ("1.0.18.198.in-addr.arpa.", Some("ec2-198-18-0-1.compute.landfall.test."), ResponseCode::NoError),
        ("44.0.18.198.in-addr.arpa.", Some("ec2-198-18-0-44.compute.landfall.test."), ResponseCode::NoError),
        (&nibbles("2001:db8:7:1201::77"), Some("i-00000000000000077.ec2.internal."), ResponseCode::NoError),
        (&nibbles("2001:db8:7:1201::5"), None, ResponseCode::NXDomain),
        (&nibbles("fd00:ec2::254"), None, ResponseCode::NXDomain),
        ("d.f.ip6.arpa.", None, ResponseCode::NoError),
        ("1.0.2.1.7.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.", None, ResponseCode::NoError),
        ("99.1.1.10.in-addr.arpa.", None, ResponseCode::NXDomain),
        ("7.1.168.192.in-addr.arpa.", None, ResponseCode::NXDomain),
        ("254.169.254.169.in-addr.arpa.", None, ResponseCode::NXDomain),
        ("1.5.1.0.10.in-addr.arpa.", None, ResponseCode::NXDomain),
        ("lb._dns-sd._udp.0.1.0.10.in-addr.arpa.", None, ResponseCode::NXDomain),
        ("05.1.0.10.in-addr.arpa.", None, ResponseCode::NXDomain),
        ("1.0.10.in-addr.arpa.", None, ResponseCode::NoError),
        ("10.in-addr.arpa.", None, ResponseCode::NoError),
        ("5.64.100.in-addr.arpa.", None, ResponseCode::NoError),
    ] {
        let reply = ask(name, RecordType::PTR).unwrap();
        let expected: Vec<_> = expected.into_iter().collect();
        assert_eq!(
            (found(&reply), reply.metadata.response_code),
            (expected.iter().map(ToString::to_string).collect(), code)
        );
    }
}

#[test]
fn a_name_without_that_kind_of_record_is_empty_and_not_unknown() {
    for (name, kind, zone) in [
        ("ip-10-0-1-5.ec2.internal.", RecordType::AAAA, "ec2.internal."),
        ("ec2-198-18-0-1.compute.landfall.test.", RecordType::AAAA, "compute.landfall.test."),
        ("ec2.us-east-1.amazonaws.com.", RecordType::AAAA, "ec2.us-east-1.amazonaws.com."),
        ("i-0123456789abcdef0.ec2.internal.", RecordType::AAAA, "ec2.internal."),
        ("5.1.0.10.in-addr.arpa.", RecordType::A, "10.in-addr.arpa."),
        ("5.4.64.100.in-addr.arpa.", RecordType::TXT, "64.100.in-addr.arpa."),
        ("ec2.internal.", RecordType::A, "ec2.internal."),
        ("ec2.internal.", RecordType::NS, "ec2.internal."),
    ] {
        let reply = ask(name, kind).unwrap();
        assert_eq!((reply.metadata.response_code, reply.answers.len()), (ResponseCode::NoError, 0), "{name} {kind}");
        assert_eq!(reply.authorities[0].name.to_ascii(), zone, "{name}");
    }
}

#[test]
fn what_is_not_ours_is_asked_upstream() {
    for name in [
        "example.com.",
        "internal.",
        "xec2.internal.",
        "us-east-1.amazonaws.com.",
        "www.compute.landfall.test.",
        "4.4.8.8.in-addr.arpa.",
        "4.8.8.in-addr.arpa.",
        "1.8.64.100.in-addr.arpa.",
        "1.32.172.in-addr.arpa.",
        "x.in-addr.arpa.",
        "8.8.8.8.0.6.8.4.1.0.0.2.ip6.arpa.",
        "x.ip6.arpa.",
        ".",
    ] {
        assert_eq!(ask(name, RecordType::A), None, "{name}");
    }
}

#[test]
fn what_has_no_room_in_a_packet_is_cut_off_and_whole_in_a_stream() {
    let mut network = network();
    let many = (0..60).map(|last| Ipv4Addr::new(10, 0, 3, last)).collect();
    network.private_names.insert("many.test".into(), many);
    let asked = |size: Option<u16>, transport| {
        let mut message = Message::from_vec(&question("many.test.", RecordType::A)).unwrap();
        message.edns = None;
        if let Some(size) = size {
            message.set_edns(Edns::new()).edns.as_mut().unwrap().set_max_payload(size);
        }
        let Outcome::Reply(bytes) = answer(&network, &message.to_vec().unwrap(), transport) else { panic!() };
        let reply = Message::from_vec(&bytes).unwrap();
        assert_eq!(reply.queries.len(), 1);
        (reply.metadata.truncation, reply.answers.len())
    };
    assert_eq!(asked(None, Transport::Packet), (true, 0));
    assert_eq!(asked(Some(600), Transport::Packet), (true, 0));
    assert_eq!(asked(Some(1232), Transport::Packet), (false, 60));
    assert_eq!(asked(None, Transport::Stream), (false, 60));
}

#[test]
fn an_upstreams_answer_is_cut_to_what_the_client_has_room_for() {
    let mut asked = Message::from_vec(&question("example.com.", RecordType::TXT)).unwrap();
    asked.edns.as_mut().unwrap().set_max_payload(1232);
    let asked = asked.to_vec().unwrap();
    let mut long = asked.clone();
    long[2] |= 0x80;
    long[7] = 3;
    long.resize(1300, 7);
    let short = long[..900].to_vec();
    assert_eq!(fit(&asked, short.clone()), short);
    let cut = Message::from_vec(&fit(&asked, long.clone())).unwrap();
    assert!(cut.metadata.truncation);
    assert_eq!((cut.queries.len(), cut.answers.len()), (1, 0));
    long[12..].fill(0xff);
    assert_eq!(fit(&asked, long).len(), 12);
}

#[test]
fn what_is_no_question_is_refused_or_dropped() {
    let code = |packet: &[u8]| match answer(&network(), packet, Transport::Packet) {
        Outcome::Reply(bytes) => Some(Message::from_vec(&bytes).unwrap().metadata.response_code),
        _ => None,
    };
    let good = question("example.com.", RecordType::A);
    let with = |place: usize, value: u8| {
        let mut bad = good.clone();
        bad[place] = value;
        bad
    };
    assert_eq!(code(&with(2, 0x81)), None, "an answer gets no answer");
    assert_eq!(code(&with(2, 0x29)), Some(ResponseCode::NotImp), "an update");
    assert_eq!(code(&with(5, 0)), Some(ResponseCode::FormErr), "no question");
    assert_eq!(code(&good[..20]), Some(ResponseCode::FormErr), "cut off");
    assert_eq!(code(&good[..11]), None);
    let mut chaos = Message::from_vec(&good).unwrap();
    chaos.queries[0].query_class = DNSClass::CH;
    assert_eq!(code(&chaos.to_vec().unwrap()), Some(ResponseCode::Refused));
    let mut later = Message::from_vec(&good).unwrap();
    later.edns.as_mut().unwrap().set_version(1);
    // One number with two names: that of versions, here.
    assert_eq!(code(&later.to_vec().unwrap()).map(u16::from), Some(ResponseCode::BADVERS.into()));
    for place in 0..good.len() {
        for value in 0..=255 {
            let _ = answer(&network(), &with(place, value), Transport::Packet);
        }
    }
}

proptest! {
    #[test]
    fn every_address_of_the_networks_blocks_leads_to_its_name_and_back(host in any::<u16>()) {
        let address = Ipv4Addr::from(0x0a00_0000 + u32::from(host));
        let [a, b, c, d] = address.octets();
        let name = format!("ip-{a}-{b}-{c}-{d}.ec2.internal.");
        prop_assert_eq!(found(&ask(&name, RecordType::A).unwrap()), [address.to_string()]);
        let reversed = format!("{d}.{c}.{b}.{a}.in-addr.arpa.");
        prop_assert_eq!(found(&ask(&reversed, RecordType::PTR).unwrap()), [name]);
    }

    #[test]
    fn no_packet_brings_the_resolver_down(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = answer(&network(), &bytes, Transport::Packet);
        let _ = fit(&bytes, [&[0; 12][..], &bytes, &[9; 600]].concat());
    }

    #[test]
    fn no_name_brings_the_resolver_down(name in "([0-9a-f*x-]{0,4}\\.){0,34}(in-addr\\.arpa|ip6\\.arpa|ec2\\.internal)") {
        let _ = zone::look_up(&network(), &name);
    }
}
