//! Fetching entries. While one batch is written to the ledger, the next one is on its way.
//!
//! Invariant: a batch goes into the ledger only when its numbers follow the cursor without a gap, its ids were computed here, and
//! every receipt in it bears the server's signature. The server is told what is held only after it is held durably.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use shicha_domain::suite::VerifyingKey;
use shicha_domain::{Channel, Receipt, ReceiptId};
use shicha_ledger::{Incoming, Ledger, LedgerError};

use super::{engine::blocking, error::SyncError, round::Round, session::post, state::MovedKind};
use crate::{
    protocol::{
        MAX_BATCH_DECODED, Row,
        end::END_HEADER,
        messages::PullRequest,
        wire::{self, PulledChannel},
    },
    work::{self, Working},
};

/// Entries that are asked for at a time.
const WANT: u32 = 10_000;

/// What one batch came to in the ledger: how many entries were new, and the channels that it would not take.
pub(super) type Stored = (u64, Faults);
/// Channels that cannot be trusted this time, and why.
pub(super) type Faults = Vec<(Channel, SyncError)>;

impl Round<'_> {
    pub(super) async fn pull(&mut self) -> Result<(), SyncError> {
        let cursors = self.on_ledger(|ledger| Ok(ledger.cursors()?)).await?;
        let mut ahead: BTreeMap<Channel, u64> = cursors.into_iter().collect();
        let mut storing: Option<Working<Result<Stored, SyncError>>> = None;
        let mut distrusted: BTreeSet<Channel> = BTreeSet::new();
        // Whether the cursors that are sent are held durably, all of them.
        let mut is_held = true;
        loop {
            let asked = self.pull_once(&ahead, &distrusted, is_held).await;
            if let Some(storing) = storing.take() {
                self.stored(storing, &mut distrusted).await?;
            }
            let (incoming, faults, more) = asked?;
            // What fills an answer and cannot be trusted must not keep the rest from being asked for.
            let goes_on_without = more && !faults.is_empty();
            for (channel, error) in faults {
                distrusted.insert(channel.clone());
                self.skip(channel, error).await?;
            }
            let has_entries = incoming.iter().any(|incoming| !incoming.entries.is_empty());
            if !has_entries && is_held && !goes_on_without {
                // Only how far others have what is here.
                let now_ms = self.engine.now_ms();
                self.on_ledger(move |ledger| store(ledger, incoming, now_ms))
                    .await?;
                return self.own_are_given(&ahead, &distrusted).await;
            }
            for channel in &incoming {
                ahead.insert(channel.channel.clone(), channel.upto);
            }
            let (ledger, now_ms) = (self.ledger.clone(), self.engine.now_ms());
            let task = work::begin(move || store(&ledger, incoming, now_ms));
            if more {
                storing = Some(task);
                is_held = false;
            } else {
                self.stored(task, &mut distrusted).await?;
                is_held = true;
            }
        }
    }

    /// What the server numbered when this device sent it has to come back under that number: otherwise it is withheld, from everybody.
    async fn own_are_given(
        &mut self,
        ahead: &BTreeMap<Channel, u64>,
        distrusted: &BTreeSet<Channel>,
    ) -> Result<(), SyncError> {
        let given = std::mem::take(&mut self.numbered);
        for (channel, number) in given {
            let upto = ahead.get(&channel).copied().unwrap_or(0);
            if upto < number && !distrusted.contains(&channel) {
                let what = format!("entry {number} of {channel}, sent from here, is withheld");
                self.skip(channel, SyncError::untrustworthy(what)).await?;
            }
        }
        Ok(())
    }

    async fn stored(
        &mut self,
        storing: Working<Result<Stored, SyncError>>,
        distrusted: &mut BTreeSet<Channel>,
    ) -> Result<(), SyncError> {
        let stored = storing
            .await
            .unwrap_or_else(|error| Err(SyncError::Internal(error.to_string())));
        let (new, faults) = stored?;
        self.outcome.pulled += new;
        if new > 0 {
            self.moved(MovedKind::Pulled, new, 0).await?;
        }
        for (channel, error) in faults {
            distrusted.insert(channel.clone());
            self.skip(channel, error).await?;
        }
        Ok(())
    }

    async fn pull_once(
        &mut self,
        cursors: &BTreeMap<Channel, u64>,
        distrusted: &BTreeSet<Channel>,
        is_held: bool,
    ) -> Result<(Vec<Incoming>, Faults, bool), SyncError> {
        let request = PullRequest {
            cursors: cursors
                .iter()
                .filter(|(channel, _)| !distrusted.contains(channel))
                .map(|(channel, number)| (channel.clone(), *number))
                .collect(),
            without: distrusted.iter().cloned().collect(),
            max_entries: WANT,
            is_held,
        };
        let mut request = post("/v1/pull", &request)?.with_time_for(MAX_BATCH_DECODED / 8);
        let end = self.end_if_due().await?;
        if let Some(end) = &end {
            request = request.header(END_HEADER, end.to_text());
        }
        let reply = self.ask(request).await?;
        if end.is_some() {
            self.end_was_told();
        }
        let (cursors, key) = (cursors.clone(), self.server_key);
        let without = distrusted.clone();
        blocking(move || {
            let pull = wire::read_pull(&reply.body)?;
            let more = pull.more;
            is_what_was_asked(&pull, &without)?;
            let (incoming, faults) = check(pull, &cursors, &key)?;
            Ok((incoming, faults, more))
        })
        .await
    }
}

/// Refuses answers that would never end, or that speak of a channel in two ways.
fn is_what_was_asked(pull: &wire::Pull, without: &BTreeSet<Channel>) -> Result<(), SyncError> {
    if pull.more && pull.batch.rows.is_empty() {
        return Err(SyncError::untrustworthy(
            "more is promised and nothing is given",
        ));
    }
    let mut listed = BTreeSet::new();
    for PulledChannel { channel, .. } in &pull.channels {
        if without.contains(channel) {
            let what = format!("{channel} is given although it was not asked for");
            return Err(SyncError::untrustworthy(what));
        }
        if !listed.insert(channel) {
            let what = format!("{channel} is listed twice");
            return Err(SyncError::untrustworthy(what));
        }
    }
    Ok(())
}

/// Holds a batch against the cursors and the server's key. Receipts that are not the server's spoil the whole batch; numbers with a
/// gap spoil their channel.
pub(super) fn check(
    pull: wire::Pull,
    cursors: &BTreeMap<Channel, u64>,
    key: &VerifyingKey,
) -> Result<(Vec<Incoming>, Faults), SyncError> {
    let receipts = pull.batch.receipts;
    if !receipts.iter().all(|receipt| receipt.is_signed_by(key)) {
        return Err(SyncError::untrustworthy(
            "a receipt that the server did not sign",
        ));
    }
    let by_id: HashMap<ReceiptId, usize> = receipts
        .iter()
        .enumerate()
        .map(|(n, receipt)| (receipt.id(), n))
        .collect();
    let mut rows = pull.batch.rows.into_iter();
    let (mut incoming, mut faults) = (Vec::new(), Vec::new());
    for channel in pull.channels {
        let rows: Vec<Row> = rows.by_ref().take(channel.rows).collect();
        let cursor = cursors.get(&channel.channel).copied().unwrap_or(0);
        match of_channel(&channel, rows, cursor, &receipts, &by_id) {
            Ok(one) => incoming.push(one),
            Err(error) => faults.push((channel.channel, error)),
        }
    }
    Ok((incoming, faults))
}

fn of_channel(
    channel: &wire::PulledChannel,
    rows: Vec<Row>,
    cursor: u64,
    receipts: &[Receipt],
    by_id: &HashMap<ReceiptId, usize>,
) -> Result<Incoming, SyncError> {
    let mut places: HashMap<usize, usize> = HashMap::new();
    let mut used: Vec<Receipt> = Vec::new();
    let mut place_of = |n: usize| {
        *places.entry(n).or_insert_with(|| {
            used.push(receipts[n].clone());
            used.len() - 1
        })
    };
    let mut upto = cursor;
    let mut entries = Vec::with_capacity(rows.len());
    let mut covered_by = Vec::with_capacity(rows.len());
    for row in rows {
        if row.number != upto + 1 {
            let what = format!("entry {} of {} is withheld", upto + 1, channel.channel);
            return Err(SyncError::untrustworthy(what));
        }
        upto = row.number;
        let covered = row
            .covered
            .ok_or_else(|| SyncError::untrustworthy("an entry without a receipt"))?;
        let receipt = &receipts[covered];
        let is_covered = receipt.device == row.entry.device
            && receipt.is_for(row.entry.seq)
            && !receipt.refused.contains(&row.entry.seq)
            && (receipt.seq != row.entry.seq || receipt.head == row.id);
        if !is_covered {
            return Err(SyncError::untrustworthy(
                "a receipt for another entry than the one given",
            ));
        }
        covered_by.push(place_of(covered));
        if let Some(after) = row.entry.after.and_then(|after| by_id.get(&after)) {
            place_of(*after);
        }
        entries.push((row.number, row.id, row.entry));
    }
    Ok(Incoming {
        channel: channel.channel.clone(),
        upto,
        entries,
        receipts: used,
        covered_by,
        seen_upto: channel.seen_upto,
    })
}

/// Writes a batch to the ledger; if that fails, channel by channel, so that one does not hold up the others.
pub(super) fn store(
    ledger: &Ledger,
    incoming: Vec<Incoming>,
    now_ms: u64,
) -> Result<Stored, SyncError> {
    if incoming.is_empty() {
        return Ok((0, Vec::new()));
    }
    match ledger.insert(incoming.clone(), now_ms) {
        Ok(inserted) => Ok((inserted.new, Vec::new())),
        Err(first) if incoming.len() == 1 => {
            match incoming
                .into_iter()
                .next()
                .filter(|_| blames_server(&first))
            {
                Some(one) => {
                    let fault = match ledger.contest(&one)? {
                        0 => distrust(&first),
                        logs => SyncError::untrustworthy(format!(
                            "it was restored and has another past of {logs} devices than this ledger"
                        )),
                    };
                    Ok((0, vec![(one.channel, fault)]))
                }
                None => Err(first.into()),
            }
        }
        Err(first) if blames_server(&first) => {
            let mut stored: Stored = (0, Vec::new());
            for one in incoming {
                let (new, faults) = store(ledger, vec![one], now_ms)?;
                stored.0 += new;
                stored.1.extend(faults);
            }
            Ok(stored)
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether the ledger would not take entries because of what the server gave, and not because of a fault of its own.
fn blames_server(error: &LedgerError) -> bool {
    matches!(error, LedgerError::Withheld)
}

fn distrust(error: &LedgerError) -> SyncError {
    SyncError::untrustworthy(error.to_string())
}
