//! Machines: each a network and mount namespace that a sleeping process holds, joined to the test's own by a wire. The
//! test's own namespace routes between them, and is where the control plane runs.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::os::fd::AsFd as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, setns};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How long something that is to come is waited for, on a machine that is busy with other things.
pub const COMES: Duration = Duration::from_secs(120);
pub const BINARY: &str = env!("CARGO_BIN_EXE_landfall");

/// Runs a test as the root of a machine of its own. Where that can't be made, it says so and counts as skipped.
pub fn on_own_machine(name: &str, body: impl FnOnce()) {
    if std::env::var_os("LANDFALL_OWN_MACHINE").is_some_and(|test| test == name) {
        run("mount", "-t tmpfs none /run");
        run("ip", "link set lo up");
        std::fs::write("/proc/sys/net/ipv4/ip_forward", "1").unwrap();
        return body();
    }
    let can = Command::new("unshare").args(["-n", "-m", "nft", "--version"]).output();
    if !can.is_ok_and(|output| output.status.success()) || !Path::new("/dev/net/tun").exists() {
        return crate::skipped(name, "it needs root, unshare, nft and /dev/net/tun");
    }
    let output = Command::new("unshare")
        .args(["-n", "-m", "--propagation", "private"])
        .arg(format!("/proc/{}/exe", std::process::id()))
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env("LANDFALL_OWN_MACHINE", name)
        .output()
        .unwrap();
    let words = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{words}");
    assert!(words.contains("1 passed"), "no such test: {words}");
}

pub fn run(program: &str, arguments: &str) -> String {
    finished(Command::new(program).args(arguments.split_whitespace()))
}

/// What a command says, which must end well.
pub fn finished(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {error}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Waits until it is so.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < COMES, "never came: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A process of the binary, killed with the test.
pub struct Process(Child);

impl Process {
    pub fn start(command: &mut Command, log: &Path) -> Self {
        let log = File::options().create(true).append(true).open(log).unwrap();
        Self(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap())
    }

    /// Ends it as a crash does.
    pub fn kill(mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A machine that may join.
pub struct Machine {
    pub name: String,
    pub address: String,
    folder: PathBuf,
    holder: Child,
}

impl Machine {
    /// The machine of that number: `10.9.<number>.2`, its gateway being the test's own namespace.
    pub fn new(number: u8, folder: &Path) -> Self {
        let script = "mount -t tmpfs none /run && ip link set lo up && echo ready && exec sleep infinity";
        let mut command = Command::new("unshare");
        command.args(["-n", "-m", "--propagation", "private", "sh", "-c", script]);
        // A process group of its own, so that what ends the test doesn't leave it behind unseen.
        let mut holder = command.stdin(Stdio::null()).stdout(Stdio::piped()).process_group(0).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        let (name, pid) = (format!("host-{number}"), holder.id());
        run("ip", &format!("link add wire-{number} type veth peer name wire netns {pid}"));
        run("ip", &format!("addr add 10.9.{number}.1/24 dev wire-{number}"));
        run("ip", &format!("link set wire-{number} up"));
        let address = format!("10.9.{number}.2");
        let machine = Self { name, address, folder: folder.join(format!("host-{number}")), holder };
        std::fs::create_dir(&machine.folder).unwrap();
        for line in [
            format!("addr add {}/24 dev wire", machine.address),
            "link set wire up".to_owned(),
            format!("route add default via 10.9.{number}.1"),
        ] {
            finished(machine.command("ip").args(line.split_whitespace()));
        }
        machine
    }

    /// A command that runs on this machine.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["-t", &self.holder.id().to_string(), "-n", "-m", "--", program]);
        command
    }

    /// Its agent; the invitation is for the first start.
    pub fn agent(&self, invitation: Option<&str>) -> Process {
        let mut command = self.command(BINARY);
        command.args(["agent", "--pretend-guests", "--state"]).arg(self.folder.join("state"));
        if let Some(line) = invitation {
            command.args(["--join", line]);
        }
        Process::start(&mut command, &self.log())
    }

    pub fn log(&self) -> PathBuf {
        self.folder.join("agent.log")
    }

    /// The networks that are on it: the paths of their namespaces.
    pub fn networks(&self) -> Vec<PathBuf> {
        let folder = format!("/proc/{}/root/run/netns", self.holder.id());
        let entries = std::fs::read_dir(folder).into_iter().flatten();
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    /// The path of its own network namespace.
    pub fn own_network(&self) -> PathBuf {
        format!("/proc/{}/ns/net", self.holder.id()).into()
    }

    /// The network that has a link of that name.
    pub fn network_with(&self, link: &str) -> Option<PathBuf> {
        let has = || nix::net::if_::if_nametoindex(link).map_err(io::Error::from);
        self.networks().into_iter().find(|path| within(path, has).is_ok())
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.log()).unwrap_or_default();
            eprintln!("== {}\n{log}", self.name);
        }
        // Whatever was started on it, the process that serves metadata too, is in its mount namespace.
        let own = |pid: u32| std::fs::read_link(format!("/proc/{pid}/ns/mnt")).ok();
        let here = own(self.holder.id());
        let entries = std::fs::read_dir("/proc").unwrap().flatten();
        for pid in entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()) {
            if here.is_some() && own(pid) == here {
                let _ = kill(Pid::from_raw(pid as i32), Signal::SIGKILL);
            }
        }
        let _ = self.holder.wait();
    }
}

/// Does something in the network namespace at a path, on a thread of its own.
pub fn within<T: Send>(path: &Path, work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    let file = File::open(path)?;
    std::thread::scope(|scope| {
        let done = scope.spawn(|| {
            setns(file.as_fd(), CloneFlags::CLONE_NEWNET)?;
            work()
        });
        done.join().unwrap()
    })
}
