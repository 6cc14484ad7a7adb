//! ec2:ModifyInstanceMetadataOptions. Changes how the metadata service behaves for an instance.

use landfall_cloud::value::Instances;
use landfall_cloud::{Tx, View, instance};
use landfall_model::InstanceId;
use serde::{Deserialize, Serialize};

use super::shape::change::demand_each;
use super::shape::instance::MetadataShape;
use super::shape::metadata::MetadataIn;
use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ModifyInstanceMetadataOptions {
    instance_id: InstanceId,
    http_tokens: Option<String>,
    http_put_response_hop_limit: Option<i64>,
    http_endpoint: Option<String>,
    http_protocol_ipv6: Option<String>,
    instance_metadata_tags: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ModifyInstanceMetadataOptionsResult {
    instance_id: InstanceId,
    instance_metadata_options: MetadataShape,
}

impl Write for ModifyInstanceMetadataOptions {
    const ACTION: Action = Action::ec2("ModifyInstanceMetadataOptions");
    type Output<'t> = ModifyInstanceMetadataOptionsResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand_each(view, demands, Self::ACTION, &[self.instance_id]);
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<ModifyInstanceMetadataOptionsResult, ApiError> {
        let mut options = tx.view().need::<Instances, _>(self.instance_id)?.spec.metadata.clone();
        let asked = MetadataIn {
            http_tokens: self.http_tokens,
            http_put_response_hop_limit: self.http_put_response_hop_limit,
            http_endpoint: self.http_endpoint,
            http_protocol_ipv6: self.http_protocol_ipv6,
            instance_metadata_tags: self.instance_metadata_tags,
        };
        asked.apply(&mut options)?;
        let instance_metadata_options = (&options).into();
        instance::change(tx, self.instance_id, |row| row.spec.metadata = options)?;
        Ok(ModifyInstanceMetadataOptionsResult { instance_id: self.instance_id, instance_metadata_options })
    }
}
