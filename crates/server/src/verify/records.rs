//! Folding every record that somebody signed, and holding the signatures against what they cover.
//!
//! Invariants 1 to 5: a signature names its set by hash, a version is its set, and what was received first counts.

use shicha_domain::{
    Event, RecordState,
    bounds::Bounds,
    event::Pin,
    record::{Doubted, Held},
};

use super::{Verification, VerifyFault, VerifyMark};
use crate::{
    home::Home,
    store::{
        StoreError,
        whole::{HeldRecord, ReceivedEntry},
    },
};

/// After so many records it is told how far it is.
const TELL_EVERY: u64 = 1_000;

pub(super) fn walk(
    home: &Home,
    found: &mut Verification,
    progress: &mut dyn FnMut(&Verification),
) -> Result<(), StoreError> {
    home.store.each_record(&mut |held: HeldRecord| {
        found.records += 1;
        one(&held, found);
        if found.records.is_multiple_of(TELL_EVERY) {
            progress(found);
        }
        Ok(())
    })
}

fn one(held: &HeldRecord, found: &mut Verification) {
    let mut opened = None;
    let mut is_signed = false;
    for one in &held.entries {
        match Event::parse(&one.entry.event) {
            Ok(Event::Opened { kind, .. }) => opened = opened.or(Some(kind)),
            Ok(Event::Signed(signature)) => {
                is_signed = true;
                let reaches = |pin: &Pin| pin.reaches(&one.entry);
                if signature.pin.as_ref().is_some_and(reaches) {
                    found.faults.push(VerifyFault::Entry {
                        device: one.entry.device,
                        seq: one.entry.seq,
                        reason: "a signature covers places of its own log that were not written yet, and counts as accepted".to_owned(),
                    });
                }
            }
            _ => {}
        }
    }
    let lives_in = |one: &ReceivedEntry| Some(&one.entry.channel) == held.channel.as_ref();
    let reason = if !held.entries.iter().all(lives_in) {
        Some("it is kept in another channel than its entries were accepted in")
    } else if held.kind != opened {
        Some("it is kept as another kind than its first opening says")
    } else {
        None
    };
    if let Some(reason) = reason {
        found.faults.push(VerifyFault::Record {
            record: held.record,
            reason,
        });
    }
    if is_signed {
        signatures(held, found);
    }
}

/// Folds the record as every reader does, and names what a reader would see marked.
fn signatures(held: &HeldRecord, found: &mut Verification) {
    let folded = RecordState::fold_held(held.entries.iter().map(|one| {
        let receipt = one.receipt.as_ref();
        let receipt = receipt.map(|receipt| (receipt.rank(), Bounds::from(receipt)));
        Held::new(one.id, &one.entry, receipt)
    }));
    let Some(state) = folded else { return };
    found.signatures += state.signatures().len() as u64;
    for Doubted {
        place,
        author,
        doubt,
    } in state.doubts()
    {
        found.mark(VerifyMark::Signature {
            record: held.record,
            device: place.0,
            seq: place.1,
            author,
            doubt,
        });
    }
}
