//! Calls a second: Landfall in memory and durable, and moto, in interleaved rounds with the same client and the same
//! signed requests, one and eight at a time.
//!
//! Options: `rounds=5`, `ms=500` (the time of one spell).

use std::path::Path;
use std::time::Duration;

use crate::client::{Connection, Spell, ec2, signed, spell};
use crate::figure::{Figure, short};
use crate::server::{IMAGE, Server};
use crate::{Options, Outcome};

/// Instances that the look at many sees.
const MANY: usize = 1000;
/// Requests that are signed for one spell: more than any server has answered in one.
const SUPPLY: usize = 10_000;
/// How many at a time.
const WIDTHS: [usize; 2] = [1, 8];

/// What is called. The last two are what a Rust emulator (fakecloud 0.51, in memory, signatures unchecked) reached on a
/// machine of two cores, one and eight at a time: of another run, so for orientation only.
const CALLS: [(&str, [f64; 2]); 5] = [
    ("RunInstances", [3_380.0, 3_380.0]),
    ("DescribeInstances of 1,000", [43.0, 106.0]),
    ("DescribeInstances of one", [f64::NAN, f64::NAN]),
    ("CreateTags", [7_400.0, 18_000.0]),
    ("GetCallerIdentity", [8_450.0, 16_900.0]),
];

struct Contender {
    name: &'static str,
    server: Server,
    figures: Vec<[Figure; 2]>,
}

/// Runs it.
pub fn run(options: &Options) -> Outcome<()> {
    let rounds = options.number("rounds", 5)?;
    let time = Duration::from_millis(options.number("ms", 500)?);
    let state = tempfile::tempdir()?;
    let new = |name, server| Contender { name, server, figures: vec![Default::default(); CALLS.len()] };
    let mut contenders = vec![
        new("memory", Server::landfall(None)?),
        new("durable", Server::landfall(Some(&state.path().join("state")))?),
    ];
    match Server::moto()? {
        Some(server) => contenders.push(new("moto", server)),
        None => eprintln!("skipped: moto_server isn't installed (pip install 'moto[server]')"),
    }
    for round in 0..rounds {
        for contender in &mut contenders {
            eprintln!("round {} of {rounds}: {}", round + 1, contender.name);
            contender.round(time).map_err(|error| format!("{}: {error}", contender.name))?;
        }
    }
    show(&contenders);
    disk(state.path(), &contenders)
}

impl Contender {
    fn round(&mut self, time: Duration) -> Outcome<()> {
        let at = self.server.at;
        for (index, width) in WIDTHS.into_iter().enumerate() {
            self.server.reset()?;
            warm(&self.server)?;
            let launches = (0..SUPPLY).map(|number| ec2(at, "RunInstances", &launch(1, number)));
            let launches = launches.collect::<Outcome<Vec<_>>>()?;
            self.figures[0][index].add(spell(at, &launches, width, time, false)?.rate());
        }
        self.server.reset()?;
        let ids = populate(&self.server)?;
        let all = ["&MaxResults=1000".to_owned()].map(|parameters| ec2(at, "DescribeInstances", &parameters));
        let one = ids.iter().map(|id| ec2(at, "DescribeInstances", &format!("&InstanceId.1={id}")));
        let tags = (0..SUPPLY * 2).map(|number| {
            let id = &ids[number % ids.len()];
            ec2(at, "CreateTags", &format!("&ResourceId.1={id}&Tag.1.Key=Name&Tag.1.Value=number-{number}"))
        });
        let who = [signed(at, crate::client::REGION, "sts", "Action=GetCallerIdentity&Version=2011-06-15")];
        let sets: [Outcome<Vec<_>>; 4] =
            [all.into_iter().collect(), one.collect(), tags.collect(), who.into_iter().collect()];
        for (call, requests) in sets.into_iter().enumerate() {
            let requests = requests?;
            for (index, width) in WIDTHS.into_iter().enumerate() {
                self.figures[call + 1][index].add(spell(at, &requests, width, time, true)?.rate());
            }
        }
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

fn populate(server: &Server) -> Outcome<Vec<String>> {
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
    let moto = contenders.iter().position(|contender| contender.name == "moto");
    println!("calls a second: median (least–most); `x` is how many times moto's; the emulator's are of another run\n");
    println!("| call | at a time | memory | durable | moto | memory x | durable x | of the emulator's {:>9} |", "");
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    for (row, (name, emulator)) in CALLS.iter().enumerate() {
        for (column, width) in WIDTHS.iter().enumerate() {
            let of = |contender: usize| &contenders[contender].figures[row][column];
            let [memory, durable] = [of(0), of(1)];
            let other = moto.map_or(Figure::default(), |moto| of(moto).clone());
            let times = |figure: &Figure| short(figure.median() / other.median());
            let beside = memory.median() / emulator[column];
            println!(
                "| {name} | {width} | {memory} | {durable} | {other} | {} | {} | {} |",
                times(memory),
                times(durable),
                short(beside)
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
    for (row, (name, _)) in
        CALLS.iter().enumerate().filter(|(_, (name, _))| ["RunInstances", "CreateTags"].contains(name))
    {
        let call_us = 1e6 / contenders[1].figures[row][0].median();
        println!(
            "a durable {name} alone takes {} µs, of which that is {:.0} %",
            short(call_us),
            disk_us / call_us * 100.0
        );
    }
    Ok(())
}
