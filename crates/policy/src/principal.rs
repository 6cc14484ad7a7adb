//! Who asks, and who is meant by a `Principal` element.
//!
//! One caller has several names: a role's session is itself, the role, and the account. Which of them a resource
//! policy names decides how much the grant is worth (AWS: "Policy evaluation for requests within a single account"):
//! naming the caller itself needs nothing else, naming its role is still limited by boundary and session policy, and
//! naming its account only lets that account's own policies decide.

use crate::context::Context;

/// The authenticated caller, borrowed from whatever knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrincipalRef<'a> {
    /// The account itself.
    Root {
        /// `arn:aws:iam::123456789012:root`.
        arn: &'a str,
        /// Twelve digits.
        account: &'a str,
    },
    /// A user with its own credentials.
    User {
        /// `arn:aws:iam::123456789012:user/path/name`.
        arn: &'a str,
        /// Twelve digits.
        account: &'a str,
        /// `AIDA…`.
        id: &'a str,
    },
    /// A session of a role.
    RoleSession {
        /// `arn:aws:sts::123456789012:assumed-role/role/session`.
        arn: &'a str,
        /// `arn:aws:iam::123456789012:role/path/role`.
        role_arn: &'a str,
        /// Twelve digits.
        account: &'a str,
        /// `AROA…`, of the role.
        role_id: &'a str,
    },
    /// A session made by GetFederationToken.
    FederatedUser {
        /// `arn:aws:sts::123456789012:federated-user/name`.
        arn: &'a str,
        /// The user who asked for it, or the root.
        user_arn: &'a str,
        /// Its unique id.
        user_id: &'a str,
        /// Twelve digits.
        account: &'a str,
    },
    /// Somebody who an identity provider vouches for and who is nobody here yet (AssumeRoleWithWebIdentity).
    Federated {
        /// The provider's ARN, or its host name for the well-known ones.
        provider: &'a str,
    },
    /// A service of the cloud itself.
    Service {
        /// `ec2.amazonaws.com`.
        name: &'a str,
    },
    /// Nobody: the request was not signed.
    Anonymous,
}

/// One name in a `Principal` element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrincipalName {
    /// `*`, by itself or under `AWS`.
    Everyone,
    /// An account, by its number or its root's ARN.
    Account(Box<str>),
    /// A user, role, role session or federated user.
    Arn(Box<str>),
    /// The unique id of a user or role: what the name of a deleted one turns into.
    Id(Box<str>),
    /// A service.
    Service(Box<str>),
    /// An identity provider.
    Federated(Box<str>),
}

/// What it is worth that a resource policy names the caller, from least to most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Grant {
    /// Through the account: its own policies must allow too.
    Account,
    /// Through the role of a session: boundary and session policy must allow too.
    Role,
    /// The caller itself.
    Direct,
}

/// The compiled `Principal` or `NotPrincipal` of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PrincipalSet {
    pub negated: bool,
    pub names: Box<[PrincipalName]>,
}

impl<'a> PrincipalRef<'a> {
    /// The ARN that messages and the audit name; `None` for those that have none.
    pub fn arn(&self) -> Option<&'a str> {
        match *self {
            Self::Root { arn, .. }
            | Self::User { arn, .. }
            | Self::RoleSession { arn, .. }
            | Self::FederatedUser { arn, .. } => Some(arn),
            Self::Federated { .. } | Self::Service { .. } | Self::Anonymous => None,
        }
    }

    /// The account that the caller belongs to.
    pub fn account(&self) -> Option<&'a str> {
        match *self {
            Self::Root { account, .. }
            | Self::User { account, .. }
            | Self::RoleSession { account, .. }
            | Self::FederatedUser { account, .. } => Some(account),
            Self::Federated { .. } | Self::Service { .. } | Self::Anonymous => None,
        }
    }

    /// Whether the account itself stands behind the caller, which needs no policies of its own: root, and sessions that root
    /// asked GetFederationToken for.
    pub(crate) fn is_of_root(&self) -> bool {
        match *self {
            Self::Root { .. } => true,
            // No user's ARN ends so: its name follows a solidus.
            Self::FederatedUser { user_arn, .. } => user_arn.ends_with(":root"),
            _ => false,
        }
    }

    /// Sets the condition keys that follow from the principal.
    pub(crate) fn describe(&self, context: &mut Context) {
        let kind = match *self {
            Self::Root { arn, account } => {
                context.set("aws:PrincipalArn", arn);
                context.set("aws:userid", account);
                "Account"
            }
            Self::User { arn, id, .. } => {
                context.set("aws:PrincipalArn", arn);
                context.set("aws:userid", id);
                context.set("aws:username", last_segment(arn));
                "User"
            }
            Self::RoleSession { arn, role_arn, role_id, .. } => {
                context.set("aws:PrincipalArn", role_arn);
                context.set("aws:userid", format!("{role_id}:{}", last_segment(arn)));
                "AssumedRole"
            }
            Self::FederatedUser { arn, account, .. } => {
                context.set("aws:PrincipalArn", arn);
                context.set("aws:userid", format!("{account}:{}", last_segment(arn)));
                "FederatedUser"
            }
            Self::Federated { provider } => {
                context.set("aws:FederatedProvider", provider);
                return;
            }
            Self::Service { name } => {
                context.set("aws:PrincipalServiceName", name);
                context.set("aws:PrincipalIsAWSService", "true");
                return;
            }
            Self::Anonymous => {
                context.set("aws:PrincipalType", "Anonymous");
                context.set("aws:PrincipalIsAWSService", "false");
                return;
            }
        };
        context.set("aws:PrincipalType", kind);
        context.set("aws:PrincipalIsAWSService", "false");
        if let Some(account) = self.account() {
            context.set("aws:PrincipalAccount", account);
        }
    }
}

impl PrincipalName {
    /// What this name is worth to the caller; `None` when it means somebody else.
    pub(crate) fn grant(&self, principal: &PrincipalRef<'_>) -> Option<Grant> {
        use PrincipalRef as P;
        match (self, *principal) {
            (Self::Everyone, _) => Some(Grant::Direct),
            (Self::Account(name), P::Root { account, .. }) => (**name == *account).then_some(Grant::Direct),
            (Self::Account(name), other) => (other.account() == Some(name)).then_some(Grant::Account),
            (Self::Arn(name), P::User { arn, .. }) => (**name == *arn).then_some(Grant::Direct),
            (Self::Arn(name), P::RoleSession { arn, role_arn, .. }) => level(name, arn, role_arn),
            (Self::Arn(name), P::FederatedUser { arn, user_arn, .. }) => level(name, arn, user_arn),
            (Self::Id(name), P::User { id, .. }) => (**name == *id).then_some(Grant::Direct),
            (Self::Id(name), P::RoleSession { role_id, .. }) => (**name == *role_id).then_some(Grant::Role),
            (Self::Id(name), P::FederatedUser { user_id, .. }) => (**name == *user_id).then_some(Grant::Role),
            (Self::Service(want), P::Service { name }) => (**want == *name).then_some(Grant::Direct),
            (Self::Federated(want), P::Federated { provider }) => (**want == *provider).then_some(Grant::Direct),
            _ => None,
        }
    }
}

impl PrincipalSet {
    /// What the statement is worth to the caller; `None` when it is not about him. `denies` is whether the statement
    /// denies: `NotPrincipal` errs on the side that grants less, which depends on it.
    pub(crate) fn grant(&self, principal: &PrincipalRef<'_>, denies: bool) -> Option<Grant> {
        let named = self.names.iter().filter_map(|name| name.grant(principal)).max();
        match (self.negated, denies) {
            (false, _) => named,
            (true, false) => named.is_none().then_some(Grant::Direct),
            (true, true) => (!self.names_all_of(principal)).then_some(Grant::Direct),
        }
    }

    /// Whether each name of the caller is listed: the caller, its role, its account. AWS documents that a deny with
    /// `NotPrincipal` spares only those of whom all are.
    fn names_all_of(&self, principal: &PrincipalRef<'_>) -> bool {
        let listed = |wanted: Grant| {
            self.names.iter().any(|name| {
                matches!(name, PrincipalName::Everyone) || name.grant(principal).is_some_and(|grant| grant == wanted)
            })
        };
        match principal {
            PrincipalRef::User { .. } => listed(Grant::Direct) && listed(Grant::Account),
            PrincipalRef::RoleSession { .. } | PrincipalRef::FederatedUser { .. } => {
                listed(Grant::Direct) && listed(Grant::Role) && listed(Grant::Account)
            }
            PrincipalRef::Root { .. }
            | PrincipalRef::Federated { .. }
            | PrincipalRef::Service { .. }
            | PrincipalRef::Anonymous => listed(Grant::Direct),
        }
    }
}

fn level(name: &str, itself: &str, parent: &str) -> Option<Grant> {
    if name == itself { Some(Grant::Direct) } else { (name == parent).then_some(Grant::Role) }
}

fn last_segment(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}
