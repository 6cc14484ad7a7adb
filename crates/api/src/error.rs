//! What a client sees of an error: AWS's code, a status, a message. One table from the rules' faults to AWS's words.

use std::borrow::Cow;

use landfall_cloud::Fault;
use landfall_cloud::fault::{BlockKind, ExistsKind, QuotaKind};
use landfall_cloud::identity::IdentityFault;
use landfall_cloud::kms::KmsFault;
use landfall_cloud::parameter::ParameterFault;
use landfall_cloud::secret::SecretFault;
use landfall_model::{Cidr, Destination, RouteTableId};
use landfall_state::Refused;
use landfall_wire::{Protocol, Refusal};

/// An error in AWS's terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// AWS's code: clients match on it.
    pub code: Cow<'static, str>,
    /// The HTTP status. What is unsupported or wrong is never 5xx: clients repeat those for minutes.
    pub status: u16,
    /// A sentence, in AWS's words where they are known.
    pub message: String,
    /// The word for the reason, of services that have one beside the code.
    pub reason: Option<&'static str>,
    /// Further members, of services that have some.
    pub members: Vec<(&'static str, String)>,
}

impl ApiError {
    /// An error with a status of 400, which most have.
    pub fn new(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { code: code.into(), status: 400, message: message.into(), reason: None, members: Vec::new() }
    }

    /// The same with another status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// The same for that reason.
    #[must_use]
    pub fn with_reason(mut self, reason: &'static str) -> Self {
        self.reason = Some(reason);
        self
    }

    /// The same with a further member.
    #[must_use]
    pub fn with_member(mut self, name: &'static str, value: impl std::fmt::Display) -> Self {
        self.members.push((name, value.to_string()));
        self
    }

    /// A value that a parameter doesn't take.
    pub fn invalid(parameter: &str, value: impl std::fmt::Display, why: impl std::fmt::Display) -> Self {
        Self::new("InvalidParameterValue", format!("Value ({value}) for parameter {parameter} is invalid. {why}"))
    }

    /// Parameters that don't go together.
    pub fn combination(message: impl Into<String>) -> Self {
        Self::new("InvalidParameterCombination", message)
    }

    /// A parameter that must be there.
    pub fn missing(parameter: &str) -> Self {
        Self::new("MissingParameter", format!("The request must contain the parameter {parameter}"))
    }

    /// A parameter, or a value of one, that AWS has and Landfall doesn't act on.
    pub fn unsupported(what: impl std::fmt::Display) -> Self {
        Self::new("UnsupportedOperation", format!("Landfall does not support {what} yet."))
    }

    /// That there is no such thing, under its kind's code.
    pub fn not_found(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(code, message)
    }

    /// A dry run that would have gone through.
    pub fn dry_run() -> Self {
        Self::new("DryRunOperation", "Request would have succeeded, but DryRun flag is set.").with_status(412)
    }

    /// Too many calls, or too many that failed to prove whose they are. Its sender waits and tries again.
    pub fn throttled(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Ec2Query => Self::new("RequestLimitExceeded", "Request limit exceeded.").with_status(503),
            Protocol::Query => Self::new("Throttling", "Rate exceeded"),
            Protocol::RestXml => Self::new("SlowDown", "Please reduce your request rate.").with_status(503),
            Protocol::Json10 | Protocol::Json11 | Protocol::RestJson => {
                Self::new("ThrottlingException", "Rate exceeded")
            }
        }
    }

    /// A failure of ours. What it was is in the log under the request's id, not in the answer.
    pub fn internal() -> Self {
        Self::new("InternalError", "An internal error has occurred").with_status(500)
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for ApiError {}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self { code: refusal.code, status: refusal.status, message: refusal.message, reason: None, members: Vec::new() }
    }
}

impl From<Refused> for ApiError {
    /// Writes that can't be made durable: the client may try again, since nothing is known to have happened.
    fn from(refused: Refused) -> Self {
        Self::new("ServiceUnavailable", refused.to_string()).with_status(503)
    }
}

impl From<Fault> for ApiError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::NoSuch { code, noun, id } => Self::new(code, no_such(code, noun, &id)),
            Fault::Invalid { name, value, why } => Self::invalid(name, value, why),
            Fault::Combination(message) => Self::combination(message),
            Fault::Missing(parameter) => Self::missing(parameter),
            Fault::State { id, wants, .. } => {
                Self::new("IncorrectInstanceState", format!("The instance '{id}' is not in the '{wants}' state."))
            }
            Fault::InUse { what } if what.ends_with('.') => Self::new("DependencyViolation", what),
            Fault::InUse { what } => Self::new("DependencyViolation", format!("{what} has a dependent object")),
            Fault::Parameter(fault) => parameter(&fault),
            Fault::Secret(fault) => secret(&fault),
            Fault::Exists { kind, what } => exists(kind, &what),
            Fault::Quota(kind, limit) => quota(kind, limit),
            // AWS answers 500; clients repeat that for minutes, and room rarely appears meanwhile.
            Fault::NoCapacity { instance_type, zone, why } => Self::new(
                "InsufficientInstanceCapacity",
                format!(
                    "We currently do not have sufficient {instance_type} capacity in the Availability Zone you requested ({zone}): {why}."
                ),
            ),
            Fault::NoAddress(place) => no_address(&place),
            Fault::AddressInUse(address) => {
                Self::new("InvalidIPAddress.InUse", format!("Address {address} is in use."))
            }
            Fault::Ipv6InUse(address) => Self::new("InvalidIPAddress.InUse", format!("Address {address} is in use.")),
            Fault::InterfaceInUse(id) => {
                Self::new("InvalidNetworkInterface.InUse", format!("Interface: [{id}] in use."))
            }
            Fault::InterfaceUsed(id) => {
                Self::new("InvalidParameterValue", format!("Network interface '{id}' is currently in use."))
            }
            Fault::TooManyInterfaces { count, instance_type } => Self::new(
                "AttachmentLimitExceeded",
                format!("Interface count {count} exceeds the limit for {instance_type}"),
            ),
            Fault::ManyInterfaces(id) => Self::new(
                "InvalidInstanceID",
                format!(
                    "There are multiple interfaces attached to instance '{id}'. Please specify an interface ID for the operation instead."
                ),
            ),
            Fault::Protected { id, attribute } => protected(&id, attribute),
            Fault::NoDefaultVpc => Self::new("VPCIdNotSpecified", "No default VPC for this user"),
            Fault::NoDefaultSubnet(zone) => {
                Self::new("MissingInput", format!("No default subnet for availability zone: '{zone}'."))
            }
            Fault::Block { block, why, kind } => block_error(&block.to_string(), why, kind),
            Fault::DuplicateRule(rule) => {
                Self::new("InvalidPermission.Duplicate", format!("the specified rule \"{rule}\" already exists"))
            }
            Fault::NoSuchRule(_) => {
                Self::new("InvalidPermission.NotFound", "The specified rule does not exist in this security group.")
            }
            Fault::Reserved(message) => Self::new("CannotDelete", message),
            Fault::NotAttached(message) => Self::new("Gateway.NotAttached", message),
            Fault::WrongState(message) => Self::new("IncorrectState", message),
            Fault::Taken { code, message } => Self::new(code, message),
            Fault::Refused(message) => Self::new("InvalidParameterValue", message),
            Fault::NoSuchRoute { destination, table } => no_such_route(destination, table),
            Fault::Mismatch(message) => Self::new("InvalidParameter", message),
            Fault::BlockInUse(block) => Self::new(
                "InvalidCidrBlock.InUse",
                format!("The CIDR block {block} can't be disassociated: it has addresses that are in use."),
            ),
            Fault::StaleVersion => {
                Self::new("PrefixListVersionMismatch", "The prefix list has the incorrect version number.")
            }
            Fault::TooManyEntries(max) => Self::new(
                "PrefixListMaxEntriesExceeded",
                format!("The prefix list would have more entries than its maximum, {max}."),
            ),
            Fault::Entries(message) => Self::new("InvalidPrefixListModification", message),
            Fault::Unsupported(what) => Self::unsupported(what),
            Fault::NotPermitted(message) => Self::new("OperationNotPermitted", message),
            Fault::Identity(fault) => identity(&fault),
            Fault::Kms(fault) => kms(&fault),
            Fault::AlreadyAssociated(message) => Self::new("Resource.AlreadyAssociated", message),
        }
    }
}

/// IAM's codes. What isn't there is 404 and what is in the way 409, as IAM has it.
fn identity(fault: &IdentityFault) -> ApiError {
    let (code, status) = match fault {
        IdentityFault::NoSuch(_) => ("NoSuchEntity", 404),
        IdentityFault::Exists(_) => ("EntityAlreadyExists", 409),
        IdentityFault::Conflict(_) => ("DeleteConflict", 409),
        IdentityFault::Limit { .. } | IdentityFault::Versions(_) => ("LimitExceeded", 409),
        IdentityFault::Malformed(malformed) if malformed.code() == "LimitExceeded" => ("LimitExceeded", 409),
        IdentityFault::Malformed(malformed) => (malformed.code(), 400),
        IdentityFault::Validation(_) => ("ValidationError", 400),
        IdentityFault::Input(_) => ("InvalidInput", 400),
        IdentityFault::Password(_) => ("PasswordPolicyViolation", 400),
        IdentityFault::Codes(_) => ("InvalidAuthenticationCode", 403),
        IdentityFault::Changing(_) => ("EntityTemporarilyUnmodifiable", 409),
        IdentityFault::Unmodifiable(_) => ("UnmodifiableEntity", 400),
    };
    ApiError::new(code, fault.to_string()).with_status(status)
}

/// KMS's codes, all of them 400.
fn kms(fault: &KmsFault) -> ApiError {
    let code = match fault {
        KmsFault::NotFound(_) => "NotFoundException",
        KmsFault::AliasExists(_) => "AlreadyExistsException",
        KmsFault::AliasName(_) => "InvalidAliasNameException",
        KmsFault::Arn(_) => "InvalidArnException",
        KmsFault::Disabled(_) => "DisabledException",
        KmsFault::State { .. } | KmsFault::WrongState(_) => "KMSInvalidStateException",
        KmsFault::Unsupported(_) => "UnsupportedOperationException",
        KmsFault::Usage(_) => "InvalidKeyUsageException",
        KmsFault::Limit(_) => "LimitExceededException",
        KmsFault::Policy(_) => "MalformedPolicyDocumentException",
        KmsFault::Validation(_) => "ValidationException",
        KmsFault::Material(_) => "IncorrectKeyMaterialException",
        KmsFault::GrantId(_) => "InvalidGrantIdException",
        KmsFault::GrantToken(_) => "InvalidGrantTokenException",
        KmsFault::Tag(_) => "TagException",
        KmsFault::Conflict(_) => "ConflictException",
        KmsFault::Denied(_) => "AccessDeniedException",
    };
    ApiError::new(code, fault.to_string())
}

impl From<KmsFault> for ApiError {
    fn from(fault: KmsFault) -> Self {
        kms(&fault)
    }
}

fn no_address(place: &str) -> ApiError {
    if place.starts_with("subnet-") {
        let message = format!(
            "There are not enough free addresses in subnet '{place}' to satisfy the requested number of instances."
        );
        return ApiError::new("InsufficientFreeAddressesInSubnet", message);
    }
    ApiError::new("InsufficientAddressCapacity", format!("There are no free addresses left in {place}."))
}

fn no_such(code: &str, noun: &str, id: &str) -> String {
    if code == "InvalidAMIID.NotFound" {
        return format!("The image id '[{id}]' does not exist");
    }
    if code == "InvalidAddress.NotFound" {
        return format!("Address '{id}' not found.");
    }
    if code == "NatGatewayNotFound" {
        return format!("NAT gateway {id} was not found");
    }
    if code == "InvalidLaunchTemplateId.NotFound" {
        return format!("The specified launch template, with template ID {id}, does not exist.");
    }
    if code == "InvalidLaunchTemplateName.NotFoundException" {
        return format!("The specified launch template, with template name {id}, does not exist.");
    }
    if code == "InvalidLaunchTemplateId.VersionNotFound" {
        return format!("Could not find the {noun} {id}.");
    }
    if code == "InvalidNetworkAclEntry.NotFound" {
        return format!("The {noun} {id} does not exist.");
    }
    if id.starts_with("iip-assoc-") {
        return format!("An invalid association-id of '{id}' was given");
    }
    if id.contains(", ") {
        return format!("The {noun}s '{id}' do not exist");
    }
    format!("The {noun} '{id}' does not exist")
}

fn no_such_route(destination: Destination, table: RouteTableId) -> ApiError {
    let (parameter, text) = match destination {
        Destination::Cidr(Cidr::V4(block)) => ("destination-cidr-block", block.to_string()),
        Destination::Cidr(Cidr::V6(block)) => ("destination-ipv6-cidr-block", block.to_string()),
        Destination::PrefixList(id) => ("destination-prefix-list-id", id.to_string()),
    };
    ApiError::new("InvalidRoute.NotFound", format!("no route with {parameter} {text} in route table {table}"))
}

fn exists(kind: ExistsKind, what: &str) -> ApiError {
    match kind {
        ExistsKind::KeyPair => ApiError::new("InvalidKeyPair.Duplicate", "The keypair already exists"),
        ExistsKind::SecurityGroup => {
            ApiError::new("InvalidGroup.Duplicate", format!("The security group '{what}' already exists"))
        }
        ExistsKind::DefaultVpc => {
            ApiError::new("DefaultVpcAlreadyExists", "A Default VPC already exists for this account in this region.")
        }
        ExistsKind::FlowLog => ApiError::new(
            "FlowLogAlreadyExists",
            "Error. There is an existing Flow Log with the same configuration and log destination.",
        ),
        ExistsKind::Analysis => ApiError::new(
            "AnalysisExistsForNetworkInsightsPath",
            format!("The network insights path '{what}' has analyses; delete them first."),
        ),
        ExistsKind::Host => ApiError::new("HostAlreadyExists", format!("There is a host {what} already.")),
        ExistsKind::AclEntry => ApiError::new(
            "NetworkAclEntryAlreadyExists",
            format!("The network acl entry identified by {what} already exists."),
        ),
        ExistsKind::DefaultSubnet => ApiError::new(
            "DefaultSubnetAlreadyExistsInAvailabilityZone",
            format!("A default subnet already exists in {what}."),
        ),
    }
}

fn quota(kind: QuotaKind, limit: u64) -> ApiError {
    let (code, message) = match kind {
        QuotaKind::Vcpus => (
            "VcpuLimitExceeded",
            format!("You have requested more vCPU capacity than your current vCPU limit of {limit} allows."),
        ),
        QuotaKind::Vpcs => ("VpcLimitExceeded", "The maximum number of VPCs has been reached.".into()),
        QuotaKind::Addresses => ("AddressLimitExceeded", "The maximum number of addresses has been reached.".into()),
        QuotaKind::SecurityGroups => {
            ("SecurityGroupLimitExceeded", "The maximum number of security groups has been reached.".into())
        }
        QuotaKind::RulesPerGroup => (
            "RulesPerSecurityGroupLimitExceeded",
            "The maximum number of rules per security group has been reached.".into(),
        ),
        QuotaKind::GroupsPerInterface => (
            "SecurityGroupsPerInterfaceLimitExceeded",
            "The maximum number of security groups per interface has been reached.".into(),
        ),
        QuotaKind::AddressesPerInterface => (
            "PrivateIpAddressLimitExceeded",
            format!("Number of private addresses will exceed limit, {limit} an interface of this instance type."),
        ),
        QuotaKind::FlowLogs => (
            "FlowLogsLimitExceeded",
            format!("The maximum number of flow logs for a resource ({limit}) has been reached."),
        ),
        QuotaKind::InsightsPaths => (
            "NetworkInsightsPathLimitExceeded",
            format!("The maximum number of network insights paths ({limit}) has been reached."),
        ),
        QuotaKind::InsightsAnalyses => (
            "NetworkInsightsAnalysisLimitExceeded",
            format!("The maximum number of network insights analyses ({limit}) has been reached."),
        ),
        QuotaKind::Ipv6AddressesPerInterface => (
            "PrivateIpAddressLimitExceeded",
            format!("Number of IPv6 addresses will exceed limit, {limit} an interface of this instance type."),
        ),
        QuotaKind::Interfaces => {
            ("NetworkInterfaceLimitExceeded", "The maximum number of network interfaces has been reached.".into())
        }
        QuotaKind::KeyPairs => ("KeyPairLimitExceeded", "The maximum number of key pairs has been reached.".into()),
        QuotaKind::BlocksPerVpc(vpc) => {
            ("CidrLimitExceeded", format!("This network '{vpc}' has met its maximum number of allowed CIDRs: {limit}"))
        }
        QuotaKind::BlocksPerSubnet(subnet) => (
            "CidrLimitExceeded",
            format!("This subnet '{subnet}' has met its maximum number of allowed CIDRs: {limit}"),
        ),
        QuotaKind::SubnetsPerVpc => ("SubnetLimitExceeded", "The maximum number of subnets has been reached.".into()),
        QuotaKind::NatGateways => (
            "NatGatewayLimitExceeded",
            format!("Performing this operation would exceed the limit of {limit} NAT gateways"),
        ),
        QuotaKind::Of(code, noun) => (code, format!("The maximum number of {noun} ({limit}) has been reached.")),
        QuotaKind::AclsPerVpc => {
            ("NetworkAclLimitExceeded", "The maximum number of network ACLs has been reached.".into())
        }
        QuotaKind::PrefixLists => {
            ("PrefixListLimitExceeded", "The maximum number of prefix lists has been reached.".into())
        }
        QuotaKind::RulesPerAcl => {
            ("NetworkAclEntryLimitExceeded", "The maximum number of network ACL entries has been reached.".into())
        }
        QuotaKind::Tags => {
            ("TagLimitExceeded", format!("The maximum number of Tags for a resource ({limit}) has been reached."))
        }
    };
    ApiError::new(code, message)
}

fn protected(id: &str, attribute: &str) -> ApiError {
    let verb = if attribute == "disableApiStop" { "stopped" } else { "terminated" };
    ApiError::new(
        "OperationNotPermitted",
        format!("The instance '{id}' may not be {verb}. Modify its '{attribute}' instance attribute and try again."),
    )
}

fn block_error(block: &str, why: &str, kind: BlockKind) -> ApiError {
    let code = match kind {
        BlockKind::Range => "InvalidSubnet.Range",
        BlockKind::Conflict => "InvalidSubnet.Conflict",
        BlockKind::VpcRange => "InvalidVpc.Range",
        BlockKind::VpcConflict => "InvalidVpc.Conflict",
    };
    ApiError::new(code, format!("The CIDR '{block}' {why}."))
}

/// Parameter Store's codes.
fn parameter(fault: &ParameterFault) -> ApiError {
    let code = match fault {
        ParameterFault::NoSuch(_) => "ParameterNotFound",
        ParameterFault::NoSuchVersion { .. } => "ParameterVersionNotFound",
        ParameterFault::Exists => "ParameterAlreadyExists",
        ParameterFault::Invalid(_) => "ValidationException",
        ParameterFault::Reserved(_) => "AccessDeniedException",
        ParameterFault::Levels(_) => "HierarchyLevelLimitExceededException",
        ParameterFault::Kind => "HierarchyTypeMismatchException",
        ParameterFault::Pattern => "InvalidAllowedPatternException",
        ParameterFault::Mismatch(_) => "ParameterPatternMismatchException",
        ParameterFault::Versions { .. } => "ParameterMaxVersionLimitExceeded",
        ParameterFault::Labels => "ParameterVersionLabelLimitExceeded",
        ParameterFault::Limit(_) => "ParameterLimitExceeded",
        ParameterFault::Policies(_) => "PoliciesLimitExceededException",
        ParameterFault::PolicyType(_) => "InvalidPolicyTypeException",
        ParameterFault::PolicyAttribute(_) => "InvalidPolicyAttributeException",
        ParameterFault::PolicyConflict(_) => "IncompatiblePolicyException",
    };
    ApiError::new(code, fault.to_string())
}

/// Secrets Manager's codes.
fn secret(fault: &SecretFault) -> ApiError {
    let code = match fault {
        SecretFault::NoSuch | SecretFault::NoSuchValue(_) => "ResourceNotFoundException",
        SecretFault::Exists(_) => "ResourceExistsException",
        SecretFault::Name => "ValidationException",
        SecretFault::Invalid(_) => "InvalidParameterException",
        SecretFault::Request(_) => "InvalidRequestException",
        SecretFault::Limit(_) => "LimitExceededException",
        SecretFault::Policy(_) => "MalformedPolicyDocumentException",
        SecretFault::Public => "PublicPolicyException",
    };
    ApiError::new(code, fault.to_string())
}

impl From<ParameterFault> for ApiError {
    fn from(fault: ParameterFault) -> Self {
        parameter(&fault)
    }
}

impl From<SecretFault> for ApiError {
    fn from(fault: SecretFault) -> Self {
        secret(&fault)
    }
}
