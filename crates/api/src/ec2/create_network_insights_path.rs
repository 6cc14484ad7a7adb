//! ec2:CreateNetworkInsightsPath. Says from what to what reachability is to be analysed.

use std::net::{IpAddr, Ipv4Addr};

use landfall_cloud::insights::{self, End};
use landfall_cloud::value::InsightsPaths;
use landfall_cloud::{Tx, View, tag};
use landfall_model::reachability::Component;
use landfall_model::{InsightsPath, InsightsPathId, InsightsPathKind, PathFilter, Timestamp};
use serde::{Deserialize, Serialize};

use super::shape::insights::{PathShape, path};
use super::shape::{TagSpecifications, network_demand};
use crate::{Action, ApiError, Demands, Write};

const KIND: &str = "network-insights-path";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreateNetworkInsightsPath {
    source: String,
    destination: Option<String>,
    source_ip: Option<Ipv4Addr>,
    destination_ip: Option<Ipv4Addr>,
    protocol: String,
    destination_port: Option<u16>,
    filter_at_source: Option<FilterIn>,
    filter_at_destination: Option<FilterIn>,
    #[serde(default)]
    tag_specification: TagSpecifications,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct FilterIn {
    source_address: Option<Ipv4Addr>,
    source_port_range: Option<PortsIn>,
    destination_address: Option<Ipv4Addr>,
    destination_port_range: Option<PortsIn>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct PortsIn {
    from_port: Option<u16>,
    to_port: Option<u16>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateNetworkInsightsPathResult<'t> {
    network_insights_path: PathShape<'t>,
}

impl Write for CreateNetworkInsightsPath {
    const ACTION: Action = Action::ec2("CreateNetworkInsightsPath");
    const CLIENT_TOKEN: bool = true;
    type Output<'t> = CreateNetworkInsightsPathResult<'t>;

    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let tags = self.tag_specification.claimed(KIND);
        demands.new_ec2::<InsightsPathKind>(Self::ACTION).request_tags(&tags);
        for text in [Some(&self.source), self.destination.as_ref()].into_iter().flatten() {
            match End::parse(own_id(text)).map(End::component) {
                Some(Component::Interface(id)) => {
                    network_demand::interface(view, demands, Self::ACTION, id);
                }
                Some(Component::InternetGateway(id)) => {
                    network_demand::gateway(view, demands, Self::ACTION, id);
                }
                Some(Component::Instance(id)) => {
                    demands.ec2(view, Self::ACTION, id);
                }
                Some(Component::Peering(id)) => {
                    demands.ec2(view, Self::ACTION, id).with("ec2:VpcPeeringConnectionID", id);
                }
                Some(Component::TransitGateway(id)) => {
                    demands.ec2(view, Self::ACTION, id).with("ec2:transitGatewayId", id);
                }
                Some(Component::VpnGateway(id)) => {
                    demands.ec2(view, Self::ACTION, id);
                }
                Some(Component::Endpoint(id)) => {
                    demands.ec2(view, Self::ACTION, id);
                }
                _ => {}
            }
        }
        demands.tagging(Self::ACTION, KIND, &tags);
    }

    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<CreateNetworkInsightsPathResult<'t>, ApiError> {
        self.tag_specification.check(&[KIND])?;
        let tags = self.tag_specification.of(KIND)?;
        let row = self.row(tx)?;
        let id = insights::create_path(tx, row)?;
        tag::put(tx, KIND, &id.to_string(), &tags)?;
        let view = tx.view();
        let row = view.need::<InsightsPaths, _>(id)?;
        Ok(CreateNetworkInsightsPathResult { network_insights_path: path(&view, row) })
    }
}

impl CreateNetworkInsightsPath {
    fn row(&self, tx: &Tx<'_, '_>) -> Result<InsightsPath, ApiError> {
        if self.filter_at_source.is_some() && (self.source_ip.is_some() || self.destination_port.is_some()) {
            return Err(ApiError::combination("FilterAtSource can't be used with SourceIp or DestinationPort"));
        }
        if self.filter_at_destination.is_some() && self.destination_ip.is_some() {
            return Err(ApiError::combination("FilterAtDestination can't be used with DestinationIp"));
        }
        let source = end(tx, "Source", &self.source)?;
        if End::parse(source).is_some_and(|end| !end.can_send()) {
            return Err(ApiError::unsupported(format_args!("the value '{source}' of the parameter Source")));
        }
        let destination = self.destination.as_deref().map(|text| end(tx, "Destination", text)).transpose()?;
        let protocol = self.protocol.to_ascii_lowercase();
        if !matches!(protocol.as_str(), "tcp" | "udp") {
            return Err(ApiError::invalid("Protocol", &self.protocol, "It is tcp or udp."));
        }
        let at_source = self.filter_at_source.as_ref().map(filter).transpose()?;
        let named = at_source.as_ref().and_then(|filter| filter.destination);
        if destination.is_none() && self.destination_ip.is_none() && named.is_none() {
            return Err(ApiError::missing("Destination"));
        }
        Ok(InsightsPath {
            scope: tx.scope(),
            id: InsightsPathId::MIN,
            source: source.to_owned(),
            source_ip: self.source_ip.map(IpAddr::V4),
            destination: destination.map(str::to_owned),
            destination_ip: self.destination_ip.map(IpAddr::V4),
            protocol,
            destination_port: self.destination_port,
            at_source,
            at_destination: self.filter_at_destination.as_ref().map(filter).transpose()?,
            created_at: Timestamp(0),
        })
    }
}

/// The id in an ARN, or the id itself.
fn own_id(text: &str) -> &str {
    if text.starts_with("arn:") { text.rsplit('/').next().unwrap_or(text) } else { text }
}

/// An id, or the ARN of what this account has in this region; of a kind that a path can have.
fn end<'p>(tx: &Tx<'_, '_>, parameter: &str, text: &'p str) -> Result<&'p str, ApiError> {
    let id = own_id(text);
    if text.starts_with("arn:") {
        let mut parts = text.splitn(6, ':').skip(3);
        let (region, account) = (parts.next(), parts.next());
        let scope = tx.scope();
        if region != Some(scope.region.name()) || account != Some(&scope.account.to_string()) {
            return Err(ApiError::unsupported(format_args!(
                "the value '{text}' of the parameter {parameter}: resources of other accounts and regions"
            )));
        }
    }
    match End::parse(id) {
        Some(_) => Ok(id),
        None => {
            let why = "It is the ID or ARN of an instance, a network interface or a gateway.";
            Err(ApiError::invalid(parameter, text, why))
        }
    }
}

fn filter(given: &FilterIn) -> Result<PathFilter, ApiError> {
    let range = |range: &Option<PortsIn>| {
        let Some(range) = range else { return Ok(None) };
        let (from, to) = (range.from_port.unwrap_or(0), range.to_port.unwrap_or(u16::MAX));
        if from > to {
            return Err(ApiError::invalid("PortRange", format_args!("{from}-{to}"), "It begins after its end."));
        }
        Ok(Some((from, to)))
    };
    Ok(PathFilter {
        source: given.source_address.map(IpAddr::V4),
        source_ports: range(&given.source_port_range)?,
        destination: given.destination_address.map(IpAddr::V4),
        destination_ports: range(&given.destination_port_range)?,
    })
}
