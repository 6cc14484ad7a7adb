//! Loading the packet filter, and noticing that someone else changed it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Seek, Write};
use std::process::{Command, Stdio};

use nix::sys::memfd::{MFdFlags, memfd_create};

use super::batch::Batch;
use super::difference::{Change, Ruleset, changes, commands};
use super::line::Line;
use crate::crash::crash_point;

/// The numbers of the links that a packet filter hangs on, by name.
pub type Hooked = BTreeMap<String, u32>;

/// A packet filter as it was loaded.
pub struct Loaded {
    said: Said,
    links: Hooked,
    generation: u32,
    line: Line,
}

impl Loaded {
    /// The line to the packet filter that it is of.
    pub fn line(&self) -> &Line {
        &self.line
    }
}

/// What was loaded.
#[derive(PartialEq, Eq)]
enum Said {
    /// What can be told apart from another.
    Known(Ruleset),
    /// A text of a form that only `nft` knows.
    Text(String),
}

impl Said {
    fn of(text: &str) -> Self {
        Ruleset::parse(text).map_or_else(|| Self::Text(text.to_owned()), Self::Known)
    }

    /// The steps from this to that.
    fn changes<'s>(&'s self, to: &'s Said) -> Option<Vec<Change<'s>>> {
        match (self, to) {
            (Self::Known(before), Self::Known(after)) => changes(before, after),
            _ => (self == to).then(Vec::new),
        }
    }
}

/// Makes the calling thread's namespace have this ruleset. Only what differs from what was loaded last is loaded; all of
/// it if that isn't known, if one of the links that it hangs on is another one now (rules go with their link), or if
/// anyone changed the packet filter since.
pub fn ensure(text: &str, links: Hooked, loaded: &mut Option<Loaded>) -> io::Result<()> {
    let (mut line, before) = match loaded.take().filter(|loaded| loaded.line.leads_here()) {
        Some(Loaded { said, links: old, generation, line }) => (line, Some((said, generation, old))),
        None => (Line::open()?, None),
    };
    let generation = line.generation()?;
    let is_known = |(_, loaded, old): &(Said, u32, Hooked)| *loaded == generation && is_of(old, &links);
    let before = before.filter(is_known).map(|(said, ..)| said);
    let said = Said::of(text);
    let steps = before.as_ref().and_then(|before| before.changes(&said)).map(|changes| Steps::of(&changes, generation));
    let loads = match steps {
        Some(Steps::Nothing) => 0,
        Some(steps) if steps.is_shorter_than(text) => {
            // Whatever the kernel doesn't take in parts it is given whole.
            if let Err(error) = steps.take(&mut line, generation) {
                tracing::warn!(%error, "a difference of rules wasn't taken; all of them are loaded");
                load(text)?;
            }
            1
        }
        _ => {
            load(text)?;
            1
        }
    };
    // If someone was faster than us meanwhile, it isn't known what holds: the next time it is loaded again.
    let generation = generation.wrapping_add(loads);
    if line.generation()? == generation {
        *loaded = Some(Loaded { said, links, generation, line });
    }
    Ok(())
}

/// Whether none of these links was made anew since.
fn is_of(before: &Hooked, links: &Hooked) -> bool {
    links.iter().all(|(name, index)| before.get(name).is_none_or(|old| old == index))
}

/// What leads from a part of a packet filter to another, where all else is as it was loaded.
pub struct Part {
    before: Ruleset,
    after: Ruleset,
}

impl Part {
    /// That between two texts; `None` where it doesn't fit what was loaded.
    pub fn of(before: &str, after: &str, loaded: Option<&Loaded>) -> Option<Self> {
        let part = Self { before: Ruleset::parse(before)?, after: Ruleset::parse(after)? };
        match &loaded?.said {
            Said::Known(whole) if whole.fits(&part.before, &part.after) => Some(part),
            _ => None,
        }
    }

    /// Loads it. Of the links that rules hang on some went and some came, and none of those that stay is another one.
    /// What goes wrong leaves it unknown what is loaded.
    pub fn load<'n>(
        self,
        gone: impl Iterator<Item = &'n String>,
        come: Hooked,
        loaded: &mut Option<Loaded>,
    ) -> io::Result<()> {
        let changed = || io::Error::other("someone else changed the rules");
        let known = loaded.take().filter(|loaded| loaded.line.leads_here()).ok_or_else(changed)?;
        let Loaded { said: Said::Known(mut whole), mut links, mut generation, mut line } = known else {
            return Err(changed());
        };
        if line.generation()? != generation {
            return Err(changed());
        }
        let steps = Steps::of(&changes(&self.before, &self.after).ok_or_else(changed)?, generation);
        let taken = steps.take(&mut line, generation).inspect_err(|error| {
            tracing::warn!(%error, "a difference of rules wasn't taken; all of them are loaded");
        });
        generation = generation.wrapping_add(taken?);
        whole.take(&self.before, &self.after);
        gone.for_each(|name| _ = links.remove(name));
        links.extend(come);
        *loaded = Some(Loaded { said: Said::Known(whole), links, generation, line });
        Ok(())
    }
}

/// What leads from one packet filter to another, from a generation on, in one transaction.
enum Steps {
    Nothing,
    Batch(Batch),
    /// In a form that only `nft` knows.
    Commands(String),
}

impl Steps {
    fn of(changes: &[Change<'_>], generation: u32) -> Self {
        match changes {
            [] => Self::Nothing,
            some => Batch::of(some, generation).map_or_else(|| Self::Commands(commands(some)), Self::Batch),
        }
    }

    fn is_shorter_than(&self, text: &str) -> bool {
        !matches!(self, Self::Commands(commands) if commands.len() > text.len())
    }

    /// Takes them. Returns how many transactions that was.
    fn take(self, line: &mut Line, generation: u32) -> io::Result<u32> {
        tracing::trace!(generation, by_nft = matches!(self, Self::Commands(_)), "rules change");
        match self {
            Self::Nothing => Ok(0),
            Self::Batch(batch) => line.send(batch).map(|()| 1).or_else(|error| {
                // Nothing that is still to come of it is to be taken for something else's.
                *line = Line::open()?;
                Err(io::Error::new(error.kind(), format!("the kernel refused a change of rules: {error}")))
            }),
            Self::Commands(commands) => load(&commands).map(|()| 1),
        }
    }
}

/// Loads a text that doesn't change what the ruleset says, such as what a set remembers.
pub fn load_beside(text: &str, loaded: &mut Option<Loaded>) -> io::Result<()> {
    let Some(known) = loaded.as_mut().filter(|loaded| loaded.line.leads_here()) else { return load(text) };
    let before = known.line.generation()?;
    load(text)?;
    if known.generation == before && known.line.generation()? == before.wrapping_add(1) {
        known.generation = before.wrapping_add(1);
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

/// The rules of a table, as `nft` shows them, without the elements of sets. Empty where there is no such table.
pub fn list_rules(family: &str, table: &str) -> io::Result<String> {
    let output = Command::new("nft").args(["-t", "list", "table", family, table]).output()?;
    Ok(if output.status.success() { String::from_utf8_lossy(&output.stdout).into_owned() } else { String::new() })
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
