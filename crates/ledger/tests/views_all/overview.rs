//! The supervisor's figures, against figures counted by hand.

use serde_json::json;
use shicha_domain::RecordKind;
use shicha_ledger::{InspectionFilter, OverviewItem, OverviewRow};

use crate::kit::*;

/// 2022-04-03 23:30 in Lianyungang, a Sunday.
const SUNDAY: u64 = 1_648_999_800_000;

fn line(key: &str, inspections: u32, signed: u32, findings: u32) -> OverviewRow {
    OverviewRow {
        key: key.into(),
        inspections,
        signed,
        findings,
    }
}

fn city() -> Place {
    let place = device(1);
    for (n, org) in [(1, "320703"), (2, "320706"), (3, "320706")] {
        let fields =
            json!({"name": format!("单位{n}"), "subject_kind": "enterprise", "region": org});
        place.append(
            vec![opened(org, RecordKind::Subject, record(n), fields)],
            NOW,
        );
    }
    for (n, org, subject, started, results) in [
        (10, "320703", 1, SUNDAY, &["conforms", "nonconforming"][..]),
        (
            11,
            "320706",
            2,
            SUNDAY + 1_800_000,
            &["nonconforming", "nonconforming", "not_checked"][..],
        ),
        (12, "320706", 2, SUNDAY + DAY, &["conforms"][..]),
        (13, "320706", 3, SUNDAY, &["nonconforming"][..]),
    ] {
        let mut fields = json!({
            "subject": record(subject).to_string(),
            "subject_kind": if n == 12 { "exam_institution" } else { "enterprise" },
            "region": org,
            "started_at": started,
        });
        for (item, result) in results.iter().enumerate() {
            fields[format!("answers/TI-{item}/result")] = json!(result);
        }
        place.append(
            vec![opened(org, RecordKind::Inspection, record(n), fields)],
            NOW,
        );
    }
    place.sign(record(11));
    place.annul(record(13));
    place
}

#[test]
fn figures_by_bureau_item_week_and_kind_are_those_counted_by_hand() {
    let overview = city()
        .ledger
        .overview(&InspectionFilter::default())
        .unwrap();
    assert_eq!(
        (overview.inspections, overview.signed, overview.findings),
        (3, 1, 3),
        "what was annulled does not count"
    );
    assert_eq!((overview.subjects_inspected, overview.subjects), (2, 3));
    assert_eq!(
        overview.by_org,
        [line("320703", 1, 0, 1), line("320706", 2, 1, 2)]
    );
    assert_eq!(
        overview.by_week,
        [line("2022-03-28", 1, 0, 1), line("2022-04-04", 2, 1, 2)]
    );
    assert_eq!(
        overview.by_kind,
        [
            line("enterprise", 2, 1, 3),
            line("exam_institution", 1, 0, 0)
        ]
    );
    let item = |item: &str, answered, checked, nonconforming| OverviewItem {
        item: item.into(),
        answered,
        checked,
        nonconforming,
    };
    assert_eq!(
        overview.by_item,
        [
            item("TI-1", 2, 2, 2),
            item("TI-0", 3, 3, 1),
            item("TI-2", 1, 0, 0)
        ]
    );
}

#[test]
fn a_filter_restricts_all_figures() {
    let city = city();
    let of_bureau = InspectionFilter {
        org: Some("320706".parse().unwrap()),
        ..InspectionFilter::default()
    };
    let overview = city.ledger.overview(&of_bureau).unwrap();
    assert_eq!(
        (overview.inspections, overview.findings, overview.subjects),
        (2, 2, 2)
    );
    assert_eq!(overview.by_org.len(), 1);
    assert_eq!(
        overview
            .by_item
            .iter()
            .map(|item| item.answered)
            .sum::<u32>(),
        4
    );
    let with_item = InspectionFilter {
        item: Some("TI-1".into()),
        item_result: Some("nonconforming".into()),
        ..InspectionFilter::default()
    };
    assert_eq!(city.ledger.overview(&with_item).unwrap().inspections, 2);
    let nothing = InspectionFilter {
        query: Some("没有".into()),
        ..InspectionFilter::default()
    };
    let overview = city.ledger.overview(&nothing).unwrap();
    assert_eq!((overview.inspections, overview.by_item.len()), (0, 0));
}
