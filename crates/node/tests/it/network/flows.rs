//! Flow logs: what is counted and for whom, as tables and golden files, and with real packets.

mod services;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use landfall_model::BucketAccounts;
use landfall_model::plan::BucketPermission;
use landfall_node::metadata::port_device as port_name;
use landfall_node::network::flow::count::{Amount, Counts, Key, Tally, Tuple, parse};
use landfall_node::network::flow::deliver::{Bucket, Buckets, deliver, key};
use landfall_node::network::flow::record::{Traffic, Window, lines};
use landfall_node::network::flow::table::Table;
use landfall_node::network::flow::verdict::{Flow, judge, rules_of};

use super::golden::compare;
use super::*;

const DEFAULT: &str = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end \
                       action log-status";
const CUSTOM: &str = "version vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr region az-id \
                      sublocation-type sublocation-id pkt-src-aws-service pkt-dst-aws-service flow-direction \
                      traffic-path reject-reason interface-id srcaddr dstaddr srcport dstport protocol packets action \
                      log-status";
const WINDOW: Window = Window { start_s: 1_795_341_610, end_s: 1_795_341_670 };

fn log(number: u32, resource: FlowLogResource, traffic: FlowLogTraffic, fields: &str) -> FlowLogPlan {
    FlowLogPlan {
        id: FlowLogId::from_random(u128::from(number)),
        account: AccountId::new(123_456_789_012).unwrap(),
        region: "eu-west-1".parse().unwrap(),
        vpc: vpc_id(1),
        resource,
        traffic,
        destination: "arn:aws:s3:::flows/here/".into(),
        fields: fields.split_whitespace().map(str::to_owned).collect(),
        interval_s: 60,
        hive_partitions: false,
        hourly_partitions: false,
        permission: landfall_model::plan::BucketPermission::Granted,
    }
}

fn put(cloud: &mut Cloud, log: FlowLogPlan) {
    cloud.0.pieces.insert(PieceKey::FlowLog(log.id), Piece::FlowLog(log));
}

fn tuple(protocol: u8, source: (&str, u16), destination: (&str, u16)) -> Tuple {
    let address = |text: &str| text.parse::<IpAddr>().unwrap();
    Tuple {
        source: address(source.0),
        destination: address(destination.0),
        protocol,
        source_port: source.1,
        destination_port: destination.1,
    }
}

fn packets(packets: u64) -> Amount {
    Amount { packets, bytes: packets * 100 }
}

fn names(ports: &[u32]) -> BTreeMap<String, InterfaceId> {
    ports.iter().map(|number| (port_name(port_id(*number)), port_id(*number))).collect()
}

/// Counts of flows, each at a port, in a direction, with what was offered and what was accepted.
fn counts(flows: &[(u32, bool, Tuple, u64, u64)]) -> Counts {
    let flows = flows.iter().map(|(port, outwards, tuple, offered, accepted)| {
        let key = Key { link: port_name(port_id(*port)), outwards: *outwards, tuple: *tuple };
        (key, Tally { offered: packets(*offered), accepted: packets(*accepted) })
    });
    Counts { flows: flows.collect(), ..Counts::default() }
}

#[test]
fn the_table_that_counts() {
    let ports = [1, 2].map(|number| port_name(port_id(number))).into();
    let table = Table { ports, ipv6: true, flags: true, ..Table::default() };
    compare(
        "flows.nft",
        &format!("{}{}{}", table.text(0), table.turn(1, 1_795_341_670), table.forget(0, 7, &Default::default())),
    );
}

/// Two ports in two subnets: the first may send what it likes and receives nothing; the second receives port 80.
fn two_tiers() -> Cloud {
    let mut cloud = Cloud::new();
    cloud.group(1, 1, vec![], vec![anything()]);
    cloud.group(2, 1, vec![rule("tcp", (80, 80), PeerPlan::Group(group_id(1)))], vec![]);
    cloud.port(1, 1, &[1], None).port(2, 2, &[2], None);
    cloud
}

#[test]
fn a_refusal_is_laid_at_the_door_of_whose_rules_refused() {
    let ask = tuple(6, ("10.1.1.11", 4000), ("10.1.2.12", 80));
    let other = tuple(6, ("10.1.1.11", 4000), ("10.1.2.12", 81));
    let back = ask.reversed();
    let fresh = tuple(6, ("10.1.2.12", 9), ("10.1.1.11", 9));
    let denied = |cloud: &mut Cloud| {
        cloud.edit_subnet(2, |subnet| subnet.acl_egress = vec![acl(1, false, "tcp", (4000, 4000), "0.0.0.0/0")]);
    };
    let shut = |cloud: &mut Cloud| {
        cloud.edit_subnet(1, |subnet| subnet.acl_ingress = vec![acl(1, false, "tcp", (4000, 4000), "0.0.0.0/0")]);
    };
    type Case<'c> = (&'c str, &'c dyn Fn(&mut Cloud), Vec<(u32, bool, Tuple, u64, u64)>, Vec<(u32, bool, u64, u64)>);
    let cases: [Case<'_>; 9] = [
        (
            "let through by both",
            &|_| {},
            vec![(1, true, ask, 3, 3), (2, false, ask, 3, 3)],
            vec![(1, true, 3, 0), (2, false, 3, 0)],
        ),
        (
            "the receiver's groups refuse: the sender let it out",
            &|_| {},
            vec![(1, true, other, 2, 0), (2, false, other, 2, 0)],
            vec![(1, true, 2, 0), (2, false, 0, 2)],
        ),
        (
            "the sender's groups refuse: it never came to the receiver",
            &|_| {},
            vec![(2, true, fresh, 2, 0), (1, false, fresh, 2, 0)],
            vec![(2, true, 0, 2)],
        ),
        (
            "an answer that the sender's subnet doesn't let out, whose groups aren't asked",
            &denied,
            vec![(1, true, ask, 2, 2), (2, false, ask, 2, 2), (2, true, back, 2, 0), (1, false, back, 2, 0)],
            vec![(1, true, 2, 0), (2, false, 2, 0), (2, true, 0, 2)],
        ),
        (
            "an answer that the receiver's subnet doesn't let in",
            &shut,
            vec![(1, true, ask, 2, 2), (2, false, ask, 2, 2), (2, true, back, 2, 0), (1, false, back, 2, 0)],
            vec![(1, true, 2, 0), (2, false, 2, 0), (2, true, 2, 0), (1, false, 0, 2)],
        ),
        (
            "a rule was taken away meanwhile",
            &|_| {},
            vec![(1, true, other, 5, 3), (2, false, other, 5, 3)],
            vec![(1, true, 5, 0), (2, false, 3, 2)],
        ),
        (
            "to outside, with no way there: the sender's rules let it out",
            &|_| {},
            vec![(1, true, tuple(17, ("10.1.1.11", 5), ("192.0.2.1", 53)), 4, 0)],
            vec![(1, true, 4, 0)],
        ),
        (
            "packets that were between the counters when the halves changed are no refusal",
            &|_| {},
            vec![(1, true, ask, 3, 4), (2, false, ask, 9, 8)],
            vec![(1, true, 4, 0), (2, false, 9, 0)],
        ),
        (
            "what belongs to no connection is let in by nobody's rules",
            &|_| {},
            vec![(2, false, ask, 1, 0)],
            vec![(2, false, 0, 1)],
        ),
    ];
    for (name, edit, flows, expected) in cases {
        let mut cloud = two_tiers();
        edit(&mut cloud);
        let mut found: Vec<_> = judge(&cloud.0, &cloud.0, &counts(&flows), &names(&[1, 2]))
            .into_iter()
            .map(|flow| (flow.port, flow.outwards, flow.accepted.packets, flow.rejected.packets))
            .collect();
        let mut expected: Vec<_> =
            expected.into_iter().map(|(port, out, yes, no)| (port_id(port), out, yes, no)).collect();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn a_refusal_is_one_also_where_the_rule_came_since() {
    let before = two_tiers();
    let mut after = two_tiers();
    after.group(2, 1, vec![rule("tcp", (80, 81), PeerPlan::Group(group_id(1)))], vec![]);
    let other = tuple(6, ("10.1.1.11", 4000), ("10.1.2.12", 81));
    let counted = counts(&[(1, true, other, 5, 3), (2, false, other, 5, 3)]);
    for (from, to) in [(&before, &after), (&after, &before)] {
        let rules = rules_of(&from.0, vpc_id(1));
        let found = judge(&to.0, &rules, &counted, &names(&[1, 2]));
        let at = |number| found.iter().find(|flow| flow.port == port_id(number)).unwrap();
        assert_eq!((at(1).accepted.packets, at(1).rejected.packets), (5, 0), "the sender let it out");
        assert_eq!((at(2).accepted.packets, at(2).rejected.packets), (3, 2), "the receiver refused some");
    }
}

#[test]
fn what_ends_with_the_rule_that_let_it_through_was_refused() {
    let ask = tuple(6, ("10.1.1.11", 4000), ("10.1.2.12", 80));
    let back = ask.reversed();
    let open = || vec![rule("tcp", (80, 80), from("0.0.0.0/0"))];
    // Of five packets and four answers so many get through.
    let flows = |there, back_again| {
        let asked = [(1, true, ask, 5, there), (2, false, ask, 5, there)];
        let answered = [(2, true, back, 4, back_again), (1, false, back, 4, back_again)];
        counts(&[asked, answered].concat())
    };
    let cases = [
        (
            "what came, which was answered until then",
            [(open(), vec![anything()]), (vec![], vec![])],
            flows(3, 4),
            [(1, true, 5, 0), (2, false, 3, 2), (2, true, 4, 0), (1, false, 4, 0)],
        ),
        (
            "the answers",
            [(open(), vec![anything()]), (open(), vec![])],
            flows(5, 3),
            [(1, true, 5, 0), (2, false, 5, 0), (2, true, 3, 1), (1, false, 3, 0)],
        ),
        (
            "no rule had let these answers through by itself: none has refused what is missing",
            [(open(), vec![]), (vec![], vec![])],
            flows(5, 3),
            [(1, true, 5, 0), (2, false, 5, 0), (2, true, 4, 0), (1, false, 4, 0)],
        ),
    ];
    for (name, rules, counts, expected) in cases {
        let [before, after] = rules.map(|(ingress, egress)| {
            let mut cloud = two_tiers();
            cloud.group(2, 1, ingress, egress);
            cloud
        });
        let found = judge(&after.0, &rules_of(&before.0, vpc_id(1)), &counts, &names(&[1, 2]));
        for (port, outwards, accepted, rejected) in expected {
            let flow = found.iter().find(|flow| flow.port == port_id(port) && flow.outwards == outwards).unwrap();
            assert_eq!(
                (flow.accepted.packets, flow.rejected.packets),
                (accepted, rejected),
                "{name}: {port} {outwards}"
            );
        }
    }
}

#[test]
fn an_endpoint_that_others_may_answer_for_is_not_called_silent() {
    let mut cloud = two_tiers();
    cloud.port(3, 2, &[2], None).edit_port(3, |port| port.location = PortLocation::Service);
    let plan = EndpointPlan { id: EndpointId::from_random(1), vpc: vpc_id(1), interfaces: vec![port_id(3)] };
    cloud.0.pieces.insert(PieceKey::Endpoint(plan.id), Piece::Endpoint(plan));
    let log = log(1, FlowLogResource::Vpc(vpc_id(1)), FlowLogTraffic::All, "interface-id log-status");
    for is_spread in [false, true] {
        let traffic = Traffic { flows: &[], skipped: &BTreeSet::new(), is_spread };
        let silent = lines(&cloud.0, &log, &traffic, WINDOW);
        let line = |number| format!("{} NODATA", port_id(number));
        assert!(silent.contains(&line(1)) && silent.contains(&line(2)), "{silent:?}");
        assert_eq!(silent.contains(&line(3)), !is_spread, "{silent:?}");
    }
}

#[test]
fn a_log_is_not_told_what_was_before_it() {
    on_own_machine("flows::a_log_is_not_told_what_was_before_it", || {
        let folder = PathBuf::from("/run/flows");
        std::fs::create_dir(&folder).unwrap();
        let mut cloud = two_tiers();
        let first = log(1, FlowLogResource::Vpc(vpc_id(1)), FlowLogTraffic::All, DEFAULT);
        put(&mut cloud, FlowLogPlan { destination: "arn:aws:s3:::flows/first".into(), ..first.clone() });
        let network = recording_driver(&folder);
        network.apply(&cloud.0).unwrap();
        assert!(network.record(&cloud.0, at(0)).is_empty());
        let [a, b] = [1, 2].map(|number| Guest::start(&network, &cloud, number));
        let _listener = b.listen(80);
        assert!(a.reaches(b.address, 80));
        let second = log(2, FlowLogResource::Vpc(vpc_id(1)), FlowLogTraffic::All, DEFAULT);
        put(&mut cloud, FlowLogPlan { destination: "arn:aws:s3:::flows/second".into(), ..second });
        network.apply(&cloud.0).unwrap();
        assert_eq!(network.record(&cloud.0, at(30)).into_keys().collect::<Vec<_>>(), [first.id]);
        assert_eq!(network.record(&cloud.0, at(90)).len(), 2);
        let told = |log: &str| records(&folder.join(log));
        assert!(!with(&told("first"), &[("dstport", "80")]).is_empty(), "the first was told");
        let second = told("second");
        assert!(with(&second, &[("log-status", "NODATA")]).len() == 2 && second.len() == 2, "{second:#?}");
        assert!(second.iter().all(|record| record["start"] == (at(30).as_millis() / 1000).to_string()));
    });
}

#[test]
fn a_record_file_is_as_aws_writes_it() {
    let mut cloud = two_tiers();
    cloud.port(3, 1, &[1], None);
    cloud.edit_port(1, |port| port.addresses.push([10, 1, 1, 200].into()));
    cloud.edit_subnet(1, |subnet| {
        let peering = RouteTargetPlan::Peering(PeeringId::from_random(1));
        subnet.routes.push(RoutePlan { destination: cidr("10.9.0.0/16"), target: peering });
    });
    for number in 1..=3 {
        let plan = instance_plan(number);
        cloud.0.pieces.insert(PieceKey::Instance(plan.id), Piece::Instance(Box::new(plan)));
    }
    let flow = |port, outwards, tuple, accepted, rejected, flags| Flow {
        port: port_id(port),
        outwards,
        tuple,
        accepted: packets(accepted),
        rejected: packets(rejected),
        flags,
    };
    let flows = [
        flow(1, true, tuple(6, ("10.1.1.11", 4000), ("10.1.2.12", 80)), 20, 0, 3),
        flow(2, false, tuple(6, ("10.1.1.11", 4000), ("10.1.2.12", 80)), 20, 0, 3),
        flow(1, false, tuple(17, ("192.0.2.1", 53), ("10.1.1.200", 5)), 1, 2, 0),
        flow(1, true, tuple(1, ("10.1.1.200", 0), ("10.9.0.1", 0)), 1, 0, 0),
        flow(2, true, tuple(58, ("2001:db8::1", 0), ("2001:db8::2", 0)), 1, 0, 0),
    ];
    let skipped = BTreeSet::from([port_id(2)]);
    let seen = Traffic { flows: &flows, skipped: &skipped, is_spread: false };
    let mut text = String::new();
    let vpc = FlowLogResource::Vpc(vpc_id(1));
    for (resource, traffic, fields) in [
        (vpc, FlowLogTraffic::All, DEFAULT),
        (FlowLogResource::Subnet(subnet_id(1)), FlowLogTraffic::Reject, DEFAULT),
        (FlowLogResource::Interface(port_id(2)), FlowLogTraffic::Accept, DEFAULT),
        (FlowLogResource::Interface(port_id(7)), FlowLogTraffic::Accept, "version"),
        (vpc, FlowLogTraffic::All, CUSTOM),
        (vpc, FlowLogTraffic::All, "version region"),
    ] {
        text += &lines(&cloud.0, &log(1, resource, traffic, fields), &seen, WINDOW).join("\n");
        text += "\n\n";
    }
    compare("flows.log", &text);
}

fn instance_plan(number: u32) -> InstancePlan {
    InstancePlan {
        id: InstanceId::from_random(u128::from(number)),
        account: AccountId::PROVIDER,
        zone: "eu-west-1b".parse().unwrap(),
        power: Power::On,
        boot: 1,
        reboots: 0,
        forced: false,
        vcpus: 1,
        memory_mib: 64,
        machine: String::new(),
        disks: vec![],
        interfaces: vec![port_id(number)],
        pulled: vec![],
        pulled_disks: vec![],
        max_interfaces: 2,
        direct_boot: None,
        uefi: false,
        metadata: crate::metadata::instance_service(number).metadata,
    }
}

#[test]
fn what_nft_lists_is_read_however_it_is_written() {
    let listing = br#"{"nftables": [{"metainfo": {"version": "9"}},
        {"set": {"name": "window", "elem": [{"concat": [1700000000, 0]}, {"concat": ["1700000060", "1"]}]}},
        {"set": {"name": "skipped_1", "elem": ["lf000000000001"]}},
        {"set": {"name": "flag2_ip_1", "elem": [{"concat": ["10.0.0.1", "10.0.0.2", 1, 2]}]}},
        {"set": {"name": "flag18_ip_1", "elem": [{"elem": {"val": {"concat": ["10.0.0.1", "10.0.0.2", 1, 2]}}}]}},
        {"set": {"name": "offered_in_ip_tcp_1", "elem": [{"elem": {"val": {"concat": ["lf000000000001",
            "10.0.0.1", "10.0.0.2", 1, 2]}, "counter": {"packets": 3, "bytes": 120}}}]}},
        {"set": {"name": "accepted_in_ip_tcp_1", "elem": [{"elem": {"val": {"concat": ["lf000000000001",
            "10.0.0.1", "10.0.0.2", 1, 2]}, "counter": {"packets": 2, "bytes": 80}}}]}},
        {"set": {"name": "offered_out_ip6_other_0", "elem": [{"elem": {"val": {"concat": ["7", "fd00::1", "fd00::2",
            "ipv6-icmp"]}, "counter": {"packets": 1, "bytes": 64}}}, {"elem": {"val": "nonsense"}}]}},
        {"set": {"name": "offered_out_ip6_other_9"}}, {"set": {"name": "else"}}, {"chain": {}}]}"#;
    let listing = parse(listing).unwrap();
    assert_eq!(listing.windows, BTreeSet::from([(1_700_000_000, 0), (1_700_000_060, 1)]));
    let one = tuple(6, ("10.0.0.1", 1), ("10.0.0.2", 2));
    let link = "lf000000000001".to_owned();
    let amount = |packets, bytes| Amount { packets, bytes };
    let tally = Tally { offered: amount(3, 120), accepted: amount(2, 80) };
    let half = &listing.halves[1];
    assert_eq!(half.flows, BTreeMap::from([(Key { link: link.clone(), outwards: false, tuple: one }, tally)]));
    assert_eq!((&half.flags, &half.skipped), (&BTreeMap::from([(one, 18)]), &BTreeSet::from([link])));
    let key = Key { link: "7".into(), outwards: true, tuple: tuple(58, ("fd00::1", 0), ("fd00::2", 0)) };
    assert_eq!(listing.halves[0].flows[&key].offered, amount(1, 64));
    assert!(parse(b"nothing").is_err());
}

#[test]
fn files_are_named_as_aws_names_them() {
    let vpc = FlowLogResource::Vpc(vpc_id(1));
    let plain = log(1, vpc, FlowLogTraffic::All, DEFAULT);
    let id = plain.id;
    let name = |log: &FlowLogPlan, host| {
        let key = key(log, WINDOW, host);
        let (folder, file) = key.rsplit_once('/').unwrap();
        let (start, rest) = file.split_at(file.rfind('_').unwrap() + 1);
        assert!(rest.len() == 8 + ".log.gz".len() && rest.ends_with(".log.gz"), "{file}");
        assert_eq!(start, format!("123456789012_vpcflowlogs_eu-west-1_{id}_20261122T1000Z_"));
        (folder.to_owned(), rest.to_owned())
    };
    let (folder, hash) = name(&plain, "one");
    assert_eq!(folder, "AWSLogs/123456789012/vpcflowlogs/eu-west-1/2026/11/22");
    assert_eq!(name(&plain, "one").1, hash, "delivered again, it replaces itself");
    assert_ne!(name(&plain, "two").1, hash, "another host's is another file");
    let hourly = FlowLogPlan { hourly_partitions: true, ..plain.clone() };
    assert_eq!(name(&hourly, "one").0, format!("{folder}/10"));
    let hive = FlowLogPlan { hive_partitions: true, ..plain };
    let expected = "AWSLogs/aws-account-id=123456789012/aws-service=vpcflowlogs/aws-region=eu-west-1/\
                    year=2026/month=11/day=22";
    assert_eq!(name(&hive, "one").0, expected);
    let both = FlowLogPlan { hourly_partitions: true, ..hive };
    assert_eq!(name(&both, "one").0, format!("{expected}/hour=10"));
}

fn of_anybody(folder: PathBuf) -> Bucket {
    Bucket { folder, accounts: None }
}

#[test]
fn records_go_to_a_bucket_only_where_it_is_open_to_their_account() {
    use BucketPermission::{Granted, Refused, Unnamed};
    let root = tempfile::tempdir().unwrap();
    let plain = log(1, FlowLogResource::Vpc(vpc_id(1)), FlowLogTraffic::All, DEFAULT);
    let other = AccountId::new(444_455_556_666).unwrap();
    let (own, others) = (BucketAccounts::These([plain.account].into()), BucketAccounts::These([other].into()));
    let (provider, tenant) = (Unnamed { is_provider: true }, Unnamed { is_provider: false });
    for (permission, accounts, is_open) in [
        (Granted, None, true),
        (Granted, Some(own.clone()), true),
        (Granted, Some(others.clone()), false),
        (Refused, None, false),
        (Refused, Some(own.clone()), false),
        (Refused, Some(BucketAccounts::All), false),
        (provider, None, true),
        (tenant, None, false),
        (tenant, Some(own), true),
        (tenant, Some(others), false),
        (tenant, Some(BucketAccounts::All), true),
    ] {
        let bucket = Bucket { folder: root.path().to_owned(), accounts: accounts.clone() };
        let log = FlowLogPlan { permission, ..plain.clone() };
        let sent = deliver(&Buckets::from([("flows".into(), bucket)]), &log, &["one".into()], WINDOW, "host");
        assert_eq!(sent.is_ok(), is_open, "{permission:?} {accounts:?}");
        if let Err(error) = sent {
            assert_eq!(error.to_string(), "Access error: no folder of this host stands for the bucket flows");
        }
    }
    // A plan that doesn't say is of another version, and nothing is written by it.
    let mut text = serde_json::to_value(&plain).unwrap();
    text.as_object_mut().unwrap().remove("permission");
    assert_eq!(serde_json::from_value::<FlowLogPlan>(text).unwrap().permission, Refused);
}

#[test]
fn nothing_is_written_outside_of_the_providers_folders() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("flows");
    std::fs::create_dir(&folder).unwrap();
    let buckets = [("flows", folder.clone()), ("gone", root.path().join("gone")), ("..", folder.clone())];
    let buckets: Buckets = buckets.into_iter().map(|(name, folder)| (name.to_owned(), of_anybody(folder))).collect();
    let send = |destination: &str| {
        let log = FlowLogPlan {
            destination: destination.into(),
            ..log(1, FlowLogResource::Vpc(vpc_id(1)), FlowLogTraffic::All, DEFAULT)
        };
        deliver(&buckets, &log, &["one".into(), "two".into()], WINDOW, "host").map_err(|error| error.to_string())
    };
    for (destination, words) in [
        ("arn:aws:s3:::other", "Access error: no folder"),
        ("arn:aws:s3:::gone", "Unknown error"),
        ("arn:aws:s3:::flows/../x", "Access error: "),
        ("arn:aws:s3:::flows//etc", "Access error: "),
        ("arn:aws:s3:::flows/a/./b/../../..", "Access error: "),
        ("arn:aws:s3:::..", "Access error: "),
        ("arn:aws:s3:::", "Access error: "),
        ("arn:aws:s3::1:flows", "Access error: "),
        ("arn:aws:logs:::flows", "Access error: "),
        ("arn:aws:s3:::flows/a\nb", "Access error: "),
        ("/etc", "Access error: "),
        ("", "Access error: "),
    ] {
        let error = send(destination).expect_err(destination);
        assert!(error.starts_with(words), "{destination}: {error}");
    }
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 1);
    for destination in ["arn:aws:s3:::flows", "arn:aws:s3:::flows/a/b/", "arn:aws-cn:s3:::flows/a=b/ c"] {
        let path = send(destination).unwrap_or_else(|error| panic!("{destination}: {error}"));
        assert!(path.starts_with(&folder) && path.canonicalize().unwrap().starts_with(folder.canonicalize().unwrap()));
        assert_eq!(read(&path), "one\ntwo\n");
        send(destination).unwrap();
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "the same once more");
    }
}

fn read(path: &Path) -> String {
    let mut text = String::new();
    flate2::read::GzDecoder::new(File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    text
}

/// All lines of all files in a folder, with the path of each, fields by their names.
fn records(folder: &Path) -> Vec<BTreeMap<String, String>> {
    let mut records = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = read(&path);
            let mut lines = text.lines().map(|line| line.split(' ').map(str::to_owned).collect::<Vec<_>>());
            let names = lines.next().unwrap();
            records.extend(lines.map(|line| {
                assert_eq!(line.len(), names.len(), "{line:?}");
                names.iter().cloned().zip(line).collect()
            }));
        }
    }
    records
}

/// The records with these values.
fn with(records: &[BTreeMap<String, String>], values: &[(&str, &str)]) -> Vec<BTreeMap<String, String>> {
    let is = |record: &&BTreeMap<String, String>| values.iter().all(|(name, value)| record[*name] == *value);
    records.iter().filter(is).cloned().collect()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp((1_795_341_600 + seconds) * 1000)
}

fn recording_driver(folder: &Path) -> HostNetwork {
    let mut config = NetworkConfig::new(PathBuf::from("/run/landfall"));
    config.buckets.insert("flows".into(), of_anybody(folder.to_owned()));
    config.host = "host".into();
    HostNetwork::new(config)
}

#[test]
fn what_passes_and_what_does_not_is_written_down() {
    on_own_machine("flows::what_passes_and_what_does_not_is_written_down", || {
        let folder = PathBuf::from("/run/flows");
        std::fs::create_dir(&folder).unwrap();
        let mut cloud = two_tiers();
        cloud.port(3, 1, &[1], None);
        cloud.edit_subnet(2, |subnet| {
            subnet.acl_ingress =
                vec![acl(1, false, "tcp", (82, 82), "0.0.0.0/0"), acl(2, true, "-1", (-1, -1), "0.0.0.0/0")];
        });
        let fields = format!("{DEFAULT} tcp-flags flow-direction");
        put(&mut cloud, log(1, FlowLogResource::Vpc(vpc_id(1)), FlowLogTraffic::All, &fields));
        let network = recording_driver(&folder);
        network.apply(&cloud.0).unwrap();
        assert!(network.record(&cloud.0, at(0)).is_empty());
        let [a, b, _c] = [1, 2, 3].map(|number| Guest::start(&network, &cloud, number));
        let listener = b.listen(80);
        let mut stream = connect(Some(&a.name), b.address, 80, COMES).unwrap();
        stream.write_all(&[7; 1000]).unwrap();
        let (mut far, sender) = listener.accept().unwrap();
        far.read_exact(&mut [0; 1000]).unwrap();
        for port in [81, 82] {
            assert!(a.connect(b.address, port).is_err());
        }
        // What is applied anew for another's sake loses nothing that was counted.
        cloud.group(9, 1, vec![], vec![anything()]);
        cloud.port(4, 1, &[9], None);
        network.apply(&cloud.0).unwrap();
        assert!(network.record(&cloud.0, at(59)).is_empty(), "not yet");
        let delivered = network.record(&cloud.0, at(60));
        assert_eq!(delivered.into_values().collect::<Vec<_>>(), [None]);

        let found = records(&folder);
        let source_port = sender.port().to_string();
        let (a_address, b_address) = (a.address.to_string(), b.address.to_string());
        let [a_id, b_id, c_id] = [1, 2, 3].map(|number| port_id(number).to_string());
        for (interface, direction) in [(&a_id, "egress"), (&b_id, "ingress")] {
            let there = with(&found, &[("interface-id", interface), ("srcport", &source_port), ("dstport", "80")]);
            let [there] = there.as_slice() else { panic!("{found:#?}") };
            assert_eq!((&there["srcaddr"], &there["dstaddr"]), (&a_address, &b_address));
            assert_eq!((there["action"].as_str(), there["flow-direction"].as_str()), ("ACCEPT", direction));
            let bytes: u64 = there["bytes"].parse().unwrap();
            let packets: u64 = there["packets"].parse().unwrap();
            assert!((1000..4000).contains(&bytes) && (3..40).contains(&packets), "{there:?}");
            assert_eq!((there["tcp-flags"].as_str(), there["log-status"].as_str()), ("2", "OK"));
            assert_eq!((there["start"].as_str(), there["end"].as_str()), ("1795341600", "1795341660"));
        }
        let back = with(&found, &[("interface-id", &b_id), ("srcport", "80"), ("dstport", &source_port)]);
        assert_eq!(with(&back, &[("action", "ACCEPT"), ("tcp-flags", "18"), ("flow-direction", "egress")]).len(), 1);
        for port in ["81", "82"] {
            let sent = with(&found, &[("interface-id", &a_id), ("dstport", port)]);
            let came = with(&found, &[("interface-id", &b_id), ("dstport", port)]);
            assert_eq!((sent.len(), came.len()), (1, 1), "{found:#?}");
            assert_eq!((sent[0]["action"].as_str(), came[0]["action"].as_str()), ("ACCEPT", "REJECT"), "{port}");
            assert_eq!(came[0]["srcaddr"], a_address);
        }
        let silent = with(&found, &[("interface-id", &c_id)]);
        assert_eq!(with(&silent, &[("log-status", "NODATA"), ("srcaddr", "-"), ("start", "1795341600")]).len(), 1);
        assert_eq!(silent.len(), 1);

        an_agent_that_ends_in_between(&mut cloud, &folder, &mut stream, &mut far);
        drop(network);
        // Nobody asks any more: nothing is counted, and nothing of it is left.
        cloud.0.pieces.retain(|key, _| !matches!(key, PieceKey::FlowLog(_)));
        let network = recording_driver(&folder);
        network.apply(&cloud.0).unwrap();
        assert!(network.record(&cloud.0, at(300)).is_empty());
        let rules = run("ip", "netns exec lf-1 nft list tables");
        assert!(!rules.contains("landfall_flows") && rules.contains("inet landfall"), "{rules}");
    });
}

/// What was counted under one agent is written by the next, and once.
fn an_agent_that_ends_in_between(
    cloud: &mut Cloud,
    folder: &Path,
    stream: &mut std::net::TcpStream,
    far: &mut std::net::TcpStream,
) {
    let bytes_of = |found: &[BTreeMap<String, String>]| -> u64 {
        let there = with(found, &[("interface-id", &port_id(2).to_string()), ("dstport", "80")]);
        there.iter().map(|record| record["bytes"].parse::<u64>().unwrap()).sum()
    };
    let before = bytes_of(&records(folder));
    stream.write_all(&[7; 5000]).unwrap();
    far.read_exact(&mut [0; 5000]).unwrap();
    let network = recording_driver(folder);
    network.apply(&cloud.0).unwrap();
    assert!(network.record(&cloud.0, at(90)).is_empty(), "the window of the agent before goes on");
    drop(network);
    // An agent that ended after it had turned to the other half: its window is delivered by the next.
    let turned = Table::default().turn(0, at(120).as_millis() / 1000);
    let file = Path::new("/run/turned.nft");
    std::fs::write(file, turned).unwrap();
    run("ip", "netns exec lf-1 nft -f /run/turned.nft");
    let network = recording_driver(folder);
    network.apply(&cloud.0).unwrap();
    let delivered = network.record(&cloud.0, at(121));
    assert_eq!(delivered.into_values().collect::<Vec<_>>(), [None]);
    let after = bytes_of(&records(folder));
    assert!((before + 5000..before + 9000).contains(&after), "{before} {after}");
    network.record(&cloud.0, at(180));
    network.record(&cloud.0, at(240));
    assert_eq!(bytes_of(&records(folder)), after, "counted once");
    let starts: BTreeSet<_> = records(folder).into_iter().map(|record| record["start"].clone()).collect();
    let expected = [0, 60, 120, 180].map(|seconds| (at(seconds).as_millis() / 1000).to_string());
    assert_eq!(starts, BTreeSet::from(expected));
}

#[test]
fn a_guest_that_opens_flows_without_end_is_told_apart() {
    on_own_machine("flows::a_guest_that_opens_flows_without_end_is_told_apart", || {
        const MORE_THAN_FIT: u32 = 17_000;
        let folder = PathBuf::from("/run/flows");
        std::fs::create_dir(&folder).unwrap();
        let mut cloud = two_tiers();
        put(&mut cloud, log(1, FlowLogResource::Vpc(vpc_id(1)), FlowLogTraffic::All, DEFAULT));
        let network = recording_driver(&folder);
        network.apply(&cloud.0).unwrap();
        network.record(&cloud.0, at(0));
        let guest = Guest::start(&network, &cloud, 1);
        let sent = namespace::within(&guest.name, || {
            let socket = UdpSocket::bind("0.0.0.0:0")?;
            for number in 0..MORE_THAN_FIT {
                let to = Ipv4Addr::from(0xcb00_0000 | number);
                // Those that find the queue full are sent once more below.
                let _ = socket.send_to(b"x", (to, 9));
                if number % 100 == 99 {
                    std::thread::sleep(std::time::Duration::from_millis(2));
                }
            }
            Ok(())
        });
        sent.unwrap();
        let count = || run("ip", "netns exec lf-1 nft list set inet landfall_flows skipped_0");
        let until = std::time::Instant::now() + 12 * COMES;
        while !count().contains("elements") && std::time::Instant::now() < until {
            let socket = namespace::within(&guest.name, || UdpSocket::bind("0.0.0.0:0")).unwrap();
            for number in 0..MORE_THAN_FIT {
                let _ = socket.send_to(b"x", (Ipv4Addr::from(0xcb00_0000 | number), 9));
            }
        }
        network.record(&cloud.0, at(60));
        let found = records(&folder);
        let own = port_id(1).to_string();
        assert_eq!(with(&found, &[("interface-id", &own), ("log-status", "SKIPDATA")]).len(), 1);
        assert!(with(&found, &[("interface-id", &own), ("log-status", "OK")]).len() > 1000);
        let other = port_id(2).to_string();
        assert_eq!(with(&found, &[("interface-id", &other), ("log-status", "NODATA")]).len(), 1);
    });
}

#[test]
fn a_delivery_that_fails_is_said() {
    on_own_machine("flows::a_delivery_that_fails_is_said", || {
        let mut cloud = two_tiers();
        put(&mut cloud, log(1, FlowLogResource::Vpc(vpc_id(1)), FlowLogTraffic::All, DEFAULT));
        put(&mut cloud, log(2, FlowLogResource::Interface(port_id(9)), FlowLogTraffic::All, DEFAULT));
        let network = driver();
        network.apply(&cloud.0).unwrap();
        network.record(&cloud.0, at(0));
        let delivered = network.record(&cloud.0, at(60));
        let delivered: Vec<_> = delivered.into_values().collect();
        let failure = "Access error: no folder of this host stands for the bucket flows".to_owned();
        assert_eq!(delivered, [Some(failure), None], "one of them has ports here, and no folder");
    });
}

#[test]
fn what_could_not_be_written_is_written_later() {
    on_own_machine("flows::what_could_not_be_written_is_written_later", || {
        let folder = PathBuf::from("/run/bucket");
        let mut cloud = two_tiers();
        put(&mut cloud, log(1, FlowLogResource::Vpc(vpc_id(1)), FlowLogTraffic::All, "version"));
        let network = recording_driver(&folder);
        network.apply(&cloud.0).unwrap();
        network.record(&cloud.0, at(0));
        // The folder isn't there, as where a disk isn't mounted.
        let failure = Some("Unknown error: the records could not be written".to_owned());
        for seconds in [60, 120] {
            let delivered = network.record(&cloud.0, at(seconds));
            assert_eq!(delivered.into_values().collect::<Vec<_>>(), std::slice::from_ref(&failure));
        }
        std::fs::create_dir(&folder).unwrap();
        let delivered = network.record(&cloud.0, at(151));
        assert_eq!(delivered.into_values().collect::<Vec<_>>(), [None], "it is said that it goes again");
        let files = run("find", "/run/bucket -name *.log.gz");
        assert_eq!(files.lines().count(), 2, "a file for each window: {files}");
    });
}
