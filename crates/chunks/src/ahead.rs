//! Reading many chunks in order, some ahead of the reader.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use crate::node::Link;
use crate::pool::{Places, Pool};
use crate::{Error, Store};

/// How many blocks are read ahead for each thread: so many half mebibytes are in memory at most.
const AHEAD: usize = 2;

/// Where a block's contents come out of the thread that reads them.
type Answer = Receiver<Result<Vec<u8>, Error>>;

/// Chunks in the order in which they were asked for, read by several threads; see [`Store::read_all`].
pub struct ReadAhead<I> {
    store: Store,
    wanted: I,
    under_way: VecDeque<(u64, Answer)>,
    most: usize,
    pool: Pool,
    places: Arc<Places>,
    failed: Option<Error>,
}

impl Store {
    /// Reads the chunks that an iterator names ([`crate::Manifest::chunks`] for a whole snapshot), in its order, on that
    /// many threads; with none given, as many as this store is worth.
    pub fn read_all<I>(&self, wanted: I, threads: Option<usize>) -> ReadAhead<I>
    where
        I: Iterator<Item = Result<(u64, Link), Error>>,
    {
        let threads = threads.unwrap_or_else(|| self.objects.parallel());
        ReadAhead {
            store: self.clone(),
            wanted,
            under_way: VecDeque::new(),
            most: (threads * AHEAD).max(1),
            pool: Pool::new(threads),
            places: Arc::new(Places::new()),
            failed: None,
        }
    }
}

impl<I: Iterator<Item = Result<(u64, Link), Error>>> ReadAhead<I> {
    fn ask(&mut self) {
        while self.failed.is_none() && self.under_way.len() < self.most {
            let (block, link) = match self.wanted.next() {
                None => return,
                Some(Ok(wanted)) => wanted,
                Some(Err(error)) => return self.failed = Some(error),
            };
            let (answer, answered) = sync_channel(1);
            let (store, places) = (self.store.clone(), self.places.clone());
            self.pool.run(move || {
                // A reader that has gone away needs no answer.
                let _ = answer.send(store.chunk_with(&link, &places));
            });
            self.under_way.push_back((block, answered));
        }
    }
}

impl<I: Iterator<Item = Result<(u64, Link), Error>>> Iterator for ReadAhead<I> {
    type Item = Result<(u64, Vec<u8>), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.ask();
        let Some((block, answered)) = self.under_way.pop_front() else {
            return self.failed.clone().map(|error| {
                // Once, then the end.
                self.failed = None;
                self.most = 0;
                Err(error)
            });
        };
        match answered.recv().unwrap_or(Err(Error::WorkerLost)) {
            Ok(contents) => Some(Ok((block, contents))),
            Err(error) => {
                self.under_way.clear();
                self.most = 0;
                Some(Err(error))
            }
        }
    }
}
