//! One answer saved: from the call until it is on the disk, with everything that hangs on it. Floor: one commit of the same bytes.

use std::time::Instant;

use anyhow::{Context, Result};

use crate::{data, floor, report};

const COUNT: usize = 2_000;
const ITEMS: usize = 95;

pub(crate) fn run() -> Result<()> {
    report::heading("one answer saved (aim: p50 at most 2 × the floor)");
    let dir = tempfile::tempdir()?;
    let ledger = data::ledger(&dir.path().join("ledger"))?;
    let opening = data::inspection(0)?;
    let record = opening.record;
    ledger.append(data::person(), vec![opening], data::START_MS)?;
    let mut times = Vec::with_capacity(COUNT);
    for n in 0..COUNT {
        let result = ["conforms", "nonconforming", "to_verify"][n / ITEMS % 3];
        let mut draft = data::answer(record, n % ITEMS, result)?;
        if let shicha_domain::Event::Set {
            field, replaces, ..
        } = &mut draft.event
        {
            let state = ledger.record(record)?.context("the record")?;
            *replaces = state.heads_of(field);
        }
        let began = Instant::now();
        ledger.append(
            data::person(),
            vec![draft],
            data::START_MS + n as u64 * 1_000,
        )?;
        times.push(began.elapsed());
    }
    let bytes = ledger
        .entries_of(record)?
        .last()
        .context("an entry")?
        .entry
        .event
        .clone();
    let mut floors = floor::commits(dir.path(), COUNT, &bytes)?;
    for (name, part) in [("p50", 0.5), ("p99", 0.99)] {
        report::time(
            name,
            report::percentile(&mut times, part),
            report::percentile(&mut floors, part),
        );
    }
    Ok(())
}
