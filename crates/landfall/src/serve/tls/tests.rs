//! Certificates as clients see them: each handshake is a real one, in memory.

use std::os::unix::fs::PermissionsExt as _;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use super::*;

fn place() -> Place {
    let host_names = vec!["cloud.example.org".to_owned()];
    Place { listen: "127.0.0.1".parse().unwrap(), host_names, region: "us-east-1".parse().unwrap() }
}

fn authority(folder: &Path, now_ms: i64) -> Authority {
    Authority::ensure(&folder.join("keys"), &folder.join("ca.pem"), now_ms).unwrap()
}

fn now() -> i64 {
    super::now_ms()
}

/// Connects by that name, trusting that certificate alone. The certificate that was shown, or why it wasn't taken.
fn connect(server: &TlsAcceptor, name: &str, trusted: &str) -> Result<Vec<u8>, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(trusted.as_bytes()) {
        roots.add(certificate.unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let client = TlsConnector::from(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let (near, far) = tokio::io::duplex(64 * 1024);
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let (server, client) = tokio::join!(server.accept(far), client.connect(name, near));
        drop(server);
        let stream = client.map_err(|error| error.to_string())?;
        Ok(stream.get_ref().1.peer_certificates().unwrap()[0].to_vec())
    })
}

#[test]
fn clients_that_trust_the_authority_reach_it_by_all_its_names_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::new(authority(folder.path(), now()), place(), None, now()).unwrap();
    let trusted = std::fs::read_to_string(folder.path().join("ca.pem")).unwrap();
    assert_eq!(trusted, certificates.authority_pem());
    for server in [certificates.outside().unwrap(), certificates.inside().unwrap()] {
        for name in [
            "localhost",
            "127.0.0.1",
            "::1",
            "cloud.example.org",
            "ec2.us-east-1.amazonaws.com",
            "vpce-0123456789abcdef0-abcdefgh.sts.us-east-1.vpce.amazonaws.com",
        ] {
            assert!(connect(&server, name, &trusted).is_ok(), "{name}");
        }
        for name in ["example.org", "ec2.eu-west-1.amazonaws.com", "a.b.us-east-1.amazonaws.com", "192.0.2.1"] {
            let refused = connect(&server, name, &trusted).unwrap_err();
            assert!(refused.contains("not valid for name"), "{name}: {refused}");
        }
        let other = Authority::volatile(now()).unwrap().pem();
        assert!(connect(&server, "localhost", &other).is_err(), "another cloud's authority vouched for it");
    }
}

#[test]
fn an_authority_is_made_once_and_its_key_is_its_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let first = authority(folder.path(), now());
    assert_eq!(authority(folder.path(), now()).pem(), first.pem());
    let mode = |path: &str| std::fs::metadata(folder.path().join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("keys/authority.key"), mode("ca.pem")), (0o600, 0o644));
    std::fs::write(folder.path().join("keys/authority.key"), "nothing").unwrap();
    let damaged = Authority::ensure(&folder.path().join("keys"), &folder.path().join("ca.pem"), now());
    assert!(damaged.is_err(), "a damaged key is replaced in silence");
}

#[test]
fn an_authority_that_comes_to_its_end_goes_on_and_is_known_to_those_who_knew_it() {
    let folder = tempfile::tempdir().unwrap();
    let old = authority(folder.path(), now() - 3_500 * DAY_MS).pem();
    let renewed = authority(folder.path(), now());
    assert_ne!(renewed.pem(), old);
    assert_eq!(std::fs::read_to_string(folder.path().join("ca.pem")).unwrap(), renewed.pem());
    let new = renewed.pem();
    let certificates = Certificates::new(renewed, place(), None, now()).unwrap();
    for trusted in [&old, &new] {
        assert!(connect(&certificates.outside().unwrap(), "localhost", trusted).is_ok());
    }
    std::fs::write(folder.path().join("ca.pem"), Authority::volatile(now()).unwrap().pem()).unwrap();
    let mended = authority(folder.path(), now());
    assert!(is_written(folder.path(), &mended), "another authority's certificate stays in its place");
}

fn is_written(folder: &Path, authority: &Authority) -> bool {
    std::fs::read_to_string(folder.join("ca.pem")).unwrap() == authority.pem()
}

#[test]
fn a_certificate_is_replaced_before_it_ends() {
    let certificates = Certificates::new(Authority::volatile(now()).unwrap(), place(), None, now()).unwrap();
    let shown = || certificates.own.leaf().certified.cert[0].clone();
    let first = shown();
    for (days, is_new) in [(0, false), (59, false), (61, true), (62, false), (200, true), (0, true)] {
        let before = shown();
        certificates.refresh(now() + days * DAY_MS).unwrap();
        assert_eq!(shown() != before, is_new, "after {days} days");
    }
    assert_ne!(shown(), first);
    assert!(connect(&certificates.outside().unwrap(), "localhost", &certificates.authority_pem()).is_ok());
}

/// Writes a certificate for that name and its key, of an authority that is returned.
fn give(files: &Files, name: &str) -> String {
    let key = rcgen::KeyPair::generate().unwrap();
    let made = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap().self_signed(&key).unwrap();
    let pem = |what: &str, der: &[u8]| {
        use base64::Engine as _;
        let text = base64::engine::general_purpose::STANDARD.encode(der);
        format!("-----BEGIN {what}-----\n{text}\n-----END {what}-----\n")
    };
    let certificate = pem("CERTIFICATE", made.der());
    std::fs::write(&files.key, pem("PRIVATE KEY", &key.serialize_der())).unwrap();
    std::fs::write(&files.certificate, &certificate).unwrap();
    certificate
}

#[test]
fn a_certificate_that_is_given_is_read_again_when_it_changes() {
    let folder = tempfile::tempdir().unwrap();
    let files = Files { certificate: folder.path().join("c.pem"), key: folder.path().join("k.pem") };
    let new =
        |files: &Files| Certificates::new(Authority::volatile(now()).unwrap(), place(), Some(files.clone()), now());
    assert!(new(&files).is_err(), "there are no files");
    let first = give(&files, "one.example.org");
    let certificates = new(&files).unwrap();
    let server = certificates.outside().unwrap();
    assert!(connect(&server, "one.example.org", &first).is_ok());
    let second = give(&files, "two.example.org");
    certificates.refresh(now()).unwrap();
    assert!(connect(&server, "two.example.org", &second).is_ok());
    assert!(connect(&server, "one.example.org", &first).is_err());

    std::fs::write(&files.certificate, &first).unwrap();
    assert!(certificates.refresh(now()).is_err(), "a certificate of another key");
    assert!(connect(&server, "two.example.org", &second).is_ok(), "the old one is shown on");
    assert!(certificates.refresh(now()).is_ok(), "said once");
    let third = give(&files, "three.example.org");
    certificates.refresh(now()).unwrap();
    assert!(connect(&server, "three.example.org", &third).is_ok());
    let inside = certificates.inside().unwrap();
    assert!(connect(&inside, "ec2.us-east-1.amazonaws.com", &certificates.authority_pem()).is_ok());
}
