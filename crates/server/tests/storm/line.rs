//! A line that does what bad lines do, by dice.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use futures::{future::BoxFuture, stream::BoxStream};
use shicha_sync::client::{HttpTransport, Reply, Request, Transport, TransportFault};
use tokio::sync::Notify;

/// Dice that fall the same way for the same seed (xorshift64*, Vigna 2016).
#[derive(Clone)]
pub(crate) struct Dice(Arc<Mutex<u64>>);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(seed.max(1))))
    }

    pub(crate) fn roll(&self) -> u64 {
        let mut state = self.0.lock().unwrap();
        *state ^= *state >> 12;
        *state ^= *state << 25;
        *state ^= *state >> 27;
        state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn below(&self, end: u64) -> u64 {
        self.roll() % end
    }
}

/// One device's line.
#[derive(Clone)]
pub(crate) struct Line(Arc<Inner>);

struct Inner {
    good: HttpTransport,
    dice: Dice,
    is_bad: AtomicBool,
    /// Requests until the program is killed; a very large number: never.
    left: AtomicU64,
    killed: Notify,
    /// The last answer of each kind that can be brought again.
    old: Mutex<Option<Reply>>,
}

const NEVER: u64 = u64::MAX / 2;

impl Line {
    pub(crate) fn new(good: HttpTransport, dice: &Dice) -> Self {
        Self(Arc::new(Inner {
            good,
            dice: dice.clone(),
            is_bad: AtomicBool::new(false),
            left: AtomicU64::new(NEVER),
            killed: Notify::new(),
            old: Mutex::new(None),
        }))
    }

    pub(crate) fn be_bad(&self) {
        self.0.is_bad.store(true, Ordering::SeqCst);
    }

    pub(crate) fn be_good(&self) {
        self.0.is_bad.store(false, Ordering::SeqCst);
        self.0.left.store(NEVER, Ordering::SeqCst);
    }

    /// Nothing of before comes again: the server has another life.
    pub(crate) fn forget(&self) {
        *self.0.old.lock().unwrap() = None;
    }

    /// The program is killed at the request after so many.
    pub(crate) fn kill_after(&self, requests: u64) {
        self.0.left.store(requests, Ordering::SeqCst);
    }

    pub(crate) async fn killed(&self) {
        self.0.killed.notified().await;
    }

    async fn send(&self, mut request: Request) -> Result<Reply, TransportFault> {
        let Inner {
            good, dice, old, ..
        } = &*self.0;
        if !self.0.is_bad.load(Ordering::SeqCst) {
            return good.call(request).await;
        }
        let lost = || Err(TransportFault::Unreachable("the line broke".into()));
        if self.0.left.fetch_sub(1, Ordering::SeqCst) == 0 {
            // With the request on its way or not: the program does not live to know.
            if dice.below(2) == 0 {
                let _ = good.call(request).await;
            }
            self.0.left.store(NEVER, Ordering::SeqCst);
            self.0.killed.notify_one();
            return std::future::pending().await;
        }
        let is_pull = request.path == "/v1/pull";
        match dice.below(100) {
            0..8 => lost(),
            8..18 => {
                good.call(request).await?;
                lost()
            }
            18..28 => {
                good.call(request.clone()).await?;
                good.call(request).await
            }
            28..34 => {
                let mut reply = good.call(request).await?;
                reply.body.truncate(reply.body.len() / 2);
                Ok(reply)
            }
            34..38 => {
                request.body.truncate(request.body.len() / 2);
                good.call(request).await
            }
            38..42 if is_pull && old.lock().unwrap().is_some() => {
                let old = old.lock().unwrap().clone();
                old.map_or_else(lost, Ok)
            }
            _ => {
                let reply = good.call(request).await?;
                if is_pull {
                    *old.lock().unwrap() = Some(reply.clone());
                }
                Ok(reply)
            }
        }
    }
}

impl Transport for Line {
    fn call<'a>(&'a self, request: Request) -> BoxFuture<'a, Result<Reply, TransportFault>> {
        Box::pin(self.send(request))
    }

    fn listen<'a>(
        &'a self,
        request: Request,
    ) -> BoxFuture<'a, Result<BoxStream<'static, Result<Vec<u8>, TransportFault>>, TransportFault>>
    {
        self.0.good.listen(request)
    }
}
