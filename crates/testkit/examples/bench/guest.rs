//! What a launch takes beyond the guest itself: from the RunInstances call to the guest's first output, next to the same
//! QEMU command line started by hand, in turns.
//!
//! Needs root, QEMU, nft, and a state folder with a mini image (`landfall image build mini --state DIR`); everything
//! happens in network and mount namespaces of its own. Both times end when the first bytes are in the ring that QEMU
//! keeps the console in, read by the same client.
//!
//! Options: `images=DIR/images` (the folder of images), `rounds=7`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::client::{ACCESS_KEY, Connection, REGION, SECRET_KEY, ec2, own};
use crate::figure::{Figure, short};
use crate::server::{Server, binary, free_address};
use crate::{Options, Outcome, guest_by_hand};

/// Where real machines' records are.
const GUESTS: &str = "/run/landfall/guests";
/// The longest that a guest may take to print something.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(1);
/// Set in the namespaces of this benchmark's own.
const INSIDE: &str = "LANDFALL_OWN_MACHINE";

/// Runs it.
pub fn run(options: &Options) -> Outcome<()> {
    if std::env::var_os(INSIDE).is_none() {
        let mut command = Command::new("unshare");
        command
            .args(["-n", "-m", "-p", "-f", "--kill-child", "--mount-proc", "--propagation", "private"])
            .arg(std::env::current_exe()?);
        let status = command.args(std::env::args().skip(1)).env(INSIDE, "1").status()?;
        return if status.success() { Ok(()) } else { Err(format!("the part in namespaces ended: {status}").into()) };
    }
    let images = PathBuf::from(options.text("images").unwrap_or("/var/lib/landfall/images"));
    let rounds = options.number("rounds", 7)?;
    call("mount", &["-t", "tmpfs", "none", "/run"])?;
    call("ip", &["link", "set", "lo", "up"])?;
    let folder = tempfile::tempdir()?;
    let state = folder.path().join("state");
    copy_mini(&images, &state.join("images"))?;
    let server = serve(&state)?;
    let image = find_image(&server)?;
    let (mut ours, mut by_hand, mut added) = (Figure::default(), Figure::default(), Figure::default());
    // The first launch makes the network and reads the files into memory.
    launch(&server, &image, folder.path(), 0)?;
    for round in 1..=rounds {
        let (through, alone) = launch(&server, &image, folder.path(), round)?;
        eprintln!(
            "round {round} of {rounds}: {} ms through Landfall, {} by hand",
            through.as_millis(),
            alone.as_millis()
        );
        ours.add_ms(through);
        by_hand.add_ms(alone);
        added.add((through.as_secs_f64() - alone.as_secs_f64()) * 1e3);
    }
    println!("| to the guest's first output, ms | |\n| --- | --- |");
    println!("| from the RunInstances call | {ours} |\n| QEMU's same command line by hand | {by_hand} |");
    println!("| added in a round (aim: 100) | {added} |");
    println!("| ratio of the medians | {} |", short(ours.median() / by_hand.median()));
    Ok(())
}

/// One launch through Landfall, then the same command line by hand. Nothing of either is left.
fn launch(server: &Server, image: &str, folder: &Path, round: u64) -> Outcome<(Duration, Duration)> {
    let mut connection = Connection::new(server.at);
    let parameters = format!("&ImageId={image}&InstanceType=t3.nano&MinCount=1&MaxCount=1&ClientToken=guest-{round}");
    let request = ec2(server.at, "RunInstances", &parameters)?;
    let began = Instant::now();
    let (status, body) = connection.call(&request)?;
    let text = String::from_utf8_lossy(body).into_owned();
    if status != 200 {
        return Err(text.into());
    }
    let answered = began.elapsed();
    let id = text.split("<instanceId>").nth(1).and_then(|rest| rest.split('<').next()).ok_or("no instance id")?;
    let guest = Path::new(GUESTS).join(id);
    // Until it is recorded as started, the monitor is Landfall's.
    let record = guest.join("guest.json");
    wait(|| Ok(std::fs::read_to_string(&record).is_ok_and(|text| text.contains("Started")).then_some(())))?;
    let recorded = began.elapsed();
    first_output(&guest.join("act.sock"))?;
    let through = began.elapsed();
    if std::env::var_os("LANDFALL_BENCH_STEPS").is_some() {
        eprintln!("answered after {answered:?}, recorded as started after {recorded:?}");
    }
    let pid = pid_of(&guest)?;
    let by_hand = guest_by_hand::Prepared::of(pid, folder)?;
    let request = ec2(server.at, "TerminateInstances", &format!("&InstanceId.1={id}"))?;
    connection.call(&request)?;
    wait(|| Ok((!guest.exists()).then_some(())))?;
    let alone = by_hand.run()?;
    Ok((through, alone))
}

/// Waits until QEMU's ring has something of the guest's console.
pub fn first_output(monitor: &Path) -> Outcome<()> {
    let stream = wait(|| Ok(UnixStream::connect(monitor).ok()))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut ask = |words: &str| -> Outcome<String> {
        (&stream).write_all(words.as_bytes())?;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Err("QEMU closed its monitor".into());
            }
            if line.contains("\"return\"") || line.contains("\"error\"") {
                return Ok(line);
            }
        }
    };
    ask("{\"execute\":\"qmp_capabilities\"}\n")?;
    let read = "{\"execute\":\"ringbuf-read\",\"arguments\":{\"device\":\"console\",\"size\":4096}}\n";
    wait(|| Ok((!ask(read)?.contains("\"return\": \"\"")).then_some(())))
}

/// Looks again and again until there is something.
fn wait<T>(mut look: impl FnMut() -> Outcome<Option<T>>) -> Outcome<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        if Instant::now() > deadline {
            return Err("nothing came of it in a minute".into());
        }
        std::thread::sleep(LOOK);
    }
}

fn pid_of(guest: &Path) -> Outcome<u32> {
    let line = std::fs::read_to_string(guest.join("process"))?;
    Ok(line.split(' ').next().ok_or("no process is recorded")?.parse()?)
}

fn serve(state: &Path) -> Outcome<Server> {
    let at = free_address()?;
    let mut command = Command::new(binary()?);
    command.args(["serve", "--region", REGION, "--listen", &at.to_string(), "--state"]).arg(state);
    command.env("LANDFALL_ACCESS_KEY", ACCESS_KEY).env("LANDFALL_SECRET_KEY", SECRET_KEY);
    Server::start(command, at, "", |connection| Ok(connection.call(&own(at, "GET", "/_landfall/health"))?.0 == 200))
}

fn find_image(server: &Server) -> Outcome<String> {
    let mut connection = Connection::new(server.at);
    let (_, body) = connection.call(&ec2(server.at, "DescribeImages", "&Owner.1=amazon")?)?;
    let text = String::from_utf8_lossy(body);
    let id = text.split("<imageId>").nth(1).and_then(|rest| rest.split('<').next());
    Ok(id.ok_or("there is no mini image: landfall image build mini")?.to_owned())
}

/// The newest mini image with its manifest, and nothing else.
fn copy_mini(from: &Path, to: &Path) -> Outcome<()> {
    std::fs::create_dir_all(to)?;
    let mut copied = 0;
    for entry in std::fs::read_dir(from).map_err(|error| format!("{}: {error}", from.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_file() && name.starts_with("landfall-mini-") {
            std::fs::copy(&path, to.join(&name))?;
            copied += usize::from(name.ends_with(".image.json"));
        }
    }
    if copied == 1 { Ok(()) } else { Err(format!("{} has {copied} mini images", from.display()).into()) }
}

/// Runs a command that must succeed.
pub fn call(program: &str, arguments: &[&str]) -> Outcome<()> {
    let output = Command::new(program).args(arguments).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{program} {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr)).into())
}
