//! The configuration: from the command line, the environment and a file, in this order, to settings that hold together.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use landfall_api::Throttling;
use landfall_cloud::value::default_settings;
use landfall_control::{retention, trail};
use landfall_model::{AccountId, BucketAccounts, ImageId, Ipv4Cidr, Quotas, Region, Settings};
use landfall_node::network::flow::deliver::{Bucket, Buckets};
use serde::Deserialize;

use crate::chunk_place::ChunkPlace;
use crate::cli::{AgentArgs, KeyArgs, ServeArgs};
use crate::serve::Files;

/// Where people's local AWS tools already look.
pub const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 4566);
/// Where a cloud of real machines keeps its state.
pub const DEFAULT_STATE: &str = "/var/lib/landfall";
/// The configuration file that is read if it is there.
const DEFAULT_FILE: &str = "/etc/landfall.toml";
/// The account that a cloud has unless another is asked for.
const DEFAULT_ACCOUNT: &str = "000000000000";
/// The key of a simulated cloud, where none is given: anybody may know it.
const SIMULATED_KEY: &str = "test";
/// Letters of a secret that is given: nothing else bounds how often somebody may guess it.
const SECRET_LEAST: usize = 16;

/// How a cloud runs.
#[derive(Clone, Debug)]
pub struct Config {
    /// Whether there are no guests.
    pub simulate: bool,
    /// The folder of its state; `None` for memory.
    pub state: Option<PathBuf>,
    /// Where it listens.
    pub listen: SocketAddr,
    /// The account.
    pub account: AccountId,
    /// The root access key's id, where it is given.
    pub access_key: Option<String>,
    /// Its secret, where it is given.
    pub secret_key: Option<String>,
    /// The region.
    pub region: Region,
    /// Image ids to pretend.
    pub images: Vec<ImageId>,
    /// How long a simulated start takes.
    pub start: Duration,
    /// How long a simulated guest takes to stop.
    pub stop: Duration,
    /// Names that requests may address it by.
    pub host_names: Vec<String>,
    /// Identity providers that may be near.
    pub issuers: Vec<String>,
    /// The file of the root key, where it isn't in the state folder.
    pub root_key: Option<PathBuf>,
    /// The file of its passphrase, where one is named.
    pub passphrase_file: Option<PathBuf>,
    /// What goes into the cloud as the provider's decisions.
    pub settings: Settings,
    /// How networks are made.
    pub network: NetworkFile,
    /// The folders that stand for buckets, by the bucket's name.
    pub buckets: Buckets,
    /// Hosts that disks may be imported from wherever they are.
    pub import_hosts: Vec<String>,
    /// Where snapshots are stored, where it is said.
    pub snapshots: Option<ChunkPlace>,
    /// How long the records of calls that changed nothing are kept.
    pub keep_audit: Duration,
    /// How often trails deliver.
    pub trail_delivery: Duration,
    /// How long a digest of theirs is about.
    pub trail_digest: Duration,
    /// Where agents of other machines are taken.
    pub agents: Option<SocketAddr>,
    /// Whether this machine runs no guests.
    pub control_only: bool,
    /// Whether guests are only pretended, on networks that are real.
    pub pretend_guests: bool,
    /// How the endpoint speaks TLS, if it does.
    pub tls: Option<Tls>,
    /// How often accounts may call.
    pub throttling: Throttling,
}

/// How the endpoint speaks TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tls {
    /// With certificates of the cloud's own authority.
    Own,
    /// With a certificate that is given.
    Given {
        /// It and its key.
        files: Files,
        /// The certificate that clients are to trust, where they don't trust this one already.
        authority: Option<PathBuf>,
    },
}

/// The keys of the configuration file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct File {
    simulate: Option<bool>,
    state: Option<PathBuf>,
    listen: Option<SocketAddr>,
    account: Option<String>,
    access_key: Option<String>,
    secret_key: Option<String>,
    region: Option<String>,
    images: Vec<String>,
    start_ms: Option<u64>,
    stop_ms: Option<u64>,
    pool: Option<String>,
    public_domain: Option<String>,
    host_names: Vec<String>,
    issuers: Vec<String>,
    root_key: Option<PathBuf>,
    passphrase_file: Option<PathBuf>,
    cpu_ratio: Option<u32>,
    audit_days: Option<u32>,
    trail_delivery_s: Option<u64>,
    trail_digest_s: Option<u64>,
    quotas: Quotas,
    network: NetworkFile,
    /// The folders that stand for buckets: flow logs and trails are written there.
    buckets: BTreeMap<String, BucketFile>,
    /// Hosts, with or without a port, that addresses of disks to import may lead to although they aren't on the open internet.
    import_hosts: Vec<String>,
    /// Where snapshots are stored; in `chunks` in the state folder of a machine that is alone.
    snapshots: Option<ChunkPlace>,
    agents: Option<SocketAddr>,
    control_only: bool,
    tls: bool,
    tls_certificate: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    tls_authority: Option<PathBuf>,
    throttling: ThrottlingFile,
}

/// A bucket in the configuration file's `[buckets]`: a folder for the provider's own account, or one for other accounts too.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum BucketFile {
    Folder(PathBuf),
    Shared(SharedBucket),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SharedBucket {
    folder: PathBuf,
    /// Numbers of accounts; `*` is everybody.
    accounts: Vec<String>,
}

impl BucketFile {
    fn folder(&self) -> &Path {
        match self {
            Self::Folder(folder) | Self::Shared(SharedBucket { folder, .. }) => folder,
        }
    }

    /// Whose files go there, where it is said.
    fn accounts(&self, name: &str) -> Result<Option<BucketAccounts>> {
        let Self::Shared(SharedBucket { accounts, .. }) = self else { return Ok(None) };
        if accounts.iter().any(|account| account == "*") {
            return Ok(Some(BucketAccounts::All));
        }
        let read = |account: &String| account.parse().with_context(|| format!("buckets.{name}.accounts: {account}"));
        Ok(Some(BucketAccounts::These(accounts.iter().map(read).collect::<Result<_>>()?)))
    }
}

/// How often accounts may call, in the configuration file's `[throttling]`: in percent of AWS's rates, where 0 is no limit.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ThrottlingFile {
    /// For accounts that aren't named; 100 unless it is said, and 0 in a simulation.
    percent: Option<u32>,
    /// For accounts by themselves.
    accounts: BTreeMap<String, u32>,
}

impl ThrottlingFile {
    fn resolve(self, given: Option<u32>, simulate: bool) -> Result<Throttling> {
        let read = |(account, percent): (String, u32)| {
            let account: AccountId = account.parse().with_context(|| format!("throttling.accounts.{account}"))?;
            Ok((account, percent))
        };
        let accounts = self.accounts.into_iter().map(read).collect::<Result<_>>()?;
        Ok(Throttling { percent: given.or(self.percent).unwrap_or(if simulate { 0 } else { 100 }), accounts })
    }
}

/// How networks are made, in the configuration file's `[network]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkFile {
    /// The link to the internet; the one of the default route if it isn't said.
    pub uplink: Option<String>,
    /// Where guests may not go.
    pub blocked: Vec<String>,
    /// Whether guests may go to the networks that the machine itself is on.
    pub lan: bool,
    /// This machine's address among the hosts.
    pub underlay: Option<Ipv4Addr>,
    /// The port that VXLAN is spoken on between hosts.
    pub vxlan_port: Option<u16>,
    /// Whether the outside routes public addresses to the hosts that have them; otherwise guests go out as their host.
    pub routed: bool,
}

impl NetworkFile {
    /// The port that VXLAN is spoken on: the one that it was assigned (RFC 7348) unless another is said.
    pub fn port(&self) -> u16 {
        self.vxlan_port.unwrap_or(4789)
    }
}

/// The settings of a machine whose agent runs alone.
pub struct AgentSettings {
    /// The state folder.
    pub state: PathBuf,
    /// How networks are made.
    pub network: NetworkFile,
    /// The folders that stand for buckets.
    pub buckets: Buckets,
    /// Hosts that disks may be imported from wherever they are.
    pub import_hosts: Vec<String>,
    /// Where snapshots are stored, where it is said.
    pub snapshots: Option<ChunkPlace>,
}

/// The settings of a machine whose agent runs alone.
pub fn agent_settings(args: &AgentArgs) -> Result<AgentSettings> {
    let file = read_file(args.config.as_deref())?;
    let state = args.state.clone().or(file.state).unwrap_or_else(|| DEFAULT_STATE.into());
    let mut network = file.network;
    network.uplink = args.uplink.clone().or(network.uplink);
    let state = std::path::absolute(&state).with_context(|| format!("--state {}", state.display()))?;
    Ok(AgentSettings {
        state,
        network,
        buckets: check_buckets(file.buckets)?,
        import_hosts: file.import_hosts,
        snapshots: file.snapshots.map(ChunkPlace::check).transpose()?,
    })
}

impl Config {
    /// Reads the configuration of `serve` and `up`.
    pub fn resolve(args: &ServeArgs) -> Result<Self> {
        let file = read_file(args.config.as_deref())?;
        let (listen, tls) = endpoint(args, &file)?;
        let simulate = args.simulate || env_flag("LANDFALL_SIMULATE") || file.simulate.unwrap_or(false);
        let account = args.account.clone().or(file.account).unwrap_or_else(|| DEFAULT_ACCOUNT.into());
        let region = args.region.clone().or(file.region).unwrap_or_else(|| Region::DEFAULT.name().into());
        let images = if args.images.is_empty() { file.images } else { args.images.clone() };
        ensure!(
            simulate || images.is_empty(),
            "--image pretends images, which only --simulate does; use `landfall image alias` instead"
        );
        let key = |given: Option<String>| given.or_else(|| simulate.then(|| SIMULATED_KEY.to_owned()));
        let access_key = key(args.access_key.clone().or(file.access_key));
        let secret_key = key(args.secret_key.clone().or(file.secret_key));
        check_access_key(access_key.as_deref())?;
        if !simulate {
            check_secret_key(secret_key.as_deref())?;
        }
        let audit_days = file.audit_days.unwrap_or(retention::AUDIT_DAYS);
        ensure!(audit_days > 0, "audit_days: an audit that is kept for no day is none");
        let agents = args.agents.or(file.agents);
        let control_only = args.control_only || file.control_only;
        ensure!(
            !simulate || (agents.is_none() && !control_only && !args.pretend_guests),
            "--simulate has hosts of its own: agents join a cloud of real machines"
        );
        let mut network = file.network;
        network.underlay = args.underlay.or(network.underlay);
        ensure!(
            agents.is_none() || control_only || network.underlay.is_some(),
            "--agents: other machines must reach the guests of this one: say its address among them with --underlay, or --control-only if it runs none"
        );
        let account: AccountId = account.parse().context("--account")?;
        let mut settings = default_settings();
        settings.operator = account;
        settings.quotas = file.quotas;
        settings.cpu_ratio = file.cpu_ratio.unwrap_or(settings.cpu_ratio);
        if let Some(domain) = args.public_domain.clone().or(file.public_domain) {
            settings.public_domain = domain;
        }
        if let Some(pool) = args.pool.clone().or(file.pool) {
            settings.public_pool = parse_pool(&pool)?;
        }
        let buckets = check_buckets(file.buckets)?;
        settings.buckets = buckets.keys().cloned().collect();
        let named = buckets.iter().filter_map(|(name, bucket)| Some((name.clone(), bucket.accounts.clone()?)));
        settings.bucket_accounts = named.collect();
        Ok(Self {
            simulate,
            state: state_folder(simulate, args.state.clone().or(file.state))?,
            listen,
            account,
            access_key,
            secret_key,
            region: region.parse().context("--region")?,
            images: images
                .iter()
                .map(|id| id.parse().with_context(|| format!("--image {id}")))
                .collect::<Result<_>>()?,
            start: Duration::from_millis(args.start_ms.or(file.start_ms).unwrap_or(0)),
            stop: Duration::from_millis(args.stop_ms.or(file.stop_ms).unwrap_or(0)),
            host_names: if args.host_names.is_empty() { file.host_names } else { args.host_names.clone() },
            issuers: if args.issuers.is_empty() { file.issuers } else { args.issuers.clone() },
            root_key: args.root_key.clone().or(file.root_key),
            passphrase_file: args.passphrase_file.clone().or(file.passphrase_file),
            settings,
            network,
            buckets,
            import_hosts: file.import_hosts,
            snapshots: file.snapshots.map(ChunkPlace::check).transpose()?,
            keep_audit: Duration::from_secs(86_400) * audit_days,
            trail_delivery: file.trail_delivery_s.map_or(trail::DELIVERY, |s| Duration::from_secs(s.max(1))),
            trail_digest: file.trail_digest_s.map_or(trail::DIGEST, |s| Duration::from_secs(s.max(1))),
            agents,
            control_only,
            pretend_guests: args.pretend_guests,
            tls,
            throttling: file.throttling.resolve(args.throttling, simulate)?,
        })
    }
}

/// That a real cloud's secret is one: that nobody reads or guesses it.
fn check_secret_key(secret: Option<&str>) -> Result<()> {
    let on_command_line = std::env::args().any(|arg| arg.starts_with("--secret-key"));
    ensure!(
        !on_command_line,
        "--secret-key on the command line can be read by every user of this machine: set LANDFALL_SECRET_KEY, or use it with --simulate"
    );
    ensure!(
        secret.is_none_or(|secret| secret.len() >= SECRET_LEAST),
        "a secret of fewer than {SECRET_LEAST} letters can be guessed: give a longer one, or none, and one is made"
    );
    Ok(())
}

/// That an access key's id is one that requests can name.
fn check_access_key(id: Option<&str>) -> Result<()> {
    let is_fine = |id: &str| {
        let named = id.bytes().all(|b| b.is_ascii_graphic() && b != b'/' && b != b',');
        (1..=128).contains(&id.len()) && named
    };
    ensure!(id.is_none_or(is_fine), "an access key's id has 1 to 128 letters, digits and signs, and no slash or comma");
    Ok(())
}

/// Where the endpoint listens, and how it speaks TLS, which off loopback it must. A certificate says by itself that it is to.
fn endpoint(args: &ServeArgs, file: &File) -> Result<(SocketAddr, Option<Tls>)> {
    let listen = args.listen.or(file.listen).unwrap_or(DEFAULT_LISTEN);
    let path = |given: &Option<PathBuf>, kept: &Option<PathBuf>| {
        let path = given.as_ref().or(kept.as_ref());
        path.map(|path| std::path::absolute(path).with_context(|| path.display().to_string())).transpose()
    };
    let certificate = path(&args.tls_certificate, &file.tls_certificate)?;
    let key = path(&args.tls_key, &file.tls_key)?;
    let authority = path(&args.tls_authority, &file.tls_authority)?;
    ensure!(
        authority.is_none() || certificate.is_some(),
        "--tls-authority is for a certificate that is given: add --tls-certificate"
    );
    let tls = match (certificate, key) {
        (Some(certificate), Some(key)) => Some(Tls::Given { files: Files { certificate, key }, authority }),
        (None, None) => (args.tls || env_flag("LANDFALL_TLS") || file.tls).then_some(Tls::Own),
        _ => bail!("--tls-certificate and --tls-key belong together"),
    };
    ensure!(
        listen.ip().is_loopback() || tls.is_some(),
        "--listen {listen}: off loopback the API is spoken over TLS only: add --tls (with an authority of the cloud's own, whose certificate `landfall env` names to clients), or --tls-certificate and --tls-key"
    );
    Ok((listen, tls))
}

/// The folders of buckets must be found from wherever the server was started.
fn check_buckets(buckets: BTreeMap<String, BucketFile>) -> Result<Buckets> {
    let check = |(name, bucket): (String, BucketFile)| {
        let is_name = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b));
        ensure!(
            is_name && (3..=63).contains(&name.len()) && !name.contains(".."),
            "buckets.{name}: a bucket's name has 3 to 63 small letters, digits, hyphens and dots"
        );
        let (folder, accounts) = (bucket.folder().to_owned(), bucket.accounts(&name)?);
        ensure!(folder.is_absolute(), "buckets.{name}: {} is no absolute path", folder.display());
        Ok((name, Bucket { folder, accounts }))
    };
    let buckets: Buckets = buckets.into_iter().map(check).collect::<Result<_>>()?;
    // Whoever reads one would read the other: a bucket's folder is its own.
    for (name, bucket) in &buckets {
        let within = |other: &&String| *other != name && bucket.folder.starts_with(&buckets[*other].folder);
        if let Some(other) = buckets.keys().find(within) {
            anyhow::bail!("buckets.{name}: its folder is that of {other}, or in it");
        }
    }
    Ok(buckets)
}

fn env_flag(name: &str) -> bool {
    std::env::var(name).is_ok_and(|value| matches!(value.as_str(), "1" | "true" | "yes"))
}

fn read_file(named: Option<&Path>) -> Result<File> {
    let path = named.unwrap_or(Path::new(DEFAULT_FILE));
    match std::fs::read_to_string(path) {
        Ok(text) => toml::from_str(&text).with_context(|| format!("reading {}", path.display())),
        Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => Ok(File::default()),
        Err(error) => Err(error).with_context(|| format!("reading {}", path.display())),
    }
}

fn parse_pool(text: &str) -> Result<Ipv4Cidr> {
    let (pool, loose) = Ipv4Cidr::parse_loose(text).context("--pool")?;
    ensure!(
        !loose && (8..=29).contains(&pool.prefix()),
        "--pool {text}: a block such as 198.18.0.0/16, of 8 to 29 leading bits"
    );
    let first = pool.first();
    ensure!(
        !first.is_loopback()
            && !first.is_link_local()
            && !first.is_multicast()
            && first.octets()[0] < 224
            && first.octets()[0] != 0,
        "--pool {text}: these addresses are never anybody's"
    );
    Ok(pool)
}

fn state_folder(simulate: bool, given: Option<PathBuf>) -> Result<Option<PathBuf>> {
    match given {
        Some(path) if path.as_os_str() == "memory" => {
            ensure!(simulate, "--state memory is only for --simulate: real machines need a state that survives");
            Ok(None)
        }
        Some(path) => Ok(Some(std::path::absolute(&path).with_context(|| format!("--state {}", path.display()))?)),
        None if simulate => Ok(None),
        None => Ok(Some(DEFAULT_STATE.into())),
    }
}

/// The file of the root key that commands on it mean.
pub fn root_key_file(args: &KeyArgs) -> Result<PathBuf> {
    let named = match &args.root_key {
        // A state folder that is named means the key in it, whatever the configuration file says of another.
        None if args.folder.state.is_none() => read_file(None)?.root_key,
        named => named.clone(),
    };
    match named {
        Some(path) => Ok(path),
        None => Ok(key_in(&image_state(args.folder.state.as_deref())?)),
    }
}

/// Where the root key lies in a state folder.
pub fn key_in(state: &Path) -> PathBuf {
    state.join("keys").join("root.key")
}

/// The state folder that commands on images mean.
pub fn image_state(given: Option<&Path>) -> Result<PathBuf> {
    match given {
        Some(path) if path.as_os_str() == "memory" => bail!("a state in memory has no images of its own"),
        Some(path) => std::path::absolute(path).context("--state"),
        None => Ok(read_file(None)?.state.unwrap_or_else(|| DEFAULT_STATE.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(args: ServeArgs) -> Result<Config> {
        // A file of the machine's own must not decide what a test sees.
        let empty = tempfile::NamedTempFile::new()?;
        Config::resolve(&ServeArgs { config: Some(empty.path().to_owned()), ..args })
    }

    #[test]
    fn simulation_keeps_nothing_unless_it_is_told_where() {
        let config = resolve(ServeArgs { simulate: true, ..ServeArgs::default() }).unwrap();
        assert_eq!((config.state, config.access_key.as_deref()), (None, Some("test")));
        let config = resolve(ServeArgs::default()).unwrap();
        assert_eq!((config.state, config.access_key), (Some(DEFAULT_STATE.into()), None));
    }

    #[test]
    fn memory_and_pretended_images_are_for_simulation_only() {
        for args in [
            ServeArgs { state: Some("memory".into()), ..ServeArgs::default() },
            ServeArgs { images: vec!["ami-12345678".into()], ..ServeArgs::default() },
        ] {
            assert!(resolve(args.clone()).is_err());
            assert!(resolve(ServeArgs { simulate: true, ..args }).is_ok());
        }
    }

    #[test]
    fn buckets_have_names_and_folders_of_real_machines() {
        let read = |text: &str, simulate| {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), text).unwrap();
            let config = Some(file.path().to_owned());
            Config::resolve(&ServeArgs { config, simulate, ..ServeArgs::default() }).map(|config| config.buckets)
        };
        let buckets = read("[buckets]\nflows = \"/srv/flows\"\n", false).unwrap();
        assert_eq!(buckets, Buckets::from([("flows".into(), Bucket { folder: "/srv/flows".into(), accounts: None })]));
        assert_eq!(read("[buckets]\nflows = \"/srv/flows\"\n", true).unwrap(), buckets);
        for wrong in
            ["flows = \"here\"", "\"../x\" = \"/srv\"", "\"a..b\" = \"/srv\"", "ab = \"/srv\"", "Flows = \"/srv\""]
        {
            assert!(read(&format!("[buckets]\n{wrong}\n"), false).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_bucket_is_the_providers_unless_it_says_whose_else() {
        let read = |text: &str| {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), format!("[buckets]\n{text}\n")).unwrap();
            let config = Some(file.path().to_owned());
            Config::resolve(&ServeArgs { config, ..ServeArgs::default() }).map(|config| config.settings)
        };
        let (tenant, other) = ("444455556666".parse().unwrap(), "777788889999".parse().unwrap());
        for (text, whose) in [
            ("own = \"/srv\"", [true, false, false]),
            ("own = { folder = \"/srv\", accounts = [\"444455556666\"] }", [false, true, false]),
            ("own = { folder = \"/srv\", accounts = [\"*\"] }", [true, true, true]),
            ("other = \"/srv\"", [false, false, false]),
        ] {
            let settings = read(text).unwrap();
            let takes = [settings.operator, tenant, other].map(|account| settings.takes("own", account));
            assert_eq!(takes, whose, "{text}");
        }
        for wrong in ["{ folder = \"/srv\", accounts = [\"me\"] }", "{ folder = \"/srv\", acounts = [] }"] {
            assert!(read(&format!("own = {wrong}")).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_machine_among_others_has_an_address_there_or_no_guests() {
        let door = ServeArgs { agents: Some(DEFAULT_LISTEN), ..ServeArgs::default() };
        assert!(resolve(door.clone()).is_err());
        assert!(resolve(ServeArgs { simulate: true, ..door.clone() }).is_err());
        assert!(resolve(ServeArgs { control_only: true, ..door.clone() }).unwrap().control_only);
        let underlay = Some([10, 9, 0, 1].into());
        assert_eq!(resolve(ServeArgs { underlay, ..door }).unwrap().network.underlay, underlay);
    }

    #[test]
    fn accounts_are_throttled_on_real_machines_and_by_themselves_where_it_is_said() {
        let read = |text: &str, simulate| {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), text).unwrap();
            let config = Some(file.path().to_owned());
            Config::resolve(&ServeArgs { config, simulate, ..ServeArgs::default() }).map(|config| config.throttling)
        };
        assert_eq!((read("", true).unwrap().percent, read("", false).unwrap().percent), (0, 100));
        let said = read("[throttling]\npercent = 50\n[throttling.accounts]\n111122223333 = 0\n", true).unwrap();
        assert_eq!(said.percent, 50);
        assert_eq!(said.accounts.get(&"111122223333".parse().unwrap()), Some(&0));
        assert!(read("[throttling.accounts]\nme = 5\n", false).is_err());
    }

    #[test]
    fn nothing_is_spoken_in_plain_off_loopback() {
        let everywhere: SocketAddr = "0.0.0.0:4566".parse().unwrap();
        let open = ServeArgs { listen: Some(everywhere), simulate: true, ..ServeArgs::default() };
        let refused = resolve(open.clone()).unwrap_err().to_string();
        assert!(refused.contains("--tls"), "{refused}");
        assert_eq!(resolve(ServeArgs { tls: true, ..open.clone() }).unwrap().tls, Some(Tls::Own));
        let (certificate, key) = (Some("/c.pem".into()), Some("/k.pem".into()));
        let given = ServeArgs { tls_certificate: certificate, tls_key: key, ..open.clone() };
        assert!(matches!(resolve(given.clone()).unwrap().tls, Some(Tls::Given { authority: None, .. })));
        assert!(resolve(ServeArgs { tls_key: None, ..given }).is_err());
        assert!(resolve(ServeArgs { tls: true, tls_authority: Some("/ca.pem".into()), ..open }).is_err());
        assert_eq!(resolve(ServeArgs::default()).unwrap().tls, None);
    }

    #[test]
    fn a_secret_that_can_be_guessed_is_for_simulations() {
        let given =
            |secret: &str, simulate| ServeArgs { secret_key: Some(secret.into()), simulate, ..ServeArgs::default() };
        assert!(resolve(given("test", false)).is_err() && resolve(given("0123456789abcde", false)).is_err());
        assert!(resolve(given("0123456789abcdef", false)).is_ok() && resolve(given("test", true)).is_ok());
    }

    #[test]
    fn what_aws_tools_would_refuse_is_refused_at_the_start() {
        for args in [
            ServeArgs { region: Some("local-1".into()), ..ServeArgs::default() },
            ServeArgs { account: Some("12".into()), ..ServeArgs::default() },
            ServeArgs { pool: Some("198.18.0.1/16".into()), ..ServeArgs::default() },
            ServeArgs { pool: Some("127.0.0.0/8".into()), ..ServeArgs::default() },
            ServeArgs { pool: Some("169.254.0.0/16".into()), ..ServeArgs::default() },
            ServeArgs { pool: Some("240.0.0.0/16".into()), ..ServeArgs::default() },
        ] {
            assert!(resolve(args).is_err());
        }
    }
}
