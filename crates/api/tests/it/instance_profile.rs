//! Instance profiles at instances: who may give one which, and how long it has it.

use crate::harness::{Case, Client, Params, World, at, column, find, list, params};
use crate::network::launch;

const EC2: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
const ASSOCIATION: &str = "iip-assoc-0123456789abcdef0";
const INSTANCE: &str = "i-0123456789abcdef0";

/// The cases of associations.
pub const CASES: &[Case] = &[
    Case::ec2(
        "AssociateIamInstanceProfile",
        |client| {
            profile(client, "web");
            params([("InstanceId", launch(client, &[]).as_str()), ("IamInstanceProfile.Name", "web")])
        },
        &[
            (&[("InstanceId", INSTANCE)], "MissingParameter"),
            (&[("InstanceId", "x"), ("IamInstanceProfile.Name", "web")], "InvalidInstanceID.Malformed"),
            (&[("InstanceId", INSTANCE), ("IamInstanceProfile.Name", "web")], "InvalidInstanceID.NotFound"),
            (
                &[("InstanceId", INSTANCE), ("IamInstanceProfile.Name", "a"), ("IamInstanceProfile.Arn", "b")],
                "InvalidParameterCombination",
            ),
        ],
    ),
    Case::ec2(
        "ReplaceIamInstanceProfileAssociation",
        |client| {
            profile(client, "db");
            params([("AssociationId", associated(client).1.as_str()), ("IamInstanceProfile.Name", "db")])
        },
        &[
            (&[("AssociationId", "x"), ("IamInstanceProfile.Name", "web")], "InvalidAssociationID.Malformed"),
            (&[("AssociationId", ASSOCIATION), ("IamInstanceProfile.Name", "web")], "InvalidAssociationID.NotFound"),
        ],
    ),
    Case::ec2(
        "DisassociateIamInstanceProfile",
        |client| params([("AssociationId", associated(client).1)]),
        &[
            (&[("AssociationId", ASSOCIATION)], "InvalidAssociationID.NotFound"),
            (&[("AssociationId", "i-1")], "InvalidAssociationID.Malformed"),
        ],
    ),
    Case::ec2(
        "DescribeIamInstanceProfileAssociations",
        |client| params([("AssociationId.1", associated(client).1)]),
        &[
            (&[("AssociationId.1", ASSOCIATION)], "InvalidAssociationID.NotFound"),
            (&[("MaxResults", "4")], "InvalidParameterValue"),
            (&[("Filter.1.Name", "vpc-id"), ("Filter.1.Value.1", "x")], "InvalidParameterValue"),
        ],
    ),
];

fn iam(client: &Client<'_>, action: &str, pairs: &[(&str, &str)]) {
    let answer = client.send("iam", action, &params(pairs.iter().copied()));
    assert_eq!(answer.status, 200, "{action} {pairs:?}: {}", answer.body);
}

/// Makes a profile with a role of its name that EC2 may take.
pub fn profile(client: &Client<'_>, name: &str) {
    iam(client, "CreateRole", &[("RoleName", name), ("AssumeRolePolicyDocument", EC2)]);
    iam(client, "CreateInstanceProfile", &[("InstanceProfileName", name)]);
    iam(client, "AddRoleToInstanceProfile", &[("InstanceProfileName", name), ("RoleName", name)]);
}

/// An instance with the profile `web`, and their association.
fn associated(client: &Client<'_>) -> (String, String) {
    profile(client, "web");
    let instance = launch(client, &[("IamInstanceProfile.Name", "web")]);
    let association = association(client, &instance);
    (instance, association)
}

fn association(client: &Client<'_>, instance: &str) -> String {
    let all = describe(client, &[("Filter.1.Name", "instance-id"), ("Filter.1.Value.1", instance)]);
    assert_eq!(list(&all, SET).len(), 1, "{all:?}");
    at(&all, &format!("{SET}.0.associationId")).to_owned()
}

const SET: &str = "iamInstanceProfileAssociationSet";

fn describe(client: &Client<'_>, pairs: &[(&str, &str)]) -> landfall_wire::Tree {
    client.ok("DescribeIamInstanceProfileAssociations", pairs)
}

/// The ARN of the profile that DescribeInstances shows.
fn shown(client: &Client<'_>, instance: &str) -> Option<String> {
    let answer = client.ok("DescribeInstances", &[("InstanceId.1", instance)]);
    let arn = find(&answer, "reservationSet.0.instancesSet.0.iamInstanceProfile.arn")?;
    arn.as_text().map(str::to_owned)
}

fn with(name: &str) -> [(&str, &str); 1] {
    [("IamInstanceProfile.Name", name)]
}

#[test]
fn an_instance_has_the_profile_that_it_was_launched_with() {
    let world = World::new();
    let client = world.root();
    profile(&client, "web");
    let arn = "arn:aws:iam::111122223333:instance-profile/web";
    for named in [("IamInstanceProfile.Name", "web"), ("IamInstanceProfile.Arn", arn)] {
        let instance = launch(&client, &[named]);
        assert_eq!(shown(&client, &instance).as_deref(), Some(arn));
        let only = [("Filter.1.Name", "instance-id"), ("Filter.1.Value.1", instance.as_str())];
        assert_eq!(column(&describe(&client, &only), SET, "state"), ["associating"]);
        world.settle();
        assert_eq!(column(&describe(&client, &only), SET, "state"), ["associated"]);
        client.ok("StopInstances", &[("InstanceId.1", &instance)]);
        world.settle();
        assert_eq!(shown(&client, &instance).as_deref(), Some(arn), "a stopped one keeps it");
        client.ok("TerminateInstances", &[("InstanceId.1", &instance)]);
        world.settle();
        assert!(list(&describe(&client, &only), SET).is_empty());
        assert_eq!(shown(&client, &instance), None);
    }
    let found =
        client.ok("DescribeInstances", &[("Filter.1.Name", "iam-instance-profile.arn"), ("Filter.1.Value.1", arn)]);
    assert!(list(&found, "reservationSet").is_empty(), "none is left that has it");
}

#[test]
fn a_profile_must_be_there_and_have_a_role() {
    let world = World::new();
    let client = world.root();
    iam(&client, "CreateInstanceProfile", &[("InstanceProfileName", "bare")]);
    let order = |more: &[(&str, &str)]| {
        let all = [&[("ImageId", crate::harness::IMAGE), ("MinCount", "1"), ("MaxCount", "1")], more].concat();
        let answer = client.call("RunInstances", &all);
        (answer.code(), answer.message())
    };
    let invalid = |message: &str| ("InvalidParameterValue".to_owned(), message.to_owned());
    assert_eq!(
        order(&with("none")),
        invalid("Value (none) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name")
    );
    let other = "arn:aws:iam::444455556666:instance-profile/bare";
    let message =
        format!("Value ({other}) for parameter iamInstanceProfile.arn is invalid. Invalid IAM Instance Profile ARN");
    assert_eq!(order(&[("IamInstanceProfile.Arn", other)]), invalid(&message));
    let own = "arn:aws:iam::111122223333:instance-profile/bare";
    assert_eq!(
        order(&with("bare")),
        invalid(&format!("IAM Instance Profile &quot;{own}&quot; has no associated IAM Roles"))
    );
}

#[test]
fn an_instance_has_one_profile_at_a_time() {
    let world = World::new();
    let client = world.root();
    let (instance, first) = associated(&client);
    profile(&client, "db");
    let again = [("InstanceId", instance.as_str()), ("IamInstanceProfile.Name", "db")];
    let answer = client.call("AssociateIamInstanceProfile", &again);
    assert_eq!(answer.code(), "IncorrectState");
    assert_eq!(answer.message(), format!("There is an existing association for instance {instance}"));

    let replace = [("AssociationId", first.as_str()), ("IamInstanceProfile.Name", "db")];
    let replaced = client.ok("ReplaceIamInstanceProfileAssociation", &replace);
    let second = at(&replaced, "iamInstanceProfileAssociation.associationId").to_owned();
    assert_ne!(first, second);
    assert_eq!(column(&describe(&client, &[]), SET, "state").len(), 2, "the old one is seen to go");
    assert!(shown(&client, &instance).is_some_and(|arn| arn.ends_with("/db")));
    assert_eq!(client.refused("ReplaceIamInstanceProfileAssociation", &replace), "IncorrectState");
    world.settle();
    assert_eq!(column(&describe(&client, &[]), SET, "associationId"), [second.as_str()]);

    let ended = client.ok("DisassociateIamInstanceProfile", &[("AssociationId", &second)]);
    assert_eq!(at(&ended, "iamInstanceProfileAssociation.state"), "disassociating");
    assert_eq!(shown(&client, &instance), None);
    world.settle();
    assert!(list(&describe(&client, &[]), SET).is_empty());
    client.ok("AssociateIamInstanceProfile", &again);
}

#[test]
fn a_profile_may_go_while_an_instance_has_it() {
    let world = World::new();
    let client = world.root();
    let (instance, association) = associated(&client);
    let delete = params([("InstanceProfileName", "web")]);
    assert_eq!(client.send("iam", "DeleteInstanceProfile", &delete).code(), "DeleteConflict", "it has a role");
    assert_eq!(client.send("iam", "DeleteRole", &params([("RoleName", "web")])).code(), "DeleteConflict");
    iam(&client, "RemoveRoleFromInstanceProfile", &[("InstanceProfileName", "web"), ("RoleName", "web")]);
    iam(&client, "DeleteInstanceProfile", &[("InstanceProfileName", "web")]);
    assert!(shown(&client, &instance).is_some(), "it shows what it was given");
    client.ok("DisassociateIamInstanceProfile", &[("AssociationId", &association)]);
}

#[test]
fn whoever_gives_a_profile_must_be_allowed_to_pass_its_role() {
    let world = World::new();
    let root = world.root();
    let (instance, association) = associated(&root);
    profile(&root, "db");
    let statement = |resource: &str, condition: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"ec2:*","Resource":"*"}},{{"Effect":"Allow","Action":"iam:PassRole","Resource":"{resource}"{condition}}}]}}"#
        )
    };
    let when = |key: &str, value: &str| {
        format!(
            r#","Condition":{{"ArnLike":{{"iam:AssociatedResourceArn":"{value}"}},"StringEquals":{{"iam:PassedToService":"{key}"}}}}"#
        )
    };
    let db = "arn:aws:iam::111122223333:role/db";
    let any = "arn:aws:ec2:us-east-1:111122223333:instance/*";
    let one = format!("arn:aws:ec2:us-east-1:111122223333:instance/{instance}");
    let service = "ec2.amazonaws.com";
    let launch: Params =
        params([("ImageId", crate::harness::IMAGE), ("MinCount", "1"), ("MaxCount", "1"), with("db")[0]]);
    let replace = params([("AssociationId", association.as_str()), ("IamInstanceProfile.Name", "db")]);
    for (name, policy, may_launch, may_replace) in [
        ("none", statement("arn:aws:iam::111122223333:role/web", ""), false, false),
        ("all", statement(db, ""), true, true),
        ("ec2", statement(db, &when(service, any)), true, true),
        ("lambda", statement(db, &when("lambda.amazonaws.com", any)), false, false),
        ("one", statement(db, &when(service, &one)), false, true),
    ] {
        let user = world.user(name, &policy);
        for (action, good, may) in
            [("RunInstances", &launch, may_launch), ("ReplaceIamInstanceProfileAssociation", &replace, may_replace)]
        {
            let dry = [good.as_slice(), &params([("DryRun", "true")])].concat();
            let answer = user.send("ec2", action, &dry);
            let code = if may { "DryRunOperation" } else { "UnauthorizedOperation" };
            assert_eq!(answer.code(), code, "{name} {action}: {}", answer.body);
            assert!(may || answer.message().contains("iam:PassRole"), "{}", answer.body);
        }
    }
    assert_eq!(
        world
            .user("other", &statement(db, ""))
            .send(
                "ec2",
                "AssociateIamInstanceProfile",
                &params([("InstanceId", instance.as_str()), ("IamInstanceProfile.Name", "web"), ("DryRun", "true")])
            )
            .code(),
        "UnauthorizedOperation"
    );
}
