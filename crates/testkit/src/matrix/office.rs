//! The other side of a VPN: an office in a network namespace of its own, with strongSwan, as a tenant sets one up from what
//! they are told of their VPN. A machine in it is only the end of a TAP, as the guests are.

use std::fs::{self, File};
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use landfall_model::Mac;
use landfall_node::network::{namespace, tap};
use landfall_node::vpn::program;

use super::wire::{Port, run};
use crate::topology;

/// The key of all tunnels.
pub const KEY: &str = "an.office_Key_1";
/// The hardware address of the machine in an office.
const DESK: Mac = Mac([0x06, 0, 0, 0, 1, 9]);
/// How long strongSwan may take to start, and a tunnel to come up, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);
/// What encrypts where the kernel doesn't.
const PLUGIN: &str = "/usr/lib/ipsec/plugins/libstrongswan-kernel-libipsec.so";

/// An office whose tunnel is up. Nothing of it is left once it is dropped.
pub struct Office {
    name: String,
    link: String,
    home: PathBuf,
    daemon: Child,
}

/// Whether this machine can have offices.
pub fn can_be() -> bool {
    let has_control = Command::new("swanctl").arg("--version").output().is_ok();
    program().is_some() && has_control && Path::new(PLUGIN).exists()
}

impl Office {
    /// Opens one, lets it call the network's side, and gives the port of the machine in it. `number` tells it from others.
    pub fn open(number: u8, plan: &topology::Office) -> io::Result<(Self, Port)> {
        let (name, link) = (format!("office-{number}"), format!("off{number}"));
        let home = PathBuf::from(format!("/run/{name}"));
        let [near, far] = [1, 2].map(|last| Ipv4Addr::new(172, 31, 200 + number, last));
        let (address, block, desk) = (plan.address, plan.block, plan.desk);
        namespace::ensure(&name)?;
        for line in [
            format!("ip link add {link} type veth peer name wan0 netns {name}"),
            format!("ip addr add {near}/30 dev {link}"),
            format!("ip link set {link} up"),
            format!("sysctl -qw net.ipv4.conf.{link}.forwarding=1 net.ipv4.conf.{link}.rp_filter=0"),
            format!("ip route add {address}/32 via {far}"),
        ] {
            run(&line)?;
        }
        let tap = namespace::within(&name, || {
            for setting in ["ip_forward=1", "conf.all.rp_filter=0", "conf.default.rp_filter=0"] {
                run(&format!("sysctl -qw net.ipv4.{setting}"))?;
            }
            tap::create("desk0")?;
            let tap = File::from(tap::open("desk0")?);
            for line in [
                "ip link set lo up".to_owned(),
                format!("ip addr add {far}/30 dev wan0"),
                format!("ip addr add {address}/32 dev wan0"),
                "ip link set wan0 up".into(),
                format!("ip route add default via {near} src {address}"),
                "ip link set desk0 up".into(),
                format!("ip route add {block} dev desk0"),
                format!("ip neigh add {desk} lladdr {DESK} dev desk0 nud permanent"),
            ] {
                run(&line)?;
            }
            Ok(tap)
        })?;
        let peer = namespace::within(&name, || mac_of("desk0"))?;
        let _ = fs::remove_dir_all(&home);
        fs::create_dir_all(&home)?;
        fs::write(home.join("strongswan.conf"), settings(&home))?;
        fs::write(home.join("swanctl.conf"), connection(plan))?;
        let program = program().ok_or_else(|| io::Error::other("strongSwan isn't installed"))?;
        let mut command = Command::new(program);
        command.env("STRONGSWAN_CONF", home.join("strongswan.conf")).stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let daemon = namespace::within(&name, || command.spawn())?;
        let office = Self { name, link, home, daemon };
        office.call()?;
        let port = Port { tap, mac: DESK, peer, addresses: [IpAddr::V4(desk)].into(), routes: false };
        Ok((office, port))
    }

    fn call(&self) -> io::Result<()> {
        let begun = Instant::now();
        while !self.home.join("vici").exists() {
            if begun.elapsed() > PATIENCE {
                return Err(io::Error::other("an office's strongSwan doesn't start"));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let (home, seconds) = (self.home.display(), PATIENCE.as_secs());
        run(&format!("swanctl --load-all --file {home}/swanctl.conf --uri unix://{home}/vici"))?;
        // What goes into the tunnel is all that isn't the internet's.
        run(&format!("ip -n {} route add 10.0.0.0/8 dev ipsec0", self.name))?;
        run(&format!("swanctl --initiate --child office --timeout {seconds} --uri unix://{home}/vici"))
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
        let _ = run(&format!("ip link del {}", self.link));
        let _ = namespace::remove(&self.name);
        let _ = fs::remove_dir_all(&self.home);
    }
}

/// The hardware address of a link of the calling thread's namespace.
fn mac_of(link: &str) -> io::Result<Mac> {
    let output = Command::new("ip").args(["-o", "link", "show", link]).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mac = text.split_whitespace().skip_while(|word| *word != "link/ether").nth(1);
    mac.and_then(|mac| mac.parse().ok()).ok_or_else(|| io::Error::other(format!("{link} has no hardware address")))
}

fn settings(home: &Path) -> String {
    let home = home.display();
    format!(
        "charon-systemd {{
  load = random nonce aes sha1 sha2 hmac kdf gmp curve25519 openssl gcm kernel-libipsec kernel-netlink socket-default vici
  plugins {{
    kernel-netlink {{
      fwmark = 0x1
    }}
    vici {{
      socket = unix://{home}/vici
    }}
  }}
}}
"
    )
}

fn connection(plan: &topology::Office) -> String {
    let topology::Office { address, outside, .. } = plan;
    format!(
        "connections {{
  office {{
    version = 2
    local_addrs = {address}
    remote_addrs = {outside}
    proposals = aes256-sha256-modp2048
    local {{
      auth = psk
    }}
    remote {{
      auth = psk
      id = {outside}
    }}
    children {{
      office {{
        local_ts = 0.0.0.0/0
        remote_ts = 0.0.0.0/0
        esp_proposals = aes128-sha256-modp2048
      }}
    }}
  }}
}}
secrets {{
  ike-office {{
    id = {outside}
    secret = \"{KEY}\"
  }}
}}
"
    )
}
