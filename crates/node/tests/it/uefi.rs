//! Guests that boot by UEFI: from a disk that was made for it, with variables of their own that they keep.

use std::fs;
use std::path::Path;
use std::process::Command;

use landfall_model::ImageId;
use landfall_model::plan::{ImagePlan, VolumePlan, VolumeSource};
use landfall_node::driver::{DriverError, Hypervisor, Launch, PowerAction, Volumes};
use landfall_node::hypervisor::{QemuHypervisor, detect};

use crate::hypervisor::{RealGuest, config, volume, wait};

/// What the firmware's shell does where the disk has no boot loader: it shows a variable, sets it, and starts the kernel.
const SCRIPT: &str = r"@echo -off
setvar LandfallSeen -guid 6d1a0d9e-1f0e-4b34-9c4b-2f3a8f1a7c11
setvar LandfallSeen -guid 6d1a0d9e-1f0e-4b34-9c4b-2f3a8f1a7c11 -nv -bs -rt =0x4c
vmlinuz.efi console=ttyS0 initrd=\initrd panic=-1
";

/// A disk with an EFI system partition that has a kernel, as a qcow2. Says what is missing where it can't be made.
fn make_disk(folder: &Path, images: &Path) -> Result<(), String> {
    fs::write(folder.join("startup.nsh"), SCRIPT.replace('\n', "\r\n")).unwrap();
    let script = format!(
        r#"set -e
cd {work}
truncate -s 48M esp.img
mformat -i esp.img -F ::
mcopy -i esp.img {images}/mini.vmlinuz ::/vmlinuz.efi
mcopy -i esp.img {images}/mini.initrd ::/initrd
mcopy -i esp.img startup.nsh ::/startup.nsh
truncate -s 64M disk.raw
printf 'label: gpt\nstart=2048,size=98304,type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B\n' | sfdisk -q disk.raw
dd if=esp.img of=disk.raw bs=1M seek=1 conv=notrunc,sparse status=none
qemu-img convert -O qcow2 disk.raw {images}/efi.qcow2"#,
        work = folder.display(),
        images = images.display(),
    );
    let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
    let made = Command::new("sh").args(["-c", &script]).env("PATH", path).output().unwrap();
    if made.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&made.stderr).into_owned()) }
}

/// A guest of that disk, which isn't started yet.
fn guest(test: &str) -> Option<RealGuest> {
    if detect("qemu-system-x86_64".as_ref()).ok()?.firmware.is_none() {
        crate::skipped(test, "there is no firmware: apt-get install ovmf");
        return None;
    }
    let mut guest = RealGuest::new(test)?;
    let work = tempfile::tempdir().unwrap();
    if let Err(why) = make_disk(work.path(), &guest.bench.folder.path().join("images")) {
        crate::skipped(test, &format!("no EFI disk can be made (packages mtools, fdisk): {why}"));
        return None;
    }
    let image =
        ImagePlan { id: ImageId::from_random(2), file: "efi.qcow2".into(), size_bytes: 64 << 20, direct_boot: None };
    guest.volume = VolumePlan { size_bytes: 1 << 30, ..volume(1, VolumeSource::Image(image)) };
    guest.plan.direct_boot = None;
    guest.plan.uefi = true;
    guest.plan.memory_mib = 512;
    Some(guest)
}

#[test]
fn a_guest_boots_by_uefi_and_keeps_its_variables() {
    let Some(mut guest) = guest("a_guest_boots_by_uefi_and_keeps_its_variables") else { return };
    guest.volumes.ensure(&guest.volume).unwrap();
    guest.start();
    // The console is one for both boots: what the second one says comes after the first one's end.
    let said = |guest: &RealGuest, words: &str| guest.bench.console().matches(words).count();
    wait("the kernel by way of the firmware", || said(&guest, "efi: EFI v") == 1);
    let first = guest.bench.console();
    assert!(first.contains("EFI stub: Loaded initrd"), "{first}");
    // The shell colours the words on both sides.
    assert!(first.contains(": Unable to get - "), "it has no variables of anybody else's: {first}");
    guest.bench.qemu.power(guest.bench.id, PowerAction::Pull).unwrap();
    let store = guest.bench.folder.path().join(format!("state/{}/uefi-variables", guest.bench.id));
    assert!(fs::metadata(&store).unwrap().len() > 0);
    guest.plan.boot = 2;
    guest.start();
    wait("the kernel once more", || said(&guest, "efi: EFI v") == 2);
    let both = guest.bench.console();
    assert!(both.contains("LandfallSeen - 0001 Bytes"), "its variable is kept: {both}");
    // It goes with the guest: see what the bench looks for at its end.
}

#[test]
fn without_firmware_no_guest_is_started_by_bios_instead() {
    let Some(guest) = guest("without_firmware_no_guest_is_started") else { return };
    guest.volumes.ensure(&guest.volume).unwrap();
    let mut machine = guest.bench.qemu.machine().clone();
    machine.firmware = None;
    let bare = QemuHypervisor::new(config(guest.bench.folder.path().into(), &machine)).unwrap();
    let mut plan = guest.plan.clone();
    plan.interfaces.clear();
    let disks = vec![guest.volumes.open(&guest.volume).unwrap()];
    let refused = bare.start(Launch { plan: &plan, disks, ports: vec![] }).unwrap_err();
    assert!(matches!(&refused, DriverError::Final(why) if why.contains("UEFI")), "{refused}");
    assert_eq!(guest.bench.guest(), None);
}
