//! Access points: a folder of a file system, as a user that who comes that way is taken for.

use landfall_model::{AccessPoint, AccessPointId, CreationInfo, FileSystemId, PosixUser, ShareState};

use crate::fault::{Fault, QuotaKind};
use crate::tag;
use crate::tx::Tx;
use crate::value::AccessPoints;
use crate::view::View;

/// "Access points for each file system".
const LIMIT: usize = 10_000;
/// How long a root's path is, and how many folders deep.
const PATH_BYTES: usize = 100;
const PATH_DEPTH: usize = 4;
/// Characters that no folder of a root's path has.
const FORBIDDEN: &str = "$#<>;`|&?{}^*/\n";
/// Further groups of a user.
const GIDS: usize = 16;

/// What a new access point is to be.
#[derive(Clone, Debug)]
pub struct NewAccessPoint {
    /// The file system.
    pub file_system: FileSystemId,
    /// What its maker calls it.
    pub token: String,
    /// Whom everybody is taken for.
    pub user: Option<PosixUser>,
    /// The folder; the file system's root where none is named.
    pub root: Option<String>,
    /// How the folder is made where it isn't there.
    pub creation: Option<CreationInfo>,
}

/// Makes an access point.
pub fn create(tx: &mut Tx<'_, '_>, new: NewAccessPoint) -> Result<AccessPointId, Fault> {
    super::need_available(&tx.view(), new.file_system)?;
    let root = new.root.unwrap_or_else(|| "/".to_owned());
    check_path(&root)?;
    if new.user.as_ref().is_some_and(|user| user.secondary_gids.len() > GIDS) {
        return Err(Fault::Refused(format!("A user has at most {GIDS} SecondaryGids.")));
    }
    if let Some(creation) = &new.creation {
        check_permissions(&creation.permissions)?;
    }
    if tx.access_points.by_file_system.count(&new.file_system) >= LIMIT {
        return Err(Fault::Quota(QuotaKind::Of("AccessPointLimitExceeded", "access points"), LIMIT as u64));
    }
    let (scope, id, now) = (tx.scope(), tx.new_id(), tx.now());
    tx.put::<AccessPoints>(AccessPoint {
        scope,
        id,
        file_system: new.file_system,
        token: new.token,
        user: new.user,
        root,
        creation: new.creation,
        state: ShareState::Creating,
        created_at: now,
    });
    Ok(id)
}

/// That a path can be an access point's root: the file system's own, or up to four folders below it, none of which begins with
/// a dot, so that none leads out of it.
fn check_path(path: &str) -> Result<(), Fault> {
    let fits = |name: &str| !name.is_empty() && !name.starts_with('.') && !name.contains(|c| FORBIDDEN.contains(c));
    let is_fit = path == "/"
        || path.len() <= PATH_BYTES
            && path.strip_prefix('/').is_some_and(|rest| {
                rest.split('/').count() <= PATH_DEPTH && rest.split('/').all(fits) && !rest.contains('\0')
            });
    if is_fit {
        return Ok(());
    }
    let why = "It is a path of up to four folders and 100 characters.".to_owned();
    Err(Fault::Invalid { name: "RootDirectory.Path", value: path.chars().take(128).collect(), why })
}

fn check_permissions(text: &str) -> Result<(), Fault> {
    if (3..=4).contains(&text.len()) && text.bytes().all(|byte| (b'0'..=b'7').contains(&byte)) {
        return Ok(());
    }
    let why = "They are three or four digits in octal.".to_owned();
    Err(Fault::Invalid { name: "RootDirectory.CreationInfo.Permissions", value: text.chars().take(16).collect(), why })
}

/// The access point that its maker calls so.
pub fn of_token<'v>(view: &View<'v>, token: &str) -> Option<&'v AccessPoint> {
    view.tables().access_points.by_token(&view.scope().key(token.to_owned())).next()
}

/// Deletes an access point.
pub fn delete(tx: &mut Tx<'_, '_>, id: AccessPointId) -> Result<(), Fault> {
    let key = tx.view().need::<AccessPoints, _>(id)?.key();
    tx.update::<AccessPoints, _>(&key, |row| row.state = ShareState::Deleting);
    Ok(())
}

/// Deletes at most so many of a file system's, without a state between. Returns how many.
pub(super) fn delete_some(tx: &mut Tx<'_, '_>, file_system: FileSystemId, most: usize) -> usize {
    let keys: Vec<_> = tx.access_points.by_file_system(&file_system).take(most).map(AccessPoint::key).collect();
    for key in &keys {
        tx.delete::<AccessPoints>(key);
        tag::forget(tx, &key.id.to_string());
    }
    keys.len()
}

/// Passes on what is due. Returns whether there may be more.
pub(super) fn pass(tx: &mut Tx<'_, '_>, until: i64, most: usize) -> bool {
    let due: Vec<_> = tx.access_points.due_until(until).take(most).cloned().collect();
    for row in &due {
        let mut tx = tx.scoped(row.scope);
        if row.state == ShareState::Deleting {
            tx.delete::<AccessPoints>(&row.key());
            tag::forget(&mut tx, &row.id.to_string());
        } else {
            tx.update::<AccessPoints, _>(&row.key(), |row| row.state = ShareState::Available);
        }
    }
    due.len() == most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_leads_nowhere_else() {
        for good in ["/", "/a", "/a/b/c/d", "/data set/ü"] {
            assert_eq!(check_path(good), Ok(()), "{good}");
        }
        let long = format!("/{}", "x".repeat(100));
        for bad in ["", "a", "/..", "/a/..", "/a//b", "/a/", "/a/b/c/d/e", "/a;b", "/.a", "/a\nb", "/a\0b", &long] {
            assert!(check_path(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn permissions_are_octal() {
        for good in ["755", "0755", "1777"] {
            assert_eq!(check_permissions(good), Ok(()), "{good}");
        }
        for bad in ["", "75", "00755", "788", "rwx", "7 5"] {
            assert!(check_permissions(bad).is_err(), "{bad}");
        }
    }
}
