//! Enrolment codes and devices.

use rusqlite::{Connection, OptionalExtension as _};
use shicha_domain::{
    DeviceId, PersonId, Receipt,
    suite::{PublicKey, SignatureBytes},
};

use super::{SqliteStore, directory::changed, rows};
use crate::store::{Contact, DeviceState, Enrolment, Seal, StoreError};

impl SqliteStore {
    pub(super) fn do_add_code(
        &self,
        code: &[u8; 32],
        person: PersonId,
        now_ms: u64,
        expires_at_ms: u64,
    ) -> Result<(), StoreError> {
        self.write(|transaction| add_code(transaction, code, person, now_ms, expires_at_ms))
    }

    pub(super) fn do_enrol(
        &self,
        enrolment: &Enrolment,
        seal: Seal<'_>,
    ) -> Result<Option<(DeviceState, Receipt)>, StoreError> {
        self.write(|transaction| {
            let code = transaction
                .query_row(
                    "SELECT c.person, c.expires_at_ms, c.used_by, d.public_key, d.last_contact_ms, p.is_active
                     FROM code c JOIN person p ON p.n = c.person LEFT JOIN device d ON d.n = c.used_by
                     WHERE c.hash = ?1",
                    [&enrolment.code],
                    |row| {
                        Ok((
                            row.get::<_, i64>(0)?,
                            row.get::<_, i64>(1)? as u64,
                            row.get::<_, Option<i64>>(2)?,
                            row.get::<_, Option<Vec<u8>>>(3)?,
                            row.get::<_, Option<i64>>(4)?,
                            row.get::<_, bool>(5)?,
                        ))
                    },
                )
                .optional()?;
            let Some((person, expires_at_ms, used_by, used_key, last_contact_ms, is_active)) = code else {
                return Ok(None);
            };
            if expires_at_ms <= enrolment.now_ms || !is_active {
                return Ok(None);
            }
            if let Some(device) = used_by {
                // The answer to this very device was lost. Once it has opened a session it has the answer, and whoever asks again
                // is somebody who overheard.
                let is_retry = used_key.as_deref() == Some(enrolment.public_key.tagged()) && last_contact_ms.is_none();
                return if is_retry { existing(transaction, device).map(Some) } else { Ok(None) };
            }
            if key_is_taken(transaction, &enrolment.public_key)?.is_some() {
                return Ok(None);
            }
            let (device, receipt) = insert(transaction, enrolment, person, None, seal)?;
            transaction.execute(
                "UPDATE code SET used_by = ?2, used_at_ms = ?3 WHERE hash = ?1",
                (&enrolment.code, device, enrolment.now_ms as i64),
            )?;
            let state = rows::device_by_id(transaction, enrolment.device)?.ok_or(StoreError::Missing("device"))?;
            Ok(Some((state, receipt)))
        })
    }

    pub(super) fn do_add_identity(
        &self,
        old: DeviceId,
        enrolment: &Enrolment,
        seal: Seal<'_>,
    ) -> Result<Option<(DeviceState, Receipt)>, StoreError> {
        self.write(|transaction| {
            let state =
                rows::device_by_id(transaction, old)?.ok_or(StoreError::Missing("device"))?;
            if !state.is_active() {
                return Ok(None);
            }
            let person = rows::person_n(transaction, state.person.id)?;
            if let Some((device, owner)) = key_is_taken(transaction, &enrolment.public_key)? {
                return if owner == person {
                    existing(transaction, device).map(Some)
                } else {
                    Ok(None)
                };
            }
            let old = rows::device_n(transaction, old)?;
            let (_, receipt) = insert(transaction, enrolment, person, Some(old), seal)?;
            let state = rows::device_by_id(transaction, enrolment.device)?
                .ok_or(StoreError::Missing("device"))?;
            Ok(Some((state, receipt)))
        })
    }

    pub(super) fn do_note_contact(
        &self,
        device: DeviceId,
        client_version: &str,
        now_ms: u64,
        contact: Contact,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute(
                "UPDATE device SET last_contact_ms = ?2, client_version = coalesce(nullif(?3, ''), client_version) WHERE id = ?1",
                (device.0.as_bytes(), now_ms as i64, client_version),
            )?;
            if let Contact::Session { last_ms } = contact {
                let state = rows::device_by_id(transaction, device)?.ok_or(StoreError::Missing("device"))?;
                let mut past = state.past;
                past.begin_session(now_ms, last_ms);
                rows::put_past(transaction, rows::device_n(transaction, device)?, &past)?;
            }
            Ok(())
        })
    }

    pub(super) fn do_revoke(&self, device: DeviceId, now_ms: u64) -> Result<bool, StoreError> {
        self.write(|transaction| {
            let is_new = revoke_line(transaction, device, now_ms)?;
            if is_new {
                changed(transaction)?;
            }
            Ok(is_new)
        })
    }
}

/// Revokes all identities of a device's line: whoever took one on a stolen laptop is out with it (invariant 9, a line goes on, it never
/// begins anew). `false`: they were revoked already.
pub(super) fn revoke_line(
    connection: &Connection,
    device: DeviceId,
    now_ms: u64,
) -> Result<bool, StoreError> {
    let device = rows::device_n(connection, device)?;
    let changes = connection.execute(
        "WITH RECURSIVE line (n) AS (
             SELECT ?1 UNION
             SELECT d.n FROM line l JOIN device here ON here.n = l.n JOIN device d ON d.continues = here.n OR d.n = here.continues)
         UPDATE device SET revoked_at_ms = ?2 WHERE n IN (SELECT n FROM line) AND revoked_at_ms IS NULL",
        (device, now_ms as i64),
    )?;
    Ok(changes > 0)
}

pub(super) fn add_code(
    connection: &Connection,
    code: &[u8; 32],
    person: PersonId,
    now_ms: u64,
    expires_at_ms: u64,
) -> Result<(), StoreError> {
    let person = rows::person_n(connection, person)?;
    connection.execute(
        "INSERT INTO code (hash, person, created_at_ms, expires_at_ms) VALUES (?1, ?2, ?3, ?4)",
        (code, person, now_ms as i64, expires_at_ms as i64),
    )?;
    Ok(())
}

fn key_is_taken(
    connection: &Connection,
    key: &PublicKey,
) -> Result<Option<(i64, i64)>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT n, person FROM device WHERE public_key = ?1")?;
    Ok(statement
        .query_row([key.tagged()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?)
}

fn insert(
    connection: &Connection,
    enrolment: &Enrolment,
    person: i64,
    continues: Option<i64>,
    seal: Seal<'_>,
) -> Result<(i64, Receipt), StoreError> {
    connection.execute(
        // Of a line, the earlier bound is the first enrolment, and when it was seen is told of all of it.
        "INSERT INTO device (id, person, public_key, label, enrolled_at_ms, continues, since_ms, received_ms, seen_ms, stay_from_ms, stay_last_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6,
             coalesce((WITH RECURSIVE line (n, before, at) AS (
                           SELECT n, continues, enrolled_at_ms FROM device WHERE n = ?6
                           UNION ALL SELECT d.n, d.continues, d.enrolled_at_ms FROM device d JOIN line ON d.n = line.before)
                       SELECT min(at) FROM line), ?5),
             ?5,
             (SELECT seen_ms FROM device WHERE n = ?6), (SELECT stay_from_ms FROM device WHERE n = ?6),
             (SELECT stay_last_ms FROM device WHERE n = ?6))",
        (
            enrolment.device.0.as_bytes(),
            person,
            enrolment.public_key.tagged(),
            &enrolment.label,
            enrolment.now_ms as i64,
            continues,
        ),
    )?;
    let device = connection.last_insert_rowid();
    let life: i64 = connection.query_row("SELECT max(n) FROM life", [], |row| row.get(0))?;
    let receipt = Receipt::of_enrolment(life as u64, enrolment.device, enrolment.now_ms);
    let receipt = seal(receipt);
    rows::insert_receipt(connection, device, &receipt, &SignatureBytes::NONE)?;
    changed(connection)?;
    Ok((device, receipt))
}

/// A device that was enrolled before, with the receipt that it got then.
fn existing(connection: &Connection, device: i64) -> Result<(DeviceState, Receipt), StoreError> {
    let id: Vec<u8> =
        connection.query_row("SELECT id FROM device WHERE n = ?1", [device], |row| {
            row.get(0)
        })?;
    let id = DeviceId(rows::uuid(&id, "device")?);
    let state = rows::device_by_id(connection, id)?.ok_or(StoreError::Missing("device"))?;
    let mut statement = connection.prepare_cached(concat!(
        "SELECT ",
        rows::receipt_columns!(),
        " FROM receipt WHERE device = ?1 AND seq = 0 AND signature IS NOT NULL"
    ))?;
    let mut found = statement.query([device])?;
    let row = found.next()?.ok_or(StoreError::Damaged("receipt"))?;
    Ok((state, rows::receipt(row, id)?))
}
