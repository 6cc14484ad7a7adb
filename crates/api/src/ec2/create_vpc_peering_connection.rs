//! ec2:CreateVpcPeeringConnection. Asks the owner of another VPC, perhaps in another account or region, to peer with one.

use landfall_cloud::{Fault, Tx, View, peering, tag};
use landfall_model::{AccountId, Arn, PeeringKind, Region, Scope, VpcId};
use serde::{Deserialize, Serialize};

use super::shape::TagSpecifications;
use super::shape::network_demand;
use super::shape::peering::{PeeringShape, peering as shape};
use crate::{Action, ApiError, Demands, Write};

/// The kind that its tag specifications name.
const KIND: &str = "vpc-peering-connection";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateVpcPeeringConnection {
    vpc_id: VpcId,
    peer_vpc_id: Option<VpcId>,
    peer_owner_id: Option<String>,
    peer_region: Option<String>,
    #[serde(default)]
    tag_specification: TagSpecifications,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateVpcPeeringConnectionResult<'t> {
    vpc_peering_connection: PeeringShape<'t>,
}

impl Write for CreateVpcPeeringConnection {
    const ACTION: Action = Action::ec2("CreateVpcPeeringConnection");
    type Output<'t> = CreateVpcPeeringConnectionResult<'t>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let tags = self.tag_specification.claimed(KIND);
        network_demand::vpc(view, demands, Self::ACTION, self.vpc_id);
        let demand = demands.new_ec2::<PeeringKind>(Self::ACTION).request_tags(&tags);
        demand.with("ec2:RequesterVpc", Arn::ec2(view.scope(), self.vpc_id));
        if let (Ok(peer), Some(vpc)) = (self.peer(view.scope()), self.peer_vpc_id) {
            demand.with("ec2:AccepterVpc", Arn::ec2(peer, vpc));
        }
        demands.tagging(Self::ACTION, KIND, &tags);
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<CreateVpcPeeringConnectionResult<'t>, ApiError> {
        self.tag_specification.check(&[KIND])?;
        let tags = self.tag_specification.of(KIND)?;
        let peer = self.peer(tx.scope())?;
        let peer_vpc = self.peer_vpc_id.ok_or_else(|| ApiError::missing("peerVpcId"))?;
        let id = peering::create(tx, self.vpc_id, peer, peer_vpc)?;
        tag::put(tx, KIND, &id.to_string(), &tags)?;
        let view = tx.view();
        let row = view.peering(id).ok_or_else(|| Fault::no_such(id))?;
        Ok(CreateVpcPeeringConnectionResult { vpc_peering_connection: shape(&view, row) })
    }
}

impl CreateVpcPeeringConnection {
    /// Whose VPC it asks for, and where: the caller's own unless it says otherwise.
    fn peer(&self, own: Scope) -> Result<Scope, ApiError> {
        let account: AccountId = match &self.peer_owner_id {
            None => own.account,
            Some(text) => {
                text.parse().map_err(|_| ApiError::invalid("peerOwnerId", text, "It is an account of 12 digits."))?
            }
        };
        let region: Region = match &self.peer_region {
            None => own.region,
            Some(text) => {
                text.parse().map_err(|_| ApiError::invalid("peerRegion", text, "There is no such region."))?
            }
        };
        Ok(Scope { account, region })
    }
}
