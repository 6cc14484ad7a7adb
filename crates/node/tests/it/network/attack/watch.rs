//! Eyes everywhere: each device of each namespace, each TAP, and what a namespace's own programs would get.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsRawFd;

use landfall_node::network::namespace;
use nix::net::if_::if_nameindex;
use nix::sys::socket::{LinkAddr, recvfrom};
use socket2::{Domain, Protocol, Socket, Type};

/// What the kernel calls all kinds of frames.
const EVERYTHING: i32 = 3;
/// Protocols whose packets a machine may take for itself.
const TAKEN: [i32; 13] = [1, 2, 4, 6, 17, 41, 47, 50, 58, 89, 103, 132, 136];

/// Something seen.
#[derive(Clone, Debug)]
pub struct Sight {
    /// The namespace; the machine's own is empty.
    pub place: &'static str,
    /// The device, or `own programs`.
    pub device: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// A namespace that is watched.
struct Place {
    name: &'static str,
    devices: BTreeMap<usize, String>,
    frames: Socket,
    /// What gets past the filter to programs of the namespace itself.
    own: Vec<Socket>,
}

pub struct Watch {
    places: Vec<Place>,
    taps: Vec<(&'static str, &'static str, File)>,
}

impl Watch {
    /// Watches all devices that these namespaces have now.
    pub fn new(places: &[&'static str]) -> Self {
        Self { places: places.iter().map(|name| Place::open(name).unwrap()).collect(), taps: Vec::new() }
    }

    /// Watches what a port's guest gets, and lets it be sent from there.
    pub fn add_tap(&mut self, place: &'static str, guest: &'static str, tap: File) {
        self.taps.push((place, guest, tap));
    }

    pub fn tap(&self, guest: &str) -> &File {
        &self.taps.iter().find(|(_, name, _)| *name == guest).unwrap().2
    }

    /// Everything that was seen since the last time.
    pub fn take(&self) -> Vec<Sight> {
        let mut seen = Vec::new();
        for place in &self.places {
            place.take(&mut seen);
        }
        let mut buffer = vec![0; 70_000];
        for (place, guest, tap) in &self.taps {
            while let Ok(length @ 10..) = (&*tap).read(&mut buffer) {
                seen.push(Sight { place, device: (*guest).to_owned(), bytes: buffer[10..length].to_vec() });
            }
        }
        seen
    }
}

impl Place {
    fn open(name: &'static str) -> io::Result<Self> {
        let open = || {
            let frames = Socket::new(Domain::PACKET, Type::RAW, Some(Protocol::from(EVERYTHING.swap_bytes() >> 16)))?;
            frames.set_recv_buffer_size(8 << 20)?;
            frames.set_nonblocking(true)?;
            let mut own = Vec::new();
            for (domain, protocol) in [Domain::IPV4, Domain::IPV6].into_iter().flat_map(|d| TAKEN.map(|p| (d, p))) {
                // A kernel without IPv6 takes nothing of it.
                let Ok(socket) = Socket::new(domain, Type::RAW, Some(Protocol::from(protocol))) else { continue };
                socket.set_nonblocking(true)?;
                own.push(socket);
            }
            let devices = if_nameindex()?;
            let devices = devices.into_iter();
            let devices = devices.map(|device| (device.index() as usize, device.name().to_string_lossy().into_owned()));
            Ok(Self { name, devices: devices.collect(), frames, own })
        };
        if name.is_empty() { open() } else { namespace::within(name, open) }
    }

    fn take(&self, seen: &mut Vec<Sight>) {
        let mut buffer = vec![0; 70_000];
        while let Ok((length, from)) = receive(&self.frames, &mut buffer) {
            // Ports have a watch of their own, which tells what a guest sent from what it got.
            let device = self.devices.get(&from).cloned().unwrap_or_else(|| format!("device {from}"));
            if !device.starts_with("lf0") {
                seen.push(Sight { place: self.name, device, bytes: buffer[..length].to_vec() });
            }
        }
        for socket in &self.own {
            while let Ok(length) = (&*socket).read(&mut buffer) {
                seen.push(Sight { place: self.name, device: "own programs".into(), bytes: buffer[..length].to_vec() });
            }
        }
    }
}

/// A frame's length and the number of its device.
fn receive(socket: &Socket, buffer: &mut [u8]) -> nix::Result<(usize, usize)> {
    let (length, from) = recvfrom::<LinkAddr>(socket.as_raw_fd(), buffer)?;
    Ok((length, from.map_or(0, |from| from.ifindex())))
}
