//! Conflicts, late entries, packs, the last visit, and what there is in all.

use serde_json::json;
use shicha_domain::{BlobHash, DeviceId, EntryId, Event, Hlc, RecordKind, entry::Entry};
use shicha_ledger::{InspectionFilter, InspectionSort};

use crate::kit::*;

#[test]
fn a_conflict_is_listed_with_its_record_until_it_is_settled() {
    let author = device(1);
    let one = author.inspection(10, visit("海州培训中心"));
    author.set(one, "number", json!("7号"));
    let other = device(2);
    other.pull(author.log());
    let theirs = other.set(one, "summary", json!("乙的小结"));
    let mine = author.set(one, "summary", json!("甲的小结"));
    author.pull(other.log());
    let conflicts = author.ledger.conflicts(10).unwrap();
    assert_eq!(conflicts.len(), 1);
    let conflict = &conflicts[0];
    assert_eq!((conflict.record, conflict.field.as_str()), (one, "summary"));
    assert_eq!(conflict.kind, Some(RecordKind::Inspection));
    assert_eq!(conflict.title, "海州培训中心 7号");
    assert_eq!(author.ledger.counts().unwrap().conflicts, 1);
    let rows = author
        .ledger
        .inspections(
            &InspectionFilter::default(),
            InspectionSort::Started,
            false,
            0,
            1,
        )
        .unwrap()
        .rows;
    assert_eq!(rows[0].conflicts, 1);
    assert_eq!(
        author
            .ledger
            .overview(&InspectionFilter::default())
            .unwrap()
            .conflicts,
        1
    );
    author.set_over(one, "summary", json!("商定的小结"), vec![mine, theirs]);
    assert!(author.ledger.conflicts(10).unwrap().is_empty());
}

#[test]
fn what_came_too_late_for_the_signature_is_listed() {
    let author = device(1);
    let one = author.inspection(10, visit("海州培训中心"));
    let other = device(2);
    other.pull(author.log());
    let late = other.set(one, "summary", json!("来晚了"));
    author.sign(one);
    author.pull(other.log());
    let listed = author.ledger.late(10).unwrap();
    assert_eq!(
        listed
            .iter()
            .map(|row| (row.record, row.entry))
            .collect::<Vec<_>>(),
        [(one, late)]
    );
    assert_eq!(author.ledger.counts().unwrap().late, 1);
    let overview = author
        .ledger
        .overview(&InspectionFilter::default())
        .unwrap();
    assert_eq!(overview.late, 1, "the figures count it too");
}

/// The opening of a pack as the endpoint's own device writes it, at a claimed time.
fn pack_opening(n: u128, channel: &str, fields: serde_json::Value, at_ms: u64) -> (EntryId, Entry) {
    let event = Event::Opened {
        kind: RecordKind::Pack,
        fields: serde_json::from_value(fields).unwrap(),
    };
    let entry = Entry {
        device: DeviceId(uuid::Uuid::from_u128(100 + n)),
        seq: 1,
        prev: EntryId::NONE,
        after: None,
        at: Hlc::from_ms(at_ms),
        author: person(9),
        channel: channel.parse().unwrap(),
        record: record(n),
        event: event.to_bytes().unwrap(),
        again: None,
    };
    (entry.id(), entry)
}

#[test]
fn packs_stand_in_the_order_in_which_the_endpoint_received_them_whatever_time_they_claim() {
    let place = device(1);
    let fields = |version: &str, blob: u8| json!({"id": "lyg", "version": version, "title": {"zh": "模板"}, "blob": BlobHash([blob; 32]).to_string(), "size": 5});
    let year_2100 = 4_102_444_800_000;
    place.pull(vec![
        pack_opening(1, "pub/320700", fields("1", 1), year_2100),
        pack_opening(2, "pub/320700", fields("2", 2), NOW),
        pack_opening(3, "pub/320700", json!({"id": "broken"}), NOW),
        pack_opening(4, "own/320700", fields("4", 4), NOW),
    ]);
    let packs = place.ledger.packs().unwrap();
    let listed: Vec<_> = packs
        .iter()
        .map(|pack| (pack.version.as_str(), pack.number, pack.received_ms))
        .collect();
    assert_eq!(
        listed,
        [
            ("1", Some(1), Some(NOW + 5_000)),
            ("2", Some(2), Some(NOW + 5_000))
        ],
        "the endpoint's number and clock; what names no bytes, or is not public, is no pack"
    );
    assert_eq!(
        (packs[0].org.as_str(), packs[0].title.as_str()),
        ("320700", "模板")
    );
    assert_eq!(
        place.ledger.packs_of(BlobHash([2; 32])).unwrap(),
        packs[1..]
    );
    assert_eq!(place.ledger.packs_of(BlobHash([4; 32])).unwrap(), []);
    let before = place.ledger.views_digest().unwrap();
    place.ledger.rebuild(&mut |_, _| {}).unwrap();
    assert_eq!(place.ledger.views_digest().unwrap(), before);
}

#[test]
fn a_pack_is_what_its_opening_says_and_a_record_names_its_bytes() {
    let place = device(1);
    let hash = BlobHash([1; 32]).to_string();
    let fields = json!({"id": "lyg", "version": "1.0.0", "title": "模板", "blob": hash, "size": 5});
    let (opening, entry) = pack_opening(1, "pub/320700", fields, NOW);
    let change = Event::Set {
        field: "blob".into(),
        value: json!(BlobHash([2; 32]).to_string()),
        replaces: vec![opening],
    };
    let later = Entry {
        seq: 2,
        prev: opening,
        event: change.to_bytes().unwrap(),
        ..entry.clone()
    };
    place.pull(vec![(opening, entry), (later.id(), later)]);
    let packs = place.ledger.packs().unwrap();
    assert_eq!(
        packs.iter().map(|pack| pack.blob).collect::<Vec<_>>(),
        [BlobHash([1; 32])]
    );
    place.inspection(
        10,
        json!({"pack": "lyg", "pack_version": "1.0.0", "pack_hash": hash}),
    );
    place.inspection(11, json!({"pack": "lyg", "pack_version": "1.0.0"}));
    let filter = InspectionFilter::default();
    let rows = place
        .ledger
        .inspections(&filter, InspectionSort::Started, false, 0, 9)
        .unwrap()
        .rows;
    let mut named: Vec<_> = rows.iter().map(|row| row.pack_hash).collect();
    named.sort();
    assert_eq!(named, [None, Some(BlobHash([1; 32]))]);
}

#[test]
fn the_previous_inspection_is_the_last_signed_one_of_the_subject_before_this() {
    let place = device(1);
    let of = |subject: u128, day: u64| json!({"subject": record(subject).to_string(), "started_at": NOW + day * DAY});
    let first = place.inspection(10, of(1, 1));
    let second = place.inspection(11, of(1, 3));
    let open = place.inspection(12, of(1, 4));
    let elsewhere = place.inspection(13, of(2, 4));
    let now = place.inspection(14, of(1, 5));
    for signed in [first, second, elsewhere] {
        place.sign(signed);
    }
    let previous = |before| place.ledger.previous_inspection(record(1), before).unwrap();
    assert_eq!(previous(now), Some(second));
    assert_eq!(previous(open), Some(second));
    assert_eq!(previous(second), Some(first));
    assert_eq!(previous(first), None);
}

#[test]
fn mine_are_those_that_i_opened_or_inspect() {
    let place = device(1);
    place.inspection(10, json!({"inspectors": [{"name": "孙", "certificate": "9", "person": person(5).to_string()}]}));
    place.inspection(11, json!({}));
    let of = |n| {
        let mine = InspectionFilter {
            inspector: Some(person(n)),
            ..InspectionFilter::default()
        };
        place
            .ledger
            .inspections(&mine, InspectionSort::Started, false, 0, 9)
            .unwrap()
            .total
    };
    assert_eq!((of(1), of(5), of(6)), (2, 1, 0));
    place.set(record(10), "inspectors", json!([]));
    assert_eq!((of(1), of(5)), (2, 0));
}

#[test]
fn counts_say_how_much_there_is() {
    let place = device(1);
    place.subject(1, json!({"name": "甲"}));
    let one = place.inspection(10, visit("甲"));
    place.inspection(11, visit("甲"));
    place.sign(one);
    let counts = place.ledger.counts().unwrap();
    assert_eq!(
        (counts.subjects, counts.inspections, counts.signed),
        (1, 2, 1)
    );
    assert_eq!((counts.entries, counts.waiting_entries), (6, 6));
}

#[test]
fn what_a_newer_version_wrote_is_counted_and_what_is_malformed_is_not_shown_as_such() {
    let place = device(1);
    let mut prev = EntryId::NONE;
    let mut log = Vec::new();
    for (n, event) in [
        &br#"{"t":"opened","kind":"subject","fields":{"name":"x"}}"#[..],
        br#"{"t":"teleported","to":"moon"}"#,
        br#"{"t":"set"}"#,
    ]
    .into_iter()
    .enumerate()
    {
        let entry = Entry {
            device: DeviceId(uuid::Uuid::from_u128(9)),
            seq: n as u64 + 1,
            prev,
            after: None,
            at: Hlc::from_ms(NOW + n as u64),
            author: person(9),
            channel: channel("320703"),
            record: record(1),
            event: event.to_vec(),
            again: None,
        };
        prev = entry.id();
        log.push((prev, entry));
    }
    place.pull(log);
    assert_eq!(place.ledger.counts().unwrap().needs_newer, 1);
    let before = place.ledger.views_digest().unwrap();
    place.ledger.rebuild(&mut |_, _| {}).unwrap();
    assert_eq!(place.ledger.views_digest().unwrap(), before);
}
