//! Taking a package in: receipts, entries, evidence, each by the same checks as when it comes over the network.

use std::{collections::BTreeSet, io::Read};

use shicha_domain::suite::VerifyingKey;
use shicha_domain::{Channel, DeviceId, Receipt, RecordId, directory::parts::DirectoryPart};
use shicha_ledger::{DirectoryTaken, Ledger, LedgerError, SealedRefusal, SealedTaken};

use super::{
    super::{SyncError, numbers, pull, push, restored},
    Me, PackageError,
    newcomer::Newcomer,
    parting,
    update::{self, TakenUpdate},
};
use crate::{
    handed,
    package::{
        Answer, Kind, Looked, Message, Opening, Outcome, PackageFault, Party, Piece, Pieces,
        Progress, State, look as look_at,
    },
    protocol::{
        BLOB_PART, ProblemCode,
        messages::{ForkReport, Head, PushReply},
        wire::{Held, HeldChannels, Pull, Push},
    },
    update::{SignedUpdate, UpdateFolder},
};

/// Until when (Unix ms, the endpoint's clock) what it says of this ledger is known: what an older package says of it is past.
const STATE_MS: &str = "package/state_ms";

/// What came of taking a package.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Taken {
    /// Entries that were new here.
    pub entries: u64,
    /// Records that have changed, of those that came from another device.
    pub records: BTreeSet<RecordId>,
    /// Own entries that are delivered now and were not before.
    pub delivered: u64,
    /// Own entries that the endpoint refused.
    pub refused: u64,
    /// Files of evidence of which it is known now that the endpoint has them.
    pub sent: u64,
    /// Files of evidence that are whole now and were not before.
    pub evidence: u64,
    /// Blocks of document numbers.
    pub numbers: u64,
    /// Whether the directory is another one now.
    pub directory: bool,
    /// Entries that were written again under a new identity.
    pub forked: Option<u64>,
    /// Whether the endpoint holds another history of this ledger: the next package asks for a new identity.
    pub has_parted: bool,
    /// Stretches of other devices' logs that were not taken, and why.
    pub not_taken: Vec<(DeviceId, SealedRefusal)>,
    /// What the endpoint would not take of what it was given, and why.
    pub problems: Vec<(DeviceId, ProblemCode)>,
    /// What became of the update of the application that was in it.
    pub update: Option<TakenUpdate>,
    /// Channels that were not taken because what the endpoint gave of them does not follow what is here.
    pub channels: Vec<Channel>,
}

/// Looks at a package that is for this device: proves it and counts what is in it. Nothing is taken.
///
/// # Errors
/// Why it is refused.
pub fn look(
    ledger: &Ledger,
    input: impl Read,
    progress: Progress<'_>,
) -> Result<Looked, PackageError> {
    let me = match Me::of(ledger) {
        Ok(me) => me,
        Err(PackageError::NotEnrolled) => {
            let newcomer = Newcomer::of(ledger)?;
            let opening = Opening {
                me: &[newcomer.party()],
                key: &newcomer.key,
                sender: &|label| newcomer.sender(label),
            };
            return Ok(look_at(input, &opening, progress)?);
        }
        Err(error) => return Err(error),
    };
    let directory = ledger.directory()?;
    let opening = Opening {
        me: &me.parties,
        key: &me.key,
        sender: &|label| me.sender(label, &directory),
    };
    Ok(look_at(input, &opening, progress)?)
}

/// Takes in what was looked at. What was taken before is not taken again; what was taken before a fault stays. An update is passed over.
///
/// # Errors
/// When the file is another one than what was looked at, the endpoint contradicts itself, or the ledger cannot be written.
pub fn take(
    ledger: &Ledger,
    input: impl Read,
    looked: &Looked,
    now_ms: u64,
    progress: Progress<'_>,
) -> Result<Taken, PackageError> {
    take_with(ledger, input, looked, now_ms, None, progress)
}

/// [`take`] on a computer that takes updates, into this folder. One that is refused holds nothing else up.
///
/// # Errors
/// As there.
pub fn take_with(
    ledger: &Ledger,
    input: impl Read,
    looked: &Looked,
    now_ms: u64,
    updates: Option<&UpdateFolder>,
    progress: Progress<'_>,
) -> Result<Taken, PackageError> {
    let (me, mut pieces) = match Me::of(ledger) {
        Ok(me) => {
            let pieces = Pieces::open(input, looked, &me.key, progress)?;
            (me, pieces)
        }
        Err(PackageError::NotEnrolled) => {
            let newcomer = Newcomer::of(ledger)?;
            let mut pieces = Pieces::open(input, looked, &newcomer.key, progress)?;
            let first = pieces.next_piece()?;
            let message = first.map(|piece| pieces.message(&piece)).transpose()?;
            let Some(Message::EnrolReply(reply)) = message else {
                return Err(PackageError::NotEnrolled);
            };
            newcomer.take_place(ledger, *reply, now_ms)?;
            (Me::of(ledger)?, pieces)
        }
        Err(error) => return Err(error),
    };
    let mut taking = Taking {
        ledger,
        server: VerifyingKey::new(&me.identity.server_key).map_err(|_| SyncError::UnknownServer)?,
        me,
        is_from_endpoint: matches!(looked.label.from, Party::Endpoint { .. }),
        is_past: false,
        now_ms,
        updates,
        update: None,
        taken: Taken::default(),
    };
    while let Some(piece) = pieces.next_piece()? {
        match piece.kind {
            Kind::Evidence => taking.evidence(&piece, &mut pieces)?,
            Kind::UpdateFile => taking.update_file(&mut pieces)?,
            _ => {
                let message = pieces.message(&piece)?;
                taking.message(message)?;
            }
        }
    }
    Ok(taking.taken)
}

struct Taking<'a> {
    ledger: &'a Ledger,
    me: Me,
    server: VerifyingKey,
    is_from_endpoint: bool,
    /// Whether what the package says of this ledger is older than what is known of it.
    is_past: bool,
    now_ms: u64,
    updates: Option<&'a UpdateFolder>,
    /// What was said of an update whose bytes come next, if it is of use here.
    update: Option<(SignedUpdate, u64)>,
    taken: Taken,
}

impl Taking<'_> {
    fn message(&mut self, message: Message) -> Result<(), PackageError> {
        match message {
            Message::Push(push) => self.push(push),
            Message::Pull(pull) => self.pull(pull),
            Message::Answer(answer) => self.answer(answer),
            Message::State(state) => self.state(&state),
            Message::Directory(part) => self.directory(&part),
            Message::Numbers(lent) => {
                let count = numbers::take_lent(self.ledger, lent.request, &lent.block)?;
                self.taken.numbers += u64::from(count > 0);
                Ok(())
            }
            Message::IdentityReply(answer) => {
                if let Some(count) = parting::take(self.ledger, &self.me, &answer, self.now_ms)? {
                    self.taken.forked = Some(count);
                    self.me = Me::of(self.ledger)?;
                }
                Ok(())
            }
            Message::Update(update) => {
                let judged = self
                    .updates
                    .and_then(|updates| update::judge(updates, &update));
                match judged {
                    Some(Ok(update)) => self.update = Some(update),
                    Some(Err(refused)) => self.taken.update = Some(refused),
                    None => {}
                }
                Ok(())
            }
            // A place is taken before this computer has one.
            Message::EnrolReply(_) => Ok(()),
            Message::Wanted(_) | Message::EnrolRequest(_) | Message::IdentityRequest(_) => {
                Err(PackageFault::Malformed("a request to the endpoint".to_owned()).into())
            }
        }
    }

    /// Entries that another device hands over itself.
    fn push(&mut self, push: Push) -> Result<(), PackageError> {
        let handed = handed::take::<PackageError>(self.ledger, push, None, self.now_ms)?;
        let Some(device) = handed.device else {
            return Ok(());
        };
        match handed.taken {
            SealedTaken::Held { new, records } => {
                self.taken.entries += new;
                self.taken.records.extend(records);
            }
            SealedTaken::Refused(refusal) => self.taken.not_taken.push((device, refusal)),
        }
        Ok(())
    }

    /// Entries as the endpoint numbers them.
    fn pull(&mut self, mut given: Pull) -> Result<(), PackageError> {
        if parting::parted(self.ledger, &self.me)?.is_some() {
            // Entries of the own log that are not here would be taken for what only this ledger has. They come once it has another name.
            return Ok(());
        }
        let held: HeldChannels = self
            .ledger
            .cursors()?
            .into_iter()
            .map(|(channel, upto)| (channel, Held::upto(upto)))
            .collect();
        // The package was made for what was here then; what has come by another way since is passed over.
        let mut rows = Vec::with_capacity(given.batch.rows.len());
        let mut at = given.batch.rows.into_iter();
        for channel in &mut given.channels {
            let cursor = held.get(&channel.channel).map_or(0, |held| held.upto);
            let before = rows.len();
            rows.extend(
                at.by_ref()
                    .take(channel.rows)
                    .filter(|row| row.number > cursor),
            );
            channel.rows = rows.len() - before;
        }
        given.batch.rows = rows;
        let (incoming, faults) = pull::check(given, &held, &self.server)?;
        let (new, more) = match pull::store(self.ledger, incoming, self.now_ms) {
            // A copy of this ledger went on elsewhere. Under its next identity this device gets all of it again.
            Err(SyncError::Ledger(LedgerError::Parted)) => {
                self.taken.has_parted = true;
                return Ok(());
            }
            stored => stored?,
        };
        self.taken.entries += new;
        for (channel, error) in faults.into_iter().chain(more) {
            tracing::warn!(%channel, %error, "a channel of a package was not taken");
            self.taken.channels.push(channel);
        }
        Ok(())
    }

    fn state(&mut self, state: &State) -> Result<(), PackageError> {
        self.hold_against(state)?;
        if self.is_past {
            return Ok(());
        }
        for hash in &state.evidence {
            let info = self.ledger.blob_info(*hash)?;
            if let Some(info) = info.filter(|info| info.is_complete && !info.delivered) {
                self.ledger.blob_sent(*hash, info.size, true)?;
                self.taken.sent += 1;
            }
        }
        Ok(())
    }

    /// Holds what the endpoint has of this ledger against what is here.
    fn hold_against(&mut self, state: &State) -> Result<(), PackageError> {
        if state.device != self.me.identity.device {
            self.is_past = true;
            return Ok(());
        }
        let known: u64 = self
            .ledger
            .setting(STATE_MS)?
            .and_then(|text| text.parse().ok())
            .unwrap_or(0);
        let newest = self
            .ledger
            .newest_receipt()?
            .map_or(0, |receipt| receipt.received_at_ms);
        self.is_past = state.time_ms < known.max(newest);
        if self.is_past {
            return Ok(());
        }
        let held = (state.head.seq, state.head.id);
        restored::held_against(self.ledger, held, state.epoch)?;
        let (head, acked) = (self.ledger.head()?, self.ledger.acked()?);
        let parted = if held.0 > head.0 && acked.0 == head.0 {
            // Everything here was confirmed, and the endpoint has more: this ledger was restored from a copy.
            Some(head.0)
        } else {
            self.ledger.broken_after(held)?
        };
        // A copy of this ledger goes on under another identity. Where something waits, the answer to what was sent tells up to where both
        // agree. What an endpoint that was restored since has forgotten is common to nobody.
        let is_ended = state.is_ended && acked == head;
        let forgotten = parting::parted(self.ledger, &self.me)?.is_some_and(|upto| upto > held.0)
            && self.ledger.holds_own(held)?;
        let parted = parted
            .or(is_ended.then_some(head.0))
            .or(forgotten.then_some(held.0));
        if let Some(common) = parted {
            parting::note(self.ledger, &self.me, common)?;
            self.taken.has_parted = true;
        }
        Ok(self
            .ledger
            .set_setting(STATE_MS, &state.time_ms.to_string())?)
    }

    fn directory(&mut self, part: &DirectoryPart) -> Result<(), PackageError> {
        if self.is_past {
            return Ok(());
        }
        match self.ledger.take_directory(part)? {
            DirectoryTaken::Changed => self.taken.directory = true,
            DirectoryTaken::DoesNotFit => {
                tracing::warn!("the directory is not whole; the next package asks for all of it");
            }
            DirectoryTaken::Same | DirectoryTaken::More | DirectoryTaken::PassedOver => {}
        }
        Ok(())
    }

    fn answer(&mut self, answer: Answer) -> Result<(), PackageError> {
        let is_own = answer.device == self.me.identity.device;
        match answer.outcome {
            Outcome::Held(reply) => {
                self.genuine(answer.device, &reply)?;
                if is_own {
                    self.own_receipts(&reply)
                } else {
                    self.carried_receipts(&reply)
                }
            }
            Outcome::Problem(problem) => {
                self.taken.problems.push((answer.device, problem.code));
                if !is_own || self.is_past {
                    return Ok(());
                }
                let said = |key: &str| problem.extra.get(key).cloned().unwrap_or_default();
                match problem.code {
                    ProblemCode::Fork => {
                        let report: ForkReport = serde_json::from_value(said("fork"))
                            .map_err(|error| SyncError::untrustworthy(error.to_string()))?;
                        let common = parting::common(self.ledger, &report)?;
                        parting::note(self.ledger, &self.me, common)?;
                        self.taken.has_parted = true;
                    }
                    ProblemCode::Gap => {
                        let head: Head = serde_json::from_value(said("head"))
                            .map_err(|error| SyncError::untrustworthy(error.to_string()))?;
                        self.ledger.send_again_after((head.seq, head.id))?;
                    }
                    _ => {}
                }
                Ok(())
            }
        }
    }

    /// Receipts must be the endpoint's, for the log that they are said to be for, and in order.
    fn genuine(&self, device: DeviceId, reply: &PushReply) -> Result<(), PackageError> {
        let mut before = None;
        for receipt in &reply.receipts {
            if receipt.device != device || !receipt.is_signed_by(&self.server) {
                let what = "a receipt that the server did not sign for this device";
                return Err(SyncError::untrustworthy(what).into());
            }
            if before.is_some_and(|before| receipt.seq <= before) {
                return Err(SyncError::untrustworthy("receipts out of order").into());
            }
            before = Some(receipt.seq);
        }
        Ok(())
    }

    fn own_receipts(&mut self, reply: &PushReply) -> Result<(), PackageError> {
        let before = self.ledger.acked()?.0;
        let head = self.ledger.head()?.0;
        push::each_receipt(reply, |receipt, numbers, refused| {
            if self.is_known(receipt)? && receipt.seq <= head {
                self.taken.refused +=
                    refused.iter().filter(|(seq, _)| *seq > before).count() as u64;
                self.ledger.accept_receipt(receipt, numbers, refused)?;
            } else {
                // This ledger was restored from a copy: what is confirmed there is not here.
                self.taken.has_parted = true;
            }
            Ok(())
        })?;
        self.taken.delivered += self.ledger.acked()?.0.saturating_sub(before);
        Ok(())
    }

    /// Whether the entry that a receipt is for is here as the receipt has it.
    fn is_known(&self, receipt: &Receipt) -> Result<bool, LedgerError> {
        let Some(after) = receipt.seq.checked_sub(1) else {
            return Ok(true);
        };
        let found = self.ledger.own_log(after, 1, 1)?;
        Ok(found
            .first()
            .is_some_and(|(id, entry)| entry.seq == receipt.seq && *id == receipt.head))
    }

    fn carried_receipts(&mut self, reply: &PushReply) -> Result<(), PackageError> {
        push::each_receipt(reply, |receipt, numbers, refused| {
            match self
                .ledger
                .accept_carried(receipt, numbers, refused, self.now_ms)
            {
                // What is here of that device is not what the endpoint has; pulling puts it right.
                Err(LedgerError::Withheld) => Ok(()),
                other => Ok(other?),
            }
        })?;
        Ok(())
    }

    fn update_file<R: Read>(&mut self, pieces: &mut Pieces<'_, R>) -> Result<(), PackageError> {
        if let (Some(updates), Some((signed, size))) = (self.updates, self.update.take()) {
            self.taken.update = Some(update::take(updates, &signed, size, pieces)?);
        }
        Ok(())
    }

    fn evidence<R: Read>(
        &mut self,
        piece: &Piece,
        pieces: &mut Pieces<'_, R>,
    ) -> Result<(), PackageError> {
        let wanted = self
            .ledger
            .blob_info(piece.hash)?
            .is_some_and(|info| !info.is_complete);
        if !wanted {
            // Here already, or named by nothing that is here.
            return Ok(());
        }
        let mut part = vec![0; BLOB_PART];
        let mut offset = 0;
        loop {
            let mut filled = 0;
            while filled < part.len() {
                match pieces.read(&mut part[filled..])? {
                    0 => break,
                    read => filled += read,
                }
            }
            if filled == 0 {
                break;
            }
            self.ledger
                .blob_receive(piece.hash, piece.size, offset, &part[..filled])?;
            offset += filled as u64;
        }
        if self.is_from_endpoint {
            self.ledger.blob_receive_finish(piece.hash)?;
        } else {
            self.ledger.blob_receive_finish_carried(piece.hash)?;
        }
        self.taken.evidence += 1;
        Ok(())
    }
}
