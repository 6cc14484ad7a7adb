//! Flows that aren't tracked end with the rules that let them through; those that are tracked outlive them.

use std::net::TcpStream;
use std::time::Duration;

use super::*;

/// An open flow of TCP and one of UDP between two guests.
struct Flows {
    tcp: [TcpStream; 2],
    udp: [UdpSocket; 2],
}

impl Flows {
    fn open(from: &Guest, to: &Guest, port: u16) -> Self {
        let listener = to.listen(port);
        assert!(from.reaches(to.address, port), "{} to {}", from.name, to.name);
        listener.accept().unwrap();
        let here = connect(Some(&from.name), to.address, port, COMES).unwrap();
        let (there, _) = listener.accept().unwrap();
        let server = namespace::within(&to.name, || UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port))).unwrap();
        let client = namespace::within(&from.name, || UdpSocket::bind("0.0.0.0:0")).unwrap();
        client.connect((to.address, port)).unwrap();
        let address = arrives(&server, || _ = client.send(b"x").unwrap());
        server.connect(address).unwrap();
        arrives(&client, || _ = server.send(b"y").unwrap());
        let flows = Self { tcp: [here, there], udp: [client, server] };
        assert!(flows.go_on());
        flows
    }

    /// Whether all that is sent arrives, there and back.
    fn go_on(&self) -> bool {
        [(0, 1), (1, 0)].into_iter().all(|(from, to)| self.goes(from, to, COMES))
    }

    /// Whether nothing of it does: each way by itself.
    fn are_cut(&self, ways: &[(usize, usize)]) -> bool {
        ways.iter().all(|(from, to)| {
            self.udp[*to].set_read_timeout(Some(LOST)).unwrap();
            self.udp[*from].send(b"z").unwrap();
            self.udp[*to].recv(&mut [0; 9]).is_err() && !self.tcp_goes(*from, *to, LOST)
        })
    }

    fn goes(&self, from: usize, to: usize, within: Duration) -> bool {
        arrives(&self.udp[to], || _ = self.udp[from].send(b"z").unwrap());
        self.tcp_goes(from, to, within)
    }

    fn tcp_goes(&self, from: usize, to: usize, within: Duration) -> bool {
        self.tcp[to].set_read_timeout(Some(within)).unwrap();
        (&self.tcp[from]).write_all(b"z").unwrap();
        matches!((&self.tcp[to]).read(&mut [0; 9]), Ok(1..))
    }
}

/// What the rules of both sides of a flow are before and after, and whether it goes on, forth and back.
type Case = (&'static str, [GroupRulePlan; 2], [Vec<GroupRulePlan>; 2], bool, &'static [(usize, usize)]);

fn cases() -> Vec<Case> {
    let all = |block: &str| rule("-1", (-1, -1), from(block));
    let port = |protocol: &str, block: &str| rule(protocol, (5000, 5999), from(block));
    let some = |block: &str| vec![port("tcp", block), port("udp", block)];
    const FORTH: &[(usize, usize)] = &[(0, 1)];
    const BACK: &[(usize, usize)] = &[(1, 0)];
    vec![
        (
            "an open rule of the receiver goes",
            [all("0.0.0.0/0"), all("0.0.0.0/0")],
            [vec![], vec![anything()]],
            false,
            FORTH,
        ),
        (
            "a narrow rule of the receiver goes",
            [all("10.0.0.0/8"), all("0.0.0.0/0")],
            [vec![], vec![anything()]],
            true,
            &[],
        ),
        (
            "an open rule of the receiver goes, whose answers are allowed to some only",
            [all("0.0.0.0/0"), all("10.0.0.0/8")],
            [vec![], vec![]],
            true,
            &[],
        ),
        (
            "what let answers through goes",
            [all("0.0.0.0/0"), all("0.0.0.0/0")],
            [vec![anything()], vec![]],
            false,
            BACK,
        ),
        (
            "an open rule becomes one that still lets it in",
            [all("0.0.0.0/0"), all("0.0.0.0/0")],
            [some("10.0.0.0/8"), vec![anything()]],
            true,
            &[],
        ),
    ]
}

/// The group of the receiver changes, or that of the sender, which are alike but for the direction.
fn each_side(name: &str, has_router: bool) {
    on_own_machine(name, || {
        let mut cloud = Cloud::new();
        // The other side lets everything pass, and tracks it, since its rules are narrow.
        let narrow = || vec![rule("-1", (-1, -1), from("10.0.0.0/8"))];
        cloud.group(1, 1, narrow(), narrow()).group(2, 1, vec![], vec![]).group(3, 1, vec![], vec![]);
        cloud.port(1, 1, &[1], None).port(2, 2, &[2], None).port(3, 1, &[3], None);
        if has_router {
            cloud.port(4, 2, &[1], None).edit_port(4, |port| port.source_dest_check = false);
        }
        let network = driver();
        network.apply(&cloud.0).unwrap();
        let [other, receiver, sender] = [1, 2, 3].map(|number| Guest::start(&network, &cloud, number));
        let mut ports = 5000..;
        for (name, before, after, lives, cut) in cases() {
            let port = ports.next().unwrap();
            let [there, back] = before.map(|rule| vec![rule]);
            cloud.group(2, 1, there.clone(), back.clone()).group(3, 1, back, there);
            network.apply(&cloud.0).unwrap();
            let flows = [Flows::open(&other, &receiver, port), Flows::open(&sender, &other, port)];
            let [there, back] = after;
            cloud.group(2, 1, there.clone(), back.clone()).group(3, 1, back, there);
            network.apply(&cloud.0).unwrap();
            for (flows, side) in flows.iter().zip(["receiver", "sender"]) {
                if lives {
                    assert!(flows.go_on(), "{side}: {name}: it doesn't go on");
                } else {
                    assert!(flows.are_cut(cut), "{side}: {name}: it isn't cut");
                }
            }
            // What is new is asked about as ever.
            let listener = receiver.listen(6000);
            let enters =
                cloud.0.group(group_id(2)).is_some_and(|group| group.ingress.iter().any(|rule| *rule == anything()));
            assert_eq!(other.connect(receiver.address, 6000).is_ok(), enters, "{name}");
            drop(listener);
        }
    });
}

#[test]
fn flows_that_are_not_tracked_end_with_their_rule() {
    each_side("untracked::flows_that_are_not_tracked_end_with_their_rule", false);
}

#[test]
fn they_do_where_there_is_a_router() {
    each_side("untracked::they_do_where_there_is_a_router", true);
}

#[test]
fn from_outside_they_end_with_their_rule() {
    on_own_machine("untracked::from_outside_they_end_with_their_rule", || {
        uplink();
        let mut cloud = Cloud::new();
        cloud.group(1, 1, vec![anything()], vec![anything()]).port(1, 1, &[1], Some("198.18.0.11"));
        let network = driver();
        network.apply(&cloud.0).unwrap();
        let guest = Guest::start(&network, &cloud, 1);
        let (listener, outside) = (guest.listen(80), namespace::within("internet", || TcpListener::bind("0.0.0.0:80")));
        connect(None, [198, 18, 0, 11].into(), 80, COMES).unwrap();
        listener.accept().unwrap();
        let came = [connect(None, [198, 18, 0, 11].into(), 80, COMES).unwrap(), listener.accept().unwrap().0];
        assert!(guest.reaches([8, 8, 8, 8], 80));
        let outside = outside.unwrap();
        outside.accept().unwrap();
        let went = [connect(Some(&guest.name), [8, 8, 8, 8].into(), 80, COMES).unwrap(), outside.accept().unwrap().0];
        let goes = |[from, to]: [&TcpStream; 2], within: Duration| {
            let [mut from, mut to] = [from, to];
            to.set_read_timeout(Some(within)).unwrap();
            from.write_all(b"z").unwrap();
            matches!(to.read(&mut [0; 9]), Ok(1..))
        };
        for [one, other] in [&came, &went] {
            assert!(goes([one, other], COMES) && goes([other, one], COMES), "it goes on while its rules are there");
        }
        let some = || vec![rule("tcp", (80, 80), from("10.0.0.0/8"))];
        cloud.group(1, 1, some(), vec![anything()]);
        network.apply(&cloud.0).unwrap();
        assert!(!goes([&came[0], &came[1]], LOST), "what came in is cut");
        assert!(!goes([&went[1], &went[0]], LOST), "the answers to what went out are cut");
        cloud.group(1, 1, vec![anything()], vec![anything()]);
        network.apply(&cloud.0).unwrap();
        assert!(goes([&came[0], &came[1]], COMES) && goes([&went[0], &went[1]], COMES), "allowed again, it goes on");
    });
}
