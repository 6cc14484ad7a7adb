//! Reachability as people ask for it: paths, which say from what to what, and analyses of them.
//!
//! An analysis looks at the resources as they are when it is started. It is shown as running first, as AWS's is, and passes
//! by itself.

mod analyse;

use landfall_model::id::{Id, Kind};
use landfall_model::reachability::Component;
use landfall_model::{
    AnalysisState, InsightsAnalysis, InsightsAnalysisId, InsightsPath, InsightsPathId, InstanceId, Scoped,
};
use landfall_state::{Has, Table};

use crate::fault::{ExistsKind, Fault, QuotaKind};
use crate::tag;
use crate::tx::Tx;
use crate::value::{
    Cloud, Endpoints, InsightsAnalyses, InsightsPaths, Instances, Interfaces, InternetGateways, Peerings,
    TransitAttachments, TransitGateways, VpnGateways,
};
use crate::view::View;

/// What a path can begin or end at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End(Component);

impl End {
    /// Reads an id of any kind that a path can begin or end at.
    pub fn parse(text: &str) -> Option<Self> {
        let (prefix, _) = text.rsplit_once('-')?;
        Some(Self(match prefix {
            "i" => Component::Instance(text.parse().ok()?),
            "eni" => Component::Interface(text.parse().ok()?),
            "igw" => Component::InternetGateway(text.parse().ok()?),
            "pcx" => Component::Peering(text.parse().ok()?),
            "tgw" => Component::TransitGateway(text.parse().ok()?),
            "tgw-attach" => Component::TransitAttachment(text.parse().ok()?),
            "vgw" => Component::VpnGateway(text.parse().ok()?),
            "vpce" => Component::Endpoint(text.parse().ok()?),
            _ => return None,
        }))
    }

    /// What it is.
    pub fn component(self) -> Component {
        self.0
    }

    /// Whether an analysis can begin there: where it is known who sends, and by which address.
    pub fn can_send(self) -> bool {
        matches!(
            self.0,
            Component::Instance(_) | Component::Interface(_) | Component::InternetGateway(_) | Component::VpnGateway(_)
        )
    }

    /// That the account has it.
    pub fn need(self, view: &View<'_>) -> Result<(), Fault> {
        fn has<T: Table<Key = Scoped<Id<K>>>, K: Kind>(view: &View<'_>, id: Id<K>) -> Result<(), Fault>
        where
            Cloud: Has<T>,
        {
            view.need::<T, K>(id).map(|_| ())
        }
        match self.0 {
            Component::Instance(id) => has::<Instances, _>(view, id),
            Component::Interface(id) => has::<Interfaces, _>(view, id),
            Component::InternetGateway(id) => has::<InternetGateways, _>(view, id),
            Component::Peering(id) => has::<Peerings, _>(view, id),
            Component::TransitGateway(id) => has::<TransitGateways, _>(view, id),
            Component::TransitAttachment(id) => has::<TransitAttachments, _>(view, id),
            Component::VpnGateway(id) => has::<VpnGateways, _>(view, id),
            Component::Endpoint(id) => has::<Endpoints, _>(view, id),
            // No other can be read.
            _ => Err(Fault::no_such(InstanceId::MIN)),
        }
    }
}

/// Makes a path; its id, scope and time are given to it here.
pub fn create_path(tx: &mut Tx<'_, '_>, mut path: InsightsPath) -> Result<InsightsPathId, Fault> {
    let view = tx.view();
    for id in [Some(&path.source), path.destination.as_ref()].into_iter().flatten() {
        if let Some(end) = End::parse(id) {
            end.need(&view)?;
        }
    }
    let limit = tx.quotas().insights_paths;
    if tx.view().all::<InsightsPaths, InsightsPathId>().count() >= limit as usize {
        return Err(Fault::Quota(QuotaKind::InsightsPaths, u64::from(limit)));
    }
    (path.scope, path.id, path.created_at) = (tx.scope(), tx.new_id(), tx.now());
    let id = path.id;
    tx.put::<InsightsPaths>(path);
    Ok(id)
}

/// Deletes a path that has no analyses.
pub fn delete_path(tx: &mut Tx<'_, '_>, id: InsightsPathId) -> Result<(), Fault> {
    let key = tx.view().need::<InsightsPaths, _>(id)?.key();
    if tx.insights_analyses.by_path.count(&id) > 0 {
        return Err(Fault::Exists { kind: ExistsKind::Analysis, what: id.to_string() });
    }
    tx.delete::<InsightsPaths>(&key);
    tag::forget(tx, &id.to_string());
    Ok(())
}

/// Analyses a path, through and around what is named by ARN.
pub fn start(
    tx: &mut Tx<'_, '_>,
    path: InsightsPathId,
    through: Vec<String>,
    around: Vec<String>,
) -> Result<InsightsAnalysisId, Fault> {
    let row = tx.view().need::<InsightsPaths, _>(path)?.clone();
    let limit = tx.quotas().insights_analyses;
    if tx.view().all::<InsightsAnalyses, InsightsAnalysisId>().count() >= limit as usize {
        return Err(Fault::Quota(QuotaKind::InsightsAnalyses, u64::from(limit)));
    }
    let found = analyse::analyse(&tx.view(), &row, &through, &around);
    let (scope, id, started_at) = (tx.scope(), tx.new_id(), tx.now());
    tx.put::<InsightsAnalyses>(InsightsAnalysis {
        scope,
        id,
        path,
        started_at,
        state: AnalysisState::Running,
        found: found.is_found,
        forward: found.forward,
        back: found.back,
        explanations: found.explanations,
        filter_in: through,
        filter_out: around,
    });
    Ok(id)
}

/// Deletes an analysis.
pub fn delete_analysis(tx: &mut Tx<'_, '_>, id: InsightsAnalysisId) -> Result<(), Fault> {
    let key = tx.view().need::<InsightsAnalyses, _>(id)?.key();
    tx.delete::<InsightsAnalyses>(&key);
    tag::forget(tx, &id.to_string());
    Ok(())
}

/// Ends the analyses that run, at most so many. Returns whether there may be more.
pub fn pass(tx: &mut Tx<'_, '_>, until: i64, most: usize) -> bool {
    let due: Vec<_> = tx.insights_analyses.due_until(until).take(most).map(InsightsAnalysis::key).collect();
    for key in &due {
        tx.update::<InsightsAnalyses, _>(key, |row| row.state = AnalysisState::Succeeded);
    }
    due.len() == most
}
