//! What a call did that has records of its own: keys that a service used for the caller, and calls that were made of its
//! parts. It is told where it is done, so that no record says what was only asked for.

use std::sync::{Arc, Mutex, PoisonError};

use landfall_cloud::kms::KeyRef;
use landfall_model::{AccountId, Arn};
use serde_json::Value;

use super::key_use::KeyUse;
use crate::demand::Demand;
use crate::encryption::Context;
use crate::error::ApiError;
use crate::home::Home;
use crate::operation::Action;

/// The deeds of one call, in their order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Deeds(Arc<Mutex<Vec<Deed>>>);

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// A service used a key, or tried to.
    Key(KeyUse),
    /// A part of the call was a call by itself.
    Part(Part),
}

/// A call of the same service that was made of a part of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// What it is called.
    pub(crate) action: Action,
    /// What it was asked.
    pub(crate) parameters: Value,
    /// What it was about, and whose that is, where it went through.
    pub(crate) resource: Option<(Arn, AccountId)>,
    /// Why it didn't go through.
    pub(crate) fault: Option<ApiError>,
}

impl Deeds {
    /// That a service did that with a key, which whoever is at home calls so; or that it couldn't. What calls no key is no
    /// key's use.
    pub(crate) fn add_key_use(
        &self,
        home: &Home<'_>,
        action: &'static str,
        key: &str,
        context: &Context,
        fault: Option<&ApiError>,
    ) {
        let reference = KeyRef::parse(key, home.scope()).ok();
        if let Some(row) = reference.and_then(|key| key.find(home.view().tables())) {
            let (key, owner) = (row.arn().to_string(), row.scope.account.to_string());
            self.add(Deed::Key(KeyUse { action, key, owner, context: context.clone(), fault: fault.cloned() }));
        }
    }

    /// That a service wanted to use a key for the caller, who may not. Demands of other things are told by the call's record.
    pub(crate) fn add_denied(&self, demand: &Demand, fault: &ApiError) {
        if let (Some(asked), Some(owned)) = (&demand.grantable, &demand.owned) {
            self.add(Deed::Key(KeyUse {
                action: asked.operation,
                key: demand.resource.clone(),
                owner: owned.owner.clone(),
                context: asked.context.clone().unwrap_or_default(),
                fault: Some(fault.clone()),
            }));
        }
    }

    /// That a part of the call was made as a call by itself.
    pub(crate) fn add_part(&self, part: Part) {
        self.add(Deed::Part(part));
    }

    /// All of them.
    pub(super) fn list(&self) -> Vec<Deed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, deed: Deed) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(deed);
    }
}
