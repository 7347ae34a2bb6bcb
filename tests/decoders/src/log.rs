//! Logs of hostile devices, written as lines: each line is an entry of one record, in any device's log, with an event of any bytes.
//!
//! A line is `<device><time><oddity><event>`. Hashes cannot be guessed, so 64 times the same digit in an event stands for the name of the
//! entry on that line, and 64 times `f` for the digest of the content so far.

use shicha_domain::suite::SigningKey;
use shicha_domain::{
    Channel, DeviceId, Entry, EntryId, Hlc, PersonId, Receipt, ReceiptId, RecordId, RecordState,
    record::Held,
};
use uuid::Uuid;

/// Lines beyond these are not read.
pub const MOST_LINES: usize = 48;
/// When the first entry claims to have been made, Unix ms.
pub const NOW: u64 = 1_650_000_000_000;

/// The key that signs receipts.
pub fn server() -> SigningKey {
    SigningKey::from_bytes(&[9; 32])
}

/// The channel of all entries but odd ones.
pub fn channel() -> Channel {
    "own/320703".parse().unwrap()
}

/// Writes the entries of a log. `base` sets devices and records apart from those of other logs.
pub fn entries(bytes: &[u8], base: u128) -> Vec<(EntryId, Entry)> {
    let mut heads = [(0_u64, EntryId::NONE); 4];
    let mut at = NOW;
    let mut written: Vec<(EntryId, Entry)> = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n').take(MOST_LINES) {
        let [device, time, oddity, event @ ..] = line else {
            continue;
        };
        let place = usize::from(device & 3);
        let (seq, prev) = heads[place];
        at = match time {
            b'<' => at.saturating_sub(86_400_000),
            b'>' => at + 86_400_000,
            other => at + u64::from(*other),
        };
        let mut entry = Entry {
            device: DeviceId(Uuid::from_u128(base + place as u128 + 1)),
            seq: seq.saturating_add(1),
            prev,
            after: None,
            at: Hlc::from_ms(at),
            author: PersonId(Uuid::from_u128(7)),
            channel: channel(),
            record: RecordId(Uuid::from_u128(base)),
            event: with_names(event, &written),
            again: None,
        };
        match oddity {
            b'r' => entry.record = RecordId(Uuid::from_u128(base + 1)),
            b'h' => entry.seq = seq.saturating_add(2),
            b'p' => entry.prev = EntryId([0xee; 32]),
            b'a' => entry.after = Some(ReceiptId([5; 32])),
            b'0' => entry.seq = 0,
            b'i' => entry.seq = i64::MAX as u64,
            b'j' => entry.seq = i64::MAX as u64 + 1,
            b'u' => entry.seq = u64::MAX,
            b'z' => entry.at = Hlc(0),
            b'm' => entry.at = Hlc(u64::MAX),
            b'd' => {
                if let Some((_, before)) = written.last() {
                    entry = before.clone();
                }
            }
            _ => {}
        }
        let id = entry.id();
        heads[place] = (entry.seq, id);
        written.push((id, entry));
    }
    written
}

fn with_names(event: &[u8], written: &[(EntryId, Entry)]) -> Vec<u8> {
    let mut event = event.to_vec();
    let mut at = 0;
    while let Some(run) = event.get(at..at + 64) {
        let first = run[0];
        if !first.is_ascii_hexdigit() || run.iter().any(|byte| *byte != first) {
            at += 1;
            continue;
        }
        let name = match first {
            b'f' => RecordState::fold(written.iter().map(|(id, entry)| (*id, entry)))
                .map(|state| state.content_digest().to_string()),
            digit => char::from(digit)
                .to_digit(16)
                .and_then(|n| written.get(n as usize))
                .map(|(id, _)| id.to_string()),
        };
        if let Some(name) = name {
            event[at..at + 64].copy_from_slice(name.as_bytes());
        }
        at += 64;
    }
    event
}

/// A receipt by the server for an entry.
pub fn receipt(id: EntryId, entry: &Entry) -> Receipt {
    Receipt::whole(entry.device, entry.seq, id, NOW + 5_000).signed(&server())
}

/// What devices must agree on, however the entries came.
fn said(state: &RecordState) -> String {
    let late: Vec<_> = state.late().iter().map(|note| note.trace.entry).collect();
    let conflicts: Vec<_> = state.conflicts().map(|(field, _)| field).collect();
    let fields: Vec<_> = state
        .fields()
        .iter()
        .map(|(field, register)| (field, register.heads()))
        .collect();
    format!(
        "{} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
        state.content_digest(),
        state.frozen(),
        state.kind(),
        state.entries(),
        late,
        conflicts,
        state.signatures(),
        state.versions(),
        state.unreadable(),
        fields,
        state.annulled(),
    )
}

/// Whatever the entries say, a record folds, and to the same state in whatever order and how often they came.
pub fn hold(bytes: &[u8]) {
    let entries = entries(bytes, 100);
    let all = || entries.iter().map(|(id, entry)| (*id, entry));
    let Some(whole) = RecordState::fold(all()) else {
        assert!(entries.is_empty());
        return;
    };
    let said_whole = said(&whole);
    let reversed = RecordState::fold(all().rev().chain(all())).unwrap();
    assert_eq!(
        said(&reversed),
        said_whole,
        "the order of arrival changes nothing"
    );
    // Taken in one by one, as they come in from the network.
    let mut state: Option<RecordState> = None;
    for (n, (id, entry)) in entries.iter().enumerate() {
        let is_taken = state
            .as_mut()
            .is_some_and(|state| state.apply(&Held::unreceived(*id, entry)));
        if !is_taken {
            state = RecordState::fold(all().take(n + 1));
        }
    }
    assert_eq!(
        said(&state.unwrap()),
        said_whole,
        "one by one gives the same as all at once"
    );
}
