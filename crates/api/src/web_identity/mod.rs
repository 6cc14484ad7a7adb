//! Calls that nobody signed: a token of an identity provider says who calls (AssumeRoleWithWebIdentity). Proving the token
//! stands in the place of verifying a signature.

mod certificate;
mod fetch;
mod issuers;
mod labels;
mod token;

use std::sync::Arc;

use landfall_cloud::Cloud;
use landfall_cloud::identity::{oidc_provider, role};
use landfall_model::{AccountId, Arn, Principal};
use landfall_policy::Context;
use landfall_wire::{Protocol, Request, RequestParts, Tree};

use crate::error::ApiError;
use crate::outside::Outside;

pub use fetch::Fetcher;
pub use issuers::Issuers;
pub use labels::Labels;
pub use token::TokenError;
use token::{Claimed, Identity};

/// The only action that is called so.
const ACTION: &str = "AssumeRoleWithWebIdentity";

/// Whom an identity provider vouches for.
#[derive(Clone, Debug)]
pub struct Vouched {
    /// The account's provider.
    pub provider: Arn,
    /// Its issuer, as tokens name it.
    pub issuer: String,
    /// Whom the token proves somebody to be.
    pub subject: String,
    /// Whom the token is for.
    pub audience: String,
    /// How the subject showed who it is.
    pub methods: Vec<String>,
    /// What the token says of the session.
    pub labels: Labels,
}

impl Vouched {
    /// What the caller is called where others have an ARN.
    pub fn name(&self) -> String {
        format!("{}:{}:{}", self.provider, self.audience, self.subject)
    }

    /// The condition keys that a token gives, under the issuer's name: `token.example.com:sub`.
    pub fn keys(&self) -> Vec<(String, Vec<String>)> {
        let (_, name) = self.issuer.split_once("://").unwrap_or(("", &self.issuer));
        let mut keys = vec![
            (format!("{name}:sub"), vec![self.subject.clone()]),
            (format!("{name}:aud"), vec![self.audience.clone()]),
        ];
        if !self.methods.is_empty() {
            keys.push((format!("{name}:amr"), self.methods.clone()));
        }
        keys
    }

    /// Adds them to what is known of a request.
    pub(crate) fn describe(&self, context: &mut Context) {
        self.keys().into_iter().for_each(|(key, values)| context.set_many(&key, values));
    }
}

/// The most bytes of such a request: a token, percent-encoded, with a policy.
const REQUEST_BYTES: usize = 64 * 1024;

/// The request, where it is one that nobody signs. What names another action isn't even decoded.
pub(crate) fn decoded(parts: &RequestParts<'_>, body: &[u8]) -> Option<Request> {
    let text = if body.is_empty() { parts.query.as_bytes() } else { body };
    let names = |text: &[u8]| text.windows(ACTION.len()).any(|window| window == ACTION.as_bytes());
    if text.len() > REQUEST_BYTES || !names(text) {
        return None;
    }
    let decoded = if body.is_empty() {
        landfall_wire::decode_query_string(parts.query)
    } else {
        landfall_wire::decode_query(body)
    };
    decoded.ok().filter(|decoded| decoded.action == ACTION)
}

/// Proves the token of a request: who vouches for whom, and the role that is asked for.
pub(crate) async fn prove(
    outside: &Outside,
    cloud: &Cloud,
    input: &Tree,
    now_ms: i64,
) -> Result<(Arc<Principal>, Vouched), ApiError> {
    let asked: crate::sts::AssumeRoleWithWebIdentity =
        landfall_wire::from_tree(input).map_err(|error| error.refusal(Protocol::Query))?;
    asked.check_role()?;
    let claimed = Claimed::read(asked.token()).map_err(refusal)?;
    let arn: Option<Arn> = asked.role_arn().parse().ok();
    let account: Option<AccountId> = arn.as_ref().and_then(Arn::account);
    let provider = account.and_then(|account| oidc_provider::of_issuer(cloud, account, &claimed.issuer));
    let unknown = || {
        let message = format!("No OpenIDConnect provider found in your account for {}", claimed.issuer);
        ApiError::new("InvalidIdentityToken", message)
    };
    let provider = provider.ok_or_else(unknown)?;
    let identity: Identity = outside.issuers.prove(&claimed, provider, now_ms).await?;
    let role = arn.and_then(|arn| role::by_arn(cloud, &arn)).filter(|row| row.role().is_some());
    let role = role.and_then(|row| cloud.principals.get_arc(&row.id)).ok_or_else(denied)?;
    let vouched = Vouched {
        provider: provider.arn.clone(),
        issuer: provider.issuer.clone(),
        subject: identity.subject,
        audience: identity.audience,
        methods: identity.methods,
        labels: identity.labels,
    };
    Ok((role, vouched))
}

/// The role that a request asks for, whatever its token proves, and the name of the session.
pub(crate) fn asked_role<'c>(cloud: &'c Cloud, input: &Tree) -> Option<(&'c Principal, String)> {
    let asked: crate::sts::AssumeRoleWithWebIdentity = landfall_wire::from_tree(input).ok()?;
    let row = role::by_arn(cloud, &asked.role_arn().parse().ok()?).filter(|row| row.role().is_some())?;
    Some((row, asked.session_name().to_owned()))
}

fn denied() -> ApiError {
    ApiError::new("AccessDenied", format!("Not authorized to perform sts:{ACTION}")).with_status(403)
}

/// A token that proves nothing, in AWS's words.
pub(crate) fn refusal(error: TokenError) -> ApiError {
    let code = match error {
        TokenError::Expired { .. } => "ExpiredTokenException",
        _ => "InvalidIdentityToken",
    };
    ApiError::new(code, error.to_string())
}
