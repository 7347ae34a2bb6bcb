//! Evidence on its way to the central endpoint and from it.

use sha2::{Digest as _, Sha256};
use shicha_domain::{BlobHash, Event, Evidence, RecordId};
use shicha_ledger::LedgerError;

use crate::kit::*;

fn attach(place: &Place, record: RecordId, blob: BlobHash, size: u64) {
    let evidence = Evidence {
        blob,
        size,
        name: "照片.jpg".into(),
        mime: "image/jpeg".into(),
        source: "file".into(),
        taken_at_ms: None,
        position_e7: None,
        camera: None,
        derived_from: None,
    };
    let attached = Event::Attached {
        place: "answers/TI-1".into(),
        evidence,
    };
    place.append(vec![event("320703", record, attached)], NOW);
}

fn import(place: &Place, bytes: &[u8]) -> BlobHash {
    place
        .ledger
        .blob_import(&mut &bytes[..], &mut |_| {}, NOW)
        .unwrap()
        .hash
}

fn hash_of(bytes: &[u8]) -> BlobHash {
    BlobHash(Sha256::digest(bytes).into())
}

/// An author with a photo, and another device that has pulled what the author wrote.
fn author_and_reader(bytes: &[u8]) -> (Place, Place, BlobHash) {
    let author = device(1);
    let one = author.inspection(10, visit("海州培训中心"));
    let hash = import(&author, bytes);
    attach(&author, one, hash, bytes.len() as u64);
    let reader = place();
    reader.pull(author.log());
    (author, reader, hash)
}

#[test]
fn own_evidence_waits_smallest_first_from_where_it_stopped_until_it_is_delivered() {
    let place = device(1);
    let one = place.inspection(10, visit("海州培训中心"));
    let large = import(&place, &[1; 5_000]);
    let small = import(&place, &[2; 50]);
    assert!(
        place.ledger.blobs_waiting(10).unwrap().is_empty(),
        "nothing names them yet"
    );
    attach(&place, one, large, 5_000);
    attach(&place, one, small, 50);
    assert_eq!(
        place.ledger.blobs_waiting(10).unwrap(),
        [(small, 50, 0), (large, 5_000, 0)]
    );
    assert_eq!(place.ledger.blobs_waiting(1).unwrap().len(), 1);
    place.ledger.blob_sent(large, 4_000, false).unwrap();
    assert_eq!(
        place.ledger.blobs_waiting(10).unwrap()[1],
        (large, 5_000, 4_000)
    );
    let counts = place.ledger.counts().unwrap();
    assert_eq!(
        (counts.waiting_blobs, counts.waiting_blob_bytes),
        (2, 1_050)
    );
    let delivery = place.ledger.delivery(one).unwrap();
    assert_eq!(
        (delivery.waiting_blobs, delivery.waiting_blob_bytes),
        (2, 1_050)
    );
    place.ledger.blob_sent(small, 50, true).unwrap();
    place.ledger.blob_sent(large, 5_000, true).unwrap();
    assert!(place.ledger.blobs_waiting(10).unwrap().is_empty());
    assert!(place.ledger.blob_info(large).unwrap().unwrap().delivered);
    attach(&place, one, large, 5_000);
    assert!(
        place.ledger.blobs_waiting(10).unwrap().is_empty(),
        "what is delivered is not sent again"
    );
    assert!(matches!(
        place.ledger.blob_sent(BlobHash([9; 32]), 1, true),
        Err(LedgerError::NoSuchBlob)
    ));
}

#[test]
fn evidence_of_others_is_wanted_and_comes_in_pieces() {
    let bytes: Vec<u8> = (0..700_000_u32).map(|n| (n * 7 / 3) as u8).collect();
    let (_author, reader, hash) = author_and_reader(&bytes);
    let size = bytes.len() as u64;
    assert_eq!(reader.ledger.blobs_wanted(10).unwrap(), [(hash, size, 0)]);
    let info = reader.ledger.blob_info(hash).unwrap().unwrap();
    assert!(!info.is_complete && !info.delivered);
    assert!(
        matches!(
            reader.ledger.blob_read(hash, 0, 1),
            Err(LedgerError::NoSuchBlob)
        ),
        "nothing is shown before all is here"
    );
    reader
        .ledger
        .blob_receive(hash, size, 0, &bytes[..300_000])
        .unwrap();
    reader
        .ledger
        .blob_receive(hash, size, 0, &bytes[..300_000])
        .unwrap();
    assert!(matches!(
        reader
            .ledger
            .blob_receive(hash, size, 400_000, &bytes[400_000..]),
        Err(LedgerError::BadBytes(_))
    ));
    assert!(
        matches!(
            reader.ledger.blob_receive_finish(hash),
            Err(LedgerError::BadBytes(_))
        ),
        "not whole yet"
    );
    assert_eq!(
        reader.ledger.blobs_wanted(10).unwrap(),
        [(hash, size, 300_000)]
    );
    // The application is closed meanwhile.
    let Place { dir, ledger } = reader;
    drop(ledger);
    let again = open(dir.path());
    assert_eq!(again.blobs_wanted(10).unwrap(), [(hash, size, 300_000)]);
    again
        .blob_receive(hash, size, 300_000, &bytes[300_000..])
        .unwrap();
    again.blob_receive_finish(hash).unwrap();
    again.blob_receive_finish(hash).unwrap();
    assert!(again.blobs_wanted(10).unwrap().is_empty());
    assert!(again.blob_read(hash, 0, u64::MAX).unwrap() == bytes);
    assert!(
        again.blob_info(hash).unwrap().unwrap().delivered,
        "it came from there"
    );
}

#[test]
fn bytes_that_do_not_have_their_hash_are_thrown_away_and_fetched_again() {
    let bytes = vec![3; 300_000];
    let (_author, reader, hash) = author_and_reader(&bytes);
    let mut wrong = bytes.clone();
    wrong[299_999] = 4;
    reader
        .ledger
        .blob_receive(hash, 300_000, 0, &wrong)
        .unwrap();
    assert!(matches!(
        reader.ledger.blob_receive_finish(hash),
        Err(LedgerError::BadBytes(_))
    ));
    assert_eq!(
        reader.ledger.blobs_wanted(10).unwrap(),
        [(hash, 300_000, 0)]
    );
    assert!(matches!(
        reader.ledger.blob_read(hash, 0, 1),
        Err(LedgerError::NoSuchBlob)
    ));
    reader
        .ledger
        .blob_receive(hash, 300_000, 0, &bytes)
        .unwrap();
    reader.ledger.blob_receive_finish(hash).unwrap();
    assert!(reader.ledger.blob_read(hash, 0, u64::MAX).unwrap() == bytes);
}

#[test]
fn sizes_that_cannot_be_and_files_that_nobody_named_are_refused() {
    let bytes = vec![3; 1_000];
    let (_author, reader, hash) = author_and_reader(&bytes);
    let receive = |size, bytes: &[u8]| reader.ledger.blob_receive(hash, size, 0, bytes);
    assert!(matches!(receive(0, &[]), Err(LedgerError::EmptyFile)));
    assert!(matches!(
        receive((1 << 30) + 1, &bytes),
        Err(LedgerError::FileTooLarge)
    ));
    assert!(
        matches!(receive(999, &bytes), Err(LedgerError::BadBytes(_))),
        "more than it is said to have"
    );
    let unknown = hash_of(b"something else");
    assert!(matches!(
        reader.ledger.blob_receive(unknown, 10, 0, &bytes),
        Err(LedgerError::NoSuchBlob)
    ));
    assert!(matches!(
        reader.ledger.blob_receive_finish(unknown),
        Err(LedgerError::NoSuchBlob)
    ));
}

#[test]
fn a_wanted_file_that_is_taken_in_here_need_not_be_fetched() {
    let bytes = vec![8; 10_000];
    let (_author, reader, hash) = author_and_reader(&bytes);
    reader
        .ledger
        .blob_receive(hash, 10_000, 0, &bytes[..100])
        .unwrap();
    assert_eq!(import(&reader, &bytes), hash);
    assert!(reader.ledger.blobs_wanted(10).unwrap().is_empty());
    assert!(reader.ledger.blob_read(hash, 0, u64::MAX).unwrap() == bytes);
    assert!(
        reader.ledger.blobs_waiting(10).unwrap().is_empty(),
        "its author sends it"
    );
}

#[test]
fn evidence_named_by_an_entry_that_claims_another_size_still_arrives() {
    let author = device(1);
    let one = author.inspection(10, visit("海州培训中心"));
    let hash = hash_of(&[6; 500]);
    attach(&author, one, hash, u64::MAX);
    let reader = place();
    reader.pull(author.log());
    assert_eq!(
        reader.ledger.blobs_wanted(10).unwrap(),
        [(hash, 1 << 30, 0)]
    );
    reader.ledger.blob_receive(hash, 500, 0, &[6; 500]).unwrap();
    reader.ledger.blob_receive_finish(hash).unwrap();
    assert_eq!(reader.ledger.blob_info(hash).unwrap().unwrap().size, 500);
}
