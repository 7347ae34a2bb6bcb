//! What goes over, what does not, and what the central endpoint makes of it.

use shicha_domain::directory::{Role, lines::Lines};
use shicha_ledger::EntryDelivery;
use shicha_sync::nearby::{Reason, Stage};

use super::{Open, assert_same, assert_sound, meet, meet_at};
use crate::{
    common::Server,
    kit::{CITY, COUNTY, Laptop, NEIGHBOUR, noise},
};

async fn colleagues(server: &Server) -> (Laptop, Laptop) {
    let one = Laptop::of(server, "甲", COUNTY, Role::Inspector).await;
    let other = Laptop::of(server, "乙", COUNTY, Role::Inspector).await;
    // Each knows of the other's device.
    one.round(server).await.unwrap();
    (one, other)
}

#[tokio::test(flavor = "multi_thread")]
async fn colleagues_in_a_basement_have_each_others_records_and_photos_and_everybody_ends_with_the_same()
 {
    let mut server = Server::start().await;
    let (one, other) = colleagues(&server).await;
    let supervisor = Laptop::of(&server, "市", CITY, Role::Supervisor).await;

    let (school, factory) = (
        one.subject("连云区安全培训学校"),
        other.subject("海州化工厂"),
    );
    let (photo, scan) = (noise(300_000), noise(2_500_000));
    let (of_one, of_other) = (one.attach(school, &photo), other.attach(factory, &scan));
    let (given, taken) = meet(&one, &other).await;
    assert_eq!((given.given.entries, given.taken.entries), (2, 2));
    assert_eq!((taken.given.files, taken.taken.files), (1, 1));
    assert_eq!(other.bytes_of(of_one), photo);
    assert_eq!(one.bytes_of(of_other), scan);

    // They go on with each other's records, and exchange again.
    one.set(factory, "phone", "0518-1");
    other.set(school, "phone", "0518-2");
    let (again, _) = meet(&other, &one).await;
    assert_eq!((again.given.entries, again.taken.entries), (1, 1));
    assert_same(&[&one, &other]);
    let (nothing, _) = meet(&one, &other).await;
    assert_eq!(
        nothing,
        shicha_sync::nearby::Summary::default(),
        "again changes nothing"
    );

    for laptop in [&one, &other, &supervisor, &one, &other] {
        laptop.round(&server).await.unwrap();
    }
    for laptop in [&one, &other] {
        assert_eq!(laptop.waiting(), 0);
        assert_eq!(laptop.ledger.blobs_wanted(10).unwrap(), []);
    }
    assert_eq!(supervisor.bytes_of(of_one), photo);
    assert_eq!(supervisor.bytes_of(of_other), scan);
    assert_same(&[&one, &other, &supervisor]);
    assert_sound(&mut server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_endpoint_has_confirmed_goes_on_with_its_receipt_and_takes_its_number_only_from_the_endpoint()
 {
    let server = Server::start().await;
    let (one, other) = colleagues(&server).await;
    let third = Laptop::of(&server, "丙", COUNTY, Role::Inspector).await;
    for laptop in [&one, &other] {
        laptop.round(&server).await.unwrap();
    }
    // The third delivers, and one has fetched it; the other was away.
    let school = third.subject("学校");
    let photo = noise(100_000);
    let hash = third.attach(school, &photo);
    third.round(&server).await.unwrap();
    one.round(&server).await.unwrap();
    let before = other.ledger.cursors().unwrap();

    let (_, taken) = meet(&one, &other).await;
    assert_eq!((taken.taken.entries, taken.taken.files), (2, 1));
    assert_eq!(other.bytes_of(hash), photo);
    assert_eq!(
        other.ledger.cursors().unwrap(),
        before,
        "no number on another laptop's word"
    );
    for entry in other.ledger.entries_of(school).unwrap() {
        assert!(
            matches!(entry.delivery, EntryDelivery::Delivered { receipt_ms } if receipt_ms > 0),
            "{:?}",
            entry.delivery
        );
    }
    assert_same(&[&one, &other]);
    let (again, _) = meet(&other, &one).await;
    assert_eq!((again.given.entries, again.taken.entries), (0, 0));

    // It hands on to a fourth what it has only from its colleague.
    let fourth = Laptop::of(&server, "丁", COUNTY, Role::Inspector).await;
    let (_, handed) = meet(&other, &fourth).await;
    assert_eq!(handed.taken.entries, 2);
    assert_same(&[&one, &fourth]);

    third.set(school, "phone", "0518");
    third.round(&server).await.unwrap();
    for laptop in [&other, &fourth, &one] {
        laptop.round(&server).await.unwrap();
    }
    assert_same(&[&one, &other, &third, &fourth]);
    assert_eq!(
        other.ledger.cursors().unwrap(),
        one.ledger.cursors().unwrap()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_a_laptop_that_only_neighbours_see_is_told_to_the_endpoint_by_them() {
    let mut server = Server::start().await;
    let (one, other) = colleagues(&server).await;
    let school = one.subject("连云区安全培训学校");
    one.round(&server).await.unwrap();
    // The disk is copied; the copy never asks the endpoint again.
    let copy = one.copied();
    one.set(school, "phone", "0518-1");
    one.round(&server).await.unwrap();
    other.round(&server).await.unwrap();
    copy.set(school, "phone", "0518-2");
    copy.set(school, "remark", "给旁边的人看的");
    let device = one.ledger.identity().unwrap().unwrap().device;
    let is_copied =
        |laptop: &Laptop| Lines::of(&laptop.ledger.directory().unwrap().devices).is_copied(device);
    let entries = other.ledger.counts().unwrap().entries;
    let (here, there) = (Open::of(&copy).await, Open::of(&other).await);
    meet_at(&here, &there, there.address()).await;
    here.0.stop().await;
    there.0.stop().await;
    assert_eq!(other.ledger.counts().unwrap().entries, entries);
    assert_eq!(other.ledger.parted().unwrap().len(), 1);
    // It outlives the program, and is brought with the next round.
    let other = other.restart();
    assert!(!is_copied(&other));
    other.round(&server).await.unwrap();
    assert!(other.ledger.parted().unwrap().is_empty());
    for laptop in [&one, &other] {
        laptop.round(&server).await.unwrap();
        assert!(is_copied(laptop));
    }
    // Whose ledger was copied works on.
    one.set(school, "remark", "照常");
    one.round(&server).await.unwrap();
    other.round(&server).await.unwrap();
    assert_same(&[&one, &other]);
    assert_sound(&mut server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_to_the_digits_leaves_both_ledgers_as_they_were() {
    let server = Server::start().await;
    let (one, other) = colleagues(&server).await;
    let school = one.subject("学校");
    let (here, there) = (Open::of(&one).await, Open::of(&other).await);
    here.0.connect(vec![there.address()], "旁边".into()).await;
    there.until(|session| session.met.is_some()).await;
    here.until(|session| session.met.is_some()).await;
    here.answer(true).await;
    there.until(|session| session.agreed_there).await;
    there.answer(false).await;
    for open in [&here, &there] {
        let session = open.ended().await;
        assert_eq!(
            (session.stage, session.fault.unwrap().reason),
            (Stage::Failed, Reason::Differs)
        );
    }
    assert!(!other.has(school));
    assert_eq!(other.ledger.counts().unwrap().entries, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_institution_gets_what_is_addressed_to_it_and_nothing_else() {
    let mut server = Server::start().await;
    let (inspector, colleague) = colleagues(&server).await;
    let school = Laptop::of(&server, "校长", "TI-01", Role::Institution).await;
    let channel = "inst/320703/TI-01";
    inspector.round(&server).await.unwrap();
    let internal = inspector.subject("内部");
    let addressed = crate::common::record();
    let opened = shicha_domain::Event::Opened {
        kind: shicha_domain::RecordKind::Finding,
        fields: [("description".to_owned(), "给学校".into())].into(),
    };
    inspector.append(inspector.draft(channel, addressed, opened));
    let secret = inspector.attach(internal, &noise(50_000));
    server.command(&[
        "org",
        "add",
        "--code",
        "TI-02",
        "--name",
        "别的学校",
        "--kind",
        "institution",
        "--parent",
        "320703",
    ]);
    let foreign = inspector.subject_in("inst/320703/TI-02", "给别的学校");
    let (given, _) = meet(&inspector, &school).await;
    assert_eq!((given.given.entries, given.given.files), (1, 0));
    assert!(
        school.has(addressed),
        "also where it does not know the inspector's device: the digits vouch for it"
    );
    assert!(!school.has(internal) && !school.has(foreign));
    assert_eq!(school.ledger.blob_info(secret).unwrap(), None);

    // The institution replies; the inspector takes it home.
    let reply = shicha_domain::Event::Set {
        field: "reply/text".into(),
        value: "已整改".into(),
        replaces: vec![],
    };
    school.append(school.draft(channel, addressed, reply));
    let (taken, _) = meet(&school, &inspector).await;
    assert_eq!(taken.given.entries, 1);
    assert_eq!(
        inspector
            .ledger
            .record(addressed)
            .unwrap()
            .unwrap()
            .text("reply/text"),
        "已整改"
    );

    for laptop in [&inspector, &school, &inspector, &school, &colleague] {
        laptop.round(&server).await.unwrap();
    }
    assert_same(&[&inspector, &colleague]);
    let digest = |laptop: &Laptop| {
        laptop
            .ledger
            .record(addressed)
            .unwrap()
            .unwrap()
            .content_digest()
    };
    assert_eq!(digest(&inspector), digest(&school));
    assert_sound(&mut server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_neighbouring_countys_laptop_gets_nothing_of_ours() {
    let server = Server::start().await;
    let (inspector, _) = colleagues(&server).await;
    let neighbour = Laptop::of(&server, "邻县", NEIGHBOUR, Role::Inspector).await;
    let supervisor = Laptop::of(&server, "市", CITY, Role::Supervisor).await;
    inspector.round(&server).await.unwrap();
    let ours = inspector.subject("我们的");
    let theirs = neighbour.subject("他们的");
    let (given, taken) = meet(&inspector, &neighbour).await;
    assert_eq!((given.given.entries, taken.given.entries), (0, 0));
    assert!(!neighbour.has(ours) && !inspector.has(theirs));

    // Only now does it know whom the city has sent.
    neighbour.round(&server).await.unwrap();
    let of_neighbour = neighbour.subject("新的");
    let (to_city, _) = meet(&neighbour, &supervisor).await;
    assert_eq!(to_city.given.entries, 2, "the city reads both");
    let (to_county, _) = meet(&supervisor, &inspector).await;
    assert_eq!((to_county.given.entries, to_county.taken.entries), (0, 1));
    assert!(supervisor.has(ours) && supervisor.has(of_neighbour) && !inspector.has(of_neighbour));
}
