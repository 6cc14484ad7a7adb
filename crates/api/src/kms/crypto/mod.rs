//! What keys do: cryptography over opened material, by aws-lc. Nothing here knows a row or a request.

pub mod material;
pub mod symmetric;
