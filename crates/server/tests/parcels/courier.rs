//! Colleagues: what one hands to another directly, and who carries it on.

use shicha_domain::directory::Role;
use shicha_ledger::EntryDelivery;
use shicha_sync::{client::package::PackageError, package::Party};

use crate::{
    common::Server,
    kit::{CITY, COUNTY, Laptop, NEIGHBOUR, noise},
    stick::*,
};

fn to(laptop: &Laptop) -> Party {
    Party::Device {
        device: device_of(laptop),
    }
}

/// Devices that know of each other: each has met the endpoint after the other was enrolled.
async fn knowing(server: &Server, laptops: &[&Laptop]) {
    for laptop in laptops {
        laptop.round(server).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_colleague_sees_the_work_at_once_and_brings_it_to_the_endpoint() {
    let server = Server::start().await;
    let author = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let colleague = Laptop::of(&server, "乙", COUNTY, Role::Inspector).await;
    let city = Laptop::of(&server, "市", CITY, Role::Supervisor).await;
    knowing(&server, &[&author, &colleague]).await;
    let subject = author.subject("某机构");
    let photo = author.attach(subject, &noise(100_000));
    let stick = Stick::new();
    let path = stick.path("colleague.shicha");
    let contents = give(&author, to(&colleague), &path);
    assert_eq!((contents.entries(), contents.evidence), (2, 1));
    let taken = take(&colleague, &path);
    assert_eq!((taken.entries, taken.evidence), (2, 1));
    assert_eq!(take(&colleague, &path).entries, 0, "twice changes nothing");
    assert_eq!(colleague.bytes_of(photo).len(), 100_000);
    let found = colleague.ledger.entries_of(subject).unwrap();
    assert!(
        found
            .iter()
            .all(|one| one.delivery == EntryDelivery::Waiting)
    );
    // The colleague adds to it and goes online; the author does not.
    colleague.set(subject, "phone", "0518");
    let outcome = colleague.round(&server).await.unwrap();
    assert_eq!(outcome.uploaded, 1, "the photo goes along");
    assert!(colleague.ledger.carried().unwrap().is_empty());
    city.round(&server).await.unwrap();
    assert_eq!(city.bytes_of(photo).len(), 100_000);
    assert_eq!(
        city.ledger.views_digest().unwrap(),
        colleague.ledger.views_digest().unwrap()
    );
    // When the author comes at last, everything is there.
    let outcome = author.round(&server).await.unwrap();
    assert_eq!((outcome.forked, author.waiting()), (None, 0));
    assert_eq!(
        author.ledger.views_digest().unwrap(),
        city.ledger.views_digest().unwrap()
    );
    assert!(author.is_whole() && colleague.is_whole() && city.is_whole());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_along_in_a_colleagues_package_is_answered_to_its_author_too() {
    let server = Server::start().await;
    let author = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let colleague = Laptop::of(&server, "乙", COUNTY, Role::Inspector).await;
    knowing(&server, &[&author, &colleague]).await;
    let subject = author.subject("某机构");
    let stick = Stick::new();
    let path = stick.path("colleague.shicha");
    give(&author, to(&colleague), &path);
    take(&colleague, &path);
    let (brought, _) = there_and_back(&server, &colleague);
    assert_eq!((brought.entries, brought.refused), (1, 0));
    assert!(colleague.ledger.carried().unwrap().is_empty());
    let found = colleague.ledger.entries_of(subject).unwrap();
    assert!(matches!(found[0].delivery, EntryDelivery::Delivered { .. }));
    let (_, taken) = there_and_back(&server, &author);
    assert_eq!(taken.delivered, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_what_they_may_not_read() {
    let server = Server::start().await;
    let author = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let neighbour = Laptop::of(&server, "邻", NEIGHBOUR, Role::Inspector).await;
    let institution = Laptop::of(&server, "机构", "TI-01", Role::Institution).await;
    let city = Laptop::of(&server, "市", CITY, Role::Supervisor).await;
    knowing(&server, &[&author, &city]).await;
    // Between what is addressed to the institution stands what is not its business.
    let shown = author.subject_in("inst/320703/TI-01", "送给机构的");
    author.subject("内部的");
    author.subject("也是内部的");
    let also = author.subject_in("inst/320703/TI-01", "再一件");
    let stick = Stick::new();
    let path = stick.path("institution.shicha");
    let contents = give(&author, to(&institution), &path);
    assert_eq!((contents.entries(), contents.records), (2, 2));
    // The institution's directory names no devices of the bureau: it takes packages of the endpoint alone.
    let found = fault(look(&institution, &path).unwrap_err());
    assert_eq!(found.code(), "unknown_sender");
    let contents = give(&author, to(&city), &path);
    assert_eq!(contents.entries(), 4);
    take(&city, &path);
    assert!(city.has(shown) && city.has(also));
    let unknown = giving(to(&neighbour), None);
    let made = shicha_sync::client::package::plan(&author.ledger, &unknown);
    assert!(
        matches!(made, Err(PackageError::UnknownRecipient)),
        "the neighbour is not in this bureau's directory"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_revoked_device_signed_goes_no_further_until_an_administrator_releases_it() {
    let server = Server::start().await;
    let author = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let colleague = Laptop::of(&server, "乙", COUNTY, Role::Inspector).await;
    knowing(&server, &[&author, &colleague]).await;
    let subject = author.subject("某机构");
    let stick = Stick::new();
    let (early, late) = (stick.path("early.shicha"), stick.path("late.shicha"));
    give(&author, to(&colleague), &early);
    give(&author, endpoint(&server), &late);
    take(&colleague, &early);
    let device = device_of(&author).to_string();
    server.command(&["device", "revoke", "--device", &device]);
    let error = try_at_endpoint(&server, &late, &stick.path("back.shicha")).unwrap_err();
    assert!(error.to_string().contains("revoked"), "{error}");
    colleague.round(&server).await.unwrap();
    assert!(!colleague.has(subject), "refused is outside for all");
    assert!(
        colleague.ledger.carried().unwrap().is_empty(),
        "nor further"
    );
    let found = fault(look(&colleague, &early).unwrap_err());
    assert_eq!(found.code(), "unknown_sender");

    let line = ["entry", "release", "--device", &device, "--seq", "1"];
    server.command(&[&line[..], &["--reason", "交接之前写的"]].concat());
    colleague.round(&server).await.unwrap();
    assert!(colleague.has(subject), "it was kept");
    assert!(colleague.is_whole());
}
