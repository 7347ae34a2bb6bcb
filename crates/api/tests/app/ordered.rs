//! A lost laptop: the administrator revokes it in the application, and it locks or wipes itself at its next contact.

use std::{fs, path::Path};

use serde_json::{Value, json};
use shicha_api::error::ErrorCode;
use shicha_domain::directory::Role;

use crate::kit::*;

const COUNTY: &str = "320703";

async fn administrator(central: &Central) -> Desk {
    Desk::of(central, "王建国", "320700", Role::Administrator).await
}

/// The row of somebody's device, as the administrator sees it.
async fn row(boss: &Desk, person: &str) -> Value {
    let list = boss.call("admin_devices", json!({})).await;
    assert_eq!(list["known"]["is_live"], true);
    let rows = list["rows"].as_array().unwrap();
    let found = rows.iter().find(|row| row["person_name"] == person);
    found.unwrap().clone()
}

/// What lies in a folder of the ledger.
fn files(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .unwrap()
        .map(|found| found.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("ledger.") && name != "ledger.lock" || name == "key.json")
        .collect();
    names.sort();
    names
}

/// Asks the administrator's list until the device's word has come.
async fn word_of(boss: &Desk, person: &str) -> Value {
    let shown = |list: &Value| {
        let rows = list["rows"].as_array().unwrap();
        rows.iter()
            .any(|row| row["person_name"] == person && !row["order_done_at_ms"].is_null())
    };
    boss.until("admin_devices", json!({}), shown).await;
    row(boss, person).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_laptop_that_is_wiped_loses_its_key_and_ledger_says_so_and_begins_as_new() {
    let central = Central::start().await;
    let boss = administrator(&central).await;
    let lost = Desk::of(&central, "张三", COUNTY, Role::Inspector).await;
    lost.subject("某机构").await;
    lost.until("sync_status", json!({}), |state| {
        state["waiting_entries"] == 0 && state["phase"] == "idle"
    })
    .await;
    let before = row(&boss, "张三").await;
    assert!(before["entries"].as_u64().unwrap() > 0);
    assert_eq!(before["client_version"], env!("CARGO_PKG_VERSION"));
    assert!(files(lost.dir.path()).contains(&"ledger.db".to_owned()));
    let left = |name: &str| lost.dir.path().join(name);
    for (folder, file) in [
        ("logs", "shicha.2022-07-01.log"),
        ("logs", "shicha.2022-07-02.log"),
        ("window", "Cookies"),
        ("opened", "笔录.pdf"),
        ("answers", "1.shicha"),
    ] {
        fs::create_dir_all(left(folder)).unwrap();
        fs::write(left(folder).join(file), "某机构").unwrap();
    }

    let wipe = json!({ "device": before["device"], "order": "wipe" });
    boss.call("admin_device_revoke", wipe).await;
    // Whether it asks by itself or is asked to: it is out, and obeys.
    let _refused_where_it_is_out_already = lost.app.call("sync_now", json!({})).await;
    let status = lost
        .until("app_status", json!({}), |status| {
            !status["order"].is_null() && status["stage"] == "needs_key"
        })
        .await;
    assert_eq!(status["order"]["order"], "wipe");
    assert_eq!(status["order"]["server_name"], "连云港市中心端");
    assert_eq!(files(lost.dir.path()), [""; 0]);
    for gone in ["opened", "answers", "window", "logs/shicha.2022-07-01.log"] {
        assert!(!left(gone).exists(), "{gone}");
    }
    assert_eq!(
        fs::read_to_string(left("logs/shicha.2022-07-02.log")).unwrap(),
        "",
        "the log that is still written to is empty"
    );
    // What the window that was still open has written since.
    fs::create_dir_all(left("window")).unwrap();
    fs::write(left("window").join("History"), "某机构").unwrap();
    assert_eq!(
        lost.refused("subjects_list", list()).await.code,
        ErrorCode::NotReady
    );
    let done = word_of(&boss, "张三").await;
    assert!(done["order_done_at_ms"].as_u64() >= done["order_at_ms"].as_u64());

    // It starts as new, says what happened, and can be enrolled again with another code.
    let Desk { app, dir, clock } = lost;
    app.shutdown().await;
    drop(app);
    let again = Desk {
        app: start(dir.path(), &clock).unwrap(),
        dir,
        clock,
    };
    assert!(!again.dir.path().join("window").exists());
    let status = again.call("app_status", json!({})).await;
    assert_eq!(
        (&status["stage"], &status["order"]["order"]),
        (&json!("needs_key"), &json!("wipe"))
    );
    again
        .call("key_create", json!({ "passphrase": PASSPHRASE }))
        .await;
    let enrol = json!({ "url": central.url(), "fingerprint": central.fingerprint(),
        "code": central.code("张三", COUNTY, Role::Inspector), "label": "新" });
    let status = again.call("enrol", enrol).await;
    assert_eq!(
        (&status["stage"], &status["order"]),
        (&json!("ready"), &Value::Null)
    );
    // What was delivered before is there again.
    again
        .until("subjects_list", list(), |page| page["total"] == 1)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_laptop_that_is_locked_opens_only_with_the_code_that_the_administrator_shows() {
    let central = Central::start().await;
    let boss = administrator(&central).await;
    let lost = Desk::of(&central, "张三", COUNTY, Role::Inspector).await;
    lost.subject("某机构").await;
    lost.until("sync_status", json!({}), |state| {
        state["waiting_entries"] == 0
    })
    .await;
    let device = row(&boss, "张三").await["device"].clone();
    let lock = json!({ "device": device, "order": "lock" });
    boss.call("admin_device_revoke", lock).await;
    let _refused_where_it_is_out_already = lost.app.call("sync_now", json!({})).await;
    lost.until("app_status", json!({}), |status| {
        status["stage"] == "barred"
    })
    .await;
    word_of(&boss, "张三").await;
    let left = files(lost.dir.path());
    assert!(left.contains(&"ledger.db".to_owned()) && !left.contains(&"key.json".to_owned()));

    // Neither the old passphrase nor a new start opens it.
    let Desk { app, dir, clock } = lost;
    app.shutdown().await;
    drop(app);
    let lost = Desk {
        app: start(dir.path(), &clock).unwrap(),
        dir,
        clock,
    };
    let open = json!({ "passphrase": PASSPHRASE });
    for call in ["key_unlock", "key_create"] {
        assert_eq!(
            lost.refused(call, open.clone()).await.code,
            ErrorCode::Revoked
        );
    }
    let code = boss
        .call("admin_device_unlock", json!({ "device": device }))
        .await["code"]
        .clone();
    let unlock = |code: &Value, passphrase: &str| json!({ "code": code, "passphrase": passphrase });
    let wrong = json!("0".repeat(26));
    for (request, expected) in [
        (unlock(&wrong, "new passphrase"), ErrorCode::BadUnlockCode),
        (
            unlock(&json!("K7QM"), "new passphrase"),
            ErrorCode::BadUnlockCode,
        ),
        (unlock(&code, "short"), ErrorCode::WeakPassphrase),
    ] {
        assert_eq!(lost.refused("order_unlock", request).await.code, expected);
    }
    let status = lost
        .call("order_unlock", unlock(&code, "new passphrase"))
        .await;
    assert_eq!(status["stage"], "ready");
    assert_eq!(lost.call("subjects_list", list()).await["total"], 1);
    // It stays out, and is not locked by the same order again.
    lost.until("sync_status", json!({}), |state| {
        state["last_error"]["code"] == "revoked"
    })
    .await;
    assert_eq!(lost.call("app_status", json!({})).await["stage"], "ready");
    let audit = boss
        .call(
            "admin_audit",
            json!({ "filter": no_filter(), "before": null }),
        )
        .await;
    let acts: Vec<_> = audit["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["act"].clone())
        .collect();
    assert_eq!(acts[..3], ["unlock_shown", "device_obeyed", "device_lock"]);
}

fn no_filter() -> Value {
    json!({ "since_ms": null, "until_ms": null, "act": null, "text": null })
}

fn list() -> Value {
    json!({ "filter": { "query": null, "kind": null, "region": null, "org": null }, "sort": "name", "descending": false,
        "window": { "offset": 0, "limit": 10 } })
}
