//! What ends the process doesn't end the answers.

use std::sync::Arc;

use landfall_node::metadata::client::ClientError;

use super::*;

/// A network with a guest, fed and served.
fn served_world() -> World {
    let mut world = World::new(upstream());
    world.add_network(1);
    world.add_guest(1);
    world.configure(1);
    world.start();
    assert_eq!(world.client.feed(&world.plan(&[1])).unwrap(), [""; 0]);
    world
}

/// Another client, which starts a process again as soon as none runs, in that way.
fn watch(world: &World, spawn: impl Fn() -> Command + Send + 'static) -> Arc<MetadataClient> {
    let watching = Arc::new(MetadataClient::new(Config::in_folder(world.folder.path()).control_socket));
    assert_eq!(watching.feed(&world.plan(&[1])).unwrap(), [""; 0]);
    watching.watch(spawn);
    watching
}

/// That all services answer the guest again.
fn assert_answers(world: &World) {
    within(&world.guest(1), || {
        until("metadata", || http("GET /latest/meta-data/instance-id HTTP/1.1"));
        assert_eq!(resolve(Ipv4Addr::new(10, 0, 0, 2), "ip-10-0-1-5.ec2.internal"), Some(ADDRESS));
        assert_eq!(dhcp(1, MessageType::Discover, &[]).expect("a lease").yiaddr(), ADDRESS);
    });
}

/// A process that is killed before it can answer anybody.
fn stillborn() -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "kill -KILL $$"]).stdin(Stdio::null());
    command
}

#[test]
fn a_process_that_is_killed_is_followed_by_another() {
    if !can_run("revival") {
        return;
    }
    let world = served_world();
    let (folder, upstream) = (world.folder.path().to_owned(), world.upstream);
    let watching = watch(&world, move || spawn(&folder, upstream));
    for _ in 0..3 {
        until("a process", || world.client.pid().ok());
        let killed = Instant::now();
        kill(&world);
        assert_answers(&world);
        eprintln!("all answer again after {:?}", killed.elapsed());
    }
    drop(watching);
}

#[test]
fn who_waits_for_a_successor_that_is_killed_is_told_so_at_once() {
    if !can_run("stillborn") {
        return;
    }
    let world = served_world();
    let first = world.client.pid().unwrap();
    // Not "it doesn't answer", which is said after long waiting.
    assert!(matches!(world.client.replace(stillborn), Err(ClientError::Ended)));
    assert_eq!(world.client.pid().unwrap(), first, "the one that runs was not disturbed");
    assert_answers(&world);
}

#[test]
fn successors_that_are_killed_before_they_answer_are_followed_by_one_that_does() {
    if !can_run("stillborns") {
        return;
    }
    let world = served_world();
    let (folder, upstream) = (world.folder.path().to_owned(), world.upstream);
    let started = Arc::new(AtomicU32::new(0));
    let watching = watch(&world, {
        let started = started.clone();
        move || match started.fetch_add(1, Ordering::Relaxed) {
            0..3 => stillborn(),
            _ => spawn(&folder, upstream),
        }
    });
    kill(&world);
    assert_answers(&world);
    assert_eq!(started.load(Ordering::Relaxed), 4, "one after another, and none too many");
    drop(watching);
}

#[test]
fn a_successor_that_is_killed_with_the_sockets_leaves_nobody_without_answers() {
    if !can_run("heir") {
        return;
    }
    let world = served_world();
    let (folder, upstream) = (world.folder.path().to_owned(), world.upstream);
    let watching = watch(&world, move || spawn(&folder, upstream));
    for round in 0..4 {
        until("a process", || world.client.pid().ok());
        // Killed at some moment of its start, before or after it has taken over.
        let replace = world.client.replace(|| {
            let mut command = Command::new("sh");
            let begin = format!("\"$0\" \"$@\" & sleep 0.0{round}; kill -KILL $!; wait");
            let real = world.spawn();
            command.args(["-c", &begin]).arg(real.get_program()).args(real.get_args()).stdin(Stdio::null());
            command.stdout(Stdio::null()).stderr(Stdio::null());
            command.envs(real.get_envs().filter_map(|(name, value)| Some((name, value?))));
            command
        });
        eprintln!("round {round}: {replace:?}");
        assert_answers(&world);
    }
    drop(watching);
}
