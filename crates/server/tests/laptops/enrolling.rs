//! The one step that needs the network, and the server that is pinned by it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use shicha_domain::directory::Role;
use shicha_ledger::Ledger;
use shicha_sync::client::{SyncError, SyncErrorCode, enrol, enrol_with, probe};

use crate::{
    common::Server,
    kit::{Ahead, COUNTY, Laptop, Line, broken, fingerprint, is, open},
};

fn fresh() -> (tempfile::TempDir, Ledger) {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    (dir, ledger)
}

async fn code_of_failure(server: &Server, ledger: &Ledger, code: &str) -> SyncErrorCode {
    let failed = enrol(ledger, &server.url, &fingerprint(server), code, "电脑").await;
    assert_eq!(
        ledger.identity().unwrap(),
        None,
        "who is refused stays as they were"
    );
    failed.unwrap_err().code()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_is_mistyped_unknown_used_or_expired_enrols_nobody_and_says_which() {
    let server = Server::start().await;
    let (_dir, ledger) = fresh();
    let code = server.code_for("甲", COUNTY, Role::Inspector);
    let last = if code.ends_with('0') { '1' } else { '0' };
    let mistyped = format!("{}{last}", &code[..code.len() - 1]);
    assert_eq!(
        code_of_failure(&server, &ledger, &mistyped).await,
        SyncErrorCode::MistypedCode
    );
    let unknown = shicha_sync::protocol::EnrolCode::new([7; 5], &server.key).to_string();
    assert_eq!(
        code_of_failure(&server, &ledger, &unknown).await,
        SyncErrorCode::BadCode
    );
    server.ahead_ms.fetch_add(2 * 86_400_000, Ordering::SeqCst);
    assert_eq!(
        code_of_failure(&server, &ledger, &code).await,
        SyncErrorCode::BadCode,
        "expired"
    );
    let code = server.code_for("乙", COUNTY, Role::Inspector);
    let spoken = code.to_lowercase().replace('-', " ");
    let (_other_dir, other) = fresh();
    enrol(
        &other,
        &server.url,
        &fingerprint(&server).to_lowercase(),
        &spoken,
        "另一台",
    )
    .await
    .unwrap();
    assert_eq!(
        code_of_failure(&server, &ledger, &code).await,
        SyncErrorCode::BadCode,
        "used"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_the_confirmed_one_is_told_no_code() {
    let (right, wrong) = (Server::start().await, Server::start().await);
    let (_dir, ledger) = fresh();
    let code = right.code_for("甲", COUNTY, Role::Inspector);
    for confirmed in [fingerprint(&right), fingerprint(&wrong)] {
        // Another fingerprint than the confirmed one; and one that was confirmed for a code of another server.
        let line = Line::to(&wrong);
        let failed = enrol_with(
            Arc::new(line.clone()),
            Arc::new(Ahead(0)),
            &ledger,
            &wrong.url,
            &confirmed,
            &code,
            "电脑",
        )
        .await;
        assert_eq!(failed.unwrap_err().code(), SyncErrorCode::UnknownServer);
        assert_eq!(line.asked(), ["Get /v1/server"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_server_at_the_same_address_gets_nothing() {
    let (right, wrong) = (Server::start().await, Server::start().await);
    let laptop = Laptop::of(&right, "甲", COUNTY, Role::Inspector).await;
    laptop.subject("某培训机构");
    let line = Line::to(&wrong);
    is(
        laptop.round_over(line.clone()).await,
        SyncErrorCode::UnknownServer,
    );
    assert_eq!(line.asked(), ["Post /v1/session/challenge"]);
    assert_eq!(laptop.waiting(), 1);
    assert_eq!(laptop.round(&right).await.unwrap().pushed, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enrolment_whose_answer_was_lost_is_completed_with_the_same_code() {
    let server = Server::start().await;
    let (dir, ledger) = fresh();
    let code = server.code_for("甲", COUNTY, Role::Inspector);
    let is_lost = AtomicBool::new(false);
    let line = Line::changed(&server, move |request, reply| {
        if request.path == "/v1/enrol" && !is_lost.swap(true, Ordering::SeqCst) {
            return Err(broken());
        }
        Ok(reply)
    });
    let said = fingerprint(&server);
    let enrol_over = |ledger: Ledger| {
        let (line, url, code, said) =
            (line.clone(), server.url.clone(), code.clone(), said.clone());
        async move {
            let clock = Arc::new(Ahead(0));
            enrol_with(Arc::new(line), clock, &ledger, &url, &said, &code, "电脑").await
        }
    };
    let lost = enrol_over(ledger.clone()).await;
    assert_eq!(lost.unwrap_err().code(), SyncErrorCode::Offline);
    // Killed and started again, too.
    drop(ledger);
    let ledger = open(dir.path());
    let identity = enrol_over(ledger.clone()).await.unwrap();
    let devices = server.store().devices().unwrap();
    assert_eq!(devices.len(), 1, "one computer is one device");
    assert_eq!(devices[0].device.id, identity.device);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_where_no_central_endpoint_answers_is_told_apart() {
    let server = Server::start().await;
    assert_eq!(
        probe(&format!("{}/elsewhere", server.url))
            .await
            .unwrap_err()
            .code(),
        SyncErrorCode::ServerRefused
    );
    assert!(matches!(
        probe("ftp://10.0.0.1").await,
        Err(SyncError::BadAddress { .. })
    ));
    let mut server = server;
    server.stop().await;
    assert_eq!(
        probe(&server.url).await.unwrap_err().code(),
        SyncErrorCode::Offline
    );
}
