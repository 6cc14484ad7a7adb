//! Names, paths and descriptions: what they may be made of. Source: the IAM API Reference.

use std::ops::RangeInclusive;

use super::fault::IdentityFault;

/// The longest name of a user.
pub const USER_CHARS: usize = 64;
/// The longest name of a role.
pub const ROLE_CHARS: usize = 64;
/// The longest name of a group, policy or instance profile.
pub const NAME_CHARS: usize = 128;
const PATH_CHARS: usize = 512;
const DESCRIPTION_CHARS: usize = 1000;
/// What is shown of a value that breaks a rule.
const SHOWN_CHARS: usize = 2048;
const EXTERNAL_ID_CHARS: RangeInclusive<usize> = 2..=1224;

/// Checks a name of at most so many letters.
pub fn check_name(member: &str, name: &str, most: usize) -> Result<(), IdentityFault> {
    check_length(member, name, 1..=most)?;
    if !name.bytes().all(fits) {
        let message = format!(
            "The specified value for {member} is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-"
        );
        return Err(IdentityFault::Validation(message));
    }
    Ok(())
}

/// Checks the name of a session or of whoever stands behind one, which STS refuses in other words.
pub fn check_session_name(member: &str, name: &str, chars: RangeInclusive<usize>) -> Result<(), IdentityFault> {
    check_length(member, name, chars)?;
    if name.bytes().all(fits) {
        return Ok(());
    }
    Err(violation(member, name, "Member must satisfy regular expression pattern: [\\w+=,.@-]*"))
}

/// Checks the word that an account gives to another one, which must tell it when it takes a role.
pub fn check_external_id(id: &str) -> Result<(), IdentityFault> {
    let member = "externalId";
    check_length(member, id, EXTERNAL_ID_CHARS)?;
    if id.bytes().all(|byte| fits(byte) || b":/".contains(&byte)) {
        return Ok(());
    }
    Err(violation(member, id, "Member must satisfy regular expression pattern: [\\w+=,.@:\\/-]*"))
}

/// Checks how many letters there are.
pub(crate) fn check_length(member: &str, text: &str, chars: RangeInclusive<usize>) -> Result<(), IdentityFault> {
    let (least, most) = chars.into_inner();
    let side = match text.chars().count() {
        count if count < least => format!("greater than or equal to {least}"),
        count if count > most => format!("less than or equal to {most}"),
        _ => return Ok(()),
    };
    Err(violation(member, text, &format!("Member must have length {side}")))
}

/// Whether a letter may be in a name.
fn fits(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte)
}

/// Checks a path, or what paths begin with: `/` or slashes around names.
pub fn check_path(member: &str, path: &str) -> Result<(), IdentityFault> {
    check_length(member, path, 1..=PATH_CHARS)?;
    let closed = path.starts_with('/') && path.ends_with('/') && !path.contains("//");
    let visible = path.bytes().all(|byte| (0x21..=0x7e).contains(&byte));
    if !closed || !visible {
        let message = format!(
            "The specified value for {member} is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters."
        );
        return Err(IdentityFault::Validation(message));
    }
    Ok(())
}

/// Checks a description of a policy.
pub fn check_description(text: &str) -> Result<(), IdentityFault> {
    check_length("description", text, 0..=DESCRIPTION_CHARS)
}

/// Checks a role's description, whose letters are those of Latin-1.
pub fn check_role_description(text: &str) -> Result<(), IdentityFault> {
    check_description(text)?;
    if text.chars().all(|letter| matches!(letter, '\t' | '\n' | '\r' | ' '..='~' | '\u{a1}'..='\u{ff}')) {
        return Ok(());
    }
    const PATTERN: &str = "[\\u0009\\u000A\\u000D\\u0020-\\u007E\\u00A1-\\u00FF]*";
    Err(violation("description", text, &format!("Member must satisfy regular expression pattern: {PATTERN}")))
}

/// The sentence of a member that breaks one of its rules.
pub(crate) fn violation(member: &str, value: &str, why: &str) -> IdentityFault {
    let shown: String = value.chars().take(SHOWN_CHARS).collect();
    IdentityFault::Validation(format!(
        "1 validation error detected: Value '{shown}' at '{member}' failed to satisfy constraint: {why}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_breaks_a_rule_reads_which() {
        let said = |done: Result<(), IdentityFault>| match done {
            Err(IdentityFault::Validation(message)) => message,
            other => panic!("{other:?}"),
        };
        let name = |name: &str| said(check_session_name("roleSessionName", name, 2..=64));
        let begin = "1 validation error detected: Value 'x' at 'roleSessionName' failed to satisfy constraint: ";
        assert_eq!(name("x"), format!("{begin}Member must have length greater than or equal to 2"));
        assert!(name(&"x".repeat(65)).ends_with("Member must have length less than or equal to 64"));
        assert!(name("a b").ends_with("Member must satisfy regular expression pattern: [\\w+=,.@-]*"));
        assert!(said(check_path("path", "")).ends_with("length greater than or equal to 1"));
        assert!(
            said(check_path("path", &format!("/{}/", "x".repeat(511)))).ends_with("length less than or equal to 512")
        );
        assert!(said(check_external_id("a b")).ends_with("pattern: [\\w+=,.@:\\/-]*"));
        assert_eq!(check_external_id("arn:aws:x/y"), Ok(()));
        assert_eq!(check_role_description("\tA role, für alle"), Ok(()));
        assert!(said(check_role_description("роль")).ends_with("\\u00A1-\\u00FF]*"));
        assert_eq!(check_description("политика"), Ok(()));
    }

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
