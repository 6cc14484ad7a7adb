//! The provider's own operations: what no tenant has a part in, with the same signatures, policies and audit as all others.
//!
//! They answer the operator's account alone, whatever another account's policies say.

mod deregister_host;
mod list_hosts;
mod register_host;
mod update_host;

use landfall_cloud::View;
use landfall_model::Arn;

use crate::operation::Operation;
use crate::{Action, ApiError, Demands};

/// The operations of this service.
pub static OPERATIONS: &[Operation] = &[
    Operation::write::<deregister_host::DeregisterHost>(),
    Operation::read::<list_hosts::ListHosts>(),
    Operation::write::<register_host::RegisterHost>(),
    Operation::write::<update_host::UpdateHost>(),
];

/// The demand of an action on a host.
fn demand(view: &View<'_>, demands: &mut Demands, action: Action, name: &str) {
    demands.resource(action, Arn::new("landfall", view.scope(), format_args!("host/{name}")));
}

/// Refuses everybody but the operator.
fn check_operator(view: &View<'_>) -> Result<(), ApiError> {
    if view.scope().account == view.provider().operator {
        return Ok(());
    }
    let message = "Hosts are the operator's, and this is another account.";
    Err(ApiError::new("AccessDenied", message).with_status(403))
}
