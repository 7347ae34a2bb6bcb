//! A laptop whose database was damaged: what the central endpoint has comes back, and what can still be read is delivered.

use std::{
    collections::BTreeSet,
    fs,
    io::{Seek as _, SeekFrom, Write as _},
    path::Path,
};

use shicha_domain::{RecordId, directory::Role};
use shicha_ledger::{Ledger, SalvageReport};

use crate::{
    common::Server,
    kit::{COUNTY, Laptop},
};

const PAGE: u64 = 4096;

/// Spoils every so many pages of a closed database from its middle on, as a failing disk does.
fn spoil(dir: &Path, every: u64) {
    let path = dir.join("ledger.db");
    let pages = fs::metadata(&path).unwrap().len() / PAGE;
    let mut file = fs::File::options().write(true).open(path).unwrap();
    for page in (pages / 2..pages).step_by(every as usize) {
        file.seek(SeekFrom::Start(page * PAGE)).unwrap();
        file.write_all(&[0xA5; PAGE as usize]).unwrap();
    }
    fs::write(dir.join("ledger.open"), b"").unwrap();
}

fn damaged(laptop: Laptop, every: u64) -> (Laptop, SalvageReport) {
    let report = std::cell::RefCell::new(None);
    let laptop = laptop.restart_after(|dir| {
        spoil(dir, every);
        let (ledger, opened): (Ledger, _) = crate::kit::open_damaged(dir);
        drop(ledger);
        *report.borrow_mut() = opened.salvage;
    });
    let report = report.into_inner().expect("the damage is found");
    (laptop, report)
}

fn entries(laptop: &Laptop, records: &[RecordId]) -> BTreeSet<Vec<u8>> {
    let of = |record: &RecordId| laptop.ledger.entries_of(*record).unwrap();
    records
        .iter()
        .flat_map(of)
        .map(|stored| stored.entry.event)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_delivered_comes_back_to_a_laptop_whose_database_was_damaged() {
    let server = Server::start().await;
    let laptop = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let records: Vec<_> = (0..500)
        .map(|n| laptop.subject(&format!("机构{n}")))
        .collect();
    laptop.round(&server).await.unwrap();
    let before = entries(&laptop, &records);
    let device = laptop.ledger.identity().unwrap().unwrap().device;
    let (laptop, report) = damaged(laptop, 9);
    assert!(report.entries < 500, "{report:?}");
    // Work goes on before the server is met again.
    let new = laptop.subject("损坏之后");
    let outcome = laptop.round(&server).await.unwrap();
    assert_eq!((outcome.forked, outcome.pushed), (None, 1));
    assert_eq!(entries(&laptop, &records), before);
    assert!(laptop.has(new) && laptop.is_whole());
    assert_eq!(laptop.ledger.identity().unwrap().unwrap().device, device);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_of_undelivered_entries_is_delivered_although_some_between_are_lost() {
    let server = Server::start().await;
    let laptop = Laptop::of(&server, "甲", COUNTY, Role::Inspector).await;
    let other = Laptop::of(&server, "乙", COUNTY, Role::Inspector).await;
    let delivered: Vec<_> = (0..60)
        .map(|n| laptop.subject(&format!("机构{n}")))
        .collect();
    laptop.round(&server).await.unwrap();
    let waiting: Vec<_> = (60..600)
        .map(|n| laptop.subject(&format!("机构{n}")))
        .collect();
    let (laptop, report) = damaged(laptop, 9);
    assert!(report.entries < 600, "{report:?}");
    let left = entries(&laptop, &waiting);
    assert!(left.len() < waiting.len() && left.len() > waiting.len() / 2);
    let outcome = laptop.round(&server).await.unwrap();
    assert!(outcome.forked.is_some_and(|count| count > 0), "{outcome:?}");
    assert_eq!(laptop.waiting(), 0);
    assert!(laptop.is_whole());
    other.round(&server).await.unwrap();
    assert_eq!(entries(&other, &waiting), left);
    assert_eq!(entries(&other, &delivered).len(), delivered.len());
    assert_eq!(
        other.ledger.views_digest().unwrap(),
        laptop.ledger.views_digest().unwrap()
    );
    assert_eq!(laptop.round(&server).await.unwrap().forked, None);
}
