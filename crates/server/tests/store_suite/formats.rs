//! What a store promises to programs of different versions that work on it at the same time.

use std::thread;

use shicha_server::store::{Format, MIGRATIONS, Migration, Store, StoreError};

use crate::kit::{Open, Stand, held};

/// The next format: it adds what programs of today neither read nor write.
pub(crate) const ADDS: Migration = Migration {
    sqlite: "ALTER TABLE device ADD COLUMN colour TEXT; CREATE TABLE added (n INTEGER PRIMARY KEY) STRICT; INSERT INTO added VALUES (1);",
    postgres: "ALTER TABLE device ADD COLUMN colour text; CREATE TABLE added (n integer PRIMARY KEY); INSERT INTO added VALUES (1);",
    oldest: 1,
};

fn known() -> u32 {
    MIGRATIONS.len() as u32
}

fn with(more: &[Migration]) -> Vec<Migration> {
    [MIGRATIONS, more].concat()
}

/// The one after: programs of today may not go on.
fn takes_away() -> Migration {
    Migration {
        sqlite: "ALTER TABLE device DROP COLUMN last_contact_ms;",
        postgres: "ALTER TABLE device DROP COLUMN last_contact_ms;",
        oldest: known() + 1,
    }
}

pub(crate) fn a_store_that_was_only_added_to_goes_on_being_served_by_the_programs_before<
    O: Open,
>() {
    let stand = Stand::<O>::new();
    let mut log = stand.device(1, 0);
    held(stand.append(&log.sets(3)));
    let today = stand.store.format().unwrap();
    assert_eq!((today.found, today.known), (known(), known()));

    let newer = O::open_as(stand.dir.path(), &with(&[ADDS])).unwrap();
    let (found, oldest) = (known() + 1, ADDS.oldest);
    assert_eq!(
        newer.format().unwrap(),
        Format {
            found,
            oldest,
            known: found
        }
    );
    held(stand.append(&log.sets(3)));
    let second = stand.device(2, 1);
    let seen = newer.device(log.device).unwrap().unwrap();
    assert_eq!(seen.head.seq, 6, "the program before went on writing");
    assert!(newer.device(second.device).unwrap().is_some());

    assert!(stand.store.format().unwrap().is_fit());
    let again = O::open(stand.dir.path());
    assert_eq!(again.device(log.device).unwrap().unwrap().head.seq, 6);
    assert_eq!(
        again.format().unwrap(),
        Format {
            found,
            oldest,
            known: known()
        },
        "it leaves the format as it is"
    );
}

pub(crate) fn a_program_that_is_too_old_leaves_the_store_as_it_is<O: Open>() {
    let stand = Stand::<O>::new();
    let mut log = stand.device(1, 0);
    held(stand.append(&log.sets(3)));
    let next = with(&[ADDS, takes_away()]);
    drop(O::open_as(stand.dir.path(), &next).unwrap());

    let refused = O::open_as(stand.dir.path(), MIGRATIONS).err();
    let (found, known) = (known() + 2, known());
    match refused {
        Some(StoreError::Newer { found: f, known: k }) => assert_eq!((f, k), (found, known)),
        other => panic!("it was let in: {other:?}"),
    }
    assert!(
        !stand.store.format().unwrap().is_fit(),
        "a program that runs finds out"
    );
    let newer = O::open_as(stand.dir.path(), &next).unwrap();
    assert_eq!(newer.format().unwrap().found, found);
    assert_eq!(newer.log(log.device, 1, 10).unwrap().len(), 3);
    assert!(
        O::open_as(stand.dir.path(), &with(&[ADDS])).is_ok(),
        "the format in between may go on"
    );
}

pub(crate) fn programs_that_start_at_once_migrate_once<O: Open>() {
    let stand = Stand::<O>::new();
    let next = with(&[ADDS]);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let store = O::open_as(stand.dir.path(), &next).unwrap();
                assert_eq!(store.format().unwrap().found, known() + 1);
            });
        }
    });
}

pub(crate) fn a_migration_that_fails_leaves_the_store_at_the_format_before<O: Open>() {
    let stand = Stand::<O>::new();
    let broken = Migration {
        sqlite: "CREATE TABLE half (n INTEGER) STRICT; SELECT nothing;",
        postgres: "CREATE TABLE half (n integer); SELECT nothing;",
        oldest: 1,
    };
    assert!(O::open_as(stand.dir.path(), &with(&[ADDS, broken])).is_err());
    let store = O::open(stand.dir.path());
    assert_eq!(
        store.format().unwrap().found,
        known() + 1,
        "what was whole before it stays"
    );
    let mended = Migration {
        sqlite: "CREATE TABLE half (n INTEGER) STRICT;",
        postgres: "CREATE TABLE half (n integer);",
        oldest: 1,
    };
    let store = O::open_as(stand.dir.path(), &with(&[ADDS, mended])).unwrap();
    assert_eq!(store.format().unwrap().found, known() + 2);
}
