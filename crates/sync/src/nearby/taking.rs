//! Taking in what the other laptop gives, by the same rules as what comes from the endpoint or in a package.

use shicha_domain::suite::{PublicKey, VerifyingKey};
use shicha_ledger::{Confirmed, Ledger, Sealed, SealedTaken, Vouched};

use super::{
    exchange::{Count, tag},
    fault::NearbyFault,
    line::out_of_place,
};
use crate::protocol::wire;

/// Takes one message of entries. What may not be taken is counted, and nothing of it is kept.
pub(super) fn take(
    ledger: &Ledger,
    bytes: &[u8],
    server_key: &PublicKey,
    vouched: Option<&Vouched>,
    now_ms: u64,
) -> Result<Count, NearbyFault> {
    let (tag, body) = bytes.split_first().ok_or_else(out_of_place)?;
    let push = wire::read_push(body)?;
    let entries: Vec<_> = push
        .batch
        .rows
        .into_iter()
        .map(|row| (row.id, row.entry))
        .collect();
    let all = entries.len() as u64;
    match *tag {
        tag::SEALED => {
            let sealed = Sealed {
                signature: push.signature,
                entries,
            };
            match ledger.take_sealed_of(&sealed, vouched, now_ms)? {
                SealedTaken::Held { new, .. } => Ok(Count {
                    new,
                    known: all.saturating_sub(new),
                    left_out: 0,
                }),
                SealedTaken::Refused(refusal) => {
                    tracing::warn!(%refusal, entries = all, "entries of a laptop nearby were not taken");
                    Ok(Count {
                        left_out: all,
                        ..Count::default()
                    })
                }
            }
        }
        tag::CONFIRMED => {
            let key = VerifyingKey::new(server_key)
                .map_err(|_| NearbyFault::garbage("no key of an endpoint"))?;
            let receipts = push.batch.receipts;
            if !receipts.iter().all(|receipt| receipt.is_signed_by(&key)) {
                return Err(NearbyFault::garbage(
                    "a receipt that the endpoint did not sign",
                ));
            }
            let taken = ledger.take_confirmed(&Confirmed { entries, receipts }, now_ms)?;
            Ok(Count {
                new: taken.new,
                known: taken.known,
                left_out: taken.left_out,
            })
        }
        _ => Err(out_of_place()),
    }
}
