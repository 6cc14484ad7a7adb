//! Another account's things, by ids and names that were guessed right: every operation of every service.

use crate::completeness::cases;
use crate::harness::{OTHER_ACCOUNT, World};

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
