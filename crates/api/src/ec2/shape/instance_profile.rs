//! Instance profiles at instances: how requests name one, whom that takes, and how answers show it.

use landfall_cloud::View;
use landfall_cloud::identity::{home, instance_profile};
use landfall_cloud::profile_association::ProfileName;
use landfall_cloud::value::ProfileAssociations;
use landfall_model::{Arn, InstanceId, InstanceKind, ProfileAssociation, ProfileAssociationId, UniqueId};
use landfall_wire::Time;
use serde::{Deserialize, Serialize};

use super::change::demand_one;
use super::time;
use crate::iam::shape::demand::role_demand;
use crate::{Action, ApiError, Demands};

/// A profile as a request names it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ProfileIn {
    arn: Option<String>,
    name: Option<String>,
}

impl ProfileIn {
    /// The name that it is called by, if it is called at all.
    pub fn name(&self) -> Result<Option<ProfileName>, ApiError> {
        match (&self.arn, &self.name) {
            (None, None) => Ok(None),
            (Some(arn), None) => Ok(Some(ProfileName::Arn(arn.clone()))),
            (None, Some(name)) => Ok(Some(ProfileName::Name(name.clone()))),
            (Some(_), Some(_)) => Err(ApiError::combination(
                "The parameter 'iamInstanceProfile.name' may not be used in combination with 'iamInstanceProfile.arn'",
            )),
        }
    }

    /// The name that it is called by.
    pub fn need_name(&self) -> Result<ProfileName, ApiError> {
        self.name()?.ok_or_else(|| ApiError::missing("IamInstanceProfile"))
    }

    /// The ARN of the profile: that of one that isn't there is made from its name.
    pub fn arn(&self, view: &View<'_>) -> Option<String> {
        match self.name().ok()?? {
            ProfileName::Arn(arn) => Some(arn),
            ProfileName::Name(name) => {
                let found = instance_profile::find(view, &name).map(|row| row.arn());
                let account = view.scope().account;
                Some(found.unwrap_or_else(|| Arn::iam(account, format_args!("instance-profile/{name}"))).to_string())
            }
        }
    }

    /// That the caller may pass the profile's role to that instance.
    pub fn demand(&self, view: &View<'_>, demands: &mut Demands, instance: &Arn) {
        let profile = self.name().ok().flatten().and_then(|name| view.profile(&name));
        let Some(role) = profile.and_then(|row| instance_profile::role(view, row)) else { return };
        let at_home = View::new(view.tables(), home(view.scope().account), view.now());
        let demand = role_demand(&at_home, demands, Action::iam("PassRole"), &role.name);
        demand.with("iam:PassedToService", "ec2.amazonaws.com").with("iam:AssociatedResourceArn", instance);
    }
}

/// The demand of an action on the instance of an association, which gets that profile if one is named.
pub fn demand_association(
    view: &View<'_>,
    demands: &mut Demands,
    action: Action,
    id: ProfileAssociationId,
    profile: Option<&ProfileIn>,
) {
    match view.find::<ProfileAssociations, _>(id) {
        Some(row) => demand_instance(view, demands, action, row.instance, profile),
        None => _ = demands.new_ec2::<InstanceKind>(action),
    }
}

/// The demand of an action on an instance that gets that profile.
pub fn demand_instance(
    view: &View<'_>,
    demands: &mut Demands,
    action: Action,
    id: InstanceId,
    profile: Option<&ProfileIn>,
) {
    let demand = demand_one(view, demands, action, id);
    let Some(profile) = profile else { return };
    if let Some(arn) = profile.arn(view) {
        demand.with("ec2:NewInstanceProfile", arn);
    }
    profile.demand(view, demands, &Arn::ec2(view.scope(), id));
}

/// The profile of an instance.
#[derive(Serialize)]
pub struct ProfileShape<'v> {
    arn: &'v Arn,
    id: &'v UniqueId,
}

/// The profile that an association is with.
pub fn shown(row: &ProfileAssociation) -> ProfileShape<'_> {
    ProfileShape { arn: &row.arn, id: &row.profile }
}

/// An association.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AssociationShape<'v> {
    association_id: ProfileAssociationId,
    instance_id: InstanceId,
    iam_instance_profile: ProfileShape<'v>,
    state: &'static str,
    timestamp: Time,
}

/// An association as answers show it.
pub fn association(row: &ProfileAssociation) -> AssociationShape<'_> {
    AssociationShape {
        association_id: row.id,
        instance_id: row.instance,
        iam_instance_profile: shown(row),
        state: row.state.name(),
        timestamp: time(row.since),
    }
}

/// The answer of what changes one.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Associated<'v> {
    iam_instance_profile_association: AssociationShape<'v>,
}

/// The association of that id, after a change.
pub fn associated<'v>(view: &View<'v>, id: ProfileAssociationId) -> Result<Associated<'v>, ApiError> {
    let row = view.need::<ProfileAssociations, _>(id)?;
    Ok(Associated { iam_instance_profile_association: association(row) })
}
