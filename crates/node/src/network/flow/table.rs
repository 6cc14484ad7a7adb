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
//! The packet filter's tools of Debian 12 know sets of at most five fields, and can't list sets of TCP flags. So there is
//! a set for each direction and protocol, which spares two fields, and one for each flag.

use std::collections::BTreeSet;
use std::fmt::{self, Write};

use super::super::family::Family;
use super::super::ruleset::write_elements;

/// The table's name, in the family `inet` of each network's namespace.
pub const TABLE: &str = "landfall_flows";
/// Flows that each set has room for.
const FLOWS: u32 = 16_384;
/// The two halves.
pub const HALVES: [u32; 2] = [0, 1];
/// The two stages: before the rules are asked, and after.
pub const STAGES: [(&str, &str, &str); 2] =
    [("offered", "before", "filter - 20"), ("accepted", "after", "filter + 20")];
/// The two directions, seen from a port, with the field that names the port.
pub const DIRECTIONS: [(&str, &str); 2] = [("out", "iif"), ("in", "oif")];
/// The classes of protocols: those with ports, and all others.
const CLASSES: [(&str, &str); 3] =
    [("tcp", "inet_service . inet_service"), ("udp", "inet_service . inet_service"), ("other", "inet_proto")];
/// The flags of TCP that records show, as they show them, each with what a segment that has it looks like.
const FLAGS: [(u8, &str); 4] =
    [(1, "fin == fin"), (2, "(syn | ack) == syn"), (4, "rst == rst"), (18, "(syn | ack) == (syn | ack)")];

/// What is to be counted in a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The names of the ports whose traffic is recorded.
    pub ports: BTreeSet<String>,
    /// Whether the network speaks IPv6.
    pub ipv6: bool,
    /// Whether a record shows the flags of TCP.
    pub flags: bool,
}

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
        for half in HALVES {
            write_set(text, &format!("skipped_{half}"), "ifname")?;
            for family in self.families() {
                self.write_sets(text, family, half)?;
            }
        }
        for (_, base, priority) in STAGES {
            writeln!(
                text,
                "\tchain {base} {{\n\t\ttype filter hook forward priority {priority}; policy accept;\n\t}}"
            )?;
        }
        // Rules are written anew, sets of counted flows aren't touched.
        writeln!(text, "}}\nflush table inet {TABLE}\nflush set inet {TABLE} ports\ntable inet {TABLE} {{")?;
        let ports: Vec<_> = self.ports.iter().map(|port| format!("\"{port}\"")).collect();
        write_elements(text, "set ports", "type ifname", &ports)?;
        for (stage, base, _) in STAGES {
            for half in HALVES {
                for (direction, field) in DIRECTIONS {
                    self.write_count(text, stage, direction, field, half)?;
                }
                self.write_stage(text, stage, half)?;
            }
            writeln!(text, "\tchain {stage} {{\n\t\tgoto {stage}_{half}\n\t}}")?;
            writeln!(text, "\tchain {base} {{\n\t\tjump {stage}\n\t}}")?;
        }
        writeln!(text, "}}")
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
        writeln!(text, "\t}}")
    }

    /// Empties a half that was read, and forgets its window.
    pub fn forget(&self, half: u32, start_s: i64) -> String {
        let mut text = format!("flush set inet {TABLE} skipped_{half}\n");
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

/// Counts into the other half from now on.
pub fn turn(half: u32, start_s: i64) -> String {
    let mut text = String::new();
    for (stage, ..) in STAGES {
        let _ = writeln!(text, "flush chain inet {TABLE} {stage}\nadd rule inet {TABLE} {stage} goto {stage}_{half}");
    }
    text + &begin(half, start_s)
}

/// Takes the table away. It is made first, because what isn't there can't be deleted.
pub fn remove() -> String {
    format!("table inet {TABLE}\ndelete table inet {TABLE}\n")
}

fn write_set(text: &mut String, name: &str, fields: &str) -> fmt::Result {
    writeln!(text, "\tset {name} {{\n\t\ttype {fields}\n\t\tsize {FLOWS}\n\t\tflags dynamic\n\t}}")
}
