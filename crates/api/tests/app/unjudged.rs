//! What a person or a computer wrote that the directory here lacks: kept, shown with its mark, handed on, and judged by the endpoint.

use serde_json::{Value, json};
use shicha_api::Clock as _;
use shicha_domain::{authority::Actor, directory::Role, receipt::push_bytes};
use shicha_ledger::{Sealed, SealedTaken, Vouched};

use crate::kit::*;

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_wrote_whom_this_computer_does_not_know_is_marked_until_the_endpoint_has_judged_it()
 {
    let mut central = Central::start().await;
    let inspector = Desk::of(&central, "丁思源", "320703", Role::Inspector).await;
    let record = inspector.inspection("市考试中心").await;
    inspector.set(&record, "place", json!("一楼")).await;
    let now_ms = inspector.clock.now_ms();
    inspector
        .until("inspection_get", json!({ "record": record }), |view| {
            view["delivery"]["place"] != "here"
        })
        .await;
    // Nothing is fetched while the application is closed: a colleague comes that its directory does not have.
    inspector.app.shutdown().await;
    let newcomer = Desk::of(&central, "范雨晴", "320703", Role::Inspector).await;
    newcomer
        .until("inspection_get", json!({ "record": record }), |view| {
            view["fields"]["place"]["value"] == "一楼"
        })
        .await;
    central.stop().await;
    newcomer.set(&record, "escort", json!("李四")).await;
    let (newcomer, given) = newcomer
        .between(now_ms, |ledger| {
            let me = ledger.identity().unwrap().unwrap();
            let entries = ledger.outbox(usize::MAX, usize::MAX).unwrap();
            let (id, last) = entries.last().unwrap();
            let said = push_bytes(last.device, last.seq, *id);
            let sealed = Sealed {
                signature: me.signing_key.sign(&said),
                entries,
            };
            let vouched = Vouched {
                device: me.device,
                public_key: me.signing_key.public_key(),
                actor: Actor {
                    person: me.person,
                    org: me.org,
                    role: me.role,
                },
            };
            (sealed, vouched)
        })
        .await;
    newcomer.app.shutdown().await;
    let (inspector, taken) = inspector
        .between(now_ms, |ledger| {
            ledger
                .take_sealed_of(&given.0, Some(&given.1), now_ms)
                .unwrap()
        })
        .await;
    assert!(matches!(taken, SealedTaken::Held { .. }), "{taken:?}");

    let view = inspector.view(&record).await;
    assert_eq!(view["fields"]["escort"]["value"], "李四", "it is kept");
    assert_eq!(view["fields"]["escort"]["is_unjudged"], true);
    assert_eq!(
        view["fields"]["place"]["is_unjudged"], false,
        "one's own is not marked"
    );
    assert_eq!(view["is_org_unknown"], false);
    let marks = |history: &Value| -> Vec<bool> {
        let rows = history["rows"].as_array().unwrap();
        rows.iter()
            .filter(|row| row["field"] == "escort")
            .map(|row| row["is_unjudged"].as_bool().unwrap())
            .collect()
    };
    let history = inspector
        .call("record_history", json!({ "record": record }))
        .await;
    assert_eq!(marks(&history), [true]);

    // It is handed on: the endpoint judges it, although its author never comes.
    central.run().await;
    inspector.call("sync_now", json!({})).await;
    inspector
        .until("inspection_get", json!({ "record": record }), |view| {
            view["fields"]["escort"]["is_unjudged"] == false
        })
        .await;
    inspector
        .until("record_history", json!({ "record": record }), |history| {
            history["rows"].as_array().unwrap().iter().any(|row| {
                row["field"] == "escort"
                    && row["delivery"] == "delivered"
                    && row["author"] == "范雨晴"
            })
        })
        .await;
}
