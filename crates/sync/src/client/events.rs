//! The server's event stream: hears that there is something new, and nothing else.
//!
//! A proxy on the way may hold back what the server says until there is more of it. Such a stream opens, or seems to, and is silent. So
//! a stream counts only once something came through, and only for as long as something comes: the server speaks at once, and then every
//! fifteen seconds. Whoever hears nothing asks ([`super::Worker`]) and tries the stream again now and then.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::StreamExt as _;
use shicha_ledger::Ledger;
use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
    time::{Instant, timeout},
};

use super::{
    engine::Engine,
    error::SyncError,
    round::identity,
    transport::{EventBytes, Method, Request},
    worker::{Chance, Pauses},
};

/// A line of the stream is a word; more is not kept.
const MAX_LINE: usize = 1_024;
/// How long the first word may take. The server says it at once.
const FIRST_WORD: Duration = Duration::from_secs(10);
/// The server says something every fifteen seconds. Nothing for this long, and the stream is not to be trusted.
const SILENCE: Duration = Duration::from_secs(40);
/// A stream that lived for this long is a good one: when it ends, it is opened again soon.
const GOOD: Duration = Duration::from_secs(120);
/// How long a round waits for a stream that is being opened, so that what comes in during the round is heard after it.
const SETTLE: Duration = Duration::from_secs(2);

/// What comes over the stream.
struct Words {
    bytes: EventBytes,
    line: Vec<u8>,
}

impl Words {
    fn new(bytes: EventBytes) -> Self {
        Self {
            bytes,
            line: Vec::new(),
        }
    }

    /// Waits for the next bytes: whether they say that there is something new. `None` when the stream has ended.
    async fn next(&mut self) -> Option<bool> {
        let bytes = self.bytes.next().await?.ok()?;
        let mut is_news = false;
        for byte in bytes {
            if byte == b'\n' {
                is_news |= self.line.starts_with(b"data:");
                self.line.clear();
            } else if self.line.len() < MAX_LINE {
                self.line.push(byte);
            }
        }
        Some(is_news)
    }
}

/// What may be expected of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// Nothing.
    Down,
    /// Nothing yet.
    Opening,
    /// That it says when there is something new.
    Good,
}

struct Shared {
    line: watch::Sender<Line>,
    heard: Notify,
    /// That the server asked to be left alone when the stream was to be opened.
    refusal: Mutex<Option<SyncError>>,
}

/// Listens in the background, as long as there is something to listen to.
pub(super) struct Ear {
    shared: Arc<Shared>,
    task: Option<JoinHandle<bool>>,
    pauses: Pauses,
    again_at: Instant,
}

impl Ear {
    pub(super) fn new() -> Self {
        Self {
            shared: Arc::new(Shared {
                line: watch::Sender::new(Line::Down),
                heard: Notify::new(),
                refusal: Mutex::default(),
            }),
            task: None,
            pauses: Pauses::new(),
            again_at: Instant::now(),
        }
    }

    /// Whether the stream says when there is something new.
    pub(super) fn is_good(&self) -> bool {
        *self.shared.line.borrow() == Line::Good
    }

    /// When the stream is tried again; `None` while it is open or being opened.
    pub(super) fn again_at(&self) -> Option<Instant> {
        self.task.is_none().then_some(self.again_at)
    }

    /// Opens the stream where there is none and it is time to.
    pub(super) fn listen(
        &mut self,
        opening: impl Future<Output = Result<EventBytes, SyncError>> + Send + 'static,
    ) {
        if self.task.is_some() || Instant::now() < self.again_at {
            return;
        }
        self.shared.line.send_replace(Line::Opening);
        let shared = Arc::clone(&self.shared);
        self.task = Some(tokio::spawn(async move {
            let begun = Instant::now();
            read(opening, &shared).await;
            shared.line.send_replace(Line::Down);
            begun.elapsed() >= GOOD
        }));
    }

    /// Before a round: waits a moment for a stream that is being opened, and forgets what was heard. The round finds what it was about.
    /// `Some`: the server asked to be left alone.
    pub(super) async fn settle(&self) -> Option<SyncError> {
        let mut line = self.shared.line.subscribe();
        // Whichever it is, the round goes on.
        let _elapsed = timeout(SETTLE, line.wait_for(|line| *line != Line::Opening))
            .await
            .is_err();
        let _nothing = timeout(Duration::ZERO, self.shared.heard.notified())
            .await
            .is_err();
        let refusal = self.shared.refusal.lock();
        refusal.unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Waits until there is something new, or the stream has become another one to be expected nothing of.
    pub(super) async fn next(&mut self, chance: &Chance) -> Heard {
        let Some(task) = self.task.as_mut() else {
            return std::future::pending().await;
        };
        tokio::select! {
            biased;
            () = self.shared.heard.notified() => Heard::News,
            ended = task => {
                let was_good = ended.unwrap_or(false);
                self.ended(was_good, chance);
                Heard::End
            }
        }
    }

    /// Lets go of the stream: its session may be the reason why a round failed.
    pub(super) fn close(&mut self, chance: &Chance) {
        if let Some(task) = self.task.take() {
            task.abort();
            self.shared.line.send_replace(Line::Down);
            self.ended(false, chance);
        }
    }

    fn ended(&mut self, was_good: bool, chance: &Chance) {
        self.task = None;
        if was_good {
            self.pauses = Pauses::new();
        }
        self.again_at = Instant::now() + self.pauses.take(chance);
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// What the ear says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    /// There is something new.
    News,
    /// The stream has ended, or is not to be trusted.
    End,
}

/// Reads a stream for as long as it can be trusted.
async fn read(opening: impl Future<Output = Result<EventBytes, SyncError>>, shared: &Shared) {
    let first = async {
        let mut words = Words::new(opening.await?);
        let is_news = words.next().await;
        Ok::<_, SyncError>((words, is_news))
    };
    let (mut words, mut said) = match timeout(FIRST_WORD, first).await {
        Ok(Ok(opened)) => opened,
        Ok(Err(error)) => {
            tracing::debug!(%error, "no event stream");
            if error.retry_after().is_some() {
                let refusal = shared.refusal.lock();
                *refusal.unwrap_or_else(PoisonError::into_inner) = Some(error);
            }
            return;
        }
        Err(_elapsed) => {
            tracing::info!("the event stream is silent: something on the way holds it back");
            return;
        }
    };
    while let Some(is_news) = said {
        shared.line.send_if_modified(|line| {
            let is_other = *line != Line::Good;
            *line = Line::Good;
            is_other
        });
        if is_news {
            shared.heard.notify_one();
        }
        said = match timeout(SILENCE, words.next()).await {
            Ok(said) => said,
            Err(_elapsed) => {
                tracing::info!("the event stream went silent");
                None
            }
        };
    }
}

impl Engine {
    /// Opens the event stream. It ends with the session, or when the line breaks.
    pub(super) async fn event_bytes(&self, ledger: &Ledger) -> Result<EventBytes, SyncError> {
        let identity = identity(ledger).await?;
        let session = self.session(&identity).await?;
        let request = Request::new(Method::Get, "/v1/events")
            .header("accept", "text/event-stream")
            .header("authorization", format!("Bearer {}", session.token));
        Ok(self.transport.listen(request).await?)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use futures::{FutureExt as _, stream};

    use super::*;

    fn chance() -> Chance {
        Box::new(|| 1.0)
    }

    /// A stream that says each of these after so many seconds, and then nothing.
    fn says(words: Vec<(u64, &'static str)>) -> EventBytes {
        stream::iter(words)
            .then(|(after_s, word)| async move {
                tokio::time::sleep(Duration::from_secs(after_s)).await;
                Ok(word.as_bytes().to_vec())
            })
            .chain(stream::pending())
            .boxed()
    }

    async fn opened(bytes: EventBytes) -> Result<EventBytes, SyncError> {
        Ok(bytes)
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_opens_and_never_speaks_is_given_up_and_never_trusted() {
        let mut ear = Ear::new();
        let begun = Instant::now();
        ear.listen(opened(says(vec![])));
        ear.settle().await;
        assert_eq!(
            begun.elapsed(),
            SETTLE,
            "a round waits only a moment for it"
        );
        assert!(!ear.is_good());
        assert_eq!(ear.next(&chance()).await, Heard::End);
        assert_eq!(begun.elapsed(), FIRST_WORD);
        assert!(!ear.is_good());
    }

    #[tokio::test(start_paused = true)]
    async fn a_proxy_that_does_not_even_give_the_headers_delays_no_round() {
        let mut ear = Ear::new();
        let begun = Instant::now();
        ear.listen(std::future::pending());
        ear.settle().await;
        assert_eq!(begun.elapsed(), SETTLE);
        assert_eq!(ear.next(&chance()).await, Heard::End);
        assert_eq!(begun.elapsed(), FIRST_WORD);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_is_trusted_for_as_long_as_something_comes_and_news_are_heard() {
        let mut ear = Ear::new();
        let begun = Instant::now();
        ear.listen(opened(says(vec![
            (0, "data: entries\n\n"),
            (15, ":\n\n"),
            (15, ":\n\n"),
            (10, "data: en"),
            (0, "tries\n\n"),
        ])));
        ear.settle().await;
        assert!(ear.is_good());
        assert!(
            ear.next(&chance()).now_or_never().is_none(),
            "the first word is about the time before the round"
        );
        assert_eq!(ear.next(&chance()).await, Heard::News);
        assert_eq!(begun.elapsed().as_secs(), 40);
        assert!(ear.is_good());
        assert_eq!(ear.next(&chance()).await, Heard::End);
        assert_eq!(begun.elapsed().as_secs(), 80, "forty seconds of silence");
        assert!(!ear.is_good());
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_that_falls_silent_again_and_again_is_tried_ever_more_seldom() {
        let mut ear = Ear::new();
        let mut pauses = Vec::new();
        for _ in 0..10 {
            tokio::time::sleep_until(ear.again_at().unwrap()).await;
            ear.listen(opened(says(vec![(0, "data: entries\n\n")])));
            while ear.next(&chance()).await != Heard::End {}
            pauses.push((ear.again_at().unwrap() - Instant::now()).as_secs());
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]);
        // One that lived counts as good, and is opened again soon when it ends.
        tokio::time::sleep_until(ear.again_at().unwrap()).await;
        ear.listen(opened(says(
            vec![(0, ":\n"); 1]
                .into_iter()
                .chain(vec![(15, ":\n"); 8])
                .collect(),
        )));
        assert_eq!(ear.next(&chance()).await, Heard::End);
        assert_eq!((ear.again_at().unwrap() - Instant::now()).as_secs(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_has_no_session_is_told_nothing_and_tries_later() {
        let mut ear = Ear::new();
        ear.listen(async { Err(SyncError::NotEnrolled) });
        assert_eq!(ear.next(&chance()).await, Heard::End);
        assert!(ear.again_at().unwrap() > Instant::now());
        ear.listen(opened(says(vec![(0, ":\n")])));
        assert!(ear.again_at().is_some(), "not before it is time");
    }
}
