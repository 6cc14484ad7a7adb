//! The front door within networks: takes calls that guests make at the doors of this machine's agent.
//!
//! A call is answered as one from outside is, with three differences. It carries where in the networks it began, which
//! policies may look at and an endpoint's policy decides on. It may be addressed by the names that lead to a door, which no
//! stranger can make point elsewhere. And the server's own paths aren't there.
//!
//! An endpoint speaks TLS at the port for that, with a certificate of the region's own authority for the names that private
//! DNS leads there. Plain HTTP is spoken beside it: at the link-local address nothing crosses a wire, and at an endpoint's
//! address only what comes over a peering or a transit gateway from a guest on this same machine. What guests of other
//! machines say comes over their agents' connections ([`super::door`], [`crate::relay`]), which are encrypted.

use std::net::TcpListener;
use std::sync::Arc;

use anyhow::{Result, bail};
use landfall_cloud::endpoint::SERVICES;
use landfall_model::{Origin, Region};
use landfall_node::door::{NAME, Reception, TLS_PORT};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::Server;
use super::entrance::Entrance;
use super::sources::Sources;

/// Takes calls from within networks for a server.
pub struct Inside {
    server: Arc<Server>,
    runtime: Handle,
}

impl Inside {
    /// The front door of that server, on the runtime that this is called on.
    pub fn of(server: Arc<Server>) -> Self {
        Self { server, runtime: Handle::current() }
    }
}

/// A task that ends with this.
pub struct Task(pub JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Reception for Inside {
    fn receive(&self, listener: TcpListener, origin: Origin) -> Box<dyn Send> {
        let (server, sources) = (self.server.clone(), self.server.guests.clone());
        let accept = async move {
            match entrance(&server, listener, sources, origin) {
                Ok(entrance) => server.answer(entrance).await,
                Err(error) => {
                    tracing::error!(error = format!("{error:#}"), vpc = %origin.vpc, "the API doesn't answer within a network");
                }
            }
        };
        Box::new(Task(self.runtime.spawn(accept)))
    }
}

/// The place that a listener in a network is.
fn entrance(server: &Server, listener: TcpListener, sources: Arc<Sources>, origin: Origin) -> Result<Entrance> {
    let tls = language(server, listener.local_addr()?.port())?;
    Ok(Entrance { listener: tokio::net::TcpListener::from_std(listener)?, origin: Some(origin), tls, sources })
}

/// What is spoken at a port within a network: TLS by what is returned, or plain HTTP.
pub fn language(server: &Server, port: u16) -> Result<Option<TlsAcceptor>> {
    match &server.tls {
        Some(certificates) if port == TLS_PORT => certificates.inside().map(Some),
        _ if port == TLS_PORT => bail!("there is no certificate to speak TLS with"),
        _ => Ok(None),
    }
}

/// Whether a host's name, in lower case and without a port, leads to a door: the one of every network's own, the names that
/// private DNS gives to the region's services, and those of endpoints.
pub fn is_name(name: &str, region: Region) -> bool {
    let leads = |host: &str, below: &str| {
        name == host || name.strip_suffix(below).is_some_and(|label| label.ends_with('.') && label.len() > 1)
    };
    name == NAME || SERVICES.iter().any(|service| leads(&service.host_name(region), &service.endpoint_domain(region)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_to_a_door_and_no_others() {
        let region: Region = "us-east-1".parse().unwrap();
        for good in [
            "api.landfall.internal",
            "sts.us-east-1.amazonaws.com",
            "ec2.us-east-1.amazonaws.com",
            "kms.us-east-1.amazonaws.com",
            "vpce-0123456789abcdef0-abcdefgh.ssm.us-east-1.vpce.amazonaws.com",
            "vpce-0123456789abcdef0-abcdefgh.sts.us-east-1.vpce.amazonaws.com",
            "vpce-0123456789abcdef0-abcdefgh-us-east-1a.ec2.us-east-1.vpce.amazonaws.com",
        ] {
            assert!(is_name(good, region), "{good}");
        }
        for bad in [
            "",
            "landfall.internal",
            "evil.api.landfall.internal",
            "sts.eu-west-1.amazonaws.com",
            "evil.sts.us-east-1.amazonaws.com",
            "sts.us-east-1.vpce.amazonaws.com",
            ".sts.us-east-1.vpce.amazonaws.com",
            "evilsts.us-east-1.vpce.amazonaws.com",
            "sts.us-east-1.amazonaws.com.evil.example",
            "lambda.us-east-1.amazonaws.com",
        ] {
            assert!(!is_name(bad, region), "{bad}");
        }
    }
}
