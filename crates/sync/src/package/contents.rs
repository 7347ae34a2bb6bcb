//! What is in a package, counted: what a person is shown before anything is taken.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use shicha_domain::{DeviceId, RecordId};

use super::{Kind, Message, Piece, message::Outcome};
use crate::protocol::{Row, update::OfferedUpdate};

/// No more records than this are told apart; beyond it a count is a lower bound.
const MAX_TOLD_APART: usize = 1_000_000;

/// Entries of one device's ledger in a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Whose ledger.
    pub device: DeviceId,
    /// How many entries.
    pub entries: u64,
    /// The last of them, by its place in that ledger.
    pub upto: u64,
}

/// What is in a package, counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// Entries that have no number yet, by whose ledger they are of.
    pub holders: Vec<Holder>,
    /// Entries with numbers, as the endpoint gives them.
    pub numbered: u64,
    /// Records that entries of either kind are about.
    pub records: u64,
    /// Claimed time of the earliest entry, Unix ms.
    pub from_ms: Option<u64>,
    /// Claimed time of the latest entry, Unix ms.
    pub until_ms: Option<u64>,
    /// Files of evidence.
    pub evidence: u64,
    /// Their bytes.
    pub evidence_bytes: u64,
    /// Receipts for the recipient's ledger or for one that it brought.
    pub receipts: u64,
    /// Entries that the endpoint refused.
    pub refused: u64,
    /// Blocks of document numbers.
    pub numbers: u64,
    /// Whether it holds the directory.
    pub has_directory: bool,
    /// Whether a newcomer asks for a place, or is given one.
    pub is_enrolment: bool,
    /// The update of the application that it carries. Whether its signature holds is not known by counting.
    #[serde(default)]
    pub update: Option<OfferedUpdate>,
}

impl Contents {
    /// Entries that have no number yet.
    pub fn entries(&self) -> u64 {
        self.holders.iter().map(|holder| holder.entries).sum()
    }
}

/// Counts as pieces go by.
#[derive(Default)]
pub(super) struct Counting {
    contents: Contents,
    records: HashSet<RecordId>,
    /// Where each device stands among the holders: a package may be of as many as it has pieces.
    holders: HashMap<DeviceId, usize>,
}

impl Counting {
    /// A file, which is evidence or the bytes of an update.
    pub(super) fn file(&mut self, piece: &Piece) {
        if piece.kind == Kind::Evidence {
            self.contents.evidence += 1;
            self.contents.evidence_bytes += piece.size;
        }
    }

    pub(super) fn message(&mut self, message: &Message) {
        match message {
            Message::Push(push) => {
                self.rows(&push.batch.rows);
                if let Some(last) = push.batch.rows.last() {
                    self.holder(
                        last.entry.device,
                        push.batch.rows.len() as u64,
                        last.entry.seq,
                    );
                }
            }
            Message::Pull(pull) => {
                self.rows(&pull.batch.rows);
                self.contents.numbered += pull.batch.rows.len() as u64;
            }
            Message::Answer(answer) => {
                if let Outcome::Held(reply) = &answer.outcome {
                    self.contents.receipts += reply.receipts.len() as u64;
                    self.contents.refused += reply.refused.len() as u64;
                }
            }
            Message::Numbers(_) => self.contents.numbers += 1,
            Message::Directory(_) => self.contents.has_directory = true,
            Message::Update(update) => self.contents.update = Some(update.as_ref().clone()),
            Message::EnrolRequest(_) | Message::EnrolReply(_) => self.contents.is_enrolment = true,
            Message::State(_)
            | Message::Wanted(_)
            | Message::IdentityRequest(_)
            | Message::IdentityReply(_) => {}
        }
    }

    /// What was said of an update so far.
    pub(super) fn update(&self) -> Option<&OfferedUpdate> {
        self.contents.update.as_ref()
    }

    pub(super) fn finish(mut self) -> Contents {
        self.contents.records = self.records.len() as u64;
        self.contents
    }

    fn holder(&mut self, device: DeviceId, entries: u64, upto: u64) {
        let holders = &mut self.contents.holders;
        let at = *self.holders.entry(device).or_insert(holders.len());
        match holders.get_mut(at) {
            Some(holder) => {
                holder.entries += entries;
                holder.upto = holder.upto.max(upto);
            }
            None => holders.push(Holder {
                device,
                entries,
                upto,
            }),
        }
    }

    fn rows(&mut self, rows: &[Row]) {
        for row in rows {
            let at = row.entry.at.ms();
            let Contents {
                from_ms, until_ms, ..
            } = &mut self.contents;
            *from_ms = Some(from_ms.map_or(at, |from| from.min(at)));
            *until_ms = Some(until_ms.map_or(at, |until| until.max(at)));
            if self.records.len() < MAX_TOLD_APART {
                self.records.insert(row.entry.record);
            }
        }
    }
}
