//! Which signature froze a record. Clocks go wrong, and are set wrong: what a signature covers says more than when it claims to be given.

use super::Trace;
use crate::event::{Event, EventFault, Signature};

/// An entry while a record is folded.
#[derive(Clone)]
pub(super) struct Row {
    pub(super) trace: Trace,
    pub(super) event: Result<Event, EventFault>,
    pub(super) is_refused: bool,
}

/// The most steps by which a signature before another is looked for: claims about what is covered could run in a circle.
const MOST_BEFORE: usize = 1_000;

/// The signature that froze the record: the first in the order, unless another one was given before it, whatever the clocks said. One was
/// given before another if the same device wrote it earlier, or if the other covers it.
pub(super) fn first_signature(rows: &[Row]) -> Option<(&Trace, &Signature)> {
    let signatures: Vec<(&Trace, &Signature)> = rows
        .iter()
        .filter_map(|row| match &row.event {
            Ok(Event::Signed(signature)) => Some((&row.trace, signature)),
            _ => None,
        })
        .collect();
    let mut first = *signatures.first()?;
    for _ in 0..MOST_BEFORE {
        let before = signatures.iter().find(|other| {
            if other.0.order.device == first.0.order.device {
                other.0.order.seq < first.0.order.seq
            } else {
                covers(first.1, other.0) && !covers(other.1, first.0)
            }
        });
        match before {
            Some(before) => first = *before,
            None => break,
        }
    }
    Some(first)
}

/// Whether an entry lies within what a signature says that it covers.
pub(super) fn covers(signature: &Signature, trace: &Trace) -> bool {
    let upto = signature.covers.get(&trace.order.device);
    upto.is_some_and(|seq| trace.order.seq <= *seq)
}
