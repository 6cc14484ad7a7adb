//! How an agent reaches the control plane: by calls of its own, whether that is in the same process or a network away.

use landfall_model::agent::{AgentCall, AgentReply};

/// The way to the control plane. Blocks until there is an answer; a poll may take as long as it says.
pub trait ControlLink: Send + Sync {
    /// Makes a call.
    fn call(&self, call: AgentCall) -> Result<AgentReply, LinkError>;
}

/// Why a call had no answer. The agent goes on with its last plan and calls again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the control plane can't be reached: {0}")]
pub struct LinkError(pub String);
