//! Sample configurations of the other side's device: what a person needs to set up any device, and a configuration of
//! strongSwan that runs as it is.

use std::fmt::Write as _;

use landfall_cloud::tunnel::{PHASE1_LIFETIME_S, PHASE2_LIFETIME_S};
use landfall_model::{VpnConnection, VpnTunnel};
use serde::Serialize;

use super::vpn_configuration::{Ends, Proposal, link, proposals};

/// A device.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Device {
    vpn_connection_device_type_id: &'static str,
    vendor: &'static str,
    platform: &'static str,
    software: &'static str,
    #[serde(skip)]
    write: fn(&Sample<'_>) -> String,
}

/// The devices, by id.
pub static DEVICES: &[Device] = &[
    Device {
        vpn_connection_device_type_id: "9005b6c1",
        vendor: "Generic",
        platform: "Generic",
        software: "Vendor Agnostic",
        write: generic,
    },
    Device {
        vpn_connection_device_type_id: "9ecf5a63",
        vendor: "strongSwan",
        platform: "Linux",
        software: "strongSwan 5.9+",
        write: strongswan,
    },
];

/// What a sample is made of.
pub struct Sample<'v> {
    /// The VPN.
    pub row: &'v VpnConnection,
    /// Its ends.
    pub ends: Ends,
    /// The keys of its tunnels.
    pub keys: &'v [String],
    /// 1 or 2.
    pub ike_version: u8,
    /// Whether it uses the best of what is allowed rather than what every device has.
    pub recommended: bool,
}

impl Device {
    /// Its id.
    pub fn id(&self) -> &'static str {
        self.vpn_connection_device_type_id
    }

    /// The configuration of such a device.
    pub fn write(&self, sample: &Sample<'_>) -> String {
        (self.write)(sample)
    }
}

impl<'v> Sample<'v> {
    fn tunnels(&self) -> impl Iterator<Item = (usize, &'v VpnTunnel, &'v str)> + use<'v> {
        let keys: &'v [String] = self.keys;
        self.row.tunnels.iter().zip(keys).enumerate().map(|(n, (tunnel, key))| (n + 1, tunnel, key.as_str()))
    }

    fn proposals(&self, tunnel: &'v VpnTunnel) -> [Proposal<'v>; 2] {
        let (cipher, hash, group) = if self.recommended { ("AES256", "SHA2-256", 20) } else { ("AES128", "SHA1", 2) };
        proposals(&tunnel.options, cipher, hash, group)
    }
}

fn generic(sample: &Sample<'_>) -> String {
    let (row, ends) = (sample.row, sample.ends);
    let mut text = format!(
        "Site-to-site VPN {}\nCustomer gateway {}, address {}\n\nOf the two tunnels use both: when one is down, traffic \
         takes the other.\n",
        row.id, row.customer_gateway, ends.customer_address
    );
    for (n, tunnel, key) in sample.tunnels() {
        let [ours, theirs] = link(tunnel);
        let [first, second] = sample.proposals(tunnel);
        let options = &tunnel.options;
        // Writing to a text can't fail.
        let _ = write!(
            text,
            "\nTunnel {n}\n\n  Internet Key Exchange (phase 1)\n    Version: IKEv{}\n    Authentication: pre-shared key\n    \
             Pre-shared key: {key}\n    Encryption: {}\n    Integrity: {}\n    Diffie-Hellman group: {}\n    \
             Lifetime: {} seconds\n\n  IPsec (phase 2)\n    Protocol: esp, tunnel mode\n    Encryption: {}\n    \
             Integrity: {}\n    Perfect forward secrecy: group {}\n    Lifetime: {} seconds\n    \
             Dead peer detection: every 10 seconds, 3 times\n\n  Addresses\n    Outside, yours: {}\n    \
             Outside, of the VPN: {}\n    Inside, yours: {theirs}/30\n    Inside, of the VPN: {ours}/30\n    \
             TCP maximum segment size: 1379 bytes\n",
            sample.ike_version,
            first.cipher,
            first.hash,
            first.group,
            options.phase1_lifetime_s.unwrap_or(PHASE1_LIFETIME_S),
            second.cipher,
            second.hash,
            second.group,
            options.phase2_lifetime_s.unwrap_or(PHASE2_LIFETIME_S),
            ends.customer_address,
            tunnel.outside,
        );
        let _ = if row.static_routes_only {
            write!(text, "\n  Routing\n    Static: route the other side's blocks to {ours}.\n")
        } else {
            write!(
                text,
                "\n  Routing\n    BGP: your ASN {}, neighbour {ours} with ASN {}, hold time 30 seconds.\n",
                ends.customer_asn, ends.asn
            )
        };
    }
    text
}

fn strongswan(sample: &Sample<'_>) -> String {
    let (row, ends) = (sample.row, sample.ends);
    let mut text = format!(
        "# /etc/swanctl/conf.d/{}.conf, for strongSwan with a route-based setup: each tunnel has an XFRM interface.\n#\n",
        row.id
    );
    for (n, tunnel, _) in sample.tunnels() {
        let [_, theirs] = link(tunnel);
        let _ = write!(
            text,
            "# ip link add vpn{n} type xfrm if_id {n}\n# ip address add {theirs}/30 dev vpn{n}\n# ip link set vpn{n} up mtu \
             1419\n"
        );
    }
    text.push_str(
        "#\n# Then route the other side's blocks to vpn1, or to vpn2 with a larger metric, and load this file:\n# swanctl \
         --load-all\n\nconnections {\n",
    );
    for (n, tunnel, _) in sample.tunnels() {
        let [first, second] = sample.proposals(tunnel);
        let phases = [proposal(&first, true), proposal(&second, false)];
        let options = &tunnel.options;
        let _ = write!(
            text,
            "    tunnel{n} {{\n        version = {}\n        local_addrs = %any\n        remote_addrs = {}\n        \
             proposals = {}\n        rekey_time = {}s\n        dpd_delay = 10s\n        keyingtries = 0\n        local \
             {{\n            auth = psk\n            id = {}\n        }}\n        remote {{\n            auth = psk\n            \
             id = {}\n        }}\n        children {{\n            tunnel{n} {{\n                local_ts = \
             {}\n                remote_ts = {}\n                esp_proposals = {}\n                \
             rekey_time = {}s\n                if_id_in = {n}\n                if_id_out = {n}\n                \
             start_action = start\n                close_action = start\n                dpd_action = restart\n            \
             }}\n        }}\n    }}\n",
            sample.ike_version,
            tunnel.outside,
            phases[0],
            options.phase1_lifetime_s.unwrap_or(PHASE1_LIFETIME_S),
            ends.customer_address,
            tunnel.outside,
            row.remote,
            row.local,
            phases[1],
            options.phase2_lifetime_s.unwrap_or(PHASE2_LIFETIME_S),
        );
    }
    text.push_str("}\n\nsecrets {\n");
    for (n, tunnel, key) in sample.tunnels() {
        let _ = write!(
            text,
            "    ike-tunnel{n} {{\n        id-1 = {}\n        id-2 = {}\n        secret = \"{key}\"\n    }}\n",
            ends.customer_address, tunnel.outside
        );
    }
    text.push_str("}\n");
    text
}

/// A proposal in strongSwan's words. Ciphers with an integrity of their own take no hash: in the first phase a function
/// to derive keys with stands in its place, in the second nothing.
fn proposal(phase: &Proposal<'_>, is_first: bool) -> String {
    let cipher = match phase.cipher {
        "AES256" => "aes256",
        "AES128-GCM-16" => "aes128gcm16",
        "AES256-GCM-16" => "aes256gcm16",
        _ => "aes128",
    };
    let hash = match phase.hash {
        "SHA2-256" => "sha256",
        "SHA2-384" => "sha384",
        "SHA2-512" => "sha512",
        _ => "sha1",
    };
    let hash = match (cipher.contains("gcm"), is_first) {
        (false, _) => format!("-{hash}"),
        (true, true) => format!("-prf{hash}"),
        (true, false) => String::new(),
    };
    let group = match phase.group {
        5 => "modp1536",
        14 => "modp2048",
        15 => "modp3072",
        16 => "modp4096",
        17 => "modp6144",
        18 => "modp8192",
        19 => "ecp256",
        20 => "ecp384",
        21 => "ecp521",
        22 => "modp1024s160",
        23 => "modp2048s224",
        24 => "modp2048s256",
        _ => "modp1024",
    };
    format!("{cipher}{hash}-{group}")
}
