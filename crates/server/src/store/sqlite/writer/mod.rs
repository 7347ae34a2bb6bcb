//! The one writing connection, and one commit for all changes that wait at the same moment.
//!
//! A commit waits for the disk, and while it waits nobody else can write. So a change that sees others waiting leaves the transaction
//! open for them; the last one, or the one that fills the group, commits for all. Invariants:
//! 1. A change returns only after the commit that holds it, or with the error of that commit.
//! 2. A change that fails takes back itself and nobody else. Each lies in a savepoint; those of the queue lie in one together, or in
//!    none while they are alone, and are made again each in its own where one of them fails.
//! 3. Whoever leaves the transaction open has seen somebody who waits for the connection and will commit or see the next.

mod queue;

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use parking_lot::{Condvar, Mutex, MutexGuard};
use rusqlite::Connection;

use self::queue::Queue;
use crate::store::{StoreError, sound::Soundness};

/// Changes in one commit at most, so that the first does not wait for ever.
const MOST: usize = 128;

/// The writing connection.
pub(super) struct Writer {
    state: Mutex<State>,
    /// Changes that want the connection and do not have it yet.
    waiting: AtomicUsize,
    queue: Mutex<Queue>,
}

struct State {
    connection: Connection,
    sound: Arc<Soundness>,
    /// The changes in the open transaction, if one is open.
    group: Option<Arc<Group>>,
    joined: usize,
}

/// Changes that are committed together. Those who wait for the commit wait here and not at the connection, which others want.
#[derive(Default)]
struct Group {
    outcome: Mutex<Option<Result<(), Refusal>>>,
    over: Condvar,
}

impl Group {
    fn end(&self, outcome: Result<(), Refusal>) {
        *self.outcome.lock() = Some(outcome);
        self.over.notify_all();
    }

    fn wait(&self) -> Result<(), Refusal> {
        let mut outcome = self.outcome.lock();
        loop {
            match &*outcome {
                Some(outcome) => return outcome.clone(),
                None => self.over.wait(&mut outcome),
            }
        }
    }
}

/// Why a commit failed, for each of those who were in it.
#[derive(Clone)]
struct Refusal {
    error: rusqlite::ffi::Error,
    message: Option<String>,
}

impl Refusal {
    fn of(error: rusqlite::Error) -> Self {
        match error {
            rusqlite::Error::SqliteFailure(error, message) => Self { error, message },
            other => Self {
                error: rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_ERROR),
                message: Some(other.to_string()),
            },
        }
    }

    fn aborted(why: &str) -> Self {
        Self {
            error: rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_ABORT),
            message: Some(why.to_owned()),
        }
    }

    /// Of a database in which damage was met.
    fn unsound() -> Self {
        Self {
            error: rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT),
            message: Some("damage was met before".to_owned()),
        }
    }

    fn to_rusqlite(&self) -> rusqlite::Error {
        rusqlite::Error::SqliteFailure(self.error, self.message.clone())
    }

    fn to_error(&self) -> StoreError {
        self.to_rusqlite().into()
    }
}

impl Writer {
    pub(super) fn new(connection: Connection, sound: Arc<Soundness>) -> Self {
        Self {
            state: Mutex::new(State {
                connection,
                sound,
                group: None,
                joined: 0,
            }),
            waiting: AtomicUsize::new(0),
            queue: Mutex::default(),
        }
    }

    fn take_state(&self) -> MutexGuard<'_, State> {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let state = self.state.lock();
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        state
    }

    /// Commits, unless others wait who can be committed together.
    fn leave(&self, mut state: MutexGuard<'_, State>) {
        if state.group.is_none() || state.connection.is_autocommit() {
            // A full disk or an unreadable one ends the transaction with everything in it.
            state.give_up("the transaction was ended by the database");
        } else if state.joined >= MOST
            || self.waiting.load(Ordering::SeqCst) == 0
            // Who comes next would not join.
            || state.sound.is_damaged()
        {
            state.commit();
        }
    }

    /// Makes a change: all of it or nothing, and on the disk when this returns.
    pub(super) fn change<T>(
        &self,
        change: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut state = self.take_state();
        let group = state.join(1)?;
        let changed = match catch_unwind(AssertUnwindSafe(|| state.apply(change))) {
            Ok(changed) => changed,
            Err(panic) => {
                state.give_up("a change in the same commit failed");
                resume_unwind(panic);
            }
        };
        self.leave(state);
        match group.wait() {
            Ok(()) => changed,
            // Its own error says more than that of the commit.
            Err(refusal) => changed.and_then(|_| Err(refusal.to_error())),
        }
    }

    /// Asks the connection something that has nothing to do with changes.
    pub(super) fn ask<T>(&self, question: impl FnOnce(&Connection) -> T) -> T {
        question(&self.state.lock().connection)
    }
}

impl State {
    /// The group of the open transaction; opens one where none is, unless damage was met.
    fn join(&mut self, count: usize) -> rusqlite::Result<Arc<Group>> {
        if self.sound.is_damaged() {
            // Met by a reader while somebody left the transaction open for this one.
            self.roll_back();
            self.end(Err(Refusal::unsound()));
            return Err(Refusal::unsound().to_rusqlite());
        }
        let group = match &self.group {
            Some(group) => Arc::clone(group),
            None => {
                self.begin()?;
                let group = Arc::<Group>::default();
                self.group = Some(Arc::clone(&group));
                self.joined = 0;
                group
            }
        };
        self.joined += count;
        Ok(group)
    }

    fn begin(&self) -> rusqlite::Result<()> {
        self.connection.execute_batch("BEGIN IMMEDIATE")
    }

    fn apply<T>(
        &mut self,
        change: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let connection = &mut self.connection;
        let apply = || {
            let savepoint = connection.savepoint()?;
            let changed = change(&savepoint)?;
            savepoint.commit()?;
            Ok(changed)
        };
        let applied = apply();
        self.sound.note(&applied);
        applied
    }

    fn commit(&mut self) {
        // What others changed in the same transaction is given up with it: nobody is told that a damaged database holds it.
        let outcome = if self.sound.is_damaged() {
            Err(Refusal::unsound())
        } else {
            self.connection.execute_batch("COMMIT").map_err(Refusal::of)
        };
        if let Err(refusal) = &outcome {
            self.sound.note(&Err::<(), _>(refusal.to_error()));
            self.roll_back();
        }
        self.end(outcome);
    }

    fn give_up(&mut self, why: &str) {
        self.roll_back();
        self.end(Err(Refusal::aborted(why)));
    }

    fn roll_back(&self) {
        if self.connection.is_autocommit() {
            return;
        }
        if let Err(error) = self.connection.execute_batch("ROLLBACK") {
            tracing::error!(%error, "a transaction cannot be rolled back");
        }
    }

    fn end(&mut self, outcome: Result<(), Refusal>) {
        if let Some(group) = self.group.take() {
            group.end(outcome);
        }
    }
}

#[cfg(test)]
mod tests;
