//! Campaign packs: whose counts, and what an inspection is filled with for ever, also against somebody who runs a changed program.

use std::path::PathBuf;

use serde_json::{Value, json};
use shicha_api::error::ErrorCode;
use shicha_domain::{
    BlobHash, Channel, Event, RecordId, RecordKind,
    directory::Role,
    pack::{Pack, changes},
};
use shicha_ledger::{Draft, KeyStore, Ledger};
use uuid::Uuid;

use crate::kit::*;

const COUNTY: &str = "320703";
const CITY: &str = "320700";
const SHIPPED: &str = include_str!("../../../../packs/lyg-2021-training/pack.json");
/// The first question of the checklist that inspections of the kit are filled with.
const QUESTION: &str = "考试管理制度是否健全（计划、考务、命题/题库使用、保密、监考考评员管理、违纪处理、应急、档案、审核发证）？";
/// 2100-01-01.
const YEAR_2100: u64 = 4_102_444_800_000;

/// The shipped pack under another id or version, and with another first question.
fn pack(id: &str, version: &str, question: &str) -> String {
    let changed = SHIPPED
        .replacen(
            "\"id\": \"lyg-2021-training\"",
            &format!("\"id\": \"{id}\""),
            1,
        )
        .replacen(
            "\"version\": \"1.0.0\"",
            &format!("\"version\": \"{version}\""),
            1,
        )
        .replacen(QUESTION, question, 1);
    let (before, after) = (
        Pack::parse(SHIPPED.as_bytes()).unwrap(),
        Pack::parse(changed.as_bytes()).unwrap(),
    );
    assert!(!changes(&before, &after).is_empty());
    changed
}

fn file(desk: &Desk, name: &str, text: &str) -> PathBuf {
    let path = desk.dir.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn publish(central: &Central, file: &std::path::Path, org: &str) {
    central.command(&["pack", "publish", file.to_str().unwrap(), "--org", org]);
}

/// The first question that an inspection asks, as its page shows it.
async fn asks(desk: &Desk, record: &Value) -> String {
    let view = desk.view(record).await;
    let list = desk.call("checklist_get", checklist_of(&view)).await;
    let item = &list["sections"][0]["items"][0];
    item["question"].as_str().unwrap().to_owned()
}

fn checklist_of(view: &Value) -> Value {
    json!({ "pack": view["pack"], "version": view["pack_version"], "hash": view["pack_hash"],
        "checklist": view["checklist"], "day": "2022-04-11" })
}

/// Version and standing of each pack of an id, as the list has them.
async fn standings(desk: &Desk, id: &str) -> Vec<(String, String, String)> {
    let list = desk.call("packs_list", json!({})).await;
    let rows = list["packs"].as_array().unwrap().iter();
    let text = |row: &Value, field: &str| row[field].as_str().unwrap().to_owned();
    rows.filter(|row| row["id"] == id)
        .map(|row| {
            (
                text(row, "org"),
                text(row, "version"),
                text(row, "standing"),
            )
        })
        .collect()
}

fn named(rows: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    rows.iter()
        .map(|(org, version, standing)| {
            (
                (*org).to_owned(),
                (*version).to_owned(),
                (*standing).to_owned(),
            )
        })
        .collect()
}

/// Writes into the ledger of a computer what the application would not write, and lets it go on from there.
async fn forge(desk: Desk, write: impl FnOnce(&Ledger)) -> Desk {
    desk.app.shutdown().await;
    let Desk { app, dir, clock } = desk;
    drop(app);
    let key = KeyStore::new(dir.path())
        .unlock_with_passphrase(PASSPHRASE)
        .unwrap();
    let (ledger, _) = Ledger::open(dir.path(), &key, NOW).unwrap();
    write(&ledger);
    drop(ledger);
    let desk = Desk {
        app: start(dir.path(), &clock).unwrap(),
        dir,
        clock,
    };
    desk.call("key_unlock", json!({ "passphrase": PASSPHRASE }))
        .await;
    desk
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_below_replaces_the_citys_pack_whatever_program_they_run() {
    let central = Central::start().await;
    let inspector = Desk::of(&central, "丁思源", COUNTY, Role::Inspector).await;
    let record = inspector.inspection("市考试中心").await;
    assert_eq!(asks(&inspector, &record).await, QUESTION);

    // The county's supervisor opens a pack of the same id and version, and one of a higher version, with a time far ahead; and begins an
    // inspection with the first.
    let enemy = Desk::of(&central, "程敬之", COUNTY, Role::Supervisor).await;
    let forged_record = RecordId(Uuid::now_v7());
    let mut forged = BlobHash([0; 32]);
    let enemy = forge(enemy, |ledger| {
        let person = ledger.identity().unwrap().unwrap().person;
        let mut drafts = Vec::new();
        for version in ["9.0.0", "1.0.0"] {
            let bytes = pack("lyg-2021-training", version, "本项无须检查（伪）").into_bytes();
            let size = bytes.len();
            let taken = ledger
                .blob_import(&mut bytes.as_slice(), &mut |_| {}, NOW)
                .unwrap();
            forged = taken.hash;
            let fields = json!({ "id": "lyg-2021-training", "version": version, "blob": taken.hash, "size": size,
                "title": { "zh": "伪", "en": "x" } });
            drafts.push(Draft {
                channel: Channel::Pub(COUNTY.parse().unwrap()),
                record: RecordId(Uuid::now_v7()),
                event: Event::Opened {
                    kind: RecordKind::Pack,
                    fields: serde_json::from_value(fields).unwrap(),
                },
            });
        }
        let fields = json!({ "subject_name": "某机构", "pack": "lyg-2021-training", "pack_version": "1.0.0", "pack_hash": forged,
            "checklist": "EI", "started_at": NOW });
        drafts.push(Draft {
            channel: Channel::Own(COUNTY.parse().unwrap()),
            record: forged_record,
            event: Event::Opened {
                kind: RecordKind::Inspection,
                fields: serde_json::from_value(fields).unwrap(),
            },
        });
        ledger.append(person, drafts, YEAR_2100).unwrap();
    })
    .await;
    enemy.call("sync_now", json!({})).await;
    let log = enemy
        .until("sync_log", json!({}), |log| {
            log["refused"].as_array().unwrap().len() == 2
        })
        .await;
    assert!(
        log["refused"]
            .as_array()
            .unwrap()
            .iter()
            .all(|row| row["code"] == "event"),
        "{log}"
    );

    // What the enemy began arrives, names a pack that nobody published, and is shown without one.
    let forged_record = json!(forged_record);
    let view = inspector
        .until("inspections_list", crate::together::list(), |page| {
            page["total"] == 2
        })
        .await;
    assert_eq!(view["total"], 2);
    let view = inspector.view(&forged_record).await;
    assert_eq!(
        (&view["pack_hash"], &view["asked"]),
        (&json!(forged), &json!([]))
    );
    is(
        &inspector
            .refused("checklist_get", checklist_of(&view))
            .await,
        ErrorCode::NotFound,
    );
    is(
        &inspector
            .refused("inspection_paper", json!({ "record": forged_record }))
            .await,
        ErrorCode::NotFound,
    );

    // Nothing has changed for anybody else, and at the enemy's own computer the forged packs do not count either.
    let city = named(&[(CITY, "1.0.0", "counts")]);
    assert_eq!(standings(&inspector, "lyg-2021-training").await, city);
    assert_eq!(asks(&inspector, &record).await, QUESTION);
    let next = inspector.inspection("新考试中心").await;
    assert_eq!(asks(&inspector, &next).await, QUESTION);
    let at_enemy = standings(&enemy, "lyg-2021-training").await;
    assert!(
        at_enemy
            .iter()
            .all(|(org, _, standing)| (standing == "counts") == (org == CITY)),
        "{at_enemy:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inspection_asks_for_ever_what_the_pack_asked_that_it_was_begun_with() {
    let central = Central::start().await;
    let desk = Desk::of(&central, "丁思源", COUNTY, Role::Inspector).await;
    let record = desk.inspection("市考试中心").await;
    desk.complete(&record).await;
    desk.sign_all(&record).await;
    let newer = pack("lyg-2021-training", "1.1.0", "新版的问题");
    publish(&central, &file(&desk, "newer.json", &newer), CITY);
    desk.until("packs_list", json!({}), |list| {
        list["packs"][0]["version"] == "1.1.0"
    })
    .await;
    assert_eq!(
        standings(&desk, "lyg-2021-training").await,
        named(&[(CITY, "1.1.0", "counts"), (CITY, "1.0.0", "earlier")])
    );
    assert_eq!(asks(&desk, &record).await, QUESTION);
    let findings = desk
        .call("record_history", json!({ "record": record }))
        .await;
    assert!(findings["rows"].as_array().unwrap().len() > 1);
    desk.call("inspection_paper", json!({ "record": record }))
        .await;
    let next = desk.inspection("新考试中心").await;
    assert_eq!(asks(&desk, &next).await, "新版的问题");

    // The city's people read the same of it.
    let supervisor = Desk::of(&central, "程敬之", CITY, Role::Supervisor).await;
    supervisor
        .until("inspections_list", crate::together::list(), |page| {
            page["total"] == 2
        })
        .await;
    supervisor
        .until("packs_list", json!({}), |list| {
            let rows = list["packs"].as_array().unwrap();
            rows.len() == 2 && rows.iter().all(|row| row["is_here"] == true)
        })
        .await;
    assert_eq!(asks(&supervisor, &record).await, QUESTION);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_one_id_the_highest_bureau_that_publishes_it_counts_and_nobody_below_may_publish_it() {
    let central = Central::start().await;
    let boss = Desk::of(&central, "王建国", COUNTY, Role::Administrator).await;
    let counties = file(&boss, "county.json", &pack("drill", "3.0.0", "县里的问题"));
    publish(&central, &counties, COUNTY);
    let desk = Desk::of(&central, "丁思源", COUNTY, Role::Inspector).await;
    let list = desk
        .until("packs_list", json!({}), |list| {
            let rows = list["packs"].as_array().unwrap();
            rows.len() == 2 && rows.iter().all(|row| row["standing"] == "counts")
        })
        .await;
    assert_eq!(
        (&list["packs"][0]["org"], &list["packs"][1]["org"]),
        (&json!(CITY), &json!(COUNTY)),
        "what the city published leads, although the county did later"
    );
    let record = desk.inspection_with("市考试中心", &list["packs"][1]).await;
    assert_eq!(asks(&desk, &record).await, "县里的问题");

    publish(
        &central,
        &file(&boss, "city.json", &pack("drill", "1.0.0", "市里的问题")),
        CITY,
    );
    desk.until("packs_list", json!({}), |list| {
        let rows = list["packs"].as_array().unwrap();
        rows.iter()
            .any(|row| row["id"] == "drill" && row["org"] == CITY && row["standing"] == "counts")
    })
    .await;
    assert_eq!(
        standings(&desk, "drill").await,
        named(&[(CITY, "1.0.0", "counts"), (COUNTY, "3.0.0", "below")])
    );
    assert_eq!(
        asks(&desk, &record).await,
        "县里的问题",
        "what was begun before stays as it was begun"
    );
    let below = list["packs"][1].clone();
    let subject = desk.subject("新考试中心").await;
    let request = json!({ "subject": subject, "kind": "enforcement", "pack": below["hash"], "checklist": "EI", "phase": "",
        "started_ms": null, "inspectors": [] });
    is(
        &desk.refused("inspection_open", request).await,
        ErrorCode::NotFound,
    );

    // The county's administrator is told before, and by the endpoint, that the city's counts.
    boss.until("packs_list", json!({}), |list| {
        list["packs"].as_array().unwrap().len() == 3
    })
    .await;
    let next = pack("drill", "4.0.0", "县里又改的问题");
    let source = boss.upload("next.json", next.as_bytes()).await;
    let checked = boss
        .call("admin_pack_check", json!({ "source": source }))
        .await;
    assert_eq!(
        (&checked["token"], &checked["about"]["above"]),
        (&Value::Null, &json!("320700应急管理局"))
    );
    let rows = boss.call("admin_packs", json!({})).await;
    assert_eq!(rows["rows"][0]["above"], "320700应急管理局");
}
