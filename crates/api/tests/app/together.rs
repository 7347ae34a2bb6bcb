//! Several computers and a central endpoint: what one writes another sees, and nobody's word is lost.

use serde_json::{Value, json};
use shicha_api::error::ErrorCode;
use shicha_domain::directory::Role;

use crate::kit::*;

fn all() -> Value {
    json!({ "query": null, "org": null, "region": null, "subject_kind": null, "kind": null, "phase": null, "checklist": null,
        "item": null, "item_result": null, "outcome": null, "from_ms": null, "to_ms": null, "stage": null, "is_mine": false })
}

pub(crate) fn list() -> Value {
    json!({ "filter": all(), "sort": "started", "descending": true, "window": { "offset": 0, "limit": 50 } })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inspection_recorded_without_a_network_reaches_the_supervisor() {
    let mut central = Central::start().await;
    let inspector = Desk::of(&central, "丁思源", "320703", Role::Inspector).await;
    central.stop().await;
    let record = inspector.inspection("市考试中心").await;
    inspector.complete(&record).await;
    inspector.sign_all(&record).await;
    let here = inspector.view(&record).await;
    assert_eq!(here["delivery"]["place"], "here");
    assert!(here["number"].as_str().unwrap().contains("〔2022〕"));
    central.run().await;
    inspector.call("sync_now", json!({})).await;
    inspector
        .until("inspection_get", json!({ "record": record }), |view| {
            view["delivery"]["place"] != "here"
        })
        .await;

    let supervisor = Desk::of(&central, "程敬之", "320700", Role::Supervisor).await;
    supervisor
        .until("inspections_list", list(), |page| page["total"] == 1)
        .await;
    let theirs = supervisor
        .until("inspection_get", json!({ "record": record }), |view| {
            view["evidence"]
                .as_array()
                .unwrap()
                .iter()
                .all(|one| one["is_here"] == true)
        })
        .await;
    assert_eq!(
        (&theirs["digest"], &theirs["stage"]),
        (&here["digest"], &json!("signed"))
    );
    assert_eq!(theirs["may_edit"], false);
    let hash = theirs["evidence"][0]["blob"].as_str().unwrap();
    assert!(
        supervisor
            .app
            .evidence(hash, "original", None)
            .unwrap()
            .bytes
            == photo(1),
        "byte for byte"
    );
    let refused = json!({ "record": record, "field": "after/remark", "value": "x", "over": null });
    is(
        &supervisor.refused("field_set", refused).await,
        ErrorCode::NotAllowed,
    );
    let overview = supervisor
        .call("overview_get", json!({ "filter": all() }))
        .await;
    assert_eq!(
        (
            &overview["inspections"],
            &overview["signed"],
            &overview["findings"]
        ),
        (&json!(1), &json!(1), &json!(1))
    );
    let export = supervisor
        .call("overview_export", json!({ "filter": all() }))
        .await;
    assert!(
        export["name"].as_str().unwrap().contains("样本"),
        "sample data says so on paper: {export}"
    );
    let history = supervisor
        .call("record_history", json!({ "record": record }))
        .await;
    let rows = history["rows"].as_array().unwrap();
    assert!(
        rows.iter()
            .all(|row| row["author"] == "丁思源" && row["bounds"]["received_ms"].is_u64())
    );
    inspector
        .until("inspection_get", json!({ "record": record }), |view| {
            view["delivery"]["place"] == "seen"
        })
        .await;
    assert_eq!(
        supervisor.call("verify", json!({})).await["first_bad"],
        Value::Null
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_inspectors_who_contradict_each_other_without_a_network_settle_it_afterwards() {
    let mut central = Central::start().await;
    let one = Desk::of(&central, "丁思源", "320703", Role::Inspector).await;
    let two = Desk::of(&central, "范雨晴", "320703", Role::Inspector).await;
    let record = one.inspection("市考试中心").await;
    one.set(&record, "place", json!("一楼")).await;
    two.until("inspections_list", list(), |page| page["total"] == 1)
        .await;
    two.until("inspection_get", json!({ "record": record }), |view| {
        view["fields"]["place"]["value"] == "一楼"
    })
    .await;
    central.stop().await;
    one.set(&record, "place", json!("二楼")).await;
    two.set(&record, "place", json!("三楼")).await;
    two.set(&record, "escort", json!("李四")).await;
    central.run().await;
    for desk in [&one, &two] {
        desk.call("sync_now", json!({})).await;
    }
    let mut seen = Vec::new();
    for desk in [&one, &two] {
        let list = desk
            .until("conflicts_list", json!({}), |list| {
                list["conflicts"].as_array().unwrap().len() == 1
            })
            .await;
        let conflict = list["conflicts"][0].clone();
        assert_eq!(
            (&conflict["field"], &conflict["may_settle"]),
            (&json!("place"), &json!(true))
        );
        let mut values: Vec<String> = conflict["values"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["value"].as_str().unwrap().to_owned())
            .collect();
        seen.push(values.last().cloned());
        values.sort();
        assert_eq!(
            values,
            ["三楼", "二楼"],
            "both are kept, and what only one wrote is no conflict"
        );
    }
    assert_eq!(seen[0], seen[1], "the same value counts for now on both");
    let conflict = two.call("conflicts_list", json!({})).await["conflicts"][0].clone();
    let over: Vec<Value> = conflict["values"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["entry"].clone())
        .collect();
    two.call(
        "conflict_settle",
        json!({ "record": record, "field": "place", "value": "二楼和三楼", "over": over }),
    )
    .await;
    for desk in [&one, &two] {
        desk.until("conflicts_list", json!({}), |list| {
            list["conflicts"] == json!([])
        })
        .await;
        assert_eq!(
            desk.view(&record).await["fields"]["place"]["value"],
            "二楼和三楼"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_of_the_pack_leaves_inspections_with_the_one_that_they_were_begun_with() {
    let central = Central::start().await;
    let desk = Desk::of(&central, "丁思源", "320703", Role::Inspector).await;
    let record = desk.inspection("市考试中心").await;
    let before = desk.view(&record).await;
    let item = before["asked"][0].as_str().unwrap().to_owned();
    desk.set(
        &record,
        &format!("answers/{item}/result"),
        json!("conforms"),
    )
    .await;
    let shipped = include_str!("../../../../packs/lyg-2021-training/pack.json");
    let newer = shipped.replacen("\"version\": \"1.0.0\"", "\"version\": \"1.1.0\"", 1);
    assert!(newer != shipped, "the version is where it is expected");
    let file = desk.dir.path().join("newer.json");
    std::fs::write(&file, newer).unwrap();
    central.publish(&file);
    desk.until("packs_list", json!({}), |list| {
        list["packs"].as_array().unwrap().len() == 2 && list["packs"][0]["version"] == "1.1.0"
    })
    .await;
    let packs = desk.call("packs_list", json!({})).await;
    assert_eq!(
        (&packs["packs"][0]["version"], &packs["packs"][1]["version"]),
        (&json!("1.1.0"), &json!("1.0.0")),
        "what counts first"
    );
    let after = desk.view(&record).await;
    assert_eq!(
        (&after["pack_version"], &after["asked"]),
        (&json!("1.0.0"), &before["asked"])
    );
    assert_eq!(
        after["fields"][format!("answers/{item}/result")]["value"],
        "conforms"
    );
    desk.complete(&record).await;
    desk.sign_all(&record).await;
    assert_eq!(desk.view(&record).await["stage"], "signed");
    let next = desk.inspection("新考试中心").await;
    assert_eq!(desk.view(&next).await["pack_version"], "1.1.0");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_was_shown_as_contested_can_be_decided() {
    let central = Central::start().await;
    let desk = Desk::of(&central, "丁思源", "320703", Role::Inspector).await;
    let log = desk.call("sync_log", json!({})).await;
    assert_eq!(log["contested"], json!([]));
    let place = json!({ "device": "018f0000-0000-7000-8000-00000000d001", "seq": 7, "entry": "ab".repeat(32) });
    is(
        &desk.refused("contested_settle", place).await,
        ErrorCode::Stale,
    );
}
