//! Opening a list of 100,000 inspections, and searching in it. Floor: the same page read from a plain table with one index.

use std::time::{Duration, Instant};

use anyhow::Result;
use rusqlite::params;
use shicha_ledger::{InspectionFilter, InspectionSort, Ledger};

use crate::{data, floor, report};

const COUNT: usize = 100_000;
const PAGE: u64 = 100;
const AIM: Duration = Duration::from_millis(50);
const ROUNDS: usize = 20;

pub(crate) fn run() -> Result<()> {
    report::heading("a list of 100,000 inspections (aim: 50 ms)");
    let dir = tempfile::tempdir()?;
    let ledger = data::ledger(&dir.path().join("ledger"))?;
    let began = Instant::now();
    let mut batch = Vec::new();
    for n in 0..COUNT {
        batch.push(data::inspection(n)?);
        if batch.len() == 5_000 {
            ledger.append(
                data::person(),
                std::mem::take(&mut batch),
                data::START_MS + n as u64,
            )?;
        }
    }
    report::figure(
        "filled in",
        &format!("{:.1} s", began.elapsed().as_secs_f64()),
    );
    let floor = floor_page(dir.path())?;
    measure(&ledger, "open, newest first", None, 0, floor)?;
    measure(
        &ledger,
        "the page in the middle",
        None,
        COUNT as u64 / 2,
        floor,
    )?;
    for query in [
        "安",
        "花果山化工",
        "有限公司",
        "hgs",
        "应急检记",
        "赣榆职业培训中心110",
    ] {
        measure(
            &ledger,
            &format!("search 「{query}」"),
            Some(query),
            0,
            floor,
        )?;
    }
    Ok(())
}

fn measure(
    ledger: &Ledger,
    what: &str,
    query: Option<&str>,
    offset: u64,
    floor: Duration,
) -> Result<()> {
    let filter = InspectionFilter {
        query: query.map(str::to_owned),
        ..InspectionFilter::default()
    };
    let mut times = Vec::with_capacity(ROUNDS);
    let mut total = 0;
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let page = ledger.inspections(&filter, InspectionSort::Started, true, offset, PAGE)?;
        times.push(began.elapsed());
        total = page.total;
    }
    let worst = report::percentile(&mut times, 0.95);
    report::time_with_aim(&format!("{what} ({total})"), worst, floor, AIM);
    Ok(())
}

/// The same page from a plain table.
fn floor_page(dir: &std::path::Path) -> Result<Duration> {
    let mut db = floor::open(&dir.join("floor-list.db"))?;
    db.execute_batch(
        "CREATE TABLE row (id INTEGER PRIMARY KEY, started INTEGER NOT NULL, name TEXT NOT NULL, number TEXT NOT NULL) STRICT;
         CREATE INDEX row_started ON row (started);",
    )?;
    let tx = db.transaction()?;
    for n in 0..COUNT {
        tx.prepare_cached("INSERT INTO row (started, name, number) VALUES (?1, ?2, ?3)")?
            .execute(params![
                n as i64,
                data::subject_name(n % 20_000),
                format!("（苏连）应急检记〔2022〕{}号", n + 1)
            ])?;
    }
    tx.commit()?;
    let mut times = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let _total: i64 = db.query_row("SELECT count(*) FROM row", [], |row| row.get(0))?;
        let mut statement =
            db.prepare_cached("SELECT name, number FROM row ORDER BY started DESC LIMIT ?1")?;
        let rows = statement.query_map([PAGE as i64], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
        })?;
        let rows: Vec<_> = rows.collect::<Result<_, _>>()?;
        anyhow::ensure!(rows.len() as u64 == PAGE, "the floor reads a page");
        times.push(began.elapsed());
    }
    Ok(report::percentile(&mut times, 0.95))
}
