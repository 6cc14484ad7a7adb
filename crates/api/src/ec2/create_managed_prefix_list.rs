//! ec2:CreateManagedPrefixList. Makes a named list of blocks that routes and security groups can refer to.

use landfall_cloud::prefix_list::{self, NewPrefixList};
use landfall_cloud::{Tx, View, tag};
use landfall_model::PrefixListKind;
use serde::Deserialize;

use super::shape::TagSpecifications;
use super::shape::prefix_list::{EntryIn, KIND, PrefixListResult, check_count};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateManagedPrefixList {
    prefix_list_name: String,
    address_family: String,
    max_entries: u32,
    #[serde(default)]
    entry: Vec<EntryIn>,
    #[serde(default)]
    tag_specification: TagSpecifications,
}

impl Write for CreateManagedPrefixList {
    const ACTION: Action = Action::ec2("CreateManagedPrefixList");
    const CLIENT_TOKEN: bool = true;
    type Output<'t> = PrefixListResult<'t>;

    fn demands(&self, _: &View<'_>, demands: &mut Demands) {
        let tags = self.tag_specification.claimed(KIND);
        demands.new_ec2::<PrefixListKind>(Self::ACTION).request_tags(&tags);
        demands.tagging(Self::ACTION, KIND, &tags);
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<PrefixListResult<'t>, ApiError> {
        self.tag_specification.check(&[KIND])?;
        let tags = self.tag_specification.of(KIND)?;
        check_count("Entry", self.entry.len())?;
        let ipv6 = match self.address_family.as_str() {
            "IPv4" => false,
            "IPv6" => true,
            other => return Err(ApiError::invalid("addressFamily", other, "It is 'IPv4' or 'IPv6'.")),
        };
        let entries = self.entry.into_iter().map(Into::into).collect();
        let new = NewPrefixList { name: self.prefix_list_name, ipv6, max_entries: self.max_entries, entries };
        let id = prefix_list::create(tx, new)?;
        tag::put(tx, KIND, &id.to_string(), &tags)?;
        let view = tx.view();
        Ok(PrefixListResult::of(&view, view.prefix_list(id)?, "create-in-progress"))
    }
}
