//! A ledger that was restored from a copy, by packages alone.

use shicha_domain::directory::Role;

use crate::{
    common::Server,
    kit::{CITY, COUNTY, Laptop},
    stick::*,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_laptop_goes_on_under_a_new_identity_and_nothing_is_lost() {
    let server = Server::start().await;
    let city = Laptop::of(&server, "市", CITY, Role::Supervisor).await;
    let laptop = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let subject = laptop.subject("某机构");
    there_and_back(&server, &laptop);
    let copied = laptop.copied();
    laptop.set(subject, "phone", "of the one that was copied");
    there_and_back(&server, &laptop);
    copied.set(subject, "remark", "of the copy");
    let old = device_of(&copied);
    // The first package tells of it, the second asks for an identity, the third brings what only the copy has.
    let (brought, taken) = there_and_back(&server, &copied);
    assert_eq!(brought.entries, 0);
    assert!(taken.has_parted);
    let (_, taken) = there_and_back(&server, &copied);
    assert_eq!(taken.forked, Some(1));
    assert_ne!(device_of(&copied), old);
    let (brought, taken) = there_and_back(&server, &copied);
    assert_eq!((brought.entries, brought.refused), (1, 0));
    assert_eq!((taken.delivered, taken.has_parted), (1, false));
    // Another identity goes on from what the first one did: it is told, and goes on beside it.
    assert!(there_and_back(&server, &laptop).1.has_parted);
    assert_eq!(there_and_back(&server, &laptop).1.forked, Some(0));
    laptop.set(subject, "address", "of the first, later");
    let (brought, _) = there_and_back(&server, &laptop);
    assert_eq!((brought.entries, brought.refused), (1, 0));
    there_and_back(&server, &copied);
    city.round(&server).await.unwrap();
    for one in [&laptop, &copied] {
        assert_eq!(one.waiting(), 0);
        assert!(one.is_whole());
        assert_eq!(
            one.ledger.views_digest().unwrap(),
            city.ledger.views_digest().unwrap()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_wrote_nothing_notices_it_as_well() {
    let server = Server::start().await;
    let laptop = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    laptop.subject("某机构");
    there_and_back(&server, &laptop);
    let copied = laptop.copied();
    let second = laptop.subject("另一机构");
    there_and_back(&server, &laptop);
    let (_, taken) = there_and_back(&server, &copied);
    assert!(taken.has_parted);
    let (_, taken) = there_and_back(&server, &copied);
    assert_eq!(taken.forked, Some(0));
    assert!(copied.has(second));
    assert!(copied.is_whole());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_was_restored_from_a_backup_gets_back_what_it_lacks() {
    let mut server = Server::start().await;
    let laptop = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let first = laptop.subject("备份之前");
    there_and_back(&server, &laptop);
    let backup = server.backup();
    let second = laptop.subject("备份之后");
    let photo = laptop.attach(second, b"after the backup");
    there_and_back(&server, &laptop);
    assert_eq!(laptop.waiting(), 0);
    server.restore(&backup).await;
    // The answer to an empty package tells of it; the next package brings what is missing.
    there_and_back(&server, &laptop);
    assert_eq!(laptop.waiting(), 2);
    let (brought, taken) = there_and_back(&server, &laptop);
    assert_eq!((brought.entries, brought.evidence), (2, 1));
    assert_eq!((taken.delivered, taken.has_parted), (2, false));
    let city = Laptop::of(&server, "市", CITY, Role::Supervisor).await;
    city.round(&server).await.unwrap();
    assert!(city.has(first) && city.has(second));
    assert_eq!(city.bytes_of(photo), b"after the backup");
    assert!(laptop.is_whole());
}
