//! Passwords and second factors: their operations, what a policy of passwords refuses, and what a code is good for.

use super::prepare;
use crate::harness::{ACCOUNT, Answer, Case, Client, NOW_MS, Params, World, at, find, list, nothing, params};
use landfall_api::totp;

const SERIAL: &str = "arn:aws:iam::111122223333:mfa/people/phone";
const PASSWORD: &str = "correct-Horse-7";
const SSH_KEY: &str = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQCxCM0hXsYh+tPxqDSVpzQ1QdsSq6Ni9PQTfI+SCCtNjspuZy5IwhWflSg1PgOfsnAna2+q1GnwXQVj4sQxH31UziN4tfvvEXyGh0KS7fUW15u04z6a9hteWccly7S820i/BxYqUOAGBOdanNRa6VyjRl96YtnDnk+LQTWJ/3RYr7UohgT7O4hwuRZOyTtWpUvbeNgIQtx5WvBUlFf4/hjZQmNyAvn9RxoMJzD1rlWAC05CZ7aI9yBjwwJEb7zuRjFN24M7OlZxNm096FlAHS2bj7xQ39dtQlf9/yFeFwYX26RnAbdFxBP7WBDPHAQluNrFGb7FWzeh28gwXDnUm4ML alice@example.com";
const ALL: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
/// What is made from real randomness.
const SEED: &[&str] = &["Base32StringSeed", "QRCodePNG"];

/// The cases of passwords and second factors.
pub const CASES: &[Case] = &[
    Case {
        service: "iam",
        action: "ChangePassword",
        good: |_| params([("OldPassword", PASSWORD), ("NewPassword", "another-Horse-8")]),
        bad: &[
            (&[("OldPassword", "wrong"), ("NewPassword", "another-Horse-8")], "AccessDenied"),
            (&[("OldPassword", PASSWORD), ("NewPassword", "short")], "PasswordPolicyViolation"),
            (&[("OldPassword", PASSWORD)], "ValidationError"),
        ],
        masked: &[],
        by: |world| {
            let user = world.user("operator", ALL);
            ok(&world.root(), "CreateLoginProfile", &[("UserName", "operator"), ("Password", PASSWORD)]);
            user
        },
    },
    Case::iam(
        "CreateLoginProfile",
        |client| prepare(client, &[("UserName", "alice"), ("Password", PASSWORD), ("PasswordResetRequired", "true")]),
        &[
            (&[("UserName", "x"), ("Password", PASSWORD)], "NoSuchEntity"),
            (&[("Password", PASSWORD)], "ValidationError"),
        ],
    ),
    Case {
        masked: SEED,
        ..Case::iam(
            "CreateVirtualMFADevice",
            |client| {
                prepare(
                    client,
                    &[
                        ("VirtualMFADeviceName", "phone"),
                        ("Path", "/people/"),
                        ("Tags.member.1.Key", "k"),
                        ("Tags.member.1.Value", "v"),
                    ],
                )
            },
            &[
                (&[("VirtualMFADeviceName", "a b")], "ValidationError"),
                (&[("VirtualMFADeviceName", "a"), ("Path", "x")], "ValidationError"),
            ],
        )
    },
    Case::iam(
        "DeactivateMFADevice",
        |client| with_device(client, &[("UserName", "alice"), ("SerialNumber", SERIAL)]),
        &[
            (&[("UserName", "x"), ("SerialNumber", SERIAL)], "NoSuchEntity"),
            (&[("SerialNumber", SERIAL)], "NoSuchEntity"),
        ],
    ),
    Case::iam(
        "DeleteAccountPasswordPolicy",
        |client| {
            ok(client, "UpdateAccountPasswordPolicy", &[]);
            nothing(client)
        },
        &[(&[], "NoSuchEntity")],
    ),
    Case::iam(
        "DeleteLoginProfile",
        |client| {
            let alice = prepare(client, &[("UserName", "alice")]);
            ok(client, "CreateLoginProfile", &[("UserName", "alice"), ("Password", PASSWORD)]);
            alice
        },
        &[(&[("UserName", "x")], "NoSuchEntity")],
    ),
    Case::iam(
        "DeleteVirtualMFADevice",
        |client| {
            ok(client, "CreateVirtualMFADevice", &[("VirtualMFADeviceName", "phone"), ("Path", "/people/")]);
            params([("SerialNumber", own(client))])
        },
        &[(&[("SerialNumber", SERIAL)], "NoSuchEntity"), (&[("SerialNumber", "x")], "NoSuchEntity")],
    ),
    Case::iam(
        "DeleteSSHPublicKey",
        |client| with_key(client, &[]),
        &[(&[("UserName", "x"), ("SSHPublicKeyId", "APKAAAAAAAAAAAAAAAAA")], "NoSuchEntity")],
    ),
    Case::iam(
        "GetSSHPublicKey",
        |client| with_key(client, &[("Encoding", "PEM")]),
        &[(&[("UserName", "x"), ("SSHPublicKeyId", "APKAAAAAAAAAAAAAAAAA"), ("Encoding", "SSH")], "NoSuchEntity")],
    ),
    Case::iam(
        "ListSSHPublicKeys",
        |client| {
            with_key(client, &[]);
            params([("UserName", "alice")])
        },
        &[(&[("UserName", "x")], "NoSuchEntity")],
    ),
    Case::iam(
        "ListServiceSpecificCredentials",
        |client| prepare(client, &[("UserName", "alice")]),
        &[(&[("UserName", "x")], "NoSuchEntity")],
    ),
    Case::iam(
        "ListSigningCertificates",
        |client| prepare(client, &[("UserName", "alice")]),
        &[(&[("UserName", "x")], "NoSuchEntity")],
    ),
    Case::iam(
        "UpdateSSHPublicKey",
        |client| with_key(client, &[("Status", "Inactive")]),
        &[(&[("UserName", "x"), ("SSHPublicKeyId", "APKAAAAAAAAAAAAAAAAA"), ("Status", "Active")], "NoSuchEntity")],
    ),
    Case::iam(
        "UploadSSHPublicKey",
        |client| prepare(client, &[("UserName", "alice"), ("SSHPublicKeyBody", SSH_KEY)]),
        &[(&[("UserName", "x"), ("SSHPublicKeyBody", SSH_KEY)], "NoSuchEntity")],
    ),
    Case::iam(
        "EnableMFADevice",
        |client| {
            prepare(client, &[]);
            let seed = make_device(client);
            let [first, second] = codes(&seed, -1);
            params([
                ("UserName", "alice"),
                ("SerialNumber", &own(client)),
                ("AuthenticationCode1", &first),
                ("AuthenticationCode2", &second),
            ])
        },
        &[(
            &[
                ("UserName", "x"),
                ("SerialNumber", SERIAL),
                ("AuthenticationCode1", "123456"),
                ("AuthenticationCode2", "654321"),
            ],
            "NoSuchEntity",
        )],
    ),
    Case::iam(
        "GetAccountPasswordPolicy",
        |client| {
            let numbers = [("MaxPasswordAge", "90"), ("PasswordReusePrevention", "3"), ("HardExpiry", "true")];
            ok(client, "UpdateAccountPasswordPolicy", &[&[("RequireNumbers", "true")], &numbers[..]].concat());
            nothing(client)
        },
        &[(&[], "NoSuchEntity")],
    ),
    Case::iam(
        "GetLoginProfile",
        |client| {
            let alice = prepare(client, &[("UserName", "alice")]);
            ok(client, "CreateLoginProfile", &[("UserName", "alice"), ("Password", PASSWORD)]);
            alice
        },
        &[(&[("UserName", "x")], "NoSuchEntity"), (&[], "ValidationError")],
    ),
    Case::iam(
        "GetMFADevice",
        |client| with_device(client, &[("UserName", "alice"), ("SerialNumber", SERIAL)]),
        &[(&[("SerialNumber", SERIAL)], "NoSuchEntity")],
    ),
    Case::iam(
        "ListMFADeviceTags",
        |client| with_device(client, &[("SerialNumber", SERIAL)]),
        &[(&[("SerialNumber", SERIAL)], "NoSuchEntity")],
    ),
    Case::iam(
        "ListMFADevices",
        |client| with_device(client, &[("UserName", "alice")]),
        &[(&[("UserName", "x")], "NoSuchEntity")],
    ),
    Case::iam(
        "ListVirtualMFADevices",
        |client| with_device(client, &[("AssignmentStatus", "Assigned")]),
        &[(&[("AssignmentStatus", "Lost")], "InvalidParameterValue")],
    ),
    Case::iam(
        "ResyncMFADevice",
        |client| {
            prepare(client, &[]);
            let seed = make_device(client);
            enable(client, &seed, -1);
            let [first, second] = codes(&seed, 9);
            params([
                ("UserName", "alice"),
                ("SerialNumber", &own(client)),
                ("AuthenticationCode1", &first),
                ("AuthenticationCode2", &second),
            ])
        },
        &[(
            &[
                ("UserName", "x"),
                ("SerialNumber", SERIAL),
                ("AuthenticationCode1", "123456"),
                ("AuthenticationCode2", "654321"),
            ],
            "NoSuchEntity",
        )],
    ),
    Case::iam(
        "TagMFADevice",
        |client| {
            with_device(client, &[("SerialNumber", SERIAL), ("Tags.member.1.Key", "k"), ("Tags.member.1.Value", "v")])
        },
        &[(&[("SerialNumber", SERIAL), ("Tags.member.1.Key", "k"), ("Tags.member.1.Value", "v")], "NoSuchEntity")],
    ),
    Case::iam(
        "UntagMFADevice",
        |client| with_device(client, &[("SerialNumber", SERIAL), ("TagKeys.member.1", "of")]),
        &[(&[("SerialNumber", SERIAL), ("TagKeys.member.1", "k")], "NoSuchEntity")],
    ),
    Case::iam(
        "UpdateAccountPasswordPolicy",
        |_| params([("MinimumPasswordLength", "14"), ("RequireNumbers", "true")]),
        &[
            (&[("MinimumPasswordLength", "5")], "ValidationError"),
            (&[("MaxPasswordAge", "0")], "ValidationError"),
            (&[("PasswordReusePrevention", "25")], "ValidationError"),
        ],
    ),
    Case::iam(
        "UpdateLoginProfile",
        |client| {
            let given = prepare(client, &[("UserName", "alice"), ("Password", "another-Horse-8")]);
            ok(client, "CreateLoginProfile", &[("UserName", "alice"), ("Password", PASSWORD)]);
            given
        },
        &[(&[("UserName", "x")], "NoSuchEntity")],
    ),
];

fn call(client: &Client<'_>, service: &str, action: &str, pairs: &[(&str, &str)]) -> Answer {
    client.send(service, action, &params(pairs.iter().copied()))
}

fn ok(client: &Client<'_>, action: &str, pairs: &[(&str, &str)]) -> Answer {
    let answer = call(client, "iam", action, pairs);
    assert_eq!(answer.status, 200, "{action} {pairs:?}: {}", answer.body);
    answer
}

fn refused(client: &Client<'_>, action: &str, pairs: &[(&str, &str)]) -> (u16, String) {
    let answer = call(client, "iam", action, pairs);
    (answer.status, answer.code())
}

/// The device's serial number in the client's account.
fn own(client: &Client<'_>) -> String {
    SERIAL.replace(ACCOUNT, &super::account(client))
}

/// Makes the device; its seed.
fn make_device(client: &Client<'_>) -> [u8; totp::SEED_BYTES] {
    let device = [
        ("VirtualMFADeviceName", "phone"),
        ("Path", "/people/"),
        ("Tags.member.1.Key", "of"),
        ("Tags.member.1.Value", "alice"),
    ];
    let answer = ok(client, "CreateVirtualMFADevice", &device).tree();
    let seed = at(&answer, "CreateVirtualMFADeviceResult.VirtualMFADevice.Base32StringSeed");
    let text = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, seed).unwrap();
    totp::from_base32(std::str::from_utf8(&text).unwrap()).unwrap()
}

/// The codes that the device shows that many steps from now on.
fn codes(seed: &[u8], off: i64) -> [String; 2] {
    let now = totp::step_at(NOW_MS) + off;
    [totp::code(seed, now), totp::code(seed, now + 1)]
}

fn enable(client: &Client<'_>, seed: &[u8], off: i64) {
    let [first, second] = codes(seed, off);
    let serial = own(client);
    let pairs = [
        ("UserName", "alice"),
        ("SerialNumber", serial.as_str()),
        ("AuthenticationCode1", &first),
        ("AuthenticationCode2", &second),
    ];
    ok(client, "EnableMFADevice", &pairs);
}

/// Alice with the device.
fn with_device(client: &Client<'_>, good: super::Pairs) -> Params {
    let good = prepare(client, good);
    let seed = make_device(client);
    enable(client, &seed, -1);
    good
}

/// Alice with the public key.
fn with_key(client: &Client<'_>, more: super::Pairs) -> Params {
    prepare(client, &[]);
    let answer = ok(client, "UploadSSHPublicKey", &[("UserName", "alice"), ("SSHPublicKeyBody", SSH_KEY)]).tree();
    let id = at(&answer, "UploadSSHPublicKeyResult.SSHPublicKey.SSHPublicKeyId");
    params([("UserName", "alice"), ("SSHPublicKeyId", id)].into_iter().chain(more.iter().copied()))
}

/// A client with a new access key of alice's, who may do all.
fn alice<'w>(world: &'w World) -> Client<'w> {
    let root = world.root();
    ok(&root, "PutUserPolicy", &[("UserName", "alice"), ("PolicyName", "all"), ("PolicyDocument", ALL)]);
    let answer = ok(&root, "CreateAccessKey", &[("UserName", "alice")]).tree();
    let key = |member: &str| at(&answer, &format!("CreateAccessKeyResult.AccessKey.{member}")).to_owned();
    world.client(&key("AccessKeyId"), &key("SecretAccessKey"), None)
}

#[test]
fn a_password_is_what_the_policy_asks_for_and_no_earlier_one() {
    let world = World::new();
    let root = world.root();
    prepare(&root, &[]);
    ok(&root, "UpdateAccountPasswordPolicy", &[("MinimumPasswordLength", "10"), ("PasswordReusePrevention", "2")]);
    let set = |action: &str, password: &str| {
        let answer = call(&root, "iam", action, &[("UserName", "alice"), ("Password", password)]);
        if answer.status == 200 { "set".to_owned() } else { answer.code() }
    };
    assert_eq!(set("CreateLoginProfile", "ninechars"), "PasswordPolicyViolation");
    assert_eq!(set("UpdateLoginProfile", "first-secret"), "NoSuchEntity");
    assert_eq!(set("CreateLoginProfile", "first-secret"), "set");
    assert_eq!(set("CreateLoginProfile", "first-secret"), "EntityAlreadyExists");
    assert_eq!(set("UpdateLoginProfile", "first-secret"), "PasswordPolicyViolation");
    assert_eq!(set("UpdateLoginProfile", "second-secret"), "set");
    assert_eq!(set("UpdateLoginProfile", "first-secret"), "PasswordPolicyViolation", "two ago");
    assert_eq!(set("UpdateLoginProfile", "third-secret"), "set");
    assert_eq!(set("UpdateLoginProfile", "first-secret"), "set", "three ago");
    let stored = serde_json::to_string(&world.engine().read().principals.iter().collect::<Vec<_>>()).unwrap();
    assert!(!stored.contains("-secret") && stored.contains("$argon2id$"), "{stored}");
    assert_eq!(refused(&root, "DeleteUser", &[("UserName", "alice")]).1, "DeleteConflict");
}

#[test]
fn every_user_may_change_its_password_where_the_account_says_so() {
    let world = World::new();
    let root = world.root();
    let user = world.user("dora", &ALL.replace("\"Action\":\"*\"", "\"Action\":\"ec2:*\""));
    ok(&root, "CreateLoginProfile", &[("UserName", "dora"), ("Password", PASSWORD), ("PasswordResetRequired", "true")]);
    let change = [("OldPassword", PASSWORD), ("NewPassword", "another-Horse-8")];
    assert_eq!(refused(&user, "ChangePassword", &change), (403, "AccessDenied".into()));
    ok(&root, "UpdateAccountPasswordPolicy", &[("AllowUsersToChangePassword", "true")]);
    ok(&user, "GetAccountPasswordPolicy", &[]);
    ok(&user, "ChangePassword", &change);
    assert_eq!(refused(&user, "ChangePassword", &change), (403, "AccessDenied".into()), "the old one is gone");
    let shown = ok(&root, "GetLoginProfile", &[("UserName", "dora")]).tree();
    assert_eq!(at(&shown, "GetLoginProfileResult.LoginProfile.PasswordResetRequired"), "false");
    assert_eq!(refused(&root, "ChangePassword", &change), (400, "InvalidUserType".into()));
}

#[test]
fn a_code_is_good_once() {
    let world = World::new();
    let root = world.root();
    prepare(&root, &[]);
    let seed = make_device(&root);
    enable(&root, &seed, -1);
    let alice = alice(&world);
    let show = |code: &str| {
        let answer = call(&alice, "sts", "GetSessionToken", &[("SerialNumber", SERIAL), ("TokenCode", code)]);
        if answer.status == 200 { "taken".to_owned() } else { answer.code() }
    };
    let [now, next] = codes(&seed, 0);
    assert_eq!(show(&now), "AccessDenied", "it was shown when the device was enabled");
    assert_eq!(show(&next), "taken");
    assert_eq!(show(&next), "AccessDenied");
    world.pass(60);
    assert_eq!(show(&next), "AccessDenied");
    assert_eq!(show(&codes(&seed, 2)[0]), "taken");
    for _ in 0..10 {
        assert_eq!(show("000000"), "AccessDenied");
    }
    world.pass(30);
    assert_eq!(show(&codes(&seed, 3)[0]), "AccessDenied", "after many guesses nothing is taken");
    world.pass(300);
    assert_eq!(show(&codes(&seed, 13)[0]), "taken", "for a while");
    let other = call(&world.other(), "sts", "GetSessionToken", &[("SerialNumber", SERIAL), ("TokenCode", "1")]);
    assert_eq!((other.status, other.code().as_str()), (403, "AccessDenied"));
}

#[test]
fn policies_ask_for_a_second_factor() {
    let world = World::new();
    let root = world.root();
    prepare(&root, &[]);
    let seed = make_device(&root);
    enable(&root, &seed, -1);
    let alice = alice(&world);
    let guard = ALL.replace(
        "\"Effect\":\"Allow\"",
        r#""Effect":"Deny","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}"#,
    );
    let guard = guard.replace("\"Action\":\"*\"", "\"Action\":\"ec2:*\"");
    ok(&root, "PutUserPolicy", &[("UserName", "alice"), ("PolicyName", "guard"), ("PolicyDocument", &guard)]);
    let session = |pairs: &[(&str, &str)]| {
        let answer = call(&alice, "sts", "GetSessionToken", pairs);
        assert_eq!(answer.status, 200, "{}", answer.body);
        let tree = answer.tree();
        let of = |member: &str| at(&tree, &format!("GetSessionTokenResult.Credentials.{member}")).to_owned();
        world.client(&of("AccessKeyId"), &of("SecretAccessKey"), Some(&of("SessionToken")))
    };
    assert_eq!(session(&[]).call("DescribeVpcs", &[]).code(), "UnauthorizedOperation");
    assert_eq!(call(&session(&[]), "iam", "ListUsers", &[]).code(), "InvalidClientTokenId");
    let strong = session(&[("SerialNumber", SERIAL), ("TokenCode", &codes(&seed, 1)[0])]);
    strong.ok("DescribeVpcs", &[]);
    ok(&strong, "ListUsers", &[]);

    // A role that wants a fresh one.
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"},"NumericLessThan":{"aws:MultiFactorAuthAge":"60"}}}]}"#;
    ok(&root, "CreateRole", &[("RoleName", "guarded"), ("AssumeRolePolicyDocument", trust)]);
    let role = format!("arn:aws:iam::{ACCOUNT}:role/guarded");
    let assume = |client: &Client<'_>, code: Option<&str>| {
        let mut pairs = vec![("RoleArn", role.as_str()), ("RoleSessionName", "build")];
        pairs.extend(code.iter().flat_map(|code| [("SerialNumber", SERIAL), ("TokenCode", code)]));
        call(client, "sts", "AssumeRole", &pairs).status
    };
    assert_eq!(assume(&alice, None), 403);
    assert_eq!(assume(&strong, None), 200, "the session's is a moment old");
    world.pass(120);
    assert_eq!(assume(&strong, None), 403, "and too old by now");
    assert_eq!(assume(&alice, Some(&codes(&seed, 4)[0])), 200);
    assert_eq!(assume(&alice, Some("000000")), 403);
}

#[test]
fn a_device_goes_when_nobody_has_it() {
    let world = World::new();
    let root = world.root();
    prepare(&root, &[]);
    let seed = make_device(&root);
    enable(&root, &seed, -1);
    let serial = [("SerialNumber", SERIAL)];
    let of_alice = [("UserName", "alice"), ("SerialNumber", SERIAL)];
    assert_eq!(refused(&root, "DeleteVirtualMFADevice", &serial), (409, "DeleteConflict".into()));
    let [first, second] = codes(&seed, 0);
    let again = [("AuthenticationCode1", first.as_str()), ("AuthenticationCode2", second.as_str())];
    let again = [&of_alice[..], &again].concat();
    assert_eq!(refused(&root, "EnableMFADevice", &again), (409, "EntityAlreadyExists".into()));
    ok(&root, "DeactivateMFADevice", &of_alice);
    let unassigned = ok(&root, "ListVirtualMFADevices", &[("AssignmentStatus", "Unassigned")]).tree();
    let rows = list(&unassigned, "ListVirtualMFADevicesResult.VirtualMFADevices");
    assert_eq!(rows.len(), 1);
    assert!(find(&rows[0], "User").is_none());
    let swapped = [&of_alice[..], &[("AuthenticationCode1", &second), ("AuthenticationCode2", &first)]].concat();
    assert_eq!(refused(&root, "EnableMFADevice", &swapped), (403, "InvalidAuthenticationCode".into()));
    // Codes that its user showed before are no good, whoever gets the device next.
    for off in [-1, 0] {
        let [first, second] = codes(&seed, off);
        let shown = [("AuthenticationCode1", first.as_str()), ("AuthenticationCode2", second.as_str())];
        let shown = [&of_alice[..], &shown].concat();
        assert_eq!(refused(&root, "EnableMFADevice", &shown), (403, "InvalidAuthenticationCode".into()), "{off}");
    }
    enable(&root, &seed, 1);
    ok(&root, "DeactivateMFADevice", &of_alice);
    ok(&root, "DeleteVirtualMFADevice", &serial);
    let stored = serde_json::to_string(&world.engine().read().tags.iter().collect::<Vec<_>>()).unwrap();
    assert!(!stored.contains("mfa/people"), "its tags go with it");
}

#[test]
fn a_public_key_comes_once_and_back_in_either_form() {
    let world = World::new();
    let root = world.root();
    let key = with_key(&root, &[]);
    let alice = ("UserName", "alice");
    let upload = |body: &str| refused(&root, "UploadSSHPublicKey", &[alice, ("SSHPublicKeyBody", body)]).1;
    assert_eq!(upload(SSH_KEY), "DuplicateSSHPublicKey");
    assert_eq!(
        upload("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKSUTyz1HwHReFVvD5obVsALAgJRNarH4TRpNePnAS"),
        "InvalidPublicKey"
    );
    assert_eq!(upload("a key"), "UnrecognizedPublicKeyEncoding");
    let id = ("SSHPublicKeyId", key[1].1.as_str());
    let shown = ok(&root, "GetSSHPublicKey", &[alice, id, ("Encoding", "SSH")]).tree();
    assert_eq!(at(&shown, "GetSSHPublicKeyResult.SSHPublicKey.SSHPublicKeyBody"), SSH_KEY);
    let pem = ok(&root, "GetSSHPublicKey", &[alice, id, ("Encoding", "PEM")]).tree();
    let pem = at(&pem, "GetSSHPublicKeyResult.SSHPublicKey.SSHPublicKeyBody").to_owned();
    assert!(pem.starts_with("-----BEGIN PUBLIC KEY-----"), "{pem}");
    ok(&root, "DeleteSSHPublicKey", &[alice, id]);
    ok(&root, "UploadSSHPublicKey", &[alice, ("SSHPublicKeyBody", &pem)]);
    assert_eq!(refused(&root, "DeleteSSHPublicKey", &[alice, id]), (404, "NoSuchEntity".into()), "another by now");
}
