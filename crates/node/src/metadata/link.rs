//! Talking with one port's guest about IPv6: solicitations and leases, by sockets that are bound to the port's device.

use std::io::{self, IoSliceMut};
use std::net::{Ipv6Addr, SocketAddrV6};
use std::os::fd::AsRawFd as _;
use std::sync::Arc;
use std::time::Instant;

use landfall_model::InterfaceId;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrIn6, recvmsg};
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::time::{sleep, timeout_at};

use super::dhcp6::{self, CLIENT_PORT};
use super::router::{self, ALL_NODES};
use super::serve::Shared;
use super::talk::BREATH;
use crate::network::inside::GATEWAY_MAC;

const MAX_PACKET_BYTES: usize = 1500;

/// Advertises the router, when asked and now and then.
pub async fn advertise(shared: Arc<Shared>, port: InterfaceId, device: u32, socket: UdpSocket) {
    let mut count = 0;
    let mut due = tokio::time::Instant::now();
    loop {
        let asked = match timeout_at(due, solicited(&socket)).await {
            Err(_) => {
                due = tokio::time::Instant::now() + router::pause_after(count, port.bits());
                count = count.saturating_add(1);
                false
            }
            Ok(Ok(true)) if shared.router_rate.admit(port, Instant::now()) => true,
            Ok(Ok(_)) => continue,
            Ok(Err(_)) => {
                // The device went away; whether it comes back is seen by the next look into the namespace.
                sleep(BREATH).await;
                continue;
            }
        };
        let told = shared.directory().port(port).and_then(|caller| router::advertisement(&caller, GATEWAY_MAC));
        let Some(told) = told else { continue };
        if asked {
            shared.note(port);
        }
        let _ = socket.send_to(&told, SocketAddrV6::new(ALL_NODES, 0, 0, device)).await;
    }
}

/// Waits for a packet. Returns whether it is a solicitation.
async fn solicited(socket: &UdpSocket) -> io::Result<bool> {
    socket
        .async_io(Interest::READABLE, || {
            let mut buffer = [0; MAX_PACKET_BYTES];
            let mut parts = [IoSliceMut::new(&mut buffer)];
            let mut space = nix::cmsg_space!(libc::c_int);
            let flags = MsgFlags::MSG_DONTWAIT;
            let message = recvmsg::<SockaddrIn6>(socket.as_raw_fd(), &mut parts, Some(&mut space), flags)?;
            let hops = message.cmsgs()?.find_map(|message| match message {
                ControlMessageOwned::Ipv6HopLimit(hops) => u8::try_from(hops).ok(),
                _ => None,
            });
            let (size, source) = (message.bytes, message.address.map_or(Ipv6Addr::UNSPECIFIED, |from| from.ip()));
            Ok(hops.is_some_and(|hops| router::is_solicitation(&buffer[..size], source, hops)))
        })
        .await
}

/// Leases the port's addresses.
pub async fn lease(shared: Arc<Shared>, port: InterfaceId, device: u32, socket: UdpSocket) {
    let mut buffer = [0; MAX_PACKET_BYTES];
    loop {
        let Ok((size, source)) = socket.recv_from(&mut buffer).await else {
            sleep(BREATH).await;
            continue;
        };
        let std::net::IpAddr::V6(source) = source.ip() else { continue };
        if !source.is_unicast_link_local() || !shared.dhcp_rate.admit(port, Instant::now()) {
            continue;
        }
        let reply = {
            let directory = shared.directory();
            directory.port(port).and_then(|caller| dhcp6::answer(&caller, GATEWAY_MAC, &buffer[..size]))
        };
        let Some(reply) = reply else { continue };
        shared.note(port);
        let _ = socket.send_to(&reply, SocketAddrV6::new(source, CLIENT_PORT, 0, device)).await;
    }
}
