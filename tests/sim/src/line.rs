//! The lines between the laptops and the central endpoint: what is asked waits until the world lets it arrive, and so does the answer.

use std::{collections::BTreeMap, future::poll_fn, sync::Arc, task::Poll};

use futures::{FutureExt as _, future::BoxFuture, stream::BoxStream};
use parking_lot::Mutex;
use shicha_sync::client::{Reply, Request, Transport, TransportFault};

/// A call of a process on a laptop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Call(u64);

/// What is on its way.
#[derive(Clone)]
pub(crate) enum Message {
    /// To the central endpoint.
    Asked {
        /// In which call.
        call: Call,
        /// From which laptop.
        laptop: usize,
        /// The version of the protocol that it speaks.
        speaks: u32,
        /// What.
        request: Request,
    },
    /// To a laptop.
    Answered {
        /// In which call.
        call: Call,
        /// Which.
        laptop: usize,
        /// Of what was asked, the path.
        path: String,
        /// What.
        reply: Reply,
    },
}

#[derive(Default)]
struct State {
    calls: u64,
    /// What is on its way, in the order of sending.
    underway: Vec<Message>,
    /// Calls that wait, and what they got.
    open: BTreeMap<Call, Option<Result<Reply, TransportFault>>>,
    of_laptop: BTreeMap<Call, usize>,
}

/// All lines.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<State>>);

impl Lines {
    /// The line of a laptop, whose program speaks this version of the protocol.
    pub(crate) fn of(&self, laptop: usize, speaks: u32) -> Line {
        Line {
            lines: self.clone(),
            laptop,
            speaks,
        }
    }

    /// How many messages are on their way.
    pub(crate) fn underway(&self) -> usize {
        self.0.lock().underway.len()
    }

    /// Takes a message off the line.
    pub(crate) fn take(&self, at: usize) -> Message {
        self.0.lock().underway.remove(at)
    }

    /// Puts a message on the line.
    pub(crate) fn put(&self, message: Message) {
        self.0.lock().underway.push(message);
    }

    /// Loses everything that is on its way.
    pub(crate) fn clear(&self) {
        self.0.lock().underway.clear();
    }

    /// Ends a call, if somebody waits for it; which laptop's it was.
    pub(crate) fn end(&self, call: Call, with: Result<Reply, TransportFault>) -> Option<usize> {
        let mut state = self.0.lock();
        let slot = state.open.get_mut(&call)?;
        if slot.is_some() {
            return None;
        }
        *slot = Some(with);
        state.of_laptop.get(&call).copied()
    }
}

/// A call that nobody waits for any more is forgotten.
struct Waiting<'a> {
    lines: &'a Lines,
    call: Call,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut state = self.lines.0.lock();
        state.open.remove(&self.call);
        state.of_laptop.remove(&self.call);
    }
}

/// One laptop's line.
pub(crate) struct Line {
    lines: Lines,
    laptop: usize,
    speaks: u32,
}

impl Line {
    async fn send(&self, request: Request) -> Result<Reply, TransportFault> {
        let call = {
            let mut state = self.lines.0.lock();
            state.calls += 1;
            let call = Call(state.calls);
            state.open.insert(call, None);
            state.of_laptop.insert(call, self.laptop);
            state.underway.push(Message::Asked {
                call,
                laptop: self.laptop,
                speaks: self.speaks,
                request,
            });
            call
        };
        let waiting = Waiting {
            lines: &self.lines,
            call,
        };
        // The world looks again by itself after each message that it lets arrive.
        poll_fn(|_| match waiting.lines.0.lock().open.get_mut(&call) {
            Some(slot) => slot.take().map_or(Poll::Pending, Poll::Ready),
            None => Poll::Pending,
        })
        .await
    }
}

/// That a line broke.
pub(crate) fn broken() -> TransportFault {
    TransportFault::Unreachable("the line broke".to_owned())
}

impl Transport for Line {
    fn call<'a>(&'a self, request: Request) -> BoxFuture<'a, Result<Reply, TransportFault>> {
        self.send(request).boxed()
    }

    fn listen<'a>(
        &'a self,
        _request: Request,
    ) -> BoxFuture<'a, Result<BoxStream<'static, Result<Vec<u8>, TransportFault>>, TransportFault>>
    {
        // The world goes the rounds itself.
        async { Err(broken()) }.boxed()
    }
}
