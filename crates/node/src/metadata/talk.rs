//! Talking with guests: a loop for each socket, which finds out who asks, bounds it, and lets a pure function answer.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket as StdUdpSocket};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use hickory_proto::op::ResponseCode;
use landfall_model::InterfaceId;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use super::directory::Caller;
use super::dns::{self, MAX_QUESTION_BYTES, Outcome, Transport};
use super::http::{self, Head, MAX_HEAD_BYTES, Response};
use super::limit::Place;
use super::serve::Shared;
use super::sockets::{Home, Key, Role};
use super::token::SinceBoot;
use super::{dhcp, link, ntp, resolver};

/// How long a client may take for what it sends, and for taking what it is sent.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long an answered connection is listened to, so that closing it doesn't cut off the answer.
const LINGER: Duration = Duration::from_secs(1);
const MAX_LINGER_BYTES: usize = 64 << 10;
const MAX_QUESTIONS_A_STREAM: usize = 16;
const MAX_DHCP_BYTES: usize = 1500;
/// A pause after an error that comes at once again, such as having no descriptor left.
pub const BREATH: Duration = Duration::from_millis(50);

/// Begins to serve a socket.
pub fn start(shared: &Arc<Shared>, key: Key, home: Home, socket: OwnedFd) -> io::Result<AbortHandle> {
    let (network, role) = key;
    let shared = shared.clone();
    // A raw socket is to the runtime as one of UDP is.
    let packets = |socket: OwnedFd| UdpSocket::from_std(StdUdpSocket::from(socket));
    let task = match role {
        Role::Http | Role::HttpIpv6 | Role::DnsTcp(_) => {
            let listener = TcpListener::from_std(socket.into())?;
            tokio::spawn(accept(shared, network, listener, !matches!(role, Role::DnsTcp(_))))
        }
        Role::DnsUdp(_) => tokio::spawn(names(shared, network, Arc::new(packets(socket)?))),
        Role::Time | Role::TimeIpv6 => tokio::spawn(time(shared, network, packets(socket)?)),
        Role::Dhcp(port) => tokio::spawn(leases(shared, port, packets(socket)?)),
        Role::DhcpIpv6(port) => tokio::spawn(link::lease(shared, port, home.device, packets(socket)?)),
        Role::Router(port) => tokio::spawn(link::advertise(shared, port, home.device, packets(socket)?)),
    };
    Ok(task.abort_handle())
}

async fn accept(shared: Arc<Shared>, network: u32, listener: TcpListener, http: bool) {
    loop {
        let (stream, source) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::debug!(network, %error, "a connection couldn't be accepted");
                sleep(BREATH).await;
                continue;
            }
        };
        let Some((source, port)) = identify(&shared, network, source) else { continue };
        let Some(place) = shared.connections.take(port) else { continue };
        let shared = shared.clone();
        tokio::spawn(async move {
            let ended = if http {
                page(&shared, network, source, port, stream).await
            } else {
                questions(&shared, network, port, stream).await
            };
            if let Err(error) = ended {
                tracing::debug!(network, %port, %error, "a connection ended early");
            }
            drop(place);
        });
    }
}

/// Who has that address in that network; and that it was heard.
fn identify(shared: &Shared, network: u32, source: SocketAddr) -> Option<(IpAddr, InterfaceId)> {
    let port = shared.directory().caller(network, source.ip())?.port.id;
    shared.note(port);
    Some((source.ip(), port))
}

/// One connection to the metadata service.
async fn page(
    shared: &Shared,
    network: u32,
    source: IpAddr,
    port: InterfaceId,
    mut stream: TcpStream,
) -> io::Result<()> {
    let head = timeout(PATIENCE, read_head(&mut stream)).await??;
    let response = match head {
        Head::Whole(_) if !shared.http_rate.admit(port, Instant::now()) => Response::status(503),
        Head::Whole(request) => {
            let directory = shared.directory();
            let Some(caller) = directory.caller(network, source) else { return Ok(()) };
            let lent = shared.lent(caller.id);
            let caller = Caller { credentials: lent.as_deref(), ..caller };
            // EC2 has no endpoint there unless it is asked for.
            if source.is_ipv6() && !caller.instance.metadata.options.ipv6 {
                return Ok(());
            }
            http::answer(&caller, &request, &shared.key, SinceBoot::now())
        }
        _ => Response::status(400),
    };
    if let Some(hops) = response.hop_limit {
        let socket = socket2::SockRef::from(&stream);
        if source.is_ipv6() { socket.set_unicast_hops_v6(hops.into())? } else { socket.set_ttl_v4(hops.into())? }
    }
    timeout(PATIENCE, stream.write_all(&response.to_bytes())).await??;
    stream.shutdown().await?;
    // A body that nobody asked for is read and thrown away: closing with it unread would reset the connection.
    let mut rest = stream.take(MAX_LINGER_BYTES as u64);
    let _ = timeout(LINGER, tokio::io::copy(&mut rest, &mut tokio::io::sink())).await;
    Ok(())
}

async fn read_head(stream: &mut TcpStream) -> io::Result<Head> {
    let mut bytes = Vec::with_capacity(1024);
    loop {
        match http::parse(&bytes) {
            Head::Partial => {}
            head => return Ok(head),
        }
        let room = MAX_HEAD_BYTES - bytes.len();
        if (&mut *stream).take(room as u64).read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// The resolver, in packets.
async fn names(shared: Arc<Shared>, network: u32, socket: Arc<UdpSocket>) {
    let mut buffer = vec![0; MAX_QUESTION_BYTES];
    loop {
        let Ok((size, source)) = socket.recv_from(&mut buffer).await else {
            sleep(BREATH).await;
            continue;
        };
        let Some((_, port)) = identify(&shared, network, source) else { continue };
        if !shared.dns_rate.admit(port, Instant::now()) {
            continue;
        }
        let packet = &buffer[..size];
        match outcome(&shared, network, packet, Transport::Packet) {
            Outcome::Reply(reply) => _ = socket.send_to(&reply, source).await,
            Outcome::Drop => {}
            Outcome::Forward => {
                let Some(place) = shared.questions.take(port) else {
                    if let Outcome::Reply(reply) = dns::failure(packet, ResponseCode::ServFail) {
                        let _ = socket.send_to(&reply, source).await;
                    }
                    continue;
                };
                let (shared, socket, packet) = (shared.clone(), socket.clone(), packet.to_vec());
                tokio::spawn(async move {
                    if let Some(reply) = forward(&shared, &packet, Transport::Packet, place).await {
                        let _ = socket.send_to(&reply, source).await;
                    }
                });
            }
        }
    }
}

/// The resolver, on one connection.
async fn questions(shared: &Shared, network: u32, port: InterfaceId, mut stream: TcpStream) -> io::Result<()> {
    for _ in 0..MAX_QUESTIONS_A_STREAM {
        let size = usize::from(timeout(PATIENCE, stream.read_u16()).await??);
        if size > MAX_QUESTION_BYTES || !shared.dns_rate.admit(port, Instant::now()) {
            break;
        }
        let mut packet = vec![0; size];
        timeout(PATIENCE, stream.read_exact(&mut packet)).await??;
        let reply = match outcome(shared, network, &packet, Transport::Stream) {
            Outcome::Reply(reply) => Some(reply),
            Outcome::Drop => None,
            Outcome::Forward => match shared.questions.take(port) {
                Some(place) => forward(shared, &packet, Transport::Stream, place).await,
                None => None,
            },
        };
        let Some(reply) = reply else { break };
        let size = u16::try_from(reply.len()).map_err(io::Error::other)?;
        timeout(PATIENCE, stream.write_all(&[&size.to_be_bytes(), &reply[..]].concat())).await??;
    }
    Ok(())
}

fn outcome(shared: &Shared, network: u32, packet: &[u8], transport: Transport) -> Outcome {
    let directory = shared.directory();
    directory.network(network).map_or(Outcome::Drop, |network| dns::answer(network, packet, transport))
}

async fn forward(shared: &Shared, packet: &[u8], transport: Transport, place: Place) -> Option<Vec<u8>> {
    let answer = resolver::ask(&shared.upstreams(), packet, transport == Transport::Stream).await;
    drop(place);
    match answer {
        Some(answer) if transport == Transport::Packet => Some(dns::fit(packet, answer)),
        Some(answer) => Some(answer),
        None => match dns::failure(packet, ResponseCode::ServFail) {
            Outcome::Reply(reply) => Some(reply),
            _ => None,
        },
    }
}

async fn time(shared: Arc<Shared>, network: u32, socket: UdpSocket) {
    let mut buffer = [0; 512];
    loop {
        let Ok((size, source)) = socket.recv_from(&mut buffer).await else {
            sleep(BREATH).await;
            continue;
        };
        let received = ntp::timestamp(SystemTime::now());
        let Some((_, port)) = identify(&shared, network, source) else { continue };
        if !shared.time_rate.admit(port, Instant::now()) {
            continue;
        }
        if let Some(reply) = ntp::answer(&buffer[..size], received) {
            let _ = socket.send_to(&reply, source).await;
        }
    }
}

async fn leases(shared: Arc<Shared>, port: InterfaceId, socket: UdpSocket) {
    let mut buffer = [0; MAX_DHCP_BYTES];
    loop {
        let Ok((size, _)) = socket.recv_from(&mut buffer).await else {
            // The device went away; whether it comes back is seen by the next look into the namespace.
            sleep(BREATH).await;
            continue;
        };
        if !shared.dhcp_rate.admit(port, Instant::now()) {
            continue;
        }
        let reply = {
            let directory = shared.directory();
            directory.port(port).and_then(|caller| dhcp::answer(&caller, &buffer[..size]))
        };
        let Some(reply) = reply else { continue };
        shared.note(port);
        let broadcast = (Ipv4Addr::BROADCAST, 68);
        let sent = match reply.unicast {
            Some(address) => socket.send_to(&reply.bytes, (address, 68)).await,
            None => socket.send_to(&reply.bytes, broadcast).await,
        };
        if reply.unicast.is_some() && sent.is_err() {
            let _ = socket.send_to(&reply.bytes, broadcast).await;
        }
    }
}
