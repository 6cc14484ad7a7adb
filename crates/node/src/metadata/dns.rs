//! The resolver of a virtual network: names that follow from addresses, both ways, answered from the plan; everything
//! else is the upstream resolvers' to answer. This file is about packets; what a name leads to is said in [`zone`].

use std::net::{Ipv4Addr, Ipv6Addr};

use hickory_proto::op::{Edns, Message, MessageType, Metadata, OpCode, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, PTR, SOA};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};

use super::plan::NetworkService;
use zone::Found;

mod zone;

/// The resolver's address that is the same in every network.
pub const RESOLVER: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 253);
/// The same over IPv6.
pub const RESOLVER_IPV6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x253);
/// The metadata service, which has a name too: `instance-data.ec2.internal`.
pub const METADATA: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);
/// The same over IPv6.
pub const METADATA_IPV6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
/// The largest question that is looked at, in bytes.
pub const MAX_QUESTION_BYTES: usize = 4096;

const TTL_SECONDS: u32 = 60;
/// The largest answer in one packet, in bytes: what passes everywhere without fragments (DNS flag day 2020).
const MAX_PACKET_BYTES: u16 = 1232;
const HEAD_BYTES: usize = 12;
const TRUNCATED: u8 = 2;

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

/// How a question came, and so how much its answer may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// In a packet: an answer that is too long for it is cut off, and the client asks again in a stream.
    Packet,
    /// In a stream.
    Stream,
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
pub fn answer(network: &NetworkService, packet: &[u8], transport: Transport) -> Outcome {
    let Ok(message) = Message::from_vec(packet) else { return failure(packet, ResponseCode::FormErr) };
    if message.metadata.message_type != MessageType::Query {
        return Outcome::Drop;
    }
    if message.metadata.op_code != OpCode::Query {
        return failure(packet, ResponseCode::NotImp);
    }
    let [question] = message.queries.as_slice() else { return failure(packet, ResponseCode::FormErr) };
    if message.edns.as_ref().is_some_and(|edns| edns.version() != 0) {
        return failure(packet, ResponseCode::BADVERS);
    }
    if question.query_class != DNSClass::IN {
        return failure(packet, ResponseCode::Refused);
    }
    let name = question.name.to_lowercase().to_ascii();
    match zone::look_up(network, name.trim_end_matches('.')) {
        None => Outcome::Forward,
        Some((zone, found)) => reply(&zone, &message, found, transport),
    }
}

fn reply(zone: &str, question: &Message, found: Found, transport: Transport) -> Outcome {
    let query = &question.queries[0];
    let mut reply = Message::response(question.metadata.id, OpCode::Query);
    reply.metadata = Metadata::response_from_request(&question.metadata);
    reply.metadata.authoritative = true;
    reply.metadata.recursion_available = true;
    reply.add_query(query.clone());
    let wants = |kind| matches!(query.query_type, wanted if wanted == kind || wanted == RecordType::ANY);
    let record = |data| Record::from_rdata(query.name.clone(), TTL_SECONDS, data);
    match found {
        Found::Addresses(ipv4, ipv6) => {
            let ipv4 = ipv4.into_iter().filter(|_| wants(RecordType::A)).map(|address| RData::A(A(address)));
            let ipv6 = ipv6.into_iter().filter(|_| wants(RecordType::AAAA)).map(|address| RData::AAAA(AAAA(address)));
            reply.add_answers(ipv4.chain(ipv6).map(record));
        }
        Found::Name(name) if wants(RecordType::PTR) => match Name::from_ascii(format!("{name}.")) {
            Ok(name) => _ = reply.add_answer(record(RData::PTR(PTR(name)))),
            Err(_) => reply.metadata.response_code = ResponseCode::ServFail,
        },
        Found::Name(_) | Found::Empty => {}
        Found::Nothing => reply.metadata.response_code = ResponseCode::NXDomain,
    }
    if reply.answers.is_empty() {
        reply.add_authorities(start_of_authority(zone));
    }
    if question.edns.is_some() {
        reply.set_edns(edns());
    }
    let room = room(question, transport);
    match reply.to_vec() {
        Ok(bytes) if bytes.len() <= room => Outcome::Reply(bytes),
        Ok(_) => reply.truncate().to_vec().map_or(Outcome::Drop, Outcome::Reply),
        Err(_) => Outcome::Drop,
    }
}

fn edns() -> Edns {
    let mut edns = Edns::new();
    edns.set_max_payload(MAX_PACKET_BYTES);
    edns
}

/// How many bytes the answer to that question may have.
fn room(question: &Message, transport: Transport) -> usize {
    match transport {
        Transport::Stream => u16::MAX.into(),
        Transport::Packet => question.max_payload().clamp(512, MAX_PACKET_BYTES).into(),
    }
}

/// Cuts an upstream's answer down to its question where the client has no room for it, so that it asks in a stream.
/// Resolvers do so themselves; one that doesn't would make us send what the client didn't ask for.
pub fn fit(question: &[u8], mut answer: Vec<u8>) -> Vec<u8> {
    let room = Message::from_vec(question).map_or(512, |question| question.max_payload().max(512));
    if answer.len() > room.into() {
        let end = question_end(&answer).unwrap_or(HEAD_BYTES);
        answer.truncate(end);
        answer[2] |= TRUNCATED;
        answer[6..HEAD_BYTES].fill(0);
        if end == HEAD_BYTES {
            answer[4..6].fill(0);
        }
    }
    answer
}

/// Where the first question of a packet ends.
pub fn question_end(packet: &[u8]) -> Option<usize> {
    let mut at = HEAD_BYTES;
    loop {
        match *packet.get(at)? {
            0 => break,
            length @ 1..=63 => at += usize::from(length) + 1,
            _ => return None,
        }
    }
    Some(at + 5).filter(|end| *end <= packet.len())
}

/// What lets a resolver in the guest remember for how long there is nothing.
fn start_of_authority(zone: &str) -> Option<Record> {
    let zone = Name::from_ascii(format!("{zone}.")).ok()?;
    let server = zone.prepend_label("ns0").ok()?;
    let person = zone.prepend_label("hostmaster").ok()?;
    let data = SOA::new(server, person, 1, 3600, 900, 7 * 24 * 3600, TTL_SECONDS);
    Some(Record::from_rdata(zone, TTL_SECONDS, RData::SOA(data)))
}

/// An answer that says only what is wrong, to whatever that was, if it was a question at all.
pub fn failure(packet: &[u8], code: ResponseCode) -> Outcome {
    let Some(head) = packet.first_chunk::<HEAD_BYTES>().filter(|head| head[2] & 0x80 == 0) else {
        return Outcome::Drop;
    };
    let mut reply = Message::response(u16::from_be_bytes([head[0], head[1]]), OpCode::from_u8(head[2] >> 3 & 15));
    reply.metadata.recursion_desired = head[2] & 1 != 0;
    reply.metadata.recursion_available = true;
    reply.metadata.response_code = code;
    if let Ok(question) = Message::from_vec(packet) {
        reply.add_queries(question.queries.into_iter().take(1));
        if question.edns.is_some() {
            reply.set_edns(edns());
        }
    }
    reply.to_vec().map_or(Outcome::Drop, Outcome::Reply)
}

#[cfg(test)]
mod tests;
