//! Another account's things, by ids and names that were guessed right: every operation of every service.

use crate::completeness::cases;
use crate::harness::{ACCOUNT, OTHER_ACCOUNT, World, params};

const ALL: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

#[test]
fn no_operation_tells_or_changes_what_is_anothers() {
    // Whose an access key is, AWS tells everybody who has its id, and a ciphertext says whose key it is for. Who
    // may retire a grant is told of it, whosever the key is. The provider, whose root calls here, sees all accounts.
    const TOLD: [&str; 6] =
        ["Decrypt", "GetAccessKeyInfo", "ListAccounts", "ListNatGateways", "ListRetirableGrants", "ReEncrypt"];
    for case in cases().filter(|case| !TOLD.contains(&case.action)) {
        let world = World::new();
        let theirs = (case.good)(&world.other());
        let rows = |world: &World| {
            let users = world.other().send("iam", "ListUsers", &[]).body.matches("<member>").count();
            let roles = world.other().send("iam", "ListRoles", &[]).body.matches("<member>").count();
            let vpcs = world.other().ok("DescribeVpcs", &[]);
            (users, roles, format!("{vpcs:?}").len())
        };
        let before = rows(&world);
        // As root of an account, who may do everything in his own.
        let answer = world.root().send(case.service, case.action, &theirs);
        assert_eq!(rows(&world), before, "{} {theirs:?} changed another account: {}", case.action, answer.body);
        let names_it = theirs.iter().any(|(_, value)| value.contains(OTHER_ACCOUNT));
        assert!(
            names_it || answer.status >= 400 || !answer.body.contains(OTHER_ACCOUNT),
            "{} {theirs:?} tells of another account: {}",
            case.action,
            answer.body
        );
    }
}

/// Whoever guesses what another account's secret is called learns neither that it is there nor how its ARN ends.
#[test]
fn a_guessed_name_gets_the_same_words_whether_it_is_there_or_not() {
    let world = World::new();
    let (owner, user) = (world.other(), world.user("ann", ALL));
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Deny","Principal":"*","Action":"secretsmanager:GetSecretValue","Resource":"*","Condition":{{"StringEquals":{{"aws:PrincipalAccount":"{ACCOUNT}"}}}}}}]}}"#
    );
    let token = "12345678901234567890123456789012";
    let create = |name: &str| {
        let secret = [("Name", name), ("SecretString", "x"), ("ClientRequestToken", token)];
        owner.ok_of("secretsmanager", "CreateSecret", &secret);
    };
    create("there");
    create("closed");
    owner.ok_of("secretsmanager", "PutResourcePolicy", &[("SecretId", "closed"), ("ResourcePolicy", &policy)]);
    for action in ["DescribeSecret", "GetSecretValue"] {
        let ask = |name: &str| {
            let arn = format!("arn:aws:secretsmanager:us-east-1:{OTHER_ACCOUNT}:secret:{name}");
            let answer = user.send("secretsmanager", action, &params([("SecretId", &arn)]));
            assert!(answer.message().contains(&format!("on resource: {arn} because")), "{}", answer.body);
            (answer.status, answer.code(), answer.message().replace(name, ""))
        };
        let absent = ask("absent");
        assert_eq!((ask("there"), ask("closed")), (absent.clone(), absent), "{action}");
    }
}
