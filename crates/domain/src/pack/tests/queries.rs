//! What a pack answers when it is asked.

use super::super::{Date, Pack, SubjectKind};
use super::{EXAMPLE, read, shipped};

fn date(text: &str) -> Date {
    text.parse().unwrap()
}

#[test]
fn a_basis_counts_only_on_days_on_which_it_and_its_law_were_in_force() {
    let pack = read(EXAMPLE);
    let item = pack.item("A-1.1").unwrap();
    let in_force = |day: &str| {
        let bases = pack.bases_in_force(item, date(day));
        bases
            .iter()
            .map(|of_item| of_item.law.id.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(in_force("2019-12-31"), Vec::<String>::new());
    assert_eq!(in_force("2030-03-31"), ["OLD"]);
    // The new law is in force since April, its article only since May.
    assert_eq!(in_force("2030-04-15"), Vec::<String>::new());
    assert_eq!(in_force("2030-05-01"), ["NEW"]);
    let bases = pack.bases_in_force(item, date("2030-05-01"));
    assert_eq!(
        (bases[0].valid_from, bases[0].valid_to),
        (Some(date("2030-05-01")), None)
    );
}

#[test]
fn a_penalty_counts_only_while_its_law_is_in_force() {
    let pack = read(EXAMPLE);
    let item = pack.item("A-1.1").unwrap();
    assert_eq!(pack.penalties_of(item).count(), 1);
    assert!(pack.penalties_in_force(item, date("2030-03-31")).is_empty());
    assert_eq!(pack.penalties_in_force(item, date("2030-04-01")).len(), 1);
}

#[test]
fn a_day_lies_in_one_phase_or_in_none() {
    let pack = shipped();
    let phase = |day: &str| pack.phase_on(date(day)).map(|phase| phase.id.as_str());
    assert_eq!(phase("2021-12-28"), None);
    assert_eq!(phase("2022-03-31"), Some("self_assessment"));
    assert_eq!(phase("2022-04-01"), Some("enforcement"));
    assert_eq!(phase("2022-08-01"), Some("cross_inspection"));
    assert_eq!(phase("2022-10-31"), Some("summing_up"));
    assert_eq!(phase("2022-11-01"), None);
}

#[test]
fn an_item_is_found_with_its_section_and_its_checklist() {
    let pack = shipped();
    let place = pack.place("EI-5.6").unwrap();
    assert_eq!(place.checklist.id, "EI");
    assert_eq!(place.section.title.zh, "监考、考评、考风考纪");
    assert_eq!(pack.items().next().unwrap().id, "TI-1.1");
    assert_eq!(pack.items().last().unwrap().id, "PE-4.9");
    assert!(pack.item("PE-9.9").is_none() && pack.checklist("XX").is_none());
    let lists: Vec<_> = pack.checklists_for(SubjectKind::Enterprise).collect();
    assert!(lists.len() == 1 && lists[0].id == "PE");
}

#[test]
fn penalties_come_with_the_part_of_the_clause_and_on_whom() {
    let pack = shipped();
    let item = pack.item("PE-1.2").unwrap();
    let penalties: Vec<_> = pack
        .penalties_of(item)
        .map(|of_item| {
            let (part, note) = (&of_item.reference.part, &of_item.reference.note);
            (
                of_item.penalty.id.as_str(),
                part.as_deref(),
                note.as_deref(),
            )
        })
        .collect();
    let expected = [
        ("P-94", None, Some("对主要负责人")),
        ("P-96", None, Some("对安全生产管理人员")),
        ("P-97", Some("第（三）项"), None),
    ];
    assert_eq!(penalties, expected);
}

#[test]
fn a_pack_that_is_written_out_reads_back_as_the_same_pack() {
    for pack in [shipped(), read(EXAMPLE)] {
        let written = serde_json::to_vec(&pack).unwrap();
        assert_eq!(Pack::parse(&written).unwrap(), pack);
    }
}

#[test]
fn versions_are_compared_by_number_and_not_by_letter() {
    let version = |text: &str| {
        let pack = read(&EXAMPLE.replace(
            "\"version\": \"1.0.0\"",
            &format!("\"version\": \"{text}\""),
        ));
        pack.version.numbers()
    };
    assert!(version("1.10.0") > version("1.9.12"));
}

#[test]
fn an_item_may_have_days_to_rectify_of_its_own() {
    let pack = read(EXAMPLE);
    let days = |item: &str| pack.rectification_days(pack.item(item).unwrap());
    assert_eq!((days("A-1.1"), days("A-1.2")), (30, 10));
}

#[test]
fn a_visit_answers_what_its_day_the_subject_and_the_other_answers_ask_for() {
    let pack = shipped();
    let enterprise = pack
        .checklists
        .iter()
        .find(|list| {
            list.sections
                .iter()
                .any(|section| !section.applies_to.is_empty())
        })
        .unwrap();
    let day = "2022-05-10".parse().unwrap();
    let ids = |has_trait: bool| -> Vec<&str> {
        pack.asked(enterprise, day, |_| has_trait, |_| None)
            .into_iter()
            .map(|item| item.id.as_str())
            .collect()
    };
    let (ordinary, high_risk) = (ids(false), ids(true));
    assert!(high_risk.len() > ordinary.len());
    assert!(ordinary.iter().all(|id| high_risk.contains(id)));
    assert!(high_risk.iter().any(|id| id.starts_with("PE-3")));
    assert!(!ordinary.iter().any(|id| id.starts_with("PE-3")));
}
