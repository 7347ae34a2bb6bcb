//! Reading and writing that counts bytes, can be stopped, and tells a broken disk from broken bytes.

use std::{
    io::{self, Read, Write},
    sync::{Arc, Mutex, PoisonError},
};

use super::PackageFault;

/// Hears how many bytes of the file are done; `false` stops.
pub type Progress<'a> = &'a mut dyn FnMut(u64) -> bool;

/// Nobody watches.
pub fn unwatched() -> impl FnMut(u64) -> bool {
    |_| true
}

/// What happened below, for whoever only gets an error of the layers between.
#[derive(Clone, Default)]
pub(super) struct Notes(Arc<Mutex<Noted>>);

#[derive(Default)]
struct Noted {
    is_stopped: bool,
    failure: Option<io::Error>,
}

impl Notes {
    fn stop(&self) -> io::Error {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_stopped = true;
        io::Error::other("stopped")
    }

    fn failed(&self, error: io::Error) -> io::Error {
        let kind = error.kind();
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .failure = Some(error);
        kind.into()
    }

    /// The fault behind an error that came up through the layers; `otherwise` where nothing happened down here.
    pub(super) fn fault(&self, otherwise: impl FnOnce() -> PackageFault) -> PackageFault {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.is_stopped {
            PackageFault::Stopped
        } else if let Some(error) = noted.failure.take() {
            error.into()
        } else {
            otherwise()
        }
    }
}

/// A file that is watched.
pub(super) struct Watched<'p, T> {
    inner: T,
    notes: Notes,
    done: u64,
    progress: Progress<'p>,
}

impl<'p, T> Watched<'p, T> {
    pub(super) fn new(inner: T, notes: Notes, progress: Progress<'p>) -> Self {
        Self {
            inner,
            notes,
            done: 0,
            progress,
        }
    }

    pub(super) fn into_inner(self) -> T {
        self.inner
    }

    fn count(&mut self, bytes: usize) -> io::Result<()> {
        self.done += bytes as u64;
        if (self.progress)(self.done) {
            Ok(())
        } else {
            Err(self.notes.stop())
        }
    }
}

impl<T: Read> Read for Watched<'_, T> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.inner.read(into) {
            Ok(bytes) => {
                self.count(bytes)?;
                Ok(bytes)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => Err(self.notes.failed(error)),
        }
    }
}

impl<T: Write> Write for Watched<'_, T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.inner.write(bytes) {
            Ok(bytes) => {
                self.count(bytes)?;
                Ok(bytes)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => Err(self.notes.failed(error)),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush().map_err(|error| self.notes.failed(error))
    }
}
