//! Salvage: a damaged database is put aside, never deleted, and whatever can be read goes into a new one.
//!
//! Invariant: only an entry that is still what its name says is taken over, and only evidence that still has its hash.

use std::path::Path;

use rusqlite::{Connection, Row, params_from_iter, types::Value};
use sha2::{Digest as _, Sha256};

use crate::{
    entries::{ENTRY, read_entry},
    error::LedgerError,
    ledger::begin,
    migrate,
    open::{Opener, SalvageReport, put_aside},
};

/// Rows that are read at once, until one cannot be.
const STRETCH: i64 = 200;
/// After so many numbers without a readable row the end is taken to be reached.
const PATIENCE: i64 = 200_000;
/// Rows that are written in one transaction.
const TOGETHER: usize = 2_000;

/// Tables with a number for each row, in the order in which they refer to each other.
const NUMBERED: [(&str, &str, &str); 7] = [
    ("device", "n, id", "设备"),
    ("person", "n, id", "人员"),
    ("channel", "n, name, cursor, seen_upto", "频道"),
    (
        "record",
        "n, id, channel, own_seq, last_number, delivered_ms, refused",
        "记录",
    ),
    (
        "number_block",
        "n, org, word, year, first, last, next",
        "文书编号段",
    ),
    (
        "entry_aside",
        "n, device, seq, id, event, moved_ms",
        "存放的旧记录",
    ),
    ("sync_log", "n, at_ms, kind, code, params", "同步日志"),
];
/// Tables that are small and read in one go.
const KEYED: [(&str, &str, &str); 4] = [
    ("meta", "key, value", "设置"),
    (
        "receipt",
        "id, device, seq, head, received_at_ms, signature",
        "回执",
    ),
    (
        "typed",
        "record, field, text, person, at_ms",
        "正在输入的文字",
    ),
    ("number_provisional", "org, word, year, last", "临时编号"),
];
const BLOB_COLUMNS: &str = "id, hash, size, have, is_complete, mime, taken_at_ms, latitude_e7, longitude_e7, camera, orientation, \
     width, height, is_waiting, sent_upto, is_delivered, is_wanted, begun_ms";

/// Puts the damaged database of `dir` aside and makes a new one of what can be read of it.
pub(crate) fn salvage(
    opener: &Opener,
    dir: &Path,
    now_ms: u64,
    new: &dyn Fn() -> Result<Connection, LedgerError>,
) -> Result<(Connection, SalvageReport), LedgerError> {
    let aside = put_aside(dir, now_ms)?;
    let mut report = SalvageReport {
        damaged_file: aside.clone(),
        ..SalvageReport::default()
    };
    let mut into = new()?;
    migrate::migrate(&mut into)?;
    let from = match opener.damaged(&aside).and_then(|db| {
        db.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        Ok(db)
    }) {
        Ok(from) => from,
        Err(error) => {
            tracing::error!(%error, "nothing of the damaged database can be read");
            report.lost.push(
                "数据库的开头已损坏，读不出任何内容；已送达的内容可在重新登记后从服务器取回".into(),
            );
            return Ok((into, report));
        }
    };
    for (table, columns, name) in NUMBERED {
        let (taken, lost) = numbered(&from, &mut into, table, columns)?;
        tracing::info!(table, taken, lost, "salvaged");
        note_lost(&mut report, name, lost);
    }
    for (table, columns, name) in KEYED {
        if !keyed(&from, &mut into, table, columns)? {
            report.lost.push(format!("{name}有一部分读不出来"));
        }
    }
    let lost = entries(&from, &mut into, &mut report)?;
    note_lost(&mut report, "台账条目", lost);
    blobs(&from, &mut into, &mut report)?;
    Ok((into, report))
}

fn note_lost(report: &mut SalvageReport, name: &str, lost: u64) {
    if lost > 0 {
        report.lost.push(format!("{name}：{lost} 条读不出来"));
    }
}

/// Copies a table row by row, passing over what cannot be read. How many were taken and how many were not.
fn numbered(
    from: &Connection,
    into: &mut Connection,
    table: &str,
    columns: &str,
) -> Result<(u64, u64), LedgerError> {
    let insert = insert_into(table, columns);
    let key = columns.split(',').next().unwrap_or("n");
    let select =
        format!("SELECT {columns} FROM {table} WHERE {key} >= ?1 AND {key} < ?2 ORDER BY {key}");
    let (mut taken, mut lost) = (0, 0);
    let mut batch = Vec::new();
    each(from, &select, &last_of(from, table, key), &mut |row| {
        match row {
            Some(row) => {
                batch.push(values(row)?);
                taken += 1;
                if batch.len() >= TOGETHER {
                    lost += write(into, &insert, &mut batch)?;
                }
            }
            None => lost += 1,
        }
        Ok(())
    })?;
    lost += write(into, &insert, &mut batch)?;
    Ok((taken, lost))
}

/// Copies a small table. Whether all of it was readable.
fn keyed(
    from: &Connection,
    into: &mut Connection,
    table: &str,
    columns: &str,
) -> Result<bool, LedgerError> {
    let mut batch = Vec::new();
    let read = from
        .prepare(&format!("SELECT {columns} FROM {table}"))
        .and_then(|mut statement| {
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                batch.push(values(row)?);
            }
            Ok(())
        });
    if let Err(error) = &read {
        tracing::warn!(%error, table, "not all of it can be read");
    }
    let lost = write(into, &insert_into(table, columns), &mut batch)?;
    Ok(read.is_ok() && lost == 0)
}

fn entries(
    from: &Connection,
    into: &mut Connection,
    report: &mut SalvageReport,
) -> Result<u64, LedgerError> {
    const COLUMNS: &str =
        "n, device, seq, id, prev, after, at, author, channel, record, number, refused, event";
    let select = format!("SELECT {COLUMNS} FROM entry WHERE n >= ?1 AND n < ?2 ORDER BY n");
    let insert = insert_into("entry", COLUMNS);
    let mut lost = 0;
    let mut batch = Vec::new();
    each(from, &select, &last_of(from, "entry", "n"), &mut |row| {
        match row {
            Some(row) => {
                batch.push(values(row)?);
                if batch.len() >= TOGETHER {
                    lost += write(into, &insert, &mut batch)?;
                }
            }
            None => lost += 1,
        }
        Ok(())
    })?;
    lost += write(into, &insert, &mut batch)?;
    // What does not fit its name any more is not an entry.
    let mut wrong = Vec::new();
    {
        let mut statement = into.prepare(&format!("{ENTRY} ORDER BY e.n"))?;
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
        into.execute(
            "DELETE FROM entry WHERE device = ?1 AND seq = ?2",
            [device, seq],
        )?;
    }
    Ok(lost + wrong.len() as u64)
}

fn blobs(
    from: &Connection,
    into: &mut Connection,
    report: &mut SalvageReport,
) -> Result<(), LedgerError> {
    let (_, lost) = numbered(from, into, "blob", BLOB_COLUMNS)?;
    note_lost(report, "证据目录", lost);
    let (_, lost_chunks) = numbered(from, into, "blob_chunk", "id, bytes")?;
    if lost_chunks > 0 {
        tracing::warn!(lost_chunks, "chunks of evidence cannot be read");
    }
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

/// The last number of a table; `None` when the table cannot say it.
fn last_of(from: &Connection, table: &str, key: &str) -> Option<i64> {
    from.query_row(&format!("SELECT max({key}) FROM {table}"), [], |row| {
        row.get::<_, Option<i64>>(0)
    })
    .ok()
    .map(|last| last.unwrap_or(0))
}

/// Hands over each row, and `None` for each that cannot be read.
fn each(
    from: &Connection,
    select: &str,
    last: &Option<i64>,
    take: &mut dyn FnMut(Option<&Row<'_>>) -> Result<(), LedgerError>,
) -> Result<(), LedgerError> {
    let Ok(mut statement) = from.prepare(select) else {
        return Ok(());
    };
    let (mut at, mut last_good) = (0, 0);
    while at <= last.unwrap_or(last_good + PATIENCE) {
        let mut numbers = vec![(at, at + STRETCH)];
        at += STRETCH;
        // A stretch that cannot be read whole is read row by row.
        while let Some((first, end)) = numbers.pop() {
            let mut got = Vec::new();
            let read = statement.query([first, end]).and_then(|mut rows| {
                while let Some(row) = rows.next()? {
                    got.push(row.get::<_, i64>(0)?);
                    if end - first == 1 {
                        return Ok(Some(take(Some(row))));
                    }
                }
                Ok(None)
            });
            match read {
                Ok(Some(taken)) => {
                    taken?;
                    last_good = first;
                }
                Ok(None) if got.is_empty() => {}
                Ok(None) => {
                    // All of the stretch can be read: again, handing it over.
                    let mut rows = statement.query([first, end])?;
                    while let Some(row) = rows.next()? {
                        take(Some(row))?;
                    }
                    last_good = end - 1;
                }
                Err(_) if end - first == 1 => {
                    if last.is_some() || first <= last_good + STRETCH {
                        take(None)?;
                    }
                }
                Err(_) => numbers.extend((first..end).rev().map(|one| (one, one + 1))),
            }
        }
    }
    Ok(())
}

fn values(row: &Row<'_>) -> rusqlite::Result<Vec<Value>> {
    (0..row.as_ref().column_count())
        .map(|at| row.get(at))
        .collect()
}

fn insert_into(table: &str, columns: &str) -> String {
    let marks = vec!["?"; columns.split(',').count()].join(", ");
    format!("INSERT OR REPLACE INTO {table} ({columns}) VALUES ({marks})")
}

/// Writes rows and counts those that do not fit any more: what they refer to is gone.
fn write(
    into: &mut Connection,
    insert: &str,
    batch: &mut Vec<Vec<Value>>,
) -> Result<u64, LedgerError> {
    if batch.is_empty() {
        return Ok(0);
    }
    let tx = begin(into)?;
    let mut lost = 0;
    for row in batch.drain(..) {
        match tx.prepare_cached(insert)?.execute(params_from_iter(row)) {
            Ok(_) => {}
            Err(error)
                if error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation) =>
            {
                lost += 1
            }
            Err(error) => return Err(error.into()),
        }
    }
    tx.commit()?;
    Ok(lost)
}
