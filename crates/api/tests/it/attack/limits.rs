//! How often somebody may call, and how often fail.

use landfall_api::Throttling;

use super::{deliver, ok, signed, user};
use crate::harness::{ACCOUNT, Answer, Client, Signed, World};

fn aws() -> Throttling {
    Throttling { percent: 100, ..Throttling::default() }
}

/// Calls until it is throttled; how often that went well, and the refusal.
fn until_throttled(call: impl Fn() -> Answer) -> (usize, Answer) {
    for n in 0..2_000 {
        let answer = call();
        if answer.status != 200 {
            return (n, answer);
        }
    }
    panic!("nothing is throttled");
}

#[test]
fn each_action_of_an_account_has_its_bucket_in_each_region() {
    let world = World::throttled(aws());
    let root = world.root();
    let count = |client: &Client<'_>, action| until_throttled(|| client.call(action, &[]));
    let (n, refused) = count(&root, "DescribeAvailabilityZones");
    assert_eq!((n, refused.status, refused.code().as_str()), (100, 503, "RequestLimitExceeded"));
    assert_eq!(refused.message(), "Request limit exceeded.");
    assert_eq!(count(&root, "DescribeVolumes").0, 50, "nothing filters it");
    assert_eq!(count(&world.root().at("eu-west-1"), "DescribeAvailabilityZones").0, 100, "another region");
    assert_eq!(count(&world.other(), "DescribeAvailabilityZones").0, 100, "another account");
    let mallory = user(&root, &world, "mallory");
    assert_eq!(
        mallory.call("DescribeAvailabilityZones", &[]).code(),
        "RequestLimitExceeded",
        "all of an account share it"
    );
    world.pass(1);
    assert_eq!(count(&root, "DescribeAvailabilityZones").0, 20);
    let many =
        [("ImageId", crate::harness::IMAGE), ("MinCount", "1"), ("MaxCount", "1001"), ("InstanceType", "t3.nano")];
    assert_eq!(root.call("RunInstances", &many).code(), "RequestLimitExceeded", "as many resources at once");
}

#[test]
fn other_services_have_their_own_words_and_rates() {
    let world = World::throttled(aws());
    let root = world.root();
    let (n, refused) = until_throttled(|| root.send("sts", "GetCallerIdentity", &[]));
    assert_eq!((n, refused.status, refused.code().as_str()), (600, 400, "Throttling"));
    assert_eq!(refused.message(), "Rate exceeded");
    assert_eq!(until_throttled(|| root.send("iam", "ListUsers", &[])).1.code(), "Throttling");
    let (n, refused) = until_throttled(|| root.send("cloudtrail", "LookupEvents", &[]));
    assert_eq!((n, refused.code().as_str()), (2, "ThrottlingException"));
}

#[test]
fn calls_that_nobody_signs_are_counted_by_where_they_come_from() {
    let world = World::throttled(aws());
    let asked = signed(&world.client("", "", None), "sts", "AssumeRoleWithWebIdentity", "2011-06-15");
    let codes = |source, n| (0..n).map(|_| deliver(&world, &asked, source).code()).collect::<Vec<_>>();
    let said = codes(1, 110);
    assert!(said[..100].iter().all(|code| code == "ValidationError"), "{said:?}");
    assert!(said[100..].iter().all(|code| code == "Throttling"), "{said:?}");
    assert_eq!(codes(2, 1), ["ValidationError"], "from somewhere else");
    world.pass(1);
    let said = codes(1, 11);
    assert!(said[..10].iter().all(|code| code == "ValidationError") && said[10] == "Throttling", "{said:?}");
}

#[test]
fn the_provider_says_how_much_an_account_may() {
    let accounts = [(ACCOUNT.parse().unwrap(), 10)].into();
    let world = World::throttled(Throttling { percent: 0, accounts });
    assert_eq!(until_throttled(|| world.root().call("DescribeAvailabilityZones", &[])).0, 10);
    for _ in 0..500 {
        world.other().ok("DescribeAvailabilityZones", &[]);
    }
}

#[test]
fn who_fails_to_prove_himself_waits_and_locks_out_nobody() {
    let world = World::new();
    let good = signed(&world.root(), "ec2", "DescribeVpcs", "2016-11-15");
    let mut liar = world.root();
    liar.secret = "another".into();
    let bad = signed(&liar, "ec2", "DescribeVpcs", "2016-11-15");
    let codes = |n| (0..n).map(|_| deliver(&world, &bad, 1).code()).collect::<Vec<_>>();
    let said = codes(40);
    assert!(said[..30].iter().all(|code| code == "AuthFailure"), "{said:?}");
    assert!(said[30..].iter().all(|code| code == "RequestLimitExceeded"), "{said:?}");
    assert_eq!(deliver(&world, &good, 1).status, 200, "the key's owner at the liar's address");
    assert_eq!(deliver(&world, &bad, 1).code(), "RequestLimitExceeded", "which wipes out nothing");
    assert_eq!(deliver(&world, &good, 2).status, 200, "the key's owner is somewhere else");
    let alice = user(&world.root(), &world, "alice");
    ok(&alice, "sts", "GetCallerIdentity", &[]);
    let hers = signed(&alice, "sts", "GetCallerIdentity", "2011-06-15");
    assert_eq!(deliver(&world, &hers, 1).status, 200, "another key at the liar's address");
    // Now with a key of another name each time, until the address itself has failed too often.
    for n in 0..400 {
        liar.access_key = format!("AKIA{n}");
        deliver(&world, &signed(&liar, "ec2", "DescribeVpcs", "2016-11-15"), 1);
    }
    assert_eq!(deliver(&world, &hers, 1).status, 200);
    assert_eq!(deliver(&world, &good, 1).status, 200);
    let bob = user(&world.root(), &world, "bob");
    let his = signed(&bob, "sts", "GetCallerIdentity", "2011-06-15");
    assert_eq!(deliver(&world, &his, 1).status, 200, "a key that was never seen there");
    assert_eq!(deliver(&world, &bad, 1).code(), "RequestLimitExceeded");
    world.pass(30);
    let good = signed(&world.root(), "ec2", "DescribeVpcs", "2016-11-15");
    assert_eq!(deliver(&world, &good, 1).status, 200);
    let bad = signed(&liar, "ec2", "DescribeVpcs", "2016-11-15");
    assert_eq!(deliver(&world, &bad, 1).code(), "AuthFailure", "not for ever");
    // What is late or unsigned is no attempt.
    let bare = Signed { headers: http::HeaderMap::new(), ..good };
    for _ in 0..1_000 {
        assert_eq!(deliver(&world, &bare, 4).code(), "MissingAuthenticationToken");
    }
}
