//! A laptop that was restored from a copy: its ledger and the server's have parted, and nothing may be lost.

use shicha_domain::directory::{Role, lines::Lines};
use shicha_sync::client::SyncErrorCode;

use crate::{
    common::Server,
    kit::{COUNTY, Laptop, Line, engine, is},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_laptop_restored_from_a_copy_goes_on_under_a_new_identity_and_loses_nothing() {
    let server = Server::start().await;
    let laptop = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let record = laptop.subject("某机构");
    laptop.set(record, "phone", "备份之前");
    laptop.round(&server).await.unwrap();
    let restored = laptop.copied();
    let undelivered = laptop.copied();
    undelivered.set(record, "address", "一");
    let old = laptop.ledger.identity().unwrap().unwrap().device;
    laptop.set(record, "phone", "备份之后");
    laptop.set(record, "remark", "备份之后");
    laptop.round(&server).await.unwrap();
    drop(laptop);

    // One copy writes before it meets the server, the other meets it first.
    undelivered.set(record, "address", "二");
    let outcome = undelivered.round(&server).await.unwrap();
    assert_eq!((outcome.forked, outcome.pushed), (Some(2), 2));
    let outcome = restored.round(&server).await.unwrap();
    assert_eq!((outcome.forked, outcome.pushed), (Some(0), 0));
    restored.set(record, "contact", "三");
    restored.round(&server).await.unwrap();
    undelivered.round(&server).await.unwrap();
    for one in [&restored, &undelivered] {
        assert_ne!(one.ledger.identity().unwrap().unwrap().device, old);
        assert_eq!(one.ledger.entries_of(record).unwrap().len(), 7);
        assert!(one.is_whole());
    }
    assert_eq!(
        restored.ledger.views_digest().unwrap(),
        undelivered.ledger.views_digest().unwrap()
    );
    let state = restored.ledger.record(record).unwrap().unwrap();
    assert_eq!(
        state.conflicts().count(),
        0,
        "what was replaced is replaced under its new name too"
    );
    assert_eq!(restored.round(&server).await.unwrap().forked, None);
    // Two computers work with copies of one ledger: both are told.
    undelivered.round(&server).await.unwrap();
    for one in [&restored, &undelivered] {
        let lines = Lines::of(&one.ledger.directory().unwrap().devices);
        let own = one.ledger.identity().unwrap().unwrap().device;
        assert!(lines.is_copied(own) && lines.is_ended(old) && !lines.is_ended(own));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_laptop_that_is_killed_while_it_gets_its_new_identity_gets_no_second_one() {
    let server = Server::start().await;
    let laptop = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let record = laptop.subject("某机构");
    laptop.round(&server).await.unwrap();
    let restored = laptop.copied();
    laptop.set(record, "phone", "1");
    laptop.round(&server).await.unwrap();
    restored.set(record, "phone", "2");
    let lost = crate::kit::Line::changed(&server, |request, reply| match request.path.as_str() {
        "/v1/identity" => Err(crate::kit::broken()),
        _ => Ok(reply),
    });
    is(restored.round_over(lost).await, SyncErrorCode::Offline);
    let restored = restored.restart();
    assert_eq!(restored.round(&server).await.unwrap().forked, Some(1));
    assert_eq!(server.store().devices().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_clone_writes_while_the_other_is_at_work_is_nobodys_twice() {
    let server = Server::start().await;
    let laptop = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let record = laptop.subject("某机构");
    let session = engine(Line::to(&server));
    session.sync_once(&laptop.ledger, &|_| {}).await.unwrap();
    let clone = laptop.copied();
    clone.set(record, "phone", "在副本上");
    clone.round(&server).await.unwrap();

    // In its running session, so that only pulling tells that somebody else is this device too.
    let outcome = session.sync_once(&laptop.ledger, &|_| {}).await.unwrap();
    assert_eq!((outcome.forked, outcome.pulled), (Some(0), 1));
    laptop.set(record, "address", "在原机上");
    session.sync_once(&laptop.ledger, &|_| {}).await.unwrap();
    clone.round(&server).await.unwrap();
    for one in [&laptop, &clone] {
        assert_eq!(one.ledger.entries_of(record).unwrap().len(), 3);
        assert!(one.is_whole());
    }
    assert_eq!(
        laptop.ledger.views_digest().unwrap(),
        clone.ledger.views_digest().unwrap()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_before_the_ledgers_parted_is_told_as_refused_and_not_as_delivered() {
    let server = Server::start().await;
    let laptop = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    laptop.round(&server).await.unwrap();
    let elsewhere = laptop.subject_in("own/320706", "别的县");
    let clone = laptop.copied();
    clone.subject("在副本上");
    clone.round(&server).await.unwrap();
    laptop.subject("在原机上");
    assert_eq!(laptop.round(&server).await.unwrap().forked, Some(1));
    for one in [&laptop, &clone] {
        assert_eq!(one.ledger.refused().unwrap().len(), 1);
        assert_eq!(one.ledger.delivery(elsewhere).unwrap().refused, 1);
    }
}
