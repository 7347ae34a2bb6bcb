//! The lists of subjects and of findings give exactly what their filter says, in the order asked for.

use std::collections::BTreeMap;

use serde_json::json;
use shicha_domain::RecordKind;
use shicha_ledger::{FindingFilter, FindingSort, SubjectFilter, SubjectSort};

use crate::kit::*;

#[test]
fn subjects_are_filtered_and_ordered() {
    let place = device(1);
    for (n, (name, region, kind)) in [
        ("海州培训中心", "320706", "training_institution"),
        ("安泰矿业", "320722", "enterprise"),
        ("东海物流", "320722", "enterprise"),
        ("考试站", "320703", "exam_institution"),
    ]
    .into_iter()
    .enumerate()
    {
        let fields = json!({"name": name, "region": region, "subject_kind": kind, "industry": "矿山", "phone": "0518-1"});
        place.append(
            vec![opened(
                region,
                RecordKind::Subject,
                record(n as u128 + 1),
                fields,
            )],
            NOW,
        );
    }
    let names = |filter: &SubjectFilter, sort, is_descending| {
        let page = place
            .ledger
            .subjects(filter, sort, is_descending, 0, 10)
            .unwrap();
        assert_eq!(page.total, page.rows.len() as u64);
        page.rows
            .into_iter()
            .map(|row| row.name)
            .collect::<Vec<_>>()
    };
    let none = SubjectFilter::default();
    assert_eq!(
        names(&none, SubjectSort::Name, false),
        ["安泰矿业", "东海物流", "海州培训中心", "考试站"]
    );
    assert_eq!(names(&none, SubjectSort::Region, false)[0], "考试站");
    assert_eq!(names(&none, SubjectSort::Kind, true)[0], "海州培训中心");
    let rural = SubjectFilter {
        region: Some("320722".into()),
        ..none.clone()
    };
    for sort in [
        SubjectSort::Name,
        SubjectSort::Region,
        SubjectSort::Kind,
        SubjectSort::LastInspected,
        SubjectSort::OpenFindings,
    ] {
        let mut found = names(&rural, sort, false);
        found.sort();
        assert_eq!(found, ["东海物流", "安泰矿业"], "{sort:?}");
    }
    let enterprise = SubjectFilter {
        kind: Some("enterprise".into()),
        query: Some("物流".into()),
        ..none.clone()
    };
    assert_eq!(names(&enterprise, SubjectSort::Name, false), ["东海物流"]);
    let of_bureau = SubjectFilter {
        org: Some("320703".parse().unwrap()),
        ..none
    };
    assert_eq!(names(&of_bureau, SubjectSort::Name, false), ["考试站"]);
}

#[test]
fn findings_that_are_due_come_first_and_those_without_a_deadline_last() {
    let place = device(1);
    let mut due = BTreeMap::new();
    for (n, (day, state, item)) in [
        ("2022-05-20", "open", "TI-1"),
        ("", "ordered", "TI-2"),
        ("2022-04-30", "rectified", "TI-1"),
        ("2022-04-01", "verified", "TI-3"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut fields = json!({"item": item, "state": state, "subject": record(1).to_string(), "inspection": record(2).to_string()});
        if !day.is_empty() {
            fields["due"] = json!(day);
        }
        let one = record(50 + n as u128);
        due.insert(one, day);
        place.append(
            vec![opened("320703", RecordKind::Finding, one, fields)],
            NOW,
        );
    }
    let days = |filter: &FindingFilter, sort| {
        let page = place.ledger.findings(filter, sort, false, 0, 10).unwrap();
        assert_eq!(page.total, page.rows.len() as u64);
        page.rows.into_iter().map(|row| row.due).collect::<Vec<_>>()
    };
    let none = FindingFilter::default();
    assert_eq!(
        days(&none, FindingSort::Due),
        ["2022-04-01", "2022-04-30", "2022-05-20", ""]
    );
    let open = FindingFilter {
        is_open: true,
        ..none.clone()
    };
    assert_eq!(
        days(&open, FindingSort::Due),
        ["2022-04-30", "2022-05-20", ""]
    );
    let soon = FindingFilter {
        due_before_day: Some("2022-05-01".into()),
        ..open
    };
    assert_eq!(days(&soon, FindingSort::Due), ["2022-04-30"]);
    let item = FindingFilter {
        item: Some("TI-1".into()),
        ..none.clone()
    };
    assert_eq!(
        days(&item, FindingSort::State),
        ["2022-05-20", "2022-04-30"]
    );
    for filter in [
        FindingFilter {
            subject: Some(record(1)),
            ..none.clone()
        },
        FindingFilter {
            inspection: Some(record(2)),
            ..none.clone()
        },
    ] {
        assert_eq!(days(&filter, FindingSort::Subject).len(), 4);
    }
    let other = FindingFilter {
        subject: Some(record(9)),
        ..none
    };
    assert!(days(&other, FindingSort::Due).is_empty());
}
