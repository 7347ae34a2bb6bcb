//! Filling an inspection in.

use serde_json::{Value, json};
use shicha_api::error::ErrorCode;
use shicha_domain::directory::Role;

use crate::kit::*;

#[tokio::test(flavor = "multi_thread")]
async fn everything_typed_and_chosen_survives_the_end_of_the_program() {
    let central = Central::start().await;
    let desk = Desk::of(&central, "丁思源", "320703", Role::Inspector).await;
    let record = desk.inspection("市考试中心").await;
    let item = desk.view(&record).await["asked"][0]
        .as_str()
        .unwrap()
        .to_owned();
    desk.set(
        &record,
        &format!("answers/{item}/result"),
        json!("to_verify"),
    )
    .await;
    let facts = format!("answers/{item}/facts");
    desk.call(
        "draft_put",
        json!({ "record": record, "field": facts, "text": "写到一半的" }),
    )
    .await;
    // No shutdown: the program is simply gone.
    let dir = desk.dir;
    desk.app.shutdown().await;
    let again = Desk {
        app: start(dir.path(), &desk.clock).unwrap(),
        dir,
        clock: desk.clock,
    };
    again
        .call("key_unlock", json!({ "passphrase": PASSPHRASE }))
        .await;
    let view = again.view(&record).await;
    assert_eq!(
        view["fields"][format!("answers/{item}/result")]["value"],
        "to_verify"
    );
    assert_eq!(view["drafts"][&facts], "写到一半的");
    again
        .set(&record, &facts, json!("写到一半的，写完了"))
        .await;
    let view = again.view(&record).await;
    assert_eq!(
        (
            view["drafts"].clone(),
            view["fields"][&facts]["value"].as_str()
        ),
        (json!({}), Some("写到一半的，写完了"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn undo_takes_back_one_thing_after_the_other_and_says_which() {
    let central = Central::start().await;
    let desk = Desk::of(&central, "丁思源", "320703", Role::Inspector).await;
    let record = desk.inspection("市考试中心").await;
    let view = desk.view(&record).await;
    assert_eq!(view["may_undo"], false, "opening is not undone");
    let item = view["asked"][0].as_str().unwrap().to_owned();
    let result = format!("answers/{item}/result");
    desk.set(&record, &result, json!("conforms")).await;
    desk.set(&record, &result, json!("nonconforming")).await;
    let added = desk
        .attach(&record, &format!("answers/{item}"), "a.jpg", &photo(1))
        .await;
    assert!(added["evidence"]["attachment"].is_string());
    let undo = async || desk.call("undo", json!({ "record": record })).await["field"].clone();
    assert_eq!(undo().await, format!("answers/{item}"));
    assert_eq!(undo().await, result);
    assert_eq!(
        desk.view(&record).await["fields"][&result]["value"],
        "conforms"
    );
    assert_eq!(undo().await, result);
    assert_eq!(
        desk.view(&record).await["fields"][&result]["value"],
        Value::Null
    );
    assert_eq!(undo().await, Value::Null);
    let evidence = desk.view(&record).await["evidence"].clone();
    assert!(
        evidence[0]["removed"].is_string(),
        "taken out, and still in the ledger"
    );
    let history = desk
        .call("record_history", json!({ "record": record }))
        .await;
    assert_eq!(
        history["rows"].as_array().unwrap().len(),
        7,
        "what was undone is history too"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_listed_with_the_field_where_it_is_mended() {
    let central = Central::start().await;
    let desk = Desk::of(&central, "丁思源", "320703", Role::Inspector).await;
    let record = desk.inspection("市考试中心").await;
    let view = desk.view(&record).await;
    let item = view["asked"][0].as_str().unwrap().to_owned();
    desk.set(
        &record,
        &format!("answers/{item}/result"),
        json!("nonconforming"),
    )
    .await;
    let missing = desk
        .call("inspection_missing", json!({ "record": record }))
        .await["missing"]
        .clone();
    let lacks: Vec<(&str, &str)> = missing
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            (
                one["lack"].as_str().unwrap(),
                one["field"].as_str().unwrap(),
            )
        })
        .collect();
    for (lack, field) in [
        ("evidence", format!("answers/{item}/evidence")),
        ("description", format!("answers/{item}/finding/description")),
        ("due", format!("answers/{item}/finding/due")),
        ("number", "number".to_owned()),
        ("end", "ended_at".to_owned()),
    ] {
        assert!(
            lacks.contains(&(lack, field.as_str())),
            "{lack} at {field} in {lacks:?}"
        );
    }
    let asked = view["asked"].as_array().unwrap().len();
    assert_eq!(
        lacks.iter().filter(|(lack, _)| *lack == "result").count(),
        asked - 1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_does_not_fit_is_refused_and_the_old_one_stands() {
    let central = Central::start().await;
    let desk = Desk::of(&central, "丁思源", "320703", Role::Inspector).await;
    let record = desk.inspection("市考试中心").await;
    let set = |field: &str, value: Value| json!({ "record": record, "field": field, "value": value, "over": null });
    for (field, value) in [
        ("answers/EI-1.1/result", json!("perfect")),
        ("ended_at", json!("noon")),
        ("../etc/passwd", json!("x")),
        ("place", json!("长".repeat(2_000))),
        ("subject/credit_code", json!("91320700MA1X00000X")),
    ] {
        is(
            &desk.refused("field_set", set(field, value)).await,
            ErrorCode::BadValue,
        );
    }
    let nobody = json!({ "record": "01890000-0000-7000-8000-000000000000", "field": "place", "value": "x", "over": null });
    is(
        &desk.refused("field_set", nobody).await,
        ErrorCode::NotFound,
    );
    assert_eq!(desk.view(&record).await["fields"]["place"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_inspection_of_the_subject_stands_beside_each_item() {
    let central = Central::start().await;
    let desk = Desk::of(&central, "丁思源", "320703", Role::Inspector).await;
    let first = desk.inspection("市考试中心").await;
    desk.complete(&first).await;
    desk.sign_all(&first).await;
    let view = desk.view(&first).await;
    let subject = view["fields"]["subject"]["value"].clone();
    desk.clock.advance(30 * 86_400_000);
    let request = json!({
        "subject": subject, "kind": "reinspection", "pack": view["pack_hash"],
        "checklist": view["checklist"], "phase": "", "started_ms": null, "inspectors": [],
    });
    let second = desk.call("inspection_open", request).await["record"].clone();
    let previous = desk
        .call("inspection_previous", json!({ "record": second }))
        .await;
    assert_eq!(
        (&previous["record"], &previous["number"]),
        (&first, &view["number"])
    );
    let item = view["asked"][0].as_str().unwrap();
    assert_eq!(
        previous["answers"][item],
        json!({ "result": "nonconforming", "text": "三名考生的人像比对记录缺失", "evidence": 1 })
    );
}
