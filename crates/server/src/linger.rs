//! Closing a connection so that the last answer arrives.
//!
//! Whoever answers before a request has arrived whole (evidence that goes on elsewhere, a session that has ended, too many requests) and
//! closes at once resets the connection with the next byte that comes in, and the reset overtakes the answer or wipes it out at the
//! other end: the client sees a broken line, and sends the same again. So the own direction is closed first, and what still comes in
//! is read and thrown away until the client closes too, for a while (RFC 9112 §9.6).

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::watch,
    time::{Instant, Sleep, sleep},
};

use crate::serve::closed;

/// How long nothing may come before the client is taken to be gone.
const SILENCE: Duration = Duration::from_secs(5);
/// How long it is listened to in all: half a part of evidence takes this long at 64 kbit/s.
const LONGEST: Duration = Duration::from_secs(60);
/// How long it is listened to in all once the endpoint itself closes: long enough for an answer to arrive and to be taken.
const LEAVING: Duration = Duration::from_millis(500);
/// What is read of a client that does not stop.
const MOST: usize = 16 << 20;

/// A connection that is closed like that.
pub(crate) struct Lingering<S> {
    stream: S,
    closing: Option<Closing>,
    /// Whether the endpoint closes.
    leaving: watch::Receiver<bool>,
}

struct Closing {
    silence: Pin<Box<Sleep>>,
    end: Instant,
    left: usize,
    /// Resolves when the endpoint closes; `None` once it did.
    leaving: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl<S> Lingering<S> {
    /// `leaving` says when the endpoint itself closes.
    pub(crate) fn new(stream: S, leaving: watch::Receiver<bool>) -> Self {
        Self {
            stream,
            closing: None,
            leaving,
        }
    }
}

impl Closing {
    fn begin(mut leaving: watch::Receiver<bool>) -> Self {
        Self {
            silence: Box::pin(sleep(SILENCE)),
            end: Instant::now() + LONGEST,
            left: MOST,
            leaving: Some(Box::pin(async move { closed(&mut leaving).await })),
        }
    }

    /// Where the endpoint closes, nobody is waited for any longer than it takes to say goodbye.
    fn hurry(&mut self, cx: &mut Context<'_>) {
        let is_leaving = self
            .leaving
            .as_mut()
            .is_some_and(|leaving| leaving.as_mut().poll(cx).is_ready());
        if is_leaving {
            self.leaving = None;
            self.end = self.end.min(Instant::now() + LEAVING);
            let next = self.silence.deadline().min(self.end);
            self.silence.as_mut().reset(next);
        }
    }

    /// Reads until there is a reason to stop. Why does not matter: nothing can be told to the client any more.
    fn poll<S: AsyncRead + Unpin>(&mut self, stream: &mut S, cx: &mut Context<'_>) -> Poll<()> {
        self.hurry(cx);
        let mut room = [0; 8 << 10];
        while self.left > 0 {
            let mut thrown_away = ReadBuf::new(&mut room);
            match Pin::new(&mut *stream).poll_read(cx, &mut thrown_away) {
                Poll::Ready(Ok(())) if !thrown_away.filled().is_empty() => {
                    self.left = self.left.saturating_sub(thrown_away.filled().len());
                    let next = (Instant::now() + SILENCE).min(self.end);
                    self.silence.as_mut().reset(next);
                }
                Poll::Ready(_) => break,
                Poll::Pending => return self.silence.as_mut().poll(cx),
            }
        }
        Poll::Ready(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Lingering<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        room: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, room)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Lingering<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self {
            stream,
            closing,
            leaving,
        } = self.get_mut();
        if closing.is_none() {
            ready!(Pin::new(&mut *stream).poll_shutdown(cx))?;
        }
        let closing = closing.get_or_insert_with(|| Closing::begin(leaving.clone()));
        closing.poll(stream, cx).map(Ok)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    /// The endpoint goes on.
    fn staying() -> (watch::Sender<bool>, watch::Receiver<bool>) {
        watch::channel(false)
    }

    #[tokio::test(start_paused = true)]
    async fn once_the_endpoint_closes_nobody_is_waited_for() {
        let (close, leaving) = staying();
        let (_client, server) = duplex(64);
        let lingering = tokio::spawn({
            let leaving = leaving.clone();
            async move { Lingering::new(server, leaving).shutdown().await }
        });
        tokio::task::yield_now().await;
        let begin = Instant::now();
        close.send(true).unwrap();
        lingering.await.unwrap().unwrap();
        assert_eq!(begin.elapsed().as_millis(), LEAVING.as_millis());
        let (_client, server) = duplex(64);
        Lingering::new(server, leaving).shutdown().await.unwrap();
        assert_eq!(begin.elapsed().as_millis(), 2 * LEAVING.as_millis());
    }

    #[tokio::test]
    async fn a_client_that_still_sends_gets_the_answer_and_is_read_until_it_closes() {
        let (_staying, leaving) = staying();
        let (mut client, server) = duplex(64);
        let closing = tokio::spawn(async move {
            let mut server = Lingering::new(server, leaving);
            server.write_all(b"answer").await?;
            server.shutdown().await
        });
        client.write_all(&[7; 100_000]).await.unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer, b"answer");
        assert!(!closing.is_finished(), "the client has not closed yet");
        drop(client);
        closing.await.unwrap().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_falls_silent_is_not_waited_for_long() {
        let (_staying, leaving) = staying();
        let (mut client, server) = duplex(64);
        client.write_all(b"half a request").await.unwrap();
        let begin = Instant::now();
        Lingering::new(server, leaving).shutdown().await.unwrap();
        assert_eq!(begin.elapsed().as_secs(), SILENCE.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_never_stops_is_cut_off_by_time() {
        let (_staying, leaving) = staying();
        let (mut client, server) = duplex(64);
        let drip = tokio::spawn(async move {
            while client.write_all(b"x").await.is_ok() {
                sleep(SILENCE / 2).await;
            }
        });
        let begin = Instant::now();
        let mut server = Lingering::new(server, leaving);
        server.shutdown().await.unwrap();
        assert_eq!(begin.elapsed().as_secs(), LONGEST.as_secs());
        drop(server);
        drip.await.unwrap();
    }

    #[tokio::test]
    async fn a_client_that_never_stops_is_cut_off_by_amount() {
        let (_staying, leaving) = staying();
        let (mut client, server) = duplex(1 << 16);
        let flood = tokio::spawn(async move {
            let mut sent = 0_usize;
            while client.write_all(&[7; 1 << 16]).await.is_ok() {
                sent += 1 << 16;
            }
            sent
        });
        let mut server = Lingering::new(server, leaving);
        server.shutdown().await.unwrap();
        drop(server);
        let sent = flood.await.unwrap();
        assert!((MOST..MOST + (1 << 18)).contains(&sent), "{sent}");
    }
}
