//! Ways to the internet: internet gateways, and those that let IPv6 out only.

use landfall_model::{EgressOnlyGateway, EgressOnlyGatewayId, InternetGateway, InternetGatewayId, VpcId};

use crate::fault::{Fault, QuotaKind};
use crate::tag;
use crate::tx::Tx;
use crate::value::{EgressOnlyGateways, InternetGateways, Vpcs};

/// Makes an internet gateway that is attached to nothing.
pub fn create(tx: &mut Tx<'_, '_>) -> Result<InternetGatewayId, Fault> {
    let scope = tx.scope();
    let limit = tx.quotas().internet_gateways;
    if tx.internet_gateways.by_scope.count(&scope) >= limit as usize {
        let kind = QuotaKind::Of("InternetGatewayLimitExceeded", "internet gateways");
        return Err(Fault::Quota(kind, u64::from(limit)));
    }
    let id = tx.new_id();
    tx.put::<InternetGateways>(InternetGateway { scope, id, vpc: None });
    Ok(id)
}

/// Attaches an internet gateway to a VPC that has none.
pub fn attach(tx: &mut Tx<'_, '_>, id: InternetGatewayId, vpc: VpcId) -> Result<(), Fault> {
    let view = tx.view();
    let gateway = view.need::<InternetGateways, _>(id)?;
    let key = gateway.key();
    view.need::<Vpcs, _>(vpc)?;
    if let Some(other) = gateway.vpc {
        return Err(Fault::AlreadyAssociated(format!("resource {id} is already attached to network {other}")));
    }
    if tx.internet_gateways.by_vpc.count(&vpc) > 0 {
        return Err(Fault::Refused(format!("Network {vpc} already has an internet gateway attached")));
    }
    tx.update::<InternetGateways, _>(&key, |row| row.vpc = Some(vpc));
    Ok(())
}

/// Makes a VPC's way out for IPv6 that lets nobody in.
pub fn create_egress_only(tx: &mut Tx<'_, '_>, vpc: VpcId) -> Result<EgressOnlyGatewayId, Fault> {
    let scope = tx.scope();
    tx.view().need::<Vpcs, _>(vpc)?;
    let limit = tx.quotas().egress_only_gateways;
    if tx.egress_only_gateways.by_scope.count(&scope) >= limit as usize {
        let kind = QuotaKind::Of("EgressOnlyInternetGatewayLimitExceeded", "egress-only internet gateways");
        return Err(Fault::Quota(kind, u64::from(limit)));
    }
    if tx.egress_only_gateways.by_vpc.count(&vpc) > 0 {
        return Err(Fault::Refused(format!("Network {vpc} already has an egress-only internet gateway attached")));
    }
    let id = tx.new_id();
    tx.put::<EgressOnlyGateways>(EgressOnlyGateway { scope, id, vpc });
    Ok(id)
}

/// Deletes it. Routes that lead to it lead nowhere from then on.
pub fn delete_egress_only(tx: &mut Tx<'_, '_>, id: EgressOnlyGatewayId) -> Result<(), Fault> {
    let key = tx.view().need::<EgressOnlyGateways, _>(id)?.key();
    tx.delete::<EgressOnlyGateways>(&key);
    tag::forget(tx, &id.to_string());
    Ok(())
}
