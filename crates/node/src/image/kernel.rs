//! A kernel out of its unpacked package: the image, and modules with all that they depend on.
//!
//! What a module needs is read from the module itself, so that neither `depmod` nor an installed kernel is
//! wanted.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::ImageError;
use super::tool::Tool;

const STEP: &str = "reading the kernel's modules";

/// What a guest needs to see its disks, network and power button; in the initrd, so that it works whatever
/// kernel packages the guest's own disk has.
pub(super) const BOOT_MODULES: &[&str] = &["virtio_pci", "virtio_blk", "virtio_net", "button", "evdev", "virtio_rng"];

/// A kernel and its modules below the folder of an unpacked package or root file system.
pub(super) struct Kernel {
    /// The version, for instance `6.1.0-56-cloud-amd64`.
    pub(super) version: String,
    /// The image for a direct boot.
    pub(super) image: PathBuf,
    modules: BTreeMap<String, PathBuf>,
    modules_root: PathBuf,
}

/// A module in the order in which it can be loaded.
pub(super) struct Module {
    /// Its name with underscores.
    pub(super) name: String,
    /// Its path below `/lib/modules/<version>/`, never with a suffix of compression.
    pub(super) path: String,
    /// Its content, not compressed.
    pub(super) content: Vec<u8>,
    /// The names of all modules that have to be loaded before.
    pub(super) needs: Vec<String>,
}

impl Kernel {
    /// Finds the one kernel below `root`.
    pub(super) fn find(root: &Path) -> Result<Self, ImageError> {
        let boot = root.join("boot");
        let mut versions = Vec::new();
        for entry in std::fs::read_dir(&boot).map_err(ImageError::io(STEP, &boot))? {
            let entry = entry.map_err(ImageError::io(STEP, &boot))?;
            versions.extend(entry.file_name().to_string_lossy().strip_prefix("vmlinuz-").map(str::to_owned));
        }
        versions.sort();
        let version = versions.pop().ok_or_else(|| nothing(format!("{} has no vmlinuz", boot.display())))?;
        let folders = ["usr/lib/modules", "lib/modules"].map(|folder| root.join(folder).join(&version));
        let modules_root = folders.into_iter().find(|folder| folder.is_dir());
        let modules_root = modules_root.ok_or_else(|| nothing(format!("the kernel {version} has no modules")))?;
        let mut modules = BTreeMap::new();
        collect(&modules_root.join("kernel"), &mut modules)?;
        Ok(Self { image: boot.join(format!("vmlinuz-{version}")), version, modules, modules_root })
    }

    /// The modules and all that they need, each after what it needs. Names that this kernel doesn't have are
    /// left out: they are built in, or it can't do them.
    pub(super) fn closure(&self, names: &[&str]) -> Result<Vec<Module>, ImageError> {
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        for name in names {
            self.visit(&normal(name), &mut seen, &mut found)?;
        }
        Ok(found)
    }

    fn visit(&self, name: &str, seen: &mut BTreeSet<String>, found: &mut Vec<Module>) -> Result<(), ImageError> {
        let Some(file) = self.modules.get(name) else { return Ok(()) };
        if !seen.insert(name.to_owned()) {
            return Ok(());
        }
        let content = read_module(file)?;
        let direct = depends(&content);
        for other in &direct {
            self.visit(other, seen, found)?;
        }
        let mut needs: Vec<String> = Vec::new();
        for module in found.iter().filter(|module| direct.contains(&module.name)) {
            for name in module.needs.iter().chain([&module.name]) {
                if !needs.contains(name) {
                    needs.push(name.clone());
                }
            }
        }
        let path = file.strip_prefix(&self.modules_root).unwrap_or(file).display().to_string();
        let path = path.trim_end_matches(".xz").trim_end_matches(".zst").to_owned();
        found.push(Module { name: name.to_owned(), path, content, needs });
        Ok(())
    }
}

/// `modules.dep` as modprobe reads it: what is needed stands in the reverse order of loading.
pub(super) fn modules_dep(modules: &[Module]) -> String {
    let path = |name: &String| modules.iter().find(|module| module.name == *name).map(|module| module.path.as_str());
    let line = |module: &Module| {
        let needs: Vec<&str> = module.needs.iter().rev().filter_map(path).collect();
        format!("{}: {}\n", module.path, needs.join(" "))
    };
    modules.iter().map(line).collect()
}

fn nothing(reason: String) -> ImageError {
    ImageError::Packages { step: STEP, reason }
}

fn normal(name: &str) -> String {
    name.replace('-', "_")
}

fn collect(folder: &Path, modules: &mut BTreeMap<String, PathBuf>) -> Result<(), ImageError> {
    for entry in std::fs::read_dir(folder).map_err(ImageError::io(STEP, folder))? {
        let entry = entry.map_err(ImageError::io(STEP, folder))?;
        let path = entry.path();
        if entry.file_type().map_err(ImageError::io(STEP, &path))?.is_dir() {
            collect(&path, modules)?;
            continue;
        }
        let file = entry.file_name().to_string_lossy().into_owned();
        if let Some((name, ".ko" | ".ko.xz" | ".ko.zst")) = file.find(".ko").map(|at| file.split_at(at)) {
            modules.insert(normal(name), path);
        }
    }
    Ok(())
}

fn read_module(path: &Path) -> Result<Vec<u8>, ImageError> {
    let plain = match path.extension().and_then(|extension| extension.to_str()) {
        Some("xz") => unpack("xz", path)?,
        Some("zst") => unpack("zstd", path)?,
        _ => return std::fs::read(path).map_err(ImageError::io(STEP, path)),
    };
    std::fs::read(plain.path()).map_err(ImageError::io(STEP, path))
}

/// Into a temporary file, since a module is binary and may be large.
fn unpack(tool: &'static str, path: &Path) -> Result<tempfile::NamedTempFile, ImageError> {
    let out = tempfile::NamedTempFile::new().map_err(ImageError::io(STEP, path))?;
    let script = "exec \"$1\" -dc <\"$2\" >\"$3\"";
    let program = super::tool::locate(STEP, tool)?;
    let shell = Tool::new(STEP, "sh")?.args(["-c", script, "sh"]);
    shell.arg(program).arg(path).arg(out.path()).run()?;
    Ok(out)
}

/// The entry `depends=a,b` of a module's `.modinfo`, which is a list of strings that end with a zero.
fn depends(content: &[u8]) -> Vec<String> {
    const KEY: &[u8] = b"\0depends=";
    let Some(at) = content.windows(KEY.len()).position(|window| window == KEY) else { return Vec::new() };
    let value = &content[at + KEY.len()..];
    let end = value.iter().position(|byte| *byte == 0).unwrap_or(value.len());
    let text = String::from_utf8_lossy(&value[..end]);
    text.split(',').filter(|name| !name.is_empty()).map(normal).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(folder: &Path, name: &str, needs: &str) {
        let content = format!("\x7fELF\0license=GPL\0depends={needs}\0name={name}\0");
        std::fs::write(folder.join(format!("{name}.ko")), content).expect("write");
    }

    #[test]
    fn modules_come_after_what_they_need() {
        let root = tempfile::tempdir().expect("folder");
        let drivers = root.path().join("lib/modules/6.1/kernel/drivers");
        std::fs::create_dir_all(&drivers).expect("folder");
        std::fs::create_dir_all(root.path().join("boot")).expect("folder");
        std::fs::write(root.path().join("boot/vmlinuz-6.1"), "").expect("write");
        module(&drivers, "virtio", "");
        module(&drivers, "virtio-ring", "virtio");
        module(&drivers, "net_failover", "failover");
        module(&drivers, "failover", "");
        module(&drivers, "virtio_net", "net_failover,virtio-ring");
        let kernel = Kernel::find(root.path()).expect("found");
        let modules = kernel.closure(&["virtio_net", "ext4", "virtio"]).expect("closure");
        let names: Vec<_> = modules.iter().map(|module| module.name.as_str()).collect();
        assert_eq!(names, ["failover", "net_failover", "virtio", "virtio_ring", "virtio_net"]);
        let last = modules_dep(&modules).lines().last().map(str::to_owned).expect("lines");
        let drivers = "kernel/drivers";
        assert_eq!(
            last,
            format!(
                "{drivers}/virtio_net.ko: {drivers}/virtio-ring.ko {drivers}/virtio.ko {drivers}/net_failover.ko {drivers}/failover.ko"
            )
        );
    }
}
