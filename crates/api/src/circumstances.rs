//! The circumstances of a request: what conditions may look at besides what an operation demands. After the IAM User
//! Guide's "AWS global condition context keys".

use http::HeaderMap;
use http::header::{HeaderName, REFERER, USER_AGENT};
use landfall_cloud::View;
use landfall_cloud::identity::home;
use landfall_model::{AccountId, Arn, Region, Timestamp};
use landfall_policy::{Context, PrincipalRef};
use landfall_wire::Time;

use crate::authorise::Caller;
use crate::demand::Demand;
use crate::session::Session;
use crate::through;

/// What a request's headers say of what sent it. Nothing proves it, and policies may look at it all the same.
#[derive(Clone, Debug, Default)]
pub struct Headers {
    user_agent: Option<String>,
    referer: Option<String>,
}

impl Headers {
    /// Those of a request.
    pub fn of(headers: &HeaderMap) -> Self {
        let text = |name: HeaderName| Some(String::from_utf8_lossy(headers.get(name)?.as_bytes()).into_owned());
        Self { user_agent: text(USER_AGENT), referer: text(REFERER) }
    }
}

/// What is known of every request of a caller.
pub(crate) fn common(caller: &Caller, view: &View<'_>, region: Region, who: &PrincipalRef<'_>) -> Context {
    let now = view.now();
    let mut context = Context::with_capacity(24)
        .with("aws:RequestedRegion", region.name())
        .with("ec2:Region", region.name())
        .with("aws:CurrentTime", Time(now.as_millis()).to_string())
        .with("aws:EpochTime", (now.as_millis() / 1000).to_string())
        .with("aws:SecureTransport", caller.secure.to_string())
        .with("aws:ViaAWSService", "false")
        .with_principal(who);
    through::describe(caller, &mut context);
    for (key, value) in [("aws:UserAgent", &caller.headers.user_agent), ("aws:Referer", &caller.headers.referer)] {
        if let Some(value) = value {
            context.set(key, value.as_str());
        }
    }
    if let Some(vouched) = &caller.vouched {
        vouched.describe(&mut context);
        return context;
    }
    let principal = &caller.principal;
    let at_home = View::new(view.tables(), home(principal.account), now);
    for (key, value) in at_home.tags(principal.id.as_str()).into_iter().flatten() {
        context.set(&format!("aws:PrincipalTag/{key}"), value.as_str());
    }
    if let Some(session) = &caller.session {
        describe_session(session, now, &mut context);
    }
    context
}

/// What a session adds: keys that only temporary credentials have.
fn describe_session(session: &Session, now: Timestamp, context: &mut Context) {
    for (key, value) in &session.tags {
        context.set(&format!("aws:PrincipalTag/{key}"), value.as_str());
    }
    context.set("aws:TokenIssueTime", Time(session.issued_at.as_millis()).to_string());
    context.set("aws:MultiFactorAuthPresent", session.mfa_at.is_some().to_string());
    for (key, values) in &session.claims {
        context.set_many(key, values.iter().map(String::as_str));
    }
    if let Some(at) = session.mfa_at {
        context.set("aws:MultiFactorAuthAge", ((now.as_millis() - at.as_millis()) / 1000).to_string());
    }
    if let Some(delivery) = &session.delivery {
        context.set("ec2:SourceInstanceARN", delivery.instance.as_str());
        context.set("ec2:RoleDelivery", delivery.version.as_str());
        context.set("aws:Ec2InstanceSourceVpc", delivery.vpc.to_string());
        if let Some(address) = delivery.address {
            context.set("aws:Ec2InstanceSourcePrivateIPv4", address.to_string());
        }
    }
    for (key, value) in [("aws:SourceIdentity", &session.source_identity), ("aws:FederatedProvider", &session.provider)]
    {
        if let Some(value) = value {
            context.set(key, value.as_str());
        }
    }
}

/// Which account has what is demanded, for `aws:ResourceAccount`: not known of what is everybody's, and of what isn't there
/// and whose name doesn't tell it. `asker` has whatever is named by no ARN, and what is yet to be made.
pub(crate) fn owner(demand: &Demand, asker: AccountId) -> Option<String> {
    if let Some(owned) = &demand.owned {
        return Some(owned.owner.clone());
    }
    if demand.resource == "*" {
        return Some(asker.to_string());
    }
    let account = demand.resource.parse::<Arn>().ok()?.account();
    // ARNs of images and snapshots have none.
    let told = || demand.context.values("ec2:Owner")?.first()?.parse::<AccountId>().ok();
    let made = || demand.resource.ends_with("/*").then_some(asker);
    account.or_else(told).or_else(made).map(|account| account.to_string())
}
