//! ec2:ReplaceIamInstanceProfileAssociation. Gives an instance another instance profile in the place of the one that it
//! has, without stopping it. Whoever does must be allowed to pass the new profile's role.

use landfall_cloud::{Tx, View, profile_association};
use landfall_model::ProfileAssociationId;
use serde::Deserialize;

use super::shape::instance_profile::{Associated, ProfileIn, associated, demand_association};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ReplaceIamInstanceProfileAssociation {
    iam_instance_profile: ProfileIn,
    association_id: ProfileAssociationId,
}

impl Write for ReplaceIamInstanceProfileAssociation {
    const ACTION: Action = Action::ec2("ReplaceIamInstanceProfileAssociation");
    type Output<'t> = Associated<'t>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand_association(view, demands, Self::ACTION, self.association_id, Some(&self.iam_instance_profile));
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<Associated<'t>, ApiError> {
        let name = self.iam_instance_profile.need_name()?;
        let id = profile_association::replace(tx, self.association_id, &name)?;
        associated(&tx.view(), id)
    }
}
