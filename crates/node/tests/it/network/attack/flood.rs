//! Guests and strangers that open connections until the tables are full, if they could. With an accomplice at the other
//! end every one is answered, so that the kernel doesn't take it for one that may be forgotten.

use std::fs;

use landfall_node::network::Allowance;

use super::outside::from_internet;
use super::*;

const SYN: u8 = 2;
const RST: u8 = 4;
const SYN_ACK: u8 = 18;
const ACK: u8 = 16;
/// What a table has besides: of this test's honest packets and what was just made.
const OTHERS: u64 = 100;

/// A TCP segment of a connection whose both ends begin with the number 7.
fn segment(ports: (u16, u16), flags: u8) -> Vec<u8> {
    let mut segment = tcp(ports, flags, b"");
    let first = if flags & SYN == 0 { 8u32 } else { 7 };
    segment[4..8].copy_from_slice(&first.to_be_bytes());
    segment[8..12].copy_from_slice(&if flags == SYN { 0u32 } else { 8 }.to_be_bytes());
    segment
}

/// The ports of a flow that no other has.
fn ports(number: u32) -> (u16, u16) {
    (u16::try_from(1024 + number % 50_000).unwrap(), u16::try_from(1000 + number / 50_000).unwrap())
}

/// Opens connections from the bad guest to the neighbour, who plays along.
fn open(stage: &Stage, numbers: std::ops::Range<u32>) {
    let (bad, victim) = (v4(BAD), v4(VICTIM));
    for number in numbers {
        let (own, other) = ports(number);
        stage.send("bad", &Stage::ip(&ipv4(bad, victim, TCP, segment((own, other), SYN))));
        let answer = ipv4(victim, bad, TCP, segment((other, own), SYN_ACK));
        stage.send("victim", &ethernet(ROUTER, mac(VICTIM), IPV4, &answer));
        stage.send("bad", &Stage::ip(&ipv4(bad, victim, TCP, segment((own, other), ACK))));
    }
    stage.watch.take();
}

/// The connections that a namespace's table has.
fn connections(place: &str) -> u64 {
    let read = || fs::read_to_string("/proc/sys/net/netfilter/nf_conntrack_count");
    let text = if place.is_empty() { read() } else { namespace::within(place, read) };
    text.unwrap().trim().parse().unwrap()
}

fn udp_of(from: Ipv4Addr, to: Ipv4Addr, port: u16, data: &[u8]) -> Vec<u8> {
    ipv4(from, to, UDP, udp((port, 53), data))
}

#[test]
fn a_guest_doesnt_fill_its_networks_table() {
    on_own_machine("attack::flood::a_guest_doesnt_fill_its_networks_table", || {
        let allowance = Allowance { live: 2560, opened: 100_000 };
        let stage = Stage::with(|config| config.allowance = allowance);
        let honest = Stage::ip(&udp_of(v4(BAD), v4(CLOSED), 7, b"honest before"));
        stage.arrives("a flow from before", "bad", std::slice::from_ref(&honest), "closed");
        open(&stage, 0..12_000);
        let full = connections("lf-1");
        assert!(full >= u64::from(allowance.live) / 2, "the flood comes through at all: {full}");
        assert!(full <= u64::from(allowance.live) + OTHERS, "{full} connections");

        // Who floods has no more; its neighbours have theirs, also the one who was called all the time.
        let more = Stage::ip(&udp_of(v4(BAD), v4(CLOSED), 8, b"one more"));
        stage.send("bad", &more);
        let own = ethernet(ROUTER, mac(VICTIM), IPV4, &udp_of(v4(VICTIM), v4(CLOSED), 7, b"honest neighbour"));
        let mut seen = stage.arrives("a neighbour's flow", "victim", &[own], "closed");
        let own = udp_of(v4(CLOSED), v4(VICTIM), 7, b"honest answer");
        let own = ethernet(ROUTER, mac(CLOSED), IPV4, &own);
        seen.extend(stage.arrives("another's", "closed", &[own], "victim"));
        let leaks = |sight: &Sight| sight.device == "closed" && contains(&sight.bytes, b"one more");
        assert!(!seen.iter().any(leaks), "it opens one more");

        // The next process takes the rules as they are, and what was counted with them.
        let cloud = &stage.cloud;
        stage.again().apply(&cloud.0).unwrap();
        open(&stage, 12_000..24_000);
        let full = connections("lf-1");
        assert!(full <= u64::from(allowance.live) + OTHERS, "{full} connections");

        // Connections that have ended are counted no more.
        for number in 0..24_000 {
            let end = ipv4(v4(BAD), v4(VICTIM), TCP, segment(ports(number), RST));
            stage.send("bad", &Stage::ip(&end));
        }
        let anew = Stage::ip(&udp_of(v4(BAD), v4(CLOSED), 9, b"honest anew"));
        stage.arrives("a flow after the others ended", "bad", &[anew], "closed");
    });
}

#[test]
fn a_guest_doesnt_open_faster_than_what_ended_is_forgotten() {
    on_own_machine("attack::flood::a_guest_doesnt_open_faster_than_what_ended_is_forgotten", || {
        let allowance = Allowance { live: 1_000_000, opened: 256 };
        let stage = Stage::with(|config| config.allowance = allowance);
        let began = Instant::now();
        for number in 0..12_000 {
            open(&stage, number..number + 1);
            let end = ipv4(v4(BAD), v4(VICTIM), TCP, segment(ports(number), RST));
            stage.send("bad", &Stage::ip(&end));
        }
        let found = connections("lf-1");
        // At once four times as many as in a second.
        let could = u64::from(allowance.opened) * (5 + began.elapsed().as_secs());
        assert!(found <= could + OTHERS, "{found} connections where {could} could be");
        let kept =
            namespace::within("lf-1", || fs::read_to_string("/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_close"));
        assert_eq!(kept.unwrap().trim(), landfall_node::network::allowance::CLOSED_S.to_string());
        let own = ethernet(ROUTER, mac(VICTIM), IPV4, &udp_of(v4(VICTIM), v4(CLOSED), 7, b"honest neighbour"));
        stage.arrives("a neighbour's flow", "victim", &[own], "closed");
    });
}

#[test]
fn the_internet_doesnt_fill_a_table_by_one_address() {
    on_own_machine("attack::flood::the_internet_doesnt_fill_a_table_by_one_address", || {
        let allowance = Allowance { live: 2560, opened: 100_000 };
        let stage = Stage::with(|config| config.allowance = allowance);
        let call = |(own, other)| ipv4(STRANGER.0, public(BAD), UDP, udp((own, other), b"flood"));
        let calls: Vec<_> = (0..12_000).map(|number| call(ports(number))).collect();
        from_internet(&calls);
        stage.watch.take();
        let within = connections("lf-1");
        assert!(within > 0, "the flood comes through at all");
        assert!(within <= u64::from(allowance.live) + OTHERS, "{within} connections in the network");
        let machine = connections("");
        assert!(machine <= u64::from(allowance.live) + OTHERS, "{machine} connections on the machine");

        // The one who is flooded goes on speaking, and its neighbours are called.
        let own = Stage::ip(&udp_of(v4(BAD), v4(CLOSED), 7, b"honest word"));
        stage.arrives("a word of the one who is flooded", "bad", &[own], "closed");
        let own = Stage::ip(&udp_of(v4(BAD), STRANGER.0, 7, b"honest question"));
        stage.arrives("its question to the internet", "bad", &[own], "wan0");
    });
}
