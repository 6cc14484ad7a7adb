//! What an operation is: five shapes, and the one list entry that dispatch, docs and completeness tests share.

use std::future::Future;
use std::pin::Pin;

use landfall_cloud::{Cloud, Tx, View};
use landfall_model::AccountId;
use landfall_state::Engine;
use landfall_wire::{Tree, Written};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::authorise::Caller;
use crate::demand::Demands;
use crate::encryption::DefaultKey;
use crate::error::ApiError;
use crate::filter::FilterNames;
use crate::gateway::{Regions, Turn};
use crate::members::{Members, members};
use crate::outside::Outside;
use crate::page::Page;

/// An operation's name: the service's authorisation prefix and the action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Action {
    /// The service, such as `ec2`.
    pub service: &'static str,
    /// The action, such as `RunInstances`.
    pub name: &'static str,
}

impl Action {
    /// An action of EC2's.
    pub const fn ec2(name: &'static str) -> Self {
        Self { service: "ec2", name }
    }

    /// An action of IAM's.
    pub const fn iam(name: &'static str) -> Self {
        Self { service: "iam", name }
    }

    /// An action of STS's.
    pub const fn sts(name: &'static str) -> Self {
        Self { service: "sts", name }
    }

    /// An action of KMS's.
    pub const fn kms(name: &'static str) -> Self {
        Self { service: "kms", name }
    }

    /// An action of Parameter Store's, which is Systems Manager's.
    pub const fn ssm(name: &'static str) -> Self {
        Self { service: "ssm", name }
    }

    /// An action of Secrets Manager's.
    pub const fn secretsmanager(name: &'static str) -> Self {
        Self { service: "secretsmanager", name }
    }

    /// An action of CloudTrail's.
    pub const fn cloudtrail(name: &'static str) -> Self {
        Self { service: "cloudtrail", name }
    }

    /// An action of Data Lifecycle Manager's.
    pub const fn dlm(name: &'static str) -> Self {
        Self { service: "dlm", name }
    }

    /// An action of EBS's direct APIs.
    pub const fn ebs(name: &'static str) -> Self {
        Self { service: "ebs", name }
    }

    /// An action of EFS's.
    pub const fn efs(name: &'static str) -> Self {
        Self { service: "elasticfilesystem", name }
    }

    /// An action of S3's.
    pub const fn s3(name: &'static str) -> Self {
        Self { service: "s3", name }
    }

    /// An action of the provider's own.
    pub const fn landfall(name: &'static str) -> Self {
        Self { service: "landfall", name }
    }
}

/// An operation that looks. It sees the last durable value.
pub trait Read: DeserializeOwned + Send + 'static {
    /// Its name.
    const ACTION: Action;
    /// The filters that it takes, for those that have them.
    const FILTERS: FilterNames = FilterNames::NONE;
    /// The most rows of a page, for those that come in pages; 0 for those that don't.
    const PAGE_LIMIT: usize = 0;
    /// The fewest rows that may be asked for as a page.
    const PAGE_LEAST: usize = 1;
    /// What it answers, borrowed from the value where it can be.
    type Output<'v>: Serialize;

    /// Hears who calls, for those that act on the caller where nobody is named.
    fn hear_caller(&mut self, caller: &Caller) {
        let _ = caller;
    }

    /// Refuses what can be refused without looking at the value, before anything is demanded: lists that are too long,
    /// since what each of their elements demands is worked out first.
    fn check(&self) -> Result<(), ApiError> {
        Ok(())
    }

    /// What the caller must be allowed. EC2's Describe calls demand `*`, which is what this does unless it is written.
    fn demands(&self, view: &View<'_>, demands: &mut Demands) {
        let _ = view;
        demands.anything(Self::ACTION);
    }

    /// What the caller must be allowed besides, for what the page that was asked for is to show.
    fn demands_of_page(&self, view: &View<'_>, page: &Page, demands: &mut Demands) {
        let _ = (view, page, demands);
    }

    /// Looks. Filters select; they never grant.
    fn run<'v>(self, look: &mut Look<'v, '_>) -> Result<Self::Output<'v>, ApiError>;
}

/// What an operation that looks has to look at.
pub struct Look<'v, 'c> {
    /// The value.
    pub view: View<'v>,
    /// The page that was asked for.
    pub page: Page,
    /// Who looks.
    pub caller: &'c Caller,
    /// Which regions answer.
    pub regions: Regions,
    /// What lies outside the value.
    pub outside: &'c Outside,
    /// The engine, for what is kept beside the value: events.
    pub engine: &'c Engine<Cloud>,
}

/// An operation that changes the value, in one transaction. It does no I/O and has no clock or randomness of its own.
pub trait Write: DeserializeOwned + Send + 'static {
    /// Its name.
    const ACTION: Action;
    /// Whether it takes a client token: then the same request gives the same answer.
    const CLIENT_TOKEN: bool = false;
    /// Whether it only gives things back: then it goes on when the log's disk is full, for that is how room is made.
    const FREES: bool = false;
    /// What it answers, borrowed from the transaction where it can be.
    type Output<'t>: Serialize;

    /// Hears the client token, for those that show it afterwards. Dispatch does what the token is for.
    fn hear_client_token(&mut self, token: &str) {
        let _ = token;
    }

    /// Hears the whole input, for those that lay it over something that is kept.
    fn hear_input(&mut self, input: &Tree) {
        let _ = input;
    }

    /// Hears who calls, for those that act on the caller where nobody is named.
    fn hear_caller(&mut self, caller: &Caller) {
        let _ = caller;
    }

    /// As [`Read::check`]; it is called outside the transaction.
    fn check(&self) -> Result<(), ApiError> {
        Ok(())
    }

    /// As [`Call::default_key`], for what the transaction needs.
    fn default_key(&self, view: &View<'_>) -> Option<DefaultKey> {
        let _ = view;
        None
    }

    /// What the caller must be allowed: each action, resource and context that AWS's authorisation reference names. A
    /// missing id still yields a demand on its ARN: denied wins over not found.
    fn demands(&self, view: &View<'_>, demands: &mut Demands);

    /// Does it.
    fn run<'t>(self, tx: &'t mut Tx<'_, '_>) -> Result<Self::Output<'t>, ApiError>;
}

/// An operation with an effect outside the transaction that comes before it: making a key, asking a host. It is
/// authorised before the effect and again in the transaction.
pub trait Call: DeserializeOwned + Send + Sync + 'static {
    /// Its name.
    const ACTION: Action;
    /// What the effect yields.
    type Made: Send + 'static;
    /// What it answers.
    type Output<'t>: Serialize;

    /// As [`Write::hear_caller`].
    fn hear_caller(&mut self, caller: &Caller) {
        let _ = caller;
    }

    /// Looks at what the caller shows beside its signature and demands may depend on, such as a second factor.
    fn hear_proof(&mut self, outside: &Outside, view: &View<'_>) -> Result<(), ApiError> {
        let _ = (outside, view);
        Ok(())
    }

    /// As [`Read::check`].
    fn check(&self) -> Result<(), ApiError> {
        Ok(())
    }

    /// As [`Write::demands`].
    fn demands(&self, view: &View<'_>, demands: &mut Demands);

    /// The parts of a call of which each may be denied by itself, and the others go on: secrets that are read together.
    /// Those that were denied are none any more.
    fn parts(&self, view: &View<'_>) -> Vec<String> {
        let _ = view;
        Vec::new()
    }

    /// What the caller must be allowed for a part.
    fn demand_part(&self, view: &View<'_>, part: &str, demands: &mut Demands) {
        let _ = (view, part, demands);
    }

    /// Hears that a part was denied, and how.
    fn hear_denied(&mut self, part: String, denied: ApiError) {
        let _ = (part, denied);
    }

    /// Another account that is to find the call in its own audit once it went through.
    fn concerns(&self) -> Option<AccountId> {
        None
    }

    /// The service's own key that the effect will need, which is made before it if this account hasn't used it yet.
    fn default_key(&self, view: &View<'_>) -> Option<DefaultKey> {
        let _ = view;
        None
    }

    /// The effect.
    fn effect<'a>(
        &'a self,
        outside: &'a Outside,
        view: View<'a>,
    ) -> impl Future<Output = Result<Self::Made, ApiError>> + Send + 'a;

    /// The transaction, with what the effect yielded; it may change nothing.
    fn run<'t>(self, made: Self::Made, tx: &'t mut Tx<'_, '_>) -> Result<Self::Output<'t>, ApiError>;
}

/// An operation that looks outside the value, where that may take a while, and changes nothing: it asks a host, or reads the
/// chunk store. Nothing waits for it, and it waits for no transaction.
pub trait Inquire: DeserializeOwned + Send + Sync + 'static {
    /// Its name.
    const ACTION: Action;
    /// What it answers.
    type Output: Serialize + Send;

    /// As [`Read::hear_caller`].
    fn hear_caller(&mut self, caller: &Caller) {
        let _ = caller;
    }

    /// As [`Read::check`].
    fn check(&self) -> Result<(), ApiError> {
        Ok(())
    }

    /// As [`Read::demands`].
    fn demands(&self, view: &View<'_>, demands: &mut Demands);

    /// Looks.
    fn inquire<'a>(
        &'a self,
        outside: &'a Outside,
        view: View<'a>,
    ) -> impl Future<Output = Result<Self::Output, ApiError>> + Send + 'a;
}

/// An operation that gives out an object's bytes instead of a document about the value.
pub trait Fetch: DeserializeOwned + Send + Sync + 'static {
    /// Its name.
    const ACTION: Action;

    /// As [`Read::demands`].
    fn demands(&self, view: &View<'_>, demands: &mut Demands);

    /// What the caller must be allowed besides to be told that there is no such object.
    fn demands_to_miss(&self, view: &View<'_>, demands: &mut Demands);

    /// Opens the object.
    fn fetch<'a>(
        &'a self,
        outside: &'a Outside,
        view: View<'a>,
        may_miss: bool,
    ) -> impl Future<Output = Result<Object, ApiError>> + Send + 'a;
}

/// An object's bytes, or a part of them, as they go out.
#[derive(Debug)]
pub struct Object {
    /// 200, or 206 of a part.
    pub status: u16,
    /// The value of `Content-Type`.
    pub content_type: &'static str,
    /// Further headers, names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// Where the bytes are, from where it stands.
    pub file: std::fs::File,
    /// How many of them.
    pub length_bytes: u64,
}

/// What an operation answers.
#[derive(Debug)]
pub(crate) enum Reply {
    /// A document, with what goes beside it.
    Document(Written),
    /// An object.
    Object(Object),
}

/// Which of the shapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// [`Read`].
    Read,
    /// [`Write`].
    Write,
    /// [`Call`].
    Call,
    /// [`Inquire`].
    Inquire,
    /// [`Fetch`].
    Fetch,
}

/// The answer under way.
pub(crate) type Answering<'a> = Pin<Box<dyn Future<Output = Result<Reply, ApiError>> + Send + 'a>>;

/// An entry of the list of operations.
pub struct Operation {
    /// Its name.
    pub action: Action,
    /// Its shape.
    pub shape: Shape,
    /// The filters that it takes.
    pub filters: FilterNames,
    /// Whether it takes a client token.
    pub client_token: bool,
    /// Whether it comes in pages.
    pub paged: bool,
    /// What its input is made of.
    pub members: fn() -> Members,
    /// Reads an input and says what it demands: for tests that compare with AWS's reference.
    pub demands: fn(&Tree, &View<'_>, &mut Demands) -> Result<(), ApiError>,
    pub(crate) answer: for<'a> fn(Turn<'a>) -> Answering<'a>,
}

impl Operation {
    /// The entry of an operation that looks.
    pub const fn read<O: Read>() -> Self {
        Self {
            action: O::ACTION,
            shape: Shape::Read,
            filters: O::FILTERS,
            client_token: false,
            paged: O::PAGE_LIMIT > 0,
            members: members::<O>,
            demands: |tree, view, demands| {
                parse::<O>(tree)?.demands(view, demands);
                Ok(())
            },
            answer: |turn| Box::pin(async { turn.read::<O>().await.map(Reply::Document) }),
        }
    }

    /// The entry of an operation that changes the value.
    pub const fn write<O: Write>() -> Self {
        Self {
            action: O::ACTION,
            shape: Shape::Write,
            filters: FilterNames::NONE,
            client_token: O::CLIENT_TOKEN,
            paged: false,
            members: members::<O>,
            demands: |tree, view, demands| {
                let mut operation = parse::<O>(tree)?;
                operation.hear_input(tree);
                operation.demands(view, demands);
                Ok(())
            },
            answer: |turn| Box::pin(async { turn.write::<O>().await.map(Reply::Document) }),
        }
    }

    /// The entry of an operation with an effect outside.
    pub const fn call<O: Call>() -> Self {
        Self {
            action: O::ACTION,
            shape: Shape::Call,
            filters: FilterNames::NONE,
            client_token: false,
            paged: false,
            members: members::<O>,
            demands: |tree, view, demands| {
                parse::<O>(tree)?.demands(view, demands);
                Ok(())
            },
            answer: |turn| Box::pin(async { turn.call::<O>().await.map(Reply::Document) }),
        }
    }

    /// The entry of an operation that looks outside the value.
    pub const fn inquire<O: Inquire>() -> Self {
        Self {
            action: O::ACTION,
            shape: Shape::Inquire,
            filters: FilterNames::NONE,
            client_token: false,
            paged: false,
            members: members::<O>,
            demands: |tree, view, demands| {
                parse::<O>(tree)?.demands(view, demands);
                Ok(())
            },
            answer: |turn| Box::pin(async { turn.inquire::<O>().await.map(Reply::Document) }),
        }
    }

    /// The entry of an operation that gives out an object.
    pub const fn fetch<O: Fetch>() -> Self {
        Self {
            action: O::ACTION,
            shape: Shape::Fetch,
            filters: FilterNames::NONE,
            client_token: false,
            paged: false,
            members: members::<O>,
            demands: |tree, view, demands| {
                parse::<O>(tree)?.demands(view, demands);
                Ok(())
            },
            answer: |turn| Box::pin(async { turn.fetch::<O>().await.map(Reply::Object) }),
        }
    }
}

fn parse<O: DeserializeOwned>(tree: &Tree) -> Result<O, ApiError> {
    landfall_wire::from_tree(tree).map_err(|error| error.refusal(landfall_wire::Protocol::Ec2Query).into())
}
