//! Names, paths and descriptions: what they may be made of. Source: the IAM API Reference.

use super::fault::IdentityFault;

/// The longest name of a user.
pub const USER_CHARS: usize = 64;
/// The longest name of a role.
pub const ROLE_CHARS: usize = 64;
/// The longest name of a group, policy or instance profile.
pub const NAME_CHARS: usize = 128;
const PATH_CHARS: usize = 512;
const DESCRIPTION_CHARS: usize = 1000;

/// Checks a name of at most so many letters.
pub fn check_name(member: &str, name: &str, most: usize) -> Result<(), IdentityFault> {
    if name.is_empty() {
        return Err(violation(member, name, "Member must have length greater than or equal to 1"));
    }
    if name.chars().count() > most {
        return Err(violation(member, name, &format!("Member must have length less than or equal to {most}")));
    }
    if !name.bytes().all(fits) {
        let message = format!(
            "The specified value for {member} is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-"
        );
        return Err(IdentityFault::Validation(message));
    }
    Ok(())
}

/// Checks the name of a session or of whoever stands behind one, which STS refuses in other words.
pub fn check_session_name(
    member: &str,
    name: &str,
    chars: std::ops::RangeInclusive<usize>,
) -> Result<(), IdentityFault> {
    if chars.contains(&name.len()) && name.bytes().all(fits) {
        return Ok(());
    }
    Err(violation(member, name, "Member must satisfy regular expression pattern: [\\w+=,.@-]*"))
}

/// Whether a letter may be in a name.
fn fits(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte)
}

/// Checks a path, or what paths begin with: `/` or slashes around names.
pub fn check_path(member: &str, path: &str) -> Result<(), IdentityFault> {
    let closed = path.starts_with('/') && path.ends_with('/') && !path.contains("//");
    let visible = path.bytes().all(|byte| (0x21..=0x7e).contains(&byte));
    if path.len() > PATH_CHARS || !closed || !visible {
        let message = format!(
            "The specified value for {member} is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters."
        );
        return Err(IdentityFault::Validation(message));
    }
    Ok(())
}

/// Checks a description.
pub fn check_description(text: &str) -> Result<(), IdentityFault> {
    if text.chars().count() > DESCRIPTION_CHARS {
        let most = format!("Member must have length less than or equal to {DESCRIPTION_CHARS}");
        return Err(violation("description", text, &most));
    }
    if text.chars().any(|letter| letter.is_control() && !matches!(letter, '\t' | '\n' | '\r')) {
        return Err(violation("description", text, "Member must satisfy regular expression pattern"));
    }
    Ok(())
}

fn violation(member: &str, value: &str, why: &str) -> IdentityFault {
    let shown: String = value.chars().take(128).collect();
    IdentityFault::Validation(format!(
        "1 validation error detected: Value '{shown}' at '{member}' failed to satisfy constraint: {why}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_paths() {
        for good in ["alice", "a_b+c=d,e.f@g-h", &"x".repeat(64)] {
            assert_eq!(check_name("userName", good, USER_CHARS), Ok(()), "{good}");
        }
        for bad in ["", "a b", "a/b", "ä", "a:b", &"x".repeat(65)] {
            assert!(check_name("userName", bad, USER_CHARS).is_err(), "{bad}");
        }
        for good in ["/", "/a/", "/a/b-c/", "/!~/"] {
            assert_eq!(check_path("path", good), Ok(()), "{good}");
        }
        for bad in ["", "a", "/a", "a/", "//", "/a//b/", "/ä/", "/a b/"] {
            assert!(check_path("path", bad).is_err(), "{bad}");
        }
    }
}
