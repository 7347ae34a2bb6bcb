//! First start: the key, enrolment, and what goes wrong with them.

use serde_json::json;
use shicha_api::{error::ErrorCode, schema::HostEvent};
use shicha_domain::directory::Role;

use crate::kit::*;

#[tokio::test(flavor = "multi_thread")]
async fn each_step_of_the_first_start_leads_to_the_next_and_survives_a_restart() {
    let central = Central::start().await;
    let desk = Desk::bare(&central.clock);
    assert_eq!(
        desk.call("app_status", json!({})).await["stage"],
        "needs_key"
    );
    is(&desk.refused("subjects_list", json!({ "filter": {}, "sort": "name", "descending": false, "window": { "offset": 0, "limit": 1 } })).await, ErrorCode::NotReady);
    is(
        &desk
            .refused("key_create", json!({ "passphrase": "short" }))
            .await,
        ErrorCode::WeakPassphrase,
    );
    let status = desk
        .call("key_create", json!({ "passphrase": PASSPHRASE }))
        .await;
    assert_eq!(status["stage"], "needs_enrolment");
    let found = desk
        .call("server_probe", json!({ "url": central.url() }))
        .await;
    assert_eq!(found["fingerprint"], central.fingerprint());
    let code = central.code("丁思源", "320703", Role::Inspector);
    let enrol = json!({ "url": central.url(), "fingerprint": central.fingerprint(), "code": code, "label": "" });
    let status = desk.call("enrol", enrol).await;
    assert_eq!(
        (status["stage"].as_str(), status["me"]["name"].as_str()),
        (Some("ready"), Some("丁思源"))
    );
    assert_eq!(status["is_sample"], true);
    desk.app.shutdown().await;

    let again = start(desk.dir.path(), &desk.clock).unwrap();
    assert_eq!(
        again.call("app_status", json!({})).await.unwrap()["stage"],
        "locked"
    );
    let wrong = again
        .call("key_unlock", json!({ "passphrase": "not it at all" }))
        .await
        .unwrap_err();
    is(&wrong, ErrorCode::WrongPassphrase);
    let status = again
        .call("key_unlock", json!({ "passphrase": PASSPHRASE }))
        .await
        .unwrap();
    assert_eq!(status["stage"], "ready");
    again.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn enrolment_that_cannot_be_right_is_refused_with_its_reason_and_can_be_tried_again() {
    let mut central = Central::start().await;
    let desk = Desk::bare(&central.clock);
    desk.call("key_create", json!({ "passphrase": PASSPHRASE }))
        .await;
    let code = central.code("丁思源", "320703", Role::Inspector);
    let enrol = |fingerprint: String, code: &str, url: String| json!({ "url": url, "fingerprint": fingerprint, "code": code, "label": "x" });
    let other = "0000 0000 0000 0000 0000 0000 0000 0000".to_owned();
    is(
        &desk
            .refused("enrol", enrol(other, &code, central.url()))
            .await,
        ErrorCode::UnknownServer,
    );
    is(
        &desk
            .refused(
                "enrol",
                enrol(central.fingerprint(), "ABCD-EFGH", central.url()),
            )
            .await,
        ErrorCode::BadCode,
    );
    is(
        &desk
            .refused(
                "enrol",
                enrol(central.fingerprint(), &code, "http://127.0.0.1:1".into()),
            )
            .await,
        ErrorCode::Unreachable,
    );
    is(
        &desk
            .refused("server_probe", json!({ "url": "http://[" }))
            .await,
        ErrorCode::NotAServer,
    );
    // A code is good for a day.
    central.clock.advance(2 * 86_400_000);
    is(
        &desk
            .refused("enrol", enrol(central.fingerprint(), &code, central.url()))
            .await,
        ErrorCode::BadCode,
    );
    let code = central.code("范雨晴", "320703", Role::Inspector);
    desk.call("enrol", enrol(central.fingerprint(), &code, central.url()))
        .await;
    let second = Desk::bare(&central.clock);
    second
        .call("key_create", json!({ "passphrase": PASSPHRASE }))
        .await;
    is(
        &second
            .refused("enrol", enrol(central.fingerprint(), &code, central.url()))
            .await,
        ErrorCode::BadCode,
    );
    desk.app.shutdown().await;
    central.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_does_not_exist_or_does_not_fit_is_refused_and_nothing_breaks() {
    let desk = Desk::bare(&Ticking::new());
    for (name, request) in [
        ("no_such_call", json!({})),
        ("key_create", json!({ "passphrase": 7 })),
        ("key_create", json!("text")),
        (
            "setting_set",
            json!({ "key": "language", "value": "klingon" }),
        ),
    ] {
        is(&desk.refused(name, request).await, ErrorCode::BadRequest);
    }
    let status = desk
        .call("setting_set", json!({ "key": "language", "value": "en" }))
        .await;
    assert_eq!(status["language"], "en");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_that_was_double_clicked_is_told_and_handed_out_once() {
    let desk = Desk::bare(&Ticking::new());
    let mut events = desk.app.events();
    desk.app.open_package("/media/stick/答复 1.shicha".into());
    assert_eq!(events.recv().await.unwrap(), HostEvent::Opened {});
    let files = desk.call("packages_opened", json!({})).await["files"].clone();
    assert_eq!(
        files,
        json!([{ "path": "/media/stick/答复 1.shicha", "name": "答复 1.shicha" }])
    );
    assert_eq!(
        desk.call("packages_opened", json!({})).await["files"],
        json!([])
    );
}
