//! What a policy says, as requests say it. What Landfall doesn't act on is refused by name: a cloud of one region copies
//! nothing to another, and has no archive and no fast restore.

use landfall_model::lifecycle::{
    CreateRule, DeprecateRule, Details, Parameters, PolicyTag, PolicyType, RetainRule, Schedule, ShareRule, TargetKind,
};
use serde::Deserialize;

use crate::error::ApiError;
use crate::unsupported::{Unsupported, refuse, refuse_parameters};

/// `PolicyDetails`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DetailsIn {
    policy_type: Option<PolicyTypeIn>,
    #[serde(default)]
    resource_types: Vec<TargetKind>,
    #[serde(default)]
    resource_locations: Vec<String>,
    #[serde(default)]
    target_tags: Vec<PolicyTag>,
    #[serde(default)]
    schedules: Vec<ScheduleIn>,
    parameters: Option<Parameters>,
    event_source: Option<Unsupported>,
    actions: Option<Unsupported>,
    policy_language: Option<String>,
    resource_type: Option<Unsupported>,
    create_interval: Option<Unsupported>,
    retain_interval: Option<Unsupported>,
    copy_tags: Option<bool>,
    #[serde(default)]
    cross_region_copy_targets: Vec<serde::de::IgnoredAny>,
    extend_deletion: Option<bool>,
    exclusions: Option<Unsupported>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum PolicyTypeIn {
    EbsSnapshotManagement,
    ImageManagement,
    EventBasedPolicy,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ScheduleIn {
    name: String,
    #[serde(default)]
    copy_tags: bool,
    #[serde(default)]
    tags_to_add: Vec<PolicyTag>,
    #[serde(default)]
    variable_tags: Vec<PolicyTag>,
    create_rule: CreateRuleIn,
    retain_rule: RetainRule,
    fast_restore_rule: Option<Unsupported>,
    #[serde(default)]
    cross_region_copy_rules: Vec<serde::de::IgnoredAny>,
    #[serde(default)]
    share_rules: Vec<ShareRule>,
    deprecate_rule: Option<DeprecateRule>,
    archive_rule: Option<Unsupported>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct CreateRuleIn {
    location: Option<String>,
    interval: Option<u32>,
    interval_unit: Option<String>,
    #[serde(default)]
    times: Vec<String>,
    cron_expression: Option<String>,
    #[serde(default)]
    scripts: Vec<serde::de::IgnoredAny>,
}

const CLOUD: &str = "CLOUD";

/// Where there is only one place to be.
fn check_place(name: &str, place: &str) -> Result<(), ApiError> {
    match place {
        CLOUD => Ok(()),
        "OUTPOST" | "LOCAL_ZONE" | "OUTPOST_LOCAL" => {
            Err(ApiError::unsupported(format_args!("the value '{place}' of the parameter {name}")))
        }
        other => Err(ApiError::invalid(name, other, format_args!("It is '{CLOUD}'."))),
    }
}

/// Refuses a switch of default policies by its field's name. Off is what happens anyway.
pub fn refuse_on(field: &str, switch: Option<bool>) -> Result<(), ApiError> {
    refuse(field, switch.filter(|is_on| *is_on).map(|_| Unsupported))
}

impl DetailsIn {
    /// What it says, if it says what can be done.
    pub fn read(self) -> Result<Details, ApiError> {
        refuse_parameters!(self; event_source, actions, resource_type, create_interval, retain_interval, exclusions);
        refuse_on("copy_tags", self.copy_tags)?;
        refuse_on("extend_deletion", self.extend_deletion)?;
        if !self.cross_region_copy_targets.is_empty() {
            return Err(ApiError::unsupported("the parameter CrossRegionCopyTargets"));
        }
        match self.policy_language.as_deref() {
            None | Some("STANDARD") => {}
            Some("SIMPLIFIED") => return Err(ApiError::unsupported("default policies (PolicyLanguage SIMPLIFIED)")),
            Some(other) => return Err(ApiError::invalid("PolicyLanguage", other, "It is 'STANDARD'.")),
        }
        let policy_type = match self.policy_type {
            None | Some(PolicyTypeIn::EbsSnapshotManagement) => PolicyType::Snapshots,
            Some(PolicyTypeIn::ImageManagement) => PolicyType::Images,
            Some(PolicyTypeIn::EventBasedPolicy) => {
                return Err(ApiError::unsupported("policies of the type EVENT_BASED_POLICY"));
            }
        };
        let ([] | [_]) = &self.resource_locations[..] else {
            return Err(ApiError::invalid("ResourceLocations", self.resource_locations.len(), "It has one location."));
        };
        self.resource_locations.iter().try_for_each(|place| check_place("ResourceLocations", place))?;
        Ok(Details {
            policy_type,
            resource_types: self.resource_types,
            resource_locations: vec![CLOUD.to_owned()],
            target_tags: self.target_tags,
            schedules: self.schedules.into_iter().map(ScheduleIn::read).collect::<Result<_, _>>()?,
            parameters: self.parameters,
            policy_language: "STANDARD".to_owned(),
        })
    }
}

impl ScheduleIn {
    fn read(self) -> Result<Schedule, ApiError> {
        refuse_parameters!(self; fast_restore_rule, archive_rule);
        if !self.cross_region_copy_rules.is_empty() {
            return Err(ApiError::unsupported("the parameter CrossRegionCopyRules"));
        }
        Ok(Schedule {
            name: self.name,
            copy_tags: self.copy_tags,
            tags_to_add: self.tags_to_add,
            variable_tags: self.variable_tags,
            create_rule: self.create_rule.read()?,
            retain_rule: self.retain_rule,
            share_rules: self.share_rules,
            deprecate_rule: self.deprecate_rule,
        })
    }
}

impl CreateRuleIn {
    fn read(self) -> Result<CreateRule, ApiError> {
        if !self.scripts.is_empty() {
            return Err(ApiError::unsupported("the parameter Scripts"));
        }
        if let Some(location) = &self.location {
            check_place("Location", location)?;
        }
        Ok(CreateRule {
            location: self.location,
            interval: self.interval,
            interval_unit: self.interval_unit,
            times: self.times,
            cron_expression: self.cron_expression,
        })
    }
}
