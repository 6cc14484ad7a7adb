//! A look at the value through the eyes of one account in one region.
//!
//! Every row that an operation sees comes through here, so that another account's is not found rather than forgotten to
//! be checked. The few places that look across accounts use the tables' `by_id` and say so by name: host plans
//! ([`crate::plan`]), host reports ([`crate::report`]), due rows ([`crate::expiry`]) and the pool of public addresses
//! ([`crate::address`]).

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::ops::Bound;

use landfall_model::id::{Id, Kind};
use landfall_model::{Image, ImageId, KeyPair, KmsKeyId, Scope, Scoped, Settings, SnapshotId, Timestamp, Vpc};
use landfall_state::{Has, Key, Table};

use crate::fault::Fault;
use crate::value::{Cloud, KeyPairs, Tags, Vpcs};

/// The value, as one account sees it in one region at a moment.
#[derive(Clone, Copy)]
pub struct View<'a> {
    cloud: &'a Cloud,
    scope: Scope,
    now: Timestamp,
}

/// Ids that have a smallest one, from which a range over a scope starts.
pub trait First {
    /// The smallest.
    fn first() -> Self;
}

impl<K: Kind> First for Id<K> {
    fn first() -> Self {
        Id::MIN
    }
}

impl First for KmsKeyId {
    fn first() -> Self {
        KmsKeyId::MIN
    }
}

impl First for u8 {
    fn first() -> Self {
        0
    }
}

impl First for Ipv4Addr {
    fn first() -> Self {
        Ipv4Addr::UNSPECIFIED
    }
}

impl First for String {
    fn first() -> Self {
        String::new()
    }
}

impl<'a> View<'a> {
    /// The value as that scope sees it.
    pub fn new(cloud: &'a Cloud, scope: Scope, now: Timestamp) -> Self {
        Self { cloud, scope, now }
    }

    /// Whose eyes these are.
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// The moment.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The provider's settings.
    pub fn provider(&self) -> &'a Settings {
        self.cloud.provider()
    }

    /// The row of that id, if this scope has it.
    pub fn find<T: Table<Key = Scoped<I>>, I>(&self, id: I) -> Option<&'a T::Row>
    where
        Cloud: Has<T>,
        Scoped<I>: Key,
    {
        Has::<T>::table(self.cloud).rows().get(&self.scope.key(id))
    }

    /// The row of that id, or that there is none.
    pub fn need<T: Table<Key = Scoped<Id<K>>>, K: Kind>(&self, id: Id<K>) -> Result<&'a T::Row, Fault>
    where
        Cloud: Has<T>,
    {
        self.find::<T, _>(id).ok_or_else(|| Fault::no_such(id))
    }

    /// All rows of this scope, by id.
    pub fn all<T: Table<Key = Scoped<I>>, I: First>(&self) -> impl Iterator<Item = &'a T::Row> + use<'a, T, I>
    where
        Cloud: Has<T>,
        Scoped<I>: Key,
    {
        self.from::<T, I>(Bound::Included(I::first()))
    }

    /// The rows of this scope from an id on.
    pub fn from<T: Table<Key = Scoped<I>>, I: First>(
        &self,
        start: Bound<I>,
    ) -> impl Iterator<Item = &'a T::Row> + use<'a, T, I>
    where
        Cloud: Has<T>,
        Scoped<I>: Key,
    {
        let scope = self.scope;
        let start = match start {
            Bound::Included(id) => Bound::Included(scope.key(id)),
            Bound::Excluded(id) => Bound::Excluded(scope.key(id)),
            Bound::Unbounded => Bound::Included(scope.key(I::first())),
        };
        Has::<T>::table(self.cloud)
            .rows()
            .range((start, Bound::Unbounded))
            .take_while(move |row| T::key(row).scope == scope)
    }

    /// Those of the rows that this scope owns: for rows found by an index, which spans all scopes.
    pub fn own<R: 'a>(
        &self,
        rows: impl Iterator<Item = &'a R>,
        scope_of: impl Fn(&R) -> Scope,
    ) -> impl Iterator<Item = &'a R> {
        let scope = self.scope;
        rows.filter(move |row| scope_of(row) == scope)
    }

    /// The tables, for indexes; the caller keeps to the scope with [`View::own`] or by ids that it got from this view.
    pub fn tables(&self) -> &'a Cloud {
        self.cloud
    }

    /// The tags of a resource.
    pub fn tags(&self, resource: &str) -> Option<&'a BTreeMap<String, String>> {
        self.find::<Tags, _>(resource.to_owned()).map(|row| &row.tags)
    }

    /// The scope's default VPC.
    pub fn default_vpc(&self) -> Option<&'a Vpc> {
        self.all::<Vpcs, _>().find(|vpc| vpc.is_default)
    }

    /// The key pair of that name.
    pub fn key_pair(&self, name: &str) -> Option<&'a KeyPair> {
        let cloud: &'a Cloud = self.cloud;
        Has::<KeyPairs>::table(cloud).by_name(&self.scope.key(name.to_owned())).next()
    }

    /// The image that goes by that id. Images are the provider's: everybody sees them.
    pub fn image(&self, id: ImageId) -> Option<&'a Image> {
        self.cloud.images.by_id(&id).next()
    }

    /// The image of that snapshot.
    pub fn image_of(&self, snapshot: SnapshotId) -> Option<&'a Image> {
        self.cloud.images.by_snapshot(&snapshot).next()
    }
}
