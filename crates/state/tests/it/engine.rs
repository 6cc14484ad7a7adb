//! Transactions, answers and reading.

use std::convert::Infallible;

use landfall_state::{Engine, MemoryLog, Options};

use crate::town::{House, Houses, Town, house};

fn engine() -> Engine<Town> {
    Engine::open(Box::new(MemoryLog::new()), Options::default()).unwrap()
}

#[test]
fn a_failing_transaction_leaves_nothing() {
    let engine = engine();
    let build = |number| {
        engine.commit(move |head| {
            head.transact(5, None, |tx| {
                tx.put::<Houses>(house(number, "Elm"));
                Ok::<_, Infallible>(tx.revision())
            })
        })
    };
    assert_eq!(build(1).wait().unwrap(), Ok(1));
    assert_eq!(build(2).wait().unwrap(), Ok(2));
    let failed = engine.commit(|head| {
        head.transact(9, None, |tx| {
            tx.put::<Houses>(House { painted_at: Some(3), ..house(3, "Elm") });
            tx.update::<Houses, _>(&1, |house| house.street = "Oak".to_owned());
            tx.delete::<Houses>(&2);
            assert_eq!(tx.houses.len(), 2);
            assert_eq!(tx.houses.next_due(), Some(3));
            Err::<(), _>("no")
        })
    });
    assert_eq!(failed.wait().unwrap(), Err("no"));
    let town = engine.read();
    assert_eq!((town.revision, town.time_ms), (2, 5));
    assert_eq!(town.houses.by_street(&"Elm".to_owned()).map(|house| house.number).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(town.houses.by_street.count(&"Elm".to_owned()), 2);
    assert_eq!(town.houses.by_street.count(&"Oak".to_owned()), 0);
    assert_eq!(town.houses.next_due(), None);
    assert_eq!(engine.health().head, 2);
}
