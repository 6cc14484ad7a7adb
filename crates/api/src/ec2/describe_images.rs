//! ec2:DescribeImages. Lists the images that the caller may launch from: the provider's, which everybody sees under each of
//! their names and owners, its own, and those that other accounts share with it.

use landfall_cloud::image::{FoundImage, ImageState, is_protected};
use landfall_cloud::value::OwnImages;
use landfall_cloud::volume::NewDisk;
use landfall_cloud::{Fault, View};
use landfall_model::image::ImageName;
use landfall_model::{AccountId, BootMode, DeregistrationProtection, Image, ImageId, InstanceId, OwnImage, Region};
use serde::{Deserialize, Serialize};

use super::shape::image::{DiskOut, disks};
use super::shape::{Tag, tag_set};
use crate::filter::{FilterNames, Selection, Values, many, maybe, one, shown};
use crate::{Action, ApiError, Filters, Look, Read};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DescribeImages {
    #[serde(default)]
    executable_by: Vec<String>,
    #[serde(default)]
    image_id: Vec<ImageId>,
    #[serde(default)]
    owner: Vec<String>,
    #[serde(default)]
    include_deprecated: bool,
    #[serde(default)]
    include_disabled: bool,
    #[serde(default)]
    filter: Filters,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DescribeImagesResult<'v> {
    images_set: Vec<ImageShape<'v>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ImageShape<'v> {
    platform_details: &'v str,
    usage_operation: &'static str,
    block_device_mapping: Vec<DiskOut<'v>>,
    description: &'v str,
    ena_support: bool,
    hypervisor: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_owner_alias: Option<&'v str>,
    name: &'v str,
    root_device_name: &'v str,
    root_device_type: &'static str,
    sriov_net_support: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    state_reason: Option<StateReason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag_set: Option<Vec<Tag<'v>>>,
    virtualization_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    boot_mode: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deprecation_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    imds_support: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_instance_id: Option<InstanceId>,
    deregistration_protection: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_image_id: Option<ImageId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_image_region: Option<Region>,
    image_id: ImageId,
    image_location: String,
    image_state: &'static str,
    image_owner_id: String,
    creation_date: String,
    is_public: bool,
    architecture: &'v str,
    image_type: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StateReason {
    code: &'static str,
    message: String,
}

/// An image as the list has it.
#[derive(Clone, Copy)]
enum Entry<'v> {
    /// The provider's, under one of its names.
    Provided(&'v Image, &'v ImageName),
    /// An account's.
    Own(&'v OwnImage),
}

const VIRTUALIZATION: &str = "hvm";
const HYPERVISOR: &str = "xen";
const SRIOV: &str = "simple";
const ROOT_DEVICE_TYPE: &str = "ebs";
const IMAGE_TYPE: &str = "machine";
/// Why an image failed.
const REASON: &str = "Client.SnapshotError";

impl Read for DescribeImages {
    const ACTION: Action = Action::ec2("DescribeImages");
    const PAGE_LIMIT: usize = 1000;
    const FILTERS: FilterNames = FilterNames {
        known: &[
            "architecture",
            "block-device-mapping.delete-on-termination",
            "block-device-mapping.device-name",
            "block-device-mapping.encrypted",
            "block-device-mapping.snapshot-id",
            "block-device-mapping.volume-size",
            "block-device-mapping.volume-type",
            "creation-date",
            "description",
            "ena-support",
            "hypervisor",
            "image-id",
            "image-type",
            "is-public",
            "kernel-id",
            "manifest-location",
            "name",
            "owner-alias",
            "owner-id",
            "platform",
            "product-code",
            "product-code.type",
            "ramdisk-id",
            "root-device-name",
            "root-device-type",
            "source-image-id",
            "source-image-region",
            "source-instance-id",
            "sriov-net-support",
            "state",
            "state-reason-code",
            "state-reason-message",
            "tag-key",
            "virtualization-type",
        ],
        refused: &["free-tier-eligible", "image-allowed"],
    };
    type Output<'v> = DescribeImagesResult<'v>;

    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<DescribeImagesResult<'v>, ApiError> {
        let view = look.view;
        let selection = self.filter.select(Self::FILTERS)?;
        check_owners(&self.owner)?;
        let users = Who::read_all(&self.executable_by, &view)?;
        self.check_ids(&view)?;
        let mut entries: Vec<Entry<'v>> = self
            .candidates(&view)
            .into_iter()
            .filter(|entry| self.shows(&view, entry))
            .filter(|entry| self.owner.is_empty() || self.owner.iter().any(|owner| entry.is_of(&view, owner)))
            .filter(|entry| users.is_empty() || users.iter().any(|who| entry.is_open_to(*who, view.scope().account)))
            .filter(|entry| entry.matches(&view, &selection))
            .collect();
        // Names that share an id are one image, shown under the first that was asked for.
        entries.sort_by_key(Entry::id);
        entries.dedup_by_key(|entry| entry.id());
        let page = look.page.take(entries, Entry::id)?;
        Ok(DescribeImagesResult { images_set: page.into_iter().map(|entry| entry.shape(&view)).collect() })
    }
}

impl DescribeImages {
    fn check_ids(&self, view: &View<'_>) -> Result<(), ApiError> {
        let absent: Vec<_> = self.image_id.iter().copied().filter(|id| view.find_image(*id).is_none()).collect();
        if absent.is_empty() { Ok(()) } else { Err(Fault::none_of(&absent).into()) }
    }

    /// The images among which to look: those that are named, or all.
    fn candidates<'v>(&self, view: &View<'v>) -> Vec<Entry<'v>> {
        if !self.image_id.is_empty() {
            return self.image_id.iter().flat_map(|id| named(view, *id)).collect();
        }
        let provided = view.tables().images.iter();
        let provided = provided.flat_map(|image| image.names.iter().map(move |name| Entry::Provided(image, name)));
        let own = view.all::<OwnImages, ImageId>();
        provided.chain(own.chain(view.shared_images()).map(Entry::Own)).collect()
    }

    /// Whether an image isn't hidden: one that is switched off is unless it is asked for, and so is a deprecated one of
    /// another account, unless it is asked for by its id.
    fn shows(&self, view: &View<'_>, entry: &Entry<'_>) -> bool {
        let Entry::Own(image) = entry else { return true };
        let is_mine = image.scope == view.scope();
        let is_listed = self.include_deprecated || is_mine || !self.image_id.is_empty();
        (is_listed || !image.is_deprecated(view.now())) && (self.include_disabled || !image.is_disabled)
    }
}

/// The image that goes by an id, under each name that has it.
fn named<'v>(view: &View<'v>, id: ImageId) -> Vec<Entry<'v>> {
    match view.find_image(id) {
        Some(FoundImage::Provided(image)) => {
            let names = image.names.iter().filter(|name| name.id == id);
            names.map(|name| Entry::Provided(image, name)).collect()
        }
        Some(FoundImage::Own(image)) => vec![Entry::Own(image)],
        None => vec![],
    }
}

/// Who may launch from an image.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    /// An account.
    Account(AccountId),
    /// Everybody.
    All,
}

impl Who {
    fn read_all(words: &[String], view: &View<'_>) -> Result<Vec<Self>, ApiError> {
        let read = |word: &String| match word.as_str() {
            "self" => Ok(Self::Account(view.scope().account)),
            "all" => Ok(Self::All),
            other => other.parse().map(Self::Account).map_err(|_| malformed(other)),
        };
        words.iter().map(read).collect()
    }
}

fn malformed(word: &str) -> ApiError {
    ApiError::new("InvalidUserID.Malformed", format!("Invalid user id: \"{word}\""))
}

fn check_owners(owners: &[String]) -> Result<(), ApiError> {
    let is_account = |owner: &str| owner.len() == 12 && owner.bytes().all(|byte| byte.is_ascii_digit());
    let is_alias = |owner: &str| matches!(owner, "self" | "amazon" | "aws-marketplace" | "aws-backup-vault");
    match owners.iter().find(|owner| !is_account(owner) && !is_alias(owner)) {
        None => Ok(()),
        Some(owner) => Err(malformed(owner)),
    }
}

impl<'v> Entry<'v> {
    fn id(&self) -> ImageId {
        match self {
            Entry::Provided(_, name) => name.id,
            Entry::Own(image) => image.id,
        }
    }

    fn found(&self) -> FoundImage<'v> {
        match self {
            Entry::Provided(image, _) => FoundImage::Provided(image),
            Entry::Own(image) => FoundImage::Own(image),
        }
    }

    fn own(&self) -> Option<&'v OwnImage> {
        match self {
            Entry::Provided(..) => None,
            Entry::Own(image) => Some(image),
        }
    }

    fn name(&self) -> &'v str {
        match self {
            Entry::Provided(_, name) => &name.name,
            Entry::Own(image) => &image.name,
        }
    }

    fn description(&self) -> &'v str {
        match self {
            Entry::Provided(image, _) => &image.description,
            Entry::Own(image) => &image.description,
        }
    }

    fn created_at(&self) -> landfall_model::Timestamp {
        match self {
            Entry::Provided(image, _) => image.created_at,
            Entry::Own(image) => image.created_at,
        }
    }

    fn owner(&self) -> String {
        match self {
            Entry::Provided(_, name) => name.owner.clone(),
            Entry::Own(image) => image.scope.account.to_string(),
        }
    }

    fn alias(&self) -> Option<&'v str> {
        match self {
            Entry::Provided(_, name) => name.alias.as_deref(),
            Entry::Own(_) => None,
        }
    }

    fn is_of(&self, view: &View<'_>, owner: &str) -> bool {
        match owner {
            "self" => self.owner() == view.scope().account.to_string(),
            _ => self.owner() == owner || self.alias() == Some(owner),
        }
    }

    /// Whether they were let launch from it, as far as the caller is told: whom others share theirs with isn't.
    fn is_open_to(&self, who: Who, caller: AccountId) -> bool {
        match (who, self) {
            (Who::All, _) => self.found().is_public(),
            (Who::Account(_), Entry::Provided(..)) => false,
            (Who::Account(account), Entry::Own(image)) => {
                image.shared_with.contains(&account) && (account == caller || image.scope.account == caller)
            }
        }
    }

    fn location(&self) -> String {
        let owner = self.alias().map_or_else(|| self.owner(), str::to_owned);
        format!("{owner}/{}", self.name())
    }

    fn state(&self, view: &View<'_>) -> ImageState {
        self.own().map_or(ImageState::Available, |image| view.image_state(image))
    }

    /// The instance that it was made of: whose that was is their business alone.
    fn source_instance(&self, view: &View<'_>) -> Option<InstanceId> {
        self.own().filter(|image| image.scope == view.scope())?.source_instance
    }

    /// Why it failed, which only its owner is told.
    fn failure(&self, view: &View<'_>) -> Option<String> {
        match view.image_state(self.own().filter(|image| image.scope == view.scope())?) {
            ImageState::Failed(why) => Some(why),
            ImageState::Pending | ImageState::Available | ImageState::Disabled => None,
        }
    }

    fn matches(&self, view: &View<'v>, selection: &Selection) -> bool {
        selection.is_empty() || selection.matches(view.tags(&self.id().to_string()), |field| self.values(view, field))
    }

    fn values(&self, view: &View<'v>, field: &str) -> Values<'v> {
        if let Some(field) = field.strip_prefix("block-device-mapping.") {
            return self.found().disks().iter().flat_map(|disk| disk_field(disk, field)).collect();
        }
        let own = self.own();
        match field {
            "architecture" => one(self.found().traits().architecture),
            "creation-date" => shown(self.created_at()),
            "description" => one(self.description()),
            "ena-support" => shown(own.is_none_or(|image| image.ena_support)),
            "hypervisor" => one(HYPERVISOR),
            "image-id" => shown(self.id()),
            "image-type" => one(IMAGE_TYPE),
            "is-public" => shown(self.found().is_public()),
            "manifest-location" => one(self.location()),
            "name" => one(self.name()),
            "owner-alias" => maybe(self.alias()),
            "owner-id" => one(self.owner()),
            "root-device-name" => one(self.found().root_device()),
            "root-device-type" => one(ROOT_DEVICE_TYPE),
            "source-image-id" => many(own.and_then(|image| image.source_image).map(|(id, _)| id)),
            "source-image-region" => many(own.and_then(|image| image.source_image).map(|(_, region)| region)),
            "source-instance-id" => many(self.source_instance(view)),
            "sriov-net-support" => one(SRIOV),
            "state" => one(self.state(view).name()),
            "state-reason-code" => maybe(self.failure(view).map(|_| REASON)),
            "state-reason-message" => many(self.failure(view)),
            "virtualization-type" => one(VIRTUALIZATION),
            // Kernels, RAM disks and product codes: no image has any. `platform` is only Windows's.
            _ => Values::new(),
        }
    }

    fn shape(&self, view: &View<'v>) -> ImageShape<'v> {
        let (found, own) = (self.found(), self.own());
        let traits = found.traits();
        ImageShape {
            platform_details: traits.platform_details,
            usage_operation: "RunInstances",
            block_device_mapping: disks(found),
            description: self.description(),
            ena_support: own.is_none_or(|image| image.ena_support),
            hypervisor: HYPERVISOR,
            image_owner_alias: self.alias(),
            name: self.name(),
            root_device_name: found.root_device(),
            root_device_type: ROOT_DEVICE_TYPE,
            sriov_net_support: SRIOV,
            image_state: self.state(view).name(),
            state_reason: self.failure(view).map(|message| StateReason { code: REASON, message }),
            tag_set: tag_set(view, &self.id().to_string()),
            virtualization_type: VIRTUALIZATION,
            boot_mode: traits.boot_mode.map(BootMode::name),
            deprecation_time: own.and_then(|image| image.deprecate_at).map(|at| at.to_string()),
            imds_support: found.imds_v2().then_some("v2.0"),
            source_instance_id: self.source_instance(view),
            deregistration_protection: own.map_or("disabled", |image| protection(view, image)),
            source_image_id: own.and_then(|image| image.source_image).map(|(id, _)| id),
            source_image_region: own.and_then(|image| image.source_image).map(|(_, region)| region),
            image_id: self.id(),
            image_location: self.location(),
            image_owner_id: self.owner(),
            creation_date: self.created_at().to_string(),
            is_public: found.is_public(),
            architecture: traits.architecture,
            image_type: IMAGE_TYPE,
        }
    }
}

/// How an image is protected from deregistration, in AWS's words.
pub(super) fn protection(view: &View<'_>, image: &OwnImage) -> &'static str {
    match image.protection {
        DeregistrationProtection::On { cooldown: false } => "enabled-without-cooldown",
        DeregistrationProtection::On { cooldown: true } => "enabled-with-cooldown",
        // It holds still.
        DeregistrationProtection::Cooling(_) if is_protected(image, view.now()) => "enabled-with-cooldown",
        DeregistrationProtection::Cooling(_) | DeregistrationProtection::Off => "disabled",
    }
}

fn disk_field<'v>(disk: &NewDisk, field: &str) -> Values<'v> {
    let volume = &disk.volume;
    match field {
        "delete-on-termination" => shown(disk.delete_on_termination),
        "device-name" => one(disk.device.clone()),
        "encrypted" => shown(volume.encryption.asked),
        "snapshot-id" => many(volume.snapshot.or(volume.image.map(|(_, snapshot)| snapshot))),
        "volume-size" => shown(volume.shape.size_gib),
        "volume-type" => one(volume.shape.kind.name()),
        _ => Values::new(),
    }
}
