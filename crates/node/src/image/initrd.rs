//! The initrd of a direct boot: busybox, the virtio modules and one script. It is the same for every image
//! that is built here, since all it has to do is find the root disk and hand over.

use std::path::Path;

use super::ImageError;
use super::cpio::Archive;
use super::kernel::{BOOT_MODULES, Kernel};

const STEP: &str = "making the initrd";
const INIT: &str = include_str!("files/initrd-init");

/// The busybox programs that the script calls.
const PROGRAMS: &[&str] =
    &["sh", "mount", "insmod", "hexdump", "dd", "tr", "cat", "printf", "blockdev", "usleep", "echo", "switch_root"];

/// Puts the initrd together and returns its bytes.
pub(super) fn make(kernel: &Kernel, busybox: &Path) -> Result<Vec<u8>, ImageError> {
    let shell = std::fs::read(busybox).map_err(ImageError::io(STEP, busybox))?;
    let modules = kernel.closure(BOOT_MODULES)?;
    let write = || -> std::io::Result<Vec<u8>> {
        let mut archive = Archive::new();
        for folder in ["bin", "dev", "proc", "sys", "root", "lib", "lib/modules"] {
            archive.folder(folder)?;
        }
        archive.file("init", 0o755, INIT.as_bytes())?;
        archive.file("bin/busybox", 0o755, &shell)?;
        for program in PROGRAMS {
            archive.link(&format!("bin/{program}"), "busybox")?;
        }
        let mut order = String::new();
        for module in &modules {
            archive.file(&format!("lib/modules/{}.ko", module.name), 0o644, &module.content)?;
            order.push_str(&format!("{}.ko\n", module.name));
        }
        archive.file("lib/modules/order", 0o644, order.as_bytes())?;
        archive.finish()
    };
    write().map_err(ImageError::io(STEP, busybox))
}
