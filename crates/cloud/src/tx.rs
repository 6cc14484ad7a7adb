//! A transaction as the rules see it: the value with one scope's eyes, changes, and the time, ids and entropy that come
//! in from outside.

use std::ops::{Deref, DerefMut};

use landfall_model::id::{Id, Kind};
use landfall_model::{Scope, Timestamp};

use crate::entropy::Entropy;
use crate::value::Cloud;
use crate::view::View;

/// A transaction of one scope.
pub struct Tx<'a, 'e> {
    inner: &'a mut landfall_state::Tx<'e, Cloud>,
    scope: Scope,
    entropy: &'a mut Entropy,
    /// Whether a service of the cloud acts in it, which may set tags of its own.
    is_of_service: bool,
}

impl<'a, 'e> Tx<'a, 'e> {
    /// A transaction of that scope over the engine's.
    pub fn new(inner: &'a mut landfall_state::Tx<'e, Cloud>, scope: Scope, entropy: &'a mut Entropy) -> Self {
        Self { inner, scope, entropy, is_of_service: false }
    }

    /// The same where a service of the cloud acts.
    #[must_use]
    pub fn of_service(self) -> Self {
        Self { is_of_service: true, ..self }
    }

    /// Whether a service of the cloud acts.
    pub fn is_of_service(&self) -> bool {
        self.is_of_service
    }

    /// What this transaction sees, its own changes included.
    pub fn view(&self) -> View<'_> {
        View::new(self.inner, self.scope, self.now())
    }

    /// Whose transaction it is.
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// Its time.
    pub fn now(&self) -> Timestamp {
        Timestamp(self.inner.now_ms())
    }

    /// A new id.
    pub fn new_id<K: Kind>(&mut self) -> Id<K> {
        Id::from_random(self.entropy.next_u128())
    }

    /// The entropy.
    pub fn entropy(&mut self) -> &mut Entropy {
        self.entropy
    }

    /// The same transaction with another scope's eyes: for planners, which serve all.
    pub fn scoped(&mut self, scope: Scope) -> Tx<'_, 'e> {
        Tx { inner: self.inner, scope, entropy: self.entropy, is_of_service: self.is_of_service }
    }
}

impl<'e> Deref for Tx<'_, 'e> {
    type Target = landfall_state::Tx<'e, Cloud>;
    fn deref(&self) -> &Self::Target {
        self.inner
    }
}

impl DerefMut for Tx<'_, '_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.inner
    }
}
