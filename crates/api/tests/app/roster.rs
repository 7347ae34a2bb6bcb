//! Rosters: matched, looked through row by row, taken, and the rest reported.

use serde_json::{Value, json};
use shicha_api::error::ErrorCode;
use shicha_domain::{codes::credit_code_complete, directory::Role};

use crate::kit::*;

fn csv() -> String {
    let good = credit_code_complete("91320703MA1X00001").unwrap();
    let other = credit_code_complete("91320703MA1X00002").unwrap();
    let mut text = String::from("\u{feff}单位名称,统一社会信用代码,类别,所属县区,地址\n");
    text += &format!("甲培训中心,{good},安全培训机构,连云区,一路1号\n");
    text += &format!("乙培训中心,{},安全培训机构,连云区,二路2号\n", &good[..17]);
    text += &format!(",{other},企业,连云区,三路3号\n");
    text += &format!("丁公司,{good},企业,海州区,四路4号\n");
    text += "戊公司,,企业,不知道的县,五路5号\n";
    text += "=HYPERLINK(1),,,连云区,六路6号\n";
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn good_rows_are_taken_and_each_bad_one_is_reported_with_its_reason() {
    let central = Central::start().await;
    let desk = Desk::of(&central, "丁思源", "320703", Role::Inspector).await;
    let source = desk.upload("名册.csv", csv().as_bytes()).await;
    let roster = desk.call("roster_open", json!({ "source": source })).await;
    let sheet = &roster["sheets"][0];
    assert_eq!(sheet["rows"], 6);
    for (field, column) in [
        ("name", 0),
        ("credit_code", 1),
        ("subject_kind", 2),
        ("region", 3),
        ("address", 4),
    ] {
        assert_eq!(sheet["mapping"][field], column, "{field} is guessed");
    }
    let mapping = json!({ "roster": roster["roster"], "sheet": sheet["name"], "mapping": sheet["mapping"],
        "default_kind": null, "default_region": null });
    let preview = desk.call("roster_preview", mapping.clone()).await;
    assert_eq!(
        (&preview["rows"], &preview["good"], &preview["bad"]),
        (&json!(6), &json!(2), &json!(4))
    );
    let problems = |number: u64| -> Vec<String> {
        let rows = preview["sample"].as_array().unwrap();
        let row = rows.iter().find(|row| row["number"] == number).unwrap();
        row["problems"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["code"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(problems(3), ["credit_code_length"]);
    assert_eq!(problems(4), ["missing_name"]);
    assert_eq!(problems(5), ["duplicate_in_file"]);
    assert_eq!(problems(6), ["unknown_region"]);
    assert_eq!(problems(7), ["missing_kind"]);
    let report = desk.call("roster_take", mapping.clone()).await;
    assert_eq!(
        (&report["taken"], &report["left_total"]),
        (&json!(2), &json!(4))
    );
    let left = desk.call("roster_left_export", mapping.clone()).await;
    assert!(left["size"].as_u64().unwrap() > 1_000);
    let again = desk.call("roster_take", mapping).await;
    assert_eq!(again["taken"], 0, "taking it again adds nothing twice");
    let filter = json!({ "query": "jpxzx", "kind": null, "region": null, "org": null });
    let found = desk
        .call("subjects_list", json!({ "filter": filter, "sort": "name", "descending": false, "window": { "offset": 0, "limit": 9 } }))
        .await;
    assert_eq!(
        (found["total"].clone(), found["rows"][0]["name"].clone()),
        (json!(1), json!("甲培训中心")),
        "found by pinyin initials"
    );
    let export = desk
        .call(
            "subjects_export",
            json!({ "filter": filter, "format": "xlsx" }),
        )
        .await;
    assert!(
        desk.app
            .file(export["token"].as_str().unwrap())
            .unwrap()
            .bytes
            .starts_with(b"PK")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_roster_is_told_apart() {
    let central = Central::start().await;
    let desk = Desk::of(&central, "丁思源", "320703", Role::Inspector).await;
    for (name, bytes, code) in [
        ("空.xlsx", &b""[..], ErrorCode::EmptyFile),
        ("图.xlsx", &photo(1)[..], ErrorCode::BadFile),
        ("断.xlsx", &b"PK\x03\x04broken"[..], ErrorCode::BadFile),
    ] {
        let source = desk.upload(name, bytes).await;
        is(
            &desk
                .refused("roster_open", json!({ "source": source }))
                .await,
            code,
        );
    }
    let gone: Value = json!({ "roster": "none", "sheet": "", "mapping": {}, "default_kind": null, "default_region": null });
    is(
        &desk.refused("roster_preview", gone).await,
        ErrorCode::NotFound,
    );
}
