use std::collections::BTreeSet;

use super::*;

const OLD: &str = "table arp landfall {
\tset heard {
\t\ttype ifname
\t\tsize 65535
\t\tflags dynamic
\t}
\tchain input {
\t\ttype filter hook input priority filter; policy accept;
\t}
}
flush chain arp landfall input
add rule arp landfall input iifname != @heard add @heard { iifname }
table netdev landfall
delete table netdev landfall
table netdev landfall {
\tchain one {
\t\tcomment \"eni-1\"
\t\ttype filter hook ingress device \"one\" priority -500; policy drop;
\t\tether type ip accept
\t}
}
table inet landfall
delete table inet landfall
table inet landfall {
\tset ports {
\t\ttype ifname
\t\telements = {
\t\t\t\"one\",
\t\t}
\t}
\tset empty {
\t\ttype ifname
\t}
\tmap targets {
\t\ttype ipv4_addr : mark
\t\tflags interval
\t\telements = {
\t\t\t10.0.0.0-10.0.0.7 : 0x1,
\t\t}
\t}
\tset members {
\t\ttype ipv4_addr . inet_proto . inet_service
\t\tflags interval
\t\telements = {
\t\t\t10.0.0.4-10.0.0.5 . 6 . 80,
\t\t}
\t}
\tmap to {
\t\ttype ifname : verdict
\t\telements = {
\t\t\t\"one\" : jump to_a,
\t\t}
\t}
\tchain to_a {
\t\tip saddr . meta l4proto . th dport @members accept
\t\tdrop
\t}
\tchain forward {
\t\ttype filter hook forward priority filter; policy drop;
\t\toifname vmap @to
\t}
}
";

fn lines(text: Option<String>) -> Vec<String> {
    text.expect("it can be told as a difference").lines().map(str::to_owned).collect()
}

#[test]
fn what_is_the_same_needs_nothing() {
    assert_eq!(difference(OLD, OLD).as_deref(), Some(""));
}

#[test]
fn one_more_port_is_a_chain_and_some_elements() {
    let chain = "\tchain two {
\t\ttype filter hook ingress device \"two\" priority -500; policy drop;
\t\tether type ip accept
\t}
}
table inet landfall
";
    let new = OLD
        .replacen("}\ntable inet landfall\n", chain, 1)
        .replace("\t\t\t\"one\",\n", "\t\t\t\"one\",\n\t\t\t\"two\",\n")
        .replace("\"one\" : jump to_a,\n", "\"one\" : jump to_a,\n\t\t\t\"two\" : jump to_a,\n")
        .replace("10.0.0.4-10.0.0.5 .", "10.0.0.4-10.0.0.6 .");
    let expected = [
        "add chain netdev landfall two { type filter hook ingress device \"two\" priority -500; policy drop; }",
        "delete element inet landfall members { 10.0.0.4-10.0.0.5 . 6 . 80 }",
        "add element inet landfall members { 10.0.0.4-10.0.0.6 . 6 . 80 }",
        "add element inet landfall ports { \"two\" }",
        "add element inet landfall to { \"two\" : jump to_a }",
        "add rule netdev landfall two ether type ip accept",
    ];
    let found = lines(difference(OLD, &new));
    assert_eq!(found.iter().collect::<BTreeSet<_>>(), expected.map(str::to_owned).iter().collect());
    assert!(found[0].starts_with("add chain") && found[1].starts_with("delete"), "{found:?}");
    assert!(found[5].starts_with("add rule"), "{found:?}");
    let gone = [
        "add chain netdev landfall two",
        "flush chain netdev landfall two",
        "delete element inet landfall members { 10.0.0.4-10.0.0.6 . 6 . 80 }",
        "delete element inet landfall ports { \"two\" }",
        "delete element inet landfall to { \"two\" : jump to_a }",
        "add element inet landfall members { 10.0.0.4-10.0.0.5 . 6 . 80 }",
        "delete chain netdev landfall two",
    ];
    assert_eq!(lines(difference(&new, OLD)), gone);
}

#[test]
fn a_set_of_plain_ranges_is_filled_anew_and_a_chain_that_changed_too() {
    let new = OLD.replace("10.0.0.0-10.0.0.7 : 0x1", "10.0.0.0-10.0.0.3 : 0x1,\n\t\t\t10.0.0.4-10.0.0.7 : 0x2");
    let new = new.replace("\t\tdrop\n\t}\n\tchain forward", "\t}\n\tchain forward");
    let expected = [
        "flush map inet landfall targets",
        "flush chain inet landfall to_a",
        "add element inet landfall targets { 10.0.0.0-10.0.0.3 : 0x1, 10.0.0.4-10.0.0.7 : 0x2 }",
        "add rule inet landfall to_a ip saddr . meta l4proto . th dport @members accept",
    ];
    assert_eq!(lines(difference(OLD, &new)), expected);
}

#[test]
fn another_kind_or_hook_is_no_difference() {
    for (from, to) in [
        ("type ipv4_addr : mark", "type ipv6_addr : mark"),
        ("priority -500", "priority -400"),
        ("eni-1", "eni-2"),
        ("\tset ports", "\tmap ports"),
    ] {
        assert_eq!(difference(OLD, &OLD.replacen(from, to, 1)), None, "{to}");
    }
    for unknown in ["\tcounter c {\n\t\tpackets 0\n\t}\n", "\tchain x {\n\t\tip saddr {\n\t\t1.1.1.1 } drop\n\t}\n"] {
        let new = OLD.replacen("\tset ports", &format!("{unknown}\tset ports"), 1);
        assert_eq!(difference(OLD, &new), None, "{unknown}");
    }
}

#[test]
fn a_table_that_comes_or_goes_does_so_as_a_whole() {
    let without = "table inet landfall\ndelete table inet landfall\n";
    let (_, inet) = OLD.split_once("delete table netdev landfall\n").unwrap();
    assert_eq!(lines(difference(inet, without)), ["delete table inet landfall", "delete table netdev landfall"]);
    let coming = format!("{OLD}table ip extra {{\n\tset a {{\n\t\ttype ipv4_addr\n\t}}\n}}\n");
    assert_eq!(lines(difference(OLD, &coming)), ["add table ip extra", "add set ip extra a { type ipv4_addr; }"]);
}
