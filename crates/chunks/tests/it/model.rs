//! What is read is what was written, over chains of snapshots, by many threads and by none.

use std::collections::BTreeSet;
use std::sync::Arc;

use landfall_chunks::{
    BLOCK_BYTES, Difference, Domain, Error, Keys, Manifest, Memory, Options, Root, Session, Store, Writer,
};
use landfall_chunks::{collect, own_bytes, scrub};

use crate::{Model, Rng, block, contents, inline, noise, store, view};

fn differing(a: &Model, b: &Model, from: u64) -> Vec<u64> {
    let all: BTreeSet<u64> = a.keys().chain(b.keys()).copied().collect();
    all.into_iter().filter(|at| *at >= from && a.get(at) != b.get(at)).collect()
}

fn found(a: &Manifest, b: &Manifest, from: u64) -> Vec<u64> {
    a.differences(b, from).unwrap().map(|found| found.unwrap().block).collect()
}

/// Snapshots of volumes of all sizes, with changes anywhere, against a map.
#[test]
fn a_chain_of_snapshots_reads_as_its_model_says() {
    for seed in 0..30 {
        let mut rng = Rng::new(seed);
        let objects = Arc::new(Memory::default());
        let store = store(objects.clone());
        let mut blocks = [200, 256, 257, 65_536, 65_537][rng.below(5) as usize];
        let mut snapshots: Vec<(Root, Model)> = Vec::new();
        for session in 0..6 {
            let parent = if rng.one_in(5) { None } else { snapshots.last().cloned() };
            let mut model = parent.as_ref().map(|(_, model)| model.clone()).unwrap_or_default();
            if rng.one_in(3) {
                blocks = (blocks * (1 + rng.below(300))).min(1 << 32);
            }
            let base = parent.map(|(root, _)| Arc::new(Manifest::open(&store, &root).unwrap()));
            let threads = if rng.one_in(2) { Some(3) } else { Some(0) };
            let options = Options { threads, open_leaves: 1 + rng.below(3) as usize, ..Options::default() };
            let writer = Writer::begin(&store, Session(session), blocks, base, options).unwrap();
            for _ in 0..rng.below(40) {
                // Near each other, at the edges, and anywhere.
                let at = match rng.below(3) {
                    0 => rng.below(blocks.min(600)),
                    1 => blocks - 1 - rng.below(blocks.min(3)),
                    _ => rng.below(blocks),
                };
                let value = rng.below(6) as u8;
                if value == 0 {
                    model.remove(&at);
                    if rng.one_in(2) { writer.zero(at).unwrap() } else { writer.write(at, block(0)).unwrap() }
                } else {
                    model.insert(at, value);
                    writer.write(at, block(value)).unwrap();
                }
            }
            let (root, _) = writer.commit().unwrap();
            objects.lose_power();
            snapshots.push((root, model));
        }
        for (root, model) in &snapshots {
            assert_eq!(&contents(&store, root, Some(3)).unwrap(), model, "seed {seed}");
            let manifest = Manifest::open(&store, root).unwrap();
            for at in [0, 1, 255, 256, blocks / 2, blocks - 1].into_iter().filter(|at| *at < manifest.blocks()) {
                let read = manifest.read(at).unwrap().map(|contents| contents[0]);
                assert_eq!(read, model.get(&at).copied(), "seed {seed} block {at}");
                let from: Vec<u64> = manifest.chunks(at).map(|chunk| chunk.unwrap().0).collect();
                assert_eq!(from, model.range(at..).map(|(at, _)| *at).collect::<Vec<_>>(), "seed {seed} from {at}");
            }
        }
        for (a, was) in &snapshots {
            for (b, is) in &snapshots {
                let (a, b) = (Manifest::open(&store, a).unwrap(), Manifest::open(&store, b).unwrap());
                for from in [0, 256, blocks / 3] {
                    assert_eq!(found(&a, &b, from), differing(was, is, from), "seed {seed} from {from}");
                }
            }
        }
        // What each has of its own comes to what all have together, and of one alone it is all that it has, once.
        let roots: Vec<Root> = snapshots.iter().map(|(root, _)| *root).collect();
        let own = own_bytes(&store, &roots).unwrap();
        let alone = own_bytes(&store, &roots[..1]).unwrap();
        assert_eq!(alone[0], own[0], "seed {seed}");
        let distinct = |model: &Model| model.values().collect::<BTreeSet<_>>().len() as u64 * BLOCK_BYTES as u64;
        assert_eq!(own[0], distinct(&snapshots[0].1), "seed {seed}");
        let mut twice = roots.clone();
        twice.extend(&roots);
        let again = own_bytes(&store, &twice).unwrap();
        assert_eq!(again[..own.len()], own, "seed {seed}");
        assert!(again[own.len()..].iter().all(|bytes| *bytes == 0), "seed {seed}");
        // In any order, each deletion leaves the others whole, and the last leaves nothing.
        while !snapshots.is_empty() {
            snapshots.swap_remove(rng.below(snapshots.len() as u64) as usize);
            collect(&store, &view(snapshots.iter().map(|(root, _)| *root), 6)).unwrap();
            let roots: Vec<Root> = snapshots.iter().map(|(root, _)| *root).collect();
            assert!(scrub(&store, &roots).unwrap().damages.is_empty(), "seed {seed}");
            assert_eq!(snapshots.is_empty(), objects.keys().is_empty(), "seed {seed}");
        }
    }
}

#[test]
fn a_small_change_of_a_large_volume_is_a_small_snapshot() {
    let objects = Arc::new(Memory::default());
    let store = store(objects.clone());
    let blocks = (16 << 40) / BLOCK_BYTES as u64;
    let full = Writer::begin(&store, Session(0), blocks, None, Options::default()).unwrap();
    for at in 0..2000u64 {
        full.write(at * 16_001, block((at % 200) as u8 + 1)).unwrap();
    }
    let (root, written) = full.commit().unwrap();
    // Ten times each content, stored once.
    assert_eq!((written.blocks, written.new_chunks), (2000, 200));
    let before = objects.keys().len();
    let base = Arc::new(Manifest::open(&store, &root).unwrap());
    let writer = Writer::begin(&store, Session(1), blocks, Some(base.clone()), Options::default()).unwrap();
    writer.write(77, noise(1)).unwrap();
    // As it is already.
    writer.write(16_001, block(2)).unwrap();
    let (next, written) = writer.commit().unwrap();
    assert_eq!(written.new_chunks, 1);
    // The chunk, a node on each of four levels, the manifest.
    assert_eq!(objects.keys().len() - before, 1 + 4 + 1);
    let next = Manifest::open(&store, &next).unwrap();
    let different: Vec<Difference> = base.differences(&next, 0).unwrap().map(Result::unwrap).collect();
    assert_eq!(different.len(), 1);
    assert_eq!((different[0].block, different[0].first), (77, None));
    assert_eq!(next.written_blocks(), 2001);
    assert!(next.stored_bytes() > base.stored_bytes() + BLOCK_BYTES as u64);
}

#[test]
fn what_is_known_is_not_stored_again() {
    let store = store(Arc::new(Memory::default()));
    let first = Writer::begin(&store, Session(0), 100, None, Options::default()).unwrap();
    for at in 0..20 {
        first.write(at, noise(at)).unwrap();
    }
    let (root, written) = first.commit().unwrap();
    assert_eq!(written.new_chunks, 20);
    // Moved by one, which a comparison by place doesn't see.
    let base = Arc::new(Manifest::open(&store, &root).unwrap());
    let moved = Writer::begin(&store, Session(1), 100, Some(base.clone()), Options::default()).unwrap();
    moved.learn(&base).unwrap();
    for at in 0..20 {
        moved.write(at + 1, noise(at)).unwrap();
    }
    moved.zero(0).unwrap();
    let (root, written) = moved.commit().unwrap();
    assert_eq!((written.new_chunks, written.zero_blocks), (0, 1));
    let read = Manifest::open(&store, &root).unwrap();
    assert!(read.read(20).unwrap().unwrap() == noise(19));
}

#[test]
fn equal_data_of_two_tenants_has_nothing_in_common_and_can_be_copied() {
    let objects = Arc::new(Memory::default());
    let other: Domain = "tenant-2".parse().unwrap();
    let (mine, theirs) = (store(objects.clone()), Store::new(objects.clone(), other, Keys::open(&[8; 32])));
    let writer = Writer::begin(&mine, Session(0), 10, None, inline()).unwrap();
    writer.write(3, noise(3)).unwrap();
    let (root, _) = writer.commit().unwrap();
    let from = Manifest::open(&mine, &root).unwrap();
    let copy = Writer::begin(&theirs, Session(1), 10, None, Options::default()).unwrap();
    copy.copy(&from).unwrap();
    let (copied, _) = copy.commit().unwrap();
    let copied = Manifest::open(&theirs, &copied).unwrap();
    assert!(copied.read(3).unwrap().unwrap() == noise(3));
    assert_ne!(copied.link(3).unwrap().unwrap().name, from.link(3).unwrap().unwrap().name);
    assert!(from.differences(&copied, 0).is_err());
    // Neither's collection touches the other.
    collect(&mine, &view([], 2)).unwrap();
    assert!(copied.read(3).unwrap().unwrap() == noise(3));
    assert!(objects.keys().iter().all(|key| key.starts_with("tenant-2/")));
}

#[test]
fn what_cannot_be_is_refused() {
    let objects = Arc::new(Memory::default());
    let keyless = Store::without_keys(objects.clone(), crate::domain());
    assert!(matches!(Writer::begin(&keyless, Session(0), 1, None, inline()), Err(Error::NoKeys)));
    let store = store(objects);
    let writer = Writer::begin(&store, Session(0), 10, None, inline()).unwrap();
    assert!(matches!(writer.write(10, block(1)), Err(Error::Refused(_))));
    assert!(matches!(writer.write(0, vec![1; 512]), Err(Error::Refused(_))));
    writer.write(9, block(1)).unwrap();
    let (root, _) = writer.commit().unwrap();
    let base = Arc::new(Manifest::open(&store, &root).unwrap());
    assert!(matches!(base.read(10), Err(Error::Refused(_))));
    assert!(matches!(Writer::begin(&store, Session(1), 9, Some(base), inline()), Err(Error::Refused(_))));
    assert!(matches!(Writer::begin(&store, Session(1), (1 << 32) + 1, None, inline()), Err(Error::Refused(_))));
    let blind = Manifest::open(&keyless, &root).unwrap();
    // Whoever has no keys sees which blocks there are, and none of their contents.
    assert_eq!(blind.chunks(0).count(), 1);
    assert!(matches!(blind.read(9), Err(Error::NoKeys)));
}

#[test]
fn an_interrupted_session_goes_on_where_it_was() {
    let objects = Arc::new(Memory::default());
    let store = store(objects.clone());
    let writer = Writer::begin(&store, Session(4), 100, None, inline()).unwrap();
    for at in 0..50 {
        writer.write(at, noise(at)).unwrap();
    }
    drop(writer);
    let options = Options { resumed: true, ..Options::default() };
    let writer = Writer::begin(&store, Session(4), 100, None, options).unwrap();
    for at in 0..60 {
        writer.write(at, noise(at)).unwrap();
    }
    let (root, written) = writer.commit().unwrap();
    assert_eq!(written.new_chunks, 10);
    objects.lose_power();
    assert!(scrub(&store, &[root]).unwrap().damages.is_empty());
}
