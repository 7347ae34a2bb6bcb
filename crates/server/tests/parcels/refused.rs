//! Packages that are refused change nothing, whoever gets them.

use std::fs;

use shicha_domain::directory::Role;
use shicha_sync::package::read_label;

use crate::{
    common::Server,
    kit::{COUNTY, Laptop, noise},
    stick::*,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_package_that_was_altered_anywhere_changes_nothing_at_the_endpoint() {
    let server = Server::start().await;
    let one = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let subject = one.subject("某机构");
    one.attach(subject, &noise(40_000));
    let stick = Stick::new();
    let (good, bad, back) = (
        stick.path("good.shicha"),
        stick.path("bad.shicha"),
        stick.path("back.shicha"),
    );
    give(&one, endpoint(&server), &good);
    let bytes = fs::read(&good).unwrap();
    let seed: u64 = rand::random();
    let mut state = seed;
    let mut roll = |below: usize| {
        // A linear congruential generator (Knuth, MMIX): enough to spread, and repeatable.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for round in 0..24 {
        let mut altered = bytes.clone();
        let at = roll(altered.len());
        if round % 2 == 0 {
            altered[at] ^= 1 << roll(8);
        } else {
            altered.truncate(at);
        }
        fs::write(&bad, &altered).unwrap();
        let error = try_at_endpoint(&server, &bad, &back);
        assert!(error.is_err(), "seed {seed}, round {round}, byte {at}");
        assert!(!back.exists(), "nothing answers it");
    }
    let held = crate::common::aside(|| server.store().devices().unwrap());
    assert!(held.iter().all(|device| device.head.seq == 0));
    assert_eq!(at_endpoint(&server, &good, &back).entries, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_for_another_or_of_another_system_is_refused_with_the_reason() {
    let server = Server::start().await;
    let other = Server::start().await;
    let one = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let two = Laptop::of(&server, "乙", COUNTY, Role::Inspector).await;
    let stranger = Laptop::of(&other, "丙", COUNTY, Role::Inspector).await;
    one.subject("某机构");
    let stick = Stick::new();
    let (there, back) = (stick.path("there.shicha"), stick.path("back.shicha"));
    give(&one, endpoint(&server), &there);
    let error = try_at_endpoint(&other, &there, &back).unwrap_err();
    assert!(error.to_string().contains("is for endpoint"), "{error}");
    for laptop in [&two, &stranger, &one] {
        let found = fault(look(laptop, &there).unwrap_err());
        assert_eq!(found.code(), "for_another", "nobody on the way can open it");
    }
    // A carrier sees from whom and for whom it is.
    let label = read_label(fs::File::open(&there).unwrap()).unwrap();
    assert_eq!(label.to, endpoint(&server));
    at_endpoint(&server, &there, &back);
    let found = fault(look(&two, &back).unwrap_err());
    assert_eq!(found.code(), "for_another");
    take(&one, &back);
    fs::write(&there, b"PK\x03\x04 a roster").unwrap();
    let found = fault(look(&one, &there).unwrap_err());
    assert_eq!(found.code(), "not_a_package");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_older_than_what_is_known_takes_nothing_back() {
    let server = Server::start().await;
    let one = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let subject = one.subject("某机构");
    let stick = Stick::new();
    let (there, old) = (stick.path("there.shicha"), stick.path("old.shicha"));
    give(&one, endpoint(&server), &there);
    at_endpoint(&server, &there, &old);
    take(&one, &old);
    one.set(subject, "phone", "0518");
    there_and_back(&server, &one);
    server.command(&[
        "person",
        "add",
        "--name",
        "新来的",
        "--org",
        COUNTY,
        "--role",
        "inspector",
    ]);
    there_and_back(&server, &one);
    let (digest, version) = (
        one.ledger.views_digest().unwrap(),
        one.ledger.directory().unwrap().version,
    );
    let taken = take(&one, &old);
    assert_eq!((taken.delivered, taken.directory), (0, false));
    assert!(!taken.has_parted);
    assert_eq!(one.waiting(), 0);
    assert_eq!(one.ledger.views_digest().unwrap(), digest);
    assert_eq!(one.ledger.directory().unwrap().version, version);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_was_used_gives_nobody_else_a_place() {
    let server = Server::start().await;
    let institution = newcomer(&server, "机构", "TI-01", Role::Institution);
    let devices = crate::common::aside(|| server.store().devices().unwrap());
    assert_eq!(devices.len(), 1);
    assert!(institution.ledger.identity().unwrap().is_some());
    let stick = Stick::new();
    let path = stick.path("again.shicha");
    give(&institution, endpoint(&server), &path);
    at_endpoint(&server, &path, &stick.path("back.shicha"));
}
