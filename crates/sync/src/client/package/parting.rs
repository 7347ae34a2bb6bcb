//! A ledger that has parted from the endpoint's, without a network: one package tells of it, the next one asks for a new identity, the
//! answer to that brings it.

use serde_json::json;
use shicha_domain::suite::VerifyingKey;
use shicha_ledger::{Identity, Ledger};

use super::{
    super::{SyncError, fork},
    Me, PackageError,
};
use crate::{
    Random,
    package::IdentityAnswer,
    protocol::messages::{ForkReport, Head, IdentityRequest},
};

/// Where it is kept that the ledgers have parted: the device, and the last entry that both have.
const PARTED: &str = "package/parted";

/// Notes that the ledgers have parted after this entry.
pub(super) fn note(ledger: &Ledger, me: &Me, common: u64) -> Result<(), PackageError> {
    let parted = format!("{} {common}", me.identity.device);
    Ok(ledger.set_setting(PARTED, &parted)?)
}

/// After which entry the ledgers have parted, if they have.
pub(super) fn parted(ledger: &Ledger, me: &Me) -> Result<Option<u64>, PackageError> {
    let kept = ledger.setting(PARTED)?.unwrap_or_default();
    let device = me.identity.device.to_string();
    Ok(kept
        .strip_prefix(device.as_str())
        .and_then(|rest| rest.trim().parse().ok()))
}

/// What this device asks for, if it has to go on under a new identity.
pub(super) fn request(
    ledger: &Ledger,
    me: &Me,
    random: &Random,
) -> Result<Option<IdentityRequest>, PackageError> {
    match parted(ledger, me)? {
        None => Ok(None),
        Some(common) => Ok(Some(
            fork::identity_request(ledger, &me.identity, common, random)?.1,
        )),
    }
}

/// The last entry that both ledgers have, by what the endpoint reports of its own.
pub(super) fn common(ledger: &Ledger, report: &ForkReport) -> Result<u64, PackageError> {
    let agreed = match report.common {
        Some(common) if ledger.holds_own((common.seq, common.id))? => Some(common.seq),
        _ => None,
    };
    let agreed = agreed.ok_or_else(|| {
        SyncError::untrustworthy("the server holds other entries than those it gave receipts for")
    })?;
    Ok(agreed)
}

/// Goes on under the new identity. Returns how many entries were written again; `None`: it is not the one that was asked for.
pub(super) fn take(
    ledger: &Ledger,
    me: &Me,
    answer: &IdentityAnswer,
    now_ms: u64,
) -> Result<Option<u64>, PackageError> {
    let (Some(common), Some(key)) = (parted(ledger, me)?, fork::pending_key(ledger)?) else {
        return Ok(None);
    };
    let is_mine = answer.public_key == key.public_key();
    if answer.old != me.identity.device || !is_mine {
        return Ok(None);
    }
    let receipt = &answer.reply.receipt;
    let id = ledger.own_place(common)?;
    let is_right = id.is_some_and(|id| {
        let at = Head { seq: common, id };
        VerifyingKey::new(&me.identity.server_key)
            .is_ok_and(|server| fork::is_receipt_for(receipt, answer.reply.device, at, &server))
    });
    if !is_right {
        return Err(SyncError::untrustworthy("a new identity without a receipt for it").into());
    }
    let identity = Identity {
        device: answer.reply.device,
        signing_key: key,
        ..me.identity.clone()
    };
    let count = ledger.fork(&identity, receipt, common, &[], now_ms)?;
    fork::identity_taken(ledger)?;
    ledger.set_setting(PARTED, "")?;
    let params = json!({ "count": count, "common": common });
    ledger.sync_log_add("sync", "forked", &params, now_ms)?;
    Ok(Some(count))
}
