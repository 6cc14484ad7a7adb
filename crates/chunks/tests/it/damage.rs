//! Damage is noticed at each read, listed by a scrub, and put right by a writer that has the data.

use std::sync::Arc;

use landfall_chunks::{
    Error, Kind, Manifest, Memory, Objects, Options, Root, Session, Store, StoreError, Trouble, Trust,
};
use landfall_chunks::{Visit, Writer, collect, scrub};

use crate::{inline, noise, store, view};

fn written(store: &Store, session: u64, blocks: u64) -> Root {
    let writer = Writer::begin(store, Session(session), blocks, None, inline()).unwrap();
    for at in 0..blocks {
        writer.write(at, noise(at)).unwrap();
    }
    writer.commit().unwrap().0
}

/// The key of a block's chunk.
fn key_of(store: &Store, root: &Root, block: u64) -> String {
    let link = Manifest::open(store, root).unwrap().link(block).unwrap().unwrap();
    format!("{}/{:016x}/{:06x}/{}", store.domain(), link.place.session.0, link.place.shard, link.name)
}

#[test]
fn a_damaged_chunk_is_noticed_listed_and_put_right() {
    let objects = Arc::new(Memory::default());
    let store = store(objects.clone());
    let root = written(&store, 0, 8);
    let keys: Vec<String> = (0..8).map(|at| key_of(&store, &root, at)).collect();
    let mut flipped = objects.read(&keys[1]).unwrap().unwrap().to_vec();
    flipped[5000] ^= 1;
    let other = objects.read(&keys[7]).unwrap().unwrap();
    objects.damage(&keys[0], None);
    objects.damage(&keys[1], Some(&flipped));
    objects.damage(&keys[2], Some(&flipped[..1000]));
    // A whole and valid chunk, at another's place.
    objects.damage(&keys[3], Some(&other));

    let manifest = Arc::new(Manifest::open(&store, &root).unwrap());
    assert!(matches!(manifest.read(0), Err(Error::Missing { .. })));
    for at in 1..4 {
        assert!(matches!(manifest.read(at), Err(Error::Corrupt { .. })), "block {at}");
        assert!(!manifest.read(at).unwrap_err().may_try_again());
    }
    assert!(manifest.read(4).unwrap().unwrap() == noise(4));
    let all: Vec<bool> = store.read_all(manifest.chunks(0), Some(2)).map(|read| read.is_ok()).collect();
    assert_eq!(all, [false], "reading in order ends where it can't go on");

    let seen = scrub(&store, &[root]).unwrap();
    assert_eq!((seen.good_chunks, seen.damages.len()), (4, 4));
    assert!(seen.damages.iter().all(|damage| damage.kind == Kind::Chunk));
    // Without keys a valid chunk at another's place isn't told from the right one; the others are.
    let keyless = Store::without_keys(objects.clone(), crate::domain());
    assert_eq!(scrub(&keyless, &[root]).unwrap().damages.len(), 3);

    // A writer that looks at sizes finds what is missing or cut; one that looks at contents finds all.
    for (session, trust, repaired) in [(1, Trust::Size, 2), (2, Trust::Contents, 2), (3, Trust::Contents, 0)] {
        let options = Options { trust, ..inline() };
        let writer = Writer::begin(&store, Session(session), 8, Some(manifest.clone()), options).unwrap();
        (0..8).for_each(|at| writer.write(at, noise(at)).unwrap());
        let (_, done) = writer.commit().unwrap();
        assert_eq!((done.repaired_chunks, done.new_chunks), (repaired, 0), "{trust:?}");
    }
    let seen = scrub(&store, &[root]).unwrap();
    assert_eq!((seen.good_chunks, seen.damages.len()), (8, 0));
    collect(&store, &view([root], 4)).unwrap();
    assert!((0..8).all(|at| manifest.read(at).unwrap().unwrap() == noise(at)));
}

#[test]
fn a_collection_that_cannot_read_an_index_deletes_nothing() {
    let objects = Arc::new(Memory::default());
    let store = store(objects.clone());
    let (kept, dropped) = (written(&store, 0, 3), written(&store, 1, 4));
    let all = objects.keys();
    let manifest = format!("{}/{:016x}/{:06x}/{}", store.domain(), 0, kept.place.shard, kept.name);
    for key in all.iter().filter(|key| key.starts_with("tenant-1/0000000000000000/")) {
        let body = objects.read(key).unwrap().unwrap();
        if body.len() > 20_000 {
            continue;
        }
        // Every object of the index in turn, gone and broken.
        for damage in [None, Some(&body[..body.len() - 1])] {
            objects.damage(key, damage);
            assert!(collect(&store, &view([kept], 2)).is_err(), "{key}");
            let seen = scrub(&store, &[kept]).unwrap();
            assert_eq!(seen.damages.len(), 1);
            assert_eq!(seen.damages[0].kind, if *key == manifest { Kind::Manifest } else { Kind::Node });
            objects.damage(key, Some(&body));
            assert_eq!(objects.keys(), all);
        }
    }
    let done = collect(&store, &view([kept], 2)).unwrap();
    assert_eq!(done.deleted_objects, 4 + 2);
    assert!(Manifest::open(&store, &dropped).is_err());
    assert!(scrub(&store, &[kept]).unwrap().damages.is_empty());
}

#[test]
fn what_others_left_in_the_folder_stays() {
    let objects = Arc::new(Memory::default());
    objects.write("tenant-1/readme.txt", b"not ours").unwrap();
    objects.write("tenant-1/0000000000000000/000000/.new-1-2", b"half").unwrap();
    objects.write("tenant-1/0000000000000009/000000/.new-1-2", b"half").unwrap();
    let done = collect(&store(objects.clone()), &view([], 5)).unwrap();
    assert_eq!((done.foreign_objects, done.deleted_objects, done.young_objects), (1, 1, 1));
    assert_eq!(objects.keys(), ["tenant-1/0000000000000009/000000/.new-1-2", "tenant-1/readme.txt"]);
}

/// Fails from a call on, for as long as it is told to.
struct Failing {
    inner: Memory,
    trouble: std::sync::Mutex<Option<(u32, Trouble)>>,
}

impl Failing {
    fn pass(&self) -> Result<(), StoreError> {
        match &mut *self.trouble.lock().unwrap() {
            Some((0, trouble)) => {
                Err(StoreError { step: "writing", key: "it".into(), reason: "injected".into(), trouble: *trouble })
            }
            Some((left, _)) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl Objects for Failing {
    fn write(&self, key: &str, body: &[u8]) -> Result<(), StoreError> {
        self.pass()?;
        self.inner.write(key, body)
    }
    fn read(&self, key: &str) -> Result<Option<bytes::Bytes>, StoreError> {
        self.pass()?;
        self.inner.read(key)
    }
    fn size(&self, key: &str) -> Result<Option<u64>, StoreError> {
        self.pass()?;
        self.inner.size(key)
    }
    fn delete(&self, keys: &[String]) -> Result<(), StoreError> {
        self.pass()?;
        self.inner.delete(keys)
    }
    fn list(&self, folder: &str, visit: Visit<'_>) -> Result<(), StoreError> {
        self.pass()?;
        self.inner.list(folder, visit)
    }
    fn sync(&self, folder: &str) -> Result<(), StoreError> {
        self.pass()?;
        self.inner.sync(folder)
    }
    fn parallel(&self) -> usize {
        3
    }
}

#[test]
fn a_store_that_fails_leaves_a_clear_error_and_a_session_that_goes_on() {
    for trouble in [Trouble::Passing, Trouble::NoSpace, Trouble::Lasting] {
        for calls in 0..12 {
            let objects = Arc::new(Failing { inner: Memory::default(), trouble: None.into() });
            let store = store(objects.clone());
            let root = written(&store, 0, 3);
            let base = Arc::new(Manifest::open(&store, &root).unwrap());
            let options = Options { threads: Some(2), ..Options::default() };
            *objects.trouble.lock().unwrap() = Some((calls, trouble));
            let attempt = |resumed| {
                let options = Options { resumed, ..options.clone() };
                let writer = Writer::begin(&store, Session(1), 10, Some(base.clone()), options)?;
                (2..10).try_for_each(|at| writer.write(at, noise(at + 100)))?;
                writer.commit()
            };
            match attempt(false) {
                // Enough calls for all of it.
                Ok(_) => assert!(calls > 8),
                Err(error) => {
                    assert_eq!(error.may_try_again(), trouble == Trouble::Passing, "{error}");
                    assert_eq!(error.is_full(), trouble == Trouble::NoSpace, "{error}");
                    assert!(error.to_string().contains("injected"), "{error}");
                }
            }
            *objects.trouble.lock().unwrap() = None;
            let (next, _) = attempt(true).unwrap();
            let seen = scrub(&store, &[root, next]).unwrap();
            assert_eq!((seen.good_chunks, seen.damages.len()), (3 + 8, 0));
            collect(&store, &view([root, next], 2)).unwrap();
            assert!(scrub(&store, &[root, next]).unwrap().damages.is_empty());
        }
    }
}
