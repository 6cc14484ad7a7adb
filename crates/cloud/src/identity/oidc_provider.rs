//! Providers of identities: whose tokens an account takes for proof of who somebody is.

use landfall_model::{AccountId, Arn, OidcProvider};

use super::fault::IdentityFault;
use crate::fault::Fault;
use crate::tag;
use crate::tx::Tx;
use crate::value::{Cloud, OidcProviders};
use crate::view::View;

/// Providers of an account. Source: the IAM User Guide, "IAM and AWS STS quotas", as are the others.
const LIMIT: usize = 100;
const CLIENTS: usize = 100;
const THUMBPRINTS: usize = 5;
const URL_CHARS: usize = 255;
const CLIENT_CHARS: std::ops::RangeInclusive<usize> = 1..=255;
const THUMBPRINT_CHARS: usize = 40;

/// The provider of an ARN, if it is the account's.
pub fn find<'a>(view: &View<'a>, arn: &str) -> Option<&'a OidcProvider> {
    let arn = arn.parse().ok()?;
    view.tables().oidc_providers.get(&arn).filter(|row| row.account == view.scope().account)
}

/// The provider of an ARN, or that there is none.
pub fn need<'a>(view: &View<'a>, arn: &str) -> Result<&'a OidcProvider, Fault> {
    let no_such = || IdentityFault::NoSuch(format!("OpenIDConnect Provider not found for arn {arn}"));
    Ok(find(view, arn).ok_or_else(no_such)?)
}

/// An account's providers, by ARN.
pub fn all<'a>(view: &View<'a>) -> impl Iterator<Item = &'a OidcProvider> + use<'a> {
    view.tables().oidc_providers.by_account(&view.scope().account)
}

/// The provider that an account has for an issuer, as tokens name it. Some issuers end in a solidus, which providers don't.
pub fn of_issuer<'a>(cloud: &'a Cloud, account: AccountId, issuer: &str) -> Option<&'a OidcProvider> {
    let issuer = issuer.strip_suffix('/').unwrap_or(issuer);
    let (_, name) = issuer.split_once("://")?;
    cloud.oidc_providers.get(&OidcProvider::arn_of(account, name)).filter(|row| row.issuer == issuer)
}

/// Makes a provider of an issuer.
pub fn create(tx: &mut Tx<'_, '_>, url: &str, client_ids: Vec<String>, thumbprints: Vec<String>) -> Result<Arn, Fault> {
    let issuer = issuer(url)?;
    client_ids.iter().try_for_each(|id| check_client(id))?;
    check_thumbprints(&thumbprints)?;
    let mut clients: Vec<String> = Vec::new();
    for id in client_ids {
        if !clients.contains(&id) {
            clients.push(id);
        }
    }
    check_clients(clients.len())?;
    let account = tx.scope().account;
    let (created_at, name) = (tx.now(), issuer.split_once("://").map_or(issuer, |(_, name)| name));
    let arn = OidcProvider::arn_of(account, name);
    if tx.oidc_providers.contains(&arn) {
        return Err(IdentityFault::Exists(format!("Provider with url {url} already exists.")).into());
    }
    if all(&tx.view()).count() >= LIMIT {
        return Err(IdentityFault::Limit { quota: "OpenIdConnectProvidersPerAccount", limit: LIMIT }.into());
    }
    tx.put::<OidcProviders>(OidcProvider {
        account,
        arn: arn.clone(),
        issuer: issuer.to_owned(),
        client_ids: clients,
        thumbprints,
        created_at,
    });
    Ok(arn)
}

/// Takes tokens for somebody else, too. Who is known already stays so.
pub fn add_client(tx: &mut Tx<'_, '_>, arn: &str, id: &str) -> Result<(), Fault> {
    check_client(id)?;
    let row = need(&tx.view(), arn)?;
    if row.client_ids.iter().any(|known| known == id) {
        return Ok(());
    }
    check_clients(row.client_ids.len() + 1)?;
    let arn = row.arn.clone();
    tx.update::<OidcProviders, _>(&arn, |row| row.client_ids.push(id.to_owned()));
    Ok(())
}

/// Takes no more tokens for somebody.
pub fn remove_client(tx: &mut Tx<'_, '_>, arn: &str, id: &str) -> Result<(), Fault> {
    check_client(id)?;
    let arn = need(&tx.view(), arn)?.arn.clone();
    tx.update::<OidcProviders, _>(&arn, |row| row.client_ids.retain(|known| known != id));
    Ok(())
}

/// Sets the fingerprints of a provider.
pub fn set_thumbprints(tx: &mut Tx<'_, '_>, arn: &str, thumbprints: Vec<String>) -> Result<(), Fault> {
    check_thumbprints(&thumbprints)?;
    let arn = need(&tx.view(), arn)?.arn.clone();
    tx.update::<OidcProviders, _>(&arn, |row| row.thumbprints = thumbprints);
    Ok(())
}

/// Deletes a provider, whether roles trust it or not.
pub fn delete(tx: &mut Tx<'_, '_>, arn: &str) -> Result<(), Fault> {
    let arn = need(&tx.view(), arn)?.arn.clone();
    tag::forget(tx, arn.as_str());
    tx.delete::<OidcProviders>(&arn);
    Ok(())
}

/// The issuer that an address names. It is reached over TLS, but for one on this very machine.
fn issuer(url: &str) -> Result<&str, Fault> {
    let invalid = |why: &str| Fault::from(IdentityFault::Input(format!("Invalid Open ID Connect Provider URL: {why}")));
    if url.chars().count() > URL_CHARS {
        return Err(invalid("it is too long"));
    }
    let (scheme, rest) = url.split_once("://").ok_or_else(|| invalid("it must begin with https://"))?;
    let host = rest.split('/').next().unwrap_or_default();
    let near = ["127.0.0.1", "localhost", "[::1]"];
    let is_near =
        near.iter().any(|near| host == *near || host.strip_prefix(near).is_some_and(|rest| rest.starts_with(':')));
    if scheme != "https" && !(scheme == "http" && is_near) {
        return Err(invalid("it must begin with https://"));
    }
    let fits = |byte: u8| (0x21..=0x7e).contains(&byte) && !b"?#@\\\"<>{}|^`%".contains(&byte);
    if host.is_empty() || !rest.bytes().all(fits) {
        return Err(invalid("it is no address of an issuer"));
    }
    Ok(url.strip_suffix('/').unwrap_or(url))
}

fn check_client(id: &str) -> Result<(), IdentityFault> {
    if CLIENT_CHARS.contains(&id.chars().count()) && !id.chars().any(char::is_control) {
        return Ok(());
    }
    Err(IdentityFault::Input("A client id has between 1 and 255 characters.".into()))
}

fn check_clients(count: usize) -> Result<(), IdentityFault> {
    if count > CLIENTS {
        return Err(IdentityFault::Limit { quota: "ClientIdsPerOpenIdConnectProvider", limit: CLIENTS });
    }
    Ok(())
}

fn check_thumbprints(thumbprints: &[String]) -> Result<(), IdentityFault> {
    if thumbprints.len() > THUMBPRINTS {
        return Err(IdentityFault::Input("Thumbprint list must contain fewer than 5 entries.".into()));
    }
    let fits = |text: &String| text.len() == THUMBPRINT_CHARS && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match thumbprints.iter().find(|text| !fits(text)) {
        Some(_) => Err(IdentityFault::Input("Thumbprint must be 40 hexadecimal characters.".into())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_reached_over_tls_or_is_near() {
        for good in [
            "https://token.actions.githubusercontent.com",
            "https://example.com/a/b",
            "http://127.0.0.1:8080",
            "http://localhost/realms/x",
            "http://[::1]:1",
        ] {
            assert_eq!(issuer(good), Ok(good));
        }
        assert_eq!(issuer("https://example.com/"), Ok("https://example.com"));
        for bad in [
            "",
            "example.com",
            "https://",
            "http://example.com",
            "http://127.0.0.1.example.com",
            "http://localhostess",
            "ftp://example.com",
            "https://a@b",
            "https://a?b",
            "https://a b",
        ] {
            assert!(issuer(bad).is_err(), "{bad}");
        }
    }
}
