//! DHCPv6 (RFC 8415): the addresses of one port, all in the first association that the client asks for. As in
//! [`super::dhcp`] there is no pool and no state: the answer follows from the plan.
//!
//! A port is a link of its own, so an address that is not the port's is not on the link: a client that comes with another
//! machine's lease is told so, rather than left with an address that nothing would pass. Messages are read by hand and
//! bounded, as those of IPv4 are, because guests are hostile.

use std::net::Ipv6Addr;

use landfall_model::Mac;

use super::directory::Caller;
use super::dns::RESOLVER_IPV6;

/// Where servers hear clients.
pub const SERVER_PORT: u16 = 547;
/// Where clients hear servers.
pub const CLIENT_PORT: u16 = 546;
/// The group of all servers on a link.
pub const ALL_SERVERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 1, 2);

/// How long addresses are preferred on EC2 unless the network says otherwise, in seconds. Clients ask again at half of it:
/// then an address that was added or taken shows within a minute or so.
const PREFERRED_SECONDS: u32 = 140;
/// For how long they are preferred at least: a guest keeps them while nobody answers.
const MIN_PREFERRED_SECONDS: u32 = 3600;

const MAX_DUID_BYTES: usize = 130;
const MAX_ASSOCIATIONS: usize = 8;
/// Addresses that a client names in an association; EC2's interfaces have 50 at most.
const MAX_NAMED: usize = 64;
/// An answer without preference makes clients wait for others. There are none.
const PREFERENCE: u8 = 255;

mod option {
    pub const CLIENT_ID: u16 = 1;
    pub const SERVER_ID: u16 = 2;
    pub const ADDRESSES: u16 = 3;
    pub const TEMPORARY: u16 = 4;
    pub const ADDRESS: u16 = 5;
    pub const REQUESTED: u16 = 6;
    pub const PREFERENCE: u16 = 7;
    pub const STATUS: u16 = 13;
    pub const RAPID_COMMIT: u16 = 14;
    pub const RESOLVERS: u16 = 23;
    pub const SEARCH: u16 = 24;
    pub const PREFIXES: u16 = 25;
    pub const TIME: u16 = 56;
    pub const TIME_SERVER: u16 = 1;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Solicit,
    Request,
    Confirm,
    Renew,
    Rebind,
    Release,
    Decline,
    Inform,
}

impl Kind {
    fn read(byte: u8) -> Option<Self> {
        Some(match byte {
            1 => Kind::Solicit,
            3 => Kind::Request,
            4 => Kind::Confirm,
            5 => Kind::Renew,
            6 => Kind::Rebind,
            8 => Kind::Release,
            9 => Kind::Decline,
            11 => Kind::Inform,
            _ => return None,
        })
    }
}

const ADVERTISE: u8 = 2;
const REPLY: u8 = 7;

#[derive(Clone, Copy)]
enum Status {
    Success = 0,
    NoAddresses = 2,
    NotOnLink = 4,
    NoPrefixes = 6,
}

impl Status {
    fn words(self) -> &'static str {
        match self {
            Status::Success => "",
            Status::NoAddresses => "no addresses for this association",
            Status::NotOnLink => "not an address of this interface",
            Status::NoPrefixes => "no prefixes are delegated",
        }
    }
}

/// Answers what came in by the caller's port; `gateway` is the hardware address that the server is known by.
pub fn answer(caller: &Caller<'_>, gateway: Mac, packet: &[u8]) -> Option<Vec<u8>> {
    let request = Request::parse(packet)?;
    let server = server_id(gateway);
    if !request.is_valid(&server) {
        return None;
    }
    let own = caller.port.ipv6.as_slice();
    let advertise = request.kind == Kind::Solicit && !request.rapid_commit;
    let mut reply = vec![if advertise { ADVERTISE } else { REPLY }];
    reply.extend(request.number);
    if let Some(client) = request.client {
        put(&mut reply, option::CLIENT_ID, client);
    }
    put(&mut reply, option::SERVER_ID, &server);
    match request.kind {
        Kind::Solicit | Kind::Request | Kind::Renew | Kind::Rebind => {
            if request.kind == Kind::Solicit {
                put(&mut reply, option::PREFERENCE, &[PREFERENCE]);
                if request.rapid_commit {
                    put(&mut reply, option::RAPID_COMMIT, &[]);
                }
            }
            put_associations(&mut reply, &request, own, &Times::of(caller.network.dhcp.ipv6_preferred_s));
        }
        Kind::Confirm => {
            let mut named = request.associations.iter().flat_map(|association| &association.named).peekable();
            named.peek()?;
            let status = if named.all(|address| own.contains(address)) { Status::Success } else { Status::NotOnLink };
            put_status(&mut reply, status);
        }
        // The addresses stay the port's whatever the client says.
        Kind::Release | Kind::Decline => put_status(&mut reply, Status::Success),
        Kind::Inform => {}
    }
    if !matches!(request.kind, Kind::Release | Kind::Decline) {
        put_configuration(&mut reply, caller, &request);
    }
    Some(reply)
}

/// The server's name for itself: its hardware address (DUID-LL), the same on every port and host, so that a guest that
/// moves renews with whom it finds.
fn server_id(gateway: Mac) -> Vec<u8> {
    [&[0, 3, 0, 1], &gateway.0[..]].concat()
}

fn put(to: &mut Vec<u8>, code: u16, value: &[u8]) {
    let Ok(size) = u16::try_from(value.len()) else { return };
    to.extend(code.to_be_bytes());
    to.extend(size.to_be_bytes());
    to.extend(value);
}

fn put_status(to: &mut Vec<u8>, status: Status) {
    put(to, option::STATUS, &[&(status as u16).to_be_bytes(), status.words().as_bytes()].concat());
}

/// When a client asks its server, when any, and how long its addresses are preferred and good at all; in seconds.
struct Times {
    renew: u32,
    rebind: u32,
    preferred: u32,
    valid: u32,
}

impl Times {
    fn of(asked: Option<u32>) -> Self {
        let asked = asked.unwrap_or(PREFERRED_SECONDS);
        let preferred = asked.max(MIN_PREFERRED_SECONDS);
        Self { renew: asked / 2, rebind: preferred / 5 * 4, preferred, valid: preferred.saturating_mul(2) }
    }
}

/// Every association that was asked for, the first with the port's addresses.
fn put_associations(reply: &mut Vec<u8>, request: &Request<'_>, own: &[Ipv6Addr], times: &Times) {
    let mut given = false;
    for association in &request.associations {
        let mut body = association.id.to_vec();
        match association.code {
            option::ADDRESSES => {
                body.extend([times.renew.to_be_bytes(), times.rebind.to_be_bytes()].concat());
                let foreign = association.named.iter().filter(|address| !own.contains(address));
                if request.kind == Kind::Request && foreign.clone().next().is_some() {
                    put_status(&mut body, Status::NotOnLink);
                } else if given || own.is_empty() {
                    put_status(&mut body, Status::NoAddresses);
                } else {
                    given = true;
                    own.iter().for_each(|address| put_address(&mut body, *address, times.preferred, times.valid));
                    // What the client had and has no more.
                    if matches!(request.kind, Kind::Renew | Kind::Rebind) {
                        foreign.for_each(|address| put_address(&mut body, *address, 0, 0));
                    }
                }
            }
            option::TEMPORARY => put_status(&mut body, Status::NoAddresses),
            _ => {
                body.extend([0; 8]);
                put_status(&mut body, Status::NoPrefixes);
            }
        }
        put(reply, association.code, &body);
    }
}

fn put_address(to: &mut Vec<u8>, address: Ipv6Addr, preferred: u32, valid: u32) {
    let value = [&address.octets()[..], &preferred.to_be_bytes(), &valid.to_be_bytes()].concat();
    put(to, option::ADDRESS, &value);
}

/// What the client asked to know besides its addresses; all there is if it didn't say.
fn put_configuration(reply: &mut Vec<u8>, caller: &Caller<'_>, request: &Request<'_>) {
    let network = caller.network;
    let wants = |code: u16| {
        let Some(list) = request.requested else { return true };
        list.chunks_exact(2).any(|pair| pair == code.to_be_bytes())
    };
    let dhcp = &network.dhcp;
    let own = [RESOLVER_IPV6];
    let resolvers = if network.tells_resolver() { &own[..] } else { &dhcp.domain_name_servers_ipv6 };
    if wants(option::RESOLVERS) && !resolvers.is_empty() {
        put(reply, option::RESOLVERS, &octets(resolvers));
    }
    if wants(option::TIME) && !dhcp.ntp_servers_ipv6.is_empty() {
        // RFC 5908: an option within for each server.
        let mut servers = vec![];
        dhcp.ntp_servers_ipv6.iter().for_each(|server| put(&mut servers, option::TIME_SERVER, &server.octets()));
        put(reply, option::TIME, &servers);
    }
    let search: Vec<u8> = network.domain_name.split_ascii_whitespace().filter_map(name).flatten().collect();
    if wants(option::SEARCH) && !search.is_empty() {
        put(reply, option::SEARCH, &search);
    }
}

fn octets(addresses: &[Ipv6Addr]) -> Vec<u8> {
    addresses.iter().flat_map(Ipv6Addr::octets).collect()
}

/// A domain name as it stands in a packet.
fn name(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() + 2);
    for label in text.trim_end_matches('.').split('.') {
        bytes.push(u8::try_from(label.len()).ok().filter(|size| (1..64).contains(size))?);
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    (bytes.len() <= 255).then_some(bytes)
}

/// What matters of a client's message.
#[derive(Debug)]
struct Request<'a> {
    kind: Kind,
    number: [u8; 3],
    client: Option<&'a [u8]>,
    server: Option<&'a [u8]>,
    requested: Option<&'a [u8]>,
    rapid_commit: bool,
    associations: Vec<Association>,
}

#[derive(Debug)]
struct Association {
    code: u16,
    id: [u8; 4],
    named: Vec<Ipv6Addr>,
}

impl<'a> Request<'a> {
    fn parse(packet: &'a [u8]) -> Option<Self> {
        let (&[kind, a, b, c], options) = packet.split_first_chunk::<4>()?;
        let mut request = Self {
            kind: Kind::read(kind)?,
            number: [a, b, c],
            client: None,
            server: None,
            requested: None,
            rapid_commit: false,
            associations: vec![],
        };
        let mut options = Options(options);
        while let Some((code, value)) = options.next()? {
            match code {
                option::CLIENT_ID => request.client = Some(value),
                option::SERVER_ID => request.server = Some(value),
                option::REQUESTED => request.requested = Some(value),
                option::RAPID_COMMIT => request.rapid_commit = true,
                option::ADDRESSES | option::TEMPORARY | option::PREFIXES
                    if request.associations.len() < MAX_ASSOCIATIONS =>
                {
                    request.associations.push(Association::parse(code, value)?);
                }
                _ => {}
            }
        }
        Some(request)
    }

    /// Whether it names whom it must and nobody whom it mustn't (RFC 8415, section 16).
    fn is_valid(&self, us: &[u8]) -> bool {
        let client = self.client.map(|id| (3..=MAX_DUID_BYTES).contains(&id.len()));
        let to_us = self.server.map(|server| server == us);
        match self.kind {
            Kind::Solicit | Kind::Confirm | Kind::Rebind => client == Some(true) && to_us.is_none(),
            Kind::Request | Kind::Renew | Kind::Release | Kind::Decline => client == Some(true) && to_us == Some(true),
            Kind::Inform => client != Some(false) && to_us != Some(false) && self.associations.is_empty(),
        }
    }
}

impl Association {
    fn parse(code: u16, value: &[u8]) -> Option<Self> {
        let (id, rest) = value.split_first_chunk::<4>()?;
        // Those for a time have no times of their own.
        let rest = if code == option::TEMPORARY { rest } else { rest.get(8..)? };
        let mut named = vec![];
        let mut options = Options(rest);
        while let Some((inner, value)) = options.next()? {
            if inner == option::ADDRESS && named.len() < MAX_NAMED {
                named.push(Ipv6Addr::from(*value.first_chunk::<16>()?));
            }
        }
        Some(Self { code, id: *id, named })
    }
}

/// Options in a row.
struct Options<'a>(&'a [u8]);

impl<'a> Options<'a> {
    /// The next one: `Some(None)` at the end, `None` where it is cut off.
    #[expect(clippy::option_option, reason = "an end and a cut are not the same")]
    fn next(&mut self) -> Option<Option<(u16, &'a [u8])>> {
        if self.0.is_empty() {
            return Some(None);
        }
        let (&[a, b, c, d], rest) = self.0.split_first_chunk::<4>()?;
        let (value, rest) = rest.split_at_checked(u16::from_be_bytes([c, d]).into())?;
        self.0 = rest;
        Some(Some((u16::from_be_bytes([a, b]), value)))
    }
}

#[cfg(test)]
mod tests;
