//! Taking in what the other laptop gives, by the same rules as what comes from the endpoint or in a package.

use shicha_domain::suite::{PublicKey, VerifyingKey};
use shicha_ledger::{Confirmed, Ledger, SealedTaken, Vouched};

use super::{
    exchange::{Count, tag},
    fault::NearbyFault,
    line::out_of_place,
};
use crate::{handed, protocol::wire};

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
    match *tag {
        tag::SEALED => {
            let handed = handed::take::<NearbyFault>(ledger, push, vouched, now_ms)?;
            let all = handed.entries;
            match handed.taken {
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
            let rows = push.batch.rows.into_iter();
            let entries = rows.map(|row| (row.id, row.entry)).collect();
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
