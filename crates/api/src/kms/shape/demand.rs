//! What a caller must be allowed on a key, and what conditions may look at. Source: the KMS Developer Guide, "Condition
//! keys for AWS KMS".

use std::collections::BTreeMap;

use landfall_cloud::View;
use landfall_cloud::kms::grant::Asked;
use landfall_cloud::kms::{KeyRef, alias};
use landfall_model::kms::KeyUsage;
use landfall_model::{Arn, KmsKey, TrustPolicy};

use super::key::usable;
use super::tag;
use crate::demand::{Demand, HIDDEN_KEY, Owned, Veil};
use crate::encryption::{DefaultKey, key_of};
use crate::home::Home;
use crate::kms::crypto::encryption::invalid;
use crate::{Action, ApiError, Demands};

/// Whose policy is never asked: that of a key of another account that isn't there. It lets nobody.
const NOBODY: &str = r#"{"Statement":[{"Effect":"Allow","Principal":{"Service":"nobody.amazonaws.com"},"Action":"kms:*","Resource":"*"}]}"#;

/// The demand of an action on the key that a request calls so.
pub fn on_key<'d>(view: &View<'_>, demands: &'d mut Demands, action: Action, text: &str) -> &'d mut Demand {
    on_key_of(&Home::own(view), demands, action, text)
}

/// The same of a key that is called as whoever is at home calls it. Who asks is the demands' account, nobody else.
pub fn on_key_of<'d>(home: &Home<'_>, demands: &'d mut Demands, action: Action, text: &str) -> &'d mut Demand {
    let (view, asker) = (home.view(), demands.account());
    let Ok(reference) = KeyRef::parse(text, home.scope()) else {
        return demands.anything(action).with("kms:CallerAccount", asker);
    };
    let demand = match reference.find(view.tables()) {
        Some(row) => on_row(view, demands, action, row),
        None => {
            let demand = demands.resource(action, reference.arn()).with("kms:CallerAccount", asker);
            let own = DefaultKey::of_alias(reference.alias().unwrap_or_default());
            if let Some(own) = own.filter(|_| reference.scope() == home.scope()) {
                let policy = TrustPolicy::of(own.policy(home.scope()));
                demand.owned = Some(Owned { policy, owner: home.owner().to_string(), required: true });
            } else if reference.scope().account != asker {
                let owner = reference.scope().account.to_string();
                demand.owned = Some(Owned { policy: TrustPolicy::of(NOBODY), owner, required: true });
            }
            demand
        }
    };
    if let Some(name) = reference.alias() {
        demand.with("kms:RequestAlias", name);
    }
    // What another account calls its keys, and which there are, is its own affair.
    if reference.scope().account != asker {
        demand.veil = Some(Veil::Key);
    }
    demand
}

/// The demand of an action on the key of a ciphertext, which the request may name, too. Who sends a ciphertext learns of
/// another account's key only what that lets him.
pub fn on_ciphertext<'d>(
    view: &View<'_>,
    demands: &'d mut Demands,
    action: Action,
    named: Option<&str>,
    ciphertext: &[u8],
) -> &'d mut Demand {
    let found = named.is_none().then(|| key_of(ciphertext)).flatten().map(|arn| arn.to_string());
    let text = named.or(found.as_deref()).unwrap_or_default();
    let own = KeyRef::parse(text, view.scope()).is_ok_and(|key| key.scope().account == view.scope().account);
    let demand = on_key(view, demands, action, text);
    if found.is_some() && !own {
        demand.veil = Some(Veil::Ciphertext);
    }
    demand
}

/// The key of a ciphertext, which the request may name, too.
pub fn of_ciphertext<'v>(view: &View<'v>, named: Option<&str>, ciphertext: &[u8]) -> Result<&'v KmsKey, ApiError> {
    if let Some(text) = named {
        return usable(view, text, KeyUsage::EncryptDecrypt);
    }
    let arn = key_of(ciphertext).ok_or_else(invalid)?.to_string();
    let key = KeyRef::parse(&arn, view.scope()).ok().and_then(|key| key.find(view.tables()));
    if key.is_none() {
        return Err(ApiError::new("AccessDeniedException", HIDDEN_KEY));
    }
    usable(view, &arn, KeyUsage::EncryptDecrypt)
}

/// The demand of an action on a key. Its own policy must allow it, whatever the caller's say.
pub fn on_row<'d>(view: &View<'_>, demands: &'d mut Demands, action: Action, row: &KmsKey) -> &'d mut Demand {
    let owner = row.scope.account.to_string();
    let asker = demands.account();
    let demand = demands.resource(action, row.arn()).with("kms:CallerAccount", asker);
    demand.owned = Some(Owned { policy: row.policy.clone(), owner, required: true });
    demand.grantable =
        Some(Asked { key: row.key(), operation: action.name, context: None, retires: None, grants: None });
    demand.with("kms:KeySpec", row.spec).with("kms:KeyUsage", row.usage).with("kms:MultiRegion", false);
    demand.with(
        "kms:KeyOrigin",
        match row.origin {
            landfall_model::kms::KeyOrigin::AwsKms => "AWS_KMS",
            landfall_model::kms::KeyOrigin::External => "EXTERNAL",
        },
    );
    let owners = View::new(view.tables(), row.scope, view.now());
    let names: Vec<_> = alias::of_key(&owners, row).map(|alias| alias.name.as_str()).collect();
    if !names.is_empty() {
        demand.context.set_many("kms:ResourceAliases", names);
    }
    for (key, value) in owners.tags(&tag::owner(row.id)).into_iter().flatten() {
        demand.with(&format!("aws:ResourceTag/{key}"), value);
    }
    demand
}

/// The demand of an action on an alias, for which only the caller's own policies are asked.
pub fn on_alias(view: &View<'_>, demands: &mut Demands, action: Action, name: &str) {
    let asker = demands.account();
    demands.resource(action, Arn::new("kms", view.scope(), name)).with("kms:CallerAccount", asker);
}

/// Lets conditions and grants see the encryption context.
pub fn set_context(demand: &mut Demand, context: &BTreeMap<String, String>) {
    if let Some(asked) = &mut demand.grantable {
        asked.context = Some(context.clone());
    }
    for (key, value) in context {
        demand.with(&format!("kms:EncryptionContext:{key}"), value);
    }
    if !context.is_empty() {
        demand.context.set_many("kms:EncryptionContextKeys", context.keys().map(String::as_str));
    }
}

/// The demand of an action that encrypts symmetrically under a key, for a context.
pub fn on_use(view: &View<'_>, demands: &mut Demands, action: Action, text: &str, context: &BTreeMap<String, String>) {
    let demand = on_key(view, demands, action, text);
    set_context(demand, context);
    demand.with("kms:EncryptionAlgorithm", "SYMMETRIC_DEFAULT");
}
