//! The operations, one file per action, and the dispatch around them.
//!
//! [`Gateway::handle`] takes a request's bytes and gives an answer's. All that is common to operations is in there once:
//! authentication, decoding, authorisation, dry run, client tokens, pagination, the transaction, the audit record,
//! encoding, errors. An operation says what it demands and what it does, and can't forget any of the rest.

pub mod audit;
pub mod authenticate;
pub mod authorise;
pub mod block_store;
pub mod circumstances;
pub mod cloudtrail;
pub mod demand;
pub mod dlm;
mod documents;
pub mod ebs;
pub mod ec2;
pub mod efs;
pub mod encryption;
pub mod error;
pub mod filter;
pub mod gateway;
pub mod home;
pub mod iam;
pub mod instance_role;
pub mod key_uses;
pub mod kms;
pub mod landfall;
pub mod members;
mod narrowing;
pub mod operation;
pub mod outside;
pub mod page;
pub mod password;
pub mod prologue;
pub mod replay;
mod routes;
pub mod s3;
pub mod second_factor;
pub mod secretsmanager;
pub mod session;
pub mod ssm;
mod standing;
pub mod sts;
pub mod tagging;
mod terms;
mod throttle;
mod through;
pub mod totp;
pub(crate) mod unsupported;
pub mod usage;
mod uuid;
pub mod vault;
pub mod volume_key;
mod way;
pub mod web_identity;

pub use audit::TlsSpoken;
pub use authorise::Caller;
pub use block_store::BlockStore;
pub use demand::Demands;
pub use error::ApiError;
pub use filter::{Filter, Filters};
pub use gateway::{Errand, Gateway, HttpAnswer, HttpRequest, ObjectBody, Options, Regions, Settle};
pub use operation::{Action, Call, Inquire, Look, Operation, Read, Shape, Write};
pub use outside::{HostPresence, Hosts, Outside};
pub use page::Page;
pub use throttle::Throttling;
pub use vault::Vault;

/// Every operation, by service and name: what the dispatch looks up, the table of operations is generated from, and the
/// completeness tests walk.
pub fn operations() -> impl Iterator<Item = &'static Operation> {
    let ours = sts::OPERATIONS.iter().chain(iam::OPERATIONS).chain(ec2::OPERATIONS).chain(kms::OPERATIONS);
    ours.chain(cloudtrail::OPERATIONS)
        .chain(dlm::OPERATIONS)
        .chain(ebs::OPERATIONS)
        .chain(efs::OPERATIONS)
        .chain(s3::OPERATIONS)
        .chain(secretsmanager::OPERATIONS)
        .chain(ssm::OPERATIONS)
        .chain(landfall::OPERATIONS)
}
