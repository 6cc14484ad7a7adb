//! Start to first answer, memory when idle, size of the binary, time of a reset.
//!
//! Options: `rounds=15`.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::client::{Connection, REGION, signed};
use crate::figure::Figure;
use crate::server::{Server, binary};
use crate::{Options, Outcome};

/// How long a server is left alone before its memory is looked at.
const IDLE: Duration = Duration::from_secs(1);

/// Runs it.
pub fn run(options: &Options) -> Outcome<()> {
    let rounds = options.number("rounds", 15)?;
    println!("| what | Landfall | aim |\n| --- | --- | --- |");
    let folder = tempfile::tempdir()?;
    let state = folder.path().join("state");
    // The first start makes the state; those after it read it.
    drop(Server::landfall(Some(&state))?);
    for (name, state) in [("in memory", None), ("from a state folder", Some(state.as_path()))] {
        let (mut health, mut identity, mut memory, mut reset) =
            (Figure::default(), Figure::default(), Figure::default(), Figure::default());
        for round in 0..rounds {
            let server = Server::landfall(state)?;
            health.add_ms(server.started_in);
            identity.add_ms(first_identity(&server)? + server.started_in);
            if round == 0 {
                std::thread::sleep(IDLE);
                memory.add(server.resident_mib()?);
            }
            reset.add_ms(server.reset()?);
        }
        println!("| start {name} to the first answer, ms | {health} | 15 |");
        println!("| start {name} to the first GetCallerIdentity, ms | {identity} | 15 |");
        println!("| resident when idle, {name}, MiB | {memory} | 20 |");
        println!("| reset, {name}, ms | {reset} | 50 |");
    }
    println!("| the binary, stripped, MiB | {:.1} | 40 |", stripped_mib(folder.path())?);
    if let Some(moto) = Server::moto()? {
        std::thread::sleep(IDLE);
        println!("\nmoto: {} ms to the first answer, {:.0} MiB", moto.started_in.as_millis(), moto.resident_mib()?);
    }
    Ok(())
}

fn first_identity(server: &Server) -> Outcome<Duration> {
    let request = signed(server.at, REGION, "sts", "Action=GetCallerIdentity&Version=2011-06-15")?;
    let began = std::time::Instant::now();
    let mut connection = Connection::new(server.at);
    let (status, body) = connection.call(&request)?;
    if status == 200 { Ok(began.elapsed()) } else { Err(String::from_utf8_lossy(body).into()) }
}

fn stripped_mib(folder: &Path) -> Outcome<f64> {
    let copy = folder.join("landfall");
    std::fs::copy(binary()?, &copy)?;
    // A release build is stripped already; where `strip` is missing, what is there is measured.
    let _ = Command::new("strip").arg(&copy).status();
    Ok(std::fs::metadata(&copy)?.len() as f64 / f64::from(1 << 20))
}
