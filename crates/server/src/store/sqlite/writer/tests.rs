//! Many who change at once, and changes that fail among others.
#![allow(clippy::unwrap_used)]

use std::{sync::Barrier, thread};

use super::*;

fn table(dir: &std::path::Path) -> Writer {
    let connection = Connection::open(dir.join("writer.db")).unwrap();
    connection
        .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (n INTEGER PRIMARY KEY) STRICT;")
        .unwrap();
    Writer::new(connection, Arc::default())
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
fn of_changes_in_the_queue_what_failed_took_back_only_itself_and_each_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let writer = table(dir.path());
    let (told, outcomes) = std::sync::mpsc::channel();
    thread::scope(|scope| {
        for thread in 0..4_i64 {
            let (writer, told) = (&writer, told.clone());
            scope.spawn(move || {
                for n in 0..100 {
                    let n = thread * 1_000 + n;
                    let told = told.clone();
                    writer.change_then(
                        move |connection| {
                            insert(connection, n)?;
                            if n % 7 == 0 {
                                return Err(StoreError::Missing("multiple of seven"));
                            }
                            Ok(n)
                        },
                        move |changed| told.send((n, changed.is_ok())).unwrap(),
                    );
                    if n % 10 == 0 {
                        writer
                            .change(|connection| insert(connection, 10_000 + n))
                            .unwrap();
                    }
                }
            });
        }
    });
    let outcomes: Vec<(i64, bool)> = outcomes.try_iter().collect();
    assert_eq!(outcomes.len(), 400);
    let held = held(dir.path());
    for (n, is_made) in outcomes {
        assert_eq!(is_made, n % 7 != 0, "{n}");
        assert_eq!(held.contains(&n), is_made, "{n}");
    }
    assert_eq!(held.iter().filter(|n| **n >= 10_000).count(), 40);
}

#[test]
fn a_change_in_the_queue_that_panics_leaves_the_queue_to_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let writer = table(dir.path());
    let (told, outcomes) = std::sync::mpsc::channel();
    let tell = told.clone();
    writer.change_then(
        |connection| -> Result<(), StoreError> {
            insert(connection, 1)?;
            panic!("on purpose");
        },
        move |changed| tell.send(changed.is_ok()).unwrap(),
    );
    writer.change_then(
        |connection| insert(connection, 2),
        move |changed| told.send(changed.is_ok()).unwrap(),
    );
    assert_eq!(outcomes.try_iter().collect::<Vec<_>>(), [false, true]);
    assert_eq!(held(dir.path()), [2]);
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

#[test]
fn after_damage_was_met_nothing_more_is_written_not_even_by_others_in_the_same_commit() {
    let dir = tempfile::tempdir().unwrap();
    let writer = table(dir.path());
    writer.change(|connection| insert(connection, 1)).unwrap();
    thread::scope(|scope| {
        let failed = writer.change(|connection| {
            insert(connection, 2)?;
            scope.spawn(|| {
                let other = writer.change(|connection| insert(connection, 3));
                assert!(other.unwrap_err().is_damage());
            });
            while writer.waiting.load(Ordering::SeqCst) < 1 {
                thread::yield_now();
            }
            Err::<(), StoreError>(Refusal::unsound().to_error())
        });
        assert!(failed.unwrap_err().is_damage());
    });
    let after = writer.change(|connection| insert(connection, 4));
    assert!(after.unwrap_err().is_damage());
    assert_eq!(held(dir.path()), [1]);
}
