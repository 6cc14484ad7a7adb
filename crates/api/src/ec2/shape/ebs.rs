//! The keys of volumes: how they are shown, and what using them demands.
//!
//! EC2 uses a KMS key in its caller's name, so the caller must be allowed to. Source: the EBS User Guide, "Requirements for
//! Amazon EBS encryption". AWS asks only when the volume is made or given to a machine, which then fails; here the call does.

use landfall_cloud::View;
use landfall_cloud::kms::KeyRef;
use landfall_model::{Arn, DataKey, EbsDefaults, VolumeId};

use crate::Demands;
use crate::encryption::{Context, DefaultKey, demand_use};
use crate::home::Home;

/// The service, as encryption through it is told.
const SERVICE: &str = "ec2";
/// What stands for the id of a volume that is yet to be made.
const ANY_VOLUME: &str = "vol-*";

/// The ARN of the key under which volumes are encrypted: the service's own by its alias.
pub fn default_key(row: &EbsDefaults) -> String {
    let own = || Arn::new("kms", row.scope, DefaultKey::Ebs.alias());
    row.key.clone().unwrap_or_else(own).to_string()
}

/// The service's own key, where that is the one that is called so, by its alias or the ARN of that: it may have to be made.
pub fn own_key(view: &View<'_>, kms_key: Option<&str>) -> Option<DefaultKey> {
    let reference = KeyRef::parse(kms_key?, view.scope()).ok().filter(|reference| reference.scope() == view.scope())?;
    DefaultKey::of_alias(reference.alias()?).filter(|key| *key == DefaultKey::Ebs)
}

/// Demands what it takes to encrypt something new under a key, and to read what it is made of.
pub fn demand_new(view: &View<'_>, demands: &mut Demands, kms_key: Option<&str>, source: Option<&DataKey>) {
    let (home, context) = (Home::own(view), context(ANY_VOLUME));
    if let Some(key) = kms_key {
        demand_use(&home, demands, "GenerateDataKeyWithoutPlaintext", SERVICE, key, &context);
    }
    if let Some(source) = source {
        demand_use(&home, demands, "Decrypt", SERVICE, source.kms_key.as_str(), &context);
    }
}

/// Demands what it takes to give a volume under that key to a machine: that EC2 may have the key for as long.
pub fn demand_use_by_machine(view: &View<'_>, demands: &mut Demands, kms_key: &str, volume: Option<VolumeId>) {
    let volume = volume.map_or_else(|| ANY_VOLUME.to_owned(), |id| id.to_string());
    let demand = demand_use(&Home::own(view), demands, "CreateGrant", SERVICE, kms_key, &context(&volume));
    demand.with("kms:GrantIsForAWSResource", true);
}

fn context(volume: &str) -> Context {
    Context::from([("aws:ebs:id".to_owned(), volume.to_owned())])
}
