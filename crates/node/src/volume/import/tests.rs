//! Disks that QEMU's own tools made, and such as nobody should believe.

use std::cell::{Cell, RefCell};
use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use landfall_model::plan::{VolumePlan, VolumeSource};
use landfall_model::{DiskFormat, ImportPlace, VolumeId};

use super::*;
use crate::driver::Volumes;
use crate::volume::LocalVolumes;

const MIB: u64 = 1 << 20;

struct Place {
    folder: TempDir,
    volumes: LocalVolumes,
}

/// None where QEMU's tools aren't installed.
fn place(test: &str) -> Option<Place> {
    for tool in ["qemu-img", "qemu-nbd", "qemu-io"] {
        if Command::new(tool).arg("--version").output().is_err() {
            eprintln!("SKIPPED {test}: {tool} isn't installed");
            return None;
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let bucket = folder.path().join("bucket");
    fs::create_dir_all(bucket.join("a")).unwrap();
    fs::create_dir(folder.path().join("images")).unwrap();
    let places = ImportPlaces { buckets: [("b".to_owned(), bucket)].into(), near: BTreeSet::new() };
    let volumes = LocalVolumes::new(folder.path().join("volumes"), folder.path().join("images")).unwrap();
    let volumes = volumes.with_reserve(0).with_imports(places);
    Some(Place { folder, volumes })
}

impl Place {
    /// A disk of 6 MiB with a pattern, in the bucket.
    fn disk(&self, name: &str, arguments: &[&str]) -> PathBuf {
        let raw = self.folder.path().join("raw");
        fs::write(&raw, pattern()).unwrap();
        let path = self.folder.path().join("bucket").join(name);
        run(Command::new("qemu-img").args(["convert", "-f", "raw"]).args(arguments).arg(&raw).arg(&path));
        path
    }

    fn import(&self, number: u128, name: &str, format: DiskFormat) -> Result<(u64, Option<String>), String> {
        self.import_while(number, name, format, &|| true)
    }

    fn import_while(
        &self,
        number: u128,
        name: &str,
        format: DiskFormat,
        is_wanted: &dyn Fn() -> bool,
    ) -> Result<(u64, Option<String>), String> {
        let place = ImportPlace::Bucket { bucket: "b".into(), key: name.into() };
        let told = RefCell::new(Vec::new());
        let watch = Watch { tell: &|percent| told.borrow_mut().push(percent), is_wanted };
        let result = self.volumes.import(&plan(number, ImportSource { place, format }), &watch);
        assert!(told.borrow().iter().all(|percent| (1..100).contains(percent)), "{told:?}");
        result.map(|imported| (imported.size_bytes, imported.noticed)).map_err(|error| error.to_string())
    }

    /// Nothing of an attempt is left: neither the volume nor what was needed for it.
    fn is_clean(&self) -> bool {
        fs::read_dir(self.folder.path().join("volumes")).unwrap().next().is_none()
    }

    /// The first 8 MiB of a volume.
    fn contents(&self, number: u128) -> Vec<u8> {
        let id = VolumeId::from_random(number);
        let (from, to) = (self.folder.path().join(format!("volumes/{id}.qcow2")), self.folder.path().join("out"));
        run(Command::new("qemu-img").args(["convert", "-O", "raw"]).arg(from).arg(&to));
        let mut head = vec![0; 8 * MIB as usize];
        std::os::unix::fs::FileExt::read_exact_at(&File::open(to).unwrap(), &mut head, 0).unwrap();
        head
    }
}

fn plan(number: u128, source: ImportSource) -> VolumePlan {
    VolumePlan {
        id: VolumeId::from_random(number),
        size_bytes: 1 << 30,
        source: VolumeSource::Import(source),
        encrypted: false,
        wanted: true,
        snapshots: vec![],
    }
}

fn pattern() -> Vec<u8> {
    let mut bytes = vec![0; 6 * MIB as usize];
    for (at, byte) in bytes.iter_mut().enumerate().filter(|(at, _)| (at >> 20) % 2 == 0) {
        *byte = (at % 251) as u8;
    }
    bytes
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn every_form_becomes_the_same_volume() {
    let Some(place) = place("every_form_becomes_the_same_volume") else { return };
    let forms: [(&str, DiskFormat, &[&str]); 7] = [
        ("a/raw", DiskFormat::Raw, &["-O", "raw"]),
        ("a/sparse.vmdk", DiskFormat::Vmdk, &["-O", "vmdk"]),
        ("a/stream.vmdk", DiskFormat::Vmdk, &["-O", "vmdk", "-o", "subformat=streamOptimized"]),
        ("a/dynamic.vhd", DiskFormat::Vhd, &["-O", "vpc", "-o", "force_size=on"]),
        ("a/fixed.vhd", DiskFormat::Vhd, &["-O", "vpc", "-o", "subformat=fixed,force_size=on"]),
        ("a/one.vhdx", DiskFormat::Vhdx, &["-O", "vhdx"]),
        ("a/stream-again.vmdk", DiskFormat::Vmdk, &["-O", "vmdk", "-o", "subformat=streamOptimized"]),
    ];
    for (number, (name, format, arguments)) in (1..).zip(forms) {
        place.disk(name, arguments);
        let (size_bytes, noticed) = place.import(number, name, format).unwrap();
        assert_eq!(size_bytes, 1 << 30, "{name}: whole GiB");
        assert!(noticed.unwrap().contains("neither a partition table nor a boot sector"), "{name}");
        let contents = place.contents(number);
        assert!(contents[..6 * MIB as usize] == pattern(), "{name}");
        assert!(contents[6 * MIB as usize..].iter().all(|byte| *byte == 0), "{name}");
        // Once more, as an agent that was started anew does: it is there.
        assert_eq!(place.import(number, "gone", format).unwrap().0, 1 << 30);
    }
}

/// An archive of those members, as `tar` writes them.
fn archive(members: &[(&str, u8, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, kind, contents) in members {
        let mut header = [0; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[124..135].copy_from_slice(format!("{:011o}", contents.len()).as_bytes());
        header[148..156].fill(b' ');
        header[156] = *kind;
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        bytes.extend(header);
        bytes.extend(*contents);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.extend([0; 1024]);
    bytes
}

#[test]
fn the_disk_of_an_archive_is_read_where_it_stands() {
    let Some(place) = place("the_disk_of_an_archive_is_read_where_it_stands") else { return };
    let disk = fs::read(place.disk("disk.vmdk", &["-O", "vmdk", "-o", "subformat=streamOptimized"])).unwrap();
    let words: &[u8] = b"<Envelope><References><File ovf:href=\"disk.vmdk\"/></References></Envelope>";
    let put = |members: &[(&str, u8, &[u8])]| {
        fs::write(place.folder.path().join("bucket/m.ova"), archive(members)).unwrap();
        place.import(1, "m.ova", DiskFormat::Ova)
    };
    for (members, why) in [
        (&[("m.ovf", b'0', words)][..], "no disk"),
        (&[("disk.vmdk", b'0', &disk[..])][..], "no description"),
        (&[("m.ovf", b'0', words), ("../disk.vmdk", b'0', &disk[..])][..], "name can't be one"),
        (&[("m.ovf", b'0', words), ("/etc/disk.vmdk", b'0', &disk[..])][..], "name can't be one"),
        (&[("m.ovf", b'0', words), ("disk.vmdk", b'2', &[])][..], "is no file"),
        (&[("m.ovf", b'0', words), ("disk.vmdk", b'0', &disk[..]), ("two.vmdk", b'0', &[])][..], "several disks"),
        (&[("m.ovf", b'0', words), ("other.vmdk", b'0', &disk[..])][..], "doesn't name"),
        (&[("m.ovf", b'0', words), ("disk.vmdk", b'0', b"nothing")][..], "no VMDK"),
        (&[][..], "no OVA"),
    ] {
        let words = put(members).unwrap_err();
        assert!(words.contains(why), "{why}: {words}");
        assert!(place.is_clean(), "{why}");
    }
    fs::write(place.folder.path().join("bucket/cut.ova"), &archive(&[("disk.vmdk", b'0', &disk)])[..4096]).unwrap();
    assert!(place.import(1, "cut.ova", DiskFormat::Ova).unwrap_err().contains("breaks off"));
    put(&[("m.ovf", b'0', words), ("m.mf", b'0', b"SHA1()= 0"), ("disk.vmdk", b'0', &disk)]).unwrap();
    assert!(place.contents(1)[..6 * MIB as usize] == pattern());
}

#[test]
fn nothing_that_a_disk_names_is_ever_opened() {
    let Some(place) = place("nothing_that_a_disk_names_is_ever_opened") else { return };
    let bucket = place.folder.path().join("bucket");
    let base = place.disk("base.vmdk", &["-O", "vmdk"]);
    // Descriptions apart from their disks, and disks that build on others.
    place.disk("flat.vmdk", &["-O", "vmdk", "-o", "subformat=monolithicFlat"]);
    let make = |arguments: &[&str], name: &str| {
        run(Command::new("qemu-img").args(["create", "-q"]).args(arguments).arg(bucket.join(name)));
    };
    make(&["-f", "vmdk", "-F", "vmdk", "-b", base.to_str().unwrap()], "child.vmdk");
    make(&["-f", "qcow2", "-F", "vmdk", "-b", base.to_str().unwrap()], "child.qcow2");
    place.disk("one.vhd", &["-O", "vpc"]);
    let mut differencing = fs::read(bucket.join("one.vhd")).unwrap();
    let footer = differencing.len() - 512;
    differencing[footer + 63] = 4;
    fs::write(bucket.join("differencing.vhd"), differencing).unwrap();
    fs::write(bucket.join("odd"), [1; 700]).unwrap();
    fs::write(bucket.join("empty"), []).unwrap();
    fs::write(bucket.join("apart.vmdk"), "# Disk DescriptorFile\nRW 2048 FLAT \"/etc/shadow\" 0\n").unwrap();
    symlink("/etc/passwd", bucket.join("link")).unwrap();
    symlink("/etc", bucket.join("folder")).unwrap();
    for (name, format, why) in [
        ("flat.vmdk", DiskFormat::Vmdk, "in another file"),
        ("apart.vmdk", DiskFormat::Vmdk, "in another file"),
        ("child.vmdk", DiskFormat::Vmdk, "builds on another disk"),
        ("child.qcow2", DiskFormat::Vmdk, "no VMDK"),
        ("child.qcow2", DiskFormat::Vhd, "no VHD"),
        ("child.qcow2", DiskFormat::Vhdx, "no VHDX"),
        ("one.vhd", DiskFormat::Vmdk, "no VMDK"),
        ("differencing.vhd", DiskFormat::Vhd, "builds on another disk"),
        ("odd", DiskFormat::Raw, "whole number of sectors"),
        ("empty", DiskFormat::Raw, "whole number of sectors"),
        ("link", DiskFormat::Raw, "does not exist"),
        ("folder/passwd", DiskFormat::Raw, "does not exist"),
        ("a", DiskFormat::Raw, "does not exist"),
        ("../bucket/one.vhd", DiskFormat::Raw, "does not exist"),
        ("/etc/passwd", DiskFormat::Raw, "does not exist"),
        ("missing", DiskFormat::Raw, "does not exist"),
    ] {
        let words = place.import(1, name, format).unwrap_err();
        assert!(words.starts_with("Disk validation failed: ") && words.contains(why), "{name}: {words}");
        assert!(place.is_clean(), "{name}");
    }
    // What is said to be raw is raw, whatever it looks like: the file itself, not what it names.
    let file = fs::metadata(bucket.join("child.qcow2")).unwrap().len();
    if file.is_multiple_of(512) {
        place.import(1, "child.qcow2", DiskFormat::Raw).unwrap();
        assert!(place.contents(1).starts_with(b"QFI\xfb"));
    }
}

#[test]
fn a_disk_that_claims_to_be_huge_costs_nothing_or_is_refused() {
    let Some(place) = place("a_disk_that_claims_to_be_huge") else { return };
    let bucket = place.folder.path().join("bucket");
    for (name, size) in [("large.vhdx", "32G"), ("larger.vhdx", "40T")] {
        run(Command::new("qemu-img").args(["create", "-q", "-f", "vhdx"]).arg(bucket.join(name)).arg(size));
    }
    let (size_bytes, _) = place.import(1, "large.vhdx", DiskFormat::Vhdx).unwrap();
    assert_eq!(size_bytes, 32 << 30);
    let id = VolumeId::from_random(1);
    let made = fs::metadata(place.folder.path().join(format!("volumes/{id}.qcow2"))).unwrap();
    assert!(std::os::unix::fs::MetadataExt::blocks(&made) * 512 < 64 * MIB, "{made:?}");
    place.volumes.remove(id).unwrap();
    assert!(place.import(1, "larger.vhdx", DiskFormat::Vhdx).unwrap_err().contains("has to have between"));
    assert!(place.is_clean());
}

#[test]
fn one_that_nobody_wants_any_more_ends_and_leaves_nothing() {
    let Some(place) = place("one_that_nobody_wants_any_more_ends") else { return };
    place.disk("disk", &["-O", "raw"]);
    for most in 0..2 {
        let asked = Cell::new(0);
        let is_wanted = || asked.replace(asked.get() + 1) < most;
        let words = place.import_while(1, "disk", DiskFormat::Raw, &is_wanted).unwrap_err();
        assert_eq!(words, "the import was canceled", "after {most}");
        assert!(place.is_clean());
    }
    // What an agent that was killed had half done, the next one clears away.
    let volumes = place.folder.path().join("volumes");
    fs::create_dir(volumes.join(format!("{}left", export::PREFIX))).unwrap();
    fs::write(volumes.join(format!("{}left/source", export::PREFIX)), [1]).unwrap();
    fs::write(volumes.join(format!(".making-{}", VolumeId::from_random(1))), [1]).unwrap();
    LocalVolumes::new(volumes, place.folder.path().join("images")).unwrap();
    assert!(place.is_clean());
    place.import(1, "disk", DiskFormat::Raw).unwrap();
}

#[test]
fn what_a_disk_needs_to_start_is_told() {
    let Some(place) = place("what_a_disk_needs_to_start_is_told") else { return };
    let mut disk = vec![0; 4 * MIB as usize];
    let noticed = |disk: &[u8]| {
        fs::write(place.folder.path().join("bucket/disk"), disk).unwrap();
        let (_, noticed) = place.import(1, "disk", DiskFormat::Raw).unwrap();
        place.volumes.remove(VolumeId::from_random(1)).unwrap();
        noticed.unwrap()
    };
    disk[510..512].copy_from_slice(&[0x55, 0xaa]);
    disk[446 + 4] = 0x83;
    disk[446 + 8] = 64;
    assert!(noticed(&disk).contains("No boot loader"));
    disk[0] = 0xeb;
    assert!(noticed(&disk).starts_with("Landfall couldn't look into its file systems"));
    disk[64 * 512 + 3..64 * 512 + 11].copy_from_slice(b"NTFS    ");
    assert!(noticed(&disk).contains("Windows"));
    disk[446 + 4] = 0xef;
    disk[0] = 0;
    assert!(noticed(&disk).contains("UEFI alone"));
}

#[test]
fn a_system_that_was_found_is_told_what_it_lacks_here() {
    let Some(place) = place("a_system_that_was_found_is_told_what_it_lacks") else { return };
    let root = place.folder.path().join("root");
    let noticed = |kind: &str| {
        let raw = place.folder.path().join("bucket/system");
        let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
        let script = format!(
            "set -e; truncate -s 24M {raw}; printf 'label: dos\\nstart=2048,type=83\\n' | sfdisk -q {raw}; \
             mke2fs -q -F -t {kind} -d {root} -E offset=1048576 {raw} 20000k",
            raw = raw.display(),
            root = root.display()
        );
        let made = Command::new("sh").args(["-c", &script]).env("PATH", path).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let (_, noticed) = place.import(1, "system", DiskFormat::Raw).unwrap();
        place.volumes.remove(VolumeId::from_random(1)).unwrap();
        fs::remove_file(raw).unwrap();
        noticed.unwrap()
    };
    let file = |path: &str, words: &str| {
        fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
        fs::write(root.join(path), words).unwrap();
    };
    file("etc/fstab", "# a comment\n/dev/sda1 / ext4 defaults 0 1\n");
    file("usr/lib/modules/6.1.0-1-amd64/kernel/drivers/block/loop.ko", "");
    symlink("usr/lib", root.join("lib")).unwrap();
    for number in 0..600 {
        file(&format!("etc/many/{number}"), "");
    }
    for kind in ["ext4", "ext3", "ext2"] {
        let words = noticed(kind);
        for part in ["no driver for virtio's disks", "has no cloud-init", "fstab names devices"] {
            assert!(words.contains(part), "{kind}: {words}");
        }
    }
    file("usr/lib/modules/6.1.0-1-amd64/kernel/drivers/block/virtio_blk.ko.xz", "");
    file("etc/cloud/cloud.cfg", "");
    file("etc/fstab", "UUID=1 / ext4 defaults 0 1\n");
    let words = noticed("ext4");
    assert!(words.starts_with("No boot loader") && !words.contains("virtio") && !words.contains("cloud"), "{words}");
}
