//! Launching: from an order to instances with their interfaces, volumes, tags, and a place to run.
//!
//! Everything is made in one transaction: as many as the order's maximum where there is room, at least its minimum, or
//! nothing at all.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use landfall_model::plan::Power;
use landfall_model::{
    Attachment, AttachmentState, BootMode, ImageId, ImageTraits, Instance, InstanceId, InstanceProfile, InstanceSpec,
    InstanceState, InstanceStatus, InstanceType, InterfaceId, InterfacePurpose, LaunchTemplateId, MetadataOptions,
    ReservationId, SecurityGroupId, ShutdownBehavior, Subnet, SubnetId, UserData, VpcId, ZoneName,
};

use crate::fault::Fault;
use crate::interface::{self, NewInterface};
use crate::interface_address::check_fits;
use crate::interface_attachment::check_count;
use crate::profile_association::{self, ProfileName};
use crate::tx::Tx;
use crate::value::{Instances, Interfaces, Subnets, UserDataTable, Vpcs};
use crate::view::View;
use crate::volume::{self, NewDisk};
use crate::{address, placement, tag};

/// What is to be launched.
#[derive(Clone, Debug)]
pub struct Order {
    /// The image, by the id that was asked for.
    pub image: ImageId,
    /// The type.
    pub kind: InstanceType,
    /// At least so many.
    pub min: u32,
    /// At most so many.
    pub max: u32,
    /// The key pair's name.
    pub key_name: Option<String>,
    /// The zone, if one was asked for; it must be the subnet's.
    pub zone: Option<ZoneName>,
    /// Interfaces, by device index; the first is the primary one.
    pub interfaces: Vec<InterfaceOrder>,
    /// Disks besides what the image says; the root one overrides the image's.
    pub volumes: Vec<NewDisk>,
    /// The hash of user data and the data in base64.
    pub user_data: Option<(String, String)>,
    /// What the instance's own power-off does.
    pub shutdown_behavior: ShutdownBehavior,
    /// Whether TerminateInstances is refused.
    pub disable_api_termination: bool,
    /// Whether StopInstances is refused.
    pub disable_api_stop: bool,
    /// Whether detailed monitoring was asked for.
    pub monitoring: bool,
    /// Whether it is said to be optimised for EBS.
    pub ebs_optimized: bool,
    /// How the metadata service behaves.
    pub metadata: MetadataOptions,
    /// CPU credits, for types that have them.
    pub cpu_credits: Option<String>,
    /// The call's client token.
    pub client_token: Option<String>,
    /// The instance profile that the instances get.
    pub profile: Option<ProfileName>,
    /// The launch template, and its version, that the order was made from.
    pub template: Option<(LaunchTemplateId, u64)>,
    /// Tags of the instances.
    pub instance_tags: BTreeMap<String, String>,
    /// Tags of their volumes.
    pub volume_tags: BTreeMap<String, String>,
    /// Tags of their interfaces.
    pub interface_tags: BTreeMap<String, String>,
}

/// An interface of an order.
#[derive(Clone, Debug, Default)]
pub struct InterfaceOrder {
    /// Its place.
    pub device_index: u32,
    /// The subnet; the zone's default one if none is named.
    pub subnet: Option<SubnetId>,
    /// Groups; the VPC's default one if none are named.
    pub groups: Vec<SecurityGroupId>,
    /// Its primary address.
    pub address: Option<Ipv4Addr>,
    /// Further addresses.
    pub secondary: Vec<Ipv4Addr>,
    /// How many further addresses of the subnet's choosing.
    pub secondary_count: u32,
    /// Its IPv6 addresses.
    pub ipv6: Vec<Ipv6Addr>,
    /// How many further IPv6 addresses of the subnet's choosing; as its subnet says if nothing is said.
    pub ipv6_count: Option<u32>,
    /// Whether its first IPv6 address is its primary one.
    pub primary_ipv6: bool,
    /// Whether it gets a public address; as its subnet says if nothing is said.
    pub public_address: Option<bool>,
    /// Its description.
    pub description: String,
    /// Whether it goes with the instance.
    pub delete_on_termination: bool,
    /// An interface that exists already, instead of a new one.
    pub existing: Option<InterfaceId>,
}

/// Launches what was ordered. Returns the reservation and the instances.
pub fn launch(tx: &mut Tx<'_, '_>, order: &Order) -> Result<(ReservationId, Vec<InstanceId>), Fault> {
    let plan = check(tx, order)?;
    let reservation = tx.new_id();
    if let Some((sha256, base64)) = &order.user_data {
        let key = tx.scope().key(sha256.clone());
        if !tx.user_data.contains(&key) {
            let scope = tx.scope();
            tx.put::<UserDataTable>(UserData { scope, sha256: sha256.clone(), base64: base64.clone() });
        }
    }
    let mut ids = Vec::new();
    for index in 0..order.max {
        match placement::choose(tx, order.kind, plan.boot, plan.primary.zone, None) {
            Ok(host) => {
                placement::take(tx, host, order.kind)?;
                ids.push(launch_one(tx, order, &plan, reservation, index, host)?);
            }
            Err(fault) if index < order.min => return Err(fault),
            Err(_) => break,
        }
    }
    Ok((reservation, ids))
}

/// What an order comes to, once looked up.
struct Checked {
    primary: Subnet,
    subnets: Vec<SubnetId>,
    key: Option<(String, String)>,
    profile: Option<InstanceProfile>,
    traits: Option<ImageTraits>,
    boot: BootMode,
    root_device: String,
    volumes: Vec<NewDisk>,
}

fn check(tx: &Tx<'_, '_>, order: &Order) -> Result<Checked, Fault> {
    let view = tx.view();
    let image = view.find_image(order.image).ok_or_else(|| Fault::no_such(order.image))?;
    image.check_launch(&view)?;
    let traits = image.traits();
    if order.kind.memory_mib < traits.min_memory_mib {
        return Err(Fault::Combination(format!(
            "The image '{}' needs {} MiB of memory and the type {} has {} MiB",
            order.image,
            traits.min_memory_mib,
            order.kind.name(),
            order.kind.memory_mib
        )));
    }
    crate::image::check_boot(traits.boot_mode, order.kind)?;
    let key = match &order.key_name {
        None => None,
        Some(name) => {
            let pair = view.key_pair(name).ok_or_else(|| no_key_pair(name))?;
            Some((pair.name.clone(), pair.public_key.clone()))
        }
    };
    let mut subnets = Vec::new();
    for each in &order.interfaces {
        let subnet = match (each.existing, each.subnet) {
            (Some(id), _) => view.need::<Interfaces, _>(id)?.subnet,
            (None, Some(id)) => view.need::<Subnets, _>(id)?.id,
            (None, None) => view.default_subnet(order.zone)?.id,
        };
        subnets.push(subnet);
    }
    let first = subnets.first().ok_or(Fault::Missing("NetworkInterface"))?;
    let primary = view.need::<Subnets, _>(*first)?.clone();
    for id in &subnets {
        let subnet = view.need::<Subnets, _>(*id)?;
        if subnet.zone != primary.zone {
            return Err(Fault::Mismatch("All interfaces of an instance must be in one Availability Zone.".into()));
        }
        if subnet.vpc != primary.vpc {
            return Err(Fault::Mismatch("All interfaces of an instance must be in one VPC.".into()));
        }
    }
    check_tenancy(&view, primary.vpc)?;
    if let Some(zone) = order.zone.filter(|zone| *zone != primary.zone) {
        return Err(Fault::Mismatch(format!(
            "The specified Availability Zone '{zone}' does not match that of subnet '{}' ('{}')",
            primary.id, primary.zone
        )));
    }
    check_count(order.interfaces.len(), order.kind)?;
    for each in &order.interfaces {
        let (ipv4, ipv6) = match each.existing {
            Some(id) => {
                let row = view.unattached(id)?;
                (row.addresses.len() as u64, row.ipv6.len() as u64)
            }
            None => (
                1 + each.secondary.len() as u64 + u64::from(each.secondary_count),
                each.ipv6.len() as u64 + u64::from(each.ipv6_count.unwrap_or(0)),
            ),
        };
        check_fits(order.kind, ipv4, ipv6)?;
    }
    let mut volumes = order.volumes.clone();
    for each in &mut volumes {
        volume::check(&mut each.volume.shape)?;
        volume::check_fits(tx, &each.volume)?;
    }
    volume::check_count(tx, volumes.len() as u64 * u64::from(order.min))?;
    let profile = order.profile.as_ref().map(|name| profile_association::need_profile(&view, name)).transpose()?;
    let profile = profile.cloned();
    Ok(Checked {
        primary,
        subnets,
        key,
        profile,
        traits: image.kept_traits(),
        boot: BootMode::current(traits.boot_mode, Some(order.kind)),
        root_device: image.root_device().to_owned(),
        volumes,
    })
}

/// That there is no key pair of that name.
pub fn no_key_pair(name: &str) -> Fault {
    Fault::NoSuch { code: "InvalidKeyPair.NotFound", noun: "key pair", id: name.to_owned() }
}

/// That a VPC's instances may share a machine with others': a host is nobody's alone.
fn check_tenancy(view: &View<'_>, vpc: VpcId) -> Result<(), Fault> {
    if view.find::<Vpcs, _>(vpc).is_some_and(|row| row.dedicated) {
        return Err(Fault::Unsupported(format!(
            "dedicated tenancy, which instances in the VPC '{vpc}' get (ModifyVpcTenancy changes that)"
        )));
    }
    Ok(())
}

fn launch_one(
    tx: &mut Tx<'_, '_>,
    order: &Order,
    plan: &Checked,
    reservation: ReservationId,
    index: u32,
    host: landfall_model::HostId,
) -> Result<InstanceId, Fault> {
    let (scope, now, id) = (tx.scope(), tx.now(), tx.new_id());
    let instance = Instance {
        scope,
        id,
        spec: InstanceSpec {
            power: Power::On,
            boot: 1,
            reboots: 0,
            forced: false,
            image: order.image,
            traits: plan.traits.clone(),
            instance_type: order.kind.name(),
            key: plan.key.clone(),
            zone: plan.primary.zone,
            vpc: plan.primary.vpc,
            subnet: plan.primary.id,
            user_data: order.user_data.as_ref().map(|(sha256, _)| sha256.clone()),
            shutdown_behavior: order.shutdown_behavior,
            disable_api_termination: order.disable_api_termination,
            disable_api_stop: order.disable_api_stop,
            monitoring: order.monitoring,
            ebs_optimized: order.ebs_optimized,
            metadata: order.metadata.clone(),
            cpu_credits: order.cpu_credits.clone(),
            root_device: plan.root_device.clone(),
            reservation,
            launch_index: index,
            client_token: order.client_token.clone(),
            launched_at: now,
        },
        status: InstanceStatus {
            state: InstanceState::Pending,
            host: Some(host),
            holds_capacity: true,
            reason: None,
            transition_reason: String::new(),
            boot: 0,
            reboots: 0,
            answered: false,
            since: now,
            machine: String::new(),
            expires_at: None,
        },
    };
    for (each, subnet) in order.interfaces.iter().zip(&plan.subnets) {
        join(tx, order, each, *subnet, id)?;
    }
    for each in &plan.volumes {
        let volume = volume::create_for(tx, &instance, host, each)?;
        tag::put(tx, "volume", &volume.to_string(), &order.volume_tags)?;
    }
    tx.put::<Instances>(instance);
    if let Some(profile) = &plan.profile {
        profile_association::put(tx, id, profile);
    }
    tag::put(tx, "instance", &id.to_string(), &order.instance_tags)?;
    if let Some((template, version)) = order.template {
        let tags = [("id", template.to_string()), ("version", version.to_string())];
        let own = tags.map(|(what, value)| (format!("aws:ec2launchtemplate:{what}"), value));
        tag::put_own(tx, "instance", &id.to_string(), own);
    }
    Ok(id)
}

/// Makes an interface of the instance, or takes the one that was named.
fn join(
    tx: &mut Tx<'_, '_>,
    order: &Order,
    each: &InterfaceOrder,
    subnet: SubnetId,
    instance: InstanceId,
) -> Result<(), Fault> {
    let attachment = Attachment {
        id: tx.new_id(),
        instance,
        device_index: each.device_index,
        delete_on_termination: each.delete_on_termination,
        attached_at: tx.now(),
        state: AttachmentState::Attaching,
    };
    let id = match each.existing {
        Some(id) => {
            // The same one twice in an order is in use by then.
            let key = tx.view().unattached(id)?.key();
            tx.update::<Interfaces, _>(&key, |row| row.attachment = Some(attachment));
            id
        }
        None => {
            // As on EC2, an instance with several interfaces gets no public address by itself.
            let maps = order.interfaces.len() == 1 && tx.view().need::<Subnets, _>(subnet)?.map_public_ip;
            let new = NewInterface {
                address: each.address,
                secondary: each.secondary.clone(),
                secondary_count: each.secondary_count,
                groups: each.groups.clone(),
                description: each.description.clone(),
                public_address: each.public_address.unwrap_or(maps && each.device_index == 0),
                ipv6: each.ipv6.clone(),
                ipv6_count: each.ipv6_count,
                primary_ipv6: each.primary_ipv6,
                purpose: InterfacePurpose::Instance,
            };
            let id = interface::create(tx, subnet, new, Some(attachment))?;
            tag::put(tx, "network-interface", &id.to_string(), &order.interface_tags)?;
            id
        }
    };
    let row = tx.view().need::<Interfaces, _>(id)?.clone();
    address::give(tx, &row)
}
