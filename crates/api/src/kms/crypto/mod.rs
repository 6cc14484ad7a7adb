//! What keys do: cryptography over opened material, by aws-lc. Nothing here knows a row or a request, but for the key that
//! a ciphertext names.

pub mod asymmetric;
pub mod encryption;
pub mod import;
pub mod mac;
pub mod material;
pub mod symmetric;
