//! Pieces, and the signature over all of them that ends a package.

use sha2::{Digest as _, Sha256};
use shicha_domain::suite::SigningKey;
use shicha_domain::{
    BlobHash,
    suite::{self, PublicKey, SignatureBytes},
};

use super::{PackageFault, Party};
use crate::{
    protocol::{MAX_BATCH_BODY, MAX_BLOB, MAX_JSON_BODY, signing},
    update::MAX_UPDATE,
};

/// What a piece is. The numbers stand in files and never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// Consecutive entries of one device, as in `POST /v1/push`.
    Push = 1,
    /// Numbered entries of channels, as in the answer to `POST /v1/pull`.
    Pull = 2,
    /// What became of a push.
    Answer = 3,
    /// A file of evidence.
    Evidence = 4,
    /// Up to where the endpoint holds the recipient's ledger.
    State = 5,
    /// What the sender would like to have.
    Wanted = 6,
    /// A part of what changed among organisations, people and devices.
    Directory = 7,
    /// A block of document numbers.
    Numbers = 8,
    /// A newcomer asks for a place.
    EnrolRequest = 9,
    /// The place.
    EnrolReply = 10,
    /// A device asks to go on under another key.
    IdentityRequest = 11,
    /// The new identity.
    IdentityReply = 12,
    /// An update of the application: its name, size and signature. Its bytes are the next piece.
    Update = 13,
    /// The bytes of that update.
    UpdateFile = 14,
    /// The sender's signature over all pieces, which ends the package.
    End = 255,
}

impl Kind {
    fn of(byte: u8) -> Option<Self> {
        Some(match byte {
            1 => Self::Push,
            2 => Self::Pull,
            3 => Self::Answer,
            4 => Self::Evidence,
            5 => Self::State,
            6 => Self::Wanted,
            7 => Self::Directory,
            8 => Self::Numbers,
            9 => Self::EnrolRequest,
            10 => Self::EnrolReply,
            11 => Self::IdentityRequest,
            12 => Self::IdentityReply,
            13 => Self::Update,
            14 => Self::UpdateFile,
            255 => Self::End,
            _ => return None,
        })
    }

    /// Whether a package of this sender for this recipient may hold such a piece.
    pub(super) fn belongs(self, from: Party, to: Party) -> bool {
        match (from, to) {
            (Party::Endpoint { .. }, Party::Device { .. }) => matches!(
                self,
                Self::Pull
                    | Self::Answer
                    | Self::Evidence
                    | Self::State
                    | Self::Directory
                    | Self::Numbers
                    | Self::IdentityReply
                    | Self::Update
                    | Self::UpdateFile
            ),
            (Party::Endpoint { .. }, Party::Newcomer { .. }) => matches!(
                self,
                Self::EnrolReply | Self::Pull | Self::Evidence | Self::State | Self::Directory
            ),
            (Party::Device { .. }, Party::Endpoint { .. }) => matches!(
                self,
                Self::Push | Self::Evidence | Self::Wanted | Self::IdentityRequest
            ),
            (Party::Device { .. }, Party::Device { .. }) => {
                matches!(
                    self,
                    Self::Push | Self::Evidence | Self::Update | Self::UpdateFile
                )
            }
            (Party::Newcomer { .. }, Party::Endpoint { .. }) => self == Self::EnrolRequest,
            _ => false,
        }
    }

    /// Whether a piece of this kind is a file, which is never held whole.
    pub fn is_file(self) -> bool {
        matches!(self, Self::Evidence | Self::UpdateFile)
    }

    /// The most bytes that a piece of this kind may have.
    fn most(self) -> u64 {
        match self {
            Self::Push
            | Self::Pull
            | Self::Answer
            | Self::State
            | Self::Wanted
            | Self::Directory
            | Self::EnrolReply => MAX_BATCH_BODY as u64,
            Self::Evidence => MAX_BLOB,
            Self::UpdateFile => MAX_UPDATE,
            Self::End => 1 + suite::MAX_BYTES as u64,
            _ => MAX_JSON_BODY as u64,
        }
    }
}

/// Bytes of what stands before each piece.
pub(super) const HEADING: usize = 1 + 8 + 32;

/// What stands before each piece, and of each piece in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// What it is.
    pub kind: Kind,
    /// How many bytes it has.
    pub size: u64,
    /// SHA-256 of its bytes, which for evidence is its name.
    pub hash: BlobHash,
}

impl Piece {
    pub(super) fn of(kind: Kind, bytes: &[u8]) -> Self {
        Self {
            kind,
            size: bytes.len() as u64,
            hash: BlobHash(Sha256::digest(bytes).into()),
        }
    }

    pub(super) fn to_bytes(self) -> [u8; HEADING] {
        let mut bytes = [0; HEADING];
        bytes[0] = self.kind as u8;
        bytes[1..9].copy_from_slice(&self.size.to_be_bytes());
        bytes[9..].copy_from_slice(&self.hash.0);
        bytes
    }

    /// Reads it and holds its size against what a piece of its kind may have.
    pub(super) fn read(bytes: &[u8; HEADING]) -> Result<Self, PackageFault> {
        let kind = Kind::of(bytes[0]).ok_or_else(|| {
            PackageFault::Malformed(format!("a piece of the unknown kind {}", bytes[0]))
        })?;
        let (mut size, mut hash) = ([0; 8], [0; 32]);
        size.copy_from_slice(&bytes[1..9]);
        hash.copy_from_slice(&bytes[9..]);
        let size = u64::from_be_bytes(size);
        if size == 0 || size > kind.most() {
            return Err(PackageFault::Malformed(format!(
                "a piece of kind {kind:?} with {size} bytes"
            )));
        }
        Ok(Self {
            kind,
            size,
            hash: BlobHash(hash),
        })
    }
}

/// Everything that is in a package, in its order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct List {
    /// The pieces.
    pub pieces: Vec<Piece>,
}

impl List {
    /// The last piece: the sender's signature over the front of the file and the headings of all pieces.
    pub(super) fn sign(&self, front: &[u8], key: &SigningKey) -> SignatureBytes {
        signing::sign(key, &signing::package_bytes(front, &self.to_bytes()))
    }

    /// Checks that the key signed this list for this front.
    pub(super) fn check(
        &self,
        front: &[u8],
        key: &PublicKey,
        signature: &[u8],
    ) -> Result<(), PackageFault> {
        let said = signing::package_bytes(front, &self.to_bytes());
        let signature = SignatureBytes::from_tagged(signature)?;
        Ok(suite::verify(key, &said, &signature)?)
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.pieces
            .iter()
            .flat_map(|piece| piece.to_bytes())
            .collect()
    }
}
