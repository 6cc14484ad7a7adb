//! elasticfilesystem:DescribeFileSystems. Lists file systems: all, that of an id, or that of a creation token.

use landfall_cloud::file_system::of_token;
use landfall_cloud::value::FileSystems;
use landfall_cloud::{Fault, View};
use landfall_model::FileSystem;
use serde::{Deserialize, Serialize};

use super::shape::file_system::{FileSystemShape, shown};
use super::shape::{bad, demand, file_system};
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeFileSystems {
    creation_token: Option<String>,
    file_system_id: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeFileSystemsResponse<'v> {
    file_systems: Vec<FileSystemShape<'v>>,
}

impl Read for DescribeFileSystems {
    const ACTION: Action = Action::efs("DescribeFileSystems");
    const PAGE_LIMIT: usize = 100;
    type Output<'v> = DescribeFileSystemsResponse<'v>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        match &self.file_system_id {
            Some(text) => _ = demand(view, demands, Self::ACTION, text),
            None => _ = demands.anything(Self::ACTION),
        }
    }

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeFileSystemsResponse<'v>, ApiError> {
        let view = look.view;
        let rows: Vec<&FileSystem> = match (&self.file_system_id, &self.creation_token) {
            (Some(_), Some(_)) => return Err(bad("You can't give both a file system ID and a creation token.")),
            (Some(text), None) => vec![file_system(&view, text)?],
            (None, Some(token)) => {
                let id = token.chars().take(64).collect();
                let missing = Fault::NoSuch { code: "FileSystemNotFound", noun: "file system", id };
                vec![of_token(&view, token).ok_or(missing)?]
            }
            (None, None) => {
                look.page.bound(Self::PAGE_LIMIT);
                let start = look.page.start()?;
                look.page.take(view.from::<FileSystems, _>(start), |row| row.id)?
            }
        };
        Ok(DescribeFileSystemsResponse { file_systems: rows.into_iter().map(|row| shown(&view, row)).collect() })
    }
}
