//! `landfall up`: starts a server in the background, and returns when it answers.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use landfall_state::{Passphrase, RootKey};

use crate::cli::ServeArgs;
use crate::config::Config;
use crate::record::Record;
use crate::{client, passphrase, record};

/// How long a start may take: a large log is read first. A server that ends is noticed at once.
const PATIENCE: Duration = Duration::from_secs(300);

pub fn run(args: &ServeArgs, json: bool) -> Result<()> {
    // What is wrong with the configuration is told here, not in a log.
    let config = Config::resolve(args)?;
    if let Ok(running) = record::find(Some(config.listen)) {
        let differences = differences(&running, &config);
        if !differences.is_empty() {
            bail!(
                "another cloud listens at {}, with {}: end it with `landfall down`, or choose another place with --listen",
                config.listen,
                differences.join(", ")
            );
        }
        return super::status::show(&[running], json);
    }
    let log_path = log_path(&config)?;
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(&log_path)
        .with_context(|| format!("opening the log {}", log_path.display()))?;
    let from = log.metadata()?.len();
    let mut command = Command::new(std::env::current_exe().context("finding this program")?);
    command.arg("serve").args(std::env::args_os().skip(1).filter(|arg| arg != "up" && arg != "--json"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    let passphrase = terminal_passphrase(&config)?;
    if passphrase.is_some() {
        command.args(["--passphrase-file", "/dev/stdin"]).stdin(Stdio::piped());
    }
    // SAFETY: between fork and exec the child calls only setsid, which is safe there: it takes no lock.
    unsafe {
        command.pre_exec(|| nix::unistd::setsid().map(drop).map_err(std::io::Error::from));
    }
    let mut child = command.spawn().context("starting the server")?;
    if let (Some(passphrase), Some(mut input)) = (passphrase, child.stdin.take()) {
        // A server that ended before it read says why below.
        let _ = input.write_all(passphrase.bytes());
    }
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait()? {
            let said = std::fs::read(&log_path).unwrap_or_default();
            let said = String::from_utf8_lossy(said.get(usize::try_from(from)?..).unwrap_or_default()).into_owned();
            let last: Vec<_> = said.lines().rev().take(5).collect();
            let last: Vec<_> = last.into_iter().rev().collect();
            bail!("the server ended ({status}): {}", last.join("\n"));
        }
        if let Ok(running) = record::find(Some(config.listen))
            && running.pid == i32::try_from(child.id())?
            && client::own(running.listen, "GET", "/_landfall/health").is_ok_and(|(status, _)| status == 200)
        {
            return super::status::show(&[running], json);
        }
        if Instant::now() > deadline {
            bail!("the server was started and doesn't answer; its log is {}", log_path.display());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The passphrase of the root key where it has to be asked for: the server in the background has no terminal.
fn terminal_passphrase(config: &Config) -> Result<Option<Passphrase>> {
    let in_state = || config.state.as_deref().map(crate::config::key_in);
    let Some(path) = config.root_key.clone().or_else(in_state).filter(|path| path.exists()) else { return Ok(None) };
    if passphrase::file(config.passphrase_file.as_deref()).is_some() || !RootKey::is_locked(&path)? {
        return Ok(None);
    }
    let asked = passphrase::ask("Passphrase of the root key")?;
    RootKey::open_file(&path, Some(&asked))?;
    Ok(Some(asked))
}

/// What the cloud that runs has, where something else is asked for.
fn differences(running: &Record, config: &Config) -> Vec<String> {
    let kind = |simulate| if simulate { "simulated guests" } else { "real guests" }.to_owned();
    let place = |state: &Option<PathBuf>| match state {
        Some(folder) => format!("its state in {}", folder.display()),
        None => "its state in memory".to_owned(),
    };
    let compared = [
        (kind(running.simulate), kind(config.simulate)),
        (place(&running.state), place(&config.state)),
        (format!("the region {}", running.region), format!("the region {}", config.region.name())),
        (format!("the account {}", running.account), format!("the account {}", config.account)),
    ];
    compared
        .into_iter()
        .filter(|(has, asked)| has != asked)
        .map(|(has, asked)| format!("{has} instead of {asked}"))
        .collect()
}

/// Where a server in the background logs to.
fn log_path(config: &Config) -> Result<PathBuf> {
    let folder = match &config.state {
        Some(state) => state.clone(),
        None => std::env::temp_dir().join(format!("landfall-{}", nix::unistd::geteuid())),
    };
    std::fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    Ok(folder.join(format!("landfall-{}.log", config.listen.port())))
}
