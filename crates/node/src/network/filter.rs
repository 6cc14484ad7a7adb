//! Loading the packet filter, and noticing that someone else changed it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Seek, Write};
use std::process::{Command, Stdio};

use nix::sys::memfd::{MFdFlags, memfd_create};

use super::difference::difference;
use super::netlink::filter_generation;
use crate::crash::crash_point;

/// A packet filter as it was loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    text: String,
    links: BTreeMap<String, u32>,
    generation: u32,
}

/// Makes the calling thread's namespace have this ruleset. Only what differs from what was loaded last is loaded; all of
/// it if that isn't known, if one of the links that it hangs on is another one now (rules go with their link), or if
/// anyone changed the packet filter since.
pub fn ensure(text: &str, links: BTreeMap<String, u32>, loaded: &mut Option<Loaded>) -> io::Result<()> {
    let generation = filter_generation()?;
    let before = loaded.take().filter(|loaded| loaded.generation == generation && loaded.is_of(&links));
    let loads = match before.and_then(|before| difference(&before.text, text)) {
        Some(nothing) if nothing.is_empty() => 0,
        Some(difference) => {
            // Whatever the kernel doesn't take in parts it is given whole.
            if let Err(error) = load(&difference) {
                tracing::warn!(%error, "a difference of rules wasn't taken; all of them are loaded");
                load(text)?;
            }
            1
        }
        None => {
            load(text)?;
            1
        }
    };
    // If someone was faster than us meanwhile, it isn't known what holds: the next time it is loaded again.
    let generation = generation.wrapping_add(loads);
    if filter_generation()? == generation {
        *loaded = Some(Loaded { text: text.to_owned(), links, generation });
    }
    Ok(())
}

impl Loaded {
    /// Whether none of these links was made anew since.
    fn is_of(&self, links: &BTreeMap<String, u32>) -> bool {
        links.iter().all(|(name, index)| self.links.get(name).is_none_or(|before| before == index))
    }
}

/// Loads a text that doesn't change what the ruleset says, such as what a set remembers.
pub fn load_beside(text: &str, loaded: &mut Option<Loaded>) -> io::Result<()> {
    let before = filter_generation()?;
    load(text)?;
    if let Some(loaded) = loaded
        && loaded.generation == before
        && filter_generation()? == before.wrapping_add(1)
    {
        loaded.generation = before.wrapping_add(1);
    }
    Ok(())
}

/// Loads a text in one transaction: all of it or nothing. It is handed over as a file, because the beginning of a text is
/// a text too: a pipe whose writer is killed would leave the deletion of the old rules without the new ones.
pub fn load(text: &str) -> io::Result<()> {
    let mut file = File::from(memfd_create(c"rules", MFdFlags::MFD_CLOEXEC)?);
    file.write_all(text.as_bytes())?;
    file.rewind()?;
    let step = step(text);
    crash_point!("nft:{step}:load");
    let child = Command::new("nft")
        .args(["-f", "-"])
        .stdin(file)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| io::Error::new(error.kind(), format!("nft can't be started: {error}")))?;
    crash_point!("nft:{step}:loading");
    let output = child.wait_with_output()?;
    crash_point!("nft:{step}:loaded");
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    let words: Vec<_> = words.lines().take(3).collect();
    Err(io::Error::other(format!("nft refused the rules: {}", words.join(" / "))))
}

/// What a text is about, for the names of crash points.
fn step(text: &str) -> &'static str {
    match () {
        () if text.starts_with("add element arp") => "forget",
        () if text.starts_with("table arp") => "network",
        () if !text.starts_with("table ") => "difference",
        () if text.lines().count() == 2 => "delete-machine",
        () => "machine",
    }
}

/// The elements of a set, as texts. None where there is no such set.
pub fn list_set(family: &str, table: &str, set: &str) -> io::Result<Vec<String>> {
    let output = Command::new("nft").args(["-j", "list", "set", family, table, set]).output()?;
    if !output.status.success() {
        return Ok(Vec::new());
    }
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let objects = answer["nftables"].as_array().map(Vec::as_slice).unwrap_or_default();
    let elements = objects.iter().filter_map(|object| object["set"]["elem"].as_array()).flatten();
    // An element is its value, or an object with the value and more about it.
    Ok(elements
        .filter_map(|element| element.as_str().or_else(|| element["elem"]["val"].as_str()))
        .map(str::to_owned)
        .collect())
}
