//! The pack of the Lianyungang campaign: its checkpoints and what they rest on, against the facts of the notice.

use std::collections::BTreeSet;

use super::super::{Certainty, Date, LawKind, SubjectKind};
use super::{SHIPPED, shipped};

fn date(text: &str) -> Date {
    text.parse().unwrap()
}

#[test]
fn it_has_95_checkpoints_of_which_84_come_from_the_notice() {
    let pack = shipped();
    assert_eq!(pack.id, "lyg-2021-training");
    assert_eq!(pack.items().count(), 95);
    assert_eq!(pack.items().filter(|item| item.core).count(), 84);
    let shape: Vec<_> = pack
        .checklists
        .iter()
        .map(|list| {
            let items = list.sections.iter().map(|section| section.items.len());
            (list.subject_kind, items.collect::<Vec<_>>())
        })
        .collect();
    let expected = [
        (SubjectKind::TrainingInstitution, vec![11, 10, 8, 6]),
        (SubjectKind::ExamInstitution, vec![6, 4, 5, 4, 6, 6]),
        (SubjectKind::Enterprise, vec![9, 8, 3, 9]),
    ];
    assert_eq!(shape, expected);
}

#[test]
fn the_checkpoints_that_were_added_to_the_notice_are_these_eleven() {
    let pack = shipped();
    let added: Vec<&str> = pack
        .items()
        .filter(|item| !item.core)
        .map(|item| item.id.as_str())
        .collect();
    let expected = [
        "TI-1.5", "TI-1.11", "TI-2.7", "TI-2.9", "TI-2.10", "TI-3.8", "EI-5.6", "PE-2.4", "PE-2.8",
        "PE-3.3", "PE-4.9",
    ];
    assert_eq!(added, expected);
}

#[test]
fn items_are_numbered_by_their_sections_without_gaps() {
    for checklist in &shipped().checklists {
        for (s, section) in checklist.sections.iter().enumerate() {
            assert_eq!(section.id.as_str(), format!("{}-{}", checklist.id, s + 1));
            for (n, item) in section.items.iter().enumerate() {
                assert_eq!(item.id.as_str(), format!("{}.{}", section.id, n + 1));
            }
        }
    }
}

#[test]
fn every_checkpoint_has_question_basis_evidence_and_both_wordings_of_its_own() {
    let pack = shipped();
    let (mut findings, mut rectifications) = (BTreeSet::new(), BTreeSet::new());
    for item in pack.items() {
        assert!(
            !item.bases.is_empty() && !item.evidence.is_empty(),
            "{}",
            item.id
        );
        assert!(!item.penalties.is_empty(), "{}", item.id);
        assert!(
            item.question.zh.ends_with('？') && item.question.en.ends_with('?'),
            "{}",
            item.id
        );
        for text in [&item.finding, &item.rectification] {
            assert!(
                text.ends_with('。') && text.chars().count() <= 80,
                "{}: {text}",
                item.id
            );
            assert!(
                !text.contains(['？', '×', '＿', '[', '…']),
                "{}: {text}",
                item.id
            );
        }
        assert!(
            findings.insert(&item.finding),
            "{}: the finding is worded as another",
            item.id
        );
        assert!(
            rectifications.insert(&item.rectification),
            "{}: worded as another",
            item.id
        );
        // A wording that would claim more than one visit can show says that it is a suspicion.
        if item.finding.starts_with("发现") {
            assert!(item.finding.contains("涉嫌"), "{}", item.id);
        }
    }
}

#[test]
fn no_word_of_the_working_papers_is_left_in_it() {
    for word in ["seed", ".md", "[F]", "[K]", "[U]", "TODO", "http"] {
        assert!(!SHIPPED.contains(word), "{word}");
    }
}

#[test]
fn what_is_uncertain_stays_marked_uncertain() {
    let pack = shipped();
    for law in ["DB32", "KSJS"] {
        assert_eq!(pack.law(law).unwrap().certainty, Certainty::Uncertain);
        for item in pack.items() {
            for basis in item.bases.iter().filter(|basis| basis.law == law) {
                assert_eq!(basis.certainty, Certainty::Uncertain, "{}", item.id);
            }
        }
    }
    let certainty = |item: &str, clause: &str| {
        let bases = &pack.item(item).unwrap().bases;
        bases
            .iter()
            .find(|basis| basis.clause.starts_with(clause))
            .unwrap()
            .certainty
    };
    assert_eq!(certainty("TI-1.1", "第十五条"), Certainty::Known);
    assert_eq!(certainty("TI-1.6", "5.2"), Certainty::Uncertain);
    assert_eq!(certainty("TI-1.8", "5.3"), Certainty::Uncertain);
    assert_eq!(
        certainty("TI-4.3", "第二百八十四条之一"),
        Certainty::Uncertain
    );
    assert_eq!(certainty("EI-1.2", "附件5"), Certainty::Uncertain);
    assert_eq!(certainty("PE-2.4", "换证规则"), Certainty::Uncertain);
    assert_eq!(certainty("PE-3.1", "第二十四条"), Certainty::Known);
    assert_eq!(pack.item("PE-4.4").unwrap().certainty, Certainty::Uncertain);
    for penalty in ["P-PX35", "P-PX36", "P-30-38", "P-30-39"] {
        assert_eq!(
            pack.penalty(penalty).unwrap().certainty,
            Certainty::Known,
            "{penalty}"
        );
    }
    assert_eq!(
        pack.settings.rectification_days.certainty,
        Certainty::Uncertain
    );
    assert_eq!(pack.statistics.certainty, Certainty::Uncertain);
    let columns = pack
        .statistics
        .groups
        .iter()
        .flat_map(|group| &group.columns);
    assert!(
        columns.clone().count() == 43
            && columns
                .into_iter()
                .all(|column| column.certainty == Certainty::Uncertain)
    );
    assert_eq!(pack.class_archive.certainty, Certainty::Uncertain);
    assert!(
        pack.question_bank.questions.is_empty(),
        "no question bank was found, so none is invented"
    );
}

#[test]
fn laws_change_on_the_days_on_which_they_did() {
    let pack = shipped();
    let span = |law: &str| {
        let law = pack.law(law).unwrap();
        (law.valid_from, law.valid_to)
    };
    let day = |text: &str| Some(date(text));
    assert_eq!(span("AQF"), (day("2021-09-01"), None));
    assert_eq!(span("PX44"), (day("2012-03-01"), None));
    assert_eq!(span("PX3"), (day("2006-03-01"), None));
    assert_eq!(span("TZ30"), (day("2010-07-01"), day("2026-05-31")));
    assert_eq!(span("TZ19"), (day("2026-06-01"), None));
    assert_eq!(span("CF15"), (day("2008-01-01"), day("2026-01-31")));
    assert_eq!(span("CF18"), (day("2026-02-01"), None));
    assert_eq!(span("AQ16"), (day("2017-03-01"), day("2024-06-30")));
    assert_eq!(span("AQ23"), (day("2024-07-01"), None));
    assert_eq!(span("DB32"), (None, None));
    assert_eq!(span("KS104"), (None, None));
    for (old, new) in [("TZ30", "TZ19"), ("CF15", "CF18"), ("AQ16", "AQ23")] {
        assert_eq!(pack.law(old).unwrap().replaced_by.as_ref().unwrap(), &new);
    }
    assert_eq!(
        pack.penalty_validity(pack.penalty("P-CF45").unwrap()).1,
        day("2026-01-31")
    );
    assert_eq!(
        pack.penalty_validity(pack.penalty("P-30-40").unwrap()).1,
        day("2026-05-31")
    );
    for item in ["TI-2.7", "TI-2.10"] {
        let item = pack.item(item).unwrap();
        assert!(!item.is_asked_on(date("2024-06-30")) && item.is_asked_on(date("2024-07-01")));
    }
}

#[test]
fn during_the_campaign_every_checkpoint_of_the_notice_rests_on_something_in_force() {
    let pack = shipped();
    let on = date("2022-05-10");
    let bare: Vec<&str> = pack
        .items()
        .filter(|item| pack.bases_in_force(item, on).is_empty())
        .map(|item| item.id.as_str())
        .collect();
    assert_eq!(
        bare,
        ["TI-1.5", "TI-2.7", "TI-2.10"],
        "these rest on the standard of 2024 alone"
    );
    for item in pack.items() {
        for of_item in pack.bases_in_force(item, on) {
            assert!(
                !["AQ23", "TZ19", "CF18", "CZ136"].contains(&of_item.law.id.as_str()),
                "{}",
                item.id
            );
        }
    }
}

#[test]
fn cases_rules_of_other_provinces_and_notices_are_never_cited_as_law() {
    let pack = shipped();
    let not_citable: Vec<&str> = pack
        .laws
        .iter()
        .filter(|law| !law.is_citable())
        .map(|law| law.id.as_str())
        .collect();
    let expected = [
        "LYG", "H274", "DJ53", "DGXS", "JXXS", "HNKD", "KPYG", "PTJK", "AL-YK", "AL-CZ", "AL-FJ",
        "AL-ZJ",
    ];
    assert_eq!(not_citable, expected);
    assert!(
        pack.laws
            .iter()
            .any(|law| law.kind == LawKind::Rule && law.is_citable())
    );
}

#[test]
fn every_basis_is_cited_with_its_book_marks_in_pairs() {
    let pack = shipped();
    for item in pack.items() {
        for of_item in pack.bases_of(item) {
            let citation = of_item.citation();
            let count = |mark: char| citation.chars().filter(|c| *c == mark).count();
            assert_eq!(count('《'), count('》'), "{citation}");
        }
    }
}
