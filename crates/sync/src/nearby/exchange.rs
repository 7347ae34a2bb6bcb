//! What two laptops give each other once both people have agreed.

use serde::{Deserialize, Serialize};

use super::{
    fault::NearbyFault,
    greeting::Side,
    line::{Line, Word, out_of_place},
    peer::{Peer, Reader},
    session::Host,
};

/// What became of entries that one gave to the other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// New there.
    pub new: u64,
    /// There already.
    pub known: u64,
    /// Not taken, because nothing proves them.
    pub refused: u64,
}

/// What was given and taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Entries given, as far as the other said that they were new.
    pub given: u64,
    /// Entries taken.
    pub taken: u64,
}

pub(super) async fn run(
    line: &mut Line,
    _side: Side,
    _host: &Host,
    _peer: &Peer,
    _reader: &Reader,
    _tell: &(dyn Fn(Summary) + Send + Sync),
) -> Result<Summary, NearbyFault> {
    line.say(&Word::Done).await?;
    match line.hear_word().await? {
        Word::Done => Ok(Summary::default()),
        _ => Err(out_of_place()),
    }
}
