//! Reading a package: first all of it is looked at, then its pieces are handed out.
//!
//! Invariant: [`look`] takes nothing and proves everything that can be proved without a ledger: that the package is whole, unaltered,
//! for this recipient, by this sender, and that each message follows the protocol. [`Pieces`] gives what was looked at and nothing
//! else, even when the stick was changed in between.

use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};

use age::{DecryptError, Decryptor, stream::StreamReader};
use sha2::{Digest as _, Sha256};
use shicha_domain::suite::{PublicKey, SigningKey};

use super::{
    Contents, Kind, Label, List, MAX_PIECES, Message, PackageFault, Party, Piece,
    contents::Counting,
    keys,
    list::HEADING,
    watch::{Notes, Progress, Watched},
};
use crate::protocol::update::OfferedUpdate;

/// The head of the sealed part with its one recipient has some hundreds of bytes.
const MAX_SEAL: u64 = 16 << 10;
/// What ends the head of the sealed part.
const SEAL_END: &[u8] = b"\n--- ";
/// Bytes of evidence that are looked at together.
const STRETCH: usize = 64 << 10;

/// Who opens a package, and whom they believe.
pub struct Opening<'a> {
    /// Who opens it.
    pub me: &'a [Party],
    /// Their key.
    pub key: &'a SigningKey,
    /// The public key of a sender who may take part.
    pub sender: &'a dyn Fn(&Label) -> Option<PublicKey>,
}

/// A package that was looked at: whole, unaltered and genuine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// What stands on its outside.
    pub label: Label,
    /// The pieces.
    pub list: List,
    /// What is in it, counted.
    pub contents: Contents,
}

/// Reads the whole package and proves it. Nothing is taken.
///
/// # Errors
/// Why it is refused.
pub fn look(
    input: impl Read,
    opening: &Opening<'_>,
    progress: Progress<'_>,
) -> Result<Looked, PackageFault> {
    let mut sealed = Sealed::open(input, opening.me, opening.key, progress)?;
    let label = sealed.label.clone();
    let key = (opening.sender)(&label).ok_or(PackageFault::UnknownSender(label.from))?;
    let mut list = List::default();
    let mut counting = Counting::default();
    let mut order = Order::default();
    loop {
        let piece = sealed.heading()?;
        order.next(&piece, counting.update())?;
        if piece.kind != Kind::End && !piece.kind.belongs(label.from, label.to) {
            return Err(PackageFault::Malformed(format!(
                "{:?} from {} to {}",
                piece.kind, label.from, label.to
            )));
        }
        match piece.kind {
            Kind::End => {
                let signature = sealed.bytes(&piece)?;
                sealed.end()?;
                list.check(&sealed.front, &key, &signature)?;
                let contents = counting.finish();
                return Ok(Looked {
                    label,
                    list,
                    contents,
                });
            }
            kind if kind.is_file() => {
                sealed.skim(&piece)?;
                counting.file(&piece);
            }
            kind => {
                let bytes = sealed.bytes(&piece)?;
                counting.message(&Message::read(kind, &bytes)?);
            }
        }
        if list.pieces.len() == MAX_PIECES {
            return Err(PackageFault::Malformed(
                "more pieces than a package may have".into(),
            ));
        }
        list.pieces.push(piece);
    }
}

/// An update comes once, and its bytes right after what is said about it.
#[derive(Default)]
struct Order {
    has_update: bool,
    expects_file: bool,
}

impl Order {
    fn next(&mut self, piece: &Piece, said: Option<&OfferedUpdate>) -> Result<(), PackageFault> {
        let is_right = match piece.kind {
            Kind::UpdateFile => {
                self.expects_file && said.is_some_and(|said| said.size == piece.size)
            }
            Kind::Update => !self.has_update,
            _ => !self.expects_file,
        };
        self.expects_file = piece.kind == Kind::Update;
        self.has_update |= self.expects_file;
        if is_right {
            Ok(())
        } else {
            Err(PackageFault::Malformed("an update out of place".to_owned()))
        }
    }
}

/// Hands the pieces of a package out that was looked at.
pub struct Pieces<'p, R: Read> {
    sealed: Sealed<'p, R>,
    list: List,
    next: usize,
    /// Bytes of evidence that were not read yet.
    left: u64,
}

impl<'p, R: Read> Pieces<'p, R> {
    /// Opens the file again, from its start.
    ///
    /// # Errors
    /// When it is another one than what was looked at, or cannot be read.
    pub fn open(
        input: R,
        looked: &Looked,
        key: &SigningKey,
        progress: Progress<'p>,
    ) -> Result<Self, PackageFault> {
        let sealed = Sealed::open(input, &[looked.label.to], key, progress)?;
        if sealed.label != looked.label {
            return Err(PackageFault::Damaged("it is another one than before"));
        }
        Ok(Self {
            sealed,
            list: looked.list.clone(),
            next: 0,
            left: 0,
        })
    }

    /// The next piece; what was not read of the one before is passed over.
    ///
    /// # Errors
    /// When the file cannot be read or was changed since it was looked at.
    pub fn next_piece(&mut self) -> Result<Option<Piece>, PackageFault> {
        let mut buffer = [0; 8 << 10];
        while self.left > 0 {
            self.read(&mut buffer)?;
        }
        let Some(expected) = self.list.pieces.get(self.next).copied() else {
            return Ok(None);
        };
        self.next += 1;
        let piece = self.sealed.heading()?;
        if piece != expected {
            return Err(PackageFault::Damaged("it is another one than before"));
        }
        if piece.kind.is_file() {
            self.left = piece.size;
        }
        Ok(Some(piece))
    }

    /// What the piece says that [`Self::next_piece`] gave just now.
    ///
    /// # Errors
    /// As [`Self::next_piece`].
    pub fn message(&mut self, piece: &Piece) -> Result<Message, PackageFault> {
        let bytes = self.sealed.bytes(piece)?;
        Message::read(piece.kind, &bytes)
    }

    /// The next bytes of the file that [`Self::next_piece`] gave; 0 at its end. Their hash is for the taker to hold against the
    /// piece's, as it keeps evidence by its hash anyway.
    ///
    /// # Errors
    /// As [`Self::next_piece`].
    pub fn read(&mut self, into: &mut [u8]) -> Result<usize, PackageFault> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        let length = into.len().min(most);
        self.sealed.fill(&mut into[..length])?;
        self.left -= length as u64;
        Ok(length)
    }
}

type Input<'p, R> = Chain<Cursor<Vec<u8>>, BufReader<Watched<'p, R>>>;

/// The sealed part, opened.
struct Sealed<'p, R: Read> {
    label: Label,
    front: Vec<u8>,
    notes: Notes,
    inner: StreamReader<Input<'p, R>>,
}

impl<'p, R: Read> Sealed<'p, R> {
    fn open(
        input: R,
        me: &[Party],
        key: &SigningKey,
        progress: Progress<'p>,
    ) -> Result<Self, PackageFault> {
        let notes = Notes::default();
        let mut input =
            BufReader::with_capacity(128 << 10, Watched::new(input, notes.clone(), progress));
        let (label, front) = Label::read_front(&mut input).map_err(|fault| lower(&notes, fault))?;
        if !me.contains(&label.to) {
            return Err(PackageFault::ForAnother(label.to));
        }
        // The head of the sealed part is read by a parser that goes on for as long as there is more: no further than its end.
        let mut head = Vec::new();
        while !has(&head, SEAL_END) && head.len() < MAX_SEAL as usize {
            let more = input
                .fill_buf()
                .map_err(|error| notes.fault(|| error.into()))?;
            let more = &more[..more.len().min(4 << 10)];
            let taken = more.len();
            if taken == 0 {
                break;
            }
            head.extend_from_slice(more);
            input.consume(taken);
        }
        if !has(&head, SEAL_END) {
            return Err(PackageFault::Damaged("its sealed part has no beginning"));
        }
        let input = Cursor::new(head).chain(input);
        let identity = keys::identity(key)
            .ok_or_else(|| PackageFault::Malformed("the own key is none".to_owned()))?;
        let inner = Decryptor::new_buffered(input)
            .and_then(|sealed| sealed.decrypt(std::iter::once(&identity as _)))
            .map_err(|error| match error {
                DecryptError::Io(error) => notes.fault(|| damaged(&error)),
                DecryptError::NoMatchingKeys => {
                    PackageFault::Damaged("it is sealed for another key than its label says")
                }
                _ => PackageFault::Damaged("its sealed part cannot be opened"),
            })?;
        Ok(Self {
            label,
            front,
            notes,
            inner,
        })
    }

    fn fill(&mut self, into: &mut [u8]) -> Result<(), PackageFault> {
        let notes = &self.notes;
        self.inner
            .read_exact(into)
            .map_err(|error| notes.fault(|| damaged(&error)))
    }

    fn heading(&mut self) -> Result<Piece, PackageFault> {
        let mut heading = [0; HEADING];
        self.fill(&mut heading)?;
        Piece::read(&heading)
    }

    /// All bytes of a piece, with the hash that it says. Memory is taken as they come and not for what the heading claims.
    fn bytes(&mut self, piece: &Piece) -> Result<Vec<u8>, PackageFault> {
        let mut bytes = Vec::new();
        let mut left = piece.size;
        while left > 0 {
            let from = bytes.len();
            let stretch = usize::try_from(left).unwrap_or(STRETCH).min(STRETCH);
            bytes.resize(from + stretch, 0);
            self.fill(&mut bytes[from..])?;
            left -= stretch as u64;
        }
        if Piece::of(piece.kind, &bytes) == *piece {
            Ok(bytes)
        } else {
            Err(PackageFault::Damaged(
                "a piece is not what its heading says",
            ))
        }
    }

    /// Reads over evidence and hashes it.
    fn skim(&mut self, piece: &Piece) -> Result<(), PackageFault> {
        let mut hash = Sha256::new();
        let mut stretch = vec![0; STRETCH];
        let mut left = piece.size;
        while left > 0 {
            let length = usize::try_from(left).unwrap_or(STRETCH).min(STRETCH);
            self.fill(&mut stretch[..length])?;
            hash.update(&stretch[..length]);
            left -= length as u64;
        }
        if <[u8; 32]>::from(hash.finalize()) == piece.hash.0 {
            Ok(())
        } else {
            Err(PackageFault::Damaged("a file is not what its hash says"))
        }
    }

    /// Makes sure that nothing follows.
    fn end(&mut self) -> Result<(), PackageFault> {
        let notes = &self.notes;
        match self.inner.read(&mut [0]) {
            Ok(0) => Ok(()),
            Ok(_) => Err(PackageFault::Malformed("bytes after the end".to_owned())),
            Err(error) => Err(notes.fault(|| damaged(&error))),
        }
    }
}

/// An error of the sealed part, where the disk below did not fail.
fn damaged(error: &io::Error) -> PackageFault {
    PackageFault::Damaged(match error.kind() {
        io::ErrorKind::UnexpectedEof => "the file ends early",
        _ => "its bytes were changed",
    })
}

/// A fault of the layers, or what happened below them.
fn lower(notes: &Notes, fault: PackageFault) -> PackageFault {
    match fault {
        PackageFault::Io(error) => notes.fault(|| PackageFault::Io(error)),
        other => other,
    }
}

fn has(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|window| window == what)
}
