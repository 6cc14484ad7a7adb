//! The user that a VPN's daemon runs as: one of its own. A daemon speaks with strangers, and whoever took one over as a user
//! that others share could end and trace all of those.
//!
//! strongSwan is told its user by name. So a daemon sees files of users that are its own, where that name is its user's;
//! they are also the record of who has which.

use std::fs;
use std::io;
use std::path::Path;

use landfall_model::VpnConnectionId;

use super::{VpnConfig, replace};
use crate::hypervisor::choose_uid;

/// What a daemon's user and group are called.
pub const NAME: &str = "vpn";
/// The files of users in a daemon's folder, with where it sees them. The last one is the record.
pub const FILES: [(&str, &str); 2] = [("group", "/etc/group"), ("passwd", "/etc/passwd")];

/// Gives a VPN's daemon a user unless it has one, and returns that one's number. `others` are the folders of all VPNs here.
pub fn ensure<'f>(
    config: &VpnConfig,
    id: VpnConnectionId,
    folder: &Path,
    others: impl Iterator<Item = &'f Path>,
) -> io::Result<u32> {
    if let Some(uid) = of(folder)? {
        return Ok(uid);
    }
    let taken = others.map(of).collect::<io::Result<Vec<_>>>()?;
    let taken: Vec<u32> = taken.into_iter().flatten().collect();
    let uid = choose_uid(id.bits(), config.uid_base, config.uid_count, &taken)
        .ok_or_else(|| io::Error::other("every user for VPNs on this machine is taken"))?;
    let [(group, _), (passwd, _)] = FILES;
    replace(&folder.join(group), &format!("root:x:0:\n{NAME}:x:{uid}:\n"))?;
    replace(&folder.join(passwd), &format!("root:x:0:0::/:\n{NAME}:x:{uid}:{uid}::/:\n"))?;
    Ok(uid)
}

/// The user that a folder's daemon has; none if that isn't said yet.
fn of(folder: &Path) -> io::Result<Option<u32>> {
    let [_, (passwd, _)] = FILES;
    let text = match fs::read_to_string(folder.join(passwd)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        text => text?,
    };
    let mut lines = text.lines().filter_map(|line| line.strip_prefix(NAME)?.strip_prefix(":x:")?.split(':').next());
    Ok(lines.find_map(|uid| uid.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_vpn_has_a_user_of_its_own() {
        let home = tempfile::tempdir().unwrap();
        let config = VpnConfig { uid_base: 1000, uid_count: 3, ..VpnConfig::new(home.path().into(), "lf".into()) };
        let folders =
            [5, 8, 11, 14].map(|number| (VpnConnectionId::from_random(number), home.path().join(number.to_string())));
        let ensure = |place: usize| {
            let (id, folder) = &folders[place];
            fs::create_dir_all(folder).unwrap();
            ensure(&config, *id, folder, folders.iter().map(|(_, folder)| folder.as_path()))
        };
        // All of them would like the same.
        assert_eq!([0, 1, 2].map(|place| ensure(place).unwrap()), [1002, 1000, 1001]);
        assert_eq!(ensure(1).unwrap(), 1000, "it keeps its own");
        assert!(ensure(3).is_err(), "there are no more");
        fs::remove_dir_all(&folders[0].1).unwrap();
        assert_eq!(ensure(3).unwrap(), 1002, "that of one that is gone");
    }
}
