//! What `tests/bench/10-chunks.sh` measures with: makes data, backs it up, restores it. Each command is one process, so
//! that it can be timed next to other programs.
//!
//! ```text
//! make FILE GIB              semi-compressible data: text, tables, noise, zeros
//! change FILE FIRST COUNT    other data in some blocks
//! backup STORE FILE SESSION BASE|- [FIRST COUNT]   prints the root; with a range only those blocks are read
//! restore STORE ROOT FILE
//! collect STORE NEXT ROOT...
//! raw DIR COUNT BYTES SYNC   writes files of that size: `each` made durable by itself, or `32` at a time
//! ```

#![expect(clippy::unwrap_used, reason = "a measurement that can't go on ends")]

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use landfall_chunks::{BLOCK_BYTES, Folder, Keys, Manifest, Options, Root, Session, Store, View, Writer, collect};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["make", file, gib] => make(file, number(gib)),
        ["change", file, first, count] => fill(&opened(file), number(first), number(count), 1 << 40),
        ["backup", folder, file, session, base] => backup(folder, file, number(session), base, None),
        ["backup", folder, file, session, base, first, count] => {
            backup(folder, file, number(session), base, Some((number(first), number(count))));
        }
        ["restore", folder, root, file] => restore(folder, root, file),
        ["collect", folder, next, roots @ ..] => {
            let roots = roots.iter().map(|root| root.parse().unwrap()).collect();
            let view = View { roots, open: BTreeSet::new(), next: Session(number(next)) };
            println!("{:?}", collect(&store(folder), &view).unwrap());
        }
        ["raw", folder, count, bytes, sync] => raw(folder, number(count), number(bytes), *sync == "each"),
        _ => panic!("see the beginning of this file"),
    }
}

fn number(text: &str) -> u64 {
    text.parse().unwrap()
}

fn store(folder: &str) -> Store {
    let keys = if std::env::var_os("SEALED").is_some() { Keys::sealed(&[1; 32]) } else { Keys::open(&[1; 32]) };
    Store::new(Arc::new(Folder::open(folder).unwrap()), "bench".parse().unwrap(), keys)
}

fn opened(file: &str) -> File {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(file).unwrap()
}

fn make(file: &str, gib: u64) {
    let file = opened(file);
    file.set_len(gib << 30).unwrap();
    fill(&file, 0, (gib << 30) / BLOCK_BYTES as u64, 0);
}

/// Pages as disks have them, by turns of 64 KiB: half text and tables, three tenths noise (as compressed or encrypted files are), two tenths zeros.
fn fill(file: &File, first: u64, count: u64, seed: u64) {
    const WORDS: [&str; 16] = [
        "the ",
        "of ",
        "and ",
        "error ",
        "request ",
        "0x7f3a",
        "\n",
        "INFO ",
        "2026-11-23 ",
        "user=",
        "status=200 ",
        "{\"id\":",
        "},",
        "instance ",
        "volume ",
        "\t",
    ];
    for block in first..first + count {
        let mut rng = (block + seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut next = || {
            rng ^= rng >> 12;
            rng ^= rng << 25;
            rng ^= rng >> 27;
            rng.wrapping_mul(0x2545_f491_4f6c_dd1d)
        };
        let mut bytes = Vec::with_capacity(BLOCK_BYTES + 64);
        while bytes.len() < BLOCK_BYTES {
            let end = bytes.len() + (64 << 10);
            match (next() >> 33) % 10 {
                0..4 => {
                    while bytes.len() < end {
                        let word = next();
                        bytes.extend_from_slice(WORDS[(word >> 60) as usize].as_bytes());
                        bytes.extend_from_slice(((word >> 20) % 100_000).to_string().as_bytes());
                    }
                }
                4 => {
                    // Records with counters and small numbers.
                    while bytes.len() < end {
                        bytes.extend_from_slice(&(bytes.len() as u64 / 32).to_le_bytes());
                        bytes.extend_from_slice(&((next() >> 50) as u32).to_le_bytes());
                        bytes.extend_from_slice(&[0, 0, 1, 0]);
                    }
                }
                5..8 => {
                    while bytes.len() < end {
                        bytes.extend_from_slice(&next().to_le_bytes());
                    }
                }
                _ => bytes.resize(end, 0),
            }
            bytes.truncate(end);
        }
        file.write_all_at(&bytes[..BLOCK_BYTES], block * BLOCK_BYTES as u64).unwrap();
    }
}

fn backup(folder: &str, file: &str, session: u64, base: &str, range: Option<(u64, u64)>) {
    let (store, file) = (store(folder), File::open(file).unwrap());
    let blocks = file.metadata().unwrap().len() / BLOCK_BYTES as u64;
    let base = (base != "-").then(|| Arc::new(Manifest::open(&store, &base.parse().unwrap()).unwrap()));
    let writer = Writer::begin(&store, Session(session), blocks, base, Options::default()).unwrap();
    let (first, count) = range.unwrap_or((0, blocks));
    for block in first..first + count {
        let mut contents = vec![0; BLOCK_BYTES];
        file.read_exact_at(&mut contents, block * BLOCK_BYTES as u64).unwrap();
        writer.write(block, contents).unwrap();
    }
    let (root, written) = writer.commit().unwrap();
    println!("{root}");
    eprintln!("{written:?}");
}

fn restore(folder: &str, root: &str, file: &str) {
    let store = store(folder);
    let manifest = Manifest::open(&store, &root.parse::<Root>().unwrap()).unwrap();
    let file = opened(file);
    file.set_len(manifest.blocks() * BLOCK_BYTES as u64).unwrap();
    for read in store.read_all(manifest.chunks(0), None) {
        let (block, contents) = read.unwrap();
        file.write_all_at(&contents, block * BLOCK_BYTES as u64).unwrap();
    }
    file.sync_all().unwrap();
}

fn raw(folder: &str, count: u64, bytes: u64, each: bool) {
    std::fs::create_dir_all(folder).unwrap();
    let body: Vec<u8> = (0..bytes).map(|n| (n.wrapping_mul(0x9e37_79b9) >> 13) as u8).collect();
    let mut waiting = Vec::new();
    let begun = std::time::Instant::now();
    for n in 0..count {
        let mut file = File::create(format!("{folder}/{n}")).unwrap();
        file.write_all(&body).unwrap();
        waiting.push(file);
        if each || waiting.len() == 32 {
            waiting.drain(..).for_each(|file| file.sync_all().unwrap());
        }
    }
    waiting.drain(..).for_each(|file| file.sync_all().unwrap());
    println!("{:.3}", begun.elapsed().as_secs_f64());
}
