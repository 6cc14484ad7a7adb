//! IAM's operations, each with a call that goes through and calls that don't; what they make callers able to do is tried
//! in [`behaviour`].

mod behaviour;
pub mod credentials;
pub mod overview;
pub mod simulation;
mod tags;

use crate::harness::{ACCOUNT, Case, Client, Params, World, at, params};

const POLICY: &str = "arn:aws:iam::111122223333:policy/reader";
const LONE: &str = "arn:aws:iam::111122223333:policy/lone";
const DOCUMENT: &str =
    r#"{ "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ec2:Describe*", "Resource": "*"}] }"#;
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"sts:AssumeRole"}]}"#;
/// Stands for the access key that [`prepare`] made.
const KEY: &str = "the key";

/// The cases of IAM.
pub const CASES: &[Case] = &[
    Case {
        service: "iam",
        action: "AddRoleToInstanceProfile",
        good: |client| prepare(client, &[("InstanceProfileName", "bare"), ("RoleName", "deploy")]),
        bad: &[(&[("InstanceProfileName", "x"), ("RoleName", "y")], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "AddUserToGroup",
        good: |client| prepare(client, &[("GroupName", "empty"), ("UserName", "alice")]),
        bad: &[(&[("GroupName", "x"), ("UserName", "y")], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "AttachGroupPolicy",
        good: |client| {
            prepare(client, &[("GroupName", "devs"), ("PolicyArn", "arn:aws:iam::aws:policy/ReadOnlyAccess")])
        },
        bad: &[
            (&[("GroupName", "x"), ("PolicyArn", POLICY)], "NoSuchEntity"),
            (&[("GroupName", "x"), ("PolicyArn", "reader")], "InvalidInput"),
        ],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "AttachRolePolicy",
        good: |client| {
            prepare(client, &[("RoleName", "deploy"), ("PolicyArn", "arn:aws:iam::aws:policy/ReadOnlyAccess")])
        },
        bad: &[
            (&[("RoleName", "x"), ("PolicyArn", POLICY)], "NoSuchEntity"),
            (&[("RoleName", "x"), ("PolicyArn", "reader")], "InvalidInput"),
        ],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "AttachUserPolicy",
        good: |client| {
            prepare(client, &[("UserName", "alice"), ("PolicyArn", "arn:aws:iam::aws:policy/ReadOnlyAccess")])
        },
        bad: &[
            (&[("UserName", "x"), ("PolicyArn", POLICY)], "NoSuchEntity"),
            (&[("UserName", "x"), ("PolicyArn", "reader")], "InvalidInput"),
        ],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "CreateAccessKey",
        good: |client| prepare(client, &[("UserName", "alice")]),
        bad: &[(&[("UserName", "x")], "NoSuchEntity")],
        masked: &["AccessKeyId", "SecretAccessKey"],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "CreateAccountAlias",
        good: |client| prepare(client, &[("AccountAlias", "landing")]),
        bad: &[(&[("AccountAlias", "-")], "ValidationError")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "CreateGroup",
        good: |client| prepare(client, &[("GroupName", "ops")]),
        bad: &[(&[("GroupName", "a/b")], "ValidationError")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "CreateInstanceProfile",
        good: |client| prepare(client, &[("InstanceProfileName", "db")]),
        bad: &[(&[("InstanceProfileName", "a b")], "ValidationError")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "CreatePolicy",
        good: |client| {
            prepare(client, &[("PolicyName", "writer"), ("PolicyDocument", DOCUMENT), ("Description", "writes")])
        },
        bad: &[
            (&[("PolicyName", "a"), ("PolicyDocument", "[]")], "MalformedPolicyDocument"),
            (&[("PolicyName", ""), ("PolicyDocument", DOCUMENT)], "ValidationError"),
        ],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "CreatePolicyVersion",
        good: |client| {
            prepare(client, &[("PolicyArn", POLICY), ("PolicyDocument", DOCUMENT), ("SetAsDefault", "true")])
        },
        bad: &[(&[("PolicyArn", POLICY), ("PolicyDocument", DOCUMENT)], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "CreateRole",
        good: |client| {
            prepare(
                client,
                &[
                    ("RoleName", "ci"),
                    ("AssumeRolePolicyDocument", TRUST),
                    ("Description", "builds"),
                    ("MaxSessionDuration", "7200"),
                ],
            )
        },
        bad: &[
            (&[("RoleName", "a"), ("AssumeRolePolicyDocument", "{")], "MalformedPolicyDocument"),
            (
                &[("RoleName", "a"), ("AssumeRolePolicyDocument", TRUST), ("MaxSessionDuration", "60")],
                "ValidationError",
            ),
            (
                &[("RoleName", "a"), ("AssumeRolePolicyDocument", TRUST), ("Path", "/aws-service-role/x/")],
                "InvalidInput",
            ),
        ],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "CreateUser",
        good: |client| {
            prepare(
                client,
                &[
                    ("UserName", "carol"),
                    ("Path", "/a/"),
                    ("Tags.member.1.Key", "k"),
                    ("Tags.member.1.Value", "v"),
                    ("PermissionsBoundary", POLICY),
                ],
            )
        },
        bad: &[
            (&[("UserName", "a b")], "ValidationError"),
            (&[("UserName", "a"), ("Path", "a")], "ValidationError"),
            (&[("UserName", "a"), ("PermissionsBoundary", POLICY)], "NoSuchEntity"),
            (
                &[
                    ("UserName", "a"),
                    ("Tags.member.1.Key", "a"),
                    ("Tags.member.1.Value", ""),
                    ("Tags.member.2.Key", "A"),
                    ("Tags.member.2.Value", ""),
                ],
                "InvalidInput",
            ),
        ],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "DeleteAccessKey",
        good: |client| prepare(client, &[("UserName", "alice"), ("AccessKeyId", KEY)]),
        bad: &[(&[("UserName", "x"), ("AccessKeyId", "AKIAX")], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "DeleteAccountAlias",
        good: |client| prepare(client, &[("AccountAlias", "landed")]),
        bad: &[(&[("AccountAlias", "landed")], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "DeleteGroup",
        good: |client| prepare(client, &[("GroupName", "empty")]),
        bad: &[(&[("GroupName", "x")], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "DeleteGroupPolicy",
        good: |client| prepare(client, &[("GroupName", "devs"), ("PolicyName", "had")]),
        bad: &[(&[("GroupName", "x"), ("PolicyName", "p")], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "DeleteInstanceProfile",
        good: |client| prepare(client, &[("InstanceProfileName", "bare")]),
        bad: &[(&[("InstanceProfileName", "x")], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "DeletePolicy",
        good: |client| prepare(client, &[("PolicyArn", LONE)]),
        bad: &[
            (&[("PolicyArn", POLICY)], "NoSuchEntity"),
            (&[("PolicyArn", "arn:aws:iam::aws:policy/ReadOnlyAccess")], "InvalidInput"),
        ],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "DeletePolicyVersion",
        good: |client| prepare(client, &[("PolicyArn", POLICY), ("VersionId", "v2")]),
        bad: &[(&[("PolicyArn", POLICY), ("VersionId", "v2")], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "DeleteRole",
        good: |client| prepare(client, &[("RoleName", "lonerole")]),
        bad: &[(&[("RoleName", "x")], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "DeleteRolePermissionsBoundary",
        good: |client| prepare(client, &[("RoleName", "boundrole")]),
        bad: &[(&[("RoleName", "x")], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "DeleteRolePolicy",
        good: |client| prepare(client, &[("RoleName", "deploy"), ("PolicyName", "had")]),
        bad: &[(&[("RoleName", "x"), ("PolicyName", "p")], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "DeleteUser",
        good: |client| prepare(client, &[("UserName", "lone")]),
        bad: &[(&[("UserName", "x")], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "DeleteUserPermissionsBoundary",
        good: |client| prepare(client, &[("UserName", "bound")]),
        bad: &[(&[("UserName", "x")], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "DeleteUserPolicy",
        good: |client| prepare(client, &[("UserName", "alice"), ("PolicyName", "had")]),
        bad: &[(&[("UserName", "x"), ("PolicyName", "p")], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "DetachGroupPolicy",
        good: |client| prepare(client, &[("GroupName", "devs"), ("PolicyArn", POLICY)]),
        bad: &[(&[("GroupName", "x"), ("PolicyArn", POLICY)], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "DetachRolePolicy",
        good: |client| prepare(client, &[("RoleName", "deploy"), ("PolicyArn", POLICY)]),
        bad: &[(&[("RoleName", "x"), ("PolicyArn", POLICY)], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "DetachUserPolicy",
        good: |client| prepare(client, &[("UserName", "alice"), ("PolicyArn", POLICY)]),
        bad: &[(&[("UserName", "x"), ("PolicyArn", POLICY)], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "GetGroup",
        good: |client| prepare(client, &[("GroupName", "devs")]),
        bad: &[(&[("GroupName", "x")], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "GetGroupPolicy",
        good: |client| prepare(client, &[("GroupName", "devs"), ("PolicyName", "had")]),
        bad: &[(&[("GroupName", "x"), ("PolicyName", "p")], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "GetInstanceProfile",
        good: |client| prepare(client, &[("InstanceProfileName", "web")]),
        bad: &[(&[("InstanceProfileName", "x")], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "GetPolicy",
        good: |client| prepare(client, &[("PolicyArn", POLICY)]),
        bad: &[(&[("PolicyArn", POLICY)], "NoSuchEntity"), (&[("PolicyArn", "reader")], "InvalidInput")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "GetPolicyVersion",
        good: |client| prepare(client, &[("PolicyArn", POLICY), ("VersionId", "v1")]),
        bad: &[
            (&[("PolicyArn", POLICY), ("VersionId", "v1")], "NoSuchEntity"),
            (&[("PolicyArn", "arn:aws:iam::aws:policy/ReadOnlyAccess"), ("VersionId", "v2")], "NoSuchEntity"),
            (&[("PolicyArn", POLICY), ("VersionId", "1")], "ValidationError"),
        ],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "GetRole",
        good: |client| prepare(client, &[("RoleName", "deploy")]),
        bad: &[(&[("RoleName", "x")], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "GetRolePolicy",
        good: |client| prepare(client, &[("RoleName", "deploy"), ("PolicyName", "had")]),
        bad: &[(&[("RoleName", "x"), ("PolicyName", "p")], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "GetUser",
        good: |client| prepare(client, &[("UserName", "alice")]),
        bad: &[(&[("UserName", "x")], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "GetUserPolicy",
        good: |client| prepare(client, &[("UserName", "alice"), ("PolicyName", "had")]),
        bad: &[(&[("UserName", "x"), ("PolicyName", "p")], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "ListAccessKeys",
        good: |client| prepare(client, &[("UserName", "alice")]),
        bad: &[(&[("UserName", "x")], "NoSuchEntity")],
        masked: &["AccessKeyId"],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "ListAccountAliases",
        good: |client| prepare(client, &[]),
        bad: &[(&[("MaxItems", "0")], "ValidationError"), (&[("MaxItems", "1001")], "ValidationError")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "ListAttachedGroupPolicies",
        good: |client| prepare(client, &[("GroupName", "devs")]),
        bad: &[(&[("GroupName", "x")], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "ListAttachedRolePolicies",
        good: |client| prepare(client, &[("RoleName", "deploy")]),
        bad: &[(&[("RoleName", "x")], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "ListAttachedUserPolicies",
        good: |client| prepare(client, &[("UserName", "alice")]),
        bad: &[(&[("UserName", "x")], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "ListEntitiesForPolicy",
        good: |client| prepare(client, &[("PolicyArn", POLICY)]),
        bad: &[(&[("PolicyArn", POLICY)], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "ListGroupPolicies",
        good: |client| prepare(client, &[("GroupName", "devs")]),
        bad: &[(&[("GroupName", "x")], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "ListGroups",
        good: |client| prepare(client, &[]),
        bad: &[(&[("MaxItems", "0")], "ValidationError"), (&[("MaxItems", "1001")], "ValidationError")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "ListGroupsForUser",
        good: |client| prepare(client, &[("UserName", "alice")]),
        bad: &[(&[("UserName", "x")], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "ListInstanceProfileTags",
        good: |client| prepare(client, &[("InstanceProfileName", "web")]),
        bad: &[(&[("InstanceProfileName", "x")], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "ListInstanceProfiles",
        good: |client| prepare(client, &[]),
        bad: &[(&[("MaxItems", "0")], "ValidationError"), (&[("MaxItems", "1001")], "ValidationError")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "ListInstanceProfilesForRole",
        good: |client| prepare(client, &[("RoleName", "deploy")]),
        bad: &[(&[("RoleName", "x")], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "ListPolicies",
        good: |client| prepare(client, &[("Scope", "Local")]),
        bad: &[(&[("Scope", "Mine")], "InvalidParameterValue")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "ListPolicyTags",
        good: |client| prepare(client, &[("PolicyArn", POLICY)]),
        bad: &[(&[("PolicyArn", POLICY)], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "ListPolicyVersions",
        good: |client| prepare(client, &[("PolicyArn", POLICY)]),
        bad: &[(&[("PolicyArn", POLICY)], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "ListRolePolicies",
        good: |client| prepare(client, &[("RoleName", "deploy")]),
        bad: &[(&[("RoleName", "x")], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "ListRoleTags",
        good: |client| prepare(client, &[("RoleName", "deploy")]),
        bad: &[(&[("RoleName", "x")], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "ListRoles",
        good: |client| prepare(client, &[]),
        bad: &[(&[("MaxItems", "0")], "ValidationError"), (&[("MaxItems", "1001")], "ValidationError")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "ListUserPolicies",
        good: |client| prepare(client, &[("UserName", "alice")]),
        bad: &[(&[("UserName", "x")], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "ListUserTags",
        good: |client| prepare(client, &[("UserName", "alice")]),
        bad: &[(&[("UserName", "x")], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "ListUsers",
        good: |client| prepare(client, &[("PathPrefix", "/")]),
        bad: &[(&[("MaxItems", "0")], "ValidationError"), (&[("MaxItems", "1001")], "ValidationError")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "PutGroupPolicy",
        good: |client| {
            prepare(client, &[("GroupName", "devs"), ("PolicyName", "inline"), ("PolicyDocument", DOCUMENT)])
        },
        bad: &[
            (&[("GroupName", "x"), ("PolicyName", "p"), ("PolicyDocument", DOCUMENT)], "NoSuchEntity"),
            (&[("GroupName", "x"), ("PolicyName", "p q"), ("PolicyDocument", DOCUMENT)], "ValidationError"),
        ],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "PutRolePermissionsBoundary",
        good: |client| prepare(client, &[("RoleName", "deploy"), ("PermissionsBoundary", POLICY)]),
        bad: &[(&[("RoleName", "x"), ("PermissionsBoundary", POLICY)], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "PutRolePolicy",
        good: |client| {
            prepare(client, &[("RoleName", "deploy"), ("PolicyName", "inline"), ("PolicyDocument", DOCUMENT)])
        },
        bad: &[
            (&[("RoleName", "x"), ("PolicyName", "p"), ("PolicyDocument", DOCUMENT)], "NoSuchEntity"),
            (&[("RoleName", "x"), ("PolicyName", "p q"), ("PolicyDocument", DOCUMENT)], "ValidationError"),
        ],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "PutUserPermissionsBoundary",
        good: |client| prepare(client, &[("UserName", "alice"), ("PermissionsBoundary", POLICY)]),
        bad: &[(&[("UserName", "x"), ("PermissionsBoundary", POLICY)], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "PutUserPolicy",
        good: |client| {
            prepare(client, &[("UserName", "alice"), ("PolicyName", "inline"), ("PolicyDocument", DOCUMENT)])
        },
        bad: &[
            (&[("UserName", "x"), ("PolicyName", "p"), ("PolicyDocument", DOCUMENT)], "NoSuchEntity"),
            (&[("UserName", "x"), ("PolicyName", "p q"), ("PolicyDocument", DOCUMENT)], "ValidationError"),
        ],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "RemoveRoleFromInstanceProfile",
        good: |client| prepare(client, &[("InstanceProfileName", "web"), ("RoleName", "deploy")]),
        bad: &[(&[("InstanceProfileName", "x"), ("RoleName", "y")], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "RemoveUserFromGroup",
        good: |client| prepare(client, &[("GroupName", "devs"), ("UserName", "alice")]),
        bad: &[(&[("GroupName", "x"), ("UserName", "y")], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "SetDefaultPolicyVersion",
        good: |client| prepare(client, &[("PolicyArn", POLICY), ("VersionId", "v2")]),
        bad: &[(&[("PolicyArn", POLICY), ("VersionId", "v2")], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "TagInstanceProfile",
        good: |client| {
            prepare(
                client,
                &[("InstanceProfileName", "web"), ("Tags.member.1.Key", "team"), ("Tags.member.1.Value", "a")],
            )
        },
        bad: &[(
            &[("InstanceProfileName", "x"), ("Tags.member.1.Key", "a"), ("Tags.member.1.Value", "b")],
            "NoSuchEntity",
        )],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "TagPolicy",
        good: |client| {
            prepare(client, &[("PolicyArn", POLICY), ("Tags.member.1.Key", "team"), ("Tags.member.1.Value", "a")])
        },
        bad: &[(&[("PolicyArn", POLICY), ("Tags.member.1.Key", "a"), ("Tags.member.1.Value", "b")], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "TagRole",
        good: |client| {
            prepare(client, &[("RoleName", "deploy"), ("Tags.member.1.Key", "team"), ("Tags.member.1.Value", "a")])
        },
        bad: &[(&[("RoleName", "x"), ("Tags.member.1.Key", "a"), ("Tags.member.1.Value", "b")], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "TagUser",
        good: |client| {
            prepare(client, &[("UserName", "alice"), ("Tags.member.1.Key", "team"), ("Tags.member.1.Value", "a")])
        },
        bad: &[(&[("UserName", "x"), ("Tags.member.1.Key", "a"), ("Tags.member.1.Value", "b")], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "UntagInstanceProfile",
        good: |client| prepare(client, &[("InstanceProfileName", "web"), ("TagKeys.member.1", "made")]),
        bad: &[(&[("InstanceProfileName", "x"), ("TagKeys.member.1", "a")], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "UntagPolicy",
        good: |client| prepare(client, &[("PolicyArn", POLICY), ("TagKeys.member.1", "made")]),
        bad: &[(&[("PolicyArn", POLICY), ("TagKeys.member.1", "a")], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "UntagRole",
        good: |client| prepare(client, &[("RoleName", "deploy"), ("TagKeys.member.1", "made")]),
        bad: &[(&[("RoleName", "x"), ("TagKeys.member.1", "a")], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "UntagUser",
        good: |client| prepare(client, &[("UserName", "alice"), ("TagKeys.member.1", "made")]),
        bad: &[(&[("UserName", "x"), ("TagKeys.member.1", "a")], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "UpdateAccessKey",
        good: |client| prepare(client, &[("UserName", "alice"), ("AccessKeyId", KEY), ("Status", "Inactive")]),
        bad: &[(&[("UserName", "x"), ("AccessKeyId", "AKIAX"), ("Status", "Active")], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "UpdateAssumeRolePolicy",
        good: |client| prepare(client, &[("RoleName", "deploy"), ("PolicyDocument", TRUST)]),
        bad: &[(&[("RoleName", "x"), ("PolicyDocument", TRUST)], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "UpdateGroup",
        good: |client| prepare(client, &[("GroupName", "devs"), ("NewGroupName", "developers")]),
        bad: &[(&[("GroupName", "x")], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "UpdateRole",
        good: |client| {
            prepare(client, &[("RoleName", "deploy"), ("Description", "new"), ("MaxSessionDuration", "43200")])
        },
        bad: &[(&[("RoleName", "x")], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "UpdateRoleDescription",
        good: |client| prepare(client, &[("RoleName", "deploy"), ("Description", "new")]),
        bad: &[(&[("RoleName", "x"), ("Description", "d")], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
    Case {
        service: "iam",
        action: "UpdateUser",
        good: |client| prepare(client, &[("UserName", "alice"), ("NewUserName", "alicia"), ("NewPath", "/b/")]),
        bad: &[(&[("UserName", "x")], "NoSuchEntity")],
        masked: &[],
        by: World::root,
    },
];

type Pairs = &'static [(&'static str, &'static str)];

/// An account with one of everything, and the parameters of a call on it.
fn prepare(client: &Client<'_>, good: Pairs) -> Params {
    // The other account's has the same, under its own number.
    let own = |text: &str| text.replace(ACCOUNT, &account(client));
    let call = |action: &str, pairs: &[(&str, &str)]| {
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| (*name, own(value))).collect();
        let answer = client.send("iam", action, &params(pairs));
        assert_eq!(answer.status, 200, "{action}: {}", answer.body);
        answer
    };
    let made = [("Tags.member.1.Key", "made"), ("Tags.member.1.Value", "here")];
    let with = |pairs: &[(&'static str, &'static str)]| [pairs, &made].concat();
    call("CreatePolicy", &with(&[("PolicyName", "reader"), ("PolicyDocument", DOCUMENT), ("Description", "reads")]));
    call("CreatePolicyVersion", &[("PolicyArn", POLICY), ("PolicyDocument", DOCUMENT)]);
    call("CreatePolicy", &[("PolicyName", "lone"), ("PolicyDocument", DOCUMENT)]);
    call("CreateUser", &with(&[("UserName", "alice"), ("Path", "/people/")]));
    call("CreateUser", &[("UserName", "lone")]);
    call("CreateUser", &[("UserName", "bound"), ("PermissionsBoundary", POLICY)]);
    call("CreateGroup", &[("GroupName", "devs")]);
    call("CreateGroup", &[("GroupName", "empty")]);
    call("AddUserToGroup", &[("GroupName", "devs"), ("UserName", "alice")]);
    call("CreateRole", &with(&[("RoleName", "deploy"), ("AssumeRolePolicyDocument", TRUST)]));
    call("CreateRole", &[("RoleName", "lonerole"), ("AssumeRolePolicyDocument", TRUST)]);
    call(
        "CreateRole",
        &[("RoleName", "boundrole"), ("AssumeRolePolicyDocument", TRUST), ("PermissionsBoundary", POLICY)],
    );
    call("CreateInstanceProfile", &with(&[("InstanceProfileName", "web")]));
    call("CreateInstanceProfile", &[("InstanceProfileName", "bare")]);
    call("AddRoleToInstanceProfile", &[("InstanceProfileName", "web"), ("RoleName", "deploy")]);
    for (kind, name) in [("User", "alice"), ("Group", "devs"), ("Role", "deploy")] {
        let holder = format!("{kind}Name");
        call(&format!("Attach{kind}Policy"), &[(&holder, name), ("PolicyArn", POLICY)]);
        let inline = [(holder.as_str(), name), ("PolicyName", "had"), ("PolicyDocument", DOCUMENT)];
        call(&format!("Put{kind}Policy"), &inline);
    }
    call("CreateAccountAlias", &[("AccountAlias", if own(ACCOUNT) == ACCOUNT { "landed" } else { "other" })]);
    let key = call("CreateAccessKey", &[("UserName", "alice")]).tree();
    let key = at(&key, "CreateAccessKeyResult.AccessKey.AccessKeyId");
    let given = |value: &str| if value == KEY { key.to_owned() } else { own(value) };
    params(good.iter().map(|(name, value)| (*name, given(value))))
}

/// The number of a client's account.
fn account(client: &Client<'_>) -> String {
    let answer = client.send("sts", "GetCallerIdentity", &[]).tree();
    at(&answer, "GetCallerIdentityResult.Account").to_owned()
}
