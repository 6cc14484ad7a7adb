//! Blocks of addresses of either family, as requests name them.

use landfall_model::Cidr;

use crate::error::ApiError;

/// Reads a block out of a request.
pub fn block(parameter: &str, text: &str) -> Result<Cidr, ApiError> {
    text.parse().map_err(|error| ApiError::invalid(parameter, text, error))
}

/// Reads several.
pub fn blocks(parameter: &str, texts: &[String]) -> Result<Vec<Cidr>, ApiError> {
    texts.iter().map(|text| block(parameter, text)).collect()
}
