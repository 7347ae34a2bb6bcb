//! The application on a desktop: what a person chooses there, and what they are told outside the window.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::{Value, json};
use shicha_api::{App, error::ErrorCode, host::Host, schema::HostEvent};
use shicha_domain::directory::Role;
use tokio::sync::broadcast::error::RecvError;

use crate::kit::*;

/// 2022-04-26 07:00 in Beijing, the day on which the findings of [`Desk::complete`] are due.
const DUE_AT_SEVEN: u64 = NOW + (15 * 24 - 2) * 3_600_000;

/// A desktop that can do everything, or one that an application on a stick is put into.
#[derive(Debug, Default)]
struct Desktop {
    starts: AtomicBool,
    is_foreign: bool,
}

impl Host for Desktop {
    fn starts_at_logon(&self) -> io::Result<Option<bool>> {
        Ok((!self.is_foreign).then(|| self.starts.load(Ordering::SeqCst)))
    }

    fn set_starts_at_logon(&self, starts: bool) -> io::Result<()> {
        if self.is_foreign {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        self.starts.store(starts, Ordering::SeqCst);
        Ok(())
    }

    fn has_tray(&self) -> bool {
        true
    }

    fn has_notices(&self) -> bool {
        !self.is_foreign
    }

    fn has_keychain(&self) -> bool {
        !self.is_foreign
    }
}

async fn call(app: &App, name: &str, request: Value) -> Value {
    app.call(name, request).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_chosen_about_the_desktop_is_kept_and_what_it_cannot_do_is_not_offered() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), Ticking::new());
    let desktop = Arc::new(Desktop::default());
    let app = start_on(dir.path(), &clock, desktop.clone()).unwrap();
    let offered = call(&app, "desktop_get", json!({})).await;
    assert_eq!(
        offered,
        json!({ "starts_at_logon": false, "stays": false, "notices": true })
    );
    assert!(
        !app.stays(),
        "closing the window closes the program unless somebody chose otherwise"
    );
    let wish = json!({ "starts_at_logon": true, "stays": true, "notices": null });
    call(&app, "desktop_set", wish).await;
    app.shutdown().await;
    drop(app);

    let again = start_on(dir.path(), &clock, desktop).unwrap();
    let kept = call(&again, "desktop_get", json!({})).await;
    assert_eq!(
        kept,
        json!({ "starts_at_logon": true, "stays": true, "notices": true })
    );
    assert!(again.stays());
    again.shutdown().await;
    drop(again);

    let bare = start(dir.path(), &clock).unwrap();
    let nothing = call(&bare, "desktop_get", json!({})).await;
    assert_eq!(
        nothing,
        json!({ "starts_at_logon": null, "stays": null, "notices": null })
    );
    assert!(!bare.stays(), "without an icon nobody would find it again");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_on_a_stick_leaves_its_key_with_no_computer() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), Ticking::new());
    let foreign = Desktop {
        is_foreign: true,
        ..Desktop::default()
    };
    let app = start_on(dir.path(), &clock, Arc::new(foreign)).unwrap();
    let status = call(&app, "app_status", json!({})).await;
    assert_eq!(
        (&status["stage"], &status["has_keychain"]),
        (&json!("needs_key"), &json!(false))
    );
    let refused = app.call("key_create", json!({ "passphrase": null })).await;
    is(&refused.unwrap_err(), ErrorCode::NoKeychain);
    let wish = json!({ "starts_at_logon": true, "stays": null, "notices": null });
    is(
        &app.call("desktop_set", wish).await.unwrap_err(),
        ErrorCode::System,
    );
    let status = call(&app, "key_create", json!({ "passphrase": PASSPHRASE })).await;
    assert_eq!(status["stage"], "needs_enrolment");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_is_told_once_on_its_day_and_not_at_night() {
    let central = Central::start().await;
    let desk = Desk::of(&central, "丁思源", "320703", Role::Inspector).await;
    let record = desk.inspection("连云港某考试机构").await;
    desk.complete(&record).await;
    desk.sign_all(&record).await;
    let now = shicha_api::Clock::now_ms(&desk.clock);
    desk.clock.advance(DUE_AT_SEVEN - now);
    let mut events = desk.app.events();
    let mut told = Vec::new();

    for hours in [0, 2, 2] {
        desk.clock.advance(hours * 3_600_000);
        desk.app.look_around().await;
        while let Ok(event) = events.try_recv() {
            if let HostEvent::Due { today, overdue } = event {
                told.push((hours, today, overdue));
            }
        }
    }
    assert_eq!(told, [(2, 1, 0)]);
    desk.clock.advance(24 * 3_600_000);
    desk.app.look_around().await;
    let next = std::iter::from_fn(|| events.try_recv().ok())
        .find(|event| matches!(event, HostEvent::Due { .. }));
    assert_eq!(
        next,
        Some(HostEvent::Due {
            today: 0,
            overdue: 1
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_recorded_without_a_network_is_told_once_all_of_it_has_arrived() {
    let mut central = Central::start().await;
    let desk = Desk::of(&central, "丁思源", "320703", Role::Inspector).await;
    let mut events = desk.app.events();
    central.stop().await;
    let record = desk.inspection("市考试中心").await;
    desk.attach(&record, "record", "现场.jpg", &photo(1)).await;
    desk.until("sync_status", json!({}), |status| {
        status["phase"] == "offline" && status["waiting_blobs"] == 1
    })
    .await;
    central.run().await;
    desk.call("sync_now", json!({})).await;
    let told = async {
        loop {
            match events.recv().await {
                Ok(HostEvent::Delivered { entries, blobs }) => return (entries, blobs),
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => panic!("the application ended"),
            }
        }
    };
    let Ok((entries, blobs)) = tokio::time::timeout(PATIENCE, told).await else {
        panic!("{}", desk.call("sync_status", json!({})).await);
    };
    assert!(
        entries >= 3,
        "the subject, the inspection and the photo: {entries}"
    );
    assert_eq!(blobs, 1);
    let status = desk.call("sync_status", json!({})).await;
    assert_eq!(
        (&status["waiting_entries"], &status["waiting_blobs"]),
        (&json!(0), &json!(0))
    );
}
