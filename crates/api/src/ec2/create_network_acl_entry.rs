//! ec2:CreateNetworkAclEntry. Adds an entry to a network ACL, under a number that is free.

use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::Done;
use super::shape::acl_entry::EntryRequest;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(transparent)]
pub struct CreateNetworkAclEntry(EntryRequest);

impl Write for CreateNetworkAclEntry {
    const ACTION: Action = Action::ec2("CreateNetworkAclEntry");
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        self.0.demand(view, demands, Self::ACTION);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        self.0.put(tx, false)
    }
}
