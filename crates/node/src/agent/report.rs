//! What is reported, and when: after a change only what changed, everything at the start, after a report that may have
//! been lost, when something unknown appears or goes, and now and then.
//!
//! A report is also owed when the plan asks for something new and nothing changes by it (a stop of what is stopped):
//! the control plane ignores what was reported under older revisions, and would wait for ever.

use std::mem;

use landfall_model::InstanceId;
use landfall_model::agent::{InstanceSeen, Phase, Report};
use landfall_model::plan::Power;

use super::ledger::Ledger;

impl Ledger {
    /// What is to be reported now, if anything. It counts as told; see [`Ledger::say_all`].
    pub fn next_report(&mut self) -> Option<Report> {
        if !self.is_inspected() || self.plan().is_none() {
            return None;
        }
        let (incarnation, revision) = self.version();
        let mut report = Report { incarnation, revision, full: mem::take(&mut self.say_all), ..Report::default() };
        let mut instances = mem::take(&mut self.unsaid_instances);
        let mut volumes = mem::take(&mut self.unsaid_volumes);
        if report.full {
            instances.extend(self.instances.keys());
            volumes.extend(self.volumes.keys());
            report.unknown = self.unknown();
        }
        report.flow_logs = self.deliveries.take(report.full);
        for id in instances {
            let Some(seen) = self.word_of(id, report.full) else { continue };
            let Some(entry) = self.instances.get_mut(&id) else { continue };
            if mem::take(&mut entry.owed) || report.full || entry.said.as_ref() != Some(&seen) {
                entry.said = Some(seen.clone());
                report.instances.push(seen);
            }
        }
        for id in volumes {
            report.snapshots.extend(self.seen_of_snapshots(id, report.full));
            let Some(seen) = self.seen_of_volume(id) else { continue };
            let Some(entry) = self.volumes.get_mut(&id) else { continue };
            if mem::take(&mut entry.owed) || report.full || entry.said.as_ref() != Some(&seen) {
                entry.said = Some(seen.clone());
                report.volumes.push(seen);
            }
        }
        let vpns = mem::take(&mut self.unsaid_vpns);
        report.vpns = self.vpns.values().filter(|seen| report.full || vpns.contains(&seen.id)).cloned().collect();
        report.nat_gateways = self.lacks.take(report.full);
        let is_empty = report.instances.is_empty()
            && report.volumes.is_empty()
            && report.snapshots.is_empty()
            && report.flow_logs.is_empty()
            && report.nat_gateways.is_empty()
            && report.vpns.is_empty();
        (report.full || !is_empty).then_some(report)
    }

    /// What to say of an instance now. Where a step may have changed it since it was looked at, its absence isn't
    /// believed: the control plane frees what an instance held once it is told that it is stopped or gone.
    fn word_of(&mut self, id: InstanceId, full: bool) -> Option<InstanceSeen> {
        let mut seen = self.seen_of(id)?;
        if !self.is_certain(id) {
            // A device that is missing may be being plugged in.
            seen.interfaces = None;
            seen.disks = None;
        }
        if self.is_certain(id) || matches!(seen.phase, Phase::Starting | Phase::Running | Phase::Stopping) {
            return Some(seen);
        }
        let said = self.instances.get(&id).and_then(|entry| entry.said.as_ref());
        if said.is_some_and(|said| (said.phase, said.boot) == (seen.phase, seen.boot)) {
            return full.then_some(seen);
        }
        if !full {
            self.unsaid_instances.insert(id);
            return None;
        }
        let is_on = self.plan()?.instance(id)?.power == Power::On;
        seen.phase = if is_on { Phase::Starting } else { Phase::Stopping };
        seen.reason = None;
        Some(seen)
    }

    /// Makes the next report tell everything: the last one may not have arrived, or it is time to.
    pub fn say_all(&mut self) {
        self.say_all = true;
    }

    /// Whether there may be something to report.
    pub fn has_news(&self) -> bool {
        self.is_inspected()
            && self.plan().is_some()
            && (self.say_all
                || !self.unsaid_instances.is_empty()
                || !self.unsaid_volumes.is_empty()
                || !self.unsaid_vpns.is_empty()
                || self.lacks.has_news()
                || self.deliveries.has_news())
    }
}
