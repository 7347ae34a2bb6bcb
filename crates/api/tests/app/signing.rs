//! Numbers, signatures, and what they freeze.

use serde_json::{Value, json};
use shicha_api::error::ErrorCode;
use shicha_domain::directory::Role;

use crate::kit::*;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_incomplete_changed_or_unsigned_can_be_signed() {
    let central = Central::start().await;
    let desk = Desk::of(&central, "丁思源", "320703", Role::Inspector).await;
    let record = desk.inspection("市考试中心").await;
    is(
        &desk.sign(&record, "inspector", "丁思源").await.unwrap_err(),
        ErrorCode::Incomplete,
    );
    desk.complete(&record).await;
    is(
        &desk
            .sign(&record, "inspector", "路过的人")
            .await
            .unwrap_err(),
        ErrorCode::BadValue,
    );
    let stale = json!({ "record": record, "digest": "00".repeat(32), "role": "inspector", "person": null, "name": "丁思源",
        "method": "paper", "mark": null, "note": "", "witness": "" });
    is(
        &desk.refused("signature_add", stale).await,
        ErrorCode::Stale,
    );
    let view = desk.view(&record).await;
    // 安全生产法 §68: a refusal with its reason and its witness, and a witness of nothing else.
    for (method, note, witness, lacks) in [
        ("refused", " ", "园区安全员", "note"),
        ("refused", "对第三项有异议", " ", "witness"),
        ("paper", "", "园区安全员", "witness"),
    ] {
        let refused = json!({ "record": record, "digest": view["digest"], "role": "subject", "person": null,
            "name": "赵国栋", "method": method, "mark": null, "note": note, "witness": witness });
        let error = desk.refused("signature_add", refused).await;
        is(&error, ErrorCode::BadValue);
        assert_eq!(error.params["field"], lacks);
    }
    desk.call(
        "draft_put",
        json!({ "record": record, "field": "summary", "text": "还在写" }),
    )
    .await;
    is(
        &desk.sign(&record, "inspector", "丁思源").await.unwrap_err(),
        ErrorCode::Stale,
    );
    assert_eq!(desk.view(&record).await["stage"], "open");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_signature_freezes_the_content_and_opens_the_findings() {
    let central = Central::start().await;
    let desk = Desk::of(&central, "丁思源", "320703", Role::Inspector).await;
    let record = desk.inspection("市考试中心").await;
    desk.complete(&record).await;
    let digest = desk.view(&record).await["digest"].clone();
    desk.sign(&record, "inspector", "丁思源").await.unwrap();
    let view = desk.view(&record).await;
    assert_eq!(
        (&view["stage"], &view["digest"], &view["may_edit"]),
        (&json!("signing"), &digest, &json!(false))
    );
    let late = json!({ "record": record, "field": "summary", "value": "改一改", "over": null });
    is(&desk.refused("field_set", late).await, ErrorCode::Frozen);
    let added = desk
        .app
        .call(
            "evidence_add",
            json!({ "record": record, "place": "record", "files": [] }),
        )
        .await;
    is(&added.unwrap_err(), ErrorCode::Frozen);
    let scan = desk
        .attach(&record, "after/scan", "签字页.jpg", &photo(3))
        .await;
    assert_eq!(scan["error"], Value::Null, "the signed page may come later");
    is(
        &desk.sign(&record, "inspector", "丁思源").await.unwrap_err(),
        ErrorCode::BadValue,
    );
    desk.sign(&record, "inspector", "范雨晴").await.unwrap();
    desk.sign(&record, "subject", "赵国栋").await.unwrap();
    let view = desk.view(&record).await;
    assert_eq!(
        (&view["stage"], &view["digest"]),
        (&json!("signed"), &digest)
    );
    assert!(
        view["signatures"]
            .as_array()
            .unwrap()
            .iter()
            .all(|one| one["fits"] == true)
    );
    let filter = json!({ "query": null, "org": null, "region": null, "item": null, "state": null, "due_before": null, "subject": null });
    let findings = desk
        .call("findings_list", json!({ "filter": filter, "sort": "due", "descending": false, "window": { "offset": 0, "limit": 10 } }))
        .await;
    assert_eq!(findings["total"], 1);
    assert_eq!(
        findings["rows"][0]["description"],
        "三名考生的人像比对记录缺失"
    );
    assert_eq!(findings["rows"][0]["due"], "2022-04-26");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_is_unique_voided_with_a_reason_and_provisional_without_a_stock() {
    let mut central = Central::start().await;
    let desk = Desk::of(&central, "丁思源", "320703", Role::Inspector).await;
    let (first, second) = (
        desk.inspection("甲考试点").await,
        desk.inspection("乙考试点").await,
    );
    let number = async |record: &Value| {
        desk.call("number_take", json!({ "record": record })).await;
        desk.view(record).await["number"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let one = number(&first).await;
    assert_eq!(number(&first).await, one, "taking again gives the same");
    let two = number(&second).await;
    assert!(
        one.contains("应急检记〔2022〕") && one != two,
        "{one} {two}"
    );
    is(
        &desk
            .refused("number_void", json!({ "record": first, "reason": " " }))
            .await,
        ErrorCode::BadValue,
    );
    desk.call(
        "number_void",
        json!({ "record": first, "reason": "填错了单位" }),
    )
    .await;
    assert_eq!(desk.view(&first).await["number"], "");
    let three = number(&first).await;
    assert!(
        three != one && three != two,
        "a voided number is not given again"
    );
    central.stop().await;
    let mut last = three;
    let mut records = Vec::new();
    while !last.contains("〕临") {
        let record = desk.inspection(&format!("第{}考试点", records.len())).await;
        last = number(&record).await;
        records.push(record);
        assert!(records.len() < 200, "the stock ends");
    }
    let record = records.last().unwrap();
    assert_eq!(desk.view(record).await["is_provisional"], true);
    central.run().await;
    desk.call("sync_now", json!({})).await;
    desk.until("workbench_get", json!({}), |bench| {
        bench["numbers"][0]["left"].as_u64() > Some(0)
    })
    .await;
    let formal = number(record).await;
    assert!(
        !formal.contains('临'),
        "{formal} takes the place of the provisional one"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_signed_record_prints_the_same_bytes_every_time() {
    let central = Central::start().await;
    let desk = Desk::of(&central, "丁思源", "320703", Role::Inspector).await;
    let record = desk.inspection("市考试中心").await;
    desk.complete(&record).await;
    desk.sign_all(&record).await;
    let print = async || {
        let out = desk
            .call("inspection_paper", json!({ "record": record }))
            .await;
        (
            out["name"].as_str().unwrap().to_owned(),
            desk.app.file(out["token"].as_str().unwrap()).unwrap().bytes,
        )
    };
    let (name, first) = print().await;
    assert!(
        first.starts_with(b"%PDF-") && name.contains("应急检记"),
        "{name}"
    );
    assert!(print().await.1 == first);
    is(
        &desk
            .refused(
                "inspection_annul",
                json!({ "record": record, "reason": "" }),
            )
            .await,
        ErrorCode::BadValue,
    );
    // What is signed is not its author's any more: a supervisor who has no part in it annuls it.
    let annul = json!({ "record": record, "reason": "重复录入" });
    assert_eq!(desk.view(&record).await["may_annul"], false);
    is(
        &desk.refused("inspection_annul", annul.clone()).await,
        ErrorCode::NotAllowed,
    );
    let supervisor = Desk::of(&central, "李局", "320703", Role::Supervisor).await;
    desk.call("sync_now", json!({})).await;
    supervisor
        .until("inspections_list", crate::together::list(), |page| {
            page["rows"][0]["stage"] == "signed"
        })
        .await;
    supervisor.call("inspection_annul", annul).await;
    supervisor.call("sync_now", json!({})).await;
    desk.until("inspection_get", json!({ "record": record }), |view| {
        view["annulled"] == "重复录入"
    })
    .await;
    assert!(print().await.1 != first, "the void record says so");
}
