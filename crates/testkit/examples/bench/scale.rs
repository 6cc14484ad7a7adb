//! What a large cloud costs: loading it, its memory, and what a read and a write take in it, which must not grow.
//!
//! A store is filled by the rules themselves, in transactions of a thousand launches over many accounts. It is then
//! loaded twice: by the engine alone, for the memory of the value, and by a simulated server, which also carries the
//! simulated host's own books, for the latencies that a client sees.
//!
//! Options: `sizes=1000,100000` (add `1000000`: minutes, and several GiB), `calls=1000`.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use landfall_cloud::launch::{self, InterfaceOrder, Order};
use landfall_cloud::volume::{NewDisk, NewVolume};
use landfall_cloud::{Cloud, Entropy, Tx, View, identity, network};
use landfall_model::{
    AccountId, InstanceType, MetadataOptions, Region, Scope, ShutdownBehavior, VolumeKind, VolumeShape,
};
use landfall_state::{Engine, SqliteLog, SqliteOptions};

use crate::client::{Connection, ec2};
use crate::figure::Figure;
use crate::server::{IMAGE, Server, resident_mib};
use crate::{Options, Outcome};

/// Instances of one transaction.
const GROUP: usize = 1000;
/// Instances of one account: they fit in one default subnet, with room for the launches that are measured.
const PER_ACCOUNT: usize = 3000;

/// Runs it.
pub fn run(options: &Options) -> Outcome<()> {
    if let Some(state) = options.text("load") {
        return load(Path::new(state));
    }
    let calls = usize::try_from(options.number("calls", 1000)?)?;
    let sizes = options.text("sizes").unwrap_or("1000,100000");
    println!(
        "| instances | load, s | MiB | bytes each | server answers, s | MiB | DescribeInstances by id, µs | CreateTags, µs | RunInstances, µs |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    for size in sizes.split(',') {
        let size: usize = size.parse()?;
        let folder = tempfile::tempdir()?;
        let state = folder.path().join("state");
        // The server makes what every cloud has, and later lets the simulated host take what was launched.
        drop(Server::landfall(Some(&state))?);
        let ids = fill(&state, size)?;
        settle(&state)?;
        let loaded =
            Command::new(std::env::current_exe()?).arg("scale").arg(format!("load={}", state.display())).output()?;
        let words = String::from_utf8_lossy(&loaded.stdout);
        let mut words = words.split_whitespace();
        let mut number = || -> Outcome<f64> { Ok(words.next().ok_or("the loader failed")?.parse()?) };
        let (load_s, before_mib, after_mib) = (number()?, number()?, number()?);
        let server = Server::landfall(Some(&state))?;
        let resident = server.resident_mib()?;
        let each = (after_mib - before_mib) * f64::from(1 << 20) / size as f64;
        let [describe, tag, run] = latencies(&server, &ids, calls)?;
        println!(
            "| {size} | {load_s:.2} | {after_mib:.0} | {each:.0} | {:.2} | {resident:.0} | {describe} | {tag} | {run} |",
            server.started_in.as_secs_f64(),
        );
    }
    println!("\nlatencies: medians of one at a time (least–most of ten spells); writes are durable");
    Ok(())
}

fn open(state: &Path) -> Outcome<Engine<Cloud>> {
    let log = SqliteLog::open(&state.join("log"), SqliteOptions::default())?;
    Ok(Engine::open(Box::new(log), landfall_state::Options::default())?)
}

/// The engine alone, in a process of its own: seconds, and resident memory before and after.
fn load(state: &Path) -> Outcome<()> {
    let before = resident_mib(std::process::id())?;
    let began = Instant::now();
    let engine = open(state)?;
    let took = began.elapsed();
    println!("{} {before} {}", took.as_secs_f64(), resident_mib(std::process::id())?);
    drop(engine);
    Ok(())
}

/// Launches as many instances. Returns the ids of the first account, which is the server's.
fn fill(state: &Path, size: usize) -> Outcome<Vec<String>> {
    let engine = open(state)?;
    let mut entropy = Entropy::from_system();
    let mut own = Vec::new();
    for first in (0..size).step_by(GROUP) {
        let account: AccountId = format!("{:012}", first / PER_ACCOUNT).parse().map_err(|_| "a bad account id")?;
        let scope = Scope { account, region: Region::DEFAULT };
        let count = u32::try_from(GROUP.min(size - first))?;
        let pending = engine.commit(|head| {
            head.transact(engine_now(), None, |tx| -> Result<_, String> {
                let mut tx = Tx::new(tx, scope, &mut entropy);
                identity::ensure_account(&mut tx, account);
                network::ensure_default(&mut tx).map_err(|fault| fault.to_string())?;
                let order = order(&tx.view(), count)?;
                let (_, ids) = launch::launch(&mut tx, &order).map_err(|fault| fault.to_string())?;
                Ok(ids)
            })
        });
        let ids = pending.wait()??;
        if first < PER_ACCOUNT {
            own.extend(ids.iter().map(ToString::to_string));
        }
        if first % 100_000 == 0 {
            eprintln!("{first} of {size} launched");
        }
    }
    Ok(own)
}

fn engine_now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(0))
}

fn order(view: &View<'_>, count: u32) -> Result<Order, String> {
    let interface =
        InterfaceOrder { public_address: Some(false), delete_on_termination: true, ..InterfaceOrder::default() };
    let kind = InstanceType::find("t3.nano").ok_or("there is no t3.nano")?;
    let image = view.image(IMAGE.parse().map_err(|_| "a bad image id")?).ok_or("the image isn't there")?;
    Ok(Order {
        image: image.id,
        kind,
        min: count,
        max: count,
        key_name: None,
        zone: None,
        interfaces: vec![interface],
        volumes: vec![NewDisk {
            device: image.root_device.clone(),
            delete_on_termination: true,
            volume: NewVolume {
                shape: VolumeShape {
                    size_gib: image.size_gib,
                    kind: VolumeKind::Gp2,
                    iops: None,
                    throughput_mib: None,
                },
                encryption: landfall_cloud::ebs::Encryption::default(),
                image: Some((image.id, image.snapshot)),
                snapshot: None,
                of_image: None,
            },
        }],
        user_data: None,
        shutdown_behavior: ShutdownBehavior::Stop,
        disable_api_termination: false,
        disable_api_stop: false,
        monitoring: false,
        ebs_optimized: false,
        metadata: MetadataOptions::default(),
        cpu_credits: None,
        profile: None,
        client_token: None,
        instance_tags: [("Name".to_owned(), "one of many".to_owned())].into(),
        template: None,
        volume_tags: Default::default(),
        interface_tags: Default::default(),
    })
}

/// Lets a server bring everything to rest.
fn settle(state: &Path) -> Outcome<()> {
    let server = Server::landfall(Some(state))?;
    let request = crate::client::own(server.at, "GET", "/_landfall/settled");
    while Connection::new(server.at).call(&request)?.0 != 200 {
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// Makes the request of a number.
type Maker<'m> = Box<dyn Fn(usize) -> Outcome<Vec<u8>> + 'm>;

fn latencies(server: &Server, ids: &[String], calls: usize) -> Outcome<[String; 3]> {
    let at = server.at;
    let id = |number: usize| &ids[number * 7919 % ids.len()];
    let kinds: [Maker<'_>; 3] = [
        Box::new(|number| ec2(at, "DescribeInstances", &format!("&InstanceId.1={}", id(number)))),
        Box::new(|number| {
            ec2(at, "CreateTags", &format!("&ResourceId.1={}&Tag.1.Key=Name&Tag.1.Value=n{number}", id(number)))
        }),
        Box::new(|number| {
            let parameters = "&InstanceType=t3.nano&MinCount=1&MaxCount=1&NetworkInterface.1.DeviceIndex=0\
                              &NetworkInterface.1.AssociatePublicIpAddress=false";
            ec2(at, "RunInstances", &format!("&ImageId={IMAGE}{parameters}&ClientToken=scale-{number}"))
        }),
    ];
    let mut texts = [String::new(), String::new(), String::new()];
    for (kind, text) in kinds.iter().zip(&mut texts) {
        let mut connection = Connection::new(at);
        let mut spells = Figure::default();
        for spell in 0..10 {
            let requests = (0..calls / 10).map(|number| kind(spell * calls + number)).collect::<Outcome<Vec<_>>>()?;
            let mut figure = Figure::default();
            for request in requests {
                let began = Instant::now();
                let (status, body) = connection.call(&request)?;
                if status != 200 {
                    return Err(String::from_utf8_lossy(body).into());
                }
                figure.add(began.elapsed().as_secs_f64() * 1e6);
            }
            spells.add(figure.median());
        }
        *text = spells.to_string();
    }
    Ok(texts)
}
