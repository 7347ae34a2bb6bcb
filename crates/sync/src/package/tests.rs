//! What a package promises to whoever gets one, and what becomes of files that are none.
#![allow(clippy::unwrap_used)]

use std::io::{Cursor, Write as _};

use sha2::{Digest as _, Sha256};
use shicha_domain::suite::{PublicKey, SigningKey};
use shicha_domain::{BlobHash, DeviceId, Entry, EntryId, Event, Hlc, PersonId, RecordId, receipt};
use uuid::Uuid;

use super::*;
use crate::protocol::{BatchWriter, signing, wire};

mod updates;

const NOW: u64 = 1_650_000_000_000;

fn endpoint() -> SigningKey {
    SigningKey::from_bytes(&[1; 32])
}

fn laptop() -> SigningKey {
    SigningKey::from_bytes(&[2; 32])
}

fn public(key: &SigningKey) -> PublicKey {
    key.public_key()
}

fn device() -> DeviceId {
    DeviceId(Uuid::from_u128(7))
}

fn label() -> Label {
    let key = public(&endpoint());
    Label {
        id: Uuid::from_u128(99),
        from: Party::Device { device: device() },
        to: Party::Endpoint { key },
        endpoint: key,
        made_at_ms: NOW,
        software: "0".into(),
    }
}

fn push(entries: u64) -> Vec<u8> {
    let mut batch = BatchWriter::new();
    let mut head = (0, EntryId::NONE);
    for seq in 1..=entries {
        let event = Event::Set {
            field: "name".into(),
            value: format!("第{seq}条").into(),
            replaces: vec![],
        };
        let entry = Entry {
            device: device(),
            seq,
            prev: head.1,
            after: None,
            at: Hlc::from_ms(NOW + seq),
            author: PersonId(Uuid::from_u128(3)),
            channel: "own/320703".parse().unwrap(),
            record: RecordId(Uuid::from_u128(u128::from(seq))),
            event: event.to_bytes().unwrap(),
            again: None,
        };
        head = (seq, entry.id());
        batch.row(0, None, head.1, &entry);
    }
    let said = receipt::push_bytes(device(), head.0, head.1);
    wire::write_push(&signing::sign(&laptop(), &said), batch).unwrap()
}

fn hash(bytes: &[u8]) -> BlobHash {
    BlobHash(Sha256::digest(bytes).into())
}

fn photo() -> Vec<u8> {
    (0..90_000_u32).map(|n| ((n * 7919) >> 5) as u8).collect()
}

fn made() -> Vec<u8> {
    let mut watch = unwatched();
    let key = public(&endpoint());
    let mut writer = Writer::begin(Vec::new(), &label(), &key, &laptop(), &mut watch).unwrap();
    writer.message(Kind::Wanted, &Wanted::default()).unwrap();
    writer.bytes(Kind::Push, &push(40)).unwrap();
    let photo = photo();
    writer.evidence(hash(&photo), photo.len() as u64).unwrap();
    for part in photo.chunks(50_000) {
        writer.part(part).unwrap();
    }
    writer.finish().unwrap().0
}

/// Looks at it as the endpoint does that knows the laptop.
fn looked(bytes: &[u8]) -> Result<Looked, PackageFault> {
    looked_by(bytes, &endpoint(), &|label| {
        (label.from == Party::Device { device: device() }).then(|| public(&laptop()))
    })
}

fn looked_by(
    bytes: &[u8],
    key: &SigningKey,
    sender: &dyn Fn(&Label) -> Option<PublicKey>,
) -> Result<Looked, PackageFault> {
    let opening = Opening {
        me: &[Party::Endpoint { key: public(key) }],
        key,
        sender,
    };
    look(bytes, &opening, &mut unwatched())
}

/// A package with any bytes in its sealed part.
fn sealed(inside: &[u8]) -> Vec<u8> {
    let mut out = label().to_front().unwrap();
    let to = super::keys::recipient(&public(&endpoint())).unwrap();
    let sealing = age::Encryptor::with_recipients(std::iter::once(&to as _)).unwrap();
    let mut writer = sealing.wrap_output(&mut out).unwrap();
    writer.write_all(inside).unwrap();
    writer.finish().unwrap();
    out
}

fn heading(kind: u8, size: u64) -> Vec<u8> {
    let mut heading = vec![kind];
    heading.extend_from_slice(&size.to_be_bytes());
    heading.extend_from_slice(&[0; 32]);
    heading
}

#[test]
fn a_package_is_shown_before_it_is_taken_and_gives_what_was_shown() {
    let bytes = made();
    let looked = looked(&bytes).unwrap();
    assert_eq!(looked.label, label());
    assert_eq!(looked.contents.entries(), 40);
    assert_eq!(looked.contents.records, 40);
    assert_eq!(looked.contents.evidence, 1);
    assert_eq!(looked.contents.evidence_bytes, 90_000);
    assert_eq!(looked.contents.from_ms, Some(NOW + 1));
    assert_eq!(looked.contents.until_ms, Some(NOW + 40));
    let mut watch = unwatched();
    let mut pieces = Pieces::open(&bytes[..], &looked, &endpoint(), &mut watch).unwrap();
    let mut kinds = Vec::new();
    let mut evidence = Vec::new();
    while let Some(piece) = pieces.next_piece().unwrap() {
        kinds.push(piece.kind);
        if piece.kind == Kind::Evidence {
            let mut part = [0; 10_000];
            loop {
                match pieces.read(&mut part).unwrap() {
                    0 => break,
                    n => evidence.extend_from_slice(&part[..n]),
                }
            }
        } else {
            pieces.message(&piece).unwrap();
        }
    }
    assert_eq!(kinds, [Kind::Wanted, Kind::Push, Kind::Evidence]);
    assert_eq!(evidence, photo());
    assert_eq!(read_label(&bytes[..]).unwrap(), label());
}

#[test]
fn a_package_that_was_cut_off_anywhere_is_refused() {
    let bytes = made();
    let near_the_ends = (0..600).chain(bytes.len() - 200..bytes.len());
    for length in near_the_ends.chain((600..bytes.len()).step_by(997)) {
        match looked(&bytes[..length]) {
            Err(PackageFault::Damaged(_)) => {}
            Err(PackageFault::NotAPackage) if length == 0 => {}
            other => panic!("cut to {length} bytes: {other:?}"),
        }
    }
    let mut longer = bytes;
    longer.push(0);
    assert!(matches!(looked(&longer), Err(PackageFault::Damaged(_))));
}

#[test]
fn a_package_in_which_one_byte_was_changed_is_refused() {
    let bytes = made();
    // Every byte of the label and of the seal, and a sample of the rest.
    for at in (0..900).chain((900..bytes.len()).step_by(997)) {
        let flip = 1 << (at % 8);
        let mut changed = bytes.clone();
        changed[at] ^= flip;
        assert!(looked(&changed).is_err(), "byte {at} ^ {flip:#x}");
    }
}

#[test]
fn a_package_for_somebody_else_is_not_opened_and_says_for_whom_it_is() {
    let other = SigningKey::from_bytes(&[5; 32]);
    let found = looked_by(&made(), &other, &|_| Some(public(&laptop())));
    assert!(matches!(found, Err(PackageFault::ForAnother(to)) if to == label().to));
    // Neither is one whose label was made to say so.
    let opening = Opening {
        me: &[label().to],
        key: &other,
        sender: &|_| Some(public(&laptop())),
    };
    let found = look(&made()[..], &opening, &mut unwatched());
    assert!(matches!(found, Err(PackageFault::Damaged(_))), "{found:?}");
}

#[test]
fn a_package_of_somebody_unknown_or_under_a_false_name_is_refused() {
    let found = looked_by(&made(), &endpoint(), &|_| None);
    assert!(matches!(found, Err(PackageFault::UnknownSender(_))));
    let other = SigningKey::from_bytes(&[5; 32]);
    let found = looked_by(&made(), &endpoint(), &|_| Some(public(&other)));
    assert!(matches!(found, Err(PackageFault::NotSigned)));
}

#[test]
fn a_package_of_a_newer_format_says_that_this_version_is_too_old_for_it() {
    let mut newer = made();
    newer[18] = 3;
    assert!(matches!(
        looked(&newer),
        Err(PackageFault::Newer { found: 3, known: 2 })
    ));
    let mut never = made();
    never[18] = 0;
    assert!(matches!(looked(&never), Err(PackageFault::Malformed(_))));
}

#[test]
fn other_files_are_told_from_packages() {
    for file in [&b""[..], b"PK\x03\x04", &[0; 4096], b"shicha-something"] {
        assert!(matches!(looked(file), Err(PackageFault::NotAPackage)));
    }
}

#[test]
fn lengths_that_no_piece_has_take_no_memory_and_are_refused() {
    for (kind, size) in [
        (1, u64::MAX),
        (1, (16 << 20) + 1),
        (4, (1 << 30) + 1),
        (4, 0),
        (6, u64::MAX),
        (255, 66),
        (99, 5),
    ] {
        let found = looked(&sealed(&heading(kind, size)));
        assert!(
            matches!(found, Err(PackageFault::Malformed(_))),
            "{found:?}"
        );
    }
    // Allowed by itself, and more than there is.
    let found = looked(&sealed(&heading(4, 1 << 30)));
    assert!(matches!(found, Err(PackageFault::Damaged(_))));
    // A label and a head of the sealed part without an end.
    let mut long = label().to_front().unwrap();
    long[19..23].copy_from_slice(&u32::MAX.to_be_bytes());
    assert!(matches!(looked(&long), Err(PackageFault::Damaged(_))));
    let mut endless = label().to_front().unwrap();
    endless.extend_from_slice(b"age-encryption.org/v1\n");
    endless.extend(b"-> X25519 ".iter().cycle().take(1 << 20));
    assert!(matches!(looked(&endless), Err(PackageFault::Damaged(_))));
}

#[test]
fn a_push_that_unfolds_to_more_than_is_allowed_is_refused() {
    let bomb = zstd::encode_all(Cursor::new(vec![0; 64 << 20]), 19).unwrap();
    let mut inside = Piece::of(Kind::Push, &bomb).to_bytes().to_vec();
    inside.extend_from_slice(&bomb);
    let found = looked(&sealed(&inside));
    assert!(
        matches!(&found, Err(PackageFault::Malformed(why)) if why.contains("too large")),
        "{found:?}"
    );
}

#[test]
fn nothing_may_follow_the_signature_and_nothing_may_stand_where_it_does_not_belong() {
    let numbers = Piece::of(Kind::Numbers, b"{}");
    let mut inside = numbers.to_bytes().to_vec();
    inside.extend_from_slice(b"{}");
    assert!(
        matches!(looked(&sealed(&inside)), Err(PackageFault::Malformed(_))),
        "a device lends no numbers"
    );
    let list = List::default();
    let signature = list.sign(&label().to_front().unwrap(), &laptop());
    let mut inside = Piece::of(Kind::End, signature.tagged()).to_bytes().to_vec();
    inside.extend_from_slice(signature.tagged());
    assert!(looked(&sealed(&inside)).is_ok(), "an empty package is one");
    inside.push(0);
    assert!(matches!(
        looked(&sealed(&inside)),
        Err(PackageFault::Malformed(_))
    ));
}

#[test]
fn a_stick_that_was_changed_after_looking_gives_nothing_else_than_what_was_shown() {
    let bytes = made();
    let seen = looked(&bytes).unwrap();
    let mut watch = unwatched();
    let mut other = Writer::begin(
        Vec::new(),
        &label(),
        &public(&endpoint()),
        &laptop(),
        &mut watch,
    )
    .unwrap();
    other.bytes(Kind::Push, &push(3)).unwrap();
    let (other, _) = other.finish().unwrap();
    let mut watch = unwatched();
    let mut pieces = Pieces::open(&other[..], &seen, &endpoint(), &mut watch).unwrap();
    assert!(matches!(pieces.next_piece(), Err(PackageFault::Damaged(_))));
}

#[test]
fn looking_and_writing_can_be_stopped() {
    let bytes = made();
    let opening = Opening {
        me: &[label().to],
        key: &endpoint(),
        sender: &|_| Some(public(&laptop())),
    };
    let found = look(&bytes[..], &opening, &mut |done| done < 40_000);
    assert!(matches!(found, Err(PackageFault::Stopped)), "{found:?}");
    let mut until = |done| done < 40_000;
    let key = public(&endpoint());
    let mut writer = Writer::begin(Vec::new(), &label(), &key, &laptop(), &mut until).unwrap();
    writer.evidence(hash(&photo()), 90_000).unwrap();
    assert!(matches!(writer.part(&photo()), Err(PackageFault::Stopped)));
}

#[test]
fn evidence_that_is_not_what_it_should_be_is_not_written() {
    let key = public(&endpoint());
    for (parts, why) in [
        (&[&b"abd"[..]][..], "other bytes"),
        (&[b"abcd"], "more bytes"),
        (&[b"ab"], "fewer bytes"),
    ] {
        let mut watch = unwatched();
        let mut writer = Writer::begin(Vec::new(), &label(), &key, &laptop(), &mut watch).unwrap();
        writer.evidence(hash(b"abc"), 3).unwrap();
        let written = parts.iter().try_for_each(|part| writer.part(part));
        assert!(written.and_then(|()| writer.finish()).is_err(), "{why}");
    }
}

#[test]
fn a_file_bears_its_name_only_once_it_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("一周.shicha");
    let names = || {
        let mut names: Vec<_> = std::fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    let mut file = PackageFile::begin(&path, 100).unwrap();
    file.write_all(b"half").unwrap();
    assert_eq!(names(), ["一周.shicha.part"]);
    drop(file);
    assert!(names().is_empty(), "stopped: nothing is left");
    let mut file = PackageFile::begin(&path, 100).unwrap();
    file.write_all(b"whole").unwrap();
    assert_eq!(file.keep().unwrap(), 5);
    assert_eq!(names(), ["一周.shicha"]);
    let found = PackageFile::begin(&path, u64::MAX / 2);
    assert!(matches!(found, Err(PackageFault::NoSpace { .. })));
}
