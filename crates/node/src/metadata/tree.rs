//! What there is to read, as a tree. Listings and leaves come from the same tree, so that whatever is listed can be
//! fetched, which crawlers such as cloud-init's rely on. Names, forms and the absence of final line ends are those of
//! AWS's user guide, "Instance metadata categories".

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::directory::Caller;
use super::dns;
use super::plan::{NetworkService, PortService};
use super::role::{self, Asking};

/// The versions that can be asked for, oldest first, as EC2 lists them. All show the same tree.
pub const VERSIONS: &[&str] = &[
    "1.0",
    "2007-01-19",
    "2007-03-01",
    "2007-08-29",
    "2007-10-10",
    "2007-12-15",
    "2008-02-01",
    "2008-09-01",
    "2009-04-04",
    "2011-01-01",
    "2011-05-01",
    "2012-01-12",
    "2014-02-25",
    "2014-11-05",
    "2015-10-20",
    "2016-04-19",
    "2016-06-30",
    "2016-09-02",
    "2018-03-28",
    "2018-08-17",
    "2018-09-24",
    "2019-10-01",
    "2020-10-27",
    "2021-01-03",
    "2021-03-23",
    "2021-07-15",
    "2022-07-09",
    "2022-09-24",
    "2024-04-11",
    "latest",
];

/// A node of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Text.
    Text(String),
    /// Bytes that are the tenant's own.
    Bytes(Vec<u8>),
    /// A folder.
    Folder(Folder),
}

/// A folder: entries by name, each with what the listing shows instead of the name where that differs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folder {
    entries: BTreeMap<String, (Option<String>, Entry)>,
}

impl Folder {
    /// Puts something in.
    pub(super) fn put(&mut self, name: &str, entry: Entry) {
        self.entries.insert(name.to_owned(), (None, entry));
    }

    fn put_as(&mut self, name: &str, shown: impl Into<String>, entry: Entry) {
        self.entries.insert(name.to_owned(), (Some(shown.into()), entry));
    }

    fn text(&mut self, name: &str, text: impl ToString) {
        self.put(name, Entry::Text(text.to_string()));
    }

    /// Whether nothing is in it.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The names in it, a line each; folders end in a slash.
    pub fn listing(&self) -> String {
        let line = |(name, (shown, entry)): (&String, &(Option<String>, Entry))| match (shown, entry) {
            (Some(shown), _) => shown.clone(),
            (None, Entry::Folder(_)) => format!("{name}/"),
            (None, _) => name.clone(),
        };
        self.entries.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    /// What the path leads to. An empty path is the folder itself.
    pub fn find(self, path: &[String]) -> Option<Entry> {
        let Some((first, rest)) = path.split_first() else { return Some(Entry::Folder(self)) };
        let mut entries = self.entries;
        match (entries.remove(first)?.1, rest) {
            (Entry::Folder(folder), rest) => folder.find(rest),
            (entry, []) => Some(entry),
            _ => None,
        }
    }
}

/// All that a guest may read under one version.
pub fn tree(caller: &Caller<'_>, asking: Asking) -> Folder {
    let mut top = Folder::default();
    top.put_as("dynamic", "dynamic", Entry::Folder(dynamic(caller)));
    top.put_as("meta-data", "meta-data", Entry::Folder(meta_data(caller, asking)));
    top.put_as("landfall", "landfall", Entry::Folder(extension(caller)));
    if let Some(bytes) = user_data(caller) {
        top.put("user-data", Entry::Bytes(bytes));
    }
    top
}

fn user_data(caller: &Caller<'_>) -> Option<Vec<u8>> {
    let encoded = caller.instance.metadata.user_data.as_ref()?;
    STANDARD.decode(encoded).ok().filter(|bytes| !bytes.is_empty())
}

fn meta_data(caller: &Caller<'_>, asking: Asking) -> Folder {
    let metadata = &caller.instance.metadata;
    let mut top = Folder::default();
    top.text("ami-id", metadata.image);
    top.text("ami-launch-index", metadata.launch_index);
    top.text("ami-manifest-path", "(unknown)");
    top.put("block-device-mapping", Entry::Folder(block_device_mapping(caller)));
    top.put("events", Entry::Folder(events()));
    top.text("hostname", &metadata.hostname);
    if let Some(folder) = role::iam(caller, asking) {
        top.put("iam", Entry::Folder(folder));
    }
    top.text("instance-action", "none");
    top.text("instance-id", caller.id);
    top.text("instance-life-cycle", "on-demand");
    top.text("instance-type", &metadata.instance_type);
    top.text("local-hostname", &metadata.hostname);
    // The guest as a whole is known by its first interface, by whichever it asks.
    let primary = caller.instance.ports.first().unwrap_or(caller.port);
    if let Some(address) = primary.addresses.first() {
        top.text("local-ipv4", address);
    }
    if let Some(address) = primary.ipv6.first() {
        top.text("ipv6", address);
    }
    top.text("mac", primary.mac);
    let mut network = Folder::default();
    network.put("interfaces", Entry::Folder(interfaces(caller)));
    top.put("network", Entry::Folder(network));
    top.put("placement", Entry::Folder(placement(caller)));
    top.text("profile", "default-hvm");
    if let Some(name) = public_hostname(caller.network, primary) {
        top.text("public-hostname", name);
    }
    if let Some(address) = primary_public(primary) {
        top.text("public-ipv4", address);
    }
    if let Some((name, key)) = &metadata.key {
        top.put("public-keys", Entry::Folder(public_keys(name, key)));
    }
    top.text("reservation-id", metadata.reservation);
    top.text("security-groups", group_names(caller, primary));
    top.put("services", Entry::Folder(services(caller)));
    top.text("system", "nitro");
    if metadata.options.tags {
        let mut tags = Folder::default();
        tags.put("instance", Entry::Folder(instance_tags(caller)));
        top.put("tags", Entry::Folder(tags));
    }
    top
}

fn block_device_mapping(caller: &Caller<'_>) -> Folder {
    let mut mapping = Folder::default();
    let mut number = 0;
    for disk in &caller.instance.disks {
        if disk.root {
            mapping.text("ami", &disk.device);
            mapping.text("root", &disk.device);
        } else {
            number += 1;
            mapping.text(&format!("ebs{number}"), disk.device.strip_prefix("/dev/").unwrap_or(&disk.device));
        }
    }
    mapping
}

/// Nothing is ever scheduled for an instance; programs that watch for it want to read that, not to miss the page.
fn events() -> Folder {
    let mut maintenance = Folder::default();
    maintenance.text("history", "[]");
    maintenance.text("scheduled", "[]");
    let mut events = Folder::default();
    events.put("maintenance", Entry::Folder(maintenance));
    events
}

fn interfaces(caller: &Caller<'_>) -> Folder {
    let mut macs = Folder::default();
    for port in &caller.instance.ports {
        macs.put(&port.mac.to_string(), Entry::Folder(interface(caller, port)));
    }
    let mut interfaces = Folder::default();
    interfaces.put("macs", Entry::Folder(macs));
    interfaces
}

fn interface(caller: &Caller<'_>, port: &PortService) -> Folder {
    let network = caller.network;
    let mut folder = Folder::default();
    folder.text("device-number", port.device_index);
    folder.text("interface-id", port.id);
    if !port.public.is_empty() {
        let mut associations = Folder::default();
        for pair in &port.public {
            associations.text(&pair.public.to_string(), pair.private);
        }
        folder.put("ipv4-associations", Entry::Folder(associations));
        folder.text("public-ipv4s", lines(port.public.iter().map(|pair| pair.public)));
    }
    if let Some(address) = port.addresses.first() {
        folder.text("local-hostname", dns::private_name(*address, &network.internal_domain));
    }
    if let Some(name) = public_hostname(network, port) {
        folder.text("public-hostname", name);
    }
    if !port.ipv6.is_empty() {
        folder.text("ipv6s", lines(&port.ipv6));
    }
    folder.text("local-ipv4s", lines(&port.addresses));
    folder.text("mac", port.mac);
    folder.text("owner-id", caller.instance.account);
    folder.text("security-group-ids", lines(&port.groups));
    folder.text("security-groups", group_names(caller, port));
    folder.text("subnet-id", port.subnet);
    folder.text("subnet-ipv4-cidr-block", port.subnet_cidr);
    if let Some(block) = port.subnet_ipv6 {
        folder.text("subnet-ipv6-cidr-blocks", block);
    }
    folder.text("vpc-id", network.vpc);
    if let Some(block) = network.cidrs.first() {
        folder.text("vpc-ipv4-cidr-block", block);
    }
    folder.text("vpc-ipv4-cidr-blocks", lines(&network.cidrs));
    if !network.ipv6.is_empty() {
        folder.text("vpc-ipv6-cidr-blocks", lines(&network.ipv6));
    }
    folder
}

fn placement(caller: &Caller<'_>) -> Folder {
    let zone = caller.instance.zone;
    let mut placement = Folder::default();
    placement.text("availability-zone", zone);
    placement.text("availability-zone-id", zone.zone_id());
    placement.text("region", zone.region);
    placement
}

/// The key with the pair's name as its comment, as EC2 gives it.
fn public_keys(name: &str, key: &str) -> Folder {
    let mut words = key.split_ascii_whitespace();
    let (kind, body) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut one = Folder::default();
    one.text("openssh-key", format!("{kind} {body} {name}"));
    let mut keys = Folder::default();
    keys.put_as("0", format!("0={name}"), Entry::Folder(one));
    keys
}

fn services(caller: &Caller<'_>) -> Folder {
    let partition = caller.instance.zone.region.partition();
    let mut services = Folder::default();
    services.text("domain", if partition == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" });
    services.text("partition", partition);
    services
}

/// The tags whose keys can be names in a path. EC2 refuses others where tags are shown; what was tagged before they were
/// shown is left out.
fn instance_tags(caller: &Caller<'_>) -> Folder {
    let mut tags = Folder::default();
    let nameable = |key: &str| {
        !matches!(key, "." | ".." | "_index")
            && !key.contains(|c: char| c == '/' || c.is_whitespace() || c.is_control())
    };
    for (key, value) in caller.instance.metadata.tags.iter().filter(|(key, _)| nameable(key)) {
        tags.text(key, value);
    }
    tags
}

fn dynamic(caller: &Caller<'_>) -> Folder {
    let mut identity = Folder::default();
    identity.text("document", identity_document(caller));
    let mut dynamic = Folder::default();
    dynamic.put("instance-identity", Entry::Folder(identity));
    dynamic
}

/// The identity document, with the members, order and spacing of EC2's. It isn't signed yet, so `signature`, `pkcs7` and
/// `rsa2048` don't exist.
fn identity_document(caller: &Caller<'_>) -> String {
    let metadata = &caller.instance.metadata;
    let primary = caller.instance.ports.first().unwrap_or(caller.port);
    let launched = metadata.launched_at.to_string();
    let seconds = launched.split('.').next().unwrap_or_default();
    let null = || "null".to_owned();
    let members = [
        ("accountId", text(caller.instance.account.to_string())),
        ("architecture", text("x86_64")),
        ("availabilityZone", text(caller.instance.zone.to_string())),
        ("billingProducts", null()),
        ("devpayProductCodes", null()),
        ("marketplaceProductCodes", null()),
        ("imageId", text(metadata.image.to_string())),
        ("instanceId", text(caller.id.to_string())),
        ("instanceType", text(metadata.instance_type.clone())),
        ("kernelId", null()),
        ("pendingTime", text(format!("{seconds}Z"))),
        ("privateIp", primary.addresses.first().map_or_else(null, |address| text(address.to_string()))),
        ("ramdiskId", null()),
        ("region", text(caller.instance.zone.region.to_string())),
        ("version", text("2017-09-30")),
    ];
    document(&members)
}

/// A JSON object with the spacing of EC2's documents, its members in that order.
pub(super) fn document(members: &[(&str, String)]) -> String {
    let members: Vec<_> = members.iter().map(|(name, value)| format!("  \"{name}\" : {value}")).collect();
    format!("{{\n{}\n}}", members.join(",\n"))
}

/// A text in such a document.
pub(super) fn text(value: impl Into<String>) -> String {
    serde_json::Value::String(value.into()).to_string()
}

/// What EC2 has no page for: which volume is behind which device name, for images that make the names lead there.
fn extension(caller: &Caller<'_>) -> Folder {
    let mut folder = Folder::default();
    folder.text(
        "block-devices",
        lines(caller.instance.disks.iter().map(|disk| format!("{} {}", disk.volume, disk.device))),
    );
    folder
}

fn primary_public(port: &PortService) -> Option<Ipv4Addr> {
    let private = port.addresses.first()?;
    port.public.iter().find(|pair| pair.private == *private).map(|pair| pair.public)
}

fn public_hostname(network: &NetworkService, port: &PortService) -> Option<String> {
    let domain = network.public_domain.as_ref().filter(|_| network.dns_hostnames)?;
    Some(dns::public_name(primary_public(port)?, domain))
}

fn group_names(caller: &Caller<'_>, port: &PortService) -> String {
    let names = &caller.instance.metadata.group_names;
    lines(port.groups.iter().map(|id| names.get(id).cloned().unwrap_or_else(|| id.to_string())))
}

fn lines<T: ToString>(values: impl IntoIterator<Item = T>) -> String {
    values.into_iter().map(|value| value.to_string()).collect::<Vec<_>>().join("\n")
}
