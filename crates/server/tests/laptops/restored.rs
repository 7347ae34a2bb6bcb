//! A server that was restored from a backup: it knows less than the laptops, and nothing may be lost.

use shicha_domain::directory::Role;

use shicha_sync::client::SyncErrorCode;

use crate::{
    common::Server,
    kit::{CITY, COUNTY, Laptop, Line, broken, engine, is},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_server_restored_from_a_backup_gets_back_what_the_laptops_have() {
    let mut server = Server::start().await;
    let one = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let two = Laptop::of(&server, "乙", COUNTY, Role::Inspector).await;
    let city = Laptop::of(&server, "市", CITY, Role::Supervisor).await;
    let record = one.subject("某机构");
    let early = one.attach(record, b"early");
    one.round(&server).await.unwrap();
    two.round(&server).await.unwrap();
    let backup = server.backup();
    // Confirmed and pulled after the backup was made.
    one.set(record, "phone", "1");
    let refused = one.subject_in("own/320706", "别的县");
    let late = one.attach(record, b"late");
    one.round(&server).await.unwrap();
    two.set(record, "address", "2");
    two.round(&server).await.unwrap();
    city.round(&server).await.unwrap();
    let digest = city.ledger.views_digest().unwrap();
    server.restore(&backup).await;

    // Whoever comes first takes the numbers that another's entries had.
    two.set(record, "remark", "3");
    for laptop in [&two, &one] {
        let outcome = laptop.round(&server).await.unwrap();
        assert_eq!(outcome.skipped, []);
        assert_eq!(outcome.forked, None);
    }
    for _ in 0..2 {
        for laptop in [&one, &two, &city] {
            assert_eq!(laptop.round(&server).await.unwrap().skipped, []);
        }
    }
    assert_eq!(one.ledger.refused().unwrap().len(), 1);
    assert_eq!(
        one.ledger.delivery(refused).unwrap().refused,
        1,
        "counted once"
    );
    for laptop in [&one, &two, &city] {
        assert_eq!(laptop.waiting(), 0);
        assert_eq!(laptop.ledger.blobs_waiting(10).unwrap(), []);
        assert_eq!(laptop.ledger.entries_of(record).unwrap().len(), 6);
        assert!(laptop.is_whole());
    }
    assert_ne!(city.ledger.views_digest().unwrap(), digest, "one is new");
    let later = Laptop::of(&server, "新", CITY, Role::Supervisor).await;
    later.round(&server).await.unwrap();
    assert_eq!(later.ledger.entries_of(record).unwrap().len(), 6);
    for hash in [early, late] {
        assert_eq!(later.bytes_of(hash), one.bytes_of(hash));
    }
    assert_eq!(
        later
            .ledger
            .record(record)
            .unwrap()
            .unwrap()
            .content_digest(),
        city.ledger
            .record(record)
            .unwrap()
            .unwrap()
            .content_digest()
    );
    server.stop().await;
    let found = shicha_server::verify::verify(&server.home(), &mut |_| {}).unwrap();
    assert_eq!(found.faults, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_restored_while_a_session_goes_on_is_noticed_at_once() {
    let mut server = Server::start().await;
    let laptop = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let city = Laptop::of(&server, "市", CITY, Role::Supervisor).await;
    let (up, down) = (engine(Line::to(&server)), engine(Line::to(&server)));
    let record = laptop.subject("某机构");
    up.sync_once(&laptop.ledger, &|_| {}).await.unwrap();
    let backup = server.backup();
    laptop.set(record, "phone", "1");
    up.sync_once(&laptop.ledger, &|_| {}).await.unwrap();
    down.sync_once(&city.ledger, &|_| {}).await.unwrap();
    server.restore(&backup).await;
    laptop.set(record, "phone", "2");
    let outcome = up.sync_once(&laptop.ledger, &|_| {}).await.unwrap();
    assert_eq!((outcome.pushed, laptop.waiting()), (2, 0));
    for _ in 0..2 {
        down.sync_once(&city.ledger, &|_| {}).await.unwrap();
    }
    assert_eq!(city.ledger.entries_of(record).unwrap().len(), 3);
    let outcome = up.sync_once(&laptop.ledger, &|_| {}).await.unwrap();
    assert_eq!(outcome.pushed, 0, "once is enough");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_laptop_that_is_killed_while_it_sends_again_goes_on_with_it() {
    let mut server = Server::start().await;
    let laptop = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let backup = server.backup();
    let record = laptop.subject("某机构");
    laptop.set(record, "phone", "1");
    laptop.round(&server).await.unwrap();
    server.restore(&backup).await;
    let lost = Line::instead(&server, |request| {
        (request.path == "/v1/push").then(|| Err(broken()))
    });
    is(laptop.round_over(lost).await, SyncErrorCode::Offline);
    assert_eq!(laptop.waiting(), 2);
    let laptop = laptop.restart();
    assert_eq!(laptop.round(&server).await.unwrap().pushed, 2);
    assert!(laptop.is_whole());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_laptop_and_a_server_that_were_both_restored_find_out_where_they_parted() {
    let mut server = Server::start().await;
    let laptop = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let record = laptop.subject("某机构");
    laptop.round(&server).await.unwrap();
    let (other, early) = (laptop.copied(), server.backup());
    laptop.set(record, "phone", "1");
    laptop.round(&server).await.unwrap();
    let late = server.backup();
    // What the copy delivers, it delivers to a server that will be no more.
    server.restore(&early).await;
    other.set(record, "address", "1");
    other.set(record, "address", "2");
    other.round(&server).await.unwrap();
    server.restore(&late).await;
    let outcome = other.round(&server).await.unwrap();
    assert!(outcome.forked.is_some());
    other.round(&server).await.unwrap();
    laptop.round(&server).await.unwrap();
    let entries = laptop.ledger.entries_of(record).unwrap().len();
    assert_eq!(entries, 4);
    assert_eq!(other.ledger.entries_of(record).unwrap().len(), 4);
    assert!(laptop.is_whole() && other.is_whole());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_backup_can_be_put_back_twice_and_whoever_only_reads_misses_nothing() {
    let mut server = Server::start().await;
    let laptop = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let city = Laptop::of(&server, "市", CITY, Role::Supervisor).await;
    let record = laptop.subject("某机构");
    laptop.round(&server).await.unwrap();
    let backup = server.backup();
    let kept = server.dir.path().join("kept");
    for time in 1..=2 {
        copy(&backup, &kept);
        laptop.set(record, "phone", &format!("{time}"));
        laptop.round(&server).await.unwrap();
        city.round(&server).await.unwrap();
        server.restore(&kept).await;
        // Another's entries take the numbers that the supervisor has pulled already.
        let other = Laptop::of(&server, &format!("乙{time}"), COUNTY, Role::Inspector).await;
        let theirs = other.subject("另一家");
        other.round(&server).await.unwrap();
        laptop.round(&server).await.unwrap();
        city.round(&server).await.unwrap();
        assert!(city.has(theirs), "put back for the {time}. time");
        assert!(laptop.is_whole() && city.is_whole());
    }
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_copy_wrote_at_a_restored_server_counts_for_others_only_by_a_persons_word() {
    let mut server = Server::start().await;
    let one = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let city = Laptop::of(&server, "市", CITY, Role::Supervisor).await;
    let record = one.subject("某机构");
    one.round(&server).await.unwrap();
    city.round(&server).await.unwrap();
    let (copy, backup) = (one.copied(), server.backup());
    one.set(record, "phone", "1");
    one.set(record, "address", "1");
    one.round(&server).await.unwrap();
    city.round(&server).await.unwrap();
    server.restore(&backup).await;
    copy.set(record, "phone", "2");
    copy.round(&server).await.unwrap();

    let before = city.ledger.views_digest().unwrap();
    for _ in 0..2 {
        let outcome = city.round(&server).await.unwrap();
        assert_eq!(outcome.skipped.len(), 1);
        assert_eq!(outcome.skipped[0].code, SyncErrorCode::Untrustworthy);
    }
    let contested = city.ledger.contested().unwrap();
    assert_eq!(contested.len(), 1, "{contested:?}");
    assert_eq!(contested[0].entries, 2);
    assert_eq!(
        city.ledger.views_digest().unwrap(),
        before,
        "nothing is touched"
    );

    let place = &contested[0].contested;
    let settle = |id| city.ledger.settle_contested(place.device, place.seq, id);
    assert!(
        !settle(shicha_domain::EntryId([7; 32])).unwrap(),
        "only what was seen"
    );
    assert!(settle(place.id).unwrap());
    let city = city.restart();
    let outcome = city.round(&server).await.unwrap();
    assert_eq!((outcome.pulled, outcome.skipped), (1, Vec::new()));
    assert_eq!(city.ledger.contested().unwrap(), []);
    assert_eq!(city.ledger.entries_of(record).unwrap().len(), 2);

    // Whoever wrote what was lost writes it again, so that in the end everybody has all of it.
    assert_eq!(one.round(&server).await.unwrap().forked, Some(2));
    for laptop in [&one, &copy, &city] {
        laptop.round(&server).await.unwrap();
        assert_eq!(laptop.ledger.entries_of(record).unwrap().len(), 4);
        assert!(laptop.is_whole());
    }
    let digests = [&one, &copy, &city].map(|laptop| laptop.ledger.views_digest().unwrap());
    assert!(digests.iter().all(|digest| *digest == digests[0]));
}
