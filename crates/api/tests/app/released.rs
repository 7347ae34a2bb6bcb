//! What the endpoint refused for the directory's sake: the administrator sees it in the application and lets it in.

use serde_json::{Value, json};
use shicha_api::error::ErrorCode;
use shicha_domain::directory::Role;

use crate::kit::*;

fn count(list: &Value, rows: &str) -> usize {
    list[rows].as_array().unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_is_listed_for_the_administrator_and_counts_once_it_is_let_in() {
    let mut central = Central::start().await;
    let boss = Desk::of(&central, "王建国", "320700", Role::Administrator).await;
    let author = Desk::of(&central, "张三", "320703", Role::Inspector).await;
    let subject = author.subject("某机构").await;
    author
        .until("sync_status", json!({}), |state| {
            state["waiting_entries"] == 0 && state["phase"] == "idle"
        })
        .await;
    // The role is registered wrongly while the laptop is out of reach.
    central.stop().await;
    central.becomes("张三", Role::Administrator);
    author.set(&subject, "phone", json!("0518-2")).await;
    central.run().await;
    let is_refused = |log: &Value| count(log, "refused") == 1;
    author.until("sync_log", json!({}), is_refused).await;

    let list = boss.call("admin_refused", json!({})).await;
    assert_eq!((count(&list, "rows"), &list["more"]), (1, &json!(false)));
    let row = &list["rows"][0];
    assert_eq!(row["person_name"], "张三");
    assert_eq!(
        (&row["code"], &row["is_releasable"]),
        (&json!("channel"), &json!(true))
    );
    central.becomes("张三", Role::Inspector);
    let release =
        |reason: &str| json!({ "device": row["device"], "seq": row["seq"], "reason": reason });
    let empty = boss.refused("admin_refused_release", release("  ")).await;
    assert!(is(&empty, ErrorCode::Contradiction));
    boss.call("admin_refused_release", release("岗位登记有误"))
        .await;
    assert_eq!(
        count(&boss.call("admin_refused", json!({})).await, "rows"),
        0
    );
    let is_in = |log: &Value| count(log, "refused") == 0;
    author.until("sync_log", json!({}), is_in).await;
    let filter =
        json!({ "since_ms": null, "until_ms": null, "act": "entry_released", "text": null });
    let audit = boss
        .call("admin_audit", json!({ "filter": filter, "before": null }))
        .await;
    assert_eq!(count(&audit, "rows"), 1);
    // Nobody else sees the list.
    let other = author.refused("admin_refused", json!({})).await;
    assert!(is(&other, ErrorCode::NotAllowed));
}
