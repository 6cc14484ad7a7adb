//! A domain's part of a store: reads and writes of whole, checked objects.

use std::sync::Arc;

use crate::envelope::{self, Kind};
use crate::node::{Head, Link, Node};
use crate::objects::Objects;
use crate::pool::Places;
use crate::{Domain, Error, Keys, Name, Place, Root, place};

/// A domain in a store, with its keys where the caller has them.
#[derive(Clone)]
pub struct Store {
    pub(crate) objects: Arc<dyn Objects>,
    pub(crate) domain: Domain,
    keys: Option<Arc<Keys>>,
}

impl Store {
    /// For whoever reads and writes contents.
    pub fn new(objects: Arc<dyn Objects>, domain: Domain, keys: Keys) -> Self {
        Self { objects, domain, keys: Some(Arc::new(keys)) }
    }

    /// For whoever only collects, counts and compares.
    pub fn without_keys(objects: Arc<dyn Objects>, domain: Domain) -> Self {
        Self { objects, domain, keys: None }
    }

    /// The domain.
    pub fn domain(&self) -> &Domain {
        &self.domain
    }

    pub(crate) fn keys(&self) -> Result<&Keys, Error> {
        self.keys.as_deref().ok_or(Error::NoKeys)
    }

    pub(crate) fn key(&self, place: Place, name: &Name) -> String {
        place::key(&self.domain, place, name)
    }

    fn object(&self, place: Place, name: &Name) -> Result<Vec<u8>, Error> {
        let key = self.key(place, name);
        match self.objects.read(&key)? {
            Some(bytes) => Ok(Vec::from(bytes)),
            None => Err(Error::Missing { key }),
        }
    }

    fn corrupt(&self, place: Place, name: &Name, why: &'static str) -> Error {
        Error::Corrupt { key: self.key(place, name), why }
    }

    /// A block's contents, held to the chunk's name.
    pub fn chunk(&self, link: &Link) -> Result<Vec<u8>, Error> {
        let keys = self.keys()?;
        let object = self.object(link.place, &link.name)?;
        envelope::unpack_chunk(&link.name, object, keys).map_err(|why| self.corrupt(link.place, &link.name, why))
    }

    /// The same where many threads wait for the store and few should compute.
    pub(crate) fn chunk_with(&self, link: &Link, places: &Places) -> Result<Vec<u8>, Error> {
        let keys = self.keys()?;
        let object = self.object(link.place, &link.name)?;
        places
            .compute(|| envelope::unpack_chunk(&link.name, object, keys))
            .map_err(|why| self.corrupt(link.place, &link.name, why))
    }

    /// Checks a chunk as well as it can be: by its name with keys, by its checksum without. Gives its size.
    pub(crate) fn check_chunk(&self, link: &Link) -> Result<u64, Error> {
        let object = self.object(link.place, &link.name)?;
        let bytes = object.len() as u64;
        let checked = match self.keys.as_deref() {
            Some(keys) => envelope::unpack_chunk(&link.name, object, keys).map(|_| ()),
            None => envelope::check(Kind::Chunk, &object),
        };
        checked.map(|()| bytes).map_err(|why| self.corrupt(link.place, &link.name, why))
    }

    /// A node of an index.
    pub(crate) fn node(&self, link: &Link, level: u8) -> Result<Node, Error> {
        let object = self.object(link.place, &link.name)?;
        let bytes = envelope::unpack_index(Kind::Node, &link.name, &object)
            .map_err(|why| self.corrupt(link.place, &link.name, why))?;
        let node = Node::decode(&bytes, level).filter(|node| node.totals() == (link.blocks, link.stored_bytes));
        node.ok_or_else(|| self.corrupt(link.place, &link.name, "it isn't the node that it should be"))
    }

    /// What stands above a snapshot's index.
    pub(crate) fn head(&self, root: &Root) -> Result<Head, Error> {
        let object = self.object(root.place, &root.name)?;
        let bytes = envelope::unpack_index(Kind::Manifest, &root.name, &object)
            .map_err(|why| self.corrupt(root.place, &root.name, why))?;
        Head::decode(&bytes).ok_or_else(|| self.corrupt(root.place, &root.name, "it isn't a manifest"))
    }
}
