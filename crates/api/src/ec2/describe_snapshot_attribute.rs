//! ec2:DescribeSnapshotAttribute. Shows one attribute of a snapshot: whom it is shared with.

use landfall_cloud::View;
use landfall_cloud::value::Snapshots;
use landfall_model::{AccountId, SnapshotId};
use serde::{Deserialize, Serialize};

use super::shape::snapshot::demand;
use crate::{Action, ApiError, Demands, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeSnapshotAttribute {
    attribute: String,
    snapshot_id: SnapshotId,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeSnapshotAttributeResult {
    snapshot_id: SnapshotId,
    #[serde(skip_serializing_if = "Option::is_none")]
    create_volume_permission: Option<Vec<Permission>>,
    /// No snapshot comes from the marketplace.
    #[serde(skip_serializing_if = "Option::is_none")]
    product_codes: Option<[(); 0]>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Permission {
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<AccountId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'static str>,
}

impl Read for DescribeSnapshotAttribute {
    const ACTION: Action = Action::ec2("DescribeSnapshotAttribute");
    type Output<'v> = DescribeSnapshotAttributeResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        demand(view, demands, Self::ACTION, self.snapshot_id);
    }

    fn run(self, look: &mut Look<'_, '_>) -> Result<DescribeSnapshotAttributeResult, ApiError> {
        let row = look.view.need::<Snapshots, _>(self.snapshot_id)?;
        let mut answer = DescribeSnapshotAttributeResult {
            snapshot_id: row.id,
            create_volume_permission: None,
            product_codes: None,
        };
        match self.attribute.as_str() {
            "createVolumePermission" => {
                let all = row.is_public.then_some(Permission { group: Some("all"), user_id: None });
                let users = row.shared_with.iter().map(|account| Permission { user_id: Some(*account), group: None });
                answer.create_volume_permission = Some(all.into_iter().chain(users).collect());
            }
            "productCodes" => answer.product_codes = Some([]),
            other => {
                return Err(ApiError::invalid("Attribute", other, "It is 'createVolumePermission' or 'productCodes'."));
            }
        }
        Ok(answer)
    }
}
