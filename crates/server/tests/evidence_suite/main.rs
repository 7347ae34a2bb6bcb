//! What every place of evidence promises, held against each implementation. A new one adds one line at the end.
#![allow(clippy::unwrap_used)]

mod bucket;
#[path = "../common/s3.rs"]
mod s3;

use std::{
    sync::Barrier,
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

use sha2::{Digest as _, Sha256};
use shicha_domain::{BlobHash, DeviceId};
use shicha_server::evidence::{Evidence, EvidenceError, Held, Location, Sender, Swept};
use shicha_sync::protocol::MAX_BLOB;
use uuid::Uuid;

use crate::s3::S3;

/// Two who send.
pub(crate) const A: Sender = Sender::Device(DeviceId(Uuid::from_u128(1)));
const B: Sender = Sender::Device(DeviceId(Uuid::from_u128(2)));

/// Something that evidence can be kept in.
trait Place: Sync {
    fn new() -> Self;
    /// As one of several processes opens it.
    fn open(&self) -> Box<dyn Evidence>;
}

struct Folder(tempfile::TempDir);

impl Place for Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn open(&self) -> Box<dyn Evidence> {
        Location::from(self.0.path()).open().unwrap()
    }
}

impl Place for S3 {
    fn new() -> Self {
        Self::start()
    }

    fn open(&self) -> Box<dyn Evidence> {
        self.location().open().unwrap()
    }
}

/// Bytes without a pattern that a mistake could hide in.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ length as u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

pub(crate) fn hash(bytes: &[u8]) -> BlobHash {
    BlobHash(Sha256::digest(bytes).into())
}

/// Sends from where it stopped in parts of so many bytes, as a device does, until it is whole.
pub(crate) fn send(
    evidence: &dyn Evidence,
    name: BlobHash,
    bytes: &[u8],
    part: usize,
) -> Result<u64, EvidenceError> {
    send_as(A, evidence, name, bytes, part)
}

fn send_as(
    by: Sender,
    evidence: &dyn Evidence,
    name: BlobHash,
    bytes: &[u8],
    part: usize,
) -> Result<u64, EvidenceError> {
    let total = bytes.len() as u64;
    let mut at = match evidence.held(name, by)? {
        Held::Whole(size) => return Ok(size),
        Held::Part(at) => at,
    };
    while at < total {
        let end = bytes.len().min(at as usize + part);
        match evidence.append(name, by, at, total, bytes[at as usize..end].to_vec()) {
            Ok(Held::Whole(size)) => return Ok(size),
            Ok(Held::Part(end)) => at = end,
            Err(EvidenceError::Offset(right)) => at = right,
            Err(error) => return Err(error),
        }
    }
    evidence.finish(name, by)
}

pub(crate) fn all_of(evidence: &dyn Evidence, name: BlobHash) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let piece = evidence.read(name, bytes.len() as u64, 1 << 20).unwrap()?;
        if piece.is_empty() {
            return Some(bytes);
        }
        bytes.extend(piece);
    }
}

fn is_offset(result: Result<Held, EvidenceError>, right: u64) -> bool {
    matches!(result, Err(EvidenceError::Offset(told)) if told == right)
}

fn a_file_goes_on_where_it_stopped_at_whichever_process<P: Place>() {
    let place = P::new();
    let (one, other) = (place.open(), place.open());
    let bytes = noise(100_000);
    let (name, total) = (hash(&bytes), bytes.len() as u64);
    assert_eq!(one.held(name, A).unwrap(), Held::Part(0));
    let first = one.append(name, A, 0, total, bytes[..40_000].to_vec());
    assert_eq!(first.unwrap(), Held::Part(40_000));
    drop(one);
    assert_eq!(
        other.held(name, A).unwrap(),
        Held::Part(40_000),
        "what has arrived is kept, and another process knows it"
    );
    assert!(is_offset(
        other.append(name, A, 0, total, bytes[..10].to_vec()),
        40_000
    ));
    assert!(is_offset(
        other.append(name, A, 50_000, total, bytes[50_000..].to_vec()),
        40_000
    ));
    assert_eq!(
        other.append(name, A, 40_000, total, Vec::new()).unwrap(),
        Held::Part(40_000),
        "nothing is a part, too: a device asks by it"
    );
    let rest = other.append(name, A, 40_000, total, bytes[40_000..].to_vec());
    assert_eq!(rest.unwrap(), Held::Part(total));
    assert_eq!(
        all_of(&*other, name),
        None,
        "before its hash was computed it is not there"
    );
    assert_eq!(other.finish(name, A).unwrap(), total);
    let third = place.open();
    assert_eq!(third.held(name, A).unwrap(), Held::Whole(total));
    assert_eq!(all_of(&*third, name).unwrap(), bytes);
    assert_eq!(third.finish(name, A).unwrap(), total, "safe to repeat");
    let again = third.append(name, A, 0, total, bytes[..10].to_vec());
    assert_eq!(
        again.unwrap(),
        Held::Whole(total),
        "what is whole takes no more"
    );
}

fn bytes_that_are_not_what_they_were_said_to_be_are_thrown_away<P: Place>() {
    let place = P::new();
    let evidence = place.open();
    let bytes = noise(50_000);
    let name = hash(&bytes);
    let mut wrong = bytes.clone();
    wrong[30_000] ^= 1;
    for part in [20_000, 50_000] {
        assert!(matches!(
            send(&*evidence, name, &wrong, part),
            Err(EvidenceError::HashMismatch)
        ));
        assert_eq!(evidence.held(name, A).unwrap(), Held::Part(0));
    }
    assert!(matches!(
        evidence.finish(name, A),
        Err(EvidenceError::Offset(0))
    ));
    assert_eq!(send(&*evidence, name, &bytes, 20_000).unwrap(), 50_000);
    assert_eq!(all_of(&*evidence, name).unwrap(), bytes);
}

fn more_bytes_than_were_announced_or_allowed_are_refused<P: Place>() {
    let place = P::new();
    let evidence = place.open();
    let name = BlobHash([9; 32]);
    for (offset, total) in [(0, 2), (0, MAX_BLOB + 1), (0, 0)] {
        assert!(matches!(
            evidence.append(name, A, offset, total, b"abc".to_vec()),
            Err(EvidenceError::TooLarge)
        ));
    }
    let beyond = evidence.append(name, A, u64::MAX, u64::MAX, b"abc".to_vec());
    assert!(matches!(
        beyond,
        Err(EvidenceError::TooLarge | EvidenceError::Offset(0))
    ));
    assert_eq!(evidence.held(name, A).unwrap(), Held::Part(0));
}

fn any_bytes_of_a_whole_file_can_be_read<P: Place>() {
    let place = P::new();
    let evidence = place.open();
    let bytes = noise(300_001);
    let name = evidence.put(&bytes).unwrap();
    assert_eq!(name, hash(&bytes));
    assert_eq!(evidence.put(&bytes).unwrap(), name, "safe to repeat");
    for (offset, length) in [
        (0, 1),
        (0, 300_001),
        (0, 1 << 20),
        (299_999, 10),
        (123_456, 65_536),
    ] {
        let end = bytes.len().min(offset + length);
        assert_eq!(
            evidence.read(name, offset as u64, length).unwrap().unwrap(),
            bytes[offset..end]
        );
    }
    for beyond in [300_001, 300_002, u64::MAX] {
        assert_eq!(evidence.read(name, beyond, 10).unwrap().unwrap(), b"");
    }
    assert_eq!(
        evidence.read(BlobHash([1; 32]), 0, 10).unwrap(),
        None,
        "of what is not there nothing is read"
    );
    assert_eq!(evidence.hash_again(name).unwrap(), Some(name));
    assert_eq!(evidence.hash_again(BlobHash([1; 32])).unwrap(), None);
}

fn a_large_file_in_odd_parts_becomes_whole<P: Place>() {
    let place = P::new();
    let evidence = place.open();
    // More than two blocks, and parts that fit into none.
    let bytes = noise(17 * 1024 * 1024 + 11);
    let name = hash(&bytes);
    assert_eq!(
        send(&*evidence, name, &bytes, 3_333_333).unwrap(),
        bytes.len() as u64
    );
    assert_eq!(place.open().hash_again(name).unwrap(), Some(name));
    let mut wrong = bytes.clone();
    wrong[12_000_000] ^= 1;
    let name = BlobHash([7; 32]);
    assert!(matches!(
        send(&*evidence, name, &wrong, 3_333_333),
        Err(EvidenceError::HashMismatch)
    ));
    assert_eq!(evidence.held(name, A).unwrap(), Held::Part(0));
}

fn several_senders_of_one_file_at_once_make_it_whole_and_nothing_else<P: Place>() {
    let place = P::new();
    let bytes = noise(400_000);
    let name = hash(&bytes);
    let mut wrong = bytes.clone();
    wrong[7] ^= 1;
    // Different parts, through different processes; two are of one device, and one does not send what it says.
    let senders = [
        (A, &bytes, 30_011),
        (A, &bytes, 77_777),
        (B, &wrong, 50_000),
        (Sender::Endpoint, &bytes, 130_000),
    ];
    let together = Barrier::new(senders.len());
    thread::scope(|scope| {
        for (by, bytes, part) in senders {
            let (place, together) = (&place, &together);
            scope.spawn(move || {
                let evidence = place.open();
                together.wait();
                for _ in 0..20 {
                    match send_as(by, &*evidence, name, bytes, part) {
                        Ok(size) => {
                            assert_eq!(size, bytes.len() as u64);
                            return;
                        }
                        Err(EvidenceError::HashMismatch) if by == B => {}
                        Err(EvidenceError::Offset(_)) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
            });
        }
    });
    let evidence = place.open();
    assert_eq!(send(&*evidence, name, &bytes, 400_000).unwrap(), 400_000);
    assert_eq!(all_of(&*evidence, name).unwrap(), bytes);
}

fn what_one_sends_neither_spoils_nor_ends_what_another_sends<P: Place>() {
    let place = P::new();
    let evidence = place.open();
    let bytes = noise(50_000);
    let (name, total) = (hash(&bytes), bytes.len() as u64);
    let half = bytes[..30_000].to_vec();
    evidence.append(name, A, 0, total, half).unwrap();
    // Nothing of it is there for another, who says that it is shorter, sends something else, and is done with it.
    assert_eq!(evidence.held(name, B).unwrap(), Held::Part(0));
    assert!(is_offset(
        evidence.append(name, B, 30_000, 1, Vec::new()),
        0
    ));
    assert!(matches!(
        evidence.finish(name, B),
        Err(EvidenceError::Offset(0))
    ));
    for length in [1, 1_000, 50_000] {
        let sent = send_as(B, &*evidence, name, &noise(length + 1), length.div_ceil(2));
        assert!(matches!(sent, Err(EvidenceError::HashMismatch)), "{length}");
    }
    evidence.append(name, B, 0, 60_000, noise(40_000)).unwrap();
    assert_eq!(evidence.held(name, A).unwrap(), Held::Part(30_000));
    assert_eq!(evidence.held(name, B).unwrap(), Held::Part(40_000));
    let rest = evidence.append(name, A, 30_000, total, bytes[30_000..].to_vec());
    assert_eq!(rest.unwrap(), Held::Part(total));
    assert_eq!(evidence.finish(name, A).unwrap(), total);
    assert_eq!(all_of(&*evidence, name).unwrap(), bytes);
    assert_eq!(evidence.held(name, B).unwrap(), Held::Whole(total));
}

fn what_nobody_went_on_with_is_swept_and_what_is_whole_stays<P: Place>() {
    let place = P::new();
    let evidence = place.open();
    let whole = evidence.put(&noise(5_000)).unwrap();
    let bytes = noise(60_000);
    let name = hash(&bytes);
    for (at, end) in [(0, 10_000), (10_000, 30_000)] {
        let part = bytes[at..end].to_vec();
        evidence.append(name, A, at as u64, 60_000, part).unwrap();
    }
    let now_ms = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_millis() as u64;
    assert_eq!(
        evidence.sweep(now_ms - 3_600_000).unwrap(),
        Swept::default(),
        "an hour has not passed"
    );
    assert_eq!(evidence.held(name, A).unwrap(), Held::Part(30_000));
    let swept = place.open().sweep(now_ms + 3_600_000).unwrap();
    assert_eq!((swept.files, swept.bytes), (1, 30_000));
    assert_eq!(evidence.held(name, A).unwrap(), Held::Part(0));
    assert!(is_offset(
        evidence.append(name, A, 30_000, 60_000, bytes[30_000..].to_vec()),
        0
    ));
    assert_eq!(
        send(&*evidence, name, &bytes, 25_000).unwrap(),
        60_000,
        "a device that comes back sends from the start"
    );
    assert_eq!(evidence.hash_again(whole).unwrap(), Some(whole));
    assert_eq!(
        evidence.sweep(u64::MAX).unwrap(),
        Swept::default(),
        "nothing is left over once it is whole"
    );
}

macro_rules! suite {
    ($module:ident, $place:ty: $($name:ident),* $(,)?) => {
        mod $module {
            $(#[test]
            fn $name() {
                super::$name::<$place>();
            })*
        }
    };
}

macro_rules! every_place {
    ($($name:ident),* $(,)?) => {
        suite!(folder, super::Folder: $($name),*);
        suite!(s3_bucket, super::S3: $($name),*);
    };
}

every_place!(
    a_file_goes_on_where_it_stopped_at_whichever_process,
    bytes_that_are_not_what_they_were_said_to_be_are_thrown_away,
    more_bytes_than_were_announced_or_allowed_are_refused,
    any_bytes_of_a_whole_file_can_be_read,
    a_large_file_in_odd_parts_becomes_whole,
    several_senders_of_one_file_at_once_make_it_whole_and_nothing_else,
    what_one_sends_neither_spoils_nor_ends_what_another_sends,
    what_nobody_went_on_with_is_swept_and_what_is_whole_stays,
);
