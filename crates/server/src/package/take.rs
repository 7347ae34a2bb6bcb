//! Taking a package in.

use std::{collections::BTreeSet, fs::File, path::Path};

use shicha_domain::{BlobHash, Channel, DeviceId, authority};
use shicha_sync::{
    package::{
        Answer, IdentityAnswer, Kind, LentNumbers, Looked, Message, Outcome, PackageFault, Party,
        Piece, Pieces, Progress, Wanted, open,
    },
    protocol::{BLOB_PART, MAX_BLOB_PART, Problem, ProblemCode, messages::EnrolReply},
    update::Version,
};
use uuid::Uuid;

use super::{Desk, PackageError};
use crate::{
    evidence::{EvidenceError, Held, Sender},
    http::{Fault, enrol_newcomer, lend, new_identity, take_push},
    intake::actor_of,
    store::{Contact, DeviceState, PullNote},
};

/// What came of taking a package: what its answer says.
#[derive(Debug, Clone, Default)]
pub struct PackageTaken {
    /// The package.
    pub id: Uuid,
    /// Whose it is; `None`: a newcomer's.
    pub device: Option<DeviceId>,
    /// Entries that were brought, counting those that were here before.
    pub entries: u64,
    /// Of these, entries that were refused.
    pub refused: u64,
    /// Files of evidence that are whole now and were not before.
    pub evidence: u64,
    /// Files of evidence that were not taken, because no entry that the sender knows names them.
    pub evidence_left: u64,
    /// Channels that have grown.
    pub channels: BTreeSet<Channel>,
    /// Devices whose ledgers could not be taken further, and why.
    pub problems: Vec<(DeviceId, ProblemCode)>,
    /// The place that a newcomer got.
    pub enrolled: Option<Box<EnrolReply>>,
    /// Evidence that was brought and is here whole.
    pub(super) held: BTreeSet<BlobHash>,
    pub(super) answers: Vec<Answer>,
    pub(super) wanted: Wanted,
    pub(super) numbers: Vec<LentNumbers>,
    pub(crate) identity: Option<IdentityAnswer>,
}

/// Takes in what was looked at.
///
/// # Errors
/// When the file was changed since, or this endpoint cannot take anything now. What was taken before that stays; taking the package
/// again takes the rest.
pub fn take(
    desk: Desk<'_>,
    path: &Path,
    looked: &Looked,
    progress: Progress<'_>,
) -> Result<PackageTaken, PackageError> {
    let sender = match looked.label.from {
        Party::Device { device } => {
            let state = desk.home.store.device(device)?;
            Some(
                state
                    .filter(DeviceState::is_active)
                    .ok_or(PackageFault::UnknownSender(looked.label.from))?,
            )
        }
        _ => None,
    };
    let (file, _) = open(path)?;
    let key = desk.home.signer.sealing_key();
    let mut pieces = Pieces::open(file, looked, key, progress)?;
    let mut taking = Taking {
        desk,
        sender,
        taken: PackageTaken {
            id: looked.label.id,
            ..PackageTaken::default()
        },
    };
    taking.taken.device = taking.sender.as_ref().map(|sender| sender.device.id);
    while let Some(piece) = pieces.next_piece()? {
        if piece.kind == Kind::Evidence {
            taking.evidence(&piece, &mut pieces)?;
        } else {
            let message = pieces.message(&piece)?;
            taking.message(message)?;
        }
    }
    if let Some(sender) = &taking.sender {
        // What it ran when it made the package, unless it said something since.
        let is_news = looked.label.made_at_ms > sender.last_contact_ms.unwrap_or(0);
        let software = Some(looked.label.software.as_str())
            .filter(|software| is_news && software.parse::<Version>().is_ok());
        let software = software.unwrap_or_default();
        desk.home
            .store
            .note_contact(sender.device.id, software, desk.now_ms, Contact::Package)?;
    }
    Ok(taking.taken)
}

struct Taking<'a> {
    desk: Desk<'a>,
    sender: Option<DeviceState>,
    taken: PackageTaken,
}

impl Taking<'_> {
    fn message(&mut self, message: Message) -> Result<(), PackageError> {
        let Desk {
            home,
            random,
            now_ms,
        } = self.desk;
        match (message, &self.sender) {
            (Message::Push(push), Some(sender)) => {
                let Some(first) = push.batch.rows.first() else {
                    return Ok(());
                };
                let device = first.entry.device;
                // What follows in that ledger cannot be taken either, and would only be told in other words.
                if self.taken.problems.iter().any(|(of, _)| *of == device) {
                    return Ok(());
                }
                let count = push.batch.rows.len() as u64;
                let pushed = settled(take_push(home, now_ms, push, Some(sender)))?;
                let outcome = match pushed {
                    Ok((reply, channels)) => {
                        self.taken.entries += count;
                        self.taken.refused += reply.refused.len() as u64;
                        self.taken.channels.extend(channels);
                        Outcome::Held(reply)
                    }
                    Err(problem) => {
                        self.taken.problems.push((device, problem.code));
                        Outcome::Problem(problem)
                    }
                };
                self.taken.answers.push(Answer { device, outcome });
            }
            (Message::Wanted(wanted), Some(sender)) => {
                for request in &wanted.numbers {
                    match settled(lend(home, now_ms, sender, request))? {
                        Ok(block) => self.taken.numbers.push(LentNumbers {
                            request: request.request,
                            block,
                        }),
                        Err(problem) => {
                            tracing::info!(detail = %problem.detail, "no document numbers lent");
                        }
                    }
                }
                let (actor, register) = (actor_of(sender), home.store.register()?);
                let mut held = wanted.cursors.clone();
                held.retain(|(channel, _)| authority::may_read(&actor, channel, &register.tree));
                home.store.note_pulls(&[PullNote {
                    device: sender.device.id,
                    person: sender.person.id,
                    given: Vec::new(),
                    held,
                }])?;
                self.taken.wanted = wanted;
            }
            (Message::IdentityRequest(request), Some(sender)) => {
                match settled(new_identity(home, random, now_ms, sender, &request))? {
                    Ok(reply) => {
                        self.taken.identity = Some(IdentityAnswer {
                            old: sender.device.id,
                            public_key: request.public_key,
                            reply,
                        });
                    }
                    Err(problem) => self.taken.problems.push((sender.device.id, problem.code)),
                }
            }
            (Message::EnrolRequest(request), None) => {
                let enrolled = enrol_newcomer(home, random, now_ms, &request)?;
                let refused = || {
                    Fault::new(
                        ProblemCode::BadCode,
                        "the enrolment code is unknown, used or expired",
                    )
                };
                self.taken.enrolled = Some(Box::new(enrolled.ok_or_else(refused)?));
            }
            _ => return Err(PackageFault::Malformed("a message out of place".to_owned()).into()),
        }
        Ok(())
    }

    fn evidence(
        &mut self,
        piece: &Piece,
        pieces: &mut Pieces<'_, File>,
    ) -> Result<(), PackageError> {
        let home = self.desk.home;
        let by = match &self.sender {
            Some(sender) if self.may_bring(sender, piece.hash)? => Sender::Device(sender.device.id),
            _ => {
                self.taken.evidence_left += 1;
                return Ok(());
            }
        };
        let mut have = match home.evidence.held(piece.hash, by).map_err(Fault::from)? {
            Held::Whole(_) => {
                self.taken.held.insert(piece.hash);
                return Ok(());
            }
            Held::Part(have) => have,
        };
        let mut part = vec![0; home.evidence.piece().clamp(BLOB_PART, MAX_BLOB_PART)];
        let mut at = 0;
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
            let end = at + filled as u64;
            // What had come over a line before it broke is there already.
            let fresh = usize::try_from(have.saturating_sub(at)).unwrap_or(usize::MAX);
            if let Some(fresh) = part[..filled]
                .get(fresh..)
                .filter(|fresh| !fresh.is_empty())
            {
                let held = home
                    .evidence
                    .append(piece.hash, by, have, piece.size, fresh.to_vec());
                match held {
                    Ok(Held::Whole(_)) => break,
                    Ok(Held::Part(now)) => have = now,
                    // Somebody else sends the same at this moment.
                    Err(EvidenceError::Offset(right)) if right > have => have = right,
                    Err(error) => return Err(Fault::from(error).into()),
                }
            }
            at = end;
        }
        let size = home.evidence.finish(piece.hash, by).map_err(Fault::from)?;
        home.store.note_blob(piece.hash, size, self.desk.now_ms)?;
        self.taken.evidence += 1;
        self.taken.held.insert(piece.hash);
        Ok(())
    }

    /// The same rule as over HTTP: an entry that the sender wrote or may read names it.
    fn may_bring(&self, sender: &DeviceState, hash: BlobHash) -> Result<bool, PackageError> {
        let actor = actor_of(sender);
        let store = &self.desk.home.store;
        let register = store.register()?;
        Ok(store.blob_uses(hash)?.iter().any(|(channel, person)| {
            *person == actor.person || authority::may_read(&actor, channel, &register.tree)
        }))
    }
}

/// Tells what the sender has to hear of from what may pass: a full disk here is nothing that they could do anything about.
fn settled<T>(result: Result<T, Fault>) -> Result<Result<T, Box<Problem>>, PackageError> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(Fault(problem)) => match problem.code {
            ProblemCode::Internal | ProblemCode::Unavailable | ProblemCode::NoSpace => {
                Err(PackageError::Here(problem))
            }
            _ => Ok(Err(problem)),
        },
    }
}
