//! Running other programs: the one place where this module starts any.
//!
//! Every error names the step, the program and the program's own last words, and a program that isn't
//! installed is named with the Debian package that has it. A run is bounded in time; its whole process group
//! ends with it.

use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::ImageError;

/// Which Debian package has which program.
const PACKAGES: &[(&str, &str)] = &[
    ("apt-cache", "apt"),
    ("apt-get", "apt"),
    ("dpkg-deb", "dpkg"),
    ("grub-mkimage", "grub-common"),
    ("mke2fs", "e2fsprogs"),
    ("mmdebstrap", "mmdebstrap"),
    ("prlimit", "util-linux"),
    ("qemu-img", "qemu-utils"),
    ("setpriv", "util-linux"),
    ("sfdisk", "fdisk"),
    ("unshare", "util-linux"),
    ("xz", "xz-utils"),
];

/// Where programs are looked for besides PATH, which for ordinary users lacks the `sbin` folders.
const FURTHER_FOLDERS: &[&str] = &["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"];

/// What is kept of each stream; a program that prints for ever fills nothing.
const STDOUT_LIMIT_BYTES: usize = 8 << 20;
const STDERR_LIMIT_BYTES: usize = 16 << 10;

/// One run of a program.
pub(super) struct Tool {
    step: &'static str,
    name: &'static str,
    command: Command,
    timeout: Duration,
}

/// What a successful run wrote to standard output, as text.
pub(super) type Output = String;

enum Event {
    Line(String),
    Closed,
}

/// Finds a program, or says which package has it.
pub(super) fn locate(step: &'static str, name: &'static str) -> Result<PathBuf, ImageError> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(FURTHER_FOLDERS.iter().map(PathBuf::from));
    for folder in folders {
        let candidate = folder.join(name);
        if candidate.is_file() {
            return Ok(candidate);
        }
    }
    let package = PACKAGES.iter().find(|(tool, _)| *tool == name).map_or(name, |(_, package)| package);
    Err(ImageError::MissingTool { step, tool: name, package })
}

impl Tool {
    /// A run of an installed program.
    pub(super) fn new(step: &'static str, name: &'static str) -> Result<Self, ImageError> {
        let path = locate(step, name)?;
        Ok(Self::at(step, name, &path))
    }

    /// A run of the program at `path`, called `name` in errors.
    pub(super) fn at(step: &'static str, name: &'static str, path: &Path) -> Self {
        let mut command = Command::new(path);
        command.env("LC_ALL", "C").env("DEBIAN_FRONTEND", "noninteractive");
        command.stdin(Stdio::null()).process_group(0);
        let mut folders = std::env::var("PATH").unwrap_or_default();
        for folder in FURTHER_FOLDERS {
            if !folders.is_empty() {
                folders.push(':');
            }
            folders.push_str(folder);
        }
        command.env("PATH", folders);
        Self { step, name, command, timeout: Duration::from_secs(300) }
    }

    pub(super) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    pub(super) fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.command.args(args);
        self
    }

    /// A variable of the tool's environment, beside the fixed few that every tool gets.
    pub(super) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub(super) fn folder(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    pub(super) fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Feeds a file to standard input.
    pub(super) fn input(mut self, path: &Path) -> Result<Self, ImageError> {
        let file = std::fs::File::open(path).map_err(ImageError::io(self.step, path))?;
        self.command.stdin(Stdio::from(file));
        Ok(self)
    }

    /// Another program's command line that starts with this one, as `prlimit … setpriv … qemu-img …` does.
    pub(super) fn then(mut self, step: &'static str, name: &'static str) -> Result<Self, ImageError> {
        let path: OsString = locate(step, name)?.into();
        self.command.arg(path);
        self.name = name;
        Ok(self)
    }

    /// Runs to the end.
    pub(super) fn run(self) -> Result<Output, ImageError> {
        self.run_with_lines(&mut |_| {})
    }

    /// Runs to the end; each line on standard error is shown to `on_line` as it comes.
    pub(super) fn run_with_lines(mut self, on_line: &mut dyn FnMut(&str)) -> Result<Output, ImageError> {
        let fail =
            |outcome: String, stderr: String| ImageError::Tool { step: self.step, tool: self.name, outcome, stderr };
        self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child =
            self.command.spawn().map_err(|error| fail(format!("could not be started: {error}"), String::new()))?;
        let stdout = child.stdout.take().map(|pipe| std::thread::spawn(move || read_bounded(pipe)));
        let (sender, events) = mpsc::channel();
        if let Some(pipe) = child.stderr.take() {
            std::thread::spawn(move || send_lines(pipe, &sender));
        }
        let mut stderr = String::new();
        let status = wait(&mut child, &events, self.timeout, &mut |line| {
            on_line(line);
            push_bounded(&mut stderr, line);
        });
        let stdout = stdout.and_then(|thread| thread.join().ok()).unwrap_or_default();
        match status {
            Ok(Some(status)) if status.success() => Ok(String::from_utf8_lossy(&stdout).into_owned()),
            Ok(Some(status)) => Err(fail(describe(status), stderr)),
            Ok(None) => Err(fail(format!("took longer than {} s", self.timeout.as_secs()), stderr)),
            Err(error) => Err(fail(format!("could not be waited for: {error}"), stderr)),
        }
    }
}

fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with exit status {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended abnormally".to_owned(),
    }
}

/// `None` when the time was over; then the process group has been killed.
fn wait(
    child: &mut Child,
    events: &mpsc::Receiver<Event>,
    timeout: Duration,
    on_line: &mut dyn FnMut(&str),
) -> std::io::Result<Option<ExitStatus>> {
    let deadline = Instant::now() + timeout;
    let mut open = true;
    loop {
        match open.then(|| events.recv_timeout(Duration::from_millis(20))) {
            Some(Ok(Event::Line(line))) => on_line(&line),
            Some(Ok(Event::Closed) | Err(mpsc::RecvTimeoutError::Disconnected)) => open = false,
            Some(Err(mpsc::RecvTimeoutError::Timeout)) => {}
            None => std::thread::sleep(Duration::from_millis(2)),
        }
        if let Some(status) = child.try_wait()? {
            // What it left running would keep the pipes open.
            kill_group(child.id());
            while let Ok(Event::Line(line)) = events.recv_timeout(Duration::from_millis(500)) {
                on_line(&line);
            }
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            kill_group(child.id());
            child.wait()?;
            return Ok(None);
        }
    }
}

fn kill_group(pid: u32) {
    if let Ok(pid) = i32::try_from(pid) {
        // An error means that the group has ended already.
        let _ = killpg(Pid::from_raw(pid), Signal::SIGKILL);
    }
}

fn read_bounded(mut pipe: impl Read) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut chunk = [0; 8192];
    while let Ok(length @ 1..) = pipe.read(&mut chunk) {
        let room = STDOUT_LIMIT_BYTES.saturating_sub(kept.len());
        kept.extend_from_slice(&chunk[..length.min(room)]);
    }
    kept
}

/// Splits at line feeds and carriage returns, so that progress lines come one by one.
fn send_lines(mut pipe: impl Read, sender: &mpsc::Sender<Event>) {
    let mut line = Vec::new();
    let mut chunk = [0; 4096];
    while let Ok(length @ 1..) = pipe.read(&mut chunk) {
        for &byte in &chunk[..length] {
            if matches!(byte, b'\n' | b'\r') || line.len() >= 2048 {
                let text = String::from_utf8_lossy(&line).into_owned();
                line.clear();
                if !text.is_empty() && sender.send(Event::Line(text)).is_err() {
                    return;
                }
            }
            if !matches!(byte, b'\n' | b'\r') {
                line.push(byte);
            }
        }
    }
    if !line.is_empty() {
        let _ = sender.send(Event::Line(String::from_utf8_lossy(&line).into_owned()));
    }
    let _ = sender.send(Event::Closed);
}

/// Keeps the end, where programs say what went wrong.
fn push_bounded(kept: &mut String, line: &str) {
    kept.push_str(line);
    kept.push('\n');
    if kept.len() > STDERR_LIMIT_BYTES {
        let cut = kept.len() - STDERR_LIMIT_BYTES / 2;
        let cut = (cut..kept.len()).find(|at| kept.is_char_boundary(*at)).unwrap_or(kept.len());
        kept.drain(..cut);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Tool {
        Tool::new("testing", "sh").expect("sh").arg("-c").arg(script)
    }

    #[test]
    fn output_and_words_of_failure() {
        assert_eq!(shell("echo out; echo err >&2").run().expect("runs"), "out\n");
        let error = shell("echo the disk is full >&2; exit 3").run().expect_err("fails").to_string();
        assert_eq!(error, "testing: sh ended with exit status 3:\nthe disk is full");
    }

    #[test]
    fn missing_tool_names_its_package() {
        let error = locate("making a disk", "no-such-tool").expect_err("missing").to_string();
        assert!(error.contains("no-such-tool is not installed"), "{error}");
        assert!(PACKAGES.contains(&("qemu-img", "qemu-utils")));
    }

    #[test]
    fn time_is_bounded_and_the_group_ends() {
        // Far less than what it would take otherwise, and far more than any machine needs.
        let begun = Instant::now();
        let error = shell("sleep 1000 & sleep 1000").timeout(Duration::from_millis(200)).run().expect_err("late");
        assert!(error.to_string().contains("took longer than"), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(500));
    }

    #[test]
    fn a_background_child_does_not_hold_the_result() {
        let begun = Instant::now();
        assert_eq!(shell("sleep 1000 & echo done").run().expect("runs"), "done\n");
        assert!(begun.elapsed() < Duration::from_secs(500));
    }

    #[test]
    fn only_the_end_of_much_output_is_kept() {
        let error = shell("yes 0123456789 | head -c 200000 >&2; echo last >&2; exit 1").run().expect_err("fails");
        let text = error.to_string();
        assert!(text.len() < STDERR_LIMIT_BYTES + 200 && text.ends_with("last"), "{}", text.len());
    }
}
