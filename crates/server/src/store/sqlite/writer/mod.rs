//! The one writing connection, and one commit for all changes that wait at the same moment.
//!
//! A commit waits for the disk, and while it waits nobody else can write. So a change that sees others waiting leaves the transaction
//! open for them; the last one, or the one that fills the group, commits for all. Invariants:
//! 1. A change returns only after the commit that holds it, or with the error of that commit.
//! 2. Each change lies in a savepoint: one that fails takes back itself and nobody else.
//! 3. Whoever leaves the transaction open has seen somebody who waits for the connection and will commit or see the next.

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use parking_lot::{Condvar, Mutex};
use rusqlite::Connection;

use crate::store::StoreError;

/// Changes in one commit at most, so that the first does not wait for ever.
const MOST: usize = 64;

/// The writing connection.
pub(super) struct Writer {
    state: Mutex<State>,
    /// Changes that want the connection and do not have it yet.
    waiting: AtomicUsize,
}

struct State {
    connection: Connection,
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

    fn to_error(&self) -> StoreError {
        rusqlite::Error::SqliteFailure(self.error, self.message.clone()).into()
    }
}

impl Writer {
    pub(super) fn new(connection: Connection) -> Self {
        Self {
            state: Mutex::new(State {
                connection,
                group: None,
                joined: 0,
            }),
            waiting: AtomicUsize::new(0),
        }
    }

    /// Makes a change: all of it or nothing, and on the disk when this returns.
    pub(super) fn change<T>(
        &self,
        change: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let mut state = self.state.lock();
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        let group = state.join()?;
        let changed = match catch_unwind(AssertUnwindSafe(|| state.apply(change))) {
            Ok(changed) => changed,
            Err(panic) => {
                state.give_up("a change in the same commit failed");
                resume_unwind(panic);
            }
        };
        if state.connection.is_autocommit() {
            // A full disk or an unreadable one ends the transaction with everything in it.
            state.give_up("the transaction was ended by the database");
        } else if state.joined >= MOST || self.waiting.load(Ordering::SeqCst) == 0 {
            state.commit();
        }
        drop(state);
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
    /// The group of the open transaction; opens one where none is.
    fn join(&mut self) -> Result<Arc<Group>, StoreError> {
        let group = match &self.group {
            Some(group) => Arc::clone(group),
            None => {
                self.connection.execute_batch("BEGIN IMMEDIATE")?;
                let group = Arc::<Group>::default();
                self.group = Some(Arc::clone(&group));
                self.joined = 0;
                group
            }
        };
        self.joined += 1;
        Ok(group)
    }

    fn apply<T>(
        &mut self,
        change: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let savepoint = self.connection.savepoint()?;
        let changed = change(&savepoint)?;
        savepoint.commit()?;
        Ok(changed)
    }

    fn commit(&mut self) {
        let outcome = self.connection.execute_batch("COMMIT").map_err(Refusal::of);
        if outcome.is_err() {
            self.roll_back();
        }
        self.end(outcome);
    }

    fn give_up(&mut self, why: &str) {
        self.roll_back();
        self.end(Err(Refusal {
            error: rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_ABORT),
            message: Some(why.to_owned()),
        }));
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
#[allow(clippy::unwrap_used)]
mod tests {
    use std::{sync::Barrier, thread};

    use super::*;

    fn table(dir: &std::path::Path) -> Writer {
        let connection = Connection::open(dir.join("writer.db")).unwrap();
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; CREATE TABLE t (n INTEGER PRIMARY KEY) STRICT;",
            )
            .unwrap();
        Writer::new(connection)
    }

    fn held(dir: &std::path::Path) -> Vec<i64> {
        let connection = Connection::open(dir.join("writer.db")).unwrap();
        let mut statement = connection.prepare("SELECT n FROM t ORDER BY n").unwrap();
        statement
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect()
    }

    fn insert(connection: &Connection, n: i64) -> Result<(), StoreError> {
        connection.execute("INSERT INTO t (n) VALUES (?1)", [n])?;
        Ok(())
    }

    #[test]
    fn what_returned_is_seen_by_everybody_and_what_failed_took_back_only_itself() {
        let dir = tempfile::tempdir().unwrap();
        let writer = table(dir.path());
        let start = Barrier::new(8);
        thread::scope(|scope| {
            for thread in 0..8_i64 {
                let (writer, start, dir) = (&writer, &start, dir.path());
                scope.spawn(move || {
                    start.wait();
                    for n in 0..50 {
                        let n = thread * 1_000 + n;
                        let changed = writer.change(|connection| {
                            insert(connection, n)?;
                            if n % 3 == 0 {
                                return Err(StoreError::Missing("multiple of three"));
                            }
                            Ok(n)
                        });
                        assert_eq!(changed.is_ok(), n % 3 != 0);
                        assert_eq!(held(dir).contains(&n), n % 3 != 0);
                    }
                });
            }
        });
        assert!(held(dir.path()).iter().all(|n| n % 3 != 0));
    }

    #[test]
    fn changes_that_wait_together_are_committed_together() {
        let dir = tempfile::tempdir().unwrap();
        let writer = table(dir.path());
        thread::scope(|scope| {
            let writer = &writer;
            let mut others = Vec::new();
            writer
                .change(|connection| {
                    for n in 1..=4 {
                        others.push(scope.spawn(move || {
                            writer.change(|connection| insert(connection, n)).unwrap();
                        }));
                    }
                    // They want the connection, which this change still has.
                    while writer.waiting.load(Ordering::SeqCst) < 4 {
                        thread::yield_now();
                    }
                    insert(connection, 0)
                })
                .unwrap();
            assert_eq!(
                held(dir.path()),
                [0, 1, 2, 3, 4],
                "one commit held them all"
            );
        });
    }

    #[test]
    fn a_change_that_panics_leaves_the_connection_to_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let writer = table(dir.path());
        let failed = catch_unwind(AssertUnwindSafe(|| {
            writer.change(|connection| -> Result<(), StoreError> {
                insert(connection, 1)?;
                panic!("on purpose");
            })
        }));
        assert!(failed.is_err());
        writer.change(|connection| insert(connection, 2)).unwrap();
        assert_eq!(held(dir.path()), [2]);
    }

    #[test]
    fn a_commit_that_fails_fails_for_everybody_in_it() {
        let dir = tempfile::tempdir().unwrap();
        let writer = table(dir.path());
        writer.ask(|connection| {
            connection
                .execute_batch(
                    "PRAGMA foreign_keys = ON;
                     CREATE TABLE child (n INTEGER REFERENCES t (n) DEFERRABLE INITIALLY DEFERRED) STRICT;",
                )
                .unwrap();
        });
        thread::scope(|scope| {
            let writer = &writer;
            let mut other = None;
            let failed = writer.change(|connection| {
                other = Some(scope.spawn(move || {
                    writer.change(|connection| {
                        // Found out only by the commit.
                        connection.execute("INSERT INTO child (n) VALUES (7)", [])?;
                        Ok(())
                    })
                }));
                while writer.waiting.load(Ordering::SeqCst) < 1 {
                    thread::yield_now();
                }
                insert(connection, 1)
            });
            assert!(failed.is_err());
            assert!(other.unwrap().join().unwrap().is_err());
        });
        assert_eq!(held(dir.path()), [0_i64; 0]);
        writer.change(|connection| insert(connection, 2)).unwrap();
        assert_eq!(held(dir.path()), [2]);
    }
}
