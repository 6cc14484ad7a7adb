//! Which names and addresses a certificate of the endpoint is for: all by which clients reach it.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use landfall_cloud::endpoint::SERVICES;
use landfall_model::Region;
use landfall_node::door;

/// Names and addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Names, of which the first label may be an asterisk.
    pub dns: BTreeSet<String>,
    /// Addresses.
    pub addresses: BTreeSet<IpAddr>,
}

impl Names {
    /// What clients reach a cloud of that region by that listens there, on a machine of that name: loopback, the machine,
    /// where it listens, what is configured, and within networks the ordinary names of the region's services, which
    /// private DNS leads to endpoints.
    pub fn of(listen: &[IpAddr], machine: &str, configured: &[String], region: Region) -> Self {
        let mut names = Self::default();
        names.addresses.extend([IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]);
        names.addresses.extend(listen.iter().filter(|address| !address.is_unspecified()));
        names.addresses.insert(IpAddr::V4(*door::ADDRESS.ip()));
        for own in ["localhost", "*.localhost", door::NAME] {
            names.dns.insert(own.to_owned());
        }
        names.dns.insert(format!("*.{region}.amazonaws.com"));
        for service in SERVICES.iter().filter(|service| !service.by_gateway) {
            names.dns.insert(format!("*.{}", service.endpoint_domain(region)));
        }
        for name in configured.iter().map(String::as_str).chain([machine]) {
            names.add(name);
        }
        names
    }

    /// Takes what may be a name or an address; what is neither could be asked for by nobody.
    fn add(&mut self, name: &str) {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        if let Ok(address) = name.parse() {
            self.addresses.insert(address);
            return;
        }
        let is_label = |label: &str| {
            let is_inside = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
            (1..=63).contains(&label.len()) && label.bytes().all(is_inside)
        };
        if name.len() <= 253 && name.split('.').all(is_label) {
            self.dns.insert(name);
        }
    }
}

/// The addresses of this machine that what listens there is reached at.
pub fn reached_at(listen: IpAddr) -> Vec<IpAddr> {
    if !listen.is_unspecified() {
        return vec![listen];
    }
    let Ok(found) = nix::ifaddrs::getifaddrs() else { return Vec::new() };
    let addresses = found.filter_map(|found| {
        let address = found.address?;
        let v4 = address.as_sockaddr_in().map(|address| IpAddr::V4(address.ip()));
        v4.or_else(|| address.as_sockaddr_in6().map(|address| IpAddr::V6(address.ip())))
    });
    // An address that holds on one link only can't be asked for without saying which.
    let is_local = |address: &IpAddr| matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local());
    addresses.filter(|address| (listen.is_ipv6() || address.is_ipv4()) && !is_local(address)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_for_all_that_clients_call_it_by() {
        let region: Region = "eu-west-1".parse().unwrap();
        let configured = ["Cloud.Example.org".to_owned(), "192.0.2.7".to_owned(), "not a name".to_owned()];
        let names = Names::of(&["10.1.2.3".parse().unwrap()], "machine", &configured, region);
        for name in [
            "localhost",
            "machine",
            "cloud.example.org",
            "*.eu-west-1.amazonaws.com",
            "*.sts.eu-west-1.vpce.amazonaws.com",
            "api.landfall.internal",
        ] {
            assert!(names.dns.contains(name), "{name}: {names:?}");
        }
        assert!(!names.dns.contains("not a name"));
        for address in ["127.0.0.1", "::1", "10.1.2.3", "192.0.2.7", "169.254.169.252"] {
            assert!(names.addresses.contains(&address.parse().unwrap()), "{address}");
        }
        let everywhere = Names::of(&["0.0.0.0".parse().unwrap()], "", &[], region);
        assert!(!everywhere.addresses.iter().any(IpAddr::is_unspecified));
        assert!(!everywhere.dns.contains(""));
    }

    #[test]
    fn what_listens_everywhere_is_reached_at_each_address() {
        assert!(reached_at("0.0.0.0".parse().unwrap()).contains(&IpAddr::V4(Ipv4Addr::LOCALHOST)));
        let one = "192.0.2.7".parse().unwrap();
        assert_eq!(reached_at(one), vec![one]);
    }
}
