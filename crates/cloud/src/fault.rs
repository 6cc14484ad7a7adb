//! Why a rule says no, in no dialect: what is missing, in use, too much or against the rules. Each dialect has one table
//! that turns these into its own codes and words.

use landfall_model::id::{Id, Kind};
use landfall_model::{Cidr, Destination, InstanceId, InstanceState, InterfaceId, RouteTableId, SubnetId, VpcId};

/// Why a rule says no.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Fault {
    /// Nobody has it, or somebody else does, which is the same to the caller.
    #[error("the {noun} '{id}' does not exist")]
    NoSuch {
        /// The error code of its kind.
        code: &'static str,
        /// What kind of thing.
        noun: &'static str,
        /// What was asked for; several are separated by commas.
        id: String,
    },
    /// A value that the rules don't take.
    #[error("invalid value '{value}' for {name}: {why}")]
    Invalid {
        /// The parameter, in the API's spelling.
        name: &'static str,
        /// What was given.
        value: String,
        /// Why not.
        why: String,
    },
    /// Parameters that don't go together.
    #[error("{0}")]
    Combination(String),
    /// Something that must be said was not.
    #[error("missing {0}")]
    Missing(&'static str),
    /// Its state doesn't allow it.
    #[error("the instance '{id}' is {}", state.name())]
    State {
        /// The instance.
        id: String,
        /// Its state.
        state: InstanceState,
        /// The state that it would need, in words.
        wants: &'static str,
    },
    /// Something else needs it.
    #[error("{what} has a dependent object")]
    InUse {
        /// What, such as `resource sg-0123456789abcdef0`.
        what: String,
    },
    /// A rule of parameters.
    #[error(transparent)]
    Parameter(#[from] crate::parameter::ParameterFault),
    /// A rule of secrets.
    #[error(transparent)]
    Secret(#[from] crate::secret::SecretFault),
    /// A name is taken.
    #[error("{what} already exists")]
    Exists {
        /// Its kind, for the dialect's code.
        kind: ExistsKind,
        /// The name.
        what: String,
    },
    /// A limit of the account.
    #[error("limit exceeded: {0:?}")]
    Quota(QuotaKind, u64),
    /// No host has room.
    #[error("no capacity for {instance_type}")]
    NoCapacity {
        /// The type.
        instance_type: String,
        /// The zone that was asked for.
        zone: String,
        /// What there is none of, for a person.
        why: String,
    },
    /// A subnet or the pool has no address left.
    #[error("no address left in {0}")]
    NoAddress(String),
    /// An address isn't free.
    #[error("address {0} is in use")]
    AddressInUse(std::net::Ipv4Addr),
    /// An IPv6 address isn't free.
    #[error("address {0} is in use")]
    Ipv6InUse(std::net::Ipv6Addr),
    /// An interface that has an instance already.
    #[error("interface {0} is in use")]
    InterfaceInUse(InterfaceId),
    /// An interface that an instance has can't go.
    #[error("interface {0} is attached")]
    InterfaceUsed(InterfaceId),
    /// More interfaces than an instance's type takes.
    #[error("{count} interfaces are too many for {instance_type}")]
    TooManyInterfaces {
        /// How many there would be.
        count: usize,
        /// The type.
        instance_type: String,
    },
    /// An instance has several interfaces where one is needed.
    #[error("instance {0} has several interfaces")]
    ManyInterfaces(InstanceId),
    /// Protected by its owner.
    #[error("protected: {id} ({attribute})")]
    Protected {
        /// The instance.
        id: String,
        /// The attribute that protects it.
        attribute: &'static str,
    },
    /// There is no default VPC or subnet.
    #[error("no default VPC")]
    NoDefaultVpc,
    /// No default subnet in that zone.
    #[error("no default subnet in {0}")]
    NoDefaultSubnet(String),
    /// A block that doesn't fit or overlaps.
    #[error("block {block} {why}")]
    Block {
        /// Which.
        block: Cidr,
        /// Why not.
        why: &'static str,
        /// What is wrong with it.
        kind: BlockKind,
    },
    /// A rule that the group has already.
    #[error("the rule already exists: {0}")]
    DuplicateRule(String),
    /// A rule that the group doesn't have.
    #[error("the rule does not exist: {0}")]
    NoSuchRule(String),
    /// Something that the default resource may not have done to it.
    #[error("{0}")]
    Reserved(String),
    /// A resource of another account or VPC where the own one is needed.
    #[error("{0}")]
    Mismatch(String),
    /// Something whose state doesn't allow it, in a whole sentence.
    #[error("{0}")]
    WrongState(String),
    /// Something that is there already, whose place is taken, or whose name can't be one.
    #[error("{message}")]
    Taken {
        /// The error code of its kind.
        code: &'static str,
        /// A whole sentence.
        message: String,
    },
    /// A value that isn't taken, in a whole sentence.
    #[error("{0}")]
    Refused(String),
    /// A route that the table doesn't have.
    #[error("no route to {destination} in {table}")]
    NoSuchRoute {
        /// Where to.
        destination: Destination,
        /// The table.
        table: RouteTableId,
    },
    /// A network without the gateway that is needed.
    #[error("{0}")]
    NotAttached(String),
    /// A block that something still uses.
    #[error("{0} is in use")]
    BlockInUse(Cidr),
    /// A version that isn't the last one any more.
    #[error("not the current version")]
    StaleVersion,
    /// More entries than a prefix list was made for.
    #[error("more than {0} entries")]
    TooManyEntries(u32),
    /// Entries that can't be added or removed, in a whole sentence.
    #[error("{0}")]
    Entries(String),
    /// Something that AWS has and Landfall doesn't, in words that follow "does not support".
    #[error("unsupported: {0}")]
    Unsupported(String),
    /// Something that nobody may do, in a whole sentence.
    #[error("{0}")]
    NotPermitted(String),
    /// A rule of identity.
    #[error(transparent)]
    Identity(#[from] crate::identity::IdentityFault),
    /// A rule of KMS.
    #[error(transparent)]
    Kms(#[from] crate::kms::KmsFault),
    /// An elastic address that is associated already.
    #[error("{0} is already associated")]
    AlreadyAssociated(String),
}

/// Names that can be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExistsKind {
    /// A key pair's.
    KeyPair,
    /// A security group's.
    SecurityGroup,
    /// The default VPC.
    DefaultVpc,
    /// A zone's default subnet.
    DefaultSubnet,
    /// The same flow log of the same resource.
    FlowLog,
    /// Analyses of a path.
    Analysis,
    /// An entry of a network ACL.
    AclEntry,
    /// A host's.
    Host,
}

/// Limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuotaKind {
    /// Virtual processors.
    Vcpus,
    /// VPCs.
    Vpcs,
    /// Elastic addresses.
    Addresses,
    /// Security groups.
    SecurityGroups,
    /// Rules of a security group.
    RulesPerGroup,
    /// Security groups of an interface.
    GroupsPerInterface,
    /// NAT gateways in a zone.
    NatGateways,
    /// Private addresses of an interface, by the instance's type.
    AddressesPerInterface,
    /// IPv6 addresses of an interface, by the instance's type.
    Ipv6AddressesPerInterface,
    /// Network interfaces.
    Interfaces,
    /// Key pairs.
    KeyPairs,
    /// Flow logs of a resource.
    FlowLogs,
    /// Paths whose reachability is analysed.
    InsightsPaths,
    /// Analyses of reachability.
    InsightsAnalyses,
    /// Tags of a resource.
    Tags,
    /// Blocks of a VPC, of one family.
    BlocksPerVpc(VpcId),
    /// IPv6 blocks of a subnet.
    BlocksPerSubnet(SubnetId),
    /// Subnets of a VPC.
    SubnetsPerVpc,
    /// What else there is a limit of: the error code of its kind, and its noun.
    Of(&'static str, &'static str),
    /// Network ACLs of a VPC.
    AclsPerVpc,
    /// Prefix lists.
    PrefixLists,
    /// Entries of a network ACL, each way.
    RulesPerAcl,
}

/// What can be wrong with a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockKind {
    /// Outside the VPC or of a forbidden size.
    Range,
    /// Overlaps another.
    Conflict,
    /// None that a VPC may have.
    VpcRange,
    /// Overlaps what the VPC has or reaches.
    VpcConflict,
}

impl Fault {
    /// That nobody has the id.
    pub fn no_such<K: Kind>(id: Id<K>) -> Self {
        Fault::NoSuch { code: K::NOT_FOUND, noun: K::NOUN, id: id.to_string() }
    }

    /// That nobody has any of the ids.
    pub fn none_of<K: Kind>(ids: &[Id<K>]) -> Self {
        let list: Vec<_> = ids.iter().map(ToString::to_string).collect();
        Fault::NoSuch { code: K::NOT_FOUND, noun: K::NOUN, id: list.join(", ") }
    }
}
