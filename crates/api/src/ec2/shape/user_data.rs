//! User data as requests give it: base64 of at most 16 KiB, whose bytes nobody touches.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::ApiError;

/// The most bytes before base64. Source: the EC2 User Guide, "Run commands when you launch an EC2 instance".
const MAX_BYTES: usize = 16 * 1024;

/// Checks user data. Returns the SHA-256 of its bytes in hexadecimal and its base64; `None` for empty data.
pub fn parse(text: &str) -> Result<Option<(String, String)>, ApiError> {
    let compact: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let invalid = || ApiError::new("InvalidParameterValue", "Invalid BASE64 encoding of user data.");
    let bytes = STANDARD.decode(&compact).map_err(|_| invalid())?;
    if bytes.len() > MAX_BYTES {
        return Err(ApiError::new("InvalidParameterValue", "User data is limited to 16384 bytes"));
    }
    if bytes.is_empty() {
        return Ok(None);
    }
    let hash = digest(&SHA256, &bytes);
    let hex = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Some((hex, compact)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_counted_before_base64() {
        let full = STANDARD.encode(vec![0x1f; MAX_BYTES]);
        assert_eq!(parse(&full).unwrap().unwrap().1, full);
        assert!(parse(&STANDARD.encode(vec![0; MAX_BYTES + 1])).is_err());
        assert!(parse("no base64!").is_err());
        assert_eq!(parse("").unwrap(), None);
    }
}
