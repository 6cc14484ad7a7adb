//! Writes blocks that say what they are, and checks them. It runs in a guest that has no more than its kernel.
//!
//! `pattern write DEVICE TAG FIRST BLOCKS SIZE STOP` writes batch after batch from the number FIRST on, each of BLOCKS blocks
//! anywhere in the first SIZE of the device, until there is a file STOP. It says `flushed N` once a batch is on the disk for
//! good, and begins none before the one before it is.
//!
//! `pattern check DEVICE` reads a history from standard input, a line for each run of batches in their order: `TAG FIRST LAST
//! BLOCKS SIZE sure`, or `maybe` for those of which nobody knows how far they got. It reads each block that any of them wrote,
//! and as many that none did, and says `mismatch …` of each that holds what it can't hold: something else than what was
//! written there, less than what was flushed, or something that can't be there without what was flushed before it. Of each
//! run of which nobody knew it says how far it got: `cut TAG N`.

use std::collections::{BTreeMap, HashMap};
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

const BLOCK: usize = 4096;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize| words[index].parse::<u64>().expect("a number");
    match words.first().map(String::as_str) {
        Some("write") => write(&words[1], number(2), number(3), number(4), number(5), Path::new(&words[6])),
        Some("check") => check(&words[1]),
        _ => panic!("pattern write … or pattern check …"),
    }
}

/// The finaliser of splitmix64: the same numbers everywhere, without a generator's state.
fn mix(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// The blocks that a batch writes.
fn places(tag: u64, batch: u64, blocks: u64, size: u64) -> impl Iterator<Item = u64> {
    let seed = mix(mix(tag) ^ batch);
    (0..blocks).map(move |n| mix(seed ^ n) % size)
}

/// What a batch writes at a place: who wrote it, where, when, and numbers that follow from those.
fn content(tag: u64, place: u64, batch: u64) -> Vec<u8> {
    let seed = mix(mix(mix(tag) ^ place) ^ batch);
    let rest = (3..BLOCK as u64 / 8).map(|n| mix(seed ^ n));
    [tag, place, batch].into_iter().chain(rest).flat_map(u64::to_le_bytes).collect()
}

fn write(device: &str, tag: u64, first: u64, blocks: u64, size: u64, stop: &Path) {
    let file = OpenOptions::new().write(true).open(device).expect("the device");
    let mut out = std::io::stdout();
    for batch in first.. {
        if stop.exists() {
            return;
        }
        for place in places(tag, batch, blocks, size) {
            file.write_all_at(&content(tag, place, batch), place * BLOCK as u64).expect("a write");
        }
        file.sync_data().expect("a flush");
        writeln!(out, "flushed {batch}").and_then(|()| out.flush()).expect("somebody who listens");
    }
}

/// A run of batches of a history.
struct Run {
    tag: u64,
    batches: std::ops::RangeInclusive<u64>,
    blocks: u64,
    size: u64,
    sure: bool,
    /// The place in the history of its first batch.
    begins: usize,
    /// The place of the last batch of which something is there.
    cut: Option<usize>,
}

fn check(device: &str) {
    let runs = &mut history();
    let mut order: HashMap<(u64, u64), usize> = HashMap::new();
    let mut of: Vec<usize> = Vec::new();
    let mut written: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (index, run) in runs.iter_mut().enumerate() {
        run.begins = of.len();
        for batch in run.batches.clone() {
            let place_in_history = of.len();
            order.insert((run.tag, batch), place_in_history);
            of.push(index);
            for place in places(run.tag, batch, run.blocks, run.size) {
                written.entry(place).or_default().push(place_in_history);
            }
        }
    }
    let file = File::open(device).expect("the device");
    let (mut mismatches, mut read) = (0_u64, 0_u64);
    let mut wrong = |place: u64, what: String| {
        mismatches += 1;
        if mismatches <= 20 {
            println!("mismatch at {place}: {what}");
        }
    };
    let mut found: BTreeMap<u64, Option<usize>> = BTreeMap::new();
    let beside: Vec<u64> = written.keys().map(|place| place ^ 1).filter(|place| !written.contains_key(place)).collect();
    for place in written.keys().copied().chain(beside) {
        let mut bytes = vec![0; BLOCK];
        if let Err(error) = file.read_exact_at(&mut bytes, place * BLOCK as u64) {
            wrong(place, error.to_string());
            continue;
        }
        read += 1;
        let word = |n: usize| u64::from_le_bytes(bytes[8 * n..8 * n + 8].try_into().expect("eight bytes"));
        let (tag, own, batch) = (word(0), word(1), word(2));
        if bytes.iter().all(|byte| *byte == 0) {
            found.insert(place, None);
        } else if own != place || bytes != content(tag, place, batch) {
            wrong(place, format!("nothing that was written there: {tag} {own} {batch}"));
        } else {
            let held = order.get(&(tag, batch)).filter(|held| written.get(&place).is_some_and(|all| all.contains(held)));
            match held {
                Some(held) => _ = found.insert(place, Some(*held)),
                None => wrong(place, format!("batch {batch} of {tag}, which nobody may have written")),
            }
        }
    }
    // What is there of a batch says that all before it had been flushed.
    for held in found.values().flatten() {
        let run = &mut runs[of[*held]];
        run.cut = run.cut.max(Some(*held));
    }
    for (place, held) in &found {
        let is_due = |batch: &&usize| {
            let run = &runs[of[**batch]];
            run.sure || run.cut.is_some_and(|cut| **batch < cut)
        };
        let due = written.get(place).and_then(|all| all.iter().rev().find(is_due)).copied();
        if *held < due {
            wrong(*place, format!("{held:?} of the history instead of {due:?} or later: something older"));
        }
    }
    for run in runs.iter().filter(|run| !run.sure) {
        if let Some(cut) = run.cut {
            println!("cut {} {}", run.tag, run.batches.start() + (cut - run.begins) as u64);
        }
    }
    println!("checked {read} blocks, {mismatches} mismatches");
}

fn history() -> Vec<Run> {
    let lines = std::io::stdin().lock().lines().map(|line| line.expect("a line"));
    let run = |line: String| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |index: usize| words[index].parse::<u64>().expect("a number");
        Run {
            tag: number(0),
            batches: number(1)..=number(2),
            blocks: number(3),
            size: number(4),
            sure: words[5] == "sure",
            begins: 0,
            cut: None,
        }
    };
    lines.map(run).collect()
}
