//! The background: goes a round whenever there is a reason, and says what it does.
//!
//! Reasons are a local change, a word from the server, a person's wish, and time: after a failure with growing pauses, otherwise now
//! and then, in case a word was lost. Connectivity is noticed by trying.

use std::{
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use shicha_ledger::Ledger;
use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
    time::{Instant, MissedTickBehavior, sleep_until},
};

use super::{
    command::Command,
    engine::{Engine, NumberWant, Outcome, blocking},
    error::{SyncError, SyncErrorCode},
    events::{Ear, Heard},
    state::{Phase, Progress, Speed, SyncFault, SyncState},
};

/// A round without any reason, in case the server's word was lost.
const NOW_AND_THEN: Duration = Duration::from_secs(5 * 60);
/// Where the server's word does not come through, it is asked this often instead: by chance between half of it and all of it.
const ASKING: Duration = Duration::from_secs(10);
/// Changes that follow each other this closely go up together.
const TOGETHER: Duration = Duration::from_millis(300);
/// After a failure a local change does not try again sooner than this.
const NOT_SOONER: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);
/// How often the state is brought up to date while a round goes on.
const TICK: Duration = Duration::from_millis(500);

/// Where chance comes from: numbers from 0 up to 1.
pub type Chance = Box<dyn Fn() -> f64 + Send + Sync>;

/// Synchronisation in the background.
pub struct Worker {
    engine: Arc<Engine>,
    reasons: Arc<Reasons>,
    state: watch::Receiver<SyncState>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Reasons {
    change: Notify,
    wish: Notify,
    stop: Notify,
}

impl Worker {
    /// Starts at once, within a Tokio runtime.
    pub fn start(engine: Engine, ledger: Ledger) -> Self {
        Self::start_with(engine, ledger, Box::new(rand::random))
    }

    /// [`Self::start`] with the chance that makes pauses differ.
    pub fn start_with(engine: Engine, ledger: Ledger, chance: Chance) -> Self {
        let engine = Arc::new(engine);
        let reasons = Arc::new(Reasons::default());
        let (sender, state) = watch::channel(SyncState::default());
        let running = Running {
            engine: Arc::clone(&engine),
            ledger,
            reasons: Arc::clone(&reasons),
            state: sender,
            speed: Mutex::default(),
            chance,
        };
        let task = tokio::spawn(running.run());
        Self {
            engine,
            reasons,
            state,
            task,
        }
    }

    /// What it does, to look at and to wait for changes of.
    pub fn state(&self) -> watch::Receiver<SyncState> {
        self.state.clone()
    }

    /// Something was written to the ledger: it goes up in a moment, together with what follows closely.
    pub fn poke(&self) {
        self.reasons.change.notify_one();
    }

    /// A person wishes it, or the network has changed: tried at once.
    pub fn sync_now(&self) {
        self.reasons.wish.notify_one();
    }

    /// Says of which document numbers this device should have a stock, and gets them.
    pub fn want_numbers(&self, wants: Vec<NumberWant>) {
        self.engine.want_numbers(wants);
        self.poke();
    }

    /// What it asks with.
    pub fn engine(&self) -> Arc<Engine> {
        Arc::clone(&self.engine)
    }

    /// Ends. What was under way goes on from where it was when a worker starts again.
    pub async fn stop(self) {
        self.reasons.stop.notify_one();
        if let Err(error) = self.task.await {
            tracing::error!(%error, "synchronisation ended badly");
        }
    }
}

struct Running {
    engine: Arc<Engine>,
    ledger: Ledger,
    reasons: Arc<Reasons>,
    state: watch::Sender<SyncState>,
    speed: Mutex<Speed>,
    chance: Chance,
}

/// Pauses that grow, each a little different so that a bureau's laptops do not all come back in the same second.
pub(super) struct Pauses {
    next: Duration,
}

impl Pauses {
    pub(super) fn new() -> Self {
        Self { next: FIRST_PAUSE }
    }

    /// The next pause: by chance between half of it and all of it.
    pub(super) fn take(&mut self, chance: &Chance) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(LONGEST_PAUSE);
        spread(pause, chance)
    }
}

/// By chance between half of it and all of it.
fn spread(pause: Duration, chance: &Chance) -> Duration {
    pause.mul_f64(0.5 + chance().clamp(0.0, 1.0) / 2.0)
}

/// When the next round is due.
#[derive(Clone, Copy)]
struct Due {
    /// By itself; `None`: only when a person wishes it.
    at: Option<Instant>,
    /// For a local change.
    change_from: Option<Instant>,
    /// For a person's wish: at once, unless the server asked to be left alone.
    wish_from: Instant,
}

impl Due {
    fn no_later_than(self, other: Instant) -> Self {
        Self {
            at: self.at.map(|at| at.min(other)),
            ..self
        }
    }
}

impl Running {
    async fn run(self) {
        let mut pauses = Pauses::new();
        let mut ear = Ear::new();
        loop {
            self.state.send_modify(|state| {
                state.phase = Phase::Connecting;
                state.next_try_ms = None;
            });
            ear.listen({
                let (engine, ledger) = (Arc::clone(&self.engine), self.ledger.clone());
                async move { engine.event_bytes(&ledger).await }
            });
            let round = async {
                if let Some(error) = ear.settle().await {
                    // Asking something else at once is not what it asked for.
                    return (Err(error), None);
                }
                let outcome = self
                    .engine
                    .sync_once(&self.ledger, &|progress| self.took(progress))
                    .await;
                let command = match &outcome {
                    Ok(_) => None,
                    Err(error) => self.engine.command(&self.ledger, error).await,
                };
                (outcome, command)
            };
            let Some((outcome, command)) = self.unless_stopped(round).await else {
                break;
            };
            let due = match &outcome {
                Ok(outcome) => {
                    pauses = Pauses::new();
                    self.ended_well(outcome)
                }
                Err(error) => {
                    ear.close(&self.chance);
                    self.failed(error, command, &mut pauses)
                }
            };
            self.refresh().await;
            if !self.wait(due, outcome.is_ok(), &mut ear).await {
                break;
            }
        }
        self.state.send_modify(|state| {
            state.phase = Phase::Idle;
            state.next_try_ms = None;
            state.bytes_per_s = 0;
        });
    }

    /// Goes on with a round and keeps the state up to date; `None` when the worker is to stop.
    async fn unless_stopped<T>(&self, round: impl Future<Output = T>) -> Option<T> {
        let mut round = pin!(round);
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                ended = &mut round => return Some(ended),
                () = self.reasons.stop.notified() => return None,
                _ = ticks.tick() => self.refresh().await,
            }
        }
    }

    fn took(&self, progress: Progress) {
        match progress {
            Progress::Phase(phase) => {
                self.state
                    .send_if_modified(|state| std::mem::replace(&mut state.phase, phase) != phase);
            }
            Progress::Bytes(bytes) => {
                self.speed
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .add(Instant::now(), bytes);
            }
            Progress::ClockAhead(ms) => {
                self.state
                    .send_if_modified(|state| state.clock_ahead_ms.replace(ms) != Some(ms));
            }
            Progress::Moved(moved) => self.state.send_modify(|state| {
                state.moved.push_front(moved);
                state.moved.truncate(SyncState::MOVED);
            }),
        }
    }

    fn ended_well(&self, outcome: &Outcome) -> Due {
        let now_ms = self.engine.now_ms();
        // What is left of an update is fetched at once, after whatever was written meanwhile.
        let pause = match outcome.update_goes_on {
            true => Duration::ZERO,
            false => NOW_AND_THEN,
        };
        let next = Instant::now() + pause;
        self.state.send_modify(|state| {
            state.phase = Phase::Idle;
            state.last_success_ms = Some(now_ms);
            state.last_error = outcome
                .skipped
                .iter()
                .find(|skipped| skipped.code == SyncErrorCode::Untrustworthy)
                .map(|skipped| SyncFault {
                    code: skipped.code,
                    params: serde_json::json!({ "detail": skipped.detail }),
                });
            if state.last_error.is_some() {
                state.phase = Phase::NeedsAttention;
            }
            state.next_try_ms = Some(now_ms + pause.as_millis() as u64);
        });
        Due {
            at: Some(next),
            change_from: Some(Instant::now()),
            wish_from: Instant::now(),
        }
    }

    fn failed(&self, error: &SyncError, command: Option<Command>, pauses: &mut Pauses) -> Due {
        tracing::info!(code = ?error.code(), %error, "a round of synchronisation failed");
        let is_revoked = error.code() == SyncErrorCode::Revoked;
        let pause = if error.needs_person() {
            LONGEST_PAUSE
        } else {
            pauses.take(&self.chance)
        };
        let asked_for = error.retry_after().unwrap_or_default();
        let pause = pause.max(asked_for);
        let now_ms = self.engine.now_ms();
        self.state.send_modify(|state| {
            state.phase = if error.needs_person() {
                Phase::NeedsAttention
            } else {
                Phase::Offline
            };
            state.last_error = Some(SyncFault::from(error));
            state.command = command;
            state.next_try_ms = (!is_revoked).then_some(now_ms + pause.as_millis() as u64);
        });
        if is_revoked {
            return Due {
                at: None,
                change_from: None,
                wish_from: Instant::now(),
            };
        }
        let now = Instant::now();
        Due {
            at: Some(now + pause),
            change_from: Some(now + pause.min(NOT_SOONER.max(asked_for))),
            wish_from: now + asked_for,
        }
    }

    /// Waits for a reason to go the next round; `false`: the worker is to stop. `is_there`: the server answered, so that it may be
    /// asked where it cannot be heard.
    async fn wait(&self, due: Due, is_there: bool, ear: &mut Ear) -> bool {
        let mut at = self.unless_heard(due, is_there, ear).at;
        loop {
            let time = async {
                match at {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = self.reasons.stop.notified() => return false,
                () = self.reasons.wish.notified() => {
                    if Instant::now() >= due.wish_from {
                        return true;
                    }
                    at = Some(due.wish_from);
                }
                () = time => return true,
                heard = ear.next(&self.chance) => match heard {
                    Heard::News => return true,
                    Heard::End => {
                        // The session has run out, the line broke or is held back: a round finds out which.
                        at = self.unless_heard(Due { at, ..due }, is_there, ear).at;
                    }
                },
                () = self.reasons.change.notified() => {
                    if let Some(from) = due.change_from {
                        let soon = (Instant::now() + TOGETHER).max(from);
                        at = Some(at.map_or(soon, |at| at.min(soon)));
                    }
                    self.refresh().await;
                }
            }
        }
    }

    /// Where the server is there and cannot be heard, it is asked soon, and the stream tried again when it is time.
    fn unless_heard(&self, due: Due, is_there: bool, ear: &Ear) -> Due {
        if !is_there || ear.is_good() {
            return due;
        }
        let due = due.no_later_than(Instant::now() + spread(ASKING, &self.chance));
        let due = match ear.again_at() {
            Some(again) => due.no_later_than(again),
            None => due,
        };
        if let Some(at) = due.at {
            let left = at.saturating_duration_since(Instant::now());
            let next_ms = self.engine.now_ms() + left.as_millis() as u64;
            self.state
                .send_if_modified(|state| state.next_try_ms.replace(next_ms) != Some(next_ms));
        }
        due
    }

    /// Counts what waits, and how fast it goes.
    async fn refresh(&self) {
        let ledger = self.ledger.clone();
        let counts = blocking(move || Ok(ledger.counts()?)).await;
        let speed = self
            .speed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .bytes_per_s(Instant::now());
        match counts {
            Ok(counts) => {
                self.state.send_if_modified(|state| {
                    let now = (
                        counts.waiting_entries,
                        counts.waiting_blobs,
                        counts.waiting_blob_bytes,
                        speed,
                    );
                    let before = (
                        state.waiting_entries,
                        state.waiting_blobs,
                        state.waiting_bytes,
                        state.bytes_per_s,
                    );
                    (
                        state.waiting_entries,
                        state.waiting_blobs,
                        state.waiting_bytes,
                        state.bytes_per_s,
                    ) = now;
                    now != before
                });
            }
            Err(error) => tracing::warn!(%error, "could not count what waits"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(chance: f64, count: usize) -> Vec<f64> {
        let chance: Chance = Box::new(move || chance);
        let mut pauses = Pauses::new();
        (0..count)
            .map(|_| pauses.take(&chance).as_secs_f64())
            .collect()
    }

    #[test]
    fn pauses_double_up_to_five_minutes_and_are_never_less_than_half() {
        let longest = seconds(1.0, 10);
        assert_eq!(
            longest,
            [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 300.0]
        );
        let halves: Vec<f64> = longest.iter().map(|pause| pause / 2.0).collect();
        assert_eq!(seconds(0.0, 10), halves);
    }

    #[test]
    fn a_bureaus_laptops_do_not_all_come_back_in_the_same_second() {
        let (one, other) = (seconds(0.1, 8), seconds(0.9, 8));
        assert!(one.iter().zip(&other).all(|(one, other)| one < other));
    }
}
