//! What one more interface or rule takes on a host that has many.

use std::time::Instant;

use landfall_model::plan::{HostPlan, PeerPlan};
use landfall_model::{Cidr, IpProtocol, Ipv4Cidr};
use landfall_node::driver::Network;
use landfall_node::network::HostNetwork;

use crate::plans::{MEASURED, MEMBERS, add_port, anything, group_id, networks, rule, set_group};
use crate::stand::{driver, run};
use crate::{Outcome, median};

const ROUNDS: u32 = 15;

pub fn measure() -> Outcome<()> {
    println!("milliseconds, medians of {ROUNDS}");
    println!("{:<34}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}", "", "more", "less", "rule", "nothing", "rules", "all");
    for (ports, count) in [(10, 1), (1000, 1), (4000, 1), (10, 10), (1000, 100)] {
        let all = Instant::now();
        let network = driver();
        let mut plan = networks(count)?;
        // They are all let in by reference to the group that they are in.
        set_group(&mut plan, MEMBERS, vec![rule(IpProtocol::TCP, 80, 90, PeerPlan::Group(group_id(MEMBERS)))]);
        for number in 1..=ports {
            add_port(&mut plan, number, 1 + number % count, &[MEMBERS]);
        }
        network.apply(&plan)?;
        let all = all.elapsed().as_secs_f64() * 1e3;
        let rules = rules_alone(&plan, count)?;
        // Another driver loaded them, which the first notices once.
        one_more(&network, &mut plan, ports + 100, count)?;
        let (mut more, mut less, mut changed, mut nothing) = (vec![], vec![], vec![], vec![]);
        for round in 0..ROUNDS {
            let [came, went] = one_more(&network, &mut plan, ports + 101 + round, count)?;
            more.push(came);
            less.push(went);
            let block = Cidr::V4(Ipv4Cidr::new([192, 168, u8::try_from(round)?, 0].into(), 24).ok_or("no block")?);
            let rules = vec![anything(), rule(IpProtocol::TCP, 80, 80, PeerPlan::Cidr(block))];
            set_group(&mut plan, MEASURED, rules.clone());
            set_group(&mut plan, MEMBERS, {
                let members = rule(IpProtocol::TCP, 80, 90, PeerPlan::Group(group_id(MEMBERS)));
                vec![members, rule(IpProtocol::TCP, 443, 443, PeerPlan::Cidr(block))]
            });
            changed.push(timed(&network, &plan)?);
            plan.revision += 1;
            nothing.push(timed(&network, &plan)?);
        }
        let [more, less, changed, nothing] = [more, less, changed, nothing].map(|times| median(&times));
        let name = format!("{ports} interfaces in {count} networks");
        println!("{name:<34}{more:>9.1}{less:>9.1}{changed:>9.1}{nothing:>9.2}{rules:>9.0}{all:>9.0}");
        driver().apply(&HostPlan::default())?;
    }
    println!(
        "more, less: an interface comes, goes; rule: one more rule in the group of all; nothing: what is no network's"
    );
    println!("rules: all rules of a host that has all else; all: everything from nothing");
    Ok(())
}

fn timed(network: &HostNetwork, plan: &HostPlan) -> Outcome<f64> {
    let begin = Instant::now();
    network.apply(plan)?;
    Ok(begin.elapsed().as_secs_f64() * 1e3)
}

/// A port comes and goes.
fn one_more(network: &HostNetwork, plan: &mut HostPlan, number: u32, count: u32) -> Outcome<[f64; 2]> {
    let key = add_port(plan, number, 1 + number % count, &[MEMBERS]);
    let more = timed(network, plan)?;
    plan.pieces.remove(&key);
    Ok([more, timed(network, plan)?])
}

/// The rules of all networks, loaded where there are none: by a driver that knows nothing, less what it takes to look at
/// all that is there.
fn rules_alone(plan: &HostPlan, count: u32) -> Outcome<f64> {
    let again = driver();
    again.apply(plan)?;
    let look = timed(&again, plan)?;
    for number in 1..=count {
        run("ip", &format!("netns exec lf-{number} nft flush ruleset"))?;
    }
    Ok(timed(&driver(), plan)? - look)
}
