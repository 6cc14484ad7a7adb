//! Sockets in other network namespaces. A thread belongs to a namespace, so each look into one is a short-lived thread of
//! its own, which opens what is missing there and leaves; the sockets stay in their namespace and are served from the
//! common runtime. Addresses are bound before they exist (`IP_FREEBIND`), so that the order in which a namespace is set up
//! doesn't matter.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use landfall_model::InterfaceId;
use nix::sched::{CloneFlags, setns};
use serde::{Deserialize, Serialize};
use socket2::{Domain, Protocol, Socket, Type};

use super::dhcp::TIME_SERVER;
use super::dns::{METADATA, METADATA_IPV6, RESOLVER, RESOLVER_IPV6};
use super::ntp::TIME_SERVER_IPV6;
use super::plan::ServicePlan;
use super::{dhcp6, router};

const BACKLOG: i32 = 128;

/// What a socket is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Role {
    /// Instance metadata.
    Http,
    /// Time.
    Time,
    /// Names, at that address, in packets.
    DnsUdp(IpAddr),
    /// Names, at that address, in streams.
    DnsTcp(IpAddr),
    /// Leases, at that port.
    Dhcp(InterfaceId),
    /// Instance metadata over IPv6.
    HttpIpv6,
    /// Time over IPv6.
    TimeIpv6,
    /// IPv6 leases, at that port.
    DhcpIpv6(InterfaceId),
    /// Router advertisements, at that port.
    Router(InterfaceId),
}

/// A socket among all: the number of its network, and what it is for.
pub type Key = (u32, Role);

/// Where a socket was opened. A namespace or a device that was made anew under the old name has another home.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Home {
    /// The namespace's inode.
    pub namespace: u64,
    /// The index of the device that it is bound to, or 0.
    pub device: u32,
}

/// A socket that is wanted, with the device that it has to be bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    role: Role,
    device: Option<String>,
}

/// The sockets that serve a network.
pub fn wanted(plan: &ServicePlan, number: u32) -> Vec<Wanted> {
    let Some(network) = plan.networks.get(&number) else { return vec![] };
    let mut roles = vec![Role::Http, Role::Time];
    let mut resolvers: BTreeSet<IpAddr> = network.resolver().into_iter().chain([RESOLVER]).map(IpAddr::V4).collect();
    if !network.ipv6.is_empty() {
        roles.extend([Role::HttpIpv6, Role::TimeIpv6]);
        resolvers.insert(RESOLVER_IPV6.into());
    }
    if network.dns_support {
        roles.extend(resolvers.into_iter().flat_map(|address| [Role::DnsUdp(address), Role::DnsTcp(address)]));
    }
    let mut wanted: Vec<_> = roles.into_iter().map(|role| Wanted { role, device: None }).collect();
    for (_, port) in plan.ports().filter(|(_, port)| port.network == number) {
        let ipv6 = [Role::DhcpIpv6(port.id), Role::Router(port.id)].into_iter().filter(|_| !port.ipv6.is_empty());
        let roles = [Role::Dhcp(port.id)].into_iter().chain(ipv6);
        wanted.extend(roles.map(|role| Wanted { role, device: Some(port.device.clone()) }));
    }
    wanted
}

/// What was found in a namespace.
#[derive(Debug, Default)]
pub struct Survey {
    /// The sockets of before that are still good.
    pub keep: BTreeSet<Role>,
    /// Sockets that were opened.
    pub opened: Vec<(Role, Home, OwnedFd)>,
    /// What couldn't be had, for a person to read.
    pub missing: Vec<String>,
}

/// Looks into a namespace and opens what is wanted and not there.
pub fn survey(namespace: PathBuf, wanted: Vec<Wanted>, have: BTreeMap<Role, Home>) -> Survey {
    let name = namespace.display().to_string();
    let look = move || look(&namespace, wanted, &have);
    let thread = std::thread::Builder::new().name("namespace".into()).spawn(look).map(std::thread::JoinHandle::join);
    match thread {
        Ok(Ok(Ok(survey))) => survey,
        Ok(Ok(Err(error))) | Err(error) => Survey { missing: vec![format!("{name}: {error}")], ..Survey::default() },
        Ok(Err(_)) => Survey { missing: vec![format!("{name}: the thread that looked died")], ..Survey::default() },
    }
}

fn look(namespace: &PathBuf, wanted: Vec<Wanted>, have: &BTreeMap<Role, Home>) -> io::Result<Survey> {
    let file = File::open(namespace)?;
    let inode = file.metadata()?.ino();
    setns(&file, CloneFlags::CLONE_NEWNET)?;
    let mut survey = Survey::default();
    // The sockets of a port follow each other: its device is looked up once.
    let mut last = None;
    for Wanted { role, device } in wanted {
        let known = last.take().filter(|(name, _)| *name == device);
        let (_, index) = last.insert(known.unwrap_or_else(|| {
            let index = device.as_deref().map_or(Ok(0), nix::net::if_::if_nametoindex).ok();
            (device.clone(), index)
        }));
        let Some(index) = *index else {
            survey.missing.push(format!("device {} in {}", device.unwrap_or_default(), namespace.display()));
            continue;
        };
        let home = Home { namespace: inode, device: index };
        if have.get(&role) == Some(&home) {
            survey.keep.insert(role);
            continue;
        }
        match open(role, device.as_deref().map(|device| (device, index))) {
            Ok(socket) => survey.opened.push((role, home, socket)),
            Err(error) => survey.missing.push(format!("{role:?} in {}: {error}", namespace.display())),
        }
    }
    Ok(survey)
}

/// Opens a socket; `device` is what it is bound to, by name and index.
fn open(role: Role, device: Option<(&str, u32)>) -> io::Result<OwnedFd> {
    let (address, port): (IpAddr, u16) = match role {
        Role::Http => (METADATA.into(), 80),
        Role::HttpIpv6 => (METADATA_IPV6.into(), 80),
        Role::Time => (TIME_SERVER.into(), 123),
        Role::TimeIpv6 => (TIME_SERVER_IPV6.into(), 123),
        Role::DnsUdp(address) | Role::DnsTcp(address) => (address, 53),
        Role::Dhcp(_) => (Ipv4Addr::UNSPECIFIED.into(), 67),
        Role::DhcpIpv6(_) => (Ipv6Addr::UNSPECIFIED.into(), dhcp6::SERVER_PORT),
        Role::Router(_) => (router::GATEWAY.into(), 0),
    };
    let (kind, protocol) = match role {
        Role::Http | Role::HttpIpv6 | Role::DnsTcp(_) => (Type::STREAM, Protocol::TCP),
        Role::Router(_) => (Type::RAW, Protocol::ICMPV6),
        _ => (Type::DGRAM, Protocol::UDP),
    };
    let domain = if address.is_ipv4() { Domain::IPV4 } else { Domain::IPV6 };
    let socket = Socket::new(domain, kind, Some(protocol))?;
    socket.set_nonblocking(true)?;
    let (name, index) = device.unzip();
    if let Some(name) = name {
        socket.bind_device(Some(name.as_bytes()))?;
    }
    match (address, index) {
        (IpAddr::V4(_), Some(_)) => socket.set_broadcast(true)?,
        (IpAddr::V4(_), None) => socket.set_freebind_v4(true)?,
        (IpAddr::V6(_), index) => {
            if protocol != Protocol::ICMPV6 {
                socket.set_only_v6(true)?;
            }
            socket.set_freebind_v6(true)?;
            match role {
                Role::DhcpIpv6(_) => socket.join_multicast_v6(&dhcp6::ALL_SERVERS, index.unwrap_or(0))?,
                Role::Router(_) => hear_solicitations(&socket, index.unwrap_or(0))?,
                _ => {}
            }
        }
    }
    let stream = kind == Type::STREAM;
    if stream {
        socket.set_reuse_address(true)?;
    }
    let address = match address {
        IpAddr::V4(address) => SocketAddr::from((address, port)),
        IpAddr::V6(address) => SocketAddrV6::new(address, port, 0, index.unwrap_or(0)).into(),
    };
    socket.bind(&address.into())?;
    if stream {
        socket.listen(BACKLOG)?;
    }
    Ok(socket.into())
}

/// Makes a raw socket one that a router has on a link.
fn hear_solicitations(socket: &Socket, device: u32) -> io::Result<()> {
    // A bit for each type, set for those that aren't wanted (RFC 3542, section 3.2).
    let mut filter = [u32::MAX; 8];
    filter[usize::from(router::SOLICITATION / 32)] &= !(1 << (router::SOLICITATION % 32));
    let size = libc::socklen_t::try_from(size_of_val(&filter)).map_err(io::Error::other)?;
    // SAFETY: the kernel reads `size` bytes at that address, which are the filter's.
    let set = unsafe {
        libc::setsockopt(socket.as_raw_fd(), libc::IPPROTO_ICMPV6, ICMPV6_FILTER, filter.as_ptr().cast(), size)
    };
    nix::errno::Errno::result(set)?;
    socket.join_multicast_v6(&router::ALL_ROUTERS, device)?;
    socket.set_recv_hoplimit_v6(true)?;
    socket.set_multicast_if_v6(device)?;
    socket.set_multicast_loop_v6(false)?;
    socket.set_multicast_hops_v6(router::HOP_LIMIT.into())
}

/// `ICMP6_FILTER` of Linux's `linux/icmpv6.h`.
const ICMPV6_FILTER: libc::c_int = 1;

#[cfg(test)]
mod tests {
    use super::super::{plan::derive, sample};
    use super::*;

    #[test]
    fn a_network_has_its_services_and_each_port_its_leases() {
        let mut plan = derive(&sample::host_plan(), "lf", 1500);
        let roles = |plan: &ServicePlan| wanted(plan, 7).into_iter().map(|wanted| wanted.role).collect::<Vec<_>>();
        let id = sample::interface_id();
        let names = |addresses: &[IpAddr]| {
            addresses.iter().flat_map(|address| [Role::DnsUdp(*address), Role::DnsTcp(*address)]).collect::<Vec<_>>()
        };
        let ipv4 = names(&[Ipv4Addr::new(10, 0, 0, 2).into(), RESOLVER.into()]);
        let ipv6 = names(&[RESOLVER_IPV6.into()]);
        let both = [Role::Http, Role::Time, Role::HttpIpv6, Role::TimeIpv6];
        let port = [Role::Dhcp(id), Role::DhcpIpv6(id), Role::Router(id)];
        assert_eq!(roles(&plan), [&both[..], &ipv4, &ipv6, &port].concat());
        plan.networks.get_mut(&7).unwrap().dns_support = false;
        assert_eq!(roles(&plan), [&both[..], &port].concat());
        plan.networks.get_mut(&7).unwrap().ipv6.clear();
        plan.instances.values_mut().for_each(|instance| instance.ports[0].ipv6.clear());
        assert_eq!(roles(&plan), [&both[..2], &port[..1]].concat());
        assert!(wanted(&plan, 8).is_empty());
    }

    #[test]
    fn a_role_of_the_process_before_is_understood() {
        assert_eq!(
            serde_json::from_str::<Role>(r#"{"DnsUdp":"10.0.0.2"}"#).unwrap(),
            Role::DnsUdp([10, 0, 0, 2].into())
        );
    }

    #[test]
    fn a_namespace_that_is_not_there_is_said_to_be_missing() {
        let survey = survey("/nonexistent/lf-7".into(), vec![], BTreeMap::new());
        assert_eq!((survey.opened.len(), survey.missing.len()), (0, 1));
    }
}
