//! What ends the process doesn't end the answers.

use std::sync::Arc;

use super::*;

#[test]
fn a_process_that_is_killed_is_followed_by_another_within_a_second() {
    if !can_run("revival") {
        return;
    }
    let mut world = World::new(upstream());
    world.add_network(1);
    world.add_guest(1);
    world.configure(1);
    world.start();
    assert_eq!(world.client.feed(&world.plan(&[1])).unwrap(), [""; 0]);
    let watching = Arc::new(MetadataClient::new(Config::in_folder(world.folder.path()).control_socket));
    assert_eq!(watching.feed(&world.plan(&[1])).unwrap(), [""; 0]);
    let (folder, upstream) = (world.folder.path().to_owned(), world.upstream);
    watching.watch(move || spawn(&folder, upstream));
    let guest = world.guest(1);
    for _ in 0..3 {
        let pid = until_running(&world);
        let killed = Instant::now();
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
        within(&guest, || {
            let offered = |wait: Duration| loop {
                match dhcp(1, MessageType::Discover, &[]) {
                    None if killed.elapsed() < wait => {}
                    offer => return offer,
                }
            };
            // A client's own time-out of a second lies between two questions about a lease.
            while http("GET /latest/meta-data/instance-id HTTP/1.1").is_none() && killed.elapsed() < PATIENCE {
                std::thread::sleep(Duration::from_millis(10));
            }
            let took = killed.elapsed();
            assert!(took < Duration::from_secs(1), "{took:?}");
            assert_eq!(resolve(Ipv4Addr::new(10, 0, 0, 2), "ip-10-0-1-5.ec2.internal"), Some(ADDRESS));
            assert_eq!(offered(PATIENCE).expect("a lease").yiaddr(), ADDRESS);
            eprintln!("answers again after {took:?}");
        });
    }
    drop(watching);
}

fn until_running(world: &World) -> nix::unistd::Pid {
    let until = Instant::now() + PATIENCE;
    loop {
        match world.client.pid() {
            Ok(pid) => return nix::unistd::Pid::from_raw(i32::try_from(pid).unwrap()),
            Err(error) => assert!(Instant::now() < until, "{error}"),
        }
    }
}
