//! Document numbers out of the blocks that the central endpoint lent: each given once, whatever happens.

use rusqlite::{Connection, OptionalExtension as _, params};
use shicha_domain::{OrgCode, PersonId, number::NumberBlock};

use crate::{
    append::{Appended, Draft},
    error::LedgerError,
    ledger::Ledger,
};

impl Ledger {
    /// Keeps a block. One that is here already stays as it is: its numbers are not given again.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn number_block_add(&self, block: &NumberBlock) -> Result<(), LedgerError> {
        if block.from > block.to {
            return Err(LedgerError::Unexpected(
                "a block of numbers without numbers".into(),
            ));
        }
        self.write(|tx| {
            tx.execute(
                "INSERT INTO number_block (org, word, year, first, last, next) VALUES (?1, ?2, ?3, ?4, ?5, ?4)
                 ON CONFLICT (org, word, year, first) DO NOTHING",
                params![block.org.as_str(), block.word, block.year, block.from, block.to],
            )?;
            Ok(())
        })
    }

    /// How many numbers are left: organisation, word, year, count.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn number_blocks_left(&self) -> Result<Vec<(OrgCode, String, u16, u32)>, LedgerError> {
        self.read(|db| {
            let mut statement = db.prepare_cached(
                "SELECT org, word, year, sum(last - next + 1) FROM number_block GROUP BY org, word, year ORDER BY org, word, year",
            )?;
            let mut rows = statement.query([])?;
            let mut left = Vec::new();
            while let Some(row) = rows.next()? {
                let org: String = row.get(0)?;
                let org = org.parse().map_err(|_| LedgerError::Unexpected(org))?;
                left.push((org, row.get(1)?, row.get(2)?, row.get(3)?));
            }
            Ok(left)
        })
    }

    /// Appends what `build` makes of the next number, in the transaction in which the number is taken. `build` gets the number, or none
    /// when no block has any left, and with it the running number of provisional ones. When it makes nothing, no number is used up.
    ///
    /// # Errors
    /// As [`Self::append`].
    pub fn append_numbered(
        &self,
        author: PersonId,
        now_ms: u64,
        org: &OrgCode,
        word: &str,
        year: u16,
        build: &dyn Fn(Option<u32>, u32) -> Vec<Draft>,
    ) -> Result<Vec<Appended>, LedgerError> {
        self.append_with(author, now_ms, |tx| {
            let next = next(tx, org, word, year)?;
            let provisional = if next.is_some() { 0 } else { last_provisional(tx, org, word, year)? + 1 };
            let drafts = build(next.map(|(_, number)| number), provisional);
            if !drafts.is_empty() {
                match next {
                    Some((block, _)) => {
                        tx.execute("UPDATE number_block SET next = next + 1 WHERE n = ?1", [block])?;
                    }
                    None => {
                        tx.execute(
                            "INSERT INTO number_provisional (org, word, year, last) VALUES (?1, ?2, ?3, ?4)
                             ON CONFLICT (org, word, year) DO UPDATE SET last = ?4",
                            params![org.as_str(), word, year, provisional],
                        )?;
                    }
                }
            }
            Ok(drafts)
        })
    }
}

/// The next number to be given, and its block.
fn next(
    db: &Connection,
    org: &OrgCode,
    word: &str,
    year: u16,
) -> Result<Option<(i64, u32)>, LedgerError> {
    Ok(db
        .query_row(
            "SELECT n, next FROM number_block WHERE org = ?1 AND word = ?2 AND year = ?3 AND next <= last
             ORDER BY first LIMIT 1",
            params![org.as_str(), word, year],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?)
}

fn last_provisional(
    db: &Connection,
    org: &OrgCode,
    word: &str,
    year: u16,
) -> Result<u32, LedgerError> {
    let last = db
        .query_row(
            "SELECT last FROM number_provisional WHERE org = ?1 AND word = ?2 AND year = ?3",
            params![org.as_str(), word, year],
            |row| row.get(0),
        )
        .optional()?;
    Ok(last.unwrap_or(0))
}
