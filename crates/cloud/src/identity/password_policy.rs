//! What an account asks of its users' passwords. Source: the IAM User Guide, "Set an account password policy for IAM
//! users", where the default policy stands too.

use landfall_model::PasswordPolicy;

use super::fault::IdentityFault;
use crate::fault::Fault;
use crate::tx::Tx;
use crate::value::Accounts;
use crate::view::View;

/// The most characters of a password, whatever the policy.
const MOST: usize = 128;
/// What the default policy asks for: so many characters, of so many kinds.
const DEFAULT_LENGTH: usize = 8;
const DEFAULT_KINDS: usize = 3;
/// What a policy may ask for.
const LENGTH: std::ops::RangeInclusive<u32> = 6..=128;
const AGE_DAYS: std::ops::RangeInclusive<u32> = 1..=1095;
const REUSE: std::ops::RangeInclusive<u32> = 1..=24;
const SYMBOLS: &str = "!@#$%^&*()_+-=[]{}|'";

/// The account's policy, where it has one.
pub fn find(view: &View<'_>) -> Option<PasswordPolicy> {
    view.tables().accounts.get(&view.scope().account)?.password_policy
}

/// The account's policy, or that it has none.
pub fn need(view: &View<'_>) -> Result<PasswordPolicy, Fault> {
    let no_such = || {
        let account = view.scope().account;
        IdentityFault::NoSuch(format!("The Password Policy with domain name {account} cannot be found."))
    };
    Ok(find(view).ok_or_else(no_such)?)
}

/// Has the account ask for that from the next password on.
pub fn set(tx: &mut Tx<'_, '_>, policy: PasswordPolicy) -> Result<(), Fault> {
    within("minimumPasswordLength", policy.min_length, LENGTH)?;
    policy.max_age_days.map(|days| within("maxPasswordAge", days, AGE_DAYS)).transpose()?;
    policy.reuse_prevention.map(|count| within("passwordReusePrevention", count, REUSE)).transpose()?;
    let account = tx.scope().account;
    tx.update::<Accounts, _>(&account, |row| row.password_policy = Some(policy));
    Ok(())
}

/// Has the account ask for the default again.
pub fn delete(tx: &mut Tx<'_, '_>) -> Result<(), Fault> {
    if find(&tx.view()).is_none() {
        let message = "The account policy with name PasswordPolicy cannot be found.";
        return Err(IdentityFault::NoSuch(message.into()).into());
    }
    let account = tx.scope().account;
    tx.update::<Accounts, _>(&account, |row| row.password_policy = None);
    Ok(())
}

/// That a password is what a policy asks for: the account's, or the default.
pub fn check(policy: Option<PasswordPolicy>, password: &str) -> Result<(), Fault> {
    let violation = |message: String| Err(IdentityFault::Password(message).into());
    let length = password.chars().count();
    let fits = |letter: char| matches!(letter, '\t' | '\n' | '\r' | ' '..='\u{ff}');
    if length > MOST || !password.chars().all(fits) {
        return violation(format!("Password should have at most {MOST} characters, of the Latin-1 character set"));
    }
    let has = |kind: &dyn Fn(char) -> bool| password.chars().any(kind);
    let kinds = [
        (has(&|letter| letter.is_ascii_uppercase()), "uppercase letter"),
        (has(&|letter| letter.is_ascii_lowercase()), "lowercase letter"),
        (has(&|letter| letter.is_ascii_digit()), "number"),
        (has(&|letter| SYMBOLS.contains(letter)), "symbol"),
    ];
    let Some(policy) = policy else {
        if length < DEFAULT_LENGTH {
            return violation(format!("Password should have a minimum length of {DEFAULT_LENGTH}"));
        }
        if kinds.iter().filter(|(has, _)| *has).count() < DEFAULT_KINDS {
            let message =
                "Password should have at least three of uppercase letters, lowercase letters, numbers and symbols";
            return violation(message.into());
        }
        return Ok(());
    };
    if length < policy.min_length as usize {
        return violation(format!("Password should have a minimum length of {}", policy.min_length));
    }
    let wanted = [policy.uppercase, policy.lowercase, policy.numbers, policy.symbols];
    match kinds.iter().zip(wanted).find(|((has, _), wanted)| *wanted && !has) {
        Some(((_, noun), _)) => violation(format!("Password should have at least one {noun}")),
        None => Ok(()),
    }
}

fn within(member: &str, value: u32, allowed: std::ops::RangeInclusive<u32>) -> Result<(), IdentityFault> {
    if allowed.contains(&value) {
        return Ok(());
    }
    let side = if value < *allowed.start() {
        format!("greater than or equal to {}", allowed.start())
    } else {
        format!("less than or equal to {}", allowed.end())
    };
    Err(IdentityFault::Validation(format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: Member must have value {side}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_what_the_policy_asks_for() {
        for good in ["abcDEF12", "abc-DEF-", "12345-ab", &format!("aB1{}", "x".repeat(125))] {
            assert_eq!(check(None, good), Ok(()), "{good}");
        }
        for bad in ["", "aB1-", "abcdefgh", "abcdefg1", "aB1日本語日本語", &format!("aB1{}", "x".repeat(126))] {
            assert!(check(None, bad).is_err(), "{bad}");
        }
        let policy = PasswordPolicy {
            min_length: 6,
            symbols: true,
            numbers: false,
            uppercase: false,
            lowercase: true,
            may_change: false,
            max_age_days: None,
            reuse_prevention: None,
            hard_expiry: None,
        };
        assert_eq!(check(Some(policy), "abcde!"), Ok(()));
        for bad in ["abcdef", "ABCDE!", "abc!"] {
            assert!(check(Some(policy), bad).is_err(), "{bad}");
        }
    }
}
