//! Views are a function of the entries, not of their way here.

use proptest::prelude::*;
use serde_json::{Value, json};
use shicha_domain::{EntryId, Event, Evidence, RecordKind, entry::Entry, event::SignerRole};
use shicha_ledger::{
    Draft, FindingFilter, InspectionFilter, InspectionSort, SubjectFilter, SubjectSort,
};

use crate::kit::*;

/// Something that happens on one of the devices.
#[derive(Debug, Clone)]
enum Act {
    Subject(u8),
    Inspect(u8, u8),
    Answer(u8, u8, u8),
    Facts(u8, u8, u8),
    Finding(u8, u8, u8),
    Name(u8, u8),
    Attach(u8, u8),
    Sign(u8),
    Annul(u8),
}

fn act() -> impl Strategy<Value = Act> {
    let n = || 0..3_u8;
    prop_oneof![
        1 => n().prop_map(Act::Subject),
        2 => (n(), n()).prop_map(|(a, b)| Act::Inspect(a, b)),
        6 => (n(), 0..5_u8, 0..6_u8).prop_map(|(a, b, c)| Act::Answer(a, b, c)),
        3 => (n(), 0..5_u8, n()).prop_map(|(a, b, c)| Act::Facts(a, b, c)),
        2 => (n(), n(), n()).prop_map(|(a, b, c)| Act::Finding(a, b, c)),
        1 => (n(), n()).prop_map(|(a, b)| Act::Name(a, b)),
        1 => (n(), n()).prop_map(|(a, b)| Act::Attach(a, b)),
        1 => n().prop_map(Act::Sign),
        1 => n().prop_map(Act::Annul),
    ]
}

const NAMES: [&str; 3] = ["海州培训中心", "重庆路机械厂", "东海物流"];

fn set(place: &Place, record: shicha_domain::RecordId, field: String, value: Value) {
    let known = place.ledger.record(record).unwrap();
    let replaces = known
        .map(|state| state.heads_of(&field))
        .unwrap_or_default();
    place.append(
        vec![event(
            "320703",
            record,
            Event::Set {
                field,
                value,
                replaces,
            },
        )],
        NOW,
    );
}

fn perform(place: &Place, act: &Act) {
    let inspection = |n: u8| record(100 + u128::from(n));
    match *act {
        Act::Subject(n) => {
            place.subject(
                u128::from(n) + 1,
                json!({"name": NAMES[n as usize], "region": "320703"}),
            );
        }
        Act::Inspect(n, of) => {
            let mut fields = visit(NAMES[of as usize]);
            fields["subject"] = json!(record(u128::from(of) + 1).to_string());
            fields["started_at"] = json!(NOW + u64::from(n) * DAY);
            place.append(
                vec![opened(
                    "320703",
                    RecordKind::Inspection,
                    inspection(n),
                    fields,
                )],
                NOW,
            );
        }
        Act::Answer(n, item, result) => {
            let results = [
                "conforms",
                "nonconforming",
                "not_applicable",
                "not_checked",
                "to_verify",
            ];
            let value = results
                .get(result as usize)
                .map_or(Value::Null, |word| json!(word));
            set(
                place,
                inspection(n),
                format!("answers/TI-{item}/result"),
                value,
            );
        }
        Act::Facts(n, item, text) => {
            let value = ["通道堵塞", "档案不全"]
                .get(text as usize)
                .map_or(Value::Null, |text| json!(text));
            set(
                place,
                inspection(n),
                format!("answers/TI-{item}/facts"),
                value,
            );
        }
        Act::Finding(n, of, subject) => {
            let finding = record(200 + u128::from(n));
            let fields = json!({
                "inspection": inspection(of).to_string(),
                "subject": record(u128::from(subject) + 1).to_string(),
                "subject_name": NAMES[subject as usize],
                "description": "未建立一班一档",
            });
            place.append(
                vec![opened("320703", RecordKind::Finding, finding, fields)],
                NOW,
            );
        }
        Act::Name(n, name) => set(
            place,
            inspection(n),
            "subject_name".into(),
            json!(NAMES[name as usize]),
        ),
        Act::Attach(n, item) => {
            let evidence = Evidence {
                blob: shicha_domain::BlobHash([n * 16 + item; 32]),
                size: 10,
                name: "照片.jpg".into(),
                mime: "image/jpeg".into(),
                source: "camera".into(),
                taken_at_ms: None,
                position_e7: None,
                camera: None,
                derived_from: None,
            };
            let place_of = format!("answers/TI-{item}");
            place.append(
                vec![event(
                    "320703",
                    inspection(n),
                    Event::Attached {
                        place: place_of,
                        evidence,
                    },
                )],
                NOW,
            );
        }
        Act::Sign(n) => {
            if place.ledger.record(inspection(n)).unwrap().is_some() {
                place.sign_as(inspection(n), SignerRole::Subject, "丙");
            }
        }
        Act::Annul(n) => {
            place.append(
                vec![event(
                    "320703",
                    inspection(n),
                    Event::Annulled {
                        reason: "误建".into(),
                        signature: None,
                        by_supervisor: true,
                    },
                )],
                NOW,
            );
        }
    }
}

/// What a person would see, apart from the digest.
fn seen(place: &Place) -> Vec<String> {
    let mut seen = Vec::new();
    for query in [None, Some("通道"), Some("cqljx"), Some("档案"), Some("心")] {
        let query = query.map(str::to_owned);
        let inspections = InspectionFilter {
            query: query.clone(),
            ..InspectionFilter::default()
        };
        let page = place
            .ledger
            .inspections(&inspections, InspectionSort::Number, false, 0, 100)
            .unwrap();
        let mut rows: Vec<String> = page.rows.iter().map(|row| format!("{row:?}")).collect();
        let subjects = SubjectFilter {
            query: query.clone(),
            ..SubjectFilter::default()
        };
        let page = place
            .ledger
            .subjects(&subjects, SubjectSort::Name, false, 0, 100)
            .unwrap();
        rows.extend(page.rows.iter().map(|row| format!("{row:?}")));
        let findings = FindingFilter {
            query,
            ..FindingFilter::default()
        };
        let page = place
            .ledger
            .findings(&findings, shicha_ledger::FindingSort::Due, false, 0, 100)
            .unwrap();
        rows.extend(page.rows.iter().map(|row| format!("{row:?}")));
        rows.sort();
        seen.extend(rows);
    }
    seen.push(format!(
        "{:?}",
        place.ledger.overview(&InspectionFilter::default()).unwrap()
    ));
    seen.push(format!("{:?}", place.ledger.conflicts(100).unwrap()));
    seen.push(format!("{:?}", place.ledger.late(100).unwrap()));
    seen
}

/// Mixes logs, each in its own order.
fn mixed(logs: &[Vec<(EntryId, Entry)>], picks: &[usize]) -> Vec<(EntryId, Entry)> {
    let mut rest: Vec<_> = logs
        .iter()
        .map(|log| log.iter().cloned().peekable())
        .collect();
    let mut all = Vec::new();
    for pick in picks.iter().cycle() {
        if rest.iter_mut().all(|log| log.peek().is_none()) {
            return all;
        }
        let count = rest.len();
        let start = pick % count;
        for n in 0..count {
            if let Some(entry) = rest[(start + n) % count].next() {
                all.push(entry);
                break;
            }
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn devices_with_the_same_entries_show_the_same_in_whatever_order_they_came_and_after_a_rebuild(
        first in prop::collection::vec(act(), 1..25),
        second in prop::collection::vec(act(), 1..25),
        orders in prop::collection::vec(prop::collection::vec(0..2_usize, 1..20), 2..4),
        batch in 1..9_usize,
    ) {
        let mut logs = Vec::new();
        let mut own = Vec::new();
        for (n, acts) in [(1, &first), (2, &second)] {
            let place = device(n);
            for act in acts {
                perform(&place, act);
            }
            logs.push(place.log());
            place.deliver();
            own.push(place);
        }
        // Each author gets what the other wrote; observers get both, mixed and in batches.
        own[0].pull(logs[1].clone());
        own[1].pull(logs[0].clone());
        let expected = own[0].ledger.views_digest().unwrap();
        let shown = seen(&own[0]);
        prop_assert_eq!(own[1].ledger.views_digest().unwrap(), expected);
        prop_assert_eq!(&seen(&own[1]), &shown);
        for picks in &orders {
            let observer = place();
            for part in mixed(&logs, picks).chunks(batch) {
                observer.pull(part.to_vec());
            }
            prop_assert_eq!(observer.ledger.views_digest().unwrap(), expected);
            prop_assert_eq!(&seen(&observer), &shown);
            observer.ledger.rebuild(&mut |_, _| {}).unwrap();
            prop_assert_eq!(observer.ledger.views_digest().unwrap(), expected, "a rebuild gives the same");
            prop_assert_eq!(&seen(&observer), &shown);
        }
    }
}

#[test]
fn a_record_whose_opening_comes_last_is_listed_once_it_is_there() {
    let author = device(1);
    let one = author.inspection(10, visit("海州培训中心"));
    author.set(one, "answers/TI-1/result", json!("nonconforming"));
    let log = author.log();
    let other = device(2);
    // A second log about the same record, whose author had pulled the first.
    other.pull(log.clone());
    other.set(one, "answers/TI-2/result", json!("conforms"));
    let early = place();
    early.pull(other.log());
    assert_eq!(early.ledger.counts().unwrap().inspections, 0);
    early.pull(log);
    assert_eq!(early.found("培训"), [one]);
    assert_eq!(
        early.ledger.views_digest().unwrap(),
        other.ledger.views_digest().unwrap()
    );
}

#[test]
fn a_rebuild_tells_how_far_it_is() {
    let place = device(1);
    for n in 1..=5 {
        place.subject(n, json!({"name": "某单位"}));
    }
    let mut told = Vec::new();
    place
        .ledger
        .rebuild(&mut |done, total| told.push((done, total)))
        .unwrap();
    assert_eq!(told, [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]);
}

#[test]
fn the_findings_of_an_annulled_inspection_count_no_more_whichever_came_first() {
    let author = device(1);
    let subject = author.subject(1, json!({"name": "东海物流"}));
    let one = author.inspection(
        10,
        json!({"subject": subject.to_string(), "subject_name": "东海物流"}),
    );
    author.append(
        vec![opened(
            "320703",
            RecordKind::Finding,
            record(20),
            json!({"inspection": one.to_string(), "subject": subject.to_string()}),
        )],
        NOW,
    );
    let open = |place: &Place| {
        let page = place
            .ledger
            .subjects(&SubjectFilter::default(), SubjectSort::Name, false, 0, 1)
            .unwrap();
        (
            page.rows[0].open_findings,
            place.ledger.counts().unwrap().findings,
        )
    };
    assert_eq!(open(&author), (1, 1));
    author.annul(one);
    assert_eq!(open(&author), (0, 0));
    author.ledger.rebuild(&mut |_, _| {}).unwrap();
    assert_eq!(open(&author), (0, 0));
}

#[test]
fn a_subject_says_when_it_was_last_inspected_and_how_many_findings_are_open() {
    let place = device(1);
    let subject = place.subject(1, json!({"name": "东海物流"}));
    let of = |n: u64| json!({"subject": subject.to_string(), "started_at": NOW + n * DAY});
    let early = place.inspection(10, of(1));
    let open = place.inspection(11, of(9));
    let late = place.inspection(12, of(5));
    let row = |place: &Place| {
        let page = place
            .ledger
            .subjects(&SubjectFilter::default(), SubjectSort::Name, false, 0, 1)
            .unwrap();
        page.rows[0].clone()
    };
    assert_eq!(row(&place).last_inspected_ms, None, "nothing is signed yet");
    place.sign(early);
    place.sign(late);
    assert_eq!(
        row(&place).last_inspected_ms,
        Some(NOW + 5 * DAY),
        "an open visit does not count"
    );
    place.annul(late);
    assert_eq!(row(&place).last_inspected_ms, Some(NOW + DAY));
    let _ = open;
    let finding = |n: u128| Draft {
        channel: channel("320703"),
        record: record(n),
        event: Event::Opened {
            kind: RecordKind::Finding,
            fields: [("subject".to_owned(), json!(subject.to_string()))].into(),
        },
    };
    place.append(vec![finding(20), finding(21)], NOW);
    assert_eq!(row(&place).open_findings, 2);
    place.set(record(20), "state", json!("verified"));
    assert_eq!(row(&place).open_findings, 1);
}
