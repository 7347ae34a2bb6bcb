//! What a person with a changed program does to a signed record, through the real endpoint, and what the supervisor's screen says of it.

use serde_json::{Value, json};
use shicha_domain::{
    Digest, EntryId, Event, RecordId, RecordState,
    directory::Role,
    event::{Pin, Place, SignMethod, Signature, SignerRole},
    ids::SetHash,
};
use shicha_ledger::{Draft, Ledger};

use crate::{kit::*, together::list};

/// A changed program: it writes what it likes into the ledger of its computer, at a time that it likes.
async fn write_as_enemy(desk: Desk, now_ms: u64, make: impl FnOnce(&Ledger) -> Vec<Draft>) -> Desk {
    let (desk, ()) = desk
        .between(now_ms, |ledger| {
            let me = ledger.identity().unwrap().unwrap();
            for draft in make(ledger) {
                ledger.append(me.person, vec![draft], now_ms).unwrap();
            }
        })
        .await;
    desk.call("sync_now", json!({})).await;
    desk
}

fn id(record: &Value) -> RecordId {
    record.as_str().unwrap().parse().unwrap()
}

fn signature(name: &str, digest: Digest, pin: Pin) -> Event {
    Event::Signed(Signature {
        digest,
        pin: Some(pin),
        under: None,
        role: SignerRole::Inspector,
        name: name.into(),
        person: None,
        method: SignMethod::Paper,
        mark: None,
        mark_size: None,
        note: String::new(),
        witness: String::new(),
    })
}

fn draft(state: &RecordState, event: Event) -> Draft {
    Draft {
        channel: state.channel().clone(),
        record: state.record(),
        event,
    }
}

fn conforms(item: &str) -> Event {
    Event::Set {
        field: format!("answers/{item}/result"),
        value: json!("conforms"),
        replaces: vec![],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_colleague_cannot_rewrite_a_signed_and_delivered_record_and_the_try_shows() {
    let central = Central::start().await;
    let inspector = Desk::of(&central, "丁思源", "320703", Role::Inspector).await;
    let colleague = Desk::of(&central, "范雨晴", "320703", Role::Inspector).await;
    let supervisor = Desk::of(&central, "程敬之", "320700", Role::Supervisor).await;
    let record = inspector.inspection("市考试中心").await;
    inspector.complete(&record).await;
    inspector.sign_all(&record).await;
    inspector.call("sync_now", json!({})).await;
    supervisor
        .until("inspections_list", list(), |page| {
            page["rows"][0]["stage"] == "signed"
        })
        .await;
    let before = supervisor
        .until("inspection_get", json!({ "record": record }), |view| {
            view["stage"] == "signed" && view["versions"][0]["received_ms"].is_u64()
        })
        .await;
    let item = before["asked"][0].as_str().unwrap().to_owned();
    colleague
        .until("inspection_get", json!({ "record": record }), |view| {
            view["stage"] == "signed"
        })
        .await;

    // Two entries, claimed at 1970, in the name of the inspector: the answer turned round, and a signature over that alone.
    let colleague = write_as_enemy(colleague, 1, |ledger| {
        let state = ledger.record(id(&record)).unwrap().unwrap();
        let opening = state.opened().unwrap();
        let pin = Pin {
            covers: vec![Place(
                opening.order.device,
                opening.order.seq,
                opening.entry,
            )],
            count: 1,
            set: SetHash([0; 32]),
        };
        vec![
            draft(&state, conforms(&item)),
            draft(&state, signature("丁思源", Digest([7; 32]), pin)),
        ]
    })
    .await;
    // And a signature whose set is right: over the opening and the own entry.
    let colleague = write_as_enemy(colleague, 2, |ledger| {
        let record = id(&record);
        let entries = ledger.entries_of(record).unwrap();
        let state = ledger.record(record).unwrap().unwrap();
        let opening = state.opened().unwrap().entry;
        let me = ledger.identity().unwrap().unwrap().device;
        let own = entries.iter().find(|one| one.entry.device == me).unwrap();
        let chosen: Vec<_> = entries
            .iter()
            .filter(|one| one.id == opening || one.id == own.id)
            .map(|one| shicha_domain::record::Held::unreceived(one.id, &one.entry))
            .collect();
        let pin = RecordState::pin(chosen);
        vec![draft(&state, signature("丁思源", Digest([7; 32]), pin))]
    })
    .await;
    let after = supervisor
        .until("inspection_get", json!({ "record": record }), |view| {
            view["versions"].as_array().unwrap().len() == 2
                && view["signatures"].as_array().unwrap().len() == 5
        })
        .await;
    assert_eq!(after["digest"], before["digest"]);
    assert_eq!(after["stage"], "signed");
    let result = format!("answers/{item}/result");
    assert_eq!(after["fields"][&result]["value"], "nonconforming");
    assert_eq!(after["late"].as_array().unwrap().len(), 1);
    assert_eq!(after["versions"][0]["counts"], true);
    assert_eq!(after["versions"][1]["author"], "范雨晴");
    let left_out = after["versions"][1]["leaves_out"][0].clone();
    assert_eq!(left_out["author"], "丁思源", "{left_out}");
    let signatures = after["signatures"].as_array().unwrap();
    let forged: Vec<&Value> = signatures
        .iter()
        .filter(|one| one["author"] == "范雨晴")
        .collect();
    assert_eq!(forged.len(), 2);
    assert!(forged.iter().all(|one| one["fits"] == false), "{forged:?}");
    assert!(
        signatures
            .iter()
            .filter(|one| one["author"] == "丁思源")
            .all(|one| one["fits"] == true)
    );
    let verified = supervisor.call("verify", json!({})).await;
    assert_eq!(verified["first_bad"], Value::Null);
    let marks = verified["marks"].as_array().unwrap();
    let rewritten = marks.iter().find(|mark| mark["kind"] == "version").unwrap();
    assert_eq!(rewritten["author"], "范雨晴");
    assert_eq!(rewritten["record"], record);
    for kind in ["incomplete", "digest", "back_dated"] {
        assert!(marks.iter().any(|mark| mark["kind"] == kind), "{marks:?}");
    }
    drop(colleague);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inspector_cannot_sign_now_and_write_the_signed_content_months_later() {
    const LATER_MS: u64 = 90 * 86_400_000;
    let central = Central::start().await;
    let inspector = Desk::of(&central, "丁思源", "320703", Role::Inspector).await;
    let supervisor = Desk::of(&central, "程敬之", "320700", Role::Supervisor).await;
    let record = inspector.inspection("市考试中心").await;
    inspector.set(&record, "place", json!("一楼")).await;
    let item = inspector.view(&record).await["asked"][0]
        .as_str()
        .unwrap()
        .to_owned();
    let now = central.clock.clone();
    let inspector = write_as_enemy(inspector, shicha_api::Clock::now_ms(&now), |ledger| {
        let state = ledger.record(id(&record)).unwrap().unwrap();
        let me = ledger.identity().unwrap().unwrap().device;
        let ahead = |seq| Pin {
            covers: vec![Place(me, seq, EntryId([9; 32]))],
            count: 9,
            set: SetHash([9; 32]),
        };
        let other = Pin {
            covers: vec![Place(
                shicha_domain::DeviceId(uuid::Uuid::from_u128(9)),
                1,
                EntryId([8; 32]),
            )],
            count: 3,
            set: SetHash([8; 32]),
        };
        vec![
            draft(
                &state,
                signature("丁思源", Digest([7; 32]), ahead(u64::MAX)),
            ),
            draft(&state, signature("丁思源", Digest([7; 32]), other)),
        ]
    })
    .await;
    supervisor
        .until("inspections_list", list(), |page| page["total"] == 1)
        .await;
    let before = supervisor
        .until("inspection_get", json!({ "record": record }), |view| {
            view["signatures"]
                .as_array()
                .is_some_and(|all| all.len() == 1)
        })
        .await;
    assert_eq!(before["stage"], "open");
    assert_eq!(before["signatures"][0]["standing"], "incomplete");
    let refused = inspector
        .until("sync_log", json!({}), |status| {
            status["refused"]
                .as_array()
                .is_some_and(|all| !all.is_empty())
        })
        .await;
    assert_eq!(refused["refused"].as_array().unwrap().len(), 1, "{refused}");

    central.clock.advance(LATER_MS);
    let inspector = write_as_enemy(inspector, shicha_api::Clock::now_ms(&now), |ledger| {
        let state = ledger.record(id(&record)).unwrap().unwrap();
        vec![draft(&state, conforms(&item))]
    })
    .await;
    let field = format!("answers/{item}/result");
    let after = supervisor
        .until("inspection_get", json!({ "record": record }), |view| {
            view["fields"][&field]["value"] == "conforms"
        })
        .await;
    assert_eq!(after["stage"], "open", "nothing was signed");
    assert_eq!(after["signatures"][0]["standing"], "incomplete");
    assert_eq!(after["signatures"][0]["fits"], false);
    drop(inspector);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_versions_signed_without_a_network_stand_side_by_side_until_somebody_without_a_part_decides()
 {
    let mut central = Central::start().await;
    let one = Desk::of(&central, "丁思源", "320703", Role::Inspector).await;
    let two = Desk::of(&central, "范雨晴", "320703", Role::Inspector).await;
    let county = Desk::of(&central, "李局", "320703", Role::Supervisor).await;
    let supervisor = Desk::of(&central, "程敬之", "320700", Role::Supervisor).await;
    let record = one.inspection("市考试中心").await;
    one.complete(&record).await;
    one.call("sync_now", json!({})).await;
    for desk in [&two, &county] {
        desk.until("inspections_list", list(), |page| page["total"] == 1)
            .await;
    }
    two.until("inspection_get", json!({ "record": record }), |view| {
        view["fields"]["summary"]["value"].is_string()
    })
    .await;
    central.stop().await;
    two.set(&record, "place", json!("考场三楼")).await;
    two.sign(&record, "inspector", "范雨晴").await.unwrap();
    one.sign(&record, "inspector", "丁思源").await.unwrap();
    central.run().await;
    one.call("sync_now", json!({})).await;
    let first = county
        .until("inspection_get", json!({ "record": record }), |view| {
            view["versions"][0]["received_ms"].is_u64()
        })
        .await;
    two.call("sync_now", json!({})).await;
    let both = county
        .until("inspection_get", json!({ "record": record }), |view| {
            view["versions"].as_array().unwrap().len() == 2
                && view["versions"][1]["received_ms"].is_u64()
        })
        .await;
    assert_eq!(both["digest"], first["digest"]);
    assert_eq!(both["is_contested"], true);
    assert_eq!(both["may_settle"], true);
    let mine = two
        .until("inspection_get", json!({ "record": record }), |view| {
            view["digest"] == first["digest"]
        })
        .await;
    assert_eq!(mine["may_settle"], false, "who signed decides nothing");
    let other = both["versions"][1]["version"].clone();
    let whole = county
        .call(
            "inspection_version",
            json!({ "record": record, "version": other }),
        )
        .await;
    assert_eq!(whole["fields"]["place"]["value"], "考场三楼");
    let paper = county
        .call(
            "version_paper",
            json!({ "record": record, "version": other }),
        )
        .await;
    assert!(paper["size"].as_u64().unwrap() > 1_000, "{paper}");

    county
        .call(
            "version_settle",
            json!({ "record": record, "version": other, "reason": "三楼才是考场" }),
        )
        .await;
    for desk in [&county, &supervisor, &one] {
        desk.call("sync_now", json!({})).await;
        desk.until("inspections_list", list(), |page| page["total"] == 1)
            .await;
        let settled = desk
            .until("inspection_get", json!({ "record": record }), |view| {
                view["fields"]["place"]["value"] == "考场三楼"
            })
            .await;
        assert_eq!(settled["settlement"]["author"], "李局");
        assert_eq!(settled["is_contested"], false);
        assert_eq!(settled["versions"].as_array().unwrap().len(), 2);
    }
}
