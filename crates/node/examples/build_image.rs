//! Builds a guest image: `build_image mini|debian OUTDIR`, or `build_image import FILE qcow2|raw OUTDIR`.

use std::path::{Path, PathBuf};
use std::time::Instant;

use landfall_node::image::{self, DebianOptions, Format, ImageError, ImportLimits, MiniOptions, Progress};

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let begun = Instant::now();
    let last = std::cell::RefCell::new(String::new());
    let report = |progress: Progress<'_>| {
        if *last.borrow() != progress.step {
            eprintln!("{:7.2} s  {}", begun.elapsed().as_secs_f64(), progress.step);
            progress.step.clone_into(&mut last.borrow_mut());
        }
    };
    let folders = |out: &str| {
        let out = PathBuf::from(out);
        (out.join("work"), out.join("packages"), out)
    };
    let built: Result<_, ImageError> = match words[..] {
        ["mini", out] => {
            let (work_dir, apt_cache, out_dir) = folders(out);
            image::build_mini(&MiniOptions { work_dir, out_dir, apt_cache }, &report)
        }
        ["debian", out] => {
            let (work_dir, apt_cache, out_dir) = folders(out);
            image::build_debian(&DebianOptions { work_dir, out_dir, apt_cache, mirror: None }, &report)
        }
        ["import", file, format @ ("qcow2" | "raw"), out] => {
            let format = if format == "raw" { Format::Raw } else { Format::Qcow2 };
            image::import(Path::new(file), format, None, Path::new(out), &ImportLimits::default(), &report)
        }
        _ => {
            eprintln!("usage: build_image mini|debian OUTDIR\n       build_image import FILE qcow2|raw OUTDIR");
            std::process::exit(2);
        }
    };
    match built {
        Ok(image) => println!("{image:#?}\nin {:.2} s", begun.elapsed().as_secs_f64()),
        Err(error) => {
            eprintln!("{error}");
            std::process::exit(1);
        }
    }
}
