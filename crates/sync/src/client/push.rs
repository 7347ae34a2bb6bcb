//! Sending entries. While one batch is on its way, the receipt of the one before is written down.

use std::{ops::Range, sync::Arc};

use shicha_domain::suite::SigningKey;
use shicha_domain::{Entry, EntryId, Receipt, receipt};
use shicha_ledger::Ledger;

use super::{
    engine::blocking,
    error::SyncError,
    round::Round,
    session::message,
    state::MovedKind,
    transport::{Method, Request},
};
use crate::{
    protocol::{
        BATCH_TYPE, BatchWriter, ProblemCode,
        end::END_HEADER,
        messages::{ForkReport, PushReply},
        signing, wire,
    },
    work::{self, Working},
};

/// Entries of one batch. A few thousand answers are some tens of kilobytes.
const BATCH: usize = 5_000;
/// Bytes of events of one batch.
const BATCH_BYTES: usize = 2 << 20;
/// Batches that are read from the ledger at a time.
const READ_AHEAD: usize = 4;

/// What came of sending everything that waits.
pub(super) enum Pushed {
    /// The server has it all.
    All,
    /// The server holds other entries.
    Parted(Parting),
}

/// Where this ledger and the server's have parted.
pub(super) struct Parting {
    /// The last entry that both have.
    pub(super) common: u64,
    /// What was refused up to there, as far as it was not known.
    pub(super) refused: Vec<(u64, String)>,
}

impl Parting {
    /// After an entry up to which everything is known.
    pub(super) fn after(common: u64) -> Self {
        Self {
            common,
            refused: Vec::new(),
        }
    }
}

type Waiting = Arc<Vec<(EntryId, Entry)>>;
/// Receipts of earlier lives of the server that are brought back to it with the entries that they are for, oldest first.
type Older = Arc<Vec<Receipt>>;

/// What one batch came to.
enum Sent {
    Held(PushReply),
    /// The server holds it, and after it what a copy of this ledger wrote: the receipts up to there.
    Overtaken(PushReply),
    Parted(Parting),
}

/// What several batches came to.
enum These {
    Held,
    /// A copy of this ledger was faster; from where on, the next push tells, because something was written here meanwhile.
    Overtaken,
    Parted(Parting),
}

impl Round<'_> {
    /// Sends everything that waits.
    pub(super) async fn push(&mut self) -> Result<Pushed, SyncError> {
        let mut overtaken_at = None;
        loop {
            let (waiting, older, before) = self
                .on_ledger(|ledger| {
                    let waiting = ledger.outbox(BATCH * READ_AHEAD, BATCH_BYTES * READ_AHEAD)?;
                    let older = to_bring_back(ledger, &waiting)?;
                    Ok((waiting, older, ledger.acked()?.0))
                })
                .await?;
            if waiting.is_empty() {
                return Ok(Pushed::All);
            }
            let last = waiting.last().map(|(_, entry)| entry.seq);
            let mut recording = None;
            let (waiting, older) = (Arc::new(waiting), Arc::new(older));
            let sent = self.push_these(waiting, older, &mut recording).await;
            // Also when a later batch failed: what the server confirmed is confirmed.
            let recorded = finished(recording).await;
            let sent = sent?;
            recorded?;
            let was_overtaken = match sent {
                These::Parted(parting) => return Ok(Pushed::Parted(parting)),
                These::Overtaken => overtaken_at.replace(last) != Some(last),
                These::Held => false,
            };
            let acked = self.on_ledger(|ledger| Ok(ledger.acked()?.0)).await?;
            if acked <= before && !was_overtaken {
                return Err(SyncError::untrustworthy(
                    "a push was answered without a receipt for it",
                ));
            }
        }
    }

    async fn push_these(
        &mut self,
        waiting: Waiting,
        older: Older,
        recording: &mut Option<Working<Result<(), SyncError>>>,
    ) -> Result<These, SyncError> {
        let mut all = These::Held;
        for batch in batches(&waiting, &older) {
            let reply = match self.send(&waiting, &older, batch.clone()).await? {
                Sent::Held(reply) => reply,
                Sent::Overtaken(reply) => {
                    all = These::Overtaken;
                    reply
                }
                Sent::Parted(parting) => return Ok(These::Parted(parting)),
            };
            finished(recording.take()).await?;
            self.note_numbers(&reply, &waiting[batch.clone()]);
            let upto = reply.receipts.last().map_or(0, |receipt| receipt.seq);
            let last = waiting.last().map_or(0, |(_, entry)| entry.seq);
            self.outcome.pushed += batch.len() as u64;
            self.outcome.refused += reply.refused.len() as u64;
            self.moved(MovedKind::Pushed, batch.len() as u64, 0).await?;
            if !reply.refused.is_empty() {
                self.moved(MovedKind::Refused, reply.refused.len() as u64, 0)
                    .await?;
            }
            let ledger = self.ledger.clone();
            *recording = Some(work::begin(move || record(&ledger, &reply)));
            // Sent before, confirmed only now: the rest of what was read need not be sent again.
            if upto >= last {
                break;
            }
        }
        Ok(all)
    }

    async fn send(
        &mut self,
        waiting: &Waiting,
        older: &Older,
        batch: Range<usize>,
    ) -> Result<Sent, SyncError> {
        let key = self.identity.signing_key.clone();
        let body = blocking({
            let (waiting, older, batch) = (Arc::clone(waiting), Arc::clone(older), batch.clone());
            move || write(&waiting[batch], &key, &older)
        })
        .await?;
        let mut request = Request::new(Method::Post, "/v1/push")
            .header("content-type", BATCH_TYPE)
            .with_time_for(body.len())
            .body(body);
        // Only the last batch can end the log; asking for it waits until the batch before is written down.
        let is_last = batch.end == waiting.len();
        let entries = &waiting[batch];
        let end = match entries.last() {
            Some((id, entry)) if is_last => self.end_with((entry.seq, *id)).await?,
            _ => None,
        };
        if let Some(end) = &end {
            request = request.header(END_HEADER, end.to_text());
        }
        match self.ask(request).await {
            Ok(reply) => {
                if end.is_some() {
                    self.end_was_told();
                }
                let mut reply: PushReply = message(&reply)?;
                self.check(&reply, entries)?;
                let head = self.on_ledger(|ledger| Ok(ledger.head()?.0)).await?;
                let sent = entries.last().map_or(0, |(_, entry)| entry.seq);
                // All of this is there, and more that is not known here: this ledger was restored from a copy. Where something was written
                // meanwhile, or was not sent yet, the next push tells up to where both agree.
                if reply.head.seq > head && head == sent {
                    return Ok(Sent::Parted(Parting {
                        common: sent,
                        refused: reply.refused,
                    }));
                }
                let beyond: Vec<(u64, EntryId)> = (reply.receipts.iter())
                    .filter(|receipt| receipt.seq > sent)
                    .map(|receipt| (receipt.seq, receipt.head))
                    .collect();
                let foreign = self
                    .on_ledger(move |ledger| {
                        for at in beyond {
                            if !ledger.holds_own(at)? {
                                return Ok(Some(at.0));
                            }
                        }
                        Ok(None)
                    })
                    .await?;
                if let Some(foreign) = foreign {
                    reply.receipts.retain(|receipt| receipt.seq < foreign);
                    return Ok(Sent::Overtaken(reply));
                }
                Ok(Sent::Held(reply))
            }
            Err(SyncError::Problem(problem)) if problem.code == ProblemCode::Fork => {
                let report = problem.extra.get("fork").cloned().unwrap_or_default();
                let report: ForkReport = serde_json::from_value(report).map_err(|error| {
                    SyncError::untrustworthy(format!("a fork without a report: {error}"))
                })?;
                let common = common(&report, entries)?;
                Ok(Sent::Parted(Parting {
                    common,
                    refused: report.refused,
                }))
            }
            Err(error) => Err(error),
        }
    }

    /// Holds the answer against what was sent: the receipts must be the server's, and for these very entries.
    fn check(&self, reply: &PushReply, entries: &[(EntryId, Entry)]) -> Result<(), SyncError> {
        let (Some((_, first)), Some((_, last))) = (entries.first(), entries.last()) else {
            return Ok(());
        };
        let mut before = first.seq - 1;
        for receipt in &reply.receipts {
            if receipt.device != self.identity.device || !receipt.is_signed_by(&self.server_key) {
                return Err(SyncError::untrustworthy(
                    "a receipt that the server did not sign for this device",
                ));
            }
            if receipt.seq <= before {
                return Err(SyncError::untrustworthy("receipts out of order"));
            }
            if let Some((id, _)) = receipt
                .seq
                .checked_sub(first.seq)
                .and_then(|n| entries.get(usize::try_from(n).ok()?))
                && *id != receipt.head
            {
                return Err(SyncError::untrustworthy(
                    "a receipt for another entry than the one sent",
                ));
            }
            before = receipt.seq;
        }
        if before < last.seq {
            return Err(SyncError::untrustworthy(
                "a push was answered without a receipt for it",
            ));
        }
        are_about(reply, first.seq, before)
    }

    /// Remembers until which number each channel must be given when it is pulled.
    fn note_numbers(&mut self, reply: &PushReply, entries: &[(EntryId, Entry)]) {
        for (_, entry) in entries {
            let run = reply
                .accepted
                .iter()
                .rev()
                .find(|run| (run.seq..run.seq.saturating_add(run.count)).contains(&entry.seq));
            if let Some(run) = run {
                let number = run.number.saturating_add(entry.seq - run.seq);
                let most = self.numbered.entry(entry.channel.clone()).or_default();
                *most = (*most).max(number);
            }
        }
    }
}

/// Of each entry from the first sent to the last receipt an answer must say either its number or its refusal. One that leaves some out is
/// the answer to another push, come late; taken for this one, it would turn what was refused into what was delivered.
fn are_about(reply: &PushReply, first: u64, upto: u64) -> Result<(), SyncError> {
    let mut accepted = reply.accepted.iter().peekable();
    let mut refused = reply.refused.iter().peekable();
    let mut next = first;
    while next <= upto {
        let after = match accepted.next_if(|run| run.seq == next) {
            Some(run) if run.number == 0 || run.number.checked_add(run.count).is_none() => None,
            Some(run) => next.checked_add(run.count).filter(|after| *after > next),
            None => refused
                .next_if(|(seq, _)| *seq == next)
                .and_then(|_| next.checked_add(1)),
        };
        next = after.ok_or_else(|| {
            SyncError::untrustworthy("an answer that leaves out what became of an entry")
        })?;
    }
    if next - 1 == upto && accepted.next().is_none() && refused.next().is_none() {
        Ok(())
    } else {
        Err(SyncError::untrustworthy(
            "an answer about other entries than those sent",
        ))
    }
}

fn batches(waiting: &[(EntryId, Entry)], older: &[Receipt]) -> Vec<Range<usize>> {
    let mut batches = Vec::new();
    let mut from = 0;
    while from < waiting.len() {
        let (mut upto, mut bytes) = (from, 0);
        while upto < waiting.len() && upto - from < BATCH && bytes < BATCH_BYTES {
            bytes += waiting[upto].1.event.len();
            upto += 1;
            // What is written again goes by itself, because its bounds are others.
            let is_again = |n: usize| waiting.get(n).map(|(_, entry)| entry.again.is_some());
            if is_again(upto - 1) == Some(true) && is_again(upto) == Some(false) {
                break;
            }
        }
        let end = match whole(&waiting[from..upto], older) {
            Some(count) => from + count,
            // Read again with what follows it.
            None if upto == waiting.len() && !batches.is_empty() => break,
            None => upto,
        };
        batches.push(from..end);
        from = end;
    }
    batches
}

/// How many of these entries go together, so that no receipt that is brought back loses the entry which proves what it is for.
pub(super) fn whole(entries: &[(EntryId, Entry)], older: &[Receipt]) -> Option<usize> {
    let mut end = entries.len();
    while let Some((_, last)) = end.checked_sub(1).and_then(|n| entries.get(n)) {
        let is_cut = |receipt: &&Receipt| (receipt.from..receipt.seq).contains(&last.seq);
        let Some(cut) = older.iter().find(is_cut) else {
            return Some(end);
        };
        end = entries.partition_point(|(_, entry)| entry.seq < cut.from);
    }
    None
}

/// The receipts that are to be brought back with these entries.
pub(super) fn to_bring_back(
    ledger: &Ledger,
    entries: &[(EntryId, Entry)],
) -> Result<Vec<Receipt>, SyncError> {
    match (entries.first(), entries.last()) {
        (Some((_, first)), Some((_, last))) => Ok(ledger.to_bring_back(first.seq - 1, last.seq)?),
        _ => Ok(Vec::new()),
    }
}

/// The body of a push of own entries, each with the oldest receipt for it that is brought back.
pub(super) fn write(
    entries: &[(EntryId, Entry)],
    key: &SigningKey,
    older: &[Receipt],
) -> Result<Vec<u8>, SyncError> {
    let Some((id, last)) = entries.last() else {
        return Ok(Vec::new());
    };
    let signature = signing::sign(key, &receipt::push_bytes(last.device, last.seq, *id));
    let mut batch = BatchWriter::new();
    for (id, entry) in entries {
        let oldest = older
            .iter()
            .find(|older| older.seq <= last.seq && older.accepts(entry.seq));
        let covered = oldest.map(|receipt| batch.receipt(receipt));
        batch.row(0, covered, *id, entry);
    }
    Ok(wire::write_push(&signature, batch)?)
}

/// The last entry that both ledgers have.
fn common(report: &ForkReport, entries: &[(EntryId, Entry)]) -> Result<u64, SyncError> {
    let agreed = report.common.filter(|common| {
        let at = entries
            .iter()
            .find(|(_, entry)| entry.seq == common.seq)
            .map(|(id, _)| *id);
        let before = entries
            .first()
            .filter(|(_, first)| Some(first.seq) == common.seq.checked_add(1))
            .map(|(_, first)| first.prev);
        at.or(before) == Some(common.id)
    });
    agreed.map(|common| common.seq).ok_or_else(|| {
        SyncError::untrustworthy("the server holds other entries than those it gave receipts for")
    })
}

/// Writes receipts down, each with the numbers and refusals that belong to it.
fn record(ledger: &Ledger, reply: &PushReply) -> Result<(), SyncError> {
    each_receipt(reply, |receipt, numbers, refused| {
        Ok(ledger.accept_receipt(receipt, numbers, refused)?)
    })
}

/// Hands receipts on, each with the numbers and refusals that belong to it.
pub(super) fn each_receipt(
    reply: &PushReply,
    mut take: impl FnMut(&Receipt, &[(u64, u64)], &[(u64, String)]) -> Result<(), SyncError>,
) -> Result<(), SyncError> {
    let mut numbers = reply
        .accepted
        .iter()
        .flat_map(|run| {
            (0..run.count).map(|n| (run.seq.saturating_add(n), run.number.saturating_add(n)))
        })
        .peekable();
    let mut refused = reply.refused.iter().peekable();
    for receipt in &reply.receipts {
        let Receipt { seq, .. } = *receipt;
        let mine: Vec<(u64, u64)> =
            std::iter::from_fn(|| numbers.next_if(|(at, _)| *at <= seq)).collect();
        let not: Vec<(u64, String)> = std::iter::from_fn(|| refused.next_if(|(at, _)| *at <= seq))
            .cloned()
            .collect();
        take(receipt, &mine, &not)?;
    }
    Ok(())
}

async fn finished(recording: Option<Working<Result<(), SyncError>>>) -> Result<(), SyncError> {
    match recording {
        None => Ok(()),
        Some(recording) => recording
            .await
            .unwrap_or_else(|error| Err(SyncError::Internal(error.to_string()))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use shicha_domain::{Channel, DeviceId, Hlc, PersonId, RecordId};
    use uuid::Uuid;

    use super::*;
    use crate::protocol::messages::{Head, NumberRun};

    fn reply(accepted: &[(u64, u64, u64)], refused: &[u64]) -> PushReply {
        PushReply {
            receipts: Vec::new(),
            accepted: accepted
                .iter()
                .map(|&(seq, number, count)| NumberRun { seq, number, count })
                .collect(),
            refused: refused.iter().map(|&seq| (seq, "event".into())).collect(),
            head: Head::EMPTY,
        }
    }

    #[test]
    fn no_push_ends_between_entries_and_the_one_that_proves_an_older_receipt_for_them() {
        let entries: Vec<(EntryId, Entry)> = (11..=11 + 2 * BATCH as u64)
            .map(|seq| {
                let entry = Entry {
                    device: DeviceId(Uuid::nil()),
                    seq,
                    prev: EntryId::NONE,
                    after: None,
                    at: Hlc::default(),
                    author: PersonId(Uuid::nil()),
                    channel: Channel::Own("320703".parse().unwrap()),
                    record: RecordId(Uuid::nil()),
                    event: Vec::new(),
                    again: None,
                };
                (EntryId::NONE, entry)
            })
            .collect();
        let (first, last) = (11, 11 + 2 * BATCH as u64);
        let run = |from, seq| Receipt {
            from,
            ..Receipt::whole(DeviceId(Uuid::nil()), seq, EntryId::NONE, 1)
        };
        let ends = |older: &[Receipt]| -> Vec<u64> {
            let ranges = batches(&entries, older).into_iter();
            ranges.map(|range| first - 1 + range.end as u64).collect()
        };
        let full = first - 1 + BATCH as u64;
        assert_eq!(ends(&[]), [full, full + BATCH as u64, last]);
        assert_eq!(ends(&[run(first, full), run(full + 1, last)])[0], full);
        assert_eq!(ends(&[run(full - 5, full + 5)])[0], full - 6);
        // Of several lives.
        let lives = [run(full - 5, full + 5), run(full - 9, full - 5)];
        assert_eq!(ends(&lives)[0], full - 10);
        // One that goes on after what was read waits for the rest; one that is longer than a push is cut.
        assert_eq!(ends(&[run(last - 3, last + 3)]).last(), Some(&(last - 4)));
        assert_eq!(ends(&[run(first, last)])[0], full);
    }

    #[test]
    fn an_answer_must_say_what_became_of_each_entry_and_of_no_other() {
        for (accepted, refused, is_about) in [
            (&[(4, 1, 3)][..], &[][..], true),
            (&[(4, 1, 1), (6, 9, 1)], &[5], true),
            (&[], &[4, 5, 6], true),
            (&[(5, 1, 2)], &[], false),
            (&[(4, 1, 2)], &[], false),
            (&[(4, 1, 1), (6, 2, 1)], &[], false),
            (&[(4, 1, 3)], &[5], false),
            (&[(4, 1, 4)], &[], false),
            (&[(4, 1, 3)], &[7], false),
            (&[(4, 1, 0), (4, 1, 3)], &[], false),
            (&[(4, 0, 3)], &[], false),
            (&[(4, 1, u64::MAX)], &[], false),
            (&[(4, u64::MAX, 3)], &[], false),
        ] {
            let said = are_about(&reply(accepted, refused), 4, 6);
            assert_eq!(said.is_ok(), is_about, "{accepted:?} {refused:?}: {said:?}");
        }
    }
}
