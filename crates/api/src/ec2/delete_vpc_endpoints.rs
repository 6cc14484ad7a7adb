//! ec2:DeleteVpcEndpoints. Deletes endpoints: those that can be, and says of the others why not.

use landfall_cloud::{Tx, View, endpoint};
use landfall_model::EndpointId;
use serde::{Deserialize, Serialize};

use crate::{Action, ApiError, Demands, Write};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DeleteVpcEndpoints {
    vpc_endpoint_id: Vec<EndpointId>,
}

#[derive(Serialize)]
pub struct DeleteVpcEndpointsResult {
    unsuccessful: Vec<Unsuccessful>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Unsuccessful {
    error: Why,
    resource_id: EndpointId,
}

#[derive(Serialize)]
struct Why {
    code: String,
    message: String,
}

impl Write for DeleteVpcEndpoints {
    const ACTION: Action = Action::ec2("DeleteVpcEndpoints");
    const FREES: bool = true;
    type Output<'t> = DeleteVpcEndpointsResult;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        for id in &self.vpc_endpoint_id {
            let demand = demands.ec2(view, Self::ACTION, *id);
            demand.with("ec2:VpceServiceRegion", view.scope().region);
            if let Some(row) = view.find::<landfall_cloud::value::Endpoints, _>(*id) {
                demand.with("ec2:VpceServiceName", &row.service);
            }
        }
    }

    fn run(self, tx: &mut Tx<'_, '_>) -> Result<DeleteVpcEndpointsResult, ApiError> {
        if self.vpc_endpoint_id.is_empty() {
            return Err(ApiError::missing("VpcEndpointId"));
        }
        let mut unsuccessful = Vec::new();
        for id in self.vpc_endpoint_id {
            if endpoint::delete(tx, id).is_err() {
                // In this list the code has another name than alone.
                let code = "InvalidVpcEndpoint.NotFound".to_owned();
                let message = format!("The Vpc Endpoint Id '{id}' does not exist");
                unsuccessful.push(Unsuccessful { error: Why { code, message }, resource_id: id });
            }
        }
        Ok(DeleteVpcEndpointsResult { unsuccessful })
    }
}
