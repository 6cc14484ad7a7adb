//! ec2:DescribeLaunchTemplates. Lists launch templates.

use landfall_cloud::launch_template::TemplateName;
use landfall_cloud::value::LaunchTemplates;
use landfall_model::{LaunchTemplate, LaunchTemplateId};
use serde::{Deserialize, Serialize};

use super::shape::launch_template::{LaunchTemplateShape, PAGE};
use crate::filter::{FilterNames, Values, one, shown};
use crate::{Action, ApiError, Filters, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeLaunchTemplates {
    #[serde(default)]
    launch_template_id: Vec<LaunchTemplateId>,
    #[serde(default)]
    launch_template_name: Vec<String>,
    #[serde(default)]
    filter: Filters,
    /// Without effect: there are no templates of services' own.
    #[serde(default, rename = "IncludeManagedResources")]
    _include_managed_resources: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeLaunchTemplatesResult<'v> {
    launch_templates: Vec<LaunchTemplateShape<'v>>,
}

impl Read for DescribeLaunchTemplates {
    const ACTION: Action = Action::ec2("DescribeLaunchTemplates");
    const FILTERS: FilterNames =
        FilterNames { known: &["create-time", "launch-template-name", "tag-key"], refused: &[] };
    const PAGE_LIMIT: usize = PAGE;
    type Output<'v> = DescribeLaunchTemplatesResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeLaunchTemplatesResult<'v>, ApiError> {
        let view = look.view;
        let selection = self.filter.select(Self::FILTERS)?;
        let ids = self.launch_template_id.iter().map(|id| TemplateName::Id(*id));
        let names = self.launch_template_name.iter().map(|name| TemplateName::Name(name.clone()));
        let asked = ids.chain(names).map(|template| view.need_launch_template(&template));
        let mut rows = asked.collect::<Result<Vec<_>, _>>()?;
        if self.launch_template_id.is_empty() && self.launch_template_name.is_empty() {
            rows.extend(view.all::<LaunchTemplates, LaunchTemplateId>());
        }
        rows.sort_unstable_by_key(|row| row.id);
        rows.dedup_by_key(|row| row.id);
        rows.retain(|row| {
            selection.is_empty() || selection.matches(view.tags(&row.id.to_string()), |name| field(row, name))
        });
        look.page.bound(PAGE);
        let page = look.page.take(rows, |row| row.id)?;
        let launch_templates = page.into_iter().map(|row| LaunchTemplateShape::of(&view, row)).collect();
        Ok(DescribeLaunchTemplatesResult { launch_templates })
    }
}

fn field<'v>(row: &'v LaunchTemplate, name: &str) -> Values<'v> {
    match name {
        "create-time" => shown(row.created_at),
        "launch-template-name" => one(row.name.as_str()),
        _ => Values::new(),
    }
}
