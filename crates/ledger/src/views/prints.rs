//! Prints of the parts of a record's views: a part whose print did not change is not written again.

use rusqlite::types::Value;
use sha2::{Digest as _, Sha256};

use super::rolled::{Noted, Rolled};

/// The parts of a record's views that are written or left alone as a whole.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part {
    Head,
    Words,
    People,
    Attachments,
    Notes,
}

/// Bytes of one print.
const PRINT: usize = 8;
/// How many parts there are.
const PARTS: usize = 5;

/// The prints of all parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Prints(pub(crate) [u8; PRINT * PARTS]);

impl Prints {
    pub(crate) const NONE: Self = Self([0; PRINT * PARTS]);

    pub(crate) fn of(&self, part: Part) -> &[u8] {
        let from = part as usize * PRINT;
        &self.0[from..from + PRINT]
    }

    /// The prints of all parts.
    pub(crate) fn of_record(rolled: &Rolled<'_>) -> Self {
        let mut all = Self::NONE;
        let mut put = |part: Part, hash: Sha256| {
            let from = part as usize * PRINT;
            all.0[from..from + PRINT].copy_from_slice(&hash.finalize()[..PRINT]);
        };
        put(Part::Head, values_hash(&rolled.head));
        put(
            Part::Words,
            texts_hash(rolled.names.iter().chain(&rolled.texts)),
        );
        let mut people = Sha256::new();
        rolled
            .people
            .iter()
            .for_each(|person| people.update(person));
        put(Part::People, people);
        let mut laid = Sha256::new();
        for one in &rolled.attachments {
            laid.update(one.entry.0);
            laid.update([u8::from(one.is_detached)]);
        }
        put(Part::Attachments, laid);
        let mut notes = Sha256::new();
        for count in [rolled.conflicts.len(), rolled.late.len()] {
            notes.update((count as u64).to_be_bytes());
        }
        for one in &rolled.conflicts {
            notes_update(&mut notes, one.key.as_bytes(), one);
        }
        for one in rolled.late.iter().chain(&rolled.unknown) {
            notes_update(&mut notes, &one.key.0, one);
        }
        put(Part::Notes, notes);
        all
    }
}

fn notes_update<K>(hash: &mut Sha256, key: &[u8], noted: &Noted<K>) {
    hash.update((key.len() as u64).to_be_bytes());
    hash.update(key);
    hash.update((noted.text.len() as u64).to_be_bytes());
    hash.update(&noted.text);
    hash.update(noted.at_ms.to_be_bytes());
}

/// The print of texts, as it stands with an indexed answer.
pub(crate) fn text_print(texts: &[&str]) -> [u8; 8] {
    let hash = texts_hash(texts.iter()).finalize();
    let mut print = [0; 8];
    print.copy_from_slice(&hash[..8]);
    print
}

fn texts_hash<'a>(texts: impl Iterator<Item = &'a &'a str>) -> Sha256 {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    }
    hash
}

/// Takes values into a hash, so that no two rows look alike.
pub(crate) fn value_update(hash: &mut Sha256, value: &Value) {
    match value {
        Value::Null => hash.update([0]),
        Value::Integer(number) => {
            hash.update([1]);
            hash.update(number.to_be_bytes());
        }
        Value::Real(number) => {
            hash.update([2]);
            hash.update(number.to_be_bytes());
        }
        Value::Text(text) => {
            hash.update([3]);
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        }
        Value::Blob(bytes) => {
            hash.update([4]);
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        }
    }
}

fn values_hash(values: &[Value]) -> Sha256 {
    let mut hash = Sha256::new();
    values
        .iter()
        .for_each(|value| value_update(&mut hash, value));
    hash
}
