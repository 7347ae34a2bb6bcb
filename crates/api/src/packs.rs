//! Campaign packs at hand: read from the evidence store once and kept; which of them count, and which one a record names.

use std::{cmp::Reverse, collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use shicha_domain::{
    BlobHash, OrgCode, RecordState,
    directory::OrgTree,
    inspection,
    pack::{Checklist, Item, Pack, PackStanding, Published, standings, version_numbers},
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

/// A published pack, and what it is to whoever works here.
pub(crate) struct Listed {
    pub(crate) row: PackRow,
    /// `None` where its bytes have not arrived, or cannot be read.
    pub(crate) pack: Option<Arc<Pack>>,
    pub(crate) standing: PackStanding,
}

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
        let bad = || ApiError::new(ErrorCode::BadFile).with("name", row.title.clone());
        if info.size > MOST_BYTES {
            return Err(bad());
        }
        let bytes = ledger.blob_read(row.blob, 0, info.size)?;
        let pack = Pack::parse(&bytes).map_err(|faults| {
            let first = faults.first().map(ToString::to_string).unwrap_or_default();
            bad().with("detail", first)
        })?;
        if pack.id.as_str() != row.id || pack.version.as_str() != row.version {
            return Err(bad().with("detail", "it is another pack than its opening says"));
        }
        let pack = Arc::new(pack);
        self.0.lock().insert(row.blob, Arc::clone(&pack));
        Ok(Some(pack))
    }

    /// The pack of exactly these bytes, published under that name and version, if it is at hand. Another of the same name and version
    /// never takes its place.
    pub(crate) fn named(
        &self,
        ledger: &Ledger,
        hash: BlobHash,
        id: &str,
        version: &str,
    ) -> Result<Option<Arc<Pack>>, ApiError> {
        let rows = ledger.packs_of(hash)?;
        let row = rows
            .iter()
            .find(|row| row.id == id && row.version == version);
        row.map_or(Ok(None), |row| self.read(ledger, row))
    }

    /// All published packs, those that count for the organisation first, what the highest bureau published before what those below it did.
    /// One that cannot be read is as if it had not arrived, so that it does not take the others' place.
    pub(crate) fn listed(
        &self,
        ledger: &Ledger,
        org: &OrgCode,
        tree: &OrgTree,
    ) -> Result<Vec<Listed>, ApiError> {
        let mut found = Vec::new();
        for row in ledger.packs()? {
            let pack = self.read(ledger, &row).unwrap_or_else(|error| {
                tracing::warn!(%error, hash = %row.blob, "a pack cannot be read");
                None
            });
            found.push((row, pack));
        }
        let published: Vec<Published<'_>> = found
            .iter()
            .map(|(row, pack)| Published {
                org: &row.org,
                id: &row.id,
                version: version_numbers(&row.version),
                number: row.number,
                is_here: pack.is_some(),
            })
            .collect();
        let standings = standings(&published, org, tree);
        let depths: Vec<usize> = found
            .iter()
            .map(|(row, _)| {
                let above = |other: &&(PackRow, _)| tree.is_at_or_below(&row.org, &other.0.org);
                found.iter().filter(above).count()
            })
            .collect();
        let mut listed: Vec<(usize, Listed)> = found
            .into_iter()
            .zip(standings)
            .map(|((row, pack), standing)| Listed {
                row,
                pack,
                standing,
            })
            .zip(depths)
            .map(|(listed, depth)| (depth, listed))
            .collect();
        listed.sort_by_key(|(depth, one)| {
            (
                one.standing != PackStanding::Counts,
                *depth,
                Reverse(one.row.received_ms),
                Reverse(version_numbers(&one.row.version)),
            )
        });
        Ok(listed.into_iter().map(|(_, one)| one).collect())
    }

    /// The pack whose regions, words and obligations count: of those that count, the highest bureau's, and of these the one received last.
    pub(crate) fn leading(
        &self,
        ledger: &Ledger,
        org: &OrgCode,
        tree: &OrgTree,
    ) -> Result<Option<Arc<Pack>>, ApiError> {
        let listed = self.listed(ledger, org, tree)?;
        Ok(listed
            .into_iter()
            .find(|one| one.standing == PackStanding::Counts)
            .and_then(|one| one.pack))
    }
}

/// The pack that a record names by the hash of its bytes; `None` where it is not here, or the record names none.
pub(crate) fn pack_of(
    packs: &Packs,
    ledger: &Ledger,
    state: &RecordState,
) -> Result<Option<Arc<Pack>>, ApiError> {
    let Some(hash) = hash_of(state) else {
        return Ok(None);
    };
    packs.named(ledger, hash, state.text("pack"), state.text("pack_version"))
}

/// The hash by which a record names its pack.
pub(crate) fn hash_of(state: &RecordState) -> Option<BlobHash> {
    state.text("pack_hash").parse().ok()
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
