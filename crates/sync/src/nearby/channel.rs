//! An encrypted channel between two laptops: Noise (`Noise_NN_25519_ChaChaPoly_SHA256`) over TCP.
//!
//! The keys of the channel are made for it and forgotten with it. It says nothing of who the other is; what binds people and devices
//! to it is its [`Channel::hash`], which differs for everybody who stands in between. Invariant: a frame is at most 64 KiB, a message no
//! longer than its kind allows, both known before memory is taken; a frame that was altered, repeated or left out ends the channel.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use snow::StatelessTransportState;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    time::timeout,
};

use super::fault::{NearbyFault, Reason};
use crate::protocol::{BLOB_PART, MAX_BATCH_BODY, MAX_JSON_BODY};

/// The version of what two laptops say to each other.
pub const VERSION: u16 = 1;
const MAGIC: &[u8; 14] = b"shicha-nearby\0";
const NOISE: &str = "Noise_NN_25519_ChaChaPoly_SHA256";
/// The most bytes of a Noise message.
const MAX_FRAME: usize = 65_535;
/// What encryption adds to a frame.
const TAG: usize = 16;
/// Kind and length at the head of a message.
const HEAD: usize = 5;
/// The most bytes of a message before both people have agreed.
const MAX_BEFORE_AGREED: usize = 16 << 10;
/// How long the channel may take to come about.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// How long one frame may take to be sent: on a weak hotspot 64 KiB still go in this time.
const FRAME_TIME: Duration = Duration::from_secs(45);

/// What a message is, and so how long it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    /// What the two programs say to each other, as JSON.
    Word = 1,
    /// What one holds, or entries.
    Entries = 2,
    /// A piece of an evidence file.
    Part = 3,
}

impl Kind {
    fn of(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Word),
            2 => Some(Self::Entries),
            3 => Some(Self::Part),
            _ => None,
        }
    }

    const fn max_len(self) -> usize {
        match self {
            Self::Word => MAX_JSON_BODY,
            Self::Entries => MAX_BATCH_BODY,
            Self::Part => BLOB_PART + 64,
        }
    }
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) kind: Kind,
    pub(super) bytes: Vec<u8>,
}

/// The two ends of a new channel, and what names it.
pub(super) struct Channel<R, W> {
    pub(super) reader: Reader<R>,
    pub(super) writer: Writer<W>,
    /// The hash of everything that was said to make the channel.
    pub(super) hash: [u8; 32],
}

/// The end that is read.
pub(super) struct Reader<R> {
    io: R,
    noise: Arc<StatelessTransportState>,
    nonce: u64,
}

/// The end that is written.
pub(super) struct Writer<W> {
    io: W,
    noise: Arc<StatelessTransportState>,
    nonce: u64,
}

/// Makes a channel over a fresh connection.
pub(super) async fn open<R, W>(
    reader: R,
    writer: W,
    asks: bool,
) -> Result<Channel<R, W>, NearbyFault>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    timeout(HANDSHAKE_TIME, shake(reader, writer, asks))
        .await
        .unwrap_or_else(|_| Err(NearbyFault::here(Reason::NotALaptop, "no greeting in time")))
}

async fn shake<R, W>(mut reader: R, mut writer: W, asks: bool) -> Result<Channel<R, W>, NearbyFault>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    // Both say first of all what they are, in the clear and without waiting, so that another version can be told apart from a stranger.
    let mut mine = MAGIC.to_vec();
    mine.extend_from_slice(&VERSION.to_be_bytes());
    writer.write_all(&mine).await?;
    writer.flush().await?;
    let mut theirs = [0; MAGIC.len() + 2];
    reader
        .read_exact(&mut theirs)
        .await
        .map_err(|error| NearbyFault::here(Reason::NotALaptop, error))?;
    let version = match theirs.strip_prefix(MAGIC) {
        Some(&[high, low]) => u16::from_be_bytes([high, low]),
        _ => return Err(NearbyFault::here(Reason::NotALaptop, "another greeting")),
    };
    if version != VERSION {
        let reason = if version > VERSION {
            Reason::UpdateHere
        } else {
            Reason::UpdateThere
        };
        return Err(NearbyFault::here(reason, format!("version {version}")));
    }
    let (asking, answering) = if asks {
        (mine.as_slice(), theirs.as_slice())
    } else {
        (theirs.as_slice(), mine.as_slice())
    };
    let prologue = [asking, answering].concat();
    let builder = snow::Builder::new(NOISE.parse().map_err(crypto)?)
        .prologue(&prologue)
        .map_err(crypto)?;
    let mut state = if asks {
        builder.build_initiator()
    } else {
        builder.build_responder()
    }
    .map_err(crypto)?;
    let mut frame = [0; 256];
    while !state.is_handshake_finished() {
        if state.is_my_turn() {
            let length = state.write_message(&[], &mut frame).map_err(crypto)?;
            write_frame(&mut writer, &frame[..length]).await?;
        } else {
            let length = usize::from(reader.read_u16().await?);
            let room = frame
                .get_mut(..length)
                .ok_or_else(|| NearbyFault::garbage("a handshake message that is too long"))?;
            reader.read_exact(room).await?;
            state
                .read_message(room, &mut [])
                .map_err(|error| NearbyFault::garbage(format!("handshake: {error}")))?;
        }
    }
    let hash = state
        .get_handshake_hash()
        .try_into()
        .map_err(|_| NearbyFault::garbage("a handshake without a hash"))?;
    let noise = Arc::new(state.into_stateless_transport_mode().map_err(crypto)?);
    Ok(Channel {
        reader: Reader {
            io: reader,
            noise: Arc::clone(&noise),
            nonce: 0,
        },
        writer: Writer {
            io: writer,
            noise,
            nonce: 0,
        },
        hash,
    })
}

fn crypto(error: impl std::fmt::Display) -> NearbyFault {
    NearbyFault::here(Reason::Broken, format!("encryption: {error}"))
}

async fn write_frame(io: &mut (impl AsyncWrite + Unpin), frame: &[u8]) -> Result<(), NearbyFault> {
    let length = u16::try_from(frame.len())
        .map_err(|_| NearbyFault::here(Reason::Broken, "a frame that is too long"))?;
    io.write_all(&length.to_be_bytes()).await?;
    io.write_all(frame).await?;
    io.flush().await?;
    Ok(())
}

impl<R: AsyncRead + Unpin> Reader<R> {
    /// The next message; no more than a short word until `is_agreed`. Not to be dropped half-way and called again: what was read of it is
    /// gone.
    pub(super) async fn next(&mut self, is_agreed: &AtomicBool) -> Result<Message, NearbyFault> {
        let first = self.frame().await?;
        let (&[kind, a, b, c, d], start) = first
            .split_first_chunk::<HEAD>()
            .ok_or_else(|| NearbyFault::garbage("a message without a head"))?;
        let kind =
            Kind::of(kind).ok_or_else(|| NearbyFault::garbage("an unknown kind of message"))?;
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        let is_short = kind == Kind::Word && length <= MAX_BEFORE_AGREED;
        if !is_short && !is_agreed.load(Ordering::SeqCst) {
            return Err(NearbyFault::garbage(
                "more than a word before both have agreed",
            ));
        }
        if length > kind.max_len() {
            return Err(NearbyFault::garbage(format!(
                "a message of {length} bytes, more than its kind may have"
            )));
        }
        let mut bytes = start.to_vec();
        while bytes.len() < length {
            let more = self.frame().await?;
            if more.is_empty() {
                return Err(NearbyFault::garbage("an empty frame"));
            }
            bytes.extend_from_slice(&more);
        }
        if bytes.len() == length {
            Ok(Message { kind, bytes })
        } else {
            Err(NearbyFault::garbage("more bytes than the message has"))
        }
    }

    async fn frame(&mut self) -> Result<Vec<u8>, NearbyFault> {
        let length = usize::from(self.io.read_u16().await?);
        let mut sealed = vec![0; length];
        self.io.read_exact(&mut sealed).await?;
        let mut open = vec![0; length];
        let read = self
            .noise
            .read_message(self.nonce, &sealed, &mut open)
            .map_err(|error| NearbyFault::garbage(format!("a frame that was altered: {error}")))?;
        self.nonce += 1;
        open.truncate(read);
        Ok(open)
    }
}

impl<W: AsyncWrite + Unpin> Writer<W> {
    /// Sends a message.
    pub(super) async fn send(&mut self, message: &Message) -> Result<(), NearbyFault> {
        let length = u32::try_from(message.bytes.len())
            .ok()
            .filter(|_| message.bytes.len() <= message.kind.max_len())
            .ok_or_else(|| NearbyFault::here(Reason::Broken, "a message that is too long"))?;
        let room = MAX_FRAME - TAG;
        let first = message.bytes.len().min(room - HEAD);
        let mut frame = Vec::with_capacity(HEAD + first);
        frame.push(message.kind as u8);
        frame.extend_from_slice(&length.to_be_bytes());
        frame.extend_from_slice(&message.bytes[..first]);
        self.frame(&frame).await?;
        for piece in message.bytes[first..].chunks(room) {
            self.frame(piece).await?;
        }
        Ok(())
    }

    async fn frame(&mut self, open: &[u8]) -> Result<(), NearbyFault> {
        let mut sealed = vec![0; open.len() + TAG];
        let length = self
            .noise
            .write_message(self.nonce, open, &mut sealed)
            .map_err(crypto)?;
        self.nonce += 1;
        timeout(FRAME_TIME, write_frame(&mut self.io, &sealed[..length]))
            .await
            .unwrap_or_else(|_| Err(NearbyFault::here(Reason::Timeout, "nothing can be sent")))
    }

    /// Sends a frame as it is, so that tests can say what no program says.
    #[cfg(test)]
    pub(super) async fn raw_frame(&mut self, open: &[u8]) -> Result<(), NearbyFault> {
        self.frame(open).await
    }

    /// Says that nothing more comes.
    pub(super) async fn close(&mut self) {
        // The other side may be gone already; then there is nobody to tell.
        let _ = timeout(Duration::from_secs(1), self.io.shutdown()).await;
    }
}
