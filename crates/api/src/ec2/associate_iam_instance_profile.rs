//! ec2:AssociateIamInstanceProfile. Gives an instance that has none an instance profile. Whoever does must be allowed to
//! pass the profile's role.

use landfall_cloud::{Tx, View, profile_association};
use landfall_model::InstanceId;
use serde::Deserialize;

use super::shape::instance_profile::{Associated, ProfileIn, associated, demand_instance};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct AssociateIamInstanceProfile {
    iam_instance_profile: ProfileIn,
    instance_id: InstanceId,
}

impl Write for AssociateIamInstanceProfile {
    const ACTION: Action = Action::ec2("AssociateIamInstanceProfile");
    type Output<'t> = Associated<'t>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand_instance(view, demands, Self::ACTION, self.instance_id, Some(&self.iam_instance_profile));
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<Associated<'t>, ApiError> {
        let name = self.iam_instance_profile.need_name()?;
        let id = profile_association::associate(tx, self.instance_id, &name)?;
        associated(&tx.view(), id)
    }
}
