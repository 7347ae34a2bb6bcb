//! Campaign packs at hand: read from the evidence store once and kept.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use shicha_domain::{
    BlobHash, RecordState, inspection,
    pack::{Checklist, Item, Pack},
};
use shicha_ledger::{Ledger, PackRow};

use crate::{
    error::{ApiError, ErrorCode},
    time::day_of,
};

/// The largest pack that is read, in bytes.
const MOST_BYTES: u64 = 32 << 20;

/// Packs that were read, by the hash of their bytes.
#[derive(Default)]
pub(crate) struct Packs(Mutex<HashMap<BlobHash, Arc<Pack>>>);

impl Packs {
    /// A pack whose bytes have arrived; `None` where they have not.
    pub(crate) fn read(
        &self,
        ledger: &Ledger,
        row: &PackRow,
    ) -> Result<Option<Arc<Pack>>, ApiError> {
        if let Some(pack) = self.0.lock().get(&row.blob) {
            return Ok(Some(Arc::clone(pack)));
        }
        let Some(info) = ledger.blob_info(row.blob)?.filter(|info| info.is_complete) else {
            return Ok(None);
        };
        if info.size > MOST_BYTES {
            return Err(ApiError::new(ErrorCode::BadFile).with("name", row.title.clone()));
        }
        let bytes = ledger.blob_read(row.blob, 0, info.size)?;
        let pack = Pack::parse(&bytes).map_err(|faults| {
            let first = faults.first().map(ToString::to_string).unwrap_or_default();
            ApiError::new(ErrorCode::BadFile)
                .with("name", row.title.clone())
                .with("detail", first)
        })?;
        let pack = Arc::new(pack);
        self.0.lock().insert(row.blob, Arc::clone(&pack));
        Ok(Some(pack))
    }

    /// The pack of that name and version, if it is at hand.
    pub(crate) fn find(
        &self,
        ledger: &Ledger,
        id: &str,
        version: &str,
    ) -> Result<Option<Arc<Pack>>, ApiError> {
        for row in ledger.packs()? {
            if row.id == id && row.version == version {
                return self.read(ledger, &row);
            }
        }
        Ok(None)
    }

    /// The newest pack at hand. One that cannot be read is passed over, so that it does not take the others' place.
    pub(crate) fn newest(&self, ledger: &Ledger) -> Result<Option<Arc<Pack>>, ApiError> {
        for row in ledger.packs()? {
            match self.read(ledger, &row) {
                Ok(Some(pack)) => return Ok(Some(pack)),
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "a pack cannot be read"),
            }
        }
        Ok(None)
    }
}

/// The pack that an inspection is filled with.
pub(crate) fn pack_of(
    packs: &Packs,
    ledger: &Ledger,
    state: &RecordState,
) -> Result<Option<Arc<Pack>>, ApiError> {
    packs.find(ledger, state.text("pack"), state.text("pack_version"))
}

/// The items that an inspection has to answer, in order.
pub(crate) fn asked<'p>(
    pack: &'p Pack,
    checklist: &'p Checklist,
    state: &RecordState,
) -> Vec<&'p Item> {
    let opened_ms = state.opened().map_or(0, |trace| trace.at().ms());
    let started_ms = state
        .value("started_at")
        .and_then(serde_json::Value::as_u64);
    let day = day_of(started_ms.unwrap_or(opened_ms));
    let has_trait = |id: &str| {
        let value = state.value(&format!("subject/{id}"));
        value.and_then(serde_json::Value::as_bool) == Some(true)
    };
    pack.asked(checklist, day, has_trait, |item| {
        inspection::result(state, item)
    })
}
