//! The line to the other laptop while a session lasts: one task reads, one writes, so that each side hears a farewell whatever it does,
//! and neither takes the other's thinking for silence.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::mpsc,
    task::JoinHandle,
    time::timeout,
};

use super::{
    channel::{Channel, Kind, Message, Reader, Writer},
    exchange::Count,
    fault::{NearbyFault, Reason},
    greeting::Hello,
};
use shicha_domain::BlobHash;

/// How long nothing may be heard.
const SILENCE: Duration = Duration::from_secs(30);
/// After how long a side that has nothing to say says that it is there.
const SIGN_OF_LIFE: Duration = Duration::from_secs(8);
/// How long a farewell may take.
const FAREWELL: Duration = Duration::from_secs(2);

/// What the two programs say to each other beside entries and evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case")]
pub(super) enum Word {
    /// Who I am.
    Hello(Box<Hello>),
    /// The asking side's random number, to which it committed.
    Nonce {
        #[serde(with = "hex")]
        nonce: [u8; 32],
    },
    /// My person says that the digits are the same.
    Agreed,
    /// So many entries I have for you.
    Giving { entries: u64 },
    /// These were all entries that I have for you.
    NoMoreEntries,
    /// What became of your entries here.
    Taken(Count),
    /// Evidence that I lack, with the bytes that I have of each.
    Wanted { files: Vec<(BlobHash, u64)> },
    /// So many of those files I have for you, and so many bytes of them are to go.
    GivingFiles { files: u64, bytes: u64 },
    /// These were all files that I have for you.
    NoMoreFiles,
    /// I am here.
    Here,
    /// I am done; nothing is missing.
    Done,
    /// I end this.
    Bye { reason: Reason },
}

impl Word {
    fn message(&self) -> Result<Message, NearbyFault> {
        Ok(Message {
            kind: Kind::Word,
            bytes: serde_json::to_vec(self)
                .map_err(|error| NearbyFault::here(Reason::Broken, error))?,
        })
    }
}

/// What was heard.
#[derive(Debug)]
pub(super) enum Heard {
    Word(Word),
    Entries(Vec<u8>),
    Part(Vec<u8>),
}

/// The line.
pub(super) struct Line {
    inbox: mpsc::Receiver<Result<Message, NearbyFault>>,
    outbox: Option<mpsc::Sender<Message>>,
    is_agreed: Arc<AtomicBool>,
    reading: JoinHandle<()>,
    writing: JoinHandle<Result<(), NearbyFault>>,
}

impl Line {
    pub(super) fn new<R, W>(channel: Channel<R, W>) -> Self
    where
        R: AsyncRead + Unpin + Send + 'static,
        W: AsyncWrite + Unpin + Send + 'static,
    {
        let (heard, inbox) = mpsc::channel(2);
        let (outbox, to_send) = mpsc::channel(2);
        let is_agreed = Arc::new(AtomicBool::new(false));
        Self {
            inbox,
            outbox: Some(outbox),
            reading: tokio::spawn(read(channel.reader, heard, Arc::clone(&is_agreed))),
            writing: tokio::spawn(write(channel.writer, to_send)),
            is_agreed,
        }
    }

    /// From now on entries and evidence may come.
    pub(super) fn agreed(&self) {
        self.is_agreed.store(true, Ordering::SeqCst);
    }

    pub(super) async fn say(&mut self, word: &Word) -> Result<(), NearbyFault> {
        self.send(word.message()?).await
    }

    pub(super) async fn send(&mut self, message: Message) -> Result<(), NearbyFault> {
        let sent = match &self.outbox {
            Some(outbox) => outbox.send(message).await.is_ok(),
            None => false,
        };
        if sent {
            return Ok(());
        }
        // Whoever hangs up says why first.
        while let Ok(heard) = self.inbox.try_recv() {
            heard.and_then(parse)?;
        }
        Err(NearbyFault::here(
            Reason::Broken,
            "nothing can be sent any more",
        ))
    }

    /// What the other says next, apart from that it is there.
    pub(super) async fn hear(&mut self) -> Result<Heard, NearbyFault> {
        loop {
            let heard = timeout(SILENCE, self.inbox.recv())
                .await
                .map_err(|_| NearbyFault::here(Reason::Broken, "silence"))?
                .unwrap_or_else(|| Err(NearbyFault::here(Reason::Broken, "hung up")))?;
            match parse(heard)? {
                Heard::Word(Word::Here) => {}
                heard => return Ok(heard),
            }
        }
    }

    /// The next word; entries or evidence are out of place.
    pub(super) async fn hear_word(&mut self) -> Result<Word, NearbyFault> {
        match self.hear().await? {
            Heard::Word(word) => Ok(word),
            _ => Err(out_of_place()),
        }
    }

    /// Hangs up, saying why if there is something to say.
    pub(super) async fn end(mut self, last: Option<Word>) {
        if let (Some(outbox), Some(Ok(message))) =
            (self.outbox.take(), last.map(|word| word.message()))
        {
            // The line may be gone: then there is nobody to tell.
            let _ = timeout(FAREWELL, outbox.send(message)).await;
        }
        if timeout(FAREWELL, &mut self.writing).await.is_err() {
            self.writing.abort();
        }
        // Closing with unread bytes would take the farewell away from the other side: let it hang up first.
        let _ = timeout(FAREWELL, async {
            while self.inbox.recv().await.is_some() {}
        })
        .await;
        self.reading.abort();
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

/// Something was said that does not belong here.
pub(super) fn out_of_place() -> NearbyFault {
    NearbyFault::garbage("a message out of place")
}

fn parse(message: Message) -> Result<Heard, NearbyFault> {
    match message.kind {
        Kind::Entries => Ok(Heard::Entries(message.bytes)),
        Kind::Part => Ok(Heard::Part(message.bytes)),
        Kind::Word => match serde_json::from_slice(&message.bytes) {
            Ok(Word::Bye { reason }) => Err(NearbyFault::there(reason)),
            Ok(word) => Ok(Heard::Word(word)),
            Err(error) => Err(NearbyFault::garbage(error)),
        },
    }
}

async fn read<R: AsyncRead + Unpin>(
    mut reader: Reader<R>,
    heard: mpsc::Sender<Result<Message, NearbyFault>>,
    is_agreed: Arc<AtomicBool>,
) {
    loop {
        let next = reader.next(&is_agreed).await;
        let is_end = next.is_err();
        if heard.send(next).await.is_err() || is_end {
            return;
        }
    }
}

async fn write<W: AsyncWrite + Unpin>(
    mut writer: Writer<W>,
    mut to_send: mpsc::Receiver<Message>,
) -> Result<(), NearbyFault> {
    let here = Word::Here.message()?;
    loop {
        match timeout(SIGN_OF_LIFE, to_send.recv()).await {
            Ok(Some(message)) => writer.send(&message).await?,
            Ok(None) => {
                writer.close().await;
                return Ok(());
            }
            Err(_) => writer.send(&here).await?,
        }
    }
}
