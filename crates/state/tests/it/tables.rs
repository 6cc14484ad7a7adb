//! Tables and indexes against a model that has none: a map, searched through.

use std::collections::BTreeMap;
use std::ops::Bound;

use landfall_state::{Engine, MemoryLog, Options, Snapshot};
use proptest::prelude::*;

use crate::town::{House, Houses, Purse, Purses, Town};

#[derive(Debug, Clone)]
enum Step {
    Put(House),
    Delete(u32),
    Retag(u32, Vec<u8>),
}

fn a_house() -> impl Strategy<Value = House> {
    let street = prop_oneof!["a", "b", "ab"].prop_map(String::from);
    (0u32..40, street, prop::collection::vec(0u8..4, 0..4), prop::option::of(0i64..9))
        .prop_map(|(number, street, tags, painted_at)| House { number, street, tags, painted_at, worth: 0 })
}

fn a_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => a_house().prop_map(Step::Put),
        2 => (0u32..40).prop_map(Step::Delete),
        1 => (0u32..40, prop::collection::vec(0u8..4, 0..4)).prop_map(|(number, tags)| Step::Retag(number, tags)),
    ]
}

/// Transactions, each with whether it is to succeed.
fn transactions() -> impl Strategy<Value = Vec<(bool, Vec<Step>)>> {
    prop::collection::vec((prop::bool::weighted(0.7), prop::collection::vec(a_step(), 0..8)), 1..30)
}

fn apply(model: &mut BTreeMap<u32, House>, step: &Step) {
    match step {
        Step::Put(house) => drop(model.insert(house.number, house.clone())),
        Step::Delete(number) => drop(model.remove(number)),
        Step::Retag(number, tags) => {
            if let Some(house) = model.get_mut(number) {
                house.tags = tags.clone();
            }
        }
    }
}

fn agree(town: &Snapshot<Town>, model: &BTreeMap<u32, House>) {
    let numbers = |houses: Vec<&House>| houses.into_iter().map(|house| house.number).collect::<Vec<_>>();
    let matching = |test: &dyn Fn(&House) -> bool| {
        model.values().filter(|house| test(house)).map(|house| house.number).collect::<Vec<_>>()
    };
    assert_eq!(town.houses.iter().collect::<Vec<_>>(), model.values().collect::<Vec<_>>());
    assert_eq!(town.houses.len(), model.len());
    for number in 0..40 {
        assert_eq!(town.houses.get(&number), model.get(&number));
    }
    let within = (Bound::Excluded(5), Bound::Included(20));
    assert_eq!(
        town.houses.range::<u32>(within).collect::<Vec<_>>(),
        model.range(within).map(|(_, house)| house).collect::<Vec<_>>()
    );
    for street in ["", "a", "ab", "b", "c"].map(String::from) {
        let expected = matching(&|house| house.street == street);
        assert_eq!(numbers(town.houses.by_street(&street).collect()), expected);
        assert_eq!(town.houses.by_street.count(&street), expected.len());
        let mut backwards = numbers(town.houses.by_street(&street).rev().collect());
        backwards.reverse();
        assert_eq!(backwards, expected);
    }
    for tag in 0..5 {
        let expected = matching(&|house| house.tags.contains(&tag));
        assert_eq!(numbers(town.houses.by_tag(&tag).collect()), expected);
        assert_eq!(town.houses.by_tag.count(&tag), expected.len());
        for (low, high) in [(Bound::Included(tag), Bound::Excluded(3)), (Bound::Excluded(tag), Bound::Unbounded)] {
            let mut pairs: Vec<(u8, u32)> = model
                .values()
                .flat_map(|house| house.tags.iter().map(|tag| (*tag, house.number)))
                .filter(|(tag, _)| std::ops::RangeBounds::contains(&(low, high), tag))
                .collect();
            pairs.sort_unstable();
            pairs.dedup();
            let inverted = matches!((low, high), (Bound::Included(low), Bound::Excluded(high)) if low > high);
            if !inverted {
                assert_eq!(
                    town.houses.by_tag.range((low, high)).map(|(tag, number)| (*tag, *number)).collect::<Vec<_>>(),
                    pairs
                );
            }
        }
    }
    for now_ms in -1..10 {
        let mut expected: Vec<_> = model
            .values()
            .filter_map(|house| house.painted_at.filter(|at| *at <= now_ms).map(|at| (at, house.number)))
            .collect();
        expected.sort_unstable();
        let due: Vec<_> =
            town.houses.due_until(now_ms).map(|house| (house.painted_at.unwrap(), house.number)).collect();
        assert_eq!(due, expected);
    }
    assert_eq!(town.houses.next_due(), model.values().filter_map(|house| house.painted_at).min());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn tables_agree_with_a_plain_map(transactions in transactions()) {
        let engine: Engine<Town> = Engine::open(Box::new(MemoryLog::new()), Options::default()).unwrap();
        let mut model = BTreeMap::new();
        for (succeeds, steps) in transactions {
            let before = engine.read();
            let mut changed = model.clone();
            steps.iter().for_each(|step| apply(&mut changed, step));
            let outcome = engine.commit(|head| head.transact(0, None, |tx| {
                for step in &steps {
                    match step {
                        Step::Put(house) => tx.put::<Houses>(house.clone()),
                        Step::Delete(number) => drop(tx.delete::<Houses>(number)),
                        Step::Retag(number, tags) => {
                            tx.update::<Houses, _>(number, |house| house.tags.clone_from(tags));
                        }
                    }
                }
                tx.put::<Purses>(Purse { owner: "x".to_owned(), coins: 1 });
                if succeeds { Ok(()) } else { Err(()) }
            }));
            prop_assert_eq!(outcome.wait().unwrap().is_ok(), succeeds);
            agree(&before, &model);
            if succeeds {
                model = changed;
            }
            agree(&engine.read(), &model);
            prop_assert_eq!(engine.read().revision, before.revision + u64::from(succeeds));
        }
    }
}
