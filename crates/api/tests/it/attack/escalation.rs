//! The known ways from some rights to all: each is closed to whoever lacks one of the rights that it takes, and open to
//! whoever has just these. (Rhino Security Labs' list of 2018 and what others added since, as far as the operations are
//! here.)

use super::{ok, user};
use crate::harness::{ACCOUNT, Client, IMAGE, Params, World, params};

/// A way: the call that takes it, and the rights that it needs.
struct Way {
    service: &'static str,
    action: &'static str,
    call: fn(&World) -> Params,
    needs: &'static [&'static str],
}

const ADMIN: &str = "arn:aws:iam::aws:policy/AdministratorAccess";
const ALL: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
const NONE: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#;
/// Lets everybody in the account take a role.
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"}]}"#;

fn arn(what: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:{what}")
}

/// A way of IAM's whose one right is the action itself.
macro_rules! iam {
    ($action:literal, $call:expr) => {
        Way { service: "iam", action: $action, call: $call, needs: &[concat!("iam:", $action)] }
    };
}

const WAYS: &[Way] = &[
    iam!("AddUserToGroup", |_| params([("GroupName", "admins"), ("UserName", "mallory")])),
    iam!("AttachGroupPolicy", |_| params([("GroupName", "staff"), ("PolicyArn", ADMIN)])),
    iam!("AttachRolePolicy", |_| params([("RoleName", "weak"), ("PolicyArn", ADMIN)])),
    iam!("AttachUserPolicy", |_| params([("UserName", "mallory"), ("PolicyArn", ADMIN)])),
    iam!("ChangePassword", |_| params([("OldPassword", "Old-Passw0rd!x"), ("NewPassword", "New-Passw0rd!x")])),
    iam!("CreateAccessKey", |_| params([("UserName", "victim")])),
    iam!("CreateLoginProfile", |_| params([("UserName", "victim"), ("Password", "Long-Passw0rd!x")])),
    iam!("CreatePolicyVersion", |_| {
        params([("PolicyArn", arn("policy/mine")), ("PolicyDocument", ALL.into()), ("SetAsDefault", "true".into())])
    }),
    iam!("DeleteGroupPolicy", |_| params([("GroupName", "staff"), ("PolicyName", "none")])),
    iam!("DeleteRolePermissionsBoundary", |_| params([("RoleName", "bounded")])),
    iam!("DeleteUserPermissionsBoundary", |_| params([("UserName", "bounded")])),
    iam!("DeleteUserPolicy", |_| params([("UserName", "victim"), ("PolicyName", "none")])),
    iam!("DetachUserPolicy", |_| params([("UserName", "victim"), ("PolicyArn", arn("policy/mine").as_str())])),
    iam!("PutGroupPolicy", |_| params([("GroupName", "staff"), ("PolicyName", "p"), ("PolicyDocument", ALL)])),
    iam!("PutRolePermissionsBoundary", |_| params([("RoleName", "bounded"), ("PermissionsBoundary", ADMIN)])),
    iam!("PutRolePolicy", |_| params([("RoleName", "weak"), ("PolicyName", "p"), ("PolicyDocument", ALL)])),
    iam!("PutUserPermissionsBoundary", |_| params([("UserName", "bounded"), ("PermissionsBoundary", ADMIN)])),
    iam!("PutUserPolicy", |_| params([("UserName", "mallory"), ("PolicyName", "p"), ("PolicyDocument", ALL)])),
    iam!("RemoveUserFromGroup", |_| params([("GroupName", "staff"), ("UserName", "victim")])),
    iam!("SetDefaultPolicyVersion", |_| params([("PolicyArn", arn("policy/mine")), ("VersionId", "v2".into())])),
    iam!("UpdateAssumeRolePolicy", |_| params([("RoleName", "strong"), ("PolicyDocument", TRUST)])),
    iam!("UpdateLoginProfile", |_| params([("UserName", "known"), ("Password", "Long-Passw0rd!y")])),
    Way {
        service: "iam",
        action: "AddRoleToInstanceProfile",
        call: |_| params([("InstanceProfileName", "empty"), ("RoleName", "machine")]),
        needs: &["iam:AddRoleToInstanceProfile", "iam:PassRole"],
    },
    Way {
        service: "ec2",
        action: "RunInstances",
        call: |_| {
            params([
                ("ImageId", IMAGE),
                ("MinCount", "1"),
                ("MaxCount", "1"),
                ("InstanceType", "t3.nano"),
                ("IamInstanceProfile.Name", "machine"),
            ])
        },
        needs: &["ec2:RunInstances", "iam:PassRole"],
    },
    Way {
        service: "ec2",
        action: "AssociateIamInstanceProfile",
        call: |world| {
            let launch = [("ImageId", IMAGE), ("MinCount", "1"), ("MaxCount", "1"), ("InstanceType", "t3.nano")];
            let tree = world.root().ok("RunInstances", &launch);
            let id = crate::harness::at(&tree, "instancesSet.0.instanceId").to_owned();
            world.settle();
            params([("InstanceId", id), ("IamInstanceProfile.Name", "machine".into())])
        },
        needs: &["ec2:AssociateIamInstanceProfile", "iam:PassRole"],
    },
    Way {
        service: "sts",
        action: "AssumeRole",
        call: |_| params([("RoleArn", arn("role/open").as_str()), ("RoleSessionName", "session")]),
        needs: &["sts:AssumeRole"],
    },
];

/// What there is to be won: an administrators' group, a strong role, a policy with a stronger version, people and their
/// bounds.
fn furnish(world: &World) {
    let root = world.root();
    let iam = |action: &str, pairs: &[(&str, &str)]| drop(ok(&root, "iam", action, pairs));
    for group in ["admins", "staff"] {
        iam("CreateGroup", &[("GroupName", group)]);
    }
    iam("AttachGroupPolicy", &[("GroupName", "admins"), ("PolicyArn", ADMIN)]);
    iam("PutGroupPolicy", &[("GroupName", "staff"), ("PolicyName", "none"), ("PolicyDocument", NONE)]);
    iam("CreatePolicy", &[("PolicyName", "mine"), ("PolicyDocument", NONE)]);
    iam("CreatePolicyVersion", &[("PolicyArn", &arn("policy/mine")), ("PolicyDocument", ALL)]);
    for name in ["victim", "known"] {
        iam("CreateUser", &[("UserName", name)]);
    }
    iam("CreateLoginProfile", &[("UserName", "known"), ("Password", "Long-Passw0rd!x")]);
    iam("AddUserToGroup", &[("GroupName", "staff"), ("UserName", "victim")]);
    iam("PutUserPolicy", &[("UserName", "victim"), ("PolicyName", "none"), ("PolicyDocument", NONE)]);
    iam("AttachUserPolicy", &[("UserName", "victim"), ("PolicyArn", &arn("policy/mine"))]);
    iam("CreateUser", &[("UserName", "bounded"), ("PermissionsBoundary", &arn("policy/mine"))]);
    let service = TRUST.replace(r#""AWS":"111122223333""#, r#""Service":"ec2.amazonaws.com""#);
    for (name, trust) in [("weak", service.as_str()), ("strong", &service), ("machine", &service), ("open", TRUST)] {
        iam("CreateRole", &[("RoleName", name), ("AssumeRolePolicyDocument", trust)]);
    }
    let bounded = [("RoleName", "bounded"), ("AssumeRolePolicyDocument", &service)];
    iam("CreateRole", &[bounded[0], (bounded[1].0, bounded[1].1), ("PermissionsBoundary", &arn("policy/mine"))]);
    for name in ["machine", "empty"] {
        iam("CreateInstanceProfile", &[("InstanceProfileName", name)]);
    }
    iam("AddRoleToInstanceProfile", &[("InstanceProfileName", "machine"), ("RoleName", "machine")]);
}

fn statement(kind: &str, actions: &[&str]) -> String {
    let list = serde_json::to_string(actions).unwrap();
    format!(r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","{kind}":{list},"Resource":"*"}}]}}"#)
}

/// Takes a way as mallory, who may do what that document says.
fn take(way: &Way, document: &str) -> (u16, String) {
    let world = World::new();
    furnish(&world);
    let root = world.root();
    let mallory: Client<'_> = user(&root, &world, "mallory");
    ok(&root, "iam", "PutUserPolicy", &[("UserName", "mallory"), ("PolicyName", "own"), ("PolicyDocument", document)]);
    if way.action == "ChangePassword" {
        ok(&root, "iam", "CreateLoginProfile", &[("UserName", "mallory"), ("Password", "Old-Passw0rd!x")]);
    }
    let call = (way.call)(&world);
    let before = world.revision();
    let answer = mallory.send(way.service, way.action, &call);
    assert!(answer.status == 200 || world.revision() == before, "{} changed something", way.action);
    (answer.status, answer.body)
}

#[test]
fn each_known_way_to_more_rights_takes_exactly_the_rights_that_aws_names() {
    for way in WAYS {
        let (status, body) = take(way, &statement("Action", way.needs));
        assert_eq!(status, 200, "{} with {:?}: {body}", way.action, way.needs);
        for lacks in way.needs {
            let (status, body) = take(way, &statement("NotAction", &[lacks]));
            assert_eq!(status, 403, "{} without {lacks}: {body}", way.action);
            let others: Vec<_> = way.needs.iter().copied().filter(|need| need != lacks).collect();
            let (status, body) = take(way, &statement("Action", &[&others[..], &["ec2:Describe*"]].concat()));
            assert_eq!(status, 403, "{} with {others:?}: {body}", way.action);
        }
    }
}

#[test]
fn a_role_is_passed_only_where_it_may_be() {
    let ways = || WAYS.iter().filter(|way| way.needs.contains(&"iam:PassRole"));
    for way in ways() {
        for (resource, to, passes) in [
            ("role/machine", "ec2.amazonaws.com", true),
            ("role/weak", "ec2.amazonaws.com", false),
            ("role/machine", "lambda.amazonaws.com", false),
        ] {
            let document = format!(
                r#"{{"Version":"2012-10-17","Statement":[
                {{"Effect":"Allow","NotAction":"iam:PassRole","Resource":"*"}},
                {{"Effect":"Allow","Action":"iam:PassRole","Resource":"{}",
                  "Condition":{{"StringEqualsIfExists":{{"iam:PassedToService":"{to}"}}}}}}]}}"#,
                arn(resource)
            );
            let (status, body) = take(way, &document);
            assert_eq!(status == 200, passes, "{} of {resource} to {to}: {body}", way.action);
        }
    }
}

/// A role that only who names an agreed word may take: the deputy who serves many can't be sent by one to another's.
#[test]
fn a_deputy_is_not_confused_about_whose_role_it_takes() {
    let world = World::new();
    let owner = world.other();
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{ACCOUNT}:root"}},"Action":"sts:AssumeRole","Condition":{{"StringEquals":{{"sts:ExternalId":"agreed"}}}}}}]}}"#
    );
    ok(&owner, "iam", "CreateRole", &[("RoleName", "r"), ("AssumeRolePolicyDocument", &trust)]);
    let deputy = user(&world.root(), &world, "deputy");
    let policy = statement("Action", &["sts:AssumeRole"]);
    let put = [("UserName", "deputy"), ("PolicyName", "p"), ("PolicyDocument", policy.as_str())];
    ok(&world.root(), "iam", "PutUserPolicy", &put);
    let role = format!("arn:aws:iam::{}:role/r", crate::harness::OTHER_ACCOUNT);
    for (word, status) in [(None, 403), (Some("guessed"), 403), (Some("Agreed"), 403), (Some("agreed"), 200)] {
        let mut call = vec![("RoleArn", role.as_str()), ("RoleSessionName", "session")];
        call.extend(word.map(|word| ("ExternalId", word)));
        let answer = deputy.send("sts", "AssumeRole", &params(call));
        assert_eq!(answer.status, status, "{word:?}: {}", answer.body);
    }
}
