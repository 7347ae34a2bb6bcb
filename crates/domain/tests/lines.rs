//! What is written again after a log had parted counts under its old name and place, for whoever holds it in whichever log (invariant 9, a
//! line goes on, it never begins anew).

#![allow(clippy::unwrap_used)]

use shicha_domain::{
    DeviceId, Digest, Entry, EntryId, Event, Hlc, PersonId, RecordId, RecordKind, RecordState,
    event::{Pin, SignMethod, Signature, SignerRole},
    receipt::Rank,
    record::Held,
};
use uuid::Uuid;

fn device(n: u128) -> DeviceId {
    DeviceId(Uuid::from_u128(n))
}

/// A log of a device.
struct Log {
    device: DeviceId,
    head: (u64, EntryId),
    ms: u64,
}

impl Log {
    fn of(n: u128) -> Self {
        Self {
            device: device(n),
            head: (0, EntryId::NONE),
            ms: 1_000 * n as u64,
        }
    }

    /// A copy of it as it is now, and another past of it from here on.
    fn copied(&self) -> Self {
        Self {
            ms: self.ms + 7,
            ..*self
        }
    }

    /// The log that goes on from this one, if that ended at the entry.
    fn next(n: u128, common: &Entry) -> Self {
        Self {
            device: device(n),
            head: (0, common.id()),
            ms: 100_000,
        }
    }

    fn took(&mut self, entry: Entry) -> Entry {
        self.head = (entry.seq, entry.id());
        entry
    }

    fn write(&mut self, event: &Event) -> Entry {
        self.ms += 1_000;
        let entry = Entry {
            device: self.device,
            seq: self.head.0 + 1,
            prev: self.head.1,
            after: None,
            at: Hlc::from_ms(self.ms),
            author: PersonId(Uuid::from_u128(1)),
            channel: "own/320703".parse().unwrap(),
            record: RecordId(Uuid::from_u128(7)),
            event: event.to_bytes().unwrap(),
            again: None,
        };
        self.took(entry)
    }

    fn set(&mut self, value: &str) -> Entry {
        self.write(&Event::Set {
            field: "name".into(),
            value: value.into(),
            replaces: vec![],
        })
    }

    fn again(&mut self, first: &Entry) -> Entry {
        let entry = first.written_again(self.device, self.head.0 + 1, self.head.1);
        self.took(entry)
    }
}

/// Entries as a reader holds them: the number tells in which order the endpoint received them; none: it did not.
fn held<'a>(entries: &'a [(&'a Entry, Option<u64>)]) -> impl Iterator<Item = Held<'a>> {
    entries.iter().map(|(entry, received)| Held {
        received: received.map(|ms| Rank {
            life: 1,
            received_at_ms: ms,
        }),
        ..Held::unreceived(entry.id(), entry)
    })
}

fn fold(entries: &[(&Entry, Option<u64>)]) -> RecordState {
    RecordState::fold_held(held(entries)).unwrap()
}

fn signature(digest: Digest, pin: Pin) -> Event {
    Event::Signed(Signature {
        digest,
        pin: Some(pin),
        under: None,
        role: SignerRole::Inspector,
        name: "张三".into(),
        person: None,
        method: SignMethod::Paper,
        mark: None,
        mark_size: None,
        note: String::new(),
        witness: String::new(),
    })
}

/// A signs nothing; its last entry goes to B by hand, and a copy of A had sent another one in that place.
struct Parted {
    common: Vec<Entry>,
    by_hand: Entry,
    of_copy: Entry,
    signed: Entry,
    again: Entry,
}

fn parted() -> Parted {
    let mut a = Log::of(1);
    let opened = a.write(&Event::Opened {
        kind: RecordKind::Subject,
        fields: Default::default(),
    });
    let common = vec![opened, a.set("甲")];
    let mut copy = a.copied();
    let by_hand = a.set("乙");
    let of_copy = copy.set("副本");
    let covered = [
        (&common[0], Some(1)),
        (&common[1], Some(2)),
        (&by_hand, None),
    ];
    let state = fold(&covered);
    let mut b = Log::of(2);
    b.ms = 50_000;
    let signed = b.write(&signature(
        state.content_digest(),
        RecordState::pin(held(&covered)),
    ));
    let mut next = Log::next(3, &common[1]);
    let again = next.again(&by_hand);
    Parted {
        common,
        by_hand,
        of_copy,
        signed,
        again,
    }
}

#[test]
fn a_colleagues_signature_over_what_was_handed_over_holds_when_that_is_written_again() {
    let of = parted();
    let [first, second] = &of.common[..] else {
        panic!("two entries");
    };
    // C pulls what the endpoint received: the copy's past, B's signature, and what A wrote again.
    let pulled = [
        (first, Some(1)),
        (second, Some(2)),
        (&of.of_copy, Some(3)),
        (&of.signed, Some(4)),
        (&of.again, Some(5)),
    ];
    let before = fold(&pulled[..4]);
    assert_eq!(
        before.versions().len(),
        0,
        "incomplete until it is written again"
    );
    let state = fold(&pulled);
    assert_eq!(state.versions().len(), 1);
    assert!(state.signatures()[0].fits);
    assert_eq!(state.text("name"), "乙", "what was signed counts");
    // B holds what it was handed too: the same twice is one, and both compute the same.
    let of_b: Vec<_> = pulled
        .iter()
        .copied()
        .chain([(&of.by_hand, None)])
        .collect();
    let state_of_b = fold(&of_b);
    assert_eq!(state_of_b.content(), state.content());
    assert_eq!(state_of_b.versions()[0].rank, state.versions()[0].rank);
    assert_eq!(state_of_b.entries(), state.entries());
}

#[test]
fn what_is_written_again_twice_or_beside_the_entry_itself_is_one_entry() {
    let of = parted();
    let mut third = Log::next(4, &of.common[1]);
    let twice = third.again(&of.again);
    assert_eq!(twice.name(twice.id()), of.by_hand.id());
    let base = [(&of.common[0], Some(1)), (&of.common[1], Some(2))];
    let one = fold(&[base[0], base[1], (&of.again, Some(4))]);
    for more in [
        vec![(&twice, Some(6))],
        vec![(&of.by_hand, Some(9))],
        vec![(&twice, None), (&of.by_hand, None)],
    ] {
        let mut all = vec![base[0], base[1], (&of.again, Some(4))];
        all.extend(more);
        for _ in 0..all.len() {
            all.rotate_left(1);
            let state = fold(&all);
            assert_eq!(state.content(), one.content());
            assert_eq!(state.entries(), one.entries());
        }
    }
}

#[test]
fn what_a_device_says_later_that_it_wrote_first_goes_into_no_set_that_was_signed_before() {
    let of = parted();
    let pulled = [
        (&of.common[0], Some(1)),
        (&of.common[1], Some(2)),
        (&of.again, Some(3)),
        (&of.signed, Some(4)),
    ];
    let before = fold(&pulled);
    assert!(before.signatures()[0].fits);
    // The identity that the log goes on under repeats more: at the signed place, below it, and above.
    let mut next = Log {
        device: device(3),
        head: (of.again.seq, of.again.id()),
        ms: 0,
    };
    for seq in [3, 2, 1, 9] {
        let forged = Entry {
            event: Event::Set {
                field: "name".into(),
                value: format!("{seq}").into(),
                replaces: vec![],
            }
            .to_bytes()
            .unwrap(),
            seq,
            ..of.by_hand.clone()
        };
        let forged = next.again(&forged);
        for received in [None, Some(5)] {
            let all: Vec<_> = pulled
                .iter()
                .copied()
                .chain([(&forged, received)])
                .collect();
            let state = fold(&all);
            assert_eq!(state.content(), before.content(), "place {seq}");
            assert!(state.signatures()[0].fits, "place {seq}");
        }
    }
}

#[test]
fn what_colleagues_bring_later_of_the_past_that_was_left_takes_no_signed_set_apart() {
    let mut a = Log::of(1);
    let opened = a.write(&Event::Opened {
        kind: RecordKind::Subject,
        fields: Default::default(),
    });
    let mut left = a.copied();
    // Between the common place and this one the log had entries of other records.
    let first = Entry {
        seq: 60,
        ..a.set("甲")
    };
    let by_hand = [(&opened, Some(1)), (&first, None)];
    let digest = fold(&by_hand).content_digest();
    let signed = Log::of(2).write(&signature(digest, RecordState::pin(held(&by_hand))));
    let again = Log::next(3, &opened).again(&first);
    let mut pulled = vec![(&opened, Some(1)), (&again, Some(2)), (&signed, Some(3))];
    let before = fold(&pulled);
    assert!(before.signatures()[0].fits);
    let brought: Vec<Entry> = (0..40).map(|n| left.set(&n.to_string())).collect();
    pulled.extend(brought.iter().map(|entry| (entry, Some(4))));
    let state = fold(&pulled);
    assert_eq!(state.content(), before.content());
    assert!(state.signatures()[0].fits);
}

#[test]
fn what_an_administrator_releases_later_goes_into_no_set_that_was_signed_without_it() {
    let mut a = Log::of(1);
    let opened = a.write(&Event::Opened {
        kind: RecordKind::Subject,
        fields: Default::default(),
    });
    let refused = a.set("被退回的");
    let last = a.set("甲");
    let known = [(&opened, Some(1)), (&last, Some(1))];
    let digest = fold(&known).content_digest();
    let signed = a.write(&signature(digest, RecordState::pin(held(&known))));
    let before = fold(&[known[0], known[1], (&signed, Some(2))]);
    assert!(before.signatures()[0].fits);
    let state = fold(&[known[0], known[1], (&signed, Some(2)), (&refused, Some(3))]);
    assert_eq!(state.content(), before.content());
    assert!(state.signatures()[0].fits);
}
