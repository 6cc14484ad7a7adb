//! What a thousand ports cost. It is said on standard error, since other tests run beside it.

use super::*;

const PORTS: u32 = 1000;

#[test]
fn one_port_more_among_a_thousand() {
    if !can_run("many") {
        return;
    }
    let mut world = World::new(upstream());
    world.add_network(1);
    let name = world.network(1);
    // Both ends of a cable are ports.
    let cable = |number: u32| {
        let (one, other) = (port_device(interface(number)), port_device(interface(number + 1)));
        format!("link add {one} up type veth peer name {other}\nlink set {other} up\n")
    };
    let lines: Vec<_> = (1..PORTS).step_by(2).map(cable).collect();
    let batch = world.folder.path().join("batch");
    std::fs::write(&batch, lines.concat()).unwrap();
    ip(&format!("-n {name} -batch {}", batch.display()));
    world.start();
    let mut plan = world.plan(&[]);
    let mut network = network_service(name);
    network.ipv6 = vec!["2001:db8::/56".parse().unwrap()];
    plan.networks.insert(1, network);
    let one = instance_service(1);
    let guest = |number: u32| {
        let mut service = one.clone();
        let port = &mut service.ports[0];
        port.id = interface(number);
        port.device = port_device(port.id);
        port.addresses = vec![Ipv4Addr::from(0x0a00_0100 + number)];
        port.ipv6 = vec![std::net::Ipv6Addr::from(0x2001_0db8 << 96 | u128::from(number))];
        service
    };
    plan.instances.extend((1..PORTS).map(|number| (instance(number), guest(number))));
    let took = |what: &str, act: &dyn Fn() -> Vec<String>| {
        let began = Instant::now();
        assert_eq!(act(), [""; 0]);
        let took = began.elapsed();
        eprintln!("{what}: {took:?}");
    };
    took("a thousand ports from nothing", &|| world.client.feed(&plan).unwrap());
    let mut more = plan.clone();
    more.instances.insert(instance(PORTS), guest(PORTS));
    took("one port more", &|| world.client.feed(&more).unwrap());
    took("one port less", &|| world.client.feed(&plan).unwrap());
    kill(&world);
    took("killed, started and fed again", &|| {
        world.start();
        world.client.feed(&plan).unwrap()
    });
    let status = std::fs::read_to_string(format!("/proc/{}/status", world.client.pid().unwrap())).unwrap();
    eprintln!("{}", status.lines().find(|line| line.starts_with("VmRSS")).unwrap());
}
