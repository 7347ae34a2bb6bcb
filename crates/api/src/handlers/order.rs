//! What the administrator ordered this computer, which was revoked, to do: closing the ledger and locking or wiping it, and the screens'
//! view of that.
//!
//! Invariant: an order is written down before anything is done. Whatever happens then, the next start goes on with it before it opens
//! anything.

use std::time::Duration;

use shicha_ledger::{Fate, KeyError, Standing};
use shicha_sync::{
    client::{Command, tell_obeyed},
    protocol::{
        order::{Obeyed, OrderAct},
        unlock::UnlockSecret,
    },
};

use super::setup::{LEAST_PASSPHRASE, app_status, begin, open};
use crate::{
    app::{App, blocking},
    error::{ApiError, ErrorCode},
    schema::*,
};

/// Between two tries to tell the central endpoint that an order was carried out.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// The order that stands here, if one does.
pub(crate) fn standing(app: &App) -> Result<Option<Standing>, ApiError> {
    Ok(Standing::read(&app.0.config.data_dir)?)
}

/// For the screens: an order that still matters to whoever sits here.
pub(crate) fn view(standing: &Standing) -> OrderView {
    OrderView {
        order: match standing.fate {
            Fate::Locked => "lock".into(),
            Fate::Wiped => "wipe".into(),
        },
        at_ms: standing.ordered_at_ms,
        server_name: standing.server_name.clone(),
        is_told: standing.is_told,
    }
}

/// Goes on at the start of the program with what was ordered before. `true`: nobody may work here.
pub(crate) fn go_on(app: &App) -> Result<bool, ApiError> {
    let Some(mut standing) = standing(app)? else {
        return Ok(false);
    };
    standing.carry_out(&app.0.config.data_dir)?;
    let is_barred = standing.is_barred();
    tell(app, standing);
    Ok(is_barred)
}

/// Carries out what the central endpoint ordered.
pub(crate) async fn obey(app: App, command: Command) {
    match obeyed(&app, command).await {
        Ok(Some(standing)) => {
            app.emit(HostEvent::Ordered {
                order: view(&standing),
            });
            tell(&app, standing);
        }
        Ok(None) => {}
        // What is written down is done at the next start.
        Err(error) => tracing::error!(%error, "an order could not be carried out whole"),
    }
}

async fn obeyed(app: &App, command: Command) -> Result<Option<Standing>, ApiError> {
    let fate = match command.order.act {
        OrderAct::Lock => Fate::Locked,
        OrderAct::Wipe => Fate::Wiped,
    };
    let dir = app.0.config.data_dir.clone();
    if let Some(before) = standing(app)?
        && before.is_same(fate, command.order.at_ms)
    {
        // Opened again since by the administrator's code, or under way.
        return Ok(None);
    }
    let word = serde_json::to_string(&command.obeyed).map_err(ApiError::bad_request)?;
    let standing = Standing::new(
        fate,
        command.order.at_ms,
        command.server_name,
        command.server_url,
        word,
    );
    let ledger = app.ledger()?;
    let writing = dir.clone();
    let mut standing = blocking(move || {
        Ok(match fate {
            Fate::Wiped => standing.wipe(&writing)?,
            Fate::Locked => {
                let lock_key = <[u8; 32]>::try_from(command.order.lock_key.as_slice())
                    .map_err(|_| ApiError::new(ErrorCode::ServerUntrustworthy))?;
                standing.lock(&writing, &ledger.key(), &lock_key)?
            }
        })
    })
    .await?;
    tracing::warn!(?fate, "the administrator ordered it");
    // Screens that still ask get `NotReady` from here on.
    app.shutdown().await;
    blocking(move || {
        standing.carry_out(&dir)?;
        Ok(Some(standing))
    })
    .await
}

/// Gives the central endpoint the word, until it has it.
fn tell(app: &App, mut standing: Standing) {
    if standing.is_told || !standing.is_done {
        return;
    }
    let dir = app.0.config.data_dir.clone();
    let telling = app.clone();
    tokio::spawn(async move {
        let word: Obeyed = match serde_json::from_str(&standing.word) {
            Ok(word) => word,
            Err(error) => {
                tracing::error!(%error, "the word that an order was carried out cannot be read");
                return;
            }
        };
        let mut pause = FIRST_PAUSE;
        while let Err(error) = tell_obeyed(&standing.server_url, &word).await {
            tracing::info!(%error, "the central endpoint does not know yet that its order was carried out");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        let noted = blocking(move || {
            // Another order may have come in the meantime.
            if Standing::read(&dir)?.is_some_and(|now| now.word == standing.word) {
                standing.told(&dir)?;
            }
            Ok(standing)
        });
        match noted.await {
            Ok(standing) => telling.emit(HostEvent::Ordered {
                order: view(&standing),
            }),
            Err(error) => tracing::warn!(%error, "it is told again at the next start"),
        }
    });
}

pub(crate) async fn order_unlock(app: &App, request: OrderUnlock) -> Result<AppStatus, ApiError> {
    let unlocking = app.clone();
    blocking(move || {
        let wrong = || ApiError::new(ErrorCode::BadUnlockCode);
        let secret: UnlockSecret = request.code.parse().map_err(|_| wrong())?;
        if request.passphrase.chars().count() < LEAST_PASSPHRASE {
            return Err(ApiError::new(ErrorCode::WeakPassphrase));
        }
        let mut standing = standing(&unlocking)?.ok_or(ApiError::new(ErrorCode::NotReady))?;
        if standing.fate != Fate::Locked || !standing.is_barred() {
            return Err(ApiError::new(ErrorCode::NotReady));
        }
        let dir = &unlocking.0.config.data_dir;
        let key = standing
            .lift(dir, &secret.lock_key(), &request.passphrase)
            .map_err(|error| match error {
                KeyError::WrongPassphrase => wrong(),
                other => other.into(),
            })?;
        open(&unlocking, &key)
    })
    .await?;
    begin(app).await?;
    app_status(app, Empty {}).await
}
