//! Bringing what colleagues handed over directly: their entries, under their devices' signatures. The endpoint's receipts for them are
//! kept like one's own.

use shicha_domain::DeviceId;
use shicha_ledger::{LedgerError, Sealed};

use super::{
    engine::blocking,
    error::SyncError,
    push::each_receipt,
    round::Round,
    session::message,
    transport::{Method, Request},
};
use crate::{
    handed,
    protocol::{BATCH_TYPE, ProblemCode, messages::PushReply},
};

impl Round<'_> {
    /// Brings what is held here for other devices. What the endpoint does not take of one holds up no other: its author will bring it,
    /// or what it says later settles it.
    pub(super) async fn carry(&mut self) -> Result<(), SyncError> {
        let carried = self.on_ledger(|ledger| Ok(ledger.carried()?)).await?;
        for sealed in carried {
            let Some(device) = sealed.entries.first().map(|(_, entry)| entry.device) else {
                continue;
            };
            match self.bring(device, sealed).await {
                Ok(()) => {}
                Err(SyncError::Problem(problem)) => {
                    tracing::info!(%device, code = problem.code.as_str(), "a colleague's entries were not taken");
                }
                Err(error) => return Err(error),
            }
        }
        self.show_parted().await
    }

    /// Shows the endpoint what parts from what is here of colleagues' logs. It is kept where the endpoint cannot tell yet.
    async fn show_parted(&mut self) -> Result<(), SyncError> {
        for (device, push) in self.on_ledger(|ledger| Ok(ledger.parted()?)).await? {
            match self.ask(push_of(push)).await {
                Ok(_) => {}
                Err(SyncError::Problem(problem)) => {
                    tracing::info!(%device, code = problem.code.as_str(), "a colleague's log has parted");
                    if let ProblemCode::Gap | ProblemCode::Unavailable | ProblemCode::SlowDown =
                        problem.code
                    {
                        continue;
                    }
                }
                Err(error) => return Err(error),
            }
            self.on_ledger(move |ledger| Ok(ledger.forget_parted(device)?))
                .await?;
        }
        Ok(())
    }

    async fn bring(&mut self, device: DeviceId, sealed: Sealed) -> Result<(), SyncError> {
        let write = move || Ok(handed::write(&sealed.entries, &sealed.signature)?);
        let body = blocking(write).await?;
        let reply: PushReply = message(&self.ask(push_of(body)).await?)?;
        let (key, now_ms) = (self.server_key, self.engine.now_ms());
        self.on_ledger(move |ledger| {
            each_receipt(&reply, |receipt, numbers, refused| {
                if receipt.device != device || !receipt.is_signed_by(&key) {
                    return Err(SyncError::untrustworthy(
                        "a receipt that the server did not sign for this device",
                    ));
                }
                match ledger.accept_carried(receipt, numbers, refused, now_ms) {
                    // What is here of that device is not what the endpoint has; pulling puts it right.
                    Err(LedgerError::Withheld) => Ok(()),
                    other => Ok(other?),
                }
            })
        })
        .await
    }
}

fn push_of(body: Vec<u8>) -> Request {
    Request::new(Method::Post, "/v1/push")
        .header("content-type", BATCH_TYPE)
        .with_time_for(body.len())
        .body(body)
}
