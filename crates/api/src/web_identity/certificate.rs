//! Whether a server's certificate is an issuer's: as the machine trusts it, or as an account's provider names it.
//!
//! AWS asks its own library of authorities first. Where that doesn't know the authority, the provider's thumbprints do: each
//! is the SHA-1 of the certificate that the server's chain ends in. All else stays as it is: names, times and signatures are
//! checked up to that certificate. Source: the IAM User Guide, "Obtain the thumbprint for an OpenID Connect identity
//! provider".

use std::sync::{Arc, OnceLock};

use aws_lc_rs::digest;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{
    CryptoProvider, aws_lc_rs as provider, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

use super::fetch::{FetchError, failed};

/// What the machine trusts.
#[derive(Debug, Default)]
pub(super) struct Trust {
    /// Nothing, where it trusts no authority at all.
    machine: OnceLock<Option<Arc<WebPkiServerVerifier>>>,
}

impl Trust {
    /// The configuration of TLS for servers of a provider with those thumbprints.
    pub(super) fn config(&self, thumbprints: &[String]) -> Result<Arc<ClientConfig>, FetchError> {
        let crypto = Arc::new(provider::default_provider());
        let machine = self.machine.get_or_init(|| of_machine(&crypto)).clone();
        if machine.is_none() && thumbprints.is_empty() {
            return Err(failed("this machine trusts no certificates: install ca-certificates"));
        }
        let thumbprints = thumbprints.iter().map(|print| print.to_ascii_lowercase()).collect();
        let verifier = Arc::new(Verifier { machine, thumbprints, crypto: crypto.clone() });
        let builder = ClientConfig::builder_with_provider(crypto).with_safe_default_protocol_versions();
        let builder = builder.map_err(failed)?.dangerous();
        Ok(Arc::new(builder.with_custom_certificate_verifier(verifier).with_no_client_auth()))
    }
}

fn of_machine(crypto: &Arc<CryptoProvider>) -> Option<Arc<WebPkiServerVerifier>> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), crypto.clone()).build().ok()
}

/// Checks certificates by what the machine trusts, then by thumbprints.
#[derive(Debug)]
struct Verifier {
    machine: Option<Arc<WebPkiServerVerifier>>,
    /// In small letters.
    thumbprints: Vec<String>,
    crypto: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let unknown = Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let by_machine = self.machine.as_ref().map(|machine| machine.verify_server_cert(end, chain, name, ocsp, now));
        match by_machine {
            None | Some(Err(Error::InvalidCertificate(CertificateError::UnknownIssuer))) => {}
            Some(verified) => return verified,
        }
        let top = chain.last().unwrap_or(end);
        if !self.thumbprints.contains(&thumbprint(top)) {
            return Err(unknown);
        }
        let mut roots = RootCertStore::empty();
        roots.add(top.clone().into_owned())?;
        let by_print = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), self.crypto.clone()).build();
        by_print.map_err(|error| Error::General(error.to_string()))?.verify_server_cert(end, chain, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.crypto.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.crypto.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.crypto.signature_verification_algorithms.supported_schemes()
    }
}

/// As AWS writes it: forty hexadecimal digits in small letters.
fn thumbprint(certificate: &CertificateDer<'_>) -> String {
    let print = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, certificate);
    print.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
