//! What operations of IAM demand: an action on the ARN of what they name.

use std::collections::BTreeMap;

use landfall_cloud::View;
use landfall_cloud::identity::holder::HolderKind;
use landfall_cloud::identity::{group, instance_profile, mfa, oidc_provider, role, user};
use landfall_model::{Arn, UniqueId};

use crate::demand::Demand;
use crate::{Action, Demands};

/// The demand of an action on an ARN, with the tags of what has that id.
fn on<'d>(
    view: &View<'_>,
    demands: &'d mut Demands,
    action: Action,
    arn: &Arn,
    id: Option<&UniqueId>,
) -> &'d mut Demand {
    tagged(view, demands, action, arn, id.map(UniqueId::as_str))
}

/// The same, where tags are kept under something else than a unique id.
fn tagged<'d>(
    view: &View<'_>,
    demands: &'d mut Demands,
    action: Action,
    arn: &Arn,
    id: Option<&str>,
) -> &'d mut Demand {
    let tags: BTreeMap<String, String> = id.and_then(|id| view.tags(id)).cloned().unwrap_or_default();
    let demand = demands.resource(action, arn);
    for (key, value) in &tags {
        demand.with(&format!("aws:ResourceTag/{key}"), value).with(&format!("iam:ResourceTag/{key}"), value);
    }
    demand
}

/// The demand of an action on a user. One that isn't there is demanded at the root of all paths.
pub fn user_demand<'d>(view: &View<'_>, demands: &'d mut Demands, action: Action, name: &str) -> &'d mut Demand {
    let account = demands.account();
    match user::find(view, name) {
        Some(row) => on(view, demands, action, &row.arn(), Some(&row.id)),
        None => on(view, demands, action, &Arn::iam(account, format_args!("user/{name}")), None),
    }
}

/// The demand of an action on a role.
pub fn role_demand<'d>(view: &View<'_>, demands: &'d mut Demands, action: Action, name: &str) -> &'d mut Demand {
    let account = demands.account();
    match role::find(view, name) {
        Some(row) => on(view, demands, action, &row.arn(), Some(&row.id)),
        None => on(view, demands, action, &Arn::iam(account, format_args!("role/{name}")), None),
    }
}

/// The demand of an action on a group.
pub fn group_demand<'d>(view: &View<'_>, demands: &'d mut Demands, action: Action, name: &str) -> &'d mut Demand {
    let account = demands.account();
    match group::find(view, name) {
        Some(row) => on(view, demands, action, &row.arn(), None),
        None => on(view, demands, action, &Arn::iam(account, format_args!("group/{name}")), None),
    }
}

/// The demand of an action on an instance profile.
pub fn profile_demand<'d>(view: &View<'_>, demands: &'d mut Demands, action: Action, name: &str) -> &'d mut Demand {
    let account = demands.account();
    match instance_profile::find(view, name) {
        Some(row) => on(view, demands, action, &row.arn(), Some(&row.id)),
        None => on(view, demands, action, &Arn::iam(account, format_args!("instance-profile/{name}")), None),
    }
}

/// The demand of an action on a managed policy.
pub fn policy_demand<'d>(view: &View<'_>, demands: &'d mut Demands, action: Action, arn: &str) -> &'d mut Demand {
    use landfall_cloud::identity::managed_policy::{Managed, find};
    let Ok(arn) = arn.parse::<Arn>() else { return demands.resource(action, arn) };
    match find(view, &arn) {
        Some(Managed::Own(row)) => on(view, demands, action, &arn, Some(&row.id)),
        _ => on(view, demands, action, &arn, None),
    }
}

/// The demand of an action on a user, group or role, with what bounds it.
pub fn holder_demand<'d>(
    view: &View<'_>,
    demands: &'d mut Demands,
    action: Action,
    kind: HolderKind,
    name: &str,
) -> &'d mut Demand {
    let row = match kind {
        HolderKind::Group => return group_demand(view, demands, action, name),
        HolderKind::User => user::find(view, name),
        HolderKind::Role => role::find(view, name),
    };
    let boundary = row.and_then(|row| row.boundary.clone());
    let demand = match kind {
        HolderKind::User => user_demand(view, demands, action, name),
        _ => role_demand(view, demands, action, name),
    };
    if let Some(boundary) = boundary {
        demand.with("iam:PermissionsBoundary", boundary);
    }
    demand
}

/// The demands of giving a user or group another name or path: on what it is, and on what it would be. Source: the IAM User
/// Guide, "Renaming an IAM user" and "Rename an IAM user group".
pub fn rename_demands(
    view: &View<'_>,
    demands: &mut Demands,
    action: Action,
    kind: HolderKind,
    (name, new_name, new_path): (&str, Option<&str>, Option<&str>),
) {
    let account = demands.account();
    let (demand, path) = match kind {
        HolderKind::Group => {
            let path = group::find(view, name).map_or("/", |row| &*row.path);
            (group_demand(view, demands, action, name), path)
        }
        HolderKind::User | HolderKind::Role => {
            let path = user::find(view, name).map_or("/", |row| &*row.path);
            (user_demand(view, demands, action, name), path)
        }
    };
    let (path, name) = (new_path.unwrap_or(path), new_name.unwrap_or(name));
    let target = Arn::iam(account, format_args!("{}{path}{name}", kind.noun())).to_string();
    if demand.resource != target {
        // It keeps its tags.
        let context = demand.context.clone();
        demands.resource(action, target).context = context;
    }
}

/// The demand of an action on the user that is meant: the named one, or else the caller, who may be root.
pub fn whom_demand<'d>(
    view: &View<'_>,
    demands: &'d mut Demands,
    action: Action,
    name: Option<&str>,
    caller: Option<&UniqueId>,
) -> &'d mut Demand {
    if let Some(name) = name {
        return user_demand(view, demands, action, name);
    }
    match caller.and_then(|id| user::by_id(view, id)) {
        Some(row) => on(view, demands, action, &row.arn(), Some(&row.id)),
        None => demands.resource(action, Arn::iam(demands.account(), "root")),
    }
}

/// The demand of an action on a user, group or role by its ARN.
pub fn entity_demand<'d>(view: &View<'_>, demands: &'d mut Demands, action: Action, arn: &str) -> &'d mut Demand {
    let own = arn.parse::<Arn>().ok().filter(|arn| arn.account() == Some(view.scope().account));
    let row = own.and_then(|arn| role::by_arn(view.tables(), &arn));
    let Some(row) = row else { return demands.resource(action, arn) };
    on(view, demands, action, &row.arn(), Some(&row.id))
}

/// The demand of an action on an identity provider, by its ARN.
pub fn provider_demand<'d>(view: &View<'_>, demands: &'d mut Demands, action: Action, arn: &str) -> &'d mut Demand {
    let Some(row) = oidc_provider::find(view, arn) else { return demands.resource(action, arn) };
    tagged(view, demands, action, &row.arn, Some(row.arn.as_str()))
}

/// The demand of an action on a virtual device, by its serial number.
pub fn mfa_demand<'d>(view: &View<'_>, demands: &'d mut Demands, action: Action, serial: &str) -> &'d mut Demand {
    let Some(row) = mfa::find(view, serial) else { return demands.resource(action, serial) };
    tagged(view, demands, action, &row.serial, Some(row.serial.as_str()))
}
