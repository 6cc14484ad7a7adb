//! The resolver of a virtual network: names that follow from addresses, both ways, answered from the plan; everything
//! else is the upstream resolvers' to answer.
//!
//! A private name exists where an interface has the address; a public one leads to the private address inside the network
//! that has it and to the public one elsewhere (Amazon VPC user guide, "DNS attributes for your VPC").

use std::net::Ipv4Addr;

use hickory_proto::op::{Edns, Message, MessageType, Metadata, OpCode, ResponseCode};
use hickory_proto::rr::rdata::{A, PTR, SOA};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};

use super::plan::NetworkService;

/// The resolver's address that is the same in every network.
pub const RESOLVER: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 253);
/// The metadata service, which has a name too: `instance-data.ec2.internal`.
pub const METADATA: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);
/// The largest question that is looked at, in bytes.
pub const MAX_QUESTION_BYTES: usize = 4096;

const TTL_SECONDS: u32 = 60;

/// What becomes of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// That is the answer.
    Reply(Vec<u8>),
    /// The upstream resolvers are to be asked.
    Forward,
    /// It isn't worth one.
    Drop,
}

/// The first label of an address's private name, such as `ip-10-0-0-4`.
pub fn private_label(address: Ipv4Addr) -> String {
    dashed("ip", address)
}

/// An address's private name.
pub fn private_name(address: Ipv4Addr, domain: &str) -> String {
    format!("{}.{domain}", private_label(address))
}

/// A public address's name.
pub fn public_name(address: Ipv4Addr, domain: &str) -> String {
    format!("{}.{domain}", dashed("ec2", address))
}

fn dashed(prefix: &str, address: Ipv4Addr) -> String {
    let [a, b, c, d] = address.octets();
    format!("{prefix}-{a}-{b}-{c}-{d}")
}

/// What a resolver makes of a packet that came from a guest of that network.
pub fn answer(network: &NetworkService, packet: &[u8]) -> Outcome {
    let Ok(message) = Message::from_vec(packet) else { return failure(packet, ResponseCode::FormErr) };
    if message.metadata.message_type != MessageType::Query {
        return Outcome::Drop;
    }
    if message.metadata.op_code != OpCode::Query {
        return failure(packet, ResponseCode::NotImp);
    }
    let [question] = message.queries.as_slice() else { return failure(packet, ResponseCode::FormErr) };
    if question.query_class != DNSClass::IN {
        return failure(packet, ResponseCode::Refused);
    }
    let name = question.name.to_lowercase().to_ascii();
    match look_up(network, name.trim_end_matches('.')) {
        None => Outcome::Forward,
        Some(found) => reply(network, &message, found),
    }
}

/// What a name that is ours leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Found {
    Address(Ipv4Addr),
    Name(String),
    /// The name exists and has nothing of its own.
    Empty,
    Nothing,
}

/// What a name leads to; `None` if it isn't ours to say.
fn look_up(network: &NetworkService, name: &str) -> Option<Found> {
    if let Some(reversed) = name.strip_suffix(".in-addr.arpa") {
        return look_up_address(network, reversed);
    }
    if name == network.internal_domain {
        return Some(Found::Empty);
    }
    if let Some(label) = below(name, &network.internal_domain) {
        let address = undashed("ip", label).filter(|address| network.hosts.contains_key(address));
        return Some(match address {
            Some(address) => Found::Address(address),
            None if label == "instance-data" => Found::Address(METADATA),
            None => Found::Nothing,
        });
    }
    let public = undashed("ec2", below(name, network.public_domain.as_ref()?)?)?;
    let private = network.hosts.iter().find(|(_, other)| **other == Some(public)).map(|(private, _)| *private);
    Some(Found::Address(private.unwrap_or(public)))
}

fn look_up_address(network: &NetworkService, reversed: &str) -> Option<Found> {
    let mut octets = reversed.split('.').map(|part| part.parse::<u8>().ok());
    let [d, c, b, a] = [octets.next()??, octets.next()??, octets.next()??, octets.next()??];
    let address = Ipv4Addr::new(a, b, c, d);
    if octets.next().is_some() {
        return None;
    }
    if network.hosts.contains_key(&address) {
        return Some(Found::Name(private_name(address, &network.internal_domain)));
    }
    if network.cidrs.iter().any(|cidr| cidr.contains(address)) || address.is_link_local() {
        return Some(Found::Nothing);
    }
    let domain = network.public_domain.as_ref()?;
    network.hosts.values().any(|public| *public == Some(address)).then(|| Found::Name(public_name(address, domain)))
}

fn below<'a>(name: &'a str, domain: &str) -> Option<&'a str> {
    name.strip_suffix(domain)?.strip_suffix('.')
}

fn undashed(prefix: &str, label: &str) -> Option<Ipv4Addr> {
    let address = label.strip_prefix(prefix)?.strip_prefix('-')?.replace('-', ".").parse().ok()?;
    // Only the form that we write: `ip-010-0-0-4` is no name.
    (dashed(prefix, address) == label).then_some(address)
}

fn reply(network: &NetworkService, question: &Message, found: Found) -> Outcome {
    let query = &question.queries[0];
    let mut reply = Message::response(question.metadata.id, OpCode::Query);
    reply.metadata = Metadata::response_from_request(&question.metadata);
    reply.metadata.authoritative = true;
    reply.metadata.recursion_available = true;
    reply.add_query(query.clone());
    let wants = |kind| matches!(query.query_type, wanted if wanted == kind || wanted == RecordType::ANY);
    let record = |data| Record::from_rdata(query.name.clone(), TTL_SECONDS, data);
    match &found {
        Found::Address(address) if wants(RecordType::A) => {
            reply.add_answer(record(RData::A(A(*address))));
        }
        Found::Name(name) if wants(RecordType::PTR) => match Name::from_ascii(format!("{name}.")) {
            Ok(name) => _ = reply.add_answer(record(RData::PTR(PTR(name)))),
            Err(_) => reply.metadata.response_code = ResponseCode::ServFail,
        },
        Found::Nothing => reply.metadata.response_code = ResponseCode::NXDomain,
        _ => {}
    }
    if reply.answers.is_empty() {
        reply.add_authorities(start_of_authority(network));
    }
    if question.edns.is_some() {
        let mut edns = Edns::new();
        edns.set_max_payload(1232);
        reply.set_edns(edns);
    }
    reply.to_vec().map_or(Outcome::Drop, Outcome::Reply)
}

/// What lets a resolver in the guest remember for how long there is nothing.
fn start_of_authority(network: &NetworkService) -> Option<Record> {
    let zone = Name::from_ascii(format!("{}.", network.internal_domain)).ok()?;
    let server = zone.prepend_label("ns0").ok()?;
    let person = zone.prepend_label("hostmaster").ok()?;
    let data = SOA::new(server, person, 1, 3600, 900, 7 * 24 * 3600, TTL_SECONDS);
    Some(Record::from_rdata(zone, TTL_SECONDS, RData::SOA(data)))
}

/// An answer that says only what is wrong, to whatever that was, if it was a question at all.
pub fn failure(packet: &[u8], code: ResponseCode) -> Outcome {
    let Some(head) = packet.first_chunk::<12>().filter(|head| head[2] & 0x80 == 0) else { return Outcome::Drop };
    let mut reply = Message::response(u16::from_be_bytes([head[0], head[1]]), OpCode::from_u8(head[2] >> 3 & 15));
    reply.metadata.recursion_desired = head[2] & 1 != 0;
    reply.metadata.recursion_available = true;
    reply.metadata.response_code = code;
    if let Ok(question) = Message::from_vec(packet) {
        reply.add_queries(question.queries.into_iter().take(1));
    }
    reply.to_vec().map_or(Outcome::Drop, Outcome::Reply)
}

#[cfg(test)]
mod tests {
    use hickory_proto::op::Query;

    use super::super::{plan::derive, sample};
    use super::*;

    fn network() -> NetworkService {
        derive(&sample::host_plan(), "lf", 1500).networks.remove(&7).unwrap()
    }

    fn question(name: &str, kind: RecordType) -> Vec<u8> {
        let mut message = Message::new(4711, MessageType::Query, OpCode::Query);
        message.metadata.recursion_desired = true;
        message.add_query(Query::query(Name::from_ascii(name).unwrap(), kind));
        message.set_edns(Edns::new());
        message.to_vec().unwrap()
    }

    fn ask(name: &str, kind: RecordType) -> Option<Message> {
        match answer(&network(), &question(name, kind)) {
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

    #[test]
    fn names_lead_to_addresses() {
        for (name, expected) in [
            ("ip-10-0-1-5.ec2.internal.", Some("10.0.1.5")),
            ("IP-10-0-1-5.EC2.Internal.", Some("10.0.1.5")),
            ("ip-10-0-1-77.ec2.internal.", Some("10.0.1.77")),
            ("instance-data.ec2.internal.", Some("169.254.169.254")),
            ("ec2-198-18-0-1.compute.landfall.test.", Some("10.0.1.5")),
            ("ec2-198-18-0-9.compute.landfall.test.", Some("198.18.0.9")),
            ("ip-10-0-1-99.ec2.internal.", None),
            ("ip-010-0-1-5.ec2.internal.", None),
            ("nothing.ec2.internal.", None),
            ("a.ip-10-0-1-5.ec2.internal.", None),
        ] {
            let reply = ask(name, RecordType::A).unwrap();
            let found: Vec<_> = reply.answers.iter().map(|record| record.data.to_string()).collect();
            assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{name}");
            let code = if expected.is_some() { ResponseCode::NoError } else { ResponseCode::NXDomain };
            assert_eq!(reply.metadata.response_code, code, "{name}");
            assert_eq!(reply.authorities.len(), usize::from(expected.is_none()));
        }
    }

    #[test]
    fn addresses_lead_to_names() {
        for (name, expected) in [
            ("5.1.0.10.in-addr.arpa.", Some("ip-10-0-1-5.ec2.internal.")),
            ("1.0.18.198.in-addr.arpa.", Some("ec2-198-18-0-1.compute.landfall.test.")),
            ("99.1.0.10.in-addr.arpa.", None),
            ("254.169.254.169.in-addr.arpa.", None),
        ] {
            let reply = ask(name, RecordType::PTR).unwrap();
            let found: Vec<_> = reply.answers.iter().map(|record| record.data.to_string()).collect();
            assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{name}");
        }
    }

    #[test]
    fn a_name_without_that_kind_of_record_is_empty_and_not_unknown() {
        for (name, kind) in [
            ("ip-10-0-1-5.ec2.internal.", RecordType::AAAA),
            ("ec2.internal.", RecordType::A),
            ("ec2.internal.", RecordType::NS),
        ] {
            let reply = ask(name, kind).unwrap();
            assert_eq!(
                (reply.metadata.response_code, reply.answers.len()),
                (ResponseCode::NoError, 0),
                "{name} {kind}"
            );
            assert_eq!(reply.authorities.len(), 1);
        }
    }

    #[test]
    fn what_is_not_ours_is_asked_upstream() {
        for name in [
            "example.com.",
            "internal.",
            "xec2.internal.",
            "www.compute.landfall.test.",
            "4.4.8.8.in-addr.arpa.",
            "1.10.in-addr.arpa.",
            ".",
        ] {
            assert_eq!(ask(name, RecordType::A), None, "{name}");
        }
    }

    #[test]
    fn what_is_no_question_is_refused_or_dropped() {
        let code = |packet: &[u8]| match answer(&network(), packet) {
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
        for place in 0..good.len() {
            for value in 0..=255 {
                let _ = answer(&network(), &with(place, value));
            }
        }
    }
}
