//! No packet is lost, whatever becomes of the processes that make the network and answer in it: numbered packets go from
//! port to port, and through a translation, while the driver and the metadata process come and go and rules change.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use landfall_node::metadata::{Config, MetadataClient, derive, serve};

use super::*;

/// How many packets may be under way at a time: fewer than any queue has room for, however slow the machine.
const WINDOW: u64 = 32;
/// How long the last of them are waited for.
const LAST: Duration = Duration::from_secs(30);

/// Packets with numbers, from a place to a guest.
struct Stream {
    sent: Arc<AtomicU64>,
    received: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    sender: JoinHandle<()>,
    receiver: JoinHandle<BTreeSet<u64>>,
}

impl Stream {
    /// From the guest of that name, or from the machine.
    fn start(from: Option<&str>, at: &Guest, to: Ipv4Addr, port: u16) -> Self {
        let listener = namespace::within(&at.name, || UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port))).unwrap();
        listener.set_read_timeout(Some(LOST)).unwrap();
        let bind = || UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0));
        let socket = match from {
            Some(name) => namespace::within(name, bind).unwrap(),
            None => bind().unwrap(),
        };
        socket.connect(SocketAddr::from((to, port))).unwrap();
        let [sent, received] = [0, 1].map(|_| Arc::new(AtomicU64::new(0)));
        let stop = Arc::new(AtomicBool::new(false));
        let receiver = std::thread::spawn({
            let (sent, received, stop) = (sent.clone(), received.clone(), stop.clone());
            move || {
                let (mut numbers, mut last) = (BTreeSet::new(), Instant::now());
                let mut number = [0; 8];
                loop {
                    if listener.recv(&mut number).is_ok_and(|length| length == number.len()) {
                        numbers.insert(u64::from_be_bytes(number));
                        received.store(numbers.len() as u64, Ordering::SeqCst);
                        last = Instant::now();
                    }
                    let all = numbers.len() as u64 == sent.load(Ordering::SeqCst);
                    if stop.load(Ordering::SeqCst) && (all || last.elapsed() > LAST) {
                        return numbers;
                    }
                }
            }
        });
        let sender = std::thread::spawn({
            let (sent, received, stop) = (sent.clone(), received.clone(), stop.clone());
            move || {
                while !stop.load(Ordering::SeqCst) {
                    let number = sent.load(Ordering::SeqCst);
                    if number - received.load(Ordering::SeqCst) < WINDOW {
                        socket.send(&number.to_be_bytes()).unwrap();
                        sent.store(number + 1, Ordering::SeqCst);
                    }
                    std::thread::sleep(Duration::from_micros(200));
                }
            }
        });
        Self { sent, received, stop, sender, receiver }
    }

    /// Waits until some more have come through.
    fn go_on(&self, after: &str) {
        let (from, until) = (self.received.load(Ordering::SeqCst), Instant::now() + LAST);
        while self.received.load(Ordering::SeqCst) < from + 2 * WINDOW {
            assert!(Instant::now() < until, "no packets after {after}");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// How many were sent, and which of them were lost.
    fn end(self) -> (u64, Vec<u64>) {
        self.stop.store(true, Ordering::SeqCst);
        self.sender.join().unwrap();
        let received = self.receiver.join().unwrap();
        let sent = self.sent.load(Ordering::SeqCst);
        (sent, (0..sent).filter(|number| !received.contains(number)).collect())
    }
}

fn answering() -> Config {
    Config { upstreams: Some(vec![]), ..Config::in_folder("/run/landfall/metadata") }
}

/// A metadata process that has been fed.
fn answer(cloud: &Cloud) -> std::process::Child {
    let child = spawn_child();
    let client = MetadataClient::new(&answering().control_socket);
    let until = Instant::now() + LAST;
    while client.pid().ok() != Some(child.id()) {
        assert!(Instant::now() < until, "no metadata process");
        std::thread::sleep(Duration::from_millis(5));
    }
    client.feed(&derive(&cloud.0, "lf", 1500)).unwrap();
    child
}

#[test]
fn no_packet_is_lost() {
    on_own_machine("traffic::no_packet_is_lost", || {
        if is_child() {
            return serve(answering()).unwrap();
        }
        uplink();
        let mut cloud = Cloud::new();
        cloud.group(1, 1, vec![anything()], vec![anything()]);
        cloud.port(1, 1, &[1], Some("198.18.0.11")).port(2, 1, &[1], None);
        let mut network = driver();
        network.apply(&cloud.0).unwrap();
        let guests = [1, 2].map(|number| Guest::start(&network, &cloud, number));
        let public = Ipv4Addr::new(198, 18, 0, 11);
        let _listener = guests[0].listen(80);
        assert!(guests[1].reaches(guests[0].address, 80));
        connect(None, public, 80, COMES).unwrap();
        let mut metadata = answer(&cloud);
        let streams = [
            Stream::start(Some(&guests[1].name), &guests[0], guests[0].address, 5000),
            Stream::start(None, &guests[0], public, 5001),
        ];
        let go_on = |after: &str| streams.iter().for_each(|stream| stream.go_on(after));
        for round in 0..8u8 {
            // By differences: rules, a port with a public address, routes, and back.
            let block = format!("10.{round}.0.0/16");
            let rules =
                vec![anything(), rule("tcp", (1, 9), from(&block)), rule("udp", (7, 7), PeerPlan::Group(group_id(1)))];
            cloud.group(1, 1, rules, vec![anything()]).port(4, 1, &[1], Some("198.18.0.14"));
            network.apply(&cloud.0).unwrap();
            go_on("rules and a port came");
            let blackhole =
                RoutePlan { destination: cidr(&block.replace("10.", "100.")), target: RouteTargetPlan::Blackhole };
            cloud.edit_subnet(1, |subnet| subnet.routes.push(blackhole));
            cloud.0.pieces.remove(&PieceKey::Port(port_id(4)));
            network.apply(&cloud.0).unwrap();
            go_on("a route came and a port went");
            // The driver ends, and another one knows nothing: it loads all rules, and looks at everything.
            drop(network);
            go_on("the driver ended");
            network = driver();
            network.apply(&cloud.0).unwrap();
            network.apply(&cloud.0).unwrap();
            go_on("another driver took over");
            metadata.kill().unwrap();
            metadata.wait().unwrap();
            go_on("the metadata process was killed");
            metadata = answer(&cloud);
            go_on("another metadata process answers");
        }
        metadata.kill().unwrap();
        metadata.wait().unwrap();
        for stream in streams {
            let (sent, lost) = stream.end();
            assert!(lost.is_empty(), "{} of {sent} packets were lost: {lost:?}", lost.len());
        }
    });
}
