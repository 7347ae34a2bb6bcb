//! Writes the answers of one inspection: their packed row, the list of what does not conform, and the search in what was recorded.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::{packed, prints::text_print, rolled::Rolled, words, write::put_document};
use crate::error::LedgerError;

/// Writes the answers, as far as they changed.
pub(crate) fn put_answers(
    tx: &Transaction<'_>,
    id: i64,
    new: &Rolled<'_>,
    is_new: bool,
) -> Result<(), LedgerError> {
    let before: Option<(Vec<u8>, Vec<u8>)> = if is_new {
        None
    } else {
        tx.prepare_cached("SELECT results, texts FROM view_answer WHERE id = ?1")?
            .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?
    };
    let has_row = before.is_some();
    let (old_results, old_texts) = before.unwrap_or_default();
    let results = packed::pack_results(
        &new.results
            .iter()
            .map(|(code, (_, result))| (*code, *result))
            .collect(),
    );
    if results != old_results {
        put_results(tx, id, new, &old_results)?;
    }
    let texts = put_texts(tx, id, new, packed::texts(&old_texts))?;
    if !has_row {
        tx.prepare_cached("INSERT INTO view_answer (id, results, texts) VALUES (?1, ?2, ?3)")?
            .execute(params![id, results, texts])?;
    } else if results != old_results || texts != old_texts {
        tx.prepare_cached("UPDATE view_answer SET results = ?2, texts = ?3 WHERE id = ?1")?
            .execute(params![id, results, texts])?;
    }
    Ok(())
}

/// Names the items that are new, and brings the list of what does not conform up to date.
fn put_results(
    tx: &Transaction<'_>,
    id: i64,
    new: &Rolled<'_>,
    old: &[u8],
) -> Result<(), LedgerError> {
    let old: BTreeMap<u64, u8> = packed::results(old).collect();
    for (code, (item, result)) in &new.results {
        let before = old.get(code);
        if before.is_none() {
            tx.prepare_cached("INSERT OR IGNORE INTO view_item (code, item) VALUES (?1, ?2)")?
                .execute(params![*code as i64, item])?;
        }
        let was = before == Some(&packed::NONCONFORMING);
        let is = *result == packed::NONCONFORMING;
        if is && !was {
            tx.prepare_cached(
                "INSERT OR IGNORE INTO view_nonconforming (item, id) VALUES (?1, ?2)",
            )?
            .execute(params![item, id])?;
        } else if was && !is {
            remove_nonconforming(tx, id, *code)?;
        }
    }
    for (code, result) in &old {
        if *result == packed::NONCONFORMING && !new.results.contains_key(code) {
            remove_nonconforming(tx, id, *code)?;
        }
    }
    Ok(())
}

fn remove_nonconforming(tx: &Transaction<'_>, id: i64, code: u64) -> Result<(), LedgerError> {
    tx.prepare_cached(
        "DELETE FROM view_nonconforming WHERE item = (SELECT item FROM view_item WHERE code = ?1) AND id = ?2",
    )?
    .execute(params![code as i64, id])?;
    Ok(())
}

/// Indexes what was written about single items, and returns what is indexed now.
fn put_texts(
    tx: &Transaction<'_>,
    id: i64,
    new: &Rolled<'_>,
    mut indexed: BTreeMap<u64, packed::Text>,
) -> Result<Vec<u8>, LedgerError> {
    let gone: Vec<u64> = indexed
        .keys()
        .filter(|code| !new.item_texts.contains_key(code))
        .copied()
        .collect();
    for code in gone {
        if let Some(text) = indexed.remove(&code) {
            tx.prepare_cached("DELETE FROM search_answer WHERE rowid = ?1")?
                .execute([document(id, text.slot)])?;
        }
    }
    let mut free = indexed
        .values()
        .map(|text| text.slot)
        .max()
        .map_or(Some(0), |slot| slot.checked_add(1));
    for (code, texts) in &new.item_texts {
        let print = text_print(texts);
        let before = indexed.get(code).copied();
        if before.is_some_and(|text| text.print == print) {
            continue;
        }
        let slot = match (before, free) {
            (Some(text), _) => text.slot,
            (None, Some(slot)) => {
                free = slot.checked_add(1);
                slot
            }
            // More items than any checklist has: the rest is not searched.
            (None, None) => continue,
        };
        let words = words::index_words(texts, &[]);
        put_document(
            tx,
            "search_answer",
            document(id, slot),
            &words,
            before.is_none(),
        )?;
        indexed.insert(*code, packed::Text { slot, print });
    }
    Ok(packed::pack_texts(&indexed))
}

pub(crate) fn document(id: i64, slot: u16) -> i64 {
    id << 16 | i64::from(slot)
}
