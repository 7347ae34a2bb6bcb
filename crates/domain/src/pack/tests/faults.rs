//! Every kind of fault is found, at its line, with a reason in both languages, and hides no other.

use super::super::{Fault, FaultCode, check};
use super::{EXAMPLE, lines, read};
use FaultCode::*;

/// Replaces text that stands in the example once, and tells in which line.
fn spoil(from: &str, to: &str) -> (String, usize) {
    assert_eq!(EXAMPLE.matches(from).count(), 1, "{from} is not unique");
    let at = EXAMPLE.find(from).unwrap();
    let line = EXAMPLE[..at].matches('\n').count() + 1;
    (EXAMPLE.replace(from, to), line)
}

fn only_fault(from: &str, to: &str) -> (Fault, usize) {
    let (text, line) = spoil(from, to);
    let mut faults = check(text.as_bytes());
    assert_eq!(faults.len(), 1, "{from} → {to}:\n{}", lines(&faults));
    (faults.remove(0), line)
}

#[test]
fn the_example_pack_has_no_fault() {
    let pack = read(EXAMPLE);
    assert_eq!(pack.id, "example");
    assert_eq!(check(EXAMPLE.as_bytes()), []);
}

#[test]
fn each_fault_is_named_with_its_line_its_place_and_its_kind() {
    let cases = [
        (
            "\"format\": 1,",
            "\"format\": 2,",
            UnsupportedFormat,
            "format",
        ),
        ("\"id\": \"example\"", "\"id\": \"exa mple\"", BadId, "id"),
        (
            "\"version\": \"1.0.0\"",
            "\"version\": \"1.0\"",
            BadVersion,
            "version",
        ),
        (
            "\"date\": \"2030-01-02\"",
            "\"date\": \"2030-02-30\"",
            BadDate,
            "source.date",
        ),
        (
            "\"date\": \"2030-01-02\"",
            "\"date\": \"2030年1月2日\"",
            BadDate,
            "source.date",
        ),
        (
            "\"issuer\": \"示例市应急管理局\"",
            "\"issuer\": \" \"",
            EmptyText,
            "source.issuer",
        ),
        ("\"notes\": []", "\"notes\": {}", WrongType, "notes"),
        ("\"notes\": []", "\"notes\": null", WrongType, "notes"),
        (
            "\"notes\": []",
            "\"notes\": [], \"note\": 1",
            UnknownField,
            "note",
        ),
        (
            "\"notes\": []",
            "\"notes\": [], \"notes\": []",
            RepeatedField,
            "notes",
        ),
        (
            "\"value\": 30",
            "\"value\": -30",
            WrongType,
            "settings.rectification_days.value",
        ),
        (
            "\"value\": 10,",
            "\"value\": 1.5,",
            WrongType,
            "settings.spot_exam_min_percent.value",
        ),
        (
            "\"duty\": \"汇总\"",
            "\"duty\": 5",
            WrongType,
            "roles[0].duty",
        ),
        (
            "\"code\": \"999901\"",
            "\"code\": \"99990\"",
            BadRegionCode,
            "regions[1].code",
        ),
        (
            "\"parent\": \"999900\"",
            "\"parent\": \"999999\"",
            MissingReference,
            "regions[1].parent",
        ),
        (
            "\"to\": \"2030-03-31\"",
            "\"to\": \"2030-04-01\"",
            OverlappingPhases,
            "phases[1]",
        ),
        (
            "\"phase\": \"enforcement\",",
            "\"phase\": \"summary\",",
            MissingReference,
            "obligations[0].phase",
        ),
        (
            "\"due\": \"2030-05-02\"",
            "\"due\": \"2030-07-02\"",
            OutsideCampaign,
            "obligations[0].due",
        ),
        (
            "\"covers_to\": \"2030-04-30\"",
            "\"covers_to\": \"2030-03-30\"",
            EndBeforeStart,
            "obligations[0].covers_to",
        ),
        (
            "\"reporters\": [\"county\"]",
            "\"reporters\": [\"town\"]",
            MissingReference,
            "obligations[0].reporters[0]",
        ),
        (
            "\"roll_rule\": \"next_workday\"",
            "\"roll_rule\": \"later\"",
            BadChoice,
            "obligations[0].roll_rule",
        ),
        (
            "\"replaced_by\": \"NEW\"",
            "\"replaced_by\": \"OLD\"",
            Cycle,
            "laws[0].replaced_by",
        ),
        (
            "\"law\": \"OLD\", \"clause\"",
            "\"law\": \"PX45\", \"clause\"",
            MissingReference,
            "checklists[0].sections[0].items[0].bases[0].law",
        ),
        (
            "\"valid_from\": \"2030-05-01\"}",
            "\"valid_from\": \"2030-03-01\"}",
            OutsideLaw,
            "checklists[0].sections[0].items[0].bases[1].valid_from",
        ),
        (
            "{\"penalty\": \"P-1\"}",
            "{\"penalty\": \"P-2\"}",
            MissingReference,
            "checklists[0].sections[0].items[0].penalties[0].penalty",
        ),
        (
            "\"evidence\": [{\"code\": \"文\", \"text\": \"计划\"}, {\"code\": \"照\"}]",
            "\"evidence\": []",
            EmptyList,
            "checklists[0].sections[0].items[0].evidence",
        ),
        (
            "{\"code\": \"文\", \"text\": \"计划\"}",
            "{\"code\": \"图\"}",
            MissingReference,
            "checklists[0].sections[0].items[0].evidence[0].code",
        ),
        ("\"id\": \"A-1.2\"", "\"id\": \"B-1.2\"", NO_FAULT, ""),
        (
            "\"id\": \"B-1.1\"",
            "\"id\": \"A-2.1\"",
            DuplicateId,
            "checklists[1].sections[0].items[0].id",
        ),
        (
            "{\"id\": \"02\", \"text\": \"考勤\"}",
            "{\"id\": \"01\", \"text\": \"考勤\"}",
            DuplicateId,
            "class_archive.entries[1].id",
        ),
        (
            "\"core\": false",
            "\"core\": \"false\"",
            WrongType,
            "checklists[0].sections[0].items[1].core",
        ),
        (
            "\"applies_to\": [\"large\"]",
            "\"applies_to\": [\"small\"]",
            MissingReference,
            "checklists[0].sections[1].applies_to[0]",
        ),
        (
            "[\"conforms\", \"to_verify\"]",
            "[]",
            EmptyList,
            "checklists[0].sections[0].items[1].depends_on[0].results",
        ),
        (
            "{organ}）{word}〔{year}〕{n}号",
            "{organ}）{word}〔{year}〕号",
            BadNumberFormat,
            "documents.number_format",
        ),
        (
            "{organ}）{word}〔{year}〕{n}号",
            "{organ}）{word}〔{yaer}〕{n}号",
            BadNumberFormat,
            "documents.number_format",
        ),
        (
            "\"follows\": [\"plan\"]",
            "\"follows\": [\"plan\", \"record\"]",
            Cycle,
            "documents.kinds[1].follows[1]",
        ),
        (
            "\"part_of\": \"units\"",
            "\"part_of\": \"units_large\"",
            Cycle,
            "statistics.groups[0].columns[1].part_of",
        ),
        (
            "\"right\": [2]",
            "\"right\": [4]",
            BadAnswer,
            "question_bank.questions[0].right[0]",
        ),
        (
            "\"value\": 0.5",
            "\"value\": \"0.5\"",
            WrongType,
            "formality.rules[0].parameters[0].value",
        ),
        (
            "\"rules\": [\"R01\"]",
            "\"rules\": [\"R02\"]",
            MissingReference,
            "checklists[0].sections[0].items[0].data_check.rules[0]",
        ),
    ];
    for (from, to, code, path) in cases {
        if code == NO_FAULT {
            read(&spoil(from, to).0);
            continue;
        }
        let (fault, line) = only_fault(from, to);
        assert_eq!(
            (fault.code, fault.path.as_str()),
            (code, path),
            "{from} → {to}: {fault}"
        );
        if code != OverlappingPhases {
            assert_eq!(fault.line, line, "{from} → {to}: {fault}");
        }
        assert!(fault.column > 0 && !fault.reason_zh.is_empty() && !fault.reason_en.is_empty());
    }
}

/// Stands in the table above for a change that must be allowed.
const NO_FAULT: FaultCode = Syntax;

#[test]
fn a_missing_field_is_named_at_the_object_that_lacks_it() {
    let (fault, line) = only_fault("\"finding\": \"未制定计划。\",\n", "");
    assert_eq!(
        (fault.code, fault.path.as_str()),
        (MissingField, "checklists[0].sections[0].items[0]")
    );
    assert!(fault.line < line, "the object begins above what it lacks");
    assert_eq!(fault.reason_zh, "缺少字段“finding”");
    let (fault, _) = only_fault("        \"word\": \"示记\",\n", "");
    assert_eq!(
        (fault.code, fault.path.as_str()),
        (MissingField, "documents.kinds[1]")
    );
}

#[test]
fn a_circle_through_a_section_is_found_and_told_step_by_step() {
    let to = "\"depends_on\": [{\"item\": \"A-2.1\", \"results\": [\"conforms\"]}],\n              \"core\": true,\n              \"question\": {\"zh\": \"是否制定计划？\"";
    let (fault, line) = only_fault(
        "\"core\": true,\n              \"question\": {\"zh\": \"是否制定计划？\"",
        to,
    );
    assert_eq!((fault.code, fault.line), (Cycle, fault.line.max(line)));
    for name in ["A-1.1", "A-2.1", "§A-2"] {
        assert!(fault.reason_zh.contains(name), "{fault}");
    }
}

#[test]
fn a_condition_on_an_item_of_another_checklist_is_refused() {
    let (fault, line) = only_fault(
        "{\"item\": \"A-1.1\", \"results\": [\"conforms\"]}",
        "{\"item\": \"B-1.1\", \"results\": [\"conforms\"]}",
    );
    assert_eq!((fault.code, fault.line), (MissingReference, line));
    assert!(fault.reason_zh.contains("不在同一张检查表"), "{fault}");
}

#[test]
fn faults_that_have_nothing_to_do_with_each_other_are_all_listed_in_the_order_of_the_file() {
    let text = include_str!("../../../../../packs/broken/many-faults.json");
    let faults = check(text.as_bytes());
    let kinds: Vec<_> = faults.iter().map(|fault| fault.code).collect();
    let expected = [
        OutsideCampaign,
        EndBeforeStart,
        BadDate,
        WrongType,
        MissingReference,
        EmptyText,
        MissingField,
        UnknownField,
        BadChoice,
    ];
    assert_eq!(kinds, expected, "\n{}", lines(&faults));
    assert!(faults.is_sorted_by_key(|fault| fault.line));
}

#[test]
fn the_broken_packs_that_are_shipped_as_examples_say_what_is_wrong_with_them() {
    let one = |text: &str| {
        let mut faults = check(text.as_bytes());
        assert_eq!(faults.len(), 1, "\n{}", lines(&faults));
        faults.remove(0)
    };
    let line_with =
        |text: &str, part: &str| text.lines().position(|line| line.contains(part)).unwrap() + 1;

    let text = include_str!("../../../../../packs/broken/not-json.json");
    let fault = one(text);
    assert_eq!(
        (fault.code, fault.line),
        (Syntax, line_with(text, "\"phases\": [\n".trim()))
    );
    assert!(fault.reason_zh.contains("逗号"), "{fault}");

    let text = include_str!("../../../../../packs/broken/missing-article.json");
    let fault = one(text);
    assert_eq!(
        (fault.code, fault.line),
        (MissingReference, line_with(text, "PX45"))
    );
    assert_eq!(
        fault.reason_zh,
        "引用的法律依据“PX45”不存在：laws 中没有这一条"
    );

    let text = include_str!("../../../../../packs/broken/cycle.json");
    let fault = one(text);
    assert_eq!(
        (fault.code, fault.reason_zh.as_str()),
        (Cycle, "循环依赖：A-1.1 → A-1.2 → A-1.1")
    );
}

#[test]
fn a_pack_of_a_newer_format_is_told_from_a_broken_one() {
    let text = EXAMPLE.replace("\"format\": 1,", "\"format\": 2, \"new\": true,");
    let faults = check(text.as_bytes());
    assert_eq!(faults.len(), 1, "\n{}", lines(&faults));
    assert!(faults[0].reason_zh.contains("升级"), "{}", faults[0]);
}

#[test]
fn something_that_is_no_pack_at_all_gets_a_sentence_and_not_thousands() {
    assert_eq!(check(b"[]")[0].code, WrongType);
    assert!(check(b"{}").iter().all(|fault| fault.code == MissingField));
    let many = format!("{{{}\"x\": 1}}", "\"x\": 1,\n".repeat(50_000));
    assert!(check(many.as_bytes()).len() <= 500);
}

#[test]
fn a_long_chain_of_conditions_exhausts_nothing() {
    let laws: Vec<String> = (0..20_000)
        .map(|n| {
            format!(
                "{{\"id\": \"L{n}\", \"replaced_by\": \"L{}\"}}",
                (n + 1) % 20_000
            )
        })
        .collect();
    let text = format!("{{\"laws\": [{}]}}", laws.join(","));
    let faults = check(text.as_bytes());
    assert!(!faults.is_empty() && faults.len() <= 500);
}

mod never_fails_otherwise {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_pack_damaged_anywhere_gives_faults_with_lines_that_exist(at in 0..EXAMPLE.len(), byte in any::<u8>()) {
            let mut bytes = EXAMPLE.as_bytes().to_vec();
            bytes[at] = byte;
            let count = bytes.iter().filter(|byte| **byte == b'\n').count() + 1;
            for fault in check(&bytes) {
                prop_assert!((1..=count).contains(&fault.line) && fault.column >= 1, "{fault}");
            }
        }

        #[test]
        fn a_pack_cut_off_anywhere_is_refused(at in 0..EXAMPLE.len() - 2) {
            prop_assert!(!check(&EXAMPLE.as_bytes()[..at]).is_empty());
        }
    }
}
