//! Between the columns and the domain's types.

use postgres::{Row, types::FromSql};
use shicha_domain::{
    DeviceId, EntryId, PersonId, Receipt,
    directory::{Device, Person},
    suite::SignatureBytes,
};
use shicha_sync::protocol::messages::Head;
use uuid::Uuid;

use super::pool::Tx;
pub(super) use crate::store::words::{
    channel, hash, order, org_kind, org_kind_word, public_key, record_kind, role, role_word,
    signature,
};
use crate::store::{DeviceState, StoreError};

/// A column; that it has another type than the schema gives it is damage.
pub(super) fn get<'r, T: FromSql<'r>>(row: &'r Row, at: usize) -> Result<T, StoreError> {
    row.try_get(at).map_err(StoreError::from)
}

/// A number that is never negative.
pub(super) fn count(row: &Row, at: usize) -> Result<u64, StoreError> {
    u64::try_from(get::<i64>(row, at)?).map_err(|_| StoreError::Damaged("number"))
}

/// Such a number where it may be missing.
pub(super) fn count_or_none(row: &Row, at: usize) -> Result<Option<u64>, StoreError> {
    get::<Option<i64>>(row, at)?
        .map(|n| u64::try_from(n).map_err(|_| StoreError::Damaged("number")))
        .transpose()
}

pub(super) fn entry_id(row: &Row, at: usize) -> Result<EntryId, StoreError> {
    Ok(EntryId(hash(get::<&[u8]>(row, at)?, "entry")?))
}

/// `id, name, org, role, certificate, is_active` from column `at` on.
pub(super) fn person(row: &Row, at: usize) -> Result<Person, StoreError> {
    Ok(Person {
        id: PersonId(get(row, at)?),
        name: get(row, at + 1)?,
        org: get::<&str>(row, at + 2)?
            .parse()
            .map_err(|_| StoreError::Damaged("organisation"))?,
        role: role(get(row, at + 3)?)?,
        certificate: get(row, at + 4)?,
        is_active: get(row, at + 5)?,
    })
}

/// Selects what [`device_state`] reads; a condition follows.
macro_rules! device {
    ($rest:literal) => {
        concat!(
            "SELECT d.id, d.public_key, d.label, d.revoked_at_ms, d.head_seq, d.head, d.last_contact_ms,
                    d.enrolled_at_ms, d.client_version, d.order_act, d.order_at_ms, d.order_done_at_ms,
                    p.id, p.name, p.org, p.role, p.certificate, p.is_active
             FROM device d JOIN person p ON p.id = d.person ",
            $rest
        )
    };
}

fn device_state(row: &Row) -> Result<DeviceState, StoreError> {
    let person = person(row, 12)?;
    Ok(DeviceState {
        device: Device {
            id: DeviceId(get(row, 0)?),
            person: person.id,
            public_key: public_key(get(row, 1)?)?,
            label: get(row, 2)?,
            revoked_at_ms: count_or_none(row, 3)?,
        },
        person,
        head: Head {
            seq: count(row, 4)?,
            id: entry_id(row, 5)?,
        },
        last_contact_ms: count_or_none(row, 6)?,
        enrolled_at_ms: count(row, 7)?,
        client_version: get(row, 8)?,
        order: order(
            get::<Option<&str>>(row, 9)?,
            count_or_none(row, 10)?,
            count_or_none(row, 11)?,
        )?,
    })
}

pub(super) fn device(tx: &mut Tx<'_>, device: DeviceId) -> Result<Option<DeviceState>, StoreError> {
    let row = tx.first(device!("WHERE d.id = $1"), &[&device.0])?;
    row.as_ref().map(device_state).transpose()
}

/// A device that nobody else changes until the transaction ends.
pub(super) fn locked_device(
    tx: &mut Tx<'_>,
    device: DeviceId,
) -> Result<Option<DeviceState>, StoreError> {
    let row = tx.first(device!("WHERE d.id = $1 FOR UPDATE OF d"), &[&device.0])?;
    row.as_ref().map(device_state).transpose()
}

pub(super) fn all_devices(tx: &mut Tx<'_>) -> Result<Vec<DeviceState>, StoreError> {
    let rows = tx.query(device!("ORDER BY d.n"), &[])?;
    rows.iter().map(device_state).collect()
}

/// `seq, head, received_at_ms, signature` from column `at` on.
pub(super) fn receipt(row: &Row, at: usize, device: DeviceId) -> Result<Receipt, StoreError> {
    Ok(Receipt {
        device,
        seq: count(row, at)?,
        head: entry_id(row, at + 1)?,
        received_at_ms: count(row, at + 2)?,
        signature: signature(get(row, at + 3)?)?,
    })
}

/// Keeps a receipt that is given now.
pub(super) fn insert_receipt(
    tx: &mut Tx<'_>,
    receipt: &Receipt,
    push_signature: &SignatureBytes,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO receipt (device, seq, head, received_at_ms, signature, push_signature) VALUES ($1, $2, $3, $4, $5, $6)",
        &[
            &receipt.device.0,
            &(receipt.seq as i64),
            &receipt.head.0.as_slice(),
            &(receipt.received_at_ms as i64),
            &receipt.signature.tagged(),
            &push_signature.tagged(),
        ],
    )?;
    Ok(())
}

pub(super) fn meta(tx: &mut Tx<'_>, key: &str) -> Result<Option<String>, StoreError> {
    let row = tx.first("SELECT value FROM meta WHERE key = $1", &[&key])?;
    row.as_ref().map(|row| get(row, 0)).transpose()
}

pub(super) fn set_meta(tx: &mut Tx<'_>, key: &str, value: &str) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        &[&key, &value],
    )?;
    Ok(())
}

/// Identifiers as the driver takes them.
pub(super) fn uuids<T>(all: &[T], id: impl Fn(&T) -> Uuid) -> Vec<Uuid> {
    all.iter().map(id).collect()
}
