//! Applying a plan leads to the same from wherever the machine is, disturbs nobody, and leaves nothing behind.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use landfall_model::plan::{HostPlan, PieceKey};
use landfall_node::driver::{DriverError, Network};
use landfall_node::network::{HostNetwork, namespace};

use super::cloud::*;
use super::stand::*;
use super::{driver, uplink};

/// Two ports in one network, one in another.
fn cloud() -> Cloud {
    let mut cloud = Cloud::new();
    cloud.group(1, 1, vec![anything()], vec![anything()]).group(2, 2, vec![anything()], vec![anything()]);
    cloud.port(1, 1, &[1], Some("198.18.0.11")).port(2, 1, &[1], None).port(3, 3, &[2], Some("198.18.0.13"));
    cloud
}

/// Connections to the first port: from the second one and from the machine.
struct Flows {
    _guests: [Guest; 2],
    pairs: Vec<(TcpStream, TcpStream)>,
}

impl Flows {
    fn start(network: &HostNetwork, cloud: &Cloud) -> Self {
        let guests = [1, 2].map(|number| Guest::start(network, cloud, number));
        let listener = guests[0].listen(80);
        let flow = |from: Option<&str>, to| {
            let stream = connect(from, to, 80, COMES).unwrap();
            (stream, listener.accept().unwrap().0)
        };
        let inner = flow(Some(&guests[1].name), guests[0].address);
        let pairs = vec![inner, flow(None, Ipv4Addr::new(198, 18, 0, 11))];
        Flows { _guests: guests, pairs }
    }

    fn go_on(&mut self, after: &str) {
        for (near, far) in &mut self.pairs {
            near.write_all(b"x").unwrap();
            far.set_read_timeout(Some(COMES)).unwrap();
            far.read_exact(&mut [0]).unwrap_or_else(|error| panic!("a flow after {after}: {error}"));
        }
    }
}

/// Everything of Landfall's that the machine has.
fn leftovers() -> BTreeMap<&'static str, String> {
    // Whatever order the kernel tells them in.
    let sorted = |text: String, keep: &dyn Fn(&str) -> bool| {
        let mut lines: Vec<_> = text.lines().filter(|line| keep(line)).map(|line| line.trim().to_owned()).collect();
        lines.sort();
        lines.join("\n")
    };
    let link = |line: &str| line.starts_with("lf");
    let links =
        run("ip", "-br link").lines().filter_map(|line| Some(line.split_once('@')?.0.to_owned() + "\n")).collect();
    [
        ("files", sorted(run("find", "/run/landfall -type f"), &|_| true)),
        ("tables", sorted(run("nft", "list tables"), &|_| true)),
        ("links", sorted(links, &link)),
        ("routes", sorted(run("ip", "route show table all"), &|line| line.contains("198.18"))),
        ("namespaces", sorted(run("ls", "/run/netns"), &|_| true)),
    ]
    .into()
}

#[test]
fn nothing_is_left() {
    on_own_machine("converge::nothing_is_left", || {
        uplink();
        let mut cloud = cloud();
        // What a process that was killed left behind.
        fs::create_dir_all("/run/netns").unwrap();
        fs::create_dir_all("/run/landfall/namespaces").unwrap();
        for name in ["lf-1", "lf-9"] {
            File::create(format!("/run/netns/{name}")).unwrap();
            File::create(format!("/run/landfall/namespaces/{name}")).unwrap();
        }
        File::create("/run/landfall/namespaces/lf-7").unwrap();
        namespace::ensure("lf-8").unwrap();
        let network = driver();
        assert!(matches!(network.open(port_id(1)), Err(DriverError::Retry(_))), "it isn't applied yet");
        network.apply(&cloud.0).unwrap();
        assert_eq!(network.unknown().unwrap(), ["network namespace lf-8"], "what isn't known to be ours stays");
        namespace::remove("lf-8").unwrap();
        let all = leftovers();
        assert!(all.values().all(|what| !what.is_empty()), "what is looked for is there: {all:?}");

        cloud.0.pieces.remove(&PieceKey::Port(port_id(2)));
        network.apply(&cloud.0).unwrap();
        let links = run("ip", "-n lf-1 -o link");
        assert!(links.contains("lf000000000001") && !links.contains("lf000000000002"), "{links}");
        // The plan of a host that has nothing more of a network has nothing of it.
        for gone in [PieceKey::Port(port_id(3)), PieceKey::Subnet(subnet_id(3)), PieceKey::Vpc(vpc_id(2))] {
            cloud.0.pieces.remove(&gone);
        }
        network.apply(&cloud.0).unwrap();
        assert_eq!(run("ls", "/run/netns"), "internet\nlf-1\n");
        for _ in 0..2 {
            driver().apply(&HostPlan::default()).unwrap();
            let nothing = [("files", ""), ("tables", ""), ("links", ""), ("routes", ""), ("namespaces", "internet")];
            assert_eq!(leftovers(), nothing.map(|(what, text)| (what, text.to_owned())).into());
        }
    });
}

#[test]
fn flows_go_on() {
    on_own_machine("converge::flows_go_on", || {
        let mut cloud = cloud();
        cloud.group(1, 1, halves(), halves());
        let network = driver();
        network.apply(&cloud.0).unwrap();
        let mut flows = Flows::start(&network, &cloud);
        let links = || run("ip", "-n lf-1 -o link") + &run("ip", "-o link show lf-1");
        let before = links();
        let again = driver();
        again.apply(&cloud.0).unwrap();
        flows.go_on("another process took over");
        cloud.group(1, 1, vec![rule("tcp", (1, 99), from("0.0.0.0/0"))], vec![anything()]);
        again.apply(&cloud.0).unwrap();
        flows.go_on("a change of rules");
        cloud.group(1, 1, vec![], vec![]).port(4, 1, &[1], Some("198.18.0.14"));
        again.apply(&cloud.0).unwrap();
        flows.go_on("the rules were revoked and a port came");
        cloud.0.pieces.remove(&PieceKey::Port(port_id(4)));
        again.apply(&cloud.0).unwrap();
        flows.go_on("the port went");
        assert_eq!(links(), before, "no link was made anew");
        assert!(matches!(again.open(port_id(1)), Err(DriverError::Retry(_))), "a running guest has it");
    });
}

#[test]
fn what_others_break_is_mended() {
    on_own_machine("converge::what_others_break_is_mended", || {
        uplink();
        let cloud = cloud();
        let network = driver();
        network.apply(&cloud.0).unwrap();
        let mut flows = Flows::start(&network, &cloud);
        // Counters grow, and what was heard is a memory.
        let state = || {
            let steps = [
                ("nft", "list table inet landfall"),
                ("ip", "netns exec lf-1 nft list table inet landfall"),
                ("ip", "netns exec lf-1 nft list table netdev landfall_ports_1"),
                ("ip", "-n lf-1 route show table all"),
                ("ip", "-n lf-1 rule"),
                ("ip", "-n lf-1 neigh show nud permanent"),
                ("ip", "-n lf-1 -o -4 addr"),
                ("ip", "netns exec lf-1 sysctl net.ipv4.fwmark_reflect"),
                ("ip", "route"),
            ];
            let text = steps.map(|(program, arguments)| run(program, arguments)).concat();
            let mut lines: Vec<_> = text.lines().filter(|line| !line.contains("counter packets")).collect();
            lines.sort_unstable();
            lines.iter().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect::<Vec<_>>()
        };
        let whole = state();
        for harm in [
            "nft flush ruleset",
            "nft delete table inet landfall",
            "ip netns exec lf-1 nft flush ruleset",
            "ip netns exec lf-1 nft flush chain inet landfall forward",
            "ip route del 198.18.0.11",
            "ip route del unreachable 198.18.0.0/16",
            "ip addr flush dev lf-1",
            "ip -n lf-1 link set up0 down",
            "ip -n lf-1 link set lf000000000001 down",
            "ip -n lf-1 rule del fwmark 1/0x7fffffff",
            "ip -n lf-1 rule add fwmark 1 lookup 1 pref 1000 proto 76",
            "ip -n lf-1 rule del pref 999",
            "ip -n lf-1 route flush table 1",
            "ip -n lf-1 route add 10.9.0.0/16 dev up0 proto 76",
            "ip -n lf-1 addr del 169.254.169.254/32 dev lo",
            "ip -n lf-1 neigh flush all nud permanent",
            "ip netns exec lf-1 sysctl -qw net.ipv4.ip_forward=0",
            "ip netns exec lf-1 sysctl -qw net.ipv4.fwmark_reflect=0",
            "sysctl -qw net.ipv4.conf.lf-1.forwarding=0",
            "ip link del lf-1",
        ] {
            let (program, arguments) = harm.split_once(' ').unwrap();
            run(program, arguments);
            network.apply(&cloud.0).unwrap_or_else(|error| panic!("{harm}: {error}"));
            let found = state();
            let differ =
                |a: &[String], b: &[String]| a.iter().filter(|line| !b.contains(line)).cloned().collect::<Vec<_>>();
            assert!(found == whole, "{harm}: more {:?}, less {:?}", differ(&found, &whole), differ(&whole, &found));
            flows.go_on(harm);
        }
        run("ip", "-n lf-2 link del lf000000000003");
        network.apply(&cloud.0).unwrap();
        let chains = run("ip", "netns exec lf-2 nft list chains netdev");
        assert!(chains.contains("device \"lf000000000003\""), "a port made anew has its rules again: {chains}");
    });
}

#[test]
fn it_may_be_killed_at_any_moment() {
    on_own_machine("converge::it_may_be_killed_at_any_moment", || {
        let network = driver();
        if is_child() {
            loop {
                network.apply(&cloud().0).unwrap();
                let mut laps = File::options().create(true).append(true).open("/run/laps").unwrap();
                laps.write_all(b"1").unwrap();
                network.apply(&HostPlan::default()).unwrap();
            }
        }
        uplink();
        let begun = Instant::now();
        network.apply(&cloud().0).unwrap();
        let whole = leftovers();
        network.apply(&HostPlan::default()).unwrap();
        let nothing = leftovers();
        let lap = begun.elapsed();
        let laps = || fs::read("/run/laps").map_or(0, |laps| laps.len());
        for round in 0..40 {
            let before = laps();
            let child = spawn_child();
            // Some die before they begin, most on the way, on a machine of whatever speed; each fourth has been there and back.
            if round % 4 == 3 {
                until("a lap", || laps() > before);
            }
            std::thread::sleep(Duration::from_millis(10) + lap * (round * 7 % 100) / 40);
            bury(child);
            let (plan, expected) = if round % 2 == 0 { (cloud().0, &whole) } else { (HostPlan::default(), &nothing) };
            driver().apply(&plan).unwrap_or_else(|error| panic!("round {round}: {error}"));
            assert_eq!(leftovers(), *expected, "round {round}");
        }
        assert!(laps() >= 10, "the children did something");
        network.apply(&cloud().0).unwrap();
        Flows::start(&network, &cloud()).go_on("all that");
    });
}

#[test]
fn a_namespace_that_lost_its_name_is_replaced() {
    on_own_machine("converge::a_namespace_that_lost_its_name_is_replaced", || {
        let cloud = cloud();
        let network = driver();
        network.apply(&cloud.0).unwrap();
        let mut inside = Command::new("ip").args(["netns", "exec", "lf-1", "sleep", "1000"]).spawn().unwrap();
        let place = |process: &str| fs::read_link(format!("/proc/{process}/ns/net")).unwrap();
        until("a process inside", || place(&inside.id().to_string()) != place("self"));
        run("ip", "netns del lf-1");
        network.apply(&cloud.0).unwrap();
        inside.kill().unwrap();
        inside.wait().unwrap();
        Flows::start(&network, &cloud).go_on("it was made again");
    });
}

/// How many connections a namespace remembers that have an address.
fn connections(address: &str) -> usize {
    let all = run("ip", "netns exec lf-1 cat /proc/net/nf_conntrack");
    all.lines().filter(|line| line.split_whitespace().any(|word| word.ends_with(&format!("={address}")))).count()
}

#[test]
fn flows_end_with_their_addresses() {
    on_own_machine("converge::flows_end_with_their_addresses", || {
        uplink();
        let mut cloud = Cloud::new();
        cloud.group(1, 1, vec![anything()], vec![anything()]);
        cloud.port(1, 1, &[1], Some("198.18.0.11")).port(2, 1, &[1], None).port(3, 1, &[1], None);
        let network = driver();
        network.apply(&cloud.0).unwrap();
        let [a, b, c] = [1, 2, 3].map(|number| Guest::start(&network, &cloud, number));
        let _listeners = [b.listen(80), c.listen(80)];
        let _internet = namespace::within("internet", || std::net::TcpListener::bind("0.0.0.0:80")).unwrap();
        let to = [b.address, c.address, Ipv4Addr::new(8, 8, 8, 8)];
        let _open = to.map(|to| connect(Some(&a.name), to, 80, COMES).unwrap());
        let [b, c] = [&b.address.to_string(), &c.address.to_string()];
        assert!([b, c, "198.18.0.11"].iter().all(|address| connections(address) > 0));
        cloud.edit_port(1, |port| port.public.clear());
        cloud.edit_port(3, |port| port.public = vec![public("198.18.0.11", port.addresses[0])]);
        network.apply(&cloud.0).unwrap();
        assert_eq!(connections("198.18.0.11"), 0, "it stands for another now");
        assert!(connections(b) > 0 && connections(c) > 0, "others go on");
        cloud.0.pieces.remove(&PieceKey::Port(port_id(2)));
        network.apply(&cloud.0).unwrap();
        assert_eq!(connections(b), 0, "the port is gone");
        assert!(connections(c) > 0, "others go on");
        cloud.0.pieces.remove(&PieceKey::Port(port_id(3)));
        driver().apply(&cloud.0).unwrap();
        assert_eq!(connections(c), 0, "also where nothing is remembered of before");
    });
}

fn public(public: &str, private: Ipv4Addr) -> landfall_model::plan::PublicAddressPlan {
    landfall_model::plan::PublicAddressPlan { private, public: public.parse().unwrap() }
}
