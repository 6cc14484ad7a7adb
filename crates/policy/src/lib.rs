//! The IAM policy language: documents are parsed once into compiled policies, and requests are evaluated against
//! sets of them.
//!
//! This crate is pure. It has no clock, no I/O and no resource of its own: what a request carries (time, source
//! address, tags) comes in through its [`Context`], and which policies belong to a caller is the business of whoever
//! builds the [`PolicySet`]. So the language can be proven alone, against AWS's documentation and against other
//! implementations of it.
//!
//! Three rules shape the code:
//! - **A document that we don't fully understand is refused.** An element that was silently skipped could be the
//!   condition that keeps somebody out.
//! - **All work that depends on the document alone is done when it is parsed**: an evaluation allocates only for
//!   policy variables and costs microseconds.
//! - **Matching never backtracks**: documents and requests are written by tenants, and the evaluator runs in the
//!   path of every call.
//!
//! Where AWS's documentation leaves a case open, the code takes the reading that grants less, and says so there.

mod condition;
mod context;
mod date;
mod evaluate;
mod explain;
mod json;
mod malformed;
mod parse;
mod pattern;
mod principal;
mod rename;
mod statement;
mod variable;

pub use context::Context;
pub use evaluate::{
    Attached, Decision, Gate, OrganisationKind, OrganisationLevel, PolicyKind, PolicySet, Request, ResourcePolicy,
    StatementRef, Verdict, evaluate,
};
pub use explain::{MatchedStatement, Trace, denial, detail, trace};
pub use malformed::Malformed;
pub use parse::{DocumentKind, Policy};
pub use principal::{PrincipalName, PrincipalRef};
pub use rename::rename_principals;
pub use statement::{Effect, Position, Span};
