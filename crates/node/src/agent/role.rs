//! The thread that keeps instances' role credentials: fetches them from the control plane by calls of its own, since plans
//! hold no secret, and lends them to whatever answers guests. They are in memory alone, and only those of instances that
//! are placed here now.
//!
//! They are renewed long before they end, so that guests go on for hours while the control plane is away.

use std::collections::BTreeMap;
use std::time::Duration;

use landfall_model::agent::{AgentCall, AgentReply};
use landfall_model::delivery::RoleCredentials;
use landfall_model::plan::HostPlan;
use landfall_model::{InstanceId, Timestamp, UniqueId};

use super::Shared;
use super::threads::caught;

/// How often it is seen to that they are where they are needed.
const LOOK: Duration = Duration::from_secs(2);
/// How old they get before new ones are fetched: as old as AWS's.
const RENEW: Duration = Duration::from_secs(3600);
/// How long until a renewal that failed is tried again.
const AGAIN: Duration = Duration::from_secs(30);

/// Credentials as they were fetched.
struct Held {
    credentials: RoleCredentials,
    renew_at: Timestamp,
}

/// The credentials of this host's instances.
#[derive(Default)]
pub(super) struct Purse {
    held: BTreeMap<InstanceId, Held>,
}

impl Purse {
    /// The instances whose credentials are to be fetched now. Those of instances that are gone, or that have another role
    /// by now, are dropped.
    fn due(&mut self, plan: &HostPlan, now: Timestamp) -> Vec<(InstanceId, UniqueId)> {
        let role = |id: &InstanceId| plan.instance(*id).and_then(|piece| piece.metadata.profile.as_ref()?.role.role());
        self.held.retain(|id, held| role(id) == Some(&held.credentials.role));
        let roles = plan.instances().filter_map(|piece| Some((piece.id, role(&piece.id)?.clone())));
        roles.filter(|(id, _)| self.held.get(id).is_none_or(|held| held.renew_at <= now)).collect()
    }

    /// Takes what was fetched for an instance; nothing where none could be. What is there stays as long as it is good.
    fn take(&mut self, id: InstanceId, role: &UniqueId, fetched: Option<RoleCredentials>, now: Timestamp) {
        match fetched.filter(|fetched| fetched.role == *role) {
            Some(credentials) => _ = self.held.insert(id, Held { credentials, renew_at: now + RENEW }),
            None => {
                if let Some(held) = self.held.get_mut(&id) {
                    held.renew_at = now + AGAIN;
                }
            }
        }
    }

    /// All of them.
    fn all(&self) -> BTreeMap<InstanceId, RoleCredentials> {
        self.held.iter().map(|(id, held)| (*id, held.credentials.clone())).collect()
    }
}

impl Shared {
    /// Keeps credentials where they are needed, for as long as the agent runs.
    pub(super) fn lend_until_stopped(&self) {
        let mut purse = Purse::default();
        let (mut done, mut look_at) = (None, None);
        let mut mind = self.mind();
        while !self.is_stopped() {
            // Whoever answers guests is there once the network was applied, and knows the instance then.
            let version = mind.ledger.wiring.applied();
            let is_due = done != Some(version) || look_at.is_some_and(|at| at <= self.now());
            let Some(plan) = mind.ledger.plan().cloned().filter(|_| is_due && mind.ledger.may_work()) else {
                mind = self.wait(mind, look_at);
                continue;
            };
            drop(mind);
            let lent = self.lend(&mut purse, &plan);
            drop(plan);
            mind = self.mind();
            done = Some(version);
            look_at = lent.then(|| self.now() + LOOK);
        }
    }

    /// Fetches what is due and lends all. Returns whether there is anything to look after.
    fn lend(&self, purse: &mut Purse, plan: &HostPlan) -> bool {
        let had_any = !purse.held.is_empty();
        let due = purse.due(plan, self.now());
        for (id, role) in &due {
            let fetched = match self.link.call(AgentCall::RoleCredentials { instance: *id }) {
                Ok(AgentReply::RoleCredentials { credentials }) => credentials,
                Ok(_) => None,
                Err(error) => {
                    tracing::debug!(%error, %id, "an instance's credentials can't be fetched");
                    None
                }
            };
            purse.take(*id, role, fetched, self.now());
        }
        if let Err(error) = caught(|| self.drivers.network.lend(&purse.all())) {
            tracing::debug!(%error, "instances' credentials can't be handed on yet");
        }
        had_any || !due.is_empty() || !purse.held.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use landfall_model::agent::Secret;
    use landfall_model::delivery::{ProfilePlan, RolePlan, SessionKey};
    use landfall_model::plan::{Piece, PieceKey};

    use super::*;
    use crate::metadata::sample;

    const NOW: Timestamp = Timestamp(1_000_000);

    fn role(text: &str) -> UniqueId {
        text.parse().unwrap()
    }

    fn credentials(of: &str) -> RoleCredentials {
        let key = SessionKey { access_key: "ASIA".into(), secret: Secret("s".into()), token: Secret("t".into()) };
        let (issued_at, expires_at) = (NOW, NOW + RENEW * 6);
        RoleCredentials { role: role(of), issued_at, expires_at, v1: key.clone(), v2: key }
    }

    fn plan(role: RolePlan) -> HostPlan {
        let mut plan = sample::host_plan();
        let key = PieceKey::Instance(sample::instance_id());
        let Some(Piece::Instance(piece)) = plan.pieces.get_mut(&key) else { panic!("no instance") };
        let arn = "arn:aws:iam::123456789012:instance-profile/web".parse().unwrap();
        let id = "AIPAB7AYGWSTWQV2YFZXA".parse().unwrap();
        piece.metadata.profile = Some(ProfilePlan { arn, id, since: NOW, role });
        plan
    }

    fn open(id: &str) -> HostPlan {
        plan(RolePlan::Open { name: "web".into(), id: role(id) })
    }

    #[test]
    fn credentials_are_renewed_in_time_and_kept_while_they_cannot_be() {
        let (mut purse, id) = (Purse::default(), sample::instance_id());
        let one = open("AROAONE");
        assert_eq!(purse.due(&one, NOW), [(id, role("AROAONE"))]);
        purse.take(id, &role("AROAONE"), None, NOW);
        assert!(purse.all().is_empty());
        assert_eq!(purse.due(&one, NOW).len(), 1, "what isn't there is asked for again");
        purse.take(id, &role("AROAONE"), Some(credentials("AROAONE")), NOW);
        assert!(purse.due(&one, NOW + RENEW - Duration::from_millis(1)).is_empty());
        let later = NOW + RENEW;
        assert_eq!(purse.due(&one, later).len(), 1);
        purse.take(id, &role("AROAONE"), None, later);
        assert_eq!(purse.all().len(), 1, "the control plane is away: the old ones serve");
        assert!(purse.due(&one, later).is_empty());
        assert_eq!(purse.due(&one, later + AGAIN).len(), 1);
    }

    #[test]
    fn credentials_go_with_the_role_and_with_the_instance() {
        let id = sample::instance_id();
        for next in [open("AROATWO"), plan(RolePlan::NoRole), plan(RolePlan::Closed { name: "web".into() })] {
            let mut purse = Purse::default();
            purse.take(id, &role("AROAONE"), Some(credentials("AROAONE")), NOW);
            assert!(purse.due(&open("AROAONE"), NOW).is_empty());
            purse.due(&next, NOW);
            assert!(purse.all().is_empty());
        }
        let mut purse = Purse::default();
        purse.take(id, &role("AROAONE"), Some(credentials("AROATWO")), NOW);
        assert!(purse.all().is_empty(), "those of another role aren't taken");
        purse.take(id, &role("AROAONE"), Some(credentials("AROAONE")), NOW);
        let mut gone = open("AROAONE");
        gone.pieces.remove(&PieceKey::Instance(id));
        purse.due(&gone, NOW);
        assert!(purse.all().is_empty());
    }
}
