//! Administration: each call asks the central endpoint, in the session of this computer, and shows the last known list where it does
//! not answer.
//!
//! Invariant: nothing is decided here. The central endpoint asks for each call who may do what; this side only spares a person the
//! way where the answer is known.

pub(crate) mod audit;
pub(crate) mod codes;
pub(crate) mod devices;
pub(crate) mod orgs;
pub(crate) mod packs;
pub(crate) mod people;
pub(crate) mod refused;
pub(crate) mod updates;

use std::sync::Arc;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use shicha_domain::directory::Role;
use shicha_sync::{
    client::{Engine, SyncError},
    protocol::ProblemCode,
};

use crate::{
    app::{App, blocking},
    desk::Desk,
    error::{ApiError, ErrorCode},
    schema::Known,
};

/// What an administrator works with.
pub(super) struct Office {
    pub(super) desk: Desk,
    pub(super) engine: Arc<Engine>,
}

/// A list as it was given last.
#[derive(Serialize, Deserialize)]
struct Kept<T> {
    at_ms: u64,
    list: T,
}

impl Office {
    pub(super) fn of(app: &App) -> Result<Self, ApiError> {
        let desk = app.desk()?;
        if desk.me.role != Role::Administrator {
            return Err(ApiError::new(ErrorCode::NotAllowed));
        }
        let worker = app.0.worker.lock();
        let worker = worker.as_ref().ok_or(ApiError::new(ErrorCode::NoAddress))?;
        Ok(Self {
            engine: worker.engine(),
            desk,
        })
    }

    /// A list that was just given, kept for when there is no network; or the one that is kept.
    pub(super) async fn known<T>(
        &self,
        name: &str,
        asked: Result<T, SyncError>,
    ) -> Result<(T, Known), ApiError>
    where
        T: Serialize + DeserializeOwned + Send + 'static,
    {
        let (ledger, at_ms) = (self.desk.ledger.clone(), self.desk.now_ms());
        let key = format!("admin/{name}");
        blocking(move || match asked {
            Ok(list) => {
                let kept = Kept { at_ms, list };
                let text = serde_json::to_string(&kept).map_err(ApiError::bad_request)?;
                ledger.set_setting(&key, &text)?;
                let known = Known {
                    at_ms: Some(at_ms),
                    is_live: true,
                    fault: None,
                };
                Ok((kept.list, known))
            }
            Err(error) => {
                let fault = admin_error(error);
                let kept = ledger.setting(&key)?;
                // One that another version of this program kept may read differently; then there is none.
                let kept: Option<Kept<T>> = kept.and_then(|text| serde_json::from_str(&text).ok());
                match kept.filter(|_| fault.code != ErrorCode::NotAllowed) {
                    Some(kept) => Ok((
                        kept.list,
                        Known {
                            at_ms: Some(kept.at_ms),
                            is_live: false,
                            fault: Some(fault.code),
                        },
                    )),
                    None => Err(fault),
                }
            }
        })
        .await
    }

    /// After something was changed: the directory here follows at once.
    pub(super) fn changed(&self) {
        if let Some(worker) = self.desk.app.0.worker.lock().as_ref() {
            worker.sync_now();
        }
    }
}

/// An error of administration, for the screens.
pub(super) fn admin_error(error: SyncError) -> ApiError {
    let SyncError::Problem(problem) = &error else {
        return error.into();
    };
    let code = match problem.code {
        ProblemCode::Forbidden => ErrorCode::NotAllowed,
        ProblemCode::NotFound => ErrorCode::NotFound,
        ProblemCode::Conflict => ErrorCode::Contradiction,
        _ => return error.into(),
    };
    let mut said = ApiError::new(code).with("detail", problem.detail.clone());
    for key in ["reason", "newest", "bureau"] {
        if let Some(value) = problem.extra.get(key) {
            said = said.with(key, value.clone());
        }
    }
    if code == ErrorCode::NotFound {
        said = said.with("what", "admin");
    }
    said
}

/// A text as a person typed it; nothing where there is nothing.
pub(super) fn typed(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
}
