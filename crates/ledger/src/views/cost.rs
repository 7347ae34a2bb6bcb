//! What writing views costs, in rows.
#![allow(clippy::unwrap_used)]

use rusqlite::Connection;
use serde_json::json;
use shicha_domain::{
    DeviceId, EntryId, Event, Hlc, PersonId, RecordId, RecordKind, RecordState, entry::Entry,
};
use uuid::Uuid;

use super::project;

const RECORD: RecordId = RecordId(Uuid::from_u128(1));

fn entry(seq: u64, event: &Event) -> (EntryId, Entry) {
    let entry = Entry {
        device: DeviceId(Uuid::from_u128(2)),
        seq,
        prev: EntryId::NONE,
        after: None,
        at: Hlc::from_ms(1_650_000_000_000 + seq),
        author: PersonId(Uuid::from_u128(3)),
        channel: "own/320703".parse().unwrap(),
        record: RECORD,
        event: event.to_bytes().unwrap(),
        again: None,
    };
    (entry.id(), entry)
}

fn set(seq: u64, field: &str, value: &str, replaces: Vec<EntryId>) -> (EntryId, Entry) {
    entry(
        seq,
        &Event::Set {
            field: field.into(),
            value: value.into(),
            replaces,
        },
    )
}

/// How many rows are written for the record as its entries say it is.
fn rows_written(db: &mut Connection, entries: &[(EntryId, Entry)]) -> u64 {
    let state = RecordState::fold(entries.iter().map(|(id, entry)| (*id, entry))).unwrap();
    let before = db.total_changes();
    let tx = db.transaction().unwrap();
    project(&tx, RECORD, &state).unwrap();
    tx.commit().unwrap();
    db.total_changes() - before
}

#[test]
fn a_changed_answer_writes_two_rows_and_a_record_that_did_not_change_none() {
    let mut db = Connection::open_in_memory().unwrap();
    for views in [
        include_str!("../migrations/0002_views.sql"),
        include_str!("../migrations/0011_packs.sql"),
    ] {
        db.execute_batch(views).unwrap();
    }
    let fields = [
        ("subject_name".to_owned(), json!("海州培训中心")),
        ("started_at".to_owned(), json!(1_650_000_000_000_u64)),
    ];
    let opened = Event::Opened {
        kind: RecordKind::Inspection,
        fields: fields.into(),
    };
    let mut entries = vec![entry(1, &opened)];
    for item in 0..95 {
        let field = format!("answers/TI-{item}/result");
        entries.push(set(2 + item, &field, "conforms", vec![]));
    }
    entries.push(set(97, "answers/TI-3/facts", "通道堵塞", vec![]));
    rows_written(&mut db, &entries);
    assert_eq!(rows_written(&mut db, &entries), 0, "nothing changed");
    let over = vec![entries[5].0];
    entries.push(set(98, "answers/TI-4/result", "not_applicable", over));
    assert_eq!(
        rows_written(&mut db, &entries),
        2,
        "the tally and the answers"
    );
    entries.push(set(99, "place", "会议室", vec![]));
    assert_eq!(
        rows_written(&mut db, &entries),
        1,
        "only when it was changed"
    );
}
