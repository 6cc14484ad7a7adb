//! TCP between two ports of one network with a thousand other ports in it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use landfall_model::plan::HostPlan;
use landfall_node::driver::Network;
use landfall_node::network::namespace;

use crate::plans::{MEASURED, MEMBERS, add_port, anything, device, networks, set_group, thousand_rules};
use crate::stand::{driver, guest, plain_router, run};
use crate::{Outcome, median};

const ROUNDS: usize = 16;
const ROUND: Duration = Duration::from_millis(600);
/// Between a change of rules and the measurement.
const SETTLE: Duration = Duration::from_millis(100);
const OTHERS: u32 = 1000;

/// A way that packets go: from a namespace to a listener in another.
struct Way {
    name: &'static str,
    from: &'static str,
    to: SocketAddr,
    listener: TcpListener,
    plan: Option<HostPlan>,
    bytes: Vec<f64>,
    calls: Vec<f64>,
}

impl Way {
    fn new(
        name: &'static str,
        from: &'static str,
        listener: TcpListener,
        to: SocketAddr,
        plan: Option<HostPlan>,
    ) -> Self {
        Self { name, from, to, listener, plan, bytes: Vec::new(), calls: Vec::new() }
    }
}

pub fn measure() -> Outcome<()> {
    let mut open = networks(1)?;
    for number in 1..=OTHERS {
        add_port(&mut open, number, 1, &[MEMBERS]);
    }
    // The two ports that are measured are members too, and are of the group whose rules change.
    let numbers = [OTHERS + 1, OTHERS + 2];
    for number in numbers {
        add_port(&mut open, number, 1, &[MEMBERS, MEASURED]);
    }
    set_group(&mut open, MEMBERS, vec![]);
    let mut guarded = open.clone();
    set_group(&mut guarded, MEASURED, thousand_rules()?);
    set_group(&mut open, MEASURED, vec![anything()]);
    driver().apply(&open)?;
    let guests = ["guest-1", "guest-2"];
    let mut addresses = Vec::new();
    for (name, number) in guests.into_iter().zip(numbers) {
        let port = open.ports().find(|port| landfall_node::metadata::port_device(port.id) == device(number));
        let port = port.ok_or("no port")?;
        run("ip", &format!("-n lf-1 link del {}", device(number)))?;
        guest(name, &port.addresses[0].to_string(), &port.mac.to_string(), "lf-1", &device(number))?;
        addresses.push(port.addresses[0]);
    }
    let network = driver();
    network.apply(&open)?;
    let plain = ["plain-1", "plain-2"];
    plain_router("plain", plain)?;
    let (to, to_plain) = (SocketAddr::from((addresses[1], 7000)), SocketAddr::from(([10, 1, 0, 2], 7000)));
    let listener = namespace::within(guests[1], || TcpListener::bind(to))?;
    let at_plain = namespace::within(plain[1], || TcpListener::bind(to_plain))?;
    let mut ways = [
        Way::new("plain forwarding", plain[0], at_plain, to_plain, None),
        Way::new("one rule", guests[0], listener.try_clone()?, to, Some(open)),
        Way::new("a thousand rules", guests[0], listener, to, Some(guarded)),
    ];
    for round in 0..ROUNDS {
        // In turns, and each as often first.
        for turn in 0..ways.len() {
            let way = &mut ways[(round + turn) % 3];
            if let Some(plan) = &way.plan {
                network.apply(plan)?;
            }
            std::thread::sleep(SETTLE);
            let (bytes, calls) = (throughput(way)?, connections(way)?);
            way.bytes.push(bytes);
            way.calls.push(calls);
        }
    }
    network.apply(&HostPlan::default())?;
    tell(&ways);
    Ok(())
}

fn tell(ways: &[Way]) {
    type Rounds = fn(&Way) -> &[f64];
    let kinds: [(&str, &str, Rounds); 2] =
        [("throughput", "MB/s", |way| &way.bytes), ("new connections", "a second", |way| &way.calls)];
    for (what, unit, rounds) in kinds {
        for way in ways {
            println!("{what}: {} {:.0} {unit}", way.name, median(rounds(way)));
        }
        for (way, base) in [(2, 1), (1, 0), (2, 0)] {
            let mut ratios: Vec<f64> = rounds(&ways[way]).iter().zip(rounds(&ways[base])).map(|(a, b)| a / b).collect();
            ratios.sort_by(f64::total_cmp);
            let (low, high) = (ratios[ROUNDS / 4], ratios[ROUNDS * 3 / 4]);
            let of_medians = median(rounds(&ways[way])) / median(rounds(&ways[base]));
            let (way, base) = (ways[way].name, ways[base].name);
            println!(
                "    {way} next to {base}: {of_medians:.3}; half of {ROUNDS} pairs between {low:.3} and {high:.3}"
            );
        }
    }
}

/// Megabytes a second through one connection.
fn throughput(way: &Way) -> Outcome<f64> {
    let mut sender = namespace::within(way.from, || TcpStream::connect_timeout(&way.to, Duration::from_secs(2)))?;
    let (mut receiver, _) = way.listener.accept()?;
    let writer = std::thread::spawn(move || {
        let (block, until) = (vec![0; 128 << 10], Instant::now() + ROUND);
        while Instant::now() < until && sender.write_all(&block).is_ok() {}
    });
    let (mut block, mut total, begin) = (vec![0; 256 << 10], 0usize, Instant::now());
    while let Ok(length @ 1..) = receiver.read(&mut block) {
        total += length;
    }
    let seconds = begin.elapsed().as_secs_f64();
    writer.join().map_err(|_| "the sender ended")?;
    #[expect(clippy::cast_precision_loss, reason = "a rate for a person to read")]
    Ok(total as f64 / 1e6 / seconds)
}

/// Connections made and closed a second, one after another: each one's first packet walks the group's rules.
fn connections(way: &Way) -> Outcome<f64> {
    let (listener, to) = (way.listener.try_clone()?, way.to);
    let count = namespace::within(way.from, move || {
        let (mut count, until) = (0u32, Instant::now() + ROUND / 2);
        while Instant::now() < until {
            let stream = TcpStream::connect_timeout(&to, Duration::from_secs(2))?;
            // A reset, so that ports don't run out waiting.
            socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
            drop((listener.accept()?, stream));
            count += 1;
        }
        Ok(count)
    })?;
    Ok(f64::from(count) / (ROUND / 2).as_secs_f64())
}
