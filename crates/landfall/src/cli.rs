//! The command line.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Your own cloud region: real virtual machines and networks behind the API that your tools already speak.
#[derive(Parser)]
#[command(name = "landfall", version, max_term_width = 100)]
pub struct CommandLine {
    /// Answers in JSON, for scripts.
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Runs the cloud in the foreground.
    Serve(ServeArgs),
    /// Runs the agent of this machine alone, whose control plane is on another machine.
    Agent(AgentArgs),
    /// Invites further machines to the cloud, shows them, changes and removes them.
    #[command(subcommand)]
    Host(HostCommand),
    /// Makes accounts, shows them, suspends and closes them, sets their limits, enters one.
    #[command(subcommand)]
    Account(AccountCommand),
    /// Shows what accounts consumed.
    Usage(UsageArgs),
    /// Runs the cloud in the background; returns when it answers.
    Up(ServeArgs),
    /// Ends a cloud that runs in the background. Guests run on unless they are to be stopped.
    Down(DownArgs),
    /// Shows what runs.
    Status(WhichArgs),
    /// Prints the endpoint, region and keys for a shell: `eval "$(landfall env)"`.
    Env(WhichArgs),
    /// Says what is missing on this machine, and the command that mends it.
    Doctor(DoctorArgs),
    /// Builds, imports and names machine images.
    #[command(subcommand)]
    Image(ImageCommand),
    /// Shows the console of an instance.
    Console(ConsoleArgs),
    /// Locks the root key by a passphrase, changes that, unlocks it.
    #[command(subcommand)]
    Key(KeyCommand),
    /// Looks at what trails delivered.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Boots a first instance and says how to log in.
    First(FirstArgs),
    /// Processes of this binary that others start.
    #[command(subcommand, hide = true)]
    Internal(InternalCommand),
}

/// How a cloud is to run. Each is also `LANDFALL_…` in the environment, and a key of the configuration file.
#[derive(Args, Clone, Debug, Default)]
pub struct ServeArgs {
    /// Everything but the guests: no root needed, nothing on the machine is touched.
    #[arg(long)]
    pub simulate: bool,
    /// The folder of the cloud's state; `memory` keeps none (only with --simulate, and its default).
    #[arg(long, env = "LANDFALL_STATE", value_name = "DIR|memory")]
    pub state: Option<PathBuf>,
    /// Where the API answers.
    #[arg(long, env = "LANDFALL_LISTEN", value_name = "ADDR:PORT")]
    pub listen: Option<SocketAddr>,
    /// The account's twelve digits.
    #[arg(long, env = "LANDFALL_ACCOUNT", value_name = "ID")]
    pub account: Option<String>,
    /// The id of the root access key.
    #[arg(long, env = "LANDFALL_ACCESS_KEY", value_name = "ID")]
    pub access_key: Option<String>,
    /// The secret of the root access key: on the command line only with --simulate, since others can read it there.
    #[arg(long, env = "LANDFALL_SECRET_KEY", value_name = "SECRET", hide_env_values = true)]
    pub secret_key: Option<String>,
    /// The region; in simulation every region answers, and this is the one that `landfall env` names.
    #[arg(long, env = "LANDFALL_REGION", value_name = "NAME")]
    pub region: Option<String>,
    /// A further image id to pretend (only with --simulate; may be repeated).
    #[arg(long = "image", env = "LANDFALL_IMAGE", value_name = "ami-…", value_delimiter = ',')]
    pub images: Vec<String>,
    /// How long a simulated start takes, in milliseconds.
    #[arg(long, env = "LANDFALL_START_MS", value_name = "MS")]
    pub start_ms: Option<u64>,
    /// How long a simulated guest takes to stop, in milliseconds.
    #[arg(long, env = "LANDFALL_STOP_MS", value_name = "MS")]
    pub stop_ms: Option<u64>,
    /// Where public addresses come from.
    #[arg(long, env = "LANDFALL_POOL", value_name = "CIDR")]
    pub pool: Option<String>,
    /// What public names end in.
    #[arg(long, env = "LANDFALL_PUBLIC_DOMAIN", value_name = "DOMAIN")]
    pub public_domain: Option<String>,
    /// A further name that requests may address this server by (may be repeated).
    #[arg(long = "host-name", env = "LANDFALL_HOST_NAME", value_name = "NAME", value_delimiter = ',')]
    pub host_names: Vec<String>,
    /// The host of an identity provider that may be near and without TLS, such as 127.0.0.1:8080 (may be repeated).
    #[arg(long = "issuer", env = "LANDFALL_ISSUER", value_name = "HOST", value_delimiter = ',')]
    pub issuers: Vec<String>,
    /// The file of the key that secrets are sealed with; in the state folder unless it is said.
    #[arg(long, env = "LANDFALL_ROOT_KEY", value_name = "FILE")]
    pub root_key: Option<PathBuf>,
    /// The file with the passphrase that the root key is locked by; else systemd's credential `landfall.passphrase`, and
    /// else it is asked for at the terminal.
    #[arg(long, env = "LANDFALL_PASSPHRASE_FILE", value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// Speaks TLS, with certificates of an authority of the cloud's own; needed wherever it listens off loopback.
    #[arg(long)]
    pub tls: bool,
    /// The file of a certificate to speak TLS with: PEM, with those that vouch for it; read again when it changes.
    #[arg(long, env = "LANDFALL_TLS_CERTIFICATE", value_name = "FILE")]
    pub tls_certificate: Option<PathBuf>,
    /// The file of that certificate's key.
    #[arg(long, env = "LANDFALL_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// The certificate that `landfall env` tells clients to trust, where they don't trust that one already.
    #[arg(long, env = "LANDFALL_TLS_AUTHORITY", value_name = "FILE")]
    pub tls_authority: Option<PathBuf>,
    /// How often accounts may call, in percent of AWS's rates: 100 on real machines, 0 (no limit) in a simulation.
    #[arg(long, env = "LANDFALL_THROTTLING", value_name = "PERCENT")]
    pub throttling: Option<u32>,
    /// Where agents of other machines are taken; none are unless this is said.
    #[arg(long, env = "LANDFALL_AGENTS", value_name = "ADDR:PORT")]
    pub agents: Option<SocketAddr>,
    /// Runs no guests on this machine: they are on those that join.
    #[arg(long)]
    pub control_only: bool,
    /// This machine's address among the hosts.
    #[arg(long, env = "LANDFALL_UNDERLAY", value_name = "ADDRESS")]
    pub underlay: Option<Ipv4Addr>,
    /// Pretends guests, on networks that are real: to test networks over many machines.
    #[arg(long, hide = true)]
    pub pretend_guests: bool,
    /// The configuration file.
    #[arg(long, env = "LANDFALL_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// How the agent of a machine is to run.
#[derive(Args, Clone, Debug, Default)]
pub struct AgentArgs {
    /// The invitation that `landfall host add` printed, or a file with it: needed for the first start only.
    #[arg(long, env = "LANDFALL_JOIN", value_name = "LINE|FILE", hide_env_values = true)]
    pub join: Option<String>,
    /// Where the control plane is, if not where the invitation says.
    #[arg(long, env = "LANDFALL_CONTROL", value_name = "ADDR:PORT")]
    pub control: Option<String>,
    /// The folder of this machine's state.
    #[arg(long, env = "LANDFALL_STATE", value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// This machine's address among the hosts; the one that it calls the control plane from unless it is said.
    #[arg(long, env = "LANDFALL_UNDERLAY", value_name = "ADDRESS")]
    pub underlay: Option<Ipv4Addr>,
    /// The link to the internet; the one of the default route unless it is said.
    #[arg(long, env = "LANDFALL_UPLINK", value_name = "LINK")]
    pub uplink: Option<String>,
    /// Pretends guests, on networks that are real: to test networks over many machines.
    #[arg(long, hide = true)]
    pub pretend_guests: bool,
    /// The configuration file.
    #[arg(long, env = "LANDFALL_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
}

#[derive(Subcommand)]
pub enum AuditCommand {
    /// Finds what was removed, altered or inserted in the folder that stands for a trail's bucket.
    Validate(ValidateArgs),
}

#[derive(Args, Clone, Debug)]
pub struct ValidateArgs {
    /// The folder.
    pub folder: PathBuf,
    /// The public keys, as `aws cloudtrail list-public-keys` answered, a file for each region; unless it is said, the cloud
    /// is asked for them.
    #[arg(long, value_name = "FILE")]
    pub keys: Vec<PathBuf>,
    #[command(flatten)]
    pub which: WhichArgs,
}

#[derive(Subcommand)]
pub enum HostCommand {
    /// Registers a machine, and prints the line that lets it join.
    Add(HostAddArgs),
    /// Lists the machines.
    List(WhichArgs),
    /// Changes what is decided about a machine.
    Set(HostSetArgs),
    /// Forgets a machine on which nothing is left: its agent gets nothing any more.
    Remove(HostNameArgs),
}

#[derive(Args, Clone, Debug)]
pub struct HostAddArgs {
    /// What it is to be called.
    pub name: String,
    /// The zone that it serves; all of the region's unless it is said.
    #[arg(long, value_name = "ZONE")]
    pub zone: Option<String>,
    /// Where it is to call the control plane; where that listens for agents unless it is said.
    #[arg(long, value_name = "ADDR:PORT")]
    pub control: Option<String>,
    #[command(flatten)]
    pub which: WhichArgs,
}

#[derive(Args, Clone, Debug)]
pub struct HostSetArgs {
    /// Which.
    pub name: String,
    /// Whether new instances may be placed on it.
    #[arg(long, value_name = "true|false")]
    pub schedulable: Option<bool>,
    /// The zone that it serves; it changes only while nothing is on it.
    #[arg(long, value_name = "ZONE")]
    pub zone: Option<String>,
    #[command(flatten)]
    pub which: WhichArgs,
}

#[derive(Args, Clone, Debug)]
pub struct HostNameArgs {
    /// Which.
    pub name: String,
    #[command(flatten)]
    pub which: WhichArgs,
}

#[derive(Subcommand)]
pub enum AccountCommand {
    /// Makes an account, and prints the key of its root.
    Create(AccountCreateArgs),
    /// Lists the accounts.
    List(WhichArgs),
    /// Shows an account and how much it has of what.
    Show(AccountArgs),
    /// Refuses whatever an account calls, until it is resumed.
    Suspend(AccountSuspendArgs),
    /// Serves an account again that was suspended, or closed and not yet emptied.
    Resume(AccountArgs),
    /// Closes an account: its machines stop now, and go with its users and keys after a while.
    Close(AccountCloseArgs),
    /// Shows the limits of an account, or sets one.
    Quota(AccountQuotaArgs),
    /// Prints credentials that may do in an account what its root may: for emergencies, and on record in both accounts.
    Enter(AccountEnterArgs),
}

#[derive(Args, Clone, Debug)]
pub struct AccountCreateArgs {
    /// What it is to be called.
    pub name: String,
    /// The address of who rents.
    #[arg(long, value_name = "ADDRESS")]
    pub email: String,
    /// Its number, of twelve digits; made up unless it is said.
    #[arg(long, value_name = "NUMBER")]
    pub id: Option<String>,
    /// Makes a role that the operator's account may take, instead of a key of its root.
    #[arg(long)]
    pub role: bool,
    #[command(flatten)]
    pub which: WhichArgs,
}

#[derive(Args, Clone, Debug)]
pub struct UsageArgs {
    /// Of this account alone.
    #[arg(long)]
    pub account: Option<String>,
    /// Since when, such as 2026-11-01T00:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub from: String,
    /// Until when; now unless it is said.
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
    /// Each resource by itself.
    #[arg(long)]
    pub by_resource: bool,
    #[command(flatten)]
    pub which: WhichArgs,
}

#[derive(Args, Clone, Debug)]
pub struct AccountArgs {
    /// Its number.
    pub account: String,
    #[command(flatten)]
    pub which: WhichArgs,
}

#[derive(Args, Clone, Debug)]
pub struct AccountSuspendArgs {
    /// Its number.
    pub account: String,
    /// Stops its machines, which run on otherwise.
    #[arg(long)]
    pub stop: bool,
    #[command(flatten)]
    pub which: WhichArgs,
}

#[derive(Args, Clone, Debug)]
pub struct AccountCloseArgs {
    /// Its number.
    pub account: String,
    /// How many days what it has is kept, 90 unless they are said.
    #[arg(long)]
    pub days: Option<u32>,
    #[command(flatten)]
    pub which: WhichArgs,
}

#[derive(Args, Clone, Debug)]
pub struct AccountQuotaArgs {
    /// Its number.
    pub account: String,
    /// Which limit to set; all are shown if none is named.
    pub name: Option<String>,
    /// The limit; everybody's again if none is said.
    pub value: Option<u64>,
    #[command(flatten)]
    pub which: WhichArgs,
}

#[derive(Args, Clone, Debug)]
pub struct AccountEnterArgs {
    /// Its number.
    pub account: String,
    /// Why, for whoever reads the audit.
    #[arg(long)]
    pub reason: String,
    #[command(flatten)]
    pub which: WhichArgs,
}

#[derive(Subcommand)]
pub enum KeyCommand {
    /// Locks a key that isn't locked.
    Lock(KeyArgs),
    /// Locks a key by another passphrase.
    Passphrase(KeyArgs),
    /// Unlocks a key, which then lies as it is in its file.
    Unlock(KeyArgs),
    /// Says whether a key is locked.
    Show(KeyArgs),
}

#[derive(Args, Clone, Debug)]
pub struct KeyArgs {
    #[command(flatten)]
    pub folder: FolderArgs,
    /// The key's file, where it isn't in the state folder.
    #[arg(long, env = "LANDFALL_ROOT_KEY", value_name = "FILE")]
    pub root_key: Option<PathBuf>,
    /// The file with the passphrase that it is locked by; else it is asked for at the terminal.
    #[arg(long, env = "LANDFALL_PASSPHRASE_FILE", value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// The file with the new passphrase; else it is asked for at the terminal.
    #[arg(long, value_name = "FILE")]
    pub new_passphrase_file: Option<PathBuf>,
}

/// Which of the servers on this machine.
#[derive(Args, Clone, Debug, Default)]
pub struct WhichArgs {
    /// The one that listens there; needed only where several run.
    #[arg(long, env = "LANDFALL_LISTEN", value_name = "ADDR:PORT")]
    pub listen: Option<SocketAddr>,
}

#[derive(Args, Clone, Debug)]
pub struct DownArgs {
    #[command(flatten)]
    pub which: WhichArgs,
    /// What becomes of the guests.
    #[arg(long, value_enum, default_value_t = Guests::Keep)]
    pub guests: Guests,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guests {
    /// They run on, with their network, and are found again.
    Keep,
    /// They are stopped first, as by StopInstances, and their networks are removed.
    Stop,
}

#[derive(Args, Clone, Debug)]
pub struct DoctorArgs {
    /// Looks only for what the simulation needs.
    #[arg(long)]
    pub simulate: bool,
}

#[derive(Subcommand)]
pub enum ImageCommand {
    /// Builds an image from Debian's packages.
    Build(BuildArgs),
    /// Takes in a disk image.
    Import(ImportArgs),
    /// Gives an image a further name, owner and id, so that people's look-ups find it.
    Alias(AliasArgs),
    /// Lists the images of this machine.
    List(FolderArgs),
}

#[derive(Args, Clone, Debug)]
pub struct FolderArgs {
    /// The folder of the cloud's state.
    #[arg(long, env = "LANDFALL_STATE", value_name = "DIR")]
    pub state: Option<PathBuf>,
}

#[derive(Args, Clone, Debug)]
pub struct BuildArgs {
    /// Which: `mini` starts in seconds; `debian` is Debian 12 with cloud-init.
    #[arg(value_enum)]
    pub which: Recipe,
    #[command(flatten)]
    pub folder: FolderArgs,
    /// Builds again although there is one.
    #[arg(long)]
    pub again: bool,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipe {
    /// busybox and dropbear.
    Mini,
    /// Debian 12 with cloud-init.
    Debian,
}

#[derive(Args, Clone, Debug)]
pub struct ImportArgs {
    /// The file.
    pub file: PathBuf,
    /// Its format. It is stated, never guessed: a guess can be misled by what is inside.
    #[arg(long, value_enum)]
    pub format: DiskFormat,
    /// The SHA-256 that it must have, in hexadecimal.
    #[arg(long, value_name = "HEX")]
    pub sha256: Option<String>,
    /// The image's name.
    #[arg(long)]
    pub name: String,
    /// The memory that it needs, in MiB.
    #[arg(long, default_value_t = 0)]
    pub min_memory_mib: u64,
    #[command(flatten)]
    pub folder: FolderArgs,
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskFormat {
    /// QEMU's own.
    Qcow2,
    /// The bytes of the disk.
    Raw,
}

#[derive(Args, Clone, Debug)]
pub struct AliasArgs {
    /// The image, by id or name.
    pub image: String,
    /// The further name; it may be the same as the image's.
    #[arg(long)]
    pub name: Option<String>,
    /// The account id of the owner that it is said to have.
    #[arg(long, default_value = "136693071363")]
    pub owner: String,
    /// The alias of that owner.
    #[arg(long, default_value = "amazon")]
    pub owner_alias: String,
    /// The id that it goes by under this name, such as one that configurations name.
    #[arg(long, value_name = "ami-…")]
    pub id: Option<String>,
    #[command(flatten)]
    pub folder: FolderArgs,
}

#[derive(Args, Clone, Debug)]
pub struct ConsoleArgs {
    /// The instance.
    pub instance: String,
    /// Goes on as more comes.
    #[arg(short, long)]
    pub follow: bool,
    #[command(flatten)]
    pub which: WhichArgs,
}

#[derive(Args, Clone, Debug)]
pub struct FirstArgs {
    #[command(flatten)]
    pub which: WhichArgs,
    /// The image's name pattern.
    #[arg(long, default_value = "landfall-mini-*")]
    pub image: String,
    /// The instance's type.
    #[arg(long = "type", default_value = "t3.nano")]
    pub instance_type: String,
    /// How long to wait until it lets somebody in, in seconds.
    #[arg(long, default_value_t = 180)]
    pub timeout: u64,
}

#[derive(Subcommand)]
pub enum InternalCommand {
    /// Serves DHCP, DNS and metadata in the networks' namespaces.
    Metadata {
        /// Its folder.
        #[arg(long)]
        folder: PathBuf,
    },
}
