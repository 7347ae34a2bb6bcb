//! Entries that lie: in times, names, channels, and in what signatures cover.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::json;
use shicha_domain::{
    Channel, DeviceId, Digest, Entry, EntryId, Event, Hlc, PersonId, ReceiptId, RecordId,
    RecordKind, RecordState,
    entry::Again,
    event::{Pin, Place, SignMethod, Signature, SignerRole},
    ids::SetHash,
    record::Held,
};
use uuid::Uuid;

use super::{Enemies, Enemy, ORG};
use crate::{central::person, dice::Dice, world::World};

/// 2100-01-01.
const YEAR_2100: u64 = 4_102_444_800_000;

/// What every honest reader must see of an entry that the endpoint took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lie {
    /// A signature over what does not exist: never complete.
    Hollow,
    /// A signature whose digest is not that of what it covers.
    Misfit,
    /// An annulment by who has no say: without effect.
    Idle,
    /// A second opening: not the opening.
    Second,
    /// A claimed time that cannot be: contradicted.
    Contradicted,
    /// A value, or a signature over what is there: whatever it says, what was received before stays.
    Plain,
}

/// An entry to be.
struct Told {
    channel: Channel,
    record: RecordId,
    author: PersonId,
    event: Event,
    /// None: the endpoint must not take it.
    lie: Option<Lie>,
    /// Whether that follows from a record that the endpoint has.
    by_record: bool,
    /// Where it says that it stood first.
    again: Option<Again>,
}

impl World<'_> {
    /// One of them writes something into its log. It may send that later, or never.
    pub(super) fn lie(&mut self, enemies: &mut Enemies, n: usize) -> Result<()> {
        let Some(told) = self.told(enemies, n)? else {
            return Ok(());
        };
        let dice = &mut enemies.dice;
        let now_ms = self.enemies_now();
        let at_ms = match dice.below(6) {
            0 => 1,
            1 => YEAR_2100,
            2 => now_ms.saturating_sub(dice.below(90 * 86_400_000)),
            _ => now_ms,
        };
        let enemy = &mut enemies.all[n];
        let after = match dice.below(4) {
            0 => None,
            1 => {
                let mut id = [0; 32];
                dice.fill(&mut id);
                Some(ReceiptId(id))
            }
            _ => enemy
                .receipts
                .get(dice.place(enemy.receipts.len()))
                .copied(),
        };
        let Told {
            channel,
            record,
            author,
            event,
            lie,
            by_record,
            again,
        } = told;
        self.truth.say(author, &channel, record, &event);
        let mut entry = enemy.next(channel, record, author, (at_ms, after), &event)?;
        entry.again = again;
        let id = entry.id();
        self.step(format!("enemy {n} writes {id}, {lie:?}, at {at_ms}"));
        enemy.log.push(entry);
        if by_record {
            enemies.by_record.insert(id);
        }
        let far = now_ms.abs_diff(at_ms) > 10 * 365 * 86_400_000;
        match lie {
            None => {
                enemies.forbidden.insert(id);
            }
            Some(Lie::Plain) if far => {
                enemies.lies.insert(id, Lie::Contradicted);
            }
            Some(lie) => {
                enemies.lies.insert(id, lie);
            }
        }
        self.trace.count("lies of an enemy");
        Ok(())
    }

    fn told(&mut self, enemies: &mut Enemies, n: usize) -> Result<Option<Told>> {
        let own = Enemy::channel()?;
        let me = enemies.all[n].person;
        let text = format!("§{}§", self.truth.next());
        let chosen = enemies.all[n].record(&mut enemies.dice, &own);
        let dice = &mut enemies.dice;
        let plain = |channel: &Channel, record, event| Told {
            channel: channel.clone(),
            record,
            author: me,
            event,
            lie: Some(Lie::Plain),
            by_record: false,
            again: None,
        };
        let fresh = |dice: &mut Dice| {
            RecordId(Uuid::from_u128(
                u128::from(dice.roll()) << 64 | u128::from(dice.roll()),
            ))
        };
        let set = |text: &str, replaces| Event::Set {
            field: "remark".into(),
            value: json!(text),
            replaces,
        };
        let roll = dice.below(100);
        let Some(record) = chosen.filter(|_| roll < 88) else {
            return Ok(Some(match roll % 4 {
                // Where it has no business: another county, the public channel, an organisation that is none.
                0 => {
                    let foreign = [
                        "own/320706",
                        "pub/320703",
                        "own/000000",
                        "inst/320706/TI-01",
                    ];
                    let channel: Channel = foreign[dice.place(4)].parse()?;
                    Told {
                        lie: None,
                        ..plain(&channel, fresh(dice), opened(&text, RecordKind::Subject))
                    }
                }
                // A template pack in its bureau's name.
                1 => Told {
                    lie: None,
                    ..plain(&own, fresh(dice), opened(&text, RecordKind::Pack))
                },
                _ => {
                    let record = fresh(dice);
                    self.truth.records.push((own.clone(), record));
                    let kind = [RecordKind::Subject, RecordKind::Inspection][dice.place(2)];
                    plain(&own, record, opened(&text, kind))
                }
            }));
        };
        let entries = enemies.all[n]
            .seen
            .get(&record)
            .cloned()
            .unwrap_or_default();
        let state = RecordState::fold(entries.iter().map(|(id, entry)| (*id, entry)));
        let is_mine = state
            .as_ref()
            .and_then(RecordState::opened)
            .is_some_and(|opened| opened.author == me);
        let names: Vec<EntryId> = entries.iter().map(|(id, _)| *id).collect();
        let some_name = |dice: &mut Dice| names.get(dice.place(names.len())).copied();
        let told = match roll {
            // Over what others wrote, by naming whatever it likes.
            0..16 => plain(
                &own,
                record,
                set(&text, some_name(dice).into_iter().collect()),
            ),
            // In somebody else's name.
            16..20 => Told {
                author: person(dice.place(3)),
                lie: None,
                ..plain(&own, record, set(&text, vec![]))
            },
            // As if it had stood in an honest log first.
            20..24 => {
                let stood = entries.get(dice.place(entries.len()));
                // In a log of its own line it might have.
                let Some((_, stood)) = stood.filter(|(_, entry)| entry.author != me) else {
                    return Ok(None);
                };
                let again = Again {
                    device: stood.device,
                    seq: stood.seq + dice.below(2),
                    prev: stood.prev,
                };
                Told {
                    lie: None,
                    again: Some(again),
                    ..plain(&own, record, set(&text, vec![]))
                }
            }
            // A record of this channel in another one.
            24..30 => {
                let other: Channel = format!("inst/{ORG}/TI-01").parse()?;
                Told {
                    lie: None,
                    by_record: true,
                    ..plain(&other, record, set(&text, vec![]))
                }
            }
            // It sets aside what it has no say over.
            30..38 => {
                let place = entries.first().map(|(id, entry)| place_of(*id, entry));
                let event = if dice.percent(50) {
                    Event::Annulled {
                        reason: text,
                        signature: place,
                        by_supervisor: true,
                    }
                } else {
                    let Some(place) = place else { return Ok(None) };
                    Event::Settled {
                        counts: place,
                        over: vec![place],
                        instead: None,
                        reason: text,
                    }
                };
                Told {
                    lie: None,
                    ..plain(&own, record, event)
                }
            }
            // Of its own it may annul what is not signed.
            38..44 => Told {
                lie: Some(if is_mine { Lie::Plain } else { Lie::Idle }),
                by_record: true,
                ..plain(
                    &own,
                    record,
                    Event::Annulled {
                        reason: text,
                        signature: None,
                        by_supervisor: false,
                    },
                )
            },
            44..50 => {
                let Some(kind) = state.and_then(|state| state.kind()) else {
                    return Ok(None);
                };
                let other = match kind {
                    RecordKind::Subject => RecordKind::Inspection,
                    _ => RecordKind::Subject,
                };
                let is_same = dice.percent(50);
                Told {
                    lie: is_same.then_some(Lie::Second),
                    by_record: true,
                    ..plain(
                        &own,
                        record,
                        opened(&text, if is_same { kind } else { other }),
                    )
                }
            }
            50..58 => match some_name(dice) {
                Some(attachment) => plain(
                    &own,
                    record,
                    Event::Detached {
                        attachment,
                        reason: text,
                    },
                ),
                None => return Ok(None),
            },
            _ => {
                let (event, lie) = enemies.signed(n, record, &entries, text);
                Told {
                    lie,
                    ..plain(&own, record, event)
                }
            }
        };
        Ok(Some(told))
    }
}

impl Enemies {
    /// A signature over what it likes, and what must come of it.
    fn signed(
        &mut self,
        n: usize,
        record: RecordId,
        entries: &[(EntryId, Entry)],
        note: String,
    ) -> (Event, Option<Lie>) {
        let dice = &mut self.dice;
        // What the other one keeps back is there to be signed, too.
        let mut known = entries.to_vec();
        for other in &self.all {
            for entry in other.log.iter().filter(|entry| entry.record == record) {
                let id = entry.id();
                if !self.forbidden.contains(&id) && !known.iter().any(|(known, _)| *known == id) {
                    known.push((id, entry.clone()));
                }
            }
        }
        let most = dice.below(4);
        let chosen: Vec<Held<'_>> = known
            .iter()
            .filter(|_| most == 0 || dice.percent(70))
            .map(|(id, entry)| Held::unreceived(*id, entry))
            .collect();
        let enemy = &self.all[n];
        let next = enemy.log.len() as u64 + 1;
        let content = RecordState::fold_held(chosen.clone());
        let mut pin = RecordState::pin(chosen);
        let mut digest = content.map_or(Digest([1; 32]), |state| state.content_digest());
        let mut lie = Some(Lie::Plain);
        let mut under = None;
        match dice.below(10) {
            // What it is yet to write.
            0 => {
                let own = Place(enemy.device, next + dice.below(4), EntryId([9; 32]));
                (pin, lie) = (hollow(pin, own), None);
            }
            // What an honest device may write one day, or nobody ever will.
            1..3 => {
                let device = known
                    .first()
                    .map_or(enemy.device, |(_, entry)| entry.device);
                let device = if device == enemy.device {
                    DeviceId(Uuid::from_u128(7))
                } else {
                    device
                };
                let mut name = [0; 32];
                dice.fill(&mut name);
                let place = Place(device, 1_000_000 + dice.below(9), EntryId(name));
                (pin, lie) = (hollow(pin, place), Some(Lie::Hollow));
            }
            3..5 => {
                dice.fill(&mut digest.0);
                lie = Some(Lie::Misfit);
            }
            // Under a signature of somebody, or under something that is none.
            5 => {
                under = known.get(dice.place(known.len())).map(|(id, _)| *id);
                dice.fill(&mut digest.0);
                lie = Some(Lie::Misfit);
            }
            _ => {}
        }
        // In the name of somebody honest.
        let signature = Signature {
            digest,
            pin: under.is_none().then_some(pin),
            under,
            role: SignerRole::Inspector,
            name: "某人".into(),
            person: Some(person(dice.place(3))),
            method: SignMethod::Screen,
            mark: None,
            mark_size: None,
            note,
            witness: String::new(),
        };
        (Event::Signed(signature), lie)
    }
}

impl Enemy {
    /// A record that it has seen, mostly one of the last.
    fn record(&self, dice: &mut Dice, channel: &Channel) -> Option<RecordId> {
        let known: Vec<RecordId> = self
            .seen
            .iter()
            .filter(|(_, entries)| entries.iter().any(|(_, entry)| entry.channel == *channel))
            .map(|(record, _)| *record)
            .collect();
        known.get(dice.place(known.len())).copied()
    }

    /// The next entry of its log.
    pub(super) fn next(
        &self,
        channel: Channel,
        record: RecordId,
        author: PersonId,
        (at_ms, after): (u64, Option<ReceiptId>),
        event: &Event,
    ) -> Result<Entry> {
        Ok(Entry {
            device: self.device,
            seq: self.log.len() as u64 + 1,
            prev: self.log.last().map_or(self.base, Entry::id),
            after,
            at: Hlc::from_ms(at_ms),
            author,
            channel,
            record,
            event: event.to_bytes()?,
            again: None,
        })
    }
}

fn opened(text: &str, kind: RecordKind) -> Event {
    let name = if kind == RecordKind::Inspection {
        "subject_name"
    } else {
        "name"
    };
    Event::Opened {
        kind,
        fields: BTreeMap::from([(name.to_owned(), json!(text))]),
    }
}

fn place_of(id: EntryId, entry: &Entry) -> Place {
    Place(entry.device, entry.seq, id)
}

/// What a pin says, and something besides that is not there.
fn hollow(mut pin: Pin, place: Place) -> Pin {
    pin.covers.push(place);
    pin.count += 1;
    pin.set = SetHash([9; 32]);
    pin
}
