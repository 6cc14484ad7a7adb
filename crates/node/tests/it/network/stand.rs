//! What stands for a machine and for its guests. Each test is started again in network and mount namespaces of its own;
//! guests are namespaces whose `eth0` is joined to the port's TAP frame by frame, as QEMU does.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use landfall_node::driver::Network;
use landfall_node::network::{HostNetwork, namespace, tap};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::cloud::{Cloud, port_id};

/// How long something that is to be lost is waited for. On a machine that is slower still such a check passes too easily;
/// it never fails for it. What must have been there is shown by what comes, not by waiting.
pub const LOST: Duration = Duration::from_millis(300);
/// How long something that is to come is waited for, on the slowest machine. It costs nothing where it comes.
pub const COMES: Duration = Duration::from_secs(120);

/// Waits until something is so.
pub fn until(what: &str, met: impl Fn() -> bool) {
    let end = Instant::now() + COMES;
    while !met() {
        assert!(Instant::now() < end, "{what} didn't come about");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Runs a test as the root of a machine of its own. Where that can't be made, it says so and counts as skipped.
pub fn on_own_machine(name: &str, body: impl FnOnce()) {
    if std::env::var_os("LANDFALL_OWN_MACHINE").is_some_and(|test| test == name) {
        if !is_child() {
            run("mount", "-t tmpfs none /run");
            run("ip", "link set lo up");
        }
        return body();
    }
    let can = Command::new("unshare").args(["-n", "-m", "nft", "--version"]).output();
    if !can.is_ok_and(|output| output.status.success()) || !std::path::Path::new(tap::DEVICE).exists() {
        return crate::skipped(
            &format!("network::{name}"),
            &format!("it needs root, unshare, nft and {}", tap::DEVICE),
        );
    }
    let output = Command::new("unshare")
        .args(["-n", "-m", "--propagation", "private"])
        // Also if it is being built anew meanwhile.
        .arg(format!("/proc/{}/exe", std::process::id()))
        .args([&format!("network::{name}"), "--exact", "--nocapture", "--test-threads=1"])
        .env("LANDFALL_OWN_MACHINE", name)
        .output()
        .unwrap();
    let words = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{words}");
    assert!(words.contains("1 passed"), "no such test: {words}");
}

/// This test once more, on the same machine, as a process to kill.
///
/// What it starts is in its group, and becomes this process's when it dies: see [`bury`].
pub fn spawn_child() -> Child {
    use std::os::unix::process::CommandExt as _;
    nix::sys::prctl::set_child_subreaper(true).unwrap();
    let name = std::env::var("LANDFALL_OWN_MACHINE").unwrap();
    Command::new(format!("/proc/{}/exe", std::process::id()))
        .args([&format!("network::{name}"), "--exact", "--nocapture", "--test-threads=1"])
        .env("LANDFALL_CHILD", "1")
        .process_group(0)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Kills such a process, and waits until what it had started has ended by itself: a program that loads rules outlives the
/// one that wanted them.
pub fn bury(mut child: Child) {
    use nix::sys::wait::waitpid;
    let group = nix::unistd::Pid::from_raw(-i32::try_from(child.id()).unwrap());
    child.kill().unwrap();
    child.wait().unwrap();
    while waitpid(group, None).is_ok() {}
}

/// Whether this process was started to be killed.
pub fn is_child() -> bool {
    std::env::var_os("LANDFALL_CHILD").is_some()
}

pub fn run(program: &str, arguments: &str) -> String {
    let output = Command::new(program).args(arguments.split_whitespace()).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments}: {error}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A guest: a namespace with an `eth0` on the other side of the port's TAP.
pub struct Guest {
    pub name: String,
    pub address: Ipv4Addr,
    stop: Arc<AtomicBool>,
    pump: Option<std::thread::JoinHandle<()>>,
}

impl Guest {
    pub fn start(network: &HostNetwork, cloud: &Cloud, number: u32) -> Self {
        let plan = cloud.0.port(port_id(number)).unwrap();
        let subnet = cloud.0.subnet(plan.subnet).unwrap();
        let (name, address) = (format!("guest-{number}"), plan.addresses[0]);
        namespace::ensure(&name).unwrap();
        let own = namespace::within(&name, || tap::open("eth0")).unwrap();
        let ip = |arguments: String| run("ip", &format!("-n {name} {arguments}"));
        ip("link set lo up".into());
        ip(format!("link set eth0 address {} up", plan.mac));
        ip(format!("addr add {address}/{} dev eth0", subnet.cidr.prefix()));
        ip(format!("route add default via {}", subnet.cidr.nth(1).unwrap()));
        let port = network.open(port_id(number)).unwrap().tap.unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let pump = std::thread::spawn({
            let stop = stop.clone();
            move || pump(port, own, &stop)
        });
        Guest { name, address, stop, pump: Some(pump) }
    }

    pub fn listen(&self, port: u16) -> TcpListener {
        namespace::within(&self.name, || TcpListener::bind((Ipv4Addr::UNSPECIFIED, port))).unwrap()
    }

    pub fn connect(&self, to: impl Into<Ipv4Addr>, port: u16) -> io::Result<TcpStream> {
        connect(Some(&self.name), to.into(), port, LOST)
    }

    /// Tried for longer: under load the first packets may take their time.
    pub fn reaches(&self, to: impl Into<Ipv4Addr>, port: u16) -> bool {
        connect(Some(&self.name), to.into(), port, COMES).is_ok()
    }

    pub fn pings(&self, to: Ipv4Addr, timeout: Duration) -> bool {
        namespace::within(&self.name, || ping(to, timeout)).is_ok()
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.pump.take().unwrap().join();
        let _ = namespace::remove(&self.name);
    }
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
            while let Ok(length @ 1..) = from.read(&mut frame) {
                let _ = to.write(&frame[..length]);
            }
        }
    }
}

/// Sends a datagram, again and again, until it is received; who from. The first packets of a link may be lost.
pub fn arrives(at: &UdpSocket, send: impl Fn()) -> SocketAddr {
    at.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    let end = Instant::now() + COMES;
    loop {
        send();
        match at.recv_from(&mut [0; 9]) {
            Ok((_, from)) => return from,
            Err(error) => assert!(Instant::now() < end, "it doesn't arrive: {error}"),
        }
    }
}

pub fn connect(from: Option<&str>, to: Ipv4Addr, port: u16, timeout: Duration) -> io::Result<TcpStream> {
    let to = SocketAddr::from((to, port));
    match from {
        Some(name) => namespace::within(name, || TcpStream::connect_timeout(&to, timeout)),
        None => TcpStream::connect_timeout(&to, timeout),
    }
}

fn ping(to: Ipv4Addr, timeout: Duration) -> io::Result<()> {
    use socket2::{Domain, Protocol, Socket, Type};
    let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4))?;
    socket.set_read_timeout(Some(Duration::from_millis(50)))?;
    let until = Instant::now() + timeout;
    let (mut answer, mut again) = ([0; 256], Instant::now());
    while Instant::now() < until {
        if Instant::now() >= again {
            // Type 8, code 0, its checksum, identifier 7, sequence 1. Whoever must find its neighbour first may lose it.
            socket.send_to(&[8, 0, 0xf7, 0xf7, 0, 7, 0, 1], &SocketAddr::from((to, 0)).into())?;
            again = Instant::now() + Duration::from_secs(1);
        }
        if let Ok(length) = (&socket).read(&mut answer)
            && length >= 28
            && answer[12..16] == to.octets()
            && answer[20] == 0
        {
            return Ok(());
        }
    }
    Err(io::ErrorKind::TimedOut.into())
}

pub fn peer(listener: &TcpListener) -> Ipv4Addr {
    let SocketAddr::V4(peer) = listener.accept().unwrap().1 else { panic!() };
    *peer.ip()
}
