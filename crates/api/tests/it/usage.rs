//! What accounts consumed.

use landfall_wire::Tree;

use crate::harness::{ACCOUNT, Case, Client, OTHER_ACCOUNT, Params, World, at, list, params};

const NOVEMBER: (&str, &str) = ("StartTime", "2026-11-01T00:00:00Z");

/// The cases of usage.
pub const CASES: &[Case] = &[Case {
    service: "landfall",
    action: "GetUsage",
    good: |client| {
        volume(client);
        params([NOVEMBER, ("AccountId", ACCOUNT)])
    },
    bad: &[
        (&[], "ValidationError"),
        (&[("StartTime", "yesterday")], "InvalidParameterValue"),
        (&[NOVEMBER, ("AccountId", "12")], "InvalidParameterValue"),
        (&[NOVEMBER, ("AccountId", "999999999999")], "InvalidAccountId.NotFound"),
        (&[NOVEMBER, ("EndTime", "2026-10-01T00:00:00Z")], "InvalidParameterValue"),
        (&[("StartTime", "2020-11-01T00:00:00Z")], "InvalidParameterValue"),
        (&[NOVEMBER, ("Marker", "forged")], "InvalidNextToken"),
    ],
    masked: &[],
    by: World::root,
}];

fn volume(client: &Client<'_>) -> String {
    let zone = ("AvailabilityZone", "us-east-1a");
    let shape = [zone, ("Size", "20"), ("VolumeType", "gp3"), ("Iops", "4000"), ("Throughput", "200")];
    at(&client.call("CreateVolume", &shape).tree(), "volumeId").to_owned()
}

fn usage(world: &World, more: &[(&str, &str)]) -> Vec<(String, String, String)> {
    let all: Params = params([NOVEMBER].into_iter().chain(more.iter().copied()));
    let answer = world.root().send("landfall", "GetUsage", &all);
    assert_eq!(answer.status, 200, "{}", answer.body);
    let tree = answer.tree();
    let field = |row: &Tree, name: &str| at(row, name).to_owned();
    let rows = list(&tree, "GetUsageResult.UsageRecords");
    rows.iter().map(|row| (field(row, "UsageType"), field(row, "Unit"), field(row, "Quantity"))).collect()
}

fn row(usage: &str, unit: &str, quantity: &str) -> (String, String, String) {
    (usage.into(), unit.into(), quantity.into())
}

#[test]
fn a_day_of_a_volume_is_a_thirtieth_of_novembers_price() {
    let world = World::new();
    let id = volume(&world.root());
    world.pass(86_400);
    let day = [
        row("EBS:VolumeUsage.gp3", "GB-Mo", "0.666666660"),
        row("EBS:VolumeP-IOPS.gp3", "IOPS-Mo", "33.333333000"),
        row("EBS:VolumeP-Throughput.gp3", "GiBps-mo", "0.002441406"),
    ];
    assert_eq!(usage(&world, &[]), day);
    assert_eq!(usage(&world, &[("AccountId", ACCOUNT), ("ByResource", "true")]), day);
    assert_eq!(usage(&world, &[("AccountId", OTHER_ACCOUNT)]), []);
    // From the call on it is paid for no more.
    assert_eq!(world.root().call("DeleteVolume", &[("VolumeId", &id)]).status, 200);
    world.pass(86_400);
    assert_eq!(usage(&world, &[]), day);
    assert_eq!(usage(&world, &[("EndTime", "2026-11-22T22:00:00Z")])[0].2, "0.333333320");
}

#[test]
fn usage_is_told_in_pages() {
    let world = World::new();
    let ids = [volume(&world.root()), volume(&world.root())];
    world.pass(3_600);
    let mut found = Vec::new();
    let mut marker = None::<String>;
    loop {
        let mut asked = params([NOVEMBER, ("ByResource", "true"), ("MaxItems", "2")]);
        asked.extend(marker.map(|marker| ("Marker".to_owned(), marker)));
        let tree = world.root().send("landfall", "GetUsage", &asked).tree();
        let rows = list(&tree, "GetUsageResult.UsageRecords");
        assert!(rows.len() <= 2);
        found.extend(rows.iter().map(|row| (at(row, "ResourceId").to_owned(), at(row, "UsageType").to_owned())));
        let result = crate::harness::find(&tree, "GetUsageResult").unwrap();
        marker = crate::harness::find(result, "Marker").and_then(Tree::as_text).map(str::to_owned);
        if marker.is_none() {
            break;
        }
    }
    assert_eq!(found.len(), 6);
    for id in ids {
        assert_eq!(found.iter().filter(|(resource, _)| *resource == id).count(), 3);
    }
    let all: std::collections::BTreeSet<_> = found.iter().collect();
    assert_eq!(all.len(), found.len(), "none comes twice");
}
