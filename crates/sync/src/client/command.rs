//! Orders of the administrator to a device that was revoked: told apart from a plain revocation, checked, and acknowledged.
//!
//! Invariant: an order counts only with the signature of the pinned key, for this device. Carrying it out is not done here: the ledger
//! has to be closed for it.

use std::sync::Arc;

use shicha_ledger::Ledger;

use super::{
    engine::Engine,
    error::SyncError,
    http::HttpTransport,
    round::identity,
    session::{answer, post},
    transport::Transport,
};
use crate::protocol::{
    ProblemCode,
    order::{ORDER, Obeyed, Order, obeyed_bytes},
    signing,
};

/// An order that this device is to carry out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// What.
    pub order: Order,
    /// The word that it was done, signed beforehand: afterwards there may be no key to sign with.
    pub obeyed: Obeyed,
    /// Who ordered it.
    pub server_name: String,
    /// Where the word goes.
    pub server_url: String,
}

impl Engine {
    /// The order that came with a refusal, if one did and it is genuine.
    pub async fn command(&self, ledger: &Ledger, refusal: &SyncError) -> Option<Command> {
        let SyncError::Problem(problem) = refusal else {
            return None;
        };
        let order = problem.extra.get(ORDER)?;
        if problem.code != ProblemCode::Revoked {
            return None;
        }
        let order: Order = match serde_json::from_value(order.clone()) {
            Ok(order) => order,
            Err(_) => {
                tracing::warn!("an order that cannot be read is not obeyed");
                return None;
            }
        };
        let identity = match identity(ledger).await {
            Ok(identity) => identity,
            Err(error) => {
                tracing::error!(%error, "an order could not be checked");
                return None;
            }
        };
        if !order.is_for(identity.device, &identity.server_key) {
            tracing::warn!("an order that the pinned server did not sign is not obeyed");
            return None;
        }
        let said = obeyed_bytes(order.device, order.act, order.at_ms);
        let obeyed = Obeyed {
            device: order.device,
            act: order.act,
            at_ms: order.at_ms,
            signature: signing::sign(&identity.signing_key, &said),
        };
        Some(Command {
            order,
            obeyed,
            server_name: identity.server_name,
            server_url: identity.server_url,
        })
    }
}

/// Gives the central endpoint the word that an order was carried out.
///
/// # Errors
/// When it does not get there; to be tried again.
pub async fn tell_obeyed(url: &str, obeyed: &Obeyed) -> Result<(), SyncError> {
    tell_obeyed_with(Arc::new(HttpTransport::new(url)?), obeyed).await
}

/// [`tell_obeyed`] over a transport.
///
/// # Errors
/// As there.
pub async fn tell_obeyed_with(
    transport: Arc<dyn Transport>,
    obeyed: &Obeyed,
) -> Result<(), SyncError> {
    answer(transport.call(post("/v1/obeyed", obeyed)?).await?).map(|_| ())
}
