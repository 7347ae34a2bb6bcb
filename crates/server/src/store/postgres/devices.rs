//! Enrolment codes and devices.

use shicha_domain::{
    DeviceId, EntryId, PersonId, Receipt,
    suite::{PublicKey, SignatureBytes},
};
use shicha_sync::protocol::messages::Head;
use uuid::Uuid;

use super::{
    PostgresStore,
    directory::changed,
    pool::Tx,
    rows::{self, count, count_or_none, get},
};
use crate::store::{
    Contact, DeviceState, Enrolment, GoesOn, IDENTITIES_MS, MOST_IDENTITIES, Seal, StoreError,
};

impl PostgresStore {
    pub(super) fn do_add_code(
        &self,
        code: &[u8; 32],
        person: PersonId,
        now_ms: u64,
        expires_at_ms: u64,
    ) -> Result<(), StoreError> {
        self.connections
            .write(|tx| add_code(tx, code, person, now_ms, expires_at_ms))
    }

    pub(super) fn do_enrol(
        &self,
        enrolment: &Enrolment,
        seal: Seal<'_>,
    ) -> Result<Option<(DeviceState, Receipt)>, StoreError> {
        self.connections.write(|tx| {
            let code = tx.first(
                "SELECT c.person, c.expires_at_ms, c.used_by, d.public_key, d.last_contact_ms, p.is_active
                 FROM code c JOIN person p ON p.id = c.person LEFT JOIN device d ON d.id = c.used_by
                 WHERE c.hash = $1 FOR UPDATE OF c",
                &[&enrolment.code.as_slice()],
            )?;
            let Some(code) = code else {
                return Ok(None);
            };
            if count(&code, 1)? <= enrolment.now_ms || !get::<bool>(&code, 5)? {
                return Ok(None);
            }
            if let Some(device) = get::<Option<Uuid>>(&code, 2)? {
                // The answer to this very device was lost. Once it has opened a session it has the answer, and whoever asks again
                // is somebody who overheard.
                let is_same_key = get::<Option<&[u8]>>(&code, 3)? == Some(enrolment.public_key.tagged());
                let is_retry = is_same_key && count_or_none(&code, 4)?.is_none();
                return if is_retry {
                    existing(tx, DeviceId(device)).map(Some)
                } else {
                    Ok(None)
                };
            }
            if key_is_taken(tx, &enrolment.public_key)?.is_some() {
                return Ok(None);
            }
            let receipt = insert(tx, enrolment, PersonId(get(&code, 0)?), None, seal)?;
            tx.execute(
                "UPDATE code SET used_by = $2, used_at_ms = $3 WHERE hash = $1",
                &[
                    &enrolment.code.as_slice(),
                    &enrolment.device.0,
                    &(enrolment.now_ms as i64),
                ],
            )?;
            let state = rows::device(tx, enrolment.device)?.ok_or(StoreError::Missing("device"))?;
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
        self.connections.write(|tx| {
            let state = rows::locked_device(tx, old)?.ok_or(StoreError::Missing("device"))?;
            if !state.is_active() {
                return Ok(GoesOn::Refused);
            }
            if let Some((device, _)) = key_is_taken(tx, &enrolment.public_key)? {
                // The answer to this very request was lost.
                let (known, receipt) = existing(tx, device)?;
                let is_same = known.device.continues == Some(old) && known.start == common.id;
                return Ok(if is_same {
                    GoesOn::As(Box::new(known), Box::new(receipt))
                } else {
                    GoesOn::Refused
                });
            }
            let held = match common.seq {
                0 => Some(state.start),
                seq => id_at(tx, old, seq)?,
            };
            if held != Some(common.id) {
                return Ok(GoesOn::NotCommon);
            }
            let day_ago_ms = enrolment.now_ms.saturating_sub(IDENTITIES_MS);
            if identities_since(tx, old, day_ago_ms)? >= MOST_IDENTITIES {
                return Ok(GoesOn::TooMany);
            }
            let since_ms = since_at(tx, old, common.seq)?
                .filter(|since| *since <= enrolment.now_ms)
                .unwrap_or(state.enrolled_at_ms)
                .min(enrolment.now_ms);
            let origin = Origin {
                device: old,
                common,
                since_ms,
            };
            let receipt = insert(tx, enrolment, state.person.id, Some(&origin), seal)?;
            let state = rows::device(tx, enrolment.device)?.ok_or(StoreError::Missing("device"))?;
            Ok(GoesOn::As(Box::new(state), Box::new(receipt)))
        })
    }

    pub(super) fn do_line(&self, device: DeviceId) -> Result<Vec<(DeviceId, u64)>, StoreError> {
        self.connections.read(|tx| {
            tx.query(
                "WITH RECURSIVE line (id, upto) AS (
                     SELECT continues, start_seq FROM device WHERE id = $1
                     UNION SELECT d.continues, d.start_seq FROM line JOIN device d ON d.id = line.id)
                 SELECT id, upto FROM line WHERE id IS NOT NULL",
                &[&device.0],
            )?
            .iter()
            .map(|row| Ok((DeviceId(get(row, 0)?), count(row, 1)?)))
            .collect()
        })
    }

    pub(super) fn do_note_contact(
        &self,
        device: DeviceId,
        client_version: &str,
        now_ms: u64,
        contact: Contact,
    ) -> Result<(), StoreError> {
        self.connections.write(|tx| {
            if let Contact::Session { last_ms } = contact {
                let state = rows::locked_device(tx, device)?.ok_or(StoreError::Missing("device"))?;
                let mut past = state.past;
                past.begin_session(now_ms, last_ms);
                rows::put_past(tx, device, state.head, &past)?;
            }
            tx.execute(
                "UPDATE device SET last_contact_ms = $2, client_version = coalesce(nullif($3, ''), client_version) WHERE id = $1",
                &[&device.0, &(now_ms as i64), &client_version],
            )?;
            Ok(())
        })
    }

    pub(super) fn do_revoke(&self, device: DeviceId, now_ms: u64) -> Result<bool, StoreError> {
        self.connections.write(|tx| {
            rows::locked_device(tx, device)?.ok_or(StoreError::Missing("device"))?;
            let is_new = revoke_line(tx, device, now_ms)?;
            if is_new {
                changed(tx)?;
            }
            Ok(is_new)
        })
    }
}

/// Revokes all identities of a device's line: whoever took one on a stolen laptop is out with it (invariant 9, a line goes on, it never
/// begins anew). `false`: they were revoked already.
pub(super) fn revoke_line(
    tx: &mut Tx<'_>,
    device: DeviceId,
    now_ms: u64,
) -> Result<bool, StoreError> {
    let changes = tx.execute(
        "WITH RECURSIVE line (id) AS (
             SELECT $1::uuid UNION
             SELECT d.id FROM line l JOIN device here ON here.id = l.id JOIN device d ON d.continues = here.id OR d.id = here.continues)
         UPDATE device SET revoked_at_ms = $2 WHERE id IN (SELECT id FROM line) AND revoked_at_ms IS NULL",
        &[&device.0, &(now_ms as i64)],
    )?;
    Ok(changes > 0)
}

pub(super) fn add_code(
    tx: &mut Tx<'_>,
    code: &[u8; 32],
    person: PersonId,
    now_ms: u64,
    expires_at_ms: u64,
) -> Result<(), StoreError> {
    if tx
        .first("SELECT 1 FROM person WHERE id = $1", &[&person.0])?
        .is_none()
    {
        return Err(StoreError::Missing("person"));
    }
    tx.execute(
        "INSERT INTO code (hash, person, created_at_ms, expires_at_ms) VALUES ($1, $2, $3, $4)",
        &[
            &code.as_slice(),
            &person.0,
            &(now_ms as i64),
            &(expires_at_ms as i64),
        ],
    )?;
    Ok(())
}

fn key_is_taken(
    tx: &mut Tx<'_>,
    key: &PublicKey,
) -> Result<Option<(DeviceId, PersonId)>, StoreError> {
    let row = tx.first(
        "SELECT id, person FROM device WHERE public_key = $1",
        &[&key.tagged()],
    )?;
    row.map(|row| Ok((DeviceId(get(&row, 0)?), PersonId(get(&row, 1)?))))
        .transpose()
}

/// What a new identity goes on from.
struct Origin {
    device: DeviceId,
    common: Head,
    since_ms: u64,
}

fn id_at(tx: &mut Tx<'_>, device: DeviceId, seq: u64) -> Result<Option<EntryId>, StoreError> {
    let seq = i64::try_from(seq).unwrap_or(i64::MAX);
    let row = tx.first(
        "SELECT id FROM entry WHERE device = $1 AND seq = $2",
        &[&device.0, &seq],
    )?;
    row.map(|row| rows::entry_id(&row, 0)).transpose()
}

/// How many identities a line got since a moment, all that is before and after the device.
fn identities_since(tx: &mut Tx<'_>, device: DeviceId, since_ms: u64) -> Result<u64, StoreError> {
    let row = tx.first(
        "WITH RECURSIVE line (id) AS (
             SELECT $1::uuid UNION
             SELECT d.id FROM line l JOIN device here ON here.id = l.id JOIN device d ON d.continues = here.id OR d.id = here.continues)
         SELECT count(*) FROM device WHERE id IN (SELECT id FROM line) AND continues IS NOT NULL AND enrolled_at_ms > $2",
        &[&device.0, &(since_ms as i64)],
    )?;
    count(&row.ok_or(StoreError::Damaged("device"))?, 0)
}

/// The earlier bound of what followed a place of a log then: what is written again from there on was written after it, and not after the
/// enrolment of the identity that it is written again under.
fn since_at(tx: &mut Tx<'_>, device: DeviceId, seq: u64) -> Result<Option<u64>, StoreError> {
    let row = tx.first(
        "SELECT greatest(since_ms, coalesce((SELECT end_tick_ms FROM device WHERE id = $1 AND end_seq <= $2), 0)) FROM receipt
         WHERE device = $1 AND seq >= $2 ORDER BY seq LIMIT 1",
        &[&device.0, &(seq as i64)],
    )?;
    row.map(|row| count(&row, 0)).transpose()
}

fn insert(
    tx: &mut Tx<'_>,
    enrolment: &Enrolment,
    person: PersonId,
    origin: Option<&Origin>,
    seal: Seal<'_>,
) -> Result<Receipt, StoreError> {
    let continues = origin.map(|origin| origin.device.0);
    let start = origin.map_or(Head::EMPTY, |origin| origin.common);
    let since_ms = origin.map_or(enrolment.now_ms, |origin| origin.since_ms);
    tx.execute(
        // When it was seen is told of all of a line.
        "INSERT INTO device (id, person, public_key, label, enrolled_at_ms, continues, start_seq, start, head, since_ms, received_ms,
             seen_ms, stay_from_ms, stay_last_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9, $5,
             (SELECT seen_ms FROM device WHERE id = $6), (SELECT stay_from_ms FROM device WHERE id = $6),
             (SELECT stay_last_ms FROM device WHERE id = $6))",
        &[
            &enrolment.device.0,
            &person.0,
            &enrolment.public_key.tagged(),
            &enrolment.label,
            &(enrolment.now_ms as i64),
            &continues,
            &(start.seq as i64),
            &start.id.0.as_slice(),
            &(since_ms as i64),
        ],
    )?;
    let life = tx.first("SELECT max(n) FROM life", &[])?;
    let life = count(&life.ok_or(StoreError::Damaged("life"))?, 0)?;
    let receipt = seal(Receipt {
        head: start.id,
        since_ms,
        ..Receipt::of_enrolment(life, enrolment.device, enrolment.now_ms)
    });
    rows::insert_receipt(tx, &receipt, &SignatureBytes::NONE)?;
    changed(tx)?;
    Ok(receipt)
}

/// A device that was enrolled before, with the receipt that it got then.
fn existing(tx: &mut Tx<'_>, device: DeviceId) -> Result<(DeviceState, Receipt), StoreError> {
    let state = rows::device(tx, device)?.ok_or(StoreError::Missing("device"))?;
    let row = tx
        .first(
            concat!(
                "SELECT ",
                rows::receipt_columns!(),
                " FROM receipt r WHERE r.device = $1 AND r.seq = 0"
            ),
            &[&device.0],
        )?
        .ok_or(StoreError::Damaged("receipt"))?;
    Ok((state, rows::receipt(&row, device)?))
}
