//! A store in memory, for tests of whoever uses this crate: stricter than the real ones, since a crash takes away what
//! wasn't made durable.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::StoreError;
use crate::objects::{Listed, Objects, Visit};

/// Objects in memory.
#[derive(Default)]
pub struct Memory(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    objects: BTreeMap<String, Bytes>,
    unsynced: BTreeSet<String>,
}

impl Memory {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a power loss leaves.
    pub fn lose_power(&self) {
        let mut inner = self.lock();
        for key in std::mem::take(&mut inner.unsynced) {
            inner.objects.remove(&key);
        }
    }

    /// Puts other bytes under a key, as a broken disk would; with none, loses the object.
    pub fn damage(&self, key: &str, body: Option<&[u8]>) {
        let mut inner = self.lock();
        match body {
            Some(body) => inner.objects.insert(key.to_owned(), Bytes::copy_from_slice(body)),
            None => inner.objects.remove(key),
        };
    }

    /// All keys.
    pub fn keys(&self) -> Vec<String> {
        self.lock().objects.keys().cloned().collect()
    }
}

impl Objects for Memory {
    fn write(&self, key: &str, body: &[u8]) -> Result<(), StoreError> {
        let mut inner = self.lock();
        if inner.objects.insert(key.to_owned(), Bytes::copy_from_slice(body)).is_none() {
            inner.unsynced.insert(key.to_owned());
        }
        Ok(())
    }

    fn read(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        Ok(self.lock().objects.get(key).cloned())
    }

    fn size(&self, key: &str) -> Result<Option<u64>, StoreError> {
        Ok(self.lock().objects.get(key).map(|body| body.len() as u64))
    }

    fn delete(&self, keys: &[String]) -> Result<(), StoreError> {
        let mut inner = self.lock();
        for key in keys {
            inner.objects.remove(key);
            inner.unsynced.remove(key);
        }
        Ok(())
    }

    fn list(&self, folder: &str, visit: Visit<'_>) -> Result<(), StoreError> {
        let folder = format!("{folder}/");
        let below = |inner: &Inner| {
            let all = inner.objects.range(folder.clone()..).take_while(|(key, _)| key.starts_with(&folder));
            all.map(|(key, body)| Listed { key: key.clone(), size_bytes: body.len() as u64 }).collect::<Vec<_>>()
        };
        let all = below(&self.lock());
        all.into_iter().try_for_each(visit)
    }

    fn sync(&self, folder: &str) -> Result<(), StoreError> {
        let folder = format!("{folder}/");
        self.lock().unsynced.retain(|key| !key.starts_with(&folder));
        Ok(())
    }

    fn parallel(&self) -> usize {
        4
    }
}
