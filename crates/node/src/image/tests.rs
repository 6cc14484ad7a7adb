//! Headers that must be refused, and imports with the real `qemu-img`.

use std::cell::Cell;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::qcow2::HeaderError;
use super::*;

/// A healthy header of version 3 for 1 GiB with clusters of 64 KiB.
fn header() -> Vec<u8> {
    let mut bytes = vec![0; 1 << 16];
    let words: [(usize, u32); 10] = [
        (0, 0x5146_49fb),
        (4, 3),
        (20, 16),
        (28, 1 << 30),
        (36, 2),
        (44, 3 << 16),
        (52, 1 << 16),
        (56, 1),
        (96, 4),
        (100, 112),
    ];
    for (at, word) in words {
        bytes[at..at + 4].copy_from_slice(&word.to_be_bytes());
    }
    bytes
}

fn parse(changes: &[(usize, u32)]) -> Result<Qcow2Header, HeaderError> {
    let mut bytes = header();
    for (at, word) in changes {
        bytes[*at..*at + 4].copy_from_slice(&word.to_be_bytes());
    }
    Qcow2Header::parse(&bytes, 4 << 16)
}

#[test]
fn healthy_headers_are_accepted() {
    let expected = Qcow2Header { version: 3, virtual_size_bytes: 1 << 30, cluster_bytes: 1 << 16 };
    assert_eq!(parse(&[]), Ok(expected));
    assert_eq!(parse(&[(4, 2)]), Ok(Qcow2Header { version: 2, ..expected }));
    // zstd, and an extension that names a format without naming a file.
    assert_eq!(parse(&[(76, 8), (104, 1 << 24)]), Ok(expected));
    assert_eq!(parse(&[(112, 0xe279_2aca), (116, 5)]), Ok(expected));
}

#[test]
fn headers_that_refer_elsewhere_or_state_nonsense_are_refused() {
    let range = HeaderError::Range;
    let cases: &[(&[(usize, u32)], HeaderError)] = &[
        (&[(0, 0)], HeaderError::NotQcow2),
        (&[(4, 1)], HeaderError::Version(1)),
        (&[(4, 4)], HeaderError::Version(4)),
        (&[(12, 200), (16, 11)], HeaderError::BackingFile),
        (&[(12, 200)], HeaderError::BackingFile),
        (&[(16, 11)], HeaderError::BackingFile),
        (&[(20, 8)], range("cluster size")),
        (&[(20, 22)], range("cluster size")),
        (&[(28, 0)], range("virtual size")),
        (&[(24, u32::MAX)], range("virtual size")),
        (&[(32, 1)], HeaderError::Encrypted),
        (&[(32, 2)], HeaderError::Encrypted),
        (&[(76, 1)], HeaderError::Unclean),
        (&[(76, 2)], HeaderError::Unclean),
        (&[(76, 4)], HeaderError::ExternalData),
        (&[(76, 32)], HeaderError::Features(32)),
        (&[(72, 1)], HeaderError::Features(1 << 32)),
        (&[(104, 1 << 24)], range("compression type")),
        (&[(76, 8), (104, 2 << 24)], range("compression type")),
        (&[(96, 7)], range("refcount width")),
        (&[(100, 96)], range("header length")),
        (&[(100, 1 << 20)], range("header length")),
        (&[(36, 1)], range("L1 table")),
        (&[(36, u32::MAX)], range("L1 table")),
        (&[(44, 0)], range("L1 table")),
        (&[(44, 3 << 15)], range("L1 table")),
        (&[(44, 4 << 16)], range("L1 table")),
        (&[(40, u32::MAX), (44, 0xffff_0000)], range("L1 table")),
        (&[(56, 0)], range("refcount table")),
        (&[(56, u32::MAX)], range("refcount table")),
        (&[(52, 9 << 16)], range("refcount table")),
        (&[(60, u32::MAX)], range("snapshot table")),
        (&[(60, 2), (68, 9 << 16)], range("snapshot table")),
        (&[(112, 0x4441_5441), (116, 8)], HeaderError::ExternalData),
        (&[(112, 0x0537_be77), (116, 16)], HeaderError::Encrypted),
        (&[(112, 1), (116, 8), (128, 0x4441_5441)], HeaderError::ExternalData),
        (&[(112, 1), (116, u32::MAX)], range("header extension")),
    ];
    for (changes, error) in cases {
        assert_eq!(parse(changes).as_ref(), Err(error), "{changes:?}");
    }
    for length in 0..112 {
        assert!(Qcow2Header::parse(&header()[..length], 4 << 16).is_err(), "{length}");
    }
}

struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    /// None, said aloud, where `qemu-img` is missing.
    fn new() -> Option<Self> {
        if tool::locate("testing", "qemu-img").is_err() {
            eprintln!("skipped: qemu-img is not installed");
            return None;
        }
        Some(Self { folder: tempfile::tempdir().expect("folder") })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn qemu_img(&self, args: &[&str]) {
        let status = Command::new("qemu-img").args(args).current_dir(self.folder.path()).output().expect("qemu-img");
        assert!(status.status.success(), "{args:?}: {}", String::from_utf8_lossy(&status.stderr));
    }

    fn import(&self, name: &str, format: Format, sha256: Option<&str>) -> Result<BuiltImage, ImageError> {
        import(&self.path(name), format, sha256, &self.path("out"), &ImportLimits::default(), &|_| {})
    }

    /// What the folder of images holds, hidden files too.
    fn left(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.path("out")).expect("folder").flatten();
        let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

fn pattern(path: &Path, size_bytes: usize) {
    let bytes: Vec<u8> = (0..size_bytes).map(|at| u8::try_from(at / 512 % 251).unwrap_or(0)).collect();
    std::fs::write(path, bytes).expect("write");
}

#[test]
fn raw_and_qcow2_come_in_whole() {
    let Some(bench) = Bench::new() else { return };
    pattern(&bench.path("disk.raw"), 3 << 20);
    let done = Cell::new(0);
    let report = |progress: Progress<'_>| {
        if progress.step == "copying the image" {
            done.set(progress.done);
        }
    };
    let raw = import(&bench.path("disk.raw"), Format::Raw, None, &bench.path("out"), &ImportLimits::default(), &report);
    let raw = raw.expect("imported");
    assert_eq!((raw.virtual_size_bytes, raw.name.as_str(), done.get()), (3 << 20, "disk", 3 << 20));
    assert_eq!(std::fs::metadata(&raw.path).expect("there").permissions().mode() & 0o777, 0o600);
    bench.qemu_img(&["compare", "-f", "raw", "-F", "qcow2", "disk.raw", "out/disk.qcow2"]);

    bench.qemu_img(&["convert", "-f", "raw", "-O", "qcow2", "-c", "disk.raw", "disk.img"]);
    let sum = Command::new("sha256sum").arg(bench.path("disk.img")).output().expect("sha256sum").stdout;
    let sum = String::from_utf8_lossy(&sum).split(' ').next().expect("sum").to_uppercase();
    let second = bench.import("disk.img", Format::Qcow2, Some(&sum)).expect("imported");
    assert_eq!(second.name, "disk-2");
    bench.qemu_img(&["compare", "-f", "raw", "-F", "qcow2", "disk.raw", "out/disk-2.qcow2"]);
    assert_eq!(bench.left(), ["disk-2.qcow2", "disk.qcow2"]);
}

#[test]
fn what_is_refused_leaves_nothing() {
    let Some(bench) = Bench::new() else { return };
    pattern(&bench.path("base.raw"), 1 << 20);
    bench.qemu_img(&["create", "-f", "qcow2", "-b", "base.raw", "-F", "raw", "backed.qcow2"]);
    bench.qemu_img(&["create", "-f", "qcow2", "-o", "data_file=data.raw", "external.qcow2", "1M"]);
    bench.qemu_img(&["create", "-f", "qcow2", "large.qcow2", "3T"]);
    bench.qemu_img(&["create", "-f", "qcow2", "good.qcow2", "1M"]);
    pattern(&bench.path("odd.raw"), 1000);
    std::fs::write(bench.path("empty.raw"), "").expect("write");
    let cases = [
        ("backed.qcow2", Format::Qcow2, "backing file"),
        ("external.qcow2", Format::Qcow2, "data in another file"),
        ("large.qcow2", Format::Qcow2, "at most"),
        ("base.raw", Format::Qcow2, "not a qcow2 file"),
        ("odd.raw", Format::Raw, "multiple of 512"),
        ("empty.raw", Format::Raw, "empty"),
        ("out", Format::Raw, "regular file"),
        ("absent", Format::Raw, "No such file"),
    ];
    for (name, format, words) in cases {
        let error = bench.import(name, format, None).expect_err(name).to_string();
        assert!(error.contains(words), "{name}: {error}");
        assert!(bench.left().is_empty(), "{name}: {:?}", bench.left());
    }
    let wrong = "0".repeat(64);
    let error = bench.import("good.qcow2", Format::Qcow2, Some(&wrong)).expect_err("other checksum");
    assert!(matches!(error, ImageError::Checksum { .. }), "{error}");
    assert!(bench.left().is_empty());
}

/// A raw disk whose guest wrote a qcow2 header that names a file of the machine stays a raw disk.
#[test]
fn the_format_is_never_probed() {
    let Some(bench) = Bench::new() else { return };
    pattern(&bench.path("secret.raw"), 1 << 20);
    bench.qemu_img(&["create", "-f", "qcow2", "-b", "secret.raw", "-F", "raw", "trap.qcow2"]);
    let size = std::fs::metadata(bench.path("trap.qcow2")).expect("there").len().next_multiple_of(512);
    let file = std::fs::OpenOptions::new().write(true).open(bench.path("trap.qcow2")).expect("open");
    file.set_len(size).expect("grown");
    let image = bench.import("trap.qcow2", Format::Raw, None).expect("imported");
    assert_eq!(image.virtual_size_bytes, size);
    bench.qemu_img(&["compare", "-f", "raw", "-F", "qcow2", "trap.qcow2", "out/trap.qcow2"]);
}

#[test]
fn the_conversion_is_bounded() {
    let Some(bench) = Bench::new() else { return };
    pattern(&bench.path("disk.raw"), 8 << 20);
    let limits = ImportLimits { memory_bytes: 4 << 20, ..ImportLimits::default() };
    let error = import(&bench.path("disk.raw"), Format::Raw, None, &bench.path("out"), &limits, &|_| {});
    let error = error.expect_err("no memory");
    assert!(matches!(error, ImageError::Tool { .. }), "{error}");
    assert!(bench.left().is_empty());
    let limits = ImportLimits { max_file_bytes: 1 << 20, ..ImportLimits::default() };
    let error = import(&bench.path("disk.raw"), Format::Raw, None, &bench.path("out"), &limits, &|_| {});
    assert!(error.expect_err("too large").to_string().contains("larger than"));
    assert!(bench.left().is_empty());
}

/// Every script that goes into a guest parses in the shell that will run it.
#[test]
fn guest_scripts_parse() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/image/files");
    let scripts = [
        "initrd-init",
        "imds.sh",
        "mini/boot",
        "mini/ipv6.sh",
        "mini/interface",
        "mini/dhcp",
        "mini/hotplug",
        "mini/disk",
        "mini/stop",
    ];
    for (shell, script) in
        scripts.iter().map(|script| ("sh", *script)).chain([("bash", "debian/block-name"), ("bash", "imds.sh")])
    {
        let output = Command::new(shell).arg("-n").arg(folder.join(script)).output().expect("a shell");
        assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// With a metadata service that says what stands in a file, and `ip` that writes down what it is told.
#[test]
fn a_tiny_guest_learns_ipv6_addresses_that_come_and_go() {
    const SCRIPT: &str = r#"
        cd "$1"; IMDS_FOLDER=$1
        imds_get() { imds_status=$(cat status); [ "$imds_status" = 200 ] && cp list "$2"; }
        ip() { echo "$*" >>told; }
        . "$2"
        says() { echo "$1" >status; printf "$2" >list; add_ipv6 lo; echo "--" >>told; }
        says 200 '2001:db8::1\n2001:db8::2'
        says 200 '2001:db8::2\n2001:db8::12\n'
        says 500 ''
        says 401 ''
        says 404 ''
        says 200 '2001:db8::1'
    "#;
    let folder = tempfile::tempdir().expect("a folder");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/image/files/mini/ipv6.sh");
    let output = Command::new("sh").args(["-c", SCRIPT, "sh"]).arg(folder.path()).arg(file).output().expect("a shell");
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let told = std::fs::read_to_string(folder.path().join("told")).expect("told");
    let rounds: Vec<Vec<&str>> = told.split("--\n").map(|round| round.lines().collect()).collect();
    let add = |last: &str| format!("-6 addr add 2001:db8::{last}/128 dev lo");
    let del = |last: &str| format!("-6 addr del 2001:db8::{last}/128 dev lo");
    assert_eq!(rounds[0], [add("1"), add("2")]);
    assert_eq!(rounds[1], [add("2"), add("12"), del("1")], "one that only begins like another is another");
    assert!(rounds[2].is_empty() && rounds[3].is_empty(), "no answer says nothing: {rounds:?}");
    assert_eq!(rounds[4], [del("2"), del("12")], "it has none any more");
    assert_eq!(rounds[5], [add("1")]);
}
