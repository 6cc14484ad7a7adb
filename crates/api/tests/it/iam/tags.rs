//! Tags of IAM's resources, what they are called, who may put them, and who may rename what has them.

use super::{DOCUMENT, POLICY, TRUST, prepare};
use crate::harness::{ACCOUNT, Answer, Client, World, column, params};

fn call(client: &Client<'_>, action: &str, pairs: &[(&str, &str)]) -> Answer {
    client.send("iam", action, &params(pairs.iter().copied()))
}

fn ok(client: &Client<'_>, action: &str, pairs: &[(&str, &str)]) -> Answer {
    let answer = call(client, action, pairs);
    assert_eq!(answer.status, 200, "{action} {pairs:?}: {}", answer.body);
    answer
}

/// Puts a tag on something, which must go through.
fn put(client: &Client<'_>, action: &str, of: (&str, &str), (key, value): (&str, &str)) {
    ok(client, action, &[of, ("Tags.member.1.Key", key), ("Tags.member.1.Value", value)]);
}

fn tags(client: &Client<'_>, action: &str, of: (&str, &str)) -> Vec<(String, String)> {
    let tree = ok(client, action, &[of]).tree();
    let all = |member: &str| {
        let found = column(&tree, &format!("{action}Result.Tags"), member);
        found.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    all("Key").into_iter().zip(all("Value")).collect()
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn a_user_or_role_has_a_key_once_in_the_spelling_that_came_last() {
    let world = World::new();
    let root = world.root();
    ok(&root, "CreateUser", &[("UserName", "ann")]);
    ok(&root, "CreateRole", &[("RoleName", "ann"), ("AssumeRolePolicyDocument", TRUST)]);
    ok(&root, "CreatePolicy", &[("PolicyName", "reader"), ("PolicyDocument", DOCUMENT)]);
    for (noun, of, is_one) in [
        ("User", ("UserName", "ann"), true),
        ("Role", ("RoleName", "ann"), true),
        ("Policy", ("PolicyArn", POLICY), false),
    ] {
        let (tag, list, untag) = (format!("Tag{noun}"), format!("List{noun}Tags"), format!("Untag{noun}"));
        put(&root, &tag, of, ("Department", "finance"));
        put(&root, &tag, of, ("department", "hr"));
        let both = pairs(&[("Department", "finance"), ("department", "hr")]);
        assert_eq!(tags(&root, &list, of), if is_one { pairs(&[("department", "hr")]) } else { both }, "{noun}");
        ok(&root, &untag, &[of, ("TagKeys.member.1", "DEPARTMENT")]);
        assert_eq!(tags(&root, &list, of).len(), if is_one { 0 } else { 2 }, "{noun}");
        let twice = [
            of,
            ("Tags.member.1.Key", "a"),
            ("Tags.member.1.Value", "1"),
            ("Tags.member.2.Key", "A"),
            ("Tags.member.2.Value", "2"),
        ];
        let answer = call(&root, &tag, &twice);
        assert_eq!(answer.status == 400 && answer.code() == "InvalidInput", is_one, "{noun}: {}", answer.body);
    }
}

/// A fence by a tag isn't left by its key in other letters.
#[test]
fn conditions_agree_with_tags_about_letters() {
    let world = World::new();
    let root = world.root();
    ok(&root, "CreateUser", &[("UserName", "target")]);
    let fence = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},
        {"Effect":"Deny","Action":"iam:DeleteUser","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/Keep":"yes"}}},
        {"Effect":"Deny","Action":"iam:TagUser","Resource":"*","Condition":{"StringNotEquals":{"aws:RequestTag/Keep":"yes"}}}]}"#;
    let ann = world.user("ann", fence);
    put(&root, "TagUser", ("UserName", "target"), ("keep", "yes"));
    assert_eq!(call(&ann, "DeleteUser", &[("UserName", "target")]).status, 403);
    let other = [("UserName", "target"), ("Tags.member.1.Key", "KEEP"), ("Tags.member.1.Value", "no")];
    assert_eq!(call(&ann, "TagUser", &other).status, 403);
    put(&root, "TagUser", ("UserName", "target"), ("KEEP", "no"));
    ok(&ann, "DeleteUser", &[("UserName", "target")]);
}

#[test]
fn what_is_no_tag_is_refused_in_awss_words() {
    let world = World::new();
    let root = world.root();
    ok(&root, "CreateUser", &[("UserName", "ann")]);
    let long = |count: usize| "x".repeat(count);
    let of = ("UserName", "ann");
    put(&root, "TagUser", of, (&long(128), &long(256)));
    for (key, value, words) in [
        (
            long(129),
            String::new(),
            "at 'tags.1.member.key' failed to satisfy constraint: Member must have length less than or equal to 128",
        ),
        (
            "k".into(),
            long(257),
            "at 'tags.1.member.value' failed to satisfy constraint: Member must have length less than or equal to 256",
        ),
        ("a!".into(), String::new(), "Member must satisfy regular expression pattern: [\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+"),
    ] {
        let answer = call(&root, "TagUser", &[of, ("Tags.member.1.Key", &key), ("Tags.member.1.Value", &value)]);
        assert_eq!(answer.code(), "ValidationError");
        assert!(answer.message().contains(words), "{}", answer.message());
    }
    let many = |from: usize, to: usize| {
        let mut call = params([of]);
        for (place, number) in (from..=to).enumerate() {
            call.push((format!("Tags.member.{}.Key", place + 1), format!("k{number}")));
            call.push((format!("Tags.member.{}.Value", place + 1), String::new()));
        }
        root.send("iam", "TagUser", &call)
    };
    assert_eq!(many(1, 51).code(), "ValidationError");
    assert_eq!(many(1, 49).status, 200);
    let answer = many(50, 51);
    assert_eq!((answer.status, answer.code().as_str()), (409, "LimitExceeded"), "{}", answer.body);
    assert!(answer.message().contains("TagsPerUser: 50"), "{}", answer.message());
}

#[test]
fn tags_on_what_is_made_take_the_permission_to_tag() {
    let world = World::new();
    let untagged = world.root();
    prepare(&untagged, &[]);
    let url = ("Url", "https://token.example.com");
    let thumbprint = ("ThumbprintList.member.1", "9e99a48a9960b14926bb7f3b02e22da2b0ab7280");
    for (number, (action, tagging, made)) in [
        ("CreateUser", "TagUser", vec![("UserName", "new")]),
        ("CreateRole", "TagRole", vec![("RoleName", "new"), ("AssumeRolePolicyDocument", TRUST)]),
        ("CreatePolicy", "TagPolicy", vec![("PolicyName", "new"), ("PolicyDocument", DOCUMENT)]),
        ("CreateInstanceProfile", "TagInstanceProfile", vec![("InstanceProfileName", "new")]),
        ("CreateOpenIDConnectProvider", "TagOpenIDConnectProvider", vec![url, thumbprint]),
        ("CreateVirtualMFADevice", "TagMFADevice", vec![("VirtualMFADeviceName", "new")]),
    ]
    .into_iter()
    .enumerate()
    {
        let may = |more: &str| {
            format!(
                r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":["iam:{action}"{more}],"Resource":"arn:aws:iam::{ACCOUNT}:*"}}]}}"#
            )
        };
        let maker = world.user(&format!("maker{number}"), &may(""));
        let tagger = world.user(&format!("tagger{number}"), &may(&format!(r#","iam:{tagging}""#)));
        let tagged = [&made[..], &[("Tags.member.1.Key", "k"), ("Tags.member.1.Value", "v")]].concat();
        let answer = call(&maker, action, &tagged);
        assert_eq!(answer.status, 403, "{action}: {}", answer.body);
        assert!(answer.message().contains(&format!("perform: iam:{tagging} on resource: arn:")), "{}", answer.body);
        ok(&tagger, action, &tagged);
    }
}

#[test]
fn a_new_name_takes_the_permission_on_both() {
    let world = World::new();
    let root = world.root();
    ok(&root, "CreateUser", &[("UserName", "bob"), ("Path", "/people/")]);
    ok(&root, "CreateGroup", &[("GroupName", "bob"), ("Path", "/people/")]);
    for (number, (noun, kind)) in [("User", "user"), ("Group", "group")].into_iter().enumerate() {
        let (action, name) = (format!("Update{noun}"), format!("{noun}Name"));
        let (new_name, old) = (format!("New{noun}Name"), (name.as_str(), "bob"));
        let may = |who: &str, names: &[&str]| {
            let arns: Vec<_> = names.iter().map(|name| format!("arn:aws:iam::{ACCOUNT}:{kind}/{name}")).collect();
            let arns = serde_json::to_string(&arns).unwrap();
            let policy = format!(
                r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"iam:{action}","Resource":{arns}}}]}}"#
            );
            world.user(&format!("{who}{number}"), &policy)
        };
        let from = may("from", &["people/bob"]);
        let answer = call(&from, &action, &[old, (&new_name, "rob")]);
        assert_eq!(answer.status, 403, "{}", answer.body);
        assert!(answer.message().contains(&format!("{kind}/people/rob")), "{}", answer.message());
        let answer = call(&from, &action, &[old, ("NewPath", "/admins/")]);
        assert!(answer.status == 403 && answer.message().contains(&format!("{kind}/admins/bob")), "{}", answer.body);
        assert_eq!(call(&may("to", &["people/rob"]), &action, &[old, (&new_name, "rob")]).status, 403);
        ok(&from, &action, &[old, ("NewPath", "/people/")]);
        ok(&may("both", &["people/bob", "people/rob"]), &action, &[old, (&new_name, "rob")]);
    }
}

/// Whatever a name or path is made of, it is judged, not stumbled over.
#[test]
fn a_path_in_other_letters_is_refused() {
    let world = World::new();
    for (action, name) in [("CreateUser", "UserName"), ("CreateGroup", "GroupName")] {
        let answer = call(&world.root(), action, &[(name, "x"), ("Path", "é/")]);
        assert_eq!((answer.status, answer.code().as_str()), (400, "ValidationError"), "{}", answer.body);
    }
}
