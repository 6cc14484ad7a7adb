//! elasticfilesystem:UpdateFileSystem. Changes how fast a file system is.

use landfall_cloud::file_system::set_throughput;
use landfall_cloud::value::FileSystems;
use landfall_cloud::{Tx, View};
use landfall_model::Throughput;
use serde::Deserialize;

use super::shape::file_system::{FileSystemShape, shown};
use super::shape::throughput::{ThroughputMode, throughput};
use super::shape::{bad, demand, file_system};
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct UpdateFileSystem {
    file_system_id: String,
    throughput_mode: Option<ThroughputMode>,
    provisioned_throughput_in_mibps: Option<f64>,
}

impl Write for UpdateFileSystem {
    const ACTION: Action = Action::efs("UpdateFileSystem");
    type Output<'t> = FileSystemShape<'t>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, &self.file_system_id);
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<FileSystemShape<'t>, ApiError> {
        let row = file_system(&tx.view(), &self.file_system_id)?;
        let id = row.id;
        if self.throughput_mode.is_none() && self.provisioned_throughput_in_mibps.is_none() {
            return Err(bad("The request must contain ThroughputMode or ProvisionedThroughputInMibps."));
        }
        let present = match row.throughput {
            Throughput::Bursting => ThroughputMode::Bursting,
            Throughput::Elastic => ThroughputMode::Elastic,
            Throughput::Provisioned(_) => ThroughputMode::Provisioned,
        };
        let mode = self.throughput_mode.unwrap_or(present);
        set_throughput(tx, id, throughput(mode, self.provisioned_throughput_in_mibps)?)?;
        let view = tx.view();
        Ok(shown(&view, view.need::<FileSystems, _>(id)?))
    }
}
