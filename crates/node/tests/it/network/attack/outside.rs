//! Lies from outside of a network: in the internet, and of a router in a network that it is peered with.

use std::io;
use std::net::SocketAddr;

use socket2::{Domain, Protocol, Socket, Type};

use super::*;

/// Sends packets whose headers are made by hand from the internet.
pub fn from_internet(packets: &[Vec<u8>]) {
    let send = || -> io::Result<()> {
        let raw = |domain| Socket::new(domain, Type::RAW, Some(Protocol::from(255)));
        let (four, six) = (raw(Domain::IPV4)?, raw(Domain::IPV6)?);
        four.set_header_included_v4(true)?;
        six.set_header_included_v6(true)?;
        for packet in packets {
            let to: (&Socket, IpAddr) = match packet[0] >> 4 {
                4 => (&four, <[u8; 4]>::try_from(&packet[16..20]).unwrap().into()),
                _ => (&six, <[u8; 16]>::try_from(&packet[24..40]).unwrap().into()),
            };
            // Some the kernel refuses to send.
            let _ = to.0.send_to(packet, &SocketAddr::from((to.1, 0)).into());
        }
        Ok(())
    };
    namespace::within("internet", send).unwrap();
}

/// The internet, the machine, and the ways between.
const OUTSIDE: &[&str] = &["wan0", "lo", "lf-1", "lf-2", "lf-3", "up0"];

#[test]
fn nobody_outside_speaks_as_one_inside() {
    on_own_machine("attack::outside::nobody_outside_speaks_as_one_inside", || {
        let stage = Stage::new();
        let honest = ipv4(STRANGER.0, public(VICTIM), UDP, udp((9, 53), b"honest call"));
        let honest_v6 = ipv6(STRANGER.1, v6(VICTIM), UDP, udp((9, 53), b"honest call"));
        for packet in [honest, honest_v6] {
            let seen = (0..1200).any(|_| {
                from_internet(std::slice::from_ref(&packet));
                std::thread::sleep(Duration::from_millis(25));
                stage.watch.take().iter().any(|sight| sight.device == "victim" && contains(&sight.bytes, b"honest"))
            });
            assert!(seen, "the internet reaches a public address");
        }
        let mut attempts = Attempts::default();
        for from in [v4(BAD), v4(CLOSED), v4(REMOTE), v4(VICTIM), v4(PEER), [10, 1, 1, 1].into(), [10, 1, 0, 2].into()]
            .into_iter()
            .chain([public(BAD), public(VICTIM), public(DOUBLE), public(PEER)])
            .chain([[169, 254, 169, 254].into(), [169, 254, 0, 1].into(), [127, 0, 0, 1].into(), [0, 0, 0, 0].into()])
        {
            for to in [public(VICTIM), public(CLOSED), public(PEER), v4(VICTIM), v4(CLOSED)] {
                attempts.add_past(OUTSIDE, format!("from outside, as {from} to {to}"), |tag| {
                    vec![ipv4(from, to, UDP, udp((9, 53), tag))]
                });
            }
        }
        for from in [
            v6(BAD),
            v6(CLOSED),
            v6(REMOTE),
            v6(VICTIM),
            v6(PEER),
            GATEWAY_V6,
            Ipv6Addr::LOCALHOST,
            "fd00:ec2::254".parse().unwrap(),
        ] {
            for to in [v6(VICTIM), v6(CLOSED), v6(PEER)] {
                attempts.add_past(OUTSIDE, format!("from outside, as {from} to {to}"), |tag| {
                    vec![ipv6(from, to, UDP, udp((9, 53), tag))]
                });
            }
        }
        for to in ["fd00:ec2::254", "fd00:ec2::253", "2a00:1111:1:1::77"].map(|text| text.parse::<Ipv6Addr>().unwrap())
        {
            attempts.add_past(OUTSIDE, format!("from outside to {to}"), |tag| {
                vec![ipv6(STRANGER.1, to, UDP, udp((9, 53), tag))]
            });
        }
        for to in [[169, 254, 169, 254], [169, 254, 169, 253], [10, 1, 0, 2], [10, 1, 1, 1], [198, 18, 0, 200]] {
            attempts.add_past(OUTSIDE, format!("from outside to {to:?}"), |tag| {
                vec![ipv4(STRANGER.0, to.into(), UDP, udp((9, 53), tag))]
            });
        }
        for (to, kind) in [(v6(VICTIM), 134), (v6(VICTIM), 136), (v6(VICTIM), 137), (v6(PEER), 135)] {
            attempts.add_past(OUTSIDE, format!("discovery {kind} from outside"), |tag| {
                vec![ipv6(STRANGER.1, to, ICMPV6, discovery(kind, v6(BAD), mac(BAD), tag))]
            });
        }
        // Another host's name on the underlay, from where it doesn't live.
        for from in [UNDERLAY[1], STRANGER.0, UNDERLAY[0]] {
            attempts.add_past(OUTSIDE, format!("VXLAN from outside as {from}"), |tag| {
                let packet = ipv4(v4(REMOTE), v4(VICTIM), UDP, udp((9, 9), tag));
                let inner = ethernet(mac(VICTIM), mac(REMOTE), IPV4, &packet);
                let vxlan = udp((4789, 4789), &[&[8, 0, 0, 0, 0, 0, 1, 0][..], &inner].concat());
                vec![ipv4(from, UNDERLAY[0], UDP, vxlan.clone()), ipv4(from, MACHINE.0, UDP, vxlan)]
            });
        }
        let mut seen = Vec::new();
        for attempt in &attempts.0 {
            from_internet(&attempt.frames);
            seen.extend(stage.watch.take());
        }
        stage.judge("internet", &attempts, seen);
    });
}

#[test]
fn a_router_in_a_peered_network_speaks_for_that_network_only() {
    on_own_machine("attack::outside::a_router_in_a_peered_network_speaks_for_that_network_only", || {
        let mut stage = Stage::new();
        stage.cloud.edit_port(PEER, |port| port.source_dest_check = false);
        stage.network.apply(&stage.cloud.0).unwrap();
        let ip = |packet: &[u8]| ethernet(ROUTER, mac(PEER), if packet[0] >> 4 == 4 { IPV4 } else { IPV6 }, packet);
        let honest = ipv4([10, 3, 1, 99].into(), v4(VICTIM), UDP, udp((9, 53), b"honest word"));
        stage.arrives("for another of its network", "peer", &[ip(&honest)], "victim");
        let mut attempts = Attempts::default();
        for from in [
            v4(BAD),
            v4(CLOSED),
            [10, 1, 1, 1].into(),
            STRANGER.0,
            [169, 254, 169, 254].into(),
            [192, 168, 7, 7].into(),
        ] {
            for to in [v4(VICTIM), v4(CLOSED)] {
                attempts.add_past(ACROSS, format!("the peer's router as {from} to {to}"), |tag| {
                    vec![ip(&ipv4(from, to, UDP, udp((9, 53), tag)))]
                });
            }
        }
        for to in [[10, 1, 0, 2], [10, 1, 1, 1], [169, 254, 169, 254], [10, 1, 1, 255]] {
            attempts.add_past(ACROSS, format!("the peer to {to:?}"), |tag| {
                vec![ip(&ipv4(v4(PEER), to.into(), UDP, udp((9, 9), tag)))]
            });
        }
        for from in [v6(BAD), v6(CLOSED), STRANGER.1, local(PEER)] {
            for to in [v6(VICTIM), v6(CLOSED), local(VICTIM), "ff02::1".parse().unwrap()] {
                attempts.add_past(ACROSS, format!("the peer's router as {from} to {to}"), |tag| {
                    vec![ip(&ipv6(from, to, UDP, udp((9, 53), tag)))]
                });
            }
        }
        stage.try_all("peer", &attempts);
    });
}

#[test]
fn another_tenant_is_met_at_public_addresses_and_as_its_rules_say() {
    on_own_machine("attack::outside::another_tenant_is_met_at_public_addresses_and_as_its_rules_say", || {
        let mut stage = Stage::new();
        let mut attempts = Attempts::default();
        // Nothing is open there; by private addresses, which both networks have, it is nobody.
        for index in 0..forged::carried(b"").len() {
            let (name, protocol, _) = forged::carried(b"").swap_remove(index);
            let made = |tag: &[u8]| forged::carried(tag).swap_remove(index).2;
            attempts.add_past(OUTSIDE, format!("{name} to a public address"), |tag| {
                vec![Stage::ip(&ipv4(v4(BAD), public(DOUBLE), protocol, made(tag)))]
            });
            attempts.add_past(OUTSIDE, format!("{name} to an address of IPv6"), |tag| {
                vec![Stage::ip(&ipv6(v6(BAD), v6(DOUBLE), protocol, made(tag)))]
            });
            attempts.add(format!("{name} to a private address of both"), |tag| {
                vec![Stage::ip(&ipv4(v4(BAD), v4(DOUBLE), protocol, made(tag)))]
            });
        }
        stage.try_all("bad", &attempts);
        let open = || vec![anything(), rule("-1", (-1, -1), from("::/0"))];
        stage.cloud.group(4, 2, open(), open());
        stage.network.apply(&stage.cloud.0).unwrap();
        let honest = udp((7, 7), b"honest call");
        let call = [ipv4(v4(BAD), public(DOUBLE), UDP, honest.clone()), ipv6(v6(BAD), v6(DOUBLE), UDP, honest)];
        for packet in call {
            stage.arrives("once it is open", "bad", &[Stage::ip(&packet)], "double");
        }
    });
}
