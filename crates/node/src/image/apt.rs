//! Debian packages as a source of files: asked for by name, kept in a cache, unpacked without installing.
//!
//! `apt-get download` verifies signatures and hashes as for an installation, needs no root, and touches
//! nothing of the machine's own state.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::tool::{Output, Tool};
use super::{ImageError, Progress, Report};

const STEP: &str = "fetching packages";

/// One file that `apt-get download` would fetch.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    package: String,
    file: String,
    size_bytes: u64,
}

/// The package behind a metapackage: its dependency that begins with `prefix`.
pub(super) fn behind(metapackage: &str, prefix: &str) -> Result<String, ImageError> {
    let text = query(&["depends", metapackage])?;
    parse_depends(&text, prefix).ok_or_else(|| ImageError::Packages {
        step: STEP,
        reason: format!("{metapackage} depends on no package that begins with {prefix}"),
    })
}

fn parse_depends(text: &str, prefix: &str) -> Option<String> {
    let names = text.lines().filter_map(|line| line.trim().strip_prefix("Depends:")).map(str::trim);
    names.filter(|name| name.starts_with(prefix)).map(str::to_owned).next()
}

/// The packages and all that they depend on.
pub(super) fn closure(packages: &[&str]) -> Result<BTreeSet<String>, ImageError> {
    let mut args = vec!["depends", "--recurse", "--no-recommends", "--no-suggests", "--no-conflicts"];
    args.extend(["--no-breaks", "--no-replaces", "--no-enhances"]);
    args.extend(packages);
    Ok(parse_closure(&query(&args)?))
}

/// Packages stand at the beginning of a line; virtual ones in angle brackets.
fn parse_closure(text: &str) -> BTreeSet<String> {
    text.lines()
        .filter(|line| line.starts_with(|first: char| first.is_ascii_alphanumeric()))
        .map(str::to_owned)
        .collect()
}

/// Downloads what the cache lacks, and returns the path of each package's file.
pub(super) fn download(
    packages: &BTreeSet<String>,
    cache: &Path,
    report: Report<'_>,
) -> Result<Vec<PathBuf>, ImageError> {
    std::fs::create_dir_all(cache).map_err(ImageError::io(STEP, cache))?;
    // In an empty folder, since apt leaves out what lies in the current one.
    let empty = tempfile::tempdir_in(cache).map_err(ImageError::io(STEP, cache))?;
    let listing = with_update(report, || {
        apt_get(&["download", "--print-uris"], packages.iter().map(String::as_str), empty.path())
    })?;
    let wanted = parse_uris(&listing);
    if wanted.len() != packages.len() {
        let reason = format!("apt names {} files for the {} packages {packages:?}", wanted.len(), packages.len());
        return Err(ImageError::Packages { step: STEP, reason });
    }
    let size = |path: &Path| std::fs::metadata(path).map(|data| data.len()).ok();
    let missing = wanted.iter().filter(|entry| size(&cache.join(&entry.file)) != Some(entry.size_bytes));
    let missing: Vec<&Wanted> = missing.collect();
    let total = missing.iter().map(|entry| entry.size_bytes).sum();
    report(Progress { step: STEP, done: 0, total: Some(total) });
    if !missing.is_empty() {
        let names = || missing.iter().map(|entry| entry.package.as_str());
        with_update(report, || apt_get(&["download"], names(), empty.path()))?;
    }
    for entry in missing {
        let (from, to) = (empty.path().join(&entry.file), cache.join(&entry.file));
        std::fs::rename(&from, &to).map_err(ImageError::io(STEP, &from))?;
    }
    report(Progress { step: STEP, done: total, total: Some(total) });
    Ok(wanted.into_iter().map(|entry| cache.join(entry.file)).collect())
}

/// Unpacks a package's files below `folder`.
pub(super) fn unpack(package: &Path, folder: &Path) -> Result<(), ImageError> {
    Tool::new("unpacking packages", "dpkg-deb")?.arg("-x").arg(package).arg(folder).run().map(drop)
}

fn query(args: &[&str]) -> Result<Output, ImageError> {
    with_update(&|_| {}, || Tool::new(STEP, "apt-cache")?.args(args).run())
}

fn apt_get<'a>(words: &[&str], packages: impl Iterator<Item = &'a str>, folder: &Path) -> Result<Output, ImageError> {
    let mut tool = Tool::new(STEP, "apt-get")?.folder(folder).timeout(Duration::from_secs(900)).args(["-q"]);
    if nix::unistd::geteuid().is_root() {
        // The folder isn't open to apt's own user, which it would warn about.
        tool = tool.args(["-o", "APT::Sandbox::User=root"]);
    }
    tool.args(words).args(packages).run()
}

/// Tries once more after refreshing the package lists, when apt's words name that as what helps.
fn with_update(report: Report<'_>, attempt: impl Fn() -> Result<Output, ImageError>) -> Result<Output, ImageError> {
    let error = match attempt() {
        Ok(output) if !output.trim().is_empty() => return Ok(output),
        // A fresh machine without lists: apt-cache may say nothing at all.
        Ok(_) => return update(report).and_then(|()| attempt()),
        Err(error) => error,
    };
    match &error {
        ImageError::Tool { stderr, .. } if names_update(stderr) => {
            // When the lists can't be refreshed either, the first failure says more.
            update(report).map_err(|second| join(error, &second))?;
            attempt()
        }
        _ => Err(error),
    }
}

fn update(report: Report<'_>) -> Result<(), ImageError> {
    report(Progress { step: "refreshing apt's package lists", done: 0, total: None });
    let tool = Tool::new("refreshing apt's package lists", "apt-get")?;
    tool.args(["-q", "update"]).timeout(Duration::from_secs(600)).run().map(drop)
}

fn names_update(stderr: &str) -> bool {
    let words = [
        "apt-get update",
        "apt update",
        "Unable to locate package",
        "No packages found",
        "Unable to find a source package",
    ];
    let words = words.iter().chain(&[
        "404  Not Found",
        "Can't select candidate",
        "Hash Sum mismatch",
        "File has unexpected size",
    ]);
    words.into_iter().any(|word| stderr.contains(word))
}

fn join(first: ImageError, second: &ImageError) -> ImageError {
    match first {
        ImageError::Tool { step, tool, outcome, stderr } => {
            ImageError::Tool { step, tool, outcome, stderr: format!("{}\n{second}", stderr.trim_end()) }
        }
        other => other,
    }
}

/// Lines such as `'http://host/pool/x_1%3a2_amd64.deb' x_1%3a2_amd64.deb 1234 SHA256:…`.
fn parse_uris(text: &str) -> Vec<Wanted> {
    let parse = |line: &str| {
        let mut words = line.strip_prefix('\'')?.split_once("' ")?.1.split(' ');
        let file = words.next()?.to_owned();
        let size_bytes = words.next()?.parse().ok()?;
        let package = file.split_once('_')?.0.to_owned();
        (!file.contains('/')).then_some(Wanted { package, file, size_bytes })
    };
    text.lines().filter_map(parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metapackage_is_followed() {
        let text = "linux-image-cloud-amd64\n  Depends: linux-image-6.1.0-56-cloud-amd64\n  Suggests: x\n";
        assert_eq!(parse_depends(text, "linux-image-").as_deref(), Some("linux-image-6.1.0-56-cloud-amd64"));
        assert_eq!(parse_depends(text, "linux-headers-"), None);
    }

    #[test]
    fn closure_leaves_out_virtual_packages_and_relations() {
        let text = "dropbear-bin\n  Depends: libc6\nlibc6\n  Depends: <libc-virtual>\n<libc-virtual>\n |Depends: zlib1g\nzlib1g\n";
        let names: Vec<_> = parse_closure(text).into_iter().collect();
        assert_eq!(names, ["dropbear-bin", "libc6", "zlib1g"]);
    }

    #[test]
    fn uris_are_parsed_and_paths_refused() {
        let text =
            "'http://d/b_1%3a1.35_amd64.deb' b_1%3a1.35_amd64.deb 971124 SHA256:00\nnoise\n'http://d/x' ../x_1 5 \n";
        let wanted = Wanted { package: "b".into(), file: "b_1%3a1.35_amd64.deb".into(), size_bytes: 971_124 };
        assert_eq!(parse_uris(text), [wanted]);
    }

    #[test]
    fn only_words_that_name_an_update_lead_to_one() {
        assert!(names_update("E: Unable to locate package dropbear-bin"));
        assert!(names_update("E: Failed to fetch http://d/x  404  Not Found [IP: ::1 80]"));
        assert!(!names_update("E: You don't have enough free space in /var/cache/apt/archives/."));
    }
}
