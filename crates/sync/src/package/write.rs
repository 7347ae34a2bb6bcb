//! Writing a package, piece by piece.

use std::io::Write;

use age::{Encryptor, stream::StreamWriter};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use shicha_domain::{
    BlobHash,
    suite::{PublicKey, SigningKey},
};

use super::{
    Contents, Kind, Label, List, MAX_PIECES, Message, PackageFault, Piece,
    contents::Counting,
    keys,
    watch::{Notes, Progress, Watched},
};
use crate::protocol::update::OfferedUpdate;

/// Writes one package. What was written is no package before [`Writer::finish`].
pub struct Writer<'p, W: Write> {
    out: StreamWriter<Watched<'p, W>>,
    notes: Notes,
    front: Vec<u8>,
    key: SigningKey,
    list: List,
    counting: Counting,
    /// The file that is being written, and how much of it is still to come.
    open: Option<(Piece, u64, Sha256)>,
}

impl<'p, W: Write> Writer<'p, W> {
    /// Begins a package: what stands on its outside, the key of whom it is for, and the sender's key. `progress` hears how many
    /// bytes are written, and may stop.
    ///
    /// # Errors
    /// When nothing can be sealed for that key, or the file cannot be written.
    pub fn begin(
        mut out: W,
        label: &Label,
        recipient: &PublicKey,
        key: &SigningKey,
        progress: Progress<'p>,
    ) -> Result<Self, PackageFault> {
        let front = label.to_front()?;
        out.write_all(&front)?;
        let recipient = keys::recipient(recipient)
            .ok_or_else(|| PackageFault::Malformed("the recipient's key is none".to_owned()))?;
        let sealing = Encryptor::with_recipients(std::iter::once(&recipient as _))
            .map_err(|error| PackageFault::Malformed(error.to_string()))?;
        let notes = Notes::default();
        let out = sealing
            .wrap_output(Watched::new(out, notes.clone(), progress))
            .map_err(|error| notes.fault(|| error.into()))?;
        Ok(Self {
            out,
            notes,
            front,
            key: key.clone(),
            list: List::default(),
            counting: Counting::default(),
            open: None,
        })
    }

    /// Adds a message in the bytes that it travels in over HTTP, and returns it as it will be read.
    ///
    /// # Errors
    /// When the bytes are none of that kind, or the file cannot be written.
    pub fn bytes(&mut self, kind: Kind, bytes: &[u8]) -> Result<Message, PackageFault> {
        // Also a check: what cannot be read back would make the whole package useless.
        let message = Message::read(kind, bytes)?;
        self.counting.message(&message);
        self.heading(Piece::of(kind, bytes))?;
        self.write(bytes)?;
        Ok(message)
    }

    /// Adds a message that travels as JSON.
    ///
    /// # Errors
    /// As [`Self::bytes`].
    pub fn message(&mut self, kind: Kind, message: &impl Serialize) -> Result<(), PackageFault> {
        let bytes = serde_json::to_vec(message)
            .map_err(|error| PackageFault::Malformed(error.to_string()))?;
        self.bytes(kind, &bytes)?;
        Ok(())
    }

    /// Begins a file of evidence, which [`Self::part`] goes on with.
    ///
    /// # Errors
    /// When another one is not whole yet, it is too large, or the file cannot be written.
    pub fn evidence(&mut self, hash: BlobHash, size: u64) -> Result<(), PackageFault> {
        self.file(Kind::Evidence, hash, size)
    }

    /// Adds what is said about an update and begins its bytes, which [`Self::part`] goes on with.
    ///
    /// # Errors
    /// As [`Self::evidence`].
    pub fn update(&mut self, update: &OfferedUpdate, hash: BlobHash) -> Result<(), PackageFault> {
        self.message(Kind::Update, update)?;
        self.file(Kind::UpdateFile, hash, update.size)
    }

    fn file(&mut self, kind: Kind, hash: BlobHash, size: u64) -> Result<(), PackageFault> {
        let piece = Piece { kind, size, hash };
        self.counting.file(&piece);
        self.heading(piece)?;
        self.open = Some((piece, size, Sha256::new()));
        Ok(())
    }

    /// Adds the next bytes of the evidence that was begun.
    ///
    /// # Errors
    /// When they are more than it has or, with the last of them, not what its hash says, or the file cannot be written.
    pub fn part(&mut self, bytes: &[u8]) -> Result<(), PackageFault> {
        let (piece, left, mut hash) = self
            .open
            .take()
            .ok_or_else(|| wrong("bytes of no evidence"))?;
        let left = left
            .checked_sub(bytes.len() as u64)
            .ok_or_else(|| wrong("more bytes of evidence than it has"))?;
        self.write(bytes)?;
        hash.update(bytes);
        if left > 0 {
            self.open = Some((piece, left, hash));
        } else if <[u8; 32]>::from(hash.finalize()) != piece.hash.0 {
            return Err(wrong("evidence that is not what its hash says"));
        }
        Ok(())
    }

    /// Ends the package: signs it and hands the file back, with what is in it.
    ///
    /// # Errors
    /// When evidence is not whole, or the file cannot be written.
    pub fn finish(mut self) -> Result<(W, Contents), PackageFault> {
        let signature = self.list.sign(&self.front, &self.key);
        self.heading(Piece::of(Kind::End, signature.tagged()))?;
        self.write(signature.tagged())?;
        let Self {
            out,
            notes,
            counting,
            ..
        } = self;
        let out = out.finish().map_err(|error| notes.fault(|| error.into()))?;
        Ok((out.into_inner(), counting.finish()))
    }

    fn heading(&mut self, piece: Piece) -> Result<(), PackageFault> {
        if self.open.is_some() {
            return Err(wrong("evidence that is not whole"));
        }
        let heading = piece.to_bytes();
        Piece::read(&heading)?;
        if piece.kind != Kind::End {
            if self.list.pieces.len() == MAX_PIECES {
                return Err(wrong("more pieces than a package may have"));
            }
            self.list.pieces.push(piece);
        }
        self.write(&heading)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), PackageFault> {
        let notes = &self.notes;
        self.out
            .write_all(bytes)
            .map_err(|error| notes.fault(|| error.into()))
    }
}

fn wrong(what: &str) -> PackageFault {
    PackageFault::Malformed(what.to_owned())
}
