//! Stretches of other devices' logs that part from what is here. They are not taken in, but they are proof that two computers write as one
//! device, so they are kept until the endpoint has seen them (invariant 9, a line goes on).

use rusqlite::params;
use shicha_domain::DeviceId;
use uuid::Uuid;

use crate::{error::LedgerError, ledger::Ledger};

impl Ledger {
    /// Keeps a stretch that a device signed and that parts from what is here of it, as the body of a push. The first of a device is
    /// enough, so what one device can make others keep is bounded.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn keep_parted(&self, device: DeviceId, push: &[u8]) -> Result<(), LedgerError> {
        self.write(|tx| {
            tx.execute(
                "INSERT OR IGNORE INTO parted (device, push) VALUES (?1, ?2)",
                params![device.0.as_bytes(), push],
            )?;
            Ok(())
        })
    }

    /// What [`Self::keep_parted`] keeps.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn parted(&self) -> Result<Vec<(DeviceId, Vec<u8>)>, LedgerError> {
        self.read(|db| {
            let mut statement =
                db.prepare_cached("SELECT device, push FROM parted ORDER BY device")?;
            let kept = statement.query_map([], |row| {
                Ok((DeviceId(Uuid::from_bytes(row.get(0)?)), row.get(1)?))
            })?;
            Ok(kept.collect::<Result<_, _>>()?)
        })
    }

    /// The endpoint has seen it.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn forget_parted(&self, device: DeviceId) -> Result<(), LedgerError> {
        self.write(|tx| {
            tx.execute(
                "DELETE FROM parted WHERE device = ?1",
                [device.0.as_bytes()],
            )?;
            Ok(())
        })
    }
}
