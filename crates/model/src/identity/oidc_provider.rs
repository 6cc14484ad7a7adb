//! Providers of identities: issuers of tokens whom an account believes who somebody is (OpenID Connect).

use serde::{Deserialize, Serialize};

use crate::arn::Arn;
use crate::scope::AccountId;
use crate::time::Timestamp;

/// A provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OidcProvider {
    /// The account.
    pub account: AccountId,
    /// Its ARN.
    pub arn: Arn,
    /// The issuer's address, as its tokens have it: `https://token.actions.githubusercontent.com`.
    pub issuer: String,
    /// Whom its tokens may be for.
    pub client_ids: Vec<String>,
    /// What its certificate's fingerprint was said to be.
    pub thumbprints: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl OidcProvider {
    /// The ARN of an account's provider, by the issuer's address without its scheme.
    pub fn arn_of(account: AccountId, name: &str) -> Arn {
        Arn::iam(account, format_args!("oidc-provider/{name}"))
    }

    /// The issuer's address without its scheme, as ARNs and condition keys have it.
    pub fn name(&self) -> &str {
        self.issuer.split_once("://").map_or(&*self.issuer, |(_, name)| name)
    }
}
