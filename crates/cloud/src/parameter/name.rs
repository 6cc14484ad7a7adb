//! Names of parameters, and the ways to refer to one: by name, by ARN, and either with a version or a label behind it.

use landfall_model::{AccountId, Arn, Region, parameter_key};

use super::fault::ParameterFault;

/// Levels of a name.
const LEVELS: usize = 15;
/// The longest name, with its ARN before it.
const CHARS: usize = 1011;
/// What precedes a name in an ARN, at the least.
const ARN_CHARS: usize = 45;

/// What a request refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The parameter's name.
    pub name: String,
    /// A version's number or a label.
    pub selector: Option<String>,
    /// The account and region of an ARN. Public parameters' ARNs have no account.
    pub owner: Option<(Option<AccountId>, Option<Region>)>,
}

impl Reference {
    /// Reads one. Blanks around it mean nothing.
    pub fn parse(text: &str) -> Result<Self, ParameterFault> {
        let text = text.trim();
        let (owner, rest) = match text.parse::<Arn>() {
            Ok(arn) if text.starts_with("arn:") => {
                let rest = arn.resource().strip_prefix("parameter/").ok_or_else(malformed)?.to_owned();
                let region = text.split(':').nth(3).and_then(|region| region.parse().ok());
                // One level has no slash in its name, or one that means nothing.
                let rest = if rest.contains('/') { format!("/{rest}") } else { rest };
                (Some((arn.account(), region)), rest)
            }
            _ => (None, text.to_owned()),
        };
        let mut parts = rest.splitn(2, ':');
        let name = parts.next().unwrap_or_default().to_owned();
        let selector = parts.next().map(str::to_owned);
        if name.is_empty() || selector.as_deref().is_some_and(str::is_empty) {
            return Err(malformed());
        }
        check_form(&name)?;
        Ok(Self { name, selector, owner })
    }
}

/// That a new parameter can have that name.
pub fn check(name: &str) -> Result<(), ParameterFault> {
    let lower = parameter_key(name).to_ascii_lowercase();
    let bare = lower.strip_prefix('/').unwrap_or(&lower);
    let is_path = lower.starts_with('/');
    if is_path && bare.starts_with("aws") {
        return Err(ParameterFault::Reserved(name.to_owned()));
    }
    if !is_path && (bare.starts_with("aws") || bare.starts_with("ssm")) {
        let message = r#"Parameter name: can't be prefixed with "aws" or "ssm" (case-insensitive)."#;
        return Err(ParameterFault::Invalid(message.into()));
    }
    if bare.starts_with("ssm") {
        return Err(malformed());
    }
    if !name.starts_with('/') && name.contains('/') {
        return Err(ParameterFault::Invalid("Parameter name must be a fully qualified name.".into()));
    }
    check_form(name)?;
    if name.ends_with('/') {
        return Err(malformed());
    }
    if name.len() + ARN_CHARS > CHARS {
        let message = format!("The maximum length of a parameter's name, its ARN included, is {CHARS} characters.");
        return Err(ParameterFault::Invalid(message));
    }
    if name.strip_prefix('/').unwrap_or(name).split('/').count() > LEVELS {
        return Err(ParameterFault::Levels(LEVELS));
    }
    Ok(())
}

/// That a text is a path: the first levels of names.
pub fn check_path(path: &str) -> Result<(), ParameterFault> {
    let levels = path.strip_prefix('/').map(|rest| rest.strip_suffix('/').unwrap_or(rest));
    let Some(levels) = levels else { return Err(bad_path()) };
    if !levels.is_empty() && levels.split('/').any(|level| !is_level(level)) {
        return Err(bad_path());
    }
    if levels.split('/').count() > LEVELS {
        return Err(ParameterFault::Levels(LEVELS));
    }
    Ok(())
}

/// That a name has the form of one, whoever may have it.
fn check_form(name: &str) -> Result<(), ParameterFault> {
    let levels = name.strip_prefix('/').unwrap_or(name);
    let is_qualified = name.starts_with('/') || !name.contains('/');
    if is_qualified && levels.split('/').all(is_level) { Ok(()) } else { Err(malformed()) }
}

fn is_level(level: &str) -> bool {
    !level.is_empty() && level.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

fn malformed() -> ParameterFault {
    let message = r#"Parameter name: can't be prefixed with "ssm" (case-insensitive). If formed as a path, it can consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols .-_"#;
    ParameterFault::Invalid(message.into())
}

fn bad_path() -> ParameterFault {
    let message = r#"The parameter doesn't meet the parameter name requirements. The parameter name must begin with a forward slash "/". It can't be prefixed with "aws" or "ssm" (case-insensitive). It must use only letters, numbers, or the following symbols: . (period), - (hyphen), _ (underscore). Special characters are not allowed. All sub-paths, if specified, must use the forward slash symbol "/". Valid example: /get/parameters2-/by1./path0_."#;
    ParameterFault::Invalid(message.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_paths_of_words() {
        for good in ["db", "/db", "/prod/db/password", "My_Param-1.2", "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in ["prod/db", "/prod//db", "/prod/", "a b", "aws", "/awsome", "ssmx", "/ssm/x", "ü", "a:b"] {
            assert!(check(bad).is_err(), "{bad}");
        }
        assert_eq!(check("/aws/service/x"), Err(ParameterFault::Reserved("/aws/service/x".into())));
        assert_eq!(check(&"/x".repeat(16)), Err(ParameterFault::Levels(15)));
        assert!(check(&"x".repeat(967)).is_err());
    }

    #[test]
    fn references_are_read() {
        let of = |text: &str| Reference::parse(text).map(|r| (r.name, r.selector, r.owner.is_some()));
        assert_eq!(of("db"), Ok(("db".into(), None, false)));
        assert_eq!(of(" /prod/db:3 "), Ok(("/prod/db".into(), Some("3".into()), false)));
        let arn = "arn:aws:ssm:us-east-1:111122223333:parameter";
        assert_eq!(of(&format!("{arn}/prod/db:live")), Ok(("/prod/db".into(), Some("live".into()), true)));
        assert_eq!(of(&format!("{arn}/db")), Ok(("db".into(), None, true)));
        let public = of("arn:aws:ssm:us-east-1::parameter/aws/service/x");
        assert_eq!(public, Ok(("/aws/service/x".into(), None, true)));
        for bad in ["", "a b", "prod/db", "db:", "/a//b", "arn:aws:ssm:us-east-1:111122223333:document/x"] {
            assert!(Reference::parse(bad).is_err(), "{bad}");
        }
    }
}
