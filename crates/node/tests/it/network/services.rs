//! The driver and the process that answers, together: IPv6 from a port's first solicitation to the metadata service,
//! through the rules that the driver loads.

use std::path::Path;

use dhcproto::v6::{DhcpOption, MessageType};
use landfall_node::metadata::{Config, derive, port_device, serve};
use landfall_node::metadata::{MetadataClient, ServicePlan};

use super::*;
use crate::metadata::ipv6::{http_ipv6, lease_of, leased};
use crate::metadata::{instance, instance_service, within};

const OWN: &str = "2001:db8:0:101::11";

/// The plan of the cloud with one instance that answers by that port.
fn served(cloud: &Cloud, number: u32) -> ServicePlan {
    let mut plan = derive(&cloud.0, "lf", 1500);
    let port = cloud.0.port(port_id(number)).unwrap();
    let mut service = instance_service(number);
    service.metadata.options.ipv6 = true;
    let served = &mut service.ports[0];
    (served.id, served.network, served.device, served.mac) = (port.id, 1, port_device(port.id), port.mac);
    (served.addresses, served.ipv6, served.public) = (port.addresses.clone(), port.ipv6.clone(), vec![]);
    served.subnet_ipv6 = cloud.0.subnet(port.subnet).unwrap().ipv6;
    plan.instances.insert(instance(number), service);
    plan
}

#[test]
fn a_guest_has_ipv6_from_its_port() {
    on_own_machine("services::a_guest_has_ipv6_from_its_port", || {
        let mut cloud = Cloud::new();
        cloud.group(1, 1, vec![], vec![]).port(1, 1, &[1], None);
        if let Some(Piece::Vpc(vpc)) = cloud.0.pieces.get_mut(&PieceKey::Vpc(vpc_id(1))) {
            vpc.ipv6 = vec!["2001:db8:0:100::/56".parse().unwrap()];
        }
        cloud.edit_subnet(1, |subnet| subnet.ipv6 = "2001:db8:0:101::/64".parse().ok());
        cloud.edit_port(1, |port| port.ipv6 = vec![OWN.parse().unwrap()]);
        let network = driver();
        network.apply(&cloud.0).unwrap();
        let config = Config { upstreams: Some(vec![]), ..Config::in_folder("/run/landfall/metadata") };
        let client = MetadataClient::new(&config.control_socket);
        std::thread::spawn(move || serve(config).unwrap());
        until("the process", || client.pid().is_ok());
        assert_eq!(client.feed(&served(&cloud, 1)).unwrap(), [""; 0]);
        let guest = Guest::start(&network, &cloud, 1);
        let home = Path::new("/run/netns").join(&guest.name);
        within(&home, || {
            let set = |name: &str, value: &str| {
                std::fs::write(Path::new("/proc/sys/net/ipv6/conf").join(name), value).unwrap();
            };
            for name in ["all/disable_ipv6", "eth0/disable_ipv6", "eth0/accept_dad"] {
                set(name, "0");
            }
            set("eth0/accept_ra", "2");
        });
        run("ip", "-n guest-1 link set eth0 down");
        run("ip", "-n guest-1 link set eth0 up");
        let routes = || run("ip", "-n guest-1 -6 route show default");
        until("a router", || routes().contains("via fe80::1 dev eth0 proto ra"));
        let quick = [DhcpOption::RapidCommit];
        let reply = within(&home, || lease_of(mac(1), MessageType::Solicit, &quick)).expect("a lease");
        assert_eq!(leased(&reply), [OWN.parse::<std::net::Ipv6Addr>().unwrap()]);
        run("ip", &format!("-n guest-1 address add {OWN}/128 dev eth0 nodad"));
        let page = within(&home, || http_ipv6("GET /latest/meta-data/ipv6 HTTP/1.1")).unwrap();
        assert!(page.ends_with(OWN), "{page}");
    });
}
