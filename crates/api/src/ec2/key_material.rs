//! Keys: making them, reading the forms in which people send public ones, and their fingerprints.
//!
//! EC2's fingerprints differ by origin, as its page "Verify the fingerprint of your key pair" says: SHA-1 over the private
//! key where EC2 made an RSA key, MD5 over the public one where it was imported, OpenSSH's own SHA-256 for Ed25519.

use aws_lc_rs::digest::{self, digest};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use landfall_model::KeyKind;
use landfall_wire::Blob;
use md5::{Digest as _, Md5};
use ssh_key::LineEnding;
use ssh_key::private::{Ed25519Keypair, PrivateKey};

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicKey {
    /// RSA: modulus and exponent, big endian, without leading zeroes.
    Rsa {
        /// The modulus.
        modulus: Vec<u8>,
        /// The exponent.
        exponent: Vec<u8>,
    },
    /// Ed25519.
    Ed25519([u8; 32]),
}

/// A key that was just made. Its private half is given out once and kept nowhere.
pub struct MadeKey {
    /// The private half, as its owner gets it.
    pub private_pem: String,
    /// The public half.
    pub public: PublicKey,
    /// The fingerprint of a key that EC2 made.
    pub fingerprint: String,
}

/// That the crypto library made no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the crypto library made no key")]
pub struct NoKey;

/// Makes a key. Takes some tens of milliseconds for RSA.
pub fn make(kind: KeyKind) -> Result<MadeKey, NoKey> {
    match kind {
        KeyKind::Rsa => make_rsa(),
        KeyKind::Ed25519 => make_ed25519(),
    }
}

fn make_rsa() -> Result<MadeKey, NoKey> {
    let key = KeyPair::generate(KeySize::Rsa2048).map_err(|_| NoKey)?;
    let pkcs8 = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&key).map_err(|_| NoKey)?;
    let pkcs1 = inner_key(pkcs8.as_ref()).ok_or(NoKey)?;
    let public = pkcs1_public(key.public_key().as_ref()).ok_or(NoKey)?;
    let fingerprint = colons(digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, pkcs8.as_ref()).as_ref());
    Ok(MadeKey { private_pem: pem("RSA PRIVATE KEY", pkcs1), public, fingerprint })
}

fn make_ed25519() -> Result<MadeKey, NoKey> {
    let mut seed = [0; 32];
    aws_lc_rs::rand::fill(&mut seed).map_err(|_| NoKey)?;
    let pair = Ed25519Keypair::from_seed(&seed);
    let public = PublicKey::Ed25519(pair.public.0);
    let private_pem = PrivateKey::from(pair).to_openssh(LineEnding::LF).map_err(|_| NoKey)?.to_string();
    let fingerprint = public.fingerprint();
    Ok(MadeKey { private_pem, public, fingerprint })
}

/// The longest public key that is read: four times what the largest RSA key takes.
const MAX_BYTES: usize = 16 * 1024;

impl PublicKey {
    /// Reads OpenSSH's form, RFC 4716's, and DER in base64 with or without PEM's lines. RSA keys have 1024, 2048 or 4096
    /// bits.
    pub fn parse(material: &[u8]) -> Option<Self> {
        if material.len() > MAX_BYTES {
            return None;
        }
        let text = std::str::from_utf8(material).ok()?.trim();
        let key = if text.starts_with("---- BEGIN SSH2 PUBLIC KEY ----") {
            ssh_blob(&Blob::parse(&rfc4716_body(text)?).ok()?.0)?
        } else if text.starts_with("ssh-") {
            let mut words = text.split_ascii_whitespace();
            let (kind, body) = (words.next()?, words.next()?);
            let blob = Blob::parse(body).ok()?.0;
            (ssh_kind(&blob)? == kind.as_bytes()).then_some(())?;
            ssh_blob(&blob)?
        } else {
            let body: String = text.lines().filter(|line| !line.starts_with("-----")).collect();
            let der = Blob::parse(&body).ok()?.0;
            spki_public(&der).or_else(|| pkcs1_public(&der))?
        };
        match &key {
            PublicKey::Rsa { modulus, exponent } => {
                let bits = modulus.len() * 8 - modulus.first()?.leading_zeros() as usize;
                ([1024, 2048, 4096].contains(&bits) && !exponent.is_empty()).then_some(key)
            }
            PublicKey::Ed25519(_) => Some(key),
        }
    }

    /// Its algorithm.
    pub fn kind(&self) -> KeyKind {
        match self {
            PublicKey::Rsa { .. } => KeyKind::Rsa,
            PublicKey::Ed25519(_) => KeyKind::Ed25519,
        }
    }

    /// OpenSSH's form on one line, with a comment.
    pub fn to_openssh(&self, comment: &str) -> String {
        let name = match self {
            PublicKey::Rsa { .. } => "ssh-rsa",
            PublicKey::Ed25519(_) => "ssh-ed25519",
        };
        format!("{name} {} {comment}", STANDARD.encode(self.ssh_bytes()))
    }

    /// PEM's form of an RSA key.
    pub fn to_pem(&self) -> Option<String> {
        match self {
            PublicKey::Rsa { modulus, exponent } => Some(pem("PUBLIC KEY", &spki_of_rsa(modulus, exponent))),
            PublicKey::Ed25519(_) => None,
        }
    }

    /// The fingerprint of a key that was imported: MD5 of the DER for RSA; SHA-256 in base64 for Ed25519, wherever from.
    pub fn fingerprint(&self) -> String {
        match self {
            PublicKey::Rsa { modulus, exponent } => colons(&Md5::digest(spki_of_rsa(modulus, exponent))),
            PublicKey::Ed25519(_) => STANDARD.encode(digest(&digest::SHA256, &self.ssh_bytes())),
        }
    }

    fn ssh_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut put = |bytes: &[u8]| {
            out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
            out.extend_from_slice(bytes);
        };
        match self {
            PublicKey::Rsa { modulus, exponent } => {
                put(b"ssh-rsa");
                put(&signed(exponent));
                put(&signed(modulus));
            }
            PublicKey::Ed25519(point) => {
                put(b"ssh-ed25519");
                put(point);
            }
        }
        out
    }
}

/// A positive number with the zero in front that keeps it from being read as negative.
fn signed(number: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(number.len() + 1);
    if number.first().is_none_or(|first| first & 0x80 != 0) {
        bytes.push(0);
    }
    bytes.extend_from_slice(number);
    bytes
}

fn without_zeroes(number: &[u8]) -> &[u8] {
    let zeroes = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeroes..]
}

/// The base64 of an RFC 4716 key: its lines but for the marks and headers, which a backslash continues.
fn rfc4716_body(text: &str) -> Option<String> {
    let mut body = String::new();
    let mut in_header = false;
    for line in text.lines().skip(1) {
        let line = line.trim();
        if line.starts_with("---- END") {
            return Some(body);
        }
        if in_header || line.contains(':') {
            in_header = line.ends_with('\\');
        } else {
            body.push_str(line);
        }
    }
    None
}

fn ssh_field(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

fn ssh_kind(blob: &[u8]) -> Option<&[u8]> {
    ssh_field(blob).map(|(kind, _)| kind)
}

fn ssh_blob(blob: &[u8]) -> Option<PublicKey> {
    let (kind, rest) = ssh_field(blob)?;
    let (first, rest) = ssh_field(rest)?;
    match kind {
        b"ssh-rsa" => {
            let (modulus, rest) = ssh_field(rest)?;
            let (modulus, exponent) = (without_zeroes(modulus).to_vec(), without_zeroes(first).to_vec());
            rest.is_empty().then_some(PublicKey::Rsa { modulus, exponent })
        }
        b"ssh-ed25519" => rest.is_empty().then_some(PublicKey::Ed25519(first.try_into().ok()?)),
        _ => None,
    }
}

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const SEQUENCE: u8 = 0x30;
/// `SEQUENCE { OID 1.2.840.113549.1.1.1 rsaEncryption, NULL }`.
const RSA_ALGORITHM: [u8; 15] =
    [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

/// Takes one element of DER of that tag: its content and what follows.
fn der_field(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (first, rest) = bytes.split_first()?;
    let (length, rest) = rest.split_first()?;
    let (length, rest) = if *length < 0x80 {
        (usize::from(*length), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
        if digits.len() > 4 {
            return None;
        }
        (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
    };
    if *first == tag { rest.split_at_checked(length) } else { None }
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = content.len();
    if length < 0x80 {
        out.push(length as u8);
    } else {
        let digits = length.to_be_bytes();
        let digits = without_zeroes(&digits);
        out.push(0x80 | digits.len() as u8);
        out.extend_from_slice(digits);
    }
    out.extend_from_slice(content);
    out
}

/// The key of PKCS#1 in one of PKCS#8: `SEQUENCE { version, algorithm, OCTET STRING }`.
fn inner_key(pkcs8: &[u8]) -> Option<&[u8]> {
    let (content, _) = der_field(pkcs8, SEQUENCE)?;
    let (_, content) = der_field(content, INTEGER)?;
    let (_, content) = der_field(content, SEQUENCE)?;
    der_field(content, OCTET_STRING).map(|(key, _)| key)
}

/// PKCS#1's public key: `SEQUENCE { modulus, exponent }`.
fn pkcs1_public(bytes: &[u8]) -> Option<PublicKey> {
    let (content, rest) = der_field(bytes, SEQUENCE)?;
    let (modulus, content) = der_field(content, INTEGER)?;
    let (exponent, content) = der_field(content, INTEGER)?;
    let (modulus, exponent) = (without_zeroes(modulus).to_vec(), without_zeroes(exponent).to_vec());
    (rest.is_empty() && content.is_empty()).then_some(PublicKey::Rsa { modulus, exponent })
}

/// X.509's: `SEQUENCE { algorithm, BIT STRING { PKCS#1 } }`.
fn spki_public(bytes: &[u8]) -> Option<PublicKey> {
    let (content, rest) = der_field(bytes, SEQUENCE)?;
    let content = content.strip_prefix(&RSA_ALGORITHM)?;
    let (key, after) = der_field(content, BIT_STRING)?;
    if !rest.is_empty() || !after.is_empty() {
        return None;
    }
    pkcs1_public(key.strip_prefix(&[0])?)
}

fn spki_of_rsa(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let numbers = [der(INTEGER, &signed(modulus)), der(INTEGER, &signed(exponent))].concat();
    let key = der(BIT_STRING, &[&[0], &der(SEQUENCE, &numbers)[..]].concat());
    der(SEQUENCE, &[&RSA_ALGORITHM, &key[..]].concat())
}

/// Characters of a line of PEM.
const PEM_LINE: usize = 64;

fn pem(label: &str, der: &[u8]) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    for (index, character) in STANDARD.encode(der).chars().enumerate() {
        if index > 0 && index % PEM_LINE == 0 {
            text.push('\n');
        }
        text.push(character);
    }
    text.push_str(&format!("\n-----END {label}-----"));
    text
}

fn colons(bytes: &[u8]) -> String {
    let pairs: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    pairs.join(":")
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use super::*;

    /// Runs a program on a file with that text; its output, or none where the program isn't there.
    fn run(program: &str, arguments: &[&str], input: &str) -> Option<Vec<u8>> {
        let mut file = std::env::temp_dir();
        static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let next = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        file.push(format!("landfall-key-{}-{next}", std::process::id()));
        std::fs::write(&file, input).unwrap();
        let mut permissions = std::fs::metadata(&file).unwrap().permissions();
        std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o600);
        std::fs::set_permissions(&file, permissions).unwrap();
        let output = Command::new(program).args(arguments).arg(&file).output();
        std::fs::remove_file(&file).unwrap();
        let output = output.ok()?;
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
        Some(output.stdout)
    }

    fn pipe(program: &str, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        let child = Command::new(program).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        child.wait_with_output().unwrap().stdout
    }

    #[test]
    fn made_rsa_keys_are_what_openssl_says() {
        let made = make(KeyKind::Rsa).unwrap();
        let pem = format!("{}\n", made.private_pem);
        assert!(pem.starts_with("-----BEGIN RSA PRIVATE KEY-----\n"));
        let Some(pkcs8) =
            run("openssl", &["pkcs8", "-inform", "PEM", "-outform", "DER", "-topk8", "-nocrypt", "-in"], &pem)
        else {
            println!("SKIPPED made_rsa_keys_are_what_openssl_says: openssl is not there");
            return;
        };
        let sha1 = pipe("openssl", &["sha1", "-c"], &pkcs8);
        let text = String::from_utf8(sha1).unwrap();
        assert_eq!(text.trim().rsplit([' ', '=']).next(), Some(made.fingerprint.as_str()));
        let Some(public) = run("ssh-keygen", &["-y", "-f"], &pem) else {
            println!("SKIPPED a part of made_rsa_keys_are_what_openssl_says: ssh-keygen is not there");
            return;
        };
        assert_eq!(String::from_utf8(public).unwrap().trim(), made.public.to_openssh("").trim());
    }

    #[test]
    fn made_ed25519_keys_are_what_ssh_keygen_says() {
        let made = make(KeyKind::Ed25519).unwrap();
        assert!(made.private_pem.starts_with("-----BEGIN OPENSSH PRIVATE KEY-----\n"));
        let Some(listed) = run("ssh-keygen", &["-l", "-f"], &made.private_pem) else {
            println!("SKIPPED made_ed25519_keys_are_what_ssh_keygen_says: ssh-keygen is not there");
            return;
        };
        let listed = String::from_utf8(listed).unwrap();
        let expected = format!("SHA256:{}", made.fingerprint.trim_end_matches('='));
        assert_eq!(listed.split(' ').nth(1), Some(expected.as_str()));
    }

    #[test]
    fn every_form_of_a_public_key_is_read() {
        let made = make(KeyKind::Rsa).unwrap();
        let line = made.public.to_openssh("me@here");
        assert_eq!(PublicKey::parse(line.as_bytes()), Some(made.public.clone()));
        let PublicKey::Rsa { modulus, exponent } = &made.public else { panic!("not RSA") };
        let spki = STANDARD.encode(spki_of_rsa(modulus, exponent));
        for form in [
            spki.clone(),
            format!("-----BEGIN PUBLIC KEY-----\n{spki}\n-----END PUBLIC KEY-----\n"),
            format!(
                "---- BEGIN SSH2 PUBLIC KEY ----\nComment: \"a \\\nlong one\"\n{}\n---- END SSH2 PUBLIC KEY ----\n",
                STANDARD.encode(made.public.ssh_bytes())
            ),
        ] {
            assert_eq!(PublicKey::parse(form.as_bytes()), Some(made.public.clone()), "{form}");
        }
        let Some(rfc4716) = run("ssh-keygen", &["-e", "-m", "RFC4716", "-f"], &line) else {
            println!("SKIPPED a part of every_form_of_a_public_key_is_read: ssh-keygen is not there");
            return;
        };
        assert_eq!(PublicKey::parse(&rfc4716), Some(made.public.clone()));
        let Some(der) = run(
            "openssl",
            &["pkey", "-pubin", "-outform", "DER", "-in"],
            &format!("-----BEGIN PUBLIC KEY-----\n{spki}\n-----END PUBLIC KEY-----\n"),
        ) else {
            return;
        };
        let md5 = String::from_utf8(pipe("openssl", &["md5", "-c"], &der)).unwrap();
        assert_eq!(md5.trim().rsplit([' ', '=']).next(), Some(made.public.fingerprint().as_str()));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let made = make(KeyKind::Ed25519).unwrap();
        let line = made.public.to_openssh("c");
        assert_eq!(PublicKey::parse(line.as_bytes()), Some(made.public));
        let odd = PublicKey::Rsa { modulus: vec![0xff; 100], exponent: vec![1, 0, 1] };
        for bad in [
            "",
            "ssh-rsa",
            "ssh-rsa !!!!",
            "ssh-dss AAAAB3NzaC1kc3MAAAAB",
            &line.replacen("ssh-ed25519", "ssh-rsa", 1),
            &line[..40],
            "MIIB",
            &odd.to_openssh("800 bits"),
            "---- BEGIN SSH2 PUBLIC KEY ----\nAAAA",
            &"A".repeat(MAX_BYTES + 1),
        ] {
            assert_eq!(PublicKey::parse(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(PublicKey::parse(&[0xff, 0xfe]), None);
    }
}
