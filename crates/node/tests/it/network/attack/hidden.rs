//! What hides in fragments, behind options, in routing headers and in chains of extension headers.

use super::*;

/// A segment in as many fragments of eight bytes as it takes, in order; the rest is in the last one.
fn pieces(segment: &[u8], first: usize) -> Vec<(u16, bool, &[u8])> {
    let cut = first.min(segment.len());
    let (head, tail) = segment.split_at(cut);
    vec![(0, true, head), (u16::try_from(cut / 8).unwrap(), false, tail)]
}

/// UDP to the neighbour in two fragments, the first of which has no more than the header.
pub fn in_fragments(segment: &[u8]) -> Vec<Vec<u8>> {
    fragments(v4(BAD), v4(VICTIM), UDP, segment, 8)
}

fn fragments(from: Ipv4Addr, to: Ipv4Addr, protocol: u8, segment: &[u8], first: usize) -> Vec<Vec<u8>> {
    let segment = sealed(from.into(), to.into(), protocol, segment.to_vec());
    let pieces = pieces(&segment, first).into_iter();
    pieces
        .map(|(offset, more, piece)| {
            Stage::ip(&ipv4_raw(from, to, protocol, offset | u16::from(more) << 13, &[], piece))
        })
        .collect()
}

/// The same of IPv6.
pub fn in_fragments_v6(to: Ipv6Addr, protocol: u8, segment: Vec<u8>) -> Vec<Vec<u8>> {
    fragments_v6(v6(BAD), to, &[], protocol, segment, 8)
}

/// Fragments of what stands behind these headers, which are part of what is cut.
fn fragments_v6(
    from: Ipv6Addr,
    to: Ipv6Addr,
    headers: &[Header],
    protocol: u8,
    segment: Vec<u8>,
    first: usize,
) -> Vec<Vec<u8>> {
    let whole = ipv6_behind(from, to, headers, protocol, segment);
    let (next, body) = (whole[6], &whole[40..]);
    pieces(body, first)
        .into_iter()
        .map(|(offset, more, piece)| {
            let (_, place) = fragment(offset, more);
            Stage::ip(&ipv6_raw(from, to, FRAGMENT, &[&[next][..], &place, piece].concat()))
        })
        .collect()
}

/// The tag, so often that each fragment of eight bytes and more has one.
fn filled(tag: &[u8], length: usize) -> Vec<u8> {
    tag.iter().copied().cycle().take(length).collect()
}

#[test]
fn fragments_hide_nothing() {
    on_own_machine("attack::hidden::fragments_hide_nothing", || {
        let stage = Stage::new();
        let mut attempts = Attempts::default();
        for from in [v4(VICTIM), [10, 1, 1, 77].into(), STRANGER.0, Ipv4Addr::UNSPECIFIED, [169, 254, 169, 254].into()]
        {
            for place in [0x2000, 0x2001, 1, 0x1fff, 0x4000, 0x8000] {
                attempts.add(format!("a fragment {place:#x} as {from}"), |tag| {
                    vec![Stage::ip(&ipv4_raw(from, v4(CLOSED), UDP, place, &[], &filled(tag, 64)))]
                });
            }
        }
        // The neighbour's port 22 is closed, however it is cut, turned around, or written over.
        let ssh = |tag: &[u8]| sealed(v4(BAD).into(), v4(CLOSED).into(), UDP, udp((9, 22), &filled(tag, 72)));
        let open = sealed(v4(BAD).into(), v4(CLOSED).into(), UDP, udp((9, 53), &filled(b"something else", 72)));
        let piece = |place: u16, bytes: &[u8]| Stage::ip(&ipv4_raw(v4(BAD), v4(CLOSED), UDP, place, &[], bytes));
        for cut in [16, 24, 40] {
            let more = u16::try_from(cut / 8).unwrap();
            attempts.add(format!("a closed port, cut after {cut}"), |tag| {
                let whole = ssh(tag);
                vec![piece(0x2000, &whole[..cut]), piece(more, &whole[cut..])]
            });
            attempts.add(format!("a closed port, cut after {cut}, the end first"), |tag| {
                let whole = ssh(tag);
                vec![piece(more, &whole[cut..]), piece(0x2000, &whole[..cut])]
            });
            attempts.add(format!("an open port with a closed one written over it, {cut}"), |tag| {
                let closed = ssh(tag);
                marked(
                    vec![piece(0x2000, &open[..cut]), piece(0x2000, &closed[..cut]), piece(more, &closed[cut..])],
                    tag,
                )
            });
            attempts.add(format!("a closed port with an open one written over it, {cut}"), |tag| {
                let closed = ssh(tag);
                let again = piece(0x2000, &open[..cut + 8]);
                marked(vec![piece(0x2000, &closed[..cut]), again, piece(more, &closed[cut..])], tag)
            });
        }
        // What a DHCP server says, with and without its ports to be seen.
        for to in [v4(VICTIM), v4(CLOSED), Ipv4Addr::BROADCAST] {
            for cut in [8, 16, 24] {
                attempts.add(format!("DHCP's answer to {to} in fragments of {cut}"), |tag| {
                    let mut offer = dhcp_offer(mac(VICTIM), [10, 1, 1, 66].into(), tag);
                    // The field for a server's name.
                    offer[52..116].copy_from_slice(&filled(tag, 64));
                    let whole = sealed(v4(BAD).into(), to.into(), UDP, offer);
                    let ip = |place, bytes: &[u8]| Stage::ip(&ipv4_raw(v4(BAD), to, UDP, place, &[], bytes));
                    let later = ip(u16::try_from(cut / 8).unwrap(), &whole[cut..]);
                    // The first part has no place for a name: it goes in the padding.
                    vec![later, [&ip(0x2000, &whole[..cut])[..], tag].concat()]
                });
            }
        }
        stage.try_all("bad", &attempts);
    });
}

#[test]
fn options_lead_nowhere() {
    on_own_machine("attack::hidden::options_lead_nowhere", || {
        let stage = Stage::new();
        let mut attempts = Attempts::default();
        let segment = |tag: &[u8], to: Ipv4Addr| sealed(v4(BAD).into(), to.into(), UDP, udp((9, 53), tag));
        for (name, kind) in [("loose", 131u8), ("strict", 137)] {
            for pointer in [4, 8, 12] {
                for hop in [v4(VICTIM), v4(CLOSED), [10, 1, 1, 1].into(), [169, 254, 0, 1].into(), v4(PEER), MACHINE.0]
                {
                    for to in [
                        v4(VICTIM),
                        v4(CLOSED),
                        [10, 1, 1, 1].into(),
                        [169, 254, 169, 253].into(),
                        public(VICTIM),
                        STRANGER.0,
                    ] {
                        attempts.add(format!("a {name} source route to {to} by {hop}, at {pointer}"), |tag| {
                            let options = [&[1, kind, 11, pointer][..], &hop.octets(), &v4(CLOSED).octets()].concat();
                            vec![Stage::ip(&ipv4_raw(v4(BAD), to, UDP, 0, &options, &segment(tag, to)))]
                        });
                    }
                }
            }
        }
        // Headers that don't hold together.
        for (name, at, value) in [
            ("version 6", 0, 0x65),
            ("too short a header", 0, 0x44),
            ("too long a header", 0, 0x4f),
            ("more than there is", 2, 0x7f),
            ("a wrong sum", 10, 0),
        ] {
            attempts.add(name, |tag| {
                let mut packet = ipv4(v4(BAD), v4(VICTIM), UDP, udp((9, 9), tag));
                packet[at] = if at == 10 { !packet[10] } else { value };
                vec![ethernet(ROUTER, mac(BAD), IPV4, &packet)]
            });
        }
        stage.try_all("bad", &attempts);
    });
}

/// Headers that may stand before what is meant.
fn chains() -> Vec<(&'static str, Vec<Header>)> {
    vec![
        ("hop-by-hop options", vec![hop_by_hop()]),
        ("options", vec![options()]),
        ("options twice", vec![options(), options()]),
        ("everything", vec![hop_by_hop(), options(), routing(0, v6(VICTIM)), options()]),
        ("an atomic fragment", vec![fragment(0, false)]),
        ("an atomic fragment and options", vec![fragment(0, false), options()]),
        ("options and an atomic fragment", vec![options(), fragment(0, false)]),
        ("two atomic fragments", vec![fragment(0, false), fragment(0, false)]),
        ("a first fragment", vec![fragment(0, true)]),
        ("a later fragment", vec![fragment(1, false)]),
        ("many options", vec![options(); 12]),
    ]
}

#[test]
fn headers_of_ipv6_hide_nothing() {
    on_own_machine("attack::hidden::headers_of_ipv6_hide_nothing", || {
        let stage = Stage::new();
        let before = ["lf-1", "lf-2", "lf-3"].map(beliefs);
        let mut attempts = Attempts::default();
        let all_nodes: Ipv6Addr = "ff02::1".parse().unwrap();
        let kinds: [(&str, u8); 5] = [
            ("asks for", 135),
            ("answers for", 136),
            ("advertises a router", 134),
            ("redirects", 137),
            ("solicits", 133),
        ];
        for (name, chain) in &chains() {
            for from in [local(BAD), GATEWAY_V6, v6(BAD), v6(VICTIM)] {
                for to in [all_nodes, v6(VICTIM), v6(CLOSED), local(VICTIM), v6(PEER)] {
                    for (what, kind) in kinds {
                        attempts.add_past(
                            heard(to, kind),
                            format!("{from} {what} the neighbour, to {to}, behind {name}"),
                            |tag| {
                                let message = discovery(kind, v6(VICTIM), mac(BAD), tag);
                                vec![Stage::ip(&ipv6_behind(from, to, chain, ICMPV6, message))]
                            },
                        );
                    }
                    attempts.add(format!("{from}: DHCPv6's answer to {to}, behind {name}"), |tag| {
                        let message = udp((547, 546), &[&[7, 0, 0, 1][..], tag].concat());
                        vec![Stage::ip(&ipv6_behind(from, to, chain, UDP, message))]
                    });
                }
            }
            for from in [v6(VICTIM), GATEWAY_V6, STRANGER.1, Ipv6Addr::LOCALHOST, "fd00:ec2::254".parse().unwrap()] {
                attempts.add(format!("as {from} behind {name}"), |tag| {
                    vec![Stage::ip(&ipv6_behind(from, v6(CLOSED), chain, UDP, udp((9, 53), tag)))]
                });
            }
            attempts.add(format!("a closed port behind {name}"), |tag| {
                vec![Stage::ip(&ipv6_behind(v6(BAD), v6(CLOSED), chain, UDP, udp((9, 22), tag)))]
            });
        }
        cut(&mut attempts);
        for kind in [0, 1, 2, 3, 4, 253] {
            for to in
                ["fe80::1", "fd00:ec2::254", "fd00:ec2::253", "ff02::2"].map(|text| text.parse::<Ipv6Addr>().unwrap())
            {
                for hop in [v6(VICTIM), v6(CLOSED), v6(DOUBLE), MACHINE.1, local(VICTIM)] {
                    attempts.add(format!("a routing header {kind} by {to} to {hop}"), |tag| {
                        vec![Stage::ip(&ipv6_behind(v6(BAD), to, &[routing(kind, hop)], UDP, udp((9, 53), tag)))]
                    });
                }
            }
        }
        for (name, at, value) in [("version 4", 0, 0x40u8), ("more than there is", 4, 0x7f)] {
            attempts.add(name, |tag| {
                let mut packet = ipv6(v6(BAD), v6(VICTIM), UDP, udp((9, 9), tag));
                packet[at] = value;
                vec![ethernet(ROUTER, mac(BAD), IPV6, &packet)]
            });
        }
        stage.try_all("bad", &attempts);
        assert_eq!(["lf-1", "lf-2", "lf-3"].map(beliefs), before, "nobody believes anything else than before");
    });
}

/// Where a message may be seen: the network's namespace hears what is said to all on a guest's link, and believes nothing.
fn heard(to: Ipv6Addr, kind: u8) -> &'static [&'static str] {
    if to.is_multicast() && matches!(kind, 133 | 135 | 136) { &["own programs"] } else { &[] }
}

/// Messages in fragments whose first one doesn't show what they are.
fn cut(attempts: &mut Attempts) {
    for (name, headers) in
        [("at once", vec![]), ("behind options", vec![options()]), ("behind many options", vec![options(); 4])]
    {
        for first in [8, 16, 24, 32] {
            for to in [v6(VICTIM), v6(CLOSED), v6(PEER), "ff02::1".parse().unwrap()] {
                for kind in [133, 134, 135, 136, 137] {
                    let name = format!("discovery {kind} to {to} in fragments of {first}, {name}");
                    attempts.add_past(heard(to, kind), name, |tag| {
                        let message = [&discovery(kind, v6(VICTIM), mac(BAD), tag)[..], tag].concat();
                        marked(fragments_v6(v6(BAD), to, &headers, ICMPV6, message, first), tag)
                    });
                }
                attempts.add(format!("DHCPv6's answer to {to} in fragments of {first}, {name}"), |tag| {
                    let message = udp((547, 546), &filled(tag, 96));
                    marked(fragments_v6(v6(BAD), to, &headers, UDP, message, first), tag)
                });
            }
            attempts.add(format!("a closed port in fragments of {first}, {name}"), |tag| {
                let message = udp((9, 22), &filled(tag, 96));
                marked(fragments_v6(v6(BAD), v6(CLOSED), &headers, UDP, message, first), tag)
            });
        }
    }
}

/// A fragment too short for a tag has it in the padding.
fn marked(frames: Vec<Vec<u8>>, tag: &[u8]) -> Vec<Vec<u8>> {
    frames.into_iter().map(|frame| if contains(&frame, tag) { frame } else { [&frame[..], tag].concat() }).collect()
}
