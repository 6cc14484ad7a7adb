//! cloudtrail:ListTags. Lists the tags of trails.

use landfall_cloud::{View, trail};
use serde::{Deserialize, Serialize};

use super::shape::{TagShape, demand};
use crate::ec2::shape::unsupported::{Unsupported, refuse_parameters};
use crate::{Action, ApiError, Demands, Look, Read};

/// Source: the CloudTrail API Reference.
const MOST: usize = 20;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListTags {
    resource_id_list: Vec<String>,
    next_token: Option<Unsupported>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListTagsResponse {
    resource_tag_list: Vec<ResourceTag>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ResourceTag {
    resource_id: String,
    tags_list: Vec<TagShape>,
}

impl Read for ListTags {
    const ACTION: Action = Action::cloudtrail("ListTags");
    type Output<'v> = ListTagsResponse;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        for named in &self.resource_id_list {
            demand(view, demands, Self::ACTION, named);
        }
        if self.resource_id_list.is_empty() {
            demands.anything(Self::ACTION);
        }
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<ListTagsResponse, ApiError> {
        refuse_parameters!(self; next_token);
        if self.resource_id_list.is_empty() || self.resource_id_list.len() > MOST {
            let message = format!("ResourceIdList has 1 to {MOST} ARNs.");
            return Err(ApiError::new("InvalidParameterCombinationException", message));
        }
        let mut resource_tag_list = Vec::new();
        for named in self.resource_id_list {
            let arn = trail::tagged(&look.view, &named)?;
            let tags = look.view.tags(arn.as_str()).into_iter().flatten();
            let tags_list =
                tags.map(|(key, value)| TagShape { key: key.clone(), value: Some(value.clone()) }).collect();
            resource_tag_list.push(ResourceTag { resource_id: named, tags_list });
        }
        Ok(ListTagsResponse { resource_tag_list })
    }
}
