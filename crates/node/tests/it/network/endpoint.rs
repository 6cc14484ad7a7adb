//! Endpoints and the API's own address within networks: who is let in by which door, what is seen of who calls, and what
//! names lead there.

use std::net::SocketAddr;
use std::time::Instant;

use landfall_node::door::{self, Doors, NAME, Reception};
use landfall_node::metadata::{Config, MetadataClient, ServicePlan, derive, port_device, serve};
use landfall_node::network::endpoint::PORT;

use super::*;
use crate::metadata::{instance, instance_service, resolve, upstream};

const STS: &str = "sts.us-east-1.amazonaws.com";
const OWN: &str = "vpce-00000000000000001-abcdefgh.sts.us-east-1.vpce.amazonaws.com";
/// Where the endpoint of the network 1 answers: in the subnet 2.
const ENDPOINT: Ipv4Addr = Ipv4Addr::new(10, 1, 2, 99);

/// Says to whom it talks where, and no more.
struct Echo;

impl Reception for Echo {
    fn receive(&self, listener: TcpListener, origin: Origin) -> Box<dyn Send> {
        listener.set_nonblocking(false).unwrap();
        let kept = listener.try_clone().unwrap();
        std::thread::spawn(move || {
            while let Ok((mut stream, from)) = listener.accept() {
                let endpoint = origin.endpoint.map(|id| id.to_string()).unwrap_or_default();
                let _ = write!(stream, "{} {endpoint} {}", origin.vpc, from.ip());
            }
        });
        Box::new(Closed(kept))
    }
}

/// Ends a thread that waits for connections.
struct Closed(TcpListener);

impl Drop for Closed {
    fn drop(&mut self) {
        let _ = socket2::SockRef::from(&self.0).shutdown(std::net::Shutdown::Both);
    }
}

fn endpoint_id(number: u32) -> EndpointId {
    EndpointId::from_random(u128::from(number))
}

/// The cloud with an endpoint of the network 1, whose interface is in those groups.
fn cloud(groups: &[u32]) -> Cloud {
    let mut cloud = Cloud::new();
    cloud.group(1, 1, vec![], vec![anything()]).group(2, 1, vec![], vec![rule("udp", (53, 53), from("0.0.0.0/0"))]);
    cloud.group(8, 1, vec![rule("tcp", (443, 444), from("0.0.0.0/0"))], vec![]);
    cloud.group(9, 1, vec![rule("tcp", (80, 80), PeerPlan::Group(group_id(1)))], vec![]);
    cloud.group(4, 2, vec![], vec![anything()]);
    cloud.port(1, 1, &[1], None).port(2, 1, &[2], None).port(4, 3, &[4], None).port(99, 2, groups, None);
    cloud.edit_port(99, |port| {
        port.addresses = vec![ENDPOINT];
        port.location = PortLocation::Service;
    });
    let plan = EndpointPlan { id: endpoint_id(1), vpc: vpc_id(1), interfaces: vec![port_id(99)] };
    cloud.0.pieces.insert(PieceKey::Endpoint(plan.id), Piece::Endpoint(plan));
    edit_vpc(&mut cloud, 1, |vpc| {
        vpc.private_names = [STS, OWN].map(|name| (name.to_owned(), vec![ENDPOINT])).into();
    });
    cloud
}

fn edit_vpc(cloud: &mut Cloud, number: u32, edit: impl FnOnce(&mut VpcPlan)) {
    let Some(Piece::Vpc(plan)) = cloud.0.pieces.get_mut(&PieceKey::Vpc(vpc_id(number))) else { panic!() };
    edit(plan);
}

fn api_driver() -> HostNetwork {
    let mut config = NetworkConfig::new(PathBuf::from("/run/landfall"));
    config.api = Some(door::ADDRESS);
    HostNetwork::new(config)
}

fn open(doors: &Doors, network: &HostNetwork, cloud: &Cloud) {
    network.apply(&cloud.0).unwrap();
    assert_eq!(doors.apply(&door::plan(&cloud.0, "lf", network.config().api)), [""; 0]);
}

/// What a guest is told at an address, if it gets there.
fn told(guest: &Guest, to: impl Into<Ipv4Addr>, patience: std::time::Duration) -> Option<String> {
    let mut stream = connect(Some(&guest.name), to.into(), PORT, patience).ok()?;
    stream.set_read_timeout(Some(COMES)).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    Some(text)
}

#[test]
fn a_door_is_guarded_as_an_interface_is() {
    on_own_machine("endpoint::a_door_is_guarded_as_an_interface_is", || {
        let mut cloud = cloud(&[9]);
        let (network, doors) = (api_driver(), Doors::new(Echo));
        open(&doors, &network, &cloud);
        let [a, b, stranger] = [1, 2, 4].map(|number| Guest::start(&network, &cloud, number));
        let api = *door::ADDRESS.ip();
        let vpc = vpc_id(1);
        let through = format!("{vpc} {} {}", endpoint_id(1), a.address);
        assert_eq!(told(&a, ENDPOINT, COMES), Some(through.clone()), "a member of the group that may");
        assert_eq!(told(&b, ENDPOINT, LOST), None, "neither may it send nor is it let in");
        assert_eq!(told(&stranger, ENDPOINT, LOST), None, "another network");
        assert_eq!(told(&b, api, COMES), Some(format!("{vpc}  {}", b.address)), "the network's own door has no groups");
        assert_eq!(told(&stranger, api, COMES), Some(format!("{}  {}", vpc_id(2), stranger.address)));
        assert!(!a.pings(ENDPOINT, LOST), "only what the groups say");
        run("ip", "route add 10.1.0.0/16 via 169.254.0.2 dev lf-1 onlink");
        assert!(connect(None, ENDPOINT, PORT, LOST).is_err(), "not from the machine's side");

        cloud.edit_port(2, |port| port.groups = vec![group_id(1)]);
        open(&doors, &network, &cloud);
        assert!(told(&b, ENDPOINT, COMES).is_some(), "by its own groups and the endpoint's");
        cloud.edit_port(99, |port| port.groups = vec![group_id(8)]);
        open(&doors, &network, &cloud);
        assert_eq!(told(&a, ENDPOINT, LOST), None, "the endpoint's group lets another port in");
        assert!(connect(Some(&a.name), ENDPOINT, 443, COMES).is_ok(), "where TLS is spoken");
        let refused = connect(Some(&a.name), ENDPOINT, 444, COMES).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused, "where nothing answers: told at once");
        cloud.edit_port(99, |port| port.groups = vec![group_id(9)]);

        // Network ACLs on the way there and back, of either subnet.
        let all = || acl(200, true, "-1", (-1, -1), "0.0.0.0/0");
        let there = || acl(100, false, "tcp", (80, 80), "0.0.0.0/0");
        let back = || acl(100, false, "tcp", (1024, 65535), "0.0.0.0/0");
        type Edit = fn(&mut SubnetPlan) -> &mut Vec<AclRulePlan>;
        let (to, out): (Edit, Edit) = (|subnet| &mut subnet.acl_ingress, |subnet| &mut subnet.acl_egress);
        for (number, list, rule) in [(1, out, there()), (2, to, there()), (2, out, back()), (1, to, back())] {
            cloud.edit_subnet(number, |subnet| *list(subnet) = vec![rule, all()]);
            open(&doors, &network, &cloud);
            assert_eq!(told(&a, ENDPOINT, LOST), None, "subnet {number}");
            cloud.edit_subnet(number, |subnet| *list(subnet) = vec![all()]);
        }
        open(&doors, &network, &cloud);
        assert_eq!(told(&a, ENDPOINT, COMES), Some(through));

        cloud.0.pieces.remove(&PieceKey::Endpoint(endpoint_id(1)));
        cloud.0.pieces.remove(&PieceKey::Port(port_id(99)));
        open(&doors, &network, &cloud);
        assert_eq!(told(&a, ENDPOINT, LOST), None, "it is gone");
        assert!(told(&a, api, COMES).is_some());
    });
}

#[test]
fn a_peered_network_calls_where_routes_lead_there_and_back() {
    on_own_machine("endpoint::a_peered_network_calls_where_routes_lead_there_and_back", || {
        let mut cloud = cloud(&[7]);
        let allowed = vec![rule("tcp", (80, 81), from("10.2.0.0/16")), rule("icmp", (8, -1), from("10.2.0.0/16"))];
        cloud.group(7, 1, allowed, vec![]);
        edit_vpc(&mut cloud, 2, |vpc| vpc.cidrs = vec!["10.2.0.0/16".parse().unwrap()]);
        let peering = PeeringId::from_random(1);
        let by = |text| RoutePlan { destination: cidr(text), target: RouteTargetPlan::Peering(peering) };
        cloud.edit_subnet(3, |subnet| {
            subnet.cidr = "10.2.1.0/24".parse().unwrap();
            subnet.routes.push(by("10.1.0.0/16"));
        });
        cloud.port(4, 3, &[4], None);
        let plan = PeeringPlan { id: peering, vpcs: [vpc_id(1), vpc_id(2)], dns: [false; 2] };
        cloud.0.pieces.insert(PieceKey::Peering(peering), Piece::Peering(plan));
        let (network, doors) = (api_driver(), Doors::new(Echo));
        open(&doors, &network, &cloud);
        let peer = Guest::start(&network, &cloud, 4);
        assert_eq!(told(&peer, ENDPOINT, LOST), None, "the endpoint's subnet has no route back");
        let refused = |patience| connect(Some(&peer.name), ENDPOINT, 81, patience).unwrap_err().kind();
        assert_eq!(refused(LOST), io::ErrorKind::TimedOut, "nor has a refusal");
        cloud.edit_subnet(2, |subnet| subnet.routes.push(by("10.2.0.0/16")));
        open(&doors, &network, &cloud);
        let expected = format!("{} {} {}", vpc_id(1), endpoint_id(1), peer.address);
        assert_eq!(told(&peer, ENDPOINT, COMES), Some(expected), "the endpoint's network, the caller's own address");
        assert_eq!(refused(COMES), io::ErrorKind::ConnectionRefused, "where nothing answers: told at once");
        assert!(peer.pings(ENDPOINT, COMES));
        assert_eq!(connect(Some(&peer.name), ENDPOINT, 82, LOST).unwrap_err().kind(), io::ErrorKind::TimedOut);
        cloud.group(7, 1, vec![rule("tcp", (80, 80), from("10.1.0.0/16"))], vec![]);
        open(&doors, &network, &cloud);
        assert_eq!(told(&peer, ENDPOINT, LOST), None, "the endpoint's groups are asked");
    });
}

#[test]
fn a_service_that_is_not_there_yet_refuses_at_once() {
    on_own_machine("endpoint::a_service_that_is_not_there_yet_refuses_at_once", || {
        uplink();
        let mut cloud = Cloud::new();
        cloud.group(1, 1, vec![anything()], vec![anything()]).port(1, 1, &[1], Some("198.18.0.11"));
        let route = RoutePlan { destination: cidr("8.8.8.0/24"), target: RouteTargetPlan::Absent };
        cloud.edit_subnet(1, |subnet| subnet.routes.push(route));
        let network = driver_after(&cloud);
        let guest = Guest::start(&network, &cloud, 1);
        let internet = namespace::within("internet", || TcpListener::bind("0.0.0.0:80")).unwrap();
        internet.set_nonblocking(true).unwrap();
        let refused = connect(Some(&guest.name), [8, 8, 8, 8].into(), 80, COMES).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::HostUnreachable, "{refused}");
        assert!(internet.accept().is_err(), "nothing leaves for the internet");
        cloud.edit_subnet(1, |subnet| _ = subnet.routes.pop());
        network.apply(&cloud.0).unwrap();
        assert!(guest.reaches([8, 8, 8, 8], 80));
    });
}

/// The plan of what is served, with an instance for each of those ports.
fn served(cloud: &Cloud, ports: &[u32]) -> ServicePlan {
    let mut plan = derive(&cloud.0, "lf", 1500);
    for number in ports {
        let port = cloud.0.port(port_id(*number)).unwrap();
        let mut service = instance_service(*number);
        let served = &mut service.ports[0];
        served.network = cloud.0.vpc(port.vpc).unwrap().number;
        (served.id, served.device, served.mac) = (port.id, port_device(port.id), port.mac);
        (served.addresses, served.ipv6, served.public) = (port.addresses.clone(), vec![], vec![]);
        plan.instances.insert(instance(*number), service);
    }
    plan.name_everywhere(NAME, *door::ADDRESS.ip());
    plan
}

#[test]
fn names_lead_to_an_endpoint_where_it_is_and_elsewhere_as_ever() {
    on_own_machine("endpoint::names_lead_to_an_endpoint_where_it_is_and_elsewhere_as_ever", || {
        let mut cloud = cloud(&[9]);
        let public = (Ipv4Addr::new(10, 1, 1, 11), Ipv4Addr::new(198, 18, 0, 11));
        cloud.edit_port(1, |port| port.public = vec![PublicAddressPlan { private: public.0, public: public.1 }]);
        let (network, doors) = (api_driver(), Doors::new(Echo));
        open(&doors, &network, &cloud);
        let upstream: SocketAddr = upstream();
        let config = Config { upstreams: Some(vec![upstream]), ..Config::in_folder("/run/landfall/metadata") };
        let client = MetadataClient::new(&config.control_socket);
        std::thread::spawn(move || serve(config).unwrap());
        let until = Instant::now() + COMES * 6;
        while client.pid().is_err() && Instant::now() < until {
            std::thread::sleep(LOST / 10);
        }
        let mut plan = served(&cloud, &[1, 4]);
        for network in plan.networks.values_mut() {
            network.public_domain = Some("compute-1.amazonaws.com".into());
        }
        assert_eq!(client.feed(&plan).unwrap(), [""; 0]);
        let [a, other] = [1, 4].map(|number| Guest::start(&network, &cloud, number));
        let ask = |guest: &Guest, name: &str| {
            namespace::within(&guest.name, || Ok(resolve(ruleset::RESOLVER, name))).unwrap()
        };
        let elsewhere = Some(Ipv4Addr::new(192, 0, 2, 80));
        assert_eq!(ask(&a, STS), Some(ENDPOINT));
        assert_eq!(ask(&a, OWN), Some(ENDPOINT));
        assert_eq!(ask(&a, "ec2.us-east-1.amazonaws.com"), elsewhere, "a service without an endpoint here");
        assert_eq!(ask(&other, STS), elsewhere, "the name that everybody has");
        assert_eq!(ask(&other, OWN), elsewhere, "a network that isn't connected");
        for guest in [&a, &other] {
            assert_eq!(ask(guest, NAME), Some(*door::ADDRESS.ip()));
            assert_eq!(ask(guest, "ip-10-1-1-11.ec2.internal"), Some([10, 1, 1, 11].into()));
            assert_eq!(ask(guest, "www.example.com"), elsewhere);
        }
        let name = "ec2-198-18-0-11.compute-1.amazonaws.com";
        assert_eq!((ask(&a, name), ask(&other, name)), (Some(public.0), Some(public.1)), "split by who asks");
        assert!(told(&a, ask(&a, STS).unwrap(), COMES).unwrap().contains(&endpoint_id(1).to_string()));
    });
}
