//! The store in PostgreSQL: several processes of the central endpoint on one database, each of which may be killed at any time.
//!
//! Invariant: the numbers of a channel are given under a lock on its row that lasts until they are visible, so that they become visible
//! in the order in which they were given (promise 3). No process keeps anything that another would have to know.

mod administration;
mod append;
mod devices;
mod directory;
pub mod inspect;
mod migrate;
mod pool;
mod pull;
mod refusals;
mod rows;
mod updates;
mod whole;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::Mutex;
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

use super::{
    Appended, ChannelNumbers, Contact, DeviceState, Enrolment, Figures, Format, GoesOn, HeldEntry,
    Info, Judge, MIGRATIONS, Migration, NUMBERS_SKIPPED, OwnJudge, PullNote, PullQuery, Pulled,
    Pushed, Register, Seal, Store, StoreError, ThenAppended, ToldEnd,
    numbers::{self, Lent},
    past::least_life,
};
use pool::{Connections, Tx};
use rows::{count, count_or_none, entry_id, get};

/// The mark of a restored database that was not served yet.
const RESTORED: &str = "copied";

/// The store in a PostgreSQL database.
pub struct PostgresStore {
    connections: Connections,
    register: Mutex<Option<Arc<Register>>>,
    /// The newest format that this program knows.
    known: u32,
    /// How many numbers this process gave.
    own_numbers: AtomicU64,
}

impl PostgresStore {
    /// Connects to the database that a URL names (`postgres://user:password@host/name`), and makes or migrates its tables. On a
    /// machine other than this one the connection is encrypted and the server's certificate checked.
    ///
    /// # Errors
    /// When it cannot be reached, or is too new for this program; then it is left as it is.
    pub fn open(url: &str) -> Result<Self, StoreError> {
        Self::open_as(url, MIGRATIONS)
    }

    /// [`Self::open`] as a program that knows these formats.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_as(url: &str, migrations: &[Migration]) -> Result<Self, StoreError> {
        let connections = Connections::open(url)?;
        migrate::migrate(&connections, migrations)?;
        Ok(Self {
            connections,
            register: Mutex::new(None),
            known: migrations.len() as u32,
            own_numbers: AtomicU64::new(0),
        })
    }

    fn note_own(&self, numbers: u64) {
        self.own_numbers.fetch_add(numbers, Ordering::SeqCst);
    }
}

impl Store for PostgresStore {
    fn set_info(&self, name: &str, is_sample: bool, epoch: Uuid) -> Result<(), StoreError> {
        self.do_set_info(name, is_sample, epoch)
    }

    fn info(&self) -> Result<Option<Info>, StoreError> {
        self.connections.read(directory::info)
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
        self.connections.read(|tx| rows::device(tx, device))
    }

    fn devices(&self) -> Result<Vec<DeviceState>, StoreError> {
        self.connections.read(rows::all_devices)
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
        self.connections.read(|tx| {
            let row = tx.first(
                "SELECT greatest((SELECT coalesce(max(received_ms), 0) FROM channel), (SELECT coalesce(max(received_ms), 0) FROM device))",
                &[],
            )?;
            row.as_ref().map_or(Ok(0), |row| count(row, 0))
        })
    }

    fn revoke(&self, device: DeviceId, now_ms: u64) -> Result<bool, StoreError> {
        self.do_revoke(device, now_ms)
    }

    fn append(&self, push: &Pushed, judge: Judge<'_>) -> Result<Appended, StoreError> {
        self.do_append(push, judge)
    }

    fn append_then(&self, push: Arc<Pushed>, judge: OwnJudge, then: ThenAppended) {
        then(self.do_append(&push, &judge));
    }

    fn has_queue(&self) -> bool {
        false
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
        self.connections.read(|tx| {
            tx.query(
                "SELECT channel, person FROM blob_use WHERE blob = $1",
                &[&blob.0.as_slice()],
            )?
            .iter()
            .map(|row| Ok((rows::channel(get(row, 0)?)?, PersonId(get(row, 1)?))))
            .collect()
        })
    }

    fn note_blob(&self, blob: BlobHash, size: u64, now_ms: u64) -> Result<(), StoreError> {
        self.connections.write(|tx| {
            tx.execute(
                "INSERT INTO blob (hash, size, received_at_ms) VALUES ($1, $2, $3)
                 ON CONFLICT (hash) DO UPDATE SET size = excluded.size,
                     received_at_ms = coalesce(blob.received_at_ms, excluded.received_at_ms)",
                &[&blob.0.as_slice(), &(size as i64), &(now_ms as i64)],
            )?;
            Ok(())
        })
    }

    fn blobs(&self) -> Result<Vec<(BlobHash, u64)>, StoreError> {
        self.connections.read(|tx| {
            tx.query(
                "SELECT hash, size FROM blob WHERE received_at_ms IS NOT NULL ORDER BY hash",
                &[],
            )?
            .iter()
            .map(|row| {
                Ok((
                    BlobHash(rows::hash(get(row, 0)?, "evidence")?),
                    count(row, 1)?,
                ))
            })
            .collect()
        })
    }

    fn lend_numbers(
        &self,
        device: DeviceId,
        request: &NumbersRequest,
        size: u32,
        now_ms: u64,
    ) -> Result<NumberBlock, StoreError> {
        self.connections.write(|tx| {
            // The same request, repeated at another process at the same moment, waits here for the first one.
            tx.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))",
                &[&request.request.to_string()],
            )?;
            if let Some(known) = lent(tx, request.request, device)? {
                let is_same = known.org == request.org
                    && known.word == request.word
                    && known.year == request.year;
                return if is_same {
                    Ok(known)
                } else {
                    Err(OTHER_NUMBERS)
                };
            }
            let org = request.org.as_str();
            let year = i32::from(request.year);
            // Two requests of one person at the same moment would both find that none was lent.
            tx.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended($1, (SELECT n FROM device WHERE id = $2)))",
                &[&"numbers", &device.0],
            )?;
            let known = lent_to(tx, device, request, now_ms)?;
            known.check(now_ms, |since_ms| uses(tx, device, since_ms))?;
            let row = tx.first(
                "INSERT INTO number_upto (org, word, year, upto) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (org, word, year) DO UPDATE SET upto = number_upto.upto + excluded.upto RETURNING upto",
                &[&org, &request.word, &year, &i64::from(size)],
            )?;
            let to: i64 = get(&row.ok_or(StoreError::Damaged("number block"))?, 0)?;
            let to = u32::try_from(to)
                .map_err(|_| StoreError::Contradiction("there are no numbers left"))?;
            let block = NumberBlock {
                org: request.org.clone(),
                word: request.word.clone(),
                year: request.year,
                from: to - size + 1,
                to,
            };
            tx.execute(
                "INSERT INTO number_block (request, org, word, year, first, last, device, lent_at_ms)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                &[
                    &request.request,
                    &org,
                    &block.word,
                    &year,
                    &i64::from(block.from),
                    &i64::from(block.to),
                    &device.0,
                    &(now_ms as i64),
                ],
            )?;
            Ok(block)
        })
    }

    fn entries_of(
        &self,
        device: DeviceId,
        from: u64,
        limit: usize,
    ) -> Result<Vec<HeldEntry>, StoreError> {
        self.connections
            .read(|tx| entries_of(tx, device, from, limit))
    }

    fn receipts_of(&self, device: DeviceId) -> Result<Vec<(Receipt, SignatureBytes)>, StoreError> {
        self.connections.read(|tx| {
            tx.query(
                concat!(
                    "SELECT ",
                    rows::receipt_columns!(),
                    ", r.push_signature FROM receipt r WHERE r.device = $1 ORDER BY r.seq"
                ),
                &[&device.0],
            )?
            .iter()
            .map(|row| {
                Ok((
                    rows::receipt(row, device)?,
                    rows::signature(get(row, rows::RECEIPT_COLUMNS)?)?,
                ))
            })
            .collect()
        })
    }

    fn brought_of(&self, device: DeviceId) -> Result<Vec<(u64, Receipt)>, StoreError> {
        self.connections.read(|tx| {
            tx.query(
                concat!(
                    "SELECT ",
                    rows::receipt_columns!(),
                    ", e.seq FROM entry e JOIN older_receipt r ON r.n = -e.covered
                     WHERE e.device = $1 AND e.covered < 0 ORDER BY e.seq"
                ),
                &[&device.0],
            )?
            .iter()
            .map(|row| {
                Ok((
                    count(row, rows::RECEIPT_COLUMNS)?,
                    rows::receipt(row, device)?,
                ))
            })
            .collect()
        })
    }

    fn channels(&self) -> Result<Vec<ChannelNumbers>, StoreError> {
        self.connections.read(|tx| {
            tx.query(
                "SELECT c.name, c.last, count(e.number), coalesce(max(e.number), 0)
                 FROM channel c LEFT JOIN entry e ON e.channel = c.name GROUP BY c.name, c.last, c.n ORDER BY c.n",
                &[],
            )?
            .iter()
            .map(|row| {
                Ok(ChannelNumbers {
                    channel: rows::channel(get(row, 0)?)?,
                    last: count(row, 1)?,
                    count: count(row, 2)?,
                    highest: count(row, 3)?,
                })
            })
            .collect()
        })
    }

    fn format(&self) -> Result<Format, StoreError> {
        self.connections
            .read(|tx| migrate::format_of(tx, self.known))
    }

    fn is_damaged(&self) -> bool {
        self.connections.is_damaged()
    }

    fn figures(&self, since_ms: u64) -> Result<Figures, StoreError> {
        self.connections.read(|tx| {
            let row = tx.first(
                "SELECT pg_database_size(current_database()), count(*), count(*) FILTER (WHERE last_contact_ms >= $1)
                 FROM device WHERE revoked_at_ms IS NULL",
                &[&(since_ms as i64)],
            )?;
            let row = row.ok_or(StoreError::Damaged("device"))?;
            Ok(Figures {
                bytes: count(&row, 0)?,
                devices: count(&row, 1)?,
                devices_active: count(&row, 2)?,
            })
        })
    }

    fn foreign_changes(&self) -> Result<u64, StoreError> {
        let own = self.own_numbers.load(Ordering::SeqCst);
        self.connections.read(|tx| {
            let row = tx.first("SELECT coalesce(sum(last), 0)::bigint FROM channel", &[])?;
            let all = row.as_ref().map_or(Ok(0), |row| count(row, 0))?;
            // A number of its own for each state of both: what others wrote, and the directory.
            Ok((directory::version(tx)? << 40) ^ all.wrapping_sub(own))
        })
    }

    fn begin_life(&self, epoch: Uuid, now_ms: u64) -> Result<bool, StoreError> {
        self.connections.write(|tx| {
            let is_restored = tx.execute("DELETE FROM meta WHERE key = $1", &[&RESTORED])? > 0;
            if is_restored {
                rows::set_meta(tx, "epoch", &epoch.to_string())?;
                tx.execute(
                    "INSERT INTO life (n, began_at_ms) SELECT greatest(max(n) + 1, $2), $1 FROM life",
                    &[&(now_ms as i64), &(least_life(now_ms) as i64)],
                )?;
            }
            Ok(is_restored)
        })
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn use_challenge(
        &self,
        challenge: &[u8; 16],
        now_ms: u64,
        until_ms: u64,
    ) -> Result<bool, StoreError> {
        self.connections.write(|tx| {
            tx.execute(
                "DELETE FROM used_challenge WHERE until_ms <= $1",
                &[&(now_ms as i64)],
            )?;
            let is_first = tx.execute(
                "INSERT INTO used_challenge (challenge, until_ms) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                &[&challenge.as_slice(), &(until_ms as i64)],
            )?;
            Ok(is_first == 1)
        })
    }

    fn mark_restored(&self) -> Result<(), StoreError> {
        self.connections.write(|tx| {
            rows::set_meta(tx, RESTORED, "1")?;
            tx.execute(
                "UPDATE number_upto SET upto = upto + $1",
                &[&i64::from(NUMBERS_SKIPPED)],
            )?;
            Ok(())
        })
    }

    fn backup_to(&self, _path: &Path, _epoch: Uuid) -> Result<(), StoreError> {
        Err(StoreError::Elsewhere(
            "a PostgreSQL database is backed up with PostgreSQL's own tools",
        ))
    }
}

const OTHER_NUMBERS: StoreError =
    StoreError::Contradiction("this request was made for other numbers");

/// The block that a request got.
fn lent(
    tx: &mut Tx<'_>,
    request: Uuid,
    device: DeviceId,
) -> Result<Option<NumberBlock>, StoreError> {
    let Some(row) = tx.first(
        "SELECT org, word, year, first, last, device FROM number_block WHERE request = $1",
        &[&request],
    )?
    else {
        return Ok(None);
    };
    if get::<Uuid>(&row, 5)? != device.0 {
        return Err(OTHER_NUMBERS);
    }
    let damaged = || StoreError::Damaged("number block");
    let number = |at| u32::try_from(get::<i64>(&row, at)?).map_err(|_| damaged());
    Ok(Some(NumberBlock {
        org: get::<&str>(&row, 0)?.parse().map_err(|_| damaged())?,
        word: get(&row, 1)?,
        year: u16::try_from(get::<i32>(&row, 2)?).map_err(|_| damaged())?,
        from: number(3)?,
        to: number(4)?,
    }))
}

/// What is known of the blocks of this kind when a device asks for another.
fn lent_to(
    tx: &mut Tx<'_>,
    device: DeviceId,
    request: &NumbersRequest,
    now_ms: u64,
) -> Result<Lent, StoreError> {
    let row = tx.first(
        "SELECT max(b.lent_at_ms) FILTER (WHERE b.device = $1), count(*) FILTER (WHERE b.lent_at_ms > $2)
         FROM number_block b JOIN device d ON d.id = b.device
         WHERE b.org = $3 AND b.word = $4 AND b.year = $5
           AND d.person = (SELECT person FROM device WHERE id = $1)",
        &[
            &device.0,
            &(numbers::week_before(now_ms) as i64),
            &request.org.as_str(),
            &request.word,
            &i32::from(request.year),
        ],
    )?;
    let row = row.ok_or(StoreError::Damaged("number block"))?;
    Ok(Lent {
        last_ms: get::<Option<i64>>(&row, 0)?.map(|ms| ms as u64),
        of_person: get::<i64>(&row, 1)? as u64,
    })
}

/// How many records got a number in what was received of this device since a moment.
fn uses(tx: &mut Tx<'_>, device: DeviceId, since_ms: u64) -> Result<u64, StoreError> {
    let row = tx.first(
        "SELECT count(DISTINCT e.record) FROM device d JOIN entry e ON e.device = d.id
         WHERE d.id = $1 AND e.number IS NOT NULL
           AND e.seq > greatest(d.head_seq - $2, coalesce(
                 (SELECT max(r.seq) FROM receipt r WHERE r.device = $1 AND r.received_at_ms < $3), 0))
           AND (position($4::bytea IN e.event) > 0 OR position($5::bytea IN e.event) > 0)",
        &[
            &device.0,
            &(numbers::LOOKED_THROUGH as i64),
            &(since_ms as i64),
            &numbers::NUMBER[0],
            &numbers::NUMBER[1],
        ],
    )?;
    let row = row.ok_or(StoreError::Damaged("number block"))?;
    Ok(get::<i64>(&row, 0)? as u64)
}

fn entries_of(
    tx: &mut Tx<'_>,
    device: DeviceId,
    from: u64,
    limit: usize,
) -> Result<Vec<HeldEntry>, StoreError> {
    let state = rows::device(tx, device)?.ok_or(StoreError::Missing("device"))?;
    let found = tx.query(
        "SELECT e.seq, e.id, e.after, e.at, e.author, e.channel, e.number, e.record, e.event, e.code, e.prev, r.id, e.again
         FROM entry e LEFT JOIN any_receipt r ON r.device = e.device AND r.place = e.covered
         WHERE e.device = $1 AND e.seq >= $2 ORDER BY e.seq LIMIT $3",
        &[&device.0, &(from as i64), &(limit as i64)],
    )?;
    found
        .iter()
        .map(|row| {
            let verdict = match (count_or_none(row, 6)?, get::<Option<String>>(row, 9)?) {
                (Some(number), None) => Ok(number),
                (None, Some(code)) => Err(code),
                _ => return Err(StoreError::Damaged("entry")),
            };
            Ok(HeldEntry {
                id: entry_id(row, 1)?,
                entry: Entry {
                    device,
                    seq: count(row, 0)?,
                    prev: EntryId(rows::hash(get(row, 10)?, "entry")?),
                    after: get::<Option<&[u8]>>(row, 2)?
                        .map(|after| rows::hash(after, "receipt").map(ReceiptId))
                        .transpose()?,
                    at: Hlc(get::<i64>(row, 3)? as u64),
                    author: get::<Option<Uuid>>(row, 4)?.map_or(state.person.id, PersonId),
                    channel: rows::channel(get(row, 5)?)?,
                    record: RecordId(get(row, 7)?),
                    event: get(row, 8)?,
                    again: rows::again(row, 12)?,
                },
                verdict,
                covered: get::<Option<&[u8]>>(row, 11)?
                    .map(|name| rows::hash(name, "receipt").map(ReceiptId))
                    .transpose()?,
            })
        })
        .collect()
}
