//! The folders that stand for buckets, as they are read: objects by their keys, and keys in their order.
//!
//! A key is a path within its bucket's folder and leads nowhere else: each of its parts is opened from the folder before it,
//! and no link is followed, whoever puts one there and whenever. What is on its way into the folder, and what is told of an
//! object beside it, are no objects.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;

/// What the name of the file ends in that has an object's own metadata.
pub const METADATA: &str = ".metadata.json";
/// What the name of a file ends in that isn't whole yet.
const UNFINISHED: &str = ".unfinished";
/// The longest key, in bytes. Source: the Amazon S3 User Guide, "Naming Amazon S3 objects".
const KEY_BYTES: usize = 1024;
/// The most metadata, in bytes: more than S3 has, and none of ours is so large.
const METADATA_BYTES: u64 = 16 << 10;
/// Names of a folder that are held at a time, however many it has.
const NAMES: usize = 1_024;

/// The folders, by the names of their buckets.
#[derive(Clone, Debug, Default)]
pub struct Folders(BTreeMap<String, PathBuf>);

/// What is known of an object without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// How large it is.
    pub size_bytes: u64,
    /// When it was last written, in milliseconds since 1970.
    pub modified_ms: i64,
    /// Differs when it does.
    pub etag: String,
}

/// An object that is open.
#[derive(Debug)]
pub struct Opened {
    /// Its bytes.
    pub file: File,
    /// What is known of it.
    pub known: Known,
    /// What was told of it when it was put there.
    pub metadata: BTreeMap<String, String>,
}

impl Folders {
    /// Those of a configuration.
    pub fn new(folders: BTreeMap<String, PathBuf>) -> Self {
        Self(folders)
    }

    /// Opens the object of a key, if there is one. The error is of the folder itself, or the disk.
    pub fn open(&self, bucket: &str, key: &str) -> io::Result<Option<Opened>> {
        let mut folder = self.folder(bucket)?;
        if !may_be(key) {
            return Ok(None);
        }
        let (path, name) = key.rsplit_once('/').map_or(("", key), |(path, name)| (path, name));
        for part in path.split('/').filter(|_| !path.is_empty()) {
            match open_in(&folder, part, OFlag::O_DIRECTORY)? {
                Some(next) => folder = next,
                None => return Ok(None),
            }
        }
        // A pipe would otherwise be waited for.
        let Some(file) = open_in(&folder, name, OFlag::O_NONBLOCK)? else { return Ok(None) };
        let found = file.metadata()?;
        if !found.is_file() {
            return Ok(None);
        }
        Ok(Some(Opened { known: Known::of(&found), metadata: metadata(&folder, name)?, file }))
    }

    /// The keys that begin so and come after that one, in their order, so many at most.
    pub fn list(&self, bucket: &str, prefix: &str, after: &str, most: usize) -> io::Result<Vec<(String, Known)>> {
        let folder = self.folder(bucket)?;
        let mut walk = Walk { prefix, after, most, found: Vec::new() };
        if most > 0 {
            walk.enter(&folder, "")?;
        }
        Ok(walk.found)
    }

    fn folder(&self, bucket: &str) -> io::Result<File> {
        let path = self.0.get(bucket).ok_or(io::ErrorKind::NotFound)?;
        let folder = File::open(path)?;
        if folder.metadata()?.is_dir() { Ok(folder) } else { Err(io::ErrorKind::NotADirectory.into()) }
    }
}

impl Known {
    fn of(found: &fs::Metadata) -> Self {
        let (seconds, nanos) = (found.mtime(), found.mtime_nsec());
        Self {
            size_bytes: found.size(),
            modified_ms: seconds.saturating_mul(1_000).saturating_add(nanos / 1_000_000),
            // Files there are written as a whole and put in their place, so that another one is another file.
            etag: format!("\"{:x}-{seconds:x}{nanos:08x}-{:x}\"", found.ino(), found.size()),
        }
    }
}

/// Whether a key may be an object's.
fn may_be(key: &str) -> bool {
    let is_part = |part: &str| !matches!(part, "" | "." | "..") && !part.contains('\0');
    key.len() <= KEY_BYTES && key.split('/').all(is_part) && !is_hidden(key)
}

fn is_hidden(key: &str) -> bool {
    key.ends_with(METADATA) || key.ends_with(UNFINISHED)
}

/// Opens what has that name in a folder; nothing where it isn't there, or isn't what it is taken for, or is a link.
fn open_in(folder: &File, name: &str, flags: OFlag) -> io::Result<Option<File>> {
    let flags = flags | OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    match openat(folder, name, flags, Mode::empty()) {
        Ok(file) => Ok(Some(file.into())),
        Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP | Errno::ENAMETOOLONG | Errno::ENXIO) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn metadata(folder: &File, name: &str) -> io::Result<BTreeMap<String, String>> {
    let Some(file) = open_in(folder, &format!("{name}{METADATA}"), OFlag::O_NONBLOCK)? else {
        return Ok(BTreeMap::new());
    };
    let mut text = Vec::new();
    file.take(METADATA_BYTES).read_to_end(&mut text)?;
    // What isn't any tells nothing of the object.
    Ok(serde_json::from_slice(&text).unwrap_or_default())
}

/// A walk through a bucket's folder in the order of keys.
struct Walk<'a> {
    prefix: &'a str,
    after: &'a str,
    most: usize,
    found: Vec<(String, Known)>,
}

impl Walk<'_> {
    /// Finds what a folder has; `path` is what its keys begin with. It is over once enough is found.
    fn enter(&mut self, folder: &File, path: &str) -> io::Result<()> {
        let mut last = String::new();
        loop {
            let names = self.names(folder, path, &last)?;
            for name in &names {
                let key = format!("{path}{name}");
                if let Some(name) = name.strip_suffix('/') {
                    if let Some(inner) = open_in(folder, name, OFlag::O_DIRECTORY)? {
                        self.enter(&inner, &key)?;
                    }
                } else if let Ok(found) = fs::symlink_metadata(within(folder).join(name))
                    && found.is_file()
                {
                    self.found.push((key, Known::of(&found)));
                }
                if self.found.len() == self.most {
                    return Ok(());
                }
            }
            match names.last() {
                Some(name) if names.len() == NAMES => last.clone_from(name),
                _ => return Ok(()),
            }
        }
    }

    /// The next names of a folder that may lead to what is looked for, in the order of keys: a folder's ends in a slash.
    fn names(&self, folder: &File, path: &str, last: &str) -> io::Result<Vec<String>> {
        let mut names = BTreeSet::new();
        for entry in fs::read_dir(within(folder))? {
            let entry = entry?;
            let (Ok(kind), Ok(mut name)) = (entry.file_type(), entry.file_name().into_string()) else { continue };
            if kind.is_dir() {
                name.push('/');
            } else if !kind.is_file() || is_hidden(&name) {
                continue;
            }
            if name.as_str() > last && self.leads(&format!("{path}{name}")) {
                names.insert(name);
            }
            if names.len() > NAMES {
                names.pop_last();
            }
        }
        Ok(names.into_iter().collect())
    }

    /// Whether a key is looked for, or one may be in the folder whose keys begin so.
    fn leads(&self, key: &str) -> bool {
        if key.len() > KEY_BYTES {
            return false;
        }
        if key.ends_with('/') {
            let is_on_the_way = key.starts_with(self.prefix) || self.prefix.starts_with(key);
            return is_on_the_way && (key > self.after || self.after.starts_with(key));
        }
        key.starts_with(self.prefix) && key > self.after
    }
}

/// A path to an open folder that no one can turn elsewhere.
fn within(folder: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn bucket(names: &[&str]) -> (tempfile::TempDir, Folders) {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
        let folders = Folders::new([("b".to_owned(), folder.path().to_owned())].into());
        (folder, folders)
    }

    #[test]
    fn keys_come_in_their_order_page_by_page() {
        // A dot comes before a slash, and that before a digit.
        let sorted = ["a.txt", "a/b/1", "a/b/2", "a/c", "a0", "z"];
        let (folder, folders) =
            bucket(&["z", "a/c", "a0", "a/b/2", "a.txt", "a/b/1", "a/c.metadata.json", "a/d.unfinished"]);
        fs::create_dir(folder.path().join("a/empty")).unwrap();
        let keys = |prefix: &str, after: &str, most: usize| {
            let listed = folders.list("b", prefix, after, most).unwrap();
            listed.into_iter().map(|(key, _)| key).collect::<Vec<_>>()
        };
        assert_eq!(keys("", "", 1_000), sorted);
        for most in 1..=sorted.len() {
            let (mut seen, mut after) = (Vec::new(), String::new());
            loop {
                let page = keys("", &after, most);
                let Some(last) = page.last() else { break };
                after.clone_from(last);
                seen.extend(page);
            }
            assert_eq!(seen, sorted, "{most}");
        }
        assert_eq!(keys("a/", "", 1_000), sorted[1..4]);
        assert_eq!(keys("a/b", "a/b/1", 1_000), sorted[2..3]);
        assert_eq!(keys("", "a/b/zzz", 1_000), sorted[3..]);
        assert_eq!(keys("nothing", "", 1_000), [""; 0]);
        assert_eq!(keys("", "", 0), [""; 0]);
    }

    #[test]
    fn more_names_than_are_held_at_a_time_are_all_found() {
        let (folder, folders) = bucket(&["zz/last"]);
        for number in 0..NAMES * 2 + 3 {
            fs::create_dir(folder.path().join(format!("{number:05}"))).unwrap();
        }
        let listed = folders.list("b", "", "", 10).unwrap();
        assert_eq!(listed.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["zz/last"]);
    }

    #[test]
    fn a_key_leads_nowhere_else() {
        let (outside, _) = bucket(&["secret", "folder/secret"]);
        let (folder, folders) = bucket(&["in/side", "in/side.metadata.json"]);
        symlink(outside.path().join("secret"), folder.path().join("link")).unwrap();
        symlink(outside.path().join("folder"), folder.path().join("linked")).unwrap();
        symlink("side", folder.path().join("in/near")).unwrap();
        nix::unistd::mkfifo(&folder.path().join("pipe"), Mode::S_IRWXU).unwrap();
        assert!(folders.open("b", "in/side").unwrap().is_some());
        let up = format!("../{}/secret", outside.path().file_name().unwrap().to_str().unwrap());
        let absolute = outside.path().join("secret").to_str().unwrap().to_owned();
        let long = "x".repeat(300);
        for key in [
            "",
            "in",
            "in/",
            "/in/side",
            "in//side",
            "in/./side",
            "in/../in/side",
            "..",
            &up,
            &absolute,
            "link",
            "linked/secret",
            "in/near",
            "pipe",
            "in/side/more",
            "in/side.metadata.json",
            "a\0b",
            &long,
        ] {
            assert!(folders.open("b", key).unwrap().is_none(), "{key}");
        }
        let listed = folders.list("b", "", "", 1_000).unwrap();
        assert_eq!(listed.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["in/side"]);
        assert_eq!(folders.open("other", "in/side").unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn what_was_told_of_an_object_comes_with_it() {
        let (folder, folders) = bucket(&["digest"]);
        fs::write(folder.path().join("digest.metadata.json"), r#"{"signature":"ab"}"#).unwrap();
        let opened = folders.open("b", "digest").unwrap().unwrap();
        assert_eq!(opened.metadata, BTreeMap::from([("signature".to_owned(), "ab".to_owned())]));
        assert_eq!(opened.known.size_bytes, 6);
        let listed = folders.list("b", "", "", 1_000).unwrap();
        assert_eq!(listed, [("digest".to_owned(), opened.known.clone())]);
        // Another file in its place is another object.
        fs::write(folder.path().join("new"), "digest").unwrap();
        fs::rename(folder.path().join("new"), folder.path().join("digest")).unwrap();
        assert_ne!(folders.open("b", "digest").unwrap().unwrap().known.etag, opened.known.etag);
    }
}
