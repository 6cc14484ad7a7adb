//! Instance profiles at instances. An instance has one at most; what it is given is the profile, and the role is the one
//! that the profile has at the moment.
//!
//! A profile may be deleted while instances have it, as on AWS: they keep the association, and get no credentials.

use landfall_model::delivery::RolePlan;
use landfall_model::{
    InstanceId, InstanceProfile, ProfileAssociation, ProfileAssociationId, ProfileAssociationState, UniqueId,
};

use crate::fault::Fault;
use crate::identity::{instance_profile, speaking};
use crate::instance;
use crate::tx::Tx;
use crate::value::ProfileAssociations;
use crate::view::View;

/// How a profile is called: by its ARN or by its name, but not by both.
#[derive(Clone, Debug)]
pub enum ProfileName {
    /// Its ARN.
    Arn(String),
    /// Its name.
    Name(String),
}

impl<'a> View<'a> {
    /// The association of an instance, if it has one.
    pub fn profile_of(&self, instance: InstanceId) -> Option<&'a ProfileAssociation> {
        self.tables().profile_associations.by_instance(&instance).find(|row| row.state.is_live())
    }

    /// The profile that goes by that name, with or without a role.
    pub fn profile(&self, name: &ProfileName) -> Option<&'a InstanceProfile> {
        match name {
            ProfileName::Arn(arn) => {
                let name = arn.rsplit('/').next()?;
                instance_profile::find(self, name).filter(|row| row.arn().as_str() == arn)
            }
            ProfileName::Name(name) => instance_profile::find(self, name),
        }
    }
}

/// The profile that goes by that name and has a role.
pub fn need_profile<'a>(view: &View<'a>, name: &ProfileName) -> Result<&'a InstanceProfile, Fault> {
    let row = view.profile(name).ok_or_else(|| match name {
        ProfileName::Arn(arn) => Fault::Invalid {
            name: "iamInstanceProfile.arn",
            value: arn.clone(),
            why: "Invalid IAM Instance Profile ARN".into(),
        },
        ProfileName::Name(name) => Fault::Invalid {
            name: "iamInstanceProfile.name",
            value: name.clone(),
            why: "Invalid IAM Instance Profile name".into(),
        },
    })?;
    if instance_profile::role(view, row).is_none() {
        return Err(Fault::Refused(format!("IAM Instance Profile \"{}\" has no associated IAM Roles", row.arn())));
    }
    Ok(row)
}

/// Gives an instance a profile.
pub fn associate(tx: &mut Tx<'_, '_>, instance: InstanceId, name: &ProfileName) -> Result<ProfileAssociationId, Fault> {
    instance::change(tx, instance, |_| ())?;
    let profile = need_profile(&tx.view(), name)?.clone();
    if tx.view().profile_of(instance).is_some() {
        return Err(Fault::WrongState(format!("There is an existing association for instance {instance}")));
    }
    Ok(put(tx, instance, &profile))
}

/// Gives an instance another profile in the place of the one that it has.
pub fn replace(
    tx: &mut Tx<'_, '_>,
    id: ProfileAssociationId,
    name: &ProfileName,
) -> Result<ProfileAssociationId, Fault> {
    let instance = tx.view().need::<ProfileAssociations, _>(id)?.instance;
    let profile = need_profile(&tx.view(), name)?.clone();
    if tx.view().profile_of(instance).is_none_or(|row| row.id != id) {
        return Err(Fault::WrongState(format!("The association {id} is not in the 'associated' state")));
    }
    end(tx, id)?;
    Ok(put(tx, instance, &profile))
}

/// Takes a profile from its instance.
pub fn end(tx: &mut Tx<'_, '_>, id: ProfileAssociationId) -> Result<(), Fault> {
    let key = tx.view().need::<ProfileAssociations, _>(id)?.key();
    let since = tx.now();
    tx.update::<ProfileAssociations, _>(&key, |row| {
        (row.state, row.since) = (ProfileAssociationState::Disassociating, since);
    });
    Ok(())
}

/// The service that takes roles for instances.
const EC2: &str = "ec2.amazonaws.com";

/// What an instance gets by an association at the moment.
pub fn role_of(view: &View<'_>, row: &ProfileAssociation) -> RolePlan {
    let Some(profile) = view.tables().instance_profiles.get(&row.profile) else { return RolePlan::NoProfile };
    let Some(role) = instance_profile::role(view, profile) else { return RolePlan::NoRole };
    if speaking::admits_service(role, EC2) {
        RolePlan::Open { name: role.name.clone(), id: role.id.clone() }
    } else {
        RolePlan::Closed { name: role.name.clone() }
    }
}

/// The associations of a profile, whose instances have it.
pub fn of_profile<'a>(view: &View<'a>, profile: &UniqueId) -> impl Iterator<Item = &'a ProfileAssociation> + use<'a> {
    view.tables().profile_associations.by_profile(profile)
}

/// Gives an instance that has none a profile.
pub(crate) fn put(tx: &mut Tx<'_, '_>, instance: InstanceId, profile: &InstanceProfile) -> ProfileAssociationId {
    let (scope, id, since) = (tx.scope(), tx.new_id(), tx.now());
    tx.put::<ProfileAssociations>(ProfileAssociation {
        scope,
        id,
        instance,
        profile: profile.id.clone(),
        arn: profile.arn(),
        state: ProfileAssociationState::Associating,
        since,
    });
    id
}

/// Forgets what a terminated instance had.
pub(crate) fn forget(tx: &mut Tx<'_, '_>, instance: InstanceId) {
    let keys: Vec<_> = tx.profile_associations.by_instance(&instance).map(ProfileAssociation::key).collect();
    for key in keys {
        tx.delete::<ProfileAssociations>(&key);
    }
}

/// Turns states that pass by themselves into the next ones, at most that many. Returns whether there may be more. Looks
/// across accounts: time passes for all.
pub(crate) fn pass(tx: &mut Tx<'_, '_>, until: i64, most: usize) -> bool {
    let due: Vec<_> = tx.profile_associations.due_until(until).take(most).cloned().collect();
    for row in &due {
        let since = tx.now();
        if row.state == ProfileAssociationState::Disassociating {
            tx.delete::<ProfileAssociations>(&row.key());
            continue;
        }
        tx.update::<ProfileAssociations, _>(&row.key(), |row| {
            (row.state, row.since) = (ProfileAssociationState::Associated, since);
        });
    }
    due.len() == most
}
