//! Package files.
//!
//! Whatever stands in a package is sealed and signed, which no fuzzer guesses. So the first byte says what is made of the rest: 0 the very
//! file; 1 a label before an ordinary sealed part; 2 the inside of the sealed part; 3 pieces `<kind><length: 2 bytes><bytes>` with right
//! headings and the sender's signature, sealed, as a hostile sender would make them.

use std::io::{Cursor, Write as _};

use age::{Encryptor, x25519::Recipient};
use bech32::{Bech32, Hrp};
use sha2::{Digest as _, Sha256};
use shicha_domain::DeviceId;
use shicha_domain::suite::SigningKey;
use shicha_sync::{
    package::{
        FORMAT, Kind, Label, Looked, MAX_LABEL, Opening, PackageFault, Party, Pieces, Writer, look,
        read_label, unwatched,
    },
    protocol::signing,
};
use uuid::Uuid;

/// The key of the endpoint that packages are for.
pub fn endpoint() -> SigningKey {
    SigningKey::from_bytes(&[1; 32])
}

/// The key of the laptop that packages are from.
pub fn laptop() -> SigningKey {
    SigningKey::from_bytes(&[2; 32])
}

/// The laptop.
pub fn device() -> DeviceId {
    DeviceId(Uuid::from_u128(101))
}

/// The label of a package from the laptop to the endpoint.
pub fn label() -> Label {
    let key = endpoint().public_key();
    Label {
        id: Uuid::from_u128(99),
        from: Party::Device { device: device() },
        to: Party::Endpoint { key },
        endpoint: key,
        made_at_ms: crate::log::NOW,
        software: "0".into(),
    }
}

/// A file is looked at and gives the pieces that were looked at, or is refused with a reason.
pub fn hold(bytes: &[u8]) {
    let Some((how, rest)) = bytes.split_first() else {
        return;
    };
    match how % 4 {
        0 => file(rest),
        1 => file(&[&front(rest), &sealed(&ended(&front(rest), &[]))[..]].concat()),
        2 => file(&[&ordinary_front(), &sealed(rest)[..]].concat()),
        _ => {
            let mut inside = Vec::new();
            let mut headings = Vec::new();
            for piece in pieces(rest) {
                headings.extend_from_slice(&piece[..41]);
                inside.extend_from_slice(&piece);
            }
            inside.extend(ended(&ordinary_front(), &headings));
            file(&[&ordinary_front(), &sealed(&inside)[..]].concat());
        }
    }
}

fn ordinary_front() -> Vec<u8> {
    front(&serde_json::to_vec(&label()).unwrap())
}

fn front(label: &[u8]) -> Vec<u8> {
    let mut front = b"shicha-package\0".to_vec();
    front.extend_from_slice(&FORMAT.to_be_bytes());
    front.extend_from_slice(&(label.len() as u32).to_be_bytes());
    front.extend_from_slice(label);
    front
}

/// Pieces with the headings that belong to them.
fn pieces(mut plan: &[u8]) -> Vec<Vec<u8>> {
    let mut pieces = Vec::new();
    while let [kind, a, b, rest @ ..] = plan {
        let length = usize::from(u16::from_be_bytes([*a, *b])).min(rest.len());
        let (bytes, after) = rest.split_at(length);
        pieces.push(piece(*kind, bytes));
        plan = after;
    }
    pieces
}

fn piece(kind: u8, bytes: &[u8]) -> Vec<u8> {
    let mut piece = vec![kind];
    piece.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
    piece.extend_from_slice(&Sha256::digest(bytes));
    piece.extend_from_slice(bytes);
    piece
}

/// The last piece: the sender's signature.
fn ended(front: &[u8], headings: &[u8]) -> Vec<u8> {
    let signature = signing::sign(&laptop(), &signing::package_bytes(front, headings));
    piece(Kind::End as u8, signature.tagged())
}

fn sealed(inside: &[u8]) -> Vec<u8> {
    let key = endpoint().verifying_key().to_montgomery();
    let text = bech32::encode::<Bech32>(Hrp::parse_unchecked("age"), &key).unwrap();
    let recipient: Recipient = text.parse().unwrap();
    let mut out = Vec::new();
    let mut writer = Encryptor::with_recipients(std::iter::once(&recipient as _))
        .unwrap()
        .wrap_output(&mut out)
        .unwrap();
    writer.write_all(inside).unwrap();
    writer.finish().unwrap();
    out
}

fn file(bytes: &[u8]) {
    let _ = read_label(&mut Cursor::new(bytes));
    let key = endpoint();
    let me = [label().to];
    let opening = Opening {
        me: &me,
        key: &key,
        sender: &|label| {
            (label.from == Party::Device { device: device() }).then(|| laptop().public_key())
        },
    };
    match look(bytes, &opening, &mut unwatched()) {
        Ok(looked) => same_pieces(bytes, &looked, &key),
        Err(fault) => assert!(
            !matches!(fault, PackageFault::Io(_)) && fault.to_string().len() < 4 * MAX_LABEL,
            "bytes are to blame, not the disk: {fault:?}"
        ),
    }
}

fn same_pieces(bytes: &[u8], looked: &Looked, key: &SigningKey) {
    let mut watch = unwatched();
    let mut pieces = Pieces::open(bytes, looked, key, &mut watch).unwrap();
    let mut evidence = 0;
    for expected in &looked.list.pieces {
        let piece = pieces.next_piece().unwrap().unwrap();
        assert_eq!(piece, *expected);
        if piece.kind.is_file() {
            evidence += u64::from(piece.kind == Kind::Evidence);
        } else {
            assert!(
                pieces.message(&piece).is_ok(),
                "what was looked at is given"
            );
        }
    }
    assert!(pieces.next_piece().unwrap().is_none());
    assert_eq!(looked.contents.evidence, evidence);
}

/// An ordinary package with these pieces.
pub fn made(pieces: &[(Kind, Vec<u8>)]) -> Vec<u8> {
    let mut watch = unwatched();
    let key = endpoint().public_key();
    let mut writer = Writer::begin(Vec::new(), &label(), &key, &laptop(), &mut watch).unwrap();
    for (kind, bytes) in pieces {
        if *kind == Kind::Evidence {
            let hash = shicha_domain::BlobHash(Sha256::digest(bytes).into());
            writer.evidence(hash, bytes.len() as u64).unwrap();
            writer.part(bytes).unwrap();
        } else {
            writer.bytes(*kind, bytes).unwrap();
        }
    }
    writer.finish().unwrap().0
}
