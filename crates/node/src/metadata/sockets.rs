//! Sockets in other network namespaces. A thread belongs to a namespace, so each look into one is a short-lived thread of
//! its own, which opens what is missing there and leaves; the sockets stay in their namespace and are served from the
//! common runtime. Addresses are bound before they exist (`IP_FREEBIND`), so that the order in which a namespace is set up
//! doesn't matter.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use landfall_model::InterfaceId;
use nix::sched::{CloneFlags, setns};
use serde::{Deserialize, Serialize};
use socket2::{Domain, Protocol, Socket, Type};

use super::dhcp::TIME_SERVER;
use super::dns::{METADATA, RESOLVER};
use super::plan::ServicePlan;

const BACKLOG: i32 = 128;

/// What a socket is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Role {
    /// Instance metadata.
    Http,
    /// Time.
    Time,
    /// Names, at that address, in packets.
    DnsUdp(Ipv4Addr),
    /// Names, at that address, in streams.
    DnsTcp(Ipv4Addr),
    /// Leases, at that port.
    Dhcp(InterfaceId),
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
    let mut wanted = vec![Wanted { role: Role::Http, device: None }, Wanted { role: Role::Time, device: None }];
    if network.dns_support {
        let addresses: BTreeSet<_> = network.resolver().into_iter().chain([RESOLVER]).collect();
        let roles = addresses.into_iter().flat_map(|address| [Role::DnsUdp(address), Role::DnsTcp(address)]);
        wanted.extend(roles.map(|role| Wanted { role, device: None }));
    }
    let ports = plan.ports().filter(|(_, port)| port.network == number);
    wanted.extend(ports.map(|(_, port)| Wanted { role: Role::Dhcp(port.id), device: Some(port.device.clone()) }));
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
    for Wanted { role, device } in wanted {
        let index = match &device {
            None => 0,
            Some(name) => match nix::net::if_::if_nametoindex(name.as_str()) {
                Ok(index) => index,
                Err(_) => {
                    survey.missing.push(format!("device {name} in {}", namespace.display()));
                    continue;
                }
            },
        };
        let home = Home { namespace: inode, device: index };
        if have.get(&role) == Some(&home) {
            survey.keep.insert(role);
            continue;
        }
        match open(role, device.as_deref()) {
            Ok(socket) => survey.opened.push((role, home, socket)),
            Err(error) => survey.missing.push(format!("{role:?} in {}: {error}", namespace.display())),
        }
    }
    Ok(survey)
}

fn open(role: Role, device: Option<&str>) -> io::Result<OwnedFd> {
    let (address, port) = match role {
        Role::Http => (METADATA, 80),
        Role::Time => (TIME_SERVER, 123),
        Role::DnsUdp(address) | Role::DnsTcp(address) => (address, 53),
        Role::Dhcp(_) => (Ipv4Addr::UNSPECIFIED, 67),
    };
    let stream = matches!(role, Role::Http | Role::DnsTcp(_));
    let (kind, protocol) = if stream { (Type::STREAM, Protocol::TCP) } else { (Type::DGRAM, Protocol::UDP) };
    let socket = Socket::new(Domain::IPV4, kind, Some(protocol))?;
    socket.set_nonblocking(true)?;
    if let Some(device) = device {
        socket.bind_device(Some(device.as_bytes()))?;
        socket.set_broadcast(true)?;
    } else {
        socket.set_freebind_v4(true)?;
    }
    if stream {
        socket.set_reuse_address(true)?;
    }
    socket.bind(&SocketAddrV4::new(address, port).into())?;
    if stream {
        socket.listen(BACKLOG)?;
    }
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::super::{plan::derive, sample};
    use super::*;

    #[test]
    fn a_network_has_its_services_and_each_port_its_leases() {
        let mut plan = derive(&sample::host_plan(), "lf", 1500);
        let roles = |plan: &ServicePlan| wanted(plan, 7).into_iter().map(|wanted| wanted.role).collect::<Vec<_>>();
        let base = Ipv4Addr::new(10, 0, 0, 2);
        let (first, last) = ([Role::Http, Role::Time], Role::Dhcp(sample::interface_id()));
        let names = [Role::DnsUdp(base), Role::DnsTcp(base), Role::DnsUdp(RESOLVER), Role::DnsTcp(RESOLVER)];
        assert_eq!(roles(&plan), [&first[..], &names, &[last]].concat());
        plan.networks.get_mut(&7).unwrap().dns_support = false;
        assert_eq!(roles(&plan), [&first[..], &[last]].concat());
        assert!(wanted(&plan, 8).is_empty());
    }

    #[test]
    fn a_namespace_that_is_not_there_is_said_to_be_missing() {
        let survey = survey("/nonexistent/lf-7".into(), vec![], BTreeMap::new());
        assert_eq!((survey.opened.len(), survey.missing.len()), (0, 1));
    }
}
