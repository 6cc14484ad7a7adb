//! A store that does all that a store is allowed to: calls fail though they had an effect, have it long after, or never;
//! listings are late; whoever calls dies at any call, and what it hadn't made durable may go with it. Whose call
//! is next is drawn from the seed, so that a run repeats exactly.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use bytes::Bytes;
use landfall_chunks::{Listed, Objects, StoreError, Trouble, Visit};

use crate::Rng;

/// The store, and who is next.
pub(crate) struct World {
    state: Mutex<State>,
    turns: Vec<Condvar>,
}

pub(crate) struct State {
    pub rng: Rng,
    objects: BTreeMap<String, Bytes>,
    /// Written, and lost with the machine that wrote it.
    unsynced: BTreeSet<String>,
    /// What once was there: a late listing may still show it.
    gone: Vec<(String, u64)>,
    /// Calls that are still on their way.
    late: Vec<Effect>,
    waiting: BTreeSet<usize>,
    living: usize,
    next: Option<usize>,
    /// Whether calls fail and callers die. Not while the end is looked at.
    pub hostile: bool,
    pub calls: u64,
}

enum Effect {
    Write(String, Bytes),
    Delete(String),
}

/// What becomes of a call.
enum Fate {
    Good,
    /// The caller hears of a failure.
    Fails(bool),
    /// The caller dies in it.
    Dies,
}

impl World {
    pub(crate) fn new(seed: u64, actors: usize) -> Arc<Self> {
        let state = State {
            rng: Rng::new(seed),
            objects: BTreeMap::new(),
            unsynced: BTreeSet::new(),
            gone: Vec::new(),
            late: Vec::new(),
            waiting: BTreeSet::new(),
            living: actors,
            next: None,
            hostile: true,
            calls: 0,
        };
        Arc::new(Self { state: Mutex::new(state), turns: (0..actors).map(|_| Condvar::new()).collect() })
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Waits for this actor's turn. From then on until it waits again nobody else does anything.
    pub(crate) fn turn(&self, actor: usize) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        if !state.hostile {
            return state;
        }
        state.waiting.insert(actor);
        self.choose(&mut state);
        while state.next != Some(actor) {
            state = self.turns[actor].wait(state).unwrap();
        }
        state.next = None;
        state.waiting.remove(&actor);
        state.calls += 1;
        if !state.late.is_empty() && state.rng.one_in(4) {
            state.arrive();
        }
        state
    }

    /// This actor does nothing more.
    pub(crate) fn leave(&self) {
        let mut state = self.lock();
        state.living -= 1;
        self.choose(&mut state);
    }

    fn choose(&self, state: &mut State) {
        if state.next.is_none() && state.living > 0 && state.waiting.len() == state.living {
            let waiting: Vec<usize> = state.waiting.iter().copied().collect();
            let next = state.rng.pick(&waiting).unwrap();
            state.next = Some(next);
            self.turns[next].notify_one();
        }
    }

    /// A process of an actor, with its own way to the store.
    pub(crate) fn process(self: &Arc<Self>, actor: usize, session: Option<String>) -> Arc<Process> {
        Arc::new(Process { world: self.clone(), actor, session, dead: Mutex::new(false) })
    }

    /// From here on all goes well; what is on its way arrives.
    pub(crate) fn calm(&self) {
        let mut state = self.lock();
        state.hostile = false;
        while !state.late.is_empty() {
            state.arrive();
        }
    }

    pub(crate) fn keys(&self) -> Vec<String> {
        self.lock().objects.keys().cloned().collect()
    }
}

impl State {
    /// One of the calls on their way arrives, any of them, or is lost.
    fn arrive(&mut self) {
        let at = self.rng.below(self.late.len() as u64) as usize;
        let effect = self.late.swap_remove(at);
        if !self.rng.one_in(3) {
            self.apply(effect);
        }
    }

    fn apply(&mut self, effect: Effect) {
        match effect {
            Effect::Write(key, body) => {
                if self.objects.insert(key.clone(), body).is_none() {
                    self.unsynced.insert(key);
                }
            }
            Effect::Delete(key) => {
                if let Some(body) = self.objects.remove(&key) {
                    self.gone.push((key.clone(), body.len() as u64));
                }
                self.unsynced.remove(&key);
            }
        }
    }

    /// Applies what a failed call may have done: all, some, later, nothing.
    fn perhaps(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match self.rng.below(3) {
                0 => self.apply(effect),
                1 => self.late.push(effect),
                _ => {}
            }
        }
    }

    fn fate(&mut self) -> Fate {
        if !self.hostile {
            return Fate::Good;
        }
        match self.rng.below(60) {
            0 => Fate::Fails(true),
            1 => Fate::Fails(false),
            2 => Fate::Dies,
            _ => Fate::Good,
        }
    }
}

/// A process's way to the store; once the process is dead, nothing goes through.
pub(crate) struct Process {
    world: Arc<World>,
    actor: usize,
    /// The folder of the session that it writes, whose unsynced objects its machine may lose.
    session: Option<String>,
    dead: Mutex<bool>,
}

impl Process {
    pub(crate) fn is_dead(&self) -> bool {
        *self.dead.lock().unwrap()
    }

    fn call<T>(&self, effects: Vec<Effect>, answer: impl FnOnce(&mut State) -> T) -> Result<T, StoreError> {
        let error =
            |reason: &str, trouble| StoreError { step: "calling", key: String::new(), reason: reason.into(), trouble };
        if self.is_dead() {
            return Err(error("dead", Trouble::Lasting));
        }
        let mut state = self.world.turn(self.actor);
        match state.fate() {
            Fate::Good => {
                effects.into_iter().for_each(|effect| state.apply(effect));
                Ok(answer(&mut state))
            }
            Fate::Fails(full) => {
                state.perhaps(effects);
                Err(error("injected", if full { Trouble::NoSpace } else { Trouble::Passing }))
            }
            Fate::Dies => {
                state.perhaps(effects);
                if let Some(session) = &self.session
                    && state.rng.one_in(2)
                {
                    let lost: Vec<_> = state.unsynced.iter().filter(|key| key.starts_with(session)).cloned().collect();
                    for key in lost {
                        state.objects.remove(&key);
                        state.unsynced.remove(&key);
                    }
                }
                *self.dead.lock().unwrap() = true;
                Err(error("died", Trouble::Lasting))
            }
        }
    }
}

impl Objects for Process {
    fn write(&self, key: &str, body: &[u8]) -> Result<(), StoreError> {
        self.call(vec![Effect::Write(key.to_owned(), Bytes::copy_from_slice(body))], |_| ())
    }

    fn read(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        self.call(Vec::new(), |state| state.objects.get(key).cloned())
    }

    fn size(&self, key: &str) -> Result<Option<u64>, StoreError> {
        self.call(Vec::new(), |state| state.objects.get(key).map(|body| body.len() as u64))
    }

    fn delete(&self, keys: &[String]) -> Result<(), StoreError> {
        self.call(keys.iter().map(|key| Effect::Delete(key.clone())).collect(), |_| ())
    }

    fn list(&self, folder: &str, visit: Visit<'_>) -> Result<(), StoreError> {
        let folder = format!("{folder}/");
        let all = self.call(Vec::new(), |state| {
            let State { rng, objects, gone, hostile, .. } = state;
            let mut all: Vec<(String, u64)> = objects
                .iter()
                .filter(|(key, _)| key.starts_with(&folder) && !(*hostile && rng.one_in(10)))
                .map(|(key, body)| (key.clone(), body.len() as u64))
                .collect();
            if *hostile {
                all.extend(gone.iter().filter(|(key, _)| key.starts_with(&folder) && rng.one_in(3)).cloned());
            }
            all
        })?;
        all.into_iter().try_for_each(|(key, size_bytes)| visit(Listed { key, size_bytes }))
    }

    fn sync(&self, folder: &str) -> Result<(), StoreError> {
        let folder = format!("{folder}/");
        self.call(Vec::new(), |state| state.unsynced.retain(|key| !key.starts_with(&folder)))
    }

    fn parallel(&self) -> usize {
        1
    }
}
