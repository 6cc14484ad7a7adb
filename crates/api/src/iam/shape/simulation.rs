//! The policy simulator: what policies would say of calls that nobody makes. It asks the evaluator that every call goes
//! through.

use std::collections::{BTreeSet, HashMap};

use landfall_cloud::View;
use landfall_cloud::identity::managed_policy::{self, Managed};
use landfall_cloud::identity::{group, role};
use landfall_model::{AccountId, Arn, Group, Principal};
use landfall_policy::{
    Attached, Context, Decision, Effect, Gate, MatchedStatement, Policy, PolicyKind, PolicySet, PrincipalRef, Request,
    ResourcePolicy, evaluate, trace,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ApiError;
use crate::page::Page;

/// Rows of a page, if it isn't said.
pub const PAGE: usize = 100;
/// Actions and resources of one simulation.
const ACTIONS: usize = 1000;
const RESOURCES: usize = 1000;
/// The longest resource, source: the IAM API Reference, `ResourceNameType`.
const RESOURCE_CHARS: usize = 2048;
/// What a page may cost, and a single result, in bytes of policies that are gone through, each weighed by what is compared
/// with it. A page ends early where it would cost more, as AWS lets it; a result that would cost more is refused.
const PAGE_WORK: usize = 16 << 20;
/// See [`PAGE_WORK`].
const RESULT_WORK: usize = 64 << 20;
/// Bytes that are compared at the cost of one.
const COMPARED_AT_ONCE: usize = 64;

/// A key of the calls' context.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ContextEntry {
    context_key_name: String,
    #[serde(default)]
    context_key_values: Vec<String>,
    context_key_type: Option<KeyType>,
}

/// What a key's values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum KeyType {
    String,
    StringList,
    Numeric,
    NumericList,
    Boolean,
    BooleanList,
    Ip,
    IpList,
    Binary,
    BinaryList,
    Date,
    DateList,
}

/// A policy that takes part.
pub struct Source {
    /// What it is called in results.
    label: String,
    /// Whose it is, in AWS's words.
    kind: &'static str,
    size_bytes: usize,
    /// How it spells the condition keys that it looks at, by what they are in small letters.
    spellings: HashMap<String, String>,
    policy: Policy,
}

impl Source {
    fn new(label: String, kind: &'static str, document: &str) -> Result<Self, ApiError> {
        let policy = Policy::parse(document)
            .map_err(|malformed| invalid(format!("Invalid policy document in {label}: {malformed}")))?;
        let mut spellings = HashMap::new();
        // It is JSON, or it would be no policy.
        collect_spellings(&serde_json::from_str(document).unwrap_or_default(), &mut spellings);
        Ok(Self { label, kind, size_bytes: document.len(), spellings, policy })
    }

    fn attached(&self) -> Attached<'_> {
        Attached { label: &self.label, policy: &self.policy }
    }

    /// A key as the document spells it.
    fn spelled(&self, key: &str) -> Option<&str> {
        self.spellings.get(key).map(String::as_str)
    }
}

/// Takes down how names of members and variables in texts are spelt: condition keys are among them. The first one counts.
fn collect_spellings(json: &Value, spellings: &mut HashMap<String, String>) {
    let add = |spellings: &mut HashMap<String, String>, name: &str| {
        spellings.entry(name.to_ascii_lowercase()).or_insert_with(|| name.to_owned());
    };
    match json {
        Value::Object(members) => members.iter().for_each(|(name, value)| {
            add(spellings, name);
            collect_spellings(value, spellings);
        }),
        Value::Array(values) => values.iter().for_each(|value| collect_spellings(value, spellings)),
        Value::String(text) => text.split("${").skip(1).for_each(|rest| {
            add(spellings, rest.split(['}', ',']).next().unwrap_or_default().trim());
        }),
        _ => {}
    }
}

/// Documents of a request, by the names that results refer to them by.
pub fn given(member: &str, documents: &[String]) -> Result<Vec<Source>, ApiError> {
    let read = |(index, document): (usize, &String)| Source::new(format!("{member}.{}", index + 1), "none", document);
    documents.iter().enumerate().map(read).collect()
}

/// The condition keys that policies look at, as they spell them.
pub fn keys(sources: &[Source]) -> Vec<String> {
    let mut keys = BTreeSet::new();
    for source in sources {
        for key in source.policy.condition_keys() {
            keys.insert(source.spelled(key).unwrap_or(key).to_owned());
        }
    }
    keys.into_iter().collect()
}

/// Whose policies are simulated: a user, group or role of the account.
#[derive(Clone, Copy)]
pub enum Whose<'v> {
    /// A user or role.
    Principal(&'v Principal),
    /// A group.
    Group(&'v Group),
}

impl<'v> Whose<'v> {
    /// Those of an ARN.
    pub fn need(view: &View<'v>, arn: &str) -> Result<Self, ApiError> {
        let parsed: Arn = arn.parse().map_err(|_| invalid(format!("Invalid Entity Arn: {arn}")))?;
        let own = parsed.account() == Some(view.scope().account);
        let name = parsed.resource().strip_prefix("group/").and_then(|rest| rest.rsplit('/').next());
        let found = match name {
            Some(name) => group::find(view, name).filter(|row| row.arn() == parsed).map(Self::Group),
            None => role::by_arn(view.tables(), &parsed).map(Self::Principal),
        };
        let no_such = || {
            let message = format!("The entity {arn} cannot be found.");
            ApiError::new("NoSuchEntity", message).with_status(404)
        };
        found.filter(|_| own).ok_or_else(no_such)
    }

    /// The policies that say what it may do.
    pub fn sources(self, view: &View<'v>) -> Result<Vec<Source>, ApiError> {
        let mut sources = Vec::new();
        let mut add = |kind: &'static str, policies: &'v std::collections::BTreeMap<String, String>| {
            for (name, document) in policies {
                sources.push(Source::new(name.clone(), kind, document)?);
            }
            Ok::<_, ApiError>(())
        };
        let mut arns = Vec::new();
        match self {
            Self::Group(row) => {
                add("group", &row.policies)?;
                arns.extend(&row.attached);
            }
            Self::Principal(row) => {
                add(if row.role().is_some() { "role" } else { "user" }, &row.policies)?;
                arns.extend(&row.attached);
                for group in group::of_user(view, row) {
                    add("group", &group.policies)?;
                    arns.extend(&group.attached);
                }
            }
        }
        for arn in arns {
            sources.push(managed(view, arn)?);
        }
        Ok(sources)
    }

    /// The policy that bounds it.
    pub fn boundary(self, view: &View<'v>) -> Result<Option<Source>, ApiError> {
        match self {
            Self::Principal(Principal { boundary: Some(arn), .. }) => managed(view, arn).map(Some),
            _ => Ok(None),
        }
    }
}

fn managed(view: &View<'_>, arn: &Arn) -> Result<Source, ApiError> {
    let policy = managed_policy::need(view, arn)?;
    let kind = if matches!(policy, Managed::Own(_)) { "user-managed" } else { "aws-managed" };
    Source::new(policy.name().to_owned(), kind, policy.document())
}

/// Who calls, in the simulation.
pub struct Who {
    arn: String,
    account: String,
    id: String,
    is_role: bool,
}

impl Who {
    /// The user of an ARN, which need not be there.
    pub fn caller(view: &View<'_>, arn: &str) -> Result<Self, ApiError> {
        let wrong = || invalid(format!("CallerArn must be the ARN of an IAM user: {arn}"));
        let parsed: Arn = arn.parse().map_err(|_| wrong())?;
        let account = parsed.account().filter(|_| parsed.resource().starts_with("user/")).ok_or_else(wrong)?;
        let id = role::by_arn(view.tables(), &parsed).filter(|row| row.account == view.scope().account);
        let id = id.map_or_else(String::new, |row| row.id.to_string());
        Ok(Self { arn: arn.to_owned(), account: account.to_string(), id, is_role: false })
    }

    /// The user or role whose policies are simulated.
    pub fn of(row: &Principal) -> Self {
        let (arn, account, id) = (row.arn().to_string(), row.account.to_string(), row.id.to_string());
        Self { arn, account, id, is_role: row.role().is_some() }
    }

    /// Somebody of the account.
    pub fn somebody(account: AccountId) -> Self {
        Self { arn: String::new(), account: account.to_string(), id: String::new(), is_role: false }
    }

    fn principal(&self) -> PrincipalRef<'_> {
        let (arn, account, id) = (self.arn.as_str(), self.account.as_str(), self.id.as_str());
        if self.is_role {
            return PrincipalRef::RoleSession { arn, role_arn: arn, account, role_id: id };
        }
        PrincipalRef::User { arn, account, id }
    }
}

/// The calls of a simulation, and what is known of them.
#[derive(Clone, Copy)]
pub struct Calls<'a> {
    /// Their actions.
    pub actions: &'a [String],
    /// What they act on; everything, if nothing is named.
    pub resources: &'a [String],
    /// The policy of each resource.
    pub resource_policy: Option<&'a str>,
    /// Who owns resources whose ARNs don't say so.
    pub resource_owner: Option<&'a str>,
    /// Further keys.
    pub context: &'a [ContextEntry],
}

/// A simulation that is ready to be run.
pub struct Simulation<'a> {
    /// The caller's policies.
    pub identity: Vec<Source>,
    /// What bounds it.
    pub boundary: Option<Source>,
    /// Who calls.
    pub who: Who,
    calls: Calls<'a>,
    resource: Option<Source>,
    context: Context,
}

impl<'a> Simulation<'a> {
    /// Reads what is simulated.
    pub fn new(identity: Vec<Source>, boundary: Option<Source>, who: Who, calls: Calls<'a>) -> Result<Self, ApiError> {
        if calls.actions.len() > ACTIONS || calls.resources.len() > RESOURCES {
            return Err(invalid("A simulation takes at most 1000 actions and 1000 resources.".into()));
        }
        let is_action =
            |name: &&String| name.split_once(':').is_none_or(|(service, name)| service.is_empty() || name.is_empty());
        if let Some(name) = calls.actions.iter().find(is_action) {
            return Err(invalid(format!("Invalid Action: {name}")));
        }
        let resource = calls.resource_policy.map(|text| Source::new("ResourcePolicy".into(), "resource", text));
        let resource = resource.transpose()?;
        if resource.is_some() && who.arn.is_empty() {
            return Err(invalid("CallerArn must be specified when a ResourcePolicy is.".into()));
        }
        let mut context = Context::new();
        if !who.arn.is_empty() {
            context = context.with_principal(&who.principal());
        }
        for entry in calls.context {
            entry.add_to(&mut context)?;
        }
        let simulation = Self { identity, boundary, who, calls, resource, context };
        if calls.resources.iter().any(|resource| resource.len() > RESOURCE_CHARS) || simulation.work() > RESULT_WORK {
            return Err(invalid("The policies, resources and context entries are too large to be simulated.".into()));
        }
        Ok(simulation)
    }

    /// What one result costs at most.
    fn work(&self) -> usize {
        let longest = |names: &[String]| names.iter().map(String::len).max().unwrap_or(0);
        let context: usize = self.calls.context.iter().map(ContextEntry::size_bytes).sum();
        let compared = longest(self.calls.actions) + longest(self.calls.resources) + context;
        let policies: usize = self.sources().map(|source| source.size_bytes).sum();
        policies.saturating_mul(1 + compared / COMPARED_AT_ONCE)
    }

    /// The results of a page, which is shorter than it might be where they cost much.
    pub fn page(&self, page: &mut Page) -> Result<Evaluations, ApiError> {
        page.narrow((PAGE_WORK / self.work().max(1)).max(1));
        let rows = page.take(0..self.count(), |index| *index)?;
        Ok(Evaluations { evaluation_results: rows.into_iter().map(|index| self.result(index)).collect() })
    }

    /// How many results there are.
    fn count(&self) -> usize {
        self.calls.actions.len() * self.calls.resources.len().max(1)
    }

    /// One of the results.
    fn result(&self, index: usize) -> Evaluation {
        let resources = self.calls.resources.len().max(1);
        let action = &self.calls.actions[index / resources];
        let resource = self.calls.resources.get(index % resources).map_or("*", String::as_str);
        let identity: Vec<_> = self.identity.iter().map(Source::attached).collect();
        let owner = self.owner(resource);
        let gated = self.resource.as_ref().map(|source| ResourcePolicy {
            attached: source.attached(),
            owner: &owner,
            gate: Gate::Optional,
        });
        let set = PolicySet {
            identity: &identity,
            boundary: self.boundary.as_ref().map(Source::attached),
            resource: gated,
            ..PolicySet::default()
        };
        let request = Request { principal: self.who.principal(), action, resource, context: &self.context };
        let found = trace(&set, &request);
        let decision = found.verdict.decision;
        let decides = |matched: &&MatchedStatement<'_>| match decision {
            Decision::ExplicitDeny => matched.effect == Effect::Deny,
            _ => matched.kind != PolicyKind::Boundary,
        };
        let matched_statements: Vec<_> = found.matched.iter().filter(decides).map(|each| self.matched(each)).collect();
        let missing: BTreeSet<_> = found.missing_keys.iter().map(|key| self.spelled(key).to_owned()).collect();
        let missing: Vec<_> = missing.into_iter().collect();
        let boundary = self.boundary.as_ref().map(|source| {
            let alone = [source.attached()];
            let set = PolicySet { identity: &alone, ..PolicySet::default() };
            BoundaryDetail { allowed_by_permissions_boundary: evaluate(&set, &request).is_allowed() }
        });
        let decision = word(decision);
        let specific = (resource != "*").then(|| SpecificResult {
            eval_resource_name: resource.to_owned(),
            eval_resource_decision: decision,
            matched_statements: matched_statements.clone(),
            missing_context_values: missing.clone(),
            permissions_boundary_decision_detail: boundary,
        });
        Evaluation {
            eval_action_name: action.clone(),
            eval_resource_name: resource.to_owned(),
            eval_decision: decision,
            matched_statements,
            missing_context_values: if specific.is_some() { Vec::new() } else { missing },
            permissions_boundary_decision_detail: boundary,
            resource_specific_results: specific.into_iter().collect(),
        }
    }

    /// The account that owns a resource: its ARN's, else the one that is said to, else the caller's.
    fn owner(&self, resource: &str) -> String {
        let own = resource.parse::<Arn>().ok().and_then(|arn| arn.account());
        let said = self.calls.resource_owner.map(|text| {
            text.parse::<Arn>().ok().and_then(|arn| arn.account()).map_or_else(|| text.to_owned(), |id| id.to_string())
        });
        own.map(|id| id.to_string()).or(said).unwrap_or_else(|| self.who.account.clone())
    }

    fn sources(&self) -> impl Iterator<Item = &Source> {
        self.identity.iter().chain(&self.boundary).chain(&self.resource)
    }

    fn spelled<'k>(&'k self, key: &'k str) -> &'k str {
        self.sources().find_map(|source| source.spelled(key)).unwrap_or(key)
    }

    fn matched(&self, matched: &MatchedStatement<'_>) -> StatementShape {
        let (label, span) = (matched.statement.policy, matched.statement.span);
        let place = |at: landfall_policy::Position| PositionShape { line: at.line, column: at.column };
        StatementShape {
            source_policy_id: label.to_owned(),
            source_policy_type: self
                .sources()
                .find(|source| source.label == label)
                .map_or("none", |source| source.kind),
            start_position: place(span.start),
            end_position: place(span.end),
        }
    }
}

impl ContextEntry {
    fn size_bytes(&self) -> usize {
        self.context_key_name.len() + self.context_key_values.iter().map(String::len).sum::<usize>()
    }

    fn add_to(&self, context: &mut Context) -> Result<(), ApiError> {
        let (name, values) = (&self.context_key_name, &self.context_key_values);
        let fits: fn(&str) -> bool = match self.context_key_type {
            Some(KeyType::Numeric | KeyType::NumericList) => |value| value.parse::<f64>().is_ok(),
            Some(KeyType::Boolean | KeyType::BooleanList) => |value| matches!(value, "true" | "false"),
            Some(KeyType::Ip | KeyType::IpList) => {
                |value| value.split('/').next().is_some_and(|address| address.parse::<std::net::IpAddr>().is_ok())
            }
            _ => |_| true,
        };
        if let Some(value) = values.iter().find(|value| !fits(value)) {
            return Err(invalid(format!("The value {value} of the context key {name} is not of its type.")));
        }
        match (self.context_key_type, values.as_slice()) {
            (
                Some(
                    KeyType::StringList
                    | KeyType::NumericList
                    | KeyType::BooleanList
                    | KeyType::IpList
                    | KeyType::BinaryList
                    | KeyType::DateList,
                ),
                values,
            ) => context.set_many(name, values.iter().map(String::as_str)),
            (_, [value]) => context.set(name, value.as_str()),
            (None, values) => context.set_many(name, values.iter().map(String::as_str)),
            _ => return Err(invalid(format!("The context key {name} takes one value."))),
        }
        Ok(())
    }
}

/// What came of one call.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Evaluation {
    eval_action_name: String,
    eval_resource_name: String,
    eval_decision: &'static str,
    matched_statements: Vec<StatementShape>,
    missing_context_values: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions_boundary_decision_detail: Option<BoundaryDetail>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resource_specific_results: Vec<SpecificResult>,
}

/// The same for a resource that was named.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SpecificResult {
    eval_resource_name: String,
    eval_resource_decision: &'static str,
    matched_statements: Vec<StatementShape>,
    missing_context_values: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions_boundary_decision_detail: Option<BoundaryDetail>,
}

/// What a boundary alone would say.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "PascalCase")]
struct BoundaryDetail {
    allowed_by_permissions_boundary: bool,
}

/// A statement that applied, and where it stands.
#[derive(Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
struct StatementShape {
    source_policy_id: String,
    source_policy_type: &'static str,
    start_position: PositionShape,
    end_position: PositionShape,
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "PascalCase")]
struct PositionShape {
    line: usize,
    column: usize,
}

/// The answer of both simulations.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Evaluations {
    /// What came of each call.
    pub evaluation_results: Vec<Evaluation>,
}

fn word(decision: Decision) -> &'static str {
    match decision {
        Decision::Allow => "allowed",
        Decision::ImplicitDeny => "implicitDeny",
        Decision::ExplicitDeny => "explicitDeny",
    }
}

/// What a simulation doesn't take.
pub fn invalid(message: String) -> ApiError {
    ApiError::new("InvalidInput", message)
}

/// The only document of a list that takes one.
pub fn one_boundary(documents: &[String]) -> Result<Option<Source>, ApiError> {
    if documents.len() > 1 {
        return Err(invalid("Only one permissions boundary policy can be given.".into()));
    }
    Ok(given("PermissionsBoundaryPolicyInputList", documents)?.pop())
}
