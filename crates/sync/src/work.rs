//! Blocking work, off the threads that wait for the network; or, where a simulation wants everything in one order, on the spot.

use std::{
    cell::Cell,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::task::{JoinError, JoinHandle};

thread_local! {
    static ON_THE_SPOT: Cell<bool> = const { Cell::new(false) };
}

/// From now on blocking work that this thread begins is done before [`begin`] returns. For a simulation, which has one thread and
/// must find the same order each time; a program that serves people would stand still meanwhile.
#[doc(hidden)]
pub fn on_the_spot() {
    ON_THE_SPOT.set(true);
}

/// Begins blocking work. Goes on by itself; dropping what is returned does not end it. Needs a Tokio runtime.
pub fn begin<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Working<T> {
    if ON_THE_SPOT.get() {
        Working::Done(Some(work()))
    } else {
        Working::Aside(tokio::task::spawn_blocking(work))
    }
}

/// Work that was begun; to be awaited for what comes of it, or for its panic.
#[derive(Debug)]
pub enum Working<T> {
    /// Another thread does it.
    Aside(JoinHandle<T>),
    /// It is done.
    Done(Option<T>),
}

// What comes of work is only ever moved.
impl<T> Unpin for Working<T> {}

impl<T> Future for Working<T> {
    type Output = Result<T, JoinError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Aside(task) => Pin::new(task).poll(context),
            // Taken once; a future that has ended is not polled again.
            Self::Done(done) => done
                .take()
                .map_or(Poll::Pending, |done| Poll::Ready(Ok(done))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_the_spot_means_before_anything_else_happens() {
        let order = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let note = |word: &'static str| {
            let order = std::sync::Arc::clone(&order);
            move || order.lock().map(|mut order| order.push(word)).is_ok()
        };
        let done = std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                on_the_spot();
                let working = begin(note("work"));
                note("after")();
                matches!(working, Working::Done(Some(true)))
            });
            thread.join().is_ok_and(|done| done)
        });
        assert!(done);
        assert_eq!(
            order.lock().map(|order| order.clone()).ok(),
            Some(vec!["work", "after"])
        );
    }
}
