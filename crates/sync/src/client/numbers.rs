//! Document numbers and the directory: small, and needed offline.

use shicha_domain::number::{ASK_BELOW, NumberBlock};
use uuid::Uuid;

use super::{
    engine::NumberWant,
    error::SyncError,
    round::Round,
    session::{message, post},
    state::MovedKind,
    transport::{Method, Request},
};
use crate::protocol::messages::{DirectoryReply, NumbersRequest};

/// The most numbers that one block may hold before it is taken for a fault.
const MAX_BLOCK: u32 = 10_000;

impl Round<'_> {
    /// Asks for the document numbers that are short.
    pub(super) async fn numbers(&mut self) -> Result<(), SyncError> {
        let wants = self.engine.wanted_numbers();
        if wants.is_empty() {
            return Ok(());
        }
        let left = self
            .on_ledger(|ledger| Ok(ledger.number_blocks_left()?))
            .await?;
        for want in wants {
            let have: u64 = left
                .iter()
                .filter(|(org, word, year, _)| {
                    *org == want.org && *word == want.word && *year == want.year
                })
                .map(|(.., left)| u64::from(*left))
                .sum();
            if have >= u64::from(ASK_BELOW) {
                continue;
            }
            match self.borrow_numbers(&want).await {
                Ok(count) => {
                    self.outcome.numbers += 1;
                    self.moved(MovedKind::Numbers, count, 0).await?;
                }
                Err(error) => {
                    self.skip(format!("{} {}", want.word, want.year), error)
                        .await?
                }
            }
        }
        Ok(())
    }

    async fn borrow_numbers(&mut self, want: &NumberWant) -> Result<u64, SyncError> {
        // The request keeps its name until the block is in the ledger, so that a lost answer costs no numbers.
        let key = format!("sync/numbers/{}/{}/{}", want.org, want.word, want.year);
        let request = self
            .on_ledger({
                let (key, random) = (key.clone(), self.engine.random.clone());
                move |ledger| {
                    let kept = ledger
                        .setting(&key)?
                        .and_then(|text| Uuid::parse_str(&text).ok());
                    if let Some(kept) = kept {
                        return Ok(kept);
                    }
                    let new = Uuid::from_bytes(random.bytes());
                    ledger.set_setting(&key, &new.to_string())?;
                    Ok(new)
                }
            })
            .await?;
        let (org, word, year) = (want.org.clone(), want.word.clone(), want.year);
        let asked = NumbersRequest {
            request,
            org,
            word,
            year,
        };
        let block: NumberBlock = message(&self.ask(post("/v1/numbers", &asked)?).await?)?;
        let is_right = block.org == want.org
            && block.word == want.word
            && block.year == want.year
            && (1..=block.to).contains(&block.from)
            && block.to - block.from < MAX_BLOCK;
        if !is_right {
            return Err(SyncError::untrustworthy(
                "other document numbers than were asked for",
            ));
        }
        let count = u64::from(block.to - block.from) + 1;
        self.on_ledger(move |ledger| {
            ledger.number_block_add(&block)?;
            Ok(ledger.set_setting(&key, "")?)
        })
        .await?;
        Ok(count)
    }

    /// Fetches the directory if it has changed.
    pub(super) async fn directory(&mut self) -> Result<(), SyncError> {
        let since = self
            .on_ledger(|ledger| Ok(ledger.directory()?.version))
            .await?;
        let request = Request::new(Method::Get, format!("/v1/directory?since={since}"));
        let reply: DirectoryReply = message(&self.ask(request).await?)?;
        let Some(directory) = reply.directory else {
            return Ok(());
        };
        let people = directory.people.len() as u64;
        self.on_ledger(move |ledger| Ok(ledger.set_directory(&directory)?))
            .await?;
        self.outcome.directory = true;
        self.moved(MovedKind::Directory, people, 0).await
    }
}
