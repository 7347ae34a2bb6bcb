//! Changes for which no thread waits. Most changes are pushes, and a thread that waits for each costs more than writing it: whoever puts
//! one into the queue while nobody leads it writes all that come, together, until it is empty.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
};

use rusqlite::Connection;

use super::{MOST, Refusal, State, Writer};
use crate::store::StoreError;

/// Changes for which no thread waits.
#[derive(Default)]
pub(super) struct Queue {
    changes: VecDeque<Box<dyn Queued>>,
    /// Whether a thread takes them out and will look again.
    is_led: bool,
}

/// A change in the queue.
trait Queued: Send {
    /// Makes it among others; whether it succeeded.
    fn apply_with_others(&mut self, connection: &Connection) -> bool;
    /// Makes it, in a savepoint of its own.
    fn apply(&mut self, state: &mut State);
    /// Tells whoever put it there what came of it.
    fn end(self: Box<Self>, outcome: &Result<(), Refusal>);
}

struct Change<C, T, F> {
    change: C,
    changed: Option<Result<T, StoreError>>,
    then: F,
}

impl<C, T, F> Queued for Change<C, T, F>
where
    C: Fn(&Connection) -> Result<T, StoreError> + Send,
    T: Send,
    F: FnOnce(Result<T, StoreError>) + Send,
{
    fn apply_with_others(&mut self, connection: &Connection) -> bool {
        let changed = (self.change)(connection);
        let is_made = changed.is_ok();
        self.changed = Some(changed);
        is_made
    }

    fn apply(&mut self, state: &mut State) {
        self.changed = Some(state.apply(&self.change));
    }

    fn end(self: Box<Self>, outcome: &Result<(), Refusal>) {
        (self.then)(match (outcome, self.changed) {
            (Ok(()), Some(changed)) => changed,
            (Err(refusal), Some(changed)) => changed.and_then(|_| Err(refusal.to_error())),
            (Err(refusal), None) => Err(refusal.to_error()),
            (Ok(()), None) => Err(Refusal::aborted("it was not made").to_error()),
        });
    }
}

impl Writer {
    /// Makes a change: all of it or nothing; `then` hears of it once it is on the disk, or will never be. Returns at once if somebody leads
    /// the queue, and otherwise leads it. The change may be made more than once, until one is kept.
    pub(in crate::store::sqlite) fn change_then<T: Send + 'static>(
        &self,
        change: impl Fn(&Connection) -> Result<T, StoreError> + Send + 'static,
        then: impl FnOnce(Result<T, StoreError>) + Send + 'static,
    ) {
        let mut queue = self.queue.lock();
        queue.changes.push_back(Box::new(Change {
            change,
            changed: None,
            then,
        }));
        if std::mem::replace(&mut queue.is_led, true) {
            return;
        }
        loop {
            let count = queue.changes.len().min(MOST);
            let mut together: Vec<_> = queue.changes.drain(..count).collect();
            drop(queue);
            let outcome = self.write_together(&mut together);
            for one in together {
                one.end(&outcome);
            }
            queue = self.queue.lock();
            if queue.changes.is_empty() {
                queue.is_led = false;
                return;
            }
        }
    }

    fn write_together(&self, changes: &mut [Box<dyn Queued>]) -> Result<(), Refusal> {
        let mut state = self.take_state();
        let group = state.join(changes.len()).map_err(Refusal::of)?;
        state.apply_all(changes);
        self.leave(state);
        group.wait()
    }
}

impl State {
    /// Makes changes as one, because a savepoint costs a copy of every page that is touched after it; where one of them fails, each is
    /// made again in its own.
    fn apply_all(&mut self, changes: &mut [Box<dyn Queued>]) {
        // Then a rollback takes back nothing of anybody else's, and not even one savepoint is needed.
        let are_alone = self.joined == changes.len();
        let at_once = catch_unwind(AssertUnwindSafe(|| {
            let mut all = |connection: &Connection| {
                if changes
                    .iter_mut()
                    .all(|change| change.apply_with_others(connection))
                {
                    Ok(())
                } else {
                    Err(StoreError::Contradiction("a change failed among others"))
                }
            };
            if are_alone {
                all(&self.connection)
            } else {
                self.apply(all)
            }
        }));
        if matches!(at_once, Ok(Ok(()))) {
            return;
        }
        if are_alone {
            self.roll_back();
            if let Err(error) = self.begin() {
                return self.end(Err(Refusal::of(error)));
            }
        }
        for change in changes {
            if self.connection.is_autocommit() {
                return;
            }
            let applied = catch_unwind(AssertUnwindSafe(|| change.apply(self)));
            if applied.is_err() {
                self.give_up("a change in the same commit failed");
            }
        }
    }
}
