//! The last step of every build: hash the disk, pick a free name, and move all files into place, so that the
//! caller's folder never holds half an image.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest;

use super::{BuiltImage, ImageError, Progress, Qcow2, Report};

const STEP: &str = "putting the image into place";

/// The parts of a finished image, still in the work folder.
pub(super) struct Parts<'a> {
    pub(super) disk: &'a Path,
    pub(super) virtual_size_bytes: u64,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) min_ram_mib: u32,
    pub(super) boot: Option<DirectBoot>,
}

/// What a direct boot needs.
pub(super) struct DirectBoot {
    pub(super) kernel: PathBuf,
    pub(super) initrd: Vec<u8>,
    pub(super) cmdline: String,
}

/// Moves the parts into `out`. The disk comes last: where there is a disk, all is there.
pub(super) fn finish(parts: Parts<'_>, out: &Path, report: Report<'_>) -> Result<BuiltImage, ImageError> {
    std::fs::create_dir_all(out).map_err(ImageError::io(STEP, out))?;
    let sha256 = sha256_file(parts.disk, report)?;
    let place = |suffix: &str| out.join(format!("{}.{suffix}", parts.name));
    let (path, kernel, initrd) = (place("qcow2"), place("vmlinuz"), place("initrd"));
    let direct = parts.boot.is_some();
    let cmdline = parts.boot.as_ref().map(|boot| boot.cmdline.clone());
    if let Err(error) = place_all(&parts, &kernel, &initrd, &path) {
        // The disk came last, so without it the others belong to nobody; what isn't there needs no removal.
        if direct && !path.exists() {
            let _ = (std::fs::remove_file(&kernel), std::fs::remove_file(&initrd));
        }
        return Err(error);
    }
    Ok(BuiltImage {
        path,
        format: Qcow2,
        virtual_size_bytes: parts.virtual_size_bytes,
        sha256,
        name: parts.name,
        description: parts.description,
        min_ram_mib: parts.min_ram_mib,
        kernel: direct.then_some(kernel),
        initrd: direct.then_some(initrd),
        cmdline,
    })
}

fn place_all(parts: &Parts<'_>, kernel: &Path, initrd: &Path, disk: &Path) -> Result<(), ImageError> {
    if let Some(boot) = &parts.boot {
        let content = std::fs::read(&boot.kernel).map_err(ImageError::io(STEP, &boot.kernel))?;
        write_whole(kernel, &content)?;
        write_whole(initrd, &boot.initrd)?;
    }
    move_whole(parts.disk, disk)
}

/// The first of `first`, `next(2)`, `next(3)` … whose disk doesn't exist yet. An image that exists is never
/// replaced: guests' disks may rest on it.
pub(super) fn free_name(out: &Path, first: String, next: impl Fn(u32) -> String) -> String {
    let taken = |name: &String| out.join(format!("{name}.qcow2")).exists();
    std::iter::once(first).chain((2..).map(next)).find(|name| !taken(name)).unwrap_or_default()
}

fn write_whole(path: &Path, content: &[u8]) -> Result<(), ImageError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(ImageError::io(STEP, path))?;
    std::io::Write::write_all(&mut file, content).map_err(ImageError::io(STEP, path))?;
    file.as_file().sync_all().map_err(ImageError::io(STEP, path))?;
    file.persist(path).map(drop).map_err(|error| ImageError::io(STEP, path)(error.error))
}

/// Renames, or copies where the work folder lies on another file system; then renames.
fn move_whole(from: &Path, to: &Path) -> Result<(), ImageError> {
    let folder = to.parent().unwrap_or(Path::new("."));
    let beside = tempfile::Builder::new().prefix(".image-").tempfile_in(folder).map_err(ImageError::io(STEP, to))?;
    if std::fs::rename(from, beside.path()).is_err() {
        std::fs::copy(from, beside.path()).map_err(ImageError::io(STEP, to))?;
        std::fs::remove_file(from).map_err(ImageError::io(STEP, from))?;
    }
    let file = File::open(beside.path()).map_err(ImageError::io(STEP, to))?;
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    file.set_permissions(private).map_err(ImageError::io(STEP, to))?;
    file.sync_all().map_err(ImageError::io(STEP, to))?;
    beside.persist_noclobber(to).map_err(|error| ImageError::io(STEP, to)(error.error))?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(ImageError::io(STEP, folder))
}

fn sha256_file(path: &Path, report: Report<'_>) -> Result<String, ImageError> {
    let step = "computing the checksum";
    let mut file = File::open(path).map_err(ImageError::io(step, path))?;
    let total = file.metadata().map_err(ImageError::io(step, path))?.len();
    let mut context = digest::Context::new(&digest::SHA256);
    let mut chunk = vec![0; 1 << 20];
    let mut done = 0;
    loop {
        match file.read(&mut chunk).map_err(ImageError::io(step, path))? {
            0 => return Ok(hex(context.finish().as_ref())),
            length => {
                context.update(&chunk[..length]);
                done += length as u64;
                report(Progress { step, done, total: Some(total) });
            }
        }
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Year, month and day of the clock, in UTC.
pub(super) fn today() -> (i64, u32, u32) {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    civil(i64::try_from(seconds / 86_400).unwrap_or(0))
}

/// Days since 1970-01-01 to a date, by Howard Hinnant's "chrono-Compatible Low-Level Date Algorithms".
fn civil(days: i64) -> (i64, u32, u32) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, u32::try_from(month).unwrap_or(1), u32::try_from(day).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        for (days, date) in
            [(0, (1970, 1, 1)), (11_016, (2000, 2, 29)), (20_779, (2026, 11, 22)), (20_818, (2026, 12, 31))]
        {
            assert_eq!(civil(days), date);
        }
    }

    #[test]
    fn an_existing_image_is_never_replaced() {
        let out = tempfile::tempdir().expect("folder");
        let name = || free_name(out.path(), "a".to_owned(), |number| format!("a-{number}"));
        assert_eq!(name(), "a");
        for taken in ["a.qcow2", "a-2.qcow2"] {
            std::fs::write(out.path().join(taken), "kept").expect("write");
        }
        assert_eq!(name(), "a-3");
        let from = out.path().join("new");
        std::fs::write(&from, "new").expect("write");
        assert!(move_whole(&from, &out.path().join("a.qcow2")).is_err());
        assert_eq!(std::fs::read(out.path().join("a.qcow2")).expect("read"), b"kept");
    }
}
