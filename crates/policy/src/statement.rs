//! One compiled statement, and whether it applies to a request.

use crate::condition::Condition;
use crate::context::Context;
use crate::pattern::{Pattern, Token};
use crate::principal::{Grant, PrincipalRef, PrincipalSet};
use crate::variable::{BadVariable, Reading, TextMatcher, split_outside};

/// What a statement does with the requests that it applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Grants them.
    Allow,
    /// Refuses them, whatever else grants them.
    Deny,
}

/// A place in a document, counted from 1, as SimulatePrincipalPolicy reports it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The character in the line.
    pub column: usize,
}

/// From where to where a statement stands in its document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Its opening brace.
    pub start: Position,
    /// Behind its closing brace.
    pub end: Position,
}

#[derive(Clone, Debug)]
pub(crate) struct Statement {
    pub sid: Option<Box<str>>,
    pub effect: Effect,
    pub principal: Option<PrincipalSet>,
    pub actions: ActionSet,
    /// `None` in trust policies: the resource is the role itself.
    pub resources: Option<ResourceSet>,
    pub conditions: Box<[Condition]>,
    pub span: Span,
}

/// `Action` or `NotAction`; the patterns are in lower case.
#[derive(Clone, Debug)]
pub(crate) struct ActionSet {
    pub negated: bool,
    pub patterns: Box<[Pattern]>,
}

/// `Resource` or `NotResource`.
#[derive(Clone, Debug)]
pub(crate) struct ResourceSet {
    pub negated: bool,
    pub matchers: Box<[ArnMatcher]>,
}

/// An ARN with wildcards and variables. Each of the six fields is matched by itself, so that a `*` in one never eats
/// a colon; the last field is all the rest and may have colons of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ArnMatcher {
    /// `*`: everything, also what is no ARN.
    All,
    /// One matcher per field. Fields that the document left out match everything.
    Fields(Box<[TextMatcher; 6]>),
}

/// The request in the form that statements look at, made once per evaluation.
#[derive(Clone, Copy)]
pub(crate) struct Prepared<'a> {
    pub principal: &'a PrincipalRef<'a>,
    /// In lower case.
    pub action: &'a str,
    /// The fields of the resource's ARN; `None` when it is none.
    pub resource: Option<[&'a str; 6]>,
    pub context: &'a Context,
}

impl Statement {
    /// What the statement is worth to the caller; `None` when it doesn't apply to the request. A statement without
    /// principal belongs to the caller already.
    pub(crate) fn applies(&self, request: &Prepared<'_>) -> Option<Grant> {
        if !self.actions.contains(request.action) {
            return None;
        }
        if let Some(resources) = &self.resources
            && !resources.contains(request)
        {
            return None;
        }
        let grant = match &self.principal {
            None => Grant::Direct,
            Some(set) => set.grant(request.principal, self.effect == Effect::Deny)?,
        };
        self.conditions.iter().all(|condition| condition.holds(request.context)).then_some(grant)
    }

    /// Calls `f` with each condition key that the statement looks at.
    pub(crate) fn for_each_key<'a>(&'a self, f: &mut dyn FnMut(&'a str)) {
        if let Some(resources) = &self.resources {
            resources.matchers.iter().for_each(|matcher| matcher.for_each_key(f));
        }
        self.conditions.iter().for_each(|condition| condition.for_each_key(f));
    }
}

impl ActionSet {
    fn contains(&self, lower_action: &str) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(lower_action)) != self.negated
    }
}

impl ResourceSet {
    fn contains(&self, request: &Prepared<'_>) -> bool {
        let listed = self.matchers.iter().any(|matcher| match (matcher, &request.resource) {
            (ArnMatcher::All, _) => true,
            (ArnMatcher::Fields(_), None) => false,
            (ArnMatcher::Fields(_), Some(fields)) => matcher.matches_fields(fields, request.context),
        });
        listed != self.negated
    }
}

impl ArnMatcher {
    pub(crate) fn parse(text: &str, variables: bool) -> Result<Self, BadVariable> {
        if text == "*" {
            return Ok(Self::All);
        }
        let reading = Reading { variables, wildcards: true, fold: false };
        let mut pieces = split_outside(text, ':', 6, variables).into_iter();
        let mut field = || match pieces.next() {
            Some(piece) => TextMatcher::parse(piece, reading),
            None => Ok(TextMatcher::Fixed(Pattern::compile([Token::Many]))),
        };
        Ok(Self::Fields(Box::new([field()?, field()?, field()?, field()?, field()?, field()?])))
    }

    pub(crate) fn matches(&self, text: &str, context: &Context) -> bool {
        match self {
            Self::All => true,
            Self::Fields(_) => arn_fields(text).is_some_and(|fields| self.matches_fields(&fields, context)),
        }
    }

    pub(crate) fn for_each_key<'a>(&'a self, f: &mut dyn FnMut(&'a str)) {
        if let Self::Fields(matchers) = self {
            matchers.iter().for_each(|matcher| matcher.for_each_key(f));
        }
    }

    fn matches_fields(&self, fields: &[&str; 6], context: &Context) -> bool {
        match self {
            Self::All => true,
            // From the end: the last field differs most.
            Self::Fields(matchers) => {
                matchers.iter().zip(fields).rev().all(|(matcher, field)| matcher.matches(field, context, false))
            }
        }
    }
}

/// The six fields of an ARN; `None` for what is none.
pub(crate) fn arn_fields(text: &str) -> Option<[&str; 6]> {
    let mut pieces = text.splitn(6, ':');
    let mut field = || pieces.next();
    let fields = [field()?, field()?, field()?, field()?, field()?, field()?];
    (fields[0] == "arn").then_some(fields)
}
