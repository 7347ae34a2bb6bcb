//! Entries and receipts as rows, what is still to be sent, and what is known of each entry's delivery and time.

use std::collections::{BTreeSet, HashMap};

use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};
use shicha_domain::{
    Channel, DeviceId, EntryId, Event, Hlc, OrgCode, PersonId, Receipt, ReceiptId, RecordId,
    bounds::{Bounds, bounded},
    entry::{Again, Entry, OrderKey},
    receipt::read_refused,
    suite::SignatureBytes,
};
use uuid::Uuid;

use crate::{
    append::Touched,
    error::LedgerError,
    identity::Identity,
    ledger::{Ledger, Own, begin},
    ranks::{changed_by_receipt, note_signature},
    record::Locals,
    rewound::{forget_refusals, put_rewound},
};

/// Selects the columns that [`read_entry`] reads; a condition follows.
pub(crate) const ENTRY: &str = "SELECT e.id, d.id, e.seq, e.prev, e.after, e.at, p.id, c.name, r.id, e.event, e.device, e.refused, e.number, e.covered, e.again
     FROM entry e
     JOIN device d ON d.n = e.device
     JOIN person p ON p.n = e.author
     JOIN channel c ON c.n = e.channel
     JOIN record r ON r.n = e.record";

/// An entry with all that is known of it here.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredEntry {
    /// Its name: of what was written again that of the entry that was written first.
    pub id: EntryId,
    /// The entry.
    pub entry: Entry,
    /// Between which moments it was made, by the receipt that its number came with; none where it was not received yet.
    pub bounds: Option<Bounds>,
    /// Whether it has a number: the central endpoint received and accepted it.
    pub is_received: bool,
    /// Where it is.
    pub delivery: EntryDelivery,
}

impl StoredEntry {
    /// Its place among the entries of its record outside of what was signed (invariant 13, a claim orders nothing that was received).
    pub fn order(&self) -> OrderKey {
        let claimed = self.entry.order();
        OrderKey {
            at: bounded(self.bounds, claimed.at),
            ..claimed
        }
    }
}

/// Where an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryDelivery {
    /// Not at the central endpoint yet, as far as is known here.
    Waiting,
    /// At the central endpoint.
    Delivered {
        /// When its receipt was given, Unix ms by the central endpoint's clock.
        receipt_ms: u64,
    },
    /// The central endpoint has it and keeps it from everybody.
    Refused {
        /// Why.
        code: String,
        /// When its receipt was given.
        receipt_ms: u64,
    },
}

impl EntryDelivery {
    fn is_delivered(&self) -> bool {
        matches!(self, Self::Delivered { .. })
    }
}

/// An entry that the central endpoint refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedEntry {
    /// The record.
    pub record: RecordId,
    /// Its place in this device's log.
    pub seq: u64,
    /// Why.
    pub code: String,
    /// When, by the receipt.
    pub receipt_ms: u64,
    /// What it says.
    pub event: Vec<u8>,
}

/// How much is held of a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldChannel {
    /// The channel.
    pub channel: Channel,
    /// Up to which number it was pulled.
    pub cursor: u64,
    /// Where this device wrote something: up to which number others are known to hold it.
    pub awaited: Option<u64>,
}

impl Ledger {
    /// All entries of a record, with what is known of each, in the order of arrival here. Of what is here twice, because it was written
    /// again, the one that is delivered.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn entries_of(&self, record: RecordId) -> Result<Vec<StoredEntry>, LedgerError> {
        let own = self.writer().own.clone();
        self.read(|db| {
            let mut statement =
                db.prepare_cached(&format!("{ENTRY} WHERE r.id = ?1 ORDER BY e.n"))?;
            let mut rows = statement.query([record.0.as_bytes()])?;
            let mut entries: Vec<StoredEntry> = Vec::new();
            let mut twice: HashMap<EntryId, usize> = HashMap::new();
            while let Some(row) = rows.next()? {
                let (id, entry) = read_entry(row)?;
                let id = entry.name(id);
                let device: i64 = row.get(10)?;
                let refused: Option<String> = row.get(11)?;
                let bounds = bounds(db, row.get(13)?)?;
                let number: Option<i64> = row.get(12)?;
                let is_waiting = match own.as_ref().filter(|own| own.device == device) {
                    // Without a number it was not accepted, or by an endpoint that has forgotten it since.
                    Some(own) => entry.seq > own.acked.0 || number.is_none(),
                    // Handed on by another device with the receipt that covers it, and not pulled yet: the endpoint has it all the same.
                    None => number.is_none() && bounds.is_none(),
                };
                let receipt_ms = bounds.map_or(0, |bounds| bounds.received_ms);
                let delivery = match refused {
                    Some(code) => EntryDelivery::Refused { code, receipt_ms },
                    None if is_waiting => EntryDelivery::Waiting,
                    None => EntryDelivery::Delivered { receipt_ms },
                };
                let stored = StoredEntry {
                    id,
                    entry,
                    bounds,
                    is_received: number.is_some(),
                    delivery,
                };
                match twice.get(&id) {
                    None => {
                        twice.insert(id, entries.len());
                        entries.push(stored);
                    }
                    Some(at)
                        if stored.delivery.is_delivered()
                            && !entries[*at].delivery.is_delivered() =>
                    {
                        entries[*at] = stored;
                    }
                    Some(_) => {}
                }
            }
            Ok(entries)
        })
    }

    /// Own entries that no receipt covers, oldest first, at most so many and about so many bytes of events; at least one if there is any.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn outbox(
        &self,
        max_entries: usize,
        max_bytes: usize,
    ) -> Result<Vec<(EntryId, Entry)>, LedgerError> {
        let Some(own) = self.writer().own.clone() else {
            return Ok(Vec::new());
        };
        self.own_log(own.acked.0, max_entries, max_bytes)
    }

    /// Own entries after a place of the log, otherwise as [`Self::outbox`].
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn own_log(
        &self,
        after: u64,
        max_entries: usize,
        max_bytes: usize,
    ) -> Result<Vec<(EntryId, Entry)>, LedgerError> {
        let Some(own) = self.writer().own.clone() else {
            return Ok(Vec::new());
        };
        self.read(|db| {
            let mut statement = db.prepare_cached(&format!(
                "{ENTRY} WHERE e.device = ?1 AND e.seq > ?2 ORDER BY e.seq LIMIT ?3"
            ))?;
            let limit = i64::try_from(max_entries).unwrap_or(i64::MAX);
            let mut rows = statement.query(params![own.device, after as i64, limit])?;
            let mut entries = Vec::new();
            let mut bytes = 0;
            while let Some(row) = rows.next()? {
                let (id, entry) = read_entry(row)?;
                bytes += entry.event.len();
                if bytes > max_bytes && !entries.is_empty() {
                    break;
                }
                entries.push((id, entry));
            }
            Ok(entries)
        })
    }

    /// The last entry of this device's log: its place and its name; `(0, NONE)` while there is none.
    ///
    /// # Errors
    /// When this computer is not enrolled.
    pub fn head(&self) -> Result<(u64, EntryId), LedgerError> {
        self.own().map(|own| own.head)
    }

    /// The last entry of this device's log that a receipt covers.
    ///
    /// # Errors
    /// When this computer is not enrolled.
    pub fn acked(&self) -> Result<(u64, EntryId), LedgerError> {
        self.own().map(|own| own.acked)
    }

    /// Where the log ends, told under the lock under which entries get their time and are appended: `tell` is asked only if all of it is
    /// delivered, or its last entry is `sent`, which is on its way. Nothing is appended meanwhile (invariant 7, an end is told after a
    /// tick, at the head).
    ///
    /// # Errors
    /// When this computer is not enrolled.
    pub fn tell_end<T>(
        &self,
        sent: Option<(u64, EntryId)>,
        tell: impl FnOnce(&Identity, (u64, EntryId)) -> T,
    ) -> Result<Option<T>, LedgerError> {
        let writer = self.writer();
        let own = writer.own.as_ref().ok_or(LedgerError::NotEnrolled)?;
        let is_told = own.head == sent.unwrap_or(own.acked);
        Ok(is_told.then(|| tell(&own.identity, own.head)))
    }

    /// Takes a receipt for this device's log: entries up to it are delivered from now on. `numbers` says which entry (by its place in the
    /// log) got which number in its channel, `refused` which were refused and why. The receipt's signature was checked by the caller.
    ///
    /// # Errors
    /// When it is for another log, or the database cannot be written.
    pub fn accept_receipt(
        &self,
        receipt: &Receipt,
        numbers: &[(u64, u64)],
        refused: &[(u64, String)],
    ) -> Result<(), LedgerError> {
        let mut writer = self.writer();
        let crate::ledger::Writer { db, own, .. } = &mut *writer;
        let own = own.as_mut().ok_or(LedgerError::NotEnrolled)?;
        if receipt.device != own.identity.device || receipt.seq > own.head.0 {
            return Err(LedgerError::Unexpected("a receipt for another log".into()));
        }
        let tx = begin(db)?;
        let head: Option<[u8; 32]> = tx
            .prepare_cached("SELECT id FROM entry WHERE device = ?1 AND seq = ?2")?
            .query_row(params![own.device, receipt.seq as i64], |row| row.get(0))
            .optional()?;
        if receipt.seq > 0 && head != Some(receipt.head.0) {
            return Err(LedgerError::Unexpected(
                "a receipt for another entry".into(),
            ));
        }
        let covered = put_receipt(&tx, &mut Locals::default(), receipt)?;
        let mut judged = forget_refusals(&tx, own.device, own.acked.0, receipt.seq)?;
        {
            let mut number = tx.prepare_cached(concat!(
                "UPDATE entry SET number = ?3, covered = ",
                older_receipt!("?4"),
                " WHERE device = ?1 AND seq = ?2"
            ))?;
            for (seq, given) in numbers {
                // Released before this answer came: the receipt by which it counts is pulled with it.
                let accepts = (!receipt.refused.contains(seq)).then_some(covered);
                number.execute(params![own.device, *seq as i64, *given as i64, accepts])?;
            }
        }
        judged.extend(refuse(&tx, own.device, refused, Some(covered))?);
        crate::delivery::note_delivered(&tx, own.device, own.acked.0, receipt)?;
        let places = (own.acked.0 + 1, receipt.seq);
        judged.extend(changed_by_receipt(&tx, own.device, places, receipt)?);
        let mut touched = Touched::default();
        for record in &judged {
            touched.refold(&tx, *record)?;
        }
        touched.project(&tx)?;
        let is_newest = receipt.seq >= own.acked.0;
        if is_newest && own.is_rewound {
            put_rewound(&tx, (receipt.seq, receipt.head))?;
        }
        tx.commit()?;
        if !judged.is_empty() {
            self.forget_folded();
        }
        if is_newest {
            own.acked = (receipt.seq, receipt.head);
            own.receipt = Some(receipt.id());
        }
        Ok(())
    }

    /// Up to which number each channel was pulled.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn cursors(&self) -> Result<Vec<(Channel, u64)>, LedgerError> {
        self.read(|db| {
            let mut statement = db.prepare_cached(
                "SELECT name, cursor FROM channel WHERE cursor > 0 ORDER BY name",
            )?;
            let mut rows = statement.query([])?;
            let mut cursors = Vec::new();
            while let Some(row) = rows.next()? {
                cursors.push((read_channel(row, 0)?, row.get::<_, i64>(1)? as u64));
            }
            Ok(cursors)
        })
    }

    /// What is held of channels, and where somebody here waits for others.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn held_channels(&self) -> Result<Vec<HeldChannel>, LedgerError> {
        self.read(|db| {
            let mut statement = db.prepare_cached(
                "SELECT c.name, c.cursor, CASE WHEN own.channel IS NOT NULL THEN c.seen_upto END
                 FROM channel c LEFT JOIN (SELECT DISTINCT channel FROM record WHERE own_seq > 0) AS own ON own.channel = c.n
                 WHERE c.cursor > 0 ORDER BY c.name",
            )?;
            let mut rows = statement.query([])?;
            let mut held = Vec::new();
            while let Some(row) = rows.next()? {
                held.push(HeldChannel {
                    channel: read_channel(row, 0)?,
                    cursor: row.get::<_, i64>(1)? as u64,
                    awaited: row.get::<_, Option<i64>>(2)?.map(|seen| seen as u64),
                });
            }
            Ok(held)
        })
    }

    /// The receipt with the newest time of all that are here.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn newest_receipt(&self) -> Result<Option<Receipt>, LedgerError> {
        let Some(device) = self.writer().own.as_ref().map(|own| own.device) else {
            return Ok(None);
        };
        self.read(|db| {
            let newest = db
                .prepare_cached(&format!(
                    "{RECEIPT} WHERE c.device = ?1 ORDER BY c.seq DESC, c.life DESC, c.received_at_ms DESC LIMIT 1"
                ))?
                .query_row([device], |row| Ok(read_receipt(row)))
                .optional()?;
            newest.transpose()
        })
    }

    /// Own entries that the central endpoint refused, newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn refused(&self) -> Result<Vec<RefusedEntry>, LedgerError> {
        self.read(|db| {
            let mut statement = db.prepare_cached(&format!(
                "{ENTRY} WHERE e.refused IS NOT NULL ORDER BY e.n DESC LIMIT 1000"
            ))?;
            let mut rows = statement.query([])?;
            let mut refused = Vec::new();
            while let Some(row) = rows.next()? {
                let (_, entry) = read_entry(row)?;
                let bounds = bounds(db, row.get(13)?)?;
                refused.push(RefusedEntry {
                    record: entry.record,
                    seq: entry.seq,
                    code: row.get::<_, Option<String>>(11)?.unwrap_or_default(),
                    receipt_ms: bounds.map_or(0, |bounds| bounds.received_ms),
                    event: entry.event,
                });
            }
            Ok(refused)
        })
    }

    fn own(&self) -> Result<Own, LedgerError> {
        self.writer().own.clone().ok_or(LedgerError::NotEnrolled)
    }
}

/// Writes an entry's row and returns its record's number; `event` is what it says, where that can be read. An own entry (`number` is `None`)
/// has to go to its record's channel. `covered` is the receipt by which the endpoint received it.
pub(crate) fn put_entry(
    db: &Connection,
    locals: &mut Locals,
    id: EntryId,
    entry: &Entry,
    event: Option<&Event>,
    number: Option<u64>,
    covered: Option<i64>,
) -> Result<i64, LedgerError> {
    let channel = locals.channel(db, &entry.channel)?;
    let (record, lives_in) = locals.record(db, entry.record, channel)?;
    if number.is_none() && lives_in != channel {
        return Err(LedgerError::Unexpected(format!(
            "record {} lives in another channel",
            entry.record
        )));
    }
    let put = db.prepare_cached(
        "INSERT INTO entry (device, seq, id, prev, after, at, author, channel, record, number, event, covered, again)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )?
    .execute(params![
        locals.device(db, entry.device)?,
        entry.seq as i64,
        id.0,
        entry.prev.0,
        entry.after.map(|after| after.0),
        entry.at.0 as i64,
        locals.person(db, entry.author)?,
        channel,
        record,
        number.map(|number| number as i64),
        entry.event,
        covered,
        entry.again.map(|again| again.to_bytes()),
    ]);
    match put {
        Ok(_) => {
            if matches!(event, Some(Event::Signed(_))) {
                note_signature(db, record)?;
            }
            Ok(record)
        }
        // The same place of a log twice: whoever gave this contradicts what they gave before.
        Err(error)
            if number.is_some()
                && error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation) =>
        {
            Err(LedgerError::Withheld)
        }
        Err(error) => Err(error.into()),
    }
}

/// Reads what [`ENTRY`] selects.
pub(crate) fn read_entry(row: &Row<'_>) -> Result<(EntryId, Entry), LedgerError> {
    let entry = Entry {
        device: DeviceId(Uuid::from_bytes(row.get(1)?)),
        seq: row.get::<_, i64>(2)? as u64,
        prev: EntryId(row.get(3)?),
        after: row.get::<_, Option<[u8; 32]>>(4)?.map(ReceiptId),
        at: Hlc(row.get::<_, i64>(5)? as u64),
        author: PersonId(Uuid::from_bytes(row.get(6)?)),
        channel: read_channel(row, 7)?,
        record: RecordId(Uuid::from_bytes(row.get(8)?)),
        event: row.get(9)?,
        again: read_again(row, 14)?,
    };
    Ok((EntryId(row.get(0)?), entry))
}

/// Which receipt an entry keeps when one comes for it: the oldest that the endpoint gave (invariant 10, nothing proved is given up), but none
/// that says that it was refused. The argument is where the statement is given the number of the new one.
macro_rules! older_receipt {
    ($new:literal) => {
        concat!(
            "CASE WHEN covered IS NULL OR (SELECT (old.life, old.received_at_ms) > (new.life, new.received_at_ms)
                     OR instr(',' || old.refused || ',', ',' || entry.seq || ',') > 0
                 FROM receipt old, receipt new WHERE old.n = covered AND new.n = ",
            $new,
            ") THEN ",
            $new,
            " ELSE covered END"
        )
    };
}
pub(crate) use older_receipt;

/// Keeps a receipt and returns its number; one that is here already stays as it is.
pub(crate) fn put_receipt(
    db: &Connection,
    locals: &mut Locals,
    receipt: &Receipt,
) -> Result<i64, LedgerError> {
    let device = locals.device(db, receipt.device)?;
    let n = db
        .prepare_cached(
            "INSERT INTO receipt (id, device, life, first, seq, head, received_at_ms, since_ms, seen_ms, refused, signature)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
             ON CONFLICT (id) DO UPDATE SET device = device RETURNING n",
        )?
        .query_row(
            params![
                receipt.id().0,
                device,
                receipt.life as i64,
                receipt.from as i64,
                receipt.seq as i64,
                receipt.head.0,
                receipt.received_at_ms as i64,
                receipt.since_ms as i64,
                receipt.seen_ms.map(|ms| ms as i64),
                receipt.refused_text(),
                receipt.signature.tagged(),
            ],
            |row| row.get(0),
        )?;
    Ok(n)
}

/// Selects the columns that [`read_receipt`] reads; a condition follows.
pub(crate) const RECEIPT: &str = "SELECT d.id, c.life, c.first, c.seq, c.head, c.received_at_ms, c.since_ms, c.seen_ms, c.refused, c.signature, c.n
     FROM receipt c JOIN device d ON d.n = c.device";

/// Reads what [`RECEIPT`] selects.
pub(crate) fn read_receipt(row: &Row<'_>) -> Result<Receipt, LedgerError> {
    let number = |at| row.get::<_, i64>(at).map(|n| n as u64);
    let refused: String = row.get(8)?;
    Ok(Receipt {
        device: DeviceId(Uuid::from_bytes(row.get(0)?)),
        life: number(1)?,
        from: number(2)?,
        seq: number(3)?,
        head: EntryId(row.get(4)?),
        received_at_ms: number(5)?,
        since_ms: number(6)?,
        seen_ms: row.get::<_, Option<i64>>(7)?.map(|ms| ms as u64),
        refused: read_refused(&refused)
            .ok_or_else(|| LedgerError::Unexpected(format!("refused places {refused}")))?,
        signature: read_signature(row, 9)?,
    })
}

/// Where an entry stood first, if its log had parted.
pub(crate) fn read_again(row: &Row<'_>, at: usize) -> Result<Option<Again>, LedgerError> {
    let Some(bytes) = row.get::<_, Option<Vec<u8>>>(at)? else {
        return Ok(None);
    };
    let again = Again::from_bytes(&bytes);
    let again = again.ok_or_else(|| LedgerError::Unexpected("where an entry stood first".into()));
    again.map(Some)
}

pub(crate) fn read_signature(row: &Row<'_>, at: usize) -> rusqlite::Result<SignatureBytes> {
    SignatureBytes::from_tagged(row.get_ref(at)?.as_blob()?).map_err(|fault| {
        rusqlite::Error::FromSqlConversionFailure(at, rusqlite::types::Type::Blob, Box::new(fault))
    })
}

/// The receipt of a number.
pub(crate) fn receipt_of(
    db: &Connection,
    covered: Option<i64>,
) -> Result<Option<Receipt>, LedgerError> {
    let Some(covered) = covered else {
        return Ok(None);
    };
    let receipt = db
        .prepare_cached(&format!("{RECEIPT} WHERE c.n = ?1"))?
        .query_row([covered], |row| Ok(read_receipt(row)))
        .optional()?;
    receipt.transpose()
}

pub(crate) fn read_id(row: &Row<'_>, at: usize) -> rusqlite::Result<[u8; 32]> {
    row.get(at)
}

fn read_channel(row: &Row<'_>, at: usize) -> Result<Channel, LedgerError> {
    let name = row
        .get_ref(at)?
        .as_str()
        .map_err(|error| LedgerError::Unexpected(error.to_string()))?;
    // The common form is read without the general parser: a list of entries names the same few channels again and again.
    let channel = match name.strip_prefix("own/") {
        Some(org) => org.parse::<OrgCode>().map(Channel::Own),
        None => name.parse(),
    };
    channel.map_err(|error| LedgerError::Unexpected(error.to_string()))
}

/// Between which moments an entry was made, by the number of its receipt.
pub(crate) fn bounds(db: &Connection, covered: Option<i64>) -> Result<Option<Bounds>, LedgerError> {
    let Some(covered) = covered else {
        return Ok(None);
    };
    let bounds = db
        .prepare_cached("SELECT since_ms, received_at_ms, seen_ms FROM receipt WHERE n = ?1")?
        .query_row([covered], |row| {
            Ok(Bounds {
                since_ms: row.get::<_, i64>(0)? as u64,
                received_ms: row.get::<_, i64>(1)? as u64,
                seen_ms: row.get::<_, Option<i64>>(2)?.map(|ms| ms as u64),
            })
        })
        .optional()?;
    Ok(bounds)
}

/// Notes which entries of a log were refused, why, and by which receipt, where that is here. Which records they are of: what others signed
/// there was signed without them.
pub(crate) fn refuse(
    tx: &Transaction<'_>,
    device: i64,
    refused: &[(u64, String)],
    covered: Option<i64>,
) -> Result<BTreeSet<RecordId>, LedgerError> {
    let mut refuse = tx.prepare_cached(
        "UPDATE entry SET refused = ?3, covered = ifnull(?4, covered) WHERE device = ?1 AND seq = ?2
         RETURNING (SELECT r.id FROM record r WHERE r.n = entry.record)",
    )?;
    let mut records = BTreeSet::new();
    for (seq, code) in refused {
        let record: Option<[u8; 16]> = refuse
            .query_row(params![device, *seq as i64, code, covered], |row| {
                row.get(0)
            })
            .optional()?;
        records.extend(record.map(|id| RecordId(Uuid::from_bytes(id))));
    }
    Ok(records)
}
