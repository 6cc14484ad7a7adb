//! `landfall first`: boots a first instance, waits until its sshd answers, and says how to log in. What `make up` ends
//! with. Done twice, it shows the instance that is there.

use std::io::Read as _;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use crate::cli::FirstArgs;
use crate::record::Record;
use crate::{client, credentials, record};

/// The names of the key pair, the group and the instance.
const NAME: &str = "landfall-first";

pub fn run(args: &FirstArgs, json: bool) -> Result<()> {
    let started = Instant::now();
    let record = record::find(args.which.listen)?;
    let state = record.state.clone().filter(|_| !record.simulate);
    let state = state.context("a simulated cloud has no guests to log in to")?;
    let key = ensure_key(&record, &state)?;
    let instance = match running(&record)? {
        Some(instance) => instance,
        None => launch(&record, args)?,
    };
    let address = wait_for_address(&record, &instance, args.timeout)?;
    wait_for_ssh(&record, &instance, address, args.timeout)?;
    let took_s = started.elapsed().as_secs_f64();
    let login = format!(
        "ssh -i {} -o StrictHostKeyChecking=accept-new -o UserKnownHostsFile={}.known root@{address}",
        key.display(),
        key.display()
    );
    if json {
        println!(
            "{}",
            serde_json::json!({ "instance": instance, "address": address, "login": login, "seconds": took_s })
        );
    } else {
        println!("{instance} answered at {address} after {took_s:.1} s. Log in with\n\n  {login}\n");
    }
    Ok(())
}

/// The private key of the first key pair, readable by whoever called `sudo`, with its public half imported.
fn ensure_key(record: &Record, state: &Path) -> Result<PathBuf> {
    let path = state.join(format!("{NAME}.key"));
    if !path.exists() {
        let temporary = state.join(format!(".{NAME}.key.{}", std::process::id()));
        let status = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-C", NAME, "-f"])
            .arg(&temporary)
            .status()
            .context("ssh-keygen is not installed; install it with: apt-get install openssh-client")?;
        ensure!(status.success(), "ssh-keygen failed ({status})");
        for (suffix, target) in [(".pub", path.with_extension("key.pub")), ("", path.clone())] {
            let from = PathBuf::from(format!("{}{suffix}", temporary.display()));
            credentials::write_private(&target, &std::fs::read(&from)?)?;
            std::fs::remove_file(&from)?;
        }
    }
    let there = client::ec2(record, "DescribeKeyPairs", &[("Filter.1.Name", "key-name"), ("Filter.1.Value.1", NAME)])?;
    if client::text(&there, "keyPairId").is_none() {
        use base64::Engine as _;
        let public = std::fs::read(path.with_extension("key.pub")).context("reading the public key")?;
        let material = base64::engine::general_purpose::STANDARD.encode(public);
        client::ec2(record, "ImportKeyPair", &[("KeyName", NAME), ("PublicKeyMaterial", &material)])?;
    }
    Ok(path)
}

/// The first instance, if it runs.
fn running(record: &Record) -> Result<Option<String>> {
    let answer = client::ec2(
        record,
        "DescribeInstances",
        &[
            ("Filter.1.Name", "tag:Name"),
            ("Filter.1.Value.1", NAME),
            ("Filter.2.Name", "instance-state-name"),
            ("Filter.2.Value.1", "running"),
            ("Filter.2.Value.2", "pending"),
        ],
    )?;
    Ok(client::text(&answer, "instanceId"))
}

fn launch(record: &Record, args: &FirstArgs) -> Result<String> {
    let images =
        client::ec2(record, "DescribeImages", &[("Filter.1.Name", "name"), ("Filter.1.Value.1", &args.image)])?;
    let image = client::text(&images, "imageId")
        .with_context(|| format!("there is no image {}; build one with: landfall image build mini", args.image))?;
    let group = ensure_group(record)?;
    let answer = client::ec2(
        record,
        "RunInstances",
        &[
            ("ImageId", &image),
            ("InstanceType", &args.instance_type),
            ("MinCount", "1"),
            ("MaxCount", "1"),
            ("KeyName", NAME),
            ("SecurityGroupId.1", &group),
            ("TagSpecification.1.ResourceType", "instance"),
            ("TagSpecification.1.Tag.1.Key", "Name"),
            ("TagSpecification.1.Tag.1.Value", NAME),
        ],
    )?;
    client::text(&answer, "instanceId").context("the launch answered without an instance")
}

/// A group in the default VPC that lets ssh in.
fn ensure_group(record: &Record) -> Result<String> {
    let filter = [("Filter.1.Name", "group-name"), ("Filter.1.Value.1", NAME)];
    let there = client::ec2(record, "DescribeSecurityGroups", &filter)?;
    if let Some(id) = client::text(&there, "groupId") {
        return Ok(id);
    }
    let made =
        client::ec2(record, "CreateSecurityGroup", &[("GroupName", NAME), ("GroupDescription", "ssh from anywhere")])?;
    let id = client::text(&made, "groupId").context("the new group has no id")?;
    client::ec2(
        record,
        "AuthorizeSecurityGroupIngress",
        &[
            ("GroupId", &id),
            ("IpPermissions.1.IpProtocol", "tcp"),
            ("IpPermissions.1.FromPort", "22"),
            ("IpPermissions.1.ToPort", "22"),
            ("IpPermissions.1.IpRanges.1.CidrIp", "0.0.0.0/0"),
        ],
    )?;
    Ok(id)
}

fn wait_for_address(record: &Record, instance: &str, timeout_s: u64) -> Result<IpAddr> {
    let deadline = Instant::now() + Duration::from_secs(timeout_s);
    loop {
        let answer = client::ec2(record, "DescribeInstances", &[("InstanceId.1", instance)])?;
        let state =
            client::find(&answer, "instanceState").and_then(|state| client::text(state, "name")).unwrap_or_default();
        let reason = client::find(&answer, "stateReason").and_then(|reason| client::text(reason, "message"));
        match state.as_str() {
            "running" => {
                let address = client::text(&answer, "ipAddress").context("the instance has no public address")?;
                return address.parse().context("the instance's address is none");
            }
            "pending" if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(100)),
            _ => bail!("{instance} is {state}: {}", reason.unwrap_or_else(|| "it took too long to start".into())),
        }
    }
}

/// Waits until the guest's sshd says its name.
fn wait_for_ssh(record: &Record, instance: &str, address: IpAddr, timeout_s: u64) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(timeout_s);
    let at = SocketAddr::new(address, 22);
    while Instant::now() < deadline {
        let mut hello = [0; 4];
        let heard = TcpStream::connect_timeout(&at, Duration::from_secs(1)).and_then(|mut stream| {
            stream.set_read_timeout(Some(Duration::from_secs(5)))?;
            stream.read_exact(&mut hello)
        });
        if heard.is_ok() && hello == *b"SSH-" {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let answer = client::ec2(record, "GetConsoleOutput", &[("InstanceId", instance), ("Latest", "true")])?;
    let hint = if client::text(&answer, "output").is_some_and(|output| !output.is_empty()) {
        "its console says more"
    } else {
        "its console is empty"
    };
    bail!(
        "{instance} runs and its sshd at {address} didn't answer in {timeout_s} s; {hint}: landfall console {instance}"
    )
}
