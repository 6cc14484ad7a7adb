//! What the operations that make key pairs share: their demands, and how a new one is kept.

use landfall_cloud::key_pair::{self, NewKeyPair};
use landfall_cloud::{Tx, View};
use landfall_model::{Arn, KeyPairId};

use super::TagSpecifications;
use crate::demand::Demand;
use crate::ec2::key_material::PublicKey;
use crate::{Action, ApiError, Demands};

/// The kind in tag specifications and ARNs.
pub const KIND: &str = "key-pair";

/// The demand on a key pair, whose ARN ends in its name.
pub fn demand<'d>(view: &View<'_>, demands: &'d mut Demands, action: Action, name: &str) -> &'d mut Demand {
    let demand = demands.resource(action, Arn::new("ec2", view.scope(), format_args!("{KIND}/{name}")));
    if let Some(tags) = view.key_pair(name).and_then(|row| view.tags(&row.id.to_string())) {
        demand.resource_tags(tags);
    }
    demand
}

/// The demands of making a key pair with tags.
pub fn demand_new<'d>(
    view: &View<'_>,
    demands: &'d mut Demands,
    action: Action,
    name: &str,
    specifications: &TagSpecifications,
) -> &'d mut Demand {
    let tags = specifications.claimed(KIND);
    demands.tagging(action, KIND, &tags);
    demand(view, demands, action, name).request_tags(&tags)
}

/// Keeps a public key under a name, with its tags.
pub fn keep(
    tx: &mut Tx<'_, '_>,
    name: &str,
    public: &PublicKey,
    fingerprint: &str,
    specifications: &TagSpecifications,
) -> Result<KeyPairId, ApiError> {
    specifications.check(&[KIND])?;
    let tags = specifications.of(KIND)?;
    let new = NewKeyPair {
        name: name.to_owned(),
        kind: public.kind(),
        fingerprint: fingerprint.to_owned(),
        public_key: public.to_openssh(name),
    };
    let id = key_pair::create(tx, new)?;
    landfall_cloud::tag::put(tx, KIND, &id.to_string(), &tags)?;
    Ok(id)
}
