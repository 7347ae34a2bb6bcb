//! Fetching entries. While one batch is written to the ledger, the next one is on its way.
//!
//! Invariant: a batch goes into the ledger only when its numbers follow the cursor without a gap, its ids were computed here, and
//! every receipt in it bears the server's signature. The server is told what is held only after it is held durably.

use std::collections::{BTreeSet, HashMap};

use shicha_domain::suite::VerifyingKey;
use shicha_domain::{Channel, Receipt, ReceiptId};
use shicha_ledger::{Incoming, Ledger, LedgerError};

use super::{
    engine::blocking,
    error::SyncError,
    round::Round,
    state::MovedKind,
    transport::{Method, Request},
};
use crate::{
    protocol::{
        MANY_HELD, MAX_BATCH_DECODED, PULL_TYPE, Row,
        end::END_HEADER,
        wire::{self, Held, HeldChannels, PullRequest, PulledChannel},
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
        let mut ahead = self.on_ledger(held).await?;
        let mut storing: Option<Working<Result<Stored, SyncError>>> = None;
        let mut distrusted: BTreeSet<Channel> = BTreeSet::new();
        // Whether what is said to be held is held durably, all of it.
        let mut is_held = true;
        loop {
            let asked = self.pull_once(&ahead, &distrusted, is_held).await;
            if let Some(storing) = storing.take() {
                self.stored(storing, &mut distrusted).await?;
            }
            let (incoming, faults, more) = asked?;
            for (channel, error) in faults {
                distrusted.insert(channel.clone());
                self.skip(channel, error).await?;
            }
            let has_entries = incoming.iter().any(|incoming| !incoming.entries.is_empty());
            // What fills an answer and cannot be trusted must not keep the rest from being asked for.
            if !has_entries && is_held && !more {
                // Only how far others have what is here.
                let now_ms = self.engine.now_ms();
                self.on_ledger(move |ledger| store(ledger, incoming, now_ms))
                    .await?;
                return self.own_are_given(&ahead, &distrusted).await;
            }
            for channel in &incoming {
                let held = ahead.entry(channel.channel.clone()).or_default();
                held.upto = channel.upto;
                held.seen = held.seen.map(|seen| seen.max(channel.seen_upto));
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
        ahead: &HeldChannels,
        distrusted: &BTreeSet<Channel>,
    ) -> Result<(), SyncError> {
        let given = std::mem::take(&mut self.numbered);
        for (channel, number) in given {
            let upto = ahead.get(&channel).map_or(0, |held| held.upto);
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
        held: &HeldChannels,
        distrusted: &BTreeSet<Channel>,
        is_held: bool,
    ) -> Result<(Vec<Incoming>, Faults, bool), SyncError> {
        let request = |held, base| PullRequest {
            held,
            base,
            without: distrusted.clone(),
            max_entries: WANT,
            is_held,
        };
        let changed = self.engine.said(|said| said.since(held));
        let pull = match changed {
            Some((base, changed)) => self.ask_for(request(changed, Some(base))).await?,
            None => self.ask_for(request(held.clone(), None)).await?,
        };
        let pull = match pull.is_base_lost {
            false => pull,
            true => self.ask_for(request(held.clone(), None)).await?,
        };
        if pull.is_base_lost {
            return Err(SyncError::untrustworthy(
                "all that is held was said and is asked for again",
            ));
        }
        self.engine.said(|said| said.note(held));
        let (held, key) = (held.clone(), self.server_key);
        let without = distrusted.clone();
        blocking(move || {
            let more = pull.more;
            is_what_was_asked(&pull, &held, &without)?;
            let (incoming, faults) = check(pull, &held, &key)?;
            Ok((incoming, faults, more))
        })
        .await
    }

    async fn ask_for(&mut self, request: PullRequest) -> Result<wire::Pull, SyncError> {
        let body = blocking(move || Ok(wire::write_pull_request(&request)?)).await?;
        let mut request = Request::new(Method::Post, "/v1/pull")
            .header("content-type", PULL_TYPE)
            .with_time_for(body.len() + MAX_BATCH_DECODED / 8)
            .body(body);
        let end = self.end_if_due().await?;
        if let Some(end) = &end {
            request = request.header(END_HEADER, end.to_text());
        }
        let reply = self.ask(request).await?;
        if end.is_some() {
            self.end_was_told();
        }
        blocking(move || Ok(wire::read_pull(&reply.body)?)).await
    }
}

/// What this device said last that it holds, where that is so much that only changes are said.
#[derive(Default)]
pub(super) struct Said(Option<([u8; 32], HeldChannels)>);

impl Said {
    /// What has changed since then, and since when. Nothing: all of it is to be said.
    fn since(&self, held: &HeldChannels) -> Option<([u8; 32], HeldChannels)> {
        let (base, known) = self.0.as_ref()?;
        // What is held no more cannot be said as a change: an endpoint that was restored gives everything again.
        if held.len() <= MANY_HELD || known.keys().any(|channel| !held.contains_key(channel)) {
            return None;
        }
        let changed = held
            .iter()
            .filter(|(channel, held)| known.get(channel) != Some(held));
        Some((*base, changed.map(|(c, held)| (c.clone(), *held)).collect()))
    }

    fn note(&mut self, held: &HeldChannels) {
        self.0 = match &self.0 {
            _ if held.len() <= MANY_HELD => None,
            Some((base, known)) if known == held => Some((*base, known.clone())),
            _ => Some((wire::held_digest(held), held.clone())),
        };
    }
}

/// What is held here durably.
fn held(ledger: &Ledger) -> Result<HeldChannels, SyncError> {
    let held = ledger.held_channels()?.into_iter();
    Ok(held
        .map(|one| {
            let held = Held {
                upto: one.cursor,
                seen: one.awaited,
            };
            (one.channel, held)
        })
        .collect())
}

/// Refuses answers that would never end, or that speak of a channel in two ways.
fn is_what_was_asked(
    pull: &wire::Pull,
    held: &HeldChannels,
    without: &BTreeSet<Channel>,
) -> Result<(), SyncError> {
    let is_told = |told: &PulledChannel| {
        let known = held.get(&told.channel).copied().unwrap_or_default();
        let is_seen = |seen: u64| told.seen_upto > seen && told.seen_upto <= known.upto;
        told.rows > 0 || known.seen.is_some_and(is_seen)
    };
    if pull.more && !pull.channels.iter().any(is_told) {
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

/// Holds a batch against what is held here and the server's key. Receipts that are not the server's spoil the whole batch; numbers with a
/// gap spoil their channel.
pub(super) fn check(
    pull: wire::Pull,
    held: &HeldChannels,
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
        let cursor = held.get(&channel.channel).map_or(0, |held| held.upto);
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
