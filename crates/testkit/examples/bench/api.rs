//! Calls a second: Landfall in memory and durable, and moto, in interleaved rounds with the same client and the same
//! signed requests, one and eight at a time.
//!
//! Beside the rate stands the processor time that the server took for a call, which a busy machine changes little.
//!
//! Options: `rounds=5`, `ms=500` (the time of one spell), `servers=memory,durable,moto`, `call=0` (only that row, to
//! profile it).

use std::path::Path;
use std::time::Duration;

use crate::client::{Connection, Spell, ec2, signed, spell};
use crate::figure::{Figure, short};
use crate::server::{IMAGE, Server};
use crate::{Options, Outcome};

/// Instances that the look at many sees.
const MANY: usize = 1000;
/// Requests that are signed for one spell. A default subnet has room for no more launches.
const SUPPLY: usize = 4_000;
/// How many at a time.
pub const WIDTHS: [usize; 2] = [1, 8];

/// What is called. The last two are what a Rust emulator (fakecloud 0.51, in memory, signatures unchecked) reached on a
/// machine of two cores, one and eight at a time: of another run, so for orientation only.
const CALLS: [(&str, [f64; 2]); 5] = [
    ("RunInstances", [3_380.0, 3_380.0]),
    ("DescribeInstances of 1,000", [43.0, 106.0]),
    ("DescribeInstances of one", [f64::NAN, f64::NAN]),
    ("CreateTags", [7_400.0, 18_000.0]),
    ("GetCallerIdentity", [8_450.0, 16_900.0]),
];

/// Those of them that wait for the disk.
const WRITES: [&str; 2] = ["RunInstances", "CreateTags"];

struct Contender {
    name: &'static str,
    server: Server,
    rates: Vec<[Figure; 2]>,
    /// Microseconds of processor time a call.
    costs: Vec<[Figure; 2]>,
}

/// Runs it.
pub fn run(options: &Options) -> Outcome<()> {
    let rounds = options.number("rounds", 5)?;
    let time = Duration::from_millis(options.number("ms", 500)?);
    let state = tempfile::tempdir()?;
    let only = options.text("call").map(str::parse::<usize>).transpose()?;
    let wanted = options.text("servers").unwrap_or("memory,durable,moto");
    let mut contenders = Vec::new();
    for name in ["memory", "durable", "moto"].into_iter().filter(|name| wanted.split(',').any(|word| word == *name)) {
        let server = match name {
            "memory" => Some(Server::landfall(None)?),
            "durable" => Some(Server::landfall(Some(&state.path().join("state")))?),
            _ => Server::moto()?,
        };
        let none = || vec![<[Figure; 2]>::default(); CALLS.len()];
        match server {
            Some(server) => contenders.push(Contender { name, server, rates: none(), costs: none() }),
            None => eprintln!("skipped: moto_server isn't installed (pip install 'moto[server]')"),
        }
    }
    for round in 0..rounds {
        for contender in &mut contenders {
            eprintln!("round {} of {rounds}: {}", round + 1, contender.name);
            contender.round(time, only).map_err(|error| format!("{}: {error}", contender.name))?;
        }
    }
    show(&contenders);
    disk(state.path(), &contenders)
}

/// Runs the calls of the audit's bench: those of a binary that records nothing, and ours, in memory and durable.
pub fn run_audit(options: &Options) -> Outcome<()> {
    let rounds = options.number("rounds", 7)?;
    let time = Duration::from_millis(options.number("ms", 500)?);
    let unaudited = std::env::var_os("LANDFALL_UNAUDITED").ok_or("LANDFALL_UNAUDITED names no binary")?;
    let states = tempfile::tempdir()?;
    let mut pairs = Vec::new();
    for name in ["memory", "durable"] {
        for (is_audited, binary) in [(true, crate::server::binary()?), (false, unaudited.clone().into())] {
            let state = states.path().join(format!("{name}-{is_audited}"));
            let server = Server::landfall_of(&binary, (name == "durable").then_some(state.as_path()))?;
            let none = || vec![<[Figure; 2]>::default(); CALLS.len()];
            pairs.push(Contender { name, server, rates: none(), costs: none() });
        }
    }
    for round in 0..rounds {
        eprintln!("round {} of {rounds}", round + 1);
        for call in AUDITED {
            for contender in &mut pairs {
                contender.round(time, Some(call)).map_err(|error| format!("{}: {error}", contender.name))?;
            }
        }
    }
    println!(
        "| call | at a time | state | with the audit | without | of its rate | processor µs a call: with | without |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    for call in AUDITED {
        for (column, width) in WIDTHS.iter().enumerate() {
            for pair in pairs.chunks(2) {
                let [with, without] = [&pair[0], &pair[1]];
                let rates = [with, without].map(|contender| contender.rates[call][column].clone());
                let costs = [with, without].map(|contender| short(contender.costs[call][column].median()));
                println!(
                    "| {} | {width} | {} | {} | {} | {} | {} | {} |",
                    CALLS[call].0,
                    with.name,
                    rates[0],
                    rates[1],
                    short(rates[0].median() / rates[1].median()),
                    costs[0],
                    costs[1]
                );
            }
        }
    }
    Ok(())
}

/// The calls of the audit's bench: a look at one, and tags.
const AUDITED: [usize; 2] = [2, 3];

impl Contender {
    fn round(&mut self, time: Duration, only: Option<usize>) -> Outcome<()> {
        let at = self.server.at;
        let wanted = |call: usize| only.is_none_or(|only| only == call);
        for index in (0..WIDTHS.len()).filter(|_| wanted(0)) {
            self.server.reset()?;
            warm(&self.server)?;
            let launches = (0..SUPPLY).map(|number| ec2(at, "RunInstances", &launch(1, number)));
            let launches = launches.collect::<Outcome<Vec<_>>>()?;
            self.measure(0, index, &launches, time, false)?;
        }
        self.server.reset()?;
        let ids = populate(&self.server)?;
        let all = ["&MaxResults=1000".to_owned()].map(|parameters| ec2(at, "DescribeInstances", &parameters));
        let one = ids.iter().map(|id| ec2(at, "DescribeInstances", &format!("&InstanceId.1={id}")));
        let tags = (0..SUPPLY * 4).map(|number| {
            let id = &ids[number % ids.len()];
            ec2(at, "CreateTags", &format!("&ResourceId.1={id}&Tag.1.Key=Name&Tag.1.Value=number-{number}"))
        });
        let who = [signed(at, crate::client::REGION, "sts", "Action=GetCallerIdentity&Version=2011-06-15")];
        let sets: [Outcome<Vec<_>>; 4] =
            [all.into_iter().collect(), one.collect(), tags.collect(), who.into_iter().collect()];
        for (call, requests) in sets.into_iter().enumerate().filter(|(call, _)| wanted(call + 1)) {
            let requests = requests?;
            for index in 0..WIDTHS.len() {
                self.measure(call + 1, index, &requests, time, true)?;
            }
        }
        Ok(())
    }

    fn measure(&mut self, call: usize, index: usize, requests: &[Vec<u8>], time: Duration, again: bool) -> Outcome<()> {
        let before = self.server.processor_time()?;
        let spell = spell(self.server.at, requests, WIDTHS[index], time, again)?;
        let taken = self.server.processor_time()?.saturating_sub(before);
        self.rates[call][index].add(spell.rate());
        self.costs[call][index].add(taken.as_secs_f64() * 1e6 / spell.calls as f64);
        Ok(())
    }
}

fn launch(count: usize, number: usize) -> String {
    format!("&ImageId={IMAGE}&InstanceType=t3.nano&MinCount={count}&MaxCount={count}&ClientToken=token-{number}")
}

/// The first use of a region makes its network, which isn't what is measured.
fn warm(server: &Server) -> Outcome<()> {
    let mut connection = Connection::new(server.at);
    let (status, body) = connection.call(&ec2(server.at, "RunInstances", &launch(1, usize::MAX))?)?;
    if status == 200 { Ok(()) } else { Err(String::from_utf8_lossy(body).into()) }
}

/// Launches a thousand instances; their ids.
pub fn populate(server: &Server) -> Outcome<Vec<String>> {
    let mut connection = Connection::new(server.at);
    let (status, body) = connection.call(&ec2(server.at, "RunInstances", &launch(MANY, usize::MAX))?)?;
    let text = String::from_utf8_lossy(body);
    if status != 200 {
        return Err(text.into());
    }
    let ids = text.split("<instanceId>").skip(1).filter_map(|rest| rest.split('<').next());
    let ids: Vec<_> = ids.map(str::to_owned).collect();
    if ids.len() == MANY { Ok(ids) } else { Err(format!("{} of {MANY} instances were launched", ids.len()).into()) }
}

fn show(contenders: &[Contender]) {
    let of = |name: &str| contenders.iter().find(|contender| contender.name == name);
    println!("calls a second: median (least–most); `x` is how many times moto's; the emulator's are of another run\n");
    println!(
        "| call | at a time | memory | durable | moto | memory x | durable x | memory, of the emulator's | processor \
         µs a call: memory | durable | moto |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    for (row, (name, emulator)) in CALLS.iter().enumerate() {
        for (column, width) in WIDTHS.iter().enumerate() {
            let rate = |name: &str| of(name).map_or(Figure::default(), |c| c.rates[row][column].clone());
            let cost = |name: &str| short(of(name).map_or(f64::NAN, |c| c.costs[row][column].median()));
            let [memory, durable, moto] = ["memory", "durable", "moto"].map(rate);
            let times = |figure: &Figure| short(figure.median() / moto.median());
            let beside = short(memory.median() / emulator[column]);
            println!(
                "| {name} | {width} | {memory} | {durable} | {moto} | {} | {} | {beside} | {} | {} | {} |",
                times(&memory),
                times(&durable),
                cost("memory"),
                cost("durable"),
                cost("moto")
            );
        }
    }
}

/// What the disk takes of a durable write: the same append, alone.
fn disk(folder: &Path, contenders: &[Contender]) -> Outcome<()> {
    use std::io::Write as _;
    let mut file = std::fs::File::create(folder.join("disk"))?;
    let block = [7; 4096];
    let began = std::time::Instant::now();
    let mut calls = 0;
    while calls < 200 || began.elapsed() < Duration::from_millis(300) {
        file.write_all(&block)?;
        file.sync_data()?;
        calls += 1;
    }
    let disk = Spell { calls, took: began.elapsed() };
    let disk_us = 1e6 / disk.rate();
    println!("\none append of 4 KiB with its fdatasync takes {} µs on this disk;", short(disk_us));
    let Some(durable) = contenders.iter().find(|contender| contender.name == "durable") else { return Ok(()) };
    for (row, (name, _)) in CALLS.iter().enumerate().filter(|(_, (name, _))| WRITES.contains(name)) {
        let call_us = 1e6 / durable.rates[row][0].median();
        println!(
            "a durable {name} alone takes {} µs, of which that is {:.0} %",
            short(call_us),
            disk_us / call_us * 100.0
        );
    }
    Ok(())
}
