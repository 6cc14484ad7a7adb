//! Putting parameters: a first version, or a further one. What is asked for is checked by [`plan`], which changes nothing,
//! so that a value is encrypted only once it is known to be taken; [`put`] then keeps it.

use landfall_model::{ImageId, Parameter, ParameterKind, ParameterTier, ParameterVersion, Scope, parameter_key};
use regex::RegexBuilder;

use super::fault::ParameterFault;
use super::policy::{self, Policies};
use super::{find, name, newest, versions};
use crate::fault::Fault;
use crate::tx::Tx;
use crate::value::{ParameterVersions, Parameters};
use crate::view::View;

/// Parameters of the standard tier in an account and region: "Standard parameters".
const STANDARD_PARAMETERS: usize = 10_000;
/// Parameters of the advanced tier: "Advanced parameters".
const ADVANCED_PARAMETERS: usize = 100_000;
/// The largest value of the standard tier, in bytes.
const STANDARD_BYTES: usize = 4096;
/// The largest value of the advanced tier.
const ADVANCED_BYTES: usize = 8192;
/// Versions of a parameter: "Parameter value history".
const VERSIONS: usize = 100;
/// The longest description and the longest pattern, in characters.
const TEXT_CHARS: usize = 1024;
/// What a compiled pattern may take, in bytes.
const PATTERN_BYTES: usize = 1 << 20;
/// The type of data whose values name an image.
pub const IMAGE: &str = "aws:ec2:image";
/// The type of data that there is unless another is asked for.
pub const TEXT: &str = "text";

/// What a parameter is to say.
#[derive(Clone, Copy)]
pub struct Order<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its value, plain.
    pub value: &'a str,
    /// What kind of value; that of the parameter, where there is one already.
    pub kind: Option<ParameterKind>,
    /// Whether it may be there already.
    pub overwrite: bool,
    /// What it is for.
    pub description: Option<&'a str>,
    /// The key that encrypts it.
    pub kms_key: Option<&'a str>,
    /// The regular expression that values match.
    pub allowed_pattern: Option<&'a str>,
    /// The tier.
    pub tier: Tier,
    /// Policies, as JSON.
    pub policies: Option<&'a str>,
    /// What the value is.
    pub data_type: Option<&'a str>,
}

/// The tier that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// That one.
    Of(ParameterTier),
    /// The cheapest that will do.
    Fitting,
    /// None: that of the parameter, or else standard.
    Unsaid,
}

/// A version that may be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// What kind of value it has.
    pub kind: ParameterKind,
    /// The key that encrypts it, as it is to be shown.
    pub kms_key: Option<String>,
    /// The tier.
    pub tier: ParameterTier,
    description: Option<String>,
    allowed_pattern: Option<String>,
    data_type: String,
    policies: Policies,
}

/// Checks an order, and says what would come of it.
pub fn plan(view: &View<'_>, order: &Order<'_>) -> Result<Planned, Fault> {
    name::check(order.name)?;
    let existing = find(view, order.name);
    if existing.is_some() && !order.overwrite {
        return Err(ParameterFault::Exists.into());
    }
    let before = existing.and_then(|row| newest(view, row));
    let kind = match (order.kind, existing) {
        (None, None) => return invalid("A parameter type is required when you create a parameter."),
        (Some(kind), Some(row)) if kind != row.kind => return Err(ParameterFault::Kind.into()),
        (_, Some(row)) => row.kind,
        (Some(kind), None) => kind,
    };
    if kind != ParameterKind::SecureString && order.kms_key.is_some() {
        return invalid("KeyId can be used with parameters of type SecureString only.");
    }
    let kept = |new: Option<&str>, old: Option<&String>| match new {
        Some(new) => Some(new.to_owned()).filter(|text| !text.is_empty()),
        None => old.cloned(),
    };
    let description = kept(order.description, before.and_then(|row| row.description.as_ref()));
    let allowed_pattern = kept(order.allowed_pattern, before.and_then(|row| row.allowed_pattern.as_ref()));
    for (what, text) in [("description", &description), ("allowedPattern", &allowed_pattern)] {
        if text.as_ref().is_some_and(|text| text.chars().count() > TEXT_CHARS) {
            return invalid(format!(
                "1 validation error detected: Value at '{what}' failed to satisfy constraint: Member must have length less than or equal to {TEXT_CHARS}"
            ));
        }
    }
    let policies = match order.policies {
        Some(text) => policy::parse(text, view.now())?,
        None => Policies {
            texts: before.map(|row| row.policies.clone()).unwrap_or_default(),
            expires_at: existing.and_then(|row| row.expires_at),
        },
    };
    let tier = tier(view, order, existing, !policies.texts.is_empty())?;
    check_value(order.value, tier)?;
    if let Some(pattern) = &allowed_pattern {
        check_pattern(pattern, order.value)?;
    }
    let data_type = data_type(view, order, kind, before)?;
    let kms_key = order.kms_key.map(str::to_owned);
    Ok(Planned { kind, tier, kms_key, description, allowed_pattern, data_type, policies })
}

/// Keeps a version that was planned, by whoever has that ARN, with its value encrypted where its kind asks for that.
pub fn put(tx: &mut Tx<'_, '_>, name: &str, planned: Planned, value: String, by: String) -> Result<u64, Fault> {
    let (scope, modified_at) = (tx.scope(), tx.now());
    let existing = find(&tx.view(), name).cloned();
    if existing.as_ref().is_none_or(|row| row.tier != planned.tier) {
        check_quota(tx, scope, planned.tier)?;
    }
    if existing.is_some() {
        make_room(tx, name)?;
    }
    let number = existing.as_ref().map_or(1, |row| row.version + 1);
    tx.put::<Parameters>(Parameter {
        scope,
        name: existing.map_or_else(|| name.to_owned(), |row| row.name),
        kind: planned.kind,
        tier: planned.tier,
        version: number,
        expires_at: planned.policies.expires_at,
    });
    tx.put::<ParameterVersions>(ParameterVersion {
        scope,
        parameter: parameter_key(name).to_owned(),
        number,
        value,
        kms_key: planned.kms_key,
        description: planned.description,
        allowed_pattern: planned.allowed_pattern,
        data_type: planned.data_type,
        tier: planned.tier,
        policies: planned.policies.texts,
        labels: Vec::new(),
        modified_at,
        modified_by: by,
    });
    Ok(number)
}

/// The tier of a further version. From the advanced one there is no way back.
fn tier(
    view: &View<'_>,
    order: &Order<'_>,
    existing: Option<&Parameter>,
    has_policies: bool,
) -> Result<ParameterTier, Fault> {
    let was = existing.map(|row| row.tier);
    let is_full =
        || was.is_none() && count(view.tables(), view.scope(), ParameterTier::Standard) >= STANDARD_PARAMETERS;
    let tier = match order.tier {
        Tier::Of(tier) => tier,
        Tier::Unsaid => was.unwrap_or(ParameterTier::Standard),
        Tier::Fitting if was == Some(ParameterTier::Advanced) => ParameterTier::Advanced,
        Tier::Fitting if order.value.len() > STANDARD_BYTES || has_policies || is_full() => ParameterTier::Advanced,
        Tier::Fitting => ParameterTier::Standard,
    };
    if tier == ParameterTier::Standard && was == Some(ParameterTier::Advanced) {
        return invalid(
            "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the advanced-parameter tier to the standard-parameter tier. If necessary, you can delete the advanced parameter and recreate it as a standard parameter.",
        );
    }
    if tier == ParameterTier::Standard && has_policies {
        return invalid("Parameter policies can be used with parameters of the advanced-parameter tier only.");
    }
    Ok(tier)
}

fn check_value(value: &str, tier: ParameterTier) -> Result<(), Fault> {
    if value.is_empty() {
        return invalid(
            "1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member must have length greater than or equal to 1.",
        );
    }
    if value.split_once("{{").is_some_and(|(_, rest)| rest.contains("}}")) {
        return invalid(r#"Parameter value, can't nest another parameter. Do not use "{{}}" in the value."#);
    }
    match tier {
        ParameterTier::Standard if value.len() > STANDARD_BYTES => invalid(format!(
            "Standard tier parameters support a maximum parameter value of {STANDARD_BYTES} characters. To create a larger parameter value, upgrade the parameter to use the advanced-parameter tier."
        )),
        ParameterTier::Advanced if value.len() > ADVANCED_BYTES => invalid(format!(
            "Advanced tier parameters support a maximum parameter value of {ADVANCED_BYTES} characters."
        )),
        _ => Ok(()),
    }
}

/// A value matches its pattern as a whole. What takes more than linear time, such as references back, is no pattern here.
fn check_pattern(pattern: &str, value: &str) -> Result<(), Fault> {
    let whole = RegexBuilder::new(&format!(r"\A(?:{pattern})\z"))
        .size_limit(PATTERN_BYTES)
        .build()
        .map_err(|_| ParameterFault::Pattern)?;
    if whole.is_match(value) { Ok(()) } else { Err(ParameterFault::Mismatch(pattern.to_owned()).into()) }
}

fn data_type(
    view: &View<'_>,
    order: &Order<'_>,
    kind: ParameterKind,
    before: Option<&ParameterVersion>,
) -> Result<String, Fault> {
    let wanted = order.data_type.or(before.map(|row| row.data_type.as_str())).unwrap_or(TEXT);
    match wanted {
        TEXT => {}
        IMAGE if kind != ParameterKind::String => {
            return invalid(format!("Parameters of the data type {IMAGE} are of type String."));
        }
        IMAGE => {
            let image = order.value.parse::<ImageId>().ok().and_then(|id| view.find_image(id));
            if image.is_none() {
                return invalid(format!("The value of a parameter of the data type {IMAGE} is the id of an image."));
            }
        }
        "aws:ssm:integration" => return Err(Fault::Unsupported(format!("the data type {wanted}"))),
        other => {
            return invalid(format!(
                "The following data type is not supported: {other} (Data type names are all lowercase.)"
            ));
        }
    }
    Ok(wanted.to_owned())
}

fn count(cloud: &crate::Cloud, scope: Scope, tier: ParameterTier) -> usize {
    cloud.parameters.by_tier.count(&(scope, tier))
}

fn check_quota(tx: &Tx<'_, '_>, scope: Scope, tier: ParameterTier) -> Result<(), Fault> {
    let most = match tier {
        ParameterTier::Standard => STANDARD_PARAMETERS,
        ParameterTier::Advanced => ADVANCED_PARAMETERS,
    };
    if count(tx, scope, tier) >= most {
        return Err(ParameterFault::Limit(tier.name()).into());
    }
    Ok(())
}

/// Forgets the oldest version where there are as many as there may be, unless it has a label.
fn make_room(tx: &mut Tx<'_, '_>, name: &str) -> Result<(), Fault> {
    let view = tx.view();
    let mut all = versions(&view, name);
    let Some(oldest) = all.next() else { return Ok(()) };
    if all.count() + 1 < VERSIONS {
        return Ok(());
    }
    if !oldest.labels.is_empty() {
        return Err(ParameterFault::Versions { name: name.to_owned(), version: oldest.number }.into());
    }
    let key = oldest.key();
    tx.delete::<ParameterVersions>(&key);
    Ok(())
}

fn invalid<T>(message: impl Into<String>) -> Result<T, Fault> {
    Err(ParameterFault::Invalid(message.into()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_match_their_patterns_as_a_whole() {
        assert!(check_pattern(r"^\d+$", "17").is_ok());
        assert!(check_pattern(r"\d+", "17").is_ok());
        assert!(check_pattern(r"a|b", "b").is_ok());
        assert!(matches!(check_pattern(r"\d+", "x17"), Err(Fault::Parameter(ParameterFault::Mismatch(_)))));
        for bad in ["(", r"(a)\1", "a{1000}{1000}{1000}"] {
            assert_eq!(check_pattern(bad, "a"), Err(ParameterFault::Pattern.into()), "{bad}");
        }
    }

    #[test]
    fn values_have_a_size_and_nest_nothing() {
        assert!(check_value(&"x".repeat(4096), ParameterTier::Standard).is_ok());
        assert!(check_value(&"x".repeat(4097), ParameterTier::Standard).is_err());
        assert!(check_value(&"x".repeat(8192), ParameterTier::Advanced).is_ok());
        assert!(check_value(&"x".repeat(8193), ParameterTier::Advanced).is_err());
        assert!(check_value("", ParameterTier::Standard).is_err());
        assert!(check_value("{{ssm:x}}", ParameterTier::Standard).is_err());
        assert!(check_value("{{", ParameterTier::Standard).is_ok());
    }
}
