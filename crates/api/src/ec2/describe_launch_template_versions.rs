//! ec2:DescribeLaunchTemplateVersions. Lists versions of a launch template, from the newest, or the newest or default ones
//! of all templates.

use std::borrow::Cow;

use landfall_cloud::View;
use landfall_cloud::launch_template::{TemplateName, VersionName};
use landfall_cloud::value::LaunchTemplates;
use landfall_model::{LaunchParameters, LaunchTemplate, LaunchTemplateId, LaunchTemplateVersion};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::shape::launch_template::{PAGE, VersionIn, VersionShape, named, parameter_of};
use crate::filter::{FilterNames, Values, shown};
use crate::page::Page;
use crate::{Action, ApiError, Demands, Filters, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeLaunchTemplateVersions {
    launch_template_id: Option<LaunchTemplateId>,
    launch_template_name: Option<String>,
    #[serde(default)]
    launch_template_version: Vec<VersionIn>,
    min_version: Option<VersionIn>,
    max_version: Option<VersionIn>,
    #[serde(default)]
    filter: Filters,
    #[serde(default)]
    resolve_alias: bool,
    /// Without effect: there are no templates of services' own.
    #[serde(default, rename = "IncludeManagedResources")]
    _include_managed_resources: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeLaunchTemplateVersionsResult<'v> {
    launch_template_version_set: Vec<VersionShape<'v>>,
}

type Row<'v> = (&'v LaunchTemplate, &'v LaunchTemplateVersion);

impl Read for DescribeLaunchTemplateVersions {
    const ACTION: Action = Action::ec2("DescribeLaunchTemplateVersions");
    const FILTERS: FilterNames = FilterNames {
        known: &[
            "create-time",
            "ebs-optimized",
            "host-resource-group-arn",
            "http-endpoint",
            "http-protocol-ipv4",
            "http-tokens",
            "iam-instance-profile",
            "image-id",
            "instance-type",
            "is-default-version",
            "kernel-id",
            "license-configuration-arn",
            "network-card-index",
            "ram-disk-id",
        ],
        refused: &[],
    };
    const PAGE_LIMIT: usize = PAGE;
    type Output<'v> = DescribeLaunchTemplateVersionsResult<'v>;

    /// Parameters that images come from are read only where the images are to be shown.
    fn demands_of_page(&self, view: &View<'_>, page: &Page, demands: &mut Demands) {
        if !self.resolve_alias {
            return;
        }
        for (_, row) in self.page(view, &mut page.clone()).unwrap_or_default() {
            if let Some(image) = parameter_of(&row.data) {
                image.demand(view, demands);
            }
        }
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeLaunchTemplateVersionsResult<'v>, ApiError> {
        let view = look.view;
        let page = self.page(&view, &mut look.page)?;
        let shapes = page.into_iter().map(|(template, row)| VersionShape::of(&view, template, row, self.resolve_alias));
        Ok(DescribeLaunchTemplateVersionsResult { launch_template_version_set: shapes.collect::<Result<_, _>>()? })
    }
}

impl DescribeLaunchTemplateVersions {
    fn page<'v>(&self, view: &View<'v>, page: &mut Page) -> Result<Vec<Row<'v>>, ApiError> {
        let selection = self.filter.select(Self::FILTERS)?;
        let rows = self.rows(view)?.into_iter().filter(|row| selection.matches(None, |name| field(*row, name)));
        page.bound(PAGE);
        page.take(rows, |(_, row)| LaunchTemplateVersion::place(row.template, row.number))
    }

    /// The versions that are asked for, each once.
    fn asked(&self) -> Vec<VersionName> {
        let mut asked: Vec<_> = self.launch_template_version.iter().map(|version| version.0).collect();
        asked.sort_unstable();
        asked.dedup();
        asked
    }

    fn rows<'v>(&self, view: &View<'v>) -> Result<Vec<Row<'v>>, ApiError> {
        if self.launch_template_id.is_none() && self.launch_template_name.is_none() {
            return self.of_all(view);
        }
        let template = named(self.launch_template_id, self.launch_template_name.as_ref())?;
        self.of_one(view, &template)
    }

    /// The newest or default versions, or both, of all templates.
    fn of_all<'v>(&self, view: &View<'v>) -> Result<Vec<Row<'v>>, ApiError> {
        let asked = self.asked();
        if asked.is_empty() {
            return Err(ApiError::missing("LaunchTemplateId or LaunchTemplateName"));
        }
        let has_number = asked.iter().any(|version| matches!(version, VersionName::Number(_)));
        if has_number || self.min_version.is_some() || self.max_version.is_some() {
            return Err(ApiError::combination(
                "Without a launch template, only the versions $Latest and $Default can be described.",
            ));
        }
        let mut rows = Vec::new();
        for template in view.all::<LaunchTemplates, LaunchTemplateId>() {
            rows.extend(versions(view, template, &asked)?);
        }
        Ok(rows)
    }

    fn of_one<'v>(&self, view: &View<'v>, template: &TemplateName) -> Result<Vec<Row<'v>>, ApiError> {
        let template = view.need_launch_template(template)?;
        let asked = self.asked();
        if asked.is_empty() {
            let bound = |version: Option<VersionIn>, none: u64| match version {
                None => Ok(none),
                Some(VersionIn(VersionName::Number(number))) => Ok(number),
                Some(VersionIn(other)) => view.launch_template_version(template, other).map(|row| row.number),
            };
            let (least, most) = (bound(self.min_version, 0)?, bound(self.max_version, u64::MAX)?);
            let all =
                view.launch_template_versions(template.id).filter(move |row| (least..=most).contains(&row.number));
            return Ok(all.map(|row| (template, row)).collect());
        }
        if self.min_version.is_some() || self.max_version.is_some() {
            return Err(ApiError::combination("Versions and a range of versions may not be specified together."));
        }
        versions(view, template, &asked)
    }
}

/// Those versions of a template, from the newest.
fn versions<'v>(
    view: &View<'v>,
    template: &'v LaunchTemplate,
    asked: &[VersionName],
) -> Result<Vec<Row<'v>>, ApiError> {
    let found = asked.iter().map(|version| view.launch_template_version(template, *version));
    let mut rows = found.collect::<Result<Vec<_>, _>>()?;
    rows.sort_unstable_by_key(|row| std::cmp::Reverse(row.number));
    rows.dedup_by_key(|row| row.number);
    Ok(rows.into_iter().map(|row| (template, row)).collect())
}

fn field<'v>((template, row): Row<'v>, name: &str) -> Values<'v> {
    let path: &[&str] = match name {
        "create-time" => return shown(row.created_at),
        "is-default-version" => return shown(row.number == template.default_version),
        "ebs-optimized" => &["EbsOptimized"],
        "host-resource-group-arn" => &["Placement", "HostResourceGroupArn"],
        "http-endpoint" | "http-protocol-ipv4" => &["MetadataOptions", "HttpEndpoint"],
        "http-tokens" => &["MetadataOptions", "HttpTokens"],
        "iam-instance-profile" => &["IamInstanceProfile", "Arn"],
        "image-id" => &["ImageId"],
        "instance-type" => &["InstanceType"],
        "kernel-id" => &["KernelId"],
        "license-configuration-arn" => &["LicenseSpecification", "LicenseConfigurationArn"],
        "network-card-index" => &["NetworkInterface", "NetworkCardIndex"],
        "ram-disk-id" => &["RamDiskId"],
        _ => &[],
    };
    values(&row.data, path)
}

/// What stands at a place of the data, in each element of the lists on the way there.
fn values<'v>(data: &'v LaunchParameters, path: &[&str]) -> Values<'v> {
    let Some((first, rest)) = path.split_first() else { return Values::new() };
    let mut found: Vec<&Value> = data.get(*first).into_iter().collect();
    for name in rest {
        let elements = found.into_iter().flat_map(|value| match value {
            Value::Array(list) => list.iter().collect::<Vec<_>>(),
            other => vec![other],
        });
        found = elements.filter_map(|value| value.get(*name)).collect();
    }
    found
        .into_iter()
        .map(|value| match value {
            Value::String(text) => Cow::Borrowed(text.as_str()),
            other => Cow::Owned(other.to_string()),
        })
        .collect()
}
