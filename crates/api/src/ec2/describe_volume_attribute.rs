//! ec2:DescribeVolumeAttribute. Shows one attribute of a volume.

use landfall_cloud::View;
use landfall_cloud::value::Volumes;
use landfall_model::VolumeId;
use serde::{Deserialize, Serialize};

use super::shape::attribute::ValueOut;
use super::shape::volume::demand;
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeVolumeAttribute {
    attribute: String,
    volume_id: VolumeId,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeVolumeAttributeResult {
    volume_id: VolumeId,
    #[serde(rename = "autoEnableIO", skip_serializing_if = "Option::is_none")]
    auto_enable_io: Option<ValueOut<bool>>,
    /// Nothing is sold here.
    #[serde(skip_serializing_if = "Option::is_none")]
    product_codes: Option<[(); 0]>,
}

impl Read for DescribeVolumeAttribute {
    const ACTION: Action = Action::ec2("DescribeVolumeAttribute");
    type Output<'v> = DescribeVolumeAttributeResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, self.volume_id);
    }

    fn run(self, look: &mut Look<'_, '_>) -> Result<DescribeVolumeAttributeResult, ApiError> {
        let row = look.view.need::<Volumes, _>(self.volume_id)?;
        let mut result = DescribeVolumeAttributeResult { volume_id: row.id, auto_enable_io: None, product_codes: None };
        match self.attribute.as_str() {
            "autoEnableIO" => result.auto_enable_io = Some(ValueOut { value: row.auto_enable_io }),
            "productCodes" => result.product_codes = Some([]),
            other => return Err(ApiError::invalid("attribute", other, "Unknown attribute.")),
        }
        Ok(result)
    }
}
