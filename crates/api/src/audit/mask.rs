//! What no record shows: members that are secrets.
//!
//! A member whose name looks like a secret's is hidden unless it stands in [`SHOWN`]; one that doesn't look so and is one
//! all the same stands in [`HIDDEN`]. A test walks the inputs of all operations, and fails for a name that looks like a
//! secret's and stands in neither.

use std::cell::RefCell;
use std::collections::HashMap;

use landfall_wire::Tree;

/// What stands for what EC2 hides.
pub const REMOVED: &str = "<sensitiveDataRemoved>";

/// What names of secrets have in them, in small letters.
const LOOKS: [&[u8]; 8] =
    [b"password", b"secret", b"material", b"token", b"plaintext", b"private", b"preshared", b"userdata"];

/// Members that are hidden, by service and name, of inputs and answers alike.
pub const HIDDEN: &[(&str, &str)] = &[
    ("cloudtrail", "Token"),
    ("ebs", "BlockData"),
    ("ebs", "BlockToken"),
    ("ebs", "PageToken"),
    ("ec2", "CustomerGatewayConfiguration"),
    ("ec2", "KeyMaterial"),
    ("ec2", "PreSharedKey"),
    // It may be signed, which is as good as a password.
    ("ec2", "Url"),
    ("ec2", "UserData"),
    ("iam", "AuthenticationCode1"),
    ("iam", "AuthenticationCode2"),
    ("iam", "Base32StringSeed"),
    ("iam", "NewPassword"),
    ("iam", "OldPassword"),
    ("iam", "Password"),
    ("iam", "QRCodePNG"),
    ("iam", "SecretAccessKey"),
    ("kms", "CiphertextBlob"),
    ("kms", "EncryptedKeyMaterial"),
    ("kms", "GrantToken"),
    ("kms", "GrantTokens"),
    ("kms", "ImportToken"),
    ("kms", "Message"),
    ("kms", "Plaintext"),
    ("kms", "PrivateKeyPlaintext"),
    ("kms", "SharedSecret"),
    ("landfall", "Secret"),
    ("secretsmanager", "RotationToken"),
    ("secretsmanager", "SecretBinary"),
    ("secretsmanager", "SecretString"),
    ("ssm", "Value"),
    ("sts", "SecretAccessKey"),
    ("sts", "SessionToken"),
    ("sts", "TokenCode"),
    ("sts", "WebIdentityToken"),
];

/// Members that are hidden unless another one says that they are harmless: action, member, the other one, and what it then
/// says.
const HIDDEN_UNLESS: &[(&str, &str, &str, &[&str])] = &[(
    "ModifyInstanceAttribute",
    "Value",
    "Attribute",
    &[
        "disableApiStop",
        "disableApiTermination",
        "ebsOptimized",
        "enaSupport",
        "instanceInitiatedShutdownBehavior",
        "instanceType",
        "sourceDestCheck",
    ],
)];

/// The member of an action's input that is hidden for what another one says, user data above all.
pub fn hidden_by_another(action: &str, input: &[(Box<str>, Tree)]) -> Option<&'static str> {
    let (_, member, other, harmless) = HIDDEN_UNLESS.iter().find(|(of, ..)| *of == action)?;
    let said = input.iter().find(|(name, _)| name.eq_ignore_ascii_case(other)).and_then(|(_, value)| value.as_text());
    (!said.is_some_and(|said| harmless.contains(&said))).then_some(*member)
}

/// Members that are shown though their names look like those of secrets; `*` stands for all services, and for any end of
/// a name.
pub const SHOWN: &[(&str, &str)] = &[
    ("*", "ClientRequestToken"),
    ("*", "ClientToken"),
    ("*", "NextToken"),
    ("ec2", "HttpTokens"),
    ("ec2", "PreSharedKeyStorage"),
    ("ec2", "PrivateDns*"),
    ("ec2", "PrivateIp*"),
    ("ec2", "PublicKeyMaterial"),
    ("ec2", "SecondaryPrivateIp*"),
    ("elasticfilesystem", "CreationToken"),
    ("iam", "AllowUsersToChangePassword"),
    ("iam", "MaxPasswordAge"),
    ("iam", "MinimumPasswordLength"),
    ("iam", "PasswordResetRequired"),
    ("iam", "PasswordReusePrevention"),
    ("kms", "CurrentKeyMaterialId"),
    ("kms", "DestinationKeyMaterialId"),
    ("kms", "IncludeKeyMaterial"),
    ("kms", "KeyMaterialDescription"),
    ("kms", "KeyMaterialId"),
    ("kms", "KeyMaterialType"),
    ("kms", "SourceKeyMaterialId"),
    ("secretsmanager", "ForceOverwriteReplicaSecret"),
    ("secretsmanager", "PasswordLength"),
    ("secretsmanager", "SecretId"),
    ("secretsmanager", "SecretIdList"),
    ("sts", "SubjectFromWebIdentityToken"),
];

/// Whether a name looks like a secret's.
pub fn looks_secret(name: &str) -> bool {
    let name = name.as_bytes();
    LOOKS.iter().any(|word| name.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word)))
}

/// Whether a member is in that list, for its service or for all.
pub fn is_listed(list: &[(&str, &str)], service: &str, name: &str) -> bool {
    let is_name = |listed: &str| match listed.strip_suffix('*') {
        Some(begin) => name.get(..begin.len()).is_some_and(|start| start.eq_ignore_ascii_case(begin)),
        None => listed.eq_ignore_ascii_case(name),
    };
    list.iter().any(|(of, listed)| (*of == service || *of == "*") && is_name(listed))
}

/// Names that are decided on, by service: answers have the same ones again and again.
type Decided = HashMap<String, HashMap<String, Option<&'static str>>>;

/// More than these are forgotten: names in maps are their senders' to choose.
const CACHED: usize = 4_096;

thread_local! {
    static DECIDED: RefCell<Decided> = RefCell::default();
}

/// What stands for a member that isn't shown.
pub fn mask(service: &str, name: &str) -> Option<&'static str> {
    DECIDED.with_borrow_mut(|decided| {
        if let Some(known) = decided.get(service).and_then(|names| names.get(name)) {
            return *known;
        }
        let mask = decide(service, name);
        let names = decided.entry(service.to_owned()).or_default();
        if names.len() >= CACHED {
            names.clear();
        }
        names.insert(name.to_owned(), mask);
        mask
    })
}

fn decide(service: &str, name: &str) -> Option<&'static str> {
    let is_secret = is_listed(HIDDEN, service, name) || (looks_secret(name) && !is_listed(SHOWN, service, name));
    // Source: the events of these services in AWS.
    is_secret.then_some(if service == "ec2" { REMOVED } else { "HIDDEN_DUE_TO_SECURITY_REASONS" })
}
