//! ec2:DisassociateIamInstanceProfile. Takes an instance's profile from it: it gets no credentials any more.

use landfall_cloud::{Tx, View, profile_association};
use landfall_model::ProfileAssociationId;
use serde::Deserialize;

use super::shape::instance_profile::{Associated, associated, demand_association};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DisassociateIamInstanceProfile {
    association_id: ProfileAssociationId,
}

impl Write for DisassociateIamInstanceProfile {
    const ACTION: Action = Action::ec2("DisassociateIamInstanceProfile");
    const FREES: bool = true;
    type Output<'t> = Associated<'t>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand_association(view, demands, Self::ACTION, self.association_id, None);
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<Associated<'t>, ApiError> {
        profile_association::end(tx, self.association_id)?;
        associated(&tx.view(), self.association_id)
    }
}
