//! kms:ListResourceTags. Lists the tags of a key.

use landfall_cloud::View;
use serde::{Deserialize, Serialize};

use super::shape::demand::on_key;
use super::shape::key::own;
use super::shape::tag::{TagShape, owner};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ListResourceTags {
    key_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListResourceTagsResponse<'v> {
    tags: Vec<TagShape<'v>>,
}

impl Read for ListResourceTags {
    const ACTION: Action = Action::kms("ListResourceTags");
    const PAGE_LIMIT: usize = 50;
    type Output<'v> = ListResourceTagsResponse<'v>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        on_key(view, demands, Self::ACTION, &self.key_id);
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<ListResourceTagsResponse<'v>, ApiError> {
        look.page.bound(50);
        let view = look.view;
        let row = own(&view, &self.key_id)?;
        let tags = view.tags(&owner(row.id)).into_iter().flatten();
        let tags = tags.map(|(key, value)| TagShape { tag_key: key, tag_value: value });
        Ok(ListResourceTagsResponse { tags: look.page.take(tags, |tag| tag.tag_key.to_owned())? })
    }
}
