//! secretsmanager:GetRandomPassword. Makes a password, which is kept nowhere.

use landfall_cloud::View;
use landfall_cloud::secret::SecretFault;
use serde::{Deserialize, Serialize};

use crate::{Action, ApiError, Demands, Inquire, Outside};

const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS: &str = "0123456789";
const PUNCTUATION: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
/// How long a password is unless it is said, and at most, in characters.
const DEFAULT_CHARS: usize = 32;
const MOST_CHARS: usize = 4096;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct GetRandomPassword {
    password_length: Option<usize>,
    #[serde(default)]
    exclude_characters: String,
    #[serde(default)]
    exclude_numbers: bool,
    #[serde(default)]
    exclude_punctuation: bool,
    #[serde(default)]
    exclude_uppercase: bool,
    #[serde(default)]
    exclude_lowercase: bool,
    #[serde(default)]
    include_space: bool,
    require_each_included_type: Option<bool>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetRandomPasswordResult {
    random_password: String,
}

impl Inquire for GetRandomPassword {
    const ACTION: Action = Action::secretsmanager("GetRandomPassword");
    type Output = GetRandomPasswordResult;

    fn demands(&self, _: &View<'_>, demands: &mut Demands) {
        demands.anything(Self::ACTION);
    }

    async fn inquire(&self, _: &Outside, _: View<'_>) -> Result<GetRandomPasswordResult, ApiError> {
        Ok(GetRandomPasswordResult { random_password: self.make()? })
    }
}

impl GetRandomPassword {
    fn make(&self) -> Result<String, ApiError> {
        let invalid = |message: &str| Err(SecretFault::Invalid(message.into()).into());
        let length = self.password_length.unwrap_or(DEFAULT_CHARS);
        if !(1..=MOST_CHARS).contains(&length) {
            return invalid("PasswordLength is between 1 and 4096.");
        }
        let sets = self.sets();
        let all: Vec<char> = sets.concat();
        if all.is_empty() || sets.iter().any(Vec::is_empty) && self.requires_each() {
            return invalid("The excluded characters leave none of a type that a password has to have.");
        }
        let required = if self.requires_each() { sets.as_slice() } else { &[] };
        if required.len() > length {
            return invalid("Password length is too short based on the required types.");
        }
        let mut password = Vec::with_capacity(length);
        for set in required {
            password.push(set[below(set.len())?]);
        }
        while password.len() < length {
            password.push(all[below(all.len())?]);
        }
        // So that nobody knows which type stands where.
        for last in (1..length).rev() {
            password.swap(last, below(last + 1)?);
        }
        Ok(password.into_iter().collect())
    }

    fn requires_each(&self) -> bool {
        self.require_each_included_type.unwrap_or(true)
    }

    /// The characters of each type that the password may have.
    fn sets(&self) -> Vec<Vec<char>> {
        let types = [
            (LOWER, !self.exclude_lowercase),
            (UPPER, !self.exclude_uppercase),
            (DIGITS, !self.exclude_numbers),
            (PUNCTUATION, !self.exclude_punctuation),
            (" ", self.include_space),
        ];
        let allowed = |set: &str| set.chars().filter(|c| !self.exclude_characters.contains(*c)).collect();
        types.into_iter().filter(|(_, is_included)| *is_included).map(|(set, _)| allowed(set)).collect()
    }
}

/// A number below another, each as likely as the next. What is too large to be shared out evenly is drawn again.
fn below(limit: usize) -> Result<usize, ApiError> {
    let limit = u32::try_from(limit).map_err(|_| ApiError::internal())?;
    loop {
        let mut bytes = [0; 4];
        aws_lc_rs::rand::fill(&mut bytes).map_err(|_| ApiError::internal())?;
        let number = u32::from_le_bytes(bytes);
        if number < u32::MAX / limit * limit {
            return Ok((number % limit) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(input: &str) -> Result<String, ApiError> {
        serde_json::from_str::<GetRandomPassword>(input).unwrap().make()
    }

    #[test]
    fn each_type_is_there_unless_it_need_not_be() {
        for _ in 0..100 {
            let password = made(r#"{"PasswordLength":5,"IncludeSpace":true}"#).unwrap();
            for set in [LOWER, UPPER, DIGITS, PUNCTUATION, " "] {
                assert_eq!(password.chars().filter(|c| set.contains(*c)).count(), 1, "{password}");
            }
        }
        assert_eq!(made("{}").unwrap().chars().count(), 32);
        let digits = r#"{"ExcludeLowercase":true,"ExcludeUppercase":true,"ExcludePunctuation":true,"ExcludeCharacters":"01234567"}"#;
        assert!(made(digits).unwrap().chars().all(|c| matches!(c, '8' | '9')));
    }

    #[test]
    fn what_can_t_be_is_refused() {
        for bad in [
            r#"{"PasswordLength":3}"#,
            r#"{"PasswordLength":0}"#,
            r#"{"PasswordLength":4097}"#,
            r#"{"ExcludeCharacters":"0123456789"}"#,
            r#"{"ExcludeLowercase":true,"ExcludeUppercase":true,"ExcludePunctuation":true,"ExcludeNumbers":true}"#,
        ] {
            assert_eq!(made(bad).unwrap_err().code, "InvalidParameterException", "{bad}");
        }
        assert_eq!(made(r#"{"PasswordLength":1,"RequireEachIncludedType":false}"#).unwrap().len(), 1);
    }
}
