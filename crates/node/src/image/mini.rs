//! The tiny image: Debian's cloud kernel, busybox, dropbear and a few shell scripts. Made in seconds, boots
//! in about three, runs in 80 MiB: what the first run and the tests start.
//!
//! It behaves as a guest of EC2 should: DHCP, metadata with IMDSv2, keys for root, user data run once for
//! each instance, device names that lead to the right disk, a power button that works. It has no package
//! manager and no users but root; for more there is the Debian image.

use std::path::{Path, PathBuf};

use super::disk::{DiskPlan, Layout};
use super::kernel::{Kernel, modules_dep};
use super::result::{DirectBoot, Parts};
use super::stage::{Stage, find_program};
use super::tool::Tool;
use super::{BuiltImage, ImageError, Progress, Report, apt, disk, initrd, result};

const STEP: &str = "building the tiny image";
const LABEL: &str = "landfall-root";
/// The size of the smallest volume; a larger one is grown into at boot.
const SIZE_BYTES: u64 = 1 << 30;

/// One root user, no multi-tenancy inside: the mitigations would only cost time, most of all where the
/// processor is emulated.
const CMDLINE: &str =
    "root=LABEL=landfall-root rw console=ttyS0 quiet mitigations=off cryptomgr.notests panic=10 landfall.grow";

/// Modules besides those of the initrd that `modprobe` finds in the guest.
const FURTHER_MODULES: &[&str] = &[
    "virtio_balloon",
    "virtio_console",
    "virtio_scsi",
    "sd_mod",
    "nfs",
    "nfsv4",
    "xfs",
    "vfat",
    "nls_ascii",
    "nls_cp437",
    "isofs",
    "loop",
    "overlay",
    "tun",
    "wireguard",
    "8021q",
    "dm_crypt",
];

/// Programs with their libraries: where they come from and where they go.
const PROGRAMS: &[(&str, &str)] = &[
    ("dropbear", "/usr/sbin/dropbear"),
    ("dropbearkey", "/usr/bin/dropbearkey"),
    ("dbclient", "/usr/bin/dbclient"),
    ("resize2fs", "/sbin/resize2fs"),
    ("mke2fs", "/sbin/mke2fs"),
    ("e2fsck", "/sbin/e2fsck"),
];

const FILES: &[(&str, u32, &str)] = &[
    ("/etc/inittab", 0o644, include_str!("files/mini/inittab")),
    ("/etc/landfall/boot", 0o755, include_str!("files/mini/boot")),
    ("/etc/landfall/imds.sh", 0o644, include_str!("files/imds.sh")),
    ("/etc/landfall/ipv6.sh", 0o644, include_str!("files/mini/ipv6.sh")),
    ("/etc/landfall/interface", 0o755, include_str!("files/mini/interface")),
    ("/etc/landfall/dhcp", 0o755, include_str!("files/mini/dhcp")),
    ("/etc/landfall/hotplug", 0o755, include_str!("files/mini/hotplug")),
    ("/etc/landfall/disk", 0o755, include_str!("files/mini/disk")),
    ("/etc/landfall/stop", 0o755, include_str!("files/mini/stop")),
    ("/etc/acpi/PWRF/00000080", 0o755, include_str!("files/mini/power-button")),
    ("/bin/bash", 0o755, include_str!("files/mini/bash")),
    ("/etc/passwd", 0o644, "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n"),
    ("/etc/group", 0o644, "root:x:0:\ntty:x:5:\nnogroup:x:65534:\n"),
    ("/etc/shadow", 0o600, "root:*:19000:0:99999:7:::\nnobody:*:19000:0:99999:7:::\n"),
    ("/etc/shells", 0o644, "/bin/sh\n/bin/bash\n"),
    ("/etc/nsswitch.conf", 0o644, "passwd: files\ngroup: files\nhosts: files dns\n"),
    ("/etc/hosts", 0o644, "127.0.0.1 localhost\n::1 localhost\n"),
    ("/etc/hostname", 0o644, "localhost\n"),
    ("/etc/profile", 0o644, "export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"),
    (
        "/etc/os-release",
        0o644,
        "ID=landfall-mini\nNAME=\"Landfall mini\"\nPRETTY_NAME=\"Landfall mini\"\nID_LIKE=debian\n",
    ),
];

/// Where the tiny image is built.
#[derive(Debug, Clone)]
pub struct MiniOptions {
    /// For files that are gone afterwards; about 200 MiB.
    pub work_dir: PathBuf,
    /// Where the image is put.
    pub out_dir: PathBuf,
    /// Downloaded packages are kept here for the next build.
    pub apt_cache: PathBuf,
}

/// Builds the tiny image.
///
/// # Errors
/// When a package or a program is missing, or the disk is full; nothing is left behind.
pub fn build_mini(options: &MiniOptions, report: Report<'_>) -> Result<BuiltImage, ImageError> {
    std::fs::create_dir_all(&options.work_dir).map_err(ImageError::io(STEP, &options.work_dir))?;
    let removed_at_the_end =
        tempfile::tempdir_in(&options.work_dir).map_err(ImageError::io(STEP, &options.work_dir))?;
    let work = removed_at_the_end.path();
    let path = work.canonicalize().map_err(ImageError::io(STEP, work))?;
    build_in(&path, options, report)
}

fn build_in(work: &Path, options: &MiniOptions, report: Report<'_>) -> Result<BuiltImage, ImageError> {
    let step = |step: &str| report(Progress { step, done: 0, total: None });
    step("asking apt for packages");
    let kernel_package = apt::behind("linux-image-cloud-amd64", "linux-image-")?;
    let mut packages = apt::closure(&["dropbear-bin", "e2fsprogs"])?;
    packages.insert("busybox-static".to_owned());
    packages.insert(kernel_package);
    let files = apt::download(&packages, &options.apt_cache, report)?;
    let unpacked = work.join("packages");
    for (done, file) in files.iter().enumerate() {
        report(Progress { step: "unpacking packages", done: done as u64, total: Some(files.len() as u64) });
        apt::unpack(file, &unpacked)?;
    }
    step("putting the root file system together");
    let kernel = Kernel::find(&unpacked)?;
    let busybox = find_program(&unpacked, "busybox")?;
    let initrd = initrd::make(&kernel, &busybox)?;
    let root = work.join("root");
    make_root(&root, &unpacked, &kernel, &busybox, &initrd)?;
    step("making the disk");
    let plan = DiskPlan { root: &root, layout: Layout::Mbr, size_bytes: SIZE_BYTES, label: LABEL, journal_mib: 4 };
    let disk = disk::make(&plan, work)?;
    let (year, month, day) = result::today();
    let name = format!("landfall-mini-{year}.{month:02}.{day:02}");
    let name = result::free_name(&options.out_dir, name.clone(), |number| format!("{name}-{number}"));
    let parts = Parts {
        disk: &disk,
        virtual_size_bytes: SIZE_BYTES,
        name,
        description: format!("Landfall mini: busybox and dropbear on Linux {}", kernel.version),
        min_ram_mib: 96,
        boot: Some(DirectBoot { kernel: kernel.image.clone(), initrd, cmdline: CMDLINE.to_owned() }),
    };
    result::finish(parts, &options.out_dir, report)
}

fn make_root(root: &Path, packages: &Path, kernel: &Kernel, busybox: &Path, initrd: &[u8]) -> Result<(), ImageError> {
    let stage = Stage::new(root.to_owned());
    for folder in
        ["", "bin", "sbin", "usr/bin", "usr/sbin", "dev", "proc", "sys", "run", "mnt", "media", "opt", "srv", "home"]
    {
        stage.folder(folder, 0o755)?;
    }
    for folder in ["var/log", "var/lib/landfall", "var/tmp", "etc/dropbear", "usr/local/bin", "boot/grub"] {
        stage.folder(folder, 0o755)?;
    }
    stage.folder("root", 0o700)?;
    stage.folder("tmp", 0o1777)?;
    stage.link("/var/run", "/run")?;
    for (path, mode, content) in FILES {
        stage.file(path, *mode, content)?;
    }
    stage.copy(busybox, "/bin/busybox", 0o755)?;
    for (name, path) in PROGRAMS {
        stage.program(packages, name, path)?;
    }
    stage.link("/sbin/mkfs.ext4", "mke2fs")?;
    stage.link("/sbin/mkfs.ext3", "mke2fs")?;
    stage.link("/usr/bin/ssh", "dbclient")?;
    stage.copy(&packages.join("etc/mke2fs.conf"), "/etc/mke2fs.conf", 0o644)?;
    // After the real programs, so that busybox stands in only for what isn't there.
    for applet in Tool::at(STEP, "busybox", busybox).arg("--list").run()?.lines() {
        if !stage.path(&format!("/sbin/{applet}")).exists() && !stage.path(&format!("/usr/sbin/{applet}")).exists() {
            stage.link(&format!("/bin/{applet}"), "busybox")?;
        }
    }
    for name in ["init", "reboot", "poweroff", "halt"] {
        stage.link(&format!("/sbin/{name}"), "../bin/busybox")?;
    }
    add_modules(&stage, kernel)?;
    stage.copy(&kernel.image, "/boot/vmlinuz", 0o644)?;
    stage.file("/boot/initrd", 0o644, initrd)?;
    stage.file("/boot/grub/grub.cfg", 0o644, grub_config("/boot/vmlinuz", "/boot/initrd", CMDLINE))
}

fn add_modules(stage: &Stage, kernel: &Kernel) -> Result<(), ImageError> {
    let names: Vec<&str> = super::kernel::BOOT_MODULES.iter().chain(FURTHER_MODULES).copied().collect();
    let modules = kernel.closure(&names)?;
    let folder = format!("/lib/modules/{}", kernel.version);
    for module in &modules {
        stage.file(&format!("{folder}/{}", module.path), 0o644, &module.content)?;
    }
    stage.file(&format!("{folder}/modules.dep"), 0o644, modules_dep(&modules))
}

/// The configuration with which GRUB boots the disk by itself.
pub(super) fn grub_config(kernel: &str, initrd: &str, cmdline: &str) -> String {
    let text = include_str!("files/grub.cfg").replace("@KERNEL@", kernel);
    text.replace("@INITRD@", initrd).replace("@CMDLINE@", cmdline)
}
