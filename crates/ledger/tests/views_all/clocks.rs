//! Invariant 13, a claim orders nothing that was received: a clock that lies moves nothing in any list.

use serde_json::json;
use shicha_domain::{EntryId, Event, Receipt, RecordId, RecordKind, entry::Entry};
use shicha_ledger::{InspectionFilter, InspectionSort, SubjectFilter, SubjectSort};

use crate::kit::{
    DAY, NOW, Place, between, device, event as event_draft, opened, person, place, record, visit,
};

/// 2100-01-01.
const YEAR_2100: u64 = 4_102_444_800_000;
/// Between these moments the enemy's entries were made.
const ENEMYS: (u64, u64) = (NOW - 3 * DAY, NOW - 2 * DAY);
/// Between these the entries of everybody else.
const HONEST: (u64, u64) = (NOW - DAY, NOW + 5_000);

const ENEMY: u128 = 2;

fn receipt(id: EntryId, entry: &Entry) -> Receipt {
    let is_enemys = entry.device.0.as_u128() == ENEMY;
    between(if is_enemys { ENEMYS } else { HONEST }, id, entry)
}

/// A visit that an inspector of device 1 notes in good faith.
fn honest() -> Place {
    let honest = device(1);
    let mut noted = visit("海州培训中心");
    noted["started_at"] = json!(NOW - DAY / 2);
    honest.inspection(10, noted);
    honest
}

/// A device whose clock stands at `clock_ms`: a subject and a signed visit to it, with the begin that its program notes.
fn enemy(clock_ms: u64) -> Place {
    let enemy = device(ENEMY);
    let subject = opened(
        "320703",
        RecordKind::Subject,
        record(1),
        json!({"name": "东海物流"}),
    );
    let mut noted = visit("东海物流");
    noted["subject"] = json!(record(1).to_string());
    noted["started_at"] = json!(clock_ms);
    let inspection = opened("320703", RecordKind::Inspection, record(20), noted);
    // What its program does not ask for a begin of.
    let bare = json!({"subject_name": "东海物流"});
    let without = opened("320703", RecordKind::Inspection, record(21), bare);
    enemy.append(vec![subject, inspection, without], clock_ms);
    enemy.sign(record(20));
    enemy
}

impl Place {
    /// Writes a field with a clock that stands at `clock_ms`, without knowing of any other value.
    fn set_at(&self, of: RecordId, field: &str, value: serde_json::Value, clock_ms: u64) {
        let event = Event::Set {
            field: field.into(),
            value,
            replaces: Vec::new(),
        };
        self.append(vec![event_draft("320703", of, event)], clock_ms);
    }
}

fn observer(of: &[&Place]) -> Place {
    let observer = place();
    for one in of {
        observer.pull_with(one.log(), &receipt);
    }
    observer
}

fn listed(place: &Place, sort: InspectionSort) -> Vec<RecordId> {
    let page = place
        .ledger
        .inspections(&InspectionFilter::default(), sort, true, 0, 10)
        .unwrap();
    page.rows.into_iter().map(|row| row.record).collect()
}

fn last_inspected(place: &Place) -> Option<u64> {
    let page = place
        .ledger
        .subjects(&SubjectFilter::default(), SubjectSort::Name, false, 0, 1)
        .unwrap();
    page.rows[0].last_inspected_ms
}

fn rebuilt(place: &Place) -> [u8; 32] {
    place.ledger.rebuild(&mut |_, _| {}).unwrap();
    place.ledger.views_digest().unwrap()
}

#[test]
fn a_clock_in_2100_puts_no_record_on_top_of_any_list() {
    let here = observer(&[&honest(), &enemy(YEAR_2100)]);
    for sort in [InspectionSort::Updated, InspectionSort::Started] {
        let listed = listed(&here, sort);
        assert_eq!(listed[0], record(10), "{sort:?}: the honest one is newest");
        assert_eq!(listed.len(), 3);
    }
    let all = here
        .ledger
        .inspections(
            &InspectionFilter::default(),
            InspectionSort::Started,
            true,
            0,
            10,
        )
        .unwrap();
    assert!(
        all.rows.iter().all(|row| row.updated_ms <= NOW + 5_000),
        "no change is newer than it was received"
    );
    let claimed = all.rows.iter().find(|row| row.record == record(20));
    assert_eq!(
        claimed.unwrap().started_ms,
        Some(YEAR_2100),
        "what was claimed is still shown"
    );
}

#[test]
fn a_clock_in_2100_does_not_make_a_subject_last_inspected_in_2100() {
    let here = observer(&[&enemy(YEAR_2100)]);
    assert_eq!(
        last_inspected(&here),
        Some(ENEMYS.1),
        "no later than it was received"
    );
    let figures = here.ledger.overview(&InspectionFilter::default()).unwrap();
    let weeks: Vec<&str> = figures.by_week.iter().map(|row| row.key.as_str()).collect();
    assert_eq!(weeks, ["2022-04-11"], "no week of another century");
    let until_now = InspectionFilter {
        to_ms: Some(NOW),
        ..InspectionFilter::default()
    };
    let page = here
        .ledger
        .inspections(&until_now, InspectionSort::Started, true, 0, 10)
        .unwrap();
    assert_eq!(page.total, 2, "a list up to today has it");
}

#[test]
fn a_clock_in_1970_makes_no_opening_the_oldest_and_hides_none() {
    let here = observer(&[&enemy(1)]);
    let old = device(1);
    let mut noted = visit("海州培训中心");
    noted["started_at"] = json!(NOW - 9 * DAY);
    old.inspection(10, noted);
    here.pull_with(old.log(), &receipt);
    let listed = listed(&here, InspectionSort::Started);
    assert_eq!(
        listed.last(),
        Some(&record(10)),
        "the visit of nine days ago is the oldest, although it was entered later"
    );
    let of_these_days = InspectionFilter {
        from_ms: Some(ENEMYS.0),
        ..InspectionFilter::default()
    };
    let page = here
        .ledger
        .inspections(&of_these_days, InspectionSort::Started, true, 0, 10)
        .unwrap();
    assert_eq!(
        page.total, 2,
        "a list from the earliest that it can be has both"
    );
    assert_eq!(last_inspected(&here), Some(ENEMYS.0));
}

#[test]
fn lists_of_conflicts_and_of_what_came_late_go_by_what_the_bounds_allow() {
    let first = honest();
    let lying = device(ENEMY);
    lying.pull_with(first.log(), &receipt);
    // Both answer the same item without knowing of each other.
    first.set(record(10), "answers/TI-1/facts", json!("一"));
    lying.set_at(record(10), "answers/TI-1/facts", json!("二"), YEAR_2100);
    let here = observer(&[&first, &lying]);
    let conflicts = here.ledger.conflicts(10).unwrap();
    assert_eq!(conflicts.len(), 1);
    assert!(conflicts[0].at_ms <= NOW + 5_000);
    let state = here.state(record(10));
    assert_eq!(
        state.text("answers/TI-1/facts"),
        "一",
        "2100 does not win a conflict either"
    );

    // What came too late for a signature, written by clocks of 2100 and of today.
    let signer = honest();
    signer.sign(record(10));
    let late = device(ENEMY);
    late.pull_with(signer.log(), &receipt);
    late.set_at(record(10), "answers/TI-2/facts", json!("三"), YEAR_2100);
    let here = observer(&[&signer, &late]);
    let listed = here.ledger.late(10).unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].at_ms, ENEMYS.1, "no later than it was received");
}

#[test]
fn a_receipt_that_gives_bounds_moves_the_record_on_the_device_that_wrote_it_as_everywhere_else() {
    for clock_ms in [1, YEAR_2100] {
        let author = enemy(clock_ms);
        let expected = observer(&[&author]).ledger.views_digest().unwrap();
        let by_pull = enemy(clock_ms);
        assert_ne!(
            author.ledger.views_digest().unwrap(),
            expected,
            "without a receipt nothing bounds it"
        );
        author.deliver_with(&receipt);
        assert_eq!(author.ledger.views_digest().unwrap(), expected);
        assert_eq!(rebuilt(&author), expected);
        // The answer to the push was lost, and its own entries come back with a pull.
        by_pull.pull_with(by_pull.log(), &receipt);
        assert_eq!(by_pull.ledger.views_digest().unwrap(), rebuilt(&by_pull));
        assert_eq!(
            listed(&by_pull, InspectionSort::Started),
            listed(&author, InspectionSort::Started)
        );
    }
}

#[test]
fn a_begin_stated_for_later_than_it_was_received_is_brought_back_although_the_clock_was_right() {
    let author = device(ENEMY);
    let mut noted = visit("东海物流");
    noted["started_at"] = json!(YEAR_2100);
    let draft = opened("320703", RecordKind::Inspection, record(20), noted);
    author
        .ledger
        .append(person(1), vec![draft], ENEMYS.0 + 1)
        .unwrap();
    let expected = observer(&[&author]).ledger.views_digest().unwrap();
    author.deliver_with(&receipt);
    assert_eq!(author.ledger.views_digest().unwrap(), expected);
    let later = InspectionFilter {
        from_ms: Some(ENEMYS.1 + 1),
        ..InspectionFilter::default()
    };
    let page = author
        .ledger
        .inspections(&later, InspectionSort::Started, true, 0, 10)
        .unwrap();
    assert_eq!(page.total, 0);
}
