//! Salvage: a damaged database is put aside, never deleted, and whatever can be read goes into a new one.
//!
//! Invariants: only an entry that is still what its name says is taken over, and only evidence that still has its hash. The new database
//! is made under another name and takes the old one's place when it is whole, so that a salvage that is cut short is begun again.

mod source;
mod writer;

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, types::Value};
use sha2::{Digest as _, Sha256};

use crate::{
    directory,
    entries::{ENTRY, read_entry},
    error::LedgerError,
    identity,
    ledger::begin,
    migrate,
    open::{FILE, OpenReport, Opener, SalvageReport, put_aside, sync_dir},
    rebuild::STALE_VIEWS,
    settings::{get, put},
};
use source::{Source, Table, Walk};
use writer::Writer;

/// The new database while it is made.
const MAKING: &str = "ledger.salvage.db";
/// The new database once it is whole and the damaged one still stands in its place.
const MADE: &str = "ledger.salvaged.db";
/// What became of a damaged database, until it was told.
const UNTOLD: &str = "salvage";
/// Rows that are written in one transaction.
const TOGETHER: usize = 2_000;

const fn rows(name: &'static str, columns: &'static [&'static str]) -> Table {
    Table {
        name,
        columns,
        stretch: 200,
        step: 16,
    }
}

/// Tables that entries refer to: the column by which an index finds their rows, a second place to read them from; the entry's column;
/// and their names for people.
const REFERRED: [(Table, &str, &str, &str); 4] = [
    (rows("device", &["n", "id"]), "id", "device", "设备"),
    (rows("person", &["n", "id"]), "id", "author", "人员"),
    (rows("channel", &["n", "name"]), "name", "channel", "频道"),
    (
        rows(
            "record",
            &[
                "n",
                "id",
                "channel",
                "own_seq",
                "last_number",
                "delivered_ms",
                "refused",
            ],
        ),
        "id",
        "record",
        "记录",
    ),
];
/// Other tables with a number for each row.
const NUMBERED: [(Table, &str); 7] = [
    (
        rows(
            "receipt",
            &[
                "n",
                "id",
                "device",
                "life",
                "first",
                "seq",
                "head",
                "received_at_ms",
                "since_ms",
                "seen_ms",
                "refused",
                "signature",
            ],
        ),
        "回执",
    ),
    (rows("identity_copy", &["n", "value"]), "本机身份的副本"),
    (
        rows(
            "number_block",
            &["n", "org", "word", "year", "first", "last", "next"],
        ),
        "文书编号段",
    ),
    (
        rows(
            "entry_aside",
            &["n", "device", "seq", "id", "event", "moved_ms"],
        ),
        "存放的旧记录",
    ),
    (
        rows("sync_log", &["n", "at_ms", "kind", "code", "params"]),
        "同步日志",
    ),
    (
        rows("seal", &["n", "device", "first", "last", "signature"]),
        "代为转交的内容的签名",
    ),
    (
        rows(
            "package",
            &[
                "n", "id", "is_out", "at_ms", "label", "contents", "file", "log", "upto",
            ],
        ),
        "数据包的记录",
    ),
];
const ENTRIES: Table = rows(
    "entry",
    &[
        "n", "device", "seq", "id", "prev", "after", "at", "author", "channel", "record", "number",
        "refused", "event", "covered", "again",
    ],
);
const BLOBS: Table = rows(
    "blob",
    &[
        "id",
        "hash",
        "size",
        "have",
        "is_complete",
        "mime",
        "taken_at_ms",
        "latitude_e7",
        "longitude_e7",
        "camera",
        "orientation",
        "width",
        "height",
        "is_waiting",
        "sent_upto",
        "is_delivered",
        "is_wanted",
        "begun_ms",
    ],
);
const CHUNKS: Table = Table {
    name: "blob_chunk",
    columns: &["id", "bytes"],
    stretch: 16,
    step: 4_096,
};
/// Tables without numbers: name, columns, order, name for people.
const KEYED: [(&str, &[&str], &str, &str); 4] = [
    ("meta", &["key", "value"], "ORDER BY key +", "设置"),
    (
        "directory_row",
        &["kind", "id", "value", "hash"],
        "ORDER BY kind +, id +",
        "机构、人员与设备名录",
    ),
    (
        "typed",
        &["record", "field", "text", "person", "at_ms"],
        "ORDER BY record +, field +",
        "正在输入的文字",
    ),
    (
        "number_provisional",
        &["org", "word", "year", "last"],
        "ORDER BY org +, word +, year +",
        "临时编号",
    ),
];
/// Makes a new database of what can be read of the damaged one of `dir`, puts the damaged one aside and the new one in its place.
///
/// # Errors
/// [`LedgerError::NewerVersion`], [`LedgerError::DiskFull`], or that a file cannot be written; the damaged database is then still there.
pub(crate) fn salvage(opener: &Opener, dir: &Path, now_ms: u64) -> Result<(), LedgerError> {
    let making = dir.join(MAKING);
    remove(&making)?;
    let new = opener.of(&making);
    let mut into = new.writer()?;
    migrate::migrate(&mut into)?;
    // Rows come before what they refer to, and what they refer to may be gone: that is looked at when all are there.
    into.pragma_update(None, "foreign_keys", false)?;
    let mut report = SalvageReport::default();
    match Source::open(opener, opener.path()) {
        None => report.lost.push(
            "数据库的目录部分已损坏，读不出内容；损坏的文件已原样保留，请交技术人员恢复；已送达的内容在重新登记后从服务器取回".into(),
        ),
        Some(mut from) => {
            let found: Option<u32> = from.ask("PRAGMA user_version")?;
            if let Some(found) = found.filter(|found| *found > migrate::VERSION) {
                return Err(LedgerError::NewerVersion {
                    found,
                    known: migrate::VERSION,
                });
            }
            take_over(&mut from, &mut into, &mut report)?;
        }
    }
    report.damaged_file = put_aside_name(dir, now_ms);
    put(&into, UNTOLD, &serde_json::to_string(&report)?)?;
    put(&into, STALE_VIEWS, "1")?;
    // Closing brings everything into the one file.
    into.close().map_err(|(_, error)| error)?;
    // To be synced a file has to be open for writing, on Windows.
    fs::File::options().write(true).open(&making)?.sync_all()?;
    fs::rename(&making, dir.join(MADE))?;
    sync_dir(dir);
    put_in_place(opener, dir)
}

/// Finishes a salvage that was cut short after the new database was whole.
pub(crate) fn put_in_place(opener: &Opener, dir: &Path) -> Result<(), LedgerError> {
    let made = dir.join(MADE);
    if !made.exists() {
        return Ok(());
    }
    let new = opener.of(&made).writer()?;
    let aside = untold(&new)?.map(|report| report.damaged_file);
    new.close().map_err(|(_, error)| error)?;
    let aside =
        aside.ok_or_else(|| LedgerError::Unexpected("a salvage without a report".into()))?;
    put_aside(dir, &aside)?;
    fs::rename(&made, dir.join(FILE))?;
    sync_dir(dir);
    Ok(())
}

/// Tells what became of a damaged database, until it was told.
pub(crate) fn tell(db: &Connection, report: &mut OpenReport) -> Result<(), LedgerError> {
    report.salvage = untold(db)?;
    if report.salvage.is_some() {
        db.execute("DELETE FROM meta WHERE key = ?1", [UNTOLD])?;
    }
    Ok(())
}

fn untold(db: &Connection) -> Result<Option<SalvageReport>, LedgerError> {
    Ok(match get(db, UNTOLD)? {
        Some(text) => Some(serde_json::from_str(&text)?),
        None => None,
    })
}

/// A name that no other damaged database has.
fn put_aside_name(dir: &Path, now_ms: u64) -> PathBuf {
    let mut aside = dir.join(format!("ledger.damaged-{now_ms}.db"));
    let mut n = 1;
    while aside.exists() {
        n += 1;
        aside = dir.join(format!("ledger.damaged-{now_ms}-{n}.db"));
    }
    aside
}

fn remove(path: &Path) -> Result<(), LedgerError> {
    for ending in ["-wal", "-shm", ""] {
        let mut path = path.as_os_str().to_owned();
        path.push(ending);
        match fs::remove_file(path) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn take_over(
    from: &mut Source<'_>,
    into: &mut Connection,
    report: &mut SalvageReport,
) -> Result<(), LedgerError> {
    for (table, ..) in REFERRED {
        copy(from, into, table)?;
    }
    for (table, name) in NUMBERED {
        let walk = copy(from, into, table)?;
        note_lost(report, name, walk);
    }
    for (table, columns, order, name) in KEYED {
        let mut writer = Writer::new(into, table);
        let is_whole = from.both_ways(table, columns, order, &mut |columns, row| {
            writer.put(columns, row)
        })?;
        writer.flush()?;
        if !is_whole {
            report.lost.push(format!("{name}有一部分读不出来"));
        }
    }
    identity::restore_identity(into)?;
    directory::restore_directory(into)?;
    let mut walk = copy(from, into, ENTRIES)?;
    for (table, column, referring, name) in REFERRED {
        let lost = look_up(from, into, table.name, column, referring)?;
        note_lost(
            report,
            name,
            Walk {
                lost,
                ..Walk::default()
            },
        );
    }
    walk.lost += only_true_entries(into, report)?;
    note_lost(report, "台账条目", walk);
    blobs(from, into, report)?;
    into.execute_batch(
        "DELETE FROM receipt WHERE device NOT IN (SELECT n FROM device);
         UPDATE entry SET covered = NULL WHERE covered NOT IN (SELECT n FROM receipt);
         -- What the central endpoint has fills the holes: everything is pulled from the beginning.
         UPDATE channel SET cursor = 0, seen_upto = 0;
         UPDATE record SET own_seq = 0;",
    )?;
    if let Some(own) = identity::read_own(into)? {
        into.execute(
            "UPDATE record SET own_seq = ifnull((SELECT max(seq) FROM entry e WHERE e.record = record.n AND e.device = ?1), 0)",
            [own.device],
        )?;
    }
    Ok(())
}

fn note_lost(report: &mut SalvageReport, name: &str, walk: Walk) {
    if walk.is_end_unknown {
        report
            .lost
            .push(format!("{name}：最后一部分读不出来，条数不明"));
    } else if walk.lost > 0 {
        report
            .lost
            .push(format!("{name}：{} 条读不出来", walk.lost));
    }
}

fn copy(from: &mut Source<'_>, into: &mut Connection, table: Table) -> Result<Walk, LedgerError> {
    let mut writer = Writer::new(into, table.name);
    let walk = from.walk(table, &mut |columns, row| writer.put(columns, row))?;
    writer.flush()?;
    tracing::info!(table = table.name, ?walk, "salvaged");
    Ok(walk)
}

/// Looks what entries refer to up in an index, where its own row could not be read. How much is in neither.
fn look_up(
    from: &mut Source<'_>,
    into: &mut Connection,
    table: &'static str,
    column: &'static str,
    referring: &str,
) -> Result<u64, LedgerError> {
    let missing: Vec<i64> = into
        .prepare(&format!(
            "SELECT DISTINCT {referring} FROM entry WHERE {referring} NOT IN (SELECT n FROM {table})"
        ))?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    if missing.is_empty() {
        return Ok(0);
    }
    let mut found = HashMap::new();
    // Both columns are in the index that keeps the names unique, so SQLite does not go to the table.
    from.both_ways(
        table,
        &["n", column],
        &format!("ORDER BY {column} +"),
        &mut |_, row| {
            if let [Value::Integer(n), name] = &row[..] {
                found.insert(*n, name.clone());
            }
            Ok(())
        },
    )?;
    let mut lost = 0;
    let tx = begin(into)?;
    for n in missing {
        let Some(name) = found.remove(&n) else {
            lost += 1;
            continue;
        };
        if table == "record" {
            tx.execute(
                "INSERT OR IGNORE INTO record (n, id, channel)
                 SELECT ?1, ?2, channel FROM entry WHERE record = ?1 LIMIT 1",
                (n, name),
            )?;
        } else {
            tx.execute(
                &format!("INSERT OR IGNORE INTO {table} (n, {column}) VALUES (?1, ?2)"),
                (n, name),
            )?;
        }
    }
    tx.commit()?;
    Ok(lost)
}

/// Takes out what is no entry any more: what it refers to is gone, or it does not fit its name. How many.
fn only_true_entries(
    into: &mut Connection,
    report: &mut SalvageReport,
) -> Result<u64, LedgerError> {
    let tx = begin(into)?;
    tx.execute(
        "DELETE FROM record WHERE channel NOT IN (SELECT n FROM channel)",
        [],
    )?;
    let mut gone = tx.execute(
        "DELETE FROM entry WHERE device NOT IN (SELECT n FROM device) OR author NOT IN (SELECT n FROM person)
            OR channel NOT IN (SELECT n FROM channel) OR record NOT IN (SELECT n FROM record)",
        [],
    )? as u64;
    let mut wrong = Vec::new();
    {
        let mut statement = tx.prepare(&format!("{ENTRY} ORDER BY e.n"))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (id, entry) = read_entry(row)?;
            if entry.id() == id {
                report.entries += 1;
            } else {
                wrong.push((row.get::<_, i64>(10)?, entry.seq as i64));
            }
        }
    }
    for (device, seq) in &wrong {
        gone += tx.execute(
            "DELETE FROM entry WHERE device = ?1 AND seq = ?2",
            [device, seq],
        )? as u64;
    }
    tx.commit()?;
    Ok(gone)
}

fn blobs(
    from: &mut Source<'_>,
    into: &mut Connection,
    report: &mut SalvageReport,
) -> Result<(), LedgerError> {
    let walk = copy(from, into, BLOBS)?;
    note_lost(report, "证据目录", walk);
    copy(from, into, CHUNKS)?;
    let mut whole = Vec::new();
    {
        let mut statement = into.prepare(
            "SELECT id, hash, is_delivered FROM blob WHERE is_complete = 1 AND hash IS NOT NULL",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            whole.push((
                row.get::<_, i64>(0)?,
                row.get::<_, [u8; 32]>(1)?,
                row.get::<_, bool>(2)?,
            ));
        }
    }
    let mut gone = 0;
    for (id, hash, is_delivered) in whole {
        if hash_of(into, id)? == hash {
            report.blobs += 1;
            continue;
        }
        into.execute(
            "DELETE FROM blob_chunk WHERE id >= ?1 * 8192 AND id < (?1 + 1) * 8192",
            [id],
        )?;
        // What was delivered is fetched again; what was not is lost, and its place stays, to be told.
        into.execute("UPDATE blob SET is_complete = 0, have = 0, is_waiting = 0, is_wanted = 1 WHERE id = ?1", [id])?;
        gone += u64::from(!is_delivered);
    }
    if gone > 0 {
        report
            .lost
            .push(format!("未送达的证据文件：{gone} 件读不出来"));
    }
    Ok(())
}

fn hash_of(db: &Connection, blob: i64) -> Result<[u8; 32], LedgerError> {
    let mut hash = Sha256::new();
    let mut statement = db.prepare_cached(
        "SELECT bytes FROM blob_chunk WHERE id >= ?1 * 8192 AND id < (?1 + 1) * 8192 ORDER BY id",
    )?;
    let mut rows = statement.query([blob])?;
    while let Some(row) = rows.next()? {
        let bytes = row
            .get_ref(0)?
            .as_blob()
            .map_err(|error| LedgerError::Unexpected(error.to_string()))?;
        hash.update(bytes);
    }
    Ok(hash.finalize().into())
}
