//! What the other side's device needs to know of a VPN: in AWS's own XML, which tools read, and as configurations of
//! devices for people to adapt.

use std::fmt::Write as _;
use std::net::Ipv4Addr;

use landfall_cloud::tunnel::{PHASE1_LIFETIME_S, PHASE2_LIFETIME_S};
use landfall_model::{TunnelOptions, VpnConnection, VpnSide, VpnTunnel};

/// What a VPN's rows don't say of its ends.
#[derive(Clone, Copy, Debug)]
pub struct Ends {
    /// The other side's address outside.
    pub customer_address: Ipv4Addr,
    /// The other side's number as BGP knows it.
    pub customer_asn: u64,
    /// This side's.
    pub asn: u64,
}

/// What the XML proposes for a phase, of what the tunnel's options allow: AWS's own choice where they say nothing.
pub struct Proposal<'v> {
    /// The cipher, as options name it.
    pub cipher: &'v str,
    /// The hash.
    pub hash: &'v str,
    /// The group.
    pub group: u32,
}

/// The proposal of each phase, of what options allow; what they don't limit is as given.
pub fn proposals<'v>(options: &'v TunnelOptions, cipher: &'v str, hash: &'v str, group: u32) -> [Proposal<'v>; 2] {
    let phase = |ciphers: &'v [String], hashes: &'v [String], groups: &[u32]| Proposal {
        cipher: ciphers.first().map_or(cipher, String::as_str),
        hash: hashes.first().map_or(hash, String::as_str),
        group: groups.first().copied().unwrap_or(group),
    };
    [
        phase(&options.phase1_encryption, &options.phase1_integrity, &options.phase1_groups),
        phase(&options.phase2_encryption, &options.phase2_integrity, &options.phase2_groups),
    ]
}

/// This side's address on a tunnel's link, and the other's.
pub fn link(tunnel: &VpnTunnel) -> [Ipv4Addr; 2] {
    [1, 2].map(|n| tunnel.inside.nth(n).unwrap_or(Ipv4Addr::UNSPECIFIED))
}

/// The XML of a VPN with those keys. Nothing in it needs escaping: ids, addresses, numbers, and keys of plain characters.
pub fn configuration(row: &VpnConnection, ends: &Ends, keys: &[String]) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let gateway = match row.gateway {
        VpnSide::Gateway(id) => format!("<vpn_gateway_id>{id}</vpn_gateway_id>"),
        VpnSide::Transit(id, _) => format!("<transit_gateway_id>{id}</transit_gateway_id>"),
    };
    let fixed = if row.static_routes_only { "NoBGPVPNConnection" } else { "" };
    // Writing to a text can't fail.
    let _ = write!(
        text,
        "<vpn_connection id=\"{}\">\n  <customer_gateway_id>{}</customer_gateway_id>\n  {gateway}\n  \
         <vpn_connection_type>ipsec.1</vpn_connection_type>\n  \
         <vpn_connection_attributes>{fixed}</vpn_connection_attributes>\n",
        row.id, row.customer_gateway
    );
    for (tunnel, key) in row.tunnels.iter().zip(keys) {
        write_tunnel(&mut text, row, ends, tunnel, key);
    }
    text.push_str("</vpn_connection>\n");
    text
}

fn write_tunnel(text: &mut String, row: &VpnConnection, ends: &Ends, tunnel: &VpnTunnel, key: &str) {
    let [ours, theirs] = link(tunnel);
    let is_static = row.static_routes_only;
    text.push_str("  <ipsec_tunnel>\n");
    write_end(text, "customer_gateway", ends.customer_address, theirs, (!is_static).then_some(ends.customer_asn));
    write_end(text, "vpn_gateway", tunnel.outside, ours, (!is_static).then_some(ends.asn));
    let [first, second] = proposals(&tunnel.options, "AES128", "SHA1", 2);
    let options = &tunnel.options;
    let _ = write!(
        text,
        "    <ike>\n      <authentication_protocol>{}</authentication_protocol>\n      \
         <encryption_protocol>{}</encryption_protocol>\n      <lifetime>{}</lifetime>\n      \
         <perfect_forward_secrecy>group{}</perfect_forward_secrecy>\n      <mode>main</mode>\n      \
         <pre_shared_key>{key}</pre_shared_key>\n    </ike>\n",
        hash(first.hash),
        cipher(first.cipher),
        options.phase1_lifetime_s.unwrap_or(PHASE1_LIFETIME_S),
        first.group,
    );
    let _ = write!(
        text,
        "    <ipsec>\n      <protocol>esp</protocol>\n      \
         <authentication_protocol>{}</authentication_protocol>\n      \
         <encryption_protocol>{}</encryption_protocol>\n      <lifetime>{}</lifetime>\n      \
         <perfect_forward_secrecy>group{}</perfect_forward_secrecy>\n      <mode>tunnel</mode>\n      \
         <clear_df_bit>true</clear_df_bit>\n      \
         <fragmentation_before_encryption>true</fragmentation_before_encryption>\n      \
         <tcp_mss_adjustment>1379</tcp_mss_adjustment>\n      <dead_peer_detection>\n        \
         <interval>10</interval>\n        <retries>3</retries>\n      </dead_peer_detection>\n    </ipsec>\n  \
         </ipsec_tunnel>\n",
        esp_hash(second.hash),
        cipher(second.cipher),
        options.phase2_lifetime_s.unwrap_or(PHASE2_LIFETIME_S),
        second.group,
    );
}

fn write_end(text: &mut String, element: &str, outside: Ipv4Addr, inside: Ipv4Addr, asn: Option<u64>) {
    let _ = write!(
        text,
        "    <{element}>\n      <tunnel_outside_address>\n        <ip_address>{outside}</ip_address>\n      \
         </tunnel_outside_address>\n      <tunnel_inside_address>\n        <ip_address>{inside}</ip_address>\n        \
         <network_mask>255.255.255.252</network_mask>\n        <network_cidr>30</network_cidr>\n      \
         </tunnel_inside_address>\n"
    );
    if let Some(asn) = asn {
        let _ =
            write!(text, "      <bgp>\n        <asn>{asn}</asn>\n        <hold_time>30</hold_time>\n      </bgp>\n");
    }
    let _ = writeln!(text, "    </{element}>");
}

fn cipher(name: &str) -> &'static str {
    match name {
        "AES256" => "aes-256-cbc",
        "AES128-GCM-16" => "aes-128-gcm-16",
        "AES256-GCM-16" => "aes-256-gcm-16",
        _ => "aes-128-cbc",
    }
}

fn hash(name: &str) -> &'static str {
    match name {
        "SHA2-256" => "sha2-256",
        "SHA2-384" => "sha2-384",
        "SHA2-512" => "sha2-512",
        _ => "sha1",
    }
}

fn esp_hash(name: &str) -> &'static str {
    match name {
        "SHA2-256" => "hmac-sha2-256-128",
        "SHA2-384" => "hmac-sha2-384-192",
        "SHA2-512" => "hmac-sha2-512-256",
        _ => "hmac-sha1-96",
    }
}
