//! The pack of the Lianyungang campaign: phases, obligations, regions, documents and rules against the facts of the notice.

use super::super::{
    AnswerResult, Certainty, InspectionKindId, JudgedBy, Numbered, ObligationKind, RegionNature,
    RollRule, SubjectKind, Weekday,
};
use super::shipped;

#[test]
fn the_phases_are_those_of_the_notice() {
    let pack = shipped();
    let phases: Vec<_> = pack
        .phases
        .iter()
        .map(|phase| {
            (
                phase.id.as_str(),
                phase.from.to_string(),
                phase.to.to_string(),
                phase.certainty,
            )
        })
        .collect();
    let row = |id, from: &str, to: &str, certainty| (id, from.to_owned(), to.to_owned(), certainty);
    let expected = [
        // Its end is in the notice; only the month of its beginning is known.
        row(
            "self_assessment",
            "2021-12-29",
            "2022-03-31",
            Certainty::Uncertain,
        ),
        row("enforcement", "2022-04-01", "2022-07-31", Certainty::Found),
        row(
            "cross_inspection",
            "2022-08-01",
            "2022-09-30",
            Certainty::Found,
        ),
        row("summing_up", "2022-10-01", "2022-10-31", Certainty::Found),
    ];
    assert_eq!(phases, expected);
}

#[test]
fn the_obligations_d01_to_d12_are_those_of_the_notice() {
    use ObligationKind::*;
    use Weekday::*;
    let pack = shipped();
    let monthly = ["county_bureau", "city_office", "supervision_brigade"].as_slice();
    type Row<'r> = (
        &'r str,
        &'r str,
        Weekday,
        ObligationKind,
        &'r [&'r str],
        Option<&'r str>,
        usize,
    );
    let expected: [Row<'_>; 12] = [
        (
            "D01",
            "2022-01-05",
            Wednesday,
            Report,
            &["county_bureau"],
            Some("city_bureau"),
            2,
        ),
        (
            "D02",
            "2022-03-25",
            Friday,
            Report,
            &["training_institution"],
            Some("city_bureau"),
            2,
        ),
        (
            "D03",
            "2022-03-31",
            Thursday,
            Milestone,
            &["exam_institution", "enterprise"],
            None,
            0,
        ),
        (
            "D04",
            "2022-04-10",
            Sunday,
            Report,
            &["county_bureau"],
            Some("city_bureau"),
            1,
        ),
        (
            "D05",
            "2022-05-02",
            Monday,
            Report,
            monthly,
            Some("city_bureau"),
            4,
        ),
        (
            "D06",
            "2022-06-02",
            Thursday,
            Report,
            monthly,
            Some("city_bureau"),
            4,
        ),
        (
            "D07",
            "2022-07-02",
            Saturday,
            Report,
            monthly,
            Some("city_bureau"),
            4,
        ),
        (
            "D08",
            "2022-08-02",
            Tuesday,
            Report,
            monthly,
            Some("city_bureau"),
            4,
        ),
        ("D09", "2022-07-31", Sunday, Period, &["everyone"], None, 0),
        (
            "D10",
            "2022-09-30",
            Friday,
            Period,
            &["city_bureau"],
            None,
            0,
        ),
        (
            "D11",
            "2022-09-25",
            Sunday,
            Report,
            &["county_bureau"],
            Some("city_bureau"),
            1,
        ),
        ("D12", "2022-10-31", Monday, Milestone, &[], None, 0),
    ];
    assert_eq!(pack.obligations.len(), 12);
    for (is, (id, due, weekday, kind, reporters, receiver, materials)) in
        pack.obligations.iter().zip(expected)
    {
        assert_eq!(is.id, id);
        assert_eq!(
            (is.due.to_string().as_str(), is.due.weekday(), is.kind),
            (due, weekday, kind),
            "{id}"
        );
        assert!(
            is.reporters
                .iter()
                .map(|role| role.as_str())
                .eq(reporters.iter().copied()),
            "{id}"
        );
        assert_eq!(
            is.receiver.as_ref().map(|role| role.as_str()),
            receiver,
            "{id}"
        );
        assert_eq!(is.materials.len(), materials, "{id}");
        assert_eq!(
            is.roll_rule,
            RollRule::None,
            "{id}: the notice has no rule for days that are no workdays"
        );
        assert_eq!(is.lead_workdays, 3, "{id}");
    }
    let covers = |id: &str| {
        let one = pack.obligation(id).unwrap();
        (
            one.covers_from.map(|day| day.to_string()),
            one.covers_to.map(|day| day.to_string()),
        )
    };
    let days = |from: &str, to: &str| (Some(from.to_owned()), Some(to.to_owned()));
    assert_eq!(covers("D02"), (Some("2019-01-01".to_owned()), None));
    assert_eq!(covers("D05"), days("2022-04-01", "2022-04-30"));
    assert_eq!(covers("D06"), days("2022-05-01", "2022-05-31"));
    assert_eq!(covers("D07"), days("2022-06-01", "2022-06-30"));
    assert_eq!(covers("D08"), days("2022-07-01", "2022-07-31"));
    let starts = |id: &str| {
        pack.obligation(id)
            .unwrap()
            .starts
            .map(|day| day.to_string())
    };
    assert_eq!(starts("D09").as_deref(), Some("2022-04-01"));
    assert_eq!(starts("D10").as_deref(), Some("2022-08-01"));
}

#[test]
fn the_notice_is_kept_as_it_is_where_it_contradicts_itself() {
    let pack = shipped();
    let report = pack.obligation("D11").unwrap();
    let phase = report.phase.as_ref().unwrap();
    assert_eq!(phase, &"summing_up");
    assert_eq!(pack.phase_on(report.due).unwrap().id, "cross_inspection");
    assert!(report.note.as_ref().unwrap().contains("照录"));
}

#[test]
fn the_city_has_six_districts_and_counties_and_four_functional_areas() {
    let pack = shipped();
    let of = |nature: RegionNature| {
        let regions = pack
            .regions
            .iter()
            .filter(move |region| region.nature == nature);
        regions.map(|region| region.id.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(of(RegionNature::City), ["320700"]);
    assert_eq!(of(RegionNature::District), ["320703", "320706", "320707"]);
    assert_eq!(of(RegionNature::County), ["320722", "320723", "320724"]);
    assert_eq!(
        of(RegionNature::FunctionalArea),
        ["320771", "gaoxin", "xuwei", "yuntaishan"]
    );
    for region in &pack.regions {
        assert_eq!(
            region.is_configurable,
            region.nature == RegionNature::FunctionalArea,
            "{}",
            region.id
        );
    }
    let former: Vec<_> = pack
        .former_region_codes
        .iter()
        .map(|code| code.code.as_str())
        .collect();
    assert_eq!(former, ["320721", "320705"]);
}

#[test]
fn documents_are_numbered_as_the_bureau_numbers_them() {
    let pack = shipped();
    let word = |id: &str| pack.document_kind(id).unwrap().word.clone().unwrap();
    assert_eq!(word("site_record"), "应急检记");
    assert_eq!(word("site_plan"), "应急检查");
    assert_eq!(word("rectification_order"), "应急责改");
    assert_eq!(word("reinspection_opinion"), "应急复查");
    let number = crate::number::format(
        pack.documents.number_format.as_str(),
        "苏连",
        &word("site_record"),
        2022,
        1,
    );
    assert_eq!(number, "（苏连）应急检记〔2022〕1号");
    for kind in &pack.documents.kinds {
        assert_eq!(
            kind.numbered == Numbered::Word,
            kind.word.is_some(),
            "{}",
            kind.id
        );
        if kind.numbered == Numbered::WordUnknown {
            assert_eq!(kind.certainty, Certainty::Uncertain, "{}", kind.id);
        }
    }
}

#[test]
fn the_record_of_the_visit_has_its_fields_in_the_official_order() {
    let pack = shipped();
    let form = pack.form_of("site_record").unwrap();
    let labels: Vec<&str> = form
        .fields
        .iter()
        .map(|field| field.label.as_str())
        .collect();
    let expected = [
        "文号",
        "被检查单位",
        "地址",
        "法定代表人（负责人）",
        "职务",
        "联系电话",
        "检查场所",
        "检查时间",
        "表明身份",
        "检查情况",
        "检查人员（签名）",
        "被检查单位现场负责人（签名）",
        "日期",
        "共＿页 第＿页",
    ];
    assert_eq!(labels, expected);
    let inspectors = form
        .fields
        .iter()
        .find(|field| field.id == "inspectors")
        .unwrap();
    assert_eq!(inspectors.at_least, Some(2));
    let page = &form.page;
    let margins = [
        page.top_tenth_mm,
        page.bottom_tenth_mm,
        page.left_tenth_mm,
        page.right_tenth_mm,
    ];
    assert_eq!(margins, [370, 350, 280, 260]);
}

#[test]
fn the_27_formality_rules_are_data_with_thresholds_and_innocent_explanations() {
    let pack = shipped();
    let ids: Vec<_> = pack
        .formality
        .rules
        .iter()
        .map(|rule| rule.id.as_str().to_owned())
        .collect();
    assert_eq!(
        ids,
        (1..=27).map(|n| format!("R{n:02}")).collect::<Vec<_>>()
    );
    let value = |rule: &str, parameter: &str| {
        let rule = pack.rule(rule).unwrap();
        rule.parameters
            .iter()
            .find(|p| p.id == parameter)
            .unwrap()
            .value
    };
    assert_eq!(
        (value("R01", "strong_hours"), value("R01", "weak_hours")),
        (12.0, 8.0)
    );
    assert_eq!(
        (value("R02", "share"), value("R02", "min_people")),
        (0.5, 10.0)
    );
    assert_eq!(
        (value("R03", "overlap_min"), value("R03", "speed_kmh")),
        (5.0, 120.0)
    );
    assert_eq!(
        (value("R14", "median_gap"), value("R14", "fail_share")),
        (20.0, 0.3)
    );
    assert_eq!(
        (
            value("R18", "hamming"),
            value("R18", "hours"),
            value("R18", "distance_km")
        ),
        (6.0, 2.0, 1.0)
    );
    assert_eq!(
        (value("R25", "min_minutes"), value("R25", "visits_per_day")),
        (30.0, 4.0)
    );
    for rule in &pack.formality.rules {
        assert!(!rule.innocent.is_empty(), "{}", rule.id);
        assert_eq!(rule.certainty, Certainty::Uncertain, "{}", rule.id);
    }
    for item in pack.items() {
        for rule in item.data_check.iter().flat_map(|check| &check.rules) {
            let items = &pack.rule(rule.as_str()).unwrap().items;
            assert!(items.contains(&item.id), "{rule} does not name {}", item.id);
        }
        assert!(
            item.judged_by != JudgedBy::Data || item.data_check.is_some(),
            "{}",
            item.id
        );
    }
}

#[test]
fn its_words_are_those_of_the_records() {
    let words = |all: &[AnswerResult]| all.iter().map(|word| word.as_str()).collect::<Vec<_>>();
    assert_eq!(words(AnswerResult::ALL), crate::fields::RESULTS);
    let kinds: Vec<_> = SubjectKind::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(kinds, crate::fields::SUBJECT_KINDS);
    let visits: Vec<_> = InspectionKindId::ALL
        .iter()
        .map(|kind| kind.as_str())
        .collect();
    assert_eq!(visits, crate::fields::INSPECTION_KINDS);
    for item in shipped().items() {
        let field = format!("answers/{}/result", item.id);
        assert_eq!(crate::fields::check_path(&field), Ok(()), "{field}");
    }
}
