//! What is noticed without being asked: another network, a computer that woke up, findings that are due.
//!
//! Nothing depends on it: synchronisation tries by itself, and what is due stands on the workbench. It only makes both sooner known.

use std::{
    net::Ipv4Addr,
    sync::{Arc, Weak},
    time::Duration,
};

use shicha_ledger::{FindingFilter, FindingSort};
use shicha_sync::nearby;
use tokio::time::{MissedTickBehavior, interval};

use crate::{
    App,
    app::{Inner, blocking},
    error::ApiError,
    handlers::rows::{small, today},
    schema::HostEvent,
    time::local_or_epoch,
};

const TICK: Duration = Duration::from_secs(5);
/// What is due is looked for at each so manieth tick: once a minute.
const TICKS_TO_REMIND: u64 = 12;
/// A tick that comes so much late was slept over.
const SLEPT_MS: u64 = 30_000;
/// From this hour on people are reminded: what comes with the first start at night is seen by nobody.
const FROM_HOUR: u32 = 8;

/// Begins to watch, until the application ends.
pub(crate) fn begin(app: &App) {
    tokio::spawn(watch(Arc::downgrade(&app.0)));
}

async fn watch(app: Weak<Inner>) {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut before: Option<Around> = None;
    for tick in 0_u64.. {
        ticks.tick().await;
        let Some(app) = app.upgrade().map(App) else {
            return;
        };
        let looking = app.clone();
        let Ok(now) = blocking(move || Ok(Around::of(&looking))).await else {
            continue;
        };
        let has_left = before.is_some_and(|before| before.is_left_by(&now));
        if has_left {
            app.try_now();
        }
        if has_left || tick % TICKS_TO_REMIND == 0 {
            look(&app).await;
        }
        before = Some(now);
    }
}

/// Looks once for what is due, and reminds of it.
pub(crate) async fn look(app: &App) {
    let looking = app.clone();
    if let Err(error) = blocking(move || remind(&looking)).await {
        tracing::warn!(%error, "what is due could not be read");
    }
}

/// The network as it was at a moment.
struct Around {
    at_ms: u64,
    addresses: Vec<Ipv4Addr>,
}

impl Around {
    fn of(app: &App) -> Self {
        Self {
            at_ms: app.now_ms(),
            addresses: nearby::own_addresses(),
        }
    }

    /// Whether there is now something worth trying: another network, or the same one after sleeping.
    fn is_left_by(&self, now: &Self) -> bool {
        let was_asleep = now.at_ms.saturating_sub(self.at_ms) > SLEPT_MS;
        !now.addresses.is_empty() && (was_asleep || now.addresses != self.addresses)
    }
}

/// Tells what is due, once a day, on the day's first occasion.
fn remind(app: &App) -> Result<(), ApiError> {
    let day = today(app);
    let name = day.to_string();
    let is_night = chrono::Timelike::hour(&local_or_epoch(app.now_ms())) < FROM_HOUR;
    if is_night || !app.notices() || app.0.prefs.was_reminded(&name) {
        return Ok(());
    }
    if app.enrolled().is_none() {
        return Ok(());
    }
    let ledger = app.ledger()?;
    let due_before = |day: Option<shicha_domain::pack::Date>| {
        let filter = FindingFilter {
            due_before_day: day.map(|day| day.to_string()),
            is_open: true,
            ..Default::default()
        };
        let found = ledger.findings(&filter, FindingSort::Due, false, 0, 1)?;
        Ok::<_, ApiError>(small(found.total))
    };
    let overdue = due_before(Some(day))?;
    let today = match day.plus_days(1) {
        Some(next) => due_before(Some(next))?.saturating_sub(overdue),
        None => 0,
    };
    if today + overdue > 0 {
        app.0.prefs.set_reminded(&name)?;
        app.emit(HostEvent::Due { today, overdue });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(at_ms: u64, addresses: &[[u8; 4]]) -> Around {
        Around {
            at_ms,
            addresses: addresses.iter().map(|&ip| ip.into()).collect(),
        }
    }

    #[test]
    fn another_network_and_waking_up_are_worth_trying_and_nothing_else_is() {
        let home = around(1_000, &[[192, 168, 1, 7]]);
        let later = home.at_ms + TICK.as_millis() as u64;
        for (now, is_worth) in [
            (around(later, &[[192, 168, 1, 7]]), false),
            (around(later, &[[192, 168, 43, 2]]), true),
            (around(later, &[]), false),
            (around(later + SLEPT_MS, &[[192, 168, 1, 7]]), true),
            (around(later + SLEPT_MS, &[]), false),
            // A clock that was set back.
            (around(0, &[[192, 168, 1, 7]]), false),
        ] {
            assert_eq!(home.is_left_by(&now), is_worth, "{}", now.at_ms);
        }
        let away = around(1_000, &[]);
        assert!(away.is_left_by(&around(later, &[[10, 0, 0, 3]])));
    }
}
