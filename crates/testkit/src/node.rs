//! A simulated host with its agent's side of the protocol: what it has asked the control plane and waits for.

use std::rc::Rc;

use landfall_control::agents::Session;
use landfall_model::agent::{AgentReply, Report};
use landfall_model::{HostFacts, HostId, Timestamp};
use landfall_node::agent::sim::{SimHost, SimOptions};

/// A host and its agent.
pub struct Node {
    /// Which host.
    pub id: HostId,
    /// What its agent identifies itself with.
    pub token: String,
    /// What it says of its machine.
    pub facts: HostFacts,
    /// The machine and the agent's mind.
    pub sim: SimHost,
    /// Counts the agent's starts: what was said to an earlier one reaches nobody.
    pub generation: u64,
    /// The connection on which it is welcome.
    pub session: Option<Rc<Session>>,
    /// The number of the hello or poll that it waits for; answers to others are passed over.
    pub call: u64,
    /// The poll that the control plane holds because there is nothing new.
    pub held: Option<Poll>,
    /// Whether the next poll fetches the whole plan.
    pub whole: bool,
    /// When it wakes by itself.
    pub wake: Option<Timestamp>,
    /// When its last report arrives: a later one is not to overtake it.
    pub last_report: Timestamp,
    /// Until when nothing of it reaches anyone.
    pub cut_until: Timestamp,
}

impl Node {
    /// A host with nothing on it, whose agent has just started.
    pub fn new(id: HostId, token: String, facts: HostFacts, options: SimOptions) -> Self {
        Self {
            id,
            token,
            facts,
            sim: SimHost::new(options),
            generation: 0,
            session: None,
            call: 0,
            held: None,
            whole: false,
            wake: None,
            last_report: Timestamp(0),
            cut_until: Timestamp(0),
        }
    }
}

/// A poll as it arrives.
#[derive(Clone)]
pub struct Poll {
    /// The connection that it comes on.
    pub session: Rc<Session>,
    /// Its number.
    pub call: u64,
    /// The plan that the agent has.
    pub version: (u64, u64),
}

/// What an agent says.
#[derive(Clone)]
pub enum Message {
    /// Hello, with the call's number.
    Hello(u64),
    /// A poll.
    Poll(Poll),
    /// A report.
    Report(Rc<Session>, Report),
}

/// What the control plane says.
#[derive(Clone)]
pub enum Reply {
    /// To a hello: the connection, and what came of it.
    Hello(u64, Rc<Session>, AgentReply),
    /// To a poll.
    Poll(u64, AgentReply),
    /// To a report.
    Report(AgentReply),
}
