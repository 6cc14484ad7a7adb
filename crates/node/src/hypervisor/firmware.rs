//! UEFI's firmware for guests: code that all of them read, and for each a store of its own for the variables that it keeps.
//!
//! The store is a copy of an empty one, made at the first start. It lies with the guest's console, so that it outlives stops
//! and restarts of the machine, and goes with the guest. It is copied under another name first: a copy that was cut off is
//! none. QEMU gets both as descriptors, as it gets disks.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::arguments::FirmwareSpec;
use crate::crash::crash_point;

/// Where Debian's package `ovmf` has the firmware that works without the machine's system management mode.
const CODE: &str = "/usr/share/OVMF/OVMF_CODE_4M.fd";
/// An empty store for the same.
const VARIABLES: &str = "/usr/share/OVMF/OVMF_VARS_4M.fd";
/// A guest's own store, in its folder.
const STORE: &str = "uefi-variables";

/// Firmware that was found on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firmware {
    /// Its code.
    pub code: PathBuf,
    /// An empty store of variables.
    pub variables: PathBuf,
}

/// Looks for the firmware.
pub fn find() -> Option<Firmware> {
    let found = Firmware { code: CODE.into(), variables: VARIABLES.into() };
    (found.code.is_file() && found.variables.is_file()).then_some(found)
}

/// The firmware of a guest, open.
pub(super) struct OpenFirmware {
    code: File,
    variables: File,
}

impl OpenFirmware {
    /// Opens the firmware for a guest whose folder that is, with its own store, which is made if it isn't there.
    pub fn open(firmware: &Firmware, folder: &Path) -> io::Result<Self> {
        let store = folder.join(STORE);
        let open = || OpenOptions::new().read(true).write(true).open(&store);
        let variables = match open() {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                copy(&firmware.variables, folder, &store)?;
                open()?
            }
            opened => opened?,
        };
        Ok(Self { code: File::open(&firmware.code)?, variables })
    }

    /// How the command line names it.
    pub fn spec(&self) -> FirmwareSpec {
        FirmwareSpec { code: self.code.as_raw_fd(), variables: self.variables.as_raw_fd() }
    }
}

fn copy(empty: &Path, folder: &Path, store: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let begun = folder.join(format!("{STORE}.new"));
    crash_point!("launch:variables");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&begun)?;
    io::copy(&mut File::open(empty)?, &mut file)?;
    file.sync_all()?;
    crash_point!("launch:variables-copied");
    fs::rename(&begun, store)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guests_variables_are_its_own_and_kept() {
        let all = tempfile::tempdir().unwrap();
        let [code, variables, guest] = ["code", "empty", "guest"].map(|name| all.path().join(name));
        fs::write(&code, "code").unwrap();
        fs::write(&variables, "empty").unwrap();
        let firmware = Firmware { code, variables };
        // What a copy that was cut off left.
        fs::create_dir(&guest).unwrap();
        fs::write(guest.join("uefi-variables.new"), "longer than the empty one").unwrap();
        drop(OpenFirmware::open(&firmware, &guest).unwrap());
        let store = guest.join(STORE);
        assert_eq!(fs::read(&store).unwrap(), b"empty");
        fs::write(&store, "boot order").unwrap();
        drop(OpenFirmware::open(&firmware, &guest).unwrap());
        assert_eq!(fs::read(&store).unwrap(), b"boot order");
        assert_eq!(fs::read_dir(&guest).unwrap().count(), 1);
        fs::remove_file(&firmware.code).unwrap();
        assert!(OpenFirmware::open(&firmware, &guest).is_err());
    }
}
