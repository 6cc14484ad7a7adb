//! How an operation's input is spelt in records: what each member is called there, of what kind it is, and whether it is
//! hidden. It is worked out once for each operation, from the type that reads the input.
//!
//! Source: events of AWS's services. Names begin with a small letter. EC2's lists are structures of `items`, under names
//! of their own where its old interface had other ones.

use std::borrow::Cow;

use landfall_wire::{Tree, write_json_string, write_record_name};

use super::mask::{REMOVED, hidden_by_another, mask};
use super::{PART_BYTES, event};
use crate::members::{Member, MemberKind, Members};
use crate::operation::Operation;

/// EC2's lists with their names and those of their elements, where the elements are single values.
const EC2_LISTS: &[(&str, &str, &str)] = &[
    ("AllocationId", "allocationIdsSet", "allocationId"),
    ("BlockDeviceMapping", "blockDeviceMapping", ""),
    ("DhcpConfiguration", "dhcpConfigurationSet", ""),
    ("DhcpOptionsId", "dhcpOptionsSet", "dhcpOptionsId"),
    ("Filter", "filterSet", ""),
    ("GroupId", "securityGroupIdSet", "groupId"),
    ("GroupName", "securityGroupSet", "groupName"),
    ("ImageId", "imagesSet", "imageId"),
    ("InstanceId", "instancesSet", "instanceId"),
    ("InternetGatewayId", "internetGatewayIdSet", "internetGatewayId"),
    ("IpPermissions", "ipPermissions", ""),
    ("IpRanges", "ipRanges", ""),
    ("Ipv6Ranges", "ipv6Ranges", ""),
    ("KeyName", "keySet", "keyName"),
    ("NetworkInterface", "networkInterfaceSet", ""),
    ("NetworkInterfaceId", "networkInterfaceIdSet", "networkInterfaceId"),
    ("Owner", "ownersSet", "owner"),
    ("PrefixListIds", "prefixListIds", ""),
    ("PrivateIpAddress", "privateIpAddressesSet", "privateIpAddress"),
    ("PublicIp", "publicIpsSet", "publicIp"),
    ("RegionName", "regionSet", "regionName"),
    ("ResourceId", "resourcesSet", "resourceId"),
    ("RouteTableId", "routeTableIdSet", "routeTableId"),
    ("SecurityGroupId", "groupSet", "groupId"),
    ("SubnetId", "subnetSet", "subnetId"),
    ("Tag", "tagSet", ""),
    ("TagSpecification", "tagSpecificationSet", ""),
    ("Value", "valueSet", "value"),
    ("VolumeId", "volumeSet", "volumeId"),
    ("VpcId", "vpcSet", "vpcId"),
    ("ZoneName", "availabilityZoneSet", "zoneName"),
];

/// What RunInstances tells of its instances apart.
const OF_INSTANCES: [&str; 4] = ["ImageId", "KeyName", "MaxCount", "MinCount"];

/// The spelling of an operation's input.
#[derive(Debug)]
pub struct Spelling {
    service: &'static str,
    action: &'static str,
    gathers_instances: bool,
    input: Place,
}

/// The spelling of one place of the input.
#[derive(Debug, Default)]
struct Place {
    /// Its name with the quotation marks and the colon.
    name: Vec<u8>,
    is_list: bool,
    /// Its members' names are their sender's, and are shown as they are: no name of such a one says that it is secret.
    is_map: bool,
    leaf: Leaf,
    /// What single values of a list are called each, in EC2's.
    element: &'static str,
    mask: Option<&'static str>,
    members: Vec<(&'static str, Place)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Leaf {
    #[default]
    Text,
    Number,
    Bool,
}

impl Spelling {
    /// The spelling of an operation's input.
    pub fn of(operation: &Operation) -> Self {
        let service = operation.action.service;
        let members = (operation.members)();
        let input = Place::new(service, &members, &[]);
        let action = operation.action.name;
        Self { service, action, gathers_instances: action == "RunInstances", input }
    }

    /// The input as JSON: `null` where there is none, and a remark where there is too much of it.
    pub fn show(&self, input: &Tree) -> String {
        let mut out = Vec::with_capacity(256);
        self.write(&mut out, input);
        match out.as_slice() {
            b"{}" => out = b"null".to_vec(),
            shown if shown.len() > PART_BYTES => out = event::omitted("requestParameters", shown.len()).into_bytes(),
            _ => {}
        }
        // All of it came out of strings.
        String::from_utf8(out).unwrap_or_default()
    }

    fn write(&self, out: &mut Vec<u8>, input: &Tree) {
        let Tree::Map(members) = input else { return out.extend_from_slice(b"{}") };
        let mut shown = Cow::Borrowed(members);
        if let Some(hidden) = hidden_by_another(self.action, members) {
            let is_hidden = |(name, _): &&mut (Box<str>, Tree)| name.eq_ignore_ascii_case(hidden);
            shown.to_mut().iter_mut().filter(is_hidden).for_each(|(_, value)| *value = Tree::Text(REMOVED.into()));
        }
        let members = &*shown;
        let is_apart = |name: &str| self.gathers_instances && OF_INSTANCES.contains(&name);
        let (apart, rest): (Vec<_>, Vec<_>) = members.iter().partition(|(name, _)| is_apart(name));
        out.push(b'{');
        if !apart.is_empty() {
            out.extend_from_slice(br#""instancesSet":{"items":[{"#);
            self.members(out, apart, Some(&self.input));
            out.extend_from_slice(b"}]}");
            if !rest.is_empty() {
                out.push(b',');
            }
        }
        self.members(out, rest, Some(&self.input));
        out.push(b'}');
    }

    fn members<'t>(
        &self,
        out: &mut Vec<u8>,
        members: impl IntoIterator<Item = &'t (Box<str>, Tree)>,
        place: Option<&Place>,
    ) {
        let mut is_first = true;
        let is_map = place.is_some_and(|place| place.is_map);
        for (name, value) in members {
            if matches!(value, Tree::Null) {
                continue;
            }
            if !std::mem::take(&mut is_first) {
                out.push(b',');
            }
            let known = place.and_then(|place| place.members.iter().find(|(known, _)| *known == &**name));
            let known = known.map(|(_, place)| place);
            let hidden = match known {
                Some(place) => {
                    out.extend_from_slice(&place.name);
                    place.mask
                }
                None if is_map => {
                    write_json_string(out, name);
                    out.push(b':');
                    None
                }
                None => {
                    write_record_name(out, name);
                    out.push(b':');
                    mask(self.service, name)
                }
            };
            match hidden {
                Some(mask) => write_json_string(out, mask),
                None => self.value(out, value, known),
            }
        }
    }

    fn value(&self, out: &mut Vec<u8>, value: &Tree, place: Option<&Place>) {
        match value {
            Tree::Null => out.extend_from_slice(b"null"),
            Tree::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
            Tree::Number(number) => out.extend_from_slice(number.to_string().as_bytes()),
            Tree::Text(text) => leaf(out, text, place.map_or(Leaf::Text, |place| place.leaf)),
            Tree::List(list) => self.list(out, list, place),
            Tree::Map(members) => match (&members[..], place) {
                // The query protocol's name for the elements of a list.
                ([(wrapper, Tree::List(list))], Some(place)) if place.is_list && &**wrapper == "member" => {
                    self.list(out, list, Some(place));
                }
                _ => {
                    out.push(b'{');
                    self.members(out, members, place);
                    out.push(b'}');
                }
            },
        }
    }

    fn list(&self, out: &mut Vec<u8>, list: &[Tree], place: Option<&Place>) {
        let is_ec2 = self.service == "ec2";
        out.extend_from_slice(if is_ec2 { br#"{"items":["# } else { b"[" });
        for (at, element) in list.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            match place.filter(|place| !place.element.is_empty() && !matches!(element, Tree::Map(_))) {
                Some(place) => {
                    out.push(b'{');
                    write_json_string(out, place.element);
                    out.push(b':');
                    self.value(out, element, Some(place));
                    out.push(b'}');
                }
                None => self.value(out, element, place),
            }
        }
        out.extend_from_slice(if is_ec2 { b"]}" } else { b"]" });
    }
}

impl Place {
    fn new(service: &'static str, members: &Members, path: &[&'static str]) -> Self {
        let Some(Member { kind, is_list }) = members.get(path) else { return Self::default() };
        let leaf = match kind {
            MemberKind::Number => Leaf::Number,
            MemberKind::Bool => Leaf::Bool,
            _ => Leaf::Text,
        };
        let own = path.last().copied().unwrap_or_default();
        let is_single = !matches!(kind, MemberKind::Structure(_) | MemberKind::Map | MemberKind::Any);
        let (name, element) = if service == "ec2" && *is_list { ec2_list(own, is_single) } else { (own, "") };
        let mut quoted = Vec::with_capacity(name.len() + 3);
        write_record_name(&mut quoted, name);
        quoted.push(b':');
        let inside = match kind {
            MemberKind::Structure(names) => {
                let below = |name: &&'static str| Self::new(service, members, &[path, &[*name]].concat());
                names.iter().map(|name| (*name, below(name))).collect()
            }
            _ => Vec::new(),
        };
        let (is_list, is_map) = (*is_list, *kind == MemberKind::Map);
        Self { name: quoted, is_list, is_map, leaf, element, mask: mask(service, own), members: inside }
    }
}

/// What a list of EC2's is called, and its single values.
fn ec2_list(name: &'static str, is_single: bool) -> (&'static str, &'static str) {
    match EC2_LISTS.iter().find(|(query, ..)| *query == name) {
        Some((_, set, element)) if is_single => (set, element),
        Some((_, set, _)) => (set, ""),
        None => (name, ""),
    }
}

fn leaf(out: &mut Vec<u8>, text: &str, kind: Leaf) {
    let is_plain = match kind {
        Leaf::Text => false,
        Leaf::Number => text.parse::<i64>().is_ok_and(|number| number.to_string() == text),
        Leaf::Bool => matches!(text, "true" | "false"),
    };
    if is_plain { out.extend_from_slice(text.as_bytes()) } else { write_json_string(out, text) }
}
