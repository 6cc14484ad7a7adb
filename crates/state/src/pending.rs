//! The answer of a commit, held back until it is durable.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::sync::oneshot;

/// Why a commit's answer must not be given: the state that it rests on was refused, or may be lost.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The log failed; the engine is reading back what really landed. What was asked may have happened.
    #[error("the state is unavailable: {0}")]
    Unavailable(String),
    /// No space is left for the log: only essential commits are still taken. One that shared the group of the
    /// commit that found the disk full is refused with it, and may be tried again at once.
    #[error("no space is left for the log")]
    DiskFull,
    /// The wall clock leapt by so many milliseconds; an operator must accept it.
    #[error("the wall clock leapt by {0} ms; writes wait until an operator accepts it")]
    ClockLeapt(i64),
    /// Another process took the log over: this engine never writes again.
    #[error("another process has taken over the log")]
    Fenced,
    /// The engine was stopped.
    #[error("the engine has stopped")]
    Stopped,
}

pub(crate) type Waker = oneshot::Sender<Result<(), Refused>>;

/// The result of [`Engine::commit`](crate::Engine::commit): resolves once all that the closure saw and did is
/// durable. Await it, or [`wait`](Pending::wait) outside asynchronous code. Dropping it changes nothing about
/// the commit.
#[must_use = "an answer may be given only once it is durable"]
pub struct Pending<R> {
    result: Option<Result<R, Refused>>,
    durable: Option<oneshot::Receiver<Result<(), Refused>>>,
    revision: u64,
}

/// The result is only ever moved, never pinned.
impl<R> Unpin for Pending<R> {}

impl<R> Pending<R> {
    pub(crate) fn ready(result: Result<R, Refused>, revision: u64) -> Self {
        Self { result: Some(result), durable: None, revision }
    }

    pub(crate) fn waiting(result: R, revision: u64) -> (Self, Waker) {
        let (waker, durable) = oneshot::channel();
        (Self { result: Some(Ok(result)), durable: Some(durable), revision }, waker)
    }

    /// Whether the answer is known already.
    pub fn is_ready(&self) -> bool {
        self.durable.is_none()
    }

    /// The revision that this waits for.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Blocks this thread until the answer is durable.
    ///
    /// # Panics
    /// Within an asynchronous task, unless the answer is ready: await it there.
    pub fn wait(mut self) -> Result<R, Refused> {
        if let Some(durable) = self.durable.take() {
            durable.blocking_recv().unwrap_or(Err(Refused::Stopped))?;
        }
        self.take_result()
    }

    fn take_result(&mut self) -> Result<R, Refused> {
        self.result.take().expect("an answer is taken once")
    }
}

impl<R> Future for Pending<R> {
    type Output = Result<R, Refused>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(durable) = &mut self.durable {
            let outcome = ready!(Pin::new(durable).poll(context)).unwrap_or(Err(Refused::Stopped));
            self.durable = None;
            if let Err(refused) = outcome {
                self.result = None;
                return Poll::Ready(Err(refused));
            }
        }
        Poll::Ready(self.take_result())
    }
}
