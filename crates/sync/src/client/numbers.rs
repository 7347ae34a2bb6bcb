//! Document numbers: small, and needed offline.

use shicha_domain::{
    OrgCode,
    number::{ASK_BELOW, NumberBlock},
};
use shicha_ledger::Ledger;
use uuid::Uuid;

use super::{
    engine::NumberWant,
    error::SyncError,
    round::Round,
    session::{message, post},
    state::MovedKind,
};
use crate::{Random, protocol::messages::NumbersRequest};

/// The most numbers that one block may hold before it is taken for a fault.
const MAX_BLOCK: u32 = 10_000;

impl Round<'_> {
    /// Asks for the document numbers that are short.
    pub(super) async fn numbers(&mut self) -> Result<(), SyncError> {
        let wants = self.engine.wanted_numbers();
        if wants.is_empty() {
            return Ok(());
        }
        let requests = self
            .on_ledger({
                let random = self.engine.random.clone();
                move |ledger| short(ledger, &wants, &random)
            })
            .await?;
        for request in requests {
            match self.borrow_numbers(&request).await {
                Ok(count) => {
                    self.outcome.numbers += 1;
                    self.moved(MovedKind::Numbers, count, 0).await?;
                }
                Err(error) => {
                    self.skip(format!("{} {}", request.word, request.year), error)
                        .await?
                }
            }
        }
        Ok(())
    }

    async fn borrow_numbers(&mut self, asked: &NumbersRequest) -> Result<u64, SyncError> {
        let block: NumberBlock = message(&self.ask(post("/v1/numbers", asked)?).await?)?;
        let asked = asked.clone();
        self.on_ledger(move |ledger| take_block(ledger, &asked, &block))
            .await
    }
}

/// Where the name of a request waits until its block is in the ledger, so that a lost answer costs no numbers.
fn key_of(org: &OrgCode, word: &str, year: u16) -> String {
    format!("sync/numbers/{org}/{word}/{year}")
}

/// Requests for the document numbers that are short.
pub(super) fn short(
    ledger: &Ledger,
    wants: &[NumberWant],
    random: &Random,
) -> Result<Vec<NumbersRequest>, SyncError> {
    let left = ledger.number_blocks_left()?;
    let mut requests = Vec::new();
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
        let key = key_of(&want.org, &want.word, want.year);
        let kept = ledger
            .setting(&key)?
            .and_then(|text| Uuid::parse_str(&text).ok());
        let request = match kept {
            Some(kept) => kept,
            None => {
                let new = Uuid::from_bytes(random.bytes());
                ledger.set_setting(&key, &new.to_string())?;
                new
            }
        };
        requests.push(NumbersRequest {
            request,
            org: want.org.clone(),
            word: want.word.clone(),
            year: want.year,
        });
    }
    Ok(requests)
}

/// Takes the block that a request was answered with, and tells how many numbers it has.
pub(super) fn take_block(
    ledger: &Ledger,
    asked: &NumbersRequest,
    block: &NumberBlock,
) -> Result<u64, SyncError> {
    let is_right = block.org == asked.org
        && block.word == asked.word
        && block.year == asked.year
        && (1..=block.to).contains(&block.from)
        && block.to - block.from < MAX_BLOCK;
    if !is_right {
        return Err(SyncError::untrustworthy(
            "other document numbers than were asked for",
        ));
    }
    ledger.number_block_add(block)?;
    ledger.set_setting(&key_of(&asked.org, &asked.word, asked.year), "")?;
    Ok(u64::from(block.to - block.from) + 1)
}

/// Takes a block that came by another way than a request over the network: only where it was asked for and has not come yet.
pub(super) fn take_lent(
    ledger: &Ledger,
    request: Uuid,
    block: &NumberBlock,
) -> Result<u64, SyncError> {
    let kept = ledger.setting(&key_of(&block.org, &block.word, block.year))?;
    if kept.as_deref() != Some(request.to_string().as_str()) {
        return Ok(0);
    }
    let asked = NumbersRequest {
        request,
        org: block.org.clone(),
        word: block.word.clone(),
        year: block.year,
    };
    take_block(ledger, &asked, block)
}
