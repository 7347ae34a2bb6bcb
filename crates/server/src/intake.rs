//! Judging entries: what the server lets into its channels.
//!
//! Invariant: nothing that a client says about itself counts. Who acts, as what and where is taken from the directory; what a record
//! is and where it lives, from the entries that were accepted before.

use shicha_domain::{
    DeviceId, Entry, EntryId, Event,
    authority::{self, About, Actor, Refusal},
    directory::{OrgTree, Person},
    entry::{ChainFault, follow},
    event::Signature,
};
use shicha_sync::protocol::{Row, messages::refusal};

use crate::store::{Candidate, DeviceState, Known, Placed, refusals::RefusedEntry};

/// Somebody in the directory, as authority is decided by.
pub(crate) fn actor_of(state: &DeviceState) -> Actor {
    actor(&state.person)
}

/// [`actor_of`] for a person whose device does not matter.
pub(crate) fn actor(person: &Person) -> Actor {
    Actor {
        person: person.id,
        org: person.org.clone(),
        role: person.role,
    }
}

/// Decides on one entry: nothing, or the code of the refusal. `line` is what its device's log goes on from, each with the last common
/// place. The claimed time is no ground, because clocks go wrong, and the receipt says what can be known; but a right that has passed counts
/// only for a claim that its bounds do not contradict.
pub(crate) fn judge(
    actor: &Actor,
    tree: &OrgTree,
    line: &[(DeviceId, u64)],
    candidate: &Candidate,
    known: &Known<'_>,
) -> Result<(), &'static str> {
    let placed = known.placed;
    let entry = &candidate.entry;
    let Some(event) = &candidate.event else {
        return Err(refusal::MALFORMED);
    };
    if entry.author != actor.person {
        return Err(refusal::AUTHOR);
    }
    if placed.is_some_and(|placed| placed.channel != entry.channel) {
        return Err(refusal::ELSEWHERE);
    }
    if let Event::Signed(Signature { pin: Some(pin), .. }) = event
        && pin.reaches(entry)
    {
        return Err(refusal::MALFORMED);
    }
    // Written again is only what stood above the place at which this line parted from that log (invariant 9, a line goes on).
    if !entry.is_of_line(line) {
        return Err(refusal::MALFORMED);
    }
    let about = About {
        kind: placed.and_then(|placed| placed.kind),
        is_held: placed.is_some(),
        at_ms: authority::counting_at(known.bounds, entry.at),
    };
    authority::may_write(actor, &entry.channel, about, event, tree).map_err(code_of)
}

/// [`judge`] for what a colleague brings of somebody who does not take part any more: what else would be let in is refused for that, and
/// kept. `None`: they take part.
pub(crate) fn ended(state: &DeviceState) -> Option<&'static str> {
    if state.device.revoked_at_ms.is_some() {
        Some(refusal::REVOKED)
    } else if !state.person.is_active {
        Some(refusal::ENDED)
    } else {
        None
    }
}

/// Whether a refused entry may be released: it was refused for the directory's sake, and could stand there otherwise. What is malformed or
/// forged stays outside for ever (invariant 12, refused is outside for all, and kept).
pub(crate) fn may_release(
    tree: &OrgTree,
    refused: &RefusedEntry,
    placed: Option<&Placed>,
) -> Result<(), &'static str> {
    let entry = &refused.candidate.entry;
    let is_for_the_directory = [
        refusal::CHANNEL,
        refusal::EVENT,
        refusal::NO_SUCH_ORG,
        refusal::PARTED,
        refusal::ENDED,
        refusal::REVOKED,
    ]
    .contains(&refused.code.as_str());
    let (true, Some(event)) = (is_for_the_directory, &refused.candidate.event) else {
        return Err("it was not refused for the directory's sake");
    };
    if placed.is_some_and(|placed| placed.channel != entry.channel) {
        return Err("the record lives in another channel");
    }
    let known = placed.and_then(|placed| placed.kind);
    if let Event::Opened { kind, .. } = event
        && known.is_some_and(|known| known != *kind)
    {
        return Err("the record is of another kind");
    }
    authority::may_be_let_in(&entry.channel, event, tree).map_err(|refused| match refused {
        Refusal::NoSuchOrg => "there is no such channel",
        _ => "nobody but who has the right does this",
    })
}

/// The code of a refusal.
pub(crate) fn code_of(refused: Refusal) -> &'static str {
    match refused {
        Refusal::Channel => refusal::CHANNEL,
        Refusal::Event => refusal::EVENT,
        Refusal::NoSuchOrg => refusal::NO_SUCH_ORG,
        Refusal::Parted => refusal::PARTED,
    }
}

/// Checks that rows follow each other in one device's ledger and reads what they say.
///
/// # Errors
/// At the first that does not follow the one before it.
pub(crate) fn candidates(rows: Vec<Row>) -> Result<Vec<Candidate>, ChainFault> {
    let mut head: Option<(u64, EntryId)> = None;
    rows.into_iter()
        .map(|Row { id, entry, .. }| {
            if let Some(head) = head {
                // The reader has computed the id already, from the same parts.
                follow_known(head, &entry)?;
            }
            head = Some((entry.seq, id));
            let event = Event::parse(&entry.event).ok();
            Ok(Candidate { id, entry, event })
        })
        .collect()
}

fn follow_known(head: (u64, EntryId), entry: &Entry) -> Result<(), ChainFault> {
    if entry.prev == head.1 && head.0.checked_add(1) == Some(entry.seq) {
        return Ok(());
    }
    follow(head, entry).map(|_| ())
}
