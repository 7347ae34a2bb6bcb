//! The server's event stream: hears that there is something new, and nothing else.

use futures::StreamExt as _;
use shicha_ledger::Ledger;

use super::{
    engine::Engine,
    error::SyncError,
    round::identity,
    transport::{EventBytes, Method, Request},
};

/// A line of the stream is a word; more is not kept.
const MAX_LINE: usize = 1_024;

/// The open stream.
pub(super) struct Listening {
    bytes: EventBytes,
    line: Vec<u8>,
    ready: u32,
    is_first: bool,
}

impl Engine {
    /// Opens the event stream. It ends with the session, or when the line breaks.
    pub(super) async fn listen(&self, ledger: &Ledger) -> Result<Listening, SyncError> {
        let identity = identity(ledger).await?;
        let session = self.session(&identity).await?;
        let request = Request::new(Method::Get, "/v1/events")
            .header("accept", "text/event-stream")
            .header("authorization", format!("Bearer {}", session.token));
        let bytes = self.transport.listen(request).await?;
        Ok(Listening {
            bytes,
            line: Vec::new(),
            ready: 0,
            is_first: true,
        })
    }
}

impl Listening {
    /// Waits until there is something new; `None` when the stream has ended. The server says so once at the beginning, which whoever
    /// opens the stream before a round need not hear.
    pub(super) async fn next(&mut self) -> Option<()> {
        loop {
            while self.ready > 0 {
                self.ready -= 1;
                if !std::mem::take(&mut self.is_first) {
                    // Several at once are heard as one.
                    self.ready = 0;
                    return Some(());
                }
            }
            let bytes = self.bytes.next().await?.ok()?;
            for byte in bytes {
                if byte == b'\n' {
                    self.ready += u32::from(self.line.starts_with(b"data:"));
                    self.line.clear();
                } else if self.line.len() < MAX_LINE {
                    self.line.push(byte);
                }
            }
        }
    }
}
