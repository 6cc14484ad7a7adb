//! Guests: namespaces whose `eth0` is joined frame by frame to a port's TAP, as QEMU does. They ask for their address by
//! DHCP, resolve names, and send numbered packets that others send back.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use landfall_node::metadata::names::port_device;
use landfall_node::network::{namespace, tap};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::machine::{Machine, run, until, within};

/// Where guests send back what they get.
const ECHO: u16 = 7777;

/// A guest.
pub struct Guest {
    pub name: String,
    pub address: Ipv4Addr,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

/// What DHCP answered.
#[derive(Debug, PartialEq, Eq)]
pub struct Offer {
    pub address: Ipv4Addr,
    pub mtu: u16,
}

impl Guest {
    /// A guest at an interface that some machine has. Waits until the machine has made the port.
    pub fn start(machine: &Machine, interface: &str, mac: &str, address: &str) -> Self {
        let device = port_device(interface.parse().unwrap());
        let network = until(&format!("{interface} on {}", machine.name), || machine.network_with(&device));
        let port = within(&network, || tap::open(&device)).unwrap();
        let name = format!("guest-{}", &interface[interface.len() - 6..]);
        namespace::ensure(&name).unwrap();
        let own = namespace::within(&name, || tap::open("eth0")).unwrap();
        let ip = |arguments: String| run("ip", &format!("-n {name} {arguments}"));
        ip("link set lo up".into());
        ip(format!("link set eth0 address {mac} mtu 1450 up"));
        let stop = Arc::new(AtomicBool::new(false));
        let pump = std::thread::spawn({
            let stop = stop.clone();
            move || pump(port, own, &stop)
        });
        let mut guest = Self { name: name.clone(), address: address.parse().unwrap(), stop, threads: vec![pump] };
        let offer = guest.offer();
        assert_eq!(offer, Offer { address: guest.address, mtu: 1450 }, "what DHCP says");
        ip(format!("addr add {address}/20 dev eth0"));
        let [a, b, c, _] = guest.address.octets();
        ip(format!("route add default via {a}.{b}.{}.1", c & 0xf0));
        guest.echo();
        guest
    }

    /// Asks DHCP until it answers.
    fn offer(&self) -> Offer {
        let mac = namespace::within(&self.name, || {
            let text = std::process::Command::new("ip").args(["-o", "link", "show", "eth0"]).output()?;
            let text = String::from_utf8_lossy(&text.stdout).into_owned();
            let mac = text.split("link/ether ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or_default();
            Ok(mac.split(':').map(|hex| u8::from_str_radix(hex, 16).unwrap()).collect::<Vec<u8>>())
        });
        let mac = mac.unwrap();
        let socket = namespace::within(&self.name, || {
            let socket = UdpSocket::bind("0.0.0.0:68")?;
            socket.set_broadcast(true)?;
            nix::sys::socket::setsockopt(&socket, nix::sys::socket::sockopt::BindToDevice, &"eth0".into())?;
            socket.set_read_timeout(Some(Duration::from_secs(1)))?;
            Ok(socket)
        });
        let socket = socket.unwrap();
        let mut discover = vec![1, 1, 6, 0, 1, 2, 3, 4, 0, 0, 0x80, 0];
        discover.resize(28, 0);
        discover.extend(&mac);
        discover.resize(236, 0);
        // The cookie, DHCPDISCOVER, what is asked for (mask, router, MTU), the end.
        discover.extend([99, 130, 83, 99, 53, 1, 1, 55, 3, 1, 3, 26, 255]);
        until("an offer of DHCP", || {
            socket.send_to(&discover, "255.255.255.255:67").ok()?;
            let mut answer = [0; 1500];
            let length = socket.recv(&mut answer).ok()?;
            let address = Ipv4Addr::new(answer[16], answer[17], answer[18], answer[19]);
            let mtu = option(&answer[240..length], 26)?;
            Some(Offer { address, mtu: u16::from_be_bytes([mtu[0], mtu[1]]) })
        })
    }

    /// The address of a name, by the network's own resolver.
    pub fn resolve(&self, name: &str) -> Ipv4Addr {
        let socket = namespace::within(&self.name, || UdpSocket::bind("0.0.0.0:0")).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        let mut question = vec![0, 9, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.split('.') {
            question.push(label.len() as u8);
            question.extend(label.as_bytes());
        }
        question.extend([0, 0, 1, 0, 1]);
        until(&format!("the address of {name}"), || {
            socket.send_to(&question, "169.254.169.253:53").ok()?;
            let mut answer = [0; 1500];
            let length = socket.recv(&mut answer).ok()?;
            // One answer, whose data are the last four bytes unless more was added.
            let at = question.len() + 12;
            (answer[7] == 1 && length >= at + 4)
                .then(|| Ipv4Addr::new(answer[at], answer[at + 1], answer[at + 2], answer[at + 3]))
        })
    }

    /// Sends back what comes.
    fn echo(&mut self) {
        let socket = namespace::within(&self.name, || UdpSocket::bind(("0.0.0.0", ECHO))).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let stop = self.stop.clone();
        self.threads.push(std::thread::spawn(move || {
            let mut bytes = [0; 2000];
            while !stop.load(Ordering::Relaxed) {
                if let Ok((length, from)) = socket.recv_from(&mut bytes) {
                    let _ = socket.send_to(&bytes[..length], from);
                }
            }
        }));
    }

    /// Waits until another one answers.
    pub fn reaches(&self, other: Ipv4Addr) {
        let socket = self.socket(other);
        until(&format!("an answer of {other} to {}", self.name), || {
            socket.send(b"there?").ok()?;
            socket.recv(&mut [0; 99]).ok()
        });
    }

    /// Whether a packet as large as the network takes arrives whole and comes back.
    pub fn reaches_with(&self, other: Ipv4Addr, bytes: usize) {
        let socket = self.socket(other);
        until(&format!("{bytes} bytes from {other}"), || {
            socket.send(&vec![7; bytes]).ok()?;
            (socket.recv(&mut [0; 2000]).ok()? == bytes).then_some(())
        });
    }

    fn socket(&self, other: Ipv4Addr) -> UdpSocket {
        let bind = || {
            let socket = UdpSocket::bind("0.0.0.0:0")?;
            socket.connect(SocketAddr::from((other, ECHO)))?;
            socket.set_read_timeout(Some(Duration::from_millis(200)))?;
            Ok(socket)
        };
        namespace::within(&self.name, bind).unwrap()
    }

    /// Sends numbered packets to another one until it is told to stop.
    pub fn traffic(&self, other: Ipv4Addr) -> Traffic {
        let socket = self.socket(other);
        let (stop, back) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
        let (ending, heard) = (stop.clone(), back.clone());
        let receiver = socket.try_clone().unwrap();
        let done = Arc::new(AtomicBool::new(false));
        let listening = std::thread::spawn({
            let done = done.clone();
            move || {
                while !done.load(Ordering::Relaxed) {
                    if receiver.recv(&mut [0; 99]).is_ok() {
                        heard.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
        });
        let sending = std::thread::spawn(move || {
            let mut sent = 0;
            while !ending.load(Ordering::Relaxed) {
                if socket.send(b"on and on").is_ok() {
                    sent += 1;
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            sent
        });
        Traffic { stop, back, done, sending, listening }
    }
}

/// Packets under way.
pub struct Traffic {
    stop: Arc<AtomicBool>,
    back: Arc<AtomicU32>,
    done: Arc<AtomicBool>,
    sending: JoinHandle<u32>,
    listening: JoinHandle<()>,
}

impl Traffic {
    /// How many have come back so far.
    pub fn back(&self) -> u32 {
        self.back.load(Ordering::Relaxed)
    }

    /// Stops, and waits until all that were sent are back.
    pub fn all_came_back(self) {
        self.stop.store(true, Ordering::Relaxed);
        let sent = self.sending.join().unwrap();
        let back = self.back.clone();
        until("all packets", || (back.load(Ordering::Relaxed) >= sent).then_some(()));
        self.done.store(true, Ordering::Relaxed);
        self.listening.join().unwrap();
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
        let _ = namespace::remove(&self.name);
    }
}

fn option(mut options: &[u8], wanted: u8) -> Option<&[u8]> {
    while let [code, length, rest @ ..] = options {
        let (value, next) = rest.split_at_checked(usize::from(*length))?;
        if *code == wanted {
            return Some(value);
        }
        options = next;
    }
    None
}

fn pump(a: OwnedFd, b: OwnedFd, stop: &AtomicBool) {
    let (a, b) = (File::from(a), File::from(b));
    let mut frame = vec![0; 70_000];
    while !stop.load(Ordering::Relaxed) {
        let mut ready = [PollFd::new(a.as_fd(), PollFlags::POLLIN), PollFd::new(b.as_fd(), PollFlags::POLLIN)];
        if poll(&mut ready, PollTimeout::from(20u8)).is_err() {
            return;
        }
        for (mut from, mut to) in [(&a, &b), (&b, &a)] {
            while let Ok(length @ 1..) = read(&mut from, &mut frame) {
                let _ = to.write(&frame[..length]);
            }
        }
    }
}

fn read(from: &mut &File, frame: &mut [u8]) -> io::Result<usize> {
    from.read(frame)
}
