//! Why a document was refused, in the words that AWS uses, since clients and people search for them.

/// A policy document that is not valid. Its `Display` is AWS's message; the `Debug` form of some variants says more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Not JSON, or not of the shape that the grammar asks for. The hint is for logs: AWS doesn't say what is wrong.
    #[error("Syntax errors in policy.")]
    Syntax(&'static str),
    /// Managed and organisation policies need the current version of the language.
    #[error("Policy document must be version 2012-10-17 or greater.")]
    Version,
    /// The shape is right but a value isn't. The hint is for logs.
    #[error("The policy failed legacy parsing")]
    Legacy(&'static str),
    /// Two statements have the same Sid.
    #[error("Statement IDs (SID) in a single policy must be unique.")]
    DuplicateSid,
    /// A Sid with other characters than letters and digits.
    #[error(
        "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"
    )]
    Sid,
    /// Neither Action nor NotAction, or an empty list.
    #[error("Policy statement must contain actions.")]
    NoActions,
    /// Neither Resource nor NotResource, or an empty list, where one is needed.
    #[error("Policy statement must contain resources.")]
    NoResources,
    /// An action without a service's prefix.
    #[error("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")]
    ActionPrefix,
    /// An action with more than one colon.
    #[error("Actions/Condition can contain only one colon.")]
    ActionColons,
    /// An action whose service's prefix has characters that none has.
    #[error("Vendor {0} is not valid")]
    Vendor(String),
    /// A resource that is neither `*` nor an ARN.
    #[error("Resource {0} must be in ARN format or \"*\".")]
    NotArn(String),
    /// A resource in a partition that does not exist.
    #[error("Partition \"{partition}\" is not valid for resource \"{arn}\".")]
    Partition {
        /// What stands where the partition should.
        partition: String,
        /// The resource, completed to six fields.
        arn: String,
    },
    /// A resource with no service, or with wildcards in it.
    #[error("Resource vendor must be fully qualified and cannot contain regexes.")]
    ResourceVendor,
    /// An IAM resource with a region.
    #[error("IAM resource {0} cannot contain region information.")]
    IamRegion(String),
    /// An S3 resource with a region.
    #[error("Resource {0} can not contain region information.")]
    S3Region(String),
    /// An IAM resource of a type that IAM does not have.
    #[error(
        "IAM resource path must either be \"*\" or start with user/, federated-user/, role/, group/, \
         instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, \
         access-report/."
    )]
    IamPath,
    /// A principal in a document whose principal is whom it is attached to.
    #[error("Policy document should not specify a principal.")]
    PrincipalProhibited,
    /// No principal in a trust policy or resource policy.
    #[error("Missing required field Principal cannot be empty!")]
    NoPrincipal,
    /// A principal of no known form, with its kind (`AWS`, `Service` …).
    #[error("Invalid principal in policy: \"{kind}\":\"{value}\"")]
    Principal {
        /// The key under which it stands.
        kind: String,
        /// The value.
        value: String,
    },
    /// A field that documents of this kind may not have.
    #[error("Has prohibited field {0}")]
    Prohibited(&'static str),
    /// A trust policy about something else than assuming the role.
    #[error("AssumeRole policy may only specify STS AssumeRole actions.")]
    TrustAction,
    /// More characters, white space aside, than documents of this kind may have.
    #[error("Cannot exceed quota for {quota}: {limit}")]
    TooLarge {
        /// AWS's name of the quota.
        quota: &'static str,
        /// How many characters there may be.
        limit: usize,
    },
}

impl Malformed {
    /// The error code that IAM answers with.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "LimitExceeded",
            _ => "MalformedPolicyDocument",
        }
    }
}
