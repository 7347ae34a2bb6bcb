//! Evidence, document numbers, what verification reads, and the copy for a backup; and the trait, put together.

use std::{path::Path, sync::Arc};

use rusqlite::{Connection, OpenFlags, OptionalExtension as _};
use shicha_domain::{
    BlobHash, Channel, DeviceId, Entry, EntryId, Hlc, PersonId, Receipt, ReceiptId, RecordId,
    directory::{Org, Person},
    number::NumberBlock,
    suite::SignatureBytes,
};
use shicha_sync::protocol::{
    BatchWriter,
    messages::{Head, NumbersRequest},
};
use uuid::Uuid;

use super::{SqliteStore, connect, format_of, rows, set_meta};
use crate::store::{
    Appended, ChannelNumbers, Contact, DeviceState, Enrolment, Figures, Format, GoesOn, HeldEntry,
    Info, Judge, NUMBERS_SKIPPED, OwnJudge, PullNote, PullQuery, Pulled, Pushed, Register, Seal,
    Store, StoreError, ThenAppended, ToldEnd,
    numbers::{self, Lent},
    past::least_life,
};

/// Whether a request for numbers was answered before.
fn is_answered(connection: &Connection, request: &NumbersRequest) -> Result<bool, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT 1 FROM number_block WHERE request = ?1")?;
    Ok(statement.exists([request.request.as_bytes()])?)
}

/// What is known of the blocks of this kind when a device asks for another.
fn lent(
    connection: &Connection,
    device: i64,
    request: &NumbersRequest,
    now_ms: u64,
) -> Result<Lent, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT max(CASE WHEN b.device = ?1 THEN b.lent_at_ms END), coalesce(sum(b.lent_at_ms > ?2), 0)
         FROM number_block b JOIN device d ON d.n = b.device
         WHERE b.org = ?3 AND b.word = ?4 AND b.year = ?5
           AND d.person = (SELECT person FROM device WHERE n = ?1)",
    )?;
    let week = numbers::week_before(now_ms) as i64;
    let of = (
        device,
        week,
        request.org.as_str(),
        &request.word,
        request.year,
    );
    let (last_ms, of_person) = statement.query_row(of, |row| {
        Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, i64>(1)?))
    })?;
    Ok(Lent {
        last_ms: last_ms.map(|ms| ms as u64),
        of_person: of_person as u64,
    })
}

/// How many records got a number in what was received of this device since a moment.
fn uses(connection: &Connection, device: i64, since_ms: u64) -> Result<u64, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT count(DISTINCT e.record) FROM device d JOIN entry e ON e.device = d.n
         WHERE d.n = ?1 AND e.number IS NOT NULL
           AND e.seq > max(d.head_seq - ?2, coalesce(
                 (SELECT max(r.seq) FROM receipt r
                  WHERE r.device = ?1 AND r.signature IS NOT NULL AND r.is_brought = 0 AND r.received_at_ms < ?3), 0))
           AND (instr(e.event, ?4) > 0 OR instr(e.event, ?5) > 0)",
    )?;
    let of = (
        device,
        numbers::LOOKED_THROUGH as i64,
        since_ms as i64,
        numbers::NUMBER[0],
        numbers::NUMBER[1],
    );
    let found: i64 = statement.query_row(of, |row| row.get(0))?;
    Ok(found as u64)
}

/// The mark of a copy that was not served yet.
const COPIED: &str = "copied";

impl SqliteStore {
    fn do_lend_numbers(
        &self,
        device: DeviceId,
        request: &NumbersRequest,
        size: u32,
        now_ms: u64,
    ) -> Result<NumberBlock, StoreError> {
        // Apart from the change, so that nobody who writes waits for it.
        let seen = self.read(|transaction| {
            let device = rows::device_n(transaction, device)?;
            if is_answered(transaction, request)? {
                return Ok(None);
            }
            let lent = lent(transaction, device, request, now_ms)?;
            lent.check(now_ms, |since_ms| uses(transaction, device, since_ms))?;
            Ok(Some(lent))
        })?;
        self.write(|transaction| {
            let device = rows::device_n(transaction, device)?;
            let known = transaction
                .query_row(
                    "SELECT org, word, year, first, last, device FROM number_block WHERE request = ?1",
                    [request.request.as_bytes()],
                    |row| {
                        let block = (row.get::<_, String>(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?);
                        Ok((block, row.get::<_, i64>(5)?))
                    },
                )
                .optional()?;
            if let Some(((org, word, year, from, to), holder)) = known {
                let org = org.parse().map_err(|_| StoreError::Damaged("number block"))?;
                let block = NumberBlock { org, word, year, from, to };
                let is_same = block.org == request.org && block.word == request.word && block.year == request.year;
                return if holder == device && is_same {
                    Ok(block)
                } else {
                    Err(StoreError::Contradiction("this request was made for other numbers"))
                };
            }
            if seen != Some(lent(transaction, device, request, now_ms)?) {
                // It asked twice at the same moment.
                return Err(StoreError::NumbersLeft);
            }
            let last: u32 = transaction.query_row(
                "SELECT max(
                     (SELECT coalesce(max(last), 0) FROM number_block WHERE org = ?1 AND word = ?2 AND year = ?3),
                     (SELECT coalesce(max(CAST(value AS INTEGER)), 0) FROM meta
                      WHERE key = 'numbers_upto/' || ?1 || '/' || ?2 || '/' || ?3))",
                (request.org.as_str(), &request.word, request.year),
                |row| row.get(0),
            )?;
            let to = last.checked_add(size).ok_or(StoreError::Contradiction("there are no numbers left"))?;
            transaction.execute(
                "INSERT INTO number_block (request, org, word, year, first, last, device, lent_at_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                (
                    request.request.as_bytes(),
                    request.org.as_str(),
                    &request.word,
                    request.year,
                    last + 1,
                    to,
                    device,
                    now_ms as i64,
                ),
            )?;
            Ok(NumberBlock {
                org: request.org.clone(),
                word: request.word.clone(),
                year: request.year,
                from: last + 1,
                to,
            })
        })
    }

    fn do_entries_of(
        &self,
        device: DeviceId,
        from: u64,
        limit: usize,
    ) -> Result<Vec<HeldEntry>, StoreError> {
        self.read(|transaction| {
            let state =
                rows::device_by_id(transaction, device)?.ok_or(StoreError::Missing("device"))?;
            let device_n = rows::device_n(transaction, device)?;
            let mut prev = match from {
                0 | 1 => state.start,
                from => rows::id_at(transaction, device_n, from - 1)?.unwrap_or(EntryId::NONE),
            };
            let mut statement = transaction.prepare_cached(
                "SELECT e.seq, e.id, a.id, e.at, e.author, c.name, e.number, r.id, e.event, f.code, v.id, e.again
                 FROM entry e JOIN channel c ON c.n = e.channel JOIN record r ON r.n = e.record
                 LEFT JOIN receipt a ON a.n = e.after LEFT JOIN refused f ON f.entry = e.n
                 LEFT JOIN receipt v ON v.n = e.covered
                 WHERE e.device = ?1 AND e.seq >= ?2 ORDER BY e.seq LIMIT ?3",
            )?;
            let mut found = statement.query((device_n, from as i64, limit as i64))?;
            let mut held = Vec::new();
            while let Some(row) = found.next()? {
                let id = EntryId(rows::hash(&row.get::<_, Vec<u8>>(1)?, "entry")?);
                let after: Option<Vec<u8>> = row.get(2)?;
                let author: Option<Vec<u8>> = row.get(4)?;
                let covered: Option<Vec<u8>> = row.get(10)?;
                let verdict = match (
                    row.get::<_, Option<i64>>(6)?,
                    row.get::<_, Option<String>>(9)?,
                ) {
                    (Some(number), None) => Ok(number as u64),
                    (None, Some(code)) => Err(code),
                    _ => return Err(StoreError::Damaged("entry")),
                };
                held.push(HeldEntry {
                    id,
                    entry: Entry {
                        device,
                        seq: row.get::<_, i64>(0)? as u64,
                        prev,
                        after: after
                            .map(|after| rows::hash(&after, "receipt").map(ReceiptId))
                            .transpose()?,
                        at: Hlc(row.get::<_, i64>(3)? as u64),
                        author: match author {
                            None => state.person.id,
                            Some(author) => PersonId(rows::uuid(&author, "person")?),
                        },
                        channel: rows::channel(&row.get::<_, String>(5)?)?,
                        record: RecordId(rows::uuid(&row.get::<_, Vec<u8>>(7)?, "record")?),
                        event: row.get(8)?,
                        again: rows::again(row, 11)?,
                    },
                    verdict,
                    covered: covered
                        .map(|name| rows::hash(&name, "receipt").map(ReceiptId))
                        .transpose()?,
                });
                prev = id;
            }
            Ok(held)
        })
    }
}

fn mark_restored(connection: &Connection) -> Result<(), StoreError> {
    set_meta(connection, COPIED, "1")?;
    // Whoever goes on from a copy must not lend again what was lent after it was made.
    connection.execute(
        "INSERT INTO meta (key, value)
         SELECT 'numbers_upto/' || org || '/' || word || '/' || year, CAST(max(last) + ?1 AS TEXT) FROM number_block
         WHERE true GROUP BY org, word, year
         ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        [NUMBERS_SKIPPED],
    )?;
    Ok(())
}

impl Store for SqliteStore {
    fn set_info(&self, name: &str, is_sample: bool, epoch: Uuid) -> Result<(), StoreError> {
        self.do_set_info(name, is_sample, epoch)
    }

    fn info(&self) -> Result<Option<Info>, StoreError> {
        self.do_info()
    }

    fn register(&self) -> Result<Arc<Register>, StoreError> {
        self.do_register()
    }

    fn put_org(&self, org: &Org, now_ms: u64) -> Result<bool, StoreError> {
        self.do_put_org(org, now_ms)
    }

    fn put_person(&self, person: &Person) -> Result<bool, StoreError> {
        self.do_put_person(person)
    }

    fn add_code(
        &self,
        code: &[u8; 32],
        person: PersonId,
        now_ms: u64,
        expires_at_ms: u64,
    ) -> Result<(), StoreError> {
        self.do_add_code(code, person, now_ms, expires_at_ms)
    }

    fn enrol(
        &self,
        enrolment: &Enrolment,
        seal: Seal<'_>,
    ) -> Result<Option<(DeviceState, Receipt)>, StoreError> {
        self.do_enrol(enrolment, seal)
    }

    fn add_identity(
        &self,
        old: DeviceId,
        common: Head,
        enrolment: &Enrolment,
        seal: Seal<'_>,
    ) -> Result<GoesOn, StoreError> {
        self.do_add_identity(old, common, enrolment, seal)
    }

    fn line(&self, device: DeviceId) -> Result<Vec<(DeviceId, u64)>, StoreError> {
        self.do_line(device)
    }

    fn device(&self, device: DeviceId) -> Result<Option<DeviceState>, StoreError> {
        self.read(|transaction| rows::device_by_id(transaction, device))
    }

    fn devices(&self) -> Result<Vec<DeviceState>, StoreError> {
        self.read(|transaction| rows::all_devices(transaction))
    }

    fn note_contact(
        &self,
        device: DeviceId,
        client_version: &str,
        now_ms: u64,
        contact: Contact,
    ) -> Result<(), StoreError> {
        self.do_note_contact(device, client_version, now_ms, contact)
    }

    fn note_end(&self, device: DeviceId, end: &ToldEnd) -> Result<bool, StoreError> {
        self.do_note_end(device, end)
    }

    fn end_of(&self, device: DeviceId) -> Result<Option<ToldEnd>, StoreError> {
        self.do_end_of(device)
    }

    fn newest_receipt_ms(&self) -> Result<u64, StoreError> {
        self.read(|transaction| {
            let newest: i64 = transaction.query_row(
                "SELECT max((SELECT coalesce(max(received_ms), 0) FROM channel), (SELECT coalesce(max(received_ms), 0) FROM device))",
                [],
                |row| row.get(0),
            )?;
            Ok(newest as u64)
        })
    }

    fn revoke(&self, device: DeviceId, now_ms: u64) -> Result<bool, StoreError> {
        self.do_revoke(device, now_ms)
    }

    fn append(&self, push: &Pushed, judge: Judge<'_>) -> Result<Appended, StoreError> {
        self.do_append(push, judge)
    }

    fn append_then(&self, push: Arc<Pushed>, judge: OwnJudge, then: ThenAppended) {
        self.do_append_then(push, judge, then);
    }

    fn has_queue(&self) -> bool {
        true
    }

    fn log(&self, device: DeviceId, from: u64, limit: usize) -> Result<Vec<Head>, StoreError> {
        self.do_log(device, from, limit)
    }

    fn pull(&self, query: &PullQuery<'_>, batch: &mut BatchWriter) -> Result<Pulled, StoreError> {
        self.do_pull(query, batch)
    }

    fn note_pulls(&self, notes: &[PullNote]) -> Result<Vec<Vec<Channel>>, StoreError> {
        self.do_note_pulls(notes)
    }

    fn blob_uses(&self, blob: BlobHash) -> Result<Vec<(Channel, PersonId)>, StoreError> {
        self.read(|transaction| {
            let mut statement = transaction.prepare_cached(
                "SELECT c.name, p.id FROM blob b JOIN blob_use u ON u.blob = b.n
                 JOIN channel c ON c.n = u.channel JOIN person p ON p.n = u.person WHERE b.hash = ?1",
            )?;
            let mut found = statement.query([blob.0])?;
            let mut uses = Vec::new();
            while let Some(row) = found.next()? {
                let person = PersonId(rows::uuid(&row.get::<_, Vec<u8>>(1)?, "person")?);
                uses.push((rows::channel(&row.get::<_, String>(0)?)?, person));
            }
            Ok(uses)
        })
    }

    fn note_blob(&self, blob: BlobHash, size: u64, now_ms: u64) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute(
                "INSERT INTO blob (hash, size, received_at_ms) VALUES (?1, ?2, ?3)
                 ON CONFLICT (hash) DO UPDATE SET size = excluded.size,
                     received_at_ms = coalesce(received_at_ms, excluded.received_at_ms)",
                (blob.0, size as i64, now_ms as i64),
            )?;
            Ok(())
        })
    }

    fn blobs(&self) -> Result<Vec<(BlobHash, u64)>, StoreError> {
        self.read(|transaction| {
            let mut statement = transaction.prepare(
                "SELECT hash, size FROM blob WHERE received_at_ms IS NOT NULL ORDER BY n",
            )?;
            let mut found = statement.query([])?;
            let mut blobs = Vec::new();
            while let Some(row) = found.next()? {
                let hash = BlobHash(rows::hash(&row.get::<_, Vec<u8>>(0)?, "evidence")?);
                blobs.push((hash, row.get::<_, i64>(1)? as u64));
            }
            Ok(blobs)
        })
    }

    fn lend_numbers(
        &self,
        device: DeviceId,
        request: &NumbersRequest,
        size: u32,
        now_ms: u64,
    ) -> Result<NumberBlock, StoreError> {
        self.do_lend_numbers(device, request, size, now_ms)
    }

    fn entries_of(
        &self,
        device: DeviceId,
        from: u64,
        limit: usize,
    ) -> Result<Vec<HeldEntry>, StoreError> {
        self.do_entries_of(device, from, limit)
    }

    fn receipts_of(&self, device: DeviceId) -> Result<Vec<(Receipt, SignatureBytes)>, StoreError> {
        self.read(|transaction| {
            let n = rows::device_n(transaction, device)?;
            let mut statement = transaction.prepare_cached(concat!(
                "SELECT ",
                rows::receipt_columns!(),
                ", push_signature FROM receipt WHERE device = ?1 AND signature IS NOT NULL AND is_brought = 0 ORDER BY seq"
            ))?;
            let mut found = statement.query([n])?;
            let mut receipts = Vec::new();
            while let Some(row) = found.next()? {
                receipts.push((
                    rows::receipt(row, device)?,
                    rows::signature(
                        row.get::<_, Option<Vec<u8>>>(rows::RECEIPT_COLUMNS)?
                            .as_deref()
                            .unwrap_or_default(),
                    )?,
                ));
            }
            Ok(receipts)
        })
    }

    fn brought_of(&self, device: DeviceId) -> Result<Vec<(u64, Receipt)>, StoreError> {
        self.read(|transaction| {
            let n = rows::device_n(transaction, device)?;
            let mut statement = transaction.prepare_cached(concat!(
                "SELECT ",
                rows::receipt_columns!(),
                ", n FROM receipt WHERE device = ?1 AND is_brought = 1"
            ))?;
            let mut entries = transaction.prepare_cached(
                "SELECT seq FROM entry WHERE device = ?1 AND covered = ?2 AND seq BETWEEN ?3 AND ?4",
            )?;
            let mut found = statement.query([n])?;
            let mut brought = Vec::new();
            while let Some(row) = found.next()? {
                let receipt = rows::receipt(row, device)?;
                let of: i64 = row.get(rows::RECEIPT_COLUMNS)?;
                let run = (n, of, receipt.from as i64, receipt.seq as i64);
                for seq in entries.query_map(run, |row| row.get::<_, i64>(0))? {
                    brought.push((seq? as u64, receipt.clone()));
                }
            }
            brought.sort_by_key(|(seq, _)| *seq);
            Ok(brought)
        })
    }

    fn channels(&self) -> Result<Vec<ChannelNumbers>, StoreError> {
        self.read(|transaction| {
            let mut statement = transaction.prepare(
                "SELECT c.name, c.last, count(e.number), coalesce(max(e.number), 0)
                 FROM channel c LEFT JOIN entry e ON e.channel = c.n AND e.number IS NOT NULL GROUP BY c.n ORDER BY c.n",
            )?;
            let mut found = statement.query([])?;
            let mut channels = Vec::new();
            while let Some(row) = found.next()? {
                channels.push(ChannelNumbers {
                    channel: rows::channel(&row.get::<_, String>(0)?)?,
                    last: row.get::<_, i64>(1)? as u64,
                    count: row.get::<_, i64>(2)? as u64,
                    highest: row.get::<_, i64>(3)? as u64,
                });
            }
            Ok(channels)
        })
    }

    fn format(&self) -> Result<Format, StoreError> {
        self.read(|transaction| format_of(transaction, self.known))
    }

    fn is_damaged(&self) -> bool {
        self.sound.is_damaged()
    }

    fn figures(&self, since_ms: u64) -> Result<Figures, StoreError> {
        self.read(|transaction| {
            let pragma = |name| -> Result<i64, StoreError> {
                Ok(transaction.pragma_query_value(None, name, |row| row.get(0))?)
            };
            let bytes = pragma("page_count")? * pragma("page_size")?;
            let (devices, active): (i64, i64) = transaction.query_row(
                "SELECT count(*), count(*) FILTER (WHERE last_contact_ms >= ?1) FROM device WHERE revoked_at_ms IS NULL",
                [since_ms as i64],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )?;
            Ok(Figures {
                bytes: bytes as u64,
                devices: devices as u64,
                devices_active: active as u64,
            })
        })
    }

    fn foreign_changes(&self) -> Result<u64, StoreError> {
        // SQLite tells a connection of the changes of all others; asked on the one that writes, that is other processes.
        let version: i64 = self.writer.ask(|connection| {
            connection.pragma_query_value(None, "data_version", |row| row.get(0))
        })?;
        Ok(version as u64)
    }

    fn begin_life(&self, epoch: Uuid, now_ms: u64) -> Result<bool, StoreError> {
        self.write(|transaction| {
            let is_copy = transaction.execute("DELETE FROM meta WHERE key = ?1", [COPIED])? > 0;
            if is_copy {
                set_meta(transaction, "epoch", &epoch.to_string())?;
                transaction.execute(
                    "INSERT INTO life (n, began_at_ms) SELECT max(max(n) + 1, ?2), ?1 FROM life",
                    [now_ms as i64, least_life(now_ms) as i64],
                )?;
            }
            Ok(is_copy)
        })
    }

    fn is_shared(&self) -> bool {
        false
    }

    fn use_challenge(
        &self,
        challenge: &[u8; 16],
        now_ms: u64,
        until_ms: u64,
    ) -> Result<bool, StoreError> {
        let mut used = self.used.lock();
        used.retain(|_, until_ms| *until_ms > now_ms);
        Ok(used.insert(*challenge, until_ms).is_none())
    }

    fn mark_restored(&self) -> Result<(), StoreError> {
        self.write(mark_restored)
    }

    fn backup_to(&self, path: &Path, epoch: Uuid) -> Result<(), StoreError> {
        if path.exists() {
            return Err(StoreError::Contradiction("the file exists already"));
        }
        // One step reads one state of the database however long it takes, while others go on writing. Page by page, so that copies of
        // different moments have what did not change in common.
        let source = connect(&self.path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        {
            let mut target = Connection::open(path)?;
            let copying = rusqlite::backup::Backup::new(&source, &mut target)?;
            if copying.step(-1)? != rusqlite::backup::StepResult::Done {
                return Err(StoreError::Contradiction("the database is busy"));
            }
        }
        let copy = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        set_meta(&copy, "epoch", &epoch.to_string())?;
        mark_restored(&copy)?;
        copy.close().map_err(|(_, error)| error)?;
        std::fs::OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)?
            .sync_all()?;
        Ok(())
    }
}
