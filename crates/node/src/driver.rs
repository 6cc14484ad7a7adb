//! What the agent asks of a machine: four small traits, each with a real driver and a strict fake.
//!
//! Every method is idempotent and may be cut off at any instant by the death of this process: the agent never remembers
//! what it did, it inspects what is there. The methods block; the agent calls them from threads of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use landfall_model::agent::{DiskSeen, SnapshotMade, TunnelKey, VpnSeen};
use landfall_model::delivery::RoleCredentials;
use landfall_model::plan::{DiskPlan, HostPlan, InstancePlan, PieceKey, SnapshotPlan, VolumePlan};
use landfall_model::{
    AccountId, FlowLogId, InstanceId, InterfaceId, Mac, NatGatewayId, SnapshotId, Timestamp, VolumeId, VpnConnectionId,
};

use crate::volume::key::{DiskKey, DiskKeys};

/// Why a driver couldn't do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    /// It may work when it is tried again.
    #[error("{0}")]
    Retry(String),
    /// The same, where nothing here is at fault: however often it is tried, that isn't counted.
    #[error("{0}")]
    Later(String),
    /// A volume is open in another process. It may work once that has let go.
    #[error("{0}")]
    InUse(String),
    /// It won't work until something else changes. The sentence is read by the tenant in `StateReason`.
    #[error("{0}")]
    Final(String),
}

/// What a driver answers.
pub type DriverResult<T> = Result<T, DriverError>;

/// Runs machines.
pub trait Hypervisor: Send + Sync {
    /// Every guest that this machine has anything of, running or not, whoever started it.
    fn inspect(&self) -> DriverResult<Vec<Guest>>;
    /// Starts a guest that isn't running. Its volumes are opened and its ports are handed over by the caller.
    fn start(&self, launch: Launch<'_>) -> DriverResult<()>;
    /// Plugs a port into a running guest; one that it has is no error. What an earlier attempt that was cut off left
    /// behind holds the port, so the driver clears that away before it has the port opened.
    fn plug(&self, id: InstanceId, port: InterfaceId, open: &OpenThePort<'_>) -> DriverResult<()>;
    /// Takes a port from a running guest: cuts it off at once, and asks the guest to let its device go. Until it has, the
    /// port is still among the guest's, and the caller asks again; of one that is pulled the guest isn't waited for. A
    /// port that the guest doesn't have is no error.
    fn unplug(&self, id: InstanceId, port: InterfaceId, pull: bool) -> DriverResult<()>;
    /// Gives a running guest a disk; one that it has is no error. As with ports, what an earlier attempt left behind is
    /// cleared away before the volume is opened.
    fn attach(&self, id: InstanceId, disk: &DiskPlan, open: &OpenTheDisk<'_>) -> DriverResult<()>;
    /// Takes a disk from a running guest, with all that was written to it on its volume: once the guest has let it go, or,
    /// where it is pulled, at once, so that the guest's further requests fail. The caller asks again until the guest's
    /// disks don't list it any more.
    fn detach(&self, id: InstanceId, volume: VolumeId, pull: bool) -> DriverResult<()>;
    /// Makes a disk of a running guest as large and as fast as planned. Never shrinks it.
    fn tune(&self, id: InstanceId, disk: &DiskPlan) -> DriverResult<()>;
    /// Holds what is on those disks of a running guest, all as they are at one moment, each for a snapshot, while the guest
    /// writes on; what is held for those snapshots already is no error. What an attempt that was cut off left of the same
    /// disks is cleared away before. A disk is held for one snapshot at a time. From the moment on it is also noted what
    /// changes on each disk, for the next snapshot that builds on this one.
    fn hold(&self, id: InstanceId, disks: &[(VolumeId, &SnapshotPlan)], open: &OpenTheFleece<'_>) -> DriverResult<()>;
    /// Connects to what a guest holds for a snapshot, to be read.
    fn held(&self, id: InstanceId, snapshot: SnapshotId) -> DriverResult<HeldDisk>;
    /// Notes that what is held for a snapshot was stored with that root. Only what is noted so may spare the next snapshot from
    /// reading everything.
    fn stored(&self, id: InstanceId, snapshot: SnapshotId, root: &str) -> DriverResult<()>;
    /// Lets go of what a guest holds for a snapshot, read or not. Nothing is no error.
    fn release(&self, id: InstanceId, snapshot: SnapshotId) -> DriverResult<()>;
    /// Does something to the power of a guest. One that isn't there is no error.
    fn power(&self, id: InstanceId, action: PowerAction) -> DriverResult<()>;
    /// Forgets a guest that isn't running: its console, its folder, its confinement. Not its volumes.
    fn remove(&self, id: InstanceId) -> DriverResult<()>;
    /// The end of a guest's console, at most that many bytes, and when it was written last.
    fn console(&self, id: InstanceId, bytes: usize) -> DriverResult<(Vec<u8>, Timestamp)>;
}

/// Opens the port that is to be plugged in.
pub type OpenThePort<'a> = dyn Fn() -> DriverResult<OpenPort> + 'a;

/// Opens the disk that is to be given to a guest.
pub type OpenTheDisk<'a> = dyn Fn() -> DriverResult<OpenDisk> + 'a;

/// Opens the file for what a guest overwrites on a volume while that is held for a snapshot.
pub type OpenTheFleece<'a> = dyn Fn(VolumeId) -> DriverResult<OpenFleece> + 'a;

/// Everything that a start needs.
pub struct Launch<'a> {
    /// What to start.
    pub plan: &'a InstancePlan,
    /// Its disks in the plan's order, opened.
    pub disks: Vec<OpenDisk>,
    /// Its ports in the plan's order, opened.
    pub ports: Vec<OpenPort>,
}

/// A volume opened for a guest.
pub struct OpenDisk {
    /// Which.
    pub volume: VolumeId,
    /// Its own file, in qcow2, read and written. Absent in simulation.
    pub file: Option<OwnedFd>,
    /// The image that it is a clone of, in qcow2, read only.
    pub base: Option<OwnedFd>,
    /// The key that its file is encrypted with, if it is.
    pub key: Option<DiskKey>,
}

/// A file for what a guest overwrites on a volume.
pub struct OpenFleece {
    /// The file: an empty qcow2 as large as the volume. It has no name, so that nothing is left of it once its holders have
    /// ended. Absent in simulation.
    pub file: Option<OwnedFd>,
    /// How long the file is, in bytes, with room for what it is to get: it never gets longer.
    pub limit_bytes: u64,
    /// The key that the file is encrypted with: the volume's, if it has one.
    pub key: Option<DiskKey>,
}

/// A connection to what a guest holds for a snapshot.
pub struct HeldDisk {
    /// Which guest.
    pub instance: InstanceId,
    /// The server's socket. Absent in simulation.
    pub stream: Option<UnixStream>,
    /// The name of the export.
    pub export: String,
    /// Where it is known what changed since the snapshot that this one builds on: another connection, and the name of the
    /// context by which the export tells it.
    pub changes: Option<(UnixStream, String)>,
}

/// A port opened for a guest.
pub struct OpenPort {
    /// Which.
    pub interface: InterfaceId,
    /// The hardware address that the guest's device has.
    pub mac: Mac,
    /// The TAP (with IFF_VNET_HDR, not blocking). Absent in simulation.
    pub tap: Option<OwnedFd>,
    /// The size of its largest packet, in bytes.
    pub mtu: u16,
}

/// A guest as found on the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guest {
    /// Which.
    pub id: InstanceId,
    /// The boot that it was started under: `InstancePlan::boot` as it was then.
    pub boot: u64,
    /// The reboots that it has had: `InstancePlan::reboots` when it was started, plus the resets since.
    pub reboots: u64,
    /// How it is.
    pub state: GuestState,
    /// The machine type that it runs with.
    pub machine: String,
    /// What is plugged into it; nothing where it doesn't run or doesn't say.
    pub devices: Option<Devices>,
}

/// What is plugged into a guest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Devices {
    /// Its ports.
    pub ports: BTreeSet<InterfaceId>,
    /// Its disks, also those of which something is left over.
    pub disks: BTreeMap<VolumeId, DiskSeen>,
    /// What it holds of its disks, by the snapshots that it is held for.
    pub held: BTreeMap<SnapshotId, Hold>,
}

/// What a guest's disk was at a moment, held while the guest writes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The disk's volume.
    pub volume: VolumeId,
    /// Whether it can be read. False of what an attempt that was cut off left.
    pub whole: bool,
}

/// Something that is plugged into guests and taken from them while they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Device {
    /// A port.
    Port(InterfaceId),
    /// A volume's disk.
    Disk(VolumeId),
}

/// How a guest is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GuestState {
    /// Running.
    Running,
    /// Paused by the hypervisor, because of what the sentence says (the disk is full).
    Suspended(String),
    /// It powered itself off; its process may still be there.
    PoweredOff,
    /// Its process is gone, with the reason if one is known; only its folder is left.
    Dead(Option<String>),
}

/// What can be done to a guest's power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowerAction {
    /// Press the power button: ask the guest to shut down. May be ignored; is repeated by the caller.
    Press,
    /// Pull the plug: end the process, disks flushed by the host.
    Pull,
    /// Press reset. Counts in [`Guest::reboots`].
    Reset,
}

/// Fetches the secret of an account's part of the chunk store, from the control plane.
pub type FetchSecret = dyn Fn(AccountId) -> DriverResult<[u8; 32]> + Send + Sync;

/// Fetches the keys of an encrypted volume, from the control plane.
pub type FetchDiskKeys = dyn Fn(VolumeId) -> DriverResult<DiskKeys> + Send + Sync;

/// Hears how many of a hundred parts are done, whenever that is another number.
pub type TellProgress<'a> = dyn Fn(u8) + 'a;

/// Who waits for something that takes long.
#[derive(Clone, Copy)]
pub struct Watch<'a> {
    /// Hears how far it is.
    pub tell: &'a TellProgress<'a>,
    /// Whether it is still wanted: what isn't ends early.
    pub is_wanted: &'a dyn Fn() -> bool,
}

/// A volume that was imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// Its size, in bytes.
    pub size_bytes: u64,
    /// What its owner should know of it.
    pub noticed: Option<String>,
}

/// Keeps volumes.
pub trait Volumes: Send + Sync {
    /// Every volume that this machine has anything of.
    fn inspect(&self) -> DriverResult<BTreeSet<VolumeId>>;
    /// Makes a volume, or grows it, so that it is as planned. Never shrinks, never replaces what is there. One that a
    /// running guest has stays as large as it is: that one's hypervisor makes it larger. Returns its size in bytes.
    fn ensure(&self, plan: &VolumePlan) -> DriverResult<u64>;
    /// Makes a volume of what comes from elsewhere, as large as that. One that is there stays as it is.
    fn import(&self, plan: &VolumePlan, watch: &Watch<'_>) -> DriverResult<Imported>;
    /// Opens a volume for a guest.
    fn open(&self, plan: &VolumePlan) -> DriverResult<OpenDisk>;
    /// Hears how secrets of the chunk store are fetched, before anything else is asked.
    fn learn(&self, _fetch: Arc<FetchSecret>) {}
    /// The same of the keys of encrypted volumes.
    fn learn_keys(&self, _fetch: Arc<FetchDiskKeys>) {}
    /// Opens a file for what a guest overwrites on a volume while that is held for a snapshot.
    fn fleece(&self, plan: &VolumePlan) -> DriverResult<OpenFleece>;
    /// Stores what is on a volume as a snapshot, or what a guest holds of it, and returns once that is durable. Made again
    /// after it was cut off, or was done and not told, it finds what is stored already. Meanwhile it tells how far it is.
    fn snapshot(
        &self,
        plan: &VolumePlan,
        snapshot: &SnapshotPlan,
        held: Option<HeldDisk>,
        tell: &TellProgress<'_>,
    ) -> DriverResult<SnapshotMade>;
    /// Destroys a volume. One that isn't there is no error.
    fn remove(&self, id: VolumeId) -> DriverResult<()>;
}

/// Connects ports.
pub trait Network: Send + Sync {
    /// Makes everything on this machine as the plan's network pieces say: namespaces, ports, addresses, routes, rules,
    /// and what DHCP, DNS and metadata answer; removes what the plan doesn't have and Landfall once made. Existing flows
    /// and running guests aren't disturbed.
    fn apply(&self, plan: &HostPlan) -> DriverResult<()>;
    /// Does the same for a plan that differs by nothing but these pieces from the one that was applied or followed last,
    /// without failing: what it takes grows with those and not with the plan.
    fn follow(&self, plan: &HostPlan, changed: &BTreeSet<PieceKey>) -> DriverResult<()>;
    /// Opens a port that the applied plan has, for a guest that is about to start.
    fn open(&self, id: InterfaceId) -> DriverResult<OpenPort>;
    /// The ports whose guests were heard (DHCP, metadata, ARP) since the guest's last start, as told by `forget`.
    fn heard(&self) -> DriverResult<BTreeSet<InterfaceId>>;
    /// Forgets that a port was heard, because its guest starts anew.
    fn forget(&self, id: InterfaceId);
    /// Records the traffic that the plan's flow logs are about, and delivers what is due by now. Returns how each of
    /// those deliveries went: why it failed, if it did. Called every second or so; costs nothing where there are none.
    fn record(&self, _plan: &HostPlan, _now: Timestamp) -> BTreeMap<FlowLogId, Option<String>> {
        BTreeMap::new()
    }
    /// The flows that each NAT gateway of this machine had no port for, as its counter says, if it is time to look again.
    /// Called every second or so.
    fn lacked_ports(&self, _plan: &HostPlan, _now: Timestamp) -> Option<BTreeMap<NatGatewayId, u64>> {
        None
    }
    /// Has guests given those credentials of their roles by the metadata service, and no others. They are kept in memory
    /// alone, and are lent again after whatever answers guests began anew. Called every few seconds while there are any.
    fn lend(&self, _credentials: &BTreeMap<InstanceId, RoleCredentials>) -> DriverResult<()> {
        Ok(())
    }
    /// Names of what is on this machine and Landfall's by its looks, but not in the plan that was applied last.
    fn unknown(&self) -> DriverResult<Vec<String>>;
}

/// Fetches the keys of a VPN's tunnels, in the plan's order, from the control plane.
pub type FetchKeys<'a> = dyn Fn(VpnConnectionId) -> DriverResult<Vec<TunnelKey>> + 'a;

/// Ends VPNs' tunnels.
pub trait Tunnels: Send + Sync {
    /// Makes the VPNs that end on this machine be as the plan says, and says how all that the plan names are. Tunnels that
    /// are as planned aren't disturbed. Waits for no tunnel to come up.
    fn apply(&self, plan: &HostPlan, keys: &FetchKeys<'_>) -> DriverResult<Vec<VpnSeen>>;
}
