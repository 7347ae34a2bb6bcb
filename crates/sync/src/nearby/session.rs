//! One session with another laptop: greet, compare, exchange, part.
//!
//! Invariant: nothing of the records is said before this laptop's person has confirmed the digits and the other laptop has said that its
//! person did. Whatever ends a session early is told to the other side, and leaves both ledgers as they are: what was taken in is in whole.

use std::{pin::pin, sync::Arc, time::Duration};

use shicha_domain::directory::Directory;
use shicha_ledger::{Identity, Ledger};
use tokio::{net::TcpStream, sync::mpsc, time::timeout};

use super::{
    channel,
    exchange::{self, Summary},
    fault::{NearbyFault, Reason},
    greeting::{self, Hello, Side},
    line::{Line, Word, out_of_place},
    peer::{self, Peer, Reader},
};
use crate::client::Clock;

/// How long people may take to compare the digits.
pub(super) const COMPARE_TIME: Duration = Duration::from_secs(180);
/// How long a greeting may take.
const GREETING_TIME: Duration = Duration::from_secs(10);

/// What a person decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// The digits are the same on both screens.
    Same,
    /// They are not.
    Differ,
    /// Enough.
    Cancel,
}

/// What a session tells as it goes on.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    /// This is the other, and these are the digits.
    Met(Box<Peer>, String),
    AgreedHere,
    AgreedThere,
    /// So much was given and taken so far.
    Moved(Summary),
}

/// How a session is let in, and what is remembered of how its greeting went.
pub(super) trait Door: Send + Sync {
    /// The other has shown that it belongs here: whether there is room for it. From now on this laptop's number may be told.
    fn enter(&self, is_known: bool) -> Result<(), Reason>;
    /// The other has kept to the number that it was bound to: the digits are shown.
    fn greeted(&self);
}

/// What a session works with.
pub(super) struct Host {
    pub(super) ledger: Ledger,
    pub(super) me: Identity,
    pub(super) directory: std::sync::Arc<Directory>,
    pub(super) label: String,
    pub(super) clock: Arc<dyn Clock>,
}

/// Goes through a session over a fresh connection.
pub(super) async fn run(
    stream: TcpStream,
    side: Side,
    host: &Host,
    door: &dyn Door,
    decisions: &mut mpsc::Receiver<Decision>,
    tell: &(dyn Fn(Step) + Send + Sync),
) -> Result<Summary, NearbyFault> {
    // Small words go at once; that some systems do not know the option harms nothing.
    let _ = stream.set_nodelay(true);
    let (reader, writer) = stream.into_split();
    let channel = channel::open(reader, writer, side == Side::Asks).await?;
    let hash = channel.hash;
    let mut line = Line::new(channel);
    let done = talk(&mut line, hash, side, host, door, decisions, tell).await;
    let last = match &done {
        Err(fault) if !fault.is_there => Some(Word::Bye {
            reason: fault.reason,
        }),
        _ => None,
    };
    line.end(last).await;
    done
}

async fn talk(
    line: &mut Line,
    hash: [u8; 32],
    side: Side,
    host: &Host,
    door: &dyn Door,
    decisions: &mut mpsc::Receiver<Decision>,
    tell: &(dyn Fn(Step) + Send + Sync),
) -> Result<Summary, NearbyFault> {
    let nonce: [u8; 32] = rand::random();
    let greeted = timeout(GREETING_TIME, greet(line, nonce, hash, side, host, door));
    let (peer, reader, digits) = unless_cancelled(greeted, decisions)
        .await?
        .map_err(|_| NearbyFault::here(Reason::Timeout, "no greeting in time"))??;
    tell(Step::Met(Box::new(peer.clone()), digits));
    timeout(COMPARE_TIME, compare(line, decisions, tell))
        .await
        .map_err(|_| NearbyFault::here(Reason::Timeout, "nobody compared the digits"))??;
    let moved = |summary| tell(Step::Moved(summary));
    let exchanged = exchange::run(line, side, host, &peer, &reader, &moved);
    unless_cancelled(exchanged, decisions).await?
}

/// Goes on with something until the person cancels.
pub(super) async fn unless_cancelled<T>(
    work: impl Future<Output = T>,
    decisions: &mut mpsc::Receiver<Decision>,
) -> Result<T, NearbyFault> {
    let mut work = pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return Ok(done),
            decision = decisions.recv() => match decision {
                Some(Decision::Same | Decision::Differ) => {}
                Some(Decision::Cancel) | None => {
                    return Err(NearbyFault::here(Reason::Cancelled, "cancelled"));
                }
            },
        }
    }
}

async fn greet(
    line: &mut Line,
    nonce: [u8; 32],
    hash: [u8; 32],
    side: Side,
    host: &Host,
    door: &dyn Door,
) -> Result<(Peer, Reader, String), NearbyFault> {
    let binding = match side {
        Side::Asks => greeting::commitment(&hash, &nonce),
        Side::Answers => nonce,
    };
    let mine = Hello::of(&host.me, &host.label, side, &hash, binding);
    if side == Side::Asks {
        line.say(&Word::Hello(Box::new(mine.clone()))).await?;
    }
    let Word::Hello(theirs) = line.hear_word().await? else {
        return Err(out_of_place());
    };
    let (peer, reader) = peer::judge(&theirs, &host.me, &host.directory, side.other(), &hash)?;
    door.enter(peer.is_known)
        .map_err(|reason| NearbyFault::here(reason, "no room"))?;
    let digits = match side {
        Side::Asks => {
            line.say(&Word::Nonce { nonce }).await?;
            greeting::digits(&hash, (&mine, &nonce), (&theirs, &theirs.binding))
        }
        Side::Answers => {
            line.say(&Word::Hello(Box::new(mine.clone()))).await?;
            let Word::Nonce { nonce: shown } = line.hear_word().await? else {
                return Err(out_of_place());
            };
            if greeting::commitment(&hash, &shown) != theirs.binding {
                return Err(NearbyFault::garbage("another number than it committed to"));
            }
            greeting::digits(&hash, (&theirs, &shown), (&mine, &nonce))
        }
    };
    door.greeted();
    Ok((peer, reader, digits))
}

/// Waits until both people have said that the digits are the same.
async fn compare(
    line: &mut Line,
    decisions: &mut mpsc::Receiver<Decision>,
    tell: &(dyn Fn(Step) + Send + Sync),
) -> Result<(), NearbyFault> {
    let (mut here, mut there) = (false, false);
    while !(here && there) {
        tokio::select! {
            heard = line.hear_word() => match heard? {
                Word::Agreed if !there => {
                    there = true;
                    tell(Step::AgreedThere);
                }
                _ => return Err(out_of_place()),
            },
            decision = decisions.recv() => match decision {
                Some(Decision::Same) if !here => {
                    here = true;
                    tell(Step::AgreedHere);
                    line.agreed();
                    line.say(&Word::Agreed).await?;
                }
                Some(Decision::Same) => {}
                Some(Decision::Differ) => {
                    return Err(NearbyFault::here(Reason::Differs, "the digits differ"));
                }
                Some(Decision::Cancel) | None => {
                    return Err(NearbyFault::here(Reason::Cancelled, "cancelled"));
                }
            },
        }
    }
    Ok(())
}
