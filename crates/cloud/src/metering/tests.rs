use super::*;

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn reading(revision: u64, at: &str, resource: &str, measures: &[(UsageType, u64)]) -> Reading {
    Reading {
        revision,
        at: time(at),
        account: "111122223333".parse().unwrap(),
        region: Region::DEFAULT,
        resource: resource.to_owned(),
        measures: measures.iter().copied().collect(),
    }
}

fn told(readings: &[Reading], from: &str, to: &str) -> Vec<(UsageType, String)> {
    let sums = usage(readings.iter().cloned(), (time(from), time(to)), false);
    sums.into_iter().map(|(item, sum)| (item.usage, quantity(sum))).collect()
}

#[test]
fn half_a_month_of_a_volume_is_half_of_what_it_has() {
    let all = [(UsageType::Gp3, 100), (UsageType::Gp3Iops, 1000), (UsageType::Gp3Throughput, 256)];
    let readings =
        [reading(5, "2026-11-01T00:00:00Z", "vol-1", &all), reading(9, "2026-11-16T00:00:00Z", "vol-1", &[])];
    let half = [
        (UsageType::Gp3, "50.000000000".to_owned()),
        (UsageType::Gp3Iops, "500.000000000".to_owned()),
        (UsageType::Gp3Throughput, "0.125000000".to_owned()),
    ];
    assert_eq!(told(&readings, "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"), half);
    assert_eq!(told(&readings, "2026-11-16T00:00:00Z", "2026-12-01T00:00:00Z"), []);
}

#[test]
fn each_month_has_its_own_length() {
    let readings = [reading(1, "2026-01-01T00:00:00Z", "vol-1", &[(UsageType::Gp2, 28 * 31)])];
    let one_day = |day: &str, next: &str| told(&readings, day, next)[0].1.clone();
    // Of February's 28 days one, of March's 31 one; billionths are cut off.
    assert_eq!(one_day("2026-02-03T00:00:00Z", "2026-02-04T00:00:00Z"), "30.999999380");
    assert_eq!(one_day("2026-03-03T00:00:00Z", "2026-03-04T00:00:00Z"), "27.999999552");
    assert_eq!(one_day("2026-02-01T00:00:00Z", "2026-04-01T00:00:00Z"), "1736.000000000");
}

#[test]
fn a_change_counts_from_when_it_was_made_and_twice_told_is_once() {
    let mut readings = vec![
        reading(1, "2026-11-01T00:00:00Z", "vol-1", &[(UsageType::Gp3, 10)]),
        reading(7, "2026-11-16T00:00:00Z", "vol-1", &[(UsageType::Io2, 30), (UsageType::Io2Iops, 600)]),
        // All was read at revision 7, a moment after it.
        reading(7, "2026-11-17T00:00:00Z", "vol-1", &[(UsageType::Io2, 30), (UsageType::Io2Iops, 600)]),
        reading(1, "2026-11-01T00:00:00Z", "vol-1", &[(UsageType::Gp3, 10)]),
    ];
    let november = ("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z");
    let expected = [
        (UsageType::Gp3, "5.000000000".to_owned()),
        (UsageType::Io2, "15.000000000".to_owned()),
        (UsageType::Io2Iops, "300.000000000".to_owned()),
    ];
    assert_eq!(told(&readings, november.0, november.1), expected);
    readings.reverse();
    assert_eq!(told(&readings, november.0, november.1), expected);
}

#[test]
fn what_a_period_comes_to_is_what_its_parts_come_to() {
    // A small generator of our own: the test must be the same everywhere.
    let mut state = 7_u64;
    let mut next = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let start = time("2026-01-20T00:00:00Z").0;
    let kinds = [UsageType::Gp3, UsageType::Standard, UsageType::Snapshot];
    for _ in 0..200 {
        let mut at = start;
        let mut readings = Vec::new();
        for revision in 0..next(40) {
            at += next(5 * 86_400_000).cast_signed();
            let measures = kinds.iter().map(|kind| (*kind, next(3) * (1 << 30))).filter(|(_, n)| *n > 0);
            let measures: Vec<_> = measures.collect();
            let mut one = reading(revision, "2026-01-01T00:00:00Z", &format!("vol-{}", next(4)), &measures);
            one.at = Timestamp(at);
            readings.push(one);
        }
        let end = Timestamp(at + 86_400_000);
        let middle = Timestamp(start + next((end.0 - start).cast_unsigned()).cast_signed());
        let sum = |from: Timestamp, to: Timestamp| usage(readings.iter().cloned(), (from, to), true);
        let (first, second) = (sum(Timestamp(start), middle), sum(middle, end));
        for (item, whole) in sum(Timestamp(start), end) {
            let parts = first.get(&item).unwrap_or(&0) + second.get(&item).unwrap_or(&0);
            // A billionth of a month may be cut off at each end of each span, times what there is.
            let slack = 200 * (1_u128 << 31) / u128::from(item.usage.unit().1);
            assert!(parts.abs_diff(whole) <= slack, "{item:?}: {parts} and {whole}");
        }
    }
}

#[test]
fn names_are_read_as_they_are_written() {
    for usage in
        [UsageType::Standard, UsageType::Io1, UsageType::Io1Iops, UsageType::Gp3Throughput, UsageType::Snapshot]
    {
        assert_eq!(UsageType::of_name(usage.name()), Some(usage));
        assert_eq!(serde_json::to_string(&usage).unwrap(), format!("{:?}", usage.name()));
    }
    assert_eq!(UsageType::of_name("EBS:Nothing"), None);
    let mark = Record::Mark { revision: 4, at: time("2026-11-01T00:00:00Z") };
    let text = serde_json::to_string(&mark).unwrap();
    assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), mark);
    let one = Record::Reading(reading(4, "2026-11-01T00:00:00Z", "vol-1", &[(UsageType::Sc1, 125)]));
    let text = serde_json::to_string(&one).unwrap();
    assert_eq!(
        text,
        r#"{"r":4,"t":1793491200000,"a":"111122223333","g":"us-east-1","i":"vol-1","m":{"EBS:VolumeUsage.sc1":125}}"#
    );
    assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), one);
}
