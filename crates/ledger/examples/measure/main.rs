//! Fills a ledger with many inspections and measures what a screen waits for.
//!
//! `cargo run --release -p shicha-ledger --example measure [INSPECTIONS [ANSWERS [SUBJECTS]]]`, by default 100000 of 100000 subjects with 20
//! answers each.

mod fill;
mod speed;

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use rusqlite::Connection;
use shicha_domain::PersonId;
use shicha_ledger::{
    DatabaseKey, FindingFilter, FindingSort, InspectionFilter, InspectionSort, KeyStore, Ledger,
    SubjectFilter, SubjectSort,
};

use crate::{
    fill::{enrol, fill},
    speed::{evidence, floor, pulling, saving},
};

type Failure = Box<dyn std::error::Error>;

const NOW_MS: u64 = 1_650_000_000_000;

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: usize| arguments.next().map_or(Ok(default), |text| text.parse());
    let (inspections, answers, subjects) = (number(100_000)?, number(20)?, number(100_000)?.max(1));
    let dir = tempfile::tempdir()?;
    let key: DatabaseKey =
        KeyStore::new(dir.path()).create_with_passphrase("only for measuring")?;
    let (ledger, _) = Ledger::open(dir.path(), &key, NOW_MS)?;
    let me = enrol(&ledger)?;
    let start = Instant::now();
    fill(&ledger, me, (inspections, answers, subjects))?;
    println!(
        "filled: {inspections} inspections of {subjects} subjects, {answers} answers each, in {:?}",
        start.elapsed()
    );
    drop(ledger);
    println!(
        "database: {} MiB",
        std::fs::metadata(dir.path().join("ledger.db"))?.len() >> 20
    );
    let (ledger, _) = Ledger::open(dir.path(), &key, NOW_MS)?;
    measure(&ledger, me, &floor(dir.path(), &key)?)?;
    pulling(&key)?;
    evidence(&key)
}

fn measure(ledger: &Ledger, me: PersonId, floor: &Connection) -> Result<(), Failure> {
    println!(
        "{:44} {:>9} {:>9} {:>9}  total",
        "", "first", "median", "longest"
    );
    let list = |name: &str, filter: InspectionFilter, sort: InspectionSort, offset: u64| {
        timed(name, || {
            Ok(ledger.inspections(&filter, sort, true, offset, 100)?.total)
        })
    };
    let none = InspectionFilter::default;
    list(
        "inspections, as they open",
        none(),
        InspectionSort::Started,
        0,
    )?;
    list(
        "inspections, scrolled to the middle",
        none(),
        InspectionSort::Started,
        50_000,
    )?;
    for (name, sort) in [
        ("by subject", InspectionSort::Subject),
        ("by number", InspectionSort::Number),
        ("by findings", InspectionSort::Findings),
        ("by change", InspectionSort::Updated),
        ("by bureau", InspectionSort::Org),
        ("by stage", InspectionSort::Stage),
    ] {
        list(name, none(), sort, 0)?;
    }
    for query in [
        "海",
        "公司",
        "有限公司",
        "连云港海州",
        "瑞丰",
        "hzxh",
        "l",
        "913207",
        "〔2022〕99",
        "消防通道",
    ] {
        let filter = InspectionFilter {
            query: Some(query.into()),
            ..none()
        };
        list(
            &format!("search {query}"),
            filter.clone(),
            InspectionSort::Started,
            0,
        )?;
    }
    let county = InspectionFilter {
        region: Some("320706".into()),
        ..none()
    };
    list("of a county", county.clone(), InspectionSort::Started, 0)?;
    list(
        "of a county, by subject",
        county.clone(),
        InspectionSort::Subject,
        0,
    )?;
    let searched = InspectionFilter {
        query: Some("有限公司".into()),
        outcome: Some("with_findings".into()),
        ..county
    };
    list(
        "of a county, with findings, searched",
        searched,
        InspectionSort::Started,
        0,
    )?;
    let item = |result: &str| InspectionFilter {
        item: Some("TI-1.3".into()),
        item_result: Some(result.into()),
        ..none()
    };
    list(
        "item does not conform",
        item("nonconforming"),
        InspectionSort::Started,
        0,
    )?;
    list(
        "item conforms",
        item("conforms"),
        InspectionSort::Started,
        0,
    )?;
    let mine = InspectionFilter {
        inspector: Some(me),
        stage: Some("unsigned".into()),
        ..none()
    };
    list("mine and not signed", mine, InspectionSort::Started, 0)?;
    let subjects = |name: &str, query: Option<&str>, sort: SubjectSort| {
        let filter = SubjectFilter {
            query: query.map(str::to_owned),
            ..SubjectFilter::default()
        };
        timed(name, || {
            Ok(ledger.subjects(&filter, sort, false, 0, 100)?.total)
        })
    };
    subjects("subjects, by name", None, SubjectSort::Name)?;
    subjects(
        "subjects, by last inspection",
        None,
        SubjectSort::LastInspected,
    )?;
    subjects("subjects, search 港", Some("港"), SubjectSort::Name)?;
    timed("findings due", || {
        let filter = FindingFilter {
            is_open: true,
            ..FindingFilter::default()
        };
        Ok(ledger
            .findings(&filter, FindingSort::Due, false, 0, 50)?
            .total)
    })?;
    timed("overview", || {
        Ok(ledger.overview(&none())?.inspections.into())
    })?;
    timed("counts", || Ok(ledger.counts()?.entries))?;
    let page = ledger.inspections(&none(), InspectionSort::Started, true, 0, 1)?;
    let record = page.rows.first().ok_or("no inspections")?.record;
    saving(ledger, me, record, floor)
}

fn timed(name: &str, mut call: impl FnMut() -> Result<u64, Failure>) -> Result<(), Failure> {
    let mut times: Vec<Duration> = Vec::new();
    let mut total = 0;
    for _ in 0..7 {
        let start = Instant::now();
        total = black_box(call()?);
        times.push(start.elapsed());
    }
    let first = times[0];
    times.sort_unstable();
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    println!(
        "{name:44} {:6.1} ms {:6.1} ms {:6.1} ms  {total}",
        ms(first),
        ms(times[times.len() / 2]),
        ms(times[times.len() - 1])
    );
    Ok(())
}
