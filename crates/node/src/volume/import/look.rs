//! What can be told of a machine's disk without its system: whether it can start here. Words for its owner, never a
//! refusal: what isn't understood may well start.
//!
//! Source: UEFI's specification, "GUID Partition Table (GPT) Disk Layout".

use std::{io, mem};

use super::super::nbd::Nbd;
use super::ext4::Ext4;

const SECTOR: u64 = 512;
const LINUX_RAID_OR_LVM: [u8; 2] = [0xfd, 0x8e];
const MBR_GPT: u8 = 0xee;
const MBR_EFI: u8 = 0xef;
/// `C12A7328-F81F-11D2-BA4B-00A0C93EC93B`, as GPT writes it.
const GPT_EFI: [u8; 16] =
    [0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11, 0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b];
/// `21686148-6449-6E6F-744E-656564454649`: where a boot loader for BIOS is.
const GPT_BIOS: [u8; 16] =
    [0x48, 0x61, 0x68, 0x21, 0x49, 0x64, 0x6f, 0x6e, 0x74, 0x4e, 0x65, 0x65, 0x64, 0x45, 0x46, 0x49];
const MOST_PARTITIONS: u32 = 128;
/// How many kernels are looked at, and how much of a text.
const MOST_KERNELS: usize = 8;
const MOST_TEXT: u64 = 256 << 10;
/// How many partitions are looked into for a system.
const MOST_LOOKED_AT: usize = 16;

/// What was found of a disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Found {
    has_table: bool,
    has_boot_code: bool,
    has_efi: bool,
    has_bios_boot: bool,
    is_pooled: bool,
    is_ntfs: bool,
    system: Option<System>,
}

/// What was found of a Linux system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct System {
    /// Whether there are modules to look at, and among them virtio's for disks.
    has_modules: bool,
    has_virtio: bool,
    has_cloud_init: bool,
    names_devices: bool,
}

/// What a disk's owner should know, where there is something.
pub(in super::super) fn noticed(disk: &mut Nbd) -> Option<String> {
    match look(disk) {
        Ok(found) => words(found),
        Err(error) => Some(format!("The disk couldn't be looked at ({error}): whether it can start here isn't known.")),
    }
}

fn words(found: Found) -> Option<String> {
    let mut all = Vec::new();
    if !found.has_table && !found.has_boot_code {
        all.push("The disk has neither a partition table nor a boot sector: no machine starts from it.");
    } else if !found.has_boot_code && !found.has_bios_boot && found.has_efi {
        all.push("The disk has a boot loader for UEFI alone: its image has to have the boot mode uefi.");
    } else if !found.has_boot_code {
        all.push("No boot loader was found in the disk's first sector: a machine may not start from it.");
    }
    if found.is_ntfs {
        all.push("The disk seems to be a Windows machine's, which needs the drivers of virtio-win to start here.");
    }
    if found.is_pooled {
        all.push("The disk is part of a RAID or a volume group: its other parts are needed as well.");
    }
    if let Some(system) = found.system {
        if !system.has_modules {
            all.push("No modules of a kernel were found, so whether it has virtio's drivers, which it needs here, isn't known.");
        } else if !system.has_virtio {
            all.push("Its kernel has no driver for virtio's disks (virtio_blk): the system doesn't start here.");
        }
        if !system.has_cloud_init {
            all.push(
                "It has no cloud-init: it gets no SSH keys, host name or user data here; what it has stays as it is.",
            );
        }
        if system.names_devices {
            all.push("Its /etc/fstab names devices (/dev/sda1 …), which are called otherwise here: name file systems by UUID.");
        }
    } else if found.has_table && !found.is_ntfs {
        all.push(
            "Landfall couldn't look into its file systems: the system needs virtio's drivers for disk and network in its \
             initial RAM disk, cloud-init for keys and user data, and an fstab that names file systems and not devices.",
        );
    }
    (!all.is_empty()).then(|| all.join(" "))
}

fn look(disk: &mut Nbd) -> io::Result<Found> {
    let mut found = Found::default();
    if disk.size_bytes() < 64 * SECTOR {
        return Ok(found);
    }
    let mut first = vec![0; 512];
    disk.read(0, &mut first)?;
    let is_signed = first[510..] == [0x55, 0xaa];
    found.has_boot_code = is_signed && first[..440].iter().any(|byte| *byte != 0);
    let (mut starts, mut has_gpt) = (Vec::new(), false);
    for entry in first[446..510].chunks(16).filter(|entry| is_signed && entry[4] != 0) {
        found.has_table = true;
        found.has_efi |= entry[4] == MBR_EFI;
        found.is_pooled |= LINUX_RAID_OR_LVM.contains(&entry[4]);
        if entry[4] == MBR_GPT {
            // However often it is named, there is one.
            if !mem::replace(&mut has_gpt, true) {
                gpt(disk, &mut found, &mut starts)?;
            }
        } else {
            starts.push(u64::from(le32(entry, 8)));
        }
    }
    starts.sort_unstable();
    starts.dedup();
    for start in starts.into_iter().take(MOST_LOOKED_AT) {
        let at = start.saturating_mul(SECTOR);
        if at.checked_add(SECTOR).is_some_and(|end| end <= disk.size_bytes()) {
            disk.read(at, &mut first)?;
            found.is_ntfs |= first[3..11] == *b"NTFS    ";
            if found.system.is_none() {
                // One that is damaged may still start: its system repairs it.
                found.system = system(disk, at).unwrap_or_default();
            }
        }
    }
    Ok(found)
}

/// Looks at the system on a partition, if a system's root is there.
fn system(disk: &mut Nbd, at: u64) -> io::Result<Option<System>> {
    let size_bytes = disk.size_bytes();
    let mut read = |at: u64, into: &mut [u8]| {
        let is_within = at.checked_add(into.len() as u64).is_some_and(|end| end <= size_bytes);
        if is_within { disk.read(at, into) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    };
    let Some(mut files) = Ext4::open(&mut read, at)? else { return Ok(None) };
    if !files.has("/etc")? || !(files.has("/sbin/init")? || files.has("/etc/fstab")? || files.has("/etc/os-release")?) {
        return Ok(None);
    }
    let mut system = System::default();
    for version in files.names("/lib/modules")?.into_iter().take(MOST_KERNELS) {
        system.has_modules = true;
        let folder = format!("/lib/modules/{version}");
        let builtin = files.text(&format!("{folder}/modules.builtin"), MOST_TEXT)?.unwrap_or_default();
        let names = files.names(&format!("{folder}/kernel/drivers/block"))?;
        let is_virtio = |name: &String| name.starts_with("virtio_blk.ko");
        system.has_virtio |= builtin.contains("virtio_blk.ko") || names.iter().any(is_virtio);
    }
    system.has_cloud_init = files.has("/usr/bin/cloud-init")? || files.has("/etc/cloud/cloud.cfg")?;
    let fstab = files.text("/etc/fstab", MOST_TEXT)?.unwrap_or_default();
    let names_device =
        |line: &str| ["/dev/sd", "/dev/hd", "/dev/xvd"].iter().any(|name| line.trim_start().starts_with(name));
    system.names_devices = fstab.lines().any(names_device);
    Ok(Some(system))
}

fn gpt(disk: &mut Nbd, found: &mut Found, starts: &mut Vec<u64>) -> io::Result<()> {
    let mut header = vec![0; 512];
    disk.read(SECTOR, &mut header)?;
    if !header.starts_with(b"EFI PART") {
        return Ok(());
    }
    let (table, count, size) = (le64(&header, 72), le32(&header, 80), u64::from(le32(&header, 84)));
    if !(128..=4096).contains(&size) {
        return Ok(());
    }
    for number in 0..u64::from(count.min(MOST_PARTITIONS)) {
        let at = table.checked_mul(SECTOR).and_then(|at| at.checked_add(number * size));
        let Some(at) = at.filter(|at| at.saturating_add(size) <= disk.size_bytes()) else { break };
        let mut entry = vec![0; 128];
        disk.read(at, &mut entry)?;
        found.has_efi |= entry[..16] == GPT_EFI;
        found.has_bios_boot |= entry[..16] == GPT_BIOS;
        if entry[..16].iter().any(|byte| *byte != 0) {
            starts.push(le64(&entry, 32));
        }
    }
    Ok(())
}

fn le32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn le64(bytes: &[u8], at: usize) -> u64 {
    u64::from(le32(bytes, at)) | u64::from(le32(bytes, at + 4)) << 32
}
