//! Debian with cloud-init, made by mmdebstrap, as near to Debian's own images for EC2 as packages allow: the
//! user is `admin`, the metadata service is asked as on EC2, the root grows with its volume.
//!
//! It is tuned for a quick start (one kind of host key, no timers that only a long life needs, a small
//! initramfs), since it must also start in bearable time where the processor is emulated.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::disk::{DiskPlan, Layout};
use super::kernel::Kernel;
use super::result::{DirectBoot, Parts};
use super::stage::{Stage, find_program};
use super::tool::Tool;
use super::{BuiltImage, ImageError, Progress, Report, apt, disk, initrd, mini, result};

const STEP: &str = "building the Debian image";
const SUITE: &str = "bookworm";
const LABEL: &str = "landfall-root";
/// The smallest volume for this image; a larger one is grown into at boot.
const SIZE_BYTES: u64 = 2 << 30;

const CMDLINE: &str = "root=LABEL=landfall-root ro console=tty0 console=ttyS0,115200 quiet";

/// What the one who starts a guest appends to a command line where the processor is emulated. Emulation has
/// none of the flaws that the mitigations guard against, and they make it very slow; on real processors they
/// must stay, so they are not part of the image's own command line. An emulated timer is late where the machine is busy,
/// and the kernel's check of it ends in a panic.
pub const EMULATION_CMDLINE: &str = "mitigations=off no_timer_check";

const PACKAGES: &[&str] = &[
    "cloud-init",
    "cloud-guest-utils",
    "fdisk",
    "openssh-server",
    "linux-image-cloud-amd64",
    "systemd-sysv",
    "systemd-resolved",
    "systemd-timesyncd",
    "dbus",
    "udev",
    "iproute2",
    "iputils-ping",
    "isc-dhcp-client",
    "ifupdown",
    "netplan.io",
    "sudo",
    "libnss-myhostname",
    "ca-certificates",
    "curl",
    "wget",
    "less",
    "vim-tiny",
    "procps",
    "initramfs-tools",
    "busybox",
    "zstd",
    "gdisk",
];

/// Units that cost time at the start of a guest and serve only long-lived ones, or wait for nothing.
const MASKED_UNITS: &[&str] = &[
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "systemd-networkd-wait-online.service",
];

/// Files that are there before the packages are configured, so that the initramfs is made once.
const FILES: &[(&str, u32, &str)] = &[
    ("/etc/cloud/cloud.cfg.d/90_landfall.cfg", 0o644, include_str!("files/debian/90_landfall.cfg")),
    ("/etc/initramfs-tools/conf.d/landfall", 0o644, include_str!("files/debian/initramfs.conf")),
    ("/usr/share/initramfs-tools/modules.d/landfall", 0o644, include_str!("files/debian/initramfs-modules")),
    ("/etc/udev/rules.d/60-landfall-block.rules", 0o644, include_str!("files/debian/60-landfall-block.rules")),
    ("/etc/systemd/system/landfall-block@.service", 0o644, include_str!("files/debian/landfall-block@.service")),
    ("/usr/lib/landfall/block-name", 0o755, include_str!("files/debian/block-name")),
    ("/usr/lib/landfall/imds.sh", 0o644, include_str!("files/imds.sh")),
    ("/etc/default/locale", 0o644, "LANG=C.UTF-8\n"),
];

/// How the Debian image is built.
#[derive(Debug, Clone)]
pub struct DebianOptions {
    /// For files that are gone afterwards; about 2 GiB.
    pub work_dir: PathBuf,
    /// Where the image is put.
    pub out_dir: PathBuf,
    /// Downloaded packages for the initrd are kept here.
    pub apt_cache: PathBuf,
    /// Another mirror than Debian's own, with which security updates are then not asked for by default.
    pub mirror: Option<String>,
}

/// Builds the Debian image; one and a half minutes where packages come quickly.
///
/// # Errors
/// When this isn't root (files must belong to their owners), a program is missing, a package can't be
/// fetched or the disk is full; nothing is left behind.
pub fn build_debian(options: &DebianOptions, report: Report<'_>) -> Result<BuiltImage, ImageError> {
    if !nix::unistd::geteuid().is_root() {
        return Err(ImageError::NeedsRoot { step: STEP });
    }
    std::fs::create_dir_all(&options.work_dir).map_err(ImageError::io(STEP, &options.work_dir))?;
    let removed_at_the_end =
        tempfile::tempdir_in(&options.work_dir).map_err(ImageError::io(STEP, &options.work_dir))?;
    let work = removed_at_the_end.path();
    build_in(&work.canonicalize().map_err(ImageError::io(STEP, work))?, options, report)
}

fn build_in(work: &Path, options: &DebianOptions, report: Report<'_>) -> Result<BuiltImage, ImageError> {
    let step = |step: &str| report(Progress { step, done: 0, total: None });
    // Small and quick to fail, so it comes before the long step.
    let packages = apt::download(&["busybox-static".to_owned()].into(), &options.apt_cache, report)?;
    let unpacked = work.join("packages");
    packages.iter().try_for_each(|package| apt::unpack(package, &unpacked))?;
    let root = work.join("root");
    bootstrap(work, &root, options.mirror.as_deref(), report)?;
    step("putting the root file system together");
    tidy(&root)?;
    let kernel = Kernel::find(&root)?;
    let initrd = initrd::make(&kernel, &find_program(&unpacked, "busybox")?)?;
    step("making the disk");
    let plan = DiskPlan { root: &root, layout: Layout::Gpt, size_bytes: SIZE_BYTES, label: LABEL, journal_mib: 16 };
    let disk = disk::make(&plan, work)?;
    let (year, month, day) = result::today();
    let name = |number: u32| format!("debian-12-amd64-{year}{month:02}{day:02}-{number}");
    let parts = Parts {
        disk: &disk,
        virtual_size_bytes: SIZE_BYTES,
        name: result::free_name(&options.out_dir, name(1), name),
        description: format!("Debian 12 (amd64) with cloud-init, Linux {}", kernel.version),
        min_ram_mib: 512,
        boot: Some(DirectBoot { kernel: kernel.image.clone(), initrd, cmdline: CMDLINE.to_owned() }),
    };
    result::finish(parts, &options.out_dir, report)
}

/// Runs mmdebstrap; once more after its own words name a mirror that moved on meanwhile.
fn bootstrap(work: &Path, root: &Path, mirror: Option<&str>, report: Report<'_>) -> Result<(), ImageError> {
    let overlay = work.join("overlay");
    make_overlay(&Stage::new(overlay.clone()))?;
    let attempt = || {
        let include = format!("--include={}", PACKAGES.join(","));
        let hook = format!("--essential-hook=cp -a {}/. \"$1\"/", shell_quoted(&overlay.display().to_string()));
        let tool = Tool::new(STEP, "mmdebstrap")?.args(["--mode=root", "--variant=minbase", &include, &hook]);
        // Documentation that no guest reads; licences stay.
        let tool =
            tool.arg("--dpkgopt=path-exclude=/usr/share/man/*").arg("--dpkgopt=path-exclude=/usr/share/locale/*");
        let tool = tool.arg(SUITE).arg(root).args(mirror).timeout(Duration::from_secs(1800));
        tool.run_with_lines(&mut |line| {
            if let Some(words) = line.strip_prefix("I: ") {
                report(Progress { step: &format!("Debian: {words}"), done: 0, total: None });
            }
        })
    };
    let failed = match attempt() {
        Ok(_) => return Ok(()),
        Err(error) => error,
    };
    let ImageError::Tool { stderr, .. } = &failed else { return Err(failed) };
    if !["Hash Sum mismatch", "404  Not Found", "Connection timed out", "Temporary failure"]
        .iter()
        .any(|word| stderr.contains(word))
    {
        return Err(failed);
    }
    report(Progress { step: "Debian: a mirror failed for a moment, once more", done: 0, total: None });
    if root.exists() {
        std::fs::remove_dir_all(root).map_err(ImageError::io(STEP, root))?;
    }
    attempt().map(drop)
}

fn make_overlay(stage: &Stage) -> Result<(), ImageError> {
    stage.folder("", 0o755)?;
    for (path, mode, content) in FILES {
        stage.file(path, *mode, content)?;
    }
    stage.file("/etc/fstab", 0o644, include_str!("files/debian/fstab").replace("@LABEL@", LABEL))?;
    stage.file("/boot/grub/grub.cfg", 0o644, mini::grub_config("/vmlinuz", "/initrd.img", CMDLINE))?;
    for unit in MASKED_UNITS {
        stage.link(&format!("/etc/systemd/system/{unit}"), "/dev/null")?;
    }
    Ok(())
}

/// What must not be the same in two guests goes: they make it anew.
fn tidy(root: &Path) -> Result<(), ImageError> {
    let stage = Stage::new(root.to_owned());
    let remove = |path: &str| {
        let full = stage.path(path);
        match std::fs::remove_file(&full) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(ImageError::io(STEP, &full)(error)),
            _ => Ok(()),
        }
    };
    let ssh = stage.path("/etc/ssh");
    for entry in std::fs::read_dir(&ssh).map_err(ImageError::io(STEP, &ssh))?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("ssh_host_") {
            remove(&format!("/etc/ssh/{name}"))?;
        }
    }
    for path in ["/var/lib/dbus/machine-id", "/etc/resolv.conf", "/etc/hostname", "/var/lib/systemd/random-seed"] {
        remove(path)?;
    }
    // Empty rather than absent: a new id, without the questions of a first boot.
    stage.file("/etc/machine-id", 0o444, "")?;
    stage.link("/etc/resolv.conf", "../run/systemd/resolve/stub-resolv.conf")
}

fn shell_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_paths_are_quoted_for_the_hook() {
        assert_eq!(shell_quoted("/a b/it's"), "'/a b/it'\\''s'");
    }
}
