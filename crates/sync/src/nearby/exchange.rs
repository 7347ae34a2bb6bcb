//! What two laptops give each other once both people have agreed: first entries in turn, then evidence in turn.
//!
//! Each says what it holds of the channels that the other may read, gives what the other lacks, and hears what became of it. Entries that
//! the endpoint lacks go as their device sealed them; those that it has confirmed go with the receipts that prove them. Every message is
//! taken whole and durably by itself, so that a session that breaks has lost nothing, and the next one begins where this one stopped.

use serde::{Deserialize, Serialize};
use shicha_ledger::{Holdings, Ledger, Vouched};

use super::{
    channel::{Kind, Message},
    fault::{NearbyFault, Reason},
    files,
    giving::{self, Lot},
    greeting::Side,
    line::{Heard, Line, Word, out_of_place},
    peer::{Peer, Reader},
    session::Host,
    taking,
};
use crate::work;

/// What became of entries that one gave to the other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// New there.
    pub new: u64,
    /// There already.
    pub known: u64,
    /// Not taken: nothing there proves them, or the other may not have them.
    pub left_out: u64,
}

/// What was given and taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// What this laptop gave.
    pub given: Moved,
    /// What it took.
    pub taken: Moved,
    /// Entries that were not taken here, because nothing here proves them.
    pub not_taken: u64,
}

/// What went one way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(rename = "NearbyMoved"))]
pub struct Moved {
    /// Entries; what was given counts once the other has said that it was new.
    pub entries: u64,
    /// Entries that are to go.
    pub all_entries: u64,
    /// Files of evidence that went whole.
    pub files: u64,
    /// Files that are to go.
    pub all_files: u64,
    /// Bytes of files.
    pub bytes: u64,
    /// Bytes that are to go.
    pub all_bytes: u64,
}

/// What a message of entries is, by its first byte.
pub(super) mod tag {
    /// What one holds.
    pub(in crate::nearby) const HOLDINGS: u8 = 0;
    /// A stretch of a log under its device's signature.
    pub(in crate::nearby) const SEALED: u8 = 1;
    /// Entries that receipts of the endpoint prove.
    pub(in crate::nearby) const CONFIRMED: u8 = 2;
}

/// The most logs and channels that one tells of.
const MAX_HOLDINGS: usize = 200_000;

/// An exchange under way.
pub(super) struct Exchange<'a> {
    pub(super) line: &'a mut Line,
    pub(super) host: &'a Host,
    pub(super) peer: &'a Peer,
    pub(super) reader: &'a Reader,
    pub(super) summary: Summary,
    tell: &'a (dyn Fn(Summary) + Send + Sync),
}

pub(super) async fn run(
    line: &mut Line,
    side: Side,
    host: &Host,
    peer: &Peer,
    reader: &Reader,
    tell: &(dyn Fn(Summary) + Send + Sync),
) -> Result<Summary, NearbyFault> {
    let mut exchange = Exchange {
        line,
        host,
        peer,
        reader,
        summary: Summary::default(),
        tell,
    };
    let theirs = exchange.compare().await?;
    if side == Side::Answers {
        exchange.give(&theirs).await?;
        exchange.take().await?;
    } else {
        exchange.take().await?;
        exchange.give(&theirs).await?;
    }
    files::exchange(&mut exchange, side).await?;
    exchange.line.say(&Word::Done).await?;
    match exchange.line.hear_word().await? {
        Word::Done => Ok(exchange.summary),
        _ => Err(out_of_place()),
    }
}

impl Exchange<'_> {
    /// Does blocking work on the ledger.
    pub(super) async fn on_ledger<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Ledger) -> Result<T, NearbyFault> + Send + 'static,
    ) -> Result<T, NearbyFault> {
        let ledger = self.host.ledger.clone();
        work::begin(move || work(&ledger))
            .await
            .unwrap_or_else(|error| Err(NearbyFault::here(Reason::Storage, error)))
    }

    pub(super) fn tell(&self) {
        (self.tell)(self.summary);
    }

    /// Both say what they hold of what the other may read.
    async fn compare(&mut self) -> Result<Holdings, NearbyFault> {
        let reader = self.reader.clone();
        let mine = self
            .on_ledger(move |ledger| Ok(ledger.holdings(&|channel| reader.may_read(channel))?))
            .await?;
        let mut bytes = vec![tag::HOLDINGS];
        serde_json::to_writer(&mut bytes, &mine)
            .map_err(|error| NearbyFault::here(Reason::Storage, error))?;
        self.line
            .send(Message {
                kind: Kind::Entries,
                bytes,
            })
            .await?;
        let Heard::Entries(bytes) = self.line.hear().await? else {
            return Err(out_of_place());
        };
        let said = bytes
            .strip_prefix(&[tag::HOLDINGS])
            .ok_or_else(out_of_place)?;
        let theirs: Holdings = serde_json::from_slice(said).map_err(NearbyFault::garbage)?;
        if theirs.cursors.len().max(theirs.logs.len()) > MAX_HOLDINGS {
            return Err(NearbyFault::garbage("more logs than anybody has"));
        }
        Ok(theirs)
    }

    /// Gives the entries that the other lacks and may read.
    async fn give(&mut self, theirs: &Holdings) -> Result<(), NearbyFault> {
        let (reader, me, peer, theirs) = (
            self.reader.clone(),
            self.host.me.clone(),
            self.peer.device,
            theirs.clone(),
        );
        let plan = self
            .on_ledger(move |ledger| giving::plan(ledger, &me, peer, &reader, &theirs))
            .await?;
        self.summary.given.all_entries = plan.iter().map(Lot::entries).sum();
        self.tell();
        self.line
            .say(&Word::Giving {
                entries: self.summary.given.all_entries,
            })
            .await?;
        for lot in plan {
            let me = self.host.me.clone();
            let entries = lot.entries();
            let bytes = self
                .on_ledger(move |ledger| giving::write(ledger, &me, lot))
                .await?;
            self.line
                .send(Message {
                    kind: Kind::Entries,
                    bytes,
                })
                .await?;
            self.summary.given.entries += entries;
            self.tell();
        }
        self.line.say(&Word::NoMoreEntries).await?;
        let Word::Taken(count) = self.line.hear_word().await? else {
            return Err(out_of_place());
        };
        self.summary.given.entries = count.new.min(self.summary.given.all_entries);
        self.tell();
        Ok(())
    }

    /// Takes the entries that the other gives.
    async fn take(&mut self) -> Result<(), NearbyFault> {
        let Word::Giving { entries } = self.line.hear_word().await? else {
            return Err(out_of_place());
        };
        self.summary.taken.all_entries = entries;
        self.tell();
        let vouched = self.reader.actor().map(|actor| Vouched {
            device: self.peer.device,
            public_key: self.peer.public_key,
            actor,
        });
        let mut count = Count::default();
        loop {
            let bytes = match self.line.hear().await? {
                Heard::Entries(bytes) => bytes,
                Heard::Word(Word::NoMoreEntries) => break,
                _ => return Err(out_of_place()),
            };
            let (server_key, vouched) = (self.host.me.server_key, vouched.clone());
            let now_ms = self.host.clock.now_ms();
            let more = self
                .on_ledger(move |ledger| {
                    taking::take(ledger, &bytes, &server_key, vouched.as_ref(), now_ms)
                })
                .await?;
            count.new += more.new;
            count.known += more.known;
            count.left_out += more.left_out;
            self.summary.taken.entries = count.new;
            self.summary.not_taken = count.left_out;
            self.tell();
        }
        self.line.say(&Word::Taken(count)).await
    }
}
