//! Credentials of instances' roles: told to their guest alone, kept in memory alone, and by whoever serves.

use landfall_model::agent::Secret;
use landfall_model::delivery::{ProfilePlan, RoleCredentials, RolePlan, SessionKey};

use super::*;

const ROLE: &str = "/latest/meta-data/iam/security-credentials/web";

fn credentials(number: u32) -> RoleCredentials {
    let key = |version: u32| SessionKey {
        access_key: format!("ASIA{number}V{version}"),
        secret: Secret(format!("hidden-secret-{number}-{version}")),
        token: Secret(format!("hidden-token-{number}-{version}")),
    };
    RoleCredentials {
        role: format!("AROA{number}").parse().unwrap(),
        issued_at: Timestamp(1_795_341_600_000),
        expires_at: Timestamp(1_795_363_200_000),
        v1: key(1),
        v2: key(2),
    }
}

/// The plan of guests that all have a profile with a role of their own.
fn with_roles(world: &World, numbers: &[u32]) -> ServicePlan {
    let mut plan = world.plan(numbers);
    for number in numbers {
        let service = plan.instances.get_mut(&instance(*number)).unwrap();
        service.metadata.profile = Some(ProfilePlan {
            arn: "arn:aws:iam::123456789012:instance-profile/web".parse().unwrap(),
            id: "AIPAB7AYGWSTWQV2YFZXA".parse().unwrap(),
            since: Timestamp(1_795_341_600_000),
            role: RolePlan::Open { name: "web".into(), id: credentials(*number).role },
        });
    }
    plan
}

/// What a guest is told without a token.
fn told(world: &World, number: u32) -> Option<String> {
    let answer = within(&world.guest(number), || http(&format!("GET {ROLE} HTTP/1.1")))?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    head.starts_with("HTTP/1.1 200").then(|| body.to_owned())
}

fn assert_told(world: &World, number: u32) {
    let body = until("credentials", || told(world, number));
    assert!(body.contains(&format!("hidden-secret-{number}-1")), "{body}");
}

/// Whether a secret is in any file of the process's.
fn is_on_disk(folder: &Path) -> bool {
    std::fs::read_dir(folder).unwrap().flatten().any(|entry| {
        let path = entry.path();
        if path.is_dir() {
            return is_on_disk(&path);
        }
        std::fs::read(&path).is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains("hidden-"))
    })
}

#[test]
fn credentials_are_told_to_their_guest_and_kept_by_who_serves() {
    if !can_run("role") {
        return;
    }
    let mut world = World::new(upstream());
    for number in [1, 2, 3] {
        world.add_network(number);
        world.add_guest(number);
        world.configure(number);
    }
    world.start();
    let mut plan = with_roles(&world, &[1, 2]);
    plan.networks.extend(world.plan(&[3]).networks);
    plan.instances.extend(world.plan(&[3]).instances);
    assert_eq!(world.client.feed(&plan).unwrap(), [""; 0]);
    until("the metadata service", || within(&world.guest(1), || http("GET /latest/meta-data/instance-id HTTP/1.1")));
    assert_eq!(told(&world, 1), None, "none were lent yet");

    let all: BTreeMap<_, _> = [1, 2, 3].map(|number| (instance(number), credentials(number))).into();
    world.client.lend(&all).unwrap();
    assert_told(&world, 1);
    assert_told(&world, 2);
    assert_eq!(told(&world, 3), None, "it has no profile");
    assert!(!is_on_disk(world.folder.path()), "credentials are in memory alone");

    // A successor is handed them, and one that begins with nothing is lent them again.
    world.client.replace(|| world.spawn()).unwrap();
    assert_told(&world, 1);
    kill(&world);
    world.start();
    until("the metadata service", || within(&world.guest(1), || http("GET /latest/meta-data/instance-id HTTP/1.1")));
    assert_eq!(told(&world, 1), None, "they went with the process");
    world.client.lend(&all).unwrap();
    assert_told(&world, 1);
    assert!(!is_on_disk(world.folder.path()));

    let mut less = all.clone();
    less.remove(&instance(2));
    world.client.lend(&less).unwrap();
    assert_eq!(told(&world, 2), None, "what is taken back isn't told any more");
    assert_told(&world, 1);
    plan.instances.get_mut(&instance(1)).unwrap().metadata.profile.as_mut().unwrap().role =
        RolePlan::Open { name: "web".into(), id: credentials(2).role };
    world.client.feed(&plan).unwrap();
    assert_eq!(told(&world, 1), None, "another role has other credentials");
}
