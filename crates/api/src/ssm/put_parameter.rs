//! ssm:PutParameter. Makes a parameter, or a further version of one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use landfall_cloud::parameter::put::{self, Order, Tier};
use landfall_cloud::{Tx, View, parameter, tag};
use landfall_model::{ParameterKind, ParameterTier};
use serde::{Deserialize, Serialize};

use super::shape::{DEFAULT_KEY, SERVICE, context, demand, unusable_key};
use crate::encryption::{self, DefaultKey};
use crate::home::Home;
use crate::tagging::{self, Tag};
use crate::{Action, ApiError, Call, Caller, Demands, Outside};

/// The tiers by AWS's names.
#[derive(Clone, Copy, Deserialize)]
enum TierName {
    Standard,
    Advanced,
    #[serde(rename = "Intelligent-Tiering")]
    Intelligent,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct PutParameter {
    name: String,
    description: Option<String>,
    value: String,
    #[serde(rename = "Type")]
    kind: Option<ParameterKind>,
    key_id: Option<String>,
    #[serde(default)]
    overwrite: bool,
    allowed_pattern: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
    tier: Option<TierName>,
    policies: Option<String>,
    data_type: Option<String>,
    #[serde(skip)]
    caller: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PutParameterResult {
    version: u64,
    tier: &'static str,
}

impl Call for PutParameter {
    const ACTION: Action = Action::ssm("PutParameter");
    /// The value, encrypted, where it is to be.
    type Made = Option<String>;
    type Output<'t> = PutParameterResult;

    fn hear_caller(&mut self, caller: &Caller) {
        self.caller = caller.arn();
    }

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let tags = tagging::by_key(&self.tags);
        let own = demand(view, demands, Self::ACTION, &self.name).request_tags(&tags);
        own.with("ssm:Overwrite", self.overwrite);
        if let Some(policies) = &self.policies {
            own.with("ssm:Policies", policies);
        }
        if !tags.is_empty() {
            demand(view, demands, Action::ssm("AddTagsToResource"), &self.name).request_tags(&tags);
        }
        if self.kind(view) == Some(ParameterKind::SecureString) {
            let context = context(parameter::arn(view.scope(), self.name.trim()));
            let home = Home::own(view);
            encryption::demand_use(&home, demands, "Encrypt", SERVICE, self.key(), &context);
            if self.is_advanced(view) {
                encryption::demand_use(&home, demands, "GenerateDataKey", SERVICE, self.key(), &context);
            }
        }
    }

    fn default_key(&self, view: &View<'_>) -> Option<DefaultKey> {
        let is_secret =
            || put::plan(view, &self.order()).is_ok_and(|planned| planned.kind == ParameterKind::SecureString);
        (self.key() == DEFAULT_KEY && is_secret()).then_some(DefaultKey::Ssm)
    }

    async fn effect(&self, outside: &Outside, view: View<'_>) -> Result<Option<String>, ApiError> {
        let planned = put::plan(&view, &self.order())?;
        if planned.kind != ParameterKind::SecureString {
            return Ok(None);
        }
        let context = context(parameter::arn(view.scope(), self.name.trim()));
        // Those of the advanced tier are encrypted by a data key of the key's.
        let action = if planned.tier == ParameterTier::Advanced { "GenerateDataKey" } else { "Encrypt" };
        let (home, value) = (Home::own(&view), self.value.as_bytes());
        let sealed = encryption::encrypt(outside, &home, action, self.key(), &context, value);
        let (_, sealed) = sealed.map_err(unusable_key)?;
        Ok(Some(STANDARD.encode(sealed)))
    }

    fn run(self, made: Option<String>, tx: &mut Tx<'_, '_>) -> Result<PutParameterResult, ApiError> {
        if self.overwrite && !self.tags.is_empty() {
            let message = "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or RemoveTagsFromResource.";
            return Err(ApiError::new("ValidationException", message));
        }
        let tags = tagging::distinct(&self.tags, "ValidationException")?;
        let name = self.name.trim();
        let mut planned = put::plan(&tx.view(), &self.order())?;
        let is_secret = planned.kind == ParameterKind::SecureString;
        let value = match made {
            Some(sealed) if is_secret => sealed,
            None if !is_secret => self.value.clone(),
            // It was deleted and made anew, of another type, since the value was encrypted or left plain.
            _ => return Err(ApiError::new("TooManyUpdates", "There are concurrent updates of the parameter.")),
        };
        if is_secret {
            planned.kms_key = Some(self.key().to_owned());
        }
        let version = put::put(tx, name, planned, value, self.caller.clone())?;
        tag::put(tx, "parameter", &parameter::tag_id(name), &tags)?;
        let tier = parameter::need(&tx.view(), name)?.tier.name();
        Ok(PutParameterResult { version, tier })
    }
}

impl PutParameter {
    /// What kind of value it has: that of the parameter, where there is one.
    fn kind(&self, view: &View<'_>) -> Option<ParameterKind> {
        parameter::find(view, self.name.trim()).map(|row| row.kind).or(self.kind)
    }

    /// Whether it is of the advanced tier, whoever decides on that.
    fn is_advanced(&self, view: &View<'_>) -> bool {
        let planned = put::plan(view, &self.order());
        planned.map_or(matches!(self.tier, Some(TierName::Advanced)), |it| it.tier == ParameterTier::Advanced)
    }

    fn key(&self) -> &str {
        self.key_id.as_deref().unwrap_or(DEFAULT_KEY)
    }

    fn order(&self) -> Order<'_> {
        Order {
            name: self.name.trim(),
            value: &self.value,
            kind: self.kind,
            overwrite: self.overwrite,
            description: self.description.as_deref(),
            kms_key: self.key_id.as_deref(),
            allowed_pattern: self.allowed_pattern.as_deref(),
            tier: match self.tier {
                None => Tier::Unsaid,
                Some(TierName::Standard) => Tier::Of(ParameterTier::Standard),
                Some(TierName::Advanced) => Tier::Of(ParameterTier::Advanced),
                Some(TierName::Intelligent) => Tier::Fitting,
            },
            policies: self.policies.as_deref(),
            data_type: self.data_type.as_deref(),
        }
    }
}
