//! Security group rules as requests say them: the permissions of today, and the single parameters from before them.

use landfall_cloud::View;
use landfall_cloud::security_group::{NewRule, port_range};
use landfall_cloud::value::SecurityGroups;
use landfall_model::{
    Arn, Cidr, IpProtocol, Ipv4Cidr, Ipv6Cidr, Peer, PeeringId, PortRange, PrefixListId, SecurityGroup,
    SecurityGroupId, SecurityGroupKind, VpcId,
};
use serde::Deserialize;

use crate::{Action, ApiError, Demands};

/// Rules of one protocol and one range of ports: one for each peer.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct IpPermissionIn {
    ip_protocol: Option<String>,
    from_port: Option<i32>,
    to_port: Option<i32>,
    #[serde(default)]
    groups: Vec<UserIdGroupPairIn>,
    #[serde(default)]
    ip_ranges: Vec<IpRangeIn>,
    #[serde(default)]
    ipv6_ranges: Vec<Ipv6RangeIn>,
    #[serde(default)]
    prefix_list_ids: Vec<PrefixListIn>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct UserIdGroupPairIn {
    description: Option<String>,
    user_id: Option<String>,
    group_name: Option<String>,
    group_id: Option<SecurityGroupId>,
    vpc_id: Option<VpcId>,
    vpc_peering_connection_id: Option<PeeringId>,
    peering_status: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct IpRangeIn {
    description: Option<String>,
    cidr_ip: Ipv4Cidr,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Ipv6RangeIn {
    description: Option<String>,
    cidr_ipv6: Ipv6Cidr,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct PrefixListIn {
    description: Option<String>,
    prefix_list_id: PrefixListId,
}

/// The parameters from before there were permissions: one rule for one range, or all of TCP, UDP and ICMP from a group.
#[derive(Clone, Debug, Default)]
pub struct SingleRule<'a> {
    /// `CidrIp`.
    pub cidr_ip: Option<Ipv4Cidr>,
    /// `FromPort`.
    pub from_port: Option<i32>,
    /// `ToPort`.
    pub to_port: Option<i32>,
    /// `IpProtocol`.
    pub ip_protocol: Option<&'a str>,
    /// `SourceSecurityGroupName`.
    pub source_group: Option<&'a str>,
    /// `SourceSecurityGroupOwnerId`.
    pub source_owner: Option<&'a str>,
}

/// The parameters of a request that has them under AWS's names.
macro_rules! single_rule {
    ($request:ident) => {
        $crate::ec2::shape::permission::SingleRule {
            cidr_ip: $request.cidr_ip,
            from_port: $request.from_port,
            to_port: $request.to_port,
            ip_protocol: $request.ip_protocol.as_deref(),
            source_group: $request.source_security_group_name.as_deref(),
            source_owner: $request.source_security_group_owner_id.as_deref(),
        }
    };
}

pub(crate) use single_rule;

impl SingleRule<'_> {
    /// Whether any of them was sent.
    pub fn is_sent(&self) -> bool {
        let Self { cidr_ip, from_port, to_port, ip_protocol, source_group, source_owner } = self;
        cidr_ip.is_some()
            || from_port.is_some()
            || to_port.is_some()
            || ip_protocol.is_some()
            || source_group.is_some()
            || source_owner.is_some()
    }

    /// That none of them was sent: rules outwards have always been permissions.
    pub fn refuse(&self) -> Result<(), ApiError> {
        if self.is_sent() {
            return Err(ApiError::combination(
                "Rules outwards are given with IpPermissions: IpProtocol, FromPort, ToPort, CidrIp and SourceSecurityGroup are not supported for them.",
            ));
        }
        Ok(())
    }

    fn rules(&self, view: &View<'_>, group: &SecurityGroup) -> Result<Vec<NewRule>, ApiError> {
        if let Some(name) = self.source_group {
            if self.cidr_ip.is_some() || self.ip_protocol.is_some() || self.from_port.is_some() {
                return Err(ApiError::combination(
                    "The parameter SourceSecurityGroupName cannot be used with CidrIp, IpProtocol, FromPort and ToPort.",
                ));
            }
            check_owner(view, self.source_owner, name)?;
            let peer = Peer::Group(named(view, group.vpc, name)?);
            let ports = PortRange { from: 0, to: 65535 };
            let all = [(IpProtocol::TCP, ports), (IpProtocol::UDP, ports), (IpProtocol::ICMP, PortRange::ANY)];
            return Ok(all
                .map(|(protocol, ports)| NewRule { protocol, ports, peer: peer.clone(), description: None })
                .into());
        }
        let protocol = protocol(self.ip_protocol)?;
        let ports = port_range(protocol, self.from_port, self.to_port)?;
        let cidr = self.cidr_ip.ok_or_else(|| ApiError::missing("CidrIp"))?;
        Ok(vec![NewRule { protocol, ports, peer: Peer::Cidr(Cidr::V4(cidr)), description: None }])
    }
}

/// All the rules that a request names, in either spelling.
pub fn rules(
    view: &View<'_>,
    group: SecurityGroupId,
    permissions: &[IpPermissionIn],
    single: &SingleRule<'_>,
) -> Result<Vec<NewRule>, ApiError> {
    let group = view.need::<SecurityGroups, _>(group)?;
    let mut rules = Vec::new();
    match (permissions.is_empty(), single.is_sent()) {
        (true, false) => return Err(ApiError::missing("IpPermissions")),
        (false, true) => {
            return Err(ApiError::combination(
                "IpPermissions cannot be used with CidrIp, IpProtocol, FromPort, ToPort and SourceSecurityGroupName.",
            ));
        }
        (true, true) => rules = single.rules(view, group)?,
        (false, false) => {
            for permission in permissions {
                permission.add_to(&mut rules, view, group)?;
            }
        }
    }
    // Descriptions don't tell rules apart.
    let mut seen = std::collections::HashSet::new();
    if !rules.iter().all(|rule| seen.insert((rule.protocol, rule.ports, rule.peer.clone()))) {
        return Err(ApiError::new("InvalidParameterValue", "The same permission must not appear multiple times"));
    }
    Ok(rules)
}

impl IpPermissionIn {
    fn add_to(&self, rules: &mut Vec<NewRule>, view: &View<'_>, group: &SecurityGroup) -> Result<(), ApiError> {
        let protocol = protocol(self.ip_protocol.as_deref())?;
        let ports = port_range(protocol, self.from_port, self.to_port)?;
        let mut peers: Vec<(Peer, &Option<String>)> = Vec::new();
        for range in &self.ip_ranges {
            peers.push((Peer::Cidr(Cidr::V4(range.cidr_ip)), &range.description));
        }
        for range in &self.ipv6_ranges {
            peers.push((Peer::Cidr(Cidr::V6(range.cidr_ipv6)), &range.description));
        }
        for pair in &self.groups {
            peers.push((Peer::Group(pair.find(view, group)?), &pair.description));
        }
        for list in &self.prefix_list_ids {
            peers.push((Peer::PrefixList(list.prefix_list_id), &list.description));
        }
        if peers.is_empty() {
            return Err(ApiError::missing("IpPermissions.N.IpRanges, Ipv6Ranges, PrefixListIds or Groups"));
        }
        for (peer, description) in peers {
            rules.push(NewRule { protocol, ports, peer, description: check_description(description.as_deref())? });
        }
        Ok(())
    }
}

impl UserIdGroupPairIn {
    fn find(&self, view: &View<'_>, group: &SecurityGroup) -> Result<SecurityGroupId, ApiError> {
        // With a rule that is there it is what was shown of it.
        let names = |id: SecurityGroupId| view.rules_of(group.id).any(|rule| rule.peer == Peer::Group(id));
        if self.peering_status.is_some() && !self.group_id.is_some_and(names) {
            return Err(ApiError::unsupported("the parameter IpPermissions.N.Groups.N.PeeringStatus"));
        }
        let peer = match (self.group_id, &self.group_name) {
            // A rule whose group is gone, or out of reach, is named as it was made, so that it can be revoked.
            (Some(id), _) if view.names_stale(group.id, id) => return Ok(id),
            (Some(id), None) => view.group_from(group.vpc, id)?,
            (None, Some(name)) => {
                check_owner(view, self.user_id.as_deref(), name)?;
                view.need::<SecurityGroups, _>(named(view, group.vpc, name)?)?
            }
            (Some(id), Some(name)) => {
                let peer = view.group_from(group.vpc, id)?;
                if peer.name != *name {
                    return Err(ApiError::combination(format!("The security group '{id}' is not named '{name}'.")));
                }
                peer
            }
            (None, None) => return Err(ApiError::missing("IpPermissions.N.Groups.N.GroupId")),
        };
        if self.user_id.as_ref().is_some_and(|owner| *owner != peer.scope.account.to_string()) {
            return Err(no_group(&peer.id.to_string()));
        }
        if self.vpc_id.is_some_and(|vpc| vpc != peer.vpc) {
            return Err(ApiError::combination(format!("The security group '{}' is not in that VPC.", peer.id)));
        }
        if let Some(peering) = self.vpc_peering_connection_id {
            let row = view.tables().peerings.by_id(&peering).next();
            let leads = row.and_then(|row| row.across(group.vpc)).is_some_and(|side| side.vpc == peer.vpc);
            if !leads {
                let message = format!("The peering '{peering}' doesn't lead to the security group '{}'.", peer.id);
                return Err(ApiError::combination(message));
            }
        }
        Ok(peer.id)
    }
}

/// Groups of other accounts can't be seen from here, so they aren't there.
fn check_owner(view: &View<'_>, owner: Option<&str>, group: &str) -> Result<(), ApiError> {
    if owner.is_some_and(|owner| owner != view.scope().account.to_string()) {
        return Err(no_group(group));
    }
    Ok(())
}

fn no_group(group: &str) -> ApiError {
    ApiError::not_found("InvalidGroup.NotFound", format!("The security group '{group}' does not exist"))
}

fn named(view: &View<'_>, vpc: VpcId, name: &str) -> Result<SecurityGroupId, ApiError> {
    let mut groups = view.tables().security_groups.by_vpc(&vpc);
    groups.find(|group| group.name == name).map(|group| group.id).ok_or_else(|| no_group(name))
}

/// Reads a protocol, which rules must name.
pub fn protocol(text: Option<&str>) -> Result<IpProtocol, ApiError> {
    let Some(text) = text else {
        let message = "Invalid value 'null' for protocol. VPC security group rules must specify protocols explicitly.";
        return Err(ApiError::new("InvalidParameterValue", message));
    };
    IpProtocol::parse(text).ok_or_else(|| {
        let message = format!("Invalid value '{text}' for IP protocol. Unknown protocol.");
        ApiError::new("InvalidParameterValue", message)
    })
}

/// Characters of names and descriptions besides letters and digits.
const CHARACTERS: &str = " ._-:/()#,@[]+=&;{}!$*";

/// Whether a name or description of a group or rule is one that EC2 takes.
pub fn is_plain(text: &str) -> bool {
    text.len() <= 255 && text.chars().all(|c| c.is_ascii_alphanumeric() || CHARACTERS.contains(c))
}

/// A rule's description, checked; an empty one is none.
pub fn check_description(text: Option<&str>) -> Result<Option<String>, ApiError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    if is_plain(text) {
        return Ok(Some(text.to_owned()));
    }
    let message = "Invalid rule description. Valid descriptions are strings less than 256 characters from the following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*";
    Err(ApiError::new("InvalidParameterValue", message))
}

/// A group as requests name it: by id, or by name in the default VPC.
#[derive(Clone, Copy, Debug)]
pub struct GroupRef<'a> {
    /// Its id.
    pub id: Option<SecurityGroupId>,
    /// Its name.
    pub name: Option<&'a str>,
}

impl GroupRef<'_> {
    /// That group's id, if the name says one of the default VPC's.
    pub fn find(&self, view: &View<'_>) -> Result<SecurityGroupId, ApiError> {
        match (self.id, self.name) {
            (Some(_), Some(_)) => {
                Err(ApiError::combination("The parameter groupName cannot be used with the parameter groupId"))
            }
            (Some(id), None) => Ok(view.need::<SecurityGroups, _>(id)?.id),
            (None, Some(name)) => default_vpc_group(view, name),
            (None, None) => Err(ApiError::missing("groupName or groupId")),
        }
    }

    /// That the caller may do this to the group.
    pub fn demand(&self, view: &View<'_>, demands: &mut Demands, action: Action) {
        match self.id.or_else(|| default_vpc_group(view, self.name?).ok()) {
            Some(id) => demand_group(view, demands, action, id),
            None => {
                demands.new_ec2::<SecurityGroupKind>(action);
            }
        }
    }
}

/// The group of that name in the default VPC.
pub fn default_vpc_group(view: &View<'_>, name: &str) -> Result<SecurityGroupId, ApiError> {
    let vpc = view.default_vpc().ok_or_else(|| no_group(name))?.id;
    named(view, vpc, name).map_err(|_| {
        let message = format!("The security group '{name}' does not exist in default VPC '{vpc}'");
        ApiError::not_found("InvalidGroup.NotFound", message)
    })
}

/// That the caller may do this to a group.
pub fn demand_group(view: &View<'_>, demands: &mut Demands, action: Action, id: SecurityGroupId) {
    let demand = demands.ec2(view, action, id);
    demand.with("ec2:SecurityGroupID", id);
    if let Some(group) = view.find::<SecurityGroups, _>(id) {
        demand.with("ec2:Vpc", Arn::ec2(view.scope(), group.vpc));
    }
}
