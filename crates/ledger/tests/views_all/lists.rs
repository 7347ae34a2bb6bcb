//! The list of inspections gives exactly what its filter says, in the order asked for, stretch by stretch.

use serde_json::json;
use shicha_domain::{RecordId, RecordKind};
use shicha_ledger::{InspectionFilter, InspectionRow, InspectionSort};

use crate::kit::*;

const ORGS: [&str; 3] = ["320703", "320706", "320722"];
const SORTS: [InspectionSort; 7] = [
    InspectionSort::Started,
    InspectionSort::Subject,
    InspectionSort::Number,
    InspectionSort::Findings,
    InspectionSort::Updated,
    InspectionSort::Org,
    InspectionSort::Stage,
];

/// Forty inspections that differ in everything that can be filtered by.
fn city() -> Place {
    let place = device(1);
    for n in 0..40_u128 {
        let of = n as usize;
        let one = record(100 + n);
        let mut fields = visit(["海州培训中心", "安泰矿业", "东海物流", "赣榆化工"][of % 4]);
        fields["region"] = json!(ORGS[of % 3]);
        fields["subject"] = json!(record(1 + n % 4).to_string());
        fields["subject_kind"] = json!(["training_institution", "enterprise"][of % 2]);
        fields["inspection_kind"] = json!(["enforcement", "cross", "reinspection"][of / 2 % 3]);
        fields["phase"] = json!(["P1", "P2"][of / 3 % 2]);
        fields["checklist"] = json!(["TI", "EX"][of / 4 % 2]);
        fields["number"] = json!(format!("应急检记〔2022〕{:02}号", (n * 17) % 40));
        fields["started_at"] = json!(NOW + ((n * 23) % 40) as u64 * DAY);
        fields["sample"] = json!(n % 5 == 0);
        if n.is_multiple_of(3) {
            fields["inspectors"] =
                json!([{"name": "孙", "certificate": "9", "person": person(5).to_string()}]);
        }
        let mut drafts = vec![opened(ORGS[of % 3], RecordKind::Inspection, one, fields)];
        for item in 0..of % 5 {
            let result = if (of + item).is_multiple_of(3) {
                "nonconforming"
            } else {
                "conforms"
            };
            drafts.push(event(
                ORGS[of % 3],
                one,
                shicha_domain::Event::Set {
                    field: format!("answers/TI-{item}/result"),
                    value: json!(result),
                    replaces: vec![],
                },
            ));
        }
        place.append(drafts, NOW + n as u64 * 1_000);
        match n % 7 {
            5 => place.sign(one),
            6 => place.annul(one),
            _ => {}
        }
    }
    place
}

fn all(
    place: &Place,
    filter: &InspectionFilter,
    sort: InspectionSort,
    is_descending: bool,
) -> Vec<InspectionRow> {
    let page = place
        .ledger
        .inspections(filter, sort, is_descending, 0, 1_000)
        .unwrap();
    assert_eq!(page.total, page.rows.len() as u64, "{filter:?}");
    page.rows
}

/// A name, a filter, and what an inspection must be to pass it.
type Case = (
    &'static str,
    InspectionFilter,
    Box<dyn Fn(&InspectionRow, &Place) -> bool>,
);

fn cases() -> Vec<Case> {
    let none = InspectionFilter::default;
    let text = |text: &str| Some(text.to_owned());
    let result = |row: &InspectionRow, place: &Place, item: &str| {
        place
            .state(row.record)
            .text(&format!("answers/{item}/result"))
            .to_owned()
    };
    vec![
        (
            "org",
            InspectionFilter {
                org: Some("320706".parse().unwrap()),
                ..none()
            },
            Box::new(|row, _| row.org.as_str() == "320706"),
        ),
        (
            "region",
            InspectionFilter {
                region: text("320722"),
                ..none()
            },
            Box::new(|row, _| row.region == "320722"),
        ),
        (
            "subject kind",
            InspectionFilter {
                subject_kind: text("enterprise"),
                ..none()
            },
            Box::new(|row, _| row.subject_kind == "enterprise"),
        ),
        (
            "kind",
            InspectionFilter {
                kind: text("cross"),
                ..none()
            },
            Box::new(|row, _| row.kind == "cross"),
        ),
        (
            "phase",
            InspectionFilter {
                phase: text("P1"),
                ..none()
            },
            Box::new(|row, _| row.phase == "P1"),
        ),
        (
            "checklist",
            InspectionFilter {
                checklist: text("EX"),
                ..none()
            },
            Box::new(|row, _| row.checklist == "EX"),
        ),
        (
            "with findings",
            InspectionFilter {
                outcome: text("with_findings"),
                ..none()
            },
            Box::new(|row, _| row.counts.nonconforming > 0),
        ),
        (
            "without findings",
            InspectionFilter {
                outcome: text("without_findings"),
                ..none()
            },
            Box::new(|row, _| row.findings == 0),
        ),
        (
            "signed",
            InspectionFilter {
                stage: text("signed"),
                ..none()
            },
            Box::new(|row, _| row.stage == "signed"),
        ),
        (
            "annulled",
            InspectionFilter {
                stage: text("annulled"),
                ..none()
            },
            Box::new(|row, _| row.stage == "annulled"),
        ),
        (
            "not signed",
            InspectionFilter {
                stage: text("unsigned"),
                ..none()
            },
            Box::new(|row, _| row.stage == "open"),
        ),
        (
            "not annulled",
            InspectionFilter {
                stage: text("valid"),
                ..none()
            },
            Box::new(|row, _| row.stage != "annulled"),
        ),
        (
            "no such stage",
            InspectionFilter {
                stage: text("finished"),
                ..none()
            },
            Box::new(|_, _| false),
        ),
        (
            "from",
            InspectionFilter {
                from_ms: Some(NOW + 10 * DAY),
                ..none()
            },
            Box::new(|row, _| row.started_ms >= Some(NOW + 10 * DAY)),
        ),
        (
            "to",
            InspectionFilter {
                to_ms: Some(NOW + 10 * DAY),
                ..none()
            },
            Box::new(|row, _| row.started_ms < Some(NOW + 10 * DAY)),
        ),
        (
            "mine",
            InspectionFilter {
                inspector: Some(person(5)),
                ..none()
            },
            Box::new(|row, _| row.inspectors == "孙"),
        ),
        (
            "of a subject",
            InspectionFilter {
                subject: Some(record(2)),
                ..none()
            },
            Box::new(|row, _| row.subject == Some(record(2))),
        ),
        (
            "query",
            InspectionFilter {
                query: text("东海"),
                ..none()
            },
            Box::new(|row, _| row.subject_name == "东海物流"),
        ),
        (
            "item",
            InspectionFilter {
                item: text("TI-1"),
                ..none()
            },
            Box::new(move |row, place| !result(row, place, "TI-1").is_empty()),
        ),
        (
            "item conforms",
            InspectionFilter {
                item: text("TI-1"),
                item_result: text("conforms"),
                ..none()
            },
            Box::new(move |row, place| result(row, place, "TI-1") == "conforms"),
        ),
        (
            "item does not conform",
            InspectionFilter {
                item: text("TI-2"),
                item_result: text("nonconforming"),
                ..none()
            },
            Box::new(move |row, place| result(row, place, "TI-2") == "nonconforming"),
        ),
        (
            "no such result",
            InspectionFilter {
                item: text("TI-2"),
                item_result: text("perhaps"),
                ..none()
            },
            Box::new(|_, _| false),
        ),
        (
            "several at once",
            InspectionFilter {
                query: text("安泰"),
                region: text("320706"),
                inspector: Some(person(1)),
                outcome: text("with_findings"),
                ..none()
            },
            Box::new(|row, _| {
                row.subject_name == "安泰矿业" && row.region == "320706" && row.findings > 0
            }),
        ),
    ]
}

#[test]
fn every_filter_of_inspections_lets_exactly_that_pass_in_every_order() {
    let city = city();
    let everything = all(
        &city,
        &InspectionFilter::default(),
        InspectionSort::Number,
        false,
    );
    assert_eq!(everything.len(), 40);
    for (name, filter, fits) in cases() {
        let mut wanted: Vec<RecordId> = everything
            .iter()
            .filter(|row| fits(row, &city))
            .map(|row| row.record)
            .collect();
        wanted.sort();
        if !name.starts_with("no such") {
            assert!(
                !wanted.is_empty() && wanted.len() < 40,
                "{name} tells apart"
            );
        }
        for sort in SORTS {
            let mut found: Vec<RecordId> = all(&city, &filter, sort, true)
                .iter()
                .map(|row| row.record)
                .collect();
            found.sort();
            assert_eq!(found, wanted, "{name}, {sort:?}");
        }
    }
}

#[test]
fn every_order_of_inspections_is_kept_and_turned_round() {
    let city = city();
    let place_of = |stage: &str| {
        ["open", "signing", "signed", "annulled"]
            .iter()
            .position(|one| *one == stage)
    };
    for filter in [
        InspectionFilter::default(),
        InspectionFilter {
            region: Some("320706".into()),
            ..InspectionFilter::default()
        },
        InspectionFilter {
            query: Some("物流".into()),
            ..InspectionFilter::default()
        },
    ] {
        for sort in SORTS {
            let rows = all(&city, &filter, sort, false);
            let is_sorted = match sort {
                InspectionSort::Started => rows.is_sorted_by_key(|row| row.started_ms),
                InspectionSort::Subject => {
                    let order = ["安泰矿业", "东海物流", "赣榆化工", "海州培训中心"];
                    rows.is_sorted_by_key(|row| {
                        order.iter().position(|name| *name == row.subject_name)
                    })
                }
                InspectionSort::Number => rows.is_sorted_by_key(|row| row.number.clone()),
                InspectionSort::Findings => rows.is_sorted_by_key(|row| row.findings),
                InspectionSort::Updated => rows.is_sorted_by_key(|row| row.updated_ms),
                InspectionSort::Org => rows.is_sorted_by_key(|row| row.org.clone()),
                InspectionSort::Stage => rows.is_sorted_by_key(|row| place_of(&row.stage)),
            };
            assert!(is_sorted, "{sort:?} {filter:?}");
            let mut turned = all(&city, &filter, sort, true);
            turned.reverse();
            assert_eq!(turned, rows, "{sort:?} turned round");
            for (offset, limit) in [(0, 3), (3, 4), (7, 100), (1_000, 5)] {
                let page = city
                    .ledger
                    .inspections(&filter, sort, false, offset, limit)
                    .unwrap();
                let wanted: Vec<_> = rows
                    .iter()
                    .skip(offset as usize)
                    .take(limit as usize)
                    .cloned()
                    .collect();
                assert_eq!(page.rows, wanted, "{sort:?} from {offset}");
                assert_eq!(page.total, rows.len() as u64);
            }
        }
    }
}

#[test]
fn a_row_says_what_the_record_says() {
    let city = city();
    for row in all(
        &city,
        &InspectionFilter::default(),
        InspectionSort::Started,
        false,
    ) {
        let state = city.state(row.record);
        assert_eq!(row.counts, shicha_domain::inspection::counts(&state));
        assert_eq!(row.stage, shicha_domain::inspection::stage(&state).as_str());
        assert_eq!(row.subject_name, state.text("subject_name"));
        assert_eq!(row.number, state.text("number"));
        assert_eq!(row.opened_by, state.opened().map(|trace| trace.author));
        assert_eq!(row.updated_ms, state.last().unwrap().at.ms());
        assert_eq!(row.is_sample, state.value("sample") == Some(&json!(true)));
        assert_eq!((row.pack.as_str(), row.pack_version.as_str()), ("lyg", "1"));
    }
}

#[test]
fn a_formal_number_given_after_signing_takes_the_place_of_the_provisional_one() {
    let place = device(1);
    let one = place.inspection(1, json!({"number": "暂1号"}));
    place.sign(one);
    place.set(one, "after/number", json!("正式7号"));
    let rows = all(
        &place,
        &InspectionFilter::default(),
        InspectionSort::Number,
        false,
    );
    assert_eq!(rows[0].number, "正式7号");
    assert_eq!(place.found("正式"), [one]);
}
