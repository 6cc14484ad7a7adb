//! ec2:ReplaceNetworkAclEntry. Puts an entry in the place of the one that has its number.

use landfall_cloud::{Tx, View};
use serde::Deserialize;

use super::shape::Done;
use super::shape::acl_entry::EntryRequest;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(transparent)]
pub struct ReplaceNetworkAclEntry(EntryRequest);

impl Write for ReplaceNetworkAclEntry {
    const ACTION: Action = Action::ec2("ReplaceNetworkAclEntry");
    type Output<'t> = Done;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        self.0.demand(view, demands, Self::ACTION);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<Done, ApiError> {
        self.0.put(tx, true)
    }
}
