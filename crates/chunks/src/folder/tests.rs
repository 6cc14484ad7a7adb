use std::collections::HashSet;

use super::*;

/// What a store did to the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Written(PathBuf),
    /// All that was written before.
    Durable,
    Renamed(PathBuf),
}

#[test]
fn nothing_gets_its_name_before_it_is_durable_and_no_name_is_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path().join("store")).unwrap();
    let keys: Vec<String> = (0..1300).map(|n| format!("d/0000000000000001/{:06x}/{n:064x}", n / 40)).collect();
    for key in &keys {
        folder.write(key, key.as_bytes()).unwrap();
    }
    folder.sync("d/0000000000000001").unwrap();
    let (mut written, mut durable, mut renamed) = (HashSet::new(), HashSet::new(), HashSet::new());
    for step in lock(&folder.steps).drain(..) {
        match step {
            Step::Written(path) => assert!(written.insert(path)),
            Step::Durable => {
                durable.extend(written.drain());
                renamed.clear();
            }
            Step::Renamed(path) => {
                assert!(durable.remove(&path), "{path:?} was renamed first");
                renamed.insert(path);
            }
        }
    }
    assert!(written.is_empty() && durable.is_empty() && renamed.is_empty(), "something isn't durable");
    for key in &keys {
        assert_eq!(folder.read(key).unwrap().unwrap(), key.as_bytes());
    }
    assert!(lock(&folder.sessions).is_empty());
}

#[test]
fn what_waits_is_found_by_its_writer_and_by_nobody_half() {
    let dir = tempfile::tempdir().unwrap();
    let (mine, other) = (Folder::open(dir.path()).unwrap(), Folder::open(dir.path()).unwrap());
    mine.write("d/0000000000000001/000000/aa", b"body").unwrap();
    assert_eq!(other.read("d/0000000000000001/000000/aa").unwrap(), None);
    assert_eq!(mine.read("d/0000000000000001/000000/aa").unwrap().unwrap(), "body");
    assert_eq!(other.read("d/0000000000000001/000000/aa").unwrap().unwrap(), "body");
    assert_eq!(other.read("d/0000000000000001/000000/ab").unwrap(), None);
}

#[test]
fn deleting_leaves_no_empty_folders_but_the_domains() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path()).unwrap();
    let keys = ["d/0000000000000001/000000/aa".to_owned(), "d/0000000000000001/000001/aa".to_owned()];
    for key in &keys {
        folder.write(key, b"x").unwrap();
    }
    folder.sync("d/0000000000000001").unwrap();
    folder.delete(&keys[..1]).unwrap();
    assert_eq!(folder.size(&keys[1]).unwrap(), Some(1));
    folder.delete(&keys).unwrap();
    assert_eq!(fs::read_dir(dir.path().join("d")).unwrap().count(), 0);
    // Folders that a writer left before its first file.
    fs::create_dir_all(dir.path().join("d/0000000000000001/000003")).unwrap();
    fs::create_dir_all(dir.path().join("d/0000000000000002")).unwrap();
    let mut found = Vec::new();
    folder
        .list("d", &mut |listed| {
            found.push(listed.key);
            Ok(())
        })
        .unwrap();
    found.sort();
    assert_eq!(found, ["d/0000000000000001/000003/", "d/0000000000000002/"]);
    folder.delete(&found).unwrap();
    assert_eq!(fs::read_dir(dir.path().join("d")).unwrap().count(), 0);
    // A writer comes back to it.
    folder.write(&keys[0], b"y").unwrap();
    assert_eq!(folder.read(&keys[0]).unwrap().unwrap(), "y");
}
