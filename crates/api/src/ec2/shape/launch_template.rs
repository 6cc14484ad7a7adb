//! Launch templates on the wire: how requests name one and its versions, and how answers show both.

use std::borrow::Cow;

use landfall_cloud::View;
use landfall_cloud::launch_template::{TemplateName, VersionName};
use landfall_model::{LaunchParameters, LaunchTemplate, LaunchTemplateId, LaunchTemplateKind, LaunchTemplateVersion};
use landfall_wire::Time;
use serde::de::Error as _;
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::image_ref::ImageRef;
use super::{Tag, tag_set, time};
use crate::demand::Demand;
use crate::{Action, ApiError, Demands};

/// The kind in tag specifications and ARNs.
pub const KIND: &str = "launch-template";

/// The most rows of a page, which is also how many there are where no number is asked for.
pub const PAGE: usize = 200;

/// The template that a request names, by id or by name.
pub fn named(id: Option<LaunchTemplateId>, name: Option<&String>) -> Result<TemplateName, ApiError> {
    match (id, name) {
        (Some(id), None) => Ok(TemplateName::Id(id)),
        (None, Some(name)) => Ok(TemplateName::Name(name.clone())),
        (Some(_), Some(_)) => Err(ApiError::combination(
            "You must specify either the launch template ID or the launch template name, but not both.",
        )),
        (None, None) => Err(ApiError::missing("LaunchTemplateId or LaunchTemplateName")),
    }
}

/// The demand of an action on the template that a request names.
pub fn demand<'d>(
    view: &View<'_>,
    demands: &'d mut Demands,
    action: Action,
    named: &Result<TemplateName, ApiError>,
) -> &'d mut Demand {
    let id = match named {
        Ok(TemplateName::Id(id)) => Some(*id),
        Ok(TemplateName::Name(name)) => view.launch_template_of(name).map(|row| row.id),
        Err(_) => None,
    };
    match id {
        Some(id) => demands.ec2(view, action, id),
        None => demands.new_ec2::<LaunchTemplateKind>(action),
    }
}

/// A version as requests name it: a number, `$Latest` or `$Default`.
#[derive(Clone, Copy, Debug)]
pub struct VersionIn(pub VersionName);

impl<'de> Deserialize<'de> for VersionIn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = || text.parse().map(VersionName::Number);
        match text.as_str() {
            "$Latest" => Ok(Self(VersionName::Latest)),
            "$Default" => Ok(Self(VersionName::Default)),
            _ => number().map(Self).map_err(|_| D::Error::custom("It is a number, $Latest or $Default.")),
        }
    }
}

/// A template as answers show it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LaunchTemplateShape<'v> {
    launch_template_id: LaunchTemplateId,
    launch_template_name: Cow<'v, str>,
    create_time: Time,
    created_by: Cow<'v, str>,
    default_version_number: u64,
    latest_version_number: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_set: Option<Vec<Tag<'v>>>,
}

impl<'v> LaunchTemplateShape<'v> {
    /// A template that is there.
    pub fn of(view: &View<'v>, row: &'v LaunchTemplate) -> Self {
        Self {
            launch_template_id: row.id,
            launch_template_name: Cow::Borrowed(&row.name),
            create_time: time(row.created_at),
            created_by: Cow::Borrowed(&row.created_by),
            default_version_number: row.default_version,
            latest_version_number: row.latest_version,
            tag_set: tag_set(view, &row.id.to_string()),
        }
    }

    /// A template that was there.
    pub fn gone(row: LaunchTemplate) -> Self {
        Self {
            launch_template_id: row.id,
            create_time: time(row.created_at),
            default_version_number: row.default_version,
            latest_version_number: row.latest_version,
            launch_template_name: Cow::Owned(row.name),
            created_by: Cow::Owned(row.created_by),
            tag_set: None,
        }
    }
}

/// A version as answers show it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VersionShape<'v> {
    launch_template_id: LaunchTemplateId,
    launch_template_name: &'v str,
    version_number: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_description: Option<&'v str>,
    create_time: Time,
    created_by: &'v str,
    default_version: bool,
    launch_template_data: Shown<'v>,
}

impl<'v> VersionShape<'v> {
    /// A version of a template. Where its image is a parameter's, it is shown by its id if that is asked for.
    pub fn of(
        view: &View<'_>,
        template: &'v LaunchTemplate,
        row: &'v LaunchTemplateVersion,
        resolves: bool,
    ) -> Result<Self, ApiError> {
        let mut data = Cow::Borrowed(&row.data);
        if let Some(image) = parameter_of(&row.data).filter(|_| resolves) {
            data.to_mut().insert(IMAGE.into(), Value::String(image.resolve(view)?.to_string()));
        }
        Ok(Self {
            launch_template_id: row.template,
            launch_template_name: &template.name,
            version_number: row.number,
            version_description: row.description.as_deref(),
            create_time: time(row.created_at),
            created_by: &row.created_by,
            default_version: row.number == template.default_version,
            launch_template_data: Shown(data),
        })
    }
}

const IMAGE: &str = "ImageId";

/// The image of a template, where it is whatever a parameter says.
pub fn parameter_of(data: &LaunchParameters) -> Option<ImageRef> {
    let text = data.get(IMAGE)?;
    ImageRef::deserialize(text).ok().filter(|image| matches!(image, ImageRef::Parameter(_)))
}

/// What is wrong with a template that was made all the same.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Warning {
    error_set: Vec<ValidationError>,
}

#[derive(Serialize)]
struct ValidationError {
    code: String,
    message: String,
}

impl Warning {
    /// What a launch would be refused for, where it would.
    pub fn of(errors: Vec<ApiError>) -> Option<Self> {
        let shape = |error: ApiError| ValidationError { code: error.code.into_owned(), message: error.message };
        let error_set: Vec<_> = errors.into_iter().map(shape).collect();
        if error_set.is_empty() { None } else { Some(Self { error_set }) }
    }
}

/// What a template says of a launch, in the spelling of answers: names begin small, and lists end in `Set`.
pub struct Shown<'v>(pub Cow<'v, LaunchParameters>);

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Structure { name: "", members: &self.0 }.serialize(serializer)
    }
}

struct Structure<'a> {
    name: &'a str,
    members: &'a LaunchParameters,
}

impl Serialize for Structure<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.members.len()))?;
        for (name, value) in self.members {
            map.serialize_entry(&spelt(self.name, name, value.is_array()), &Member { name, value })?;
        }
        map.end()
    }
}

struct Member<'a> {
    name: &'a str,
    value: &'a Value,
}

impl Serialize for Member<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.value {
            Value::Object(members) => Structure { name: self.name, members }.serialize(serializer),
            Value::Array(list) => {
                let mut items = serializer.serialize_seq(Some(list.len()))?;
                list.iter().try_for_each(|value| items.serialize_element(&Member { name: self.name, value }))?;
                items.end()
            }
            leaf => leaf.serialize(serializer),
        }
    }
}

/// How answers call a member of a structure.
fn spelt(structure: &str, name: &str, is_list: bool) -> String {
    match (structure, name) {
        ("NetworkInterface", "SecurityGroupId") => return "groupSet".into(),
        ("", "LicenseSpecification") => return "licenseSet".into(),
        ("SecondaryInterface", "PrivateIpAddress") => return "privateIpAddressesSet".into(),
        _ => {}
    }
    let (first, rest) = name.split_at(name.len().min(1));
    let end = if is_list { "Set" } else { "" };
    format!("{}{rest}{end}", first.to_ascii_lowercase())
}
