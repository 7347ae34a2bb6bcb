//! What pieces say, apart from evidence: the messages of the protocol, and the few that stand for what a session says over HTTP.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use shicha_domain::{
    BlobHash, Channel, DeviceId, directory::parts::DirectoryPart, number::NumberBlock,
    suite::PublicKey,
};
use uuid::Uuid;

use super::{Kind, PackageFault};
use crate::protocol::{
    Problem,
    messages::{
        EnrolReply, EnrolRequest, Head, IdentityReply, IdentityRequest, NumbersRequest, PushReply,
    },
    update::OfferedUpdate,
    wire::{self, Pull, Push},
};
use crate::update::{MAX_SIGNATURE, MAX_UPDATE, platform_of};

/// What became of a push: what `POST /v1/push` would have answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// Whose entries.
    pub device: DeviceId,
    /// The answer, or why there is none.
    pub outcome: Outcome,
}

/// What became of a push.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The endpoint holds it.
    Held(PushReply),
    /// It did not take it.
    Problem(Box<Problem>),
}

/// Up to where the endpoint holds the recipient's ledger: what opening a session would have said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Whose ledger.
    pub device: DeviceId,
    /// The endpoint's clock, Unix ms.
    pub time_ms: u64,
    /// Up to where.
    pub head: Head,
    /// Whether another identity goes on from this one: then this one has to go on under another one too.
    pub is_ended: bool,
    /// Which life of the endpoint it is: another one after it was restored from a backup.
    pub epoch: Uuid,
    /// The package that this answers.
    pub answers: Option<Uuid>,
    /// Evidence of which it was asked or that was brought, and that the endpoint has whole.
    #[serde(default)]
    pub evidence: Vec<BlobHash>,
}

/// What a device would like to have, so that the answer holds it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// Up to which entry of its own ledger it has a receipt.
    #[serde(default)]
    pub acked: u64,
    /// Up to which number it has each channel.
    #[serde(default)]
    pub cursors: Vec<(Channel, u64)>,
    /// Of those where its person waits for others to have what was written: up to which number it knows that they do.
    #[serde(default)]
    pub seen: Vec<(Channel, u64)>,
    /// Evidence that it lacks.
    #[serde(default)]
    pub evidence: Vec<BlobHash>,
    /// Evidence of which it does not know whether the endpoint has it.
    #[serde(default)]
    pub waiting: Vec<BlobHash>,
    /// Document numbers that are short.
    #[serde(default)]
    pub numbers: Vec<NumbersRequest>,
    /// The mark up to which it has the directory; nothing: it has none.
    #[serde(default)]
    pub directory: Option<String>,
}

/// The most files that a device asks for, or about, in one package.
pub const MAX_WANTED_EVIDENCE: usize = 8_000;

/// Document numbers, lent for a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LentNumbers {
    /// The request.
    pub request: Uuid,
    /// The block.
    pub block: NumberBlock,
}

/// A new identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityAnswer {
    /// Whose work it goes on with.
    pub old: DeviceId,
    /// The key that it is for.
    pub public_key: PublicKey,
    /// The identity.
    pub reply: IdentityReply,
}

/// What a piece says. Read whole, and checked as far as it can be without knowing anything else.
#[derive(Clone)]
pub enum Message {
    /// Consecutive entries of one device.
    Push(Push),
    /// Numbered entries.
    Pull(Pull),
    /// What became of a push.
    Answer(Answer),
    /// Up to where the recipient's ledger is held.
    State(State),
    /// What the sender would like to have.
    Wanted(Wanted),
    /// A part of what changed among organisations, people and devices.
    Directory(DirectoryPart),
    /// Document numbers.
    Numbers(LentNumbers),
    /// A newcomer asks for a place.
    EnrolRequest(Box<EnrolRequest>),
    /// The place.
    EnrolReply(Box<EnrolReply>),
    /// A device asks to go on under another key.
    IdentityRequest(Box<IdentityRequest>),
    /// The new identity.
    IdentityReply(Box<IdentityAnswer>),
    /// An update of the application, whose bytes follow.
    Update(Box<OfferedUpdate>),
}

impl Message {
    /// Reads the bytes of a piece.
    ///
    /// # Errors
    /// When they are no message of that kind.
    pub fn read(kind: Kind, bytes: &[u8]) -> Result<Self, PackageFault> {
        Ok(match kind {
            Kind::Push => Self::Push(wire::read_push(bytes).map_err(bad)?),
            Kind::Pull => Self::Pull(wire::read_pull(bytes).map_err(bad)?),
            Kind::Answer => Self::Answer(json(bytes)?),
            Kind::State => Self::State(json(bytes)?),
            Kind::Wanted => Self::Wanted(json(bytes)?),
            Kind::Directory => Self::Directory(json(bytes)?),
            Kind::Numbers => Self::Numbers(json(bytes)?),
            Kind::EnrolRequest => Self::EnrolRequest(Box::new(json(bytes)?)),
            Kind::EnrolReply => Self::EnrolReply(Box::new(json(bytes)?)),
            Kind::IdentityRequest => Self::IdentityRequest(Box::new(json(bytes)?)),
            Kind::IdentityReply => Self::IdentityReply(Box::new(json(bytes)?)),
            Kind::Update => Self::Update(Box::new(update(bytes)?)),
            Kind::Evidence | Kind::UpdateFile | Kind::End => {
                return Err(PackageFault::Malformed("no message".to_owned()));
            }
        })
    }
}

/// Whether its signature holds is for whoever has the key to find out; what it claims is bounded here.
fn update(bytes: &[u8]) -> Result<OfferedUpdate, PackageFault> {
    let update: OfferedUpdate = json(bytes)?;
    let is_bounded = platform_of(&update.name).is_some()
        && (1..=MAX_UPDATE).contains(&update.size)
        && update.signature.len() <= MAX_SIGNATURE;
    if is_bounded {
        Ok(update)
    } else {
        Err(bad("an update that none can be"))
    }
}

fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, PackageFault> {
    serde_json::from_slice(bytes).map_err(bad)
}

fn bad(error: impl ToString) -> PackageFault {
    PackageFault::Malformed(error.to_string())
}
