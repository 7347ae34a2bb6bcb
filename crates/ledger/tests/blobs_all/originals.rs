//! Taking files in and giving them out again.

use std::io::{self, Read};

use sha2::{Digest as _, Sha256};
use shicha_domain::BlobHash;
use shicha_ledger::{LedgerError, Picture};

use crate::kit::*;

/// Bytes that no type has, different for each `seed`.
fn noise(seed: u64, size: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = vec![0];
    bytes.extend((1..size).map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    }));
    bytes
}

fn hash_of(bytes: &[u8]) -> BlobHash {
    BlobHash(Sha256::digest(bytes).into())
}

fn import(place: &Place, mut bytes: &[u8]) -> Result<shicha_ledger::Finished, LedgerError> {
    place.ledger.blob_import(&mut bytes, &mut |_| {}, NOW)
}

#[test]
fn what_comes_out_is_byte_for_byte_what_went_in() {
    let place = place();
    // Around the edges of chunks and of what is written at a time.
    for size in [1, 262_143, 262_144, 262_145, 5 << 20] {
        let bytes = noise(size as u64, size);
        let mut told = Vec::new();
        let taken = place
            .ledger
            .blob_import(&mut &bytes[..], &mut |done| told.push(done), NOW)
            .unwrap();
        assert_eq!((taken.hash, taken.size), (hash_of(&bytes), size as u64));
        assert_eq!(told.last(), Some(&(size as u64)));
        let mut copy = Vec::new();
        assert_eq!(
            place.ledger.blob_copy_to(taken.hash, &mut copy).unwrap(),
            size as u64
        );
        assert!(copy == bytes, "{size} bytes");
        for (offset, len) in [
            (0, 10),
            (262_140, 10),
            (size as u64 - 1, 10),
            (size as u64, 10),
            (u64::MAX, 1),
            (0, u64::MAX),
        ] {
            let from = usize::try_from(offset).unwrap_or(usize::MAX).min(size);
            let to = from
                .saturating_add(usize::try_from(len).unwrap_or(usize::MAX))
                .min(size);
            assert!(
                place.ledger.blob_read(taken.hash, offset, len).unwrap() == bytes[from..to],
                "{len} from {offset} of {size}"
            );
        }
    }
}

#[test]
fn evidence_is_there_after_the_ledger_was_closed_and_opened() {
    let place = place();
    let bytes = noise(1, 600_000);
    let hash = import(&place, &bytes).unwrap().hash;
    let Place { dir, ledger } = place;
    drop(ledger);
    let again = open(dir.path());
    assert!(again.blob_read(hash, 0, u64::MAX).unwrap() == bytes);
}

#[test]
fn the_same_bytes_are_kept_once() {
    let place = place();
    let bytes = noise(2, 300_000);
    let first = import(&place, &bytes).unwrap();
    assert_eq!(import(&place, &bytes).unwrap(), first);
    assert!(place.ledger.blob_read(first.hash, 0, u64::MAX).unwrap() == bytes);
}

#[test]
fn an_empty_file_is_refused() {
    let place = place();
    assert!(matches!(import(&place, &[]), Err(LedgerError::EmptyFile)));
    let upload = place.ledger.blob_begin(NOW).unwrap();
    assert!(matches!(
        place.ledger.blob_finish(upload),
        Err(LedgerError::EmptyFile)
    ));
    assert!(
        matches!(
            place.ledger.blob_finish(upload),
            Err(LedgerError::NoSuchBlob)
        ),
        "it is gone"
    );
}

/// Fails after some bytes, as a card that is pulled out.
struct Torn(usize);

impl Read for Torn {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::Error::other("card removed"));
        }
        let now = buffer.len().min(self.0);
        buffer[..now].fill(7);
        self.0 -= now;
        Ok(now)
    }
}

#[test]
fn a_file_that_cannot_be_read_to_its_end_is_not_taken() {
    let place = place();
    let result = place
        .ledger
        .blob_import(&mut Torn(9_000_000), &mut |_| {}, NOW);
    assert!(matches!(result, Err(LedgerError::Io(_))), "{result:?}");
    assert!(place.ledger.blobs_waiting(10).unwrap().is_empty());
    assert!(
        place
            .ledger
            .blob_info(hash_of(&vec![7; 9_000_000]))
            .unwrap()
            .is_none()
    );
}

#[test]
fn an_upload_goes_on_where_it_was_interrupted() {
    let place = place();
    let bytes = noise(3, 900_000);
    let upload = place.ledger.blob_begin(NOW).unwrap();
    assert_eq!(
        place
            .ledger
            .blob_write(upload, 0, &bytes[..400_000])
            .unwrap(),
        400_000
    );
    // The answer was lost: the piece comes again, and again with more.
    assert_eq!(
        place
            .ledger
            .blob_write(upload, 0, &bytes[..400_000])
            .unwrap(),
        400_000
    );
    assert_eq!(
        place
            .ledger
            .blob_write(upload, 300_000, &bytes[300_000..500_000])
            .unwrap(),
        500_000
    );
    let gap = place.ledger.blob_write(upload, 500_001, &bytes[500_001..]);
    assert!(matches!(gap, Err(LedgerError::BadBytes(_))), "{gap:?}");
    place
        .ledger
        .blob_write(upload, 500_000, &bytes[500_000..])
        .unwrap();
    let done = place.ledger.blob_finish(upload).unwrap();
    assert_eq!(done.hash, hash_of(&bytes));
    assert!(place.ledger.blob_read(done.hash, 0, u64::MAX).unwrap() == bytes);
    assert!(matches!(
        place.ledger.blob_write(upload, 900_000, b"more"),
        Err(LedgerError::NoSuchBlob)
    ));
}

#[test]
fn many_uploads_at_once_do_not_mix() {
    let place = place();
    let files: Vec<Vec<u8>> = (0..100)
        .map(|n| noise(1_000 + n, 2_000 + n as usize))
        .collect();
    let uploads: Vec<_> = files
        .iter()
        .map(|_| place.ledger.blob_begin(NOW).unwrap())
        .collect();
    for half in 0..2 {
        for (upload, bytes) in uploads.iter().zip(&files) {
            let (from, to) = if half == 0 {
                (0, 1_000)
            } else {
                (1_000, bytes.len())
            };
            place
                .ledger
                .blob_write(*upload, from as u64, &bytes[from..to])
                .unwrap();
        }
    }
    for (upload, bytes) in uploads.into_iter().zip(&files) {
        assert_eq!(
            place.ledger.blob_finish(upload).unwrap().hash,
            hash_of(bytes)
        );
    }
}

#[test]
fn what_was_never_finished_is_gone_at_the_next_opening_and_what_was_aborted_at_once() {
    let place = place();
    let aborted = place.ledger.blob_begin(NOW).unwrap();
    place.ledger.blob_write(aborted, 0, b"abc").unwrap();
    place.ledger.blob_abort(aborted).unwrap();
    place.ledger.blob_abort(aborted).unwrap();
    assert!(matches!(
        place.ledger.blob_finish(aborted),
        Err(LedgerError::NoSuchBlob)
    ));
    let unfinished = place.ledger.blob_begin(NOW).unwrap();
    place
        .ledger
        .blob_write(unfinished, 0, &noise(4, 500_000))
        .unwrap();
    let Place { dir, ledger } = place;
    drop(ledger);
    let again = open(dir.path());
    assert!(matches!(
        again.blob_write(unfinished, 500_000, b"x"),
        Err(LedgerError::NoSuchBlob)
    ));
}

#[test]
fn the_type_is_what_the_bytes_are_whatever_they_are_called() {
    let place = place();
    for (bytes, mime) in [
        (&b"%PDF-1.7 and so on"[..], "application/pdf"),
        ("现场笔录：未见异常。\n".as_bytes(), "text/plain"),
        (
            b"<!DOCTYPE html><html><script>alert(1)</script></html>",
            "text/html",
        ),
        (b"\x00\x01\x02", "application/octet-stream"),
        // Something that only begins like a picture.
        (
            b"\xff\xd8\xff\xe0 this is no photo",
            "application/octet-stream",
        ),
        (
            b"\x89PNG\r\n\x1a\n and nothing behind it",
            "application/octet-stream",
        ),
        (b"ID3\x03\x00\x00\x00\x00\x00\x21 music", "audio/mpeg"),
    ] {
        let taken = import(&place, bytes).unwrap();
        assert_eq!(taken.mime, mime);
        let info = place.ledger.blob_info(taken.hash).unwrap().unwrap();
        assert_eq!((info.mime.as_str(), info.picture), (mime, Picture::None));
        assert_eq!(place.ledger.thumbnail(taken.hash, 320).unwrap(), None);
    }
}

#[test]
fn what_is_not_here_is_said_not_to_be_here() {
    let place = place();
    let hash = BlobHash([5; 32]);
    assert!(place.ledger.blob_info(hash).unwrap().is_none());
    assert!(matches!(
        place.ledger.blob_read(hash, 0, 1),
        Err(LedgerError::NoSuchBlob)
    ));
    assert!(matches!(
        place.ledger.blob_copy_to(hash, &mut Vec::new()),
        Err(LedgerError::NoSuchBlob)
    ));
    assert_eq!(place.ledger.thumbnail(hash, 320).unwrap(), None);
}
