//! Enrolment codes and devices.

use rusqlite::{Connection, OptionalExtension as _};
use shicha_domain::{
    DeviceId, PersonId, Receipt,
    suite::{PublicKey, SignatureBytes},
};
use shicha_sync::protocol::messages::Head;

use super::{SqliteStore, directory::changed, rows};
use crate::store::{
    Contact, DeviceState, Enrolment, GoesOn, IDENTITIES_MS, MOST_IDENTITIES, Seal, StoreError,
};

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
        common: Head,
        enrolment: &Enrolment,
        seal: Seal<'_>,
    ) -> Result<GoesOn, StoreError> {
        self.write(|transaction| {
            let state =
                rows::device_by_id(transaction, old)?.ok_or(StoreError::Missing("device"))?;
            if !state.is_active() {
                return Ok(GoesOn::Refused);
            }
            let n = rows::device_n(transaction, old)?;
            let person = rows::person_n(transaction, state.person.id)?;
            if let Some((device, _)) = key_is_taken(transaction, &enrolment.public_key)? {
                // The answer to this very request was lost.
                let (known, receipt) = existing(transaction, device)?;
                let is_same = known.device.continues == Some(old) && known.start == common.id;
                return Ok(if is_same {
                    GoesOn::As(Box::new(known), Box::new(receipt))
                } else {
                    GoesOn::Refused
                });
            }
            let held = match common.seq {
                0 => Some(state.start),
                seq => rows::id_at(transaction, n, seq)?,
            };
            if held != Some(common.id) {
                return Ok(GoesOn::NotCommon);
            }
            if identities_since(
                transaction,
                n,
                enrolment.now_ms.saturating_sub(IDENTITIES_MS),
            )? >= MOST_IDENTITIES
            {
                return Ok(GoesOn::TooMany);
            }
            let since_ms = since_at(transaction, n, common.seq)?
                .filter(|since| *since <= enrolment.now_ms)
                .unwrap_or(state.enrolled_at_ms)
                .min(enrolment.now_ms);
            let origin = Origin {
                n,
                common,
                since_ms,
            };
            let (_, receipt) = insert(transaction, enrolment, person, Some(&origin), seal)?;
            let state = rows::device_by_id(transaction, enrolment.device)?
                .ok_or(StoreError::Missing("device"))?;
            Ok(GoesOn::As(Box::new(state), Box::new(receipt)))
        })
    }

    pub(super) fn do_line(&self, device: DeviceId) -> Result<Vec<(DeviceId, u64)>, StoreError> {
        self.read(|transaction| {
            let mut statement = transaction.prepare_cached(
                "WITH RECURSIVE line (n, upto) AS (
                     SELECT continues, start_seq FROM device WHERE id = ?1
                     UNION SELECT d.continues, d.start_seq FROM line JOIN device d ON d.n = line.n)
                 SELECT d.id, line.upto FROM line JOIN device d ON d.n = line.n",
            )?;
            let mut found = statement.query([device.0.as_bytes()])?;
            let mut line = Vec::new();
            while let Some(row) = found.next()? {
                let id = DeviceId(rows::uuid(&row.get::<_, Vec<u8>>(0)?, "device")?);
                line.push((id, row.get::<_, i64>(1)? as u64));
            }
            Ok(line)
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

/// What a new identity goes on from.
struct Origin {
    n: i64,
    common: Head,
    since_ms: u64,
}

/// How many identities a line got since a moment, all that is before and after the device.
fn identities_since(
    connection: &Connection,
    device: i64,
    since_ms: u64,
) -> Result<u64, StoreError> {
    let count: i64 = connection.query_row(
        "WITH RECURSIVE line (n) AS (
             SELECT ?1 UNION
             SELECT d.n FROM line l JOIN device here ON here.n = l.n JOIN device d ON d.continues = here.n OR d.n = here.continues)
         SELECT count(*) FROM device WHERE n IN (SELECT n FROM line) AND continues IS NOT NULL AND enrolled_at_ms > ?2",
        (device, since_ms as i64),
        |row| row.get(0),
    )?;
    Ok(count as u64)
}

/// The earlier bound of what followed a place of a log then: what is written again from there on was written after it, and not after the
/// enrolment of the identity that it is written again under.
fn since_at(connection: &Connection, device: i64, seq: u64) -> Result<Option<u64>, StoreError> {
    let since = connection
        .query_row(
            "SELECT max(since_ms, coalesce((SELECT end_tick_ms FROM device WHERE n = ?1 AND end_seq <= ?2), 0)) FROM receipt
             WHERE device = ?1 AND seq >= ?2 AND signature IS NOT NULL AND is_brought = 0 ORDER BY seq LIMIT 1",
            (device, seq as i64),
            |row| row.get::<_, i64>(0),
        )
        .optional()?;
    Ok(since.map(|ms| ms as u64))
}

fn insert(
    connection: &Connection,
    enrolment: &Enrolment,
    person: i64,
    origin: Option<&Origin>,
    seal: Seal<'_>,
) -> Result<(i64, Receipt), StoreError> {
    let continues = origin.map(|origin| origin.n);
    let start = origin.map_or(Head::EMPTY, |origin| origin.common);
    let since_ms = origin.map_or(enrolment.now_ms, |origin| origin.since_ms);
    connection.execute(
        // When it was seen is told of all of a line.
        "INSERT INTO device (id, person, public_key, label, enrolled_at_ms, continues, start_seq, start, head, since_ms, received_ms,
             seen_ms, stay_from_ms, stay_last_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9, ?5,
             (SELECT seen_ms FROM device WHERE n = ?6), (SELECT stay_from_ms FROM device WHERE n = ?6),
             (SELECT stay_last_ms FROM device WHERE n = ?6))",
        (
            enrolment.device.0.as_bytes(),
            person,
            enrolment.public_key.tagged(),
            &enrolment.label,
            enrolment.now_ms as i64,
            continues,
            start.seq as i64,
            start.id.0,
            since_ms as i64,
        ),
    )?;
    let device = connection.last_insert_rowid();
    let life: i64 = connection.query_row("SELECT max(n) FROM life", [], |row| row.get(0))?;
    let receipt = Receipt {
        head: start.id,
        since_ms,
        ..Receipt::of_enrolment(life as u64, enrolment.device, enrolment.now_ms)
    };
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
        " FROM receipt WHERE device = ?1 AND seq = 0 AND signature IS NOT NULL AND is_brought = 0"
    ))?;
    let mut found = statement.query([device])?;
    let row = found.next()?.ok_or(StoreError::Damaged("receipt"))?;
    Ok((state, rows::receipt(row, id)?))
}
