//! What QEMU noted of changes in a volume's own file, while no guest has it.
//!
//! Where a guest was killed, its bitmaps are inconsistent: they say nothing any more, and `qemu-img` makes no disk larger that
//! has one. So they go before. Others stay, and grow with the disk.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::key::DiskKey;
use super::{export, luks};

/// The most that are removed. There are two at most, unless a guest that took its QEMU over made more.
const MOST: usize = 8;

/// Removes the bitmaps of a volume that say nothing any more. No guest may have it.
pub(super) fn remove_unsound(path: &Path, key: Option<&DiskKey>) -> Result<(), String> {
    let disk = || export::disk(path, None, key.is_some());
    let info = qemu_img("info", &["--output=json".into(), disk()], key)?;
    for name in unsound(&info).into_iter().take(MOST) {
        tracing::info!(name, "what was noted of a volume's changes says nothing any more: its guest was killed");
        qemu_img("bitmap", &["--remove".into(), disk(), name.into()], key)?;
    }
    Ok(())
}

/// The names of ours among them.
fn unsound(info: &[u8]) -> Vec<String> {
    let info: Value = serde_json::from_slice(info).unwrap_or_default();
    let bitmaps = info.pointer("/format-specific/data/bitmaps").and_then(Value::as_array);
    let is_unsound = |bitmap: &&Value| {
        let flags = bitmap.get("flags").and_then(Value::as_array);
        flags.into_iter().flatten().any(|flag| flag == "in-use")
    };
    let names = bitmaps.into_iter().flatten().filter(is_unsound).filter_map(|it| it.get("name")?.as_str());
    names.filter(|name| name.starts_with(crate::hypervisor::CHANGES)).map(str::to_owned).collect()
}

/// Runs a command of `qemu-img`, which gets the key of what is encrypted. Its answer, or what it said of its failure.
pub(super) fn qemu_img(verb: &str, arguments: &[OsString], key: Option<&DiskKey>) -> Result<Vec<u8>, String> {
    let mut command = Command::new("qemu-img");
    command.arg(verb);
    if key.is_some() {
        command.arg("--object").arg(luks::from_stdin());
    }
    command.args(arguments);
    luks::run(command, key).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            "qemu-img isn't installed: `apt-get install --no-install-recommends qemu-utils`".to_owned()
        }
        _ => error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ours_that_are_unsound_go() {
        let info = br#"{"format-specific": {"data": {"bitmaps": [
            {"name": "landfall-1", "flags": ["in-use", "auto"]}, {"name": "landfall-2", "flags": ["auto"]},
            {"name": "another", "flags": ["in-use"]}, {"name": "landfall-3"}, {"flags": ["in-use"]}, 7]}}}"#;
        assert_eq!(unsound(info), ["landfall-1"]);
        assert!(unsound(b"{}").is_empty() && unsound(b"what").is_empty());
    }
}
