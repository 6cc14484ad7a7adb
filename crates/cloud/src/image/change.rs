//! What becomes of images: deregistered, described anew, shared, deprecated, switched off, protected.

use std::time::Duration;

use landfall_model::{DeregistrationProtection, ImageDefaults, ImageId, OwnImage, SnapshotId, Timestamp};

use super::create::unusable;
use super::{FoundImage, ImageState, is_protected, need_own};
use crate::fault::{Fault, QuotaKind};
use crate::sharing::Sharing;
use crate::tx::Tx;
use crate::value::{ImageDefaultsTable, OwnImages};
use crate::{snapshot, tag};

/// How long a protection with a cool-down holds after it was switched off.
const COOLDOWN: Duration = Duration::from_secs(24 * 3600);
/// How long ahead an image may be deprecated, from now and, of a public one, from when it was made. Source: the EC2 API
/// Reference on EnableImageDeprecation.
const LATEST_DEPRECATION: Duration = Duration::from_secs(3652 * 24 * 3600);
const LATEST_PUBLIC_DEPRECATION: Duration = Duration::from_secs(731 * 24 * 3600);

/// Forgets an image. Instances of it go on. With its snapshots, those that no other image has are deleted; returns each and
/// whether it was.
pub fn deregister(tx: &mut Tx<'_, '_>, id: ImageId, with_snapshots: bool) -> Result<Vec<(SnapshotId, bool)>, Fault> {
    let row = need_own(&tx.view(), id)?.clone();
    if is_protected(&row, tx.now()) {
        let message =
            format!("The image {id} can't be deregistered while deregistration protection is enabled for it.");
        return Err(Fault::NotPermitted(message));
    }
    tx.delete::<OwnImages>(&row.key());
    tag::forget_all(tx, &id.to_string());
    let mut done = Vec::new();
    for snapshot in row.snapshots().into_iter().filter(|_| with_snapshots) {
        let is_needed = tx.own_images.by_snapshot.count(&snapshot) > 0;
        if !is_needed {
            snapshot::delete(tx, snapshot)?;
        }
        done.push((snapshot, !is_needed));
    }
    Ok(done)
}

/// Describes an image anew.
pub fn describe(tx: &mut Tx<'_, '_>, id: ImageId, description: &str) -> Result<(), Fault> {
    change(tx, id, |row| row.description = description.to_owned())
}

/// Has metadata options of launches from an image start as `required`, which isn't taken back.
pub fn require_imds_v2(tx: &mut Tx<'_, '_>, id: ImageId) -> Result<(), Fault> {
    change(tx, id, |row| row.imds_v2 = true)
}

/// Changes who may launch from an image.
pub fn share(tx: &mut Tx<'_, '_>, id: ImageId, order: &Sharing) -> Result<(), Fault> {
    let view = tx.view();
    let mut row = need_own(&view, id)?.clone();
    match view.image_state(&row) {
        ImageState::Available => {}
        state => return Err(unusable(id, state.name())),
    }
    let quotas = view.quotas();
    let becomes_public = order.public == Some(true) && !row.is_public;
    if becomes_public && view.image_defaults().blocks_public {
        return Err(Fault::NotPermitted(
            "You can’t publicly share this image because block public access for AMIs is enabled for this account. To \
             publicly share the image, you must call the DisableImageBlockPublicAccess API."
                .into(),
        ));
    }
    if becomes_public && row.disks.iter().any(|disk| disk.encrypted) {
        return Err(Fault::Refused("Images with encrypted snapshots can't be shared with everybody.".into()));
    }
    let published = tx.own_images.by_published.count(&tx.scope()) as u64;
    if becomes_public && published >= u64::from(quotas.public_images) {
        let limit = u64::from(quotas.public_images);
        return Err(Fault::Quota(QuotaKind::Of("ResourceLimitExceeded", "public images"), limit));
    }
    order.apply(&mut row.shared_with, &mut row.is_public);
    if row.shared_with.len() as u64 > u64::from(quotas.accounts_per_image) {
        let limit = u64::from(quotas.accounts_per_image);
        return Err(Fault::Quota(QuotaKind::Of("ResourceLimitExceeded", "accounts of an image"), limit));
    }
    tx.put::<OwnImages>(row);
    Ok(())
}

/// Has nobody but its owner launch from an image.
pub fn unshare(tx: &mut Tx<'_, '_>, id: ImageId) -> Result<(), Fault> {
    change(tx, id, hide)
}

/// Has the account launch no more from an image that another one shares with it by name.
pub fn cancel(tx: &mut Tx<'_, '_>, id: ImageId) -> Result<(), Fault> {
    let account = tx.scope().account;
    let row = tx.view().find_image(id).ok_or_else(|| Fault::no_such(id))?;
    let FoundImage::Own(row) = row else { return Err(not_shared(id)) };
    if !row.shared_with.contains(&account) {
        return Err(not_shared(id));
    }
    let key = row.key();
    tx.update::<OwnImages, _>(&key, |row| _ = row.shared_with.remove(&account));
    Ok(())
}

fn not_shared(id: ImageId) -> Fault {
    Fault::Invalid {
        name: "ImageId",
        value: id.to_string(),
        why: "The image isn't shared with the account by its number.".into(),
    }
}

/// Deprecates an image from a moment on, to the minute; with none, never.
pub fn deprecate(tx: &mut Tx<'_, '_>, id: ImageId, at: Option<Timestamp>) -> Result<(), Fault> {
    let Some(at) = at else { return change(tx, id, |row| row.deprecate_at = None) };
    let row = need_own(&tx.view(), id)?;
    let latest = if row.is_public { row.created_at + LATEST_PUBLIC_DEPRECATION } else { tx.now() + LATEST_DEPRECATION };
    let why = match at {
        at if at < tx.now() => Some("It is in the past."),
        at if at > latest => Some("It is too far ahead."),
        _ => None,
    };
    if let Some(why) = why {
        return Err(Fault::Invalid { name: "DeprecateAt", value: at.to_string(), why: why.into() });
    }
    let minutes = (at.as_millis() + 30_000) / 60_000;
    change(tx, id, |row| row.deprecate_at = Some(Timestamp(minutes * 60_000)))
}

/// Switches an image off, so that nothing is launched from it and nobody else sees it, or on again.
pub fn set_disabled(tx: &mut Tx<'_, '_>, id: ImageId, is_disabled: bool) -> Result<(), Fault> {
    let view = tx.view();
    let row = need_own(&view, id)?;
    let state = view.image_state(row);
    if is_disabled && !matches!(state, ImageState::Available | ImageState::Disabled) {
        return Err(unusable(id, state.name()));
    }
    change(tx, id, |row| {
        row.is_disabled = is_disabled;
        if is_disabled {
            hide(row);
        }
    })
}

/// Protects an image from being deregistered. A cool-down that it has isn't got rid of by protecting it without one.
pub fn protect(tx: &mut Tx<'_, '_>, id: ImageId, cooldown: bool) -> Result<(), Fault> {
    let now = tx.now();
    change(tx, id, |row| {
        let has = match row.protection {
            DeregistrationProtection::On { cooldown } => cooldown,
            DeregistrationProtection::Cooling(until) => now < until,
            DeregistrationProtection::Off => false,
        };
        row.protection = DeregistrationProtection::On { cooldown: cooldown || has };
    })
}

/// Protects an image no more: at once, or after the cool-down that its protection was made with.
pub fn unprotect(tx: &mut Tx<'_, '_>, id: ImageId) -> Result<(), Fault> {
    let now = tx.now();
    change(tx, id, |row| {
        row.protection = match row.protection {
            DeregistrationProtection::On { cooldown: true } => DeregistrationProtection::Cooling(now + COOLDOWN),
            DeregistrationProtection::On { cooldown: false } | DeregistrationProtection::Off => {
                DeregistrationProtection::Off
            }
            cooling @ DeregistrationProtection::Cooling(_) => cooling,
        }
    })
}

/// Has images be made public no more, or lets them be. Those that are stay so.
pub fn block_public(tx: &mut Tx<'_, '_>, blocks_public: bool) {
    let row = tx.view().image_defaults();
    if row.blocks_public != blocks_public {
        tx.put::<ImageDefaultsTable>(ImageDefaults { blocks_public, ..row });
    }
}

fn hide(row: &mut OwnImage) {
    row.shared_with.clear();
    row.is_public = false;
}

fn change(tx: &mut Tx<'_, '_>, id: ImageId, change: impl FnOnce(&mut OwnImage)) -> Result<(), Fault> {
    let key = need_own(&tx.view(), id)?.key();
    tx.update::<OwnImages, _>(&key, change);
    Ok(())
}
