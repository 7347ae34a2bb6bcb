//! Enrolment of a computer that has no network: the card, the request, the answer.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use shicha_api::error::ErrorCode;
use shicha_domain::directory::Role;

use crate::kit::*;

const COUNTY: &str = "320703";

/// A stick with the endpoint's card on it.
struct Stick(tempfile::TempDir);

impl Stick {
    fn of(central: &Central) -> Self {
        let stick = Self(tempfile::tempdir().unwrap());
        let card = stick.path("card");
        central.command(&["package", "card", "--out", card.to_str().unwrap()]);
        stick
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

fn source(path: &Path) -> Value {
    json!({ "source": { "from": "path", "path": path } })
}

fn asking(central: &Central, code: &str, path: &Path) -> Value {
    json!({ "fingerprint": central.fingerprint(), "code": code, "label": "机构甲的电脑", "path": path })
}

/// A computer that has a key and has read the card.
async fn newcomer(central: &Central, stick: &Stick) -> Desk {
    let desk = Desk::bare(&central.clock);
    desk.call("key_create", json!({ "passphrase": PASSPHRASE }))
        .await;
    let found = desk.call("place_card", source(&stick.path("card"))).await;
    assert_eq!(found["name"], "连云港市中心端");
    assert_eq!(found["fingerprint"], central.fingerprint());
    desk
}

#[tokio::test(flavor = "multi_thread")]
async fn a_computer_gets_its_place_by_files_and_waits_for_it_over_a_restart() {
    let mut central = Central::start().await;
    central.stop().await;
    let stick = Stick::of(&central);
    let desk = newcomer(&central, &stick).await;
    let code = central.code("机构甲", COUNTY, Role::Inspector);
    let (there, back) = (stick.path("there.shicha"), stick.path("back.shicha"));
    let asked = desk
        .call("place_ask", asking(&central, &code, &there))
        .await;
    assert_eq!(asked["status"]["stage"], "needs_enrolment");
    assert_eq!(asked["status"]["asked"]["label"], "机构甲的电脑");
    desk.app.shutdown().await;

    central.take_package(&there, &back);
    let app = start(desk.dir.path(), &desk.clock).unwrap();
    let desk = Desk { app, ..desk };
    let status = desk
        .call("key_unlock", json!({ "passphrase": PASSPHRASE }))
        .await;
    assert_eq!(status["asked"]["card"]["name"], "连云港市中心端");
    let taken = desk.call("place_take", source(&back)).await;
    assert_eq!(taken["fault"], Value::Null);
    let status = &taken["status"];
    assert_eq!(
        (&status["stage"], &status["me"]["name"], &status["asked"]),
        (&json!("ready"), &json!("机构甲"), &Value::Null)
    );
    assert_eq!(status["me"]["server_url"], "");
    let packs = desk.call("packs_list", json!({})).await;
    assert_eq!(
        packs["packs"][0]["is_here"], true,
        "the answer brings packs"
    );
    // It works, and what it wrote goes by files.
    desk.inspection("市考试中心").await;
    let request = json!({ "to": null, "records": null, "path": there });
    desk.call("package_make", request).await;
    central.take_package(&there, &back);
    let looked = desk.call("package_look", source(&back)).await;
    let taken = desk
        .call("package_take", json!({ "token": looked["token"] }))
        .await;
    assert_ne!(taken["delivered"], 0);
    assert_ne!(taken["numbers"], 0, "and brings document numbers");
    let status = desk.call("sync_status", json!({})).await;
    assert_eq!(status["waiting_entries"], 0);
    is(
        &desk.refused("sync_now", json!({})).await,
        ErrorCode::NoAddress,
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_colleague_hands_the_request_in_over_the_network() {
    let central = Central::start().await;
    let carrier = Desk::of(&central, "丁思源", COUNTY, Role::Inspector).await;
    // The card comes from the administrator's computer; nobody else makes one.
    let boss = Desk::of(&central, "王建国", "320700", Role::Administrator).await;
    is(
        &carrier.refused("admin_card", json!({})).await,
        ErrorCode::NotAllowed,
    );
    let card = boss.call("admin_card", json!({})).await;
    let stick = Stick(tempfile::tempdir().unwrap());
    let save = json!({ "token": card["token"], "path": stick.path("card") });
    boss.call("file_save", save).await;
    let desk = newcomer(&central, &stick).await;
    let (there, back) = (stick.path("there.shicha"), stick.path("back.shicha"));
    // A code of this endpoint that nobody was given.
    let code = central.code("甲", COUNTY, Role::Inspector);
    desk.call("place_ask", asking(&central, &code, &there))
        .await;
    central.clock.advance(2 * 86_400_000);
    let outside = carrier.call("package_outside", source(&there)).await;
    assert_eq!(outside["is_newcomer"], true);
    let error = carrier
        .refused("package_hand_in", json!({ "token": outside["token"] }))
        .await;
    is(&error, ErrorCode::BadCode);
    // Asked again with a good one: the card is kept, and so is this computer's key.
    let code = central.code("乙", COUNTY, Role::Inspector);
    desk.call("place_ask", asking(&central, &code, &there))
        .await;
    let outside = carrier.call("package_outside", source(&there)).await;
    let answer = carrier
        .call("package_hand_in", json!({ "token": outside["token"] }))
        .await;
    assert_eq!(answer["is_newcomer"], true);
    carrier
        .call(
            "package_answer_save",
            json!({ "token": answer["token"], "path": back }),
        )
        .await;
    let taken = desk.call("place_take", source(&back)).await;
    assert_eq!(taken["status"]["me"]["name"], "乙");
    assert_eq!(taken["status"]["me"]["server_url"], central.url());
    // Should it ever get a network, it goes on over that.
    desk.until("sync_status", json!({}), |status| {
        !status["last_success_ms"].is_null()
    })
    .await;
    // The answer is in the list of what has come.
    let rows = desk.call("packages_list", json!({})).await["rows"].clone();
    assert_eq!(rows[0]["from"]["is_endpoint"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_right_is_refused_with_its_reason_and_the_request_still_stands() {
    let mut central = Central::start().await;
    let other_central = Central::start().await;
    central.stop().await;
    let stick = Stick::of(&central);
    let desk = newcomer(&central, &stick).await;
    let (there, back) = (stick.path("there.shicha"), stick.path("back.shicha"));

    let card = fs::read(stick.path("card")).unwrap();
    for (name, bytes) in [
        ("cut", card[..card.len() - 3].to_vec()),
        ("text", b"dear colleague".to_vec()),
        ("altered", {
            let mut altered = card.clone();
            let at = altered.len() - 20;
            altered[at] ^= 1;
            altered
        }),
    ] {
        fs::write(stick.path(name), bytes).unwrap();
        let error = desk.refused("place_card", source(&stick.path(name))).await;
        is(&error, ErrorCode::NotACard);
        assert_eq!(error.params["name"], name);
    }
    let code = central.code("甲", COUNTY, Role::Inspector);
    let mut unconfirmed = asking(&central, &code, &there);
    unconfirmed["fingerprint"] = json!("0000 0000 0000 0000 0000 0000 0000 0000");
    is(
        &desk.refused("place_ask", unconfirmed).await,
        ErrorCode::NotFound,
    );
    let foreign = other_central.code("甲", COUNTY, Role::Inspector);
    for code in [foreign.as_str(), "ABCD-EFGH"] {
        is(
            &desk
                .refused("place_ask", asking(&central, code, &there))
                .await,
            ErrorCode::BadCode,
        );
    }
    assert!(!there.exists(), "no request was written");
    let status = desk.call("app_status", json!({})).await;
    assert_eq!(status["asked"], Value::Null);
    // Nothing was asked, so nothing answers.
    is(
        &desk
            .refused("place_take", source(&stick.path("card")))
            .await,
        ErrorCode::NotTheAnswer,
    );

    desk.call("place_ask", asking(&central, &code, &there))
        .await;
    let (second_stick, code) = (
        Stick::of(&central),
        central.code("乙", COUNTY, Role::Inspector),
    );
    let second = newcomer(&central, &second_stick).await;
    let theirs = second_stick.path("there.shicha");
    second
        .call("place_ask", asking(&central, &code, &theirs))
        .await;
    central.take_package(&theirs, &second_stick.path("back.shicha"));
    for wrong in [&there, &second_stick.path("back.shicha")] {
        let error = desk.refused("place_take", source(wrong)).await;
        is(&error, ErrorCode::NotTheAnswer);
    }
    central.take_package(&there, &back);
    let whole = fs::read(&back).unwrap();
    fs::write(stick.path("cut"), &whole[..whole.len() - 1]).unwrap();
    let error = desk.refused("place_take", source(&stick.path("cut"))).await;
    is(&error, ErrorCode::DamagedPackage);
    let status = desk.call("app_status", json!({})).await;
    assert_eq!(status["asked"]["label"], "机构甲的电脑");
    desk.call("place_take", source(&back)).await;
    let refused = desk.refused("place_take", source(&back)).await;
    is(&refused, ErrorCode::BadRequest);
}
