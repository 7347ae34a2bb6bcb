//! Two inspectors and a supervisor who write without knowing of each other.

use std::collections::BTreeSet;

use shicha_domain::{EntryId, RecordId, directory::Role};
use shicha_ledger::EntryDelivery;

use crate::{
    common::{Server, record},
    kit::{COUNTY, Laptop, opened},
};

const ORDERS: [[usize; 3]; 6] = [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
];
/// More rounds than it takes for a word to get around: the server writes down what was seen after it has answered.
const ENOUGH: usize = 500;

async fn county(server: &Server) -> [Laptop; 3] {
    [
        Laptop::of(server, "甲", COUNTY, Role::Inspector).await,
        Laptop::of(server, "乙", COUNTY, Role::Inspector).await,
        Laptop::of(server, "县", COUNTY, Role::Supervisor).await,
    ]
}

fn opened_by(laptop: &Laptop, name: &str) -> (RecordId, EntryId) {
    let record = record();
    let id = laptop.append(laptop.draft(&laptop.own, record, opened(name)));
    (record, id)
}

fn entries(laptop: &Laptop, records: &[RecordId]) -> BTreeSet<EntryId> {
    let of = |record: &RecordId| laptop.ledger.entries_of(*record).unwrap();
    records
        .iter()
        .flat_map(of)
        .map(|stored| stored.id)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn in_whatever_order_they_meet_the_server_all_hold_the_same_and_contradictions_are_listed() {
    let server = Server::start().await;
    let people = county(&server).await;
    let (mut records, mut written) = (Vec::new(), BTreeSet::new());
    let (shared, id) = opened_by(&people[0], "共同检查");
    records.push(shared);
    written.insert(id);
    for one in [0, 1, 2] {
        people[one].round(&server).await.unwrap();
    }
    for (n, order) in ORDERS.iter().enumerate() {
        // Each writes a record of their own, and all three the same field of one that they share.
        for (who, laptop) in people.iter().enumerate() {
            let (own, id) = opened_by(laptop, &format!("第{n}轮第{who}人"));
            records.push(own);
            written.insert(id);
            written.insert(laptop.set(shared, &format!("field{n}"), &format!("{who}说")));
        }
        for who in order {
            let outcome = people[*who].round(&server).await.unwrap();
            assert_eq!((outcome.pushed, outcome.refused), (2, 0), "{order:?}");
        }
        for laptop in &people {
            laptop.round(&server).await.unwrap();
            assert_eq!(entries(laptop, &records), written, "{order:?}");
        }
        let digests = people
            .each_ref()
            .map(|one| one.ledger.views_digest().unwrap());
        assert!(digests.iter().all(|one| *one == digests[0]), "{order:?}");
        for laptop in &people {
            let state = laptop.ledger.record(shared).unwrap().unwrap();
            assert_eq!(state.heads_of(&format!("field{n}")).len(), 3, "{order:?}");
            assert_eq!(state.conflicts().count(), n + 1, "all three are kept");
        }
    }
    // One who comes only now holds the same after one round.
    let late = Laptop::of(&server, "丙", COUNTY, Role::Inspector).await;
    late.round(&server).await.unwrap();
    assert_eq!(entries(&late, &records), written);
    assert_eq!(
        late.ledger.views_digest().unwrap(),
        people[0].ledger.views_digest().unwrap()
    );
    assert!(people.iter().all(Laptop::is_whole) && late.is_whole());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_says_delivered_only_with_its_receipt_and_seen_once_another_person_holds_it() {
    let mut server = Server::start().await;
    let [writer, reader, _] = county(&server).await;
    let record = writer.subject("某机构");
    writer.set(record, "phone", "1");
    let at = |laptop: &Laptop| laptop.ledger.delivery(record).unwrap();
    let delivery = at(&writer);
    assert_eq!(
        (delivery.waiting_entries, delivery.delivered_at_ms),
        (2, None)
    );

    server.stop().await;
    assert!(writer.round(&server).await.is_err());
    let delivery = at(&writer);
    assert_eq!(
        (delivery.waiting_entries, delivery.delivered_at_ms),
        (2, None)
    );
    server.start_again().await;

    writer.round(&server).await.unwrap();
    let delivery = at(&writer);
    assert_eq!(delivery.waiting_entries, 0);
    assert!(delivery.delivered_at_ms.is_some() && !delivery.seen_by_others);
    let covered = writer.ledger.entries_of(record).unwrap();
    assert!(
        covered
            .iter()
            .all(|entry| matches!(entry.delivery, EntryDelivery::Delivered { .. }))
    );

    for _ in 0..ENOUGH {
        reader.round(&server).await.unwrap();
        writer.round(&server).await.unwrap();
        if at(&writer).seen_by_others {
            // What is written after that is not seen with it.
            writer.set(record, "phone", "2");
            writer.round(&server).await.unwrap();
            assert!(!at(&writer).seen_by_others);
            return;
        }
    }
    panic!("what another person holds is seen");
}
