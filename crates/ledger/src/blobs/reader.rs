//! A file in the database as something to read from, cut off where a parser of hostile bytes has to stop.

use std::io::{self, BufRead, Read, Seek, SeekFrom};

use rusqlite::Connection;

use super::store::{CHUNK, read_at};

/// Reads a file's bytes up to a bound.
pub(crate) struct BlobReader<'a> {
    db: &'a Connection,
    id: i64,
    end: u64,
    at: u64,
    buffer: Vec<u8>,
    /// Where in the file the buffer begins.
    from: u64,
}

impl<'a> BlobReader<'a> {
    /// A reader that ends after `size` bytes, or after `most` if that is less.
    pub(crate) fn new(db: &'a Connection, id: i64, size: u64, most: u64) -> Self {
        Self {
            db,
            id,
            end: size.min(most),
            at: 0,
            buffer: Vec::new(),
            from: 0,
        }
    }

    fn buffered(&self) -> &[u8] {
        let within = self
            .at
            .checked_sub(self.from)
            .and_then(|n| usize::try_from(n).ok());
        let rest = within
            .and_then(|within| self.buffer.get(within..))
            .unwrap_or_default();
        let left = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        &rest[..rest.len().min(left)]
    }
}

impl Read for BlobReader<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let now = self.fill_buf()?;
        let length = now.len().min(into.len());
        into[..length].copy_from_slice(&now[..length]);
        self.consume(length);
        Ok(length)
    }
}

impl BufRead for BlobReader<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.buffered().is_empty() && self.at < self.end {
            self.buffer.resize(usize::try_from(CHUNK).unwrap_or(0), 0);
            let read =
                read_at(self.db, self.id, self.at, &mut self.buffer).map_err(io::Error::other)?;
            self.buffer.truncate(read);
            self.from = self.at;
        }
        Ok(self.buffered())
    }

    fn consume(&mut self, length: usize) {
        self.at = self.at.saturating_add(length as u64);
    }
}

impl Seek for BlobReader<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::End(by) => self.end.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = place.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}
