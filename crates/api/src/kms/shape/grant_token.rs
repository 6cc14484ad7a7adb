//! Tokens of grants. A grant here is good as soon as it is made, so a token gives nothing that its grant doesn't; one that
//! names no grant is refused, as AWS does.

use landfall_cloud::View;
use landfall_cloud::kms::grant;

use crate::ApiError;

/// The tokens of a request.
pub type GrantTokens = Vec<String>;

/// That each token names a grant.
pub fn check_tokens(view: &View<'_>, tokens: &[String]) -> Result<(), ApiError> {
    for token in tokens {
        grant::of_token(view, token)?;
    }
    Ok(())
}
