//! States that pass without a host's doing: before the next request where all is settled at once, else by the clockwork.

use std::time::Duration;

use landfall_testkit::client::{list, params, text};
use landfall_testkit::{Mode, World, WorldOptions};
use landfall_wire::Tree;

fn call(world: &mut World, action: &str, call: &[(&str, &str)]) -> Tree {
    let client = world.clients()[0].clone();
    world.call(&client, action, &params(call.iter().copied())).unwrap()
}

fn state(world: &mut World, id: &str) -> Option<String> {
    let tree = call(world, "DescribeNatGateways", &[]);
    let row = list(&tree, "natGatewaySet").iter().find(|row| text(row, "natGatewayId") == Some(id))?.clone();
    text(&row, "state").map(str::to_owned)
}

#[test]
fn a_gateway_that_is_made_is_there_by_the_next_request() {
    for mode in [Mode::Settled, Mode::Protocol] {
        let mut world = World::new(11, WorldOptions { mode, hosts: 1, ..WorldOptions::default() });
        let subnets = call(&mut world, "DescribeSubnets", &[]);
        let subnet = text(&list(&subnets, "subnetSet")[0], "subnetId").unwrap().to_owned();
        let order = [("SubnetId", subnet.as_str()), ("ConnectivityType", "private")];
        let tree = call(&mut world, "CreateNatGateway", &order);
        let made = tree.field("natGateway").unwrap();
        assert_eq!(text(made, "state"), Some("pending"));
        let id = text(made, "natGatewayId").unwrap().to_owned();
        let wait = |world: &mut World| {
            if mode == Mode::Protocol {
                world.pass(Duration::from_secs(2));
            }
        };
        wait(&mut world);
        assert_eq!(state(&mut world, &id).as_deref(), Some("available"), "{mode:?}");
        call(&mut world, "DeleteNatGateway", &[("NatGatewayId", &id)]);
        wait(&mut world);
        assert_eq!(state(&mut world, &id).as_deref(), Some("deleted"), "{mode:?}");
        let left = world.mirror().cloud().interfaces.by_subnet(&subnet.parse().unwrap()).count();
        assert_eq!(left, 0, "its interface is left over");
        world.pass(Duration::from_secs(3605));
        assert_eq!(state(&mut world, &id), None, "{mode:?}: shown for ever");
    }
}
