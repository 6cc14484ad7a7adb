//! The metadata service's options as requests give them.

use landfall_model::MetadataOptions;
use serde::Deserialize;

use crate::error::ApiError;

/// What a request says of them; what it doesn't say stays as it is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct MetadataIn {
    pub http_tokens: Option<String>,
    pub http_put_response_hop_limit: Option<i64>,
    pub http_endpoint: Option<String>,
    pub http_protocol_ipv6: Option<String>,
    pub instance_metadata_tags: Option<String>,
}

impl MetadataIn {
    /// Changes options as the request says.
    pub fn apply(&self, options: &mut MetadataOptions) -> Result<(), ApiError> {
        if let Some(tokens) = &self.http_tokens {
            options.tokens_required = choice("HttpTokens", tokens, "required", "optional")?;
        }
        if let Some(limit) = self.http_put_response_hop_limit {
            let bounded = u8::try_from(limit).ok().filter(|limit| (1..=64).contains(limit));
            options.hop_limit = bounded.ok_or_else(|| {
                ApiError::invalid("HttpPutResponseHopLimit", limit, "The value must be between 1 and 64.")
            })?;
        }
        if let Some(endpoint) = &self.http_endpoint {
            options.enabled = choice("HttpEndpoint", endpoint, "enabled", "disabled")?;
        }
        if let Some(ipv6) = &self.http_protocol_ipv6 {
            options.ipv6 = choice("HttpProtocolIpv6", ipv6, "enabled", "disabled")?;
        }
        if let Some(tags) = &self.instance_metadata_tags {
            options.tags = choice("InstanceMetadataTags", tags, "enabled", "disabled")?;
        }
        Ok(())
    }
}

/// Whether a value is the first of two words; another word is refused.
pub fn choice(parameter: &str, value: &str, yes: &str, no: &str) -> Result<bool, ApiError> {
    if value == yes {
        Ok(true)
    } else if value == no {
        Ok(false)
    } else {
        Err(ApiError::invalid(parameter, value, format_args!("It is '{yes}' or '{no}'.")))
    }
}
