//! Why a tunnel isn't up, in words for its owner, from what its daemon wrote into its log.
//!
//! A line is `07[IKE] <tunnel-1|3> authentication of …`; before a tunnel is known by what was said, its name is missing,
//! and the line may be about any of them. Such words change from version to version: what isn't known says nothing.

/// What the log says, and what that means.
const CAUSES: [(&str, &str); 14] = [
    ("MAC mismatched", KEYS),
    ("could not decrypt payloads", KEYS),
    ("no shared key found", KEYS),
    ("received AUTHENTICATION_FAILED", "THE OTHER SIDE REFUSED THE PRE-SHARED KEY"),
    ("no IKE config found", "THE OTHER SIDE ASKED FOR ANOTHER VERSION OF IKE"),
    ("received proposals unacceptable", PROPOSALS),
    ("no acceptable proposal found", PROPOSALS),
    ("no matching proposal found", PROPOSALS),
    ("received NO_PROPOSAL_CHOSEN", PROPOSALS),
    ("traffic selectors", BLOCKS),
    ("received TS_UNACCEPTABLE", BLOCKS),
    ("no matching CHILD_SA config found", BLOCKS),
    ("giving up after", "THE OTHER SIDE DOES NOT ANSWER"),
    ("received DELETE for IKE_SA", "THE OTHER SIDE ENDED THE TUNNEL"),
];
const KEYS: &str = "THE PRE-SHARED KEYS OF THE TWO SIDES DIFFER";
const PROPOSALS: &str = "THE TWO SIDES HAVE NO ALGORITHM IN COMMON";
const BLOCKS: &str = "THE TWO SIDES ASK FOR DIFFERENT NETWORKS";

/// What the end of a log says last of a tunnel that isn't up.
pub fn cause(log: &str, tunnel: &str) -> Option<&'static str> {
    let mut cause = None;
    for line in log.lines() {
        let Some((_, rest)) = line.split_once('<') else { continue };
        let Some((about, said)) = rest.split_once('>') else { continue };
        let name = about.split_once('|').map(|(name, _)| name);
        if name.is_some_and(|name| name != tunnel) {
            continue;
        }
        if said.contains(" established between ") {
            cause = None;
        } else if let Some((_, words)) = CAUSES.iter().find(|(known, _)| said.contains(known)) {
            cause = Some(*words);
        }
    }
    cause
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_about_a_tunnel_counts() {
        let log = "06[IKE] <7> 198.18.0.9 is initiating an IKE_SA
14[IKE] <tunnel-1|7> tried 1 shared key for '198.18.0.1' - '198.18.0.9', but MAC mismatched
14[IKE] <tunnel-2|8> IKE_SA tunnel-2[8] established between 198.18.0.2[198.18.0.2]...198.18.0.9[198.18.0.9]
nonsense <
";
        assert_eq!(cause(log, "tunnel-1"), Some(KEYS));
        assert_eq!(cause(log, "tunnel-2"), None);
        let log = format!("{log}05[IKE] <9> received proposals unacceptable\n");
        assert_eq!(cause(&log, "tunnel-1"), Some(PROPOSALS), "before a tunnel is known it may be either");
        let log = format!("{log}05[IKE] <tunnel-1|9> IKE_SA tunnel-1[9] established between a and b\n");
        assert_eq!(cause(&log, "tunnel-1"), None);
    }
}
