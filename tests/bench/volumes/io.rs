//! Reads and writes a disk past the guest's cache: `io DEVICE KIND MS`, which says how many operations a second there were.
//! KIND is `read` or `write`, of 4 KiB anywhere, or `scan` or `fill`, of 1 MiB one after the other; `noise FROM MIB` fills a
//! part with what doesn't compress, once, and flushes. It runs in a guest, so it needs nothing but the kernel.

use std::fs::OpenOptions;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::time::{Duration, Instant};

const O_DIRECT: i32 = 0o40000;
const MIB: u64 = 1 << 20;
/// How much of the disk is used: both disks have that much.
const SPAN: u64 = 1 << 30;

/// Where a disk wants its memory to be.
#[repr(align(4096))]
struct Page([u8; MIB as usize]);

struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn fill(&mut self, page: &mut Page) {
        page.0.chunks_exact_mut(8).for_each(|word| word.copy_from_slice(&self.next().to_le_bytes()));
    }
}

fn main() {
    let words: Vec<String> = std::env::args().collect();
    let number = |at: usize| words[at].parse::<u64>().expect("a number");
    let disk = OpenOptions::new().read(true).write(true).custom_flags(O_DIRECT).open(&words[1]).expect("a disk");
    let seed = Instant::now().elapsed().as_nanos() as u64 ^ std::process::id() as u64 ^ 0x9e37_79b9_7f4a_7c15;
    let (mut page, mut noise) = (Box::new(Page([0; MIB as usize])), Noise(seed));
    noise.fill(&mut page);
    if words[2] == "noise" {
        for at in number(3)..number(3) + number(4) {
            noise.fill(&mut page);
            disk.write_all_at(&page.0, at * MIB).expect("a write");
        }
        disk.sync_all().expect("a flush");
        return;
    }
    let (length, writes) = match words[2].as_str() {
        "read" => (4096, false),
        "write" => (4096, true),
        "scan" => (MIB, false),
        "fill" => (MIB, true),
        other => panic!("{other}"),
    };
    let (time, started) = (Duration::from_millis(number(3)), Instant::now());
    let (mut done, places) = (0_u64, SPAN / length);
    while started.elapsed() < time {
        let place = if length == MIB { done % places } else { noise.next() % places };
        let part = &mut page.0[..length as usize];
        if writes {
            disk.write_all_at(part, place * length).expect("a write");
        } else {
            disk.read_exact_at(part, place * length).expect("a read");
        }
        done += 1;
    }
    if writes {
        disk.sync_all().expect("a flush");
    }
    println!("{:.1}", done as f64 / started.elapsed().as_secs_f64());
}
