//! The command line of a running guest, made ready to be started by hand: as root, unconfined, with files and a TAP of
//! its own in place of the descriptors that Landfall hands over.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::guest::{call, first_output};

/// A command line with what it needs.
pub struct Prepared {
    program: PathBuf,
    arguments: Vec<String>,
    /// Descriptors to open: number, path, whether to write.
    files: Vec<(u32, PathBuf, bool)>,
    monitor: PathBuf,
    tap: bool,
}

const TAP: &str = "by-hand";

impl Prepared {
    /// That of a running guest; its disk's own layer starts empty again.
    pub fn of(pid: u32, folder: &Path) -> Outcome<Self> {
        let process = PathBuf::from(format!("/proc/{pid}"));
        let line = std::fs::read(process.join("cmdline"))?;
        let words: Vec<_> =
            line.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect();
        let monitor = folder.join("by-hand.sock");
        let mut prepared = Self {
            program: which("qemu-system-x86_64")?,
            arguments: Vec::new(),
            files: Vec::new(),
            monitor,
            tap: false,
        };
        let (mut previous, mut base) = (String::new(), None);
        for word in words.into_iter().skip(1).filter(|word| !word.is_empty()) {
            let changed = prepared.translate(&previous, &word, &process, folder, &mut base)?;
            prepared.arguments.extend(changed);
            previous = word;
        }
        Ok(prepared)
    }

    fn translate(
        &mut self,
        option: &str,
        word: &str,
        process: &Path,
        folder: &Path,
        base: &mut Option<PathBuf>,
    ) -> Outcome<Option<String>> {
        let fd = word.split(',').find_map(|part| part.strip_prefix("fd=")).and_then(|text| text.parse::<u32>().ok());
        Ok(match (option, fd) {
            // It starts at once, since nobody waits to record it.
            _ if word == "-S" => None,
            ("-add-fd", Some(fd)) => {
                let path = disk_of(process, if base.is_none() { "images" } else { "volumes" })?;
                match base.take() {
                    None => {
                        *base = Some(path.clone());
                        self.files.push((fd, path, false));
                    }
                    Some(image) => {
                        let own = folder.join("by-hand.qcow2");
                        let (image, size) = (image.display().to_string(), virtual_size(&path)?);
                        let own_path = own.display().to_string();
                        call(
                            "qemu-img",
                            &["create", "-q", "-f", "qcow2", "-b", &image, "-F", "qcow2", &own_path, &size],
                        )?;
                        self.files.push((fd, own, true));
                    }
                }
                Some(word.to_owned())
            }
            ("-chardev", Some(_)) => {
                let number = if word.contains("id=monitor0") { 0 } else { 1 };
                let path = if number == 0 { self.monitor.clone() } else { folder.join("by-hand-1.sock") };
                let _ = std::fs::remove_file(&path);
                Some(format!("socket,id=monitor{number},path={},server=on,wait=off", path.display()))
            }
            ("-netdev", Some(_)) => {
                self.tap = true;
                let id = word.split(',').nth(1).unwrap_or_default();
                Some(format!("tap,{id},ifname={TAP},script=no,downscript=no"))
            }
            ("-kernel" | "-initrd", _) => Some(kernel_path(process, word)?),
            _ => Some(word.to_owned()),
        })
    }

    /// Starts it and waits for its first output; then it is ended.
    pub fn run(self) -> Outcome<Duration> {
        if self.tap {
            call("ip", &["tuntap", "add", TAP, "mode", "tap", "vnet_hdr"])?;
            call("ip", &["link", "set", TAP, "up"])?;
        }
        let mut script = String::new();
        for (fd, path, writes) in &self.files {
            let arrow = if *writes { "<>" } else { "<" };
            script.push_str(&format!("exec {fd}{arrow}'{}'; ", path.display()));
        }
        script.push_str("exec \"$0\" \"$@\"");
        let mut command = Command::new("bash");
        command.arg("-c").arg(script).arg(&self.program).args(&self.arguments);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let began = Instant::now();
        let mut child = command.spawn()?;
        let outcome = first_output(&self.monitor);
        let took = began.elapsed();
        child.kill()?;
        child.wait()?;
        if self.tap {
            call("ip", &["link", "del", TAP])?;
        }
        outcome.map(|()| took)
    }
}

/// A disk that a guest has open, by the name of its folder: QEMU keeps other numbers than those that it was given.
fn disk_of(process: &Path, folder: &str) -> Outcome<PathBuf> {
    for entry in std::fs::read_dir(process.join("fd"))? {
        let path = std::fs::read_link(entry?.path())?;
        if path.components().any(|part| part.as_os_str() == folder) {
            return Ok(path);
        }
    }
    Err(format!("the guest has no disk of {folder} open").into())
}

/// A file that the guest's own tree shows under another name.
fn kernel_path(process: &Path, shown: &str) -> Outcome<String> {
    let mounts = std::fs::read_to_string(process.join("mountinfo"))?;
    let of = |line: &str| {
        let fields: Vec<_> = line.split(' ').collect();
        (fields.get(4) == Some(&shown)).then(|| fields.get(3).map(|root| (*root).to_owned())).flatten()
    };
    let inside = mounts.lines().find_map(of).ok_or("the kernel isn't mounted")?;
    // The path is from the root of its file system, which is the machine's root or mounted somewhere.
    let own = std::fs::read_to_string("/proc/self/mountinfo")?;
    let places = own.lines().filter_map(|line| line.split(' ').nth(4));
    let found = places.map(|place| Path::new(place).join(inside.trim_start_matches('/'))).find(|path| path.is_file());
    Ok(found.ok_or("the kernel's file isn't found")?.display().to_string())
}

fn virtual_size(path: &Path) -> Outcome<String> {
    // Bytes 24 to 31 of a qcow2 header, big-endian.
    let header = std::fs::read(path)?;
    let bytes: [u8; 8] = header.get(24..32).ok_or("a disk without a header")?.try_into()?;
    Ok(u64::from_be_bytes(bytes).to_string())
}

fn which(program: &str) -> Outcome<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(program)).find(|path| path.is_file());
    Ok(found.ok_or_else(|| format!("{program} isn't installed"))?)
}
