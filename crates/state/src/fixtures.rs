//! Fixtures of stored rows: a test that an older store is read by this binary.
//!
//! For every table and every version up to the current one there is a file `kind.vN.json` with a row's body as
//! that version wrote it. Whoever raises a version leaves the old file and adds a new one.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::value::Value;

/// Reads the fixtures of all tables of a value; what is missing, left over or unreadable, one line each.
pub fn check<V: Value>(folder: &Path) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut expected = BTreeSet::new();
    for &(kind, newest) in V::KINDS {
        for version in 1..=newest {
            let name = format!("{kind}.v{version}.json");
            match fs::read_to_string(folder.join(&name)) {
                Err(error) => complaints.push(format!("{name}: {error}")),
                Ok(body) => {
                    if let Err(error) = V::decode(kind, None, None, Some((version, &body))) {
                        complaints.push(format!("{name}: {error}"));
                    }
                }
            }
            expected.insert(name);
        }
    }
    match fs::read_dir(folder) {
        Err(error) => complaints.push(format!("{}: {error}", folder.display())),
        Ok(files) => {
            let names = files.flatten().map(|file| file.file_name().to_string_lossy().into_owned());
            complaints.extend(names.filter(|name| !expected.contains(name)).map(|name| format!("{name}: of no table")));
        }
    }
    complaints
}
