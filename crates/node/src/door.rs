//! Doors: where the API answers within networks.
//!
//! Every network has one at the same link-local address, and two at each address of its endpoints, of which one is for TLS. What listens is opened
//! in the network's namespace and handed to a [`Reception`], which is the control plane's front door where both are one
//! process, and relays to it elsewhere; with it goes where the door is, so that whoever decides knows where a call came
//! from. Who may come to a door is the packet filter's to say.
//!
//! Nothing is remembered that can't be lost: what listens ends with this process, and the next one opens it anew from its
//! plan. An address is bound before the namespace has it (`IP_FREEBIND`), so that the order of things doesn't matter.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};
use std::os::unix::fs::MetadataExt as _;
use std::sync::{Mutex, PoisonError};

use landfall_model::Origin;
use landfall_model::plan::HostPlan;
use socket2::{Domain, Protocol, Socket, Type};

use crate::metadata::names;
pub use crate::network::endpoint::TLS_PORT;
use crate::network::{endpoint, namespace};

/// Where the API answers in every network. Of the link-local addresses that AWS uses it is none.
pub const ADDRESS: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(169, 254, 169, 252), 80);
/// The name of that address in every network.
pub const NAME: &str = "api.landfall.internal";

const BACKLOG: i32 = 128;

/// A place to listen at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Door {
    /// The name of the network's namespace.
    pub namespace: String,
    /// The address and port there.
    pub address: SocketAddrV4,
}

/// Answers what comes in by doors.
pub trait Reception: Send + Sync {
    /// Takes the connections of a listener until what is returned is dropped. Doesn't block.
    fn receive(&self, listener: TcpListener, origin: Origin) -> Box<dyn Send>;
}

/// The doors that a plan has, with where what comes in by each began. `api` is the address in every network.
pub fn plan(plan: &HostPlan, prefix: &str, api: Option<SocketAddrV4>) -> BTreeMap<Door, Origin> {
    let mut doors = BTreeMap::new();
    for vpc in plan.vpcs() {
        let door = |address| Door { namespace: names::namespace(prefix, vpc.number), address };
        for face in endpoint::faces(plan, vpc) {
            let origin = Origin { vpc: vpc.id, endpoint: Some(face.endpoint) };
            let addresses =
                face.port.addresses.iter().flat_map(|address| {
                    [endpoint::PORT, endpoint::TLS_PORT].map(|port| SocketAddrV4::new(*address, port))
                });
            doors.extend(addresses.map(|address| (door(address), origin)));
        }
        doors.extend(api.map(|address| (door(address), Origin { vpc: vpc.id, endpoint: None })));
    }
    doors
}

/// The doors of a host that are open.
pub struct Doors {
    reception: Box<dyn Reception>,
    open: Mutex<BTreeMap<Door, Open>>,
}

struct Open {
    origin: Origin,
    /// The inode of the namespace: one that was made anew under its old name is another.
    home: u64,
    _listens: Box<dyn Send>,
}

impl Doors {
    /// None yet.
    pub fn new(reception: impl Reception + 'static) -> Self {
        Self { reception: Box::new(reception), open: Mutex::default() }
    }

    /// Opens those that are wanted and closes all others. What can't be opened is said, and to be tried again.
    pub fn apply(&self, wanted: &BTreeMap<Door, Origin>) -> Vec<String> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let mut homes: BTreeMap<&str, u64> = BTreeMap::new();
        let mut failures = Vec::new();
        for door in wanted.keys() {
            if !homes.contains_key(door.namespace.as_str()) {
                match fs::metadata(namespace::path(&door.namespace)) {
                    Ok(metadata) => drop(homes.insert(&door.namespace, metadata.ino())),
                    Err(error) => failures.push(format!("namespace {}: {error}", door.namespace)),
                }
            }
        }
        open.retain(|door, open| {
            wanted.get(door) == Some(&open.origin) && homes.get(door.namespace.as_str()) == Some(&open.home)
        });
        for (door, origin) in wanted {
            let Some(home) = homes.get(door.namespace.as_str()).filter(|_| !open.contains_key(door)) else { continue };
            match listen(door) {
                Ok(listener) => {
                    let listens = self.reception.receive(listener, *origin);
                    open.insert(door.clone(), Open { origin: *origin, home: *home, _listens: listens });
                }
                Err(error) => failures.push(format!("listening at {} in {}: {error}", door.address, door.namespace)),
            }
        }
        failures
    }
}

fn listen(door: &Door) -> io::Result<TcpListener> {
    namespace::within(&door.namespace, || {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        socket.set_reuse_address(true)?;
        socket.set_freebind_v4(true)?;
        socket.bind(&door.address.into())?;
        socket.listen(BACKLOG)?;
        Ok(socket.into())
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use landfall_model::plan::{EndpointPlan, Piece, PieceKey, PortLocation};
    use landfall_model::{EndpointId, InterfaceId};

    use super::*;
    use crate::metadata::sample;

    #[test]
    fn each_network_has_a_door_and_each_address_of_an_endpoint() {
        let mut host = sample::host_plan();
        let vpc = host.vpcs().next().unwrap().id;
        let here = Origin { vpc, endpoint: None };
        let door = |address: SocketAddrV4| Door { namespace: "lf-7".into(), address };
        let api = (door(ADDRESS), here);
        assert_eq!(plan(&host, "lf", Some(ADDRESS)), BTreeMap::from([api.clone()]));
        assert!(plan(&host, "lf", None).is_empty());

        let id = EndpointId::from_random(1);
        let mut port = host.ports().next().unwrap().clone();
        let guest = port.id;
        (port.id, port.location) = (InterfaceId::from_random(9), PortLocation::Service);
        port.addresses = vec![[10, 0, 1, 99].into()];
        let endpoint = EndpointPlan { id, vpc, interfaces: vec![port.id] };
        host.pieces.insert(PieceKey::Endpoint(id), Piece::Endpoint(endpoint.clone()));
        assert_eq!(plan(&host, "lf", Some(ADDRESS)).len(), 1, "its interface isn't there");
        host.pieces.insert(PieceKey::Port(port.id), Piece::Port(port));
        let face = |port| (door(SocketAddrV4::new([10, 0, 1, 99].into(), port)), Origin { vpc, endpoint: Some(id) });
        assert_eq!(plan(&host, "lf", Some(ADDRESS)), BTreeMap::from([api.clone(), face(80), face(443)]));
        let stolen = EndpointPlan { interfaces: vec![guest], ..endpoint };
        host.pieces.insert(PieceKey::Endpoint(id), Piece::Endpoint(stolen));
        assert_eq!(plan(&host, "lf", Some(ADDRESS)), BTreeMap::from([api]), "no guest's address is an endpoint's");
    }

    struct Nobody;

    impl Reception for Nobody {
        fn receive(&self, listener: TcpListener, _: Origin) -> Box<dyn Send> {
            Box::new(listener)
        }
    }

    #[test]
    fn a_door_without_its_namespace_is_said_and_tried_again() {
        let doors = Doors::new(Nobody);
        let vpc = landfall_model::VpcId::from_random(1);
        let wanted =
            BTreeMap::from([(Door { namespace: "lf-none".into(), address: ADDRESS }, Origin { vpc, endpoint: None })]);
        assert_eq!(doors.apply(&wanted).len(), 1);
        assert_eq!(doors.apply(&wanted).len(), 1);
        assert!(doors.apply(&BTreeMap::new()).is_empty());
    }
}
