//! Several machines with agents of their own, joined to a control plane that is a process apart.

use std::net::{Ipv4Addr, UdpSocket};
use std::path::PathBuf;
use std::process::Command;

use landfall_wire::Tree;

use crate::api::{Api, find, text};
use crate::guest::Guest;
use crate::machine::{BINARY, Machine, Process, finished, on_own_machine, run, until, within};

const DOOR: &str = "10.9.0.254:4570";
const AT: &str = "127.0.0.1:4566";

/// A control plane.
struct Control {
    folder: tempfile::TempDir,
    process: Option<Process>,
}

impl Control {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        run("ip", "addr add 10.9.0.254/32 dev lo");
        let images = folder.path().join("state/images");
        std::fs::create_dir_all(&images).unwrap();
        let image = &landfall_control::seed::simulated_images()[0];
        std::fs::write(images.join("pretended.image.json"), serde_json::to_vec(image).unwrap()).unwrap();
        let mut control = Self { folder, process: None };
        control.start();
        control
    }

    fn start(&mut self) {
        let mut command = Command::new(BINARY);
        command.args(["serve", "--control-only", "--listen", AT, "--agents", DOOR, "--state"]);
        command.arg(self.folder.path().join("state"));
        let config = self.folder.path().join("landfall.toml");
        std::fs::write(&config, "[network]\nrouted = true\n").unwrap();
        command.arg("--config").arg(config);
        self.process = Some(Process::start(&mut command, &self.log()));
        until("the control plane", || self.try_landfall(&["host", "list"]));
    }

    fn kill(&mut self) {
        self.process.take().unwrap().kill();
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("control.log")
    }

    fn api(&self) -> Api {
        let bytes = std::fs::read(self.folder.path().join("state/credentials.json")).unwrap();
        let keys: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let key = |name: &str| keys[name].as_str().unwrap().to_owned();
        Api { at: AT.parse().unwrap(), access_key: key("access_key"), secret_key: key("secret_key"), from: None }
    }

    /// The same as a guest calls it, at an address within its network.
    fn api_within(&self, guest: &Guest, at: Ipv4Addr) -> Api {
        Api { at: (at, 80).into(), from: Some(guest.name.clone()), ..self.api() }
    }

    fn landfall(&self, arguments: &[&str]) -> String {
        finished(Command::new(BINARY).args(arguments))
    }

    fn try_landfall(&self, arguments: &[&str]) -> Option<String> {
        let output = Command::new(BINARY).args(arguments).output().unwrap();
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Registers a machine. Returns the line that lets it join.
    fn invite(&self, name: &str, zone: &str) -> String {
        let line = self.landfall(&["--json", "host", "add", name, "--zone", zone]);
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        line["invitation"].as_str().unwrap().to_owned()
    }

    fn state_of(&self, host: &str) -> Option<String> {
        let list = self.try_landfall(&["--json", "host", "list"])?;
        let rows = list.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        rows.filter(|row| row["name"] == host).find_map(|row| row["state"].as_str().map(str::to_owned))
    }

    fn wait_for(&self, host: &str, state: &str) {
        until(&format!("{host} {state}"), || (self.state_of(host)? == state).then_some(()));
    }
}

/// An instance with what its guest must know.
struct Instance {
    id: String,
    interface: String,
    mac: String,
    address: String,
    public: String,
}

impl Instance {
    /// Launches one, and waits until its host says that it runs.
    fn launch(api: &Api, parameters: &[(&str, &str)]) -> Self {
        let image = text(&api.ok("DescribeImages", &[]), "imageId");
        let mut all =
            vec![("ImageId", image.as_str()), ("InstanceType", "t3.nano"), ("MinCount", "1"), ("MaxCount", "1")];
        all.extend(parameters);
        let id = text(&api.ok("RunInstances", &all), "instanceId");
        let row = until(&format!("{id} running"), || {
            let row = api.call("DescribeInstances", &[("InstanceId.1", &id)]).ok()?;
            (text(find(&row, "instanceState")?, "name") == "running").then_some(row)
        });
        let interface = find(&row, "networkInterfaceSet").unwrap();
        Self {
            id: id.clone(),
            interface: text(interface, "networkInterfaceId"),
            mac: text(interface, "macAddress"),
            address: text(interface, "privateIpAddress"),
            public: text(&row, "ipAddress"),
        }
    }

    fn guest_on(&self, machine: &Machine) -> Guest {
        Guest::start(machine, &self.interface, &self.mac, &self.address)
    }

    fn status(&self, api: &Api) -> String {
        let row = api.ok("DescribeInstanceStatus", &[("InstanceId.1", &self.id)]);
        find(&row, "systemStatus").map(|status| text(status, "status")).unwrap_or_default()
    }
}

fn name_of(address: Ipv4Addr) -> String {
    format!("ip-{}.ec2.internal", address.to_string().replace('.', "-"))
}

#[test]
fn networks_span_machines_that_joined() {
    on_own_machine("hosts::networks_span_machines_that_joined", || {
        let mut control = Control::new();
        let machines: Vec<Machine> = (1..=3).map(|number| Machine::new(number, control.folder.path())).collect();
        let zones = ["us-east-1a", "us-east-1b", "us-east-1b"];
        let lines: Vec<_> =
            machines.iter().zip(zones).map(|(machine, zone)| control.invite(&machine.name, zone)).collect();
        let mut agents: Vec<Option<Process>> =
            machines.iter().zip(&lines).map(|(machine, line)| Some(machine.agent(Some(line)))).collect();
        machines.iter().for_each(|machine| control.wait_for(&machine.name, "connected"));
        let shown = control.landfall(&["status"]);
        assert!(shown.contains("host-1 connected, host-2 connected, host-3 connected"), "{shown}");

        // An instance in each zone, on the machine that serves it; the third one takes none for now.
        control.landfall(&["host", "set", "host-3", "--schedulable", "false"]);
        let api = control.api();
        let subnets =
            api.ok("DescribeSubnets", &[("Filter.1.Name", "availability-zone"), ("Filter.1.Value.1", zones[1])]);
        let interface = api.ok("CreateNetworkInterface", &[("SubnetId", &text(&subnets, "subnetId"))]);
        let interface = text(&interface, "networkInterfaceId");
        let by_interface =
            [("NetworkInterface.1.NetworkInterfaceId", interface.as_str()), ("NetworkInterface.1.DeviceIndex", "0")];
        // A guest that speaks to the outside has a public address.
        let elastic = text(&api.ok("AllocateAddress", &[]), "allocationId");
        api.ok("AssociateAddress", &[("AllocationId", &elastic), ("NetworkInterfaceId", &interface)]);
        let first = Instance::launch(&api, &[("Placement.AvailabilityZone", zones[0])]);
        let second = Instance::launch(&api, &by_interface);
        let a = first.guest_on(&machines[0]);
        let b = second.guest_on(&machines[1]);
        a.reaches(b.address);
        b.reaches(a.address);
        // All that fits: the wire's 1,500 bytes less VXLAN's 50, less the headers of IP and UDP.
        a.reaches_with(b.address, 1422);
        assert_eq!(a.resolve(&name_of(b.address)), b.address);
        assert_eq!(b.resolve(&name_of(a.address)), a.address);
        assert!(machines[2].networks().is_empty(), "a machine has no network that it has no part in");

        a_stranger_is_dropped(&machines[0], &machines[2]);
        is_known_outside(&api, (&first, &machines[0]), (&second, &machines[1]), &b);

        // Nothing that Landfall runs is needed for what is established.
        let traffic = a.traffic(b.address);
        goes_on(&traffic);
        agents[0].take().unwrap().kill();
        agents[1].take().unwrap().kill();
        goes_on(&traffic);
        control.kill();
        goes_on(&traffic);
        agents[0] = Some(machines[0].agent(Some(&lines[0])));
        goes_on(&traffic);
        control.start();
        control.wait_for("host-1", "connected");
        control.wait_for("host-3", "connected");

        // The second machine is lost: it shows, so does its instance, and nothing is placed on it.
        control.wait_for("host-2", "lost");
        until("an impaired instance", || (second.status(&api) == "impaired").then_some(()));
        assert_eq!(first.status(&api), "ok");
        let subnet = text(&subnets, "subnetId");
        let image = text(&api.ok("DescribeImages", &[]), "imageId");
        let launch = [
            ("ImageId", image.as_str()),
            ("InstanceType", "t3.nano"),
            ("MinCount", "1"),
            ("MaxCount", "1"),
            ("SubnetId", &subnet),
        ];
        until("no room", || match api.call("RunInstances", &launch) {
            Err(code) => (code == "InsufficientInstanceCapacity").then_some(()),
            // It isn't noted yet that the machine is lost.
            Ok(row) => {
                api.ok("TerminateInstances", &[("InstanceId.1", &text(&row, "instanceId"))]);
                None
            }
        });
        goes_on(&traffic);
        agents[1] = Some(machines[1].agent(None));
        control.wait_for("host-2", "connected");
        until("a good status", || (second.status(&api) == "ok").then_some(()));
        traffic.all_came_back();

        moves(&control, &api, &machines, (&second, b), &a, &by_interface);

        // A machine that was removed gets nothing any more, and what it had is gone.
        control.landfall(&["host", "remove", "host-2"]);
        assert_eq!(control.state_of("host-2"), None);
        until("the agent that is refused", || {
            let log = std::fs::read_to_string(machines[1].log()).ok()?;
            log.contains("this host was removed").then_some(())
        });
        drop(agents);
    });
}

/// An instance's interface goes on with another instance on another machine, and is reached there.
fn moves(
    control: &Control,
    api: &Api,
    machines: &[Machine],
    (second, guest): (&Instance, Guest),
    a: &Guest,
    by_interface: &[(&str, &str)],
) {
    drop(guest);
    api.ok("TerminateInstances", &[("InstanceId.1", &second.id)]);
    control.landfall(&["host", "set", "host-2", "--schedulable", "false"]);
    control.landfall(&["host", "set", "host-3", "--schedulable", "true"]);
    let interface = by_interface[0].1;
    until("a free interface", || {
        let row = api.call("DescribeNetworkInterfaces", &[("NetworkInterfaceId.1", interface)]).ok()?;
        let Some(Tree::List(rows)) = find(&row, "networkInterfaceSet") else { return None };
        (text(rows.first()?, "status") == "available").then_some(())
    });
    let moved = Instance::launch(api, by_interface);
    assert_eq!((&moved.interface, &moved.address), (&second.interface, &second.address));
    let b = moved.guest_on(&machines[2]);
    a.reaches(b.address);
    b.reaches(a.address);
    until("nothing of the network on the second machine", || machines[1].networks().is_empty().then_some(()));
    let traffic = a.traffic(b.address);
    goes_on(&traffic);
    traffic.all_came_back();
    assert_eq!(b.resolve(&name_of(a.address)), a.address);
}

/// Waits until a further hundred packets are back.
fn goes_on(traffic: &crate::guest::Traffic) {
    let before = traffic.back();
    until("traffic that goes on", || (traffic.back() >= before + 100).then_some(()));
}

/// A public address is reached where its instance's machine is, once the provider routes it there: from outside, and from a
/// guest on another machine.
fn is_known_outside(
    api: &Api,
    (instance, machine): (&Instance, &Machine),
    (other, other_machine): (&Instance, &Machine),
    guest: &Guest,
) {
    let groups = api.ok("DescribeSecurityGroups", &[("Filter.1.Name", "group-name"), ("Filter.1.Value.1", "default")]);
    let rule = [
        ("GroupId", text(&groups, "groupId")),
        ("IpPermissions.1.IpProtocol", "udp".into()),
        ("IpPermissions.1.FromPort", "7777".into()),
        ("IpPermissions.1.ToPort", "7777".into()),
        ("IpPermissions.1.IpRanges.1.CidrIp", "0.0.0.0/0".into()),
    ];
    let rule: Vec<_> = rule.iter().map(|(name, value)| (*name, value.as_str())).collect();
    api.ok("AuthorizeSecurityGroupIngress", &rule);
    for (public, machine) in [(&instance.public, machine), (&other.public, other_machine)] {
        run("ip", &format!("route add {public} via {}", machine.address));
    }
    let public: Ipv4Addr = instance.public.parse().unwrap();
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    socket.set_read_timeout(Some(std::time::Duration::from_millis(200))).unwrap();
    until("an answer from outside", || {
        socket.send_to(b"there?", (public, 7777)).ok()?;
        (socket.recv_from(&mut [0; 99]).ok()?.1.ip() == public).then_some(())
    });
    guest.reaches(public);
}

/// What a machine sends that has no part in the network is dropped where it comes in.
fn a_stranger_is_dropped(machine: &Machine, stranger: &Machine) {
    let filter = || finished(machine.command("nft").args(["list", "table", "inet", "landfall_underlay"]));
    let dropped = |text: &str| text.contains("counter packets") && !text.contains("!= @peers counter packets 0 ");
    assert!(!dropped(&filter()), "{}", filter());
    let namespace = stranger.own_network();
    let to = (machine.address.parse::<Ipv4Addr>().unwrap(), 4789);
    let socket = within(&namespace, || UdpSocket::bind("0.0.0.0:0")).unwrap();
    until("a stranger's packet that is dropped", || {
        socket.send_to(&[8, 0, 0, 0, 0, 0, 1, 0], to).ok()?;
        dropped(&filter()).then_some(())
    });
}

#[test]
fn guests_of_machines_that_joined_call_the_api() {
    on_own_machine("hosts::guests_of_machines_that_joined_call_the_api", || {
        let mut control = Control::new();
        let machine = Machine::new(1, control.folder.path());
        let line = control.invite(&machine.name, "us-east-1a");
        let agent = machine.agent(Some(&line));
        control.wait_for(&machine.name, "connected");
        let api = control.api();
        let instance = Instance::launch(&api, &[("Placement.AvailabilityZone", "us-east-1a")]);
        let guest = instance.guest_on(&machine);

        // At the address of every network, by its name; the first calls may come before the door is open.
        let at = guest.resolve("api.landfall.internal");
        let within = control.api_within(&guest, at);
        let vpcs = until("an answer of the API", || within.call("DescribeVpcs", &[]).ok());
        let vpc = text(&vpcs, "vpcId");
        assert!(vpc.starts_with("vpc-"), "{vpcs:?}");
        assert_eq!(
            within.call("DescribeVpcs", &[("VpcId.1", "vpc-0123456789abcdef0")]),
            Err("InvalidVpcID.NotFound".into())
        );

        // At an endpoint, whose policy is asked: so it is known by which one a call came in.
        let subnets =
            api.ok("DescribeSubnets", &[("Filter.1.Name", "availability-zone"), ("Filter.1.Value.1", "us-east-1a")]);
        let policy =
            r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"ec2:DescribeSubnets","Resource":"*"}]}"#;
        api.ok(
            "CreateVpcEndpoint",
            &[
                ("VpcId", &vpc),
                ("VpcEndpointType", "Interface"),
                ("ServiceName", "com.amazonaws.us-east-1.ec2"),
                ("SubnetId.1", &text(&subnets, "subnetId")),
                ("PrivateDnsEnabled", "true"),
                ("PolicyDocument", policy),
            ],
        );
        let at = guest.resolve("ec2.us-east-1.amazonaws.com");
        let through = control.api_within(&guest, at);
        until("an answer through the endpoint", || through.call("DescribeSubnets", &[]).ok());
        assert_eq!(
            through.call("DescribeVpcs", &[]),
            Err("UnauthorizedOperation".into()),
            "its policy has no such action"
        );
        within.ok("DescribeVpcs", &[]);

        // While the control plane is away nobody answers, and a new one does.
        control.kill();
        assert!(within.call("DescribeVpcs", &[]).is_err());
        control.start();
        until("an answer of the next one", || within.call("DescribeVpcs", &[]).ok());
        drop(agent);
    });
}
