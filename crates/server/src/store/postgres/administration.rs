//! What administrators do, and the log of it.

use postgres::Row;
use shicha_domain::{DeviceId, OrgCode, PersonId};
use shicha_sync::protocol::{
    admin::{AuditQuery, AuditRow},
    order::OrderAct,
};
use uuid::Uuid;

use super::{
    PostgresStore,
    append::append,
    devices, directory,
    pool::Tx,
    rows::{self, count, get},
    updates,
};
use crate::store::{
    Appended, Judge, Pushed, StoreError,
    administration::{
        Administration, CodeId, Deed, Noting, OpenCode, PAGE, StoredUpdate, next_row, search,
    },
};

impl Administration for PostgresStore {
    fn administer(&self, deed: Deed<'_>, noting: Noting<'_>) -> Result<bool, StoreError> {
        let now_ms = noting.now_ms;
        self.connections.write(|tx| {
            lock(tx)?;
            let is_changed = match deed {
                Deed::Org(org) => directory::put_org(tx, org, now_ms)?,
                Deed::Person(person) => directory::put_person(tx, person)?,
                Deed::Code {
                    hash,
                    person,
                    expires_at_ms,
                } => {
                    devices::add_code(tx, hash, person, now_ms, expires_at_ms)?;
                    true
                }
                Deed::WithdrawCode(id) => withdraw(tx, id, now_ms)?,
                Deed::Revoke(device, order) => revoke(tx, device, order, now_ms)?,
                Deed::Obeyed(device, act, at_ms) => obeyed(tx, device, act, at_ms, now_ms)?,
                Deed::AddUpdate(update) => updates::add(tx, update)?,
                Deed::ReleaseUpdate(name, org) => updates::release(tx, name, org, now_ms)?,
                Deed::WithdrawUpdate(name, org) => updates::withdraw(tx, name, org)?,
                Deed::CorrectClock => {
                    rows::correct_clock(tx, now_ms)?;
                    true
                }
                Deed::Elsewhere => true,
            };
            if is_changed {
                noted(tx, noting)?;
            }
            Ok(is_changed)
        })
    }

    fn append_noted(
        &self,
        push: &Pushed,
        judge: Judge<'_>,
        noting: Noting<'_>,
    ) -> Result<Appended, StoreError> {
        self.appending(|tx| {
            // Before the locks that appending takes, as whatever else is noted.
            lock(tx)?;
            let (appended, new_numbers) = append(tx, push, judge)?;
            if appended.is_accepted() {
                noted(tx, noting)?;
            }
            Ok((appended, new_numbers))
        })
    }

    fn open_codes(&self, now_ms: u64) -> Result<Vec<OpenCode>, StoreError> {
        self.connections.read(|tx| {
            tx.query(
                "SELECT c.hash, c.person, c.created_at_ms, c.expires_at_ms FROM code c JOIN person p ON p.id = c.person
                 WHERE c.used_by IS NULL AND c.expires_at_ms > $1 AND p.is_active ORDER BY c.expires_at_ms, c.hash",
                &[&(now_ms as i64)],
            )?
            .iter()
            .map(|row| {
                Ok(OpenCode {
                    id: CodeId::of(&rows::hash(get(row, 0)?, "code")?),
                    person: PersonId(get(row, 1)?),
                    created_at_ms: count(row, 2)?,
                    expires_at_ms: count(row, 3)?,
                })
            })
            .collect()
        })
    }

    fn updates(&self) -> Result<Vec<StoredUpdate>, StoreError> {
        self.connections.read(updates::all)
    }

    fn audit(
        &self,
        query: &AuditQuery,
        may_read: &dyn Fn(Option<&OrgCode>) -> bool,
        limit: usize,
    ) -> Result<Vec<AuditRow>, StoreError> {
        self.connections.read(|tx| {
            search(query, may_read, limit, |before| {
                tx.query(
                    "SELECT n, at_ms, person, person_name, device, act, org, target, detail, hash, signature
                     FROM audit WHERE n < $1 ORDER BY n DESC LIMIT $2",
                    &[&(before as i64), &PAGE],
                )?
                .iter()
                .map(audit_row)
                .collect()
            })
        })
    }

    fn audit_from(&self, n: u64, limit: usize) -> Result<Vec<AuditRow>, StoreError> {
        self.connections.read(|tx| {
            tx.query(
                "SELECT n, at_ms, person, person_name, device, act, org, target, detail, hash, signature
                 FROM audit WHERE n >= $1 ORDER BY n LIMIT $2",
                &[&(n as i64), &(limit as i64)],
            )?
            .iter()
            .map(audit_row)
            .collect()
        })
    }
}

fn audit_row(row: &Row) -> Result<AuditRow, StoreError> {
    Ok(AuditRow {
        n: count(row, 0)?,
        at_ms: count(row, 1)?,
        person: get::<Option<Uuid>>(row, 2)?.map(PersonId),
        person_name: get(row, 3)?,
        device: get::<Option<Uuid>>(row, 4)?.map(DeviceId),
        act: get(row, 5)?,
        org: get::<Option<&str>>(row, 6)?
            .map(|code| code.parse().map_err(|_| StoreError::Damaged("audit log")))
            .transpose()?,
        target: get(row, 7)?,
        detail: get(row, 8)?,
        hash: rows::hash(get(row, 9)?, "audit log")?,
        signature: rows::signature(get(row, 10)?)?,
    })
}

fn last(tx: &mut Tx<'_>) -> Result<Option<(u64, [u8; 32])>, StoreError> {
    tx.first("SELECT n, hash FROM audit ORDER BY n DESC LIMIT 1", &[])?
        .map(|row| Ok((count(&row, 0)?, rows::hash(get(&row, 1)?, "audit log")?)))
        .transpose()
}

/// One at a time, at whichever process: each row holds the hash of the one before.
pub(super) fn lock(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    tx.execute("LOCK TABLE audit IN SHARE ROW EXCLUSIVE MODE", &[])?;
    Ok(())
}

/// Adds the next row in the open transaction.
pub(super) fn noted(tx: &mut Tx<'_>, noting: Noting<'_>) -> Result<(), StoreError> {
    let row = next_row(last(tx)?, noting);
    tx.execute(
        "INSERT INTO audit (n, at_ms, person, person_name, device, act, org, target, detail, hash, signature)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        &[
            &(row.n as i64),
            &(row.at_ms as i64),
            &row.person.map(|id| id.0),
            &row.person_name,
            &row.device.map(|id| id.0),
            &row.act,
            &row.org.as_ref().map(OrgCode::as_str),
            &row.target,
            &row.detail,
            &row.hash.as_slice(),
            &row.signature.tagged(),
        ],
    )?;
    Ok(())
}

/// A code that has run out is of no more use to any program.
fn withdraw(tx: &mut Tx<'_>, id: CodeId, now_ms: u64) -> Result<bool, StoreError> {
    let changes = tx.execute(
        "UPDATE code SET expires_at_ms = $2 WHERE substr(hash, 1, 8) = $1 AND used_by IS NULL AND expires_at_ms > $2",
        &[&id.0.as_slice(), &(now_ms as i64)],
    )?;
    Ok(changes > 0)
}

fn revoke(
    tx: &mut Tx<'_>,
    device: DeviceId,
    order: Option<OrderAct>,
    now_ms: u64,
) -> Result<bool, StoreError> {
    let state = rows::locked_device(tx, device)?.ok_or(StoreError::Missing("device"))?;
    let is_heavier = order > state.order.map(|order| order.act);
    let is_new = devices::revoke_line(tx, device, now_ms)?;
    if let Some(act) = order.filter(|_| is_heavier) {
        tx.execute(
            "UPDATE device SET order_act = $2, order_at_ms = $3, order_done_at_ms = NULL WHERE id = $1",
            &[&device.0, &act.as_str(), &(now_ms as i64)],
        )?;
    }
    if is_new || is_heavier {
        directory::changed(tx)?;
    }
    Ok(is_new || is_heavier)
}

fn obeyed(
    tx: &mut Tx<'_>,
    device: DeviceId,
    act: OrderAct,
    at_ms: u64,
    now_ms: u64,
) -> Result<bool, StoreError> {
    let changes = tx.execute(
        "UPDATE device SET order_done_at_ms = $4
         WHERE id = $1 AND order_act = $2 AND order_at_ms = $3 AND order_done_at_ms IS NULL",
        &[&device.0, &act.as_str(), &(at_ms as i64), &(now_ms as i64)],
    )?;
    if changes > 0 {
        // Administrators' screens follow the directory.
        directory::changed(tx)?;
    }
    Ok(changes > 0)
}
