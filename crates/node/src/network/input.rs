//! What a network's namespace itself answers: DHCP, names, metadata, time and the API, to its own ports only; and, at the
//! addresses of endpoints, the API to whom they let in.

use std::fmt::{self, Write};

use super::endpoint;
use super::ruleset::{CLOCK, CLOCK_V6, METADATA, METADATA_V6, RESOLVER, RESOLVER_V6, Rules, UPLINK};

impl Rules<'_> {
    /// The chains of what the namespace takes and sends itself.
    pub(super) fn write_input(&self, text: &mut String) -> fmt::Result {
        let mut lines = String::new();
        if self.vpc.dns_support {
            let base = self.vpc.cidrs.first().and_then(|cidr| cidr.nth(2));
            let resolvers: Vec<_> = [Some(RESOLVER), base].into_iter().flatten().map(|a| a.to_string()).collect();
            let resolvers = resolvers.join(", ");
            writeln!(lines, "\t\tip daddr {{ {resolvers} }} meta l4proto {{ tcp, udp }} th dport 53 accept")?;
            if !self.vpc.ipv6.is_empty() {
                writeln!(lines, "\t\tip6 daddr {RESOLVER_V6} meta l4proto {{ tcp, udp }} th dport 53 accept")?;
            }
        }
        if let Some(api) = self.api {
            writeln!(lines, "\t\tip daddr {} tcp dport {} accept", api.ip(), api.port())?;
        }
        if !self.vpc.ipv6.is_empty() {
            writeln!(
                lines,
                "\t\tip6 daddr {METADATA_V6} tcp dport 80 accept
\t\tip6 daddr {CLOCK_V6} udp dport 123 accept
\t\tip6 saddr fe80::/10 udp sport 546 udp dport 547 accept
\t\ticmpv6 type {{ nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert }} accept"
            )?;
        }
        self.write_endpoints(text)?;
        let endpoints = if self.faces.is_empty() { "" } else { endpoint::INPUT_RULE };
        writeln!(
            text,
            "\tchain serve {{
\t\tmeta nfproto ipv4 udp sport 68 udp dport 67 accept
\t\tip daddr {METADATA} tcp dport 80 accept
\t\tip daddr {CLOCK} udp dport 123 accept
{lines}\t}}
\tchain input {{
\t\ttype filter hook input priority filter; policy drop;
\t\tiifname \"lo\" accept
\t\tiifname \"{UPLINK}\" drop
{endpoints}\t\tct state established,related accept
\t\tiifname @ports jump serve
\t}}
\tchain output {{
\t\ttype filter hook output priority filter; policy accept;
\t\toifname \"{UPLINK}\" drop
\t}}"
        )
    }
}
