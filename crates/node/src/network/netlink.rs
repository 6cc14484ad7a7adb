//! A plain, blocking talk with the kernel's routing tables, in the network namespace of the calling thread.
//!
//! Each request waits for its acknowledgement, which takes microseconds; there is nothing here that an async runtime would
//! make better. Messages that this binary can't read are passed over: newer kernels say more.

use std::io;

use rtnetlink::packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REPLACE, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload,
};
use rtnetlink::packet_route::RouteNetlinkMessage;
use rtnetlink::sys::protocols::NETLINK_ROUTE;
use rtnetlink::sys::{Socket, SocketAddr};

use crate::crash::crash_point;

/// A socket to the kernel's routing tables.
pub struct Netlink {
    socket: Socket,
    sequence: u32,
}

/// Dumps that a change interrupted are started over this often.
const DUMP_TRIES: usize = 8;

/// Set in a dump's messages when the tables changed meanwhile.
const NLM_F_DUMP_INTR: u16 = 16;

impl Netlink {
    /// Opens a socket in the calling thread's namespace, where it stays.
    pub fn open() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        Ok(Self { socket, sequence: 0 })
    }

    /// Makes something that must not be there yet.
    pub fn create(&mut self, message: RouteNetlinkMessage) -> io::Result<()> {
        self.request(message, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL)
    }

    /// Makes something, in the place of what has the same key.
    pub fn put(&mut self, message: RouteNetlinkMessage) -> io::Result<()> {
        self.request(message, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE)
    }

    /// Changes or removes something that is there.
    pub fn change(&mut self, message: RouteNetlinkMessage) -> io::Result<()> {
        self.request(message, NLM_F_ACK)
    }

    fn request(&mut self, message: RouteNetlinkMessage, flags: u16) -> io::Result<()> {
        let step = step(&message);
        crash_point!("netlink:{step}:send");
        self.send(message, NLM_F_REQUEST | flags)?;
        loop {
            for answer in self.receive()? {
                if let NetlinkPayload::Error(error) = answer.payload {
                    crash_point!("netlink:{step}:done");
                    return if error.code.is_none() { Ok(()) } else { Err(error.to_io()) };
                }
            }
        }
    }

    /// Everything of a kind.
    pub fn dump(&mut self, message: RouteNetlinkMessage) -> io::Result<Vec<RouteNetlinkMessage>> {
        for _ in 0..DUMP_TRIES {
            if let Some(found) = self.dump_once(message.clone())? {
                return Ok(found);
            }
        }
        Err(io::Error::other("the kernel's tables change faster than they can be read"))
    }

    fn dump_once(&mut self, message: RouteNetlinkMessage) -> io::Result<Option<Vec<RouteNetlinkMessage>>> {
        self.send(message, NLM_F_REQUEST | NLM_F_DUMP)?;
        let (mut found, mut interrupted) = (Vec::new(), false);
        loop {
            for answer in self.receive()? {
                interrupted |= answer.header.flags & NLM_F_DUMP_INTR != 0;
                match answer.payload {
                    NetlinkPayload::InnerMessage(inner) => found.push(inner),
                    NetlinkPayload::Done(_) => return Ok((!interrupted).then_some(found)),
                    NetlinkPayload::Error(error) if error.code.is_some() => return Err(error.to_io()),
                    _ => {}
                }
            }
        }
    }

    fn send(&mut self, message: RouteNetlinkMessage, flags: u16) -> io::Result<()> {
        self.sequence = self.sequence.wrapping_add(1);
        let mut message = NetlinkMessage::from(message);
        message.header.flags = flags;
        message.header.sequence_number = self.sequence;
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        self.socket.send(&bytes, 0).map(drop)
    }

    /// The messages of one datagram that answer the last request.
    fn receive(&mut self) -> io::Result<Vec<NetlinkMessage<RouteNetlinkMessage>>> {
        let (bytes, _) = self.socket.recv_from_full()?;
        let mut messages = Vec::new();
        let mut rest = bytes.as_slice();
        while let Some(length) = rest.first_chunk::<4>().map(|length| u32::from_ne_bytes(*length) as usize) {
            if length < 16 || length > rest.len() {
                break;
            }
            match NetlinkMessage::<RouteNetlinkMessage>::deserialize(&rest[..length]) {
                Ok(message) if message.header.sequence_number == self.sequence => messages.push(message),
                Ok(_) => {}
                Err(error) => tracing::debug!(%error, "passed over a netlink message"),
            }
            rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        }
        Ok(messages)
    }
}

/// What a request changes, for the names of crash points.
fn step(message: &RouteNetlinkMessage) -> &'static str {
    use RouteNetlinkMessage as Message;
    match message {
        Message::NewLink(_) => "new-link",
        Message::SetLink(_) => "set-link",
        Message::DelLink(_) => "delete-link",
        Message::NewAddress(_) => "new-address",
        Message::DelAddress(_) => "delete-address",
        Message::NewNeighbour(_) => "new-neighbour",
        Message::DelNeighbour(_) => "delete-neighbour",
        Message::NewRoute(_) => "new-route",
        Message::DelRoute(_) => "delete-route",
        Message::NewRule(_) => "new-rule",
        Message::DelRule(_) => "delete-rule",
        _ => "other",
    }
}
