//! Identity providers: their operations, and credentials by their tokens, with an issuer of the test's own on loopback.
//! Tokens that somebody made up get nothing.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa};
use serde_json::{Value, json};
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::harness::{ACCOUNT, Answer, Case, Client, NOW_MS, Params, World, at, column, list, params, query};

const GITHUB: &str = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com";
const ROLE: &str = "arn:aws:iam::111122223333:role/ci";

/// The cases of identity providers.
pub const CASES: &[Case] = &[
    Case {
        service: "sts",
        action: "AssumeRoleWithWebIdentity",
        good: |client| {
            let issuer = Issuer::start();
            trust(client, &issuer, "");
            taking(&issuer.token(json!({})))
        },
        bad: &[
            (&[("RoleArn", ROLE), ("RoleSessionName", "build"), ("WebIdentityToken", "abcd")], "InvalidIdentityToken"),
            (&[("RoleArn", ROLE), ("RoleSessionName", "build")], "ValidationError"),
        ],
        masked: &["AccessKeyId", "SecretAccessKey", "SessionToken", "Provider"],
        by: |world| world.client("", "", None),
    },
    Case::iam(
        "AddClientIDToOpenIDConnectProvider",
        |client| provider(client, &[("ClientID", "another")]),
        &[(&[("OpenIDConnectProviderArn", GITHUB), ("ClientID", "another")], "NoSuchEntity")],
    ),
    Case::iam(
        "CreateOpenIDConnectProvider",
        |_| {
            params([
                ("Url", "https://token.actions.githubusercontent.com"),
                ("ClientIDList.member.1", "sts.amazonaws.com"),
                ("ThumbprintList.member.1", "6938fd4d98bab03faadb97b34396831e3780aea1"),
                ("Tags.member.1.Key", "k"),
                ("Tags.member.1.Value", "v"),
            ])
        },
        &[
            (&[("Url", "http://example.com")], "InvalidInput"),
            (&[("Url", "https://example.com"), ("ThumbprintList.member.1", "x")], "InvalidInput"),
            (&[], "ValidationError"),
        ],
    ),
    Case::iam(
        "DeleteOpenIDConnectProvider",
        |client| provider(client, &[]),
        &[(&[("OpenIDConnectProviderArn", GITHUB)], "NoSuchEntity")],
    ),
    Case::iam(
        "GetOpenIDConnectProvider",
        |client| provider(client, &[]),
        &[(&[("OpenIDConnectProviderArn", GITHUB)], "NoSuchEntity")],
    ),
    Case::iam(
        "ListOpenIDConnectProviderTags",
        |client| provider(client, &[]),
        &[(&[("OpenIDConnectProviderArn", GITHUB)], "NoSuchEntity")],
    ),
    Case::iam(
        "ListOpenIDConnectProviders",
        |client| {
            provider(client, &[]);
            Params::new()
        },
        &[(&[("Url", "x")], "UnknownParameter")],
    ),
    Case::iam(
        "RemoveClientIDFromOpenIDConnectProvider",
        |client| provider(client, &[("ClientID", "sts.amazonaws.com")]),
        &[(&[("OpenIDConnectProviderArn", GITHUB), ("ClientID", "x")], "NoSuchEntity")],
    ),
    Case::iam(
        "TagOpenIDConnectProvider",
        |client| provider(client, &[("Tags.member.1.Key", "k"), ("Tags.member.1.Value", "w")]),
        &[(
            &[("OpenIDConnectProviderArn", GITHUB), ("Tags.member.1.Key", "k"), ("Tags.member.1.Value", "w")],
            "NoSuchEntity",
        )],
    ),
    Case::iam(
        "UntagOpenIDConnectProvider",
        |client| provider(client, &[("TagKeys.member.1", "k")]),
        &[(&[("OpenIDConnectProviderArn", GITHUB), ("TagKeys.member.1", "k")], "NoSuchEntity")],
    ),
    Case::iam(
        "UpdateOpenIDConnectProviderThumbprint",
        |client| provider(client, &[("ThumbprintList.member.1", "0123456789012345678901234567890123456789")]),
        &[
            (&[("OpenIDConnectProviderArn", GITHUB)], "ValidationError"),
            (&[("OpenIDConnectProviderArn", GITHUB), ("ThumbprintList.member.1", "x")], "InvalidInput"),
        ],
    ),
];

fn ok(client: &Client<'_>, action: &str, pairs: &[(&str, &str)]) -> Answer {
    let answer = client.send("iam", action, &params(pairs.iter().copied()));
    assert_eq!(answer.status, 200, "{action} {pairs:?}: {}", answer.body);
    answer
}

/// Makes GitHub's provider; its ARN with more parameters.
fn provider(client: &Client<'_>, more: &[(&str, &str)]) -> Params {
    let pairs = [
        ("Url", "https://token.actions.githubusercontent.com"),
        ("ClientIDList.member.1", "sts.amazonaws.com"),
        ("ThumbprintList.member.1", "6938fd4d98bab03faadb97b34396831e3780aea1"),
        ("Tags.member.1.Key", "k"),
        ("Tags.member.1.Value", "v"),
    ];
    let answer = ok(client, "CreateOpenIDConnectProvider", &pairs).tree();
    let arn = at(&answer, "CreateOpenIDConnectProviderResult.OpenIDConnectProviderArn");
    params([("OpenIDConnectProviderArn", arn)].iter().chain(more).copied())
}

/// An issuer on loopback, with a key of each kind.
struct Issuer {
    url: String,
    rsa: RsaKeyPair,
    ec: EcdsaKeyPair,
    /// What it publishes.
    keys: Arc<Mutex<Value>>,
    asked: Arc<AtomicU32>,
}

impl Issuer {
    fn start() -> Self {
        Self::start_with(None)
    }

    /// One that speaks TLS, if it is told how.
    fn start_with(tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}", listener.local_addr().unwrap());
        let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
        let ec = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref()).unwrap();
        let keys = Arc::new(Mutex::new(json!({ "keys": [published_rsa(&rsa, "one"), published_ec(&ec, "two")] })));
        let issuer = Self { url: url.clone(), rsa, ec, keys: keys.clone(), asked: Arc::default() };
        let asked = issuer.asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let plain = stream.unwrap();
                let mut stream: Box<dyn Talk> = match &tls {
                    None => Box::new(plain),
                    Some(config) => Box::new(StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), plain)),
                };
                let mut request = [0; 4096];
                // A client that doesn't believe the certificate hangs up.
                let Ok(read) = stream.read(&mut request) else { continue };
                let request = String::from_utf8_lossy(&request[..read]).into_owned();
                let body = if request.starts_with("GET /.well-known/openid-configuration ") {
                    json!({ "issuer": url, "jwks_uri": format!("{url}/keys") }).to_string()
                } else {
                    asked.fetch_add(1, Ordering::Relaxed);
                    keys.lock().unwrap().to_string()
                };
                let length = body.len();
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
                stream.write_all((head + &body).as_bytes()).unwrap();
                stream.flush().unwrap();
            }
        });
        issuer
    }

    fn name(&self) -> &str {
        self.url.split_once("://").unwrap().1
    }

    /// What a good token claims, with some claims changed and those that are null left out.
    fn claims(&self, changed: Value) -> Value {
        let now = NOW_MS / 1000;
        let mut claims = json!({
            "iss": self.url, "sub": "repo:example/app:main", "aud": "sts.amazonaws.com", "iat": now - 5, "exp": now + 300,
        });
        for (name, value) in changed.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        claims
    }

    /// A token by the RSA key.
    fn token(&self, changed: Value) -> String {
        sign_rsa(&self.rsa, &json!({ "alg": "RS256", "kid": "one", "typ": "JWT" }), &self.claims(changed))
    }
}

/// What one talks to a client through.
trait Talk: Read + Write + Send {}

impl<T: Read + Write + Send> Talk for T {}

/// An authority of the test's own, and how a server at that name speaks by a certificate of its; with the authority's
/// thumbprint.
fn authority(name: &str) -> (Arc<ServerConfig>, String) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "an authority that nobody knows");
    let own = params.self_signed(&key).unwrap();
    let by = rcgen::Issuer::new(params, key);
    let server = rcgen::KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&server, &by).unwrap();
    let private = PrivateKeyDer::Pkcs8(server.serialize_der().into());
    let crypto = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(crypto).with_safe_default_protocol_versions().unwrap();
    let chain = vec![leaf.der().clone(), own.der().clone()];
    let config = config.with_no_client_auth().with_single_cert(chain, private).unwrap();
    let print = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, own.der());
    (Arc::new(config), crate::harness::hex(print.as_ref()))
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn published_rsa(pair: &RsaKeyPair, kid: &str) -> Value {
    // PKCS#1 of a key with 2048 bits and the usual exponent: two numbers at fixed places.
    let key = pair.public_key().as_ref();
    let (n, e) = (&key[9..265], &key[key.len() - 3..]);
    json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": encode(n), "e": encode(e) })
}

fn published_ec(pair: &EcdsaKeyPair, kid: &str) -> Value {
    let point = pair.public_key().as_ref();
    json!({ "kty": "EC", "crv": "P-256", "kid": kid, "x": encode(&point[1..33]), "y": encode(&point[33..]) })
}

fn unsigned(header: &Value, claims: &Value) -> String {
    format!("{}.{}", encode(header.to_string()), encode(claims.to_string()))
}

fn sign_rsa(pair: &RsaKeyPair, header: &Value, claims: &Value) -> String {
    let message = unsigned(header, claims);
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
    format!("{message}.{}", encode(signature))
}

fn sign_ec(pair: &EcdsaKeyPair, header: &Value, claims: &Value) -> String {
    let message = unsigned(header, claims);
    let signature = pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
    format!("{message}.{}", encode(signature))
}

/// Makes a provider of the issuer, and the role that trusts it under a condition.
fn trust(client: &Client<'_>, issuer: &Issuer, condition: &str) {
    trust_to(client, issuer, "\"sts:AssumeRoleWithWebIdentity\"", condition, &[]);
}

/// The same with what it trusts it to do, and more of the provider.
fn trust_to(client: &Client<'_>, issuer: &Issuer, actions: &str, condition: &str, more: &[(&str, &str)]) {
    let url = [("Url", issuer.url.as_str()), ("ClientIDList.member.1", "sts.amazonaws.com")];
    let answer = ok(client, "CreateOpenIDConnectProvider", &[&url[..], more].concat()).tree();
    let arn = at(&answer, "CreateOpenIDConnectProviderResult.OpenIDConnectProviderArn");
    let condition = condition.replace("ISSUER", issuer.name());
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Federated":"{arn}"}},"Action":[{actions}]{condition}}}]}}"#
    );
    ok(client, "CreateRole", &[("RoleName", "ci"), ("AssumeRolePolicyDocument", &trust)]);
    let policy =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:DescribeVpcs","Resource":"*"}]}"#;
    ok(client, "PutRolePolicy", &[("RoleName", "ci"), ("PolicyName", "p"), ("PolicyDocument", policy)]);
}

fn taking(token: &str) -> Params {
    params([("RoleArn", ROLE), ("RoleSessionName", "build"), ("WebIdentityToken", token)])
}

/// What a token gets: nothing where it is taken, else the code.
fn refusal(world: &World, token: &str) -> String {
    let answer = world.client("", "", None).send("sts", "AssumeRoleWithWebIdentity", &taking(token));
    if answer.status == 200 { String::new() } else { answer.code() }
}

#[test]
fn whoever_has_a_role_learns_of_tokens_that_proved_nothing() {
    let world = World::new();
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"}]}"#;
    ok(&world.root(), "CreateRole", &[("RoleName", "ci"), ("AssumeRolePolicyDocument", trust)]);
    let records = || {
        let kept = world.engine().bulk(landfall_api::audit::STREAM, 0, 10_000).unwrap();
        kept.iter().map(|kept| serde_json::from_str::<Value>(&kept.record).unwrap()).collect::<Vec<_>>()
    };
    let before = records().len();
    let code = refusal(&world, "abcd");
    let record = records().pop().unwrap();
    assert_eq!(records().len(), before + 1);
    assert_eq!((&record["eventName"], &record["errorCode"]), (&json!("AssumeRoleWithWebIdentity"), &json!(code)));
    assert_eq!(
        (&record["recipientAccountId"], &record["userIdentity"]),
        (&json!(ACCOUNT), &json!({"type": "Unknown"}))
    );
    assert_eq!(record["requestParameters"], json!({ "roleArn": ROLE, "roleSessionName": "build" }));
    // A role that isn't there is nobody's to be told.
    let absent =
        params([("RoleArn", &*ROLE.replace("/ci", "/no")), ("RoleSessionName", "b"), ("WebIdentityToken", "a")]);
    assert_eq!(world.client("", "", None).send("sts", "AssumeRoleWithWebIdentity", &absent).code(), code);
    assert_eq!(records().len(), before + 1);
    // Nobody fills the disk by trying.
    (0..150).for_each(|_| assert_eq!(refusal(&world, "abcd"), code));
    assert_eq!(records().len(), before + 100);
}

#[test]
fn a_token_takes_the_role_and_no_other() {
    let world = World::new();
    let (root, issuer) = (world.root(), Issuer::start());
    trust(
        &root,
        &issuer,
        r#","Condition":{"StringLike":{"ISSUER:sub":"repo:example/app:*"},"StringEquals":{"ISSUER:aud":"sts.amazonaws.com"}}"#,
    );
    let answer = world.client("", "", None).send("sts", "AssumeRoleWithWebIdentity", &taking(&issuer.token(json!({}))));
    assert_eq!(answer.status, 200, "{}", answer.body);
    let tree = answer.tree();
    let of = |member: &str| at(&tree, &format!("AssumeRoleWithWebIdentityResult.{member}")).to_owned();
    assert_eq!(of("SubjectFromWebIdentityToken"), "repo:example/app:main");
    assert_eq!(of("AssumedRoleUser.Arn"), format!("arn:aws:sts::{ACCOUNT}:assumed-role/ci/build"));
    let credential = |member: &str| of(&format!("Credentials.{member}"));
    let attributes = r#"[{"AttributeKey":"Username","AttributeValue":"repo:example/app:main"}]"#;
    let found = root.ok_of("cloudtrail", "LookupEvents", &[("LookupAttributes:", attributes)]);
    assert_eq!(column(&found, "Events", "EventName"), ["AssumeRoleWithWebIdentity"]);
    let token = credential("SessionToken");
    let session = world.client(&credential("AccessKeyId"), &credential("SecretAccessKey"), Some(&token));
    session.ok("DescribeVpcs", &[]);
    assert_eq!(session.call("DescribeImages", &[]).code(), "UnauthorizedOperation");

    assert_eq!(refusal(&world, &issuer.token(json!({ "sub": "repo:evil/app:main" }))), "AccessDenied");
    let evil = taking(&issuer.token(json!({ "sub": "repo:evil/app:main" })));
    let answer = world.client("", "", None).send("sts", "AssumeRoleWithWebIdentity", &evil);
    assert_eq!(answer.message(), "Not authorized to perform sts:AssumeRoleWithWebIdentity");
    let malformed = params([("RoleArn", "ci"), ("RoleSessionName", "build"), ("WebIdentityToken", "x.y.z")]);
    let answer = world.client("", "", None).send("sts", "AssumeRoleWithWebIdentity", &malformed);
    assert_eq!(answer.code(), "ValidationError", "{}", answer.body);
    let other = params([
        ("RoleArn", "arn:aws:iam::111122223333:role/none"),
        ("RoleSessionName", "build"),
        ("WebIdentityToken", &issuer.token(json!({}))),
    ]);
    let nobody = world.client("", "", None);
    assert_eq!(nobody.send("sts", "AssumeRoleWithWebIdentity", &other).code(), "AccessDenied");
    let theirs = params([
        ("RoleArn", "arn:aws:iam::444455556666:role/ci"),
        ("RoleSessionName", "build"),
        ("WebIdentityToken", &issuer.token(json!({}))),
    ]);
    assert_eq!(nobody.send("sts", "AssumeRoleWithWebIdentity", &theirs).code(), "InvalidIdentityToken");
    assert_eq!(nobody.send("sts", "GetCallerIdentity", &[]).status, 403, "nothing else goes unsigned");
}

#[test]
fn what_somebody_made_up_gets_nothing() {
    let world = World::new();
    let (root, issuer) = (world.root(), Issuer::start());
    trust(&root, &issuer, "");
    let good = issuer.claims(json!({}));
    let none = format!("{}.", unsigned(&json!({ "alg": "none" }), &good));
    assert_eq!(refusal(&world, &none), "InvalidIdentityToken", "no signature");
    // The published modulus, which everybody can read, for the secret of an HMAC.
    let message = unsigned(&json!({ "alg": "HS256", "kid": "one" }), &good);
    let secret = published_rsa(&issuer.rsa, "one")["n"].as_str().unwrap().to_owned();
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.as_bytes());
    let hmac = format!("{message}.{}", encode(aws_lc_rs::hmac::sign(&key, message.as_bytes())));
    assert_eq!(refusal(&world, &hmac), "InvalidIdentityToken", "an HMAC with the public key");
    let stranger = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let forged = sign_rsa(&stranger, &json!({ "alg": "RS256", "kid": "one" }), &good);
    assert_eq!(refusal(&world, &forged), "InvalidIdentityToken", "another's key");
    let mixed = sign_rsa(&issuer.rsa, &json!({ "alg": "ES256", "kid": "two" }), &good);
    assert_eq!(refusal(&world, &mixed), "InvalidIdentityToken", "a key of another kind");
    let (head, signature) =
        issuer.token(json!({})).rsplit_once('.').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let header = head.split('.').next().unwrap();
    let changed = encode(issuer.claims(json!({ "sub": "somebody else" })).to_string());
    assert_eq!(refusal(&world, &format!("{header}.{changed}.{signature}")), "InvalidIdentityToken", "other claims");
    let critical = sign_rsa(&issuer.rsa, &json!({ "alg": "RS256", "kid": "one", "crit": ["b64"] }), &good);
    assert_eq!(refusal(&world, &critical), "InvalidIdentityToken", "an extension that must be understood");

    let now = NOW_MS / 1000;
    #[expect(clippy::cast_precision_loss, reason = "seconds of our time are few")]
    let seconds = now as f64;
    for (claims, code) in [
        (json!({ "aud": "another" }), "InvalidIdentityToken"),
        (json!({ "aud": null }), "InvalidIdentityToken"),
        (json!({ "azp": "another" }), "InvalidIdentityToken"),
        (json!({ "exp": now }), "ExpiredTokenException"),
        (json!({ "exp": null }), "InvalidIdentityToken"),
        (json!({ "exp": "tomorrow" }), "InvalidIdentityToken"),
        (json!({ "exp": 1e300 }), "InvalidIdentityToken"),
        (json!({ "exp": seconds - 0.5 }), "ExpiredTokenException"),
        (json!({ "iat": now + 3600 }), "InvalidIdentityToken"),
        (json!({ "iat": null }), "InvalidIdentityToken"),
        (json!({ "nbf": now + 3600 }), "InvalidIdentityToken"),
        (json!({ "sub": null }), "InvalidIdentityToken"),
        (json!({ "iss": "https://token.actions.githubusercontent.com" }), "InvalidIdentityToken"),
    ] {
        assert_eq!(refusal(&world, &issuer.token(claims.clone())), code, "{claims}");
    }
    for claims in [
        json!({}),
        json!({ "aud": ["another", "sts.amazonaws.com"] }),
        json!({ "aud": ["another"], "azp": "sts.amazonaws.com" }),
        json!({ "nbf": now }),
        json!({ "exp": seconds + 60.5, "iat": seconds - 0.25, "nbf": seconds - 0.25 }),
    ] {
        assert_eq!(refusal(&world, &issuer.token(claims.clone())), "", "{claims}");
    }
    let elliptic = sign_ec(&issuer.ec, &json!({ "alg": "ES256", "kid": "two" }), &good);
    assert_eq!(refusal(&world, &elliptic), "");
    world.pass(301);
    assert_eq!(refusal(&world, &elliptic), "ExpiredTokenException");
}

#[test]
fn an_issuer_over_tls_is_known_by_its_authoritys_thumbprint() {
    let (good, print) = authority("127.0.0.1");
    let (elsewhere, its) = authority("issuer.example.com");
    let (_, another) = authority("127.0.0.1");
    let taken = |config: &Arc<ServerConfig>, prints: &[&str]| {
        let world = World::new();
        let issuer = Issuer::start_with(Some(config.clone()));
        let names: Vec<_> = (1..=prints.len()).map(|n| format!("ThumbprintList.member.{n}")).collect();
        let more: Vec<_> = names.iter().map(String::as_str).zip(prints.iter().copied()).collect();
        trust_to(&world.root(), &issuer, "\"sts:AssumeRoleWithWebIdentity\"", "", &more);
        refusal(&world, &issuer.token(json!({})))
    };
    assert_eq!(taken(&good, &[&print]), "");
    assert_eq!(taken(&good, &[&another, &print.to_ascii_uppercase()]), "", "in any case of letters, one of several");
    assert_eq!(taken(&good, &[]), "InvalidIdentityToken", "nobody vouches for it");
    assert_eq!(taken(&good, &[&another]), "InvalidIdentityToken", "another authority's");
    assert_eq!(taken(&elsewhere, &[&its]), "InvalidIdentityToken", "the certificate is another server's");
}

#[test]
fn what_one_accounts_thumbprints_prove_proves_nothing_to_another() {
    let (config, print) = authority("127.0.0.1");
    let (world, issuer) = (World::new(), Issuer::start_with(Some(config)));
    let assume = "\"sts:AssumeRoleWithWebIdentity\"";
    trust_to(&world.root(), &issuer, assume, "", &[("ThumbprintList.member.1", print.as_str())]);
    assert_eq!(refusal(&world, &issuer.token(json!({}))), "");
    trust_to(&world.other(), &issuer, assume, "", &[]);
    let theirs = ROLE.replace(ACCOUNT, crate::harness::OTHER_ACCOUNT);
    let token = issuer.token(json!({}));
    let asked = params([("RoleArn", theirs.as_str()), ("RoleSessionName", "build"), ("WebIdentityToken", &token)]);
    let answer = world.client("", "", None).send("sts", "AssumeRoleWithWebIdentity", &asked);
    assert_eq!(answer.code(), "InvalidIdentityToken");
}

#[test]
fn a_token_tags_its_session() {
    const TAGS: &str = "https://aws.amazon.com/tags";
    const SOURCE: &str = "https://aws.amazon.com/source_identity";
    let world = World::new();
    let (root, issuer) = (world.root(), Issuer::start());
    let all = r#""sts:AssumeRoleWithWebIdentity","sts:TagSession","sts:SetSourceIdentity""#;
    let condition = r#","Condition":{"StringEqualsIfExists":{"aws:RequestTag/team":"blue"}}"#;
    trust_to(&root, &issuer, all, condition, &[]);
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:DescribeVpcs","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"blue","aws:SourceIdentity":"alice"}}}]}"#;
    ok(&root, "PutRolePolicy", &[("RoleName", "ci"), ("PolicyName", "p"), ("PolicyDocument", policy)]);
    let tags =
        |team: &str| json!({ "principal_tags": { "team": [team], "cost": ["7"] }, "transitive_tag_keys": ["team"] });
    let token = issuer.token(json!({ TAGS: tags("blue"), SOURCE: "alice" }));
    let answer = world.client("", "", None).send("sts", "AssumeRoleWithWebIdentity", &taking(&token));
    assert_eq!(answer.status, 200, "{}", answer.body);
    let tree = answer.tree();
    let of = |member: &str| at(&tree, &format!("AssumeRoleWithWebIdentityResult.{member}")).to_owned();
    assert_eq!(of("SourceIdentity"), "alice");
    let key = |member: &str| of(&format!("Credentials.{member}"));
    world.client(&key("AccessKeyId"), &key("SecretAccessKey"), Some(&key("SessionToken"))).ok("DescribeVpcs", &[]);

    assert_eq!(
        refusal(&world, &issuer.token(json!({ TAGS: tags("red") }))),
        "AccessDenied",
        "the trust policy's condition"
    );
    assert_eq!(refusal(&world, &issuer.token(json!({ TAGS: "team=blue" }))), "InvalidIdentityToken");
    let untagged = json!({ TAGS: { "transitive_tag_keys": ["team"] } });
    assert_eq!(refusal(&world, &issuer.token(untagged)), "InvalidParameterValue");
    let trust = |actions: &str| {
        let document = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Federated":"arn:aws:iam::{ACCOUNT}:oidc-provider/{}"}},"Action":[{actions}]}}]}}"#,
            issuer.name()
        );
        ok(&root, "UpdateAssumeRolePolicy", &[("RoleName", "ci"), ("PolicyDocument", &document)]);
    };
    trust(r#""sts:AssumeRoleWithWebIdentity","sts:SetSourceIdentity""#);
    assert_eq!(refusal(&world, &token), "AccessDenied", "it may not tag");
    trust(r#""sts:AssumeRoleWithWebIdentity","sts:TagSession""#);
    assert_eq!(refusal(&world, &token), "AccessDenied", "it may not say who it began with");
    assert_eq!(refusal(&world, &issuer.token(json!({ TAGS: tags("blue") }))), "");
}

#[test]
fn an_issuer_may_end_in_a_solidus_as_its_tokens_say() {
    let world = World::new();
    let (root, issuer) = (world.root(), Issuer::start());
    trust(&root, &issuer, "");
    assert_eq!(refusal(&world, &issuer.token(json!({ "iss": format!("{}/", issuer.url) }))), "");
    assert_eq!(refusal(&world, &issuer.token(json!({ "iss": format!("{}//", issuer.url) }))), "InvalidIdentityToken");
}

#[test]
fn a_suspended_accounts_roles_are_no_tokens_to_take() {
    let (world, issuer) = (World::new(), Issuer::start());
    trust_to(&world.other(), &issuer, "\"sts:AssumeRoleWithWebIdentity\"", "", &[]);
    let theirs = ROLE.replace(ACCOUNT, crate::harness::OTHER_ACCOUNT);
    let token = issuer.token(json!({}));
    let asked = params([("RoleArn", theirs.as_str()), ("RoleSessionName", "build"), ("WebIdentityToken", &token)]);
    let take = || world.client("", "", None).send("sts", "AssumeRoleWithWebIdentity", &asked);
    assert_eq!(take().status, 200);
    let account = params([("AccountId", crate::harness::OTHER_ACCOUNT)]);
    assert_eq!(world.root().send("landfall", "SuspendAccount", &account).status, 200);
    let (before, answer) = (world.revision(), take());
    assert_eq!((answer.status, answer.code().as_str()), (403, "OptInRequired"), "{}", answer.body);
    assert_eq!(world.revision(), before, "nothing of it changes");
}

#[test]
fn a_new_key_is_found_and_issuers_are_not_asked_at_anybodys_pace() {
    let world = World::new();
    let (root, mut issuer) = (world.root(), Issuer::start());
    trust(&root, &issuer, "");
    assert_eq!(refusal(&world, &issuer.token(json!({}))), "");
    assert_eq!(refusal(&world, &issuer.token(json!({}))), "");
    assert_eq!(issuer.asked.load(Ordering::Relaxed), 1, "keys are kept");
    issuer.rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    *issuer.keys.lock().unwrap() = json!({ "keys": [{ "kty": "odd" }, published_rsa(&issuer.rsa, "three")] });
    let token = sign_rsa(&issuer.rsa, &json!({ "alg": "RS256", "kid": "three" }), &issuer.claims(json!({})));
    assert_eq!(refusal(&world, &token), "InvalidIdentityToken", "so soon nobody asks again");
    world.pass(31);
    assert_eq!(refusal(&world, &token), "");
    assert_eq!(issuer.asked.load(Ordering::Relaxed), 2);
}

#[test]
fn an_issuer_that_speaks_for_another_or_not_at_all_is_not_believed() {
    let world = World::new();
    let (root, issuer) = (world.root(), Issuer::start());
    // The same server under another name says that it is another.
    let other = issuer.url.replace("127.0.0.1", "localhost");
    let url = [("Url", other.as_str()), ("ClientIDList.member.1", "sts.amazonaws.com")];
    ok(&root, "CreateOpenIDConnectProvider", &url);
    assert_eq!(refusal(&world, &issuer.token(json!({ "iss": other }))), "InvalidIdentityToken");
    let gone = ("http://127.0.0.1:1", "http://127.0.0.1:1/");
    ok(&root, "CreateOpenIDConnectProvider", &[("Url", gone.1), ("ClientIDList.member.1", "sts.amazonaws.com")]);
    assert_eq!(refusal(&world, &issuer.token(json!({ "iss": gone.0 }))), "InvalidIdentityToken");
}

#[test]
fn clients_and_tags_come_and_go() {
    let world = World::new();
    let root = world.root();
    let arn = provider(&root, &[]);
    let arn = ("OpenIDConnectProviderArn", arn[0].1.as_str());
    for (action, id) in [
        ("AddClientIDToOpenIDConnectProvider", "b"),
        ("AddClientIDToOpenIDConnectProvider", "b"),
        ("RemoveClientIDFromOpenIDConnectProvider", "sts.amazonaws.com"),
        ("RemoveClientIDFromOpenIDConnectProvider", "absent"),
    ] {
        ok(&root, action, &[arn, ("ClientID", id)]);
    }
    let shown = ok(&root, "GetOpenIDConnectProvider", &[arn]).tree();
    let clients = list(&shown, "GetOpenIDConnectProviderResult.ClientIDList");
    assert_eq!(clients.iter().map(|id| id.as_text().unwrap()).collect::<Vec<_>>(), ["b"]);
    assert_eq!(at(&shown, "GetOpenIDConnectProviderResult.Url"), "token.actions.githubusercontent.com");
    let again = [("Url", "https://token.actions.githubusercontent.com/")];
    let answer = root.send("iam", "CreateOpenIDConnectProvider", &params(again));
    assert_eq!((answer.status, answer.code().as_str()), (409, "EntityAlreadyExists"));
    let theirs = world.other().send("iam", "GetOpenIDConnectProvider", &params([arn]));
    assert_eq!(theirs.code(), "NoSuchEntity");
    ok(&root, "DeleteOpenIDConnectProvider", &[arn]);
    let all = ok(&root, "ListOpenIDConnectProviders", &[]).tree();
    assert!(column(&all, "ListOpenIDConnectProvidersResult.OpenIDConnectProviderList", "Arn").is_empty());
}

#[test]
fn an_issuer_is_asked_once_for_all_and_hanging_ones_take_nobody_elses_turn() {
    let world = World::new();
    let (root, issuer) = (world.root(), Issuer::start());
    trust(&root, &issuer, "");
    let sent = |token: &str| {
        let body = format!("{}&Version=2011-06-15", query("AssumeRoleWithWebIdentity", &taking(token)));
        let form = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")];
        world.client("", "", None).sign("sts", "POST", "/", &form, body.as_bytes())
    };
    let together: Vec<_> = (0..20).map(|_| sent(&issuer.token(json!({})))).collect();
    for answer in world.deliver_together(&together) {
        assert_eq!(answer.status, 200);
    }
    assert_eq!(issuer.asked.load(Ordering::Relaxed), 1);
    // Those of an account that don't answer are asked a few at once, and the others know at once.
    let hanging: Vec<_> = (0..7)
        .map(|_| {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            ok(&root, "CreateOpenIDConnectProvider", &[("Url", &url), ("ClientIDList.member.1", "sts.amazonaws.com")]);
            std::thread::spawn(move || {
                let held = listener.accept();
                std::thread::sleep(std::time::Duration::from_millis(500));
                drop(held);
            });
            sent(&issuer.token(json!({ "iss": url })))
        })
        .collect();
    let answers = world.deliver_together(&hanging);
    let refused = |code: &str| {
        answers
            .iter()
            .filter(|answer| String::from_utf8_lossy(&answer.body).contains(&format!("<Code>{code}<")))
            .count()
    };
    assert_eq!((refused("InvalidIdentityToken"), refused("IDPCommunicationError")), (4, 3));
}
