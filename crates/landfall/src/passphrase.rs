//! Where the passphrase of the root key comes from: a file, a credential of systemd's, or the terminal. Never the command
//! line or the environment, where others can read it and children inherit it.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use landfall_state::Passphrase;
use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};

/// The credential's name: `LoadCredentialEncrypted=landfall.passphrase` in the unit.
const CREDENTIAL: &str = "landfall.passphrase";
/// The most bytes that are read.
const MOST_BYTES: u64 = 8192;

/// The file that the passphrase is in: that which is named, or else systemd's credential.
pub fn file(named: Option<&Path>) -> Option<PathBuf> {
    let credential = || Some(PathBuf::from(std::env::var_os("CREDENTIALS_DIRECTORY")?).join(CREDENTIAL));
    named.map(Path::to_owned).or_else(|| credential().filter(|path| path.exists()))
}

/// The passphrase in a file. A named one must belong to nobody else's eyes; what is no file, such as a pipe, is read as
/// it is.
pub fn read(path: &Path) -> Result<Passphrase> {
    let reading = || format!("reading the passphrase from {}", path.display());
    let file = File::open(path).with_context(reading)?;
    let about = file.metadata().with_context(reading)?;
    let mode = about.mode() & 0o7777;
    let is_credential = path.file_name().is_some_and(|name| name == CREDENTIAL);
    ensure!(
        !about.is_file() || mode & 0o077 == 0 || (is_credential && mode & 0o007 == 0),
        "the passphrase's file {} can be read by others (mode {mode:o}): it must be 0600",
        path.display()
    );
    let mut bytes = Vec::new();
    file.take(MOST_BYTES).read_to_end(&mut bytes).with_context(reading)?;
    Passphrase::new(bytes).with_context(|| format!("{} holds no passphrase: one line, not empty", path.display()))
}

/// Asks for a passphrase at the terminal, without showing it.
pub fn ask(prompt: &str) -> Result<Passphrase> {
    let terminal = OpenOptions::new().read(true).write(true).custom_flags(nix::libc::O_NOCTTY).open("/dev/tty");
    let mut terminal = terminal.context("there is no terminal to ask at: name a file with --passphrase-file")?;
    write!(terminal, "{prompt}: ")?;
    terminal.flush()?;
    let line = {
        let _quiet = Quiet::new(&terminal)?;
        let mut line = Vec::new();
        BufReader::new(terminal.try_clone()?.take(MOST_BYTES)).read_until(b'\n', &mut line)?;
        line
    };
    writeln!(terminal)?;
    Passphrase::new(line).context("that is no passphrase: it is empty or too long")
}

/// Asks for a new passphrase, twice.
pub fn ask_new() -> Result<Passphrase> {
    let first = ask("New passphrase of the root key")?;
    ensure!(ask("The same again")?.is(&first), "the two passphrases differ; nothing was changed");
    Ok(first)
}

/// A terminal that shows nothing of what is typed until this is let go.
struct Quiet<'a> {
    terminal: &'a File,
    before: Termios,
}

impl<'a> Quiet<'a> {
    fn new(terminal: &'a File) -> Result<Self> {
        let before = tcgetattr(terminal).context("/dev/tty is no terminal")?;
        let mut quiet = before.clone();
        quiet.local_flags.remove(LocalFlags::ECHO);
        tcsetattr(terminal, SetArg::TCSAFLUSH, &quiet)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        // A terminal that is gone needs no echo.
        let _ = tcsetattr(self.terminal, SetArg::TCSAFLUSH, &self.before);
    }
}
