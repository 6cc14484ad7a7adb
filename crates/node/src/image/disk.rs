//! A bootable disk out of a folder, with no loop device, no mount and (but for the folder's owners) no root:
//! the partition table and GRUB's first stages are bytes at known places, and mke2fs fills a file system.
//!
//! Two layouts. MBR for the tiny image, which grows its partition itself by writing four bytes; GPT for
//! Debian, whose growpart has the tools and whose disks may be larger than 2 TiB.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::ImageError;
use super::tool::Tool;

const STEP: &str = "making the disk";
const GRUB_FOLDER: &str = "/usr/lib/grub/i386-pc";
const SECTOR: u64 = 512;
const MIB: u64 = 1 << 20;

/// How the disk is partitioned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// One partition from 1 MiB to the end; GRUB lies before it.
    Mbr,
    /// A partition of 1 MiB for GRUB, then one to the end.
    Gpt,
}

impl Layout {
    fn root_start_bytes(self) -> u64 {
        match self {
            Layout::Mbr => MIB,
            Layout::Gpt => 2 * MIB,
        }
    }

    /// GPT keeps a second table in the last 33 sectors.
    fn tail_bytes(self) -> u64 {
        match self {
            Layout::Mbr => 0,
            Layout::Gpt => MIB,
        }
    }

    /// The sector of GRUB's second stage.
    fn core_sector(self) -> u64 {
        match self {
            Layout::Mbr => 1,
            Layout::Gpt => 2048,
        }
    }

    fn grub_partition(self) -> &'static str {
        match self {
            Layout::Mbr => "(hd0,msdos1)",
            Layout::Gpt => "(hd0,gpt2)",
        }
    }
}

/// What the disk is to be.
pub(super) struct DiskPlan<'a> {
    /// The folder with the root file system; it has `/boot/grub/grub.cfg`.
    pub(super) root: &'a Path,
    pub(super) layout: Layout,
    pub(super) size_bytes: u64,
    pub(super) label: &'a str,
    /// The journal's size; small where small disks are made by the dozen.
    pub(super) journal_mib: u32,
}

/// Writes the disk as qcow2 and returns its path in `work`.
pub(super) fn make(plan: &DiskPlan<'_>, work: &Path) -> Result<PathBuf, ImageError> {
    let raw = work.join("disk.raw");
    let file = create(&raw)?;
    file.set_len(plan.size_bytes).map_err(ImageError::io(STEP, &raw))?;
    partition(plan, &file, &raw, work)?;
    fill(plan, &raw)?;
    install_grub(plan.layout, &file, &raw, work)?;
    drop(file);
    let out = work.join("disk.qcow2");
    let tool = Tool::new(STEP, "qemu-img")?.args(["convert", "-f", "raw", "-O", "qcow2"]);
    tool.arg(&raw).arg(&out).timeout(Duration::from_secs(900)).run()?;
    std::fs::remove_file(&raw).map_err(ImageError::io(STEP, &raw))?;
    Ok(out)
}

fn create(path: &Path) -> Result<File, ImageError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(true);
    options.open(path).map_err(ImageError::io(STEP, path))
}

fn partition(plan: &DiskPlan<'_>, file: &File, raw: &Path, work: &Path) -> Result<(), ImageError> {
    match plan.layout {
        Layout::Mbr => {
            let start = plan.layout.root_start_bytes() / SECTOR;
            let entry = mbr_entry(start, plan.size_bytes / SECTOR - start);
            let write = |bytes: &[u8], at| file.write_all_at(bytes, at).map_err(ImageError::io(STEP, raw));
            write(&entry, 446)?;
            write(&[0x55, 0xaa], 510)
        }
        Layout::Gpt => {
            let size = (plan.size_bytes - plan.layout.root_start_bytes() - plan.layout.tail_bytes()) / SECTOR;
            let script = work.join("sfdisk");
            let text = format!(
                "label: gpt\nstart=2048,size=2048,type=21686148-6449-6E6F-744E-656564454649\nstart=4096,size={size},type=L\n"
            );
            std::fs::write(&script, text).map_err(ImageError::io(STEP, &script))?;
            Tool::new(STEP, "sfdisk")?.arg("-q").arg(raw).input(&script)?.run().map(drop)
        }
    }
}

/// A bootable Linux partition; the geometry of cylinders and heads is the value that says "too large".
fn mbr_entry(start: u64, sectors: u64) -> [u8; 16] {
    let mut entry = [0x80, 0xfe, 0xff, 0xff, 0x83, 0xfe, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0];
    let word = |value: u64| u32::try_from(value).unwrap_or(u32::MAX).to_le_bytes();
    entry[8..12].copy_from_slice(&word(start));
    entry[12..16].copy_from_slice(&word(sectors));
    entry
}

/// mke2fs writes at an offset into the file of the disk and copies the folder in.
fn fill(plan: &DiskPlan<'_>, raw: &Path) -> Result<(), ImageError> {
    let start = plan.layout.root_start_bytes();
    let size_kib = (plan.size_bytes - start - plan.layout.tail_bytes()) / 1024;
    // Without root the files belong to whoever builds; in a user namespace of its own that one is root.
    let tool = if nix::unistd::geteuid().is_root() {
        Tool::new(STEP, "mke2fs")?
    } else {
        Tool::new(STEP, "unshare")?.arg("--map-root-user").then(STEP, "mke2fs")?
    };
    let tool = tool.args(["-q", "-F", "-t", "ext4", "-b", "4096", "-m", "1", "-L", plan.label]);
    let journal = format!("size={}", plan.journal_mib);
    // Nothing is left for the guest to initialise: the file is all zeros, so complete tables cost nothing.
    let extended = format!("offset={start},lazy_itable_init=0,lazy_journal_init=0,root_owner=0:0");
    let tool = tool.args(["-J", &journal, "-E", &extended, "-d"]).arg(plan.root).arg(raw);
    tool.arg(format!("{size_kib}k")).timeout(Duration::from_secs(900)).run().map(drop)
}

fn install_grub(layout: Layout, file: &File, raw: &Path, work: &Path) -> Result<(), ImageError> {
    let boot_path = Path::new(GRUB_FOLDER).join("boot.img");
    if !boot_path.is_file() {
        return Err(ImageError::MissingTool { step: STEP, tool: "GRUB for BIOS", package: "grub-pc-bin" });
    }
    let config = work.join("grub-early.cfg");
    let part = layout.grub_partition();
    let text = format!("set root={part}\nset prefix={part}/boot/grub\nnormal ($root)/boot/grub/grub.cfg\n");
    std::fs::write(&config, text).map_err(ImageError::io(STEP, &config))?;
    let core_path = work.join("grub-core.img");
    let tool = Tool::new(STEP, "grub-mkimage")?.args(["-O", "i386-pc", "-p", &format!("{part}/boot/grub")]);
    let tool = tool.arg("-o").arg(&core_path).arg("-c").arg(&config);
    let table = if layout == Layout::Mbr { "part_msdos" } else { "part_gpt" };
    tool.args(["biosdisk", table, "ext2", "linux", "normal", "serial", "terminal", "search", "echo", "boot"]).run()?;
    let read = |path: &Path| std::fs::read(path).map_err(ImageError::io(STEP, path));
    let (mut boot, mut core) = (read(&boot_path)?, read(&core_path)?);
    let room_bytes = layout.root_start_bytes() - layout.core_sector() * SECTOR;
    if boot.len() < 440 || core.len() < 512 || core.len() as u64 > room_bytes {
        let reason = format!("GRUB's stages have odd sizes: {} and {} bytes", boot.len(), core.len());
        return Err(ImageError::Packages { step: STEP, reason });
    }
    patch_grub(&mut boot, &mut core, layout.core_sector());
    let mut disk = file;
    let mut write = |bytes: &[u8], at: u64| disk.seek(SeekFrom::Start(at)).and_then(|_| disk.write_all(bytes));
    write(&boot[..440], 0).map_err(ImageError::io(STEP, raw))?;
    write(&core, layout.core_sector() * SECTOR).map_err(ImageError::io(STEP, raw))
}

/// What grub-install would write: where the second stage begins, where its rest lies, and two no-ops in
/// place of a jump that is only for floppy disks.
fn patch_grub(boot: &mut [u8], core: &mut [u8], core_sector: u64) {
    boot[0x5c..0x64].copy_from_slice(&core_sector.to_le_bytes());
    boot[0x66..0x68].copy_from_slice(&[0x90, 0x90]);
    core[500..508].copy_from_slice(&(core_sector + 1).to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mbr_entry_is_a_bootable_linux_partition() {
        let entry = mbr_entry(2048, 2_095_104);
        assert_eq!((entry[0], entry[4]), (0x80, 0x83));
        assert_eq!(entry[8..16], [0x00, 0x08, 0, 0, 0x00, 0xf8, 0x1f, 0x00]);
        assert_eq!(mbr_entry(2048, 1 << 40)[12..16], [0xff; 4]);
    }

    #[test]
    fn grub_is_told_where_it_lies() {
        let (mut boot, mut core) = (vec![0; 512], vec![0; 1024]);
        patch_grub(&mut boot, &mut core, 2048);
        assert_eq!(boot[0x5c..0x64], [0, 8, 0, 0, 0, 0, 0, 0]);
        assert_eq!(boot[0x66..0x68], [0x90, 0x90]);
        assert_eq!(core[500..504], [1, 8, 0, 0]);
    }
}
