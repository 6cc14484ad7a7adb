//! A launch from a template: the request, laid over what the template says, and read again as one request. So a launch is
//! checked, demanded and made by the same code whether or not a template has a part in it.

use landfall_cloud::View;
use landfall_cloud::launch_template::{TemplateName, VersionName, overlay};
use landfall_model::{Arn, LaunchParameters, LaunchTemplateId};
use landfall_wire::{Number, Protocol, Tree, from_tree};
use serde::Deserialize;
use serde_json::Value;

use super::RunInstances;
use crate::ec2::shape::launch_template::{VersionIn, demand, named};
use crate::operation::Write as _;
use crate::{ApiError, Demands};

/// `LaunchTemplate`: which one, and which version of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct TemplateIn {
    launch_template_id: Option<LaunchTemplateId>,
    launch_template_name: Option<String>,
    version: Option<VersionIn>,
}

/// What a request comes to with its template.
pub(super) struct Through {
    /// The launch.
    pub(super) launch: RunInstances,
    /// The template and its version.
    pub(super) template: (LaunchTemplateId, u64),
}

/// What templates call otherwise than RunInstances does.
const RENAMED: [(&str, &str); 1] = [("RamDiskId", "RamdiskId")];
/// What only fleets and groups launch from.
const REQUIREMENTS: &str = "InstanceRequirements";
/// What isn't about any resource that is launched, or can't be a template's.
const OF_THE_CALL: [&str; 4] = ["LaunchTemplate", "MaxCount", "MinCount", "TagSpecification"];
/// Kinds of resources, with what a request says of them.
const SAID_OF: [(&str, &[&str]); 7] = [
    ("image", &["ImageId"]),
    ("key-pair", &["KeyName"]),
    ("network-interface", &["NetworkInterface"]),
    ("security-group", &["SecurityGroup", "SecurityGroupId"]),
    ("snapshot", &["BlockDeviceMapping"]),
    ("subnet", &["SubnetId"]),
    ("volume", &["BlockDeviceMapping"]),
];

impl TemplateIn {
    fn named(&self) -> Result<TemplateName, ApiError> {
        named(self.launch_template_id, self.launch_template_name.as_ref())
    }
}

impl RunInstances {
    /// What the request comes to with its template; nothing where it names none.
    pub(super) fn through(&self, view: &View<'_>) -> Result<Option<Through>, ApiError> {
        let Some(asked) = &self.launch_template else { return Ok(None) };
        let row = view.need_launch_template(&asked.named()?)?;
        let version = asked.version.map_or(VersionName::Default, |version| version.0);
        let version = view.launch_template_version(row, version)?;
        let mut own = parameters(self.raw.as_ref());
        own.remove("LaunchTemplate");
        let mut launch: RunInstances = read(overlay(version.data.clone(), own))?;
        launch.client_token.clone_from(&self.client_token);
        Ok(Some(Through { launch, template: (row.id, version.number) }))
    }

    /// The demands of a launch from a template: those of the launch, on which it can be seen that the template has a part
    /// in them, and which of them the request itself decides.
    pub(super) fn demand_through(&self, asked: &TemplateIn, view: &View<'_>, demands: &mut Demands) {
        let named = asked.named();
        let before = demands.list().len();
        let template = demand(view, demands, Self::ACTION, &named).resource.clone();
        match self.through(view) {
            Ok(Some(through)) => through.launch.demand_launch(view, demands),
            // It is refused, but not before whoever may not do this is denied.
            _ => self.demand_launch(view, demands),
        }
        let action = format!("{}:{}", Self::ACTION.service, Self::ACTION.name);
        for demand in demands.since(before).iter_mut().filter(|demand| demand.action == action) {
            let is_own = demand.resource.parse::<Arn>().is_ok_and(|arn| self.says_of(arn.resource()));
            demand.with("ec2:LaunchTemplate", &template).with("ec2:IsLaunchTemplateResource", !is_own);
        }
    }

    /// Whether the request says itself what the resource is to be.
    fn says_of(&self, resource: &str) -> bool {
        let kind = resource.split('/').next().unwrap_or_default();
        let Some(Tree::Map(members)) = &self.raw else { return false };
        let mut names = members.iter().map(|(name, _)| &**name);
        match SAID_OF.iter().find(|(of, _)| *of == kind) {
            Some((_, of_it)) => names.any(|name| of_it.contains(&name)) || self.says_in_interfaces(kind),
            None if kind == "instance" => {
                names.any(|name| !OF_THE_CALL.contains(&name) && !SAID_OF.iter().any(|(_, of)| of.contains(&name)))
            }
            // What isn't known here is better taken for the request's.
            None => kind != "launch-template",
        }
    }

    fn says_in_interfaces(&self, kind: &str) -> bool {
        self.network_interface.iter().any(|each| match kind {
            "subnet" => each.subnet_id.is_some() || each.network_interface_id.is_some(),
            "security-group" => !each.security_group_id.is_empty(),
            _ => false,
        })
    }

    /// What a launch would be refused for that says what a template says: what the template doesn't say may be said when
    /// it is launched, and who launches may read other parameters than who makes the template.
    pub fn faults_of(data: &LaunchParameters, view: &View<'_>) -> Vec<ApiError> {
        let mut data = data.clone();
        data.remove(REQUIREMENTS);
        for count in ["MinCount", "MaxCount"] {
            data.insert(count.into(), 1.into());
        }
        match read(data) {
            Ok(launch) => launch.faults(view),
            Err(error) => vec![error],
        }
    }
}

/// Reads parameters as a request.
fn read(mut data: LaunchParameters) -> Result<RunInstances, ApiError> {
    for (theirs, ours) in RENAMED {
        if let Some(value) = data.remove(theirs) {
            data.insert(ours.into(), value);
        }
    }
    if data.contains_key(REQUIREMENTS) {
        return Err(ApiError::combination(
            "A launch template with InstanceRequirements can't be used with RunInstances: fleets and Auto Scaling groups launch from it.",
        ));
    }
    from_tree(&tree(Value::Object(data))).map_err(|error| error.refusal(Protocol::Ec2Query).into())
}

/// A request as parameters.
fn parameters(raw: Option<&Tree>) -> LaunchParameters {
    match raw.map(value) {
        Some(Value::Object(parameters)) => parameters,
        _ => LaunchParameters::new(),
    }
}

fn value(tree: &Tree) -> Value {
    match tree {
        Tree::Null => Value::Null,
        Tree::Bool(flag) => Value::Bool(*flag),
        Tree::Number(number) => Value::String(number.to_string()),
        Tree::Text(text) => Value::String(text.clone()),
        Tree::List(list) => list.iter().map(value).collect(),
        Tree::Map(members) => members.iter().map(|(name, member)| (name.to_string(), value(member))).collect(),
    }
}

fn tree(value: Value) -> Tree {
    match value {
        Value::Null => Tree::Null,
        Value::Bool(flag) => Tree::Bool(flag),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Tree::Number(Number::Integer(whole)),
            None => Tree::Text(number.to_string()),
        },
        Value::String(text) => Tree::Text(text),
        Value::Array(list) => Tree::List(list.into_iter().map(tree).collect()),
        Value::Object(members) => {
            Tree::Map(members.into_iter().map(|(name, member)| (name.into_boxed_str(), tree(member))).collect())
        }
    }
}
