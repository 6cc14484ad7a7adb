//! The table that counts packets for flow logs, as text for `nft -f -`.
//!
//! It is a table of its own, so that what it has counted outlives every change of the rules, and so that no rule has to
//! know of it: it counts what is offered to a network's rules before they are asked, and what they have let through
//! afterwards. What is missing afterwards was refused; by whom, is worked out later (see [`super::verdict`]).
//!
//! Everything is there in two halves. Packets are counted into one of them; when a window of time ends, one transaction
//! turns them to the other, and the first can be read at leisure: nothing is counted twice or missed, and which half and
//! which windows there are is written in the table itself, where the next process finds it.
//!
//! A guest that opens flows without end fills its network's sets, whose size is bounded. What doesn't fit any more isn't
//! counted, but it is remembered whose it was.
//!
//! What isn't a port has sets of its own: an endpoint's interface, whose traffic the network itself sends and takes, and
//! which is known by its address; and a NAT gateway's, of which a flow has two sides.
//!
//! The packet filter's tools of Debian 12 know sets of at most five fields, and can't list sets of TCP flags. So there is
//! a set for each direction and protocol, which spares two fields, and one for each flag.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};
use std::net::Ipv4Addr;

use super::super::again;
use super::super::family::Family;
use super::super::ruleset::write_elements;
use super::super::target::Mark;

/// The table's name, in the family `inet` of each network's namespace.
pub const TABLE: &str = "landfall_flows";
/// Flows that each set has room for.
pub const FLOWS: u32 = 16_384;
/// The two halves.
pub const HALVES: [u32; 2] = [0, 1];
/// The two stages: before the rules are asked, and after.
pub const STAGES: [(&str, &str, &str); 2] =
    [("offered", "before", "filter - 20"), ("accepted", "after", "filter + 20")];
/// The two directions, seen from a port, with the field that names the port.
pub const DIRECTIONS: [(&str, &str); 2] = [("out", "iif"), ("in", "oif")];
/// What no route takes on, or one that leads nowhere, is never offered to the rules; its sender sent it all the same.
const UNROUTED: &str = "unrouted";
/// Where what an endpoint's interface is told comes by, and what it says, with the field that names the interface.
const FACES: [(&str, &str); 2] = [("input", "daddr"), ("output", "saddr")];
/// The classes of protocols: those with ports, and all others.
const CLASSES: [(&str, &str); 3] =
    [("tcp", "inet_service . inet_service"), ("udp", "inet_service . inet_service"), ("other", "inet_proto")];
/// The flags of TCP that records show, as they show them, each with what a segment that has it looks like.
const FLAGS: [(u8, &str); 4] =
    [(1, "fin == fin"), (2, "(syn | ack) == syn"), (4, "rst == rst"), (18, "(syn | ack) == (syn | ack)")];

/// What is to be counted in a network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// The names of the ports whose traffic is recorded.
    pub ports: BTreeSet<String>,
    /// Whether the network speaks IPv6.
    pub ipv6: bool,
    /// Whether a record shows the flags of TCP.
    pub flags: bool,
    /// The addresses of the endpoints' interfaces whose traffic is recorded: the network itself answers there.
    pub faces: BTreeSet<Ipv4Addr>,
    /// The NAT gateways whose traffic is recorded: what their interfaces are called (see [`gateway`]), with their marks.
    pub gateways: BTreeMap<String, (Mark, Vec<Ipv4Addr>)>,
}

/// What the interface of a NAT gateway is called by which it has several addresses: each of them is counted apart.
pub fn gateway(device: &str, address: Ipv4Addr) -> String {
    format!("{device}.{address}")
}

/// The address that such a name tells.
pub fn gateway_address(name: &str) -> Option<Ipv4Addr> {
    name.split_once('.')?.1.parse().ok()
}

/// What a flow's fields are, of what a NAT gateway translated: its ends as they are on the gateway's inner side, and the port
/// that the gateway has for it on the outer one.
const TRANSLATED: &str =
    "ct original ip saddr . ct original ip daddr . ct original proto-src . ct original proto-dst . ct reply proto-dst";
const TRANSLATED_OTHER: &str = "ct original ip saddr . ct original ip daddr . meta l4proto";
/// The two directions of what is translated: as it was begun, and what answers.
pub const TURNS: [&str; 2] = ["original", "reply"];

impl Table {
    /// The text that makes the table so, counting into that half. What was counted stays.
    pub fn text(&self, half: u32) -> String {
        let mut text = String::new();
        // Writing to a string doesn't fail.
        let _ = self.write(&mut text, half);
        text
    }

    fn families(&self) -> impl Iterator<Item = Family> {
        Family::BOTH.into_iter().filter(|family| self.ipv6 || *family == Family::V4)
    }

    fn write(&self, text: &mut String, half: u32) -> fmt::Result {
        writeln!(text, "table inet {TABLE} {{\n\tset window {{\n\t\ttype mark . mark\n\t}}")?;
        writeln!(text, "\tset ports {{\n\t\ttype ifname\n\t}}")?;
        if !self.faces.is_empty() {
            writeln!(text, "\tset faces {{\n\t\ttype ipv4_addr\n\t}}")?;
        }
        for half in HALVES {
            self.write_service_sets(text, half)?;
            write_set(text, &format!("skipped_{half}"), "ifname")?;
            for family in self.families() {
                self.write_sets(text, family, half)?;
            }
        }
        for (base, hook, priority) in self.bases() {
            writeln!(text, "\tchain {base} {{\n\t\ttype filter hook {hook} priority {priority}; policy accept;\n\t}}")?;
        }
        // Rules are written anew, sets of counted flows aren't touched.
        writeln!(text, "}}\nflush table inet {TABLE}\nflush set inet {TABLE} ports")?;
        if !self.faces.is_empty() {
            writeln!(text, "flush set inet {TABLE} faces")?;
        }
        writeln!(text, "table inet {TABLE} {{")?;
        let ports: Vec<_> = self.ports.iter().map(|port| format!("\"{port}\"")).collect();
        write_elements(text, "set ports", "type ifname", &ports)?;
        if !self.faces.is_empty() {
            let faces: Vec<_> = self.faces.iter().map(ToString::to_string).collect();
            write_elements(text, "set faces", "type ipv4_addr", &faces)?;
        }
        for (stage, base, _) in STAGES {
            for half in HALVES {
                for (direction, field) in DIRECTIONS {
                    self.write_count(text, stage, direction, field, half)?;
                }
                self.write_faces(text, stage, half)?;
                self.write_stage(text, stage, half)?;
            }
            writeln!(text, "\tchain {stage} {{\n\t\tgoto {stage}_{half}\n\t}}")?;
            writeln!(text, "\tchain {base} {{\n\t\tjump {stage}\n\t}}")?;
            for (way, side) in FACES.iter().filter(|_| !self.faces.is_empty()) {
                writeln!(text, "\tchain {base}_{way} {{\n\t\tip {side} @faces jump {stage}\n\t}}")?;
            }
        }
        self.write_translated(text, half)?;
        let (stage, ..) = STAGES[0];
        writeln!(
            text,
            "\tchain {UNROUTED} {{\n\t\tct state new iifname @ports fib daddr type unicast fib daddr . mark oif missing \
             jump {stage}\n\t}}\n}}"
        )
    }

    /// The chains that hang on hooks, with those and their priorities.
    fn bases(&self) -> Vec<(String, &'static str, String)> {
        let mut bases = Vec::new();
        for (_, base, priority) in STAGES {
            bases.push((base.to_owned(), "forward", priority.to_owned()));
            if !self.faces.is_empty() {
                let of_faces = FACES.map(|(hook, _)| (format!("{base}_{hook}"), hook, priority.to_owned()));
                bases.extend(of_faces);
            }
        }
        bases.push((UNROUTED.into(), "prerouting", "filter".into()));
        if !self.gateways.is_empty() {
            bases.push(("leaving".into(), "postrouting", "srcnat + 20".into()));
        }
        bases
    }

    /// What NAT gateways translate is counted once it is: what came in and what went out are both told by that. What goes
    /// through the network once more on its way is counted where it leaves.
    fn write_translated(&self, text: &mut String, half: u32) -> fmt::Result {
        if self.gateways.is_empty() {
            return Ok(());
        }
        for half in HALVES {
            writeln!(text, "\tchain translated_{half} {{")?;
            for (name, (mark, addresses)) in &self.gateways {
                let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
                let by = match addresses.as_slice() {
                    [] => String::new(),
                    several => format!(" ct reply ip daddr {{ {} }}", several.join(", ")),
                };
                for turn in TURNS {
                    let of = format!("meta nfproto ipv4 ct mark {mark:#x} ct direction {turn}{by}");
                    for class in ["tcp", "udp"] {
                        writeln!(
                            text,
                            "\t\t{of} meta l4proto {class} add @translated_{turn}_{name}_{class}_{half} \
                             {{ {TRANSLATED} counter }} return"
                        )?;
                    }
                    writeln!(
                        text,
                        "\t\t{of} meta l4proto != {{ tcp, udp }} add @translated_{turn}_{name}_other_{half} \
                         {{ {TRANSLATED_OTHER} counter }} return"
                    )?;
                }
            }
            writeln!(text, "\t}}")?;
        }
        writeln!(text, "\tchain translated {{\n\t\tgoto translated_{half}\n\t}}")?;
        writeln!(text, "\tchain leaving {{\n\t\toifname != \"{}\" ct mark != 0 jump translated\n\t}}", again::OUT)
    }

    /// Counts into the other half from now on.
    pub fn turn(&self, half: u32, start_s: i64) -> String {
        let mut text = String::new();
        let translated = (!self.gateways.is_empty()).then_some("translated");
        for stage in STAGES.iter().map(|(stage, ..)| *stage).chain(translated) {
            let _ =
                writeln!(text, "flush chain inet {TABLE} {stage}\nadd rule inet {TABLE} {stage} goto {stage}_{half}");
        }
        text + &begin(half, start_s)
    }

    /// The sets of what isn't a port.
    fn write_service_sets(&self, text: &mut String, half: u32) -> fmt::Result {
        for set in self.service_sets(half) {
            let fields = match (set.starts_with("translated"), set.contains("_other_")) {
                (true, false) => "ipv4_addr . ipv4_addr . inet_service . inet_service . inet_service",
                (false, false) => "ipv4_addr . ipv4_addr . inet_service . inet_service",
                (_, true) => "ipv4_addr . ipv4_addr . inet_proto",
            };
            write_set(text, &set, fields)?;
        }
        Ok(())
    }

    fn service_sets(&self, half: u32) -> Vec<String> {
        let classes = || CLASSES.iter().map(|(class, _)| *class);
        let mut sets = Vec::new();
        if !self.faces.is_empty() {
            for (stage, ..) in STAGES {
                for (direction, _) in DIRECTIONS {
                    sets.extend(classes().map(|class| format!("{stage}_{direction}_face_{class}_{half}")));
                }
            }
        }
        for name in self.gateways.keys() {
            for turn in TURNS {
                sets.extend(classes().map(|class| format!("translated_{turn}_{name}_{class}_{half}")));
            }
        }
        sets
    }

    /// The chains that count what endpoints' interfaces are told and what they say.
    fn write_faces(&self, text: &mut String, stage: &str, half: u32) -> fmt::Result {
        for (direction, _) in DIRECTIONS.iter().filter(|_| !self.faces.is_empty()) {
            writeln!(text, "\tchain {stage}_{direction}_face_{half} {{")?;
            for class in ["tcp", "udp"] {
                writeln!(
                    text,
                    "\t\tmeta l4proto {class} add @{stage}_{direction}_face_{class}_{half} \
                     {{ ip saddr . ip daddr . {class} sport . {class} dport counter }} return"
                )?;
            }
            writeln!(
                text,
                "\t\tmeta l4proto != {{ tcp, udp }} add @{stage}_{direction}_face_other_{half} \
                 {{ ip saddr . ip daddr . meta l4proto counter }}\n\t}}"
            )?;
        }
        Ok(())
    }

    fn write_sets(&self, text: &mut String, family: Family, half: u32) -> fmt::Result {
        let (tag, protocol) = (family.tag(), family.protocol());
        for (flag, _) in FLAGS.iter().filter(|_| self.flags) {
            let fields = format!("{protocol}_addr . {protocol}_addr . inet_service . inet_service");
            write_set(text, &format!("flag{flag}_{tag}_{half}"), &fields)?;
        }
        for (stage, ..) in STAGES {
            for (direction, _) in DIRECTIONS {
                for (class, rest) in CLASSES {
                    let fields = format!("iface_index . {protocol}_addr . {protocol}_addr . {rest}");
                    write_set(text, &format!("{stage}_{direction}_{tag}_{class}_{half}"), &fields)?;
                }
            }
        }
        Ok(())
    }

    /// The chain that counts in one direction. A set that is full ends its rule, so that the last one is reached.
    fn write_count(&self, text: &mut String, stage: &str, direction: &str, field: &str, half: u32) -> fmt::Result {
        writeln!(text, "\tchain {stage}_{direction}_{half} {{")?;
        for family in self.families() {
            let (tag, protocol) = (family.tag(), family.protocol());
            for class in ["tcp", "udp"] {
                writeln!(
                    text,
                    "\t\tmeta nfproto {protocol} meta l4proto {class} add @{stage}_{direction}_{tag}_{class}_{half} \
                     {{ {field} . {tag} saddr . {tag} daddr . {class} sport . {class} dport counter }} return"
                )?;
            }
            writeln!(
                text,
                "\t\tmeta nfproto {protocol} meta l4proto != {{ tcp, udp }} \
                 add @{stage}_{direction}_{tag}_other_{half} \
                 {{ {field} . {tag} saddr . {tag} daddr . meta l4proto counter }} return"
            )?;
        }
        writeln!(text, "\t\tadd @skipped_{half} {{ {field}name }}\n\t}}")
    }

    fn write_stage(&self, text: &mut String, stage: &str, half: u32) -> fmt::Result {
        writeln!(text, "\tchain {stage}_{half} {{")?;
        if self.flags && stage == STAGES[0].0 {
            for family in self.families() {
                let tag = family.tag();
                for (flag, looks) in FLAGS {
                    writeln!(
                        text,
                        "\t\ttcp flags & {looks} add @flag{flag}_{tag}_{half} \
                         {{ {tag} saddr . {tag} daddr . tcp sport . tcp dport }}"
                    )?;
                }
            }
        }
        for (direction, field) in DIRECTIONS {
            writeln!(text, "\t\t{field}name @ports jump {stage}_{direction}_{half}")?;
        }
        if !self.faces.is_empty() {
            writeln!(text, "\t\tip daddr @faces jump {stage}_in_face_{half}")?;
            writeln!(text, "\t\tip saddr @faces jump {stage}_out_face_{half}")?;
        }
        writeln!(text, "\t}}")
    }

    /// Empties a half that was read, and forgets its window. Of the sets that there are, those of what is gone go too.
    pub fn forget(&self, half: u32, start_s: i64, there: &BTreeSet<String>) -> String {
        let mut text = format!("flush set inet {TABLE} skipped_{half}\n");
        let services = self.service_sets(half);
        for set in &services {
            let _ = writeln!(text, "flush set inet {TABLE} {set}");
        }
        let is_service = |set: &&String| set.starts_with("translated_") || set.contains("_face_");
        let of_half = there.iter().filter(|set| set.ends_with(&format!("_{half}")));
        for set in of_half.filter(is_service).filter(|set| !services.contains(set)) {
            let _ = writeln!(text, "delete set inet {TABLE} {set}");
        }
        for family in self.families() {
            let tag = family.tag();
            let flags = FLAGS.iter().filter(|_| self.flags).map(|(flag, _)| format!("flag{flag}_{tag}_{half}"));
            let counted = STAGES.iter().flat_map(|(stage, ..)| {
                DIRECTIONS.iter().flat_map(move |(direction, _)| {
                    CLASSES.iter().map(move |(class, _)| format!("{stage}_{direction}_{tag}_{class}_{half}"))
                })
            });
            for set in flags.chain(counted) {
                let _ = writeln!(text, "flush set inet {TABLE} {set}");
            }
        }
        text + &format!("delete element inet {TABLE} window {{ {start_s} . {half} }}\n")
    }
}

/// Says that a window begins then, counted into that half.
pub fn begin(half: u32, start_s: i64) -> String {
    format!("add element inet {TABLE} window {{ {start_s} . {half} }}\n")
}

/// Takes the table away. It is made first, because what isn't there can't be deleted.
pub fn remove() -> String {
    format!("table inet {TABLE}\ndelete table inet {TABLE}\n")
}

fn write_set(text: &mut String, name: &str, fields: &str) -> fmt::Result {
    writeln!(text, "\tset {name} {{\n\t\ttype {fields}\n\t\tsize {FLOWS}\n\t\tflags dynamic\n\t}}")
}
