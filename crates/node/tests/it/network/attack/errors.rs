//! Errors and redirects about packets that weren't the sender's: connection tracking takes them for part of a flow, whoever
//! says them.

use super::*;

/// The first bytes of a packet, as an error quotes them.
fn quoted(packet: &[u8]) -> &[u8] {
    &packet[..packet.len().min(64)]
}

/// A UDP flow of the neighbour's, with what an error about it would quote.
fn flows() -> Vec<(&'static str, Ipv4Addr, Vec<u8>)> {
    [("one of another subnet", v4(CLOSED)), ("the internet", STRANGER.0), ("the resolver", [169, 254, 169, 253].into())]
        .map(|(name, to)| (name, to, ipv4(v4(VICTIM), to, UDP, udp((1000, 53), b"honest question"))))
        .into()
}

fn flows_v6() -> Vec<(&'static str, Ipv6Addr, Vec<u8>)> {
    [
        ("one of another subnet", v6(CLOSED)),
        ("the internet", STRANGER.1),
        ("the resolver", "fd00:ec2::253".parse().unwrap()),
    ]
    .map(|(name, to)| (name, to, ipv6(v6(VICTIM), to, UDP, udp((1000, 53), b"honest question"))))
    .into()
}

#[test]
fn nobody_reports_on_anothers_flow() {
    on_own_machine("attack::errors::nobody_reports_on_anothers_flow", || {
        let stage = Stage::new();
        for (_, _, packet) in flows() {
            stage.send("victim", &ethernet(ROUTER, mac(VICTIM), IPV4, &packet));
        }
        for (_, _, packet) in flows_v6() {
            stage.send("victim", &ethernet(ROUTER, mac(VICTIM), IPV6, &packet));
        }
        let mut attempts = Attempts::default();
        for (name, other, packet) in flows() {
            for (kind, code) in [(3, 1), (3, 3), (3, 4), (4, 0), (5, 0), (5, 1), (11, 0), (12, 0)] {
                for to in [v4(VICTIM), other, public(VICTIM)] {
                    attempts.add_past(
                        UP_TO_THE_MACHINE,
                        format!("ICMP {kind}/{code} about the flow to {name}, told {to}"),
                        |tag| {
                            let rest = if kind == 5 { v4(BAD).octets() } else { [0, 0, 2, 0] };
                            let quote = [quoted(&packet), tag].concat();
                            vec![Stage::ip(&ipv4(v4(BAD), to, ICMP, icmp(kind, code, rest, &quote)))]
                        },
                    );
                }
            }
        }
        for (name, other, packet) in flows_v6() {
            for (kind, code) in [(1, 0), (1, 4), (2, 0), (3, 0), (4, 0), (137, 0)] {
                for to in [v6(VICTIM), other] {
                    attempts.add_past(
                        &["up0", "lf-1"],
                        format!("ICMPv6 {kind}/{code} about the flow to {name}, told {to}"),
                        |tag| {
                            let quote = [quoted(&packet), tag].concat();
                            vec![Stage::ip(&ipv6(v6(BAD), to, ICMPV6, icmp(kind, code, [0, 0, 5, 0], &quote)))]
                        },
                    );
                }
            }
        }
        stage.try_all("bad", &attempts);

        // What a guest was sent, it may complain about.
        let asks = ipv4(v4(VICTIM), v4(BAD), UDP, udp((1000, 9), b"honest question"));
        stage.arrives("a question", "victim", &[ethernet(ROUTER, mac(VICTIM), IPV4, &asks)], "bad");
        let complaint = icmp(3, 3, [0; 4], &[quoted(&asks), b"honest"].concat());
        stage.arrives("a complaint", "bad", &[Stage::ip(&ipv4(v4(BAD), v4(VICTIM), ICMP, complaint))], "victim");
        let asks = ipv6(v6(VICTIM), v6(BAD), UDP, udp((1000, 9), b"honest question"));
        stage.arrives("a question", "victim", &[ethernet(ROUTER, mac(VICTIM), IPV6, &asks)], "bad");
        let complaint = icmp(1, 4, [0; 4], &[&asks[..56], b"honest"].concat());
        stage.arrives("a complaint", "bad", &[Stage::ip(&ipv6(v6(BAD), v6(VICTIM), ICMPV6, complaint))], "victim");
    });
}
