//! From a document to a compiled policy.
//!
//! Checks run in the order in which IAM makes them, so that a document with several faults gets the same message:
//! the grammar, the version, values ("legacy parsing"), Sids, actions, resources, the actions' prefixes.

mod principal;
mod resource;
mod source;

use crate::condition::{self, Condition};
use crate::json::Json;
use crate::malformed::Malformed;
use crate::pattern::Pattern;
use crate::principal::{PrincipalName, PrincipalSet};
use crate::statement::{ActionSet, ArnMatcher, Effect, ResourceSet, Span, Statement};
use source::{Located, Source};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A compiled policy. Immutable; a clone shares it.
#[derive(Clone, Debug)]
pub struct Policy(Arc<Compiled>);

#[derive(Debug)]
struct Compiled {
    id: Option<Box<str>>,
    statements: Box<[Statement]>,
    size: usize,
}

/// What a document is for: which elements it must and must not have, and how long it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DocumentKind {
    /// A managed policy, which is also what a permissions boundary is.
    Managed,
    /// An inline policy of a user, group or role.
    Inline,
    /// A policy given along with AssumeRole or GetFederationToken.
    Session,
    /// Who may assume a role.
    Trust,
    /// The policy of any other resource.
    Resource,
    /// A service control or resource control policy.
    Organisation,
    /// Any of them: principals and resources are as they come.
    Any,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    Required,
    Optional,
    Prohibited,
}

impl DocumentKind {
    fn principal(self) -> Need {
        match self {
            Self::Managed | Self::Inline | Self::Session => Need::Prohibited,
            Self::Trust | Self::Resource => Need::Required,
            Self::Organisation | Self::Any => Need::Optional,
        }
    }

    fn resource(self) -> Need {
        match self {
            Self::Managed | Self::Inline | Self::Session | Self::Organisation | Self::Resource => Need::Required,
            Self::Trust => Need::Prohibited,
            Self::Any => Need::Optional,
        }
    }

    fn needs_current_version(self) -> bool {
        matches!(self, Self::Managed | Self::Organisation)
    }

    /// The Sids of other kinds may have spaces and more.
    fn has_plain_sids(self) -> bool {
        matches!(self, Self::Managed | Self::Inline | Self::Session)
    }

    /// AWS's name of the quota and how many characters, white space aside. Quotas over several inline policies of
    /// one user or group are for whoever keeps them.
    pub fn size_limit(self) -> (&'static str, usize) {
        match self {
            Self::Managed => ("PolicySize", 6_144),
            Self::Inline => ("PolicySize", 10_240),
            Self::Session => ("PackedPolicySize", 2_048),
            Self::Trust => ("ACLSizePerRole", 2_048),
            Self::Resource => ("PolicySize", 32_768),
            Self::Organisation => ("PolicySize", 10_240),
            Self::Any => ("PolicySize", MAX_DOCUMENT_BYTES),
        }
    }
}

/// The longest document that any API takes, white space included. Nothing longer is even looked at.
const MAX_DOCUMENT_BYTES: usize = 131_072;

impl Policy {
    /// Parses a document of any kind.
    pub fn parse(document: &str) -> Result<Self, Malformed> {
        Self::parse_as(DocumentKind::Any, document)
    }

    /// Parses an inline policy of a user, group or role: no principal, and each statement with resources.
    pub fn identity(document: &str) -> Result<Self, Malformed> {
        Self::parse_as(DocumentKind::Inline, document)
    }

    /// Parses a document and holds it to the rules of its kind.
    pub fn parse_as(kind: DocumentKind, document: &str) -> Result<Self, Malformed> {
        if document.len() > MAX_DOCUMENT_BYTES {
            return Err(Malformed::TooLarge { quota: kind.size_limit().0, limit: MAX_DOCUMENT_BYTES });
        }
        let source = Source::read(document)?;
        let (old, current) = match source.version.as_deref() {
            None | Some("2008-10-17") => (true, false),
            Some("2012-10-17") => (false, true),
            Some(_) => return Err(Malformed::Syntax("unknown version")),
        };
        let drafts = source.statements.iter().map(Draft::read).collect::<Result<Vec<_>, _>>()?;
        if kind.needs_current_version() && !current {
            return Err(Malformed::Version);
        }
        let statements = drafts.iter().map(|draft| draft.compile(!old)).collect::<Result<Vec<_>, _>>()?;
        let resources = check_resources(&drafts)?;
        check_sids(kind, &drafts)?;
        if drafts.iter().any(|draft| draft.actions.is_empty()) {
            return Err(Malformed::NoActions);
        }
        resources?;
        drafts.iter().flat_map(|draft| &draft.actions).try_for_each(|action| check_action(action))?;
        drafts.iter().try_for_each(|draft| draft.check_kind(kind))?;
        let size = document.chars().filter(|c| !c.is_whitespace()).count();
        let (quota, limit) = kind.size_limit();
        if size > limit {
            return Err(Malformed::TooLarge { quota, limit });
        }
        Ok(Self(Arc::new(Compiled { id: source.id.map(Into::into), statements: statements.into(), size })))
    }

    /// The document's Id.
    pub fn id(&self) -> Option<&str> {
        self.0.id.as_deref()
    }

    /// How many characters the document has, white space aside, as AWS counts for its quotas.
    pub fn size(&self) -> usize {
        self.0.size
    }

    /// How many statements there are.
    pub fn len(&self) -> usize {
        self.0.statements.len()
    }

    /// Never true: a document without statements is malformed.
    pub fn is_empty(&self) -> bool {
        self.0.statements.is_empty()
    }

    /// Everybody whom the document names, also to except them: IAM refuses a trust policy that names nobody's ARN.
    pub fn principals(&self) -> impl Iterator<Item = &PrincipalName> {
        self.0.statements.iter().filter_map(|statement| statement.principal.as_ref()).flat_map(|set| &set.names)
    }

    /// The same policy where the users and roles whom `id_of` knows are meant by their unique ids: whoever takes such a name
    /// later isn't meant.
    pub fn bound(&self, id_of: impl Fn(&str) -> Option<String>) -> Self {
        let mut statements = self.0.statements.to_vec();
        for set in statements.iter_mut().filter_map(|statement| statement.principal.as_mut()) {
            for name in &mut set.names {
                let PrincipalName::Arn(arn) = &*name else { continue };
                if let Some(id) = id_of(arn) {
                    *name = PrincipalName::Id(id.into());
                }
            }
        }
        Self(Arc::new(Compiled { id: self.0.id.clone(), statements: statements.into(), size: self.0.size }))
    }

    /// The condition keys that the document looks at, in lower case and in order.
    pub fn condition_keys(&self) -> BTreeSet<&str> {
        let mut keys = BTreeSet::new();
        self.0.statements.iter().for_each(|statement| {
            statement.for_each_key(&mut |key| {
                keys.insert(key);
            });
        });
        keys
    }

    pub(crate) fn statements(&self) -> &[Statement] {
        &self.0.statements
    }
}

/// A statement whose grammar is right and whose values are still text.
struct Draft {
    sid: Option<String>,
    effect: String,
    principal: Option<(bool, Vec<(String, String)>)>,
    not_action: bool,
    actions: Vec<String>,
    resources: Option<Element>,
    conditions: Vec<(String, String, Vec<String>)>,
    span: Span,
}

struct Element {
    negated: bool,
    values: Vec<String>,
}

impl Draft {
    fn read(located: &Located) -> Result<Self, Malformed> {
        let Json::Object(fields) = &located.json else {
            return Err(Malformed::Syntax("a statement that is no object"));
        };
        let mut draft = Self {
            sid: None,
            effect: String::new(),
            principal: None,
            not_action: false,
            actions: Vec::new(),
            resources: None,
            conditions: Vec::new(),
            span: located.span,
        };
        let mut has_actions = false;
        for (name, value) in fields {
            match name.as_str() {
                "Sid" => draft.sid = Some(text(value)?.to_owned()),
                "Effect" => draft.effect = text(value)?.to_owned(),
                "Principal" | "NotPrincipal" if draft.principal.is_none() => {
                    draft.principal = Some((name == "NotPrincipal", principal::read(value)?));
                }
                "Action" | "NotAction" if !has_actions => {
                    has_actions = true;
                    draft.not_action = name == "NotAction";
                    draft.actions = one_or_many(value)?;
                }
                "Resource" | "NotResource" if draft.resources.is_none() => {
                    draft.resources = Some(Element { negated: name == "NotResource", values: one_or_many(value)? });
                }
                "Condition" => draft.conditions = read_conditions(value)?,
                "Principal" | "NotPrincipal" | "Action" | "NotAction" | "Resource" | "NotResource" => {
                    return Err(Malformed::Syntax("an element and its opposite in one statement"));
                }
                _ => return Err(Malformed::Syntax("an unknown element in a statement")),
            }
        }
        if !draft.effect.eq_ignore_ascii_case("allow") && !draft.effect.eq_ignore_ascii_case("deny") {
            return Err(Malformed::Syntax("an effect other than Allow and Deny, or none"));
        }
        Ok(draft)
    }

    fn compile(&self, variables: bool) -> Result<Statement, Malformed> {
        let effect = match self.effect.as_str() {
            "Allow" => Effect::Allow,
            "Deny" => Effect::Deny,
            _ => return Err(Malformed::Legacy("an effect in other letters than Allow and Deny")),
        };
        let compile_conditions = |(operator, key, values): &(String, String, Vec<String>)| {
            Condition::parse(operator, key, values, variables)
        };
        let resources = match &self.resources {
            None => None,
            Some(element) => Some(ResourceSet {
                negated: element.negated,
                matchers: element
                    .values
                    .iter()
                    .map(|text| {
                        ArnMatcher::parse(text, variables).map_err(|_| Malformed::Legacy("a bad policy variable"))
                    })
                    .collect::<Result<_, _>>()?,
            }),
        };
        let principal = match &self.principal {
            None => None,
            Some((negated, names)) => Some(PrincipalSet {
                negated: *negated,
                names: names.iter().map(|(kind, value)| principal::parse(kind, value)).collect::<Result<_, _>>()?,
            }),
        };
        Ok(Statement {
            sid: self.sid.as_deref().filter(|sid| !sid.is_empty()).map(Into::into),
            effect,
            principal,
            actions: ActionSet {
                negated: self.not_action,
                patterns: self.actions.iter().map(|text| Pattern::parse(&text.to_ascii_lowercase())).collect(),
            },
            resources,
            conditions: self.conditions.iter().map(compile_conditions).collect::<Result<_, _>>()?,
            span: self.span,
        })
    }

    fn check_kind(&self, kind: DocumentKind) -> Result<(), Malformed> {
        match (kind.principal(), &self.principal) {
            (Need::Prohibited, Some(_)) => return Err(Malformed::PrincipalProhibited),
            (Need::Required, None) => return Err(Malformed::NoPrincipal),
            (Need::Required, Some((_, names))) if names.is_empty() => return Err(Malformed::NoPrincipal),
            _ => {}
        }
        match (kind.resource(), &self.resources) {
            (Need::Prohibited, Some(_)) => return Err(Malformed::Prohibited("Resource")),
            (Need::Required, None) => return Err(Malformed::NoResources),
            (Need::Required, Some(element)) if element.values.is_empty() => return Err(Malformed::NoResources),
            _ => {}
        }
        if kind == DocumentKind::Trust {
            if matches!(self.principal, Some((true, _))) {
                return Err(Malformed::Prohibited("NotPrincipal"));
            }
            if self.not_action || !self.actions.iter().all(|action| is_trust_action(action)) {
                return Err(Malformed::TrustAction);
            }
        }
        Ok(())
    }
}

fn is_trust_action(action: &str) -> bool {
    let action = action.to_ascii_lowercase();
    action.strip_prefix("sts:").is_some_and(|name| {
        ["assumerole", "tagsession", "setsourceidentity", "setcontext", "*"].iter().any(|known| name.starts_with(known))
    })
}

/// What is wrong with the resources: at once when it is the kind of fault that IAM finds at once, else for later.
fn check_resources(drafts: &[Draft]) -> Result<Result<(), Malformed>, Malformed> {
    let mut first = Ok(());
    for text in drafts.iter().flat_map(|draft| &draft.resources).flat_map(|element| &element.values) {
        match resource::check(text) {
            Err(Malformed::Legacy(hint)) if first.is_ok() => return Err(Malformed::Legacy(hint)),
            found => first = first.and(found),
        }
    }
    Ok(first)
}

fn check_sids(kind: DocumentKind, drafts: &[Draft]) -> Result<(), Malformed> {
    let mut seen = std::collections::HashSet::new();
    for sid in drafts.iter().filter_map(|draft| draft.sid.as_deref()).filter(|sid| !sid.is_empty()) {
        if !seen.insert(sid) {
            return Err(Malformed::DuplicateSid);
        }
        if kind.has_plain_sids() && !sid.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(Malformed::Sid);
        }
    }
    Ok(())
}

fn check_action(action: &str) -> Result<(), Malformed> {
    let mut fields = action.split(':');
    let (service, name) = (fields.next().unwrap_or_default(), fields.next());
    if name.is_none() && service != "*" {
        return Err(Malformed::ActionPrefix);
    }
    if fields.next().is_some() {
        return Err(Malformed::ActionColons);
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
    if service != "*" && (service.is_empty() || !service.bytes().all(plain)) {
        return Err(Malformed::Vendor(service.to_owned()));
    }
    Ok(())
}

fn read_conditions(value: &Json) -> Result<Vec<(String, String, Vec<String>)>, Malformed> {
    let Json::Object(operators) = value else { return Err(Malformed::Syntax("a condition that is no object")) };
    let mut conditions = Vec::new();
    for (operator, keys) in operators {
        let Json::Object(keys) = keys else { return Err(Malformed::Syntax("an operator without keys")) };
        if !keys.is_empty() {
            condition::check_operator(operator)?;
        }
        for (key, values) in keys {
            let values = match values {
                Json::List(items) => items.iter().map(scalar).collect::<Result<_, _>>()?,
                one => vec![scalar(one)?],
            };
            conditions.push((operator.clone(), key.clone(), values));
        }
    }
    Ok(conditions)
}

fn scalar(value: &Json) -> Result<String, Malformed> {
    match value {
        Json::Text(text) | Json::Number(text) => Ok(text.clone()),
        Json::Bool(truth) => Ok(truth.to_string()),
        Json::Null | Json::List(_) | Json::Object(_) => Err(Malformed::Syntax("a condition's value of a wrong type")),
    }
}

fn text(value: &Json) -> Result<&str, Malformed> {
    match value {
        Json::Text(text) => Ok(text),
        _ => Err(Malformed::Syntax("something else where a string belongs")),
    }
}

fn one_or_many(value: &Json) -> Result<Vec<String>, Malformed> {
    match value {
        Json::List(items) => items.iter().map(|item| text(item).map(str::to_owned)).collect(),
        one => Ok(vec![text(one)?.to_owned()]),
    }
}

#[cfg(test)]
mod tests;
