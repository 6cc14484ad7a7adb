//! Volumes in temporary folders, checked by `qemu-img` where it is installed.

use std::process::Command;

use landfall_model::ImageId;

use super::*;

const GIB: u64 = 1 << 30;

struct Place {
    folder: tempfile::TempDir,
    volumes: LocalVolumes,
}

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("images");
    fs::create_dir(&images).unwrap();
    let image = File::options().read(true).write(true).create_new(true).open(images.join("a.qcow2")).unwrap();
    qcow2::write_empty(&image, 2 * GIB, None).unwrap();
    let volumes = LocalVolumes::new(folder.path().join("volumes"), images).unwrap().with_reserve(0);
    Place { folder, volumes }
}

fn plan(number: u128, size_bytes: u64, source: VolumeSource) -> VolumePlan {
    VolumePlan {
        id: VolumeId::from_random(number),
        size_bytes,
        source,
        encrypted: false,
        wanted: true,
        snapshots: vec![],
    }
}

fn image(file: &str) -> VolumeSource {
    let id = ImageId::from_random(1);
    VolumeSource::Image(ImagePlan { id, file: file.into(), size_bytes: 2 * GIB, direct_boot: None })
}

/// What qemu-img says of a volume; `None` where it isn't installed.
fn qemu_img(place: &Place, verb: &str, plan: &VolumePlan) -> Option<String> {
    let output = Command::new("qemu-img").arg(verb).arg(place.volumes.path(plan.id)).output();
    let Ok(output) = output else {
        eprintln!("SKIPPED the part of a volume test that asks qemu-img: it isn't installed");
        return None;
    };
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    Some(said)
}

fn retry_words(result: DriverResult<impl Sized>) -> String {
    match result {
        Err(DriverError::Retry(why)) => why,
        Err(other) => panic!("it isn't tried again: {other:?}"),
        Ok(_) => panic!("it worked"),
    }
}

fn final_words(result: DriverResult<impl Sized>) -> String {
    match result {
        Err(DriverError::Final(why)) => why,
        Err(other) => panic!("it isn't final: {other:?}"),
        Ok(_) => panic!("it worked"),
    }
}

#[test]
fn volumes_are_made_opened_and_removed() {
    let place = place();
    let blank = plan(1, 8 * GIB, VolumeSource::Blank);
    let clone = plan(2, 800 * GIB, image("a.qcow2"));
    for plan in [&blank, &clone] {
        place.volumes.ensure(plan).unwrap();
        place.volumes.ensure(plan).unwrap();
        if let Some(said) = qemu_img(&place, "check", plan) {
            assert!(said.contains("No errors"), "{said}");
        }
        if let Some(said) = qemu_img(&place, "info", plan) {
            assert!(said.contains(&format!("({} bytes)", plan.size_bytes)), "{said}");
            assert_eq!(said.contains("backing file format: qcow2"), plan.id == clone.id, "{said}");
        }
    }
    assert_eq!(place.volumes.inspect().unwrap(), [blank.id, clone.id].into());
    let open = place.volumes.open(&blank).unwrap();
    assert!(open.file.is_some() && open.base.is_none());
    let open = place.volumes.open(&clone).unwrap();
    assert!(open.file.is_some() && open.base.is_some());
    let mode = std::os::unix::fs::MetadataExt::mode(&fs::metadata(place.volumes.path(clone.id)).unwrap());
    assert_eq!(mode & 0o777, 0o600);
    place.volumes.remove(blank.id).unwrap();
    place.volumes.remove(blank.id).unwrap();
    assert_eq!(place.volumes.inspect().unwrap(), [clone.id].into());
    assert!(retry_words(place.volumes.open(&blank)).contains("can't be opened"));
}

#[test]
fn a_volume_grows_and_never_shrinks() {
    let place = place();
    let small = plan(1, 2 * GIB, image("a.qcow2"));
    place.volumes.ensure(&small).unwrap();
    if qemu_img(&place, "check", &small).is_none() {
        return;
    }
    // Past what the first table covers, so that it has to move.
    let size = |bytes| VolumePlan { size_bytes: bytes, ..small.clone() };
    place.volumes.ensure(&size(9000 * GIB)).unwrap();
    place.volumes.ensure(&size(GIB * 3)).unwrap();
    assert!(qemu_img(&place, "info", &small).unwrap().contains(&format!("({} bytes)", 9000 * GIB)));
    assert!(qemu_img(&place, "check", &small).unwrap().contains("No errors"));
}

#[test]
fn a_volume_in_use_is_left_alone() {
    let place = place();
    let disk = plan(1, GIB, VolumeSource::Blank);
    place.volumes.ensure(&disk).unwrap();
    let file = open_plain(&place.volumes.path(disk.id), true).unwrap();
    // As QEMU does: a shared lock on one of the bytes, held by the open file.
    let lock = libc::flock {
        l_type: libc::F_RDLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 201,
        l_len: 1,
        l_pid: 0,
    };
    // SAFETY: the pointer is to a structure of ours, on a descriptor of ours.
    assert_eq!(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw const lock) }, 0);
    let larger = plan(1, 2 * GIB, VolumeSource::Blank);
    assert_eq!(place.volumes.ensure(&larger).unwrap(), GIB, "its guest makes it larger");
    assert!(retry_words(place.volumes.remove(disk.id)).contains("in use"));
    drop(file);
    place.volumes.remove(disk.id).unwrap();
}

#[test]
fn what_an_agent_that_died_left_is_cleared_and_nothing_is_replaced() {
    let place = place();
    let disk = plan(1, GIB, VolumeSource::Blank);
    fs::write(place.volumes.unfinished(disk.id), "half").unwrap();
    let again = LocalVolumes::new(place.folder.path().join("volumes"), place.folder.path().join("images")).unwrap();
    assert!(!place.volumes.unfinished(disk.id).exists());
    again.with_reserve(0).ensure(&disk).unwrap();
    // It died between giving a volume its name and taking the first one away: the volume keeps its content.
    fs::hard_link(place.volumes.path(disk.id), place.volumes.unfinished(disk.id)).unwrap();
    place.volumes.create(&plan(1, 5 * GIB, VolumeSource::Blank)).unwrap();
    let file = open_plain(&place.volumes.path(disk.id), false).unwrap();
    assert_eq!(qcow2::read_header(&file).unwrap().unwrap().size, GIB);
    assert!(!place.volumes.unfinished(disk.id).exists());
}

#[test]
fn bad_images_and_full_disks_are_explained() {
    let place = place();
    let images = place.folder.path().join("images");
    let create = |name: &str| File::options().read(true).write(true).create_new(true).open(images.join(name)).unwrap();
    qcow2::write_empty(&create("backed.qcow2"), GIB, Some("/etc/shadow")).unwrap();
    create("text.qcow2").set_len(4096).unwrap();
    std::os::unix::fs::symlink("a.qcow2", images.join("link.qcow2")).unwrap();
    let ensure = |number, size, file| place.volumes.ensure(&plan(number, size, image(file)));
    assert!(final_words(ensure(1, 8 * GIB, "backed.qcow2")).contains("refers to another file"));
    assert!(final_words(ensure(2, 8 * GIB, "text.qcow2")).contains("is no qcow2"));
    assert!(final_words(ensure(3, 8 * GIB, "../images/a.qcow2")).contains("can't be one"));
    assert!(final_words(ensure(4, 8 * GIB, "")).contains("can't be one"));
    assert!(final_words(ensure(5, GIB, "a.qcow2")).contains("smaller than its image"));
    assert!(retry_words(ensure(6, 8 * GIB, "none.qcow2")).contains("can't be read"));
    assert!(retry_words(ensure(7, 8 * GIB, "link.qcow2")).contains("can't be read"));
    assert!(final_words(place.volumes.ensure(&plan(8, 65 << 40, VolumeSource::Blank))).contains("larger than"));
    let full = place.volumes.clone().with_reserve(u64::MAX);
    assert!(retry_words(full.ensure(&plan(9, GIB, VolumeSource::Blank))).contains("make room in"));
    assert!(place.volumes.inspect().unwrap().is_empty());
    fs::write(place.volumes.path(VolumeId::from_random(10)), "scribble").unwrap();
    assert!(final_words(place.volumes.ensure(&plan(10, GIB, VolumeSource::Blank))).contains("damaged"));
}
