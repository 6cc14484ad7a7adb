//! A bounded crowd of threads for one task: hashing, compressing, and waiting for the store.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use crate::Error;

type Job = Box<dyn FnOnce() + Send>;

/// Threads, and a queue as long as they are many. With no threads a job runs where it is given.
pub struct Pool {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    /// Something to do, or an end.
    work: Condvar,
    /// Room in the queue, or nothing left to do.
    done: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Job>,
    running: usize,
    closed: bool,
    panicked: bool,
}

impl Pool {
    /// Starts that many threads.
    pub fn new(threads: usize) -> Self {
        let shared = Arc::new(Shared { state: Mutex::default(), work: Condvar::new(), done: Condvar::new() });
        let threads = (0..threads)
            .map_while(|n| {
                let shared = shared.clone();
                let thread = std::thread::Builder::new().name(format!("chunks-{n}"));
                thread.spawn(move || shared.work_on()).ok()
            })
            .collect();
        Self { shared, threads }
    }

    /// Runs a job, at once or when a thread is free; waits while the queue is full.
    pub fn run(&self, job: impl FnOnce() + Send + 'static) {
        if self.threads.is_empty() {
            return job();
        }
        let mut state = self.shared.lock();
        while state.queue.len() >= self.threads.len() {
            state = wait(&self.shared.done, state);
        }
        state.queue.push_back(Box::new(job));
        self.shared.work.notify_one();
    }

    /// Returns once all jobs have ended.
    pub fn settle(&self) -> Result<(), Error> {
        let mut state = self.shared.lock();
        while !state.queue.is_empty() || state.running > 0 {
            state = wait(&self.shared.done, state);
        }
        if state.panicked { Err(Error::WorkerLost) } else { Ok(()) }
    }
}

impl Drop for Pool {
    /// What waits is dropped, what runs ends first: no thread outlives its task.
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.closed = true;
        state.queue.clear();
        drop(state);
        self.shared.work.notify_all();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // No code of anybody else's runs under this lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work_on(&self) {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.queue.pop_front() {
                state.running += 1;
                self.done.notify_all();
                drop(state);
                let panicked = catch_unwind(AssertUnwindSafe(job)).is_err();
                state = self.lock();
                state.running -= 1;
                state.panicked |= panicked;
                self.done.notify_all();
            } else if state.closed {
                return;
            } else {
                state = wait(&self.work, state);
            }
        }
    }
}

fn wait<'a, T>(condition: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    condition.wait(guard).unwrap_or_else(PoisonError::into_inner)
}

/// Places for as many threads as there are processors: a store far away wants many threads that wait, and the machine
/// few that compute.
pub struct Places {
    free: Mutex<usize>,
    freed: Condvar,
}

impl Places {
    /// One for each processor.
    pub fn new() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self { free: Mutex::new(processors), freed: Condvar::new() }
    }

    /// Computes while holding a place.
    pub fn compute<T>(&self, work: impl FnOnce() -> T) -> T {
        struct Held<'a>(&'a Places);
        impl Drop for Held<'_> {
            fn drop(&mut self) {
                *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
                self.0.freed.notify_one();
            }
        }
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        while *free == 0 {
            free = wait(&self.freed, free);
        }
        *free -= 1;
        drop(free);
        let _held = Held(self);
        work()
    }
}

/// Applies something that waits to each item on that many threads, in no order; ends with the first error.
pub fn for_each<T: Send + Sync>(
    threads: usize,
    items: &[T],
    work: impl Fn(&T) -> Result<(), Error> + Sync,
) -> Result<(), Error> {
    let threads = threads.min(items.len());
    if threads <= 1 {
        return items.iter().try_for_each(work);
    }
    let next = std::sync::atomic::AtomicUsize::new(0);
    let failed = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                    if let Err(error) = work(item) {
                        next.store(items.len(), std::sync::atomic::Ordering::Relaxed);
                        *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    }
                }
            });
        }
    });
    failed.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
}
