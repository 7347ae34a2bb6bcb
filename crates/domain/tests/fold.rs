//! The promise of the fold: whatever order the entries come in, and however often, the record is the same.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;
use shicha_domain::{
    BlobHash, Channel, DeviceId, Digest, Entry, EntryId, Event, Evidence, Hlc, PersonId, RecordId,
    RecordKind, RecordState,
    bounds::Bounds,
    event::{Pin, SignMethod, Signature, SignerRole},
    receipt::Rank,
    record::{Held, Standing},
};
use uuid::Uuid;

/// What a generated device does next; numbers are taken modulo what is there.
#[derive(Debug, Clone)]
enum Step {
    Set {
        device: usize,
        field: usize,
        value: u8,
    },
    Attach {
        device: usize,
        blob: u8,
    },
    Detach {
        device: usize,
        which: usize,
    },
    Sign {
        device: usize,
    },
    Unknown {
        device: usize,
    },
    /// `to` learns everything that `from` knows.
    Meet {
        from: usize,
        to: usize,
    },
    /// The device's clock jumps.
    Clock {
        device: usize,
        ms: u64,
    },
}

const DEVICES: usize = 3;
const FIELDS: [&str; 4] = [
    "place",
    "answers/TI-1.1/result",
    "answers/TI-1.1/facts",
    "after/remark",
];

fn step() -> impl Strategy<Value = Step> {
    let device = 0..DEVICES;
    prop_oneof![
        6 => (device.clone(), 0..FIELDS.len(), 0..4u8).prop_map(|(device, field, value)| Step::Set { device, field, value }),
        2 => (device.clone(), 0..8u8).prop_map(|(device, blob)| Step::Attach { device, blob }),
        1 => (device.clone(), 0..8usize).prop_map(|(device, which)| Step::Detach { device, which }),
        1 => device.clone().prop_map(|device| Step::Sign { device }),
        1 => device.clone().prop_map(|device| Step::Unknown { device }),
        3 => (device.clone(), device.clone()).prop_map(|(from, to)| Step::Meet { from, to }),
        1 => (device, 0..2_000_000_000u64).prop_map(|(device, ms)| Step::Clock { device, ms }),
    ]
}

#[derive(Clone, Default)]
struct World {
    known: [Vec<(EntryId, Entry)>; DEVICES],
    log: [Vec<(EntryId, Entry)>; DEVICES],
    clock: [u64; DEVICES],
}

impl World {
    fn write(&mut self, device: usize, event: &Event) {
        let own = &self.log[device];
        let (seq, prev) = own
            .last()
            .map_or((1, EntryId::NONE), |(id, entry)| (entry.seq + 1, *id));
        let last_at = own.last().map_or(Hlc::default(), |(_, entry)| entry.at);
        let entry = Entry {
            device: DeviceId(Uuid::from_u128(device as u128 + 1)),
            seq,
            prev,
            after: None,
            at: last_at.tick(1_650_000_000_000 + self.clock[device]),
            author: PersonId(Uuid::from_u128(device as u128 + 100)),
            channel: "own/320703".parse::<Channel>().unwrap(),
            record: RecordId(Uuid::from_u128(7)),
            event: event.to_bytes().unwrap(),
            again: None,
        };
        self.clock[device] += 1_000;
        let row = (entry.id(), entry);
        self.log[device].push(row.clone());
        self.known[device].push(row);
    }

    fn pin(&self, device: usize) -> Pin {
        let known = self.known[device].iter();
        RecordState::pin(known.map(|(id, entry)| Held::unreceived(*id, entry)))
    }

    fn state(&self, device: usize) -> Option<RecordState> {
        RecordState::fold(self.known[device].iter().map(|(id, entry)| (*id, entry)))
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Set {
                device,
                field,
                value,
            } => {
                let replaces = self
                    .state(device)
                    .map(|s| s.heads_of(FIELDS[field]))
                    .unwrap_or_default();
                let value = if field == 1 {
                    ["conforms", "nonconforming", "not_checked", "to_verify"][usize::from(value)]
                        .into()
                } else {
                    json!(format!("值{value}"))
                };
                self.write(
                    device,
                    &Event::Set {
                        field: FIELDS[field].into(),
                        value,
                        replaces,
                    },
                );
            }
            Step::Attach { device, blob } => {
                let evidence = Evidence {
                    blob: BlobHash([blob; 32]),
                    size: 10,
                    name: format!("照片{blob}.jpg"),
                    mime: "image/jpeg".into(),
                    source: "file".into(),
                    taken_at_ms: None,
                    position_e7: None,
                    camera: None,
                    derived_from: None,
                };
                let place = if blob % 4 == 3 {
                    "after/scan"
                } else {
                    "answers/TI-1.1"
                };
                self.write(
                    device,
                    &Event::Attached {
                        place: place.into(),
                        evidence,
                    },
                );
            }
            Step::Detach { device, which } => {
                let found = self
                    .state(device)
                    .map(|s| {
                        s.attachments()
                            .iter()
                            .map(|a| a.trace.entry)
                            .collect::<Vec<_>>()
                    })
                    .unwrap_or_default();
                if let Some(attachment) = found.get(which % found.len().max(1)) {
                    self.write(
                        device,
                        &Event::Detached {
                            attachment: *attachment,
                            reason: String::new(),
                        },
                    );
                }
            }
            Step::Sign { device } => {
                let Some(state) = self.state(device) else {
                    return;
                };
                let under = state.counting().map(|version| version.signature());
                let pin = under.is_none().then(|| self.pin(device));
                self.write(
                    device,
                    &Event::Signed(Signature {
                        digest: state.frozen().unwrap_or_else(|| state.content_digest()),
                        pin,
                        under,
                        role: SignerRole::Inspector,
                        name: format!("检查员{device}"),
                        person: None,
                        method: SignMethod::Screen,
                        mark: None,
                        mark_size: None,
                        note: String::new(),
                        witness: String::new(),
                    }),
                );
            }
            Step::Unknown { device } => {
                // Written as a newer version would write it.
                self.write(
                    device,
                    &Event::Set {
                        field: "place".into(),
                        value: json!(null),
                        replaces: vec![],
                    },
                );
                let row = self.log[device].pop().unwrap();
                self.known[device].pop();
                let entry = Entry {
                    event: br#"{"t":"teleported"}"#.to_vec(),
                    ..row.1
                };
                let row = (entry.id(), entry);
                self.log[device].push(row.clone());
                self.known[device].push(row);
            }
            Step::Meet { from, to } => {
                for row in self.known[from].clone() {
                    if !self.known[to].iter().any(|(id, _)| *id == row.0) {
                        self.known[to].push(row);
                    }
                }
            }
            Step::Clock { device, ms } => self.clock[device] = ms,
        }
    }
}

/// Everything that a screen could show of a record, in one comparable value.
fn shown(state: &RecordState) -> String {
    let fields: BTreeMap<_, _> = state
        .fields()
        .iter()
        .map(|(field, register)| {
            (
                field.clone(),
                register
                    .heads()
                    .iter()
                    .map(|h| (h.entry, h.value.clone()))
                    .collect::<Vec<_>>(),
            )
        })
        .collect();
    format!(
        "{:?} {:?} {fields:?} {:?} {:?} {:?} {:?} {:?} {:?} {}",
        state.kind(),
        state.opened(),
        state.attachments(),
        state.signatures(),
        state.frozen(),
        state.late(),
        state.unknown(),
        state.last(),
        state.content_digest(),
    )
}

fn world(steps: &[Step]) -> World {
    let mut world = World::default();
    let fields = BTreeMap::from([
        ("place".to_owned(), json!("教室")),
        ("subject_name".to_owned(), json!("样本学校")),
    ]);
    world.write(
        0,
        &Event::Opened {
            kind: RecordKind::Inspection,
            fields,
        },
    );
    for to in 1..DEVICES {
        world.take(&Step::Meet { from: 0, to });
    }
    for step in steps {
        world.take(step);
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn every_order_and_repetition_of_arrival_gives_the_same_record(
        steps in prop::collection::vec(step(), 1..40),
        order in prop::collection::vec(any::<prop::sample::Index>(), 120),
    ) {
        let world = world(&steps);
        let all: Vec<(EntryId, Entry)> = world.log.iter().flatten().cloned().collect();
        let straight = RecordState::fold(all.iter().map(|(id, e)| (*id, e))).unwrap();

        // Any order, with repetitions, folded from the start.
        let mut shuffled = all.clone();
        for (n, index) in order.iter().enumerate() {
            let len = shuffled.len();
            shuffled.swap(n % len, index.index(len));
        }
        let repeated: Vec<_> = shuffled.iter().chain(shuffled.iter().step_by(2)).map(|(id, e)| (*id, e)).collect();
        prop_assert_eq!(shown(&straight), shown(&RecordState::fold(repeated).unwrap()));

        // One by one, folding anew only where `apply` asks for it.
        let mut held: Vec<(EntryId, Entry)> = vec![shuffled[0].clone()];
        let mut state = RecordState::fold(held.iter().map(|(id, e)| (*id, e))).unwrap();
        for row in shuffled[1..].iter().chain(&shuffled) {
            if !held.iter().any(|(id, _)| *id == row.0) {
                held.push(row.clone());
            }
            if !state.apply(&Held::unreceived(row.0, &row.1)) {
                state = RecordState::fold(held.iter().map(|(id, e)| (*id, e))).unwrap();
            }
        }
        prop_assert_eq!(shown(&straight), shown(&state));
    }

    #[test]
    fn what_was_refused_steps_aside_for_what_was_not_in_whatever_order_they_come(
        steps in prop::collection::vec(step(), 1..12),
        refused in prop::collection::vec(0..3_u8, 40),
        order in prop::collection::vec(any::<prop::sample::Index>(), 40),
    ) {
        let world = world(&steps);
        let mut all: Vec<(EntryId, Entry, bool)> = (world.log.iter().flatten().zip(refused.iter().cycle()))
            .map(|((id, entry), refused)| (*id, entry.clone(), *refused > 0))
            .collect();
        for (n, index) in order.iter().enumerate() {
            let len = all.len();
            all.swap(n % len, index.index(len));
        }
        let held: fn(&(EntryId, Entry, bool)) -> Held<'_> = |(name, entry, is_refused)| Held {
            is_refused: *is_refused,
            ..Held::unreceived(*name, entry)
        };
        let mut state = RecordState::fold_held([held(&all[0])]).unwrap();
        for n in 1..all.len() {
            if !state.apply(&held(&all[n])) {
                state = RecordState::fold_held(all[..=n].iter().map(held)).unwrap();
            }
            let folded = RecordState::fold_held(all[..=n].iter().map(held)).unwrap();
            prop_assert_eq!(shown(&state), shown(&folded));
            prop_assert_eq!(state.content(), folded.content());
        }
    }

    #[test]
    fn a_version_folds_to_what_the_screen_showed_when_it_was_signed_whatever_receipts_say_of_its_times(
        steps in prop::collection::vec(step(), 1..40),
        opened_again in prop::option::of((0..DEVICES, any::<bool>(), 0..2_000_000_000_u64)),
        bounded in prop::collection::vec((any::<bool>(), 0..2_000_000_000_u64, 0..2_000_000_000_u64), 200),
    ) {
        let steps: Vec<Step> = steps.into_iter().filter(|step| !matches!(step, Step::Sign { .. })).collect();
        let mut world = world(&steps);
        if let Some((device, is_subject, ms)) = opened_again {
            world.clock[device] = ms;
            let kind = if is_subject { RecordKind::Subject } else { RecordKind::Inspection };
            let fields = BTreeMap::from([("place".to_owned(), json!("另一处"))]);
            world.write(device, &Event::Opened { kind, fields });
        }
        for from in 1..DEVICES {
            world.take(&Step::Meet { from, to: 0 });
        }
        // Receipts bring claimed times into their bounds: other ones when it is signed than afterwards.
        let held = |world: &World, is_after: bool| {
            let known = world.known[0].clone();
            let entries = known.iter().zip(&bounded).map(|((name, entry), (is_here, then, now))| {
                let exact_ms = 1_650_000_000_000 + if is_after { *now } else { *then };
                Held {
                    received: (is_after || *is_here).then_some(Rank { life: 1, received_at_ms: *now }),
                    bounds: Some(Bounds { since_ms: exact_ms, received_ms: exact_ms, seen_ms: None }),
                    ..Held::unreceived(*name, entry)
                }
            });
            RecordState::fold_held(entries).unwrap()
        };
        let evidence = |state: &RecordState| -> Vec<EntryId> {
            let all = state.attachments();
            let listed = all.iter().filter(|one| one.detached.is_none() && one.place != "after/scan");
            listed.map(|one| one.trace.entry).collect()
        };
        let shown = held(&world, false);
        world.write(0, &Event::Signed(Signature {
            digest: shown.content_digest(),
            pin: Some(world.pin(0)),
            under: None,
            role: SignerRole::Inspector,
            name: "甲".into(),
            person: None,
            method: SignMethod::Screen,
            mark: None,
            mark_size: None,
            note: String::new(),
            witness: String::new(),
        }));
        for is_after in [false, true] {
            let signed = held(&world, is_after);
            prop_assert_eq!(signed.content(), shown.content());
            prop_assert!(signed.signatures()[0].fits);
            prop_assert_eq!(signed.kind(), shown.content_kind());
            prop_assert_eq!(evidence(&signed), evidence(&shown), "numbered alike");
            if shown.conflicts().next().is_none() {
                for (field, register) in shown.fields().iter().filter(|(field, _)| !field.starts_with("after/")) {
                    prop_assert_eq!(signed.value(field), shown.value(field));
                    prop_assert!(!register.is_conflict());
                }
            }
        }
    }

    #[test]
    fn what_was_signed_never_changes_whatever_arrives_later(steps in prop::collection::vec(step(), 1..40), later in prop::collection::vec(step(), 1..20)) {
        let mut world = world(&steps);
        world.take(&Step::Meet { from: 1, to: 0 });
        world.take(&Step::Meet { from: 2, to: 0 });
        world.take(&Step::Sign { device: 0 });
        let signed = world.state(0).unwrap();
        let first = signed.signatures()[0].trace.entry;
        for step in &later {
            world.take(step);
        }
        world.take(&Step::Meet { from: 1, to: 0 });
        world.take(&Step::Meet { from: 2, to: 0 });
        let after = world.state(0).unwrap();
        // Unless somebody had signed earlier without this device knowing, the content stands.
        if after.signatures()[0].trace.entry == first {
            prop_assert_eq!(signed.frozen(), after.frozen());
            prop_assert_eq!(signed.content(), after.content());
        }
    }
}

#[test]
fn two_people_who_write_the_same_field_unknowingly_are_a_conflict_until_one_settles_it() {
    let mut world = world(&[]);
    world.take(&Step::Set {
        device: 1,
        field: 0,
        value: 1,
    });
    world.take(&Step::Set {
        device: 2,
        field: 0,
        value: 2,
    });
    world.take(&Step::Meet { from: 1, to: 0 });
    world.take(&Step::Meet { from: 2, to: 0 });
    let state = world.state(0).unwrap();
    let conflicts: Vec<_> = state
        .conflicts()
        .map(|(field, register)| (field.to_owned(), register.heads().len()))
        .collect();
    assert_eq!(
        conflicts,
        [("place".to_owned(), 2)],
        "both values are kept and listed"
    );

    world.take(&Step::Set {
        device: 0,
        field: 0,
        value: 3,
    });
    let state = world.state(0).unwrap();
    assert_eq!(
        state.conflicts().count(),
        0,
        "a value written over both settles it"
    );
    assert_eq!(state.text("place"), "值3");
}

#[test]
fn two_people_who_answer_different_items_are_no_conflict() {
    let mut world = world(&[]);
    world.take(&Step::Set {
        device: 1,
        field: 1,
        value: 0,
    });
    world.take(&Step::Set {
        device: 2,
        field: 2,
        value: 0,
    });
    world.take(&Step::Meet { from: 1, to: 0 });
    world.take(&Step::Meet { from: 2, to: 0 });
    assert_eq!(world.state(0).unwrap().conflicts().count(), 0);
}

#[test]
fn an_entry_that_arrives_after_signing_is_listed_as_late_and_changes_nothing() {
    let mut world = world(&[]);
    world.take(&Step::Set {
        device: 1,
        field: 0,
        value: 1,
    });
    world.clock[0] = 60_000;
    world.take(&Step::Sign { device: 0 });
    let signed: Digest = world.state(0).unwrap().frozen().unwrap();
    world.take(&Step::Meet { from: 1, to: 0 });
    let state = world.state(0).unwrap();
    assert_eq!(state.frozen(), Some(signed));
    assert_eq!(state.text("place"), "教室", "the signed value stands");
    assert_eq!(state.late().len(), 1, "the other is listed");
    assert!(state.signatures()[0].fits);
}

#[test]
fn who_signs_again_with_a_clock_set_back_does_not_sign_first() {
    let mut world = world(&[]);
    world.take(&Step::Sign { device: 0 });
    let signed = world.state(0).unwrap();
    for signer in [0, 1] {
        let mut world = world.clone();
        world.take(&Step::Meet {
            from: 0,
            to: signer,
        });
        world.take(&Step::Set {
            device: signer,
            field: 0,
            value: 2,
        });
        world.take(&Step::Sign { device: signer });
        let (_, entry) = world.known[signer].pop().unwrap();
        let entry = Entry {
            at: Hlc::from_ms(1_500_000_000_000),
            ..entry
        };
        world.known[signer].push((entry.id(), entry));
        let state = world.state(signer).unwrap();
        assert_eq!(state.frozen(), signed.frozen(), "device {signer}");
        assert_eq!(state.content(), signed.content());
        assert_eq!(state.late().len(), 1);
        assert_eq!(
            state.signatures()[0].trace,
            signed.signatures()[0].trace,
            "the one that froze the record stands first"
        );
        assert_eq!(state.signatures().len(), 2);
    }
}

#[test]
fn what_the_endpoint_refused_counts_for_nobody_not_even_on_the_device_that_wrote_it() {
    let mut world = world(&[]);
    world.take(&Step::Set {
        device: 1,
        field: 0,
        value: 1,
    });
    let refused = world.known[1].last().unwrap().0;
    world.take(&Step::Sign { device: 1 });
    let state = |refuses: bool| {
        let entries = world.known[1].iter().map(|(name, entry)| Held {
            is_refused: refuses && *name == refused,
            ..Held::unreceived(*name, entry)
        });
        RecordState::fold_held(entries).unwrap()
    };
    assert_eq!(state(false).text("place"), "值1");
    let after = state(true);
    assert_eq!(after.text("place"), "教室");
    assert_eq!(
        after.signatures()[0].standing,
        Standing::Incomplete { held: 1, count: 2 },
        "what was signed with it is incomplete here as everywhere"
    );
    assert_eq!(after.frozen(), None, "and is signed anew");
}
