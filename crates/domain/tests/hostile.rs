//! What others may do to a record that somebody signed: entries as a changed client writes them, against the promise that what was received
//! first counts and stays (docs/PROTOCOL.md, "What proves what", invariants 1 to 5 and 12).

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};
use shicha_domain::{
    Channel, DeviceId, Digest, Entry, EntryId, Event, Hlc, PersonId, RecordId, RecordKind,
    RecordState,
    event::{Pin, Place, SignMethod, Signature, SignerRole},
    ids::SetHash,
    receipt::Rank,
    record::{Held, Standing},
};
use uuid::Uuid;

const DAY_MS: u64 = 86_400_000;
const NOW_MS: u64 = 1_650_000_000_000;

/// The logs of some devices, and what the endpoint received of them in which order.
#[derive(Default, Clone)]
struct World {
    logs: BTreeMap<u128, Vec<(EntryId, Entry)>>,
    received: BTreeMap<EntryId, u64>,
    refused: Vec<EntryId>,
    pushes: u64,
}

impl World {
    fn write_at(&mut self, device: u128, ms: u64, event: &Event) -> EntryId {
        let log = self.logs.entry(device).or_default();
        let (seq, prev) = log
            .last()
            .map_or((1, EntryId::NONE), |(id, entry)| (entry.seq + 1, *id));
        let entry = Entry {
            device: DeviceId(Uuid::from_u128(device)),
            seq,
            prev,
            after: None,
            at: Hlc(Hlc::from_ms(ms).0 + seq),
            author: person(device),
            channel: "own/320703".parse::<Channel>().unwrap(),
            record: RecordId(Uuid::from_u128(7)),
            event: event.to_bytes().unwrap(),
            again: None,
        };
        let id = entry.id();
        log.push((id, entry));
        id
    }

    fn write(&mut self, device: u128, event: &Event) -> EntryId {
        self.write_at(device, NOW_MS, event)
    }

    fn open(&mut self, device: u128) -> EntryId {
        let fields = BTreeMap::from([
            ("subject_name".to_owned(), json!("样本学校")),
            (
                "inspectors".to_owned(),
                json!([{ "person": person(1), "name": "甲", "certificate": "苏1" }]),
            ),
        ]);
        self.write(
            device,
            &Event::Opened {
                kind: RecordKind::Inspection,
                fields,
            },
        )
    }

    /// The endpoint receives all that a device has written.
    fn push(&mut self, device: u128) {
        let upto = self.logs.get(&device).map_or(0, Vec::len);
        self.push_upto(device, upto);
    }

    fn push_upto(&mut self, device: u128, upto: usize) {
        self.pushes += 1;
        let log = self.logs.get(&device).map_or(&[][..], Vec::as_slice);
        for (id, _) in &log[..upto.min(log.len())] {
            self.received.entry(*id).or_insert(self.pushes);
        }
    }

    fn held(&self, is_here: impl Fn(EntryId) -> bool) -> Vec<Held<'_>> {
        let all = self.logs.values().flatten();
        all.filter(|(id, _)| is_here(*id))
            .map(|(id, entry)| Held {
                received: self.received.get(id).map(|at| Rank {
                    life: 1,
                    received_at_ms: NOW_MS + at,
                }),
                is_refused: self.refused.contains(id),
                ..Held::unreceived(*id, entry)
            })
            .collect()
    }

    /// What the supervisor sees: all that was received.
    fn seen(&self) -> RecordState {
        RecordState::fold_held(self.held(|id| self.received.contains_key(&id))).unwrap()
    }

    fn pin(&self, is_here: impl Fn(EntryId) -> bool) -> Pin {
        RecordState::pin(self.held(is_here))
    }

    fn digest(&self, is_here: impl Fn(EntryId) -> bool) -> Digest {
        let state = RecordState::fold(
            self.logs
                .values()
                .flatten()
                .filter(|(id, _)| is_here(*id))
                .map(|(id, entry)| (*id, entry)),
        );
        state.unwrap().content_digest()
    }

    fn place_of(&self, name: EntryId) -> Place {
        let (_, entry) = self
            .logs
            .values()
            .flatten()
            .find(|(id, _)| *id == name)
            .unwrap();
        Place(entry.device, entry.seq, name)
    }

    fn sign(&mut self, device: u128) -> EntryId {
        let signature = signature(self.digest(|_| true), Some(self.pin(|_| true)), None);
        self.write(device, &Event::Signed(signature))
    }
}

fn person(device: u128) -> PersonId {
    PersonId(Uuid::from_u128(device + 100))
}

fn set(value: &str) -> Event {
    Event::Set {
        field: "answers/TI-1.1/facts".into(),
        value: json!(value),
        replaces: vec![],
    }
}

fn facts(state: &RecordState) -> &str {
    state.text("answers/TI-1.1/facts")
}

fn signature(digest: Digest, pin: Option<Pin>, under: Option<EntryId>) -> Signature {
    Signature {
        digest,
        pin,
        under,
        role: SignerRole::Inspector,
        name: "甲".into(),
        person: Some(person(1)),
        method: SignMethod::Screen,
        mark: None,
        mark_size: None,
        note: String::new(),
        witness: String::new(),
    }
}

/// An inspection that device 1 filled in, signed and delivered.
fn signed() -> (World, EntryId) {
    let mut world = World::default();
    world.open(1);
    world.write(1, &set("消防通道堵塞"));
    let signature = world.sign(1);
    world.push(1);
    (world, signature)
}

#[test]
fn nobody_signs_what_does_not_exist_yet_and_writes_it_months_later() {
    let mut world = World::default();
    world.open(1);
    world.write(1, &set("消防通道堵塞"));
    // The content that is wanted later is known to who signs; the entry that will hold it has no name that could be known.
    let mut later = world.clone();
    later.write_at(1, NOW_MS + 90 * DAY_MS, &set("畅通"));
    let wanted = later.digest(|_| true);
    let device = DeviceId(Uuid::from_u128(1));
    for place in [
        Place(device, u64::MAX, EntryId([9; 32])),
        Place(device, 4, EntryId([9; 32])),
    ] {
        let pin = Pin {
            covers: vec![place],
            count: 3,
            set: SetHash([9; 32]),
        };
        let mut world = world.clone();
        world.write(1, &Event::Signed(signature(wanted, Some(pin), None)));
        world.push(1);
        let before = world.seen();
        world.write_at(1, NOW_MS + 90 * DAY_MS, &set("畅通"));
        world.push(1);
        let after = world.seen();
        for state in [before, after] {
            assert_eq!(state.frozen(), None);
            assert!(matches!(
                state.signatures()[0].standing,
                Standing::Incomplete { .. }
            ));
            assert!(!state.signatures()[0].fits);
        }
    }
}

#[test]
fn who_signs_early_and_shows_the_content_later_has_signed_later() {
    // Two variants, over what a second device of the same person keeps back.
    let mut world = World::default();
    world.open(1);
    world.push(1);
    let mut signed = Vec::new();
    for (device, text) in [(2, "堵塞"), (3, "畅通")] {
        let one = world.write(device, &set(text));
        let is_here = |id: EntryId| id == one || world.received.contains_key(&id);
        let (digest, pin) = (world.digest(is_here), world.pin(is_here));
        signed.push(world.write(1, &Event::Signed(signature(digest, Some(pin), None))));
    }
    world.push(1);
    assert_eq!(world.seen().frozen(), None, "neither is complete");
    world.push(2);
    assert_eq!(facts(&world.seen()), "堵塞");
    world.push(3);
    let state = world.seen();
    assert_eq!(facts(&state), "堵塞", "what was whole first counts");
    assert_eq!(state.versions().len(), 2);
    assert_eq!(state.versions()[1].signature(), signed[1]);
    let received = |n: usize| state.versions()[n].rank.unwrap();
    assert!(received(1) > received(0), "the other ranks at the showing");
}

#[test]
fn a_colleague_cannot_rewrite_a_record_that_was_signed_and_delivered() {
    let (world, first) = signed();
    let before = world.seen();
    assert_eq!(before.signatures()[0].trace.entry, first);
    let content = before.content();
    let covers = |world: &World, upto: u64| {
        world.pin(|id| {
            let place = world.place_of(id);
            place.0 != DeviceId(Uuid::from_u128(2)) && place.1 <= upto
        })
    };
    // Back-dated to 1970, over the first entries, over the colleague's own one, over nothing, over everything.
    for upto in [0, 1, 2, 3] {
        for is_own_in in [false, true] {
            let mut world = world.clone();
            let own = world.write_at(2, 1, &set("畅通"));
            let mut pin = covers(&world, upto);
            if is_own_in {
                pin = world.pin(|id| id == own || world.place_of(id).1 <= upto);
            }
            let digest = Digest([7; 32]);
            let forged = world.write_at(2, 1, &Event::Signed(signature(digest, Some(pin), None)));
            world.push(2);
            let after = world.seen();
            assert_eq!(after.content(), content, "{upto} {is_own_in}");
            assert_eq!(after.late().len(), 1);
            let by_name = |name| {
                let all = after.signatures().iter();
                all.clone().find(|one| one.trace.entry == name).unwrap()
            };
            assert!(by_name(first).fits);
            assert!(!by_name(forged).fits, "{upto} {is_own_in}");
            assert_eq!(
                by_name(forged).trace.author,
                person(2),
                "who recorded it shows"
            );
            assert_eq!(by_name(forged).signature.person, Some(person(1)));
        }
    }
}

#[test]
fn a_version_that_leaves_out_what_others_had_delivered_says_how_much_and_whose() {
    let mut world = World::default();
    world.open(1);
    world.write(1, &set("堵塞"));
    world.push(1);
    let own = world.write_at(2, 1, &set("畅通"));
    let opening = world.logs[&1][0].0;
    let is_in = |id: EntryId| id == own || id == opening;
    let (digest, pin) = (world.digest(is_in), world.pin(is_in));
    world.write_at(2, 1, &Event::Signed(signature(digest, Some(pin), None)));
    world.push(2);
    let state = world.seen();
    let version = state.counting().unwrap();
    assert_eq!(version.leaves_out, BTreeMap::from([(person(1), 1)]));
}

#[test]
fn the_second_of_two_honest_signers_who_did_not_know_of_each_other_stands_whole_beside_the_first() {
    let mut world = World::default();
    world.open(1);
    world.push(1);
    let is_here = |device: u128, world: &World| {
        let own: Vec<EntryId> = world.logs[&device].iter().map(|(id, _)| *id).collect();
        let opening = world.logs[&1][0].0;
        move |id: EntryId| id == opening || own.contains(&id)
    };
    for (device, text) in [(2_u128, "西楼堵塞"), (3, "东楼堵塞")] {
        world.write(device, &set(text));
        let here = is_here(device, &world);
        let (digest, pin) = (world.digest(&here), world.pin(&here));
        // The first that is received has the later clock.
        let ms = NOW_MS + (3 - device as u64) * DAY_MS;
        world.write_at(
            device,
            ms,
            &Event::Signed(signature(digest, Some(pin), None)),
        );
    }
    world.push(2);
    let first = world.seen();
    world.push(3);
    let both = world.seen();
    assert_eq!(both.content(), first.content());
    assert!(both.is_contested());
    let other = both.versions()[1].clone();
    assert!(!other.knew_of_first);
    let held = world.held(|id| world.received.contains_key(&id));
    let shown = RecordState::fold_version(held, other.set).unwrap();
    assert_eq!(facts(&shown), "东楼堵塞", "it is there whole");
    assert_eq!(shown.frozen(), Some(other.digest));
    assert!(shown.signatures()[0].fits);

    // Somebody who has a part in one of them decides nothing; somebody who has none decides once.
    let settle = |counts: usize, over: usize, instead| Event::Settled {
        counts: both.versions()[counts].first.0,
        over: vec![both.versions()[over].first.0],
        instead,
        reason: "东楼为准".into(),
    };
    let mut partial = world.clone();
    partial.write(3, &settle(1, 0, None));
    partial.push(3);
    assert_eq!(partial.seen().content(), first.content());
    assert!(partial.seen().settled().is_none());
    let named = world.write(101 - 100 + 8, &settle(1, 0, None));
    world.push(9);
    let settled = world.seen();
    assert_eq!(facts(&settled), "东楼堵塞");
    assert_eq!(settled.settled().unwrap().trace.entry, named);
    assert!(!settled.is_contested());
    let again = world.write(10, &settle(0, 1, None));
    world.push(10);
    assert_eq!(
        facts(&world.seen()),
        "东楼堵塞",
        "the first decision holds against one that does not name it"
    );
    world.write(11, &settle(0, 1, Some(again)));
    world.push(11);
    assert_eq!(facts(&world.seen()), "东楼堵塞");
    world.write(12, &settle(0, 1, Some(named)));
    world.push(12);
    assert_eq!(facts(&world.seen()), "西楼堵塞");
}

#[test]
fn an_inspector_of_the_visit_settles_nothing_even_who_wrote_nothing_in_it() {
    let (mut world, first) = signed();
    let own = world.write(2, &set("畅通"));
    let is_in = |id: EntryId| id == own || world.place_of(id).1 == 1;
    let (digest, pin) = (world.digest(is_in), world.pin(is_in));
    let second = world.write(2, &Event::Signed(signature(digest, Some(pin), None)));
    world.push(2);
    // Device 51 acts for person 1 + 150 − 100 … a person who is named as an inspector: person 1 on another device.
    let settle = Event::Settled {
        counts: world.place_of(second),
        over: vec![world.place_of(first)],
        instead: None,
        reason: "x".into(),
    };
    let id = world.write(50, &settle);
    let log = world.logs.get_mut(&50).unwrap();
    let (_, mut entry) = log.pop().unwrap();
    entry.author = person(1);
    log.push((entry.id(), entry));
    assert_ne!(log[0].0, id);
    world.push(50);
    assert!(world.seen().settled().is_none());
}

#[test]
fn a_signature_over_what_has_not_arrived_waits_and_says_what_is_missing() {
    // A has two entries in the record; the reader holds the second only, by hand.
    let mut world = World::default();
    world.open(1);
    world.push(1);
    let missing = world.write(2, &set("甲"));
    let there = world.write(2, &set("乙"));
    let signed = world.sign(2);
    let state = RecordState::fold_held(world.held(|id| id != missing)).unwrap();
    assert_eq!(
        state.signatures()[0].standing,
        Standing::Incomplete { held: 2, count: 3 }
    );
    assert_eq!(state.frozen(), None);
    assert_eq!(facts(&state), "乙");
    let _ = there;
    let state = RecordState::fold_held(world.held(|_| true)).unwrap();
    assert_eq!(state.signatures()[0].standing, Standing::NotReceived);
    assert_eq!(state.counting().unwrap().signature(), signed);
}

#[test]
fn what_is_not_received_gives_way_to_what_was_and_after_that_nothing_changes() {
    // B's signature came by hand, A's was received first.
    let (mut world, first) = signed();
    let mut by_hand = world.clone();
    by_hand.received.clear();
    let own = by_hand.write_at(2, NOW_MS - DAY_MS, &set("畅通"));
    let opening = by_hand.logs[&1][0].0;
    let is_in = |id: EntryId| id == own || id == opening;
    let (digest, pin) = (by_hand.digest(is_in), by_hand.pin(is_in));
    let other = by_hand.write_at(
        2,
        NOW_MS - DAY_MS,
        &Event::Signed(signature(digest, Some(pin), None)),
    );
    let state = RecordState::fold_held(by_hand.held(|id| is_in(id) || id == other)).unwrap();
    assert_eq!(state.counting().unwrap().signature(), other);
    assert_eq!(state.counting().unwrap().rank, None, "not received yet");
    world.logs = by_hand.logs;
    let pulled = RecordState::fold_held(world.held(|_| true)).unwrap();
    assert_eq!(pulled.counting().unwrap().signature(), first);
    world.push(2);
    let last = world.seen();
    assert_eq!(last.content(), pulled.content());
    assert_eq!(last.versions().len(), 2);
}

#[test]
fn a_second_signature_under_the_first_waits_for_it_and_freezes_nothing_alone() {
    let (mut world, first) = signed();
    let digest = world.seen().frozen().unwrap();
    let second = world.write(2, &Event::Signed(signature(digest, None, Some(first))));
    world.push(2);
    let without = RecordState::fold_held(world.held(|id| id != first)).unwrap();
    assert_eq!(without.frozen(), None);
    assert!(!without.signatures()[0].standing.is_complete());
    let state = world.seen();
    let further = state.signatures().iter();
    let further = further.clone().find(|one| one.trace.entry == second);
    assert!(further.unwrap().fits);
    // With another digest it is of the same version and does not fit.
    world.write(
        3,
        &Event::Signed(signature(Digest([1; 32]), None, Some(first))),
    );
    world.push(3);
    let state = world.seen();
    assert_eq!(state.signatures().iter().filter(|one| one.fits).count(), 2);
    assert_eq!(state.versions().len(), 1);
}

#[test]
fn what_was_refused_is_in_no_set_so_that_author_and_reader_see_the_same() {
    let mut world = World::default();
    world.open(1);
    let refused = world.write(1, &set("堵塞"));
    world.sign(1);
    world.push(1);
    world.refused.push(refused);
    let author = RecordState::fold_held(world.held(|_| true)).unwrap();
    let reader = RecordState::fold_held(world.held(|id| id != refused)).unwrap();
    for state in [&author, &reader] {
        assert_eq!(state.frozen(), None);
        assert_eq!(
            state.signatures()[0].standing,
            Standing::Incomplete { held: 1, count: 2 }
        );
    }
    assert_eq!(author.content(), reader.content());
    // Whoever signs anew signs what counts, and that is whole for both.
    let is_taken = |id: EntryId| id != refused;
    let again = signature(world.digest(is_taken), Some(world.pin(is_taken)), None);
    let anew = world.write(1, &Event::Signed(again));
    world.push(1);
    let author = RecordState::fold_held(world.held(|_| true)).unwrap();
    let reader = RecordState::fold_held(world.held(is_taken)).unwrap();
    for state in [&author, &reader] {
        assert_eq!(state.counting().unwrap().signature(), anew);
        assert!(state.frozen().is_some());
    }
    assert_eq!(author.content(), reader.content());
}

#[test]
fn a_second_opening_that_claims_to_be_older_opens_nothing_and_gives_no_right_to_annul() {
    let mut world = World::default();
    let first = world.open(1);
    world.push(1);
    let opening = Event::Opened {
        kind: RecordKind::Inspection,
        fields: BTreeMap::from([("subject_name".to_owned(), json!("别的学校"))]),
    };
    world.write_at(2, 1, &opening);
    let annulled = Event::Annulled {
        reason: "x".into(),
        signature: None,
        by_supervisor: false,
    };
    world.write_at(2, NOW_MS + 1, &annulled);
    world.push(2);
    let state = world.seen();
    assert_eq!(state.opened().unwrap().entry, first);
    assert!(state.annulled().is_none());
    // Before anything was received the order decides, and the endpoint's word afterwards.
    let mut unreceived = world.clone();
    unreceived.received.clear();
    let state = RecordState::fold_held(unreceived.held(|_| true)).unwrap();
    assert_ne!(state.opened().unwrap().entry, first);
}

#[test]
fn a_signed_record_is_annulled_only_by_name_and_by_somebody_who_has_no_part_in_it() {
    let (world, first) = signed();
    let place = world.place_of(first);
    let annul = |signature, by_supervisor| Event::Annulled {
        reason: "x".into(),
        signature,
        by_supervisor,
    };
    for (device, event, counts) in [
        (1, annul(None, false), false),
        (1, annul(Some(place), true), false),
        (2, annul(None, true), false),
        (2, annul(Some(place), true), true),
    ] {
        let mut world = world.clone();
        world.write_at(device, 1, &event);
        world.push(device);
        let state = world.seen();
        assert_eq!(state.annulled().is_some(), counts, "{device} {event:?}");
        assert!(state.frozen().is_some(), "it stays readable");
    }
}

#[test]
fn an_unsigned_record_is_annulled_by_who_opened_it_or_by_a_supervisor() {
    let mut world = World::default();
    world.open(1);
    let annul = |by_supervisor| Event::Annulled {
        reason: "x".into(),
        signature: None,
        by_supervisor,
    };
    for (device, event, counts) in [
        (2, annul(false), false),
        (2, annul(true), true),
        (1, annul(false), true),
    ] {
        let mut world = world.clone();
        world.write(device, &event);
        world.push(1);
        world.push(device);
        assert_eq!(world.seen().annulled().is_some(), counts, "{device}");
    }
}

/// What a generated person does next; numbers are taken modulo what is there.
#[derive(Debug, Clone)]
enum Step {
    Set {
        device: u8,
        value: u8,
        ms: u64,
    },
    /// Signs over a choice of entries, or over what is not there.
    Sign {
        device: u8,
        chosen: Vec<bool>,
        garbage: bool,
        ms: u64,
    },
    Under {
        device: u8,
        which: u8,
    },
    Annul {
        device: u8,
        which: u8,
    },
    Push {
        device: u8,
        upto: u8,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let device = 1..5_u8;
    let ms = prop_oneof![Just(NOW_MS), Just(1), 0..(NOW_MS * 2)];
    prop_oneof![
        4 => (device.clone(), 0..4_u8, ms.clone()).prop_map(|(device, value, ms)| Step::Set { device, value, ms }),
        3 => (device.clone(), prop::collection::vec(any::<bool>(), 12), prop::bool::weighted(0.2), ms)
            .prop_map(|(device, chosen, garbage, ms)| Step::Sign { device, chosen, garbage, ms }),
        1 => (device.clone(), 0..8_u8).prop_map(|(device, which)| Step::Under { device, which }),
        1 => (device.clone(), 0..8_u8).prop_map(|(device, which)| Step::Annul { device, which }),
        4 => (device, 0..12_u8).prop_map(|(device, upto)| Step::Push { device, upto }),
    ]
}

fn take(world: &mut World, step: &Step) {
    let signatures = |world: &World| -> Vec<EntryId> {
        let all = world.logs.values().flatten();
        all.filter(|(_, entry)| matches!(Event::parse(&entry.event), Ok(Event::Signed(_))))
            .map(|(id, _)| *id)
            .collect()
    };
    match step {
        Step::Set { device, value, ms } => {
            world.write_at(u128::from(*device), *ms, &set(&format!("值{value}")));
        }
        Step::Sign {
            device,
            chosen,
            garbage,
            ms,
        } => {
            let all: Vec<EntryId> = world.logs.values().flatten().map(|(id, _)| *id).collect();
            let is_in = |id: EntryId| {
                let n = all.iter().position(|one| *one == id).unwrap_or(0);
                chosen[n % chosen.len()]
            };
            let mut pin = world.pin(is_in);
            if *garbage {
                pin.covers
                    .push(Place(DeviceId(Uuid::from_u128(3)), 9, EntryId([3; 32])));
                pin.count += 1;
                pin.set = SetHash([3; 32]);
            }
            let signed =
                Event::Signed(signature(Digest([u8::from(*garbage); 32]), Some(pin), None));
            world.write_at(u128::from(*device), *ms, &signed);
        }
        Step::Under { device, which } => {
            let all = signatures(world);
            if let Some(under) = all.get(usize::from(*which) % all.len().max(1)) {
                let signed = Event::Signed(signature(Digest([2; 32]), None, Some(*under)));
                world.write(u128::from(*device), &signed);
            }
        }
        Step::Annul { device, which } => {
            let all = signatures(world);
            let named = all.get(usize::from(*which) % all.len().max(1));
            let event = Event::Annulled {
                reason: "x".into(),
                signature: named.map(|name| world.place_of(*name)),
                by_supervisor: true,
            };
            world.write(u128::from(*device), &event);
        }
        Step::Push { device, upto } => world.push_upto(u128::from(*device), usize::from(*upto)),
    }
}

/// What is said of a record's versions, in one comparable value.
fn marks(state: &RecordState) -> (Value, String) {
    let versions = format!("{:?}", state.versions());
    let signatures = format!("{:?}", state.signatures());
    (state.content(), versions + &signatures)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, ..ProptestConfig::default() })]

    #[test]
    fn once_a_version_is_received_whole_no_further_entry_of_anybody_changes_the_content(
        steps in prop::collection::vec(step(), 1..50),
    ) {
        let mut world = World::default();
        world.open(1);
        world.push(1);
        let mut is_final: Option<(Value, EntryId)> = None;
        for step in &steps {
            take(&mut world, step);
            // A reader who has all that was received, and one who has the rest too, by hand.
            let seen = world.seen();
            let whole = RecordState::fold_held(world.held(|_| true)).unwrap();
            if let Some((content, first)) = &is_final {
                prop_assert_eq!(&seen.content(), content);
                prop_assert_eq!(&whole.content(), content);
                prop_assert_eq!(seen.counting().unwrap().signature(), *first);
            } else if let Some(counting) = seen.counting() {
                is_final = Some((seen.content(), counting.signature()));
            }
        }
    }

    #[test]
    fn readers_who_hold_the_same_see_the_same_marks_in_whatever_order_it_came(
        steps in prop::collection::vec(step(), 1..40),
        order in prop::collection::vec(any::<prop::sample::Index>(), 60),
    ) {
        let mut world = World::default();
        world.open(1);
        for step in &steps {
            take(&mut world, step);
        }
        let held = world.held(|_| true);
        let straight = RecordState::fold_held(held.clone()).unwrap();
        let mut shuffled = held.clone();
        for (n, index) in order.iter().enumerate() {
            let len = shuffled.len();
            shuffled.swap(n % len, index.index(len));
        }
        let folded = RecordState::fold_held(shuffled.clone()).unwrap();
        prop_assert_eq!(marks(&straight), marks(&folded));
        // One by one, folding anew only where `apply` asks for it.
        let mut so_far = vec![shuffled[0]];
        let mut state = RecordState::fold_held(so_far.clone()).unwrap();
        for one in &shuffled[1..] {
            so_far.push(*one);
            if !state.apply(one) {
                state = RecordState::fold_held(so_far.clone()).unwrap();
            }
        }
        prop_assert_eq!(marks(&straight), marks(&state));
    }
}
