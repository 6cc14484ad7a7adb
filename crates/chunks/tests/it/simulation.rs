//! Writers, collectors and readers beside each other under the adversary, thousands of small worlds of them. In each:
//! no snapshot ever lacks a chunk, and at the end nothing is left that no snapshot has.
//!
//! The authority here keeps what the crate's documentation asks of it. And so that this shows something, each of its
//! duties is broken once, and the simulation must find out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use landfall_chunks::{Error, Manifest, Options, Root, Session, View, Writer, collect};

use crate::adversary::{Process, World};
use crate::{Model, Rng, block, contents, inline, store};

/// A duty that the authority neglects.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Neglect {
    Nothing,
    /// It forgets to say which sessions are open.
    OpenSessions,
    /// It drops a snapshot from the roots though a session builds on it.
    Pins,
    /// It reads the roots first and the sessions later.
    OneMoment,
    /// It records the root of a session that it has ended.
    Ends,
}

const WRITERS: usize = 3;
const COLLECTORS: usize = 2;
const ACTORS: usize = WRITERS + COLLECTORS + 1;

#[derive(Default)]
struct Authority {
    next: u64,
    roots: BTreeMap<Root, Model>,
    /// Open sessions, and what each builds on.
    open: BTreeMap<Session, Option<Root>>,
    /// What somebody reads.
    read: Vec<Root>,
}

impl Authority {
    fn view(&self, neglect: Neglect) -> View {
        let pinned = self.open.values().flatten().filter(|_| neglect != Neglect::Pins);
        let roots: BTreeSet<Root> = self.roots.keys().chain(pinned).chain(&self.read).copied().collect();
        let open = if neglect == Neglect::OpenSessions { BTreeSet::new() } else { self.open.keys().copied().collect() };
        View { roots: roots.into_iter().collect(), open, next: Session(self.next) }
    }
}

struct Run {
    world: Arc<World>,
    authority: Mutex<Authority>,
    neglect: Neglect,
    failure: Mutex<Option<String>>,
    snapshots: AtomicU64,
}

impl Run {
    fn fail(&self, why: String) {
        self.failure.lock().unwrap().get_or_insert(why);
    }

    /// What the authority decides in one transaction, at a moment of its own.
    fn decide<T>(&self, actor: usize, decide: impl FnOnce(&mut Authority, &mut Rng) -> T) -> T {
        let mut state = self.world.turn(actor);
        decide(&mut self.authority.lock().unwrap(), &mut state.rng)
    }

    fn write(&self, actor: usize) {
        for _ in 0..3 {
            let (session, base, was, blocks) = self.decide(actor, |authority, rng| {
                let session = Session(authority.next);
                authority.next += 1;
                let bases: Vec<Root> = authority.roots.keys().copied().collect();
                let base = rng.pick(&bases).filter(|_| !rng.one_in(4));
                authority.open.insert(session, base);
                let was = base.map(|base| authority.roots[&base].clone()).unwrap_or_default();
                // Volumes grow, over a level of the index too.
                let blocks = if base.is_some() || rng.one_in(2) { 1000 } else { 300 };
                (session, base, was, blocks)
            });
            let mut model = was;
            let changes: Vec<(u64, u8)> = {
                let rng = &mut self.world.lock().rng;
                let spots = [0, 1, 2, 255, 256, 299, 300, 700, 999];
                let at: BTreeSet<u64> = (0..1 + rng.below(5)).filter_map(|_| rng.pick(&spots)).collect();
                at.into_iter().filter(|at| *at < blocks).map(|at| (at, rng.below(5) as u8)).collect()
            };
            for (at, value) in &changes {
                if *value == 0 {
                    model.remove(at)
                } else {
                    model.insert(*at, *value)
                };
            }
            self.session(actor, session, base, blocks, &changes, &model);
        }
    }

    /// One session with all its processes, until it has a root or is given up.
    fn session(
        &self,
        actor: usize,
        session: Session,
        base: Option<Root>,
        blocks: u64,
        changes: &[(u64, u8)],
        model: &Model,
    ) {
        let mut resumed = false;
        loop {
            let folder = format!("{}/{:016x}/", crate::domain(), session.0);
            let process = self.world.process(actor, Some(folder));
            let done = attempt(&process, session, base, blocks, changes, resumed);
            let error = match done {
                Ok(root) => {
                    self.decide(actor, |authority, rng| {
                        // Now and then a session is ended over its writer's head.
                        if rng.one_in(6) {
                            authority.open.remove(&session);
                        }
                    });
                    return self.decide(actor, |authority, _| {
                        if authority.open.remove(&session).is_some() || self.neglect == Neglect::Ends {
                            authority.roots.insert(root, model.clone());
                            self.snapshots.fetch_add(1, Ordering::Relaxed);
                        }
                    });
                }
                Err(error) => error,
            };
            let injected = matches!(&error, Error::Store(_));
            if !injected && self.decide(actor, |authority, _| authority.open.contains_key(&session)) {
                return self.fail(format!("an open session met with: {error}"));
            }
            let goes_on = self.decide(actor, |authority, rng| {
                let goes_on = !rng.one_in(3);
                if !goes_on {
                    authority.open.remove(&session);
                }
                goes_on
            });
            if !goes_on {
                return;
            }
            resumed = true;
        }
    }

    fn collect(&self, actor: usize) {
        for _ in 0..6 {
            let mut view = self.decide(actor, |authority, _| authority.view(self.neglect));
            if self.neglect == Neglect::OneMoment {
                let later = self.decide(actor, |authority, _| authority.view(self.neglect));
                (view.open, view.next) = (later.open, later.next);
            }
            let process = self.world.process(actor, None);
            match collect(&store(process), &view) {
                Ok(_) | Err(Error::Store(_)) => {}
                // A view that has grown old may have roots that are gone. One of now may not.
                Err(error) => self.decide(actor, |authority, _| {
                    if view.roots.iter().all(|root| authority.roots.contains_key(root)) {
                        self.fail(format!("a collector met with: {error}"));
                    }
                }),
            }
            self.decide(actor, |authority, rng| {
                let roots: Vec<Root> = authority.roots.keys().copied().collect();
                if let Some(root) = rng.pick(&roots).filter(|_| rng.one_in(2)) {
                    authority.roots.remove(&root);
                }
            });
        }
    }

    fn read(&self, actor: usize) {
        for _ in 0..4 {
            let found = self.decide(actor, |authority, rng| {
                let roots: Vec<Root> = authority.roots.keys().copied().collect();
                let root = rng.pick(&roots)?;
                authority.read.push(root);
                Some((root, authority.roots[&root].clone()))
            });
            let Some((root, model)) = found else { continue };
            match contents(&store(self.world.process(actor, None)), &root, Some(0)) {
                Ok(found) if found == model => {}
                Err(Error::Store(_)) => {}
                other => self.fail(format!("a reader of {root} met with {other:?}")),
            }
            self.decide(actor, |authority, _| authority.read.clear());
        }
    }
}

fn attempt(
    process: &Arc<Process>,
    session: Session,
    base: Option<Root>,
    blocks: u64,
    changes: &[(u64, u8)],
    resumed: bool,
) -> Result<Root, Error> {
    let store = store(process.clone());
    let base = base.map(|root| Manifest::open(&store, &root).map(Arc::new)).transpose()?;
    let options = Options { resumed, open_leaves: 1, ..inline() };
    let writer = Writer::begin(&store, session, blocks, base, options)?;
    for (at, value) in changes {
        writer.write(*at, block(*value))?;
    }
    writer.commit().map(|(root, _)| root)
}

/// A world from beginning to end: how many snapshots it saw, or what went wrong.
fn run(seed: u64, neglect: Neglect) -> Result<u64, String> {
    let world = World::new(seed, ACTORS);
    let run = Run {
        world: world.clone(),
        authority: Mutex::default(),
        neglect,
        failure: Mutex::default(),
        snapshots: AtomicU64::new(0),
    };
    std::thread::scope(|scope| {
        for actor in 0..ACTORS {
            let run = &run;
            scope.spawn(move || {
                match actor {
                    0..WRITERS => run.write(actor),
                    ACTORS.. => unreachable!("no such actor"),
                    _ if actor == ACTORS - 1 => run.read(actor),
                    _ => run.collect(actor),
                }
                run.world.leave();
            });
        }
    });
    world.calm();
    if let Some(why) = run.failure.lock().unwrap().take() {
        return Err(why);
    }
    let store = store(world.process(0, None));
    let mut authority = run.authority.into_inner().unwrap();
    // All sessions end, as those of dead hosts do.
    authority.open.clear();
    let done = collect(&store, &authority.view(Neglect::Nothing)).map_err(|error| format!("at the end: {error}"))?;
    for (root, model) in &authority.roots {
        match contents(&store, root, Some(0)) {
            Ok(found) if found == *model => {}
            other => return Err(format!("{root} should hold {model:?}: {other:?}")),
        }
    }
    if done.live_objects != world.keys().len() as u64 {
        return Err(format!("{done:?}, and there are {:?}", world.keys()));
    }
    authority.roots.clear();
    collect(&store, &authority.view(Neglect::Nothing)).map_err(|error| error.to_string())?;
    match world.keys() {
        keys if keys.is_empty() => Ok(run.snapshots.into_inner()),
        keys => Err(format!("left over: {keys:?}")),
    }
}

/// So many worlds as `LANDFALL_CHUNK_SEEDS` says, from `LANDFALL_CHUNK_SEED` on.
fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().map_or(otherwise, |text| text.parse().unwrap())
}

#[test]
fn no_snapshot_ever_lacks_a_chunk_and_nothing_is_left_over() {
    let first = number("LANDFALL_CHUNK_SEED", 0);
    let end = first + number("LANDFALL_CHUNK_SEEDS", 1000);
    let (next, snapshots) = (AtomicU64::new(first), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        return;
                    }
                    match run(seed, Neglect::Nothing) {
                        Ok(seen) => snapshots.fetch_add(seen, Ordering::Relaxed),
                        Err(why) => panic!("LANDFALL_CHUNK_SEED={seed}: {why}"),
                    };
                }
            });
        }
    });
    let seen = snapshots.into_inner();
    assert!(seen > (end - first) * 2, "only {seen} snapshots came about");
}

#[test]
fn each_duty_of_the_authority_is_needed() {
    for neglect in [Neglect::OpenSessions, Neglect::Pins, Neglect::OneMoment, Neglect::Ends] {
        let found = (0..2000).find_map(|seed| run(seed, neglect).err().map(|why| (seed, why)));
        let (seed, why) = found.unwrap_or_else(|| panic!("{neglect:?} went unnoticed"));
        println!("{neglect:?}: seed {seed}: {why}");
    }
}

#[test]
fn a_seed_repeats_its_world() {
    for seed in 0..20 {
        assert_eq!(run(seed, Neglect::Nothing).unwrap(), run(seed, Neglect::Nothing).unwrap());
    }
}
