//! The provider's own operations: what no tenant has a part in, with the same signatures, policies and audit as all others.
//!
//! They answer the operator's account alone, whatever another account's policies say.

mod assume_administrator;
mod close_account;
mod create_account;
mod deregister_host;
mod describe_account;
mod get_account_quotas;
mod get_usage;
mod list_accounts;
mod list_hosts;
mod list_nat_gateways;
mod put_account_quota;
mod register_host;
mod resume_account;
mod shape;
mod suspend_account;
mod update_host;

use landfall_cloud::View;
use landfall_model::{AccountId, Arn};

use crate::operation::Operation;
use crate::{Action, ApiError, Demands};

/// The operations of this service.
pub static OPERATIONS: &[Operation] = &[
    Operation::call::<assume_administrator::AssumeAdministrator>(),
    Operation::write::<close_account::CloseAccount>(),
    Operation::call::<create_account::CreateAccount>(),
    Operation::write::<deregister_host::DeregisterHost>(),
    Operation::read::<describe_account::DescribeAccount>(),
    Operation::read::<get_account_quotas::GetAccountQuotas>(),
    Operation::read::<get_usage::GetUsage>(),
    Operation::read::<list_accounts::ListAccounts>(),
    Operation::read::<list_hosts::ListHosts>(),
    Operation::read::<list_nat_gateways::ListNatGateways>(),
    Operation::write::<put_account_quota::PutAccountQuota>(),
    Operation::write::<register_host::RegisterHost>(),
    Operation::write::<resume_account::ResumeAccount>(),
    Operation::write::<suspend_account::SuspendAccount>(),
    Operation::write::<update_host::UpdateHost>(),
];

/// The demand of an action on a host.
fn demand(view: &View<'_>, demands: &mut Demands, action: Action, name: &str) {
    demands.resource(action, Arn::new("landfall", view.scope(), format_args!("host/{name}")));
}

/// The demand of an action on an account; on one that is yet to be made, on all.
fn demand_account(view: &View<'_>, demands: &mut Demands, action: Action, id: Option<AccountId>) {
    let name = id.map_or_else(|| "*".to_owned(), |id| id.to_string());
    demands.resource(action, Arn::new("landfall", view.scope(), format_args!("account/{name}")));
}

/// Refuses everybody but the operator.
fn check_operator(view: &View<'_>) -> Result<(), ApiError> {
    if view.scope().account == view.provider().operator {
        return Ok(());
    }
    let message = "This operation is the operator's, and this is another account.";
    Err(ApiError::new("AccessDenied", message).with_status(403))
}
