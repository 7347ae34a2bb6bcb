//! The directory: what changed of it since last time, in parts.

use shicha_domain::directory::parts::DirectoryPart;
use shicha_ledger::DirectoryTaken;

use super::{
    error::SyncError,
    round::Round,
    session::message,
    state::MovedKind,
    transport::{Method, Request},
};

impl Round<'_> {
    /// Fetches what changed of the directory. Each part is kept as it comes, so a line that breaks costs one of them.
    pub(super) async fn directory(&mut self) -> Result<(), SyncError> {
        let mut was_whole = false;
        loop {
            let mark = self
                .on_ledger(|ledger| Ok(ledger.directory_mark()?))
                .await?;
            let path = match &mark {
                Some(mark) => format!("/v1/directory?since={mark}"),
                None => "/v1/directory".to_owned(),
            };
            let part: DirectoryPart = message(&self.ask(Request::new(Method::Get, path)).await?)?;
            let (goes_on, is_empty) = (part.after == mark, part.rows.is_empty());
            if part.after.is_some() && !goes_on {
                return Err(SyncError::untrustworthy(
                    "a part of the directory that goes on from elsewhere",
                ));
            }
            let taken = self
                .on_ledger(move |ledger| Ok(ledger.take_directory(&part)?))
                .await?;
            match taken {
                DirectoryTaken::Same => return Ok(()),
                DirectoryTaken::More if is_empty => {
                    return Err(SyncError::untrustworthy(
                        "more of the directory is promised and nothing given",
                    ));
                }
                DirectoryTaken::More => {}
                DirectoryTaken::Changed => {
                    let people = self
                        .on_ledger(|ledger| Ok(ledger.directory()?.people.len() as u64))
                        .await?;
                    self.outcome.directory = true;
                    return self.moved(MovedKind::Directory, people, 0).await;
                }
                // Something was missed: all of it is fetched, once.
                DirectoryTaken::DoesNotFit if !was_whole => was_whole = true,
                DirectoryTaken::DoesNotFit | DirectoryTaken::PassedOver => {
                    return Err(SyncError::untrustworthy(
                        "a directory that is not what its hash says",
                    ));
                }
            }
        }
    }
}
