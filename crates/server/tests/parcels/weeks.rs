//! Weeks without a network: everything arrives, receipts and news come back, and doing it twice changes nothing.

use serde_json::json;
use shicha_domain::{Event, Evidence, RecordId, RecordKind, directory::Role};
use shicha_ledger::EntryDelivery;

use crate::{
    common::{Server, record},
    kit::{CITY, COUNTY, Laptop, noise},
    stick::*,
};

const ADDRESSED: &str = "inst/320703/TI-01";

/// Opens a problem that the bureau has with the institution.
fn problem(bureau: &Laptop, text: &str) -> RecordId {
    let record = record();
    let fields = [("description".to_owned(), json!(text))].into();
    let kind = RecordKind::Finding;
    bureau.append(bureau.draft(ADDRESSED, record, Event::Opened { kind, fields }));
    record
}

/// The institution answers it, with a photo.
fn reply(institution: &Laptop, record: RecordId, text: &str) -> Vec<u8> {
    let event = Event::Set {
        field: "reply/text".into(),
        value: json!(text),
        replaces: vec![],
    };
    institution.append(institution.draft(ADDRESSED, record, event));
    let bytes = noise(200_000);
    let mut reader = &bytes[..];
    let taken = institution
        .ledger
        .blob_import(&mut reader, &mut |_| {}, crate::common::wall_ms())
        .unwrap();
    let evidence = Evidence {
        blob: taken.hash,
        size: taken.size,
        name: "整改照片.jpg".into(),
        mime: taken.mime,
        source: "file".into(),
        taken_at_ms: None,
        position_e7: None,
        camera: None,
        derived_from: None,
    };
    let place = "reply/photo".into();
    institution.append(institution.draft(ADDRESSED, record, Event::Attached { place, evidence }));
    bytes
}

fn has_no_wish_left(laptop: &Laptop) {
    assert_eq!(laptop.waiting(), 0);
    assert_eq!(laptop.ledger.blobs_waiting(10).unwrap(), []);
    assert_eq!(laptop.ledger.blobs_wanted(10).unwrap(), []);
    assert!(laptop.is_whole());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_institutions_that_never_go_online_and_a_supervisor_who_does_end_with_the_same() {
    let server = Server::start().await;
    let bureau = Laptop::of(&server, "县", COUNTY, Role::Inspector).await;
    let city = Laptop::of(&server, "市", CITY, Role::Supervisor).await;
    let one = newcomer(&server, "机构甲", "TI-01", Role::Institution);
    let two = newcomer(&server, "机构乙", "TI-01", Role::Institution);
    let first = problem(&bureau, "未建立教学档案");
    let second = problem(&bureau, "教员未持证");
    bureau.round(&server).await.unwrap();
    for institution in [&one, &two] {
        let (_, taken) = there_and_back(&server, institution);
        assert_eq!(taken.entries, 2);
        assert!(institution.has(first) && institution.has(second));
    }
    let photo_one = reply(&one, first, "已建立");
    let photo_two = reply(&two, second, "已换证");
    let stick = Stick::new();
    let (there, back) = (stick.path("there.shicha"), stick.path("back.shicha"));
    let contents = give(&one, endpoint(&server), &there);
    assert_eq!(
        (contents.entries(), contents.records, contents.evidence),
        (2, 1, 1)
    );
    let brought = at_endpoint(&server, &there, &back);
    assert_eq!(
        (brought.entries, brought.refused, brought.evidence),
        (2, 0, 1)
    );
    // The same package again, and its answer again.
    let again = at_endpoint(&server, &there, &back);
    assert_eq!((again.entries, again.evidence), (2, 0));
    assert_eq!(again.channels.len(), 0, "nothing has grown");
    let taken = take(&one, &back);
    assert_eq!(taken.delivered, 2);
    let found = one.ledger.entries_of(first).unwrap();
    assert!(
        found
            .iter()
            .all(|one| matches!(one.delivery, EntryDelivery::Delivered { .. }))
    );
    assert_eq!(take(&one, &back).delivered, 0);
    there_and_back(&server, &two);
    // What each wrote comes to the other with the next stick, with the photos; the supervisor has it over the network.
    for institution in [&one, &two, &one] {
        there_and_back(&server, institution);
    }
    for laptop in [&city, &bureau, &city] {
        laptop.round(&server).await.unwrap();
    }
    for laptop in [&one, &two, &bureau, &city] {
        has_no_wish_left(laptop);
        assert_eq!(
            laptop.ledger.views_digest().unwrap(),
            city.ledger.views_digest().unwrap()
        );
        for photo in [&photo_one, &photo_two] {
            let hash = sha(photo);
            assert_eq!(&laptop.bytes_of(hash), photo);
        }
    }
    server.command(&["verify"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_laptop_that_comes_back_online_goes_on_where_its_packages_have_been() {
    let server = Server::start().await;
    let one = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let subject = one.subject("某机构");
    let photo = one.attach(subject, &noise(100_000));
    let stick = Stick::new();
    let (there, back) = (stick.path("there.shicha"), stick.path("back.shicha"));
    give(&one, endpoint(&server), &there);
    at_endpoint(&server, &there, &back);
    // It goes online before the answer is back, and writes more.
    one.set(subject, "phone", "0518");
    let outcome = one.round(&server).await.unwrap();
    assert_eq!((outcome.forked, outcome.refused), (None, 0));
    let taken = take(&one, &back);
    assert_eq!((taken.delivered, taken.has_parted), (0, false));
    assert_eq!(taken.problems, []);
    assert_eq!(one.round(&server).await.unwrap().skipped, []);
    has_no_wish_left(&one);
    assert!(one.ledger.blob_info(photo).unwrap().unwrap().delivered);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_was_killed_while_it_took_a_package_takes_the_rest_the_next_time() {
    let server = Server::start().await;
    let city = Laptop::of(&server, "市", CITY, Role::Supervisor).await;
    let one = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let subject = one.subject("某机构");
    let photos: Vec<_> = (0..4)
        .map(|_| one.attach(subject, &noise(400_000)))
        .collect();
    one.round(&server).await.unwrap();
    there_and_back(&server, &city);
    let stick = Stick::new();
    let (there, back) = (stick.path("there.shicha"), stick.path("back.shicha"));
    give(&city, endpoint(&server), &there);
    at_endpoint(&server, &there, &back);
    let looked = look(&city, &back).unwrap();
    assert_eq!(looked.contents.evidence, 4);
    // It stops at every place of the file once.
    let length = std::fs::metadata(&back).unwrap().len();
    let mut stopped = 0;
    for until in (0..length).step_by(150_000) {
        let file = std::fs::File::open(&back).unwrap();
        let now = crate::common::wall_ms();
        let mut progress = |done| done <= until;
        let taken =
            shicha_sync::client::package::take(&city.ledger, file, &looked, now, &mut progress);
        stopped += usize::from(taken.is_err());
    }
    assert!(stopped > 5);
    let city = city.restart();
    take(&city, &back);
    for photo in photos {
        assert_eq!(city.bytes_of(photo).len(), 400_000);
    }
    has_no_wish_left(&city);
}

#[tokio::test(flavor = "multi_thread")]
async fn chosen_records_take_their_evidence_along_and_the_rest_waits() {
    let server = Server::start().await;
    let one = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let (chosen, other) = (one.subject("先报"), one.subject("后报"));
    one.attach(chosen, &noise(50_000));
    one.attach(other, &noise(60_000));
    let stick = Stick::new();
    let (there, back) = (stick.path("there.shicha"), stick.path("back.shicha"));
    let giving = giving(endpoint(&server), Some(vec![chosen]));
    let contents = give_these(&one, &giving, &there);
    assert_eq!(
        (
            contents.entries(),
            contents.evidence,
            contents.evidence_bytes
        ),
        (4, 1, 50_000),
        "entries go all, because the endpoint takes no log with holes"
    );
    at_endpoint(&server, &there, &back);
    take(&one, &back);
    assert_eq!(one.waiting(), 0);
    let (_, taken) = there_and_back(&server, &one);
    assert_eq!(taken.problems, []);
    let (brought, _) = there_and_back(&server, &one);
    assert_eq!(brought.evidence, 0);
}

fn sha(bytes: &[u8]) -> shicha_domain::BlobHash {
    use sha2::{Digest as _, Sha256};
    shicha_domain::BlobHash(Sha256::digest(bytes).into())
}
