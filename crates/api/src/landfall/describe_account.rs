//! landfall:DescribeAccount. Shows an account and how much it has of what: of one that was closed, what is left, and the hosts
//! that it waits for. One that can't be reached any more keeps it waiting until it comes back.

use std::collections::BTreeMap;

use landfall_cloud::account;
use landfall_model::{AccountId, AccountState};
use serde::{Deserialize, Serialize};

use super::list_hosts::state;
use super::shape::AccountShape;
use super::{check_operator, demand_account};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeAccount {
    account_id: AccountId,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeAccountResponse {
    account: AccountShape,
    resources: Vec<ResourceCount>,
    /// Those that a closure waits for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hosts: Vec<HostCount>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct HostCount {
    host_name: String,
    /// As ListHosts has it.
    state: &'static str,
    count: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ResourceCount {
    resource_type: &'static str,
    count: usize,
}

impl Read for DescribeAccount {
    const ACTION: Action = Action::landfall("DescribeAccount");
    type Output<'v> = DescribeAccountResponse;

    fn demands(&self, view: &landfall_cloud::View<'_>, demands: &mut Demands) {
        demand_account(view, demands, Self::ACTION, Some(self.account_id));
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeAccountResponse, ApiError> {
        check_operator(&look.view)?;
        let row = account::need(&look.view, self.account_id)?;
        let left = account::left(&look.view, self.account_id);
        let resources = left.into_iter().map(|(resource_type, count)| ResourceCount { resource_type, count });
        let is_closing = matches!(row.standing.state, AccountState::PendingClosure | AccountState::Closed);
        let hosts = if is_closing { account::hosts(&look.view, self.account_id) } else { BTreeMap::new() };
        let host = |(id, count)| {
            let row = look.view.tables().hosts.get(&id)?;
            let state = state(row, look.outside.hosts.presence(id));
            Some(HostCount { host_name: row.facts.name.clone(), state, count })
        };
        let hosts = hosts.into_iter().filter_map(host).collect();
        Ok(DescribeAccountResponse { account: (&row).into(), resources: resources.collect(), hosts })
    }
}
