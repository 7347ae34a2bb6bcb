//! Search as it is typed.

use serde_json::json;
use shicha_domain::RecordKind;
use shicha_ledger::{FindingFilter, FindingSort, SubjectFilter, SubjectSort};

use crate::kit::*;

fn subjects(place: &Place, query: &str) -> Vec<String> {
    let filter = SubjectFilter {
        query: Some(query.into()),
        ..SubjectFilter::default()
    };
    let page = place
        .ledger
        .subjects(&filter, SubjectSort::Name, false, 0, 100)
        .unwrap();
    page.rows.into_iter().map(|row| row.name).collect()
}

fn city() -> Place {
    let place = device(1);
    place.subject(1, json!({"name": "连云港海州安全技术培训中心", "credit_code": "91320706MA1X00017R", "address": "人民东路8号"}));
    place.subject(2, json!({"name": "重庆路机械厂", "credit_code": "91320703MA1X0002XJ", "legal_representative": "欧阳明"}));
    place.subject(
        3,
        json!({"name": "东海县港口物流有限公司", "credit_code": "91320722MA1X00033A"}),
    );
    place
}

#[test]
fn one_chinese_character_a_part_of_a_name_and_its_pinyin_initials_find_a_subject() {
    let city = city();
    let training = ["连云港海州安全技术培训中心"];
    assert_eq!(subjects(&city, "州"), training);
    assert_eq!(subjects(&city, "心"), training, "the last character, too");
    assert_eq!(subjects(&city, "安全技术"), training);
    assert_eq!(subjects(&city, "lyghz"), training);
    assert_eq!(
        subjects(&city, "AQJS"),
        training,
        "from the middle, in capitals"
    );
    assert_eq!(
        subjects(&city, "港"),
        ["东海县港口物流有限公司", training[0]]
    );
    assert!(
        subjects(&city, "云海").is_empty(),
        "characters that do not stand side by side"
    );
}

#[test]
fn a_character_with_two_readings_is_found_by_either() {
    let city = city();
    for query in ["cql", "zql"] {
        assert_eq!(subjects(&city, query), ["重庆路机械厂"], "{query}");
    }
}

#[test]
fn a_credit_code_is_found_by_its_begin_and_by_its_own_part() {
    let city = city();
    for query in ["91320703", "91320703ma", "1x0002xj"] {
        assert!(
            subjects(&city, query).contains(&"重庆路机械厂".to_owned()),
            "{query}"
        );
    }
    assert_eq!(subjects(&city, "9132").len(), 3);
    assert_eq!(subjects(&city, "91320703"), ["重庆路机械厂"]);
}

#[test]
fn all_parts_of_a_query_have_to_be_found_in_any_order() {
    let city = city();
    assert_eq!(subjects(&city, "培训 海州"), ["连云港海州安全技术培训中心"]);
    assert_eq!(subjects(&city, "欧阳 机械"), ["重庆路机械厂"]);
    assert!(subjects(&city, "海州 机械").is_empty());
}

#[test]
fn whatever_is_typed_is_only_text() {
    let city = city();
    for query in [
        "\"",
        "'; DROP TABLE entry",
        "a* OR b",
        "NEAR(港)",
        "港\u{0}口",
        "^港",
        "-港",
        "(",
        "words:港",
        &"港".repeat(10_000),
    ] {
        subjects(&city, query);
        city.found(query);
    }
    assert_eq!(
        subjects(&city, "（）").len(),
        3,
        "marks alone restrict nothing"
    );
}

#[test]
fn an_inspection_is_found_by_subject_number_inspector_and_what_was_recorded() {
    let city = city();
    let one = city.inspection(10, {
        let mut fields = visit("连云港海州安全技术培训中心");
        fields["subject/credit_code"] = json!("91320706MA1X00017R");
        fields
    });
    let other = city.inspection(11, visit("重庆路机械厂"));
    city.set(one, "number", json!("（苏连）应急检记〔2022〕17号"));
    city.set(one, "answers/TI-1.1/facts", json!("消防通道被杂物堵塞"));
    city.set(
        other,
        "answers/TI-1.2/finding/description",
        json!("教师档案不完整"),
    );
    assert_eq!(city.found("海州"), [one]);
    assert_eq!(city.found("cqljx"), [other]);
    assert_eq!(
        city.found("〔２０２２〕17号"),
        [one],
        "full-width digits are digits"
    );
    assert_eq!(city.found("应急检记"), [one]);
    assert_eq!(city.found("李晓梅"), [one, other]);
    assert_eq!(city.found("通道"), [one]);
    assert_eq!(
        city.found("档案 机械"),
        [other],
        "parts in different places of one inspection"
    );
    assert_eq!(
        city.found("91320706"),
        [one],
        "by its subject's credit code"
    );
}

#[test]
fn what_was_written_over_or_removed_is_found_no_more() {
    let city = device(1);
    let one = city.inspection(10, visit("某某培训学校"));
    city.set(one, "answers/TI-1.1/facts", json!("通道堵塞"));
    city.set(one, "answers/TI-1.2/facts", json!("灯坏了"));
    assert_eq!(city.found("堵塞"), [one]);
    city.set(one, "answers/TI-1.1/facts", json!("通道畅通"));
    assert!(city.found("堵塞").is_empty());
    assert_eq!(city.found("畅通"), [one]);
    city.set(one, "answers/TI-1.1/facts", json!(null));
    assert!(city.found("畅通").is_empty());
    assert_eq!(city.found("灯坏了"), [one], "the other item stays");
    city.set(one, "answers/TI-1.3/facts", json!("新写的"));
    assert_eq!(city.found("新写的"), [one]);
    city.set(one, "subject_name", json!("改名学校"));
    assert!(city.found("某某").is_empty());
    assert_eq!(city.found("gmxx"), [one]);
}

#[test]
fn a_finding_is_found_by_subject_and_description() {
    let city = device(1);
    city.append(
        vec![opened(
            "320703",
            RecordKind::Finding,
            record(30),
            json!({"subject_name": "东海港口", "description": "未建立一班一档", "responsible": "孙工"}),
        )],
        NOW,
    );
    for (query, found) in [("一班", 1), ("dhgk", 1), ("孙", 1), ("西海", 0)] {
        let filter = FindingFilter {
            query: Some(query.into()),
            ..FindingFilter::default()
        };
        let page = city
            .ledger
            .findings(&filter, FindingSort::Due, false, 0, 10)
            .unwrap();
        assert_eq!(page.total, found, "{query}");
    }
}
