//! Any bytes as a file of certificates, as one certificate, and as a public key: read or refused. What is read of a key is
//! the same in each of its forms.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use key_material::PublicKey;

#[path = "../../crates/api/src/ec2/key_material.rs"]
#[allow(dead_code)]
mod key_material;
#[path = "../../crates/landfall/src/serve/tls/validity.rs"]
#[allow(dead_code)]
mod validity;

fuzz_target!(|bytes: &[u8]| {
    look(bytes);
    for certificate in CertificateDer::pem_slice_iter(bytes).flatten() {
        look(&certificate);
    }
    let Some(key) = PublicKey::parse(bytes) else { return };
    let _fingerprint = key.fingerprint();
    for form in [Some(key.to_openssh("ann")), key.to_pem()].into_iter().flatten() {
        assert_eq!(PublicKey::parse(form.as_bytes()).as_ref(), Some(&key), "{form}");
    }
});

fn look(der: &[u8]) {
    let Some(validity) = validity::Validity::read(der) else { return };
    assert!(!validity.covers(validity.until_ms));
    assert_eq!(validity.last_day().len(), "2027-02-20".len());
}
