//! The provider's machines: registered, shown, changed, removed; by the operator alone.

use landfall_api::HostPresence;
use landfall_model::{InstanceState, Timestamp};

use crate::harness::{Case, World, nothing, params};

/// SHA-256 of nothing.
const HASH: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

const fn case(
    action: &'static str,
    good: fn(&crate::harness::Client<'_>) -> crate::harness::Params,
    bad: &'static [(&'static [(&'static str, &'static str)], &'static str)],
) -> Case {
    Case { service: "landfall", action, good, bad, masked: &[], by: World::root }
}

/// The cases of the provider's own service.
pub const CASES: &[Case] = &[
    case(
        "RegisterHost",
        |_| params([("HostName", "rack-1"), ("InvitationSha256", HASH), ("AvailabilityZone", "us-east-1b")]),
        &[
            (&[], "ValidationError"),
            (&[("HostName", "rack-1")], "ValidationError"),
            (&[("HostName", "-x"), ("InvitationSha256", HASH)], "InvalidParameterValue"),
            (&[("HostName", "rack 1"), ("InvitationSha256", HASH)], "InvalidParameterValue"),
            (&[("HostName", "rack-1"), ("InvitationSha256", "secret")], "InvalidParameterValue"),
            (
                &[("HostName", "rack-1"), ("InvitationSha256", HASH), ("AvailabilityZone", "eu-west-1a")],
                "InvalidParameterValue",
            ),
            (&[("HostName", "host-1"), ("InvitationSha256", HASH)], "HostAlreadyExists"),
        ],
    ),
    case("ListHosts", nothing, &[(&[("HostName", "rack-1")], "InvalidHostName.NotFound")]),
    case("ListNatGateways", crate::nat_gateway::with_one, &[(&[("Marker", "forged")], "InvalidNextToken")]),
    case(
        "UpdateHost",
        |_| params([("HostName", "host-1"), ("Schedulable", "false"), ("AvailabilityZone", "us-east-1c")]),
        &[
            (&[], "ValidationError"),
            (&[("HostName", "rack-1")], "InvalidHostName.NotFound"),
            (&[("HostName", "host-1"), ("AvailabilityZone", "eu-west-1a")], "InvalidParameterValue"),
        ],
    ),
    case(
        "DeregisterHost",
        |client| {
            let register = params([("HostName", "rack-1"), ("InvitationSha256", HASH)]);
            // Another account is refused, and has nothing to name then.
            client.send("landfall", "RegisterHost", &register);
            params([("HostName", "rack-1")])
        },
        &[(&[], "ValidationError"), (&[("HostName", "rack-1")], "InvalidHostName.NotFound")],
    ),
];

#[test]
fn hosts_are_the_operators_alone() {
    let world = World::new();
    for case in CASES {
        let good = (case.good)(&world.root());
        let answer = world.other().send("landfall", case.action, &good);
        assert_eq!((answer.status, answer.code().as_str()), (403, "AccessDenied"), "{}", case.action);
    }
}

#[test]
fn a_host_is_registered_anew_until_it_has_joined_and_takes_no_instances_before() {
    let world = World::new();
    let root = world.root();
    let send = |action: &str, pairs: &[(&str, &str)]| root.send("landfall", action, &params(pairs.iter().copied()));
    assert_eq!(send("UpdateHost", &[("HostName", "host-1"), ("Schedulable", "false")]).status, 200);
    for _ in 0..2 {
        assert_eq!(send("RegisterHost", &[("HostName", "rack-1"), ("InvitationSha256", HASH)]).status, 200);
    }
    let run = || {
        let image =
            [("ImageId", crate::harness::IMAGE), ("InstanceType", "t3.nano"), ("MinCount", "1"), ("MaxCount", "1")];
        root.call("RunInstances", &image)
    };
    assert_eq!(run().code(), "InsufficientInstanceCapacity");
    let joined = world.transact(|tx| landfall_cloud::host::join(tx, HASH, "its key"));
    assert_eq!(world.transact(|tx| landfall_cloud::host::join(tx, HASH, "another key")), None);
    let facts = world.transact(|tx| tx.hosts.iter().find(|row| row.schedulable).unwrap().facts.clone());
    assert_eq!((facts.name.as_str(), facts.memory_mib), ("rack-1", 0));
    world.transact(|tx| {
        let facts = landfall_model::HostFacts { memory_mib: 4096, cpus: 4, ..facts };
        landfall_cloud::host::take_facts(tx, joined.unwrap(), facts);
    });
    assert_eq!(run().status, 200);
    let code = |answer: crate::harness::Answer| answer.code();
    assert_eq!(code(send("DeregisterHost", &[("HostName", "rack-1")])), "DependencyViolation");
    let zone = [("HostName", "rack-1"), ("AvailabilityZone", "us-east-1b")];
    assert_eq!(code(send("UpdateHost", &zone)), "DependencyViolation");

    // What isn't heard gets nothing new.
    world.transact(|tx| landfall_cloud::host::set_lost(tx, joined.unwrap(), true, Timestamp(1)));
    let refused = run();
    assert!(refused.body.contains("no host of this zone answers"), "{}", refused.body);
    world.transact(|tx| landfall_cloud::host::set_lost(tx, joined.unwrap(), false, Timestamp(2)));
    assert_eq!(run().status, 200);
}

#[test]
fn an_instance_on_a_host_that_is_lost_is_impaired() {
    let world = World::new();
    let root = world.root();
    let image = [("ImageId", crate::harness::IMAGE), ("InstanceType", "t3.nano"), ("MinCount", "1"), ("MaxCount", "1")];
    root.ok("RunInstances", &image);
    world.transact(|tx| {
        let mut row = tx.instances.iter().next().unwrap().clone();
        row.status.state = InstanceState::Running;
        row.status.answered = true;
        tx.put::<landfall_cloud::value::Instances>(row);
    });
    let shows = |text: &str| root.call("DescribeInstanceStatus", &[]).body.contains(text);
    assert!(shows("<systemStatus><status>ok</status>") && shows("<instanceStatus><status>ok</status>"));
    world.set_presence(HostPresence::Lost);
    assert!(shows("<systemStatus><status>impaired</status>"));
    assert!(shows("<instanceStatus><status>insufficient-data</status>"));
    let filter = [("Filter.1.Name", "system-status.status"), ("Filter.1.Value.1", "ok")];
    let answer = root.call("DescribeInstanceStatus", &filter);
    assert!(!answer.body.contains("<item>"), "{}", answer.body);
}
