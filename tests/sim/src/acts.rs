//! What people do: they open records, fill them in, attach photos, sign, and write where they must not.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use serde_json::json;
use shicha_domain::{
    Channel, EntryId, Event, Evidence, RecordId, RecordKind, RecordState,
    event::{SignMethod, Signature, SignerRole},
    record::Held,
};
use shicha_ledger::{Draft, EntryDelivery, Ledger, LedgerError};
use shicha_sync::client::Clock as _;
use uuid::Uuid;

use crate::world::World;

impl World<'_> {
    /// Somebody writes something on their laptop.
    pub(crate) fn write(&mut self) -> Result<()> {
        let Some(n) = self.some(|one| one.is_up()) else {
            return Ok(());
        };
        if self.laptops[n].device().is_none() {
            return Ok(());
        }
        let Some(ledger) = self.laptops[n].work().cloned() else {
            return Ok(());
        };
        let now_ms = self.laptops[n].watch.now_ms();
        let mut marks = Vec::new();
        let mut drafts = Vec::new();
        for _ in 0..=self.dice.below(3) {
            match self.draft(n, &ledger, now_ms, &drafts) {
                Ok(Some((mark, draft))) => {
                    marks.push(mark);
                    drafts.push(draft);
                }
                Ok(None) => {}
                Err(error) => return self.not_written(n, marks, &error),
            }
        }
        if drafts.is_empty() {
            return Ok(());
        }
        self.step(format!("{n} writes {marks:?}"));
        match ledger.append(self.laptops[n].author(), drafts, now_ms) {
            Ok(_) => {
                self.laptops[n].kept.extend(marks);
                Ok(())
            }
            Err(error) => self.not_written(n, marks, &error),
        }
    }

    /// The program died over it, or the disk is full; everything else is the ledger's fault.
    fn not_written(&mut self, n: usize, marks: Vec<u64>, error: &LedgerError) -> Result<()> {
        self.step(format!("{n} could not write {marks:?}"));
        if self.laptops[n].has_died() {
            self.laptops[n].perhaps.push(marks);
        } else if matches!(error, LedgerError::DiskFull) {
            self.trace.count("disk full");
            self.truth.never.extend(marks);
        } else {
            bail!("{} cannot write: {error:?}", self.laptops[n].name());
        }
        Ok(())
    }

    fn draft(
        &mut self,
        n: usize,
        ledger: &Ledger,
        now_ms: u64,
        before: &[Draft],
    ) -> Result<Option<(u64, Draft)>, LedgerError> {
        let channels = self.laptops[n].channels();
        // Mostly where they may, now and then where they must not.
        let channel = match self.dice.below(20) {
            0..12 => &channels[0],
            12..19 => &channels[1],
            _ => &channels[2],
        };
        let known: Vec<RecordId> = self
            .truth
            .records
            .iter()
            .filter(|(of, _)| of == channel)
            .map(|(_, record)| *record)
            .collect();
        let chosen = known.get(self.dice.place(known.len())).copied();
        let state = match chosen {
            Some(record) => ledger.record(record)?,
            None => None,
        };
        // Under its name something may be here that an enemy wrote elsewhere: nobody takes that for the record.
        let state = state.filter(|state| state.channel() == channel);
        let mark = self.truth.next();
        let text = format!("§{mark}§");
        let (record, event) = match state {
            // What stands in the same draft is not folded yet: it could not be named.
            Some(state)
                if self.dice.percent(80)
                    && before.iter().all(|one| one.record != state.record()) =>
            {
                let Some(event) = self.event_on(&state, ledger, mark, text, now_ms)? else {
                    return Ok(None);
                };
                (state.record(), event)
            }
            _ => {
                let record = RecordId(Uuid::from_u128(
                    u128::from(self.dice.roll()) << 64 | u128::from(self.dice.roll()),
                ));
                self.truth.records.push((channel.clone(), record));
                (record, self.opened(text))
            }
        };
        Ok(Some(self.said(n, channel, record, event)))
    }

    fn said(
        &mut self,
        n: usize,
        channel: &Channel,
        record: RecordId,
        event: Event,
    ) -> (u64, Draft) {
        let author = self.laptops[n].author();
        let mark = self.truth.say(author, channel, record, &event);
        let channel = channel.clone();
        (
            mark,
            Draft {
                channel,
                record,
                event,
            },
        )
    }

    fn opened(&mut self, text: String) -> Event {
        let (kind, fields) = if self.dice.percent(60) {
            let fields = [("name", json!(text)), ("subject_kind", json!("enterprise"))];
            (RecordKind::Subject, fields.to_vec())
        } else {
            let fields = [
                ("subject_name", json!(text)),
                ("kind", json!("enforcement")),
            ];
            (RecordKind::Inspection, fields.to_vec())
        };
        let fields: BTreeMap<String, serde_json::Value> = fields
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        Event::Opened { kind, fields }
    }

    fn event_on(
        &mut self,
        state: &RecordState,
        ledger: &Ledger,
        mark: u64,
        text: String,
        now_ms: u64,
    ) -> Result<Option<Event>, LedgerError> {
        Ok(Some(match self.dice.below(100) {
            0..62 => {
                let field =
                    ["remark", "phone", "address", "reply/text", "after/note"][self.dice.place(5)];
                Event::Set {
                    field: field.into(),
                    value: json!(text),
                    replaces: state.heads_of(field),
                }
            }
            62..80 => {
                let mut photo = vec![0; 200 + self.dice.place(3_000)];
                self.dice.fill(&mut photo);
                let taken = ledger.blob_import(&mut photo.as_slice(), &mut |_| {}, now_ms)?;
                self.trace.count("photos");
                Event::Attached {
                    place: ["record", "reply", "after/photo"][self.dice.place(3)].into(),
                    evidence: Evidence {
                        blob: taken.hash,
                        size: taken.size,
                        name: format!("照片{text}.jpg"),
                        mime: taken.mime,
                        source: "file".into(),
                        taken_at_ms: None,
                        position_e7: None,
                        camera: None,
                        derived_from: None,
                    },
                }
            }
            80..88 => {
                let attachments = state.attachments();
                let Some(attachment) = attachments.get(self.dice.place(attachments.len())) else {
                    return Ok(None);
                };
                Event::Detached {
                    attachment: attachment.trace.entry,
                    reason: text,
                }
            }
            88..96 => return self.signature(state, ledger, mark, text).map(Some),
            96..98 => Event::Annulled {
                reason: text,
                signature: None,
                by_supervisor: false,
            },
            _ => Event::NumberVoided {
                number: "应急检记〔2022〕1号".into(),
                reason: text,
            },
        }))
    }

    fn signature(
        &mut self,
        state: &RecordState,
        ledger: &Ledger,
        mark: u64,
        text: String,
    ) -> Result<Event, LedgerError> {
        let stored = ledger.entries_of(state.record())?;
        let held = stored.iter().map(|one| Held {
            is_refused: matches!(one.delivery, EntryDelivery::Refused { .. }),
            ..Held::unreceived(one.id, &one.entry)
        });
        let digest = state.frozen().unwrap_or_else(|| state.content_digest());
        let under = state.counting().map(|version| version.signature());
        self.trace.count("signatures");
        let content = (digest, state.content().to_string());
        self.truth.signed.insert(mark, content);
        Ok(Event::Signed(Signature {
            digest,
            pin: under.is_none().then(|| RecordState::pin(held)),
            under,
            role: SignerRole::Inspector,
            name: "某人".into(),
            person: None,
            method: SignMethod::Screen,
            mark: None,
            mark_size: None,
            note: text,
            witness: String::new(),
        }))
    }

    /// The entries of a laptop, by their marks, without those that it alone may have.
    pub(crate) fn shown(&mut self, n: usize) -> Result<BTreeMap<EntryId, u64>> {
        self.laptops[n].work();
        self.truth.check_laptop(&self.laptops[n], &self.tree)
    }
}
